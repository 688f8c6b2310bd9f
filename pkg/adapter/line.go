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

package adapter

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/telemetry"
)

// line is the way of an observation through the adapter: what it changes is decided,
// named and recorded before observe returns. Nothing is queued on the way, so the
// journal has every change in the order in which it was seen.
//
// The journal may come later than the first observations: one that another adapter is
// about to leave. These wait for it. What the other has not said of them is said then.
type line struct {
	origin     time.Time // of all instants
	encoder    oran.Encoder
	types      []string // of the events that are recorded (oran.Wanted)
	thresholds clock.Thresholds
	metrics    *telemetry.Metrics // nil where nobody asks for any
	log        *zap.SugaredLogger

	mu       sync.Mutex
	journal  *journal.Log        // nil before begin
	waiting  []clock.Observation // for it
	node     *clock.Node
	since    map[property]clock.Instant // when each property became what it is
	deadline *time.Timer
	ready    bool
	closed   bool
}

func newLine(origin time.Time, c config.Config, e oran.Encoder, log *zap.SugaredLogger) *line {
	thresholds := c.Thresholds.Clock()
	node := clock.NewNode(thresholds)
	if c.OSClock.Enabled {
		node.WatchOSClock(c.OSClock.FedBy == config.FedByPTP)
	}
	if c.GNSS.Enabled {
		node.WatchGNSS()
	}
	if c.SyncE.Enabled {
		node.WatchDPLLs()
	}
	if c.HardwareClock.Enabled {
		node.WatchHardwareClocks()
	}
	if oran.Details(c.Events.Types) {
		node.WatchDetails()
	}
	return &line{
		origin: origin, encoder: e, types: c.Events.Types, thresholds: thresholds, log: log,
		node: node, since: map[property]clock.Instant{},
	}
}

// property is one that transitions are about.
type property struct {
	kind     clock.Kind
	instance string
}

// begin lets the line record, from where the journal has ended. What has been seen so far
// may be in it already, and older than what is: only what came of all of it counts. The
// journal is the line's to close.
func (l *line) begin(j *journal.Log) {
	l.report(l.do(func(n *clock.Node) []clock.Transition {
		l.journal = j
		n.Resume(0, l.past(j))
		var changes []clock.Transition
		for _, o := range l.waiting {
			for at, ok := n.Deadline(); ok && at <= o.At; at, ok = n.Deadline() {
				changes = append(changes, n.Advance(at)...)
			}
			changes = append(changes, n.Observe(o)...)
		}
		l.waiting = nil
		return outcome(changes)
	}))
}

// outcome makes one change of all those of a property, or none where it is as it was.
func outcome(changes []clock.Transition) []clock.Transition {
	first, last := map[property]clock.Transition{}, map[property]int{}
	for n, c := range changes {
		p := property{c.Kind, c.Instance}
		if _, ok := first[p]; !ok {
			first[p] = c
		}
		last[p] = n
	}
	var out []clock.Transition
	for n, c := range changes {
		p := property{c.Kind, c.Instance}
		switch {
		case c.Kind == clock.OSClockSet, c.Kind == clock.HardwareClockSet: // each is one more
		case last[p] != n || first[p].From == c.To:
			continue
		default:
			c.From = first[p].From
		}
		out = append(out, c)
	}
	return out
}

// past is what was said of this node's clocks before, and for how long it may be trusted.
func (l *line) past(j *journal.Log) []clock.Past {
	var past []clock.Past
	for _, entry := range j.Last() {
		event, err := oran.Unmarshal(entry.Payload)
		if err != nil {
			continue // it is not of this version
		}
		p, ok := event.Past(l.encoder.Place())
		if !ok {
			continue
		}
		if j.SameBoot() {
			since := event.Time.Sub(l.origin.Round(0))
			l.since[property{p.Kind, p.Instance}] = clock.Instant(since)
			p.Holdover = l.thresholds.HoldoverTimeout
			if p.Value == clock.Holdover {
				p.Holdover += min(0, since)
			}
		}
		past = append(past, p)
	}
	return past
}

// observe takes one observation from a watcher.
func (l *line) observe(o clock.Observation) {
	l.report(l.do(func(n *clock.Node) []clock.Transition {
		if l.journal == nil {
			l.waiting = append(l.waiting, o)
			return nil
		}
		return n.Observe(o)
	}))
}

// advance lets time pass for the state machines.
func (l *line) advance() {
	l.report(l.do(func(n *clock.Node) []clock.Transition { return n.Advance(l.instant(time.Now())) }))
}

// reassert records the present state of everything again, every so often until ctx ends.
// It begins somewhere in the first period, so that not all nodes speak at once.
func (l *line) reassert(ctx context.Context, every time.Duration) {
	timer := time.NewTimer(rand.N(every))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(every)
		l.report(l.do(func(n *clock.Node) []clock.Transition { return n.Reassert(l.instant(time.Now())) }))
	}
}

