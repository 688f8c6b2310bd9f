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
	"time"
)

// Node turns observations of the clocks of one node into transitions. It is not safe
// for concurrent use.
type Node struct {
	thresholds Thresholds
	instances  []*instance
	// listed is whether the first Inventory has come: before it, an instance that was
	// not heard of may be the one that is locked.
	listed bool
	// detailed is whether more than the states is told of instances.
	detailed bool
	// os is CLOCK_REALTIME, nil while it is not watched. fedByPTP is whether it is one of
	// the instances that it gets its time from.
	os       *osClock
	fedByPTP bool
	// gnss and dplls are nil while they are not watched.
	gnss  *gnss
	dplls *dplls
	// hardware is nil while the hardware clocks are not watched. tai is what the kernel says.
	hardware *hardware
	tai      time.Duration

	// What was published of the node itself.
	osState, state published
}

// published is a state of the node.
type published struct {
	state  State
	reason Reason // why it became so
	past   State  // published before this node is watched (Resume)
}

// known is the state, or the one of before while nothing is decided.
func (p *published) known() State {
	if p.state == Unknown {
		return p.past
	}
	return p.state
}

// NewNode returns a node of which nothing is known.
func NewNode(t Thresholds) *Node { return &Node{thresholds: t} }

// WatchOSClock says that CLOCK_REALTIME is watched, too. Fed by PTP it gets its time from a
// ptp4l instance, through phc2sys or directly, and is never better than the best of
// them. It must be called before the first observation.
func (n *Node) WatchOSClock(fedByPTP bool) {
	n.os = &osClock{timeout: n.thresholds.OSClockTimeout, phase: phase{holdover: n.thresholds.HoldoverTimeout}}
	n.fedByPTP = fedByPTP
}

// WatchDetails says that more is told of each ptp4l instance than its states: whether it answers, its
// grandmaster, its ports, leap seconds and whether its path delay is in range. It must be called
// before the first observation.
func (n *Node) WatchDetails() { n.detailed = true }

// WatchGNSS says that GNSS receivers are watched, too. It must be called before the first
// observation.
func (n *Node) WatchGNSS() { n.gnss = &gnss{} }

// WatchDPLLs says that DPLLs are watched, too. A grandmaster is then no better than the one
// that drives its pulse. It must be called before the first observation.
func (n *Node) WatchDPLLs() {
	n.dplls = &dplls{holdover: phase{holdover: n.thresholds.HoldoverTimeout}, past: map[string]Value{}}
}

// WatchHardwareClocks says that the PTP hardware clocks are watched, too. An instance whose
// clock somebody else has set is not LOCKED, and an OS clock that PTP feeds is LOCKED only
// while it is where the hardware clock says. It must be called before the first observation.
func (n *Node) WatchHardwareClocks() {
	n.hardware = &hardware{readings: map[string]*hardwareReading{}}
}

// Observe takes in one observation and returns what has changed by it, in the order
// hardware-clock-set, lock-state, clock-class, details, os-clock-set, those of GNSS and SyncE,
// os-clock-sync-state, sync-state. Observations must come in the order of time.
func (n *Node) Observe(o Observation) []Transition {
	var changes []Transition
	switch f := o.Fact.(type) {
	case Inventory:
		n.listed = true
		for _, name := range f.Instances {
			n.instance(name)
		}
		changes = n.removeAllBut(o.At, f.Instances)
	case OSClock, OSClockTracking, OSClockStep, OSClockUnreadable:
		if n.os == nil {
			return nil
		}
		n.observeOSClock(o.At, f)
		if step, ok := f.(OSClockStep); ok {
			changes = append(changes, Transition{At: o.At, Kind: OSClockSet, To: Shift(step.By), Reason: ClockStepped})
		}
	case GNSSReceivers, GNSSReport, GNSSSilence, GNSSDown:
		if n.gnss == nil {
			return nil
		}
		changes = n.gnss.step(o.At, o.Instance, f)
	case DPLLs, DPLLUnreadable:
		if n.dplls == nil {
			return nil
		}
		changes = n.dplls.step(o.At, f)
		for _, i := range n.instances { // a grandmaster may not be what it was
			changes = append(changes, i.step(o.At, nil)...)
		}
	case SyncEQualityReport, SyncEQualityUnreadable:
		if n.dplls == nil {
			return nil
		}
		changes = n.dplls.relayed(o.At, f)
	case HardwareClocks, HardwareClock, HardwareClockStep, HardwareClockUnreadable:
		changes = n.observeHardware(o.At, f)
	default:
		changes = n.instance(o.Instance).step(o.At, f)
		if n.os != nil && n.hardware != nil {
			n.os.step(o.At, nil, n.evidence()) // another clock may be the best now
		}
	}
	return n.settle(o.At, changes)
}

func (n *Node) observeOSClock(at Instant, f Fact) {
	switch f := f.(type) {
	case OSClock:
		n.tai = f.TAI
	case OSClockStep:
		for _, i := range n.instances {
			i.closeness.forget()
		}
	}
	n.os.step(at, f, n.evidence())
}

// Advance returns what has changed because time has passed.
func (n *Node) Advance(now Instant) []Transition {
	var changes []Transition
	for _, i := range n.instances {
		changes = append(changes, i.step(now, nil)...)
	}
	if n.os != nil {
		n.os.step(now, nil, n.evidence())
	}
	if n.dplls != nil {
		changes = append(changes, n.dplls.step(now, nil)...)
	}
	return n.settle(now, changes)
}

