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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const tai = 37 * time.Second

var (
	ptp0   = HardwareClocks{Devices: []HardwareClockDevice{{Name: "ptp0", Interfaces: []string{"eth0"}}}}
	inTAI  = TimeProperties{PTP: true, UTCOffset: tai}
	anyOld = TimeProperties{UTCOffset: tai}
)

// stamped is what a clock that is SLAVE says of itself, whose messages a hardware clock stamps.
func stamped(device string) Reading {
	r := reading(255, parentOK, Slave)
	r.Ports[0].HardwareClock = device
	return r
}

// beside is readings of ptp0 every 250 ms from an instant on: how far it is from where it
// should be.
func beside(from Instant, offsets ...time.Duration) []step {
	var steps []step
	for n, o := range offsets {
		steps = append(steps, step{at: from + Instant(n)*250, fact: HardwareClock{Device: "ptp0", Offset: tai + o}})
	}
	return steps
}

// adjusted is the kernel of a clock that is adjusted every second, as it is asked four times
// a second, from 200 ms on.
func adjusted(to Instant) []step {
	var steps []step
	for at := Instant(200); at < to; at += 250 {
		steps = append(steps, step{at: at, fact: OSClock{MaxError: 500 * time.Microsecond * time.Duration(at/500%2)}})
	}
	return steps
}

// besideHardware is an ordinary clock with a hardware clock, and the first Sync at 100 ms.
var besideHardware = []step{
	{at: 0, fact: one},
	{at: 0, fact: ptp0},
	{at: 1, fact: inTAI},
	{at: 1, fact: stamped("ptp0")},
	{at: 100, fact: Sync{Offset: 55}},
}

