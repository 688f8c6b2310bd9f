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
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// wake has a subscription look for news, unless somebody has it, who looks again before
// letting it go.
func (a *API) wake(s *subscription) {
	if s.busy.CompareAndSwap(false, true) {
		a.goOn(s)
	}
}

// goOn has a subscription that the caller has be attended to, or lets it go where there is
// nothing to send.
func (a *API) goOn(s *subscription) {
	for {
		if len(s.queue) > 0 || a.advance(s) {
			a.workers.add(s) // behind the others
			return
		}
		s.busy.Store(false)
		// What came meanwhile has found it busy.
		if s.cursor.Pending() == 0 || !s.busy.CompareAndSwap(false, true) {
			return
		}
	}
}

// stretch is how many entries are looked at for a subscription before others have their
// turn: one that was away for long may have to pass over very many.
const stretch = 256

// advance reads on until there is something to send, and reports whether the subscription
// has to be attended to: to send that, or to read on.
func (a *API) advance(s *subscription) bool {
	for range stretch {
		if len(s.queue) > 0 {
			return true
		}
		entry, ok := s.cursor.Poll()
		if !ok {
			return false
		}
		if entry.Lost > 0 {
			a.lost(s, entry.Lost)
		}
		var body []byte
		n := a.notice(entry)
		if n != nil && oran.Match(s.pattern, n.event.Address, a.Here) {
			body = n.body(s.record)
		}
		switch {
		case body != nil:
			s.queue = append(s.queue, message{id: n.id, body: body, at: n.event.Time, entry: entry})
		case len(s.queue) > 0: // what holds now; only with that this entry is done
			s.queue[0].entry = entry
		default:
			a.settle(s, entry)
		}
	}
	return true
}

// lost puts what holds now in the place of events that the journal could not keep: none of
// those behind them need be of the same resource.
func (a *API) lost(s *subscription, n uint64) {
	s.mu.Lock()
	s.lost += n
	s.mu.Unlock()
	a.lostEvents.Add(n)
	a.Logger.Error("the journal could not keep everything for a subscription; it gets what holds now instead",
		zap.String("id", s.ID), zap.String("endpoint", shown(s.EndpointURI)), zap.Uint64("lost", n), zap.String("do", "let the journal keep more, or keep the endpoint up"))
	s.queue = append(s.queue, message{present: true})
}

// present is what a subscriber gets to know of what holds now.
func (a *API) present(r record, pattern oran.Address) []message {
	states := a.states(pattern)
	if r.API == v1StarlingX {
		states = a.separate(pattern) // it has a state for each instance
	}
	var all []message
	for _, n := range states {
		if body := n.body(r); body != nil {
			all = append(all, message{id: n.id, body: body, at: n.asked})
		}
	}
	return all
}

// unfold puts what holds now in the place of the first message, which stands for that. While
// nothing is known yet, as after a start, it is tried again a moment later, and false.
func (a *API) unfold(s *subscription) bool {
	const moment = 50 * time.Millisecond
	if _, ready := a.Live.Now(); !ready {
		s.mu.Lock()
		defer s.mu.Unlock()
		a.later(s, moment)
		return false
	}
	entry := s.queue[0].entry
	states := a.present(s.record, s.pattern)
	if len(states) == 0 {
		a.settle(s, entry)
	} else {
		states[len(states)-1].entry = entry
	}
	s.queue = slices.Replace(s.queue, 0, 1, states...)
	return true
}

// later has a subscription attended to again. It takes the subscription's mu for granted.
func (a *API) later(s *subscription, in time.Duration) {
	if !s.ended {
		s.retry = time.AfterFunc(in, func() { a.workers.add(s) })
	}
}

// settle says that an entry is done with.
func (a *API) settle(s *subscription, e journal.Entry) {
	if e.Sequence > 0 {
		s.settle(e)
		a.acks.in(ackSoon)
	}
}

// refusals is how often what an endpoint refuses is tried: it may be the endpoint that is
// wrong and not the event.
const refusals = 5

// attend sends the first message of a subscription once, or reads on to the next one.
func (a *API) attend(s *subscription) {
	if len(s.queue) > 0 && s.queue[0].present && !a.unfold(s) {
		return
	}
	if len(s.queue) == 0 {
		a.goOn(s)
		return
	}
	m := s.queue[0]
	s.wait(m.at)
	ctx, cancel := context.WithTimeout(s.ctx, a.Delivery.Timeout)
	answer := a.client.post(ctx, s.EndpointURI, s.header, m.body)
	cancel()
	s.tries++
	switch {
	case answer.ok():
		a.worked(s)
	case s.ctx.Err() != nil:
		return // nobody will look at it again
	case answer.refused() && s.tries >= refusals:
		a.refused(s, m, answer)
	default:
		a.failed(s, m, answer)
		return
	}
	s.queue, s.tries = s.queue[1:], 0
	s.wait(time.Time{})
	a.settle(s, m.entry)
	a.goOn(s)
}

