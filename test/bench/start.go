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

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

// startUp is one start of the adapter, taken apart. All times count from the start of
// the process.
type startUp struct {
	socket time.Duration // the adapter has made its socket beside ptp4l's
	seen   time.Duration // it has seen the Sync that decided, as the event says
	locked time.Duration // the event is at the sink's handler
}

// start measures how soon a new adapter tells the truth.
func (b *bench) start(ctx context.Context) (_ *table, err error) {
	o := lab.DefaultOptions()
	o.Version, o.LogAnnounce = b.version, -3
	l, err := lab.Build(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	s, err := newSink()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()

	var starts []startUp
	for range b.rounds {
		one, err := b.startOnce(ctx, l, s)
		if err != nil {
			return nil, err
		}
		starts = append(starts, one)
	}
	return startTable(b, starts), nil
}

func startTable(b *bench, starts []startUp) *table {
	t := &table{
		conditions: fmt.Sprintf("linuxptp %s, 8 Sync/s, n = %d", b.version, b.rounds),
		header:     []string{"", "p50", "min", "max", "p50 at most", "aim", "verdict"},
		notes: []string{
			"A Sync comes every 125 ms, and the first one that the adapter hears decides. When it connects is known",
			"from the date of its socket file, which the kernel gives in steps of some milliseconds.",
		},
	}
	for _, row := range []struct {
		name string
		of   func(startUp) time.Duration
		bar  *bar[time.Duration]
	}{
		{"start of the process to LOCKED", func(s startUp) time.Duration { return s.locked }, &bar[time.Duration]{500 * time.Millisecond, 100 * time.Millisecond}},
		{"  until it connects to ptp4l", func(s startUp) time.Duration { return s.socket }, nil},
		{"  until it sees a Sync", func(s startUp) time.Duration { return s.seen - s.socket }, nil},
		{"  until the sink has the event", func(s startUp) time.Duration { return s.locked - s.seen }, nil},
	} {
		var samples []time.Duration
		for _, s := range starts {
			samples = append(samples, row.of(s))
		}
		sum := summarize(samples)
		verdict := noBar()
		if row.bar != nil {
			verdict = row.bar.cells(sum.p50, ms)
		}
		t.add(append([]string{row.name, ms(sum.p50), ms(sum.min), ms(sum.max)}, verdict...)...)
	}
	return t
}

// startOnce starts the adapter, waits for LOCKED and stops it.
func (b *bench) startOnce(ctx context.Context, l *lab.Lab, s *sink) (one startUp, err error) {
	// The round before has ended with a Sync; this one may start in any phase.
	if err := pause(ctx, rand.N(250*time.Millisecond)); err != nil {
		return one, err
	}
	follower, err := l.Clock("follower")
	if err != nil {
		return one, err
	}
	adapter, err := b.programs.adapter(s.url, l.Sockets("follower"))
	if err != nil {
		return one, err
	}
	defer func() { err = errors.Join(err, adapter.stop()) }()
	event, err := s.next(ctx, "LOCKED", isLocked)
	if err != nil {
		return one, err
	}
	connected, err := connectedAt(filepath.Dir(follower.Socket()))
	if err != nil {
		return one, err
	}
	return startUp{
		socket: connected.Sub(adapter.started),
		seen:   event.event.Time().Sub(adapter.started),
		locked: event.at.Sub(adapter.started),
	}, nil
}

// connectedAt returns when the adapter made its socket, which lies beside ptp4l's and is
// hidden.
func connectedAt(dir string) (time.Time, error) {
	files, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil {
		return time.Time{}, err
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Mode().Type() == os.ModeSocket {
			return info.ModTime(), nil
		}
	}
	return time.Time{}, fmt.Errorf("the adapter has no socket in %s", dir)
}
