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

// Package chrony asks chronyd how it disciplines the clock, with chrony's command protocol
// (candm.h), version 6, which chronyd has spoken since version 2.2. It only monitors, which
// chronyd lets everybody on its own machine do.
package chrony

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// The parts of a message.
const (
	version        = 6
	request, reply = 1, 2
	trackingAsked  = 33 // REQ_TRACKING
	trackingTold   = 5  // RPY_TRACKING
	replyHead      = 28
	trackingLength = replyHead + 76
)

// Tracking is what chronyd says of its reference.
type Tracking struct {
	// Reference is the reference ID: the address of a server, or the name of a clock.
	Reference uint32
	// Stratum is the distance from a reference clock; 0 while there is no reference.
	Stratum uint16
	// Leap is what happens at the end of the day, or Unsynchronised.
	Leap Leap
	// Updated is when the reference was used last, by CLOCK_REALTIME.
	Updated time.Time
	// Interval is the time between the last two updates; 0 before there were two.
	Interval time.Duration
}

// Leap is the leap status of NTP.
type Leap uint16

// The leap statuses (RFC 5905, figure 9).
const (
	Normal Leap = iota
	InsertSecond
	DeleteSecond
	// Unsynchronised means that there is no reference.
	Unsynchronised
)

// String returns the status as chronyc prints it.
func (l Leap) String() string {
	names := [...]string{"Normal", "Insert second", "Delete second", "Not synchronised"}
	if int(l) >= len(names) {
		return fmt.Sprintf("Leap(%d)", uint16(l))
	}
	return names[l]
}

// Source returns the reference ID for people: the name of a clock, such as PHC0, or an
// IPv4 address, which stands for the hash of an IPv6 address, too.
func (t Tracking) Source() string {
	raw := binary.BigEndian.AppendUint32(nil, t.Reference)
	name := strings.TrimRight(string(raw), "\x00")
	if name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == "" {
		return name
	}
	return fmt.Sprintf("%d.%d.%d.%d", raw[0], raw[1], raw[2], raw[3])
}

// ask returns the request with a sequence number. It is as long as the answer, because
// chronyd does not answer with more than it was asked with.
func ask(sequence uint32) []byte {
	raw := make([]byte, trackingLength)
	raw[0], raw[1] = version, request
	binary.BigEndian.PutUint16(raw[4:], trackingAsked)
	binary.BigEndian.PutUint32(raw[8:], sequence)
	return raw
}

// errNotOurs is what is no answer to our request, such as a late one to an older request.
var errNotOurs = errors.New("not an answer to the request")

// answer reads the answer to the request with a sequence number.
func answer(raw []byte, sequence uint32) (Tracking, error) {
	if len(raw) < replyHead || raw[1] != reply ||
		binary.BigEndian.Uint16(raw[4:]) != trackingAsked || binary.BigEndian.Uint32(raw[16:]) != sequence {
		return Tracking{}, errNotOurs
	}
	if raw[0] != version {
		return Tracking{}, fmt.Errorf("chronyd speaks version %d of its protocol; this program speaks version %d, as chronyd since 2.2", raw[0], version)
	}
	switch status := binary.BigEndian.Uint16(raw[8:]); status {
	case 0:
	case 2:
		return Tracking{}, errors.New("chronyd refuses to answer: allow it with cmdallow in chrony.conf")
	default:
		return Tracking{}, fmt.Errorf("chronyd does not understand the request: status %d", status)
	}
	if told := binary.BigEndian.Uint16(raw[6:]); told != trackingTold || len(raw) != trackingLength {
		return Tracking{}, fmt.Errorf("chronyd answers in a way that is not known: reply %d of %d bytes", told, len(raw))
	}
	return tracking(raw[replyHead:])
}

// tracking reads what follows the head (RPY_Tracking).
func tracking(body []byte) (Tracking, error) {
	leap := Leap(binary.BigEndian.Uint16(body[26:]))
	if leap > Unsynchronised {
		return Tracking{}, fmt.Errorf("chronyd answers in a way that is not known: leap status %d", uint16(leap))
	}
	updated, err := timespec(body[28:40])
	if err != nil {
		return Tracking{}, err
	}
	return Tracking{
		Reference: binary.BigEndian.Uint32(body),
		Stratum:   binary.BigEndian.Uint16(body[24:]),
		Leap:      leap,
		Updated:   updated,
		Interval:  duration(binary.BigEndian.Uint32(body[72:])),
	}, nil
}

// timespec reads a time: the upper and the lower half of seconds since 1970, and
// nanoseconds. The upper half may be said to be unknown.
func timespec(raw []byte) (time.Time, error) {
	const noHigh = 0x7fffffff
	high, low, nanoseconds := binary.BigEndian.Uint32(raw), binary.BigEndian.Uint32(raw[4:]), binary.BigEndian.Uint32(raw[8:])
	if high == noHigh {
		high = 0
	}
	if high > 1 || nanoseconds >= uint32(time.Second) {
		return time.Time{}, fmt.Errorf("chronyd answers with a time that is none: %d %d %d", high, low, nanoseconds)
	}
	return time.Unix(int64(high)<<32|int64(low), int64(nanoseconds)).UTC(), nil
}

// duration reads a number of seconds in chrony's own format: a coefficient of 25 bits and,
// above it, an exponent of 7 bits, both signed. What is no duration is 0.
func duration(raw uint32) time.Duration {
	exponent, coefficient := int32(raw)>>25, int32(raw<<7)>>7
	seconds := math.Ldexp(float64(coefficient), int(exponent)-25)
	if seconds < 0 || seconds > math.MaxInt64/float64(time.Second) {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}
