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
	"cmp"
	"slices"
	"time"
)

// instance is the state machine of one ptp4l instance: it holds what is known and
// derives lock-state and clock-class from it.
type instance struct {
	name       string
	thresholds Thresholds
	dplls      *dplls // nil while they are not watched

	// What was observed.
	listed bool // the last Inventory has it
	seen   bool // a Reading or a Down has come
	up     bool // the last of the two was a Reading
	read   bool // a Reading has come: local is known
	local  Local
	parent Parent
	// parentKnown is whether parent was seen since the clock last lost its source.
	// ptp4l goes on answering with the parent of before, so an older one is stale.
	parentKnown bool
	ports       []Port // by number
	// fresh is whether a Sync was seen since the present slave port became slave,
	// and no silence since.
	fresh     bool
	silent    bool
	good, bad int // samples in a row, within LockOffset and beyond UnlockOffset
	goodSince Instant
	offset    time.Duration
	// pathDelay is meaningful while hasPathDelay is set: like the samples, one of before
	// says nothing about the present master.
	pathDelay    time.Duration
	hasPathDelay bool
	// device is the hardware clock of the port that the clock follows or followed last, else
	// of its first port; empty when none is known.
	device string
	// scale is meaningful while hasScale is set.
	scale    TimeProperties
	hasScale bool
	// closeness is that of the OS clock to device.
	closeness closeness
	// detailed is whether what it says besides its states is told, and details what was told.
	detailed bool
	details  []detail

	// What was decided. classPast is whether class was published before this instance is
	// watched, and nothing was seen yet that it could follow from.
	phase
	classPast bool
	// following is whether the state was earned by following a master, as opposed to
	// the clock's own class.
	following bool
	class     Value // nil until known
	iface     string
}

// slave returns the port that follows a master, and whether there is one.
func (i *instance) slave() (Port, bool) {
	for _, p := range i.ports {
		if p.State == Slave {
			return p, true
		}
	}
	return Port{}, false
}

// observe takes in one fact. It changes what is known, not what is decided.
func (i *instance) observe(at Instant, f Fact) {
	before, was := i.slave()
	switch f := f.(type) {
	case Reading:
		i.seen, i.up, i.read = true, true, true
		i.local, i.parent, i.parentKnown = f.Local, f.Parent, true
		i.ports = i.ports[:0]
		for _, p := range f.Ports {
			i.setPort(p)
		}
	case Down:
		i.seen, i.up = true, false
		i.ports = i.ports[:0]
	case Local:
		i.local = f
	case Parent:
		i.parent, i.parentKnown = f, true
		if f.Grandmaster == i.local.Identity {
			// A clock without a master announces its own class as the parent's, and
			// pushes it long before defaultDS is polled again.
			i.local.Class = f.Class
		}
	case Port:
		i.setPort(f)
	case TimeProperties:
		i.scale, i.hasScale = f, true
	case Sync:
		i.sample(at, f)
	case PathDelay:
		i.pathDelay, i.hasPathDelay = f.Delay, was && !i.silent && f.Delay != 0
	case Silence:
		i.silent = true
		i.forgetSamples()
	}

	after, is := i.slave()
	if was && !is {
		i.parentKnown = false
	}
	if was != is || before.Number != after.Number {
		i.silent = false
		i.forgetSamples()
	}
	if is && after.Interface != "" {
		i.iface = after.Interface
	}
	i.chooseDevice(after, is)
}

func (i *instance) setPort(p Port) {
	n, known := slices.BinarySearchFunc(i.ports, p.Number, func(q Port, number uint16) int {
		return cmp.Compare(q.Number, number)
	})
	if !known {
		i.ports = slices.Insert(i.ports, n, p)
		return
	}
	p.Interface = cmp.Or(p.Interface, i.ports[n].Interface)
	p.HardwareClock = cmp.Or(p.HardwareClock, i.ports[n].HardwareClock)
	i.ports[n] = p
}

// sample counts one offset, and the calm ones before it. Samples of a clock that follows
// nobody count for nothing.
func (i *instance) sample(at Instant, s Sync) {
	if _, ok := i.slave(); !ok {
		return
	}
	i.fresh, i.silent, i.offset = true, false, s.Offset
	if i.good == 0 {
		i.goodSince = at
	}
	if s.Calm > 0 {
		i.good, i.bad = i.good+s.Calm, 0
	}
	switch size := s.Offset.Abs(); {
	case size <= i.thresholds.LockOffset:
		i.good, i.bad = i.good+1, 0
	case size > i.thresholds.UnlockOffset:
		i.good, i.bad = 0, i.bad+1
	default:
		i.good, i.bad = 0, 0
	}
}

func (i *instance) forgetSamples() {
	i.fresh, i.good, i.bad, i.hasPathDelay = false, 0, 0, false
}

