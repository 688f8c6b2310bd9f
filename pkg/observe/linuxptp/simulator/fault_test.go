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
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

const (
	following = "parent 42160d.fffe.627ae7 class 6"
	alone     = "parent 767f31.fffe.399e95 class 255"
	master    = "parent 767f31.fffe.399e95 class 248"
)

// What each verb makes ptp4l push, when everything happens at once.
func TestVerbs(t *testing.T) {
	boundary := func(c *Clock) { c.SlaveOnly = false }
	uplinks := func(c *Clock) {
		c.SlaveOnly = false
		c.Ports = []Port{{Interface: "a", Upstream: true}, {Interface: "b", Upstream: true}, {Interface: "c"}}
	}
	for _, tc := range []struct {
		name   string
		clock  func(*Clock)
		before func(*Simulator)
		do     func(*Simulator)
		want   []string
	}{
		{name: "offset", do: func(s *Simulator) { s.SetOffset(-400) }, want: []string{"sync -400"}},
		{name: "offset stays", before: func(s *Simulator) { s.SetOffset(-400) }, do: (*Simulator).ServoLock, want: []string{"sync -400"}},
		{name: "push now", do: func(s *Simulator) { s.PushNow(55) }, want: []string{"sync 55"}},
		{name: "push now while silent", before: (*Simulator).AnnounceTimeout, do: func(s *Simulator) { s.PushNow(55) }, want: []string{"sync 55"}},
		{name: "clock step", do: func(s *Simulator) { s.StepClock(37 * time.Second) }, want: []string{"sync 37000000012 stepped", "port 1 UNCALIBRATED", "sync 12", "port 1 SLAVE"}},
		{name: "servo unlocks", do: (*Simulator).ServoUnlock, want: []string{"sync 12", "port 1 UNCALIBRATED"}},
		{name: "servo locks", before: (*Simulator).ServoUnlock, do: (*Simulator).ServoLock, want: []string{"sync 12", "port 1 SLAVE"}},

		{name: "silence", do: (*Simulator).Silence},
		{name: "silence stops samples", before: (*Simulator).Silence, do: func(s *Simulator) { s.SetOffset(5) }},
		{name: "a short silence", before: (*Simulator).Silence, do: (*Simulator).Resume, want: []string{"sync 12"}},
		{name: "announce timeout of a slave-only clock", do: (*Simulator).AnnounceTimeout, want: []string{"port 1 LISTENING"}},
		{name: "announce timeout of an ordinary clock", clock: boundary, do: (*Simulator).AnnounceTimeout, want: []string{"port 1 MASTER", master}},
		{name: "resume of a slave-only clock", before: (*Simulator).AnnounceTimeout, do: (*Simulator).Resume, want: []string{"port 1 UNCALIBRATED", "sync 12", "port 1 SLAVE"}},
		{name: "resume of an ordinary clock", clock: boundary, before: (*Simulator).AnnounceTimeout, do: (*Simulator).Resume, want: []string{following, "port 1 UNCALIBRATED", "sync 12", "port 1 SLAVE"}},

		{name: "class", do: func(s *Simulator) { s.SetClass(7) }, want: []string{"parent 42160d.fffe.627ae7 class 7"}},
		{name: "the same class", do: func(s *Simulator) { s.SetClass(6) }},
		{name: "class while silent", before: (*Simulator).Silence, do: func(s *Simulator) { s.SetClass(7) }},
		{name: "class after silence", before: func(s *Simulator) { s.Silence(); s.SetClass(7) }, do: (*Simulator).Resume, want: []string{"parent 42160d.fffe.627ae7 class 7", "sync 12"}},
		{name: "class of a grandmaster", clock: func(c *Clock) { c.SlaveOnly, c.ServerOnly = false, true }, do: func(s *Simulator) { s.SetClass(140) }, want: []string{"parent 767f31.fffe.399e95 class 140"}},
		{
			name: "another grandmaster", do: func(s *Simulator) { s.SetGrandmaster(Grandmaster{Identity: otherGM, Class: 248}) },
			want: []string{"parent 0a0000.fffe.000002 class 248", "port 1 UNCALIBRATED", "sync 12", "port 1 SLAVE"},
		},

		{name: "link down of a slave-only clock", do: func(s *Simulator) { s.LinkDown(1) }, want: []string{"port 1 FAULTY", alone}},
		{name: "link down after announce timeout", before: (*Simulator).AnnounceTimeout, do: func(s *Simulator) { s.LinkDown(1) }, want: []string{"port 1 FAULTY", alone}},
		{name: "link up", before: func(s *Simulator) { s.LinkDown(1) }, do: func(s *Simulator) { s.LinkUp(1) }, want: []string{"port 1 LISTENING", following, "port 1 UNCALIBRATED", "sync 12", "port 1 SLAVE"}},
		{name: "link up of a link that is up", do: func(s *Simulator) { s.LinkUp(1) }},
		{name: "link of no port", do: func(s *Simulator) { s.LinkDown(0); s.LinkDown(2); s.LinkUp(-1) }},
		{name: "the second uplink takes over", clock: uplinks, do: func(s *Simulator) { s.LinkDown(1) }, want: []string{"port 1 FAULTY", "port 2 UNCALIBRATED", "sync 12", "port 2 SLAVE"}},
		{name: "no uplink is left", clock: uplinks, before: func(s *Simulator) { s.LinkDown(1) }, do: func(s *Simulator) { s.LinkDown(2) }, want: []string{"port 2 FAULTY", master}},
		{name: "an uplink in reserve comes back", clock: uplinks, before: func(s *Simulator) { s.LinkDown(2) }, do: func(s *Simulator) { s.LinkUp(2) }, want: []string{"port 2 LISTENING", "port 2 PASSIVE"}},
		{name: "all uplinks are silent", clock: uplinks, do: (*Simulator).AnnounceTimeout, want: []string{"port 1 MASTER", master, "port 2 MASTER"}},
		{name: "the downlink", clock: uplinks, do: func(s *Simulator) { s.LinkDown(3) }, want: []string{"port 3 FAULTY"}},
		{name: "the downlink again", clock: uplinks, before: func(s *Simulator) { s.LinkDown(3) }, do: func(s *Simulator) { s.LinkUp(3) }, want: []string{"port 3 LISTENING", "port 3 MASTER"}},

		{name: "port state", do: func(s *Simulator) { s.SetPortState(1, pmc.PortPassive) }, want: []string{"port 1 PASSIVE"}},
		{name: "port state stays", before: func(s *Simulator) { s.SetPortState(1, pmc.PortPassive) }, do: func(s *Simulator) { s.SetOffset(5) }},
		{name: "port state SLAVE", before: func(s *Simulator) { s.SetPortState(1, pmc.PortListening) }, do: func(s *Simulator) { s.SetPortState(1, pmc.PortSlave) }, want: []string{"port 1 SLAVE"}},
		{name: "lock after link down", before: func(s *Simulator) { s.LinkDown(1); s.Silence(); s.SetOffset(9) }, do: (*Simulator).Lock, want: []string{"port 1 LISTENING", following, "port 1 UNCALIBRATED", "sync 12", "port 1 SLAVE"}},
		{name: "lock after a forced state", before: func(s *Simulator) { s.SetPortState(1, pmc.PortPassive) }, do: (*Simulator).Lock, want: []string{"port 1 LISTENING", "port 1 UNCALIBRATED", "sync 12", "port 1 SLAVE"}},
		{name: "lock after another class", before: func(s *Simulator) { s.SetClass(248); s.ServoUnlock() }, do: (*Simulator).Lock, want: []string{following, "sync 12", "port 1 SLAVE"}},
		{name: "lock of an ordinary clock that took over", clock: boundary, before: (*Simulator).AnnounceTimeout, do: (*Simulator).Lock, want: []string{following, "port 1 UNCALIBRATED", "sync 12", "port 1 SLAVE"}},

		{name: "hang", before: (*Simulator).Hang, do: func(s *Simulator) { s.SetOffset(5); s.LinkDown(1) }},
		{name: "unhang", before: func(s *Simulator) { s.Hang(); s.SetOffset(5); s.SetClass(7) }, do: (*Simulator).Unhang, want: []string{"parent 42160d.fffe.627ae7 class 7", "sync 5"}},
		{name: "raw", do: func(s *Simulator) { s.SendRaw([]byte{1, 2, 3}) }, want: []string{"bad: management message: 3 bytes, want at least 54"}},
		{name: "drop", before: func(s *Simulator) { s.DropPush(1) }, do: func(s *Simulator) { s.PushNow(1); s.PushNow(2) }, want: []string{"sync 2"}},
		{name: "crash forgets subscriptions", before: (*Simulator).Crash, do: func(s *Simulator) { s.PushNow(1) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := atOnce()
			if tc.clock != nil {
				tc.clock(&c)
			}
			s, out := newRecorded(t, c)
			if tc.before != nil {
				tc.before(s)
			}
			out.sent = nil
			tc.do(s)
			if diff := cmp.Diff(tc.want, out.take(t)); diff != "" {
				t.Errorf("pushes (-want +got):\n%s", diff)
			}
		})
	}
}

