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
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"
)

// This file is what a Log does for its disk. Methods are called with mu held unless they
// say otherwise.

const (
	// groupCommit is how long entries wait for others before all are brought to the disk
	// in one go. It is far longer than an event takes to the sink, which so has the
	// processor for itself.
	groupCommit = 20 * time.Millisecond
	// ackDelay is the same for the writing of acknowledgements, which need not be on the
	// disk: after a crash an event would come once more.
	ackDelay = time.Millisecond
	// A disk that cannot be written is tried again after the first pause, and then ever
	// more rarely.
	retryFirst, retryLast = time.Second, 30 * time.Second
	// files is in how many pieces the journal is kept: one goes at a time.
	files = 8
)

// begin starts a new file.
func (l *Log) begin() error {
	h := fileHeader{
		Epoch:   l.epoch,
		First:   l.leaps*leap + l.disk.saved + 1,
		Boot:    l.disk.boot.id,
		Uptime:  thisBoot().uptime,
		Time:    time.Now().Round(0).UTC(),
		Cursors: map[string]uint64{},
	}
	for name, p := range l.names {
		// No further than the disk: what is behind it comes in this very file.
		if acked := min(p.acked.Load(), l.disk.saved); acked > 0 {
			h.Cursors[name], p.written = acked, acked
		}
	}
	last := maps.Clone(l.last)
	maps.DeleteFunc(last, func(_ string, e Entry) bool { return e.position() > l.disk.saved })
	if err := l.disk.begin(h, last); err != nil {
		return err
	}
	l.dropFiles()
	return nil
}

// dropFiles removes the oldest files for as long as the others, and the one that is
// filled next, are all that may be kept.
func (l *Log) dropFiles() {
	list, size := l.disk.list(), l.disk.bytes()
	n := 0
	for ; n+1 < len(list); n++ {
		next := list[n+1]
		tooOld := l.limit.Age > 0 && time.Since(next.born) > l.limit.Age
		if next.first > l.oldest.Load() && size <= int64(l.limit.Bytes-l.limit.Bytes/files) && !tooOld {
			break
		}
		size -= list[n].size.Load()
	}
	if n == 0 {
		return
	}
	// In this order, so that a reader that does not find a file knows why.
	l.oldest.Store(max(l.oldest.Load(), list[n].first))
	l.disk.drop(n)
}

// save writes an entry to the disk, and returns it as it is to be kept. On a disk that
// cannot be written it stays in memory, under a new epoch: a process that finds the disk
// as it is then must not give its id again.
func (l *Log) save(e Entry) Entry {
	if l.disk.file == nil {
		return e
	}
	err := l.turn()
	if err == nil {
		err = l.disk.save(e)
	}
	if err != nil {
		l.diskFailed(err)
		e.Epoch = l.epoch
		return e
	}
	l.syncSoon.in(groupCommit)
	return e
}

// turn starts a new file when the present one is large or old enough. That too few files
// are there for the number of entries is the same as being too large.
func (l *Log) turn() error {
	s := l.disk.newest()
	entries := l.window.next - s.first
	switch {
	case entries == 0:
	case s.size.Load() >= int64(l.limit.Bytes/files), entries >= uint64(max(1, l.limit.Entries/files)):
		return l.begin()
	case l.limit.Age > 0 && time.Since(s.born) >= l.limit.Age/files:
		return l.begin()
	}
	return nil
}

// diskFailed goes on in memory.
func (l *Log) diskFailed(err error) {
	if l.retries == 0 {
		l.log.Error("the journal cannot be written to its directory; events are kept in memory and written as soon as it can be",
			zap.String("directory", l.disk.directory), zap.Error(err), zap.String("do", advice(err)))
	}
	l.disk.fail(err)
	l.syncSoon.in(0) // which closes the file that was given up
	l.epoch = newEpoch()
	if !errors.Is(err, errUnread) {
		l.retrySoon.in(min(retryFirst<<min(l.retries, 5), retryLast))
	}
	l.retries++
}

// errUnread is why a directory that can be used at last is not: what is in it would have
// to come before what is in memory.
var errUnread = errors.New("it holds a journal that could not be read at the start")

