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
	"math/rand/v2"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// world is what surrounds ptp4l and outlives its restarts: the network, the
// grandmaster in it, and the oscillator.
type world struct {
	clock       Clock
	epoch       time.Time // wall-clock time at the start of monotonic time
	grandmaster Grandmaster
	silent      bool   // the grandmaster sends nothing
	linkDown    []bool // by port number, from 1
	offset      ramp
	jitter      time.Duration
	step        time.Duration // added to the next sample, which makes the servo step the clock
	unlocked    bool          // the servo cannot lock
	random      *rand.Rand
}

func newWorld(c Clock, epoch time.Time) *world {
	w := &world{
		clock:    c,
		epoch:    epoch,
		linkDown: make([]bool, len(c.Ports)+1),
		// A fixed seed: a scenario plays the same every time.
		random: rand.New(rand.NewPCG(1588, 2019)),
	}
	w.calm()
	return w
}

// calm ends every trouble, apart from links that are down.
func (w *world) calm() {
	w.grandmaster = w.clock.Grandmaster
	w.offset = ramp{to: w.clock.Sync.Offset}
	w.jitter = w.clock.Sync.Jitter
	w.silent, w.unlocked, w.step = false, false, 0
}

// hears says whether the grandmaster's messages reach port n.
func (w *world) hears(n int) bool {
	return w.clock.upstream(n) && !w.linkDown[n] && !w.silent
}

// sample returns the offset that ptp4l would measure now.
func (w *world) sample(now time.Duration) time.Duration {
	offset := w.offset.at(now)
	if w.jitter > 0 {
		offset += time.Duration(w.random.Int64N(2*int64(w.jitter)+1)) - w.jitter
	}
	return offset
}

// wall returns the wall-clock time, in nanoseconds since 1970.
func (w *world) wall(now time.Duration) int64 { return w.epoch.Add(now).UnixNano() }

// settings is what g announces, in the form in which a clock keeps its own.
func (g *Grandmaster) settings() pmc.GrandmasterSettingsNP {
	return pmc.GrandmasterSettingsNP{
		ClockQuality: pmc.ClockQuality{Class: g.Class, Accuracy: g.Accuracy, OffsetScaledLogVariance: g.Variance},
		UTCOffset:    g.UTCOffset,
		TimeFlags:    g.TimeFlags,
		TimeSource:   g.TimeSource,
	}
}
