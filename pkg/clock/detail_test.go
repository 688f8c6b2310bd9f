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
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// details are the kinds that WatchDetails adds.
var details = []Kind{DaemonState, Grandmaster, PTPPortState, LeapSecond, PathDelayState}

func TestDetails(t *testing.T) {
	slave, leap := reading(255, parentOK, Slave), TimeProperties{PTP: true, UTCOffset: 37 * time.Second, Leap: Leap61}
	start := []step{{at: 0, fact: one}, {at: 1, fact: inTAI}, {at: 1, fact: slave}, {at: 100, fact: Sync{}}, {at: 101, fact: PathDelay{Delay: 3000}}}
	started := []string{
		"1 a daemon-state ->UP Reported", "1 a grandmaster ->42160d.fffe.627ae7 Reported", "1 a-1 port-state ->SLAVE Reported",
		"1 a leap-second ->NONE Reported", "101 a path-delay-state ->IN-RANGE Reported 3µs",
	}
	for _, tc := range []struct {
		name  string
		past  []Past
		steps []step // after the start
		want  []string
	}{
		{name: "nothing changes", steps: []step{{at: 5000, fact: inTAI}, {at: 5001, fact: parentOK}, {at: 5002, fact: port(1, Slave)}, {at: 5003, fact: PathDelay{Delay: 2900}}}},
		{
			name:  "another grandmaster",
			steps: []step{{at: 200, fact: Parent{Grandmaster: gm2, Class: 6}}, {at: 300, fact: parentOK}},
			want:  []string{"200 a grandmaster 42160d.fffe.627ae7>11160d.fffe.627ae8 Reported", "300 a grandmaster 11160d.fffe.627ae8>42160d.fffe.627ae7 Reported"},
		},
		{
			name: "a parent that is said again when the source is lost is of before",
			steps: []step{
				{at: 200, fact: port(1, Listening)},
				{at: 300, fact: Parent{Grandmaster: gm2, Class: 6}},
				{at: 400, fact: Parent{Grandmaster: own, Class: 255}},
				{at: 500, fact: port(1, Uncalibrated)},
				{at: 600, fact: Parent{Grandmaster: gm2, Class: 6}},
				{at: 700, fact: port(1, Slave)},
			},
			want: []string{
				"200 a-1 port-state SLAVE>LISTENING Reported",
				"400 a grandmaster 42160d.fffe.627ae7>767f31.fffe.399e95 Reported",
				"500 a-1 port-state LISTENING>UNCALIBRATED Reported",
				"700 a grandmaster 767f31.fffe.399e95>11160d.fffe.627ae8 Reported",
				"700 a-1 port-state UNCALIBRATED>SLAVE Reported",
			},
		},
		{
			name:  "down and up again, on another port",
			steps: []step{{at: 200, fact: Down{}}, {at: 300, fact: reading(255, parentOK, Faulty, Slave)}},
			want: []string{
				"200 a daemon-state UP>DOWN DaemonDown", "300 a daemon-state DOWN>UP Reported",
				"300 a-1 port-state SLAVE>FAULTY Reported", "300 a-2 port-state ->SLAVE Reported",
			},
		},
		{
			name:  "an instance that is gone",
			steps: []step{{at: 200, fact: none}},
			want:  []string{"200 a daemon-state UP>DOWN DaemonDown"},
		},
		{
			name:  "a leap second is announced, and is over",
			steps: []step{{at: 200, fact: leap}, {at: 5200, fact: leap}, {at: 9000, fact: inTAI}},
			want:  []string{"200 a leap-second NONE>LEAP61 Reported", "9000 a leap-second LEAP61>NONE Reported"},
		},
		{
			name: "messages go another way; at the edge it is not said twice",
			steps: []step{
				{at: 200, fact: PathDelay{Delay: 20_000}},
				{at: 300, fact: PathDelay{Delay: 20_001}},
				{at: 400, fact: PathDelay{Delay: 19_000}},
				{at: 500, fact: PathDelay{Delay: 20_001}},
				{at: 600, fact: PathDelay{Delay: 18_000}},
				{at: 700, fact: PathDelay{Delay: -1}},
			},
			want: []string{
				"300 a path-delay-state IN-RANGE>OUT-OF-RANGE Reported 20.001µs",
				"600 a path-delay-state OUT-OF-RANGE>IN-RANGE Reported 18µs",
				"700 a path-delay-state IN-RANGE>OUT-OF-RANGE Reported -1ns",
			},
		},
		{
			name:  "the path delay of a source that is lost says nothing",
			steps: []step{{at: 200, fact: Silence{}}, {at: 300, fact: PathDelay{Delay: 1e9}}, {at: 400, fact: Sync{}}, {at: 500, fact: PathDelay{Delay: 1e9}}},
			want:  []string{"500 a path-delay-state IN-RANGE>OUT-OF-RANGE Reported 1s"},
		},
		{
			name: "what was told before is not told again",
			past: []Past{
				{Kind: DaemonState, Instance: "a", Value: Daemon(true)},
				{Kind: Grandmaster, Instance: "a", Value: gm},
				{Kind: PTPPortState, Instance: "a-1", Value: Slave},
				{Kind: LeapSecond, Instance: "a", Value: NoLeap},
				{Kind: PathDelayState, Instance: "a", Value: InRange},
			},
			want: []string{},
		},
		{
			name: "what has changed meanwhile was missed",
			past: []Past{
				{Kind: DaemonState, Instance: "a", Value: Daemon(false)},
				{Kind: Grandmaster, Instance: "a", Value: gm2},
				{Kind: PTPPortState, Instance: "a-1", Value: Faulty},
				{Kind: PTPPortState, Instance: "a", Value: Faulty},
				{Kind: LeapSecond, Instance: "a", Value: Leap59},
				{Kind: PathDelayState, Instance: "a", Value: OutOfRange},
			},
			want: []string{
				"1 a daemon-state DOWN>UP Reported missed", "1 a grandmaster 11160d.fffe.627ae8>42160d.fffe.627ae7 Reported missed",
				"1 a-1 port-state FAULTY>SLAVE Reported missed", "1 a leap-second LEAP59>NONE Reported missed",
				"101 a path-delay-state OUT-OF-RANGE>IN-RANGE Reported 3µs missed",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			th := limits
			th.MaxPathDelay = 20 * time.Microsecond
			n := NewNode(th)
			n.WatchDetails()
			n.Resume(0, tc.past)
			got := []string{}
			for _, s := range append(slices.Clone(start), tc.steps...) {
				name := "a"
				if _, ok := s.fact.(Inventory); ok {
					name = ""
				}
				for _, c := range n.Observe(Observation{At: s.at * ms, Instance: name, Fact: s.fact}) {
					if slices.Contains(details, c.Kind) {
						got = append(got, describeDetail(c))
					}
				}
			}
			want := tc.want
			if tc.past == nil {
				want = append(slices.Clone(started), want...)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want, +got:\n%s", diff)
			}
			told := map[string]bool{}
			for _, c := range n.Reassert(9999 * ms) {
				told[c.Instance+c.Kind.String()] = true
				if c.From != c.To || c.Reason != Reassert {
					t.Errorf("%s is no re-assertion", describe(c))
				}
			}
			for _, kind := range details {
				if name := "a"; kind != PTPPortState && !told[name+kind.String()] || kind == PTPPortState && !told["a-1"+kind.String()] {
					t.Errorf("%v is not said again", kind)
				}
			}
		})
	}
}

