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

package phc

import (
	"time"

	"golang.org/x/sys/unix"
)

// reading is one look at a hardware clock, beside two clocks of the kernel.
type reading struct {
	// offset is the clock minus CLOCK_REALTIME, known to within.
	offset, within time.Duration
	// raw is CLOCK_MONOTONIC_RAW at that moment, and ahead the clock minus it: what nobody
	// sets or slews shows whether somebody has set the other.
	raw, ahead time.Duration
	// frequency is by how much the clock is made faster, while hasFrequency is set.
	frequency    ppb
	hasFrequency bool
}

// ppb is a frequency in parts per billion of the nominal one.
type ppb float64

// during returns what a clock of this frequency gains in d.
func (f ppb) during(d time.Duration) time.Duration {
	return time.Duration(float64(d) * float64(f) / 1e9)
}

// oscillators is by how much the frequencies of two oscillators may differ, 200 ppm: IEEE 1588
// and 802.1AS allow a PTP clock 100 ppm, and a processor is not much better than that.
const oscillators ppb = 200_000

// steering is from what change of its frequency on a clock is being slewed, 10 ppm: a servo
// that has locked makes smaller ones.
const steering ppb = 10_000

// set returns by how much a clock was set between two readings, and whether it was: it has
// gained more, or less, than its frequency explains. While it is slewed, the frequency may have
// been anything beyond that of the later reading: a servo begins with a large one and comes
// back. It goes against what somebody has set, so that this is seen all the same. Of a clock
// that does not tell its frequency, the largest one that it can be given has to do.
func set(before, after reading, most ppb) (time.Duration, bool) {
	elapsed := after.raw - before.raw
	gained := after.ahead - before.ahead
	low, high, mean := -most, most, ppb(0)
	if before.hasFrequency && after.hasFrequency {
		from, to := before.frequency, after.frequency
		low, high, mean = min(from, to), max(from, to), (from+to)/2
		if to > from+steering {
			high = max(high, most)
		}
		if to < from-steering {
			low = min(low, -most)
		}
	}
	unexact := before.within + after.within
	if gained >= (low-oscillators).during(elapsed)-unexact && gained <= (high+oscillators).during(elapsed)+unexact {
		return 0, false
	}
	return gained - mean.during(elapsed), true
}

// sample is the time of a hardware clock, between two of CLOCK_REALTIME.
type sample struct{ before, clock, after time.Duration }

// shortest returns the offset by the sample that was interrupted the least, and how exactly
// it is known. The clock was read somewhere between the two times.
func shortest(samples []sample) (offset, within time.Duration) {
	for n, s := range samples {
		half := (s.after - s.before) / 2
		if n == 0 || half+1 < within {
			offset, within = s.clock-s.before-half, half+1
		}
	}
	return offset, within
}

func nanoseconds(t unix.PtpClockTime) time.Duration {
	return time.Duration(t.Sec)*time.Second + time.Duration(t.Nsec)
}
