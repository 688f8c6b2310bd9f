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

package feed

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
)

// Adapters says which adapters there are: a cluster.Client with a scope.
type Adapters interface {
	List(ctx context.Context) ([]cluster.Adapter, error)
	// Watch calls changed with all adapters, at once and whenever they are others.
	Watch(ctx context.Context, changed func([]cluster.Adapter)) error
}

// Trouble is that an adapter could not be read.
type Trouble struct {
	From cluster.Adapter
	Err  error
	// Over is whether it can be read again.
	Over bool
}

// Feed is what to read, and whom to tell.
type Feed struct {
	Adapters Adapters
	Ask      Asker
	// Query are the filters, as adapters know them.
	Query url.Values
	// Limit is how many events of the past to read of each adapter; 0 for all.
	Limit int
	// After are ids of events behind which to go on, of as many adapters.
	After []string
	// Until is when to stop following; zero for never.
	Until time.Time
	// Patience is how long an adapter may take to begin an answer.
	Patience time.Duration
	// Event is told each event, and Trouble what goes wrong, one after the other.
	Event   func(Event) error
	Trouble func(Trouble)

	mu      sync.Mutex
	readers map[cluster.Key]*reader // each belongs to the goroutine that reads its adapter
}

// newReader returns a reader that knows nothing.
func (f *Feed) newReader() *reader {
	r := &reader{ask: f.Ask, query: f.Query, patience: f.Patience, behind: f.After}
	if f.Limit > 0 {
		r.limit = strconv.Itoa(f.Limit)
	}
	return r
}

// Past tells what adapters have seen, in the order of time as far as the order of each
// adapter allows: a clock that was set back makes its adapter's events no earlier. It returns
// how many adapters there are.
func (f *Feed) Past(ctx context.Context) (int, error) {
	adapters, err := f.Adapters.List(ctx)
	if err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancel(ctx)
	f.readers = map[cluster.Key]*reader{}
	var reading sync.WaitGroup
	defer reading.Wait()
	defer stop() // before waiting for those who still read
	var heads heads
	for n, a := range adapters {
		r := f.newReader()
		f.readers[a.Key()] = r
		h := &head{order: n, events: make(chan Event, 64)}
		heads = append(heads, h)
		reading.Go(func() {
			defer close(h.events)
			if err := r.all(ctx, a, h.events); err != nil && ctx.Err() == nil {
				r.silent = true
				f.tell(Trouble{From: a, Err: err})
			}
		})
	}
	return len(adapters), f.merge(ctx, heads)
}

// all reads what an adapter has now, and goes on where a connection breaks: whoever reads on
// slowly, in a pager, is left alone by adapters.
func (r *reader) all(ctx context.Context, a cluster.Adapter, to chan<- Event) error {
	const tries = 3 // without anything new
	for failed := 0; ; {
		before, answered := r.last, false
		err := r.read(ctx, a, false, func() { answered = true }, func(e Event) error {
			select {
			case to <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err == nil || ctx.Err() != nil || !answered {
			return err
		}
		if failed++; r.last != before {
			failed = 1
		}
		if failed == tries {
			return err
		}
	}
}

// head is the next event of one adapter.
type head struct {
	order  int
	next   Event
	events chan Event
}

// heads is a heap by time.
type heads []*head

func (h heads) Len() int      { return len(h) }
func (h heads) Swap(a, b int) { h[a], h[b] = h[b], h[a] }
func (h *heads) Push(x any)   { *h = append(*h, x.(*head)) }

func (h heads) Less(a, b int) bool {
	return cmp.Or(h[a].next.Time.Compare(h[b].next.Time), cmp.Compare(h[a].order, h[b].order)) < 0
}

func (h *heads) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// merge tells the events of all.
func (f *Feed) merge(ctx context.Context, all heads) error {
	var ready heads
	for _, h := range all {
		event, ok := <-h.events
		if h.next = event; ok {
			ready = append(ready, h)
		}
	}
	heap.Init(&ready)
	for len(ready) > 0 && ctx.Err() == nil {
		if err := f.event(ready[0].next); err != nil {
			return err
		}
		event, ok := <-ready[0].events
		if !ok {
			heap.Pop(&ready)
			continue
		}
		ready[0].next = event
		heap.Fix(&ready, 0)
	}
	return nil
}

// Follow tells what comes after what was told, and what comes from adapters that come, until
// the context or the time is over.
func (f *Feed) Follow(ctx context.Context) error {
	if !f.Until.IsZero() {
		var cancel context.CancelFunc
		// The clock of a node may be another: what is under way still counts.
		ctx, cancel = context.WithDeadline(ctx, f.Until.Add(500*time.Millisecond))
		defer cancel()
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var following sync.WaitGroup
	defer following.Wait()
	defer stop(nil)
	known := map[cluster.Key]*place{}
	fail := func(err error) { stop(err) }
	err := f.Adapters.Watch(ctx, func(adapters []cluster.Adapter) {
		there := map[cluster.Key]bool{}
		for _, a := range adapters {
			there[a.Key()] = true
			p, ok := known[a.Key()]
			if !ok {
				p = newPlace()
				known[a.Key()] = p
				r := f.readers[a.Key()]
				if r == nil {
					r = f.newReader()
				}
				following.Go(func() { f.follow(ctx, r, p, fail) })
			}
			p.set(a, true)
		}
		for key, p := range known {
			if !there[key] {
				p.set(cluster.Adapter{}, false)
			}
		}
	})
	if c := context.Cause(ctx); c != nil && !errors.Is(c, context.Canceled) && !errors.Is(c, context.DeadlineExceeded) {
		return c
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// place is where an adapter is now: its pods come and go.
type place struct {
	mu      sync.Mutex
	adapter cluster.Adapter
	there   bool
	changed chan struct{} // closed when it is another
}

func newPlace() *place { return &place{changed: make(chan struct{})} }

func (p *place) set(a cluster.Adapter, there bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.adapter == a && p.there == there {
		return
	}
	p.adapter, p.there = a, there
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *place) get() (a cluster.Adapter, there bool, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.adapter, p.there, p.changed
}

// How long to wait before an adapter is asked again: twice as long each time.
const (
	firstWait = 250 * time.Millisecond
	maxWait   = 10 * time.Second
)

// follow reads one adapter until the context is done.
func (f *Feed) follow(ctx context.Context, r *reader, p *place, fail func(error)) {
	wait := firstWait
	for ctx.Err() == nil {
		a, there, changed := p.get()
		if !there {
			select { // nobody is missing who is not wanted any more
			case <-ctx.Done():
			case <-changed:
			}
			continue
		}
		before := r.last
		var refused error // by whom we tell
		err := r.read(ctx, a, true, func() {
			if r.silent {
				r.silent = false
				f.tell(Trouble{From: a, Over: true})
			}
		}, func(e Event) error {
			refused = f.event(e)
			return refused
		})
		switch {
		case ctx.Err() != nil:
			return
		case refused != nil:
			fail(refused)
			return
		case err != nil && !r.silent:
			r.silent = true
			f.tell(Trouble{From: a, Err: err})
		}
		if cluster.Final(err) {
			return
		}
		if r.last != before {
			wait = firstWait
		}
		select {
		case <-ctx.Done():
		case <-changed:
			wait = firstWait
		case <-time.After(wait):
			wait = min(2*wait, maxWait)
		}
	}
}

func (f *Feed) event(e Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Event(e)
}

func (f *Feed) tell(t Trouble) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Trouble(t)
}