func TestOSClockBesideAHardwareClock(t *testing.T) {
	ptpLocked := []string{
		"100 a lock-state ->LOCKED OffsetInRange 55",
		"100 a clock-class ->6 ParentClass 55",
	}
	good := append(slices.Clone(ptpLocked),
		"200 node os-clock-sync-state ->LOCKED Disciplined",
		"200 node sync-state ->LOCKED OffsetInRange")
	far := append(slices.Clone(ptpLocked),
		"200 node os-clock-sync-state ->FREERUN OffsetOutOfRange",
		"200 node sync-state ->FREERUN OffsetOutOfRange")
	for _, tc := range []struct {
		name  string
		other bool // the OS clock is fed by something other than PTP
		start []step
		steps []step
		want  []string
	}{
		// Start.
		{name: "near at start is locked by one reading", steps: after(beside(150, 1000), told(200, 0)), want: good},
		{name: "far at start is freerun by one reading", steps: after(beside(150, -2001), told(200, 0)), want: far},
		{name: "in between at start is freerun", steps: after(beside(150, 1500), told(200, 0)), want: far},
		{
			name:  "the first reading is waited for",
			steps: after(told(110, 0), beside(200, 0)), want: good,
		},
		{
			name:  "near, and not adjusted by anybody, is freerun",
			steps: after(beside(150, 0), told(200, nobody)),
			want: append(slices.Clone(ptpLocked),
				"200 node os-clock-sync-state ->FREERUN NotDisciplined",
				"200 node sync-state ->FREERUN NotDisciplined"),
		},
		{
			name:  "without a clock that can be read the kernel decides",
			steps: after([]step{{at: 200, fact: HardwareClockUnreadable{Device: "ptp0"}}}, told(110, 0)), want: good,
		},
		{
			name:  "without any hardware clock the kernel decides",
			start: []step{{at: 0, fact: one}, {at: 0, fact: HardwareClocks{}}, {at: 1, fact: reading(255, parentOK, Slave)}, {at: 100, fact: Sync{Offset: 55}}},
			steps: told(200, 0), want: good,
		},
		{
			name:  "messages that the kernel stamps have nothing to do with a hardware clock",
			start: []step{{at: 0, fact: one}, {at: 0, fact: ptp0}, {at: 1, fact: stamped(NoHardwareClock)}, {at: 100, fact: Sync{Offset: 55}}},
			steps: after(beside(150, time.Second), told(200, 0)), want: good,
		},
		{
			name:  "a ptp4l that does not tell has the clock of its interface",
			start: []step{{at: 0, fact: one}, {at: 0, fact: ptp0}, {at: 1, fact: inTAI}, {at: 1, fact: stamped("")}, {at: 100, fact: Sync{Offset: 55}}},
			steps: after(beside(150, time.Second), told(200, 0)), want: far,
		},
		{
			name: "fed by something else it has nothing to do with a hardware clock", other: true,
			steps: after(beside(150, time.Second), told(200, 0)), want: good,
		},

		// Timescales.
		{
			name:  "a grandmaster that counts seconds from anywhere says nothing of whole ones",
			start: []step{{at: 0, fact: one}, {at: 0, fact: ptp0}, {at: 1, fact: anyOld}, {at: 1, fact: stamped("ptp0")}, {at: 100, fact: Sync{Offset: 55}}},
			steps: after(beside(150, 5*time.Second-900), told(200, 0)), want: good,
		},
		{
			name:  "seconds of TAI are not those of UTC",
			steps: after(beside(150, -time.Second), told(200, 0)), want: far,
		},
		{
			name:  "what the kernel says of TAI counts while ptp4l says nothing",
			start: []step{{at: 0, fact: one}, {at: 0, fact: ptp0}, {at: 1, fact: stamped("ptp0")}, {at: 50, fact: OSClock{TAI: 36 * time.Second}}, {at: 100, fact: Sync{Offset: 55}}},
			steps: beside(200, 0), want: far,
		},

		// While it runs.
		{
			name:  "two readings that are far are noise",
			steps: after(beside(150, 0, 3000, 3000, 1500, 3000, -3000, 0), adjusted(2000)), want: good,
		},
		{
			name:  "three that are far are freerun, three that are near end it",
			steps: after(beside(150, 0, 3000, -3000, 3000, 0, 0, 1500, 0, 0, 0), adjusted(3000)),
			want: append(slices.Clone(good),
				"900 node os-clock-sync-state LOCKED>FREERUN OffsetOutOfRange",
				"900 node sync-state LOCKED>FREERUN OffsetOutOfRange",
				"2400 node os-clock-sync-state FREERUN>LOCKED Disciplined",
				"2400 node sync-state FREERUN>LOCKED OffsetInRange"),
		},
		{
			name:  "between once and twice the threshold it stays what it is",
			steps: after(beside(150, 0, 1500, 1900, 1500, 1900, 1500), adjusted(2000)), want: good,
		},
		{
			name: "phc2sys stops while the clock is still near: three of the kernel's seconds, holdover",
			steps: after(beside(150, 0), adjusted(1000),
				told(1200, 500, 1000, 1500, 2000)),
			want: append(slices.Clone(good),
				"3200 node os-clock-sync-state LOCKED>HOLDOVER NotDisciplined",
				"3200 node sync-state LOCKED>HOLDOVER NotDisciplined"),
		},
		{
			name: "and drifts away: freerun",
			steps: after(beside(150, 0), adjusted(1000), told(1200, 500, 1000, 1500),
				beside(3500, 2100, 2200, 2300)),
			want: append(slices.Clone(good),
				"3200 node os-clock-sync-state LOCKED>HOLDOVER NotDisciplined",
				"3200 node sync-state LOCKED>HOLDOVER NotDisciplined",
				"4000 node os-clock-sync-state HOLDOVER>FREERUN OffsetOutOfRange",
				"4000 node sync-state HOLDOVER>FREERUN OffsetOutOfRange"),
		},
		{
			name:  "one that is adjusted every second second may miss two of these",
			steps: after(beside(150, 0), told(200, 0, 500, 1000, 0, 500, 1000, 0, 500, 1000, 1500, 0, 500)),
			want:  good,
		},
		{
			name:  "where the clock cannot be read, phc2sys may be restarted within the time-out",
			steps: after([]step{{at: 150, fact: HardwareClockUnreadable{Device: "ptp0"}}}, told(200, 0, 500, 1000, 1500, 2000, 0, 500)),
			want:  good,
		},
		{
			name: "the clock cannot be read any more: the kernel decides",
			steps: after(beside(150, 0, 3000, 3000), []step{
				{at: 700, fact: HardwareClockUnreadable{Device: "ptp0"}},
				{at: 800, fact: HardwareClocks{}},
			}, adjusted(3000)),
			want: good,
		},
		{
			name: "set, and still adjusted: what was near says nothing",
			steps: after(beside(150, 0, 0, 0), []step{{at: 700, fact: OSClockStep{By: time.Second}}, {at: 700, fact: OSClock{MaxError: Unbounded}}},
				told(200, 0), beside(900, -time.Second, -time.Second, -time.Second), told(1000, 0, 500, 0, 500)),
			want: append(slices.Clone(good),
				"700 node os-clock-set ->1000000000 ClockStepped",
				"700 node os-clock-sync-state LOCKED>FREERUN ClockStepped",
				"700 node sync-state LOCKED>FREERUN ClockStepped"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := NewNode(limits)
			n.WatchOSClock(!tc.other)
			n.WatchHardwareClocks()
			start := tc.start
			if start == nil {
				start = besideHardware
			}
			if diff := cmp.Diff(tc.want, observe(n, after(start, tc.steps))); diff != "" {
				t.Errorf("transitions (-want +got):\n%s", diff)
			}
		})
	}
}

