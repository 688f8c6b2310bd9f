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
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Options say where a journal is kept, and how much of it.
type Options struct {
	// Directory is where the journal is kept. It is made where it does not exist, and
	// belongs to one process at a time. Empty means in memory only.
	Directory string
	// Limits bound what is kept.
	Limits Limits
	// Key says what a payload is about; empty for nothing. The last entry of each key
	// outlives the limits (Log.Last).
	Key func(payload []byte) string
	// Wait is how long Open waits for another process to leave the directory.
	Wait time.Duration
	// Logger gets a line when the directory can no longer be used, and one when it can
	// again. Nil for none.
	Logger *zap.Logger
}

// Log is a Journal in memory, and on disk where it has a directory. A directory that
// cannot be used, from the start or later, is no error: the entries stay in memory, as
// many as fit, and go to the disk as soon as it takes them.
type Log struct {
	limit Limits
	key   func([]byte) string
	log   *zap.Logger

	// next is the position of the next entry, and oldest of the first that is kept. What
	// is in between is in the window or on the disk.
	oldest, next atomic.Uint64
	window       *window
	disk         *disk // nil when there is no directory
	// news is closed when there is a new entry; nil while nobody waits.
	news atomic.Pointer[chan struct{}]
	done chan struct{} // closed by Close

	sameBoot bool

	// mu is the writer's. No reader takes it to read.
	mu     sync.Mutex
	closed bool
	epoch  string
	leaps  uint64
	last   map[string]Entry
	names  map[string]*place
	onSync func(took time.Duration) // nil for nobody

	// syncing is held while files are brought to the disk.
	syncing              sync.Mutex
	syncSoon, ackSoon    alarm
	retrySoon, expireOld alarm
	retries              int
}

var _ Journal = (*Log)(nil)

// place is how far the cursors of one name have come.
type place struct {
	acked   atomic.Uint64 // position
	written uint64        // the same on disk; the writer's
}

// NewMemory returns an empty journal in memory. Nothing of it is left when it is
// forgotten, closed or not.
func NewMemory(limit Limits) (*Log, error) {
	return Open(context.Background(), Options{Limits: limit})
}

// Open returns a journal, with all that is kept of its lives before where it has a
// directory. It fails for limits that make no sense, and when ctx ends while it waits for
// the directory.
func Open(ctx context.Context, o Options) (*Log, error) {
	if err := o.Limits.validate(); err != nil {
		return nil, err
	}
	l := &Log{limit: o.Limits, key: o.Key, log: o.Logger, done: make(chan struct{}), names: map[string]*place{}}
	if l.key == nil {
		l.key = func([]byte) string { return "" }
	}
	if l.log == nil {
		l.log = zap.NewNop()
	}
	p := noPast()
	if o.Directory != "" {
		l.disk = &disk{directory: o.Directory, boot: thisBoot()}
		l.disk.setList(nil)
		err := l.disk.claimWithin(ctx, o.Wait)
		if err == nil {
			p, err = l.disk.read(l.key, l.log)
		}
		if ctx.Err() != nil {
			return nil, errors.Join(fmt.Errorf("open journal: %w", ctx.Err()), l.disk.release())
		}
		if err != nil {
			l.disk.fail(err)
		}
	}
	l.resume(p)
	return l, nil
}

// resume goes on where the lives before have ended.
func (l *Log) resume(p past) {
	l.epoch, l.last, l.sameBoot = p.epoch, p.last, p.sameBoot
	l.leaps = p.sequence / leap
	if !p.certain {
		l.leaps++
	}
	if l.epoch == "" {
		l.epoch = newEpoch()
	}
	next := Entry{Sequence: p.sequence}.position() + 1
	l.window = newWindow(l.limit.inMemory(l.disk != nil).Entries, next)
	l.next.Store(next)
	l.oldest.Store(next)
	for name, position := range p.cursors {
		place := &place{}
		place.acked.Store(position)
		l.names[name] = place
	}
	l.syncSoon.do, l.ackSoon.do, l.retrySoon.do, l.expireOld.do = l.sync, l.writeAcks, l.retry, l.expire

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.disk != nil {
		l.disk.saved = next - 1
		l.disk.synced.Store(next - 1)
		if list := l.disk.list(); len(list) > 0 {
			l.oldest.Store(max(list[0].first, 1))
		}
		err := l.disk.failure
		if err == nil {
			err = l.begin()
		}
		switch {
		case err != nil:
			l.diskFailed(err)
		case !p.certain:
			l.syncNow() // the leap must not be lost when the machine stops again
		}
		l.makeRoom() // files have a little more, which a reader may have been told to be lost
		l.dropFiles()
	}
	l.expireLater()
}

