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

// told is what the kernel says of the OS clock, once a second from an instant on: its
// maxerror in microseconds. What is adjusted every second shows 0 or 500.
func told(from Instant, maxErrors ...int) []step {
	var steps []step
	for n, e := range maxErrors {
		steps = append(steps, step{at: from + Instant(n)*1000, fact: OSClock{MaxError: time.Duration(e) * time.Microsecond}})
	}
	return steps
}

// said is what chronyd says at a second: how many seconds ago it used its reference, and
// how many are between two times.
func said(at, since, every int) []step {
	return []step{{at: Instant(at) * 1000, fact: OSClockTracking{
		Since: time.Duration(since) * time.Second, Every: time.Duration(every) * time.Second,
	}}}
}

// nobody is the maxerror of a clock that nobody disciplines.
const nobody = 16_000_000

// after is all steps in the order of time.
func after(parts ...[]step) []step {
	steps := slices.Concat(parts...)
	slices.SortStableFunc(steps, func(a, b step) int { return int(a.at - b.at) })
	return steps
}

// samples keeps the clock "a" LOCKED.
func samples(to Instant) []step {
	var steps []step
	for at := Instant(350); at <= to; at += 250 {
		steps = append(steps, step{at: at, fact: Sync{Offset: 7}})
	}
	return steps
}

