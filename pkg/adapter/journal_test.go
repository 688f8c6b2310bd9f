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
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	lock  = "/cluster/node/n1/sync/ptp-status/lock-state "
	class = "/cluster/node/n1/sync/ptp-status/clock-class "
	node  = "/cluster/node/n1/sync/sync-status/sync-state "
)

// fromStartToLock is what an adapter says that has never been here.
var fromStartToLock = []string{
	lock + ">FREERUN PortNotSlave", class + ">255 OwnClass", node + ">FREERUN PortNotSlave",
	lock + "FREERUN>LOCKED OffsetInRange", class + "255>6 ParentClass", node + "FREERUN>LOCKED OffsetInRange",
}

// inOrder checks that every id is of one journal, and its number in it.
func (s *server) inOrder(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	first, _, _ := strings.Cut(s.ids[0], "-")
	for n, id := range s.ids {
		if id != fmt.Sprintf("%s-%d", first, n+1) {
			t.Errorf("event %d has id %s", n+1, id)
		}
	}
}

func TestRestartRepeatsNothing(t *testing.T) {
	p, socket := simulate(t)
	s := newSink(t, nil)
	args := []string{"-sink", s.URL, "-socket", socket, "-health", "", "-journal", t.TempDir()}
	stop := start(t, args...)
	s.wait(t, node+"FREERUN>LOCKED OffsetInRange")
	for n := range 5 {
		stop()
		stop = start(t, args...)
		from, to := 6+n%2, 7-n%2
		p.SetClass(uint8(to))
		change := fmt.Sprintf("%s%d>%d ParentClass", class, from, to)
		eventually(t, change, func() bool { return strings.HasPrefix(s.events()[len(s.events())-1], change) }, func() string { return fmt.Sprintf("%q", s.events()) })
	}
	if got, want := len(s.events()), len(fromStartToLock)+5; got != want {
		t.Errorf("%d events, want %d: %q", got, want, s.events())
	}
	s.inOrder(t)
}

func TestWhatHasChangedMeanwhile(t *testing.T) {
	p, socket := simulate(t)
	s := newSink(t, nil)
	args := []string{"-sink", s.URL, "-socket", socket, "-health", "", "-journal", t.TempDir()}
	stop := start(t, args...)
	s.wait(t, node+"FREERUN>LOCKED OffsetInRange")
	stop()
	p.LinkDown(1)
	before := time.Now()
	start(t, args...)
	s.wait(t, node+"LOCKED>HOLDOVER PortNotSlave missed")
	want := append(slices.Clone(fromStartToLock), lock+"LOCKED>HOLDOVER PortNotSlave missed", class+"6>255 OwnClass missed", node+"LOCKED>HOLDOVER PortNotSlave missed")
	if got := s.events(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, at := range s.times[len(fromStartToLock):] {
		if at.Before(before) || time.Since(at) > time.Minute {
			t.Errorf("%s is dated %v, which is not when it was found out, after %v", want[len(fromStartToLock)+n], at, before)
		}
	}
}

// What a sink has not taken is sent by the next adapter, under the ids that were tried.
func TestBacklogOutlivesTheAdapter(t *testing.T) {
	_, socket := simulate(t)
	var mu sync.Mutex
	tried := map[string]bool{}
	var up atomic.Bool
	s := newSink(t, func(id string) int {
		mu.Lock()
		defer mu.Unlock()
		tried[id] = true
		if up.Load() || strings.HasSuffix(id, "-1") || strings.HasSuffix(id, "-2") {
			return http.StatusAccepted
		}
		return http.StatusServiceUnavailable
	})
	t.Setenv("K_SOURCE_CONFIG", `{"delivery": {"backoffDelay": "1ms", "backoffMax": "10ms"}}`)
	address := freeAddress(t)
	args := []string{"-sink", s.URL, "-socket", socket, "-health", address, "-journal", t.TempDir()}
	for range 3 {
		stop := start(t, args...)
		state := func() string {
			_, text := ask(t, http.MethodGet, "http://"+address+"/v1/state", "")
			return text
		}
		eventually(t, "lock", func() bool { return strings.Contains(state(), `"overall":{"state":"LOCKED"`) }, state)
		eventually(t, "try of the third event", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(tried) == 3
		}, func() string { return fmt.Sprintf("%q", s.events()) })
		stop()
	}
	up.Store(true)
	start(t, args...)
	s.wait(t, node+"FREERUN>LOCKED OffsetInRange")
	if got := s.events(); !slices.Equal(got, fromStartToLock) {
		t.Errorf("got  %q\nwant %q", got, fromStartToLock)
	}
	s.inOrder(t)
	mu.Lock()
	defer mu.Unlock()
	if len(tried) != len(fromStartToLock) {
		t.Errorf("%d ids were tried for %d events", len(tried), len(fromStartToLock))
	}
}

