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

package clock

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is lost is not told any more, as what it was before.
func TestStatus(t *testing.T) {
	slave, faulty := port(1, Slave), port(1, Faulty)
	following := slices.Concat(lockedAtStart, []step{{at: 200, fact: PathDelay{Delay: 480}}})
	for _, tc := range []struct {
		name  string
		steps []step
		want  Status
	}{
		{"not read yet", []step{{at: 0, fact: one}}, Status{}},
		{"cannot be read", []step{{at: 0, fact: one}, {at: 1, fact: Down{}}}, Status{State: Freerun, Reason: DaemonDown}},
		{
			"slave without a sample",
			[]step{{at: 0, fact: one}, {at: 1, fact: reading(255, parentOK, Slave)}, {at: 2, fact: PathDelay{Delay: 480}}},
			Status{Up: true, Interface: "eth0", Grandmaster: gm, Ports: []Port{slave}},
		},
		{
			"following", following,
			Status{
				Up: true, State: Locked, Reason: OffsetInRange, Class: Class(6), Interface: "eth0", Grandmaster: gm, Ports: []Port{slave},
				Offset: 55, HasOffset: true, PathDelay: 480, HasPathDelay: true,
			},
		},
		{
			"following another master, whose path is not measured yet", slices.Concat(following, []step{{at: 300, fact: PathDelay{}}}),
			Status{Up: true, State: Locked, Reason: OffsetInRange, Class: Class(6), Interface: "eth0", Grandmaster: gm, Ports: []Port{slave}, Offset: 55, HasOffset: true},
		},
		{
			"silence", slices.Concat(following, []step{{at: 700, fact: Silence{}}}),
			Status{Up: true, State: Holdover, Reason: SyncSilent, Class: Class(255), Interface: "eth0", Grandmaster: gm, Ports: []Port{slave}, Silent: true},
		},
		{
			"Sync after silence, of a master whose path is not known yet", slices.Concat(following, []step{{at: 700, fact: Silence{}}, {at: 800, fact: Sync{Offset: 60}}}),
			Status{Up: true, State: Holdover, Reason: SyncSilent, Class: Class(255), Interface: "eth0", Grandmaster: gm, Ports: []Port{slave}, Offset: 60, HasOffset: true},
		},
		{
			"the port leaves SLAVE", slices.Concat(following, []step{{at: 700, fact: faulty}, {at: 701, fact: PathDelay{Delay: 480}}}),
			Status{Up: true, State: Holdover, Reason: PortNotSlave, Class: Class(255), Interface: "eth0", Grandmaster: gm, Ports: []Port{faulty}},
		},
		{
			"ptp4l goes while it is silent", slices.Concat(following, []step{{at: 700, fact: Silence{}}, {at: 800, fact: Down{}}}),
			Status{State: Holdover, Reason: SyncSilent, Class: Class(255), Interface: "eth0", Grandmaster: gm},
		},
		{
			"grandmaster itself",
			[]step{{at: 0, fact: one}, {at: 1, fact: reading(248, parentOwn, Master)}},
			Status{Up: true, State: Freerun, Reason: GrandmasterClass, Class: Class(248), Grandmaster: own, Ports: []Port{port(1, Master)}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := NewNode(limits)
			observe(n, tc.steps)
			tc.want.Instance = "a"
			if diff := cmp.Diff([]Status{tc.want}, n.Present()); diff != "" {
				t.Errorf("present (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, n.Status("a")); diff != "" {
				t.Errorf("of the instance (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatusOfInstancesThatComeAndGo(t *testing.T) {
	n := NewNode(limits)
	if got := n.Status("a"); !cmp.Equal(got, Status{Instance: "a"}) || n.Present() != nil || n.State() != Unknown {
		t.Errorf("%+v, %v, %v before anything was observed", got, n.Present(), n.State())
	}
	observe(n, slices.Concat(lockedAtStart, []step{{at: 200, fact: two}}))
	names := func() (names []string) {
		for _, s := range n.Present() {
			names = append(names, s.Instance)
		}
		return names
	}
	if got := names(); !slices.Equal(got, []string{"a", "b"}) || n.State() != Locked {
		t.Errorf("%v are present and the node is %v", got, n.State())
	}
	observe(n, []step{{at: 300, fact: Inventory{Instances: []string{"b"}}}})
	if got := names(); !slices.Equal(got, []string{"b"}) || n.Status("a").State != Holdover {
		t.Errorf("%v are present, and the one that is gone is %v", got, n.Status("a").State)
	}
	observe(n, []step{{at: 400, fact: one}})
	if got := names(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("%v are present", got)
	}
}
