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

package journal

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// boot is the time from one start of the machine to its end.
type boot struct {
	// id is the kernel's name for it; empty when it is not known.
	id string
	// uptime is how long it has lasted, suspend included (clock_gettime(2), CLOCK_BOOTTIME).
	uptime time.Duration
}

func thisBoot() boot {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without it every boot is another one
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // it cannot fail with memory of ours
	return boot{strings.TrimSpace(string(id)), time.Duration(t.Nano())}
}

// same is whether what was written in a boot cannot have been lost with its memory.
func (b boot) same(id string) bool { return b.id != "" && b.id == id }

// tooLong is a time that no machine is off for and comes back: the clock was wrong.
const tooLong = 366 * 24 * time.Hour

// age is how old a file is that says h of itself. The clocks that are watched here may
// step, and machines start in 1970, so the wall clock is asked only across boots, and
// what cannot be is 0: an entry is rather kept for too long.
func (b boot) age(h fileHeader, now time.Time) time.Duration {
	if b.same(h.Boot) {
		return max(0, b.uptime-h.Uptime)
	}
	age := now.Round(0).Sub(h.Time)
	if age < 0 || age > tooLong {
		return 0
	}
	return age
}
