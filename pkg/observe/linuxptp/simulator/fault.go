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
	"slices"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// Lock ends every trouble: links are up, the grandmaster is the configured one and is
// heard, the servo locks, and the offset is as configured.
func (s *Simulator) Lock() {
	s.do(func(now time.Duration) { s.daemon.heal(now) })
}

// SetOffset makes the offset jump to a value and stay there, from the next Sync on.
func (s *Simulator) SetOffset(to time.Duration) { s.Drift(to, 0) }

// Drift moves the offset steadily to a value.
func (s *Simulator) Drift(to, over time.Duration) {
	s.do(func(now time.Duration) {
		s.world.offset = ramp{from: s.world.offset.at(now), to: to, start: now, over: over}
		s.daemon.syncSoon(now)
	})
}

// SetJitter spreads the samples evenly, this far to each side of the offset.
func (s *Simulator) SetJitter(to time.Duration) {
	s.do(func(time.Duration) { s.world.jitter = max(to, 0) })
}

// StepClock makes the next sample differ by a value, upon which ptp4l steps its clock:
// the port is UNCALIBRATED until the Sync after that, and the sample's ingress_time is 0.
func (s *Simulator) StepClock(by time.Duration) {
	s.do(func(now time.Duration) {
		s.world.step = by
		s.daemon.syncSoon(now)
	})
}

// ServoUnlock makes the servo lose lock: from the next Sync on, the port is
// UNCALIBRATED, and samples go on.
func (s *Simulator) ServoUnlock() { s.setUnlocked(true) }

// ServoLock makes the servo lock at the next Sync.
func (s *Simulator) ServoLock() { s.setUnlocked(false) }

func (s *Simulator) setUnlocked(unlocked bool) {
	s.do(func(now time.Duration) {
		s.world.unlocked = unlocked
		s.daemon.syncSoon(now)
	})
}

// Silence makes the grandmaster send nothing any more. Nothing shows it until the
// announce timeout; then the port of a slave-only clock is LISTENING, and that of any
// other clock MASTER.
func (s *Simulator) Silence() {
	s.do(func(now time.Duration) {
		s.world.silent = true
		s.daemon.rearm(now)
	})
}

// AnnounceTimeout is Silence, and the announce timeout expires at once.
func (s *Simulator) AnnounceTimeout() {
	s.do(func(now time.Duration) {
		s.world.silent = true
		s.daemon.rearm(now)
		s.daemon.timeOut(now)
	})
}

// Resume makes a silent grandmaster send again.
func (s *Simulator) Resume() {
	s.do(func(now time.Duration) {
		s.world.silent = false
		s.daemon.rearm(now)
		s.daemon.announceChanged(now)
		s.daemon.syncSoon(now)
	})
}

// SetGrandmaster changes what is announced. Another identity is another grandmaster,
// on which the servo starts anew.
func (s *Simulator) SetGrandmaster(g Grandmaster) {
	s.changeGrandmaster(func(Grandmaster) Grandmaster { return g })
}

// SetClass changes the clock class of the grandmaster.
func (s *Simulator) SetClass(class uint8) {
	s.changeGrandmaster(func(g Grandmaster) Grandmaster { g.Class = class; return g })
}

func (s *Simulator) changeGrandmaster(change func(Grandmaster) Grandmaster) {
	s.do(func(now time.Duration) {
		s.world.grandmaster = change(s.world.grandmaster)
		s.daemon.announceChanged(now)
	})
}

// LeapAnnounce has the grandmaster say that the last minute of the day has 61 seconds
// (leap61, IEEE 1588-2019, 8.2.4.3).
func (s *Simulator) LeapAnnounce() {
	s.changeGrandmaster(func(g Grandmaster) Grandmaster { g.TimeFlags |= pmc.Leap61; return g })
}

// LeapSecond inserts it: UTC falls one second further behind TAI, in which PTP goes on, and
// it is not announced any more.
func (s *Simulator) LeapSecond() {
	s.changeGrandmaster(func(g Grandmaster) Grandmaster {
		g.TimeFlags &^= pmc.Leap61
		g.UTCOffset++
		return g
	})
}

