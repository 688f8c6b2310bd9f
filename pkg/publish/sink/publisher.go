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

// Package sink publishes the journal to a Knative sink: at least once, in order, and
// with the same id on every try.
package sink

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// deadLetterRetries is how often a dead letter is tried again where the sink itself
// would be waited for: a dead letter sink that is down must not stop the events that
// the sink takes. With the default delivery these are about half a minute.
const deadLetterRetries = 10

// Publisher sends what a cursor reads to a sink.
//
// An event that the sink cannot take now is tried again: no connection, no answer in
// time, the answers 404, 408, 409, 429 and every 5xx (Knative's data plane contract).
// One that it refuses with any other answer goes to the dead letter sink, or is logged
// and skipped where there is none.
type Publisher struct {
	// Cursor reads the journal. It stays open when Run ends.
	Cursor journal.Cursor
	// Sink gets the events.
	Sink Target
	// DeadLetter gets what the sink refuses, where it has a URL. It is tried ten times
	// where Delivery says to wait for the sink.
	DeadLetter Target
	// Delivery is for both.
	Delivery Delivery
	// LatestPerResource sends only the newest event of each resource where several wait.
	// Otherwise every event is sent.
	LatestPerResource bool
	// Sampled says whether the trace of an event is recorded. Nil: none is.
	Sampled func(TraceID) bool
	// Observer is told what comes of events, where it is set.
	Observer Observer
	// Logger gets a line when a target starts to fail, one when it is back, and one
	// for each event that does not reach the sink.
	Logger *zap.Logger

	backlog                                   backlog
	delivered, retried, deadLettered, skipped atomic.Uint64

	reported uint64 // dropped entries that were logged; Run's own
}

// Observer is told what comes of events, for example to count it. Run calls its methods,
// one after the other, and sends nothing meanwhile.
type Observer interface {
	// Tried says what a target has answered to an event, and how long that took. The
	// status is 0 where there was no answer in time.
	Tried(to TargetName, status int, took time.Duration)
	// Settled says what has become of an event, of which id is the CloudEvent's.
	Settled(id string, event oran.Event, as Outcome)
}

// TargetName tells the targets apart.
type TargetName string

// The targets.
const (
	Sink       TargetName = "sink"
	DeadLetter TargetName = "deadLetterSink"
)

// Outcome is what has become of an event.
type Outcome string

// The outcomes of events that were sent.
const (
	// Delivered: the sink has taken it.
	Delivered Outcome = "delivered"
	// DeadLettered: the dead letter sink has taken it.
	DeadLettered Outcome = "deadLettered"
	// Skipped: neither has taken it.
	Skipped Outcome = "skipped"
)

// Stats counts events since the publisher was made.
type Stats struct {
	// Delivered events were taken by the sink.
	Delivered uint64
	// Retried is how often an event was tried again, at either target.
	Retried uint64
	// DeadLettered events were refused by the sink and taken by the dead letter sink.
	DeadLettered uint64
	// Skipped events reached neither.
	Skipped uint64
	// Superseded events were not sent, because a newer one of the same resource was.
	Superseded uint64
	// Dropped events fell out of the journal before they could be sent.
	Dropped uint64
	// Waiting events are behind the one that is being sent.
	Waiting uint64
	// Oldest is when the one that is being sent was observed; zero while there is none.
	Oldest time.Time
}

// Stats may be called at any time.
func (p *Publisher) Stats() Stats {
	s := Stats{
		Delivered:    p.delivered.Load(),
		Retried:      p.retried.Load(),
		DeadLettered: p.deadLettered.Load(),
		Skipped:      p.skipped.Load() + p.backlog.unreadable.Load(),
		Superseded:   p.backlog.superseded.Load(),
		Dropped:      p.Cursor.Dropped(),
		Waiting:      p.waiting(),
	}
	if oldest := p.backlog.oldest.Load(); oldest != 0 {
		s.Oldest = time.Unix(0, oldest).UTC()
	}
	return s
}

func (p *Publisher) waiting() uint64 { return p.backlog.waiting.Load() + p.Cursor.Pending() }

// Run publishes until ctx ends, and then returns nil. An event that is on its way at
// that moment is not acknowledged. Run fails only for a Delivery that is not valid, and
// when the journal fails.
func (p *Publisher) Run(ctx context.Context) error {
	if err := p.Delivery.Validate(); err != nil {
		return err
	}
	p.backlog.cursor, p.backlog.latest, p.backlog.log = p.Cursor, p.LatestPerResource, p.Logger
	sink := newLink(Sink, "the sink", p.Sink, p.Logger)
	defer sink.client.CloseIdleConnections()
	deadLetter := newLink(DeadLetter, "the dead letter sink", p.DeadLetter, p.Logger)
	defer deadLetter.client.CloseIdleConnections()
	for ctx.Err() == nil {
		if err := p.next(ctx, sink, deadLetter); err != nil && ctx.Err() == nil {
			return fmt.Errorf("publish to the sink: %w", err)
		}
	}
	return nil
}

