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

// Package dpll observes the phase-locked loops of network cards, as the kernel tells of them
// (https://docs.kernel.org/driver-api/dpll.html): those that drive SyncE, and those that drive
// the pulse of a grandmaster. It changes nothing, and never judges.
//
// The kernel answers who has CAP_NET_ADMIN, and tells of changes in the node's own network
// namespace alone.
package dpll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

const (
	// period is how often the kernel is asked though it has not said that anything has
	// changed: not every driver does.
	period = 10 * time.Second
	// calm is how long changes are gathered before the kernel is asked again: a card may
	// tell of its measurements several times a second.
	calm = 20 * time.Millisecond
	// retry is how often a kernel is asked that does not tell: a driver may be loaded later.
	retry = 10 * time.Second
)

// Watcher watches all DPLLs of the node.
type Watcher struct {
	origin time.Time
	emit   func(clock.Observation)
	log    *zap.SugaredLogger
	dial   func() (conn, error)

	cause string // why the kernel does not tell; empty while it does
	said  map[string]said
}

// said is what is worth a line in the log when it changes.
type said struct{ mode, lock, lockError, input string }

// NewWatcher returns a watcher that calls emit for every observation, with instants counted
// from origin.
func NewWatcher(origin time.Time, emit func(clock.Observation), log *zap.SugaredLogger) *Watcher {
	return &Watcher{origin: origin, emit: emit, log: log, dial: dial, said: map[string]said{}}
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	for {
		err := w.session(ctx)
		if ctx.Err() != nil {
			return
		}
		w.unreadable(err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retry):
		}
	}
}

// session watches through one connection until that fails, and returns why.
func (w *Watcher) session(ctx context.Context) error {
	c, err := w.dial()
	if err != nil {
		return err
	}
	changed, failed := make(chan struct{}, 1), make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if err := c.wait(); err != nil {
				failed <- err
				return
			}
			select {
			case changed <- struct{}{}:
			default: // the kernel will be asked after this one, too
			}
		}
	}()
	defer func() {
		_ = c.Close()
		<-ended
	}()
	ask := time.NewTicker(period)
	defer ask.Stop()
	for {
		if err := w.look(c); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return fmt.Errorf("listen to the kernel's DPLLs: %w", err)
		case <-ask.C:
		case <-changed:
			select { // more may follow
			case <-ctx.Done():
				return nil
			case <-time.After(calm):
			}
		}
	}
}

// look asks for everything, and reports it. What the kernel says that something has become is
// not used: it may be older than what it answers.
func (w *Watcher) look(c conn) error {
	at := time.Now()
	devices, err := collect(c, deviceGet, parseDevice)
	if err != nil {
		return err
	}
	pins, err := collect(c, pinGet, parsePin)
	if err != nil {
		return err
	}
	w.cause = ""
	found := describe(devices, pins, w.interfaces(c, pins))
	w.tell(found)
	all := clock.DPLLs{}
	for _, f := range found {
		all.Devices = append(all.Devices, f.dpll())
	}
	w.emit(clock.Observation{At: clock.Instant(at.Sub(w.origin)), Fact: all})
	return nil
}

// interfaces returns which network interface has which pin: asked for only where there are inputs,
// and no reason to give up where the kernel does not tell. It does so since 6.7, of those in our own
// network namespace.
func (w *Watcher) interfaces(c conn, pins []pin) map[uint32]string {
	if len(pins) == 0 {
		return nil
	}
	of := map[uint32]string{}
	links, err := c.links()
	for _, link := range links {
		name, id, ok, bad := parseLink(link)
		if ok {
			of[id] = name
		}
		err = errors.Join(err, bad)
	}
	if err != nil {
		w.log.Debugw("it is not known of all network interfaces whether DPLLs have their inputs from them", zap.Error(err))
	}
	return of
}