// LinkDown takes the link of a port away: the port is FAULTY. A clock that has no other
// port to follow a grandmaster becomes its own, slave-only or not. Ports that the
// clock does not have are ignored, here and below.
func (s *Simulator) LinkDown(number int) {
	s.doPort(number, func(p *port, now time.Duration) {
		s.world.linkDown[number] = true
		s.daemon.loseLink(p, now)
	})
}

// LinkUp gives the link back: the port is LISTENING, and follows the grandmaster again
// after two Announces.
func (s *Simulator) LinkUp(number int) {
	s.doPort(number, func(p *port, now time.Duration) {
		s.world.linkDown[number] = false
		if p.state == pmc.PortFaulty {
			s.daemon.setState(p, pmc.PortListening, now)
		}
	})
}

// SetPortState forces a port into a state, in which it stays until something else
// happens to it.
func (s *Simulator) SetPortState(number int, state pmc.PortState) {
	s.doPort(number, func(p *port, now time.Duration) { s.daemon.force(p, state, now) })
}

func (s *Simulator) doPort(number int, change func(*port, time.Duration)) {
	s.do(func(now time.Duration) {
		if number >= 1 && number <= len(s.daemon.ports) {
			change(s.daemon.ports[number-1], now)
		}
	})
}

// PushNow brings one Sync with the given offset: it pushes TIME_STATUS_NP, whatever
// state the port is in, and returns the time just before. While ptp4l hangs it returns
// the zero time, and the push comes afterwards.
func (s *Simulator) PushNow(offset time.Duration) time.Time {
	at, done := s.do(func(now time.Duration) { s.daemon.measure(offset, now) })
	if !done {
		return time.Time{}
	}
	return s.begin.Add(at)
}

// SendRaw sends a datagram, as it is, to all subscribers.
func (s *Simulator) SendRaw(datagram []byte) {
	datagram = slices.Clone(datagram)
	s.do(func(time.Duration) {
		for _, to := range s.daemon.subscribers {
			s.daemon.out.send(false, to.to, datagram)
		}
	})
}

// BadFrames sends malformed datagrams of many kinds to all subscribers: cut off, with
// lengths that lie, of other types and versions, for others.
func (s *Simulator) BadFrames() {
	s.do(func(time.Duration) {
		for _, to := range s.daemon.subscribers {
			for _, frame := range s.daemon.badFrames(to) {
				s.daemon.out.send(false, to.to, frame)
			}
		}
	})
}

// DropPush loses the next n pushes. Their sequence numbers are used up.
func (s *Simulator) DropPush(n int) {
	s.do(func(time.Duration) { s.daemon.dropPushes = max(n, 0) })
}

// Hang stops ptp4l as a blocked system call does: it neither reads nor sends, and its
// sockets fill up.
func (s *Simulator) Hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.hung {
		s.hung, s.hungAt = true, s.now()
	}
}

// Unhang lets ptp4l go on: it answers what has come in, and notices what has happened. After
// more than the announce timeout, it has lost its grandmaster for a while.
func (s *Simulator) Unhang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.hung {
		return
	}
	now := s.now()
	announce := s.clock.Announce
	if announce.Interval > 0 && now-s.hungAt >= time.Duration(announce.Timeout)*announce.Interval {
		s.daemon.timeOut(now)
	}
	s.awake(now)
	s.daemon.settle(now)
	s.kick()
}

// Stop ends ptp4l as a signal does: its socket files are removed.
func (s *Simulator) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill(true)
}

// Crash ends ptp4l as SIGKILL does: its socket files stay, and nobody reads from them.
func (s *Simulator) Crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill(false)
}

// Restart ends ptp4l if it runs, and starts it anew: on new sockets, with ports that
// listen and without subscriptions.
func (s *Simulator) Restart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		return errors.New("restart ptp4l: the simulator is not running; start it first")
	}
	s.kill(true)
	if err := s.open(); err != nil {
		return fmt.Errorf("restart ptp4l: %w", err)
	}
	s.daemon = newDaemon(s.world, s, s.now())
	s.kick()
	return nil
}
