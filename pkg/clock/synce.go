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
	"strconv"
)

// DPLLs is everything that the kernel says of the node's DPLLs, read at one go or put
// together from what has changed since. It replaces all that was known before.
type DPLLs struct{ Devices []DPLL }

// DPLL is one phase-locked loop of a network card (include/uapi/linux/dpll.h).
type DPLL struct {
	// Name is the same for the same DPLL, also after the machine was restarted.
	Name string
	Type DPLLType
	Lock DPLLLock
	// Input names the input that it is locked to: the network interface that the frequency
	// comes from, where the kernel tells, else the pin. Empty when none is, or the kernel does
	// not say.
	Input string
	// Quality is the quality of the DPLL's own clock, while HasQuality is set: what it is
	// worth without an input.
	Quality    QualityLevel
	HasQuality bool
}

// DPLLType says what a DPLL is for.
type DPLLType uint8

// The types, with the numbers of the kernel.
const (
	// DPLLPPS drives a pulse per second: the PTP hardware clock of a grandmaster.
	DPLLPPS DPLLType = 1
	// DPLLEEC drives the Ethernet equipment clock: the frequency of SyncE.
	DPLLEEC DPLLType = 2
)

// String names the type as the kernel's documentation does.
func (t DPLLType) String() string {
	switch t {
	case DPLLPPS:
		return "pps"
	case DPLLEEC:
		return "eec"
	}
	return "other"
}

// DPLLLock says how well a DPLL follows its input.
type DPLLLock uint8

// The lock states, with the numbers of the kernel.
const (
	DPLLUnlocked DPLLLock = 1
	DPLLLocked   DPLLLock = 2
	// DPLLLockedHoldover is locked for long enough to be in holdover when the input is lost.
	DPLLLockedHoldover DPLLLock = 3
	DPLLHoldover       DPLLLock = 4
)

// state is the lock in O-RAN's words; Unknown for a lock that is none of ours.
func (l DPLLLock) state() State {
	switch l {
	case DPLLUnlocked:
		return Freerun
	case DPLLLocked, DPLLLockedHoldover:
		return Locked
	case DPLLHoldover:
		return Holdover
	}
	return Unknown
}

// QualityLevel is a quality level of SyncE as it is sent in ESMC (ITU-T G.8264, table 11-7).
type QualityLevel struct {
	// SSM is the SSM code, and Enhanced the enhanced SSM code: 0xFF for levels that have none.
	SSM, Enhanced uint8
}

// String returns the SSM code in decimal.
func (q QualityLevel) String() string { return strconv.Itoa(int(q.SSM)) }

func (QualityLevel) value() {}

// SyncEQualityReport is what quality level synce4l passes on: that of the source which a device is
// locked to, or do not use.
type SyncEQualityReport struct {
	Device string // as synce4l's configuration calls it
	Level  QualityLevel
}

// SyncEQualityUnreadable means that synce4l does not tell what it passes on. The next
// SyncEQualityReport ends it.
type SyncEQualityUnreadable struct {
	Device string
	// Cause says why, for people.
	Cause string
}

// DPLLUnreadable means that the kernel does not tell of its DPLLs, or has none. The next
// DPLLs ends it.
type DPLLUnreadable struct {
	// Cause says why, for people.
	Cause string
}

func (DPLLs) fact()                  {}
func (DPLLUnreadable) fact()         {}
func (SyncEQualityReport) fact()     {}
func (SyncEQualityUnreadable) fact() {}

// dplls is the state machine of all DPLLs of the node.
type dplls struct {
	seen bool
	// pps is the best of the DPLLs that drive a pulse; Unknown where there is none. Which of
	// them a ptp4l uses cannot be seen, and one that nobody uses is unlocked for ever.
	pps  State
	eecs []*eec
	// devices are those of the last DPLLs.
	devices []DPLL
	// relays are the devices of synce4l.
	relays []*relay
	// past are the qualities that were published before they are watched, by the name of whatever
	// has it: an EEC or a relay.
	past map[string]Value
	// holdover is how long an EEC is trusted of which the kernel does not tell any more.
	holdover phase
}

// eec is the state machine of one DPLL of type EEC.
type eec struct {
	name  string
	input string
	// quality is what was published of it; nil for nothing. hasQuality is whether it is what
	// the clock is worth now. qualityPast is whether it was published before this EEC is watched.
	quality     Value
	hasQuality  bool
	qualityPast bool

	phase
}

// relay is a device of synce4l, which passes on the quality of its source.
type relay struct {
	name string
	// quality is what was published of it; nil for nothing. past is whether that was before this
	// device is watched.
	quality Value
	past    bool
}

func (d *dplls) relay(name string) *relay {
	for _, r := range d.relays {
		if r.name == name {
			return r
		}
	}
	r := &relay{name: name, quality: d.past[name], past: d.past[name] != nil}
	d.relays = append(d.relays, r)
	return r
}

// doNotUse is the SSM code of what must not be followed (QL-DNU; ITU-T G.8264, table 11-3).
const doNotUse = 0x0F

