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

// Package ledger keeps book of the events that the recorders of a test have taken: what is
// missing, what came twice, and what came in the wrong order.
package ledger

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// StreamExtension is the attribute by which sources are told apart: each source of a test
// adds its namespace and name to its events.
const StreamExtension = "teststream"

// Entry is one request that a recorder was sent.
type Entry struct {
	// Number is its place in the order of arrival at the recorder, from 1.
	Number int `json:"number"`
	// Inbox is the path of the request.
	Inbox string `json:"inbox"`
	// Arrived is when the recorder's handler was entered.
	Arrived time.Time `json:"arrived"`
	// Status is what it was answered.
	Status int `json:"status"`
	// Header has the request's headers.
	Header http.Header `json:"header"`
	// Event is what was in it.
	Event cloudevents.Event `json:"event"`
}

// Taken is whether the event was taken.
func (e Entry) Taken() bool { return e.Status >= 200 && e.Status < 300 }

// Extension returns an extension attribute of the event, empty when it has none of that name.
func (e Entry) Extension(name string) string {
	s, _ := e.Event.Extensions()[name].(string)
	return s
}

// Rules say what may be asked of the entries.
type Rules struct {
	// Unordered entries have come through something that keeps no order, such as a Broker
	// on in-memory channels.
	Unordered bool
	// Partial entries are what a filter has let through, so some may be missing.
	Partial bool
	// Losses are allowed: entries may be missing where an adapter has said so in their
	// place.
	Losses bool
}

// Report is what has become of the events.
type Report struct {
	// Streams is from how many sources and nodes they came, Events how many they are.
	Streams, Events int
	// Again counts requests with an event that was taken before, under the same id: at
	// least once is what is promised.
	Again int
	// Refused counts requests that were not answered with a 2xx.
	Refused int
	// Lost counts the events that are missing, and were announced to be.
	Lost int
	// Wrong has a line for everything that may not be: events that are missing, doubled
	// under another id, out of order, or changed under the same id.
	Wrong []string
}

// Add adds another report to this one.
func (r *Report) Add(other Report) {
	r.Streams += other.Streams
	r.Events += other.Events
	r.Again += other.Again
	r.Refused += other.Refused
	r.Lost += other.Lost
	r.Wrong = append(r.Wrong, other.Wrong...)
}

// String returns the counts in one line.
func (r Report) String() string {
	return fmt.Sprintf("%d events of %d adapters: %d lost, doubled or out of order, %d sent again under the same id, %d not taken at first",
		r.Events, r.Streams, len(r.Wrong), r.Again, r.Refused)
}

// Check looks at entries, which must be in the order of their arrival.
func Check(entries []Entry, rules Rules) Report {
	var report Report
	streams := map[string]*stream{}
	for _, e := range entries {
		if !e.Taken() {
			report.Refused++
			continue
		}
		name := e.Extension(StreamExtension) + " on " + e.Extension("node")
		if e.Inbox != "/" {
			name += " at " + e.Inbox
		}
		s := streams[name]
		if s == nil {
			s = &stream{name: name, rules: rules, lives: map[string]*life{}}
			streams[name] = s
		}
		s.take(e, &report)
	}
	report.Streams = len(streams)
	for _, name := range slices.Sorted(maps.Keys(streams)) {
		streams[name].check(&report)
	}
	return report
}

// stream is what the adapters of one source on one node have sent to one inbox.
type stream struct {
	name  string
	rules Rules
	lives map[string]*life // by epoch
	order []*life          // by their first event
}

// life is what one life of a journal has sent.
type life struct {
	epoch  string
	events map[uint64]Entry
	last   uint64 // that arrived
	lost   []span // as announced
}

// span is a part of the sequence, with both its ends.
type span struct{ first, last uint64 }

// announced is whether all of a span was said to be lost, in one announcement.
func (l *life) announced(s span) bool {
	return slices.ContainsFunc(l.lost, func(o span) bool { return o.first <= s.first && s.last <= o.last })
}

// take books one event.
func (s *stream) take(e Entry, report *Report) {
	wrong := func(format string, args ...any) {
		report.Wrong = append(report.Wrong, fmt.Sprintf("%s: %s: ", s.name, e.Event.ID())+fmt.Sprintf(format, args...))
	}
	id, announces := strings.CutSuffix(e.Event.ID(), "-lost")
	if announces != (e.Event.Type() == oran.EventsLostNotice) {
		wrong("it is of type %s", e.Event.Type())
		return
	}
	if announces && !s.rules.Losses {
		wrong("it says that %s events were lost", e.Extension("ptpstate"))
		return
	}
	epoch, text, _ := strings.Cut(id, "-")
	sequence, err := strconv.ParseUint(text, 10, 64)
	if want := fmt.Sprintf("%020d", sequence); err != nil || e.Extension("sequence") != want {
		wrong("its sequence is %q", e.Extension("sequence"))
		return
	}
	l := s.lives[epoch]
	if l == nil {
		l = &life{epoch: epoch, events: map[uint64]Entry{}}
		s.lives[epoch] = l
		s.order = append(s.order, l)
	}
	if announces {
		n, err := strconv.ParseUint(e.Extension("ptpstate"), 10, 64)
		switch known := (span{sequence + 1 - n, sequence}); {
		case err != nil || n == 0 || n > sequence:
			wrong("it says that %q events were lost", e.Extension("ptpstate"))
		case slices.Contains(l.lost, known):
			report.Again++
		case sequence < l.last:
			wrong("it came after %d", l.last)
		default:
			l.lost = append(l.lost, known)
		}
		return
	}
	if before, ok := l.events[sequence]; ok {
		report.Again++
		if said(before) != said(e) {
			wrong("it was %s, and is %s", said(before), said(e))
		}
		return
	}
	report.Events++
	l.events[sequence] = e
	if s.rules.Unordered {
		return
	}
	if sequence < l.last {
		wrong("it came after %d", l.last)
	}
	if now := s.order[len(s.order)-1]; now != l {
		wrong("it came after the first event of %s", now.epoch)
	}
	l.last = max(l.last, sequence)
}