// next does all that can be done for one event of the journal, and acknowledges it. Where
// a newer one takes its place meanwhile, it does nothing.
func (p *Publisher) next(ctx context.Context, sink, deadLetter *link) error {
	head, err := p.backlog.head(ctx)
	if err != nil {
		return err
	}
	p.reportDropped()
	outcome, err := p.publish(ctx, sink, deadLetter, head)
	if err != nil || outcome == "" {
		return err
	}
	p.count(outcome)
	if p.Observer != nil {
		p.Observer.Settled(head.entry.ID(), head.event, outcome)
	}
	return p.backlog.done()
}

func (p *Publisher) count(o Outcome) {
	switch o {
	case Delivered:
		p.delivered.Add(1)
	case DeadLettered:
		p.deadLettered.Add(1)
	case Skipped:
		p.skipped.Add(1)
	}
}

// publish sends an event to where it can be sent. The outcome is empty where another one
// is to be sent instead. It fails only when ctx ends before that is done, or with the
// journal.
func (p *Publisher) publish(ctx context.Context, sink, deadLetter *link, i *item) (Outcome, error) {
	m := message{i.event.Header(i.entry.ID(), i.entry.Sequence), i.event.Data}
	if i.skipped > 0 {
		m.header["Ce-Ptpskipped"] = []string{strconv.Itoa(i.skipped)}
	}
	setTrace(m.header, p.Sampled)

	verdict, err := p.deliver(ctx, sink, m, p.Delivery.Retries, func() (bool, error) { return p.backlog.isHead(ctx, i) })
	switch {
	case err != nil:
		return "", err
	case verdict.outcome == delivered:
		return Delivered, nil
	case verdict.outcome == replaced:
		return "", nil
	}
	log := sink.log.With(zap.String("id", m.id()), zap.String("type", i.event.Type), zap.String("state", i.event.State),
		zap.String("reason", verdict.reason), zap.String("do", verdict.advice()))
	if deadLetter.target.URL == "" {
		log.Error("the sink did not take an event, and it was skipped")
		return Skipped, nil
	}
	markDead(m.header, verdict, sink.uri)
	return p.bury(ctx, deadLetter, m, log)
}

// bury sends a dead letter. It fails only when ctx ends before that is done.
func (p *Publisher) bury(ctx context.Context, deadLetter *link, m message, log *zap.Logger) (Outcome, error) {
	retries := p.Delivery.Retries
	if retries == Forever {
		retries = deadLetterRetries
	}
	verdict, err := p.deliver(ctx, deadLetter, m, retries, func() (bool, error) { return true, nil })
	switch {
	case err != nil:
		return "", err
	case verdict.outcome == delivered:
		log.Warn("the sink did not take an event, and it went to the dead letter sink")
		return DeadLettered, nil
	}
	log.Error("neither the sink nor the dead letter sink took an event, and it was skipped",
		zap.String("deadLetterReason", verdict.reason))
	return Skipped, nil
}

// markDead says in the event why it is a dead letter, as Knative's dispatchers do.
func markDead(h http.Header, cause verdict, sink string) {
	const maxData = 1024
	code, data := cause.status, cause.body
	if code == 0 {
		code, data = http.StatusInternalServerError, "dispatch error: "+cause.reason
	}
	h["Ce-Knativeerrordest"] = []string{sink}
	h["Ce-Knativeerrorcode"] = []string{strconv.Itoa(code)}
	if data != "" {
		encoded := base64.StdEncoding.EncodeToString([]byte(data))
		h["Ce-Knativeerrordata"] = []string{encoded[:min(len(encoded), maxData)]}
	}
}

// deliver tries until the target takes or refuses the event, it was tried again so many
// times, or it is not wanted any more. It fails when ctx ends before that, or wanted does.
func (p *Publisher) deliver(ctx context.Context, to *link, m message, retries int, wanted func() (bool, error)) (verdict, error) {
	for n := 0; ; n++ {
		verdict := p.try(ctx, to, m)
		if verdict.outcome == delivered {
			to.worked(p.waiting())
			return verdict, nil
		}
		if ctx.Err() != nil {
			return verdict, ctx.Err()
		}
		if verdict.outcome == refused {
			to.failures = 0 // it answers
			return verdict, nil
		}
		to.failed(m, verdict, p.waiting())
		if p.Cursor.Dropped() > p.reported {
			to.overflowed()
		}
		if n == retries {
			to.failures = 0 // the next event has tries of its own
			return verdict, nil
		}
		if !sleep(ctx, p.Delivery.wait(to.failures, verdict.retryAfter)) {
			return verdict, ctx.Err()
		}
		if is, err := wanted(); err != nil || !is {
			verdict.outcome = replaced
			return verdict, err
		}
		p.retried.Add(1)
	}
}

// try sends the event once.
func (p *Publisher) try(ctx context.Context, to *link, m message) verdict {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, p.Delivery.Timeout)
	defer cancel()
	verdict := to.post(ctx, m)
	if p.Observer != nil {
		p.Observer.Tried(to.is, verdict.status, time.Since(began))
	}
	return verdict
}

func (p *Publisher) reportDropped() {
	dropped := p.Cursor.Dropped()
	if dropped == p.reported {
		return
	}
	p.Logger.Error("events were lost: they fell out of the journal before the sink took them",
		zap.Uint64("lost", dropped-p.reported), zap.Uint64("lostInAll", dropped), zap.String("do", "let the journal keep more, or keep the sink up"))
	p.reported = dropped
}
