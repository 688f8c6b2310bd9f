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

package ocloud

import (
	"sync"
	"time"
)

const (
	// atATime is how many endpoints are sent to at a time. More would only wait for the
	// processor.
	atATime = 32
	// slow is how long an endpoint may keep others waiting. The worker that waits for it
	// counts no more, and another one takes its place.
	slow = 5 * time.Millisecond
)

// workers attend to subscriptions that have something to send, first come, first served.
// There is no goroutine where there is nothing to do, and never more than one for each
// subscription.
type workers struct {
	do func(*subscription)

	mu    sync.Mutex
	ready []*subscription
	// working is how many are at it, without those that wait for a slow endpoint.
	working int
	all     sync.WaitGroup
	closed  bool
}

// add puts a subscription behind the others.
func (w *workers) add(s *subscription) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.ready = append(w.ready, s)
	w.hire()
}

// hire lets one more work, where that helps.
func (w *workers) hire() {
	if w.working < atATime && len(w.ready) > 0 && !w.closed {
		w.working++
		w.all.Go(w.work)
	}
}

func (w *workers) work() {
	for {
		s := w.next()
		if s == nil {
			return
		}
		gone := time.AfterFunc(slow, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.working--
			w.hire()
		})
		w.do(s)
		if !gone.Stop() {
			w.mu.Lock()
			w.working++
			w.mu.Unlock()
		}
	}
}

// next returns who is next, nil where there is nobody, or too many work.
func (w *workers) next() *subscription {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ready) == 0 || w.working > atATime || w.closed {
		w.working--
		return nil
	}
	s := w.ready[0]
	w.ready[0] = nil
	w.ready = w.ready[1:]
	return s
}

// wait ends all work, and returns when nobody works any more.
func (w *workers) wait() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.all.Wait()
}