// said is what must be the same whenever an event is sent.
func said(e Entry) string {
	v := e.Event
	return fmt.Sprintf("%s %s of %s at %s, %s from %q: %s", v.Type(), v.Subject(), v.Source(), v.Time().Format(time.RFC3339Nano),
		e.Extension("ptpstate"), e.Extension("previousstate"), v.Data())
}

// check looks for what is missing, and for what was said twice.
func (s *stream) check(report *Report) {
	if s.rules.Partial {
		return
	}
	states := map[string]string{} // by resource
	for _, l := range s.order {
		var last uint64
		var observed time.Time // of the event before
		for _, sequence := range slices.Sorted(maps.Keys(l.events)) {
			e := l.events[sequence]
			wrong := func(format string, args ...any) {
				report.Wrong = append(report.Wrong, fmt.Sprintf("%s: %s: ", s.name, e.Event.ID())+fmt.Sprintf(format, args...))
			}
			if gap := (span{last + 1, sequence - 1}); last != 0 && gap.last >= gap.first {
				if l.announced(gap) {
					report.Lost += int(gap.last - gap.first + 1)
					clear(states) // whatever has changed is among them
				} else {
					wrong("%d to %d are missing before it, after %s and before %s", gap.first, gap.last, observed.Format(time.RFC3339Nano), e.Event.Time().Format(time.RFC3339Nano))
				}
			}
			last, observed = sequence, e.Event.Time()
			resource := e.Event.Source() + " " + e.Event.Subject()
			before, seen := states[resource]
			previous, now := e.Extension("previousstate"), e.Extension("ptpstate")
			switch {
			case previous == now:
				wrong("%s is %s as before", resource, now)
			case previous == "" && seen:
				wrong("%s is %s, and nothing is known of what was before, which was %s", resource, now, before)
			case previous != "" && seen && before != previous:
				wrong("%s was %s and not %s before it is %s: a change is missing", resource, before, previous, now)
			}
			states[resource] = now
		}
	}
}

// Pulse is a change of a grandmaster's class that every adapter must tell of.
type Pulse struct {
	// At is when it was changed.
	At time.Time
	// Class is what to.
	Class string
}

// Away is when an adapter was not there to tell.
type Away struct {
	// Stream and Node are whose adapter.
	Stream, Node string
	// From is when it was ended, To when another one was ready.
	From, To time.Time
}

// Missed compares what adapters have told of the clock class of a ptp4l instance with what was
// done to it: between the first and the last of these events of each adapter, each pulse must
// have exactly one event, but for when it was away. Pulses must be in order, and so far apart
// that an Announce is between them.
func Missed(entries []Entry, instance string, pulses []Pulse, away []Away) []string {
	type key struct{ stream, node string }
	told := map[key][]Entry{}
	seen := map[string]bool{}
	for _, e := range entries {
		k := key{e.Extension(StreamExtension), e.Extension("node")}
		again := fmt.Sprint(k, e.Event.ID())
		if e.Taken() && !seen[again] && e.Event.Subject() == instance && strings.HasSuffix(e.Event.Source(), "/clock-class") {
			told[k] = append(told[k], e)
		}
		seen[again] = seen[again] || e.Taken()
	}
	var missed []string
	for k, events := range told {
		slices.SortFunc(events, func(a, b Entry) int { return a.Event.Time().Compare(b.Event.Time()) })
		first, last := events[0].Event.Time(), events[len(events)-1].Event.Time()
		for i := 0; i+1 < len(pulses); i++ {
			from, to := pulses[i].At, pulses[i+1].At
			gone := slices.ContainsFunc(away, func(a Away) bool {
				return a.Stream == k.stream && a.Node == k.node && a.From.Before(to) && from.Before(a.To)
			})
			if gone || !from.After(first) || !to.Before(last) {
				continue
			}
			var classes []string
			for _, e := range events {
				if at := e.Event.Time(); !at.Before(from) && at.Before(to) {
					classes = append(classes, e.Extension("ptpstate"))
				}
			}
			if len(classes) != 1 || classes[0] != pulses[i].Class {
				missed = append(missed, fmt.Sprintf("%s on %s: class %s from %s to %s was told as %v",
					k.stream, k.node, pulses[i].Class, from.UTC().Format(time.StampMilli), to.UTC().Format(time.StampMilli), classes))
			}
		}
	}
	slices.Sort(missed)
	return missed
}
