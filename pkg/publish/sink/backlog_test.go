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

package sink_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
)

// edge is a change of the lock-state of an instance, or of the clock-class where it is a
// number: "a LOCKED HOLDOVER" is that a was LOCKED and is now in HOLDOVER. What was before
// is left out where nothing is known of it.
func edge(text string) oran.Event {
	words := strings.Fields(text)
	e := someEvent()
	e.Subject, e.Address.Instance = words[0], words[0]
	e.State = words[len(words)-1]
	if len(words) == 3 {
		e.Previous = words[1]
	}
	if e.State < "A" {
		e.Type, e.Address.Resource = oran.ClockClassChange, oran.ClockClass
	}
	return e
}

// told is what a request says, in the words of edge, with +n for what was skipped.
func told(r request) string {
	text := strings.Join(strings.Fields(r.Header.Get("Ce-Instance")+" "+r.Header.Get("Ce-Previousstate")+" "+r.Header.Get("Ce-Ptpstate")), " ")
	if skipped := r.Header.Get("Ce-Ptpskipped"); skipped != "" {
		text += " +" + skipped
	}
	return text
}

// While the sink is down, one event is being tried and others come.
func TestLatest(t *testing.T) {
	for _, tc := range []struct {
		name          string
		first, behind []string // the one that is tried, and those that come meanwhile
		want          []string // what is sent when the sink is back
		superseded    uint64
	}{
		{
			name: "one edge", first: []string{"a FREERUN LOCKED"},
			want: []string{"a FREERUN LOCKED"},
		},
		{
			name: "different resources", first: []string{"a LOCKED HOLDOVER"},
			behind: []string{"b LOCKED HOLDOVER", "a 6 248"},
			want:   []string{"a LOCKED HOLDOVER", "b LOCKED HOLDOVER", "a 6 248"},
		},
		{
			name: "the one that is tried is old", first: []string{"a LOCKED HOLDOVER"},
			behind: []string{"a HOLDOVER FREERUN"},
			want:   []string{"a HOLDOVER FREERUN +1"}, superseded: 1,
		},
		{
			name: "each resource in the order of its newest", first: []string{"a LOCKED HOLDOVER"},
			behind: []string{"b LOCKED HOLDOVER", "a HOLDOVER FREERUN", "c 6 7", "b HOLDOVER LOCKED", "a FREERUN LOCKED", "a LOCKED HOLDOVER"},
			want:   []string{"c 6 7", "b HOLDOVER LOCKED +1", "a LOCKED HOLDOVER +3"}, superseded: 4,
		},
		{
			name: "back where it was", first: []string{"b 6 7"},
			behind: []string{"a LOCKED HOLDOVER", "a HOLDOVER LOCKED"},
			want:   []string{"b 6 7", "a HOLDOVER LOCKED +1"}, superseded: 1,
		},
		{
			name: "a repetition of what waits", first: []string{"a LOCKED HOLDOVER"},
			behind: []string{"a HOLDOVER HOLDOVER", "b 6 6", "a HOLDOVER HOLDOVER"},
			want:   []string{"a LOCKED HOLDOVER", "b 6 6"}, superseded: 2,
		},
		{
			name: "an edge after a repetition", first: []string{"a LOCKED LOCKED"},
			behind: []string{"a LOCKED HOLDOVER"},
			want:   []string{"a LOCKED HOLDOVER"}, superseded: 1, // no change was skipped
		},
		{
			name: "what happened and is no state", first: []string{"a 37"},
			behind: []string{"b 6 7", "a 1", "a 2", "b 7 6"},
			want:   []string{"a 37", "a 1", "a 2", "b 7 6 +1"}, superseded: 1,
		},
		{
			name: "a backlog from before the start", first: []string{"a FREERUN LOCKED", "a LOCKED HOLDOVER", "a HOLDOVER FREERUN"},
			want: []string{"a HOLDOVER FREERUN +2"}, superseded: 2,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var back bool
			s := newServer(t)
			b := newBench(t, 100)
			b.LatestPerResource = true
			b.Sink = target(t, s.URL)
			refuse := make(chan bool) // the sink is down until it is closed
			s.steps = slices.Repeat([]http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
				select {
				case <-refuse:
					back = true
					w.WriteHeader(202)
				default:
					w.WriteHeader(503)
				}
			}}, 10000)
			for _, text := range tc.first {
				b.append(edge(text))
			}
			stop := b.run()
			b.until("tried", func(s sink.Stats) bool { return s.Retried > 0 })
			for _, text := range tc.behind {
				b.append(edge(text))
			}
			// All that came has been read ahead when nothing changes any more.
			b.until("read ahead", func(s sink.Stats) bool { return s.Superseded == tc.superseded && s.Waiting == uint64(len(tc.want)-1) })
			before := len(s.all())
			close(refuse)
			got := b.finish(stop, uint64(len(tc.want)))
			if !back || got.Delivered != uint64(len(tc.want)) || got.Superseded != tc.superseded || got.Waiting != 0 || !got.Oldest.IsZero() {
				t.Errorf("%+v, want %d delivered and %d superseded", got, len(tc.want), tc.superseded)
			}
			var taken []string
			for _, r := range s.all()[before:] {
				if text := told(r); len(taken) == 0 || taken[len(taken)-1] != text { // one may have been refused at the last moment
					taken = append(taken, text)
				}
			}
			if diff := cmp.Diff(tc.want, taken); diff != "" {
				t.Errorf("taken (-want +got):\n%s", diff)
			}
			if said := slices.Contains(b.lines(), "a backlog was sent; of each resource the newest event, and those before it were skipped"); said != (tc.superseded > 0) {
				t.Errorf("that events were skipped is said: %v; it said %q", said, b.lines())
			}
		})
	}
}

