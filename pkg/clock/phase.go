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

package clock

import "time"

// phase is the state of a clock that may lose its source, with its holdover.
type phase struct {
	// holdover is how long the clock is trusted without a source.
	holdover time.Duration

	// past is what was published before this clock is watched (Node.Resume); Unknown when
	// nothing was. resumed is whether the state is that, and nothing was seen yet.
	past    State
	resumed bool

	state  State
	reason Reason
	// deadline is when HOLDOVER ends; meaningful while expires is set. HOLDOVER that
	// a grandmaster announces itself has no deadline: its class will say.
	deadline Instant
	expires  bool
}

func (p *phase) become(s State, why Reason) {
	p.resumed = false
	if p.state == s {
		return
	}
	p.state, p.reason, p.expires = s, why, false
}

// undecided is whether nothing was seen yet that the state could follow from.
func (p *phase) undecided() bool { return p.state == Unknown || p.resumed }

// known is the state, or the one of before while it is undecided.
func (p *phase) known() State {
	if p.undecided() {
		return p.past
	}
	return p.state
}

// resume goes on where the state has ended, if it can be trusted for a while. Else the
// first observation decides, as for a clock of which nothing is known.
func (p *phase) resume(now Instant, state State, past Past) {
	p.past = state
	if past.Holdover <= 0 || state != Locked && state != Holdover {
		return
	}
	p.state, p.reason, p.resumed = state, past.Reason, true
	if state == Holdover {
		p.deadline, p.expires = now.Add(past.Holdover), true
	}
}

// lose judges a clock that has no source.
func (p *phase) lose(now Instant, why Reason) {
	switch p.state {
	case Unknown:
		p.become(Freerun, why)
	case Locked:
		p.become(Holdover, why)
		p.startHoldover(now)
	case Holdover:
		if !p.expires {
			p.startHoldover(now)
		}
	}
}

func (p *phase) startHoldover(now Instant) {
	p.deadline, p.expires = now.Add(p.holdover), true
}

// expire ends a holdover whose time is over.
func (p *phase) expire(now Instant) {
	if p.state == Holdover && p.expires && now >= p.deadline {
		p.become(Freerun, HoldoverExpired)
	}
}
