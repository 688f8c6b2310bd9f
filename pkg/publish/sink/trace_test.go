/*
Copyright 2026 The eventing-ptp Authors

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package sink_test

import "testing"

// Every try of an event is part of one trace, and every event has another one.
func TestTraceOfAnEvent(t *testing.T) {
	s := newServer(t, status(503), status(400), status(202))
	dead := newServer(t)
	b := newBench(t, 10)
	b.Sink, b.DeadLetter = target(t, s.URL), target(t, dead.URL)
	b.record(2)
	b.finish(b.run(), 2)
	all := s.all()
	first, second := all[0].Header.Get("Traceparent"), all[2].Header.Get("Traceparent")
	if first == second || first == "" {
		t.Errorf("two events have the traces %q and %q", first, second)
	}
	for n, r := range append(all[:2:2], dead.all()...) {
		if got := r.Header.Get("Traceparent"); got != first {
			t.Errorf("try %d has the trace %q, the first one %q", n+1, got, first)
		}
	}
	for _, r := range append(all, dead.all()...) {
		if header, attribute := r.Header.Get("Traceparent"), r.Header.Get("Ce-Traceparent"); header != attribute {
			t.Errorf("the header says %q and the attribute %q", header, attribute)
		}
	}
}
