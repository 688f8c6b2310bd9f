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

package simulator

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// Clock says what is simulated: one ptp4l, its ports, and the network it sits in.
// [DefaultClock] is the place to start from.
//
// The keys of a scenario file are those of the json tags.
type Clock struct {
	// Version is the linuxptp release whose behaviour is played: 3.1.1, 4.0, 4.1,
	// 4.2, 4.3 or 4.4.
	Version Version `json:"version"`
	// Domain and TransportSpecific are ptp4l's domainNumber and transportSpecific.
	// Requests that carry others are ignored without an answer, as ptp4l does.
	Domain            uint8 `json:"domain"`
	TransportSpecific uint8 `json:"transportSpecific"`
	// Identity is the clock's own identity; zero derives one from the interfaces.
	Identity pmc.ClockIdentity `json:"identity"`
	// SlaveOnly makes a clock that never becomes master (clientOnly since 4.0).
	SlaveOnly bool `json:"slaveOnly"`
	// ServerOnly makes a grandmaster: a clock that never follows another.
	ServerOnly bool `json:"serverOnly"`
	// Class is the clock's own class, which it announces when it follows nobody. A
	// slave-only clock has class 255 whatever Class says.
	Class     uint8 `json:"class"`
	Priority1 uint8 `json:"priority1"`
	Priority2 uint8 `json:"priority2"`
	// Ports are numbered from 1 in this order.
	Ports []Port `json:"ports"`
	// Grandmaster is what the clock hears on its upstream ports.
	Grandmaster Grandmaster `json:"grandmaster"`
	Sync        Sync        `json:"sync"`
	Announce    Announce    `json:"announce"`
}

// Port is one PTP port.
type Port struct {
	// Interface is the name of the network interface.
	Interface string `json:"interface"`
	// Upstream says that the grandmaster is heard here. Where no port is marked,
	// it is the first.
	Upstream bool `json:"upstream"`
	// PHC is the index of the port's hardware clock, the N of /dev/ptpN; -1 means
	// software timestamps.
	PHC int32 `json:"phc"`
}

// UnmarshalJSON leaves the port without a hardware clock unless phc is given.
func (p *Port) UnmarshalJSON(b []byte) error {
	type plain Port
	q := plain{PHC: -1}
	if err := decode(b, &q); err != nil {
		return fmt.Errorf("ports: %w", err)
	}
	*p = Port(q)
	return nil
}

// Grandmaster is what a grandmaster announces. For a clock that is ServerOnly it is
// what the clock announces itself, apart from the identity.
type Grandmaster struct {
	Identity  pmc.ClockIdentity `json:"identity"`
	Class     uint8             `json:"class"`
	Accuracy  uint8             `json:"accuracy"`
	Variance  uint16            `json:"variance"` // offsetScaledLogVariance
	Priority1 uint8             `json:"priority1"`
	Priority2 uint8             `json:"priority2"`
	// UTCOffset is TAI minus UTC in seconds.
	UTCOffset int16 `json:"utcOffset"`
	// TimeFlags are the flags of the timescale, leap seconds and traceability.
	TimeFlags pmc.TimeFlags `json:"timeFlags"`
	// TimeSource is the source of time, such as 0x20 for GNSS (IEEE 1588-2019, table 6).
	TimeSource uint8 `json:"timeSource"`
}

// UnmarshalJSON reads the section grandmaster of a scenario file.
func (g *Grandmaster) UnmarshalJSON(b []byte) error {
	type plain Grandmaster
	if err := decode(b, (*plain)(g)); err != nil {
		return fmt.Errorf("grandmaster: %w", err)
	}
	return nil
}

// Sync describes the Sync messages of the grandmaster and what is measured on them.
type Sync struct {
	// Interval is the time between two Syncs. Zero means that no Sync comes by
	// itself: each verb that would show at the next Sync brings one of its own, and
	// [Simulator.PushNow] sends one.
	Interval time.Duration
	// Offset is local clock minus grandmaster.
	Offset time.Duration
	// Jitter spreads the samples evenly over Offset - Jitter to Offset + Jitter.
	Jitter time.Duration
	// Delay is the mean path delay.
	Delay time.Duration
}

// UnmarshalJSON reads the section sync of a scenario file.
func (s *Sync) UnmarshalJSON(b []byte) error {
	f := struct {
		Interval duration `json:"interval"`
		Offset   duration `json:"offset"`
		Jitter   duration `json:"jitter"`
		Delay    duration `json:"delay"`
	}{duration(s.Interval), duration(s.Offset), duration(s.Jitter), duration(s.Delay)}
	if err := decode(b, &f); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	*s = Sync{time.Duration(f.Interval), time.Duration(f.Offset), time.Duration(f.Jitter), time.Duration(f.Delay)}
	return nil
}

// Announce describes the Announce messages of the grandmaster.
type Announce struct {
	// Interval is the time between two Announces. A grandmaster is chosen after
	// two of them. Zero means that it is chosen at once, and that it never times
	// out unless [Simulator.AnnounceTimeout] says so.
	Interval time.Duration
	// Timeout is announceReceiptTimeout: how many may be missed.
	Timeout uint8
}

