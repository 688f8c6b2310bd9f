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

package telemetry

import (
	"context"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"knative.dev/eventing/pkg/observability"
)

type eventInstruments struct {
	recorded, settled, attempts metric.Int64Counter
	delivery                    metric.Float64Histogram
}

func newEventInstruments(b *builder) eventInstruments {
	return eventInstruments{
		recorded: b.events("ptp.events.recorded", "{event}", "Events that the journal has taken"),
		settled:  b.events("ptp.events.settled", "{event}", "Events that are done with, by what has become of them"),
		attempts: b.events("ptp.delivery.attempts", "{attempt}", "Tries to send an event, by what came of them"),
		delivery: b.durations("ptp.delivery.duration", "From when a change was observed until the sink has acknowledged its event",
			.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 60, 600, 3600),
	}
}

// Recorded counts an event that the journal has: of which type it is, and when its change
// was observed, by the wall clock and, as at, by the monotonic one.
func (m *Metrics) Recorded(eventType string, observed, at time.Time) {
	m.observed.start(observed, at)
	m.countRecorded(eventType, 1)
}

func (m *Metrics) countRecorded(eventType string, n int64) {
	m.events.recorded.Add(context.Background(), n, m.with(observability.CloudEventType.With(eventType)))
}

// Tried counts a try to send an event to a target. The status is 0 where there was no
// answer.
func (m *Metrics) Tried(target string, status int) {
	text := "none"
	if status > 0 {
		text = strconv.Itoa(status)
	}
	m.events.attempts.Add(context.Background(), 1, m.with(targetKey.String(target), statusKey.String(text)))
}

// Settled counts an event that is done with.
func (m *Metrics) Settled(eventType, outcome string) { m.countSettled(eventType, outcome, 1) }

func (m *Metrics) countSettled(eventType, outcome string, n int64) {
	m.events.settled.Add(context.Background(), n, m.with(observability.CloudEventType.With(eventType), outcomeKey.String(outcome)))
}

// Delivered says that the sink has taken an event whose change was observed at a time, by
// the wall clock.
func (m *Metrics) Delivered(observed time.Time) {
	m.events.delivery.Record(context.Background(), m.observed.since(observed).Seconds(), m.with())
}

type backlogInstruments struct {
	length              metric.Int64ObservableUpDownCounter
	age                 metric.Float64ObservableGauge
	dropped, superseded metric.Int64ObservableCounter
}

func newBacklogInstruments(b *builder) backlogInstruments {
	return backlogInstruments{
		length:     b.sum("ptp.backlog.length", "{event}", "Events that are not yet at the sink"),
		age:        b.seconds("ptp.backlog.age", "How long ago the change was observed whose event is sent next; 0 when none waits"),
		dropped:    b.count("ptp.events.dropped", "{event}", "Events that fell out of the journal before they were sent"),
		superseded: b.count("ptp.events.superseded", "{event}", "Events that were not sent because a newer one of the same resource was"),
	}
}

func (m *Metrics) observeBacklog(to metric.Observer, b Backlog) {
	all := m.with()
	var age time.Duration
	if !b.Oldest.IsZero() {
		age = m.observed.since(b.Oldest)
	}
	to.ObserveInt64(m.backlog.length, int64(b.Length), all)
	to.ObserveFloat64(m.backlog.age, age.Seconds(), all)
	to.ObserveInt64(m.backlog.dropped, int64(b.Dropped), all)
	to.ObserveInt64(m.backlog.superseded, int64(b.Superseded), all)
}

// stopwatch knows how long ago changes were observed by the monotonic clock, whatever has
// happened to the wall clock since: it may be the very one whose step the event is about.
// Of changes that are too many to be remembered, and of those before a restart, the wall
// clock has to tell.
type stopwatch struct {
	mu     sync.Mutex
	starts [256]start
	next   int
}

type start struct {
	observed int64 // ns since 1970, by the wall clock
	at       time.Time
}

func (s *stopwatch) start(observed, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starts[s.next] = start{observed.UnixNano(), at}
	s.next = (s.next + 1) % len(s.starts)
}

func (s *stopwatch) since(observed time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, start := range s.starts {
		if start.observed == observed.UnixNano() && !start.at.IsZero() {
			return time.Since(start.at)
		}
	}
	return max(0, time.Since(observed))
}
