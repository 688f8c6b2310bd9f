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

package pmc

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"
)

// ClockIdentity is the EUI-64 of a PTP clock (IEEE 1588-2019, 7.5.2.2).
type ClockIdentity [8]byte

// String returns the identity as linuxptp writes it, such as "42160d.fffe.627ae7".
func (c ClockIdentity) String() string {
	b, _ := c.AppendText(nil)
	return string(b)
}

// AppendText appends what String returns. It never fails.
func (c ClockIdentity) AppendText(b []byte) ([]byte, error) {
	b = hex.AppendEncode(b, c[:3])
	b = append(b, '.')
	b = hex.AppendEncode(b, c[3:5])
	b = append(b, '.')
	return hex.AppendEncode(b, c[5:]), nil
}

// MarshalText returns what String returns. It never fails.
func (c ClockIdentity) MarshalText() ([]byte, error) { return c.AppendText(nil) }

// UnmarshalText reads what String returns.
func (c *ClockIdentity) UnmarshalText(text []byte) error {
	const form = "xxxxxx.xxxx.xxxxxx"
	if len(text) == len(form) && text[6] == '.' && text[11] == '.' {
		digits := append(append(append(make([]byte, 0, 16), text[:6]...), text[7:11]...), text[12:]...)
		if _, err := hex.Decode(c[:], digits); err == nil {
			return nil
		}
	}
	return fmt.Errorf("clock identity %q: want hexadecimal digits as in 42160d.fffe.627ae7", text)
}

// Ports that stand for more than one.
const (
	ClockPort uint16 = 0      // the clock itself; source of answers about the whole clock
	AllPorts  uint16 = 0xFFFF // target of a request to every port
)

// PortIdentity names one port of one clock (IEEE 1588-2019, 5.3.5).
type PortIdentity struct {
	Clock ClockIdentity
	Port  uint16 // from 1; 0 is the clock itself
}

// portIdentitySize is the length of an encoded PortIdentity in bytes.
const portIdentitySize = 10

// Anyone returns the target of a request that every port of every clock answers
// (IEEE 1588-2019, 15.3.1).
func Anyone() PortIdentity {
	return PortIdentity{Clock: ClockIdentity{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Port: AllPorts}
}

// String returns the identity as linuxptp writes it, such as "42160d.fffe.627ae7-1".
func (p PortIdentity) String() string {
	b, _ := p.Clock.AppendText(nil)
	b = append(b, '-')
	return string(strconv.AppendUint(b, uint64(p.Port), 10))
}

// parsePortIdentity reads the first ten bytes of b.
func parsePortIdentity(b []byte) PortIdentity {
	return PortIdentity{ClockIdentity(b), binary.BigEndian.Uint16(b[8:])}
}

func (p PortIdentity) append(b []byte) []byte {
	return binary.BigEndian.AppendUint16(append(b, p.Clock[:]...), p.Port)
}

// ClockQuality says how good a clock claims to be (IEEE 1588-2019, 5.3.7).
type ClockQuality struct {
	Class                   uint8  // clockClass: 6 is locked to a primary reference, 248 the default
	Accuracy                uint8  // clockAccuracy: 0x21 is within 100 ns, 0xFE unknown
	OffsetScaledLogVariance uint16 // 0xFFFF is unknown
}

// parseClockQuality reads the first four bytes of b.
func parseClockQuality(b []byte) ClockQuality {
	return ClockQuality{b[0], b[1], binary.BigEndian.Uint16(b[2:])}
}

func (q ClockQuality) append(b []byte) []byte {
	return binary.BigEndian.AppendUint16(append(b, q.Class, q.Accuracy), q.OffsetScaledLogVariance)
}

// TimeInterval is a time in units of 2^-16 ns (IEEE 1588-2019, 5.3.2).
type TimeInterval int64

// Nanoseconds returns the interval in nanoseconds, with its fraction.
func (t TimeInterval) Nanoseconds() float64 { return float64(t) / (1 << 16) }

// Duration returns the interval rounded to the nearest nanosecond.
func (t TimeInterval) Duration() time.Duration {
	return time.Duration(math.Round(t.Nanoseconds()))
}

// parseTimeInterval reads the first eight bytes of b.
func parseTimeInterval(b []byte) TimeInterval { return TimeInterval(binary.BigEndian.Uint64(b)) }

func (t TimeInterval) append(b []byte) []byte { return binary.BigEndian.AppendUint64(b, uint64(t)) }
