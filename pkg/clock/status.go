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

// HardwareStatus is what is known of one PTP hardware clock.
type HardwareStatus struct {
	Device string // such as ptp0
	// Interfaces are the network interfaces that have it, as far as they can be seen.
	Interfaces []string
	// Readable is whether it could be read last. The rest but Steps is meaningful only if so.
	Readable bool
	// Residual is the clock minus CLOCK_REALTIME, where it should be 0: less TAI minus UTC, and
	// less whole seconds of a clock of which nobody says in what timescale it is.
	Residual time.Duration
	// Frequency is by how many parts per billion the clock is made faster, when HasFrequency
	// is set.
	Frequency    float64
	HasFrequency bool
	// Steps is how often it was set since the start.
	Steps uint64
}

// PresentHardware returns what is known of every PTP hardware clock of the last HardwareClocks.
func (n *Node) PresentHardware() []HardwareStatus {
	if n.hardware == nil {
		return nil
	}
	var present []HardwareStatus
	for _, d := range n.hardware.devices {
		s := HardwareStatus{Device: d.Name, Interfaces: d.Interfaces}
		if r := n.hardware.readings[d.Name]; r != nil {
			s.Readable, s.Steps = r.readable, r.steps
			if r.readable {
				s.Residual, s.Frequency, s.HasFrequency = n.residual(r.last), r.last.Frequency, r.last.HasFrequency
			}
		}
		present = append(present, s)
	}
	return present
}

// residual returns how far a hardware clock is from where CLOCK_REALTIME says that it should be.
func (n *Node) residual(of HardwareClock) time.Duration {
	for i := range n.using(of.Device) {
		return i.apart(of.Offset, n.tai)
	}
	return (&instance{}).apart(of.Offset, n.tai) // nobody says in what timescale it is
}

// OSClockSteps returns how often CLOCK_REALTIME was set since the start, and whether it is watched.
func (n *Node) OSClockSteps() (steps uint64, watched bool) {
	if n.os == nil {
		return 0, false
	}
	return n.os.steps, true
}

// ReceiverStatus is what is known of one GNSS receiver.
type ReceiverStatus struct {
	Name string
	// State is what was published last; GNSSUndecided when nothing was.
	State GNSSStatus
	// Report is what it said last. Its Fix is FixUnknown while it is not heard; the rest is
	// meaningful only if it is.
	Report GNSSReport
}

// PresentReceivers returns what is known of every receiver that gpsd has, or had when it was
// heard last.
func (n *Node) PresentReceivers() []ReceiverStatus {
	if n.gnss == nil {
		return nil
	}
	var present []ReceiverStatus
	for _, r := range n.gnss.receivers {
		if r.listed {
			s := ReceiverStatus{Name: r.name, State: r.state, Report: r.report}
			if s.State == GNSSUndecided {
				s.State = r.past
			}
			present = append(present, s)
		}
	}
	return present
}

// DPLLStatus is what is known of one DPLL.
type DPLLStatus struct {
	Name string
	Type DPLLType
	// State is what was published last of one of type EEC, and what the kernel says of any
	// other; Unknown when it says nothing that is known.
	State State
}

// PresentDPLLs returns what is known of every DPLL of which the kernel tells.
func (n *Node) PresentDPLLs() []DPLLStatus {
	if n.dplls == nil {
		return nil
	}
	var present []DPLLStatus
	for _, d := range n.dplls.devices {
		s := DPLLStatus{Name: d.Name, Type: d.Type, State: d.Lock.state()}
		if d.Type == DPLLEEC {
			s.State = n.dplls.eec(d.Name).known()
		}
		present = append(present, s)
	}
	return present
}

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