// UnmarshalJSON reads the section announce of a scenario file.
func (a *Announce) UnmarshalJSON(b []byte) error {
	f := struct {
		Interval duration `json:"interval"`
		Timeout  uint8    `json:"timeout"`
	}{duration(a.Interval), a.Timeout}
	if err := decode(b, &f); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	*a = Announce{time.Duration(f.Interval), f.Timeout}
	return nil
}

// DefaultClock returns linuxptp 4.2 with one port, ens1f0, that follows a
// grandmaster of class 6 and is 12 ns off, give or take 8: eight Syncs and one
// Announce per second.
func DefaultClock() Clock {
	return Clock{
		Version:     "4.2",
		Class:       248,
		Priority1:   128,
		Priority2:   128,
		Ports:       []Port{{Interface: "ens1f0", PHC: -1}},
		Grandmaster: DefaultGrandmaster(),
		Sync:        Sync{Interval: 125 * time.Millisecond, Offset: 12, Jitter: 8, Delay: 2874},
		Announce:    Announce{Interval: time.Second, Timeout: 3},
	}
}

// DefaultGrandmaster returns a grandmaster that is locked to GNSS: clock class 6.
func DefaultGrandmaster() Grandmaster {
	return Grandmaster{
		Identity:   pmc.ClockIdentity{0x42, 0x16, 0x0d, 0xff, 0xfe, 0x62, 0x7a, 0xe7},
		Class:      6,
		Accuracy:   0x21,
		Variance:   0x4e5d,
		Priority1:  128,
		Priority2:  128,
		UTCOffset:  37,
		TimeFlags:  pmc.UTCOffsetValid | pmc.PTPTimescale | pmc.TimeTraceable | pmc.FrequencyTraceable,
		TimeSource: 0x20,
	}
}

// check returns what no ptp4l could be.
func (c *Clock) check() error {
	if err := c.Version.check(); err != nil {
		return err
	}
	switch {
	case c.TransportSpecific > 15:
		return fmt.Errorf("transportSpecific %d does not fit its four bits; give 0 to 15", c.TransportSpecific)
	case c.SlaveOnly && c.ServerOnly:
		return errors.New("slaveOnly and serverOnly exclude each other; give one of them")
	case len(c.Ports) == 0:
		return errors.New("ports is empty; give at least one, such as ports: [{interface: ens1f0}]")
	}
	if err := c.checkPorts(); err != nil {
		return err
	}
	return c.checkTimes()
}

func (c *Clock) checkPorts() error {
	for i, p := range c.Ports {
		// IFNAMSIZ in linux/if.h is 16 with the final zero.
		if p.Interface == "" || len(p.Interface) > 15 {
			return fmt.Errorf("ports: interface %q of port %d is no interface name; give 1 to 15 characters", p.Interface, i+1)
		}
		if slices.ContainsFunc(c.Ports[:i], func(q Port) bool { return q.Interface == p.Interface }) {
			return fmt.Errorf("ports: interface %s is given twice", p.Interface)
		}
	}
	return nil
}

func (c *Clock) checkTimes() error {
	for _, t := range []struct {
		name string
		d    time.Duration
	}{
		{"sync: interval", c.Sync.Interval},
		{"sync: jitter", c.Sync.Jitter},
		{"sync: delay", c.Sync.Delay},
		{"announce: interval", c.Announce.Interval},
	} {
		if t.d < 0 {
			return fmt.Errorf("%s %s is negative", t.name, t.d)
		}
	}
	// IEEE 1588-2019, 8.2.15.4.3: the timeout is at least 2 intervals.
	if c.Announce.Timeout < 2 {
		return fmt.Errorf("announce: timeout %d is too short; give 2 or more", c.Announce.Timeout)
	}
	return nil
}

// port returns the number of the port that ref names by interface or number; an
// empty ref is port 1.
func (c *Clock) port(ref string) (int, error) {
	for i, p := range c.Ports {
		if ref == "" || ref == p.Interface || ref == fmt.Sprint(i+1) {
			return i + 1, nil
		}
	}
	var names []string
	for _, p := range c.Ports {
		names = append(names, p.Interface)
	}
	return 0, fmt.Errorf("there is no port %s; the ports are %s", ref, strings.Join(names, ", "))
}

// upstream says whether the grandmaster is heard on port n when the link is up.
func (c *Clock) upstream(n int) bool {
	if c.ServerOnly {
		return false
	}
	if !slices.ContainsFunc(c.Ports, func(p Port) bool { return p.Upstream }) {
		return n == 1
	}
	return c.Ports[n-1].Upstream
}

// logInterval is the power of two, in seconds, that is nearest to d: the form in
// which PTP carries message intervals (IEEE 1588-2019, 7.7.2). Zero counts as 1 s.
func logInterval(d time.Duration) int8 {
	if d <= 0 {
		return 0
	}
	return int8(math.Round(math.Log2(d.Seconds())))
}