// decide derives the state from what is known at now.
func (i *instance) decide(now Instant) {
	_, slave := i.slave()
	waiting := slave && !i.fresh && !i.silent
	if !i.seen || waiting && i.undecided() {
		i.expire(now)
		return // the first Reading decides, the next Sync, or the next silence
	}
	resumed := i.resumed
	i.resumed = false
	switch {
	case !i.up:
		i.lose(now, DaemonDown)
	case slave && i.fresh:
		i.following = i.following || resumed && i.state == Locked
		i.follow(now)
	case slave && i.silent:
		i.lose(now, SyncSilent)
	case slave:
		i.lose(now, PortNotSlave) // the port has just become SLAVE and has shown nothing yet
	case i.grandmaster():
		i.judgeClass(now)
	default:
		i.lose(now, PortNotSlave)
	}
	i.expire(now)
	if i.state == Freerun {
		i.following = false
	}
}

// follow judges a clock that follows a living master by its samples. The first
// sample ever decides at once: there is no state yet that noise could disturb.
func (i *instance) follow(now Instant) {
	first := i.state == Unknown
	switch {
	case i.good >= i.thresholds.LockSamples, first && i.good > 0:
		i.become(Locked, OffsetInRange)
		i.following = true
	case i.bad >= i.thresholds.UnlockSamples, first:
		i.become(Freerun, OffsetOutOfRange)
	case i.state == Holdover && !i.expires:
		i.startHoldover(now)
	}
}

// slaveOnlyClass is the clockClass of a clock that can never be grandmaster
// (IEEE 1588-2019, table 4).
const slaveOnlyClass Class = 255

// grandmaster is whether the clock is its own grandmaster. A slave-only clock without
// a master names itself as its parent too, but is none.
func (i *instance) grandmaster() bool {
	return i.parentKnown && i.parent.Grandmaster == i.local.Identity && i.local.Class != slaveOnlyClass
}

// judgeClass judges a clock that is grandmaster itself.
func (i *instance) judgeClass(now Instant) {
	state, why := i.dplls.disciplined(ClassState(i.local.Class))
	switch state {
	case Locked:
		i.become(Locked, why)
		i.following = false
	case Holdover:
		if i.known() == Freerun { // what is not good any more does not get better by a word
			i.become(Freerun, why)
			return
		}
		i.become(Holdover, why)
		i.following, i.expires = false, false
	default:
		if i.state != Unknown && i.following && why == GrandmasterClass {
			i.lose(now, PortNotSlave) // it became its own grandmaster by losing its master
			return
		}
		i.become(Freerun, why)
	}
}

// defaultClass is the clockClass of a clock that claims nothing (IEEE 1588-2019, table 4).
const defaultClass Class = 248

// announced returns the class that the clock announces: its master's while it is
// locked to it, its own otherwise; nil while it is not known. A clock whose daemon is
// down announces nothing, so the good class of before must not stand.
func (i *instance) announced() (Value, Reason) {
	switch {
	case i.undecided():
		return i.class, ""
	case !i.read:
		// It has not answered since it is watched. What it said before stands, unless it is
		// a promise.
		if class, ok := i.class.(Class); ok && ClassState(class) != Freerun {
			return defaultClass, DaemonDown
		}
		return i.class, ""
	case !i.up && ClassState(i.local.Class) != Freerun:
		return defaultClass, DaemonDown
	case i.state == Locked && i.following && i.parentKnown:
		return i.parent.Class, ParentClass
	case i.state == Locked && i.following:
		return i.class, ""
	}
	return i.local.Class, OwnClass
}

// step observes a fact, if there is one, decides, and returns what has changed.
func (i *instance) step(now Instant, f Fact) []Transition {
	from, missed := i.known(), i.undecided() && i.past != Unknown
	if f != nil {
		i.observe(now, f)
	}
	if set, ok := f.(HardwareClockStep); ok && i.spoilt(now, set) {
		i.forgetSamples()
		i.become(Freerun, ClockStepped)
	}
	i.decide(now)

	var changes []Transition
	if !i.undecided() && i.state != from {
		t := i.transition(now, LockState, i.reason)
		t.To, t.Missed = i.state, missed && i.reason != HoldoverExpired // which was waited for
		if from != Unknown {
			t.From = from
		}
		changes = append(changes, t)
	}
	class, why := i.announced()
	if class != i.class {
		t := i.transition(now, ClockClass, why)
		t.From, t.To, t.Missed = i.class, class, i.classPast
		i.class = class
		changes = append(changes, t)
	}
	i.classPast = i.classPast && why == ""
	return append(changes, i.tellDetails(now)...)
}

func (i *instance) transition(at Instant, k Kind, why Reason) Transition {
	t := Transition{At: at, Kind: k, Instance: i.name, Interface: i.iface, Reason: why}
	if i.fresh {
		t.Offset, t.HasOffset = i.offset, true
	}
	return t
}
