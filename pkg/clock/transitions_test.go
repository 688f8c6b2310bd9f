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
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = Instant(time.Millisecond)

var (
	own = Identity{0x76, 0x7f, 0x31, 0xff, 0xfe, 0x39, 0x9e, 0x95}
	gm  = Identity{0x42, 0x16, 0x0d, 0xff, 0xfe, 0x62, 0x7a, 0xe7}
	gm2 = Identity{0x11, 0x16, 0x0d, 0xff, 0xfe, 0x62, 0x7a, 0xe8}

	limits = Thresholds{
		LockOffset: 100, UnlockOffset: 200, LockSamples: 3, UnlockSamples: 3,
		HoldoverTimeout: 5 * time.Second, OSClockTimeout: 5 * time.Second, OSClockOffset: time.Microsecond,
	}

	parentOK  = Parent{Grandmaster: gm, Class: 6}
	parentOwn = Parent{Grandmaster: own, Class: 248}
)

// reading is what a clock of the given class says of itself.
func reading(class Class, p Parent, states ...PortState) Reading {
	r := Reading{Local: Local{Identity: own, Class: class}, Parent: p}
	for n, s := range states {
		r.Ports = append(r.Ports, port(uint16(n+1), s))
	}
	return r
}

func port(n uint16, s PortState) Port {
	return Port{Number: n, State: s, Interface: fmt.Sprintf("eth%d", n-1)}
}

// step is one observation of instance "a" (or of the one named), or, with no fact,
// the passing of time.
type step struct {
	at   Instant // in milliseconds
	fact Fact
	of   string
}

// describe writes a transition on one line.
func describe(t Transition) string {
	from := "-"
	if t.From != nil {
		from = t.From.String()
	}
	who := t.Instance
	if who == "" {
		who = "node"
	}
	s := fmt.Sprintf("%d %s %s %s>%s %s", t.At/ms, who, t.Kind, from, t.To, t.Reason)
	if t.HasOffset && t.Kind != OSClockState { // which TestOSClockOffset is about
		s += fmt.Sprintf(" %d", t.Offset.Nanoseconds())
	}
	if t.Missed {
		s += " missed"
	}
	return s
}

func play(t *testing.T, th Thresholds, steps []step) []string {
	t.Helper()
	return observe(NewNode(th), steps)
}

// observe plays steps to a node and describes what has changed.
func observe(n *Node, steps []step) []string {
	var got []string
	for _, s := range steps {
		var changes []Transition
		if s.fact == nil {
			changes = n.Advance(s.at * ms)
		} else {
			name := s.of
			if _, ok := s.fact.(Inventory); !ok && name == "" {
				name = "a"
			}
			changes = n.Observe(Observation{At: s.at * ms, Instance: name, Fact: s.fact})
		}
		for _, c := range changes {
			got = append(got, describe(c))
		}
	}
	return got
}

var (
	one  = Inventory{Instances: []string{"a"}}
	two  = Inventory{Instances: []string{"a", "b"}}
	none = Inventory{}
)

// lockedAtStart is an ordinary clock that is found in good order and gives its first sample at 100 ms.
var lockedAtStart = []step{
	{at: 0, fact: one},
	{at: 1, fact: reading(255, parentOK, Slave)},
	{at: 100, fact: Sync{Offset: 55}},
}

var lockedAtStartWant = []string{
	"100 a lock-state ->LOCKED OffsetInRange 55",
	"100 a clock-class ->6 ParentClass 55",
	"100 node sync-state ->LOCKED OffsetInRange",
}