func collect[T any](c conn, command uint8, parse func([]byte) (T, error)) ([]T, error) {
	answers, err := c.dump(command)
	if err != nil {
		return nil, err
	}
	all := make([]T, len(answers))
	for n, answer := range answers {
		if all[n], err = parse(answer); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// found is a DPLL with its name and the input that it is locked to.
type found struct {
	device
	name  string
	input string
	phase int64 // of the input, in thousandths of a picosecond
	ffo   int64 // of the input, in ppm
}

// describe names the DPLLs, each as it is called after every start of the machine, and finds
// their inputs: by the network interface where one has the pin, or a pin that comes in by it.
func describe(devices []device, pins []pin, interfaces map[uint32]string) []found {
	slices.SortFunc(devices, func(a, b device) int { return cmp.Compare(a.id, b.id) })
	type same struct {
		name string
		kind uint32
	}
	seen := map[same]int{}
	all := make([]found, len(devices))
	for n, d := range devices {
		f := found{device: d, name: fmt.Sprintf("%s.%016x", cmp.Or(d.module, "dpll"), d.clockID)}
		key := same{f.name, d.kind}
		seen[key]++
		if number := seen[key]; number > 1 {
			f.name = fmt.Sprintf("%s.%d", f.name, number)
		}
		for _, p := range pins {
			for _, to := range p.parents {
				if to.device == d.id && to.direction == directionInput && to.state == stateConnected {
					f.input = cmp.Or(through(p, pins, interfaces), p.label, fmt.Sprintf("pin %d", p.id))
					f.phase, f.ffo = to.phase, p.ffo
				}
			}
		}
		all[n] = f
	}
	return all
}

// through returns the network interface that a pin belongs to, or one that it lets through.
func through(p pin, pins []pin, interfaces map[uint32]string) string {
	if name := interfaces[p.id]; name != "" {
		return name
	}
	for _, other := range pins {
		if slices.Contains(other.muxes, p.id) && interfaces[other.id] != "" {
			return interfaces[other.id]
		}
	}
	return ""
}

// dpll is the DPLL as the state machines know it.
func (f found) dpll() clock.DPLL {
	d := clock.DPLL{Name: f.name, Input: f.input}
	if f.kind == uint32(clock.DPLLPPS) || f.kind == uint32(clock.DPLLEEC) {
		d.Type = clock.DPLLType(f.kind)
	}
	if f.lock <= uint32(clock.DPLLHoldover) {
		d.Lock = clock.DPLLLock(f.lock)
	}
	d.Quality, d.HasQuality = f.quality()
	return d
}

// tell logs what has changed.
func (w *Watcher) tell(all []found) {
	present := map[string]said{}
	for _, f := range all {
		key := f.name + " " + typeName(f.kind)
		s := said{modeName(f.mode), lockName(f.lock), lockErrorName(f.lockError), f.input}
		present[key] = s
		if s == w.said[key] {
			continue
		}
		fields := []any{"dpll", f.name, "type", typeName(f.kind), "lock", s.lock, "mode", s.mode, "input", s.input}
		if s.lockError != "" {
			fields = append(fields, "error", s.lockError)
		}
		if f.input != "" {
			const perPicosecond = 1000
			fields = append(fields, "phaseOffset", fmt.Sprintf("%.3f ps", float64(f.phase)/perPicosecond), "frequencyOffset", fmt.Sprintf("%d ppm", f.ffo))
		}
		w.log.Infow("what the kernel says of a DPLL", fields...)
	}
	for key := range w.said {
		if _, ok := present[key]; !ok {
			w.log.Infow("a DPLL is gone", "dpll", key)
		}
	}
	w.said = present
}

// unreadable reports that the kernel does not tell, and logs why when that changes.
func (w *Watcher) unreadable(err error) {
	cause := err.Error()
	if errors.Is(err, fs.ErrPermission) {
		cause += ": the kernel tells who has CAP_NET_ADMIN; give it to the adapter, or do not watch SyncE"
	}
	switch {
	case cause == w.cause:
	case errors.Is(err, errNone):
		w.log.Infow("no DPLL is watched", "cause", cause)
	default:
		w.log.Warnw("the kernel's DPLLs cannot be read", "cause", cause)
	}
	w.cause = cause
	w.emit(clock.Observation{At: clock.Instant(time.Since(w.origin)), Fact: clock.DPLLUnreadable{Cause: cause}})
}
