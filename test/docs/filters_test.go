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

package docs_test

import (
	"path"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"go.uber.org/zap/zaptest"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	"knative.dev/eventing/pkg/eventfilter"
	"knative.dev/eventing/pkg/eventfilter/subscriptionsapi"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// made are events as the adapters make them for a source, by node, resource and state.
func made(t *testing.T, source *v1alpha1.PtpSource) map[string]cloudevents.Event {
	t.Helper()
	source.SetDefaults(t.Context())
	var transitions []clock.Transition
	for _, state := range []clock.State{clock.Freerun, clock.Holdover, clock.Locked} {
		transitions = append(transitions,
			clock.Transition{Kind: clock.LockState, Instance: "ptp4l", Interface: "eth0", To: state, Reason: clock.SyncSilent},
			clock.Transition{Kind: clock.SyncState, To: state, Reason: clock.SyncSilent},
			clock.Transition{Kind: clock.OSClockState, To: state, Reason: clock.SyncSilent})
	}
	for _, class := range []clock.Class{6, 7, 52, 248} {
		transitions = append(transitions, clock.Transition{
			Kind: clock.ClockClass, Instance: "ptp4l", Interface: "eth0", From: clock.Class(13), To: class, Reason: clock.ParentClass,
		})
	}
	events := map[string]cloudevents.Event{}
	for _, node := range []string{"n1", "n2", "n10"} {
		here := oran.Place{Cluster: source.Spec.Events.ClusterName, Node: node}
		encoder, err := oran.NewEncoder(here, oran.SourceFormat(source.Spec.Events.SourceFormat))
		if err != nil {
			t.Fatal(err)
		}
		for _, transition := range transitions {
			event, err := encoder.Encode(transition, time.Unix(1, 0))
			if err != nil {
				t.Fatal(err)
			}
			events[node+" "+transition.Kind.String()+" "+transition.To.String()] = event.CloudEvent("0123456789ab-1", 1)
		}
	}
	return events
}

// A filter that lets too much in, or nothing, looks like one that works until a clock breaks.
func TestTriggersLetIn(t *testing.T) {
	const lockState = "* lock-state *"
	want := map[string][]string{
		"01-quick-start": {"n1 lock-state *"},
		"02-one-node":    {"n1 *"},
		"03-by-state":    {"* lock-state FREERUN", "* sync-state FREERUN", "* os-clock-sync-state FREERUN"},
		"04-cesql":       {"* clock-class 52", "* clock-class 248"},
		"07-dead-letter": {lockState},
		"08-dependency":  {lockState},
		"09-tls-oidc":    {lockState},
		"10-kafka":       {lockState},
		"11-rabbitmq":    {lockState},
	}
	for _, s := range samples(t) {
		triggers := of[*eventingv1.Trigger](s)
		patterns, ok := want[s.name]
		if len(triggers) > 1 || ok != (len(triggers) == 1) {
			t.Fatalf("%s has %d Triggers, and this test expects %v to pass", s.name, len(triggers), patterns)
		}
		if !ok {
			continue
		}
		filter := subscriptionsapi.CreateSubscriptionsAPIFilters(zaptest.NewLogger(t), triggers[0].Spec.Filters)
		for _, source := range of[*v1alpha1.PtpSource](s) {
			used := map[string]bool{}
			for name, event := range made(t, source) {
				expected := false
				for _, pattern := range patterns {
					if matched, err := path.Match(pattern, name); err != nil {
						t.Fatal(err)
					} else if matched {
						expected, used[pattern] = true, true
					}
				}
				if passed := filter.Filter(t.Context(), event) == eventfilter.PassFilter; passed != expected {
					t.Errorf("%s: that %q passes is %v, want %v", s.name, name, passed, expected)
				}
			}
			if len(used) != len(patterns) {
				t.Errorf("%s: of %v only %v are events", s.name, patterns, used)
			}
		}
	}
}