// relayed takes in what synce4l says, and returns what has changed. A synce4l that does not answer
// may pass on nothing, so what it has said before must not stand.
func (d *dplls) relayed(now Instant, f Fact) []Transition {
	var r *relay
	var level QualityLevel
	why := Reported
	switch f := f.(type) {
	case SyncEQualityReport:
		r, level = d.relay(f.Device), f.Level
	case SyncEQualityUnreadable:
		r, level, why = d.relay(f.Device), QualityLevel{SSM: doNotUse, Enhanced: 0xFF}, DaemonDown
	}
	was, missed := r.quality, r.past
	r.past = false
	if was != nil && was.String() == level.String() {
		return nil
	}
	r.quality = level
	return []Transition{{At: now, Kind: SyncEQuality, Instance: r.name, From: was, To: level, Reason: why, Missed: missed}}
}

func (d *dplls) eec(name string) *eec {
	for _, e := range d.eecs {
		if e.name == name {
			return e
		}
	}
	e := &eec{name: name, phase: d.holdover, quality: d.past[name], qualityPast: d.past[name] != nil}
	d.eecs = append(d.eecs, e)
	return e
}

// step takes in a fact, if there is one, and returns what has changed.
func (d *dplls) step(now Instant, f Fact) []Transition {
	var changes []Transition
	switch f := f.(type) {
	case DPLLs:
		d.seen, d.pps, d.devices = true, Unknown, f.Devices
		for _, device := range f.Devices {
			switch device.Type {
			case DPLLPPS:
				d.pps = max(d.pps, device.Lock.state())
			case DPLLEEC:
				d.eec(device.Name)
			}
		}
		for _, e := range d.eecs {
			n := slices.IndexFunc(f.Devices, func(d DPLL) bool { return d.Type == DPLLEEC && d.Name == e.name })
			if n < 0 {
				changes = append(changes, e.step(now, func() { e.gone(now, DPLLGone) })...)
				continue
			}
			changes = append(changes, e.step(now, func() { e.observe(now, f.Devices[n]) })...)
		}
	case DPLLUnreadable:
		d.seen, d.pps, d.devices = true, Unknown, nil
		for _, e := range d.eecs {
			changes = append(changes, e.step(now, func() { e.gone(now, DPLLSilent) })...)
		}
	default:
		for _, e := range d.eecs {
			changes = append(changes, e.step(now, func() {})...)
		}
	}
	return changes
}

// observe takes over what the kernel says: it knows itself for how long holdover is good.
func (e *eec) observe(now Instant, d DPLL) {
	state := d.Lock.state()
	if state == Unknown {
		e.gone(now, DPLLSilent)
		return
	}
	e.input = d.Input
	e.become(state, DPLLLockStatus)
	e.expires = false
	// While it is locked it passes on the quality of its source, which the kernel does not know.
	e.hasQuality = d.HasQuality && state != Locked
	if e.hasQuality && (e.quality == nil || e.quality.String() != d.Quality.String()) {
		e.quality = d.Quality
	}
}

// gone judges an EEC of which the kernel does not tell any more.
func (e *eec) gone(now Instant, why Reason) {
	e.input, e.hasQuality = "", false
	e.lose(now, why)
	e.resumed = false
}

// step lets something happen, and returns what has changed by it.
func (e *eec) step(now Instant, happen func()) []Transition {
	from, missed, quality := e.known(), e.undecided() && e.past != Unknown, e.quality
	happen()
	e.expire(now)
	var changes []Transition
	if !e.undecided() && e.state != from {
		t := e.transition(now, SyncELockState, e.reason)
		t.To, t.Missed = e.state, missed && e.reason != HoldoverExpired
		if from != Unknown {
			t.From = from
		}
		changes = append(changes, t)
	}
	if e.quality != quality {
		t := e.transition(now, SyncEQuality, DPLLLockStatus)
		t.From, t.To, t.Missed = quality, e.quality, e.qualityPast
		changes = append(changes, t)
	}
	e.qualityPast = e.qualityPast && !e.hasQuality
	return changes
}

func (e *eec) transition(at Instant, k Kind, why Reason) Transition {
	return Transition{At: at, Kind: k, Instance: e.name, Interface: e.input, Reason: why}
}

// reassert returns all that is known as transitions that change nothing.
func (d *dplls) reassert(at Instant) []Transition {
	var all []Transition
	for _, e := range d.eecs {
		if e.undecided() {
			continue
		}
		t := e.transition(at, SyncELockState, Reassert)
		t.From, t.To = e.state, e.state
		all = append(all, t)
		if e.hasQuality {
			t := e.transition(at, SyncEQuality, Reassert)
			t.From, t.To = e.quality, e.quality
			all = append(all, t)
		}
	}
	for _, r := range d.relays {
		if r.quality != nil && !r.past {
			all = append(all, Transition{At: at, Kind: SyncEQuality, Instance: r.name, From: r.quality, To: r.quality, Reason: Reassert})
		}
	}
	return all
}

// disciplined returns the state of a grandmaster whose class stands for a state: one whose pulse
// is only held, or runs free, is no better than that, whatever its class still says.
func (d *dplls) disciplined(class State) (State, Reason) {
	if d == nil || d.pps == Unknown || d.pps >= class {
		return class, GrandmasterClass
	}
	return d.pps, DPLLLockStatus
}
