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

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// witness is a management client of our own: ptp4l pushes to it what it pushes to the
// adapter, so the time that ptp4l and the network need can be told from the time that
// the adapter needs. The kernel says when ptp4l sent each push, however late it is read.
type witness struct {
	conn     *net.UnixConn
	stop     context.CancelFunc
	answered chan struct{} // ptp4l has confirmed the subscription
	done     chan struct{}

	mu   sync.Mutex
	seen []sighting
}

// sighting is one push.
type sighting struct {
	at    time.Time // when ptp4l sent it
	id    pmc.ID
	state pmc.PortState // of PORT_DATA_SET
	class uint8         // of PARENT_DATA_SET
}

func newWitness(socket string) (*witness, error) {
	conn, err := dial(socket, "witness")
	if err != nil {
		return nil, err
	}
	if err := stampArrivals(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &witness{conn: conn, stop: stop, answered: make(chan struct{}), done: make(chan struct{})}
	go w.listen()
	go subscribe(ctx, conn, 0xfffe)
	select {
	case <-w.answered:
		return w, nil
	case <-time.After(patience):
		w.close()
		return nil, fmt.Errorf("ptp4l at %s does not answer", socket)
	}
}

func (w *witness) close() {
	w.stop()
	_ = w.conn.Close()
	<-w.done
	_ = os.Remove(w.conn.LocalAddr().String())
}

func (w *witness) listen() {
	defer close(w.done)
	answered := sync.OnceFunc(func() { close(w.answered) })
	buffer, control := make([]byte, 2048), make([]byte, 128)
	for {
		n, size, _, _, err := w.conn.ReadMsgUnix(buffer, control)
		if err != nil {
			return // closed, or ptp4l is gone, which is what some faults are
		}
		m, err := pmc.Parse(buffer[:n])
		at, stamped := arrivalOf(control[:size])
		if err != nil || !stamped {
			continue
		}
		if !m.IsPush() {
			answered()
			continue
		}
		w.mu.Lock()
		w.seen = append(w.seen, sightingOf(at, &m))
		w.mu.Unlock()
	}
}

func sightingOf(at time.Time, m *pmc.Message) sighting {
	s := sighting{at: at, id: m.ID}
	var port pmc.PortDataSet
	var parent pmc.ParentDataSet
	switch {
	case m.ID == port.ID() && port.UnmarshalBinary(m.Data) == nil:
		s.state = port.PortState
	case m.ID == parent.ID() && parent.UnmarshalBinary(m.Data) == nil:
		s.class = parent.GrandmasterClockQuality.Class
	}
	return s
}

// slack is for how long the event of a push may be here before the push was read.
const slack = 100 * time.Millisecond

// first returns the first push since a time that matches.
func (w *witness) first(since time.Time, match func(sighting) bool) (sighting, bool) {
	for deadline := time.Now().Add(slack); ; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		for _, s := range w.seen {
			if !s.at.Before(since) && match(s) {
				w.mu.Unlock()
				return s, true
			}
		}
		w.mu.Unlock()
		if time.Now().After(deadline) {
			return sighting{}, false
		}
	}
}

// last returns the last push before an event that matches, once it was surely read.
func (w *witness) last(event time.Time, match func(sighting) bool) (last sighting, ok bool) {
	time.Sleep(time.Until(event.Add(slack)))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.seen {
		if s.at.Before(event) && match(s) {
			last, ok = s, true
		}
	}
	return last, ok
}

// dial connects to a management socket, as every client has to: with a socket file of
// its own beside it.
func dial(socket, name string) (*net.UnixConn, error) {
	local := &net.UnixAddr{Name: filepath.Join(filepath.Dir(socket), name), Net: "unixgram"}
	return net.DialUnix("unixgram", local, &net.UnixAddr{Name: socket, Net: "unixgram"})
}

// subscribe keeps a subscription to everything that ptp4l pushes, until ctx ends: one of
// 4 s, as is safe at 16 pushes a second, and renewed in half that time. The port tells
// clients apart.
func subscribe(ctx context.Context, conn *net.UnixConn, port uint16) {
	events := pmc.SubscribeEventsNP{Duration: 4, Events: pmc.Events(pmc.NotifyPortState, pmc.NotifyTimeSync, pmc.NotifyParentDataSet)}
	request := pmc.Message{
		Source: pmc.PortIdentity{Clock: pmc.ClockIdentity{0x02, 0xbe}, Port: port}, Target: pmc.Anyone(),
		Action: pmc.ActionSet, ID: pmc.IDSubscribeEventsNP,
	}
	request.Data, _ = events.AppendBinary(nil) // of fixed size, so it always fits
	frame, _ := request.AppendBinary(nil)
	for ctx.Err() == nil {
		if _, err := conn.Write(frame); err != nil {
			return // closed
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
		}
	}
}

// stampArrivals makes the kernel note when it queued each datagram (SO_TIMESTAMPNS,
// socket(7)): within the sender's system call.
func stampArrivals(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}); err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("have datagrams time-stamped: %w", failed)
	}
	return nil
}

// arrivalOf returns the time stamp that came with a datagram.
func arrivalOf(control []byte) (time.Time, bool) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return time.Time{}, false
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:]))), true
		}
	}
	return time.Time{}, false
}
