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
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// past is what instance a and the node were before, with so much holdover left.
func past(lock State, class Class, node State, holdover time.Duration) []Past {
	return []Past{
		{Kind: LockState, Instance: "a", Value: lock, Reason: OffsetInRange, Holdover: holdover},
		{Kind: ClockClass, Instance: "a", Value: class},
		{Kind: SyncState, Value: node},
	}
}

func TestResume(t *testing.T) {
	const while = 2 * time.Second
	slave := reading(255, parentOK, Slave)
	listening := reading(255, parentOwn, Listening)
	for _, tc := range []struct {
		name  string
		past  []Past
		steps []step
		want  []string
	}{
		{
			"what is as it was is not said again", past(Locked, 6, Locked, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: slave}, {at: 100, fact: Sync{Offset: 55}}, {at: 225, fact: Sync{Offset: 55}}, {at: 350, fact: Sync{Offset: 55}}},
			nil,
		},
		{
			"a restarted machine, too", past(Locked, 6, Locked, 0),
			[]step{{at: 0, fact: one}, {at: 1, fact: slave}, {at: 100, fact: Sync{Offset: 55}}},
			nil,
		},
		{
			"a clock that was locked stays so within unlockOffset", past(Locked, 6, Locked, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: slave}, {at: 100, fact: Sync{Offset: 155}}, {at: 225, fact: Sync{Offset: 250}}, {at: 350, fact: Sync{Offset: 155}}},
			nil,
		},
		{
			"but not on a restarted machine", past(Locked, 6, Locked, 0),
			[]step{{at: 0, fact: one}, {at: 1, fact: slave}, {at: 100, fact: Sync{Offset: 155}}},
			[]string{
				"100 a lock-state LOCKED>FREERUN OffsetOutOfRange 155 missed",
				"100 a clock-class 6>255 OwnClass 155 missed",
				"100 node sync-state LOCKED>FREERUN OffsetOutOfRange missed",
			},
		},
		{
			"a clock that was locked and has no source is in holdover from now on", past(Locked, 6, Locked, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: listening}, {at: 5000}, {at: 5001}},
			[]string{
				"1 a lock-state LOCKED>HOLDOVER PortNotSlave missed",
				"1 a clock-class 6>255 OwnClass missed",
				"1 node sync-state LOCKED>HOLDOVER PortNotSlave missed",
				"5001 a lock-state HOLDOVER>FREERUN HoldoverExpired",
				"5001 node sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},
		{
			"holdover goes on for what is left of it", past(Holdover, 255, Holdover, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: listening}, {at: 1999}, {at: 2000}},
			[]string{
				"2000 a lock-state HOLDOVER>FREERUN HoldoverExpired",
				"2000 node sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},
		{
			"holdover that is over has ended meanwhile", past(Holdover, 255, Holdover, 0),
			[]step{{at: 0, fact: one}, {at: 1, fact: listening}},
			[]string{
				"1 a lock-state HOLDOVER>FREERUN PortNotSlave missed",
				"1 node sync-state HOLDOVER>FREERUN PortNotSlave missed",
			},
		},
		{
			"holdover ends while the first Sync is waited for", past(Holdover, 255, Holdover, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: slave}, {at: 2000}},
			[]string{
				"2000 a lock-state HOLDOVER>FREERUN HoldoverExpired",
				"2000 node sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},
		{
			"holdover ends before anything is seen", past(Holdover, 255, Holdover, while),
			[]step{{at: 2000}, {at: 2001, fact: one}, {at: 2002, fact: listening}},
			[]string{
				"2000 a lock-state HOLDOVER>FREERUN HoldoverExpired",
				"2001 node sync-state HOLDOVER>FREERUN HoldoverExpired",
			},
		},
		{
			"a source that has come back ends holdover", past(Holdover, 255, Holdover, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: slave}, {at: 100, fact: Sync{Offset: 55}}, {at: 225, fact: Sync{Offset: 55}}, {at: 350, fact: Sync{Offset: 55}}},
			[]string{
				"350 a lock-state HOLDOVER>LOCKED OffsetInRange 55",
				"350 a clock-class 255>6 ParentClass 55",
				"350 node sync-state HOLDOVER>LOCKED OffsetInRange",
			},
		},
		{
			"one sample makes a clock locked that was not", past(Freerun, 255, Freerun, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: slave}, {at: 100, fact: Sync{Offset: 55}}},
			[]string{
				"100 a lock-state FREERUN>LOCKED OffsetInRange 55 missed",
				"100 a clock-class 255>6 ParentClass 55 missed",
				"100 node sync-state FREERUN>LOCKED OffsetInRange missed",
			},
		},
		{
			"only what has changed", past(Locked, 6, Locked, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: reading(255, Parent{Grandmaster: gm, Class: 7}, Slave)}, {at: 100, fact: Sync{Offset: 55}}},
			[]string{"100 a clock-class 6>7 ParentClass 55 missed"},
		},
		{
			"what changes later was not missed", past(Locked, 6, Locked, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: slave}, {at: 100, fact: Sync{Offset: 55}}, {at: 200, fact: port(1, Listening)}},
			[]string{
				"200 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"200 a clock-class 6>255 OwnClass",
				"200 node sync-state LOCKED>HOLDOVER PortNotSlave",
			},
		},
		{
			"silence from the start", past(Locked, 6, Locked, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: slave}, {at: 600, fact: Silence{}}},
			[]string{
				"600 a lock-state LOCKED>HOLDOVER SyncSilent missed",
				"600 a clock-class 6>255 OwnClass missed",
				"600 node sync-state LOCKED>HOLDOVER SyncSilent missed",
			},
		},
		{
			"an instance that does not answer", past(Locked, 6, Locked, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: Down{}}},
			[]string{
				"1 a lock-state LOCKED>HOLDOVER DaemonDown missed",
				"1 a clock-class 6>248 DaemonDown missed",
				"1 node sync-state LOCKED>HOLDOVER DaemonDown missed",
			},
		},
		{
			"an instance that is gone, after a restart", past(Locked, 6, Locked, 0),
			[]step{{at: 0, fact: none}},
			[]string{
				"0 a lock-state LOCKED>FREERUN DaemonDown missed",
				"0 a clock-class 6>248 DaemonDown missed",
				"0 node sync-state LOCKED>FREERUN DaemonDown missed",
			},
		},
		{
			"an instance that is gone and promised nothing", past(Freerun, 248, Freerun, 0),
			[]step{{at: 0, fact: none}},
			nil,
		},
		{
			"an instance that is new beside one that was known", past(Locked, 6, Locked, while),
			[]step{
				{at: 0, fact: two},
				{at: 1, fact: slave},
				{at: 100, fact: Sync{Offset: 55}},
				{at: 101, fact: reading(248, Parent{Grandmaster: own, Class: 248}, Listening), of: "b"},
			},
			[]string{"101 b lock-state ->FREERUN GrandmasterClass", "101 b clock-class ->248 OwnClass"},
		},
		{
			"the node waits for the instance that was locked", past(Locked, 6, Locked, while),
			[]step{
				{at: 0, fact: two},
				{at: 1, fact: reading(248, Parent{Grandmaster: own, Class: 248}, Listening), of: "b"},
				{at: 2, fact: slave},
				{at: 100, fact: Sync{Offset: 55}},
			},
			[]string{"1 b lock-state ->FREERUN GrandmasterClass", "1 b clock-class ->248 OwnClass"},
		},
		{
			"a grandmaster that was freerun is not in holdover by a word", past(Freerun, 248, Freerun, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: reading(7, Parent{Grandmaster: own, Class: 7}, Master)}},
			[]string{"1 a clock-class 248>7 OwnClass missed"},
		},
		{
			"a grandmaster that was locked", past(Locked, 6, Locked, while),
			[]step{{at: 0, fact: one}, {at: 1, fact: reading(6, Parent{Grandmaster: own, Class: 6}, Master)}},
			nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := NewNode(limits)
			n.Resume(0, tc.past)
			if diff := cmp.Diff(tc.want, observe(n, tc.steps)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever was before: the first value of a property is another one than that, and says
// where it comes from.
func TestResumeAnything(t *testing.T) {
	const seed uint64 = 20261125 // another seed is other sequences
	for round := range 400 {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		states := []State{Freerun, Holdover, Locked}
		p := past(states[r.IntN(3)], []Class{6, 7, 248, 255}[r.IntN(4)], states[r.IntN(3)], time.Duration(r.IntN(3))*time.Second)
		n := NewNode(limits)
		n.Resume(0, p)
		value := map[Kind]Value{LockState: p[0].Value, ClockClass: p[1].Value, SyncState: p[2].Value}
		missed := map[Kind]bool{}
		check := func(changes []Transition) {
			for _, c := range changes {
				switch {
				case c.From != value[c.Kind] || c.From == c.To || c.From == Freerun && c.To == Holdover:
					t.Fatalf("%s after %v (round %d of seed %d)", describe(c), value[c.Kind], round, seed)
				case c.Missed && missed[c.Kind]:
					t.Fatalf("%s is the second that was missed (round %d of seed %d)", describe(c), round, seed)
				}
				value[c.Kind] = c.To
				missed[c.Kind] = true
			}
		}
		var now Instant
		check(n.Observe(Observation{Fact: one}))
		for range 100 {
			now = now.Add(time.Duration(r.IntN(400)) * time.Millisecond)
			for at, ok := n.Deadline(); ok && at <= now; at, ok = n.Deadline() {
				check(n.Advance(at))
			}
			check(n.Observe(Observation{At: now, Instance: "a", Fact: randomFact(r)}))
		}
	}
}

// The OS clock goes on where it was, too.
func TestResumeOSClock(t *testing.T) {
	was := func(state State, holdover time.Duration) []Past {
		return append(past(Locked, 6, state, time.Second), Past{Kind: OSClockState, Value: state, Holdover: holdover})
	}
	for _, tc := range []struct {
		name  string
		other bool // it is fed by something other than PTP
		past  []Past
		steps []step
		want  []string
	}{
		{"as it was", false, was(Locked, time.Second), after(lockedAtStart, told(50, 500, 500)), nil},
		{"as it was on a machine that was restarted", false, was(Locked, 0), after(lockedAtStart, told(50, 500, 500)), nil},
		{"a clock that nobody disciplines any more", false, was(Locked, time.Second), after(lockedAtStart, told(50, nobody)), []string{
			"100 node os-clock-sync-state LOCKED>HOLDOVER NotDisciplined missed",
			"100 node sync-state LOCKED>HOLDOVER NotDisciplined missed",
		}},
		{"a clock that somebody disciplines again", false, was(Freerun, time.Second), after(lockedAtStart, told(50, 500)), []string{
			"100 node os-clock-sync-state FREERUN>LOCKED Disciplined missed",
			"100 node sync-state FREERUN>LOCKED OffsetInRange missed",
		}},
		{"holdover goes on for what is left of it", true, was(Holdover, 2*time.Second), after(lockedAtStart, told(50, nobody), []step{{at: 1999}, {at: 2000}}), []string{
			"2000 node os-clock-sync-state HOLDOVER>FREERUN HoldoverExpired",
			"2000 node sync-state HOLDOVER>FREERUN HoldoverExpired",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := NewNode(limits)
			n.WatchOSClock(!tc.other)
			n.Resume(0, tc.past)
			if diff := cmp.Diff(tc.want, observe(n, tc.steps)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
