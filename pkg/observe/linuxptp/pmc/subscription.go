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

package pmc

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// maxUnread is how many pushes a subscription may leave unread in ptp4l's send
	// buffer, should this process freeze. The buffer holds about 278 of them and is
	// shared by all clients of the socket; once it is full, ptp4l stands still.
	maxUnread = 64
	// A subscription ends when ptp4l's clock, in whole seconds, reaches the second of
	// the request plus the duration (linuxptp, clock.c). So it lives for up to a second
	// less than its duration, and one of a single second cannot be kept alive.
	minSeconds = 2
	maxSeconds = 8
	// maxMissed is how many renewals in a row may go unanswered.
	maxMissed = 3
)

// ErrTooFast says that pushes would come, or do come, so often that even the shortest
// subscription would let a frozen client stall ptp4l. Read the data set instead.
var ErrTooFast = errors.New("pushes are too frequent to subscribe to")

// Subscription says what ptp4l shall push.
type Subscription struct {
	Events EventMask
	// Interval is the time between two pushes of NotifyTimeSync, which is the Sync
	// interval; at least 1/32 s. Without that event it does not matter.
	Interval time.Duration
	// Quiet holds back pushes of NotifyTimeSync that bring no news. The zero value holds
	// nothing back.
	Quiet Quiet
}

// seconds returns the duration to ask for: short enough that no more than maxUnread
// pushes come before ptp4l drops the subscription of a client that has frozen.
func (s *Subscription) seconds() (int, error) {
	if !s.Events.Has(NotifyTimeSync) {
		return maxSeconds, nil
	}
	n := int(maxUnread * min(s.Interval, time.Second) / time.Second)
	if n < minSeconds {
		return 0, fmt.Errorf("%w: a Sync every %v, want at least %v", ErrTooFast, s.Interval, minSeconds*time.Second/maxUnread)
	}
	return min(n, maxSeconds), nil
}

// Subscribe makes ptp4l push the events from now on, and keeps renewing that until the
// next Subscribe or Close. An empty set of events ends it.
//
// ptp4l accepts every event, also those its release does not know and never pushes. The
// read-only socket refuses with a [StatusError].
func (c *Client) Subscribe(ctx context.Context, s Subscription) error {
	seconds, err := s.seconds()
	if err != nil {
		return err
	}
	if err := s.Quiet.validate(); err != nil {
		return err
	}
	c.subscribing.Lock()
	defer c.subscribing.Unlock()
	if err := c.hold(s.Quiet); err != nil {
		return err
	}
	d := SubscribeEventsNP{Duration: uint16(seconds), Events: s.Events}
	if err := c.Set(ctx, &d); err != nil {
		return err
	}
	c.subscription, c.missed = d, 0
	c.takePushRate() // what the old subscription brought does not count
	if d.isEmpty() {
		c.renewal.Stop()
	} else {
		c.renewal.Reset(d.renewAfter())
	}
	return nil
}

// unsubscribe asks ptp4l to drop the subscription. If that fails it lapses by itself.
func (c *Client) unsubscribe(ctx context.Context) {
	c.subscribing.Lock()
	defer c.subscribing.Unlock()
	if !c.subscription.isEmpty() && c.Err() == nil {
		_ = c.Set(ctx, &SubscribeEventsNP{})
	}
	c.subscription = SubscribeEventsNP{}
}

// isEmpty reports whether this is no subscription but the end of one.
func (d *SubscribeEventsNP) isEmpty() bool { return d.Events == EventMask{} }

// renewAfter returns half of the time that the subscription lives for sure.
func (d *SubscribeEventsNP) renewAfter() time.Duration {
	return time.Duration(d.Duration-1) * time.Second / 2
}

// keepSubscription renews the subscription whenever it is time, until ctx ends.
func (c *Client) keepSubscription(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.renewal.C:
			if err := c.renew(ctx); err != nil {
				c.fail(err)
				return
			}
		}
	}
}

// renew repeats the subscription; ptp4l goes on counting pushes from where it is. The
// answer is also the sign that ptp4l lives.
func (c *Client) renew(ctx context.Context) error {
	c.subscribing.Lock()
	defer c.subscribing.Unlock()
	d := &c.subscription
	if d.isEmpty() || ctx.Err() != nil {
		return nil
	}
	// Twice what was announced is no jitter any more: the master has changed its rate.
	if rate := c.takePushRate(); rate*float64(d.Duration) > 2*maxUnread {
		return fmt.Errorf("%w: %.0f came in a second", ErrTooFast, rate)
	}
	var refused StatusError
	switch err := c.Set(ctx, d); {
	case err == nil:
		c.missed = 0
	case errors.As(err, &refused):
		return fmt.Errorf("renew the subscription: %w", err)
	case ctx.Err() == nil:
		if c.missed++; c.missed == maxMissed {
			return fmt.Errorf("renew the subscription, %d times: %w", maxMissed, err)
		}
	}
	c.renewal.Reset(d.renewAfter())
	return nil
}

// takePushRate returns how many pushes a second came since it was last called.
func (c *Client) takePushRate() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	rate := float64(c.pushes) / now.Sub(c.countedFrom).Seconds()
	c.pushes, c.countedFrom = 0, now
	return rate
}
