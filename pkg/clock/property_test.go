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
	"slices"
	"testing"
	"time"
)

// witness keeps, beside the state machine and in its own simple words, what was
// observed of one instance since when.
type witness struct {
	up        bool
	own       Class
	parent    Parent
	states    map[uint16]PortState
	heard     bool // a Sync since the slave port became slave, and no silence since
	last      time.Duration
	tooLarge  int     // samples in a row beyond UnlockOffset
	goodSince Instant // meaningful while fine is set: the last sample was within LockOffset
	fine      bool
	lostSince Instant
}

func (w *witness) slaves() []uint16 {
	var ports []uint16
	for n, s := range w.states {
		if s == Slave {
			ports = append(ports, n)
		}
	}
	slices.Sort(ports)
	return ports
}

func (w *witness) see(at Instant, f Fact) {
	before, had := w.slaves(), w.hasSource()
	switch f := f.(type) {
	case Reading:
		w.up, w.own, w.parent = true, f.Local.Class, f.Parent
		w.states = map[uint16]PortState{}
		for _, p := range f.Ports {
			w.states[p.Number] = p.State
		}
	case Down:
		w.up, w.states = false, nil
	case Local:
		w.own = f.Class
	case Parent:
		w.parent = f
		if f.Grandmaster == own {
			w.own = f.Class
		}
	case Port:
		if w.states == nil {
			w.states = map[uint16]PortState{}
		}
		w.states[f.Number] = f.State
	case Sync:
		if len(before) > 0 {
			w.heard, w.last = true, f.Offset
			if !w.fine {
				w.goodSince = at
			}
			w.fine = f.Offset.Abs() <= limits.LockOffset
			if f.Calm > 0 {
				w.tooLarge = 0
			}
			if f.Offset.Abs() > limits.UnlockOffset {
				w.tooLarge++
			} else {
				w.tooLarge = 0
			}
		}
	case Silence:
		w.heard, w.tooLarge, w.fine = false, 0, false
	}
	after := w.slaves()
	if len(before) == 0 || len(after) == 0 || before[0] != after[0] {
		w.heard, w.tooLarge = w.heard && len(before) > 0 && len(after) > 0 && before[0] == after[0], 0
	}
	w.fine = w.fine && w.heard
	if had || w.hasSource() {
		w.lostSince = at
	}
}

// card is the hardware clock of one instance: how far the OS clock is from it, and how it was
// read.
type card struct {
	named    bool // ptp4l has said that it is its
	offset   time.Duration
	readable bool
	far      int // readings in a row beyond twice OSClockOffset
	read     Instant
}

// pass lets the clock be read, be set, come and go.
func (c *card) pass(r *rand.Rand, now Instant, device string) Fact {
	offsets := []time.Duration{0, 999, -1000, 1001, 2000, -2001, 5000}
	switch k := r.IntN(40); {
	case k < 5:
		c.offset = offsets[r.IntN(len(offsets))]
		fallthrough
	case k < 36:
		if !c.named {
			return HardwareClock{Device: device, Offset: 37*time.Second + c.offset}
		}
		if !c.readable {
			c.far = limits.UnlockSamples - 1 // the first decides alone
		}
		if c.offset.Abs() <= 2*limits.OSClockOffset {
			c.far = 0
		} else {
			c.far++
		}
		c.readable, c.read = true, now
		return HardwareClock{Device: device, Offset: 37*time.Second + c.offset}
	case k < 38:
		return HardwareClockStep{Device: device, By: time.Duration(r.IntN(2000) - 1000), Within: now.Sub(c.read)}
	}
	c.readable, c.far = false, 0
	return HardwareClockUnreadable{Device: device}
}

func (w *witness) following() bool { return w.up && len(w.slaves()) > 0 && w.heard }

func (w *witness) grandmaster() bool {
	return w.up && len(w.slaves()) == 0 && w.parent.Grandmaster == own
}

func (w *witness) hasSource() bool {
	return w.following() || w.grandmaster() && ClassState(w.own) != Freerun
}

// kernelWitness plays the kernel's part for the OS clock, and whoever disciplines it, and
// keeps in its own simple words what was really done to the clock since when.
type kernelWitness struct {
	bound    time.Duration // that the daemon says with each adjustment
	alive    bool          // the daemon
	adjusted []Instant     // all adjustments since the clock was set
	set      bool          // it was set, and not adjusted since
	// steady is since when no two adjustments are more than 1.5 s apart.
	steady Instant
	asked  Instant
}