// What a GET shows after a fault: ptp4l's data are stale where linuxptp's are.
func TestDataAfterFaults(t *testing.T) {
	type data struct {
		ingress bool // not 0
		present bool
		gm      pmc.ClockIdentity
		steps   uint16
		offset  int64
	}
	for _, tc := range []struct {
		name      string
		slaveOnly bool
		do        func(*Simulator)
		want      data
	}{
		{"locked", true, func(*Simulator) {}, data{true, true, gmID, 1, 12}},
		{"a slave-only clock keeps the grandmaster it has lost", true, (*Simulator).AnnounceTimeout, data{false, true, gmID, 1, 12}},
		{"silence before the announce timeout", true, (*Simulator).Silence, data{true, true, gmID, 1, 12}},
		{"an ordinary clock becomes grandmaster", false, (*Simulator).AnnounceTimeout, data{false, false, clockID, 0, 12}},
		{"link down", true, func(s *Simulator) { s.LinkDown(1) }, data{false, false, clockID, 0, 12}},
		{"forced out of SLAVE", true, func(s *Simulator) { s.SetPortState(1, pmc.PortPassive) }, data{false, true, gmID, 1, 12}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := atOnce()
			c.SlaveOnly = tc.slaveOnly
			s, _ := newRecorded(t, c)
			tc.do(s)
			d := s.daemon
			got := data{d.status.IngressTime != 0, d.status.GMPresent, d.status.GMIdentity, d.current.StepsRemoved, d.status.MasterOffset}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(data{})); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
		})
	}
}

