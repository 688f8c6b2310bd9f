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

package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
)

// cursor is a place in a Log.
type cursor struct {
	log   *Log
	name  string
	place *place

	next    atomic.Uint64 // position of the entry to read next; it may have been dropped since
	dropped atomic.Uint64 // not counting those between next and the oldest kept
	lost    uint64        // dropped since the last entry that was returned
	file    reader

	closing sync.Once
	closed  chan struct{}
}

// Next implements Cursor.
func (c *cursor) Next(ctx context.Context) (Entry, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Entry{}, err
		}
		select {
		case <-c.closed:
			c.file.close()
			return Entry{}, ErrClosed
		case <-c.log.done:
			c.file.close()
			return Entry{}, ErrClosed
		default:
		}
		if e, ok := c.read(); ok {
			return e, nil
		}
		news := c.log.wait()
		if c.next.Load() < c.log.next.Load() {
			continue // it came before we waited
		}
		select {
		case <-ctx.Done():
		case <-c.closed:
		case <-c.log.done:
		case <-news:
		}
	}
}

// read returns the next entry, and whether there is one.
func (c *cursor) read() (Entry, bool) {
	for {
		position := c.next.Load()
		if oldest := c.log.oldest.Load(); position < oldest {
			c.miss(oldest)
			continue
		}
		if position >= c.log.next.Load() {
			return Entry{}, false
		}
		if e := c.log.window.get(position); e != nil {
			c.file.close()
			return c.found(*e), true
		}
		recent := c.log.window.oldest.Load()
		if recent <= position || c.log.disk == nil {
			continue // it has made room just now
		}
		e, ok := c.file.next(c.log, position)
		if c.log.oldest.Load() > position {
			continue // the same while it was looked for
		}
		if !ok || e.position() > recent { // it is neither here nor there
			c.file.close()
			c.miss(recent)
			continue
		}
		c.miss(e.position())
		return c.found(e), true
	}
}

// miss passes over the entries before position.
func (c *cursor) miss(position uint64) {
	n := position - c.next.Load()
	c.lost += n
	c.dropped.Add(n)
	c.next.Store(position)
}

// found returns an entry. What was done before a gap is noted before anybody hears of the gap: a
// process that comes after a kill finds the same gap, and not a larger one.
func (c *cursor) found(e Entry) Entry {
	if c.lost > 0 && c.name != "" && c.log.disk != nil {
		c.log.writeAcks()
	}
	e.Lost, c.lost = c.lost, 0
	c.next.Store(e.position() + 1)
	return e
}

// Ack implements Cursor.
func (c *cursor) Ack(e Entry) error {
	select {
	case <-c.closed:
		return fmt.Errorf("acknowledge %s: %w", e.ID(), ErrClosed)
	case <-c.log.done:
		return fmt.Errorf("acknowledge %s: %w", e.ID(), ErrClosed)
	default:
	}
	position := e.position()
	if position == 0 || position >= c.next.Load() {
		return fmt.Errorf("acknowledge %s: cursor %q has not read it", e.ID(), c.name)
	}
	for {
		acked := c.place.acked.Load()
		if acked >= position {
			return nil
		}
		if c.place.acked.CompareAndSwap(acked, position) {
			break
		}
	}
	if c.log.disk != nil {
		c.log.ackSoon.in(ackDelay)
	}
	return nil
}

// overtaken is how many entries were dropped since the last read.
func (c *cursor) overtaken() uint64 {
	oldest, next := c.log.oldest.Load(), c.next.Load()
	if oldest <= next {
		return 0
	}
	return oldest - next
}

// Pending implements Cursor.
func (c *cursor) Pending() uint64 {
	select {
	case <-c.closed:
		return 0
	case <-c.log.done:
		return 0
	default:
	}
	next := c.log.next.Load()
	return next - min(next, max(c.next.Load(), c.log.oldest.Load()))
}

// Dropped implements Cursor.
func (c *cursor) Dropped() uint64 { return c.dropped.Load() + c.overtaken() }

// Close implements Cursor. It never fails.
func (c *cursor) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return nil
}

// reader reads entries from the files of a journal, one after the other. It is its
// cursor's own, and takes no lock.
type reader struct {
	segment *segment
	file    *os.File
	scan    *scanner
	behind  uint64 // the position behind the entry that was read last
}

// next returns the first entry at position or behind it, and whether there is one.
func (r *reader) next(l *Log, position uint64) (Entry, bool) {
	if position < r.behind {
		r.close()
	}
	for {
		// Only what is not the last file before it is read does not grow meanwhile.
		list := l.disk.list()
		at := slices.Index(list, r.segment)
		if at < 0 {
			at = r.open(l, list, fileOf(list, position))
		}
		if at < 0 {
			return Entry{}, false
		}
		if e, ok := r.scanTo(l, position); ok {
			return e, true
		}
		if at+1 == len(list) || r.open(l, list, at+1) < 0 {
			return Entry{}, false
		}
	}
}

// fileOf is where in a list the file is that has a position, or would have it.
func fileOf(list []*segment, position uint64) int {
	at := 0
	for n, s := range list {
		if s.first <= position {
			at = n
		}
	}
	return at
}

// scanTo returns the first entry at position or behind it in the file that is open.
func (r *reader) scanTo(l *Log, position uint64) (Entry, bool) {
	for {
		f, err := r.scan.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				l.log.Warn("a file of the journal cannot be read to its end", zap.String("file", r.segment.path), zap.Error(err))
			}
			return Entry{}, false
		}
		if f.kind != kindEntry {
			continue
		}
		if e, ok := f.entry(); ok && e.position() >= position {
			r.behind = e.position() + 1
			return e, true
		}
	}
}

// open opens the first file of a list that can be read, from one on, and returns where it
// is; -1 when there is none.
func (r *reader) open(l *Log, list []*segment, from int) int {
	for at := from; at < len(list); at++ {
		s := list[at]
		if s.foreign != nil {
			continue
		}
		file, err := os.Open(s.path)
		if err != nil {
			if !errors.Is(err, os.ErrNotExist) { // it has made room meanwhile, or was removed by hand
				l.log.Warn("a file of the journal cannot be read", zap.String("file", s.path), zap.Error(err))
			}
			continue
		}
		r.close()
		r.segment, r.file, r.scan = s, file, newScanner(file, s.size.Load)
		return at
	}
	return -1
}

// close forgets the file. What was read of it stays valid.
func (r *reader) close() {
	if r.file != nil {
		_ = r.file.Close()
	}
	*r = reader{behind: r.behind}
}