// pass lets the daemon live or die, adjust the clock or not, and somebody set it.
func (k *kernelWitness) pass(r *rand.Rand, now Instant) (stepped bool) {
	if r.IntN(60) == 0 {
		k.alive = !k.alive
	}
	if k.alive && r.IntN(3) > 0 {
		if len(k.adjusted) == 0 || now.Sub(k.adjusted[len(k.adjusted)-1]) > 1500*time.Millisecond {
			k.steady = now
		}
		k.adjusted, k.set = append(k.adjusted, now), false
	}
	if r.IntN(300) == 0 {
		k.adjusted, k.set, stepped = nil, true, true
	}
	return stepped
}

// maxError counts the ends of seconds since the last adjustment, as the kernel does.
func (k *kernelWitness) maxError(now Instant) time.Duration {
	if len(k.adjusted) == 0 {
		return Unbounded
	}
	second := func(i Instant) int64 { return int64(i+300*ms) / int64(time.Second) }
	return min(Unbounded, k.bound+500*time.Microsecond*time.Duration(second(now)-second(k.adjusted[len(k.adjusted)-1])))
}

// since counts the adjustments in the last d.
func (k *kernelWitness) since(now Instant, d time.Duration) int {
	count := 0
	for _, a := range k.adjusted {
		if now.Sub(a) <= d {
			count++
		}
	}
	return count
}

func randomFact(r *rand.Rand) Fact {
	offsets := []time.Duration{0, 99, -100, 101, 150, -200, 201, 5000, -37 * time.Second}
	classes := []Class{6, 7, 13, 135, 165, 248, 255}
	states := []PortState{Initializing, Faulty, Disabled, Listening, PreMaster, Master, Passive, Uncalibrated, Slave, Slave, Slave}
	parent := Parent{Grandmaster: []Identity{gm, gm2, own}[r.IntN(3)], Class: classes[r.IntN(len(classes))]}
	switch k := r.IntN(100); {
	case k < 55:
		return Sync{Offset: offsets[r.IntN(len(offsets))] / time.Duration(1+r.IntN(3)), Calm: max(0, r.IntN(12)-8)}
	case k < 72:
		return port(uint16(1+r.IntN(2)), states[r.IntN(len(states))])
	case k < 80:
		return parent
	case k < 86:
		return Silence{}
	case k < 90:
		return Down{}
	case k < 93:
		return Local{Identity: own, Class: classes[r.IntN(len(classes))]}
	}
	return reading(classes[r.IntN(len(classes))], parent, states[r.IntN(len(states))], states[r.IntN(len(states))])
}

