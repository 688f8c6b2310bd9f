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
	"path/filepath"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
)

// replayed is how many events are read again.
const replayed = 4096

// replay measures how long a reader takes that has to begin anew, in a process that was
// just started.
func (b *bench) replay(ctx context.Context) (*table, error) {
	var opened, read []time.Duration
	for range 2 * b.rounds {
		dir, err := b.programs.socketDir()
		if err != nil {
			return nil, err
		}
		directory := filepath.Join(dir, "journal")
		if err := filled(ctx, directory, replayed); err != nil {
			return nil, err
		}
		open, all, err := replayOf(ctx, directory)
		if err != nil {
			return nil, err
		}
		opened, read = append(opened, open), append(read, all)
	}
	t := &table{
		conditions: fmt.Sprintf("%d events in files that the kernel has in its cache, n = %d", replayed, len(read)),
		header:     []string{"", "p50", "min", "max", "p50 at most", "aim", "verdict"},
	}
	o, r := summarize(opened), summarize(read)
	t.add(append([]string{"open the journal", ms(o.p50), ms(o.min), ms(o.max)}, noBar()...)...)
	t.add(append([]string{"read all events", ms(r.p50), ms(r.min), ms(r.max)}, bar[time.Duration]{20 * time.Millisecond, 10 * time.Millisecond}.cells(r.p50, ms)...)...)
	return t, nil
}

// replayOf opens a journal, and reads all events.
func replayOf(ctx context.Context, directory string) (open, all time.Duration, err error) {
	began := time.Now()
	events, err := journal.Open(ctx, journal.Options{Directory: directory, Limits: roomFor(replayed)})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, events.Close()) }()
	open = time.Since(began)
	cursor := events.Cursor("reader")
	began = time.Now()
	for k := range replayed {
		e, err := cursor.Next(ctx)
		if err == nil && (e.Sequence != uint64(k+1) || e.Lost > 0) {
			err = fmt.Errorf("event %d has the id %s, after %d that were lost", k+1, e.ID(), e.Lost)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return open, time.Since(began), nil
}
