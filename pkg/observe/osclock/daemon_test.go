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

package osclock

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/osclock/chrony"
)

// chronyd is one whose answers a test may choose.
type chronyd struct {
	mu      sync.Mutex
	open    int
	dialErr error
	says    chrony.Tracking
	err     error
}

func (c *chronyd) dial(context.Context) (tracker, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dialErr != nil {
		return nil, c.dialErr
	}
	c.open++
	return c, nil
}

func (c *chronyd) Tracking(time.Duration) (chrony.Tracking, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return chrony.Tracking{}, c.err
	}
	return c.says, nil
}

func (c *chronyd) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	return nil
}

// change changes what it will answer, once the watcher has seen all that was before.
func (c *chronyd) change(do func()) {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

func TestChronydIsAskedBeforeTheKernel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &chronyd{says: chrony.Tracking{Reference: 0xc0000201, Stratum: 3, Updated: time.Now().Add(-20 * time.Second), Interval: 64 * time.Second}}
		w := watchBoth(t, newFake(), c)
		time.Sleep(1500 * time.Millisecond)
		w.Want(t,
			"0s clock.OSClockTracking{Since:20s Every:1m4s}", "0s clock.OSClock{MaxError:16s TAI:0s}",
			"1s clock.OSClockTracking{Since:21s Every:1m4s}", "1s clock.OSClock{MaxError:16s TAI:0s}")
		wantLogs(t, w,
			"what chronyd says of its reference chronyd=chronyd interval=1m4s leap=Normal source=192.0.2.1 stratum=3",
			"what the kernel says of CLOCK_REALTIME disciplinedBy=nobody estimatedError=0s frequency=0.000 ppm leap= maxError=16s synchronised=true tai=0")

		c.change(func() { c.says.Leap = chrony.Unsynchronised })
		time.Sleep(time.Second)
		w.Want(t, "2s clock.OSClockTracking{Since:0s Every:0s}", "2s clock.OSClock{MaxError:16s TAI:0s}")
		wantLogs(t, w, "what chronyd says of its reference chronyd=chronyd interval=1m4s leap=Not synchronised source=192.0.2.1 stratum=3")

		// Its clock may be ahead of ours for a moment, after a step.
		c.change(func() { c.says.Leap, c.says.Updated = chrony.Normal, time.Now().Add(time.Minute) })
		time.Sleep(time.Second)
		w.Want(t, "3s clock.OSClockTracking{Since:0s Every:1m4s}", "3s clock.OSClock{MaxError:16s TAI:0s}")
	})
}

// One answer that is late is not the end of chronyd, three are.
func TestChronydThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &chronyd{says: chrony.Tracking{Updated: time.Now(), Interval: time.Second}}
		w := watchBoth(t, newFake(), c)
		w.Want(t, "0s clock.OSClockTracking{Since:0s Every:1s}", "0s clock.OSClock{MaxError:16s TAI:0s}")
		wantLogs(t, w,
			"what chronyd says of its reference chronyd=chronyd interval=1s leap=Normal source=0.0.0.0 stratum=0",
			"what the kernel says of CLOCK_REALTIME disciplinedBy=nobody estimatedError=0s frequency=0.000 ppm leap= maxError=16s synchronised=true tai=0")
		c.change(func() { c.err = errors.New("ask chronyd at 127.0.0.1:323: connection refused") })
		time.Sleep(4500 * time.Millisecond)
		w.Want(t, "1s clock.OSClock{MaxError:16s TAI:0s}", "2s clock.OSClock{MaxError:16s TAI:0s}",
			"3s clock.OSClockTracking{Since:0s Every:0s}", "3s clock.OSClock{MaxError:16s TAI:0s}",
			"4s clock.OSClockTracking{Since:0s Every:0s}", "4s clock.OSClock{MaxError:16s TAI:0s}")
		wantLogs(t, w, "chronyd does not answer; the OS clock is judged by what the kernel says alone chronyd=chronyd error=ask chronyd at 127.0.0.1:323: connection refused")

		c.change(func() { c.err = nil })
		time.Sleep(time.Second)
		w.Want(t, "5s clock.OSClockTracking{Since:5s Every:1s}", "5s clock.OSClock{MaxError:16s TAI:0s}")
		wantLogs(t, w, "what chronyd says of its reference chronyd=chronyd interval=1s leap=Normal source=0.0.0.0 stratum=0")
	})
}

func TestChronydThatCannotBeReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &chronyd{dialErr: errors.New("ask chronyd: no such host"), says: chrony.Tracking{Updated: time.Now(), Interval: time.Second}}
		w := watchBoth(t, newFake(), c)
		time.Sleep(2500 * time.Millisecond)
		w.Want(t, "0s clock.OSClock{MaxError:16s TAI:0s}", "1s clock.OSClock{MaxError:16s TAI:0s}",
			"2s clock.OSClockTracking{Since:0s Every:0s}", "2s clock.OSClock{MaxError:16s TAI:0s}")
		c.change(func() { c.dialErr = nil })
		time.Sleep(time.Second)
		w.Want(t, "3s clock.OSClockTracking{Since:3s Every:1s}", "3s clock.OSClock{MaxError:16s TAI:0s}")
	})
}
