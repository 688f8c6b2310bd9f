//go:build e2e

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

package e2e

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// A sink is a reference, a URI, or a path at a reference.
func TestSinkAsRefAndURI(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	app := r.StartRecorder("app").Ready()
	withPath := kit.ToURL("/there")
	r.Source("ref", kit.OnNode("n1"), kit.To(app))
	r.Source("uri", kit.OnNode("n2"), kit.ToURL("http://"+app.Host+"/here"))
	r.Source("both", kit.OnNode("n1"), withPath, func(s *v1alpha1.PtpSourceSpec) { s.Sink.Ref = app.Ref.DeepCopy() })
	for _, want := range []struct{ name, inbox, sink string }{
		{"ref", "/", "http://" + app.Host},
		{"uri", "/here", "http://" + app.Host + "/here"},
		{"both", "/there", "http://" + app.Host + "/there"},
	} {
		s := r.ReadyOn(want.name, 1)
		if got := s.Status.SinkURI.String(); got != want.sink {
			t.Errorf("%s: sinkUri is %s, want %s", want.name, got, want.sink)
		}
		app.Expect(time.Time{}, kit.Event{Inbox: want.inbox, Source: want.name, Type: kit.LockState, State: "LOCKED"})
	}
}

// A source waits for a sink that is made later, and says so.
func TestSinkIsCreatedLate(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	late := kit.ToBroker("late")
	r.Source("clocks", kit.OnNode("n1"), late)
	r.Condition("clocks", v1alpha1.ConditionSinkProvided, corev1.ConditionFalse, v1alpha1.ReasonSinkNotFound)

	app := r.StartRecorder("app").Rules(ledger.Rules{Unordered: true}).Ready()
	r.Broker("late")
	r.Trigger("all", "late", "[]", app)
	r.TriggerReady("all")
	r.ReadyOn("clocks", 1)
	// The Broker may be ready before its Trigger, and forgets what nobody asks for: so the
	// first event that must come is the next pulse.
	app.Expect(time.Now(), kit.Event{Type: kit.ClockClass})
}

// A source that is given another sink sends there, and nothing is lost in between.
func TestSinkIsChanged(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	first, second := r.StartRecorder("first").Ready(), r.StartRecorder("second").Ready()
	r.Source("clocks", kit.To(first))
	r.ReadyOn("clocks", 2)
	for _, node := range []string{"n1", "n2"} {
		first.Expect(time.Now(), kit.Event{Node: node, Type: kit.ClockClass})
	}
	r.Change("clocks", kit.To(second))
	r.ReadyOn("clocks", 2)
	now := time.Now()
	for _, node := range []string{"n1", "n2"} {
		second.Expect(now, kit.Event{Node: node, Type: kit.ClockClass})
	}
	for _, e := range first.Entries() {
		if e.Event.Time().After(now) {
			t.Errorf("the first sink got: %s", kit.Describe(e))
		}
	}
	second.CarriesOn(first)
}