func describeDetail(c Transition) string {
	missed := c.Missed
	c.Missed = false
	s := describe(c)
	if c.HasPathDelay {
		s += " " + c.PathDelay.String()
	}
	if missed {
		s += " missed"
	}
	return s
}

// Without WatchDetails nobody pays for them, and nobody hears of them.
func TestDetailsOfWhichNobodyAsks(t *testing.T) {
	n := NewNode(limits)
	n.Resume(0, []Past{{Kind: DaemonState, Instance: "b", Value: Daemon(true)}})
	got := observe(n, append(slices.Clone(lockedAtStart), step{at: 200, fact: PathDelay{Delay: 1e9}}, step{at: 300, fact: Down{}}))
	for _, line := range got {
		for _, kind := range details {
			if strings.Contains(line, " "+kind.String()+" ") {
				t.Errorf("told: %s", line)
			}
		}
	}
	if len(n.instances) != 1 {
		t.Errorf("%d instances, of which one is there", len(n.instances))
	}
}

func TestPortName(t *testing.T) {
	for _, name := range []string{"ptp4l.0", "ptp4l-a-1", "-", ""} {
		for _, number := range []uint16{1, 65535} {
			if i, p, ok := portOf(PortName(name, number)); !ok || i != name || p != number {
				t.Errorf("port %d of %q reads as %d of %q, %v", number, name, p, i, ok)
			}
		}
	}
	for _, name := range []string{"", "a", "a-", "a-0", "a-65536", "a--", "a-x"} {
		if i, p, ok := portOf(name); ok {
			t.Errorf("%q reads as port %d of %q", name, p, i)
		}
	}
}

func TestParseIdentity(t *testing.T) {
	for _, i := range []Identity{own, gm, {}, {255, 255, 255, 255, 255, 255, 255, 255}} {
		if got, err := ParseIdentity(i.String()); err != nil || got != i {
			t.Errorf("%v reads as %v, %v", i, got, err)
		}
	}
	for _, s := range []string{"", "42160dfffe627ae7", "42160d.fffe.627ae", "42160D.fffe.627ae7", "42160d.fffe.627ae700", "42160d.fffe.627aex"} {
		if got, err := ParseIdentity(s); err == nil {
			t.Errorf("%q reads as %v", s, got)
		}
	}
}

// A ptp4l that was started with fewer ports has no states of the others any more.
func TestDetailsOfAPortThatIsGone(t *testing.T) {
	n := NewNode(limits)
	n.WatchDetails()
	n.Resume(0, []Past{{Kind: PTPPortState, Instance: "a-3", Value: Master}})
	observe(n, []step{{at: 0, fact: one}, {at: 1, fact: reading(255, parentOK, Slave, Master)}, {at: 2, fact: Down{}}})
	ports := func() (names []string) {
		for _, c := range n.Reassert(9 * ms) {
			if c.Kind == PTPPortState {
				names = append(names, c.Instance+" "+c.To.String())
			}
		}
		return names
	}
	if diff := cmp.Diff([]string{"a-1 SLAVE", "a-2 MASTER"}, ports()); diff != "" {
		t.Errorf("while ptp4l is down (-want +got):\n%s", diff)
	}
	observe(n, []step{{at: 3, fact: reading(255, parentOK, Listening)}})
	if diff := cmp.Diff([]string{"a-1 LISTENING"}, ports()); diff != "" {
		t.Errorf("with one port (-want +got):\n%s", diff)
	}
}
