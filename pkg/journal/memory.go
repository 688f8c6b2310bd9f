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
	"fmt"
	"sync"
	"time"
)

// Limits bound what a journal keeps.
type Limits struct {
	// Entries is how many entries are kept at most, at least 1.
	Entries int
	// Bytes is how many bytes of payload are kept at most, at least 1.
	Bytes int
}

// DefaultLimits keeps 4096 entries and 8 MiB: days of a clock that changes every
// minute, and no more memory than an adapter can spare.
func DefaultLimits() Limits { return Limits{Entries: 4096, Bytes: 8 << 20} }

// Memory is a journal that lives as long as the process.
type Memory struct {
	epoch string
	limit Limits

	mu sync.Mutex
	// ring has the payload of entry s at s modulo its length.
	ring [][]byte
	// Entries from oldest to before next are kept, and size is their payloads' bytes.
	oldest, next uint64
	size         int
	// acked is the last entry that each name has acknowledged.
	acked map[string]uint64
	// news is closed when there is something new to see; nil while nobody waits.
	news   chan struct{}
	closed bool
}

var _ Journal = (*Memory)(nil)

// NewMemory returns an empty journal with a new epoch.
func NewMemory(limit Limits) (*Memory, error) {
	if limit.Entries < 1 || limit.Bytes < 1 {
		return nil, fmt.Errorf("journal cannot keep %d entries of %d bytes in all; both must be 1 or more", limit.Entries, limit.Bytes)
	}
	return &Memory{
		epoch:  newEpoch(),
		limit:  limit,
		ring:   make([][]byte, limit.Entries),
		oldest: 1,
		next:   1,
		acked:  map[string]uint64{},
	}, nil
}

// newEpoch sorts by the time of its start while the wall clock tells the truth, and
// is random enough for where it does not.
func newEpoch() string {
	var random [2]byte
	_, _ = rand.Read(random[:]) // never fails
	return fmt.Sprintf("%08x%x", uint32(time.Now().Unix()), random)
}

// Append implements Journal. It copies payload, and fails for one that is larger than
// all that the journal may keep.
func (m *Memory) Append(payload []byte) (Entry, error) {
	if len(payload) > m.limit.Bytes {
		return Entry{}, fmt.Errorf("append to journal: an entry of %d bytes exceeds the %d bytes it may keep in all", len(payload), m.limit.Bytes)
	}
	payload = bytes.Clone(payload)

	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Entry{}, fmt.Errorf("append to journal: %w", ErrClosed)
	}
	for m.next-m.oldest == uint64(len(m.ring)) || m.size+len(payload) > m.limit.Bytes {
		m.size -= len(*m.at(m.oldest))
		*m.at(m.oldest) = nil
		m.oldest++
	}
	*m.at(m.next) = payload
	m.size += len(payload)
	m.next++
	m.announce()
	return m.entry(m.next - 1), nil
}

func (m *Memory) at(sequence uint64) *[]byte { return &m.ring[sequence%uint64(len(m.ring))] }

func (m *Memory) entry(sequence uint64) Entry {
	return Entry{Epoch: m.epoch, Sequence: sequence, Payload: *m.at(sequence)}
}

// announce wakes every reader that waits.
func (m *Memory) announce() {
	if m.news != nil {
		close(m.news)
		m.news = nil
	}
}

// Cursor implements Journal.
func (m *Memory) Cursor(name string) Cursor {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memoryCursor{journal: m, name: name, next: m.acked[name] + 1}
}

// Close implements Journal. It never fails.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.announce()
	return nil
}

// memoryCursor is a place in a Memory, whose mutex guards it.
type memoryCursor struct {
	journal *Memory
	name    string
	next    uint64 // the entry to read next; it may have been dropped since
	dropped uint64 // not counting those between next and the oldest kept
	closed  bool
}

func (c *memoryCursor) Next(ctx context.Context) (Entry, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Entry{}, err
		}
		entry, news, err := c.read()
		if news == nil {
			return entry, err
		}
		select {
		case <-ctx.Done():
		case <-news:
		}
	}
}

// read returns the next entry, or what to wait for when there is none.
func (c *memoryCursor) read() (Entry, <-chan struct{}, error) {
	m := c.journal
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.closed || m.closed {
		return Entry{}, nil, ErrClosed
	}
	c.dropped += c.overtaken()
	c.next = max(c.next, m.oldest)
	if c.next == m.next {
		if m.news == nil {
			m.news = make(chan struct{})
		}
		return Entry{}, m.news, nil
	}
	c.next++
	return m.entry(c.next - 1), nil, nil
}

// overtaken is how many entries were dropped since the last read.
func (c *memoryCursor) overtaken() uint64 {
	if c.journal.oldest <= c.next {
		return 0
	}
	return c.journal.oldest - c.next
}

func (c *memoryCursor) Ack(e Entry) error {
	m := c.journal
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case c.closed || m.closed:
		return fmt.Errorf("acknowledge %s: %w", e.ID(), ErrClosed)
	case e.Epoch != m.epoch || e.Sequence >= c.next:
		return fmt.Errorf("acknowledge %s: cursor %q has not read it", e.ID(), c.name)
	}
	m.acked[c.name] = max(m.acked[c.name], e.Sequence)
	return nil
}

func (c *memoryCursor) Pending() uint64 {
	c.journal.mu.Lock()
	defer c.journal.mu.Unlock()
	return c.journal.next - max(c.next, c.journal.oldest)
}

func (c *memoryCursor) Dropped() uint64 {
	c.journal.mu.Lock()
	defer c.journal.mu.Unlock()
	return c.dropped + c.overtaken()
}

func (c *memoryCursor) Close() error {
	c.journal.mu.Lock()
	defer c.journal.mu.Unlock()
	c.closed = true
	c.journal.announce()
	return nil
}
