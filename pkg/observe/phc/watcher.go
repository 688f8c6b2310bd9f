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

// Package phc observes the PTP hardware clocks of a node, /dev/ptpN: how far each is from
// CLOCK_REALTIME, and when one is set. It never judges, and it never writes: nor does it
// read external time stamps, of which other readers would be left without.
//
// Which clock is which ptp4l's, package linuxptp observes. Which network interfaces have it
// is seen here, too, for versions of ptp4l that do not tell.
package phc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// ShortestInterval is the shortest Config.Interval. A reading takes a few accesses to the
// network card, each about a microsecond, which others wait for.
const ShortestInterval = 50 * time.Millisecond

const (
	// searchPeriod is how often it is looked for clocks that have come or gone, and how soon one
	// that could not be read is tried again.
	searchPeriod = time.Second
	// renamePeriod is how often network interfaces are asked for their clocks when none has
	// come or gone: an interface that has just appeared gets its name a little later.
	renamePeriod = time.Minute
	// patience is how long a driver may take to read its clock, which is some microseconds.
	patience = 2 * time.Second
)

// Config says how to watch.
type Config struct {
	// Interval is how often each clock is read. At least ShortestInterval.
	Interval time.Duration
	// Directory is where the devices are.
	Directory string
}

// DefaultConfig reads the clocks once a second, which costs nothing that can be measured.
func DefaultConfig() Config { return Config{Interval: time.Second, Directory: "/dev"} }

// Validate reports the first value that makes no sense, and what would.
func (c Config) Validate() error {
	switch {
	case c.Interval < ShortestInterval:
		return fmt.Errorf("hardwareClock: pollInterval is %v; it must be %v or more, for example 1s", c.Interval, ShortestInterval)
	case !filepath.IsAbs(c.Directory):
		return fmt.Errorf("hardwareClock: directory is %q; it must be an absolute path, for example /dev", c.Directory)
	}
	return nil
}

// Watcher watches the hardware clocks of a node.
type Watcher struct {
	config Config
	origin time.Time
	emit   func(clock.Observation)
	log    *zap.SugaredLogger
	kernel kernel

	// What was found. Only the goroutine of Run uses it.
	readers map[string]*reader
	names   []string
	listed  []clock.HardwareClockDevice
	// searched is whether it was looked before, and asked when interfaces were asked last.
	searched bool
	asked    time.Time
	cause    string
}

// reader is the goroutine that reads one clock.
type reader struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// NewWatcher returns a watcher that calls emit for every observation, from several
// goroutines, and with instants counted from origin.
func NewWatcher(c Config, origin time.Time, emit func(clock.Observation), log *zap.SugaredLogger) (*Watcher, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Watcher{
		config: c, origin: origin, emit: emit, log: log, readers: map[string]*reader{},
		kernel: linux{directory: c.Directory, sys: "/sys"},
	}, nil
}

// Run watches until ctx ends. It does not wait for a driver that hangs.
func (w *Watcher) Run(ctx context.Context) {
	search := time.NewTicker(searchPeriod)
	defer search.Stop()
	for {
		w.search(ctx)
		select {
		case <-ctx.Done():
			for _, r := range w.readers {
				r.end()
			}
			return
		case <-search.C:
		}
	}
}

// end ends a reader, and waits for it unless it hangs in its driver.
func (r *reader) end() {
	r.cancel()
	select {
	case <-r.done:
	case <-time.After(patience):
	}
}

// search follows the coming and going of clocks.
func (w *Watcher) search(ctx context.Context) {
	names, err := w.kernel.clocks()
	if err != nil {
		if cause := err.Error(); cause != w.cause {
			w.log.Warnw("hardware clocks cannot be looked for", zap.Error(err))
			w.cause = cause
		}
		return
	}
	w.cause = ""
	for name, r := range w.readers {
		if !slices.Contains(names, name) {
			r.end() // nothing of it may come after the list that says it is gone
			delete(w.readers, name)
		}
	}
	w.list(names)
	for _, name := range names {
		if _, ok := w.readers[name]; ok {
			continue
		}
		r := &reader{done: make(chan struct{})}
		var rctx context.Context
		rctx, r.cancel = context.WithCancel(ctx)
		w.readers[name] = r
		go func() {
			defer close(r.done)
			w.follow(rctx, name)
		}()
	}
}

