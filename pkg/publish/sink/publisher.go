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
	// Logger gets a line when a target starts to fail, one when it is back, and one
	// for each event that does not reach the sink.
	Logger *zap.Logger

	delivered, retried, deadLettered, skipped atomic.Uint64

	reported uint64 // dropped entries that were logged; Run's own
}

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
	// Dropped events fell out of the journal before they could be sent.
	Dropped uint64
	// Waiting events are in the journal behind the one that is being sent.
	Waiting uint64
}

// Stats may be called at any time.
func (p *Publisher) Stats() Stats {
	return Stats{
		Delivered:    p.delivered.Load(),
		Retried:      p.retried.Load(),
		DeadLettered: p.deadLettered.Load(),
		Skipped:      p.skipped.Load(),
		Dropped:      p.Cursor.Dropped(),
		Waiting:      p.Cursor.Pending(),
	}
}

// Run publishes until ctx ends, and then returns nil. An event that is on its way at
// that moment is not acknowledged. Run fails only for a Delivery that is not valid, and
// when the journal fails.
func (p *Publisher) Run(ctx context.Context) error {
	if err := p.Delivery.Validate(); err != nil {
		return err
	}
	sink := newLink("the sink", p.Sink, p.Logger)
	deadLetter := newLink("the dead letter sink", p.DeadLetter, p.Logger)
	for ctx.Err() == nil {
		if err := p.next(ctx, sink, deadLetter); err != nil && ctx.Err() == nil {
			return fmt.Errorf("publish to the sink: %w", err)
		}
	}
	return nil
}

// next reads one entry of the journal, does all that can be done for it, and
// acknowledges it.
func (p *Publisher) next(ctx context.Context, sink, deadLetter *link) error {
	entry, err := p.Cursor.Next(ctx)
	if err != nil {
		return err
	}
	p.reportDropped()
	if err := p.publish(ctx, sink, deadLetter, entry); err != nil {
		return err
	}
	return p.Cursor.Ack(entry)
}

// publish sends an entry to where it can be sent. It fails only when ctx ends before
// that is done.
func (p *Publisher) publish(ctx context.Context, sink, deadLetter *link, entry journal.Entry) error {
	event, err := oran.Unmarshal(entry.Payload)
	if err != nil {
		p.skipped.Add(1)
		p.Logger.Error("an entry of the journal is no event and was skipped; please report this",
			zap.String("id", entry.ID()), zap.Error(err))
		return nil
	}
	m := message{event.Header(entry.ID(), entry.Sequence), event.Data}

	verdict := p.deliver(ctx, sink, m, p.Delivery.Retries)
	switch {
	case verdict.outcome == delivered:
		p.delivered.Add(1)
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	log := sink.log.With(zap.String("id", m.id()), zap.String("type", event.Type), zap.String("state", event.State),
		zap.String("reason", verdict.reason), zap.String("do", verdict.advice()))
	if deadLetter.target.URL == "" {
		p.skipped.Add(1)
		log.Error("the sink did not take an event, and it was skipped")
		return nil
	}
	markDead(m.header, verdict, sink.uri)
	return p.bury(ctx, deadLetter, m, log)
}

// bury sends a dead letter. It fails only when ctx ends before that is done.
func (p *Publisher) bury(ctx context.Context, deadLetter *link, m message, log *zap.Logger) error {
	retries := p.Delivery.Retries
	if retries == Forever {
		retries = deadLetterRetries
	}
	verdict := p.deliver(ctx, deadLetter, m, retries)
	switch {
	case verdict.outcome == delivered:
		p.deadLettered.Add(1)
		log.Warn("the sink did not take an event, and it went to the dead letter sink")
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		p.skipped.Add(1)
		log.Error("neither the sink nor the dead letter sink took an event, and it was skipped",
			zap.String("deadLetterReason", verdict.reason))
	}
	return nil
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

// deliver tries until the target takes or refuses the event, it was tried again so
// many times, or ctx ends.
func (p *Publisher) deliver(ctx context.Context, to *link, m message, retries int) verdict {
	for n := 1; ; n++ {
		verdict := p.try(ctx, to, m)
		switch {
		case verdict.outcome == delivered:
			to.worked(p.Cursor.Pending())
			return verdict
		case verdict.outcome == refused || ctx.Err() != nil:
			return verdict
		}
		to.failed(m, verdict, p.Cursor.Pending())
		if p.Cursor.Dropped() > p.reported {
			to.overflowed()
		}
		if retries != Forever && n > retries || !sleep(ctx, p.Delivery.wait(n)) {
			return verdict
		}
		p.retried.Add(1)
	}
}

// try sends the event once.
func (p *Publisher) try(ctx context.Context, to *link, m message) verdict {
	ctx, cancel := context.WithTimeout(ctx, p.Delivery.Timeout)
	defer cancel()
	return to.post(ctx, m)
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
