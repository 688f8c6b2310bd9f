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

// GNSSStatus is the state of a GNSS receiver, in O-RAN's words.
//
// Four of O-RAN's values are never said, because nobody whom we can ask knows: BOOTING (gpsd
// sees bytes or none, not a receiver that starts), FAILURE-MULTIPATH, FAILURE-LOW-SNR and
// FAILURE-PLL (gpsd does not say why there is no fix).
type GNSSStatus uint8

// The states of a receiver.
const (
	// GNSSUndecided means that nothing was seen that it could follow from. It is never
	// published.
	GNSSUndecided GNSSStatus = iota
	// GNSSNoFix means that nobody knows of a fix: the receiver hears no satellite, or it
	// is not heard itself.
	GNSSNoFix
	// GNSSAntennaShort and GNSSAntennaOpen mean that there is no fix, and that the receiver
	// says so of its antenna.
	GNSSAntennaShort
	GNSSAntennaOpen
	// GNSSAcquiring means that the receiver hears satellites, and has no full fix by them.
	GNSSAcquiring
	// GNSSSynchronized means that the receiver has a full fix, and has said so a moment ago.
	GNSSSynchronized
)

// String returns the state as O-RAN spells it.
func (s GNSSStatus) String() string {
	return [...]string{"UNKNOWN", "FAILURE-NOFIX", "ANTENNA-SHORT-CIRCUIT", "ANTENNA-DISCONNECTED", "ACQUIRING-SYNC", "SYNCHRONIZED"}[s]
}

func (GNSSStatus) value() {}

// GNSSFix is what kind of fix a receiver has.
type GNSSFix uint8

// The fixes.
const (
	// FixUnknown means that the receiver is not heard.
	FixUnknown GNSSFix = iota
	// FixNone is none.
	FixNone
	// FixDeadReckoning is a guess without satellites.
	FixDeadReckoning
	// Fix2D is by too few satellites to know the height.
	Fix2D
	// Fix3D is a full fix.
	Fix3D
	// FixWithDeadReckoning is a full fix that other sensors help with.
	FixWithDeadReckoning
	// FixTimeOnly is that of a receiver that knows where it is and needs the time alone.
	FixTimeOnly
)

// Number returns the fix in the numbers that consumers know (those of u-blox, UBX-NAV-STATUS),
// and whether there is one.
func (f GNSSFix) Number() (int, bool) {
	switch f {
	case FixNone:
		return 0, true
	case FixDeadReckoning:
		return 1, true
	case Fix2D:
		return 2, true
	case Fix3D:
		return 3, true
	case FixWithDeadReckoning:
		return 4, true
	case FixTimeOnly:
		return 5, true
	}
	return 0, false
}

// full is whether a receiver knows the time by satellites.
func (f GNSSFix) full() bool { return f >= Fix3D }

// Antenna is what a receiver says of its antenna.
type Antenna uint8

// The states of an antenna.
const (
	// AntennaUnknown means that the receiver does not say.
	AntennaUnknown Antenna = iota
	AntennaOK
	// AntennaOpen means that no current flows. A splitter in between may look like that.
	AntennaOpen
	// AntennaShort means a short circuit.
	AntennaShort
)

// GNSSReceivers lists every receiver that gpsd has. It is sent after each connection, and
// again whenever the list changes.
type GNSSReceivers struct {
	// Open are those that gpsd reads, Closed those that it is to read and cannot.
	Open, Closed []string
}

// GNSSReport is what a receiver says, once a second or as often as it likes.
type GNSSReport struct {
	Fix GNSSFix
	// Satellites is how many are received, which may be 0 also where nobody has said.
	Satellites int
	Antenna    Antenna
}

// GNSSSilence means that gpsd answers, but that the receiver says nothing. The next report
// ends it.
type GNSSSilence struct {
	// For is how long it had said nothing when this was noticed.
	For time.Duration
}

// GNSSDown means that gpsd does not answer, or is gone. The next GNSSReceivers ends it.
type GNSSDown struct {
	// Cause says why, for people.
	Cause string
}

func (GNSSReceivers) fact() {}
func (GNSSReport) fact()    {}
func (GNSSSilence) fact()   {}
func (GNSSDown) fact()      {}

const (
	// fixReports is how many reports in a row make a fix, or end one: one that is missed is
	// no loss.
	fixReports = 3
	// failureReports is how many reports in a row change why there is no fix. Weak signals
	// come and go, and it is not urgent.
	failureReports = 10
)

// gnss is the state machine of all GNSS receivers of the node.
type gnss struct {
	seen      bool // a list of receivers, or that there is none to be had
	receivers []*receiver
}

// receiver is the state machine of one receiver.
type receiver struct {
	name string

	// What was observed.
	listed bool // the last GNSSReceivers has it, and it is open
	heard  bool // anything
	// report is what it said last; FixUnknown while it is not heard.
	report GNSSReport
	// verdict is what the last report stands for, and same how many in a row stood for it;
	// lost is how many in a row had no full fix.
	verdict    GNSSStatus
	same, lost int

	// What was decided. past is what was published before this receiver is watched.
	past, state GNSSStatus
}