func (a *API) worked(s *subscription) {
	s.mu.Lock()
	s.delivered++
	a.delivered.Add(1)
	since := s.failing
	s.failing, s.reason = time.Time{}, ""
	s.mu.Unlock()
	if !since.IsZero() {
		a.Logger.Info("an endpoint takes events again", zap.String("id", s.ID), zap.String("endpoint", shown(s.EndpointURI)), zap.Duration("after", time.Since(since)))
		a.saves.in(saveAgain)
	}
}

func (a *API) refused(s *subscription, m message, answer answer) {
	s.mu.Lock()
	s.refused++
	s.mu.Unlock()
	a.skipped.Add(1)
	a.Logger.Error("an endpoint has refused a notification, and it was skipped", zap.String("id", s.ID), zap.String("endpoint", shown(s.EndpointURI)),
		zap.String("event", m.id), zap.String("reason", answer.reason()), zap.String("do", "look at the log of the consumer"))
}

// failed has the message tried again later, or gives the subscription up.
func (a *API) failed(s *subscription, m message, answer answer) {
	now := time.Now()
	a.failedTries.Add(1)
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	first := s.failing.IsZero()
	if first {
		s.failing = now
	}
	s.reason = answer.reason()
	failing := now.Sub(s.failing)
	given := a.Delivery.RemoveAfter > 0 && failing >= a.Delivery.RemoveAfter
	if !given {
		a.later(s, a.Delivery.wait(s.tries, answer.after))
	}
	s.mu.Unlock()
	log := a.Logger.With(zap.String("id", s.ID), zap.String("endpoint", shown(s.EndpointURI)), zap.String("reason", answer.reason()))
	switch {
	case given:
		log.Error("a subscription was removed: its endpoint has taken nothing for too long", zap.Duration("failing", failing), zap.String("do", "subscribe again when the endpoint is back"))
		a.remove(s.ID)
	case first:
		log.Warn("an endpoint does not take events; they are kept and tried again", zap.String("event", m.id), zap.String("do", answer.advice()))
		a.saves.in(saveAgain)
	}
}

// wait is how long to wait after the nth failure in a row; longer where the endpoint has
// asked for it. A part is random, so that many do not come back in step.
func (d Delivery) wait(n int, asked time.Duration) time.Duration {
	longest := d.Backoff
	for ; n > 1 && longest < d.MaxBackoff; n-- {
		longest = min(2*longest, d.MaxBackoff)
	}
	return max(longest-rand.N(longest/2+1), min(asked, time.Minute))
}

// greet tells an endpoint what holds now, and returns of how much. It fails if the endpoint
// does not take all of it.
func (a *API) greet(ctx context.Context, r record, pattern oran.Address) (told uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.Delivery.Greeting)
	defer cancel()
	if err := a.known(ctx); err != nil {
		return 0, err
	}
	for _, m := range a.present(r, pattern) {
		if answer := a.client.post(ctx, r.EndpointURI, headerOf(r), m.body); !answer.ok() {
			a.failedTries.Add(1)
			return told, problemf(http.StatusBadRequest, "the endpoint %s did not take the initial notification: %s; %s", shown(r.EndpointURI), answer.reason(), answer.advice())
		}
		a.delivered.Add(1)
		told++
	}
	return told, nil
}

// answer is what came of a request to an endpoint.
type answer struct {
	status int // 0 where there was none
	err    error
	after  time.Duration // how long it asks to be left alone
}

func (a answer) ok() bool { return a.status/100 == 2 }

// refused is whether trying again is likely to come to the same (Knative's data plane
// contract).
func (a answer) refused() bool {
	switch a.status {
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return false
	}
	return a.status/100 == 4
}

func (a answer) reason() string {
	switch {
	case errors.Is(a.err, context.DeadlineExceeded):
		return "no answer in time"
	case a.err != nil:
		return a.err.Error()
	}
	return fmt.Sprintf("status %d %s", a.status, http.StatusText(a.status))
}

// advice says what a person can do about it.
func (a answer) advice() string {
	switch {
	case isForbidden(a.err):
		return "see oCloud.endpoints and oCloud.allowedNetworks of the source"
	case a.status == 0:
		return "check that the consumer runs and listens there, and that no network policy is in between"
	case a.status/100 == 3:
		return "redirects are not followed: subscribe with the address that it redirects to"
	case a.status == http.StatusNotFound:
		return "check the path of the endpoint"
	}
	return "look at the log of the consumer"
}
