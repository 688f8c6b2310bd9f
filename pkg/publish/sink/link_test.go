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

package sink

import (
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	exponential := Delivery{Backoff: 100 * time.Millisecond, MaxBackoff: time.Second}
	linear := Delivery{Backoff: 100 * time.Millisecond, MaxBackoff: 250 * time.Millisecond, Linear: true}
	for _, tc := range []struct {
		d                 Delivery
		n                 int
		shortest, longest time.Duration
	}{
		{exponential, 1, 50 * time.Millisecond, 100 * time.Millisecond},
		{exponential, 2, 100 * time.Millisecond, 200 * time.Millisecond},
		{exponential, 3, 200 * time.Millisecond, 400 * time.Millisecond},
		{exponential, 4, 400 * time.Millisecond, 800 * time.Millisecond},
		{exponential, 5, 500 * time.Millisecond, time.Second},
		{exponential, 6, 500 * time.Millisecond, time.Second},
		{exponential, 1 << 40, 500 * time.Millisecond, time.Second},
		{linear, 1, 50 * time.Millisecond, 100 * time.Millisecond},
		{linear, 2, 100 * time.Millisecond, 200 * time.Millisecond},
		{linear, 3, 125 * time.Millisecond, 250 * time.Millisecond},
		{linear, 1 << 40, 125 * time.Millisecond, 250 * time.Millisecond},
	} {
		seen := map[time.Duration]bool{}
		for range 100 {
			wait := tc.d.wait(tc.n)
			if wait < tc.shortest || wait > tc.longest {
				t.Errorf("wait(%d) = %v, want %v to %v", tc.n, wait, tc.shortest, tc.longest)
			}
			seen[wait] = true
		}
		if len(seen) < 50 {
			t.Errorf("wait(%d) has only %d values in 100 draws", tc.n, len(seen))
		}
	}
}

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"http://broker-ingress.knative-eventing.svc.cluster.local/default/default": "http://broker-ingress.knative-eventing.svc.cluster.local/default/default",
		"https://user:secret@sink.example:8443/in?token=secret#secret":             "https://sink.example:8443/in",
		"user:secret@sink.example/in":                                              "(not a URL)",
		"http://user:secret@sink:port/":                                            "(not a URL)",
		"":                                                                         "(not a URL)",
	} {
		if got := shown(in); got != want {
			t.Errorf("shown(%q) = %q, want %q", in, got, want)
		}
	}
}