// list reports the clocks that there are, if they are others than before.
func (w *Watcher) list(names []string) {
	now := time.Now()
	if w.searched && slices.Equal(names, w.names) && now.Sub(w.asked) < renamePeriod {
		return
	}
	list := devices(w.kernel, names)
	w.names, w.asked = names, now
	if w.searched && reflect.DeepEqual(list, w.listed) {
		return
	}
	if len(list) == 0 {
		w.log.Warnw("this machine has no PTP hardware clock, or it cannot be seen from here", "directory", w.config.Directory)
	} else {
		w.log.Infow("this machine has PTP hardware clocks", "clocks", fmt.Sprint(list), "before", fmt.Sprint(w.listed))
	}
	w.searched, w.listed = true, list
	w.observe(now, clock.HardwareClocks{Devices: list})
}

// follow reads a clock until ctx ends. Causes are logged when they change, so that a clock
// which cannot be read is one line and not one a second.
func (w *Watcher) follow(ctx context.Context, name string) {
	log := w.log.With("clock", name)
	var last string
	for {
		err := w.read(ctx, name, log, func() { last = "" })
		if ctx.Err() != nil {
			return
		}
		cause := w.explain(err)
		w.observe(time.Now(), clock.HardwareClockUnreadable{Device: name, Cause: cause})
		if cause != last {
			log.Warnw("the hardware clock cannot be read", "cause", cause)
			last = cause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(searchPeriod):
		}
	}
}

// explain adds to an error what to do about it.
func (w *Watcher) explain(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return err.Error() + ": the machine has this clock, and its device is not here: run the adapter privileged or with a device plugin (docs/troubleshooting.md)"
	case errors.Is(err, fs.ErrPermission):
		return err.Error() + ": the adapter must be allowed to read the device: run it privileged or with a device plugin (docs/troubleshooting.md)"
	case errors.Is(err, unix.ENODEV):
		return err.Error() + ": the clock is gone, as when its driver was unloaded"
	}
	return err.Error()
}

// read opens a clock and reports it every so often. It returns why that has ended.
func (w *Watcher) read(ctx context.Context, name string, log *zap.SugaredLogger, wasRead func()) error {
	d, err := w.kernel.open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	tick := time.NewTicker(w.config.Interval)
	defer tick.Stop()
	var before reading
	var beforeAt time.Time
	var said bool
	for {
		at := time.Now()
		r, err := w.readOnce(name, d, log)
		if err != nil {
			return err
		}
		wasRead()
		about := d.about()
		if !said {
			said = true
			log.Infow("watching a hardware clock", "name", about.name, "method", about.method.String(), "within", r.within,
				"offset", r.offset, "frequencyReadable", about.frequency, "maxAdjustmentPPB", int64(about.most))
		}
		if !beforeAt.IsZero() {
			if by, ok := set(before, r, about.most); ok {
				log.Infow("the hardware clock was set", "by", by)
				w.observe(at, clock.HardwareClockStep{Device: name, By: by, Within: at.Sub(beforeAt)})
			}
		}
		before, beforeAt = r, at
		w.observe(at, clock.HardwareClock{
			Device: name, Offset: r.offset, Within: r.within, Frequency: float64(r.frequency), HasFrequency: r.hasFrequency,
		})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// readOnce reads a clock, and reports it as unreadable while its driver does not answer.
func (w *Watcher) readOnce(name string, d device, log *zap.SugaredLogger) (reading, error) {
	var mu sync.Mutex // what is said of a reading that hangs comes before it
	answered := false
	hangs := time.AfterFunc(patience, func() {
		mu.Lock()
		defer mu.Unlock()
		if answered {
			return
		}
		log.Warnw("the driver does not answer", "for", patience)
		w.observe(time.Now(), clock.HardwareClockUnreadable{Device: name, Cause: "its driver does not answer"})
	})
	r, err := d.read()
	mu.Lock()
	defer mu.Unlock()
	answered = true
	hangs.Stop()
	return r, err
}

func (w *Watcher) observe(at time.Time, f clock.Fact) {
	w.emit(clock.Observation{At: clock.Instant(at.Sub(w.origin)), Fact: f})
}
