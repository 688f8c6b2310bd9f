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

// Package osclock observes the operating system's clock, CLOCK_REALTIME: what the kernel
// says of its discipline, and when it is set. It needs no privilege, and sees the same
// clock from every namespace. It never judges.
//
// Which program disciplines the clock cannot be seen this way, and neither can a daemon that
// does not tell the kernel about its bounds (maxerror), such as OpenNTPD. Where the adapter is on
// the node's own network, chronyd can be asked how often it adjusts the clock.
//
// Reading changes nothing (adjtimex(2) without modes), and takes the lock of the kernel's
// timekeeping for less than a microsecond, once a second or a little more often.
package osclock

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// Period is how often the kernel is asked: it counts the time since an adjustment in
// seconds (clock.OSClock). That the clock is set is noticed at once.
const Period = time.Second

// Config says whom to ask besides the kernel.
type Config struct {
	// Chronyd is the host:port of chronyd's command port; empty to ask nobody.
	Chronyd string
}

// Watcher watches CLOCK_REALTIME.
type Watcher struct {
	// Period is how often the kernel is asked. More often than once a second notices sooner
	// that an adjustment has not come.
	Period time.Duration

	origin time.Time
	emit   func(clock.Observation)
	log    *zap.SugaredLogger
	kernel kernel
	daemon *daemon // nil if nobody is to be asked

	// What was seen last. Only the goroutine of Run uses it.
	base   base
	status *status // nil before the first time
	cause  string
}

// NewWatcher returns a watcher that calls emit for every observation, with instants
// counted from origin.
func NewWatcher(c Config, origin time.Time, emit func(clock.Observation), log *zap.SugaredLogger) *Watcher {
	w := &Watcher{Period: Period, origin: origin, emit: emit, log: log, kernel: linux{}}
	if c.Chronyd != "" {
		w.daemon = newDaemon(c.Chronyd, log)
	}
	return w
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	set := make(chan struct{}, 1)
	var listening sync.WaitGroup
	defer listening.Wait()
	if alarm, err := w.kernel.alarm(); err != nil {
		w.log.Infow("the kernel does not report when CLOCK_REALTIME is set; it is compared once a second", zap.Error(err))
	} else {
		listening.Go(func() { w.listen(alarm, set) })
		listening.Go(func() {
			<-ctx.Done()
			_ = alarm.Close()
		})
	}
	if w.daemon != nil {
		defer w.daemon.close()
	}
	ask := time.NewTicker(w.Period)
	defer ask.Stop()
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ask.C:
		case <-set:
		}
	}
}

// listen signals every time that the clock is set, until the alarm is closed.
func (w *Watcher) listen(alarm alarm, set chan<- struct{}) {
	for {
		if err := alarm.wait(); err != nil {
			if !errors.Is(err, os.ErrClosed) {
				w.log.Warnw("the kernel no longer reports when CLOCK_REALTIME is set; it is compared once a second", zap.Error(err))
			}
			return
		}
		select {
		case set <- struct{}{}:
		default: // a look is due that will see this, too
		}
	}
}

// look reports a step, if there was one, and what the kernel says now.
func (w *Watcher) look(ctx context.Context) {
	at := time.Now()
	now, err := w.kernel.base()
	if err == nil {
		if by, ok := now.since(w.base); ok {
			w.log.Infow("CLOCK_REALTIME was set", "by", by)
			w.observe(at, clock.OSClockStep{By: by})
		}
		w.base = now
	}
	if w.daemon != nil {
		if tracking, ok := w.daemon.ask(ctx); ok {
			at = time.Now()
			w.observe(at, tracking)
		}
	}
	t, err := w.kernel.timex()
	if err != nil {
		w.unreadable(at, err)
		return
	}
	w.cause = ""
	if s := t.status(); w.status == nil || s != *w.status {
		w.status = &s
		w.log.Infow("what the kernel says of CLOCK_REALTIME", "disciplinedBy", s.by, "synchronised", s.synchronised, "leap", s.leap, "tai", s.tai,
			"maxError", t.maxError(), "estimatedError", t.estimatedError(), "frequency", t.frequency())
	}
	w.observe(at, clock.OSClock{MaxError: t.maxError(), TAI: time.Duration(t.Tai) * time.Second})
}

// unreadable reports that the kernel does not tell, and logs why when that changes.
func (w *Watcher) unreadable(at time.Time, err error) {
	cause := err.Error()
	if errors.Is(err, fs.ErrPermission) {
		cause += ": allow adjtimex(2) in the seccomp profile; it only reads"
	}
	w.observe(at, clock.OSClockUnreadable{Cause: cause})
	if cause != w.cause {
		w.log.Warnw("CLOCK_REALTIME cannot be read", "cause", cause)
		w.cause = cause
	}
}

func (w *Watcher) observe(at time.Time, f clock.Fact) {
	w.emit(clock.Observation{At: clock.Instant(at.Sub(w.origin)), Fact: f})
}