// Of two clocks that are LOCKED, either can feed the OS clock.
func TestOSClockIsNearAnyOfTheBest(t *testing.T) {
	n := NewNode(limits)
	n.WatchOSClock(true)
	n.WatchHardwareClocks()
	second := stamped("ptp1")
	got := observe(n, after([]step{
		{at: 0, fact: two},
		{at: 0, fact: HardwareClocks{Devices: []HardwareClockDevice{{Name: "ptp0"}, {Name: "ptp1"}}}},
		{at: 1, fact: inTAI},
		{at: 1, of: "b", fact: inTAI},
		{at: 1, fact: stamped("ptp0")},
		{at: 1, of: "b", fact: second},
		{at: 100, fact: Sync{Offset: 1}},
		{at: 100, of: "b", fact: Sync{Offset: 2}},
		{at: 110, fact: HardwareClock{Device: "ptp0", Offset: tai + time.Millisecond}},
		{at: 120, fact: HardwareClock{Device: "ptp1", Offset: tai}},
		{at: 300, of: "b", fact: port(1, Faulty)},
	}, told(200, 0)))
	want := []string{
		"100 a lock-state ->LOCKED OffsetInRange 1",
		"100 a clock-class ->6 ParentClass 1",
		"100 b lock-state ->LOCKED OffsetInRange 2",
		"100 b clock-class ->6 ParentClass 2",
		"200 node os-clock-sync-state ->LOCKED Disciplined",
		"200 node sync-state ->LOCKED OffsetInRange",
		"300 b lock-state LOCKED>HOLDOVER PortNotSlave",
		"300 b clock-class 6>255 OwnClass",
		"300 node os-clock-sync-state LOCKED>FREERUN OffsetOutOfRange",
		"300 node sync-state LOCKED>FREERUN OffsetOutOfRange",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}

func TestHardwareClockStep(t *testing.T) {
	set := func(at Instant, by, within time.Duration) step {
		return step{at: at, fact: HardwareClockStep{Device: "ptp0", By: by, Within: within}}
	}
	locked := []string{
		"100 a lock-state ->LOCKED OffsetInRange 55",
		"100 a clock-class ->6 ParentClass 55",
		"100 node sync-state ->LOCKED OffsetInRange",
	}
	spoilt := []string{
		"2000 ptp0 hardware-clock-set ->1000000 ClockStepped",
		"2000 a lock-state LOCKED>FREERUN ClockStepped",
		"2000 a clock-class 6>255 OwnClass",
		"2000 node sync-state LOCKED>FREERUN ClockStepped",
	}
	for _, tc := range []struct {
		name  string
		steps []step
		want  []string
	}{
		{
			name:  "while ptp4l says nothing: freerun at once, and not holdover when it is found silent",
			steps: []step{{at: 1900, fact: Sync{}}, set(2000, time.Millisecond, time.Second), {at: 2400, fact: Silence{}}, {at: 9000}},
			want:  spoilt,
		},
		{
			name: "until samples show that it is well",
			steps: []step{
				{at: 1900, fact: Sync{}},
				set(2000, time.Millisecond, time.Second),
				{at: 2025, fact: Sync{Offset: -900_000}},
				{at: 2150, fact: Sync{}},
				{at: 2275, fact: Sync{}},
				{at: 2400, fact: Sync{}},
			},
			want: append(slices.Clone(spoilt),
				"2400 a lock-state FREERUN>LOCKED OffsetInRange 0",
				"2400 a clock-class 255>6 ParentClass 0",
				"2400 node sync-state FREERUN>LOCKED OffsetInRange"),
		},
		{
			name:  "in holdover it is no longer good",
			steps: []step{{at: 1800, fact: Down{}}, set(2000, time.Millisecond, time.Second)},
			want: []string{
				"1800 a lock-state LOCKED>HOLDOVER DaemonDown",
				"1800 a clock-class 6>255 OwnClass",
				"1800 node sync-state LOCKED>HOLDOVER DaemonDown",
				"2000 ptp0 hardware-clock-set ->1000000 ClockStepped",
				"2000 a lock-state HOLDOVER>FREERUN ClockStepped",
				"2000 node sync-state HOLDOVER>FREERUN ClockStepped",
			},
		},
		{
			name:  "by less than it may be off",
			steps: []step{set(2000, -200, time.Second)},
			want:  []string{"2000 ptp0 hardware-clock-set ->-200 ClockStepped"},
		},
		{
			name: "by ptp4l itself, which has found it well since: what was noticed late is no news",
			steps: []step{
				{at: 1200, fact: port(1, Uncalibrated)},
				{at: 1300, fact: port(1, Slave)},
				{at: 1400, fact: Sync{}},
				{at: 1500, fact: Sync{}},
				{at: 1600, fact: Sync{}},
				set(2000, time.Millisecond, time.Second),
			},
			want: []string{
				"1200 a lock-state LOCKED>HOLDOVER PortNotSlave",
				"1200 a clock-class 6>255 OwnClass",
				"1200 node sync-state LOCKED>HOLDOVER PortNotSlave",
				"1600 a lock-state HOLDOVER>LOCKED OffsetInRange 0",
				"1600 node sync-state HOLDOVER>LOCKED OffsetInRange",
				"2000 ptp0 hardware-clock-set ->1000000 ClockStepped",
			},
		},
		{
			name:  "another clock is nobody's",
			steps: []step{{at: 2000, fact: HardwareClockStep{Device: "ptp7", By: time.Hour, Within: time.Second}}},
			want:  []string{"2000 ptp7 hardware-clock-set ->3600000000000 ClockStepped"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := NewNode(limits)
			n.WatchHardwareClocks()
			got := observe(n, slices.Concat(besideHardware, tc.steps))
			if diff := cmp.Diff(slices.Concat(locked, tc.want), got); diff != "" {
				t.Errorf("transitions (-want +got):\n%s", diff)
			}
		})
	}
}

// A grandmaster says by its class how it is.
func TestHardwareClockStepOfAGrandmaster(t *testing.T) {
	n := NewNode(limits)
	n.WatchHardwareClocks()
	r := reading(6, Parent{Grandmaster: own, Class: 6}, Master)
	r.Ports[0].HardwareClock = "ptp0"
	got := observe(n, []step{
		{at: 0, fact: one},
		{at: 0, fact: ptp0},
		{at: 1, fact: r},
		{at: 2000, fact: HardwareClockStep{Device: "ptp0", By: time.Millisecond, Within: time.Second}},
	})
	want := []string{
		"1 a lock-state ->LOCKED GrandmasterClass",
		"1 a clock-class ->6 OwnClass",
		"1 node sync-state ->LOCKED GrandmasterClass",
		"2000 ptp0 hardware-clock-set ->1000000 ClockStepped",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}

// A node whose hardware clocks are not watched hears nothing of them.
func TestHardwareClocksThatAreNotWatched(t *testing.T) {
	n := NewNode(limits)
	n.WatchOSClock(true)
	got := observe(n, after(besideHardware, beside(150, time.Second), told(200, 0), []step{
		{at: 300, fact: HardwareClockStep{Device: "ptp0", By: time.Hour}},
		{at: 301, fact: HardwareClockUnreadable{Device: "ptp0"}},
	}))
	want := []string{
		"100 a lock-state ->LOCKED OffsetInRange 55",
		"100 a clock-class ->6 ParentClass 55",
		"200 node os-clock-sync-state ->LOCKED Disciplined",
		"200 node sync-state ->LOCKED OffsetInRange",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
}

func TestReadyWaitsForTheHardwareClocks(t *testing.T) {
	n := NewNode(limits)
	n.WatchHardwareClocks()
	n.Observe(Observation{Fact: none})
	if n.Ready() {
		t.Error("ready although nobody has looked for hardware clocks")
	}
	n.Observe(Observation{Fact: HardwareClocks{}})
	if !n.Ready() {
		t.Error("not ready although there are known to be none")
	}
}

// How far the OS clock is from what feeds it is told with its state.
func TestOSClockOffset(t *testing.T) {
	n := NewNode(limits)
	n.WatchOSClock(true)
	n.WatchHardwareClocks()
	var got []string
	see := func(name string, steps ...step) {
		for _, s := range steps {
			if s.of == "" {
				s.of = name
			}
			var changes []Transition
			if s.fact == nil {
				changes = n.Reassert(s.at * ms)
			} else {
				changes = n.Observe(Observation{At: s.at * ms, Instance: s.of, Fact: s.fact})
			}
			for _, c := range changes {
				if c.Kind == OSClockState {
					line := describe(c)
					if c.HasOffset {
						line += " " + c.Offset.String()
					}
					got = append(got, line)
				}
			}
		}
	}
	see("", step{at: 0, fact: two}, step{at: 0, fact: HardwareClocks{Devices: []HardwareClockDevice{{Name: "ptp0"}, {Name: "ptp1"}}}})
	see("a", step{at: 1, fact: inTAI}, step{at: 1, fact: stamped("ptp0")}, step{at: 1, fact: Sync{}})
	see("b", step{at: 1, fact: inTAI}, step{at: 1, fact: stamped("ptp1")}, step{at: 1, fact: Sync{}})
	see("", step{at: 2, fact: HardwareClock{Device: "ptp0", Offset: tai + 300}}, step{at: 2, fact: HardwareClock{Device: "ptp1", Offset: tai - 40}}, step{at: 3, fact: OSClock{}})
	// The better one of two is lost: it is the other that counts.
	see("b", step{at: 10, fact: Down{}})
	see("", step{at: 20})
	see("", step{at: 30, fact: OSClockStep{By: time.Second}}, step{at: 31, fact: OSClock{MaxError: Unbounded}}, step{at: 32})
	see("", step{at: 40, fact: HardwareClock{Device: "ptp0", Offset: tai - 5000}}, step{at: 41})
	see("", step{at: 50, fact: HardwareClockStep{Device: "ptp0", By: 5000, Within: 10 * time.Millisecond}}, step{at: 51})
	want := []string{
		"3 node os-clock-sync-state ->LOCKED Disciplined 40ns",
		"20 node os-clock-sync-state LOCKED>LOCKED reassert -300ns",
		"31 node os-clock-sync-state LOCKED>FREERUN ClockStepped",
		"32 node os-clock-sync-state FREERUN>FREERUN reassert",
		"41 node os-clock-sync-state FREERUN>FREERUN reassert 5µs",
		"51 node os-clock-sync-state FREERUN>FREERUN reassert",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	// By what NTP feeds it, it cannot be told.
	other := NewNode(limits)
	other.WatchOSClock(false)
	other.WatchHardwareClocks()
	for _, o := range []Observation{
		{Fact: one}, {Fact: ptp0}, {Instance: "a", Fact: stamped("ptp0")}, {Instance: "a", Fact: Sync{}}, {Fact: HardwareClock{Device: "ptp0", Offset: tai}}, {Fact: OSClock{}},
	} {
		for _, c := range other.Observe(o) {
			if c.Kind == OSClockState && c.HasOffset {
				t.Errorf("%s has an offset", describe(c))
			}
		}
	}
}

// A clock that was read before ptp4l has said whose it is counts from its next reading on: until then
// nothing is LOCKED by its silence.
func TestHardwareClockThatIsReadFirst(t *testing.T) {
	for _, tc := range []struct {
		name string
		next Fact
		want []string
	}{
		{"near", HardwareClock{Device: "ptp0", Offset: tai}, []string{"200 node os-clock-sync-state ->LOCKED Disciplined"}},
		{"far", HardwareClock{Device: "ptp0", Offset: tai + 5000}, []string{"200 node os-clock-sync-state ->FREERUN OffsetOutOfRange"}},
		{"it cannot be read any more", HardwareClockUnreadable{Device: "ptp0"}, []string{"200 node os-clock-sync-state ->LOCKED Disciplined"}},
	} {
		n := NewNode(limits)
		n.WatchOSClock(true)
		n.WatchHardwareClocks()
		var got []string
		for _, line := range observe(n, []step{
			{at: 0, fact: one},
			{at: 1, fact: ptp0},
			{at: 2, fact: HardwareClock{Device: "ptp0", Offset: tai + 5000}},
			{at: 3, fact: OSClock{}},
			{at: 4, fact: inTAI},
			{at: 5, fact: stamped("ptp0")},
			{at: 100, fact: Sync{}},
			{at: 150, fact: OSClock{}},
			{at: 200, fact: tc.next},
		}) {
			if strings.Contains(line, "os-clock-sync-state") {
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want, +got):\n%s", tc.name, diff)
		}
	}
}

// Of a clock that is adjusted many times a second nobody may ever see that MaxError has grown. That it
// was not adjusted for long before says nothing about it.
func TestThreeAdjustmentsOfAFastDaemonThatHasBeenAway(t *testing.T) {
	steps := []step{{at: 0, fact: one}, {at: 1, fact: ptp0}, {at: 2, fact: inTAI}, {at: 3, fact: stamped("ptp0")}, {at: 4, fact: HardwareClock{Device: "ptp0", Offset: tai}}, {at: 100, fact: Sync{}}}
	asked := func(at Instant, maxError time.Duration) {
		steps = append(steps, step{at: at, fact: OSClock{MaxError: maxError}}, step{at: at, fact: Sync{}})
	}
	at := Instant(200)
	for range 2 { // it is away for 20 s, and back for 8
		for n := range 80 {
			asked(at, 500*time.Microsecond*time.Duration(n/4))
			at += 250
		}
		for range 32 {
			asked(at, 0)
			at += 250
		}
	}
	stopped := at
	for n := range 20 {
		asked(at, 500*time.Microsecond*time.Duration((n+3)/4))
		at += 250
	}
	n := NewNode(limits)
	n.WatchOSClock(true)
	n.WatchHardwareClocks()
	got := observe(n, steps)
	if len(got) == 0 || !strings.HasSuffix(got[len(got)-1], "node sync-state LOCKED>HOLDOVER NotDisciplined") {
		t.Fatalf("it has stopped at %d: %q", stopped, got)
	}
	var lost Instant
	if _, err := fmt.Sscan(got[len(got)-1], &lost); err != nil || lost-stopped > 3000 {
		t.Errorf("it has stopped at %d, which was noticed at %d, %v", stopped, lost, err)
	}
}
