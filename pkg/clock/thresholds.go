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

import (
	"fmt"
	"time"
)

// Thresholds decide when a clock counts as locked and for how long it is trusted
// without a source. Entering and leaving have different limits and sample counts,
// so that one noisy sample is not two events.
type Thresholds struct {
	// LockOffset is the largest |offset| of a sample that counts towards LOCKED.
	LockOffset time.Duration
	// UnlockOffset is the largest |offset| that a locked clock may have. Samples
	// beyond it count towards FREERUN. At least LockOffset.
	UnlockOffset time.Duration
	// LockSamples is how many samples in a row must be good before LOCKED.
	LockSamples int
	// UnlockSamples is how many samples in a row must be bad before FREERUN.
	UnlockSamples int
	// HoldoverTimeout is how long a clock that lost its source stays in HOLDOVER.
	HoldoverTimeout time.Duration
	// OSClockTimeout is how long the OS clock may be without an adjustment. At least
	// ShortestOSClockTimeout.
	OSClockTimeout time.Duration
	// OSClockOffset is the largest |offset| of the OS clock from the hardware clock that it
	// follows, of a reading that counts towards LOCKED. Readings beyond twice of it count
	// towards FREERUN. LockSamples and UnlockSamples are how many in a row.
	OSClockOffset time.Duration
	// MaxPathDelay is how long messages may take from the master; a path delay that was out of
	// range must be a tenth shorter. One that is negative is out of range, too.
	MaxPathDelay time.Duration
}

// ShortestOSClockTimeout is the shortest OSClockTimeout that a clock keeps that is
// adjusted every second: the kernel counts the time since an adjustment in whole
// seconds, and it is asked once a second.
const ShortestOSClockTimeout = 3 * time.Second

// DefaultThresholds suits hardware timestamping: an offset of 100 ns and a holdover
// of 5 s are what PTP operators for 5G radio units use, and twice the offset before
// a lock is given up keeps the noise of a good clock quiet. phc2sys and ptp4l adjust the
// OS clock once a second or more often; 5 s without are a restart of phc2sys at the most.
// It keeps the OS clock within some 100 ns of a hardware clock, but reads that across PCIe,
// which takes up to a microsecond or two, so that one of 1 µs cannot be told from noise.
func DefaultThresholds() Thresholds {
	return Thresholds{
		LockOffset:      100 * time.Nanosecond,
		UnlockOffset:    200 * time.Nanosecond,
		LockSamples:     3,
		UnlockSamples:   3,
		HoldoverTimeout: 5 * time.Second,
		OSClockTimeout:  5 * time.Second,
		OSClockOffset:   time.Microsecond,
		MaxPathDelay:    defaultMaxPathDelay,
	}
}

// Validate reports the first threshold that makes no sense, and what would.
func (t Thresholds) Validate() error {
	switch {
	case t.LockOffset <= 0:
		return fmt.Errorf("thresholds: lockOffset is %v; it must be positive, for example 100ns", t.LockOffset)
	case t.UnlockOffset < t.LockOffset:
		return fmt.Errorf("thresholds: unlockOffset is %v; it must be at least lockOffset (%v), or a clock could be locked and unlocked by the same sample", t.UnlockOffset, t.LockOffset)
	case t.LockSamples < 1:
		return fmt.Errorf("thresholds: lockSamples is %d; it must be 1 or more", t.LockSamples)
	case t.UnlockSamples < 1:
		return fmt.Errorf("thresholds: unlockSamples is %d; it must be 1 or more", t.UnlockSamples)
	case t.HoldoverTimeout < 0:
		return fmt.Errorf("thresholds: holdoverTimeout is %v; it must not be negative (0s means that a clock without a source is FREERUN at once)", t.HoldoverTimeout)
	case t.OSClockTimeout < ShortestOSClockTimeout:
		return fmt.Errorf("thresholds: osClockTimeout is %v; it must be at least %v, because the kernel counts in seconds; for example 5s", t.OSClockTimeout, ShortestOSClockTimeout)
	case t.OSClockOffset <= 0:
		return fmt.Errorf("thresholds: osClockOffset is %v; it must be positive, for example 1us", t.OSClockOffset)
	case t.MaxPathDelay <= 0:
		return fmt.Errorf("thresholds: maxPathDelay is %v; it must be positive, for example 1ms", t.MaxPathDelay)
	}
	return nil
}

// ClassState returns the state that a grandmaster's own clockClass stands for
// (IEEE 1588-2019, table 4; ITU-T G.8275.1, table 2): 6 and 13 are synchronised to
// their reference, 7, 14 and 135 are in holdover within specification, and every
// other class promises nothing.
func ClassState(c Class) State {
	switch c {
	case 6, 13:
		return Locked
	case 7, 14, 135:
		return Holdover
	}
	return Freerun
}
