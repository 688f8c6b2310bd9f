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

	state  State
	reason Reason
	// deadline is when HOLDOVER ends; meaningful while expires is set. HOLDOVER that
	// a grandmaster announces itself has no deadline: its class will say.
	deadline Instant
	expires  bool
}

func (p *phase) become(s State, why Reason) {
	if p.state == s {
		return
	}
	p.state, p.reason, p.expires = s, why, false
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