// do decides and records, and sets the alarm for the next change that only time will bring.
func (l *line) do(decide func(*clock.Node) []clock.Transition) []recorded {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	done := l.record(decide(l.node))
	if !l.ready && l.node.Ready() {
		l.ready = true
		l.log.Infow("ready: every clock source was read once or is known to be absent")
	}
	if next, ok := l.node.Deadline(); ok {
		l.alarm(max(0, next.Sub(l.instant(time.Now()))))
	} else if l.deadline != nil {
		l.deadline.Stop()
	}
	return done
}

// recorded is a change that the journal has, or err if it has not.
type recorded struct {
	transition clock.Transition
	event      oran.Event
	id         string
	err        error
	// lasted is how long the property had been what it was; 0 when it was nothing.
	lasted time.Duration
	// status is what was known then of the instance.
	status clock.Status
}

// record appends what has changed to the journal.
func (l *line) record(changes []clock.Transition) []recorded {
	if len(changes) == 0 {
		return nil
	}
	now := time.Now()
	done := make([]recorded, 0, len(changes))
	for _, t := range changes {
		r := recorded{transition: t, lasted: l.lasted(t), status: l.node.Status(t.Instance)}
		r.event, r.err = l.encoder.Encode(t, l.wall(now, t.At))
		if r.err == nil {
			if !oran.Wanted(r.event.Type, l.types) {
				continue
			}
			r.id, r.err = l.append(r.event)
		}
		done = append(done, r)
	}
	return done
}

// lasted returns how long the state that t ends has lasted.
func (l *line) lasted(t clock.Transition) time.Duration {
	p := property{t.Kind, t.Instance}
	since, known := l.since[p]
	if t.From != t.To { // otherwise it lasts
		l.since[p] = t.At
	}
	if t.From == nil || !known {
		return 0
	}
	return t.At.Sub(since)
}

func (l *line) append(event oran.Event) (id string, err error) {
	entry, err := l.journal.Append(event.Marshal())
	if err != nil {
		return "", err
	}
	return entry.ID(), nil
}

// report logs what was recorded, after the publishers had their turn: an event does not
// wait for its line in the log.
func (l *line) report(done []recorded) {
	if len(done) == 0 {
		return
	}
	runtime.Gosched()
	for _, r := range done {
		if r.err != nil {
			l.log.Errorw("a change was lost; please report this", "transition", r.transition, zap.Error(r.err))
			continue
		}
		if l.metrics != nil {
			l.metrics.Recorded(r.event.Type, r.event.Time, l.origin.Add(time.Duration(r.transition.At)))
		}
		if r.event.Repeats() {
			continue // nothing has changed
		}
		l.log.Infow("changed", r.fields()...)
	}
}

// fields is all that an operator needs to know of a change, in one line.
func (r recorded) fields() []any {
	var fields []any
	add := func(known bool, key string, value any) {
		if known {
			fields = append(fields, key, value)
		}
	}
	s := r.status
	add(true, "resource", r.event.Address.String())
	add(s.Instance != "", "instance", s.Instance)
	add(r.event.Previous != "", "from", r.event.Previous)
	add(true, "to", r.event.State)
	add(true, "reason", r.event.Reason)
	add(r.transition.Missed, "missed", true)
	add(r.lasted > 0, "lasted", r.lasted.Round(time.Millisecond).String())
	add(r.transition.Interface != "", "interface", r.transition.Interface)
	add(s.HasOffset, "offset", s.Offset.String())
	add(s.HasPathDelay, "pathDelay", s.PathDelay.String())
	add(s.Grandmaster != clock.Identity{}, "grandmaster", s.Grandmaster.String())
	add(s.Class != nil, "class", s.Class)
	add(true, "observed", r.event.Time)
	add(true, "id", r.id)
	return fields
}

func (l *line) alarm(in time.Duration) {
	if l.deadline == nil {
		l.deadline = time.AfterFunc(in, l.advance)
		return
	}
	l.deadline.Reset(in)
}

// close stops the alarm, and closes the journal.
func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.deadline != nil {
		l.deadline.Stop()
	}
	if l.journal == nil {
		return
	}
	if err := l.journal.Close(); err != nil {
		l.log.Errorw("the journal was not closed well; some events may be sent again", zap.Error(err))
	}
}

// isReady is whether every clock source was read once, or is known to be absent. It
// stays so: an instance that appears later does not make the adapter unready.
func (l *line) isReady() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ready
}

func (l *line) instant(t time.Time) clock.Instant { return clock.Instant(t.Sub(l.origin)) }

// wall returns the wall clock time of an instant, by the wall clock as it is now: a
// clock that has been stepped since must not date the change.
func (l *line) wall(now time.Time, i clock.Instant) time.Time {
	return now.Round(0).Add(i.Sub(l.instant(now)))
}
