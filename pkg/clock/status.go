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

import "time"

// Status is what is known of one ptp4l instance, for logs and measurements. What is lost
// with the source, or with ptp4l, is not there any more: nothing in it is older than its
// comment says.
type Status struct {
	Instance string
	// Up is whether ptp4l answers.
	Up bool
	// State and Class are what was published last; Unknown and nil when nothing was.
	State State
	Class Value
	// Reason is why State is what it is; empty while it is Unknown.
	Reason Reason
	// Interface is the network interface that the instance follows or followed last;
	// empty when unknown or when there is none.
	Interface string
	// Grandmaster is the one that ptp4l named last, which may be the clock itself.
	Grandmaster Identity
	// Ports are by number; none while ptp4l does not answer.
	Ports []Port
	// Silent is whether a port is SLAVE and no Sync reaches it.
	Silent bool
	// Offset is that of the last Sync that was reported, while HasOffset is set: a port is
	// SLAVE and Sync comes.
	Offset    time.Duration
	HasOffset bool
	// PathDelay is what was read last, while HasPathDelay is set: under the same condition.
	PathDelay    time.Duration
	HasPathDelay bool
}

// Status returns what is known of an instance; nothing of one that was never heard of.
func (n *Node) Status(instance string) Status {
	for _, i := range n.instances {
		if i.name == instance {
			return i.status()
		}
	}
	return Status{Instance: instance}
}

// Present returns what is known of every instance of the last Inventory.
func (n *Node) Present() []Status {
	var present []Status
	for _, i := range n.instances {
		if i.listed {
			present = append(present, i.status())
		}
	}
	return present
}

// State returns the state of the node; Unknown until it is decided.
func (n *Node) State() State { return n.state.state }

// OSClockState returns the state of the operating system's clock; Unknown until it is decided,
// and where it is not watched.
func (n *Node) OSClockState() State { return n.osState.state }

// Reasons returns why the node and its OS clock became what they are; empty where that was
// before they are watched.
func (n *Node) Reasons() (node, osClock Reason) { return n.state.reason, n.osState.reason }

func (i *instance) status() Status {
	s := Status{
		Instance: i.name, Up: i.up, State: i.known(), Reason: i.reason, Class: i.class, Interface: i.iface,
		Grandmaster: i.parent.Grandmaster, Ports: append([]Port(nil), i.ports...), Silent: i.silent,
	}
	if i.fresh {
		s.Offset, s.HasOffset = i.offset, true
	}
	if i.fresh && i.hasPathDelay {
		s.PathDelay, s.HasPathDelay = i.pathDelay, true
	}
	return s
}
