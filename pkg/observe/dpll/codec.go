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

package dpll

import (
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// Commands of the family (include/uapi/linux/dpll.h, enum dpll_cmd).
const (
	deviceGet = 2
	pinGet    = 8
)

// Attributes of a device (enum dpll_a).
const (
	deviceID         = 1
	deviceModule     = 2
	deviceClockID    = 4
	deviceMode       = 5
	deviceLock       = 7
	deviceType       = 9
	deviceLockError  = 10
	deviceClockLevel = 11
)

// Attributes of a pin (enum dpll_a_pin).
const (
	pinID           = 1
	pinParentID     = 2
	pinBoardLabel   = 6
	pinPanelLabel   = 7
	pinPackageLabel = 8
	pinDirection    = 10
	pinState        = 16
	pinParentDevice = 18
	pinParentPin    = 19
	pinPhaseOffset  = 23
	pinFFO          = 24
)

const (
	directionInput = 1 // enum dpll_pin_direction
	stateConnected = 1 // enum dpll_pin_state
)

// device is a DPLL as the kernel describes it.
type device struct {
	id        uint32
	module    string // of the driver, such as ice
	clockID   uint64 // of the card, for ever
	mode      uint32
	lock      uint32
	lockError uint32
	kind      uint32
	levels    []uint32 // of quality, in parallel
}

// pin is an input or output of DPLLs.
type pin struct {
	id      uint32
	label   string
	parents []parent
	// muxes are the pins that it is an input of, in the place of a DPLL, and that let it through.
	muxes []uint32
	// ffo is the offset of the received frequency in ppm, where there is one.
	ffo int64
}

// parent is what a pin is to one DPLL, or to a pin in its place.
type parent struct {
	device           uint32 // or the pin
	direction, state uint32
	// phase is how far the pin is from the DPLL, in thousandths of a picosecond.
	phase int64
}

func parseDevice(attributes []byte) (device, error) {
	var d device
	err := eachAttribute(attributes, func(a *netlink.AttributeDecoder) {
		switch a.Type() {
		case deviceID:
			d.id = a.Uint32()
		case deviceModule:
			d.module = a.String()
		case deviceClockID:
			d.clockID = a.Uint64()
		case deviceMode:
			d.mode = a.Uint32()
		case deviceLock:
			d.lock = a.Uint32()
		case deviceType:
			d.kind = a.Uint32()
		case deviceLockError:
			d.lockError = a.Uint32()
		case deviceClockLevel:
			d.levels = append(d.levels, a.Uint32())
		}
	})
	if err != nil {
		return device{}, fmt.Errorf("read a DPLL: %w", err)
	}
	return d, nil
}

func parsePin(attributes []byte) (pin, error) {
	var p pin
	var board, panel, pack string
	err := eachAttribute(attributes, func(a *netlink.AttributeDecoder) {
		switch a.Type() {
		case pinID:
			p.id = a.Uint32()
		case pinBoardLabel:
			board = a.String()
		case pinPanelLabel:
			panel = a.String()
		case pinPackageLabel:
			pack = a.String()
		case pinFFO:
			p.ffo = signed(a)
		case pinParentDevice:
			a.Do(func(nested []byte) error {
				one, err := parseParent(nested)
				p.parents = append(p.parents, one)
				return err
			})
		case pinParentPin:
			a.Do(func(nested []byte) error {
				one, err := parseParent(nested)
				if one.state == stateConnected {
					p.muxes = append(p.muxes, one.device)
				}
				return err
			})
		}
	})
	if err != nil {
		return pin{}, fmt.Errorf("read a pin of a DPLL: %w", err)
	}
	for _, label := range []string{panel, board, pack} { // what is written on the outside first
		if label != "" {
			p.label = label
			break
		}
	}
	return p, nil
}

func parseParent(attributes []byte) (parent, error) {
	var p parent
	err := eachAttribute(attributes, func(a *netlink.AttributeDecoder) {
		switch a.Type() {
		case pinParentID:
			p.device = a.Uint32()
		case pinDirection:
			p.direction = a.Uint32()
		case pinState:
			p.state = a.Uint32()
		case pinPhaseOffset:
			p.phase = signed(a)
		}
	})
	return p, err
}

// parseLink returns which pin the frequency comes in by that a network interface receives, and
// whether it has one (struct ifinfomsg, and enum of IFLA_... in include/uapi/linux/if_link.h).
func parseLink(message []byte) (iface string, pin uint32, ok bool, err error) {
	if len(message) < unix.SizeofIfInfomsg {
		return "", 0, false, fmt.Errorf("read a network interface: %d bytes are too few", len(message))
	}
	err = eachAttribute(message[unix.SizeofIfInfomsg:], func(a *netlink.AttributeDecoder) {
		switch a.Type() {
		case unix.IFLA_IFNAME:
			iface = a.String()
		case unix.IFLA_DPLL_PIN:
			a.Do(func(nested []byte) error {
				return eachAttribute(nested, func(n *netlink.AttributeDecoder) {
					if n.Type() == pinID {
						pin, ok = n.Uint32(), true
					}
				})
			})
		}
	})
	if err != nil {
		return "", 0, false, fmt.Errorf("read a network interface: %w", err)
	}
	return iface, pin, ok && iface != "", nil
}

func eachAttribute(attributes []byte, take func(*netlink.AttributeDecoder)) error {
	a, err := netlink.NewAttributeDecoder(attributes)
	if err != nil {
		return err
	}
	for a.Next() {
		take(a)
	}
	return a.Err()
}

// signed reads a number of 4 or 8 bytes: the kernel sends the shorter one where that is
// enough (nla_put_sint).
func signed(a *netlink.AttributeDecoder) int64 {
	if len(a.Bytes()) == 4 {
		return int64(a.Int32())
	}
	return a.Int64()
}

// quality returns the quality level of a DPLL's own clock, and whether the kernel says one
// that is known. The codes are those of ITU-T G.8264, table 11-7, for networks of option I;
// drivers translate the other way with the same table (mlx5, MSECQ register).
func (d device) quality() (clock.QualityLevel, bool) {
	const none = 0xFF // levels of before there were enhanced codes
	for _, level := range d.levels {
		switch level { // enum dpll_clock_quality_level
		case 1: // PRC
			return clock.QualityLevel{SSM: 0x02, Enhanced: none}, true
		case 2: // SSU-A
			return clock.QualityLevel{SSM: 0x04, Enhanced: none}, true
		case 3: // SSU-B
			return clock.QualityLevel{SSM: 0x08, Enhanced: none}, true
		case 4: // EEC1
			return clock.QualityLevel{SSM: 0x0B, Enhanced: none}, true
		case 5: // PRTC
			return clock.QualityLevel{SSM: 0x02, Enhanced: 0x20}, true
		case 6: // ePRTC
			return clock.QualityLevel{SSM: 0x02, Enhanced: 0x21}, true
		case 7: // eEEC
			return clock.QualityLevel{SSM: 0x0B, Enhanced: 0x22}, true
		case 8: // ePRC
			return clock.QualityLevel{SSM: 0x02, Enhanced: 0x23}, true
		}
	}
	return clock.QualityLevel{}, false
}

// The words of the kernel's documentation, for the log.

func modeName(mode uint32) string { return word(mode, "manual", "automatic") }

func lockName(lock uint32) string {
	return word(lock, "unlocked", "locked", "locked-ho-acq", "holdover")
}
func typeName(kind uint32) string { return word(kind, "pps", "eec") }
func lockErrorName(e uint32) string {
	return word(e, "none", "undefined", "media-down", "fractional-frequency-offset-too-high")
}

// word returns the word of a number that begins at 1; empty for 0, which is not said.
func word(n uint32, words ...string) string {
	switch {
	case n == 0:
		return ""
	case int64(n) > int64(len(words)):
		return fmt.Sprintf("unknown (%d)", n)
	}
	return words[n-1]
}
