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
	"os"
	"path/filepath"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// roomFor is a journal that has room for n events.
func roomFor(n int) journal.Limits {
	limits := journal.DefaultLimits()
	limits.Entries, limits.Bytes = max(n, 1), max(n, 1)*1024
	return limits
}

// filled makes a journal with n events, which nobody has read.
func filled(ctx context.Context, dir string, n int) (err error) {
	events, err := journal.Open(ctx, journal.Options{Directory: dir, Limits: roomFor(n), Key: oran.Key})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, events.Close()) }()
	return recordEvents(events, n)
}

// held measures the memory of an adapter that comes up with a backlog, while its sink is
// away and while it takes all of it, beside one that has nothing to send.
func (b *bench) held(ctx context.Context) (*table, error) {
	full, err := b.holding(ctx, b.waiting)
	if err != nil {
		return nil, err
	}
	empty, err := b.holding(ctx, 0)
	if err != nil {
		return nil, err
	}
	return heldTable(b.waiting, full, empty), nil
}

// most is the most memory that a program had, in KiB.
type most struct{ away, drains int64 }

// holding runs an adapter on a journal with n events.
func (b *bench) holding(ctx context.Context, n int) (m most, err error) {
	dir, err := b.programs.socketDir()
	if err != nil {
		return m, err
	}
	directory := filepath.Join(dir, "journal")
	if err := filled(ctx, directory, n); err != nil {
		return m, err
	}
	settings := filepath.Join(dir, "config.yaml")
	text := fmt.Sprintf("history: {entries: %d, maxBytes: %d}\n", n+100, (n+2048)*1024)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return m, err
	}
	s, err := newSink()
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.away.Store(true)
	adapter, err := b.programs.adapter(s.url+adapterPath, patternOf(dir), "-config", settings, "-journal", directory)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, adapter.stop()) }()

	// What only the start has needed is given back ten seconds after it.
	if err := pause(ctx, 12*time.Second); err != nil {
		return m, err
	}
	if m.away, err = adapter.most(ctx, b.period/3, nil); err != nil {
		return m, err
	}
	drained := make(chan error, 1)
	go func() {
		_, err := s.count(ctx, adapterPath, n+1) // and one that says that there is no ptp4l
		drained <- err
	}()
	s.away.Store(false)
	m.drains, err = adapter.most(ctx, time.Hour, drained)
	return m, err
}

// most samples the memory of a program for a time, or until something is done.
func (r *program) most(ctx context.Context, period time.Duration, done <-chan error) (int64, error) {
	var rss int64
	end := time.After(period)
	for {
		status, err := readStatus(fmt.Sprintf("/proc/%d/status", r.Process.Pid))
		if err != nil {
			return rss, err
		}
		rss = max(rss, status["VmRSS"])
		select {
		case err := <-done:
			return rss, err
		case <-end:
			return rss, nil
		case <-ctx.Done():
			return rss, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func heldTable(n int, full, empty most) *table {
	t := &table{
		conditions: fmt.Sprintf("%d events of some 700 bytes in a journal on disk when the adapter starts", n),
		header:     []string{"the most Rss", "adapter", "adapter without a backlog", "ratio", "at most", "aim", "verdict"},
		notes: []string{
			"Sampled 50 times a second, from 12 s after the start on. Pages that the kernel keeps of the journal's",
			"files belong to nobody.",
		},
	}
	mib := func(v float64) string { return fmt.Sprintf("%.1f MiB", v) }
	for _, row := range []struct {
		name        string
		full, empty int64
	}{
		{"while the sink is away", full.away, empty.away},
		{"while it takes them all", full.drains, empty.drains},
	} {
		ours, bare := float64(row.full)/1024, float64(row.empty)/1024
		t.add(append([]string{row.name, mib(ours), mib(bare), ratio(ours, bare)}, bar[float64]{64, 40}.cells(ours, mib)...)...)
	}
	return t
}
