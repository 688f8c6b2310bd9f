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

package linuxptp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// followPort starts or stops to listen for silence. Only a port that follows a master
// can miss its Sync.
func (s *session) followPort(at time.Time, slave uint16) {
	if slave == s.slave {
		return
	}
	s.slave, s.heard, s.silent = slave, at, false
	if slave == 0 {
		s.silence.Stop()
		return
	}
	s.silence.Reset(s.limit())
}

// limit is how long a port in SLAVE may be without a Sync.
func (s *session) limit() time.Duration {
	return max(time.Duration(s.config.SyncIntervals)*s.interval, s.config.SyncTimeout)
}

// pollInTime polls, and waits for ptp4l's answers no longer than it would take to find that it
// is silent: who waits cannot notice silence, and a ptp4l that hangs is that, too.
func (s *session) pollInTime(ctx context.Context, now time.Time) error {
	if s.slave == 0 || s.silent {
		return s.pollDue(ctx, now)
	}
	latest := s.heard.Add(s.limit())
	if latest.Before(now) {
		latest = now
	}
	ask, cancel := context.WithDeadline(ctx, latest.Add(confirmTimeout))
	defer cancel()
	err := s.pollDue(ask, now)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("%w before it would be silent", pmc.ErrNoAnswer)
	}
	return err
}

// checkSilence reports a silence, once, if there is one.
func (s *session) checkSilence(ctx context.Context) error {
	if err := s.hear(ctx); err != nil { // what has arrived comes before what has not
		return err
	}
	if s.slave == 0 || s.silent {
		return nil
	}
	if left := s.limit() - time.Since(s.heard); left > 0 {
		s.silence.Reset(left)
		return nil
	}
	confirm, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	latest := s.heard.Add(s.heldBack())
	if came, err := s.readSync(confirm); came && err == nil {
		// There was one after all. If calm ones are held back, it came before the next
		// sign of life was due; if none are, its push was lost and it may be a new one.
		if s.heldBack() > 0 {
			s.heard = latest
		}
		s.silence.Reset(s.limit() - time.Since(s.heard))
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := s.client.Err(); err != nil {
		return err // gone, which is more than silent
	}
	// If ptp4l did not answer either it hangs; the next poll will say so.
	now := time.Now()
	s.silent = true
	s.emit(now, clock.Silence{For: now.Sub(s.heard)})
	return nil
}
