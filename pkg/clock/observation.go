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
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Observation is one fact about one clock, and when it was seen.
type Observation struct {
	// At is when the fact was seen, not when it was processed.
	At Instant
	// Instance names the ptp4l instance or the GNSS receiver; it is empty for facts about
	// the node, its OS clock and its DPLLs.
	Instance string
	Fact     Fact
}

// Fact is what was seen. It says nothing about what follows from it.
//
// The facts are Inventory, Reading, Port, Parent, Local, TimeProperties, Sync, PathDelay,
// Silence and Down about ptp4l, OSClock, OSClockTracking, OSClockStep and OSClockUnreadable
// about CLOCK_REALTIME, HardwareClocks, HardwareClock, HardwareClockStep and
// HardwareClockUnreadable about PTP hardware clocks, GNSSReceivers, GNSSReport, GNSSSilence and
// GNSSDown about GNSS receivers, DPLLs and DPLLUnreadable about DPLLs, and SyncEQualityReport and
// SyncEQualityUnreadable about synce4l.
type Fact interface{ fact() }

// Inventory lists every instance that is configured or was found. It is sent
// once after the first search, and again whenever the list changes.
type Inventory struct{ Instances []string }

// Reading is everything an instance says of itself, read at one go. It replaces
// all that was known before: it is sent after connecting, after ptp4l has
// restarted and after pushes were lost.
type Reading struct {
	Local  Local
	Parent Parent
	Ports  []Port
}

// Local is the clock's own data set (IEEE 1588-2019, 8.2.1 defaultDS).
type Local struct {
	Identity Identity
	// Class is the clock's own class: what it announces when it has no master.
	Class Class
}

// Parent describes the grandmaster (IEEE 1588-2019, 8.2.3 parentDS). A clock that
// has no master reports itself.
type Parent struct {
	Grandmaster Identity
	Class       Class
}

// Port is the state of one PTP port (IEEE 1588-2019, 8.2.15 portDS).
type Port struct {
	Number uint16 // 1, 2, ... as ptp4l numbers its ports
	State  PortState
	// Interface is the network interface of the port; empty when ptp4l did not say.
	Interface string
	// HardwareClock is the device of the clock that stamps its messages, such as ptp0;
	// NoHardwareClock when the kernel stamps them, and empty when ptp4l did not say.
	HardwareClock string
}

// NoHardwareClock is the HardwareClock of a port without.
const NoHardwareClock = "none"

// TimeProperties is the timescale that ptp4l's clock is in (IEEE 1588-2019, 8.2.4
// timePropertiesDS).
type TimeProperties struct {
	// PTP is whether it is TAI. Otherwise its seconds are counted from anywhere.
	PTP bool
	// UTCOffset is TAI minus UTC; meaningful while PTP is set.
	UTCOffset time.Duration
	// Leap is what it announces for the end of the day.
	Leap Leap
}

// Sync is one Sync message that ptp4l has processed.
type Sync struct {
	// Offset is local clock minus grandmaster (master_offset of TIME_STATUS_NP).
	Offset time.Duration
	// Calm is how many Sync messages came since the last one that was reported and were
	// not reported each, because their offset was within LockOffset.
	Calm int
}

// PathDelay is how long messages take from the master at present, one way (IEEE
// 1588-2019, 8.2.2 currentDS.meanPathDelay); 0 until ptp4l has measured it. No state but
// PathDelayState depends on it.
type PathDelay struct{ Delay time.Duration }

// Silence means that ptp4l answers, but has processed no Sync for longer than
// its Sync interval explains. The next Sync ends it.
type Silence struct {
	// For is how long no Sync had come when this was noticed.
	For time.Duration
}

// Down means that the instance cannot be read. The next Reading ends it.
type Down struct {
	// Cause says why, for people.
	Cause string
}

// OSClock is what the kernel says of CLOCK_REALTIME (adjtimex(2)).
type OSClock struct {
	// MaxError is how far off the clock may be at most (maxerror), as whoever disciplines
	// it has told the kernel: phc2sys and ptp4l say 0 with each adjustment, NTP daemons
	// their own bound. From then on the kernel adds 500 µs every second. It is at most
	// Unbounded.
	MaxError time.Duration
	// TAI is TAI minus UTC as somebody has told the kernel; 0 if nobody has.
	TAI time.Duration
}

