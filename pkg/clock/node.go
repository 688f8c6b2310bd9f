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

import "slices"

// Node turns observations of the clocks of one node into transitions. It is not safe
// for concurrent use.
type Node struct {
	thresholds Thresholds
	instances  []*instance
	// listed is whether the first Inventory has come: before it, an instance that was
	// not heard of may be the one that is locked.
	listed bool
	state  State
}

// NewNode returns a node of which nothing is known.
func NewNode(t Thresholds) *Node { return &Node{thresholds: t} }

// Observe takes in one observation and returns what has changed by it, in the order
// lock-state, clock-class, sync-state. Observations must come in the order of time.
func (n *Node) Observe(o Observation) []Transition {
	if inventory, ok := o.Fact.(Inventory); ok {
		n.listed = true
		for _, name := range inventory.Instances {
			n.instance(name)
		}
		changes := n.removeAllBut(o.At, inventory.Instances)
		return n.settle(o.At, changes)
	}
	return n.settle(o.At, n.instance(o.Instance).step(o.At, o.Fact))
}

// Advance returns what has changed because time has passed.
func (n *Node) Advance(now Instant) []Transition {
	var changes []Transition
	for _, i := range n.instances {
		changes = append(changes, i.step(now, nil)...)
	}
	return n.settle(now, changes)
}

// Deadline returns when Advance must be called next, and whether it must at all.
func (n *Node) Deadline() (Instant, bool) {
	var next Instant
	var waiting bool
	for _, i := range n.instances {
		if i.expires && (!waiting || i.deadline < next) {
			next, waiting = i.deadline, true
		}
	}
	return next, waiting
}

// Ready is whether every clock source was read once, or is known to be absent.
func (n *Node) Ready() bool {
	return n.listed && !slices.ContainsFunc(n.instances, func(i *instance) bool { return !i.seen })
}

func (n *Node) instance(name string) *instance {
	for _, i := range n.instances {
		if i.name == name {
			return i
		}
	}
	i := &instance{name: name, thresholds: n.thresholds}
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

// settle adds the change of the node's own state that follows from changes.
func (n *Node) settle(at Instant, changes []Transition) []Transition {
	state, from := n.derive()
	if state == n.state {
		return changes
	}
	t := Transition{At: at, Kind: SyncState, To: state, Reason: from.reason, Interface: from.iface}
	if n.state != Unknown {
		t.From = n.state
	}
	n.state = state
	return append(changes, t)
}

// derive returns the state of the node, and the instance it comes from. Any clock
// that is locked can feed the OS clock, so the node is as good as its best instance:
// of two followers one may be lost. The OS clock itself is not watched yet; when it
// is, the worse of it and of the instance that really feeds it is the state of the
// node, and it belongs here.
func (n *Node) derive() (State, instance) {
	if !n.listed {
		return Unknown, instance{}
	}
	best := instance{state: Freerun, reason: NoInstance}
	undecided := false
	for k, i := range n.instances {
		if i.state > best.state || k == 0 && i.state == Freerun {
			best = *i
		}
		undecided = undecided || i.state == Unknown
	}
	switch {
	case n.state == Unknown && undecided && best.state != Locked:
		return Unknown, instance{} // the one that is not read yet may be the better one
	case n.state == Freerun && best.state == Holdover:
		return Freerun, instance{} // a clock that is itself only in holdover makes nothing good again
	}
	return best.state, best
}
