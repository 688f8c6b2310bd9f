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
	"testing"
	"time"
)

func TestSet(t *testing.T) {
	const second = time.Second
	// from is a first reading, of a clock that is ahead by 37 s.
	from := func(f ppb) reading {
		return reading{ahead: 37 * second, raw: 100 * second, within: 100, frequency: f, hasFrequency: true}
	}
	to := func(elapsed, gained time.Duration, f ppb) reading {
		return reading{ahead: 37*second + gained, raw: 100*second + elapsed, within: 100, frequency: f, hasFrequency: true}
	}
	mute := func(r reading) reading { r.frequency, r.hasFrequency = 0, false; return r }
	for _, tc := range []struct {
		name          string
		before, after reading
		want          time.Duration // 0: it was not set
	}{
		{"as it was", from(0), to(second, 0, 0), 0},
		{"oscillators that differ", from(0), to(second, 150*time.Microsecond, 0), 0},
		{"set by 1 ms", from(0), to(second, time.Millisecond, 0), time.Millisecond},
		{"set back by 1 ms", from(0), to(second, -time.Millisecond, 0), -time.Millisecond},
		{"set by 37 s", from(0), to(second, -37*second, 0), -37 * second},
		{"steered by 50 ppm", from(50_000), to(second, 50*time.Microsecond, 50_000), 0},
		{"steered by 5 %", from(50_000_000), to(second, 50*time.Millisecond, 50_000_000), 0},
		{"set while it is steered", from(50_000), to(second, 1050*time.Microsecond, 50_000), time.Millisecond},
		{"a servo that takes 1 ms back", from(-500_000), to(second, -300*time.Microsecond, -100_000), 0},
		{"a servo that has just begun to take 1 ms back", from(0), to(second, 700*time.Microsecond, -500_000), 950 * time.Microsecond},
		{"a servo that has been beyond both", from(0), to(second, 700*time.Microsecond, 400_000), 0},
		{"and is nearly done", from(0), to(second, 950*time.Microsecond, 20_000), 0},
		{"the noise of a servo explains nothing", from(0), to(second, 950*time.Microsecond, 9_000), 945500},
		{"a long pause", from(0), to(10*second, 1900*time.Microsecond, 0), 0},
		{"a short one", from(0), to(50*time.Millisecond, 11*time.Microsecond, 0), 11 * time.Microsecond},
		{"readings that are not exact", from(0), to(0, 199, 0), 0},
		{"of one that does not tell its frequency", mute(from(0)), mute(to(second, time.Millisecond, 0)), 0},
		{"by more than it can be steered", mute(from(0)), mute(to(second, -70*time.Millisecond, 0)), -70 * time.Millisecond},
		{"that has just begun to tell its frequency", mute(from(0)), to(second, time.Millisecond, 0), 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const most = 62_499_999 // of an igb
			by, ok := set(tc.before, tc.after, most)
			if ok != (tc.want != 0) || (by-tc.want).Abs() > time.Microsecond {
				t.Errorf("set by %v (%v), want %v", by, ok, tc.want)
			}
		})
	}
}

func TestShortest(t *testing.T) {
	for _, tc := range []struct {
		name           string
		samples        []sample
		offset, within time.Duration
	}{
		{"one", []sample{{1000, 5000, 1100}}, 3950, 51},
		{"the shortest of three", []sample{{1000, 5000, 1900}, {2000, 6000, 2020}, {3000, 7000, 3300}}, 3990, 11},
		{"the first of equals", []sample{{1000, 5000, 1100}, {2000, 6010, 2100}}, 3950, 51},
		{"behind", []sample{{5000, 1000, 5002}}, -4001, 2},
		{"no time at all", []sample{{5000, 1000, 5000}}, -4000, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			offset, within := shortest(tc.samples)
			if offset != tc.offset || within != tc.within {
				t.Errorf("%d within %d, want %d within %d", offset, within, tc.offset, tc.within)
			}
		})
	}
}
