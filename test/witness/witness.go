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

// Package witness tells when ptp4l pushes, apart from when somebody notices.
package witness

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// Witness is a management client of its own: ptp4l pushes to it what it pushes to the
// adapter, so the time that ptp4l and the network need can be told from the time that
// the adapter needs. The kernel dates each push within ptp4l's system call. It is read
// only afterwards, and nothing waits for it: a process that ptp4l wakes up would take
// the processor from it before it pushes to the adapter.
type Witness struct {
	fd    int
	local string // the file of its socket
}

// Sighting is one push.
type Sighting struct {
	// At is when ptp4l sent it.
	At time.Time
	// ID is what was pushed.
	ID pmc.ID
	// State is that of PORT_DATA_SET.
	State pmc.PortState
	// Class is that of PARENT_DATA_SET.
	Class uint8
}

// port is the witness's; other clients of [Subscription] may count from 0.
const port = 0xfffe

// New subscribes at a ptp4l for eight seconds, which is as long as may be at eight Syncs
// per second. The caller must Close the witness.
func New(socket string) (*Witness, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	w := &Witness{fd, filepath.Join(filepath.Dir(socket), "witness")}
	if err := w.subscribe(socket); err != nil {
		w.Close()
		return nil, fmt.Errorf("subscribe at %s: %w", socket, err)
	}
	return w, nil
}

// Close ends it.
func (w *Witness) Close() {
	_ = unix.Close(w.fd)
	_ = os.Remove(w.local)
}

func (w *Witness) subscribe(socket string) error {
	// A push may be read a moment later than the event that follows from it.
	wait := unix.NsecToTimeval(int64(200 * time.Millisecond))
	if err := errors.Join(
		unix.SetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptTimeval(w.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait),
		unix.Bind(w.fd, &unix.SockaddrUnix{Name: w.local}),
		unix.Connect(w.fd, &unix.SockaddrUnix{Name: socket}),
		unix.Send(w.fd, Subscription(port, 8), 0),
	); err != nil {
		return err
	}
	for {
		if _, push, err := w.next(); err != nil || !push { // its answer
			return err
		}
	}
}

// First returns the first push since a time that matches.
func (w *Witness) First(since time.Time, match func(Sighting) bool) (Sighting, error) {
	for {
		s, push, err := w.next()
		if err != nil {
			return s, fmt.Errorf("read the push: %w", err)
		}
		if push && !s.At.Before(since) && match(s) {
			return s, nil
		}
	}
}

// next returns what ptp4l has sent next, and whether it is a push.
func (w *Witness) next() (s Sighting, push bool, err error) {
	buffer, control := make([]byte, 2048), make([]byte, 128)
	n, size, _, _, err := unix.Recvmsg(w.fd, buffer, control, 0)
	if err != nil {
		return s, false, err
	}
	m, err := pmc.Parse(buffer[:n])
	if err != nil {
		return s, false, err
	}
	s.ID = m.ID
	var state pmc.PortDataSet
	var parent pmc.ParentDataSet
	switch {
	case m.ID == state.ID() && state.UnmarshalBinary(m.Data) == nil:
		s.State = state.PortState
	case m.ID == parent.ID() && parent.UnmarshalBinary(m.Data) == nil:
		s.Class = parent.GrandmasterClockQuality.Class
	}
	s.At, err = timestamp(control[:size])
	return s, m.IsPush(), err
}

// timestamp returns the time stamp that came with a datagram (SO_TIMESTAMPNS, socket(7)).
func timestamp(control []byte) (time.Time, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return time.Time{}, err
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:]))), nil
		}
	}
	return time.Time{}, errors.New("a datagram without a time stamp")
}

// Subscription returns the request to push everything for so many seconds. The port
// tells the clients of one ptp4l apart.
func Subscription(port, seconds uint16) []byte {
	events := pmc.SubscribeEventsNP{
		Duration: seconds,
		Events:   pmc.Events(pmc.NotifyPortState, pmc.NotifyTimeSync, pmc.NotifyParentDataSet),
	}
	request := pmc.Message{
		Source: pmc.PortIdentity{Clock: pmc.ClockIdentity{0x02, 0xbe}, Port: port}, Target: pmc.Anyone(),
		Action: pmc.ActionSet, ID: pmc.IDSubscribeEventsNP,
	}
	request.Data, _ = events.AppendBinary(nil) // both are of fixed size and fit
	frame, _ := request.AppendBinary(nil)
	return frame
}
