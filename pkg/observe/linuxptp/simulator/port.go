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
	"slices"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// port is one PTP port of the daemon.
type port struct {
	number int
	state  pmc.PortState
	// known says that the port has heard two Announces of the grandmaster, which
	// make it eligible (IEEE 1588-2019, 9.3.2.4.4).
	known bool
	// due is when the timer expires that belongs to the state.
	due time.Duration
	// delayThreshold is neighborPropDelayThresh in nanoseconds.
	delayThreshold uint32
	syncs          uint64 // that were received
	timeouts       uint64 // of Announce
}

func newPort(number int) *port {
	return &port{number: number, state: pmc.PortListening, due: never, delayThreshold: 20_000_000}
}

// follows says whether the port takes its time from the grandmaster.
func (p *port) follows() bool {
	return p.state == pmc.PortUncalibrated || p.state == pmc.PortSlave
}

// arm sets the timer of a port for its state and for what it hears.
func (d *daemon) arm(p *port, now time.Duration) {
	interval := d.clock.Announce.Interval
	timeout := now + time.Duration(d.clock.Announce.Timeout)*interval
	hears := d.hears(p.number)
	p.due = never
	switch p.state {
	case pmc.PortListening, pmc.PortMaster:
		switch {
		case hears:
			p.due = now + 2*interval
		case p.state == pmc.PortListening && !d.clock.SlaveOnly:
			p.due = timeout
		}
	case pmc.PortPreMaster:
		p.due = now + 2*interval
	case pmc.PortPassive, pmc.PortUncalibrated, pmc.PortSlave:
		if !hears && interval > 0 {
			p.due = timeout
		}
	}
}

// expire does what a port does when its timer expires.
func (d *daemon) expire(p *port, now time.Duration) {
	switch {
	case p.state == pmc.PortPreMaster:
		d.setState(p, pmc.PortMaster, now)
	case p.follows() || p.state == pmc.PortPassive:
		d.loseAnnounce(p, now)
	case d.hears(p.number):
		d.recognize(p, now)
	default: // a listening port of a clock that may be master
		d.setState(p, pmc.PortMaster, now)
		if d.selected == nil {
			d.becomeGrandmaster()
		}
	}
}

// setState changes the state of a port and tells the subscribers.
func (d *daemon) setState(p *port, state pmc.PortState, now time.Duration) {
	if p.state == state {
		return
	}
	p.state = state
	d.arm(p, now)
	d.notify(pmc.NotifyPortState, uint16(p.number), d.portDataSet(p))
}

// recognize is what follows from the second Announce on a port: the clock follows it
// there, or holds the port passive if it follows it elsewhere.
func (d *daemon) recognize(p *port, now time.Duration) {
	p.known = true
	switch {
	case d.selected == nil:
		d.follow(p, now)
	case !d.clock.SlaveOnly:
		d.setState(p, pmc.PortPassive, now)
	}
}

// follow makes p the port that takes its time from the grandmaster. ptp4l updates
// the parent first.
func (d *daemon) follow(p *port, now time.Duration) {
	d.selected = p
	d.status.IngressTime = 0
	d.adoptGrandmaster()
	d.setState(p, pmc.PortUncalibrated, now)
	for _, other := range d.ports {
		if other.state == pmc.PortListening && !d.hears(other.number) && !d.clock.SlaveOnly {
			d.setState(other, pmc.PortPreMaster, now)
		}
	}
	d.syncSoon(now)
}

// loseAnnounce is the announce receipt timeout of a port.
func (d *daemon) loseAnnounce(p *port, now time.Duration) {
	p.timeouts++
	p.known = false
	if d.clock.SlaveOnly {
		d.setState(p, pmc.PortListening, now)
	} else {
		d.setState(p, pmc.PortMaster, now)
	}
	if p != d.selected {
		return
	}
	d.deselect(now)
	// A slave-only clock that has lost its grandmaster keeps all that it knew of it.
	if d.selected == nil && !d.clock.SlaveOnly {
		d.becomeGrandmaster()
	}
}

// timeOut lets the announce receipt timeouts expire at once.
func (d *daemon) timeOut(now time.Duration) {
	for _, p := range d.ports {
		if p.follows() || p.state == pmc.PortPassive {
			d.loseAnnounce(p, now)
		}
	}
}

// loseLink is what ptp4l does when a port has lost its link.
func (d *daemon) loseLink(p *port, now time.Duration) {
	p.known = false
	d.setState(p, pmc.PortFaulty, now)
	if p == d.selected {
		d.deselect(now)
	}
	if d.selected == nil {
		d.becomeGrandmaster()
	}
}

// deselect turns from the selected port to another that hears the grandmaster.
func (d *daemon) deselect(now time.Duration) {
	d.selected = nil
	d.status.IngressTime = 0
	if i := slices.IndexFunc(d.ports, func(p *port) bool { return p.known && d.hears(p.number) }); i >= 0 {
		d.follow(d.ports[i], now)
	}
}

// force puts a port into a state against all rules.
func (d *daemon) force(p *port, state pmc.PortState, now time.Duration) {
	wasSelected := p == d.selected
	d.setState(p, state, now)
	p.due = never
	switch {
	case p.follows() && d.selected == nil:
		d.selected = p
		d.adoptGrandmaster()
	case wasSelected && !p.follows():
		d.selected = nil
		d.status.IngressTime = 0
	}
}
