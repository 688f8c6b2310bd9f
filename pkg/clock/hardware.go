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
	"cmp"
	"maps"
	"slices"
	"time"
)

// hardware is what is known of the PTP hardware clocks of the node.
type hardware struct {
	listed  bool // the first HardwareClocks has come
	devices []HardwareClockDevice
	// readings are by device, of those that were read once or cannot be.
	readings map[string]*hardwareReading
}

// hardwareReading is what was seen of one device.
type hardwareReading struct {
	readable bool
	last     HardwareClock // meaningful while it is readable
	steps    uint64
}

func (h *hardware) reading(device string) *hardwareReading {
	r := h.readings[device]
	if r == nil {
		r = &hardwareReading{}
		h.readings[device] = r
	}
	return r
}

// has is whether the last list names a device.
func (h *hardware) has(device string) bool {
	return slices.ContainsFunc(h.devices, func(d HardwareClockDevice) bool { return d.Name == device })
}

// awaits is whether a device is yet to be read: for the first time, or for an instance that has no
// reading of it because it was not known whose it is.
func (h *hardware) awaits(device string) bool {
	r := h.readings[device]
	return !h.listed || h.has(device) && (r == nil || r.readable)
}

// of returns the device that an instance has: the one that ptp4l names, or else that of the
// network interface that it follows.
func (h *hardware) of(i *instance) string {
	if i.device != "" || i.iface == "" {
		return i.device
	}
	for _, d := range h.devices {
		if slices.Contains(d.Interfaces, i.iface) {
			return d.Name
		}
	}
	return ""
}

// observeHardware takes in a fact about hardware clocks.
func (n *Node) observeHardware(at Instant, f Fact) []Transition {
	if n.hardware == nil {
		return nil
	}
	var changes []Transition
	switch f := f.(type) {
	case HardwareClocks:
		n.hardware.listed, n.hardware.devices = true, f.Devices
		maps.DeleteFunc(n.hardware.readings, func(device string, _ *hardwareReading) bool { return !n.hardware.has(device) })
		for _, i := range n.instances {
			if !n.hardware.has(n.hardware.of(i)) {
				i.closeness = closeness{}
			}
		}
	case HardwareClock:
		r := n.hardware.reading(f.Device)
		r.readable, r.last = true, f
		for i := range n.using(f.Device) {
			i.closeness.sample(i.apart(f.Offset, n.tai), n.thresholds)
		}
	case HardwareClockStep:
		t := Transition{At: at, Kind: HardwareClockSet, Instance: f.Device, To: Shift(f.By), Reason: ClockStepped}
		for i := range n.using(f.Device) {
			t.Interface = cmp.Or(t.Interface, i.iface)
			i.closeness.current = false
		}
		changes = append(changes, t)
		n.hardware.reading(f.Device).steps++
		for i := range n.using(f.Device) {
			changes = append(changes, i.step(at, f)...)
		}
	case HardwareClockUnreadable:
		n.hardware.reading(f.Device).readable = false
		for i := range n.using(f.Device) {
			i.closeness = closeness{}
		}
	}
	if n.os != nil {
		n.os.step(at, nil, n.evidence())
	}
	return changes
}

// using yields the instances that have a device.
func (n *Node) using(device string) func(yield func(*instance) bool) {
	return func(yield func(*instance) bool) {
		for _, i := range n.instances {
			if n.hardware.of(i) == device && !yield(i) {
				return
			}
		}
	}
}

// chooseDevice keeps the hardware clock of the port that is followed, and of a clock that has
// never followed, that of its first port.
func (i *instance) chooseDevice(slave Port, is bool) {
	device := i.device
	switch {
	case is && slave.HardwareClock != "":
		device = slave.HardwareClock
	case device == "" && len(i.ports) > 0:
		device = i.ports[0].HardwareClock
	}
	if device != i.device {
		i.device, i.closeness = device, closeness{}
	}
}

