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

// Package linuxptp observes the ptp4l instances of a node through their management
// sockets. It finds them, follows their coming, going and restarting, and reports what
// it hears, silence included, as observations. It never judges.
package linuxptp

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// Config says what to watch.
type Config struct {
	// Sockets are paths or glob patterns of ptp4l's read-write sockets (uds_address).
	// None means DefaultSockets.
	Sockets []string
	// Domain is ptp4l's domainNumber; nil means to find it out.
	Domain *uint8
	// TransportSpecific is ptp4l's transportSpecific; nil means to find it out.
	TransportSpecific *uint8
	// SyncIntervals is after how many Sync intervals without a Sync a clock counts as
	// silent.
	SyncIntervals int
	// SyncTimeout is the shortest time that counts as silence, whatever the interval.
	SyncTimeout time.Duration
	// CalmOffset is the largest |offset| of samples that need not be reported each; 0
	// reports all. No more than clock.Thresholds.LockOffset.
	CalmOffset time.Duration
}

// DefaultConfig watches the default places. Four intervals and half a second notice a
// grandmaster that has stopped well before ptp4l's announce timeout, and are longer
// than a busy machine takes to schedule ptp4l.
func DefaultConfig() Config {
	return Config{SyncIntervals: 4, SyncTimeout: 500 * time.Millisecond}
}

// Validate reports the first value that makes no sense, and what would.
func (c Config) Validate() error {
	switch {
	case c.SyncIntervals < 2:
		return fmt.Errorf("linuxptp: syncIntervals is %d; it must be 2 or more, because one late Sync is no silence", c.SyncIntervals)
	case c.SyncTimeout <= 0:
		return fmt.Errorf("linuxptp: syncTimeout is %v; it must be positive, for example 500ms", c.SyncTimeout)
	case c.TransportSpecific != nil && *c.TransportSpecific > 15:
		return fmt.Errorf("linuxptp: transportSpecific is %d; it must be 0 to 15 (1 for gPTP)", *c.TransportSpecific)
	}
	_, err := newFinder(c.Sockets)
	return err
}

// Watcher watches the ptp4l instances of a node.
type Watcher struct {
	config Config
	finder *finder
	origin time.Time
	emit   func(clock.Observation)
	log    *zap.SugaredLogger

	// followers are the instances by socket path; only the goroutine of Run uses them.
	followers map[string]*follower
	names     map[string]string
	listed    []string
	searched  bool
}

// follower is the goroutine that follows one instance.
type follower struct {
	cancel context.CancelFunc
	done   chan struct{}
	// moved is signalled when its socket may have been replaced.
	moved chan struct{}
}

// NewWatcher returns a watcher that calls emit for every observation, from several
// goroutines, and with instants counted from origin. Emit must not block for long: it
// runs between ptp4l and the next observation of the same instance.
func NewWatcher(c Config, origin time.Time, emit func(clock.Observation), log *zap.SugaredLogger) (*Watcher, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	f, err := newFinder(c.Sockets)
	if err != nil {
		return nil, err
	}
	return &Watcher{
		config: c, finder: f, origin: origin, emit: emit, log: log,
		followers: map[string]*follower{}, names: map[string]string{},
	}, nil
}

// Run watches until ctx ends, and returns when every connection is closed.
func (w *Watcher) Run(ctx context.Context) {
	var running sync.WaitGroup
	w.finder.watch(ctx, func(found []string) {
		for path, f := range w.followers {
			if !slices.Contains(found, path) {
				f.cancel()
				<-f.done // nothing of it may come after the inventory that says it is gone
				delete(w.followers, path)
			}
		}
		w.list(found)
		for _, path := range found {
			if f, ok := w.followers[path]; ok {
				select {
				case f.moved <- struct{}{}:
				default:
				}
				continue
			}
			f := &follower{done: make(chan struct{}), moved: make(chan struct{}, 1)}
			var fctx context.Context
			fctx, f.cancel = context.WithCancel(ctx)
			w.followers[path] = f
			running.Go(func() {
				defer close(f.done)
				w.follow(fctx, path, w.name(path), f.moved)
			})
		}
	})
	running.Wait()
}

// list emits an inventory if it differs from the last one.
func (w *Watcher) list(found []string) {
	names := make([]string, len(found))
	for n, path := range found {
		names[n] = w.name(path)
	}
	if w.searched && slices.Equal(names, w.listed) {
		return
	}
	if len(found) == 0 {
		w.log.Warnw("no ptp4l found: start it, or name its uds_address in linuxptp.sockets", "searched", w.finder.patterns)
	}
	w.searched, w.listed = true, names
	w.emit(clock.Observation{At: w.instant(time.Now()), Fact: clock.Inventory{Instances: names}})
}

// name gives each path a short name that no other path has: the file's name, and if
// that is taken the directory's too.
func (w *Watcher) name(path string) string {
	if name, ok := w.names[path]; ok {
		return name
	}
	taken := func(name string) bool {
		for _, n := range w.names {
			if n == name {
				return true
			}
		}
		return false
	}
	name := strings.TrimSuffix(filepath.Base(path), ".socket")
	if taken(name) {
		name = filepath.Base(filepath.Dir(path)) + "." + name
	}
	if taken(name) {
		name = strings.ReplaceAll(strings.Trim(path, "/"), "/", ".")
	}
	w.names[path] = name
	return name
}

func (w *Watcher) instant(t time.Time) clock.Instant { return clock.Instant(t.Sub(w.origin)) }

// redial is how often a ptp4l that cannot be reached is tried again. A socket that
// appears is tried at once.
const redial = time.Second

// follow keeps a session with the ptp4l at path until ctx ends. Causes are reported
// when they change, so that an absent ptp4l is one line and not one a second.
func (w *Watcher) follow(ctx context.Context, path, instance string, moved <-chan struct{}) {
	log := w.log.With("instance", instance, "socket", path)
	var last string
	var slowly bool
	for ctx.Err() == nil {
		err := w.session(ctx, path, &session{
			config: w.config,
			emit: func(at time.Time, f clock.Fact) {
				w.emit(clock.Observation{At: w.instant(at), Instance: instance, Fact: f})
				last = ""
			},
			log:    log,
			moved:  moved,
			slowly: slowly,
		})
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, pmc.ErrTooFast) && !slowly:
			slowly = true // ptp4l is well: connect again and ask instead of being told
			continue
		}
		w.emit(clock.Observation{At: w.instant(time.Now()), Instance: instance, Fact: clock.Down{Cause: err.Error()}})
		if cause := err.Error(); cause != last {
			log.Warnw("ptp4l cannot be read", zap.Error(err))
			last = cause
		}
		select {
		case <-ctx.Done():
		case <-moved:
		case <-time.After(redial):
		}
	}
}

// session runs s with the ptp4l at path until the connection ends, and returns why.
func (w *Watcher) session(ctx context.Context, path string, s *session) error {
	client, err := pmc.Dial(ctx, pmc.Config{
		Socket:            path,
		Domain:            w.config.Domain,
		TransportSpecific: w.config.TransportSpecific,
		// Whoever waits for an answer cannot notice silence: a ptp4l that hangs must not
		// be believed for longer than one that hears nothing.
		Timeout: w.config.SyncTimeout,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	s.client = client
	return s.run(ctx)
}
