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
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/osclock/chrony"
)

const (
	// patience is how long chronyd may take to answer, which it does in well under a
	// millisecond.
	patience = 200 * time.Millisecond
	// misses is how many answers in a row may be missing before chronyd counts as gone.
	misses = 3
)

// tracker is a chronyd that can be asked.
type tracker interface {
	Tracking(timeout time.Duration) (chrony.Tracking, error)
	Close() error
}

// daemon asks a chronyd, and keeps what it has said for the log.
type daemon struct {
	dial    func(context.Context) (tracker, error)
	tracker tracker // nil while there is none
	log     *zap.SugaredLogger

	missed int
	said   reference
	cause  string
}

// reference is what is worth a line in the log when it changes.
type reference struct {
	source  string
	stratum uint16
	leap    string
}

func newDaemon(address string, log *zap.SugaredLogger) *daemon {
	return &daemon{
		dial: func(ctx context.Context) (tracker, error) { return chrony.Dial(ctx, address) },
		log:  log.With("chronyd", address),
	}
}

// ask returns what chronyd says, and whether there is something new to report. A clock
// without a reference, and one whose chronyd does not answer, are not tracked.
func (d *daemon) ask(ctx context.Context) (clock.OSClockTracking, bool) {
	t, err := d.tracking(ctx)
	if err != nil {
		d.missed++
		if d.missed < misses {
			return clock.OSClockTracking{}, false
		}
		if cause := err.Error(); cause != d.cause {
			d.log.Warnw("chronyd does not answer; the OS clock is judged by what the kernel says alone", zap.Error(err))
			d.cause, d.said = cause, reference{}
		}
		return clock.OSClockTracking{}, true
	}
	d.missed, d.cause = 0, ""
	if r := (reference{t.Source(), t.Stratum, t.Leap.String()}); r != d.said {
		d.said = r
		d.log.Infow("what chronyd says of its reference", "source", r.source, "stratum", r.stratum, "leap", r.leap, "interval", t.Interval)
	}
	if t.Leap == chrony.Unsynchronised {
		return clock.OSClockTracking{}, true
	}
	return clock.OSClockTracking{Since: max(0, time.Since(t.Updated)), Every: t.Interval}, true
}

func (d *daemon) tracking(ctx context.Context) (chrony.Tracking, error) {
	if d.tracker == nil {
		t, err := d.dial(ctx)
		if err != nil {
			return chrony.Tracking{}, err
		}
		d.tracker = t
	}
	return d.tracker.Tracking(patience)
}

func (d *daemon) close() {
	if d.tracker != nil {
		_ = d.tracker.Close()
	}
}
