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

// Package journal is an ordered log that many readers follow, each at its own pace.
//
// It is bounded: the oldest entries make room for new ones whether or not they were
// read, and a reader is told how many it has missed. A writer never waits for a
// reader, and no reader for another.
//
// A journal with a directory outlives its process. An entry is handed to the kernel
// before Append returns, so that a process that is killed loses nothing, and is on the
// disk some milliseconds later, without anybody having waited for it.
package journal

import (
	"context"
	"errors"
	"strconv"
)

// ErrClosed is returned for every use of a journal or a cursor after its Close.
var ErrClosed = errors.New("journal is closed")

// Journal is an ordered log. Its methods may be called from any goroutine.
type Journal interface {
	// Append adds an entry behind all others. When it returns, the entry is as safe
	// as this journal makes entries, and every cursor can read it. On an error there
	// is no new entry.
	Append(payload []byte) (Entry, error)
	// Cursor returns the reader called name, at the oldest kept entry that this name
	// has not acknowledged. What a name has acknowledged is known for as long as the
	// journal keeps entries. Two open cursors of one name read everything twice.
	Cursor(name string) Cursor
	// Close ends the journal and every cursor.
	Close() error
}

// Cursor is one reader's place in a journal. Next and Poll belong to one goroutine at a
// time; the other methods may be called from any.
type Cursor interface {
	// Next returns the entry behind the last one that Next returned, and waits until
	// there is one. Where entries have made room unread, it goes on at the oldest that
	// is kept, and says so in its Lost. It fails with the error of ctx, or with
	// ErrClosed.
	Next(ctx context.Context) (Entry, error)
	// Poll is Next for who does not wait: it reports whether there was an entry.
	Poll() (Entry, bool)
	// Ack says that e and all before it are done: no later cursor of this name reads
	// them again, except after a crash, when some may come once more.
	Ack(e Entry) error
	// Pending is how many entries Next could return at once: none after Close.
	Pending() uint64
	// Dropped is how many entries have made room before this cursor read them, or could
	// not be read.
	Dropped() uint64
	// Close ends the cursor. A Next that waits returns.
	Close() error
}

// Entry is one entry of a journal.
type Entry struct {
	// Epoch names the journal. It changes when what was known of the sequence is lost.
	Epoch string
	// Sequence orders the entries, and is 1 for the first one. It grows by one, and
	// once for each time that the machine has stopped without a warning by 10^12: what
	// was not on the disk then may have been read, and its number is not given again.
	Sequence uint64
	// Payload belongs to the journal and must not be changed.
	Payload []byte
	// Lost is how many entries before this one the cursor that returned it has missed
	// since the one that it returned before.
	Lost uint64
	// Mark is empty for what was appended. A reader that puts something of its own in
	// front of an entry tells the two apart by it.
	Mark string
}

// ID returns what tells this entry from every other: <epoch>-<sequence>, with the mark
// behind it where there is one.
func (e Entry) ID() string {
	id := e.Epoch + "-" + strconv.FormatUint(e.Sequence, 10)
	if e.Mark != "" {
		id += "-" + e.Mark
	}
	return id
}

// leap is what a sequence is behind when the machine has stopped without a warning, and
// more than a journal will ever have entries.
const leap = 1_000_000_000_000

// maxSequence is beyond what comes of 9 million leaps. What claims more is damaged.
const maxSequence = 1 << 63

// position is the number of an entry among all that the journal knows of: it has no
// gaps, and the rest of its sequence counts leaps.
func (e Entry) position() uint64 { return e.Sequence % leap }