// A resource that changes without end does not push the others out of the journal.
func TestLatestLosesNoResource(t *testing.T) {
	s := newServer(t)
	b := newBench(t, 5)
	b.LatestPerResource = true
	b.Sink = target(t, s.URL)
	down := make(chan bool)
	s.steps = slices.Repeat([]http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-down:
			w.WriteHeader(202)
		default:
			w.WriteHeader(503)
		}
	}}, 10000)
	b.append(edge("a 6 7"))
	b.append(edge("b 6 7"))
	stop := b.run()
	for n := range 100 {
		b.append(edge(fmt.Sprintf("c %d %d", n, n+1)))
		b.until("read ahead", func(s sink.Stats) bool { return s.Waiting == 2 })
	}
	close(down)
	if got := b.finish(stop, 3); got.Delivered != 3 || got.Dropped != 0 || got.Superseded != 99 {
		t.Errorf("%+v, want 3 delivered, none dropped, 99 superseded", got)
	}
	all := s.all()
	if got := told(all[len(all)-1]); got != "c 99 100 +99" {
		t.Errorf("the last one says %q", got)
	}
}

// What was skipped comes again after a crash, but never without what it was skipped for.
func TestLatestAfterACrash(t *testing.T) {
	s := newServer(t, status(202), hangs)
	b := newBench(t, 100)
	b.LatestPerResource = true
	b.Sink = target(t, s.URL)
	for _, text := range []string{"a 6 7", "b 6 7", "a 7 248", "b 7 248"} {
		b.append(edge(text))
	}
	stop := b.run()
	b.until("the second one is sent", func(sink.Stats) bool { return len(s.all()) == 2 })
	stop()
	if diff := cmp.Diff([]string{"a 7 248 +1", "b 7 248 +1"}, []string{told(s.all()[0]), told(s.all()[1])}); diff != "" {
		t.Errorf("before the crash (-want +got):\n%s", diff)
	}

	again := newBench(t, 100)
	again.LatestPerResource = true
	again.Sink, again.Cursor = b.Sink, b.journal.Cursor("sink")
	again.finish(again.run(), 1)
	if got := told(s.all()[2]); got != "b 7 248" {
		t.Errorf("after the crash: %q", got)
	}
}

// Every event is sent unless it was asked for otherwise.
func TestAllEdges(t *testing.T) {
	s := newServer(t, times(2, status(503))...)
	b := newBench(t, 100)
	b.Sink = target(t, s.URL)
	edges := []string{"a LOCKED HOLDOVER", "a HOLDOVER HOLDOVER", "a HOLDOVER FREERUN", "b 6 7", "a FREERUN LOCKED"}
	for _, text := range edges {
		b.append(edge(text))
	}
	if got, want := b.finish(b.run(), 5), (sink.Stats{Delivered: 5, Retried: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	var got []string
	for _, r := range s.all()[2:] {
		got = append(got, told(r))
	}
	if diff := cmp.Diff(edges, got); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// watcher is an observer that keeps what it is told.
type watcher struct{ lines []string }

func (w *watcher) Tried(to sink.TargetName, status int, took time.Duration) {
	w.lines = append(w.lines, fmt.Sprintf("%s %d %v", to, status, took >= 0 && took < 30*time.Second))
}

func (w *watcher) Settled(_ string, event oran.Event, as sink.Outcome) {
	w.lines = append(w.lines, fmt.Sprintf("%s %s", as, event.Type))
}

func TestObserver(t *testing.T) {
	s := newServer(t, status(503), breaks(""), status(202), status(400), says(400, ""))
	dead := newServer(t, status(202), status(403))
	b := newBench(t, 10)
	w := &watcher{}
	b.Observer, b.Sink, b.DeadLetter = w, target(t, s.URL), target(t, dead.URL)
	b.Sink.Transport.(*http.Transport).DisableKeepAlives = true // a connection that breaks is a try
	for range 3 {
		b.append(someEvent())
	}
	b.finish(b.run(), 3)
	want := []string{
		"sink 503 true", "sink 0 true", "sink 202 true", "delivered event.sync.ptp-status.ptp-state-change",
		"sink 400 true", "deadLetterSink 202 true", "deadLettered event.sync.ptp-status.ptp-state-change",
		"sink 400 true", "deadLetterSink 403 true", "skipped event.sync.ptp-status.ptp-state-change",
	}
	if diff := cmp.Diff(want, w.lines); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