// OSClockTracking is what chronyd says of how it disciplines CLOCK_REALTIME. It comes before
// the OSClock of the same moment. Without a reference, or without an answer, it is empty.
type OSClockTracking struct {
	// Since is how long ago chronyd used its reference last, and Every is the time between
	// the last two times; 0 for not known.
	Since, Every time.Duration
}

// OSClockStep means that CLOCK_REALTIME was set, as opposed to being slewed.
type OSClockStep struct {
	// By is how much later the clock shows than it would without.
	By time.Duration
}

// OSClockUnreadable means that the kernel does not tell anything about CLOCK_REALTIME.
// The next OSClock ends it.
type OSClockUnreadable struct {
	// Cause says why, for people.
	Cause string
}

// HardwareClocks lists the PTP hardware clocks of the machine. It is sent once after the
// first search, and again whenever the list changes.
type HardwareClocks struct{ Devices []HardwareClockDevice }

// HardwareClockDevice is one of them.
type HardwareClockDevice struct {
	Name string // such as ptp0
	// Interfaces are the network interfaces that have it, as far as they can be seen.
	Interfaces []string
}

// HardwareClock is the time of a PTP hardware clock.
type HardwareClock struct {
	Device string // such as ptp0
	// Offset is the clock minus CLOCK_REALTIME, whatever the timescale of either, and Within
	// how exactly it is known.
	Offset, Within time.Duration
	// Frequency is by how many parts per billion the clock is made faster, when HasFrequency
	// is set.
	Frequency    float64
	HasFrequency bool
}

// HardwareClockStep means that a PTP hardware clock was set, as opposed to being slewed.
type HardwareClockStep struct {
	Device string
	// By is how much later the clock shows than it would without.
	By time.Duration
	// Within is how long before it was noticed that may have been.
	Within time.Duration
}

// HardwareClockUnreadable means that a PTP hardware clock cannot be read. The next
// HardwareClock ends it.
type HardwareClockUnreadable struct {
	Device string
	// Cause says why, for people.
	Cause string
}

func (Inventory) fact()               {}
func (Reading) fact()                 {}
func (Local) fact()                   {}
func (Parent) fact()                  {}
func (Port) fact()                    {}
func (TimeProperties) fact()          {}
func (Sync) fact()                    {}
func (PathDelay) fact()               {}
func (Silence) fact()                 {}
func (Down) fact()                    {}
func (OSClock) fact()                 {}
func (OSClockTracking) fact()         {}
func (OSClockStep) fact()             {}
func (OSClockUnreadable) fact()       {}
func (HardwareClocks) fact()          {}
func (HardwareClock) fact()           {}
func (HardwareClockStep) fact()       {}
func (HardwareClockUnreadable) fact() {}

// Identity is a PTP clock identity (IEEE 1588-2019, 5.3.4).
type Identity [8]byte

// String prints the identity as linuxptp does: 42160d.fffe.627ae7.
func (i Identity) String() string { return fmt.Sprintf("%x.%x.%x", i[:3], i[3:5], i[5:]) }

// ParseIdentity reads what String prints.
func ParseIdentity(s string) (Identity, error) {
	var i Identity
	text, err := hex.DecodeString(strings.ReplaceAll(s, ".", ""))
	if err == nil {
		copy(i[:], text)
	}
	if i.String() != s {
		return Identity{}, fmt.Errorf("%q is no PTP clock identity; one is 42160d.fffe.627ae7", s)
	}
	return i, nil
}

// PortState is the state of a PTP port, with the numbers of IEEE 1588-2019, table 20.
type PortState uint8

// The port states.
const (
	Initializing PortState = iota + 1
	Faulty
	Disabled
	Listening
	PreMaster
	Master
	Passive
	Uncalibrated
	Slave
)

// String returns the state's name in the spelling of IEEE 1588.
func (s PortState) String() string {
	names := [...]string{"", "INITIALIZING", "FAULTY", "DISABLED", "LISTENING", "PRE_MASTER", "MASTER", "PASSIVE", "UNCALIBRATED", "SLAVE"}
	if s == 0 || int(s) >= len(names) {
		return fmt.Sprintf("PORT_STATE(%d)", uint8(s))
	}
	return names[s]
}
