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

var eec1 = QualityLevel{SSM: 0x0B, Enhanced: 0xFF}

// eecIn is a fact about one EEC, "e".
func eecIn(lock DPLLLock) DPLLs {
	return DPLLs{Devices: []DPLL{{Name: "e", Type: DPLLEEC, Lock: lock}}}
}

func eecOf(lock DPLLLock, quality QualityLevel) DPLLs {
	return DPLLs{Devices: []DPLL{{Name: "e", Type: DPLLEEC, Lock: lock, Quality: quality, HasQuality: true}}}
}

func ppsIn(locks ...DPLLLock) DPLLs {
	var all DPLLs
	for _, lock := range locks {
		all.Devices = append(all.Devices, DPLL{Name: "p", Type: DPLLPPS, Lock: lock})
	}
	return all
}

func TestSyncE(t *testing.T) {
	const locked = "0 e synce-lock-state ->LOCKED DPLLLockStatus"
	for _, tc := range []struct {
		name  string
		steps []step
		want  []string
	}{
		{"locked", []step{{at: 0, fact: eecIn(DPLLLocked)}, {at: 1, fact: eecIn(DPLLLockedHoldover)}, {at: 2, fact: eecIn(DPLLLocked)}}, []string{locked}},
		{"unlocked", []step{{at: 0, fact: eecIn(DPLLUnlocked)}}, []string{"0 e synce-lock-state ->FREERUN DPLLLockStatus"}},
		{"in holdover", []step{{at: 0, fact: eecIn(DPLLHoldover)}}, []string{"0 e synce-lock-state ->HOLDOVER DPLLLockStatus"}},
		{"no DPLL at all", []step{{at: 0, fact: DPLLs{}}, {at: 1, fact: DPLLUnreadable{}}}, nil},
		{
			"holdover lasts for as long as the DPLL says",
			[]step{{at: 0, fact: eecIn(DPLLLockedHoldover)}, {at: 1, fact: eecIn(DPLLHoldover)}, {at: 60_000}, {at: 60_001, fact: eecIn(DPLLUnlocked)}, {at: 60_002, fact: eecIn(DPLLLocked)}},
			[]string{locked, "1 e synce-lock-state LOCKED>HOLDOVER DPLLLockStatus", "60001 e synce-lock-state HOLDOVER>FREERUN DPLLLockStatus", "60002 e synce-lock-state FREERUN>LOCKED DPLLLockStatus"},
		},
		{
			"a DPLL that is gone",
			[]step{{at: 0, fact: eecIn(DPLLLocked)}, {at: 1, fact: DPLLs{}}, {at: 5000}, {at: 5001}},
			[]string{locked, "1 e synce-lock-state LOCKED>HOLDOVER DPLLGone", "5001 e synce-lock-state HOLDOVER>FREERUN HoldoverExpired"},
		},
		{
			"a DPLL in holdover that is gone is not trusted for ever",
			[]step{{at: 0, fact: eecIn(DPLLHoldover)}, {at: 1, fact: DPLLs{}}, {at: 5001}},
			[]string{"0 e synce-lock-state ->HOLDOVER DPLLLockStatus", "5001 e synce-lock-state HOLDOVER>FREERUN HoldoverExpired"},
		},
		{
			"a kernel that does not tell any more, and does again",
			[]step{{at: 0, fact: eecIn(DPLLLocked)}, {at: 1, fact: DPLLUnreadable{}}, {at: 2, fact: DPLLUnreadable{}}, {at: 3000, fact: eecIn(DPLLLocked)}, {at: 9000}},
			[]string{locked, "1 e synce-lock-state LOCKED>HOLDOVER DPLLUnreadable", "3000 e synce-lock-state HOLDOVER>LOCKED DPLLLockStatus"},
		},
		{
			"a lock that is none of ours",
			[]step{{at: 0, fact: eecIn(DPLLLocked)}, {at: 1, fact: eecIn(9)}},
			[]string{locked, "1 e synce-lock-state LOCKED>HOLDOVER DPLLUnreadable"},
		},
		{
			"the quality of the clock itself is that of what it sends only while it is on its own",
			[]step{{at: 0, fact: eecOf(DPLLLocked, eec1)}, {at: 1, fact: eecOf(DPLLHoldover, eec1)}, {at: 2, fact: eecOf(DPLLUnlocked, eec1)}, {at: 3, fact: eecOf(DPLLUnlocked, QualityLevel{SSM: 8, Enhanced: 0xFF})}},
			[]string{
				locked, "1 e synce-lock-state LOCKED>HOLDOVER DPLLLockStatus", "1 e synce-clock-quality ->11 DPLLLockStatus",
				"2 e synce-lock-state HOLDOVER>FREERUN DPLLLockStatus", "3 e synce-clock-quality 11>8 DPLLLockStatus",
			},
		},
		{
			"a pulse is no frequency", []step{{at: 0, fact: ppsIn(DPLLLocked)}, {at: 1, fact: ppsIn(DPLLUnlocked)}}, nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := NewNode(limits)
			n.WatchDPLLs()
			if diff := cmp.Diff(tc.want, observe(n, tc.steps)); diff != "" {
				t.Errorf("transitions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestResumeSyncE(t *testing.T) {
	for _, tc := range []struct {
		name  string
		past  []Past
		steps []step
		want  []string
	}{
		{
			"as it was",
			[]Past{{Kind: SyncELockState, Instance: "e", Value: Holdover, Holdover: time.Second}, {Kind: SyncEQuality, Instance: "e", Value: QualityLevel{SSM: 0x0B}}},
			[]step{{at: 0, fact: eecOf(DPLLHoldover, eec1)}, {at: 9000}},
			nil,
		},
		{
			"lost meanwhile",
			[]Past{{Kind: SyncELockState, Instance: "e", Value: Locked, Holdover: time.Second}, {Kind: SyncEQuality, Instance: "e", Value: QualityLevel{SSM: 8}}},
			[]step{{at: 0, fact: eecOf(DPLLUnlocked, eec1)}},
			[]string{"0 e synce-lock-state LOCKED>FREERUN DPLLLockStatus missed", "0 e synce-clock-quality 8>11 DPLLLockStatus missed"},
		},
		{
			"gone meanwhile",
			[]Past{{Kind: SyncELockState, Instance: "e", Value: Locked, Holdover: time.Second}},
			[]step{{at: 0, fact: DPLLs{}}, {at: 5000}},
			[]string{"0 e synce-lock-state LOCKED>HOLDOVER DPLLGone missed", "5000 e synce-lock-state HOLDOVER>FREERUN HoldoverExpired"},
		},
		{
			"gone on a machine that was restarted",
			[]Past{{Kind: SyncELockState, Instance: "e", Value: Locked}},
			[]step{{at: 0, fact: DPLLUnreadable{}}},
			[]string{"0 e synce-lock-state LOCKED>FREERUN DPLLUnreadable missed"},
		},
		{
			"holdover ends while the kernel does not tell",
			[]Past{{Kind: SyncELockState, Instance: "e", Value: Holdover, Holdover: time.Second}},
			[]step{{at: 0, fact: DPLLUnreadable{}}, {at: 1000}},
			[]string{"1000 e synce-lock-state HOLDOVER>FREERUN HoldoverExpired"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := NewNode(limits)
			n.WatchDPLLs()
			n.Resume(0, tc.past)
			if diff := cmp.Diff(tc.want, observe(n, tc.steps)); diff != "" {
				t.Errorf("transitions (-want +got):\n%s", diff)
			}
		})
	}
}

// What a grandmaster is, by its class and by the DPLL that drives its pulse.
func TestGrandmasterWithDPLL(t *testing.T) {
	master := func(class Class) Reading { return reading(class, Parent{Grandmaster: own, Class: class}, Master) }
	for _, tc := range []struct {
		name  string
		class Class
		dplls Fact
		want  State
		why   Reason
	}{
		{"locked", 6, ppsIn(DPLLLockedHoldover), Locked, GrandmasterClass},
		{"locked, not yet for long", 6, ppsIn(DPLLLocked), Locked, GrandmasterClass},
		{"a class that is too good", 6, ppsIn(DPLLHoldover), Holdover, DPLLLockStatus},
		{"a class that is far too good", 6, ppsIn(DPLLUnlocked), Freerun, DPLLLockStatus},
		{"holdover, and it says so", 7, ppsIn(DPLLHoldover), Holdover, GrandmasterClass},
		{"holdover that is over", 7, ppsIn(DPLLUnlocked), Freerun, DPLLLockStatus},
		{"the class knows worse", 7, ppsIn(DPLLLocked), Holdover, GrandmasterClass},
		{"the class knows the worst", 248, ppsIn(DPLLLocked), Freerun, GrandmasterClass},
		{"no class is made better", 248, ppsIn(DPLLHoldover), Freerun, GrandmasterClass},
		{"the best of several: one that nobody uses is unlocked", 6, ppsIn(DPLLUnlocked, DPLLLocked, DPLLHoldover), Locked, GrandmasterClass},
		{"SyncE alone", 6, eecIn(DPLLUnlocked), Locked, GrandmasterClass},
		{"no DPLL", 6, DPLLs{}, Locked, GrandmasterClass},
		{"a kernel that does not tell", 6, DPLLUnreadable{}, Locked, GrandmasterClass},
		{"a lock that is none of ours", 6, ppsIn(9), Locked, GrandmasterClass},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := NewNode(limits)
			n.WatchDPLLs()
			n.Observe(Observation{Fact: tc.dplls})
			n.Observe(Observation{Fact: one})
			changes := n.Observe(Observation{Instance: "a", Fact: master(tc.class)})
			if i := slices.IndexFunc(changes, func(c Transition) bool { return c.Kind == LockState }); i < 0 || changes[i].To != tc.want || changes[i].Reason != tc.why {
				t.Errorf("changes %v, want %s by %s", changes, tc.want, tc.why)
			}
		})
	}
	n := NewNode(limits)
	n.WatchDPLLs()
	got := observe(n, []step{
		{at: 0, fact: one},
		{at: 1, fact: master(6)},
		{at: 2, fact: ppsIn(DPLLLockedHoldover)},
		{at: 3, fact: ppsIn(DPLLHoldover)},
		{at: 60_000},
		{at: 60_001, fact: ppsIn(DPLLUnlocked)},
		{at: 60_002, fact: ppsIn(DPLLHoldover)}, // never from FREERUN to HOLDOVER
		{at: 60_003, fact: ppsIn(DPLLLocked)},
	})
	want := []string{
		"1 a lock-state ->LOCKED GrandmasterClass",
		"1 a clock-class ->6 OwnClass",
		"1 node sync-state ->LOCKED GrandmasterClass",
		"3 a lock-state LOCKED>HOLDOVER DPLLLockStatus",
		"3 node sync-state LOCKED>HOLDOVER DPLLLockStatus",
		"60001 a lock-state HOLDOVER>FREERUN DPLLLockStatus",
		"60001 node sync-state HOLDOVER>FREERUN DPLLLockStatus",
		"60003 a lock-state FREERUN>LOCKED GrandmasterClass",
		"60003 node sync-state FREERUN>LOCKED GrandmasterClass",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}

// A clock that follows a master is not judged by a DPLL.
func TestFollowerWithDPLL(t *testing.T) {
	n := NewNode(limits)
	n.WatchDPLLs()
	got := observe(n, append([]step{{at: 0, fact: ppsIn(DPLLUnlocked)}}, lockedAtStart...))
	if diff := cmp.Diff(lockedAtStartWant, got); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}

func TestReassertSyncE(t *testing.T) {
	n := NewNode(limits)
	n.WatchDPLLs()
	said := func() []string {
		var all []string
		for _, c := range n.Reassert(9000 * ms) {
			all = append(all, describe(c))
		}
		return all
	}
	n.Observe(Observation{Fact: eecOf(DPLLHoldover, eec1)})
	if diff := cmp.Diff([]string{"9000 e synce-lock-state HOLDOVER>HOLDOVER reassert", "9000 e synce-clock-quality 11>11 reassert"}, said()); diff != "" {
		t.Error(diff)
	}
	n.Observe(Observation{Fact: eecOf(DPLLLocked, eec1)}) // what it is worth now, nobody knows
	if diff := cmp.Diff([]string{"9000 e synce-lock-state LOCKED>LOCKED reassert"}, said()); diff != "" {
		t.Error(diff)
	}
}

func TestReadyWaitsForDPLLs(t *testing.T) {
	n := NewNode(limits)
	n.WatchDPLLs()
	n.Observe(Observation{Fact: none})
	if n.Ready() {
		t.Error("ready although the kernel was not asked")
	}
	n.Observe(Observation{Fact: DPLLUnreadable{}})
	if !n.Ready() {
		t.Error("not ready although the kernel is known not to tell")
	}
	n = NewNode(limits)
	n.Observe(Observation{Fact: none})
	if changes := n.Observe(Observation{Fact: eecIn(DPLLLocked)}); !n.Ready() || changes != nil {
		t.Errorf("DPLLs that are not watched: %v", changes)
	}
}

// What synce4l passes on is said when it changes, and a synce4l that is gone passes on nothing.
func TestSyncEQualityOfSynce4l(t *testing.T) {
	of := func(ssm uint8) SyncEQualityReport {
		return SyncEQualityReport{Device: "synce1", Level: QualityLevel{SSM: ssm, Enhanced: 0xFF}}
	}
	steps := []step{
		{at: 0, fact: of(2)},
		{at: 1000, fact: of(2)},
		{at: 2000, fact: of(4)},
		{at: 3000, fact: SyncEQualityUnreadable{Device: "synce1"}},
		{at: 4000, fact: SyncEQualityUnreadable{Device: "synce1"}},
		{at: 5000, fact: SyncEQualityUnreadable{Device: "synce2"}},
		{at: 6000, fact: of(4)},
		{at: 7000, fact: DPLLs{}},
	}
	changes := []string{
		"2000 synce1 synce-clock-quality 2>4 Reported", "3000 synce1 synce-clock-quality 4>15 DaemonDown",
		"5000 synce2 synce-clock-quality ->15 DaemonDown", "6000 synce1 synce-clock-quality 15>4 Reported",
	}
	for _, tc := range []struct {
		name string
		past []Past
		want []string
	}{
		{"from nothing", nil, append([]string{"0 synce1 synce-clock-quality ->2 Reported"}, changes...)},
		{"as before", []Past{{Kind: SyncEQuality, Instance: "synce1", Value: QualityLevel{SSM: 2}}}, changes},
		{"another than before", []Past{{Kind: SyncEQuality, Instance: "synce1", Value: QualityLevel{SSM: 11}}}, append([]string{"0 synce1 synce-clock-quality 11>2 Reported missed"}, changes...)},
	} {
		n := NewNode(limits)
		n.WatchDPLLs()
		n.Resume(0, tc.past)
		var got []string
		for _, s := range steps {
			for _, c := range n.Observe(Observation{At: s.at * ms, Fact: s.fact}) {
				got = append(got, describe(c))
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		var again []string
		for _, c := range n.Reassert(8000 * ms) {
			again = append(again, describe(c))
		}
		if diff := cmp.Diff([]string{"8000 synce1 synce-clock-quality 4>4 reassert", "8000 synce2 synce-clock-quality 15>15 reassert"}, again); diff != "" {
			t.Errorf("%s, said again (-want +got):\n%s", tc.name, diff)
		}
	}
	if changes := NewNode(limits).Observe(Observation{Fact: of(2)}); changes != nil {
		t.Errorf("SyncE is not watched: %v", changes)
	}
}
