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
	"math"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// never is the due time of a timer that is not set.
const never = time.Duration(math.MaxInt64)

// outbox takes the datagrams that ptp4l sends: pushes and answers of its read-write
// socket, and answers of its read-only socket.
type outbox interface {
	send(readOnly bool, to string, datagram []byte)
}

// daemon is one run of ptp4l. It does no input or output of its own and reads no
// clock: time comes in as an argument, monotonic from the start of the simulator.
//
// Its rules are those of linuxptp's clock.c, port.c and fsm.c. After each call of a
// method that takes the time, [daemon.settle] plays what is due at once.
type daemon struct {
	*world
	out      outbox
	identity pmc.ClockIdentity
	ports    []*port
	// selected is the port that follows the grandmaster, nil when there is none.
	selected  *port
	nextSync  time.Duration
	own       pmc.GrandmasterSettingsNP
	priority1 uint8
	priority2 uint8
	uncertain uint8

	parent  pmc.ParentDataSet
	current pmc.CurrentDataSet
	scale   pmc.TimePropertiesDataSet
	status  pmc.TimeStatusNP

	subscribers []*subscriber
	dropPushes  int
}

// newDaemon starts ptp4l: it is its own grandmaster, and its ports listen.
func newDaemon(w *world, out outbox, now time.Duration) *daemon {
	d := &daemon{
		world:     w,
		out:       out,
		identity:  w.clock.Identity,
		nextSync:  never,
		uncertain: pmc.SyncUncertainDontCare,
		parent: pmc.ParentDataSet{
			ObservedParentOffsetScaledLogVariance: 0xffff,
			ObservedParentClockPhaseChangeRate:    math.MaxInt32,
		},
	}
	d.resetOwn()
	d.becomeGrandmaster()
	for i := range w.clock.Ports {
		p := newPort(i + 1)
		if w.linkDown[p.number] {
			p.state = pmc.PortFaulty
		}
		d.ports = append(d.ports, p)
		d.arm(p, now)
	}
	if w.clock.Sync.Interval > 0 {
		d.nextSync = now + w.clock.Sync.Interval
	}
	d.settle(now)
	return d
}

// resetOwn sets what the clock announces when it follows nobody.
func (d *daemon) resetOwn() {
	if d.clock.ServerOnly {
		d.own = d.grandmaster.settings()
		d.priority1, d.priority2 = d.grandmaster.Priority1, d.grandmaster.Priority2
		return
	}
	class := d.clock.Class
	if d.clock.SlaveOnly {
		class = 255
	}
	// Unknown accuracy and variance, 37 s, no flags, internal oscillator: ptp4l's defaults.
	d.own = pmc.GrandmasterSettingsNP{
		ClockQuality: pmc.ClockQuality{Class: class, Accuracy: 0xfe, OffsetScaledLogVariance: 0xffff},
		UTCOffset:    37,
		TimeSource:   0xa0,
	}
	d.priority1, d.priority2 = d.clock.Priority1, d.clock.Priority2
}

// settle does everything that is due.
func (d *daemon) settle(now time.Duration) {
	for d.next() <= now {
		for _, p := range d.ports {
			if p.due <= now {
				p.due = never
				d.expire(p, now)
			}
		}
		if d.nextSync <= now {
			d.nextSync = d.afterSync(now)
			d.sync(now)
		}
	}
	d.prune(now)
}

// next returns when something is due.
func (d *daemon) next() time.Duration {
	next := d.nextSync
	for _, p := range d.ports {
		next = min(next, p.due)
	}
	return next
}

// afterSync returns the time of the Sync after the one that is due, and skips those
// that a busy machine has missed.
func (d *daemon) afterSync(now time.Duration) time.Duration {
	interval := d.clock.Sync.Interval
	if interval == 0 {
		return never
	}
	late := (now - d.nextSync) % interval
	return now - late + interval
}

// syncSoon brings a Sync at once if none comes by itself.
func (d *daemon) syncSoon(now time.Duration) {
	if d.clock.Sync.Interval == 0 {
		d.nextSync = now
	}
}

// sync is one Sync message, if the grandmaster sends one and a port is there for it.
func (d *daemon) sync(now time.Duration) {
	if p := d.selected; p != nil && p.follows() && d.hears(p.number) {
		d.measure(d.sample(now), now)
	}
}

// measure is what ptp4l does with the offset of one Sync: it tells it, and then moves
// the selected port by what the servo makes of it.
func (d *daemon) measure(offset, now time.Duration) {
	stepped := d.step != 0
	offset += d.step
	d.step = 0
	d.status.MasterOffset = int64(offset)
	d.status.IngressTime = d.wall(now)
	if stepped {
		d.status.IngressTime = 0
	}
	d.current.OffsetFromMaster = timeInterval(offset)
	d.current.MeanPathDelay = timeInterval(d.clock.Sync.Delay)
	d.notify(pmc.NotifyTimeSync, pmc.ClockPort, &d.status)

	p := d.selected
	if p == nil || !p.follows() {
		return
	}
	p.syncs++
	state := pmc.PortSlave
	if stepped || d.unlocked {
		state = pmc.PortUncalibrated
	}
	d.setState(p, state, now)
	if stepped {
		d.syncSoon(now)
	}
}

func timeInterval(d time.Duration) pmc.TimeInterval { return pmc.TimeInterval(d << 16) }

// announceChanged is what follows from an Announce that differs from the one before.
func (d *daemon) announceChanged(now time.Duration) {
	if d.clock.ServerOnly {
		d.resetOwn()
		d.becomeGrandmaster()
		return
	}
	p := d.selected
	if p == nil || !p.follows() || !d.hears(p.number) {
		return
	}
	other := d.grandmaster.Identity != d.parent.GrandmasterIdentity
	if other {
		d.status.IngressTime = 0
	}
	d.adoptGrandmaster()
	if other {
		d.setState(p, pmc.PortUncalibrated, now)
		d.syncSoon(now)
	}
}

// rearm sets the timers of all ports, after what they hear has changed.
func (d *daemon) rearm(now time.Duration) {
	for _, p := range d.ports {
		d.arm(p, now)
	}
}

// heal ends every trouble.
func (d *daemon) heal(now time.Duration) {
	clear(d.linkDown)
	d.calm()
	for _, p := range d.ports {
		switch p.state {
		case pmc.PortInitializing, pmc.PortFaulty, pmc.PortDisabled:
			d.setState(p, pmc.PortListening, now)
		case pmc.PortPassive:
			if d.selected == nil {
				d.setState(p, pmc.PortListening, now)
			}
		default:
			d.arm(p, now)
		}
	}
	d.announceChanged(now)
	d.syncSoon(now)
}
