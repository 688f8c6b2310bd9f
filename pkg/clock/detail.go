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
	"strconv"
	"strings"
	"time"
)

// Daemon is whether a ptp4l answers.
type Daemon bool

// String returns UP or DOWN.
func (d Daemon) String() string {
	if d {
		return "UP"
	}
	return "DOWN"
}

// Leap is what happens to the last minute of the day (IEEE 1588-2019, 8.2.4.3 and 8.2.4.4).
type Leap uint8

// The leaps.
const (
	// NoLeap: it has 60 seconds.
	NoLeap Leap = iota
	// Leap59: it has 59.
	Leap59
	// Leap61: it has 61.
	Leap61
)

// String returns the leap as IEEE 1588 calls its flag, in capitals; NONE for none.
func (l Leap) String() string { return [...]string{"NONE", "LEAP59", "LEAP61"}[l] }

// PathDelayRange is whether messages take from the master as long as they should.
type PathDelayRange bool

// The ranges.
const (
	InRange    PathDelayRange = true
	OutOfRange PathDelayRange = false
)

// String returns IN-RANGE or OUT-OF-RANGE.
func (r PathDelayRange) String() string {
	if r == InRange {
		return "IN-RANGE"
	}
	return "OUT-OF-RANGE"
}

func (Daemon) value()         {}
func (Identity) value()       {}
func (PortState) value()      {}
func (Leap) value()           {}
func (PathDelayRange) value() {}

// detail is what was told last of one property of an instance besides its states.
type detail struct {
	kind Kind
	port uint16 // 0 for what the instance has once
	// value is never nil. past is whether it was told before this instance is watched, and
	// nothing was seen yet that it could follow from.
	value Value
	past  bool
}

// PortName names a port of an instance, as linuxptp does with ports of a clock: ptp4l.0-1.
func PortName(instance string, port uint16) string { return fmt.Sprintf("%s-%d", instance, port) }

// portOf is the inverse of PortName.
func portOf(name string) (instance string, port uint16, ok bool) {
	at := strings.LastIndexByte(name, '-')
	if at < 0 {
		return "", 0, false
	}
	number, err := strconv.ParseUint(name[at+1:], 10, 16)
	return name[:at], uint16(number), err == nil && number > 0
}

// resumeDetail takes in what was told before, and whether it is a detail.
func (n *Node) resumeDetail(p Past) bool {
	name, port := p.Instance, uint16(0)
	switch p.Kind {
	case DaemonState, Grandmaster, LeapSecond, PathDelayState:
	case PTPPortState:
		var ok bool
		if name, port, ok = portOf(p.Instance); !ok {
			return true // it is none of ours
		}
	default:
		return false
	}
	if n.detailed {
		i := n.instance(name)
		i.details = append(i.details, detail{kind: p.Kind, port: port, value: p.Value, past: true})
	}
	return true
}

// tellDetails returns what has changed of an instance besides its states. What is not known, or
// would be of before the source was lost, is not told: it stays as it was.
func (i *instance) tellDetails(now Instant) []Transition {
	if !i.detailed || !i.seen {
		return nil
	}
	var changes []Transition
	tell := func(kind Kind, port Port, is Value, why Reason) {
		d := i.detail(kind, port.Number)
		if d == nil {
			i.details = append(i.details, detail{kind: kind, port: port.Number})
			d = &i.details[len(i.details)-1]
		}
		was, missed := d.value, d.past
		d.value, d.past = is, false
		if is == was {
			return
		}
		t := i.detailTransition(now, *d, why)
		t.From, t.Missed = was, missed
		changes = append(changes, t)
	}
	if !i.up {
		tell(DaemonState, Port{}, Daemon(false), DaemonDown)
		return changes
	}
	tell(DaemonState, Port{}, Daemon(true), Reported)
	// A clock that has lost its master goes on naming it.
	if _, slave := i.slave(); i.parentKnown && (slave || i.parent.Grandmaster == i.local.Identity) {
		tell(Grandmaster, Port{}, i.parent.Grandmaster, Reported)
	}
	for _, p := range i.ports {
		tell(PTPPortState, p, p.State, Reported)
	}
	if i.hasScale {
		tell(LeapSecond, Port{}, i.scale.Leap, Reported)
	}
	if i.fresh && i.hasPathDelay {
		within := i.thresholds.MaxPathDelay
		if d := i.detail(PathDelayState, 0); d != nil && d.value == OutOfRange {
			within -= within / 10 // a delay at the edge is not two events with each reading
		}
		tell(PathDelayState, Port{}, PathDelayRange(i.pathDelay >= 0 && i.pathDelay <= within), Reported)
	}
	return changes
}

func (i *instance) detail(kind Kind, port uint16) *detail {
	for n := range i.details {
		if d := &i.details[n]; d.kind == kind && d.port == port {
			return d
		}
	}
	return nil
}

// detailTransition returns the transition to a detail, but for what it was.
func (i *instance) detailTransition(at Instant, d detail, why Reason) Transition {
	t := Transition{At: at, Kind: d.kind, Instance: i.name, Interface: i.iface, To: d.value, Reason: why}
	switch d.kind {
	case PTPPortState:
		t.Instance = PortName(i.name, d.port)
		t.Interface = ""
		for _, p := range i.ports {
			if p.Number == d.port {
				t.Interface = p.Interface
			}
		}
	case PathDelayState:
		t.PathDelay, t.HasPathDelay = i.pathDelay, i.hasPathDelay
	}
	return t
}

// reassertDetails returns the details as transitions that change nothing.
func (i *instance) reassertDetails(at Instant) []Transition {
	var all []Transition
	for _, d := range i.details {
		// A ptp4l that is up and has no such port any more has no state of it, either.
		gone := d.port > 0 && i.up && !slices.ContainsFunc(i.ports, func(p Port) bool { return p.Number == d.port })
		if !d.past && !gone {
			t := i.detailTransition(at, d, Reassert)
			t.From = d.value
			all = append(all, t)
		}
	}
	return all
}

// defaultMaxPathDelay is longer than the light takes through 200 km of fibre: no path of PTP is,
// but one that has gone another way or waits in a queue.
const defaultMaxPathDelay = time.Millisecond
