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
	"time"

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

// What the hardware of a node is like, as far as it is there and can be read.
func TestStatusOfHardware(t *testing.T) {
	n := NewNode(limits)
	if n.PresentHardware() != nil || n.PresentReceivers() != nil || n.PresentDPLLs() != nil {
		t.Error("something is present that is not watched")
	}
	if _, watched := n.OSClockSteps(); watched {
		t.Error("an OS clock is watched")
	}
	n.WatchOSClock(true)
	n.WatchHardwareClocks()
	n.WatchGNSS()
	n.WatchDPLLs()
	n.Resume(0, []Past{{Kind: SyncELockState, Instance: "ice.1", Value: Locked, Holdover: 5 * time.Second}, {Kind: GNSSSyncStatus, Instance: "gnss1", Value: GNSSNoFix}})
	observe(n, []step{
		{at: 0, fact: one},
		{at: 1, fact: stamped("ptp0")},
		{at: 1, fact: inTAI},
		{at: 2, fact: HardwareClocks{Devices: []HardwareClockDevice{{Name: "ptp0", Interfaces: []string{"eth0"}}, {Name: "ptp1"}, {Name: "ptp2"}, {Name: "ptp3"}}}},
		{at: 3, fact: HardwareClock{Device: "ptp0", Offset: tai - 250, Frequency: -12, HasFrequency: true}},
		{at: 3, fact: HardwareClock{Device: "ptp1", Offset: 4 * time.Second}},
		{at: 4, fact: HardwareClockStep{Device: "ptp1", By: 7}},
		{at: 4, fact: HardwareClock{Device: "ptp1", Offset: 4*time.Second + 7}},
		{at: 4, fact: HardwareClockStep{Device: "ptp3", By: 7}},
		{at: 5, fact: HardwareClockUnreadable{Device: "ptp3"}},
		{at: 6, fact: OSClockStep{By: time.Second}},
		{at: 7, fact: GNSSReceivers{Open: []string{"gnss0", "gnss1"}, Closed: []string{"gnss2"}}},
		{at: 8, fact: GNSSReport{Fix: Fix3D, Satellites: 9}, of: "gnss0"},
		{at: 9, fact: DPLLs{Devices: []DPLL{{Name: "ice.1", Type: DPLLEEC, Lock: DPLLHoldover}, {Name: "ice.1", Type: DPLLPPS, Lock: DPLLLocked}, {Name: "x", Type: DPLLPPS}}}},
	})
	hardware := []HardwareStatus{
		{Device: "ptp0", Interfaces: []string{"eth0"}, Readable: true, Residual: -250, Frequency: -12, HasFrequency: true},
		{Device: "ptp1", Readable: true, Residual: 7, Steps: 1},
		{Device: "ptp2"},
		{Device: "ptp3", Steps: 1},
	}
	if diff := cmp.Diff(hardware, n.PresentHardware()); diff != "" {
		t.Errorf("hardware clocks (-want +got):\n%s", diff)
	}
	if steps, watched := n.OSClockSteps(); steps != 1 || !watched {
		t.Errorf("the OS clock was set %d times, watched: %v", steps, watched)
	}
	receivers := []ReceiverStatus{{Name: "gnss1", State: GNSSNoFix}, {Name: "gnss0", State: GNSSSynchronized, Report: GNSSReport{Fix: Fix3D, Satellites: 9}}}
	if diff := cmp.Diff(receivers, n.PresentReceivers()); diff != "" {
		t.Errorf("receivers (-want +got):\n%s", diff)
	}
	dplls := []DPLLStatus{{"ice.1", DPLLEEC, Holdover}, {"ice.1", DPLLPPS, Locked}, {"x", DPLLPPS, Unknown}}
	if diff := cmp.Diff(dplls, n.PresentDPLLs()); diff != "" {
		t.Errorf("DPLLs (-want +got):\n%s", diff)
	}
	observe(n, []step{
		{at: 20, fact: HardwareClocks{}},
		{at: 21, fact: GNSSReceivers{}},
		{at: 22, fact: DPLLUnreadable{}},
	})
	if n.PresentHardware() != nil || n.PresentReceivers() != nil || n.PresentDPLLs() != nil {
		t.Error("something is present that is gone")
	}
}