// TestRandomObservations holds the machines against what must be true of any sequence.
func TestRandomObservations(t *testing.T) {
	// The same sequences every time, so that a failure tells of a change. Another seed is other sequences.
	const seed uint64 = 20261125
	reached := map[string]int{}
	for round := range 400 {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		n := NewNode(limits)
		watched, fed, hardware := r.IntN(4) > 0, r.IntN(2) > 0, r.IntN(2) > 0
		if watched {
			n.WatchOSClock(fed)
		}
		cards := map[string]*card{"a": {}, "b": {}}
		if hardware {
			n.WatchHardwareClocks()
		}
		kernel := &kernelWitness{bound: []time.Duration{0, 0, 20 * time.Millisecond}[r.IntN(3)]}
		names := []string{"a", "b"}
		seen := map[string]*witness{"a": {}, "b": {}}
		value := map[string]Value{} // by instance and kind
		// unfed is whether the OS clock lost its lock only because what feeds it did: then it was
		// adjusted all the time, and needs no second adjustment to be trusted again.
		unfed := false
		var now Instant

		check := func(now Instant, changes []Transition) {
			t.Helper()
			fail := func(c Transition, why string) {
				t.Helper()
				t.Fatalf("%s: %s (round %d of seed %d)", describe(c), why, round, seed)
			}
			for _, c := range changes {
				key := c.Instance + " " + c.Kind.String()
				w := seen[c.Instance]
				switch {
				case c.Kind == HardwareClockSet:
					if c.From != nil || !hardware {
						fail(c, "hardware clocks are not watched")
					}
					continue
				case c.Kind == OSClockSet:
					if c.From != nil || !kernel.set || !watched {
						fail(c, "the clock was not set")
					}
					continue
				case c.From != value[key]:
					fail(c, "does not start where the last one ended")
				case c.From == c.To:
					fail(c, "changes nothing")
				case c.From == Freerun && c.To == Holdover:
					fail(c, "jumps from FREERUN to HOLDOVER")
				case c.To == Unknown:
					fail(c, "Unknown is never published")
				case c.Kind == LockState && c.To == Locked && !w.grandmaster() && (!w.following() || w.last.Abs() > limits.LockOffset):
					fail(c, "LOCKED without a fresh slave port within the threshold")
				case c.Kind == LockState && c.To == Locked && w.grandmaster() && ClassState(w.own) != Locked:
					fail(c, "LOCKED grandmaster of a class that is not")
				case c.Kind == OSClockState && !watched:
					fail(c, "the OS clock is not watched")
				case c.Kind == OSClockState && c.From == Freerun && !unfed && kernel.since(now, 2*(limits.OSClockTimeout+time.Second)) < 2:
					fail(c, "out of FREERUN without two adjustments")
				}
				if c.Kind == OSClockState && c.To == Freerun {
					unfed = !slices.Contains([]Reason{NotDisciplined, ClockStepped, ClockUnreadable, HoldoverExpired}, c.Reason) ||
						c.Reason == ClockStepped && !kernel.set // but a hardware clock was
				}
				value[key] = c.To
				if c.From != nil && c.Kind != ClockClass {
					reached[c.From.String()+">"+c.To.String()]++
				}
				if c.From != nil && c.Kind == OSClockState {
					reached["OS "+c.From.String()+">"+c.To.String()]++
				}
				reached[c.Kind.String()+" "+string(c.Reason)]++
			}
			for name, w := range seen {
				lock, class := value[name+" lock-state"], value[name+" clock-class"]
				if lock == Locked && !w.following() && !w.grandmaster() {
					t.Fatalf("at %v: %s is LOCKED without a source (round %d of seed %d)", now, name, round, seed)
				}
				if lock == Locked && w.following() && w.tooLarge >= limits.UnlockSamples {
					t.Fatalf("at %v: %s is LOCKED after %d samples too large (round %d of seed %d)", now, name, w.tooLarge, round, seed)
				}
				if lock != Locked && class != nil && class != w.own && class != defaultClass {
					t.Fatalf("at %v: %s is %v with class %v, which is not its own (round %d of seed %d)", now, name, lock, class, round, seed)
				}
				if lock == Holdover && !w.hasSource() && now.Sub(w.lostSince) > limits.HoldoverTimeout {
					t.Fatalf("at %v: %s is still in HOLDOVER, %v without a source (round %d of seed %d)", now, name, now.Sub(w.lostSince), round, seed)
				}
			}
			again := n.Reassert(now)
			for _, c := range again {
				if said := value[c.Instance+" "+c.Kind.String()]; c.From != said || c.To != said || c.At != now || c.Reason != Reassert {
					fail(c, "is said again, and was not said")
				}
			}
			if len(again) != len(value) {
				t.Fatalf("at %v: %d states are said again, of %d (round %d of seed %d)", now, len(again), len(value), round, seed)
			}
			if node := value[" sync-state"]; node == Locked && value["a lock-state"] != Locked && value["b lock-state"] != Locked {
				t.Fatalf("at %v: the node is LOCKED, no instance is (round %d of seed %d)", now, round, seed)
			}
			os, ptp := value[" os-clock-sync-state"], value["a lock-state"] == Locked || value["b lock-state"] == Locked
			if os == Locked && fed && !ptp {
				t.Fatalf("at %v: the OS clock is LOCKED, nothing that feeds it is (round %d of seed %d)", now, round, seed)
			}
			if value[" sync-state"] == Locked && watched && os != Locked {
				t.Fatalf("at %v: the node is LOCKED, its OS clock is %v (round %d of seed %d)", now, os, round, seed)
			}
			if os == Locked && fed && hardware {
				best, near := Unknown, false
				for name, c := range cards {
					if lock, _ := value[name+" lock-state"].(State); lock > best {
						best, near = lock, false
					}
					near = near || value[name+" lock-state"] == best && c.far < limits.UnlockSamples
				}
				if !near {
					t.Fatalf("at %v: the OS clock is LOCKED, far from every clock that can feed it (round %d of seed %d)", now, round, seed)
				}
			}
			if now != kernel.asked {
				return // what follows is true when the kernel has just been asked
			}
			// The kernel counts in seconds, so that an adjustment may seem a second younger than it is.
			if os == Locked && kernel.since(now, limits.OSClockTimeout+time.Second) == 0 {
				t.Fatalf("at %v: the OS clock is LOCKED without an adjustment (round %d of seed %d)", now, round, seed)
			}
			if os != nil && kernel.set && os != Freerun {
				t.Fatalf("at %v: the OS clock is %v after it was set (round %d of seed %d)", now, os, round, seed)
			}
			steady := !hardware && kernel.bound == 0 && kernel.since(now, 1500*time.Millisecond) > 0 && now.Sub(kernel.steady) > 6*time.Second
			if os != nil && os != Locked && steady && (ptp || !fed) {
				t.Fatalf("at %v: the OS clock is %v although it is adjusted all the time (round %d of seed %d)", now, os, round, seed)
			}
		}

		check(now, n.Observe(Observation{Fact: Inventory{Instances: names}}))
		for _, name := range names {
			check(now, n.Observe(Observation{Instance: name, Fact: inTAI}))
		}
		check(now, n.Observe(Observation{Fact: HardwareClocks{Devices: []HardwareClockDevice{{Name: "ptpa"}, {Name: "ptpb"}}}}))
		for range 600 {
			// Never 0: what the kernel said at this instant is what it says for all of it.
			now = now.Add(time.Duration(1+r.IntN(400)) * time.Millisecond)
			for at, ok := n.Deadline(); ok && at <= now; at, ok = n.Deadline() {
				check(at, n.Advance(at))
			}
			name, fact := names[r.IntN(2)], randomFact(r)
			if f, ok := fact.(Reading); ok {
				for i := range f.Ports {
					f.Ports[i].HardwareClock = "ptp" + name
				}
				cards[name].named = true
			}
			seen[name].see(now, fact)
			check(now, n.Observe(Observation{At: now, Instance: name, Fact: fact}))
			if hardware {
				owner := names[r.IntN(2)]
				w, f := seen[owner], cards[owner].pass(r, now, "ptp"+owner)
				before := value[owner+" lock-state"]
				followed := before == Locked && w.following()
				check(now, n.Observe(Observation{At: now, Fact: f}))
				set, ok := f.(HardwareClockStep)
				if ok && followed && set.By.Abs() > limits.UnlockOffset && w.goodSince <= now.Add(-set.Within) && value[owner+" lock-state"] != Freerun {
					t.Fatalf("at %v: %s is %v, and its hardware clock was set (round %d of seed %d)", now, owner, value[owner+" lock-state"], round, seed)
				}
				if ok && value[owner+" lock-state"] != before {
					w.heard, w.fine, w.tooLarge = false, false, 0
				}
			}
			stepped := kernel.pass(r, now)
			if stepped {
				check(now, n.Observe(Observation{At: now, Fact: OSClockStep{By: time.Minute}}))
			}
			if stepped || now.Sub(kernel.asked) >= time.Second {
				kernel.asked = now
				check(now, n.Observe(Observation{At: now, Fact: OSClock{MaxError: kernel.maxError(now)}}))
			}
		}
	}
	for _, edge := range []string{
		"FREERUN>LOCKED", "LOCKED>HOLDOVER", "HOLDOVER>LOCKED", "HOLDOVER>FREERUN", "LOCKED>FREERUN",
		"lock-state ClockStepped", "os-clock-sync-state OffsetOutOfRange",
		"OS FREERUN>LOCKED", "OS LOCKED>HOLDOVER", "OS HOLDOVER>LOCKED", "OS HOLDOVER>FREERUN", "OS LOCKED>FREERUN",
	} {
		if reached[edge] < 100 {
			t.Errorf("only %d times %s: the sequences do not exercise the machines", reached[edge], edge)
		}
	}
}
