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

// Package clock decides what state the clocks of a node are in.
//
// It is pure: no I/O, no goroutines, no wall clock. Observations and instants
// go in, transitions come out, and every rule can be read and tested here.
package clock

import "time"

// Instant is a point on the timeline of CLOCK_MONOTONIC, in nanoseconds from an
// origin that the caller chooses once. The clocks that are watched may step, so
// no wall clock orders anything in this package.
type Instant int64

// Add returns the instant d after i.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub returns the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }
