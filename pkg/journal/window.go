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
	"sync/atomic"
	"time"
)

// window has the newest entries in memory. One goroutine writes it; readers take no lock
// and never keep the writer waiting.
type window struct {
	// slots has the entry at position p at p modulo its length.
	slots []atomic.Pointer[kept]
	// oldest is the position of the first entry in it, or of the next one when it is
	// empty. It is moved before a slot is emptied, so that a reader that finds a slot
	// empty sees that the entry is gone.
	oldest atomic.Uint64

	// The writer's own.
	next uint64 // position
	size int    // bytes of the payloads
}

// kept is an entry, and when it came.
type kept struct {
	Entry
	at time.Time
}

func newWindow(entries int, next uint64) *window {
	w := &window{slots: make([]atomic.Pointer[kept], entries), next: next}
	w.oldest.Store(next)
	return w
}

func (w *window) slot(position uint64) *atomic.Pointer[kept] {
	return &w.slots[position%uint64(len(w.slots))]
}

// get returns the entry at a position, or nil when it is not here.
func (w *window) get(position uint64) *Entry {
	if k := w.slot(position).Load(); k != nil && k.position() == position {
		return &k.Entry
	}
	return nil
}

// full is whether there is no room for so many bytes more.
func (w *window) full(more int, limit Limits) bool {
	return !w.empty() && (w.next-w.oldest.Load() == uint64(len(w.slots)) || w.size+more > limit.Bytes)
}

func (w *window) empty() bool { return w.oldest.Load() == w.next }

// drop removes the oldest entry.
func (w *window) drop() {
	oldest := w.oldest.Load()
	slot := w.slot(oldest)
	w.size -= len(slot.Load().Payload)
	w.oldest.Store(oldest + 1)
	slot.Store(nil)
}

// since is when the oldest entry came; it must not be empty.
func (w *window) since() time.Time { return w.slot(w.oldest.Load()).Load().at }

// add puts an entry behind the others.
func (w *window) add(e Entry) {
	w.slot(w.next).Store(&kept{e, time.Now()})
	w.size += len(e.Payload)
	w.next++
}
