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
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
)

const (
	// slowReaders is how many readers are behind.
	slowReaders = 100
	// readerPause is how long each does something else between two entries.
	readerPause = 20 * time.Millisecond
	// appendBlock is how many appends are measured at a time.
	appendBlock = 100
)

// eventSize is how many bytes most events have when they are recorded.
const eventSize = 700

// appends is a journal whose appends are measured.
type appends struct {
	journal *journal.Log
	took    []time.Duration
}

// block measures some appends, as far apart as those of a node with much trouble.
func (a *appends) block(ctx context.Context, payload []byte) error {
	for range appendBlock {
		began := time.Now()
		if _, err := a.journal.Append(payload); err != nil {
			return err
		}
		a.took = append(a.took, time.Since(began))
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// readers compares the appends to a journal that slow readers follow with those to one that
// nobody follows, some of each in turn.
func (b *bench) readers(ctx context.Context) (_ *table, err error) {
	payload := make([]byte, eventSize)
	var sides [2]appends // alone, followed
	for i := range sides {
		dir, err := b.programs.socketDir()
		if err != nil {
			return nil, err
		}
		j, err := journal.Open(ctx, journal.Options{Directory: filepath.Join(dir, "journal"), Limits: journal.DefaultLimits()})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, j.Close()) }() //nolint:gocritic // both are open until the end
		for range 10_000 {                                   // that they have not read
			if _, err := j.Append(payload); err != nil {
				return nil, err
			}
		}
		sides[i].journal = j
	}
	const blocks = 10
	for range max(1, b.samples*5/appendBlock/blocks) * blocks {
		if err := sides[0].block(ctx, payload); err != nil {
			return nil, err
		}
		stop := follow(ctx, sides[1].journal)
		err := sides[1].block(ctx, payload)
		if err := errors.Join(err, stop()); err != nil {
			return nil, err
		}
	}
	return readersTable(len(sides[0].took), summarize(sides[0].took), summarize(sides[1].took)), nil
}

// follow has readers follow a journal from its beginning, until they are stopped.
func follow(ctx context.Context, j *journal.Log) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	errs := make([]error, slowReaders)
	var group sync.WaitGroup
	for i := range errs {
		cursor := j.Cursor(fmt.Sprintf("reader %d", i))
		group.Go(func() {
			for ctx.Err() == nil {
				if _, err := cursor.Next(ctx); err != nil && ctx.Err() == nil {
					errs[i] = err
					return
				}
				_ = pause(ctx, readerPause)
			}
		})
	}
	return func() error {
		cancel()
		group.Wait()
		return errors.Join(errs...)
	}
}

func readersTable(n int, alone, followed summary) *table {
	t := &table{
		conditions: fmt.Sprintf("entries of %d bytes on disk, one each ms, %d readers that are 10,000 entries behind and read one each %v, n = %d each", eventSize, slowReaders, readerPause, n),
		header:     []string{"one append", "with readers", "without", "ratio", "at most", "verdict"},
		notes:      []string{"Two journals in turn, in one process. The readers have to fetch what they read from the disk's cache."},
	}
	const mostRatio = 1.5
	verdict := "pass"
	if float64(followed.p99)/float64(alone.p99) > mostRatio {
		verdict = "FAIL"
	}
	us := func(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond)) }
	t.add("p50", us(followed.p50), us(alone.p50), ratio(followed.p50, alone.p50), "-", "-")
	t.add("p99", us(followed.p99), us(alone.p99), ratio(followed.p99, alone.p99), fmt.Sprint(mostRatio), verdict)
	t.add("max", us(followed.max), us(alone.max), ratio(followed.max, alone.max), "-", "-")
	return t
}