func TestTransitions(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after []step   // played first
		known []string // what came of that
		steps []step
		want  []string
	}{
		// Start.
		{name: "nothing is said before the first reading", steps: []step{{at: 0, fact: one}, {at: 900}}},
		{
			name:  "slave at start waits for a sample, then is locked by one",
			steps: lockedAtStart, want: lockedAtStartWant,
		},
		{
			name:  "slave at start whose first sample is too large is freerun",
			steps: []step{{at: 0, fact: one}, {at: 1, fact: reading(255, parentOK, Slave)}, {at: 100, fact: Sync{Offset: -250}}},
			want: []string{
				"100 a lock-state ->FREERUN OffsetOutOfRange -250",
				"100 a clock-class ->255 OwnClass -250",
				"100 node sync-state ->FREERUN OffsetOutOfRange",
			},
		},
		{
			name:  "slave at start whose first sample is between the thresholds is freerun",
			steps: []step{{at: 0, fact: one}, {at: 1, fact: reading(255, parentOK, Slave)}, {at: 100, fact: Sync{Offset: 150}}},
			want: []string{
				"100 a lock-state ->FREERUN OffsetOutOfRange 150",
				"100 a clock-class ->255 OwnClass 150",
				"100 node sync-state ->FREERUN OffsetOutOfRange",
			},
		},
		{
			name:  "slave at start that hears nothing is freerun",
			steps: []step{{at: 0, fact: one}, {at: 1, fact: reading(255, parentOK, Slave)}, {at: 501, fact: Silence{For: 500 * time.Millisecond}}},
			want: []string{
				"501 a lock-state ->FREERUN SyncSilent",
				"501 a clock-class ->255 OwnClass",
				"501 node sync-state ->FREERUN SyncSilent",
			},
		},
		{
			name:  "listening at start is freerun at once",
			steps: []step{{at: 0, fact: one}, {at: 1, fact: reading(255, parentOK, Listening)}},
			want: []string{
				"1 a lock-state ->FREERUN PortNotSlave",
				"1 a clock-class ->255 OwnClass",
				"1 node sync-state ->FREERUN PortNotSlave",
			},
		},
		{
			name:  "a clock without master or reference is freerun by its class",
			steps: []step{{at: 0, fact: one}, {at: 1, fact: reading(248, parentOwn, Master)}},
			want: []string{
				"1 a lock-state ->FREERUN GrandmasterClass",
				"1 a clock-class ->248 OwnClass",
				"1 node sync-state ->FREERUN GrandmasterClass",
			},
		},
		{
			name:  "servo not locked at start is freerun",
			steps: []step{{at: 0, fact: one}, {at: 1, fact: reading(255, parentOK, Uncalibrated)}, {at: 100, fact: Sync{Offset: 1}}},
			want: []string{
				"1 a lock-state ->FREERUN PortNotSlave",
				"1 a clock-class ->255 OwnClass",
				"1 node sync-state ->FREERUN PortNotSlave",
			},
		},
		{
			name:  "ptp4l absent at start is freerun, and its class is not invented",
			steps: []step{{at: 0, fact: one}, {at: 1, fact: Down{}}},
			want: []string{
				"1 a lock-state ->FREERUN DaemonDown",
				"1 node sync-state ->FREERUN DaemonDown",
			},
		},
		{
			name:  "no ptp4l on the node is freerun of the node",
			steps: []step{{at: 0, fact: none}},
			want:  []string{"0 node sync-state ->FREERUN NoInstance"},
		},

		// Locking.
		{
			name: "freerun needs lockSamples good ones in a row",
			steps: []step{
				{at: 0, fact: one},
				{at: 1, fact: reading(255, parentOK, Uncalibrated)},
				{at: 50, fact: port(1, Slave)},
				{at: 100, fact: Sync{Offset: 1}},
				{at: 200, fact: Sync{Offset: 2}},
				{at: 300, fact: Sync{Offset: 101}}, // not within lockOffset: counting starts again
				{at: 400, fact: Sync{Offset: 3}},
				{at: 500, fact: Sync{Offset: 4}},
				{at: 600, fact: Sync{Offset: -100}}, // exactly lockOffset is good
			},
			want: []string{
				"1 a lock-state ->FREERUN PortNotSlave",
				"1 a clock-class ->255 OwnClass",
				"1 node sync-state ->FREERUN PortNotSlave",
				"600 a lock-state FREERUN>LOCKED OffsetInRange -100",
				"600 a clock-class 255>6 ParentClass -100",
				"600 node sync-state FREERUN>LOCKED OffsetInRange",
			},
		},
		{
			name:  "noise beyond the limit for fewer than unlockSamples is no event",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{
				{at: 200, fact: Sync{Offset: 900}},
				{at: 300, fact: Sync{Offset: 900}},
				{at: 400, fact: Sync{Offset: 200}}, // exactly unlockOffset is not bad
				{at: 500, fact: Sync{Offset: 900}},
				{at: 600, fact: Sync{Offset: 900}},
			},
		},
		{
			name:  "too far off for unlockSamples is freerun while following",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{
				{at: 200, fact: Sync{Offset: 201}},
				{at: 300, fact: Sync{Offset: -201}},
				{at: 400, fact: Sync{Offset: 201}},
				{at: 9000},
			},
			want: []string{
				"400 a lock-state LOCKED>FREERUN OffsetOutOfRange 201",
				"400 a clock-class 6>255 OwnClass 201",
				"400 node sync-state LOCKED>FREERUN OffsetOutOfRange",
			},
		},
		{
			name: "calm samples count like those that are reported each",
			steps: []step{
				{at: 0, fact: one},
				{at: 1, fact: reading(255, parentOK, Uncalibrated)},
				{at: 50, fact: port(1, Slave)},
				{at: 300, fact: Sync{Offset: 4, Calm: 2}},
				{at: 400, fact: Sync{Offset: 900}},
				{at: 500, fact: Sync{Offset: 900}},
				{at: 750, fact: Sync{Offset: 900, Calm: 3}}, // they were good: counting starts again
				{at: 800, fact: Sync{Offset: 900}},
				{at: 900, fact: Sync{Offset: 900}},
			},
			want: []string{
				"1 a lock-state ->FREERUN PortNotSlave",
				"1 a clock-class ->255 OwnClass",
				"1 node sync-state ->FREERUN PortNotSlave",
				"300 a lock-state FREERUN>LOCKED OffsetInRange 4",
				"300 a clock-class 255>6 ParentClass 4",
				"300 node sync-state FREERUN>LOCKED OffsetInRange",
				"900 a lock-state LOCKED>FREERUN OffsetOutOfRange 900",
				"900 a clock-class 6>255 OwnClass 900",
				"900 node sync-state LOCKED>FREERUN OffsetOutOfRange",
			},
		},
		{
			name:  "repeated equal facts are no events",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{
				{at: 200, fact: port(1, Slave)},
				{at: 210, fact: parentOK},
				{at: 220, fact: reading(255, parentOK, Slave)},
				{at: 300, fact: Sync{Offset: 1}},
				{at: 310, fact: one},
				{at: 320},
			},
		},

		// Losing the source.
		{
			name:  "servo unlock is holdover, then freerun when the time is over",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{{at: 200, fact: port(1, Uncalibrated)}, {at: 300, fact: Sync{Offset: 7}}, {at: 5199}, {at: 5200}},
			want: []string{
				"200 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"200 a clock-class 6>255 OwnClass",
				"200 node sync-state LOCKED>HOLDOVER PortNotSlave",
				"5200 a lock-state HOLDOVER>FREERUN HoldoverExpired",
				"5200 node sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},
		{
			name:  "the holdover ends in time also when an observation comes first",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{{at: 200, fact: port(1, Faulty)}, {at: 6000, fact: port(1, Listening)}},
			want: []string{
				"200 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"200 a clock-class 6>255 OwnClass",
				"200 node sync-state LOCKED>HOLDOVER PortNotSlave",
				"6000 a lock-state HOLDOVER>FREERUN HoldoverExpired",
				"6000 node sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},
		{
			name:  "a frozen grandmaster is holdover by silence, and the port leaving SLAVE later does not prolong it",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{
				{at: 600, fact: Silence{For: 500 * time.Millisecond}},
				{at: 3100, fact: port(1, Listening)},
				{at: 5599},
				{at: 5600},
			},
			want: []string{
				"600 a lock-state LOCKED>HOLDOVER SyncSilent",
				"600 a clock-class 6>255 OwnClass",
				"600 node sync-state LOCKED>HOLDOVER SyncSilent",
				"5600 a lock-state HOLDOVER>FREERUN HoldoverExpired",
				"5600 node sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},
		{
			name:  "a stall that ends within the holdover is locked again after lockSamples",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{
				{at: 600, fact: Silence{For: 500 * time.Millisecond}},
				{at: 1600, fact: Sync{Offset: 10}},
				{at: 1725, fact: Sync{Offset: 11}},
				{at: 1850, fact: Sync{Offset: 12}},
				{at: 9000},
			},
			want: []string{
				"600 a lock-state LOCKED>HOLDOVER SyncSilent",
				"600 a clock-class 6>255 OwnClass",
				"600 node sync-state LOCKED>HOLDOVER SyncSilent",
				"1850 a lock-state HOLDOVER>LOCKED OffsetInRange 12",
				"1850 a clock-class 255>6 ParentClass 12",
				"1850 node sync-state HOLDOVER>LOCKED OffsetInRange",
			},
		},
		{
			name:  "in holdover a source that is too far off is freerun",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{
				{at: 600, fact: Silence{}},
				{at: 1600, fact: Sync{Offset: 5000}},
				{at: 1700, fact: Sync{Offset: 5000}},
				{at: 1800, fact: Sync{Offset: 5000}},
			},
			want: []string{
				"600 a lock-state LOCKED>HOLDOVER SyncSilent",
				"600 a clock-class 6>255 OwnClass",
				"600 node sync-state LOCKED>HOLDOVER SyncSilent",
				"1800 a lock-state HOLDOVER>FREERUN OffsetOutOfRange 5000",
				"1800 node sync-state HOLDOVER>FREERUN OffsetOutOfRange",
			},
		},
		{
			name:  "link down and up: the parent of before is stale until it is seen again",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{
				{at: 200, fact: port(1, Faulty)},
				{at: 200, fact: parentOwn},
				{at: 1000, fact: port(1, Listening)},
				{at: 2000, fact: port(1, Slave)},
				{at: 2100, fact: Sync{Offset: 1}},
				{at: 2200, fact: Sync{Offset: 2}},
				{at: 2300, fact: Sync{Offset: 3}},
				{at: 2301, fact: Parent{Grandmaster: gm2, Class: 7}},
			},
			want: []string{
				"200 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"200 a clock-class 6>255 OwnClass",
				"200 node sync-state LOCKED>HOLDOVER PortNotSlave",
				"200 a clock-class 255>248 OwnClass",
				"2300 a lock-state HOLDOVER>LOCKED OffsetInRange 3",
				"2300 node sync-state HOLDOVER>LOCKED OffsetInRange",
				"2301 a clock-class 248>7 ParentClass 3",
			},
		},
		{
			name: "the parent before the port, as ptp4l sends them when a grandmaster is chosen",
			steps: []step{
				{at: 0, fact: one},
				{at: 1, fact: reading(255, parentOwn, Listening)},
				{at: 10, fact: parentOK},
				{at: 10, fact: port(1, Uncalibrated)},
				{at: 20, fact: port(1, Slave)},
				{at: 30, fact: Sync{Offset: 1}},
				{at: 40, fact: Sync{Offset: 1}},
				{at: 50, fact: Sync{Offset: 1}},
			},
			want: []string{
				"1 a lock-state ->FREERUN PortNotSlave",
				"1 a clock-class ->255 OwnClass",
				"1 node sync-state ->FREERUN PortNotSlave",
				"50 a lock-state FREERUN>LOCKED OffsetInRange 1",
				"50 a clock-class 255>6 ParentClass 1",
				"50 node sync-state FREERUN>LOCKED OffsetInRange",
			},
		},

		// Class.
		{
			name:  "the grandmaster's class is followed while locked to it",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{
				{at: 300, fact: Parent{Grandmaster: gm, Class: 7}},
				{at: 400, fact: Parent{Grandmaster: gm, Class: 7}},
				{at: 500, fact: Parent{Grandmaster: gm2, Class: 7}}, // another grandmaster, the same class
				{at: 600, fact: Parent{Grandmaster: gm2, Class: 6}},
			},
			want: []string{
				"300 a clock-class 6>7 ParentClass 55",
				"600 a clock-class 7>6 ParentClass 55",
			},
		},

		// Grandmaster.
		{
			name: "a grandmaster is judged by its class",
			steps: []step{
				{at: 0, fact: one},
				{at: 1, fact: reading(6, Parent{Grandmaster: own, Class: 6}, Master)},
				{at: 1000, fact: Parent{Grandmaster: own, Class: 7}},
				{at: 90000}, // its holdover has no end of ours
				{at: 90001, fact: Parent{Grandmaster: own, Class: 6}},
				{at: 91000, fact: Parent{Grandmaster: own, Class: 248}},
				{at: 92000, fact: Parent{Grandmaster: own, Class: 7}}, // never from FREERUN to HOLDOVER
				{at: 93000, fact: Local{Identity: own, Class: 6}},
			},
			want: []string{
				"1 a lock-state ->LOCKED GrandmasterClass",
				"1 a clock-class ->6 OwnClass",
				"1 node sync-state ->LOCKED GrandmasterClass",
				"1000 a lock-state LOCKED>HOLDOVER GrandmasterClass",
				"1000 a clock-class 6>7 OwnClass",
				"1000 node sync-state LOCKED>HOLDOVER GrandmasterClass",
				"90001 a lock-state HOLDOVER>LOCKED GrandmasterClass",
				"90001 a clock-class 7>6 OwnClass",
				"90001 node sync-state HOLDOVER>LOCKED GrandmasterClass",
				"91000 a lock-state LOCKED>FREERUN GrandmasterClass",
				"91000 a clock-class 6>248 OwnClass",
				"91000 node sync-state LOCKED>FREERUN GrandmasterClass",
				"92000 a clock-class 248>7 OwnClass",
				"93000 a lock-state FREERUN>LOCKED GrandmasterClass",
				"93000 a clock-class 7>6 OwnClass",
				"93000 node sync-state FREERUN>LOCKED GrandmasterClass",
			},
		},
		{
			name: "a grandmaster whose daemon dies is in holdover, and its class stands no more",
			steps: []step{
				{at: 0, fact: one},
				{at: 1, fact: reading(6, Parent{Grandmaster: own, Class: 6}, Master)},
				{at: 1000, fact: Down{}},
				{at: 3000, fact: reading(6, Parent{Grandmaster: own, Class: 6}, Master)},
			},
			want: []string{
				"1 a lock-state ->LOCKED GrandmasterClass",
				"1 a clock-class ->6 OwnClass",
				"1 node sync-state ->LOCKED GrandmasterClass",
				"1000 a lock-state LOCKED>HOLDOVER DaemonDown",
				"1000 a clock-class 6>248 DaemonDown",
				"1000 node sync-state LOCKED>HOLDOVER DaemonDown",
				"3000 a lock-state HOLDOVER>LOCKED GrandmasterClass",
				"3000 a clock-class 248>6 OwnClass",
				"3000 node sync-state HOLDOVER>LOCKED GrandmasterClass",
			},
		},
		{
			name: "a clock that falls back to being its own grandmaster is in holdover first",
			steps: []step{
				{at: 0, fact: one},
				{at: 1, fact: reading(248, parentOK, Slave)},
				{at: 100, fact: Sync{Offset: 5}},
				{at: 200, fact: port(1, Master)},
				{at: 200, fact: parentOwn},
				{at: 5200},
			},
			want: []string{
				"100 a lock-state ->LOCKED OffsetInRange 5",
				"100 a clock-class ->6 ParentClass 5",
				"100 node sync-state ->LOCKED OffsetInRange",
				"200 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"200 a clock-class 6>248 OwnClass",
				"200 node sync-state LOCKED>HOLDOVER PortNotSlave",
				"5200 a lock-state HOLDOVER>FREERUN HoldoverExpired",
				"5200 node sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},
		{
			name: "a boundary clock that announces holdover in specification stays in holdover as long as it says so",
			steps: []step{
				{at: 0, fact: one},
				{at: 1, fact: reading(248, parentOK, Slave, Master)},
				{at: 100, fact: Sync{Offset: 5}},
				{at: 200, fact: port(1, Master)},
				{at: 210, fact: Parent{Grandmaster: own, Class: 135}},
				{at: 9000},
				{at: 10000, fact: Parent{Grandmaster: own, Class: 165}},
			},
			want: []string{
				"100 a lock-state ->LOCKED OffsetInRange 5",
				"100 a clock-class ->6 ParentClass 5",
				"100 node sync-state ->LOCKED OffsetInRange",
				"200 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"200 a clock-class 6>248 OwnClass",
				"200 node sync-state LOCKED>HOLDOVER PortNotSlave",
				"210 a clock-class 248>135 OwnClass",
				"10000 a lock-state HOLDOVER>FREERUN GrandmasterClass",
				"10000 a clock-class 135>165 OwnClass",
				"10000 node sync-state HOLDOVER>FREERUN GrandmasterClass",
			},
		},

		// Boundary clock.
		{
			name: "a boundary clock is locked by its slave port whatever its others do",
			steps: []step{
				{at: 0, fact: one},
				{at: 1, fact: reading(248, parentOK, Slave, Master)},
				{at: 100, fact: Sync{Offset: 5}},
				{at: 200, fact: port(2, Faulty)},
				{at: 300, fact: port(2, Passive)},
			},
			want: []string{
				"100 a lock-state ->LOCKED OffsetInRange 5",
				"100 a clock-class ->6 ParentClass 5",
				"100 node sync-state ->LOCKED OffsetInRange",
			},
		},
		{
			name:  "a switch to another slave port is holdover until that one has shown itself",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{
				{at: 190, fact: port(2, Slave)},
				{at: 200, fact: port(1, Passive)},
				{at: 300, fact: Sync{Offset: 1}},
				{at: 400, fact: Sync{Offset: 1}},
				{at: 500, fact: Sync{Offset: 1}},
			},
			want: []string{
				"200 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"200 a clock-class 6>255 OwnClass",
				"200 node sync-state LOCKED>HOLDOVER PortNotSlave",
				"500 a lock-state HOLDOVER>LOCKED OffsetInRange 1",
				"500 a clock-class 255>6 ParentClass 1",
				"500 node sync-state HOLDOVER>LOCKED OffsetInRange",
			},
		},

		// ptp4l comes and goes.
		{
			name:  "ptp4l gone and back within the holdover",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{
				{at: 1000, fact: Down{}},
				{at: 1010, fact: Down{}},
				{at: 2000, fact: reading(255, parentOwn, Listening)},
				{at: 3000, fact: parentOK},
				{at: 3000, fact: port(1, Slave)},
				{at: 3100, fact: Sync{Offset: 1}},
				{at: 3200, fact: Sync{Offset: 1}},
				{at: 3300, fact: Sync{Offset: 1}},
				{at: 9000},
			},
			want: []string{
				"1000 a lock-state LOCKED>HOLDOVER DaemonDown",
				"1000 a clock-class 6>255 OwnClass",
				"1000 node sync-state LOCKED>HOLDOVER DaemonDown",
				"3300 a lock-state HOLDOVER>LOCKED OffsetInRange 1",
				"3300 a clock-class 255>6 ParentClass 1",
				"3300 node sync-state HOLDOVER>LOCKED OffsetInRange",
			},
		},
		{
			name:  "an instance that is removed is lost, and says nothing twice when it comes back",
			after: lockedAtStart, known: lockedAtStartWant,
			steps: []step{
				{at: 1000, fact: none},
				{at: 6000},
				{at: 7000, fact: one},
				{at: 7001, fact: reading(255, parentOwn, Listening)},
			},
			want: []string{
				"1000 a lock-state LOCKED>HOLDOVER DaemonDown",
				"1000 a clock-class 6>255 OwnClass",
				"1000 node sync-state LOCKED>HOLDOVER DaemonDown",
				"6000 a lock-state HOLDOVER>FREERUN HoldoverExpired",
				"6000 node sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},

		// Two followers on one node.
		{
			name: "of two followers one may be lost",
			steps: []step{
				{at: 0, fact: two},
				{at: 1, fact: reading(255, parentOK, Slave)},
				{at: 2, of: "b", fact: reading(255, parentOK, Slave)},
				{at: 100, fact: Sync{Offset: 1}},
				{at: 110, of: "b", fact: Sync{Offset: 2}},
				{at: 200, fact: port(1, Faulty)},
				{at: 5200},
				{at: 6000, of: "b", fact: Down{}},
				{at: 11000},
			},
			want: []string{
				"100 a lock-state ->LOCKED OffsetInRange 1",
				"100 a clock-class ->6 ParentClass 1",
				"100 node sync-state ->LOCKED OffsetInRange",
				"110 b lock-state ->LOCKED OffsetInRange 2",
				"110 b clock-class ->6 ParentClass 2",
				"200 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"200 a clock-class 6>255 OwnClass",
				"5200 a lock-state HOLDOVER>FREERUN HoldoverExpired",
				"6000 b lock-state LOCKED>HOLDOVER DaemonDown",
				"6000 b clock-class 6>255 OwnClass",
				"6000 node sync-state LOCKED>HOLDOVER DaemonDown",
				"11000 b lock-state HOLDOVER>FREERUN HoldoverExpired",
				"11000 node sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},
		{
			name: "the node waits for the instance that was not read yet, because it may be the better one",
			steps: []step{
				{at: 0, fact: two},
				{at: 1, fact: Down{}},
				{at: 2, of: "b", fact: reading(255, parentOK, Slave)},
				{at: 100, of: "b", fact: Sync{Offset: 2}},
			},
			want: []string{
				"1 a lock-state ->FREERUN DaemonDown",
				"100 b lock-state ->LOCKED OffsetInRange 2",
				"100 b clock-class ->6 ParentClass 2",
				"100 node sync-state ->LOCKED OffsetInRange",
			},
		},
		{
			name: "a grandmaster found in holdover does not lift a node from freerun",
			steps: []step{
				{at: 0, fact: none},
				{at: 10, fact: one},
				{at: 11, fact: reading(7, Parent{Grandmaster: own, Class: 7}, Master)},
			},
			want: []string{
				"0 node sync-state ->FREERUN NoInstance",
				"11 a lock-state ->HOLDOVER GrandmasterClass",
				"11 a clock-class ->7 OwnClass",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := play(t, limits, append(append([]step{}, tc.after...), tc.steps...))
			if diff := cmp.Diff(append(append([]string(nil), tc.known...), tc.want...), got); diff != "" {
				t.Errorf("transitions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithoutHoldoverTimeALossIsFreerunAtOnce(t *testing.T) {
	noHoldover := limits
	noHoldover.HoldoverTimeout = 0
	got := play(t, noHoldover, append(append([]step{}, lockedAtStart...), step{at: 200, fact: port(1, Faulty)}))
	want := append(append([]string(nil), lockedAtStartWant...),
		"200 a lock-state LOCKED>FREERUN HoldoverExpired",
		"200 a clock-class 6>255 OwnClass",
		"200 node sync-state LOCKED>FREERUN HoldoverExpired",
	)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}

func TestInterfaceIsTheOneFollowed(t *testing.T) {
	n := NewNode(limits)
	n.Observe(Observation{Fact: one})
	n.Observe(Observation{Instance: "a", Fact: reading(248, parentOK, Master, Slave)})
	locked := n.Observe(Observation{At: 1 * ms, Instance: "a", Fact: Sync{Offset: 1}})
	lost := n.Observe(Observation{At: 2 * ms, Instance: "a", Fact: port(2, Faulty)})
	for _, c := range append(locked, lost...) {
		if c.Interface != "eth1" {
			t.Errorf("%s: interface %q, want eth1", describe(c), c.Interface)
		}
	}
}

func TestReassert(t *testing.T) {
	again := func(steps ...step) []string {
		n := NewNode(limits)
		var at Instant
		for _, s := range steps {
			at = s.at * ms
			name := s.of
			if name == "" {
				name = "a"
			}
			n.Observe(Observation{At: at, Instance: name, Fact: s.fact})
		}
		var got []string
		for _, c := range n.Reassert(at + 500*ms) {
			got = append(got, describe(c))
		}
		return got
	}
	for _, tc := range []struct {
		name  string
		steps []step
		want  []string
	}{
		{name: "nothing is known", steps: nil},
		{name: "nothing is known yet of what is there", steps: []step{{at: 0, fact: one}}},
		{name: "no instance", steps: []step{{at: 0, fact: none}}, want: []string{"500 node sync-state FREERUN>FREERUN reassert"}},
		{name: "locked, with the last offset", steps: append(lockedAtStart[:3:3], step{at: 200, fact: Sync{Offset: 42}}), want: []string{
			"700 a lock-state LOCKED>LOCKED reassert 42", "700 a clock-class 6>6 reassert 42", "700 node sync-state LOCKED>LOCKED reassert",
		}},
		{name: "lost, without an offset", steps: append(lockedAtStart[:3:3], step{at: 200, fact: port(1, Listening)}), want: []string{
			"700 a lock-state HOLDOVER>HOLDOVER reassert", "700 a clock-class 255>255 reassert", "700 node sync-state HOLDOVER>HOLDOVER reassert",
		}},
		{name: "one that is not read yet", steps: append([]step{{at: 0, fact: two}}, lockedAtStart[1:]...), want: []string{
			"600 a lock-state LOCKED>LOCKED reassert 55", "600 a clock-class 6>6 reassert 55", "600 node sync-state LOCKED>LOCKED reassert",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, again(tc.steps...)); diff != "" {
				t.Errorf("said again (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	n := NewNode(limits)
	n.Observe(Observation{Fact: two})
	for _, name := range []string{"a", "b"} {
		n.Observe(Observation{Instance: name, Fact: reading(255, parentOK, Slave)})
		n.Observe(Observation{At: 10 * ms, Instance: name, Fact: Sync{Offset: 1}})
	}
	if at, ok := n.Deadline(); ok {
		t.Fatalf("locked: deadline at %v, want none", at)
	}
	n.Observe(Observation{At: 200 * ms, Instance: "b", Fact: Down{}})
	n.Observe(Observation{At: 300 * ms, Instance: "a", Fact: Down{}})
	if at, ok := n.Deadline(); !ok || at != 5200*ms {
		t.Errorf("deadline %v %v, want the earlier one at 5.2s", at, ok)
	}
	n.Advance(5200 * ms)
	if at, ok := n.Deadline(); !ok || at != 5300*ms {
		t.Errorf("deadline %v %v, want the later one at 5.3s", at, ok)
	}
	n.Advance(5300 * ms)
	if at, ok := n.Deadline(); ok {
		t.Errorf("deadline at %v after both expired, want none", at)
	}
}

func TestReady(t *testing.T) {
	n := NewNode(limits)
	n.Observe(Observation{Instance: "a", Fact: reading(255, parentOK, Slave)})
	if n.Ready() {
		t.Error("ready before the first search has ended")
	}
	n.Observe(Observation{Fact: two})
	if n.Ready() {
		t.Error("ready although b was not read")
	}
	n.Observe(Observation{Instance: "b", Fact: Down{}})
	if !n.Ready() {
		t.Error("not ready although a was read and b is known to be absent")
	}
}

func TestThresholdsValidate(t *testing.T) {
	if err := DefaultThresholds().Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	for _, tc := range []struct {
		name   string
		change func(*Thresholds)
		want   string
	}{
		{"negative lockOffset", func(th *Thresholds) { th.LockOffset = -5 }, "thresholds: lockOffset is -5ns; it must be positive, for example 100ns"},
		{"offsets out of order", func(th *Thresholds) { th.UnlockOffset = 99 }, "thresholds: unlockOffset is 99ns; it must be at least lockOffset (100ns), or a clock could be locked and unlocked by the same sample"},
		{"no lock samples", func(th *Thresholds) { th.LockSamples = 0 }, "thresholds: lockSamples is 0; it must be 1 or more"},
		{"no unlock samples", func(th *Thresholds) { th.UnlockSamples = -1 }, "thresholds: unlockSamples is -1; it must be 1 or more"},
		{"no time for the OS clock", func(th *Thresholds) { th.OSClockTimeout = 2 * time.Second }, "thresholds: osClockTimeout is 2s; it must be at least 3s, because the kernel counts in seconds; for example 5s"},
		{"negative holdover", func(th *Thresholds) { th.HoldoverTimeout = -time.Second }, "thresholds: holdoverTimeout is -1s; it must not be negative (0s means that a clock without a source is FREERUN at once)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			th := DefaultThresholds()
			tc.change(&th)
			if err := th.Validate(); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestClassState(t *testing.T) {
	for class, want := range map[Class]State{
		6: Locked, 13: Locked, 7: Holdover, 14: Holdover, 135: Holdover,
		52: Freerun, 58: Freerun, 140: Freerun, 150: Freerun, 160: Freerun, 165: Freerun,
		187: Freerun, 193: Freerun, 248: Freerun, 255: Freerun, 0: Freerun,
	} {
		if got := ClassState(class); got != want {
			t.Errorf("class %d: %v, want %v", class, got, want)
		}
	}
}
