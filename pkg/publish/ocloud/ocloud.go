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

// Package ocloud publishes the journal to subscribers of the O-RAN O-Cloud notification
// API (O-RAN.WG6 Notification API for Event Consumers, v04.00): v2 and v1, as OpenShift's
// and StarlingX's consumers speak them.
//
// Every subscription is a cursor of its own. What its endpoint does not take is tried
// again, in order, for as long as it takes, and no endpoint waits for another.
package ocloud

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// Journal is what the API needs of a journal: a *journal.Log.
type Journal interface {
	// Cursor returns the reader called name where it has stopped, Tail behind all entries.
	Cursor(name string) journal.Cursor
	Tail(name string) journal.Cursor
	// Forget says that there is no such reader any more.
	Forget(name string)
}

// Live says how the clocks are at this moment.
type Live interface {
	// Now returns what holds, as an event for each property of each clock: its State and
	// Data are of now, and its Time is since when the State holds. Nothing is known yet
	// while ready is false.
	Now() (states []oran.Event, ready bool)
}

// Options say what to serve, and to whom.
type Options struct {
	// Here is the node whose clocks these are.
	Here oran.Place
	// Types are the event types that the journal gets (oran.Wanted).
	Types []string
	// Journal has the events, Live the present.
	Journal Journal
	Live    Live
	// Directory is where subscriptions are kept; empty means in memory.
	Directory string
	// Endpoints are those that may be subscribed.
	Endpoints Endpoints
	// Delivery says how hard to try.
	Delivery Delivery
	// Limits bound what clients may ask for.
	Limits Limits
	// Authorizer says who may do what; nil: everybody may do everything.
	Authorizer Authorizer
	// ClientCertificates is whether clients say who they are by a certificate, in the place of
	// an Authorizer (Certificate).
	ClientCertificates bool
	// RootCAs returns the authorities that https endpoints are trusted by; nil means those
	// of the system.
	RootCAs func() (*x509.CertPool, error)
	// Logger gets a line when a subscription begins or ends to fail, and when it is made or
	// removed.
	Logger *zap.Logger
}

// Delivery says how hard to try.
type Delivery struct {
	// Timeout is of one try.
	Timeout time.Duration
	// Backoff is the longest wait before the first retry. It doubles with every further one
	// up to MaxBackoff.
	Backoff, MaxBackoff time.Duration
	// Greeting is of all initial notifications of a subscription together.
	Greeting time.Duration
	// RemoveAfter is for how long an endpoint may fail before its subscription is removed;
	// 0: for ever.
	RemoveAfter time.Duration
}

// DefaultDelivery gives an endpoint a week. Clients in the field wait 2 s for the answer to
// a subscription, so the greeting must be over before that.
func DefaultDelivery() Delivery {
	return Delivery{
		Timeout: 5 * time.Second, Backoff: 100 * time.Millisecond, MaxBackoff: 10 * time.Second,
		Greeting: 1800 * time.Millisecond, RemoveAfter: 7 * 24 * time.Hour,
	}
}

// Limits bound what clients may ask for.
type Limits struct {
	// Subscriptions is how many there may be.
	Subscriptions int
	// Body is how many bytes a request may have.
	Body int64
	// Requests is how many may be answered at a time, and RequestsPerClient of one address:
	// who sends a body slowly, or has an endpoint that is slow, keeps others from nothing.
	Requests, RequestsPerClient int
	// Connections is how many there may be, and PerClient from one address.
	Connections, PerClient int
}

// DefaultLimits are far more than a node has consumers.
func DefaultLimits() Limits {
	return Limits{Subscriptions: 1024, Body: 16 << 10, Requests: 128, RequestsPerClient: 32, Connections: 1024, PerClient: 256}
}

// validate reports the first option that makes no sense.
func (o Options) validate() error {
	d, l := o.Delivery, o.Limits
	switch {
	case d.Timeout <= 0 || d.Backoff <= 0 || d.MaxBackoff < d.Backoff || d.Greeting <= 0 || d.RemoveAfter < 0:
		return fmt.Errorf("serve the O-Cloud API: delivery %+v makes no sense; see DefaultDelivery", d)
	case l.Subscriptions < 1 || l.Body < 1 || l.Requests < 1 || l.RequestsPerClient < 1 || l.Connections < 1 || l.PerClient < 1:
		return fmt.Errorf("serve the O-Cloud API: limits %+v must all be 1 or more", l)
	}
	return o.Endpoints.Validate()
}