func (g *gnss) receiver(name string) *receiver {
	for _, r := range g.receivers {
		if r.name == name {
			return r
		}
	}
	r := &receiver{name: name}
	g.receivers = append(g.receivers, r)
	return r
}

// step takes in a fact, and returns what has changed.
func (g *gnss) step(at Instant, name string, f Fact) []Transition {
	var changes []Transition
	change := func(r *receiver, to GNSSStatus, why Reason) {
		if t, ok := r.become(at, to, why); ok {
			changes = append(changes, t)
		}
	}
	switch f := f.(type) {
	case GNSSReceivers:
		g.seen = true
		for _, name := range slices.Concat(f.Open, f.Closed) {
			g.receiver(name)
		}
		for _, r := range g.receivers {
			r.listed = slices.Contains(f.Open, r.name)
			if !r.listed {
				r.forget()
				change(r, GNSSNoFix, ReceiverGone)
			}
		}
	case GNSSDown:
		g.seen = true
		for _, r := range g.receivers {
			r.heard = true
			r.forget()
			change(r, GNSSNoFix, DaemonDown)
		}
	case GNSSSilence:
		r := g.receiver(name)
		r.heard = true
		r.forget()
		change(r, GNSSNoFix, ReceiverSilent)
	case GNSSReport:
		r := g.receiver(name)
		r.heard = true
		r.observe(f)
		if to, why := r.decide(); to != GNSSUndecided {
			change(r, to, why)
		}
	}
	return changes
}

// forget gives up what was said before: it is not true any more.
func (r *receiver) forget() { r.report, r.verdict, r.same, r.lost = GNSSReport{}, GNSSUndecided, 0, 0 }

func (r *receiver) observe(report GNSSReport) {
	r.report = report
	verdict := report.verdict()
	if verdict != r.verdict {
		r.verdict, r.same = verdict, 0
	}
	r.same++
	r.lost++
	if verdict == GNSSSynchronized {
		r.lost = 0
	}
}

// verdict is what one report stands for. A receiver that has a fix has an antenna, whatever
// it says of it.
func (r GNSSReport) verdict() GNSSStatus {
	switch {
	case r.Fix.full():
		return GNSSSynchronized
	case r.Antenna == AntennaOpen:
		return GNSSAntennaOpen
	case r.Antenna == AntennaShort:
		return GNSSAntennaShort
	case r.Fix == Fix2D, r.Satellites > 0:
		return GNSSAcquiring
	}
	return GNSSNoFix
}

// decide returns what the receiver is by its reports, and GNSSUndecided for what it was. The
// first fix ever decides at once: there is no state yet that noise could disturb.
func (r *receiver) decide() (GNSSStatus, Reason) {
	switch {
	case r.verdict == GNSSSynchronized && (r.same >= fixReports || r.state == GNSSUndecided):
		return GNSSSynchronized, GNSSFixed
	case r.verdict == GNSSSynchronized:
	case r.state == GNSSSynchronized || r.state == GNSSUndecided:
		if r.lost >= fixReports {
			return r.verdict, r.whyNot()
		}
	case r.same >= failureReports:
		return r.verdict, r.whyNot()
	}
	return GNSSUndecided, ""
}

// whyNot says why there is no fix.
func (r *receiver) whyNot() Reason {
	if r.verdict == GNSSAntennaOpen || r.verdict == GNSSAntennaShort {
		return AntennaFault
	}
	return GNSSFixLost
}

// become returns the transition to a state, if it is one.
func (r *receiver) become(at Instant, to GNSSStatus, why Reason) (Transition, bool) {
	from, missed := r.state, false
	if from == GNSSUndecided {
		from, missed = r.past, r.past != GNSSUndecided
	}
	r.state = to
	if to == from {
		return Transition{}, false
	}
	t := r.transition(at, why)
	t.To, t.Missed = to, missed
	if from != GNSSUndecided {
		t.From = from
	}
	return t, true
}

func (r *receiver) transition(at Instant, why Reason) Transition {
	return Transition{At: at, Kind: GNSSSyncStatus, Instance: r.name, Reason: why, Fix: r.report.Fix}
}

// reassert returns all that is known as transitions that change nothing.
func (g *gnss) reassert(at Instant) []Transition {
	var all []Transition
	for _, r := range g.receivers {
		if r.state != GNSSUndecided {
			t := r.transition(at, Reassert)
			t.From, t.To = r.state, r.state
			all = append(all, t)
		}
	}
	return all
}

// ready is whether each receiver was heard once, or is known to be silent.
func (g *gnss) ready() bool {
	return g.seen && !slices.ContainsFunc(g.receivers, func(r *receiver) bool { return r.listed && !r.heard })
}