// newEpoch is random. The time is not in it: a machine without a clock of its own starts
// at the same one every time.
func newEpoch() string {
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

// Append implements Journal. It copies payload, and fails for one that is larger than
// all that the journal may keep, or than 1 MiB.
func (l *Log) Append(payload []byte) (Entry, error) {
	if largest := l.limit.largest(); len(payload) > largest {
		return Entry{}, fmt.Errorf("append to journal: an entry of %d bytes exceeds the %d bytes that it may have", len(payload), largest)
	}
	payload = bytes.Clone(payload)

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return Entry{}, fmt.Errorf("append to journal: %w", ErrClosed)
	}
	limit := l.limit.inMemory(l.disk != nil)
	for l.window.full(len(payload), limit) {
		l.dropRecent()
	}
	e := Entry{Epoch: l.epoch, Sequence: l.leaps*leap + l.window.next, Payload: payload}
	if l.disk != nil {
		e = l.save(e)
	}
	l.window.add(e)
	if k := l.key(payload); k != "" {
		l.last[k] = e
	}
	l.next.Store(l.window.next)
	l.makeRoom()
	l.announce()
	return e, nil
}

// dropRecent removes the oldest entry from memory. Where it is not on disk, it is gone.
func (l *Log) dropRecent() {
	if l.disk == nil {
		l.oldest.Store(l.window.oldest.Load() + 1)
	}
	l.window.drop()
}

// makeRoom removes what is beyond the limits, but for whole files.
func (l *Log) makeRoom() {
	if l.disk == nil {
		return // Append has
	}
	for !l.window.empty() && l.window.size > recentBytes && l.window.oldest.Load() <= l.disk.synced.Load() {
		l.window.drop()
	}
	if kept := uint64(l.limit.Entries); l.window.next-l.oldest.Load() > kept {
		l.oldest.Store(l.window.next - kept)
	}
}

// announce wakes every reader that waits.
func (l *Log) announce() {
	if news := l.news.Swap(nil); news != nil {
		close(*news)
	}
}

// wait returns what is closed when there is a new entry.
func (l *Log) wait() <-chan struct{} {
	for {
		if news := l.news.Load(); news != nil {
			return *news
		}
		news := make(chan struct{})
		if l.news.CompareAndSwap(nil, &news) {
			return news
		}
	}
}

// Last returns the last entry of each key, in no order, also of lives before this one.
func (l *Log) Last() map[string]Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.last)
}

// SameBoot is whether the life before this one was on the same boot of the machine, so
// that what was true then may still be.
func (l *Log) SameBoot() bool { return l.sameBoot }

// Cursor implements Journal.
func (l *Log) Cursor(name string) Cursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.names[name]
	if p == nil {
		p = &place{}
		l.names[name] = p
	}
	c := &cursor{log: l, name: name, place: p, closed: make(chan struct{})}
	c.next.Store(p.acked.Load() + 1)
	return c
}

// Stats says how a journal is.
type Stats struct {
	// Entries is how many entries are kept.
	Entries uint64
	// Bytes is how many bytes the files on disk have.
	Bytes int64
	// Unsaved is how many entries are in memory only, because the disk cannot be written.
	Unsaved uint64
	// Unsynced is how many entries would be lost if the machine stopped now.
	Unsynced uint64
	// Failure is why the disk cannot be written; nil while it can.
	Failure error
}

// Stats may be called at any time.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.next.Load()
	s := Stats{Entries: next - l.oldest.Load(), Unsaved: next - l.window.oldest.Load(), Unsynced: next - l.window.oldest.Load()}
	if l.disk != nil {
		s.Bytes, s.Failure = l.disk.bytes(), l.disk.failure
		s.Unsaved, s.Unsynced = next-1-l.disk.saved, next-1-l.disk.synced.Load()
	}
	return s
}

// OnSync has f called each time after what was appended has been brought to the disk, or
// could not be, with how long that took. It may be called at any time; f delays no entry.
func (l *Log) OnSync(f func(took time.Duration)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onSync = f
}

// Close implements Journal. It waits until all is on the disk.
func (l *Log) Close() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	if l.disk != nil {
		l.writeAcksNow()
		if l.disk.file != nil && l.disk.write(appendFrame(nil, kindClosed, func(to []byte) []byte { return to })) == nil {
			l.syncNow()
		}
	}
	l.closed = true
	close(l.done)
	l.announce()
	if l.disk == nil {
		return nil
	}
	return l.disk.release()
}

// alarm calls do once, some time after it was set first.
type alarm struct {
	do  func()
	set atomic.Bool
}

func (a *alarm) in(d time.Duration) {
	if a.set.CompareAndSwap(false, true) {
		time.AfterFunc(d, func() {
			a.set.Store(false)
			a.do()
		})
	}
}