// spoilt is whether a hardware clock that was set is no longer what its state says: it was set
// by more than the clock may be off, and nothing that ptp4l has measured since says that
// it is well. Samples that have been good since before it can have been set were all taken
// before it was. Of a clock that follows nobody its class says how it is.
func (i *instance) spoilt(at Instant, s HardwareClockStep) bool {
	corrected := i.good > 0 && i.goodSince > at.Add(-s.Within)
	return !i.undecided() && i.following && s.By.Abs() > i.thresholds.UnlockOffset && !corrected
}

// apart returns how far CLOCK_REALTIME is from what a hardware clock in i's timescale says,
// of which it is the given offset away; tai is what the kernel says of TAI. Where nobody says
// by how many seconds they should differ, whole seconds count for nothing.
func (i *instance) apart(offset, tai time.Duration) time.Duration {
	switch {
	case i.hasScale && i.scale.PTP:
		return offset - i.scale.UTCOffset
	case !i.hasScale && tai != 0:
		return offset - tai
	}
	return offset - offset.Round(time.Second)
}

// closeness is how close the OS clock is to a hardware clock.
type closeness struct {
	// known is whether the hardware clock can be read. The rest is meaningful only if so.
	known     bool
	offset    time.Duration // the hardware clock minus CLOCK_REALTIME, as it should be 0
	current   bool          // offset is not of before either of the two was set
	good, bad int           // readings in a row, within OSClockOffset and beyond twice of it
}

// sample counts one reading. The first decides at once, as there is nothing that noise could
// disturb.
func (c *closeness) sample(offset time.Duration, t Thresholds) {
	count := 1
	if !c.known {
		count = max(t.LockSamples, t.UnlockSamples)
	}
	c.known, c.offset, c.current = true, offset, true
	switch size := offset.Abs(); {
	case size <= t.OSClockOffset:
		c.good, c.bad = c.good+count, 0
	case size > 2*t.OSClockOffset:
		c.good, c.bad = 0, c.bad+count
	default:
		c.good, c.bad = 0, 0
	}
}

// forget forgets the readings from before the OS clock was set.
func (c *closeness) forget() { c.good, c.bad, c.current = 0, 0, false }

// evidence is what a hardware clock says of the OS clock, from worst to best.
type evidence uint8

const (
	// far: it is too far away.
	far evidence = iota
	// silent: no hardware clock can be asked.
	silent
	// unsure: it is neither far nor near, or not yet for long enough.
	unsure
	// awaited: the clock is yet to be read for the first time.
	awaited
	// near: it is where it should be.
	near
)

func (c *closeness) evidence(t Thresholds) evidence {
	switch {
	case !c.known:
		return silent
	case c.bad >= t.UnlockSamples:
		return far
	case c.good >= t.LockSamples:
		return near
	}
	return unsure
}

// osOffset returns CLOCK_REALTIME minus the hardware clock that it follows, as far as can be told: of
// those of the best instances the nearest. It is false where PTP does not feed it, or none can be read.
func (n *Node) osOffset() (offset time.Duration, known bool) {
	if n.hardware == nil || !n.fedByPTP {
		return 0, false
	}
	best := Unknown
	for _, i := range n.instances {
		if i.undecided() || i.state < best {
			continue
		}
		if i.state > best {
			best, known = i.state, false
		}
		if i.closeness.current && (!known || i.closeness.offset.Abs() < offset.Abs()) {
			offset, known = -i.closeness.offset, true
		}
	}
	return offset, known
}

// evidence returns what the hardware clocks say of an OS clock that PTP feeds. Any of the best
// instances can feed it, so it is good if it is near one of theirs.
func (n *Node) evidence() evidence {
	if n.hardware == nil || !n.fedByPTP {
		return silent
	}
	best, says := Unknown, silent
	for _, i := range n.instances {
		e := i.closeness.evidence(n.thresholds)
		if device := n.hardware.of(i); e == silent && device != NoHardwareClock && n.hardware.awaits(device) {
			e = awaited
		}
		switch {
		case i.undecided() && best == Unknown:
			says = awaited
		case i.undecided():
		case i.state > best:
			best, says = i.state, e
		case i.state == best:
			says = max(says, e)
		}
	}
	return says
}
