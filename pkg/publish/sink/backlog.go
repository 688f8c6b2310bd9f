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

package sink

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// backlog is what is to be sent next, in the order of the journal.
//
// Where only the newest event of each resource is to be sent, all that waits is read
// ahead. What is held then does not grow with the time that the sink is away, only with
// the number of resources; and none of them is lost, however often another one changes
// and fills the journal meanwhile.
type backlog struct {
	cursor journal.Cursor
	latest bool // only the newest event of each resource is sent
	log    *zap.Logger

	ahead   []*item
	skipped uint64 // since this was said last

	// These are read by other goroutines.
	unreadable, superseded, waiting atomic.Uint64
	oldest                          atomic.Int64 // when the first one was observed, in ns since 1970; 0 for none
}

// item is an event that waits.
type item struct {
	entry journal.Entry
	event oran.Event
	// skipped is how many changes of the same resource before it are not sent because
	// of it.
	skipped int
}

// head returns the event that is to be sent now, and waits until there is one.
func (b *backlog) head(ctx context.Context) (*item, error) {
	for len(b.ahead) == 0 {
		if err := b.read(ctx); err != nil {
			return nil, err
		}
	}
	return b.ahead[0], b.readAhead(ctx)
}

// isHead is whether an event is still the one to send, now that others may have come.
func (b *backlog) isHead(ctx context.Context, i *item) (bool, error) {
	err := b.readAhead(ctx)
	return b.ahead[0] == i, err
}

// done says that the head was sent, or never will be. What was skipped before it is done
// with, too: what it was skipped for waits, or has been sent.
func (b *backlog) done() error {
	entry := b.ahead[0].entry
	b.ahead = b.ahead[1:]
	b.count()
	if len(b.ahead) == 0 && b.skipped > 0 {
		b.log.Info("a backlog was sent; of each resource the newest event, and those before it were skipped", zap.Uint64("skipped", b.skipped))
		b.skipped = 0
	}
	return b.cursor.Ack(entry)
}

// readAhead reads all that waits, where that decides what is sent.
func (b *backlog) readAhead(ctx context.Context) error {
	for b.latest && b.cursor.Pending() > 0 {
		// What is pending can make room before it is read, and then nothing comes.
		soon, cancel := context.WithTimeout(ctx, time.Second)
		err := b.read(soon)
		late := soon.Err() != nil
		cancel()
		if late {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read takes one entry in.
func (b *backlog) read(ctx context.Context) error {
	entry, err := b.cursor.Next(ctx)
	if err != nil {
		return err
	}
	event, err := oran.Unmarshal(entry.Payload)
	if err != nil {
		b.unreadable.Add(1)
		b.log.Error("an entry of the journal is no event and was skipped; please report this",
			zap.String("id", entry.ID()), zap.Error(err))
		if len(b.ahead) == 0 {
			return b.cursor.Ack(entry)
		}
		return nil
	}
	b.add(&item{entry: entry, event: event})
	b.count()
	return nil
}

// add puts an event behind all others, and takes out the one of the same resource that it
// makes superfluous. One that only repeats what waits is superfluous itself. One without a
// value before it is the first of its resource, or tells what has happened and not what
// holds, such as a step of a clock: it takes nothing out.
func (b *backlog) add(i *item) {
	same := -1
	if b.latest && i.event.Previous != "" {
		same = slices.IndexFunc(b.ahead, func(o *item) bool { return o.event.Address == i.event.Address && o.event.Type == i.event.Type })
	}
	if same < 0 {
		b.ahead = append(b.ahead, i)
		return
	}
	b.skipped++
	b.superseded.Add(1)
	old := b.ahead[same]
	if i.event.Repeats() && old.event.State == i.event.State {
		return
	}
	i.skipped = old.skipped
	if !old.event.Repeats() {
		i.skipped++
	}
	b.ahead = append(slices.Delete(b.ahead, same, same+1), i)
}

func (b *backlog) count() {
	b.waiting.Store(uint64(max(len(b.ahead)-1, 0)))
	var oldest int64
	if len(b.ahead) > 0 {
		oldest = b.ahead[0].event.Time.UnixNano()
	}
	b.oldest.Store(oldest)
}
