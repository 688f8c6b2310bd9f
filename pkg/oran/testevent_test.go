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

package oran_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// A test event has the address that it shall have, and nothing in it is a state of a clock.
func TestTestEvent(t *testing.T) {
	encoder, err := oran.NewEncoder(here, oran.SourceFull)
	if err != nil {
		t.Fatal(err)
	}
	node := oran.Address{Cluster: here.Cluster, Node: here.Node}.String()
	for _, tc := range []struct {
		name, address     string
		resource, subject string
	}{
		{"no address", "", oran.TestResource, here.Node},
		{"a resource of any node", "/sync/ptp-status/clock-class", oran.ClockClass, here.Node},
		{"this node", "/././sync/sync-status/sync-state", oran.SyncState, here.Node},
		{"an instance", node + "/ptp4l.0" + oran.LockState, oran.LockState, "ptp4l.0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var at oran.Address
			if tc.address != "" {
				if at, err = oran.ParseAddress(tc.address); err != nil {
					t.Fatal(err)
				}
			}
			e, err := encoder.Test(at, observed())
			if err != nil {
				t.Fatal(err)
			}
			got := e.CloudEvent("E-7", 7)
			if got.Type() != "com.github.eventing-ptp.test" || got.Source() != node+tc.resource || got.Subject() != tc.subject || !got.Time().Equal(observed()) {
				t.Errorf("type %s, source %s, subject %s, time %v", got.Type(), got.Source(), got.Subject(), got.Time())
			}
			want := map[string]any{
				"node": here.Node, "ptpreason": "Requested", "ptpstate": "TEST", "partitionkey": node + tc.resource,
				"resourceaddress": node + tc.resource, "sequence": "00000000000000000007",
			}
			if tc.subject != here.Node {
				want["instance"] = tc.subject
			}
			if diff := cmp.Diff(want, got.Extensions()); diff != "" {
				t.Errorf("extensions, want (-) and got (+):\n%s", diff)
			}
			if err := validate(t, schemaOf(t, e.Type), e.Data); err != nil {
				t.Errorf("%s: %v", e.Data, err)
			}
			raw := e.Marshal()
			if key := oran.Key(raw); key != "" {
				t.Errorf("it is taken for the value of %q", key)
			}
			if again, err := oran.Unmarshal(raw); err != nil || again != e {
				t.Errorf("recorded %+v, read %+v, %v", e, again, err)
			}
			if past, ok := e.Past(here); ok {
				t.Errorf("it says of the past %+v", past)
			}
		})
	}
	// What is really about it has a key, so the one above is empty for a reason.
	if key := oran.Key(encode(t, oran.SourceFull, clock.Transition{Kind: clock.LockState, Instance: "ptp4l.0", To: clock.Locked}).Marshal()); key == "" {
		t.Error("a lock-state has no key")
	}
}

func TestTestEventsThatCannotBe(t *testing.T) {
	encoder, err := oran.NewEncoder(oran.Place{Cluster: "cluster", Node: "n1"}, oran.SourceORAN)
	if err != nil {
		t.Fatal(err)
	}
	for want, at := range map[string]oran.Address{
		`there is no resource "/sync/ptp-status"; there are /sync/eventing-ptp/test and, for example, /sync/ptp-status/lock-state`: {Resource: "/sync/ptp-status"},
		"/cluster/node/n2/sync/ptp-status/lock-state is not of this node, whose addresses begin with /cluster/node/n1":             {Node: "n2", Resource: oran.LockState},
		"/site/node/n1/sync/ptp-status/lock-state is not of this node, whose addresses begin with /cluster/node/n1":                {Cluster: "site", Resource: oran.LockState},
		"/cluster/node/n1/ptp4l.*/sync/ptp-status/lock-state is not the resource address of one thing":                             {Instance: "ptp4l.*", Resource: oran.LockState},
		"/cluster/node/n1/a//b/sync/ptp-status/lock-state is not the resource address of one thing":                                {Instance: "a//b", Resource: oran.LockState},
	} {
		if _, err := encoder.Test(at, observed()); err == nil || err.Error() != want {
			t.Errorf("%+v: %v\nwant %s", at, err, want)
		}
	}
	e, err := encoder.Test(oran.Address{}, observed())
	if err != nil || e.Source != oran.TestResource {
		t.Errorf("source %s, %v", e.Source, err)
	}
}