// settle lets happen what is due, which is the task of a goroutine once a simulator is
// started.
func settle(s *Simulator) { s.do(func(time.Duration) {}) }

// played is a line of a timeline: what was pushed, and when.
type played struct {
	At   time.Duration
	Push string
}

// The times of a clock with 1 Announce and 2 Syncs per second.
func TestTimeline(t *testing.T) {
	for _, tc := range []struct {
		name  string
		clock func(*Clock)
		// do happens 5.2 s after the start.
		do   func(*Simulator)
		want []played // from then on, for 8 s, without the samples of SLAVE ports
	}{
		{
			name: "silence", do: (*Simulator).Silence,
			want: []played{{8200 * time.Millisecond, "port 1 LISTENING"}},
		},
		{
			name: "silence of a boundary clock", clock: func(c *Clock) { c.SlaveOnly = false }, do: (*Simulator).Silence,
			want: []played{{8200 * time.Millisecond, "port 1 MASTER"}, {8200 * time.Millisecond, master}},
		},
		{
			name: "link flap", do: func(s *Simulator) { s.LinkDown(1); s.LinkUp(1) },
			want: []played{
				{5200 * time.Millisecond, "port 1 FAULTY"},
				{5200 * time.Millisecond, alone},
				{5200 * time.Millisecond, "port 1 LISTENING"},
				{7200 * time.Millisecond, following},
				{7200 * time.Millisecond, "port 1 UNCALIBRATED"},
				{7500 * time.Millisecond, "port 1 SLAVE"},
			},
		},
		{
			name: "servo unlocks", do: (*Simulator).ServoUnlock,
			want: []played{{5500 * time.Millisecond, "port 1 UNCALIBRATED"}},
		},
		{
			name: "a second port becomes master", clock: func(c *Clock) { c.SlaveOnly = false; c.Ports = append(c.Ports, Port{Interface: "b"}) },
			do: func(s *Simulator) { s.LinkDown(2); s.LinkUp(2) },
			want: []played{
				{5200 * time.Millisecond, "port 2 FAULTY"},
				{5200 * time.Millisecond, "port 2 LISTENING"},
				{8200 * time.Millisecond, "port 2 MASTER"},
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := atOnce()
			c.Sync.Interval = 500 * time.Millisecond
			c.Announce.Interval = time.Second
			if tc.clock != nil {
				tc.clock(&c)
			}
			synctest.Test(t, func(t *testing.T) {
				s, out := newRecorded(t, c)
				time.Sleep(5200 * time.Millisecond)
				settle(s)
				out.sent = nil
				tc.do(s)
				var got []played
				for range 81 {
					for _, line := range out.take(t) {
						if line != "sync 12" {
							got = append(got, played{s.now(), line})
						}
					}
					time.Sleep(100 * time.Millisecond)
					settle(s)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("pushes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestDriftMovesSteadily(t *testing.T) {
	c := atOnce()
	c.Sync.Interval = 500 * time.Millisecond
	c.Sync.Offset = 0
	d, out := newTestDaemon(t, c)
	d.receive(subscribeFrame(30, pmc.Events(pmc.NotifyTimeSync)), "client", false, 0)
	d.settle(500 * time.Millisecond)
	out.sent = nil
	d.offset = ramp{from: 0, to: 400, start: 500 * time.Millisecond, over: 2 * time.Second}
	for at := time.Second; at <= 3*time.Second; at += 500 * time.Millisecond {
		d.settle(at)
	}
	want := []string{"sync 100", "sync 200", "sync 300", "sync 400", "sync 400"}
	if diff := cmp.Diff(want, out.take(t)); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

func TestJitterStaysWithinItsLimits(t *testing.T) {
	c := atOnce()
	c.Sync.Offset, c.Sync.Jitter = 20, 8
	d, _ := newTestDaemon(t, c)
	lowest, highest := time.Duration(1<<62), time.Duration(-1<<62)
	for range 1000 {
		got := d.sample(0)
		lowest, highest = min(lowest, got), max(highest, got)
	}
	if lowest != 12 || highest != 28 {
		t.Errorf("samples from %d to %d, want 12 to 28", lowest, highest)
	}
}

func TestSyncsThatWereMissedAreSkipped(t *testing.T) {
	c := atOnce()
	c.Sync.Interval = 500 * time.Millisecond
	d, out := newTestDaemon(t, c)
	d.settle(500 * time.Millisecond)
	d.receive(subscribeFrame(30, pmc.Events(pmc.NotifyTimeSync)), "client", false, 600*time.Millisecond)
	out.sent = nil
	d.settle(4200 * time.Millisecond)
	if len(out.sent) != 1 {
		t.Errorf("%d pushes after 3.6 s without the processor, want 1", len(out.sent))
	}
	if d.next() != 4500*time.Millisecond {
		t.Errorf("next Sync at %v, want 4.5s", d.next())
	}
}

func TestLongHangLosesTheGrandmaster(t *testing.T) {
	c := atOnce()
	c.Announce.Interval = time.Second
	synctest.Test(t, func(t *testing.T) {
		s, out := newRecorded(t, c)
		time.Sleep(2 * time.Second)
		settle(s)
		s.Hang()
		time.Sleep(2900 * time.Millisecond)
		out.sent = nil
		s.Unhang()
		if lines := out.take(t); lines != nil {
			t.Errorf("pushes after 2.9 s: %v, want none", lines)
		}
		s.Hang()
		time.Sleep(3 * time.Second)
		s.Unhang()
		if diff := cmp.Diff([]string{"port 1 LISTENING"}, out.take(t)); diff != "" {
			t.Errorf("pushes after 3 s (-want +got):\n%s", diff)
		}
	})
}

func TestBadFramesAreBad(t *testing.T) {
	d, _ := newTestDaemon(t, atOnce())
	d.receive(subscribeFrame(30, everything), "client", false, 0)
	for i, frame := range d.badFrames(d.subscribers[0]) {
		m, err := pmc.Parse(frame)
		if err != nil {
			continue // as it should be
		}
		data, ok := pmc.New(m.ID)
		foreign := m.Domain != 0 || m.Target != clientID
		if !foreign && ok && data.UnmarshalBinary(m.Data) == nil {
			t.Errorf("frame %d is a good %v", i, m.ID)
		}
	}
}

// Who asks ptp4l for the timescale sees a leap second come.
func TestLeapSecond(t *testing.T) {
	s := start(t, nil)
	scale := func() (offset int16, announced bool) {
		s.do(func(time.Duration) {
			offset, announced = s.daemon.scale.CurrentUTCOffset, s.daemon.scale.Flags.Has(pmc.Leap61)
		})
		return offset, announced
	}
	for _, tc := range []struct {
		do        func()
		offset    int16
		announced bool
	}{{func() {}, 37, false}, {s.LeapAnnounce, 37, true}, {s.LeapSecond, 38, false}} {
		tc.do()
		if offset, announced := scale(); offset != tc.offset || announced != tc.announced {
			t.Errorf("offset %d, leap61 %v; want %d, %v", offset, announced, tc.offset, tc.announced)
		}
	}
}