// retry tries to go back to the disk. It takes mu.
func (l *Log) retry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.disk.file != nil {
		return
	}
	if err := l.goBack(); err != nil {
		l.stillFailing(err)
		return
	}
	l.log.Info("the journal is written to its directory again", zap.String("directory", l.disk.directory), zap.Duration("after", time.Since(l.disk.since)))
	l.disk.failure, l.retries = nil, 0
	l.syncSoon.in(0)
}

// stillFailing tries again later, and says so where it is final.
func (l *Log) stillFailing(err error) {
	l.disk.fail(err)
	l.syncSoon.in(0)
	if errors.Is(err, errUnread) {
		l.log.Error("the journal stays in memory", zap.String("directory", l.disk.directory), zap.Error(err), zap.String("do", advice(err)))
		return
	}
	l.retrySoon.in(min(retryFirst<<min(l.retries, 5), retryLast))
	l.retries++
}

// goBack starts a new file with all that is in memory only.
func (l *Log) goBack() error {
	if l.disk.lock == nil {
		if err := l.disk.claim(); err != nil {
			return err
		}
		if list, err := listSegments(l.disk.directory); err != nil || len(list) > 0 {
			return errors.Join(err, errUnread)
		}
	}
	unsaved := max(l.disk.saved+1, l.window.oldest.Load())
	l.disk.saved = unsaved - 1
	// The ids of what is in memory have been given. Should this fail too, a process that
	// finds the file must not give them again.
	l.epoch = newEpoch()
	if err := l.begin(); err != nil {
		return err
	}
	for position := unsaved; position < l.window.next; position++ {
		if err := l.disk.save(*l.window.get(position)); err != nil {
			return err
		}
	}
	return nil
}

// writeAcks writes what was acknowledged. It takes mu.
func (l *Log) writeAcks() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.writeAcksNow()
	}
}

func (l *Log) writeAcksNow() {
	if l.disk.file == nil {
		return // the next file begins with them
	}
	var frames []byte
	for _, name := range slices.Sorted(maps.Keys(l.names)) {
		p := l.names[name]
		if acked := min(p.acked.Load(), l.disk.saved); acked > p.written {
			frames = appendAck(frames, name, acked)
			p.written = acked
		}
	}
	if len(frames) == 0 {
		return
	}
	if err := l.disk.write(frames); err != nil {
		l.diskFailed(err)
		return
	}
	l.syncSoon.in(groupCommit)
}

// sync brings everything to the disk. It takes mu, but not while it waits for the disk.
func (l *Log) sync() {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	u := l.disk.take()
	l.mu.Unlock()
	begin := time.Now()
	err := u.sync()
	took := time.Since(begin)
	l.mu.Lock()
	l.synced(u, err)
	told := l.onSync
	l.mu.Unlock()
	if told != nil && u.file != nil {
		told(took)
	}
}

// syncNow does the same while everybody waits.
func (l *Log) syncNow() {
	u := l.disk.take()
	l.synced(u, u.sync())
}

// synced notes what is on the disk, or that nothing of it may be.
func (l *Log) synced(u unsynced, err error) {
	switch {
	case err == nil:
		l.disk.synced.Store(max(l.disk.synced.Load(), u.saved))
	case l.closed || l.disk.file != u.file:
		// It is being written no more, or was given up already.
	case errors.Is(err, errRemoved):
		l.disk.saved = l.window.oldest.Load() - 1
		l.diskFailed(fmt.Errorf("write the journal: %w", err))
	default:
		l.disk.saved = min(l.disk.saved, l.disk.synced.Load())
		l.diskFailed(err)
	}
}

// expire removes what is too old. It takes mu.
func (l *Log) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if l.disk == nil {
		for !l.window.empty() && time.Since(l.window.since()) > l.limit.Age {
			l.dropRecent()
		}
	} else {
		if l.disk.file != nil {
			if err := l.turn(); err != nil {
				l.diskFailed(err)
			}
		}
		l.dropFiles()
	}
	l.expireLater()
}

func (l *Log) expireLater() {
	if l.limit.Age > 0 {
		l.expireOld.in(max(l.limit.Age/(2*files), time.Millisecond))
	}
}
