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

// What the kernel does with maxerror (kernel/time/ntp.c).
const (
	// Unbounded is the largest maxerror (NTP_PHASE_LIMIT): that of a clock of which the
	// kernel knows nothing. It is so from boot until the first adjustment, after the
	// clock was set, when an NTP daemon has given up, and 8 h 53 min after the last
	// adjustment.
	Unbounded = 16 * time.Second
	// maxErrorStep is how often maxErrorPerStep is added: when a second of CLOCK_REALTIME ends.
	maxErrorStep    = time.Second
	maxErrorPerStep = 500 * time.Microsecond
	// timePerMaxError is how much time has passed for what was added (1/MAXFREQ).
	timePerMaxError = 2000
)

// osClock is the state machine of CLOCK_REALTIME: it derives from what the kernel says
// whether anybody disciplines the clock. Who does cannot be seen.
type osClock struct {
	timeout time.Duration

	// What was observed.
	seen     bool // anything at all
	readable bool
	stepped  bool // the clock was set, and not adjusted since
	steps    uint64
	// bounded is whether there is a MaxError. The rest is meaningful only if so.
	bounded  bool
	maxError time.Duration
	asked    Instant // when the kernel said so
	// adjusted is when the clock was adjusted last, as far as MaxError tells.
	adjusted Instant
	// tracking is what the daemon itself says, and tracked when it was said.
	tracking OSClockTracking
	tracked  Instant
	// counted is an adjustment, and regular is whether the one before it came within the
	// timeout.
	counted Instant
	regular bool
	// peaks are MaxError before the last two times that it became smaller: how often the clock
	// is adjusted, as far as the kernel's seconds tell. moved is when it became another one.
	peaks [2]time.Duration
	moved Instant

	// What was decided.
	phase
}

// observe takes in one fact. It changes what is known, not what is decided.
func (c *osClock) observe(at Instant, f Fact) {
	switch f := f.(type) {
	case OSClock:
		c.seen, c.readable = true, true
		c.read(at, f.MaxError)
	case OSClockTracking:
		c.tracking, c.tracked = f, at
	case OSClockStep:
		c.stepped = true
		c.steps++
	case OSClockUnreadable:
		c.seen, c.readable, c.bounded = true, false, false
	}
}

// read finds out from MaxError when the clock was adjusted. The time since is in it,
// if the adjustment has made it 0. If it has become smaller, there was an adjustment
// since the kernel was last asked, whatever bound that has set.
func (c *osClock) read(at Instant, maxError time.Duration) {
	if maxError >= Unbounded {
		c.bounded = false
		return
	}
	adjusted := at.Add(-maxError * timePerMaxError)
	peak := time.Duration(0)
	switch {
	case !c.bounded || maxError > c.maxError:
		c.moved = at
	case maxError < c.maxError:
		adjusted = max(adjusted, c.asked)
		peak, c.moved = c.maxError, at
	case at.Sub(c.moved) >= 2*maxErrorStep:
		// It would have grown: between two readings somebody has made it smaller, who adjusts
		// the clock many times a second, or just before the kernel counts.
		peak, c.moved = max(maxError, maxErrorPerStep), at
	}
	if peak > 0 {
		c.peaks = [2]time.Duration{c.peaks[1], peak}
	}
	switch {
	case !c.bounded:
		c.adjusted, c.counted, c.regular = adjusted, adjusted, false
	case adjusted.Sub(c.counted) > maxErrorStep: // less may be the same adjustment
		c.regular = adjusted.Sub(c.counted) <= c.timeout
		c.adjusted, c.counted = adjusted, adjusted
	default:
		c.adjusted = max(c.adjusted, adjusted)
	}
	c.bounded, c.maxError, c.asked, c.stepped = true, maxError, at, false
}

// trackingIntervals is how many of its own intervals a daemon that says them may leave
// out before the clock is not disciplined. As with Sync, one that is late is no loss.
const trackingIntervals = 4

// discipline returns when the clock was adjusted last, how long that may be ago, and
// whether it has been adjusted regularly before. A daemon that answers knows better than
// the kernel, but what it says counts only while the kernel knows of it, too.
func (c *osClock) discipline() (adjusted Instant, timeout time.Duration, regular bool) {
	if c.tracking.Every == 0 {
		return c.adjusted, c.timeout, c.regular
	}
	return max(c.adjusted, c.tracked.Add(-c.tracking.Since)), max(c.timeout, trackingIntervals*c.tracking.Every), true
}

// missed is whether three adjustments have not come: three of the kernel's seconds have ended
// since the last one, or three times as many as usual of a clock that is adjusted more rarely
// than once a second.
func (c *osClock) missed() bool {
	return c.maxError >= 3*max(maxErrorPerStep, min(c.peaks[0], c.peaks[1]))
}

// decide derives the state from what is known at now, and from what a hardware clock says. A
// clock that was not LOCKED before needs two adjustments within the timeout: one that is
// adjusted more rarely than that is not LOCKED in turns. Where there is a hardware clock to
// follow, it must be followed closely: in place, and in time.
func (c *osClock) decide(now Instant, e evidence) {
	adjusted, timeout, regular := c.discipline()
	judged := (e == far || e == unsure || e == near) && c.tracking.Every == 0 // else it says itself how often
	fresh := c.bounded && now.Sub(adjusted) <= timeout && (!judged || !c.missed())
	switch {
	case !c.seen || e == awaited && c.undecided():
		c.expire(now)
		return
	case e == far, e == unsure && c.state == Unknown:
		c.become(Freerun, OffsetOutOfRange)
	case fresh && (regular || c.state == Unknown) && e != unsure:
		c.become(Locked, Disciplined)
	case fresh:
		// The next adjustment decides, or the next reading, or that there is none.
	case !c.readable:
		c.lose(now, ClockUnreadable)
	case !c.bounded && c.stepped:
		c.become(Freerun, ClockStepped) // what it was good for before says nothing about the new time
	default:
		c.lose(now, NotDisciplined)
	}
	c.resumed = false
	c.expire(now)
}

// step observes a fact, if there is one, and decides.
func (c *osClock) step(now Instant, f Fact, e evidence) {
	if f != nil {
		c.observe(now, f)
	}
	c.decide(now, e)
}
