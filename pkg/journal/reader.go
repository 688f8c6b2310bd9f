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
	"strconv"
	"strings"
)

// ErrUnknownEntry is returned for an id that no entry of a journal has or had.
var ErrUnknownEntry = errors.New("the journal has had no such entry")

// Reader returns a cursor without a name, at the oldest entry that is kept. It
// acknowledges nothing.
func (l *Log) Reader() Cursor { return l.reader(l.oldest.Load()) }

// ReaderAfter returns the same behind the entry that has an id. Where that entry, or others
// behind it, have made room meanwhile, the cursor has Dropped these. It fails with
// ErrUnknownEntry for an id of another journal, or of an epoch of which nothing is known any
// more.
func (l *Log) ReaderAfter(id string) (Cursor, error) {
	wanted, err := parseID(id)
	if err != nil {
		return nil, err
	}
	position := wanted.position()
	if position == 0 || position >= l.next.Load() {
		return nil, fmt.Errorf("%q: %w", id, ErrUnknownEntry)
	}
	probe := l.reader(position)
	found, ok := probe.read()
	probe.file.close()
	switch {
	case !ok: // nothing is kept
		l.mu.Lock()
		ok = wanted.Epoch == l.epoch
		l.mu.Unlock()
	case found.position() == position:
		ok = found.Epoch == wanted.Epoch && found.Sequence == wanted.Sequence
	default:
		ok = found.Epoch == wanted.Epoch
	}
	if !ok {
		return nil, fmt.Errorf("%q: %w", id, ErrUnknownEntry)
	}
	return l.reader(position + 1), nil
}

// reader returns a cursor of no name at a position.
func (l *Log) reader(position uint64) *cursor {
	c := &cursor{log: l, place: &place{}, closed: make(chan struct{})}
	c.next.Store(max(position, 1))
	return c
}

// parseID reads what Entry.ID returns. The mark makes no difference to the place.
func parseID(id string) (Entry, error) {
	epoch, rest, _ := strings.Cut(id, "-")
	number, _, _ := strings.Cut(rest, "-")
	sequence, err := strconv.ParseUint(number, 10, 64)
	if err != nil || epoch == "" {
		return Entry{}, fmt.Errorf("%q is not the id of an entry, such as 0123456789ab-42: %w", id, ErrUnknownEntry)
	}
	return Entry{Epoch: epoch, Sequence: sequence}, nil
}