// API is the server, and what delivers to its subscribers.
type API struct {
	options
	client *client
	store  *store
	notices
	workers workers

	began time.Time
	// ctx ends with Run.
	ctx context.Context
	end context.CancelFunc

	mu            sync.Mutex
	subscriptions []*subscription // replaced and never changed
	unserved      []record        // kept, and not served
	// wanted are those that are being made: their endpoints are asked just now.
	wanted map[string]record

	acks, saves alarm

	// What has become of notifications, of all subscriptions that there were.
	delivered, failedTries, skipped, lostEvents atomic.Uint64
}

// options keeps the field of that name out of the API's own.
type options = Options

// New returns the API with the subscriptions that are kept in the directory. They are
// served from where each has stopped, once Run runs.
func New(o Options) (*API, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	a := &API{
		options: o, began: time.Now(), client: newClient(o),
		wanted: map[string]record{},
	}
	a.workers.do = a.attend
	a.acks.do, a.saves.do = a.acknowledge, a.save
	a.ctx, a.end = context.WithCancel(context.Background())
	a.store = newStore(o.Directory)
	records, err := a.store.load()
	if err != nil {
		a.Logger.Error("the subscriptions cannot be read; consumers must subscribe again", zap.Error(err))
	}
	for _, r := range records {
		s, err := a.revive(r)
		if err != nil {
			a.putBy(r, err)
			continue
		}
		if !a.recorded(s.pattern) {
			a.Logger.Warn("a subscription gets nothing: none of its events is recorded any more", zap.String("id", r.ID), zap.String("resource", r.Resource),
				zap.String("do", "let spec.events.types of the source name them, or have the consumer unsubscribe"))
		}
		a.add(s)
	}
	return a, nil
}

// putBy keeps what cannot be served now, such as what is of a cluster that has another name
// since: it may have that one again. It ages like a subscription that fails.
func (a *API) putBy(r record, why error) {
	now := time.Now()
	if r.FailingSince.IsZero() {
		r.FailingSince = now
	}
	log := a.Logger.With(zap.String("id", r.ID), zap.String("endpoint", shown(r.EndpointURI)), zap.Error(why))
	if a.Delivery.RemoveAfter > 0 && now.Sub(r.FailingSince) >= a.Delivery.RemoveAfter {
		log.Error("a subscription was removed: it could not be served for too long")
		a.Journal.Forget(r.cursorName())
		return
	}
	log.Error("a subscription cannot be served; it is kept for a while", zap.Duration("for", a.Delivery.RemoveAfter), zap.String("do", "give cluster and node the names that they had, or have the consumer subscribe again"))
	r.FailingSince = r.FailingSince.Round(0)
	a.unserved = append(a.unserved, r)
}

// aged returns since when an endpoint has failed, as it was kept. The clock of this machine may
// have been wrong when that began, or is now. So at least half of its time is counted anew.
func (a *API) aged(since time.Time) time.Time {
	if since.IsZero() || a.Delivery.RemoveAfter == 0 {
		return since
	}
	now := time.Now()
	return now.Add(-min(max(0, now.Round(0).Sub(since)), a.Delivery.RemoveAfter/2))
}

// revive makes a subscription of what is kept of it.
func (a *API) revive(r record) (*subscription, error) {
	pattern, err := parsePattern(r.Resource, a.Here)
	if err != nil {
		return nil, err
	}
	r.FailingSince = a.aged(r.FailingSince)
	s := newSubscription(a.ctx, r, pattern)
	s.cursor = a.Journal.Cursor(r.cursorName())
	return s, nil
}

// Run delivers until ctx ends, and then returns nil. It fails only with the journal.
func (a *API) Run(ctx context.Context) error {
	defer a.close()
	stop := context.AfterFunc(ctx, a.end)
	defer stop()
	news := a.Journal.Tail("ocloud")
	defer news.Close()
	for {
		for _, s := range a.list() {
			a.wake(s)
		}
		if _, err := news.Next(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("publish to O-Cloud subscribers: %w", err)
		}
	}
}

// close writes down how far everybody has come.
func (a *API) close() {
	a.end()
	a.workers.wait()
	a.acks.stop()
	a.saves.stop()
	a.acknowledge()
	a.save()
	a.store.close()
	a.client.close()
}

