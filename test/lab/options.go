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

package lab

import (
	"fmt"
	"math"
	"time"
)

// Options says what lab to build. DefaultOptions gives one that can be changed.
type Options struct {
	Topology  Topology
	Machines  []Machine // the nodes of a Fleet
	Version   string    // of linuxptp, see Versions
	Transport Transport // L2 or UDPv4
	Domain    uint8     // domainNumber of all clocks

	// LogSync and LogAnnounce are the intervals of Sync and Announce messages
	// as powers of two in seconds: -3 is eight per second. Delay_Req follow Sync.
	// From -7 to 7.
	LogSync, LogAnnounce int8

	// ClockClass is the class of the grandmasters: 6 is locked to a primary
	// reference (IEEE 1588-2019, table 4).
	ClockClass uint8
	// SlaveOnly makes followers slave-only clocks. Without it they take over as
	// grandmaster when they hear no better clock.
	SlaveOnly bool

	// Dir gets one directory per node. Empty means a fresh temporary directory,
	// which is removed on Close, or by the next lab if this process is killed.
	Dir string
}

// DefaultOptions returns two clocks on linuxptp 4.2 with eight Syncs and one
// Announce per second, as many networks run them.
func DefaultOptions() Options {
	return Options{
		Topology:   TwoClocks,
		Version:    "4.2",
		Transport:  L2,
		LogSync:    -3,
		ClockClass: 6,
		SlaveOnly:  true,
	}
}

func (o Options) plan() (plan, error) {
	if o.Topology == Fleet {
		return fleet(o.Machines)
	}
	if len(o.Machines) > 0 {
		return plan{}, fmt.Errorf("machines are for the topology %s, not %q", Fleet, o.Topology)
	}
	return o.Topology.plan()
}

func (o Options) validate() error {
	if o.Transport != L2 && o.Transport != UDPv4 {
		return fmt.Errorf("unknown transport %q: choose %s or %s", o.Transport, L2, UDPv4)
	}
	for _, interval := range []int8{o.LogSync, o.LogAnnounce} {
		if interval < -7 || interval > 7 {
			return fmt.Errorf("an interval of 2^%d s is not from 2^-7 s to 2^7 s", interval)
		}
	}
	return nil
}

// settleTime is how long a lab may take until everybody follows: a grandmaster
// waits for three to four Announce intervals before it speaks, a boundary clock
// and a follower each for two Announces more.
func settleTime(logAnnounce int8) time.Duration {
	interval := time.Duration(math.Ldexp(float64(time.Second), int(logAnnounce)))
	return 10*time.Second + 15*interval
}
