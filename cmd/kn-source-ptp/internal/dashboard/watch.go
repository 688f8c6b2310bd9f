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

package dashboard

import (
	"context"
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/feed"
)

const (
	// stagger is the time between two first questions, so that a large fleet is not asked
	// all at once; and how much of the interval each adapter of a large fleet takes.
	stagger = 2 * time.Millisecond
	share   = 10 * time.Millisecond
	// pause is between two questions to the same adapter, whatever happens there.
	pause = 250 * time.Millisecond
)

// watch keeps a fleet as it is: every adapter is asked again and again how its clocks are,
// and at once when it has told an event. It implements feed.Adapters, so that adapters are
// looked for once.
type watch struct {
	feed.Adapters
	*fleet
	client             Client
	interval, patience time.Duration

	mu      sync.Mutex
	nudges  map[string]chan struct{} // by key
	stops   map[string]context.CancelFunc
	askings sync.WaitGroup
}

// Watch implements feed.Adapters.
func (w *watch) Watch(ctx context.Context, changed func([]cluster.Adapter)) error {
	ctx, stop := context.WithCancel(ctx)
	defer w.askings.Wait()
	defer stop()
	return w.Adapters.Watch(ctx, func(all []cluster.Adapter) {
		w.setAdapters(all)
		w.ask(ctx, all)
		changed(all)
	})
}

// ask begins to ask adapters that are new, and ends it with those that are gone.
func (w *watch) ask(ctx context.Context, all []cluster.Adapter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	there, fresh := map[string]bool{}, 0
	for _, a := range all {
		key := keyOf(a)
		there[key] = true
		if w.stops[key] != nil {
			w.nudge(key) // its pod may be another one
			continue
		}
		own, stop := context.WithCancel(ctx)
		nudged := make(chan struct{}, 1)
		w.stops[key], w.nudges[key] = stop, nudged
		wait := time.Duration(fresh) * stagger
		fresh++
		w.askings.Go(func() { w.keepAsking(own, key, wait, nudged) })
	}
	for key, stop := range w.stops {
		if !there[key] {
			stop()
			delete(w.stops, key)
			delete(w.nudges, key)
		}
	}
}

// soon has an adapter asked soon.
func (w *watch) soon(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nudge(key)
}

func (w *watch) nudge(key string) {
	select {
	case w.nudges[key] <- struct{}{}:
	default: // it is nudged already, or not there
	}
}

// every is the time between two questions to the same adapter.
func (w *watch) every() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return max(w.interval, time.Duration(len(w.stops))*share)
}

// keepAsking asks one adapter until the context is done.
func (w *watch) keepAsking(ctx context.Context, key string, wait time.Duration, nudged <-chan struct{}) {
	var asked time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		case <-nudged:
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(asked.Add(pause))):
			}
		}
		a, there := w.adapter(key)
		if !there {
			return
		}
		asked = time.Now()
		state, err := w.client.State(ctx, a, w.patience)
		if ctx.Err() != nil {
			return
		}
		w.answer(key, state, err, asked, time.Now())
		wait = w.every()
	}
}

// follow takes the events of all adapters until the context is done.
func (w *watch) follow(ctx context.Context, f *feed.Feed) error {
	f.Adapters, f.Ask, f.Patience = w, w.client, w.patience
	f.Event = func(e feed.Event) error {
		made, err := newEvent(e)
		if err != nil { // which is no reason to do without those of others
			w.trouble(keyOf(e.From), err.Error())
			return nil
		}
		w.add(*made, e.Time)
		w.soon(made.Key)
		return nil
	}
	f.Trouble = func(t feed.Trouble) {
		why := ""
		if !t.Over {
			why = t.Err.Error()
		}
		w.trouble(keyOf(t.From), why)
		w.soon(keyOf(t.From))
	}
	return f.Follow(ctx)
}