// Stats is how the subscribers do.
type Stats struct {
	// Active are the subscriptions whose endpoints take what they are sent, Failing the others.
	Active, Failing int
	// Delivered counts notifications that an endpoint took, Failed tries that were to no avail,
	// Skipped notifications that an endpoint refused for good, and Lost events that the journal
	// could not keep for a subscription, all since New.
	Delivered, Failed, Skipped, Lost uint64
	// Oldest is when the change was observed, by the wall clock, that a subscriber has waited
	// for longest; zero where none waits.
	Oldest time.Time
}

// Stats may be called at any time.
func (a *API) Stats() Stats {
	is := Stats{Delivered: a.delivered.Load(), Failed: a.failedTries.Load(), Skipped: a.skipped.Load(), Lost: a.lostEvents.Load()}
	for _, s := range a.list() {
		s.mu.Lock()
		if s.failing.IsZero() {
			is.Active++
		} else {
			is.Failing++
		}
		if !s.waits.IsZero() && (is.Oldest.IsZero() || s.waits.Before(is.Oldest)) {
			is.Oldest = s.waits
		}
		s.mu.Unlock()
	}
	return is
}

// list returns all subscriptions, the oldest first. It is never changed.
func (a *API) list() []*subscription {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.subscriptions
}

// add serves one more subscription.
func (a *API) add(s *subscription) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.subscriptions = append(slices.Clip(a.subscriptions), s)
}

// get returns a subscription, nil if there is none of that id.
func (a *API) get(id string) *subscription {
	for _, s := range a.list() {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// remove ends subscriptions for good.
func (a *API) remove(ids ...string) {
	a.mu.Lock()
	var left []*subscription
	for _, s := range a.subscriptions {
		if !slices.Contains(ids, s.ID) {
			left = append(left, s)
			continue
		}
		s.end()
		a.Journal.Forget(s.cursorName())
	}
	a.subscriptions = left
	a.mu.Unlock()
	a.note(line{Removed: ids})
}

// note writes a change of the subscriptions down.
func (a *API) note(change line) {
	failing := a.store.isFailing()
	a.noted(failing, a.store.note(change, a.records))
}

// save writes all subscriptions down.
func (a *API) save() {
	failing := a.store.isFailing()
	a.noted(failing, a.store.replace(a.records))
}

// noted says what has come of writing. What cannot be written is tried again.
func (a *API) noted(failing bool, err error) {
	switch {
	case err != nil && !failing:
		a.Logger.Error("the subscriptions cannot be written down; they are lost if the adapter ends now",
			zap.Error(err), zap.String("do", "look at the directory of the journal and its disk"))
	case err == nil && failing:
		a.Logger.Info("the subscriptions are written down again")
	}
	if err != nil && a.ctx.Err() == nil {
		a.saves.in(saveAgain)
	}
}

// records are all subscriptions as they are to be kept.
func (a *API) records() []record {
	records := slices.Clone(a.unserved)
	for _, s := range a.list() {
		records = append(records, s.now())
	}
	return records
}

const (
	// saveAgain is how long to wait for a disk that cannot be written, and with news that
	// need not be written at once.
	saveAgain = 10 * time.Second
	// ackSoon is how long acknowledgements wait for others. After a crash, what was
	// delivered in that time comes once more.
	ackSoon = 250 * time.Millisecond
)

// acknowledge tells the journal how far everybody has come.
func (a *API) acknowledge() {
	for _, s := range a.list() {
		if e, ok := s.toAck(); ok {
			if err := s.cursor.Ack(e); err != nil {
				a.Logger.Debug("a subscription cannot be acknowledged", zap.String("id", s.ID), zap.Error(err))
			}
		}
	}
}

// alarm calls do once, some time after it was set first.
type alarm struct {
	do      func()
	mu      sync.Mutex
	set     bool
	stopped bool
}

func (a *alarm) in(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.set || a.stopped {
		return
	}
	a.set = true
	time.AfterFunc(d, func() {
		a.mu.Lock()
		a.set = false
		stopped := a.stopped
		a.mu.Unlock()
		if !stopped {
			a.do()
		}
	})
}

// stop has do called no more: the directory may be another process's by then.
func (a *alarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
}
