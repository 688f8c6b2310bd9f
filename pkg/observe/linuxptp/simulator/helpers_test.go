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
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// The identities of the golden frames, which were captured from linuxptp 4.2.
var (
	clockID  = pmc.ClockIdentity{0x76, 0x7f, 0x31, 0xff, 0xfe, 0x39, 0x9e, 0x95}
	gmID     = pmc.ClockIdentity{0x42, 0x16, 0x0d, 0xff, 0xfe, 0x62, 0x7a, 0xe7}
	otherGM  = pmc.ClockIdentity{0x0a, 0, 0, 0xff, 0xfe, 0, 0, 2}
	clientID = pmc.PortIdentity{Clock: pmc.ClockIdentity{0xca, 0xfe, 0, 0, 0, 0, 0, 1}, Port: 1}
)

// outgoing is what a client would have received.
type outgoing struct {
	readOnly bool
	to       string
	frame    []byte
}

// recorder is an outbox that keeps everything.
type recorder struct{ sent []outgoing }

func (r *recorder) send(readOnly bool, to string, frame []byte) {
	r.sent = append(r.sent, outgoing{readOnly, to, frame})
}

// take returns what was sent since the last call, one line per datagram.
func (r *recorder) take(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, o := range r.sent {
		lines = append(lines, describe(t, o.frame))
	}
	r.sent = nil
	return lines
}

// describe is a datagram in a line: the sending port, what kind of message it is, and
// the values of data sets that are pushed.
func describe(t *testing.T, frame []byte) string {
	t.Helper()
	m, err := pmc.Parse(frame)
	if err != nil {
		return "bad: " + err.Error()
	}
	if m.Status != pmc.NoError {
		return fmt.Sprintf("%d %v %v %v", m.Source.Port, m.Action, m.ID, m.Status)
	}
	if !m.IsPush() {
		return fmt.Sprintf("%d %v %v", m.Source.Port, m.Action, m.ID)
	}
	data, ok := pmc.New(m.ID)
	if !ok {
		t.Fatalf("push of %v", m.ID)
	}
	if err := data.UnmarshalBinary(m.Data); err != nil {
		t.Fatal(err)
	}
	switch d := data.(type) {
	case *pmc.PortDataSet:
		return fmt.Sprintf("port %d %v", m.Source.Port, d.PortState)
	case *pmc.ParentDataSet:
		return fmt.Sprintf("parent %v class %d", d.GrandmasterIdentity, d.GrandmasterClockQuality.Class)
	case *pmc.TimeStatusNP:
		if d.IngressTime == 0 {
			return fmt.Sprintf("sync %d stepped", d.MasterOffset)
		}
		return fmt.Sprintf("sync %d", d.MasterOffset)
	}
	return m.ID.String()
}

// atOnce is a slave-only clock whose intervals are all zero: what is caused, happens
// at once, and nothing happens by itself.
func atOnce() Clock {
	c := DefaultClock()
	c.Identity = clockID
	c.SlaveOnly = true
	c.Sync = Sync{Offset: 12}
	c.Announce.Interval = 0
	return c
}

// newRecorded returns a simulator that was not started, and its ptp4l's outbox. The
// client is subscribed to everything.
func newRecorded(t *testing.T, c Clock) (*Simulator, *recorder) {
	t.Helper()
	s, err := New(Config{Socket: filepath.Join(t.TempDir(), "ptp4l"), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	out := &recorder{}
	s.daemon.out = out
	s.daemon.receive(subscribeFrame(30, everything), "client", false, s.now())
	out.sent = nil
	return s, out
}

// newTestDaemon is a ptp4l without a simulator around it, for tests that set the time.
func newTestDaemon(t *testing.T, c Clock) (*daemon, *recorder) {
	t.Helper()
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	out := &recorder{}
	return newDaemon(newWorld(c, time.Unix(1_795_178_000, 0)), out, 0), out
}

var everything = pmc.Events(pmc.NotifyPortState, pmc.NotifyTimeSync, pmc.NotifyParentDataSet)

func requestFrame(action pmc.Action, id pmc.ID, data ...byte) []byte {
	return encode(&pmc.Message{Source: clientID, Target: pmc.Anyone(), Action: action, ID: id, Data: data})
}

func subscribeFrame(duration uint16, events pmc.EventMask) []byte {
	return requestFrame(pmc.ActionSet, pmc.IDSubscribeEventsNP, encode(&pmc.SubscribeEventsNP{Duration: duration, Events: events})...)
}