func TestOSClock(t *testing.T) {
	ptpLocked := []string{
		"100 a lock-state ->LOCKED OffsetInRange 55",
		"100 a clock-class ->6 ParentClass 55",
	}
	good := append(slices.Clone(ptpLocked),
		"200 node os-clock-sync-state ->LOCKED Disciplined",
		"200 node sync-state ->LOCKED OffsetInRange")
	for _, tc := range []struct {
		name    string
		other   bool // the OS clock is fed by something other than PTP
		timeout time.Duration
		steps   []step
		known   []string // what came first
		want    []string
	}{
		// Start.
		{
			name:  "adjusted a moment ago and fed by a clock that is locked is locked at once",
			steps: after(lockedAtStart, told(200, 500)), known: good,
		},
		{
			name:  "nobody has ever adjusted it: freerun, and so is the node",
			steps: after(lockedAtStart, told(50, nobody, nobody)), known: ptpLocked,
			want: []string{
				"100 node os-clock-sync-state ->FREERUN NotDisciplined",
				"100 node sync-state ->FREERUN NotDisciplined",
			},
		},
		{
			name:  "adjusted last before the time-out is freerun",
			steps: after(lockedAtStart, told(200, 3000)), known: ptpLocked, // 6 s ago
			want: []string{
				"200 node os-clock-sync-state ->FREERUN NotDisciplined",
				"200 node sync-state ->FREERUN NotDisciplined",
			},
		},
		{
			name:  "the kernel does not tell: freerun, with its own reason",
			steps: after(lockedAtStart, []step{{at: 200, fact: OSClockUnreadable{}}}), known: ptpLocked,
			want: []string{
				"200 node os-clock-sync-state ->FREERUN ClockUnreadable",
				"200 node sync-state ->FREERUN ClockUnreadable",
			},
		},
		{
			name:  "not better than the clock that feeds it",
			steps: after([]step{{at: 0, fact: one}, {at: 1, fact: reading(255, parentOK, Listening)}}, told(200, 0, 500, 0)),
			want: []string{
				"1 a lock-state ->FREERUN PortNotSlave",
				"1 a clock-class ->255 OwnClass",
				"200 node os-clock-sync-state ->FREERUN PortNotSlave",
				"200 node sync-state ->FREERUN PortNotSlave",
			},
		},
		{
			name:  "without any ptp4l there is nothing to feed it",
			steps: after([]step{{at: 0, fact: none}}, told(200, 0)),
			want: []string{
				"200 node os-clock-sync-state ->FREERUN NoInstance",
				"200 node sync-state ->FREERUN NoInstance",
			},
		},
		{
			name: "fed by something else it is locked also where PTP is not", other: true,
			steps: after([]step{{at: 0, fact: none}}, told(200, 0)),
			want: []string{
				"200 node os-clock-sync-state ->LOCKED Disciplined",
				"200 node sync-state ->FREERUN NoInstance",
			},
		},

		// Disciplined by phc2sys.
		{
			name:  "adjusted every second it stays locked, whichever way the kernel's seconds fall",
			steps: after(lockedAtStart, samples(9000), told(200, 500, 500, 500, 0, 0, 500, 0, 500)), known: good,
		},
		{
			name:  "phc2sys is restarted within the time-out: no event",
			steps: after(lockedAtStart, samples(9000), told(200, 0, 500, 1000, 1500, 2000, 0, 500, 0)), known: good,
		},
		{
			name: "phc2sys dies: holdover, then freerun; two adjustments end it",
			steps: after(lockedAtStart, samples(22000),
				told(200, 0, 500, 1000, 1500, 2000, 2500, 3000), []step{{at: 11200}},
				told(12200, 6000, 6500, 0, 500, 0, 500)), known: good,
			want: []string{
				"6200 node os-clock-sync-state LOCKED>HOLDOVER NotDisciplined",
				"6200 node sync-state LOCKED>HOLDOVER NotDisciplined",
				"11200 node os-clock-sync-state HOLDOVER>FREERUN HoldoverExpired",
				"11200 node sync-state HOLDOVER>FREERUN HoldoverExpired",
				"16200 node os-clock-sync-state FREERUN>LOCKED Disciplined",
				"16200 node sync-state FREERUN>LOCKED OffsetInRange",
			},
		},
		{
			name: "phc2sys comes back within the holdover",
			steps: after(lockedAtStart, samples(22000),
				told(200, 0, 500, 1000, 1500, 2000, 2500, 3000, 0, 500, 0, 500)), known: good,
			want: []string{
				"6200 node os-clock-sync-state LOCKED>HOLDOVER NotDisciplined",
				"6200 node sync-state LOCKED>HOLDOVER NotDisciplined",
				"9200 node os-clock-sync-state HOLDOVER>LOCKED Disciplined",
				"9200 node sync-state HOLDOVER>LOCKED OffsetInRange",
			},
		},

		// The clock that feeds it is lost.
		{
			name: "what feeds it is lost: it goes the same way",
			steps: after(lockedAtStart, []step{{at: 300, fact: port(1, Faulty)}, {at: 5300}},
				told(200, 0, 0, 0, 0, 0, 0)), known: good,
			want: []string{
				"300 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"300 a clock-class 6>255 OwnClass",
				"300 node os-clock-sync-state LOCKED>HOLDOVER PortNotSlave",
				"300 node sync-state LOCKED>HOLDOVER PortNotSlave",
				"5300 a lock-state HOLDOVER>FREERUN HoldoverExpired",
				"5300 node os-clock-sync-state HOLDOVER>FREERUN HoldoverExpired",
				"5300 node sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},
		{
			name: "fed by something else it does not mind the loss of PTP, but the node does", other: true,
			steps: after(lockedAtStart, []step{{at: 300, fact: port(1, Faulty)}}, told(50, 0)),
			want: []string{
				"50 node os-clock-sync-state ->LOCKED Disciplined",
				"100 a lock-state ->LOCKED OffsetInRange 55",
				"100 a clock-class ->6 ParentClass 55",
				"100 node sync-state ->LOCKED OffsetInRange",
				"300 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"300 a clock-class 6>255 OwnClass",
				"300 node sync-state LOCKED>HOLDOVER PortNotSlave",
			},
		},
		{
			name: "of two that can feed it one may be lost",
			steps: after([]step{
				{at: 0, fact: two},
				{at: 1, fact: reading(255, parentOK, Slave)},
				{at: 2, of: "b", fact: reading(255, parentOK, Slave)},
				{at: 100, fact: Sync{Offset: 1}},
				{at: 110, of: "b", fact: Sync{Offset: 2}},
				{at: 300, fact: port(1, Faulty)},
			}, told(200, 0)),
			want: []string{
				"100 a lock-state ->LOCKED OffsetInRange 1",
				"100 a clock-class ->6 ParentClass 1",
				"110 b lock-state ->LOCKED OffsetInRange 2",
				"110 b clock-class ->6 ParentClass 2",
				"200 node os-clock-sync-state ->LOCKED Disciplined",
				"200 node sync-state ->LOCKED OffsetInRange",
				"300 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"300 a clock-class 6>255 OwnClass",
			},
		},
		{
			name: "a clock in holdover does not make it good again, one that is locked does",
			steps: after(lockedAtStart, []step{
				{at: 300, fact: port(1, Faulty)},
				{at: 4500, fact: port(1, Slave)},
				{at: 4600, fact: Sync{}},
				{at: 4700, fact: Sync{}},
				{at: 4800, fact: Sync{}},
			}, told(50, nobody, 0, 500, 0, 500)), known: ptpLocked,
			want: []string{
				"100 node os-clock-sync-state ->FREERUN NotDisciplined",
				"100 node sync-state ->FREERUN NotDisciplined",
				"300 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"300 a clock-class 6>255 OwnClass",
				"4800 a lock-state HOLDOVER>LOCKED OffsetInRange 0",
				"4800 node os-clock-sync-state FREERUN>LOCKED Disciplined",
				"4800 node sync-state FREERUN>LOCKED OffsetInRange",
			},
		},

		// Disciplined by an NTP daemon, which says a bound of its own.
		{
			name: "a bound that has become smaller was set since", other: true,
			steps: told(0, 30_000, 20_000, 20_500, 21_000, 20_000, 20_500, 21_000, 21_500, 22_000, 22_500),
			want: []string{
				"0 node os-clock-sync-state ->FREERUN NotDisciplined",
				"4000 node os-clock-sync-state FREERUN>LOCKED Disciplined",
				"9000 node os-clock-sync-state LOCKED>HOLDOVER NotDisciplined",
			},
		},
		{
			name: "adjusted more rarely than the time-out it is freerun and not locked in turns", other: true,
			steps: after(told(0, nobody), told(8000, 0, 500), told(72_000, 0, 500), told(136_000, 0, 500), told(200_000, 0, 500)),
			want:  []string{"0 node os-clock-sync-state ->FREERUN NotDisciplined"},
		},
		{
			name: "a time-out that suits such a daemon", other: true, timeout: 3 * time.Minute,
			steps: after(told(0, nobody), told(8000, 0, 500), told(72_000, 0, 500), told(136_000, 0, 500), told(200_000, 0, 500)),
			want: []string{
				"0 node os-clock-sync-state ->FREERUN NotDisciplined",
				"72000 node os-clock-sync-state FREERUN>LOCKED Disciplined",
			},
		},
		{
			name: "a daemon that gives up leaves it in holdover", other: true,
			steps: after(told(0, 0, nobody, nobody), []step{{at: 6000}}),
			want: []string{
				"0 node os-clock-sync-state ->LOCKED Disciplined",
				"1000 node os-clock-sync-state LOCKED>HOLDOVER NotDisciplined",
				"6000 node os-clock-sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},

		// Disciplined by chronyd, which is asked, too.
		{
			name: "as long as four intervals of chronyd's own", other: true,
			steps: after(said(0, 20, 64), told(0, 90_000), said(129, 149, 64), told(129_000, 154_500),
				said(200, 6, 64), told(200_000, 93_000), said(450, 256, 64), told(450_000, 218_000), said(451, 257, 64), told(451_000, 218_500)),
			want: []string{
				"0 node os-clock-sync-state ->LOCKED Disciplined",
				"451000 node os-clock-sync-state LOCKED>HOLDOVER NotDisciplined",
			},
		},
		{
			name: "chronyd has found a reference: its word is enough", other: true,
			steps: after(told(0, nobody), said(5, 0, 2), told(5000, 100)),
			want: []string{
				"0 node os-clock-sync-state ->FREERUN NotDisciplined",
				"5000 node os-clock-sync-state FREERUN>LOCKED Disciplined",
			},
		},
		{
			name: "chronyd does not discipline the clock: the kernel knows nothing of it", other: true,
			steps: after(said(0, 0, 1), told(0, nobody, nobody)),
			want:  []string{"0 node os-clock-sync-state ->FREERUN NotDisciplined"},
		},
		{
			name: "chronyd is gone: what it adjusted last does not count for longer than the time-out", other: true,
			steps: after(said(0, 20, 64), told(0, 90_000), []step{{at: 1000, fact: OSClockTracking{}}}, told(1000, 90_500)),
			want: []string{
				"0 node os-clock-sync-state ->LOCKED Disciplined",
				"1000 node os-clock-sync-state LOCKED>HOLDOVER NotDisciplined",
			},
		},
		{
			name: "set by somebody, it is freerun until chronyd has adjusted it", other: true,
			steps: after(said(0, 20, 64), told(0, 90_000),
				[]step{{at: 500, fact: OSClockStep{By: time.Hour}}, {at: 500, fact: OSClock{MaxError: Unbounded}}},
				said(44, 0, 64), told(44_000, 80_000)),
			want: []string{
				"0 node os-clock-sync-state ->LOCKED Disciplined",
				"500 node os-clock-set ->3600000000000 ClockStepped",
				"500 node os-clock-sync-state LOCKED>FREERUN ClockStepped",
				"44000 node os-clock-sync-state FREERUN>LOCKED Disciplined",
			},
		},

		// Steps.
		{
			name: "somebody sets it: freerun at once, locked when it is followed up",
			steps: after(lockedAtStart, samples(9000), told(200, 0, 500, 0),
				[]step{{at: 2500, fact: OSClockStep{By: -time.Hour}}, {at: 2500, fact: OSClock{MaxError: Unbounded}}},
				told(3200, nobody, 0, 500, 0)), known: good,
			want: []string{
				"2500 node os-clock-set ->-3600000000000 ClockStepped",
				"2500 node os-clock-sync-state LOCKED>FREERUN ClockStepped",
				"2500 node sync-state LOCKED>FREERUN ClockStepped",
				"6200 node os-clock-sync-state FREERUN>LOCKED Disciplined",
				"6200 node sync-state FREERUN>LOCKED OffsetInRange",
			},
		},
		{
			name: "set in holdover, it is no longer good",
			steps: after(lockedAtStart, samples(9000), told(200, 0, 500, 1000, 1500, 2000, 2500, 3000),
				[]step{{at: 6500, fact: OSClockStep{By: time.Second}}, {at: 6500, fact: OSClock{MaxError: Unbounded}}}), known: good,
			want: []string{
				"6200 node os-clock-sync-state LOCKED>HOLDOVER NotDisciplined",
				"6200 node sync-state LOCKED>HOLDOVER NotDisciplined",
				"6500 node os-clock-set ->1000000000 ClockStepped",
				"6500 node os-clock-sync-state HOLDOVER>FREERUN ClockStepped",
				"6500 node sync-state HOLDOVER>FREERUN ClockStepped",
			},
		},
		{
			name: "a leap second is a step that the kernel makes itself, without forgetting the discipline",
			steps: after(lockedAtStart, samples(9000), told(200, 0, 500, 0),
				[]step{{at: 2500, fact: OSClockStep{By: -time.Second}}, {at: 2500, fact: OSClock{MaxError: 0}}},
				told(3200, 500, 0, 500)), known: good,
			want: []string{"2500 node os-clock-set ->-1000000000 ClockStepped"},
		},

		// Reading it.
		{
			name:  "the kernel stops to tell: holdover",
			steps: after(lockedAtStart, samples(9000), told(200, 0), []step{{at: 1200, fact: OSClockUnreadable{}}}), known: good,
			want: []string{
				"1200 node os-clock-sync-state LOCKED>HOLDOVER ClockUnreadable",
				"1200 node sync-state LOCKED>HOLDOVER ClockUnreadable",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			th := limits
			if tc.timeout > 0 {
				th.OSClockTimeout = tc.timeout
			}
			n := NewNode(th)
			n.WatchOSClock(!tc.other)
			got := observe(n, tc.steps)
			if diff := cmp.Diff(slices.Concat(tc.known, tc.want), got); diff != "" {
				t.Errorf("transitions (-want +got):\n%s", diff)
			}
		})
	}
}

// A node whose OS clock is not watched is what its PTP clocks are.
func TestOSClockThatIsNotWatched(t *testing.T) {
	got := play(t, limits, after(lockedAtStart, told(0, nobody, nobody), []step{{at: 1500, fact: OSClockStep{By: time.Hour}}}))
	if diff := cmp.Diff(lockedAtStartWant, got); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}

func TestReadyWaitsForTheOSClock(t *testing.T) {
	n := NewNode(limits)
	n.WatchOSClock(true)
	n.Observe(Observation{Fact: none})
	if n.Ready() {
		t.Error("ready although the OS clock was not read")
	}
	n.Observe(Observation{Fact: OSClockUnreadable{}})
	if !n.Ready() {
		t.Error("not ready although the OS clock is known to be unreadable")
	}
}

func TestDeadlineOfTheOSClock(t *testing.T) {
	n := NewNode(limits)
	n.WatchOSClock(false)
	n.Observe(Observation{At: 0, Fact: OSClock{}})
	if at, ok := n.Deadline(); ok {
		t.Fatalf("locked: deadline at %v, want none", at)
	}
	n.Observe(Observation{At: 1000 * ms, Fact: OSClockUnreadable{}})
	if at, ok := n.Deadline(); !ok || at != 6000*ms {
		t.Errorf("deadline %v %v, want the end of the holdover at 6s", at, ok)
	}
}
