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

package sink

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Forever is a number of retries: until the target takes the event.
const Forever = -1

// Delivery says how hard to try.
type Delivery struct {
	// Timeout is of one try.
	Timeout time.Duration
	// Backoff is the longest wait before the first retry. It grows with every further
	// one up to MaxBackoff: twofold, or by Backoff where Linear is set. The shortest
	// wait is half of it.
	Backoff, MaxBackoff time.Duration
	Linear              bool
	// RetryAfterMax is the longest wait that a target may ask for with Retry-After; 0
	// means that it is not asked.
	RetryAfterMax time.Duration
	// Retries is how often an event is tried again before it is given up, or Forever.
	Retries int
}

// DefaultDelivery waits for the sink for as long as it takes.
func DefaultDelivery() Delivery {
	return Delivery{
		Timeout: 10 * time.Second, Backoff: 100 * time.Millisecond, MaxBackoff: 10 * time.Second,
		RetryAfterMax: time.Minute, Retries: Forever,
	}
}

// Validate reports the first setting that makes no sense, and what would.
func (d Delivery) Validate() error {
	switch {
	case d.Timeout <= 0:
		return fmt.Errorf("delivery: timeout is %v; it must be positive, for example 10s", d.Timeout)
	case d.Backoff <= 0 || d.MaxBackoff < d.Backoff:
		return fmt.Errorf("delivery: backoff is %v and its maximum %v; they must be positive and in this order", d.Backoff, d.MaxBackoff)
	case d.RetryAfterMax < 0:
		return fmt.Errorf("delivery: the longest wait for Retry-After is %v; it must be 0 (not asked) or positive", d.RetryAfterMax)
	case d.Retries < Forever:
		return fmt.Errorf("delivery: retries is %d; it must be %d (until the sink takes the event), 0 or more", d.Retries, Forever)
	}
	return nil
}

// wait returns how long to wait after the nth failure in a row, where the target has
// asked to be left alone for a while: the longer of both. Many adapters must not come back
// in step, so a part of either is random.
func (d Delivery) wait(n int, asked time.Duration) time.Duration {
	return max(d.backoff(n), extended(min(asked, d.RetryAfterMax)))
}

// backoff is between the half and all of what the policy says.
func (d Delivery) backoff(n int) time.Duration {
	longest := d.Backoff
	for ; n > 1 && longest < d.MaxBackoff; n-- {
		growth := longest
		if d.Linear {
			growth = d.Backoff
		}
		longest += min(growth, d.MaxBackoff-longest)
	}
	return longest - rand.N(longest/2+1)
}

// extended is what was asked for, and up to a tenth more: never less.
func extended(asked time.Duration) time.Duration {
	if asked <= 0 {
		return 0
	}
	return asked + rand.N(asked/10+1)
}

// sleep returns false when ctx ended before d was over.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
