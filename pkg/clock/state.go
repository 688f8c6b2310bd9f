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
	"strconv"
	"time"
)

// State is the synchronisation state of one clock or of the node, in O-RAN's words.
type State uint8

// The states. Their order is from worst to best.
const (
	// Unknown means that nothing has been seen yet. It is never published.
	Unknown State = iota
	// Freerun means not synchronised: never was, no longer, or too far off.
	Freerun
	// Holdover means that the clock was locked, has lost its source and is still
	// good enough for a while.
	Holdover
	// Locked means synchronised to a source that is alive.
	Locked
)

// String returns the state as O-RAN spells it.
func (s State) String() string {
	return [...]string{"UNKNOWN", "FREERUN", "HOLDOVER", "LOCKED"}[s]
}

// Class is a PTP clockClass (IEEE 1588-2019, table 4; ITU-T G.8275.1, table 2).
type Class uint8

// String returns the class in decimal.
func (c Class) String() string { return strconv.Itoa(int(c)) }

// Kind says which property of a clock a transition is about.
type Kind uint8

// The kinds.
const (
	// LockState is the state of one ptp4l instance.
	LockState Kind = iota + 1
	// ClockClass is the class that one ptp4l instance announces.
	ClockClass
	// SyncState is the state of the node.
	SyncState
	// OSClockState is the state of the operating system's clock, CLOCK_REALTIME.
	OSClockState
	// OSClockSet is that the operating system's clock was set, and how far. It is no
	// state: every time is a transition from nil.
	OSClockSet
	// GNSSSyncStatus is the state of one GNSS receiver.
	GNSSSyncStatus
	// SyncELockState is the state of one DPLL that drives SyncE.
	SyncELockState
	// SyncEQuality is the quality of one such DPLL's own clock, while it is on its own, or what
	// one device of synce4l passes on.
	SyncEQuality
	// HardwareClockSet is that a PTP hardware clock was set, and how far. It is no state,
	// either.
	HardwareClockSet
	// DaemonState is whether one ptp4l instance answers.
	DaemonState
	// Grandmaster is the clock that one ptp4l instance gets its time from in the end, or itself.
	Grandmaster
	// PTPPortState is the state of one port of a ptp4l instance.
	PTPPortState
	// LeapSecond is what one ptp4l instance announces for the end of the day.
	LeapSecond
	// PathDelayState is whether messages take from the master of one ptp4l instance as long as
	// they should.
	PathDelayState
)

// String names the kind for logs.
func (k Kind) String() string {
	return [...]string{
		"", "lock-state", "clock-class", "sync-state", "os-clock-sync-state", "os-clock-set",
		"gnss-sync-status", "synce-lock-state", "synce-clock-quality", "hardware-clock-set",
		"daemon-state", "grandmaster", "port-state", "leap-second", "path-delay-state",
	}[k]
}

// Shift is how much later a clock shows than it would if it had not been set.
type Shift time.Duration

// String returns the shift in nanoseconds, in decimal.
func (s Shift) String() string { return strconv.FormatInt(int64(s), 10) }

// Value is what a property can be: a State, a Class, a Shift, a GNSSStatus, a QualityLevel, a Daemon,
// an Identity, a PortState, a Leap or a PathDelayRange.
type Value interface {
	String() string
	value()
}

func (State) value() {}
func (Class) value() {}
func (Shift) value() {}

// Transition is a change of one property of one clock. From never equals To.
type Transition struct {
	// At is when the cause was observed, or when a timer ran out.
	At   Instant
	Kind Kind
	// Instance is empty for properties of the node, the device, such as ptp0, for
	// HardwareClockSet, and the PortName for PTPPortState.
	Instance string
	// Interface is the network interface that the instance follows or followed
	// last, or the input of a DPLL; empty when unknown or when there is none.
	Interface string
	// From is nil for the first value of a property, and for OSClockSet and HardwareClockSet.
	From, To Value
	Reason   Reason
	// Missed is whether the value has changed while nobody watched (Node.Resume): At is
	// then when that was found out.
	Missed bool
	// Offset is the last offset from the master, and with OSClockState that from the hardware
	// clock that it follows, when HasOffset is set. It is not set once the source is lost: an
	// old offset says nothing about now.
	Offset    time.Duration
	HasOffset bool
	// PathDelay is how long messages take from the master, when HasPathDelay is set: with
	// PathDelayState.
	PathDelay    time.Duration
	HasPathDelay bool
	// Fix is what a GNSS receiver has; FixUnknown for anything else, and for one that is
	// not heard.
	Fix GNSSFix
}

// Reason says why a transition happened, in CamelCase, or that none did.
type Reason string

// The reasons.
const (
	// OffsetInRange: a port is SLAVE, Sync is fresh and the offset has been small enough.
	OffsetInRange Reason = "OffsetInRange"
	// OffsetOutOfRange: the offset has been too large while following a master; of the OS clock,
	// that from the hardware clock that it follows.
	OffsetOutOfRange Reason = "OffsetOutOfRange"
	// PortNotSlave: no port is in SLAVE any more, or none was.
	PortNotSlave Reason = "PortNotSlave"
	// SyncSilent: ptp4l lives, but no Sync reaches it.
	SyncSilent Reason = "SyncSilent"
	// DaemonDown: ptp4l, gpsd or synce4l does not answer.
	DaemonDown Reason = "DaemonDown"
	// HoldoverExpired: the source did not come back within the holdover time.
	HoldoverExpired Reason = "HoldoverExpired"
	// GrandmasterClass: the clock is grandmaster itself and its own class says so.
	GrandmasterClass Reason = "GrandmasterClass"
	// ParentClass: the class of the grandmaster that is followed.
	ParentClass Reason = "ParentClass"
	// OwnClass: the clock's own class, because it follows nobody.
	OwnClass Reason = "OwnClass"
	// NoInstance: no ptp4l instance was found on the node.
	NoInstance Reason = "NoInstance"
	// Disciplined: the OS clock is being adjusted, and what feeds it is good.
	Disciplined Reason = "Disciplined"
	// NotDisciplined: nobody has adjusted the OS clock for longer than OSClockTimeout.
	NotDisciplined Reason = "NotDisciplined"
	// ClockStepped: the OS clock was set to another time, or the hardware clock of an instance.
	ClockStepped Reason = "ClockStepped"
	// ClockUnreadable: the kernel does not say how the OS clock is.
	ClockUnreadable Reason = "ClockUnreadable"
	// GNSSFixed: the receiver has a full fix.
	GNSSFixed Reason = "GNSSFix"
	// GNSSFixLost: the receiver says that it has no full fix.
	GNSSFixLost Reason = "GNSSNoFix"
	// AntennaFault: the receiver has no fix, and says so of its antenna.
	AntennaFault Reason = "AntennaFault"
	// ReceiverSilent: gpsd lives, but the receiver says nothing.
	ReceiverSilent Reason = "ReceiverSilent"
	// ReceiverGone: gpsd has no such receiver any more.
	ReceiverGone Reason = "ReceiverGone"
	// DPLLLockStatus: the kernel says so of the DPLL.
	DPLLLockStatus Reason = "DPLLLockStatus"
	// DPLLGone: the kernel has no such DPLL any more.
	DPLLGone Reason = "DPLLGone"
	// DPLLSilent: the kernel does not tell of its DPLLs.
	DPLLSilent Reason = "DPLLUnreadable"
	// Reported: ptp4l or synce4l says so.
	Reported Reason = "Reported"
	// Reassert: nothing has changed; the present state is said again for those who came late.
	Reassert Reason = "reassert"
)
