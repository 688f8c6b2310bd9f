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

import "time"

const (
	// ringSize is how many pushes wait for Next. It holds all that can come between two
	// renewals of a subscription, twice over.
	ringSize = 2 * maxUnread
	// maxPush is the longest data of a push. linuxptp has none beyond 50 bytes.
	maxPush = 64
)

// Push is a message that ptp4l sent because of a subscription.
type Push struct {
	// Message carries the data set; Data is valid until the next call of Next.
	Message
	// At is when it was read from the socket, with a monotonic reading.
	At time.Time
	// Gap says that pushes before this one were lost: ptp4l numbers the pushes of a
	// subscription, and this one does not continue the last. What was missed can be
	// found out only by reading everything.
	Gap bool
	// Skipped is how many pushes of NotifyTimeSync between the last one and this one
	// were held back, because Quiet says that they bring no news.
	Skipped int
}

// ring keeps the latest pushes, in memory that it never gives away.
type ring struct {
	slots [ringSize]slot
	first int // the oldest
	count int
	next  uint16 // sequence number of the push that would continue the last
	every uint16 // of Quiet; 0 and 1 for all
}

type slot struct {
	push Push // without Data
	data [maxPush]byte
	size int
}

// add keeps a push, at the cost of the oldest where there is no room. It returns how
// many pushes were held back before it.
func (r *ring) add(m *Message, at time.Time) int {
	if len(m.Data) > maxPush {
		return 0 // nothing we know; it leaves a gap
	}
	missing, quiet := skipped(r.next, m.Sequence, max(r.every, 1))
	r.next = m.Sequence + 1
	if r.count == ringSize {
		r.first = (r.first + 1) % ringSize
		r.count--
		r.slots[r.first].push.Gap = true
	}
	s := &r.slots[(r.first+r.count)%ringSize]
	s.push = Push{Message: *m, At: at, Gap: !quiet}
	if quiet {
		s.push.Skipped = missing
	}
	s.push.Data = nil
	s.size = copy(s.data[:], m.Data)
	r.count++
	return s.push.Skipped
}

// take removes the oldest push and copies its data to buf.
func (r *ring) take(buf *[maxPush]byte) (Push, bool) {
	if r.count == 0 {
		return Push{}, false
	}
	s := &r.slots[r.first]
	r.first = (r.first + 1) % ringSize
	r.count--
	p := s.push
	p.Data = buf[:copy(buf[:], s.data[:s.size])]
	return p, true
}