// Reassert returns all that is known as transitions that change nothing, in the same order:
// what somebody has missed who listens only now.
func (n *Node) Reassert(now Instant) []Transition {
	var all []Transition
	for _, i := range n.instances {
		if !i.undecided() {
			t := i.transition(now, LockState, Reassert)
			t.From, t.To = i.state, i.state
			all = append(all, t)
			if i.class != nil {
				t := i.transition(now, ClockClass, Reassert)
				t.From, t.To = i.class, i.class
				all = append(all, t)
			}
		}
		all = append(all, i.reassertDetails(now)...)
	}
	if n.gnss != nil {
		all = append(all, n.gnss.reassert(now)...)
	}
	if n.dplls != nil {
		all = append(all, n.dplls.reassert(now)...)
	}
	sync, os := n.verdicts()
	if s := n.osState.state; s != Unknown {
		t := Transition{At: now, Kind: OSClockState, From: s, To: s, Reason: Reassert, Interface: os.iface}
		t.Offset, t.HasOffset = n.osOffset()
		all = append(all, t)
	}
	if s := n.state.state; s != Unknown {
		all = append(all, Transition{At: now, Kind: SyncState, From: s, To: s, Reason: Reassert, Interface: sync.iface})
	}
	return all
}

// Deadline returns when Advance must be called next, and whether it must at all.
func (n *Node) Deadline() (Instant, bool) {
	var next Instant
	var waiting bool
	consider := func(p *phase) {
		if p.expires && (!waiting || p.deadline < next) {
			next, waiting = p.deadline, true
		}
	}
	for _, i := range n.instances {
		consider(&i.phase)
	}
	if n.os != nil {
		consider(&n.os.phase)
	}
	if n.dplls != nil {
		for _, e := range n.dplls.eecs {
			consider(&e.phase)
		}
	}
	return next, waiting
}

// Ready is whether every clock source was read once, or is known to be absent.
func (n *Node) Ready() bool {
	return n.listed && !slices.ContainsFunc(n.instances, func(i *instance) bool { return !i.seen }) && (n.os == nil || n.os.seen) &&
		(n.hardware == nil || n.hardware.listed) && (n.gnss == nil || n.gnss.ready()) && (n.dplls == nil || n.dplls.seen)
}

func (n *Node) instance(name string) *instance {
	for _, i := range n.instances {
		if i.name == name {
			return i
		}
	}
	i := &instance{name: name, thresholds: n.thresholds, detailed: n.detailed, dplls: n.dplls, phase: phase{holdover: n.thresholds.HoldoverTimeout}}
	n.instances = append(n.instances, i)
	return i
}

// removeAllBut treats an instance that is gone from the node like one that does not
// answer. Its state is kept, so that nothing is said twice when it comes back.
func (n *Node) removeAllBut(at Instant, names []string) []Transition {
	var changes []Transition
	for _, i := range n.instances {
		i.listed = slices.Contains(names, i.name)
		if !i.listed {
			changes = append(changes, i.step(at, Down{Cause: "the instance is gone"})...)
		}
	}
	return changes
}

// settle adds the changes of the node's own states that follow from changes.
func (n *Node) settle(at Instant, changes []Transition) []Transition {
	sync, os := n.verdicts()
	before := len(changes)
	if changes = publish(changes, at, OSClockState, &n.osState, os); len(changes) > before {
		t := &changes[before]
		t.Offset, t.HasOffset = n.osOffset()
	}
	return publish(changes, at, SyncState, &n.state, sync)
}

// verdicts returns the states of the node as a whole and of its OS clock as they follow from
// what is known now. That of an OS clock which is not watched is Unknown.
func (n *Node) verdicts() (sync, os verdict) {
	sync = n.followers(n.state.state)
	if n.os == nil {
		return sync, verdict{}
	}
	if !n.os.undecided() {
		os = verdict{state: n.os.state, reason: n.os.reason}
	}
	sync = worse(sync, os)
	if n.fedByPTP {
		os = worse(os, n.followers(n.osState.state))
	}
	return sync, os
}

// verdict is a state of the node, and where it comes from.
type verdict struct {
	state  State
	reason Reason
	iface  string
}

// worse returns the worse of two, and the first of two that are equal.
func worse(a, b verdict) verdict {
	if b.state < a.state {
		return b
	}
	return a
}

// publish adds the change to a verdict, if it is one.
func publish(changes []Transition, at Instant, k Kind, p *published, v verdict) []Transition {
	before, first := p.known(), p.state == Unknown
	switch {
	case v.state == Unknown:
		return changes
	case v.state == Holdover && before == Freerun:
		v.state = Freerun // a clock that is itself only in holdover makes nothing good again
	}
	p.state = v.state
	if v.state == before {
		return changes
	}
	p.reason = v.reason
	t := Transition{At: at, Kind: k, To: v.state, Reason: v.reason, Interface: v.iface}
	if before != Unknown {
		t.From, t.Missed = before, first && v.reason != HoldoverExpired
	}
	return append(changes, t)
}

// followers returns the state of PTP on the node, for a state that is still Unknown or no
// longer. Any clock that is locked can feed the OS clock, so it is that of the best
// instance: of two followers one may be lost.
func (n *Node) followers(published State) verdict {
	if !n.listed {
		return verdict{}
	}
	best := verdict{state: Freerun, reason: NoInstance}
	undecided := false
	for k, i := range n.instances {
		if i.undecided() {
			undecided = true
			continue
		}
		if i.state > best.state || k == 0 && i.state == Freerun {
			best = verdict{i.state, i.reason, i.iface}
		}
	}
	if published == Unknown && undecided && best.state != Locked {
		return verdict{} // the one that is not read yet may be the better one
	}
	return best
}