// An adapter that is started before the one it replaces has ended waits for it, and has
// seen what happened meanwhile.
func TestReplacement(t *testing.T) {
	p, socket := simulate(t)
	s := newSink(t, nil)
	args := []string{"-sink", s.URL, "-socket", socket, "-health", "", "-journal", t.TempDir()}
	stop := start(t, args...)
	s.wait(t, node+"FREERUN>LOCKED OffsetInRange")
	start(t, args...)
	eventually(t, "subscription of both", func() bool { return p.Stats().Subscribers == 2 }, func() string { return fmt.Sprint(p.Stats()) })
	p.SetClass(7)
	s.wait(t, class+"6>7 ParentClass")
	stop()
	p.SetClass(6)
	// Without a Sync so far the new one cannot tell whether it has seen it.
	back := class + "7>6 ParentClass"
	eventually(t, back, func() bool { return strings.HasPrefix(s.events()[len(s.events())-1], back) }, func() string { return fmt.Sprintf("%q", s.events()) })
	if got, want := len(s.events()), len(fromStartToLock)+2; got != want {
		t.Errorf("%d events, want %d: %q", got, want, s.events())
	}
	s.inOrder(t)
}

// What the history cannot hold is announced in its place.
func TestLostEvents(t *testing.T) {
	const changes = 40
	p, socket := simulate(t)
	var up, second atomic.Bool
	s := newSink(t, func(id string) int {
		if up.Load() || strings.HasSuffix(id, "-1") {
			return http.StatusAccepted
		}
		second.Store(true)
		return http.StatusServiceUnavailable
	})
	t.Setenv("K_SOURCE_CONFIG", `{"delivery": {"backoffDelay": "1ms", "backoffMax": "10ms"}, "history": {"entries": 4},
		"events": {"types": ["event.sync.ptp-status.ptp-clock-class-change", "com.github.eventing-ptp.events.lost"]}}`)
	start(t, "-sink", s.URL, "-socket", socket, "-health", "", "-journal", t.TempDir())
	eventually(t, "second event", second.Load, func() string { return fmt.Sprintf("%q", s.events()) })
	for n := range changes {
		before := p.Stats().Sent
		p.SetClass(uint8(100 + n))
		eventually(t, "push", func() bool { return p.Stats().Sent > before }, func() string { return "none" })
	}
	last := fmt.Sprint(">", 99+changes, " ParentClass")
	time.Sleep(100 * time.Millisecond) // the last of it is on its way to the journal
	up.Store(true)
	eventually(t, last, func() bool { return strings.HasSuffix(s.events()[len(s.events())-1], last) }, func() string { return fmt.Sprintf("%q", s.events()) })

	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.lines, func(line string) bool {
		return strings.HasPrefix(line, "/cluster/node/n1/sync/eventing-ptp/events-lost ")
	})
	var lost, first, before, behind int
	if at < 2 {
		t.Fatalf("nothing is said to be lost: %q", s.lines)
	}
	if _, err := fmt.Sscanf(s.lines[at], "/cluster/node/n1/sync/eventing-ptp/events-lost >%d JournalOverrun", &lost); err != nil {
		t.Fatalf("%s: %v", s.lines[at], err)
	}
	sequence := func(id string) (n int) {
		_, rest, _ := strings.Cut(id, "-")
		_, _ = fmt.Sscanf(rest, "%d", &n)
		return n
	}
	before, first, behind = sequence(s.ids[at-1]), sequence(s.ids[at]), sequence(s.ids[at+1])
	if lost != behind-before-1 || first != behind-1 || !strings.HasSuffix(s.ids[at], "-lost") {
		t.Errorf("%d are said to be lost by %s, between %s and %s", lost, s.ids[at], s.ids[at-1], s.ids[at+1])
	}
	if !s.times[at].Equal(s.times[at+1]) { // so that it is the same when it comes again
		t.Errorf("%s is dated %v, and the event behind the gap %v", s.ids[at], s.times[at], s.times[at+1])
	}
}
