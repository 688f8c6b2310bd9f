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

package stream_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// start is when the first event is observed; each comes a second after the one before.
var start = time.Date(2026, 5, 10, 7, 20, 34, 0, time.UTC)

// room is a server with its journal.
type room struct {
	*stream.Server
	t       testing.TB
	journal *journal.Log
	encoder oran.Encoder
	epoch   string
	n       int
}

func newRoom(t testing.TB, limit journal.Limits) *room {
	t.Helper()
	j, err := journal.NewMemory(limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	encoder, err := oran.NewEncoder(oran.Place{Cluster: "cluster", Node: "n1"}, oran.SourceFull)
	if err != nil {
		t.Fatal(err)
	}
	return &room{t: t, journal: j, encoder: encoder, Server: &stream.Server{
		Journal: j, Encoder: encoder, Source: "fleet",
		State:  func() stream.State { return stream.State{Node: "n1", Instances: []stream.Instance{}} },
		Logger: zap.NewNop(),
	}}
}

// at records an event of an instance, observed at a time.
func (r *room) at(at time.Time, instance string, from, to clock.State) {
	r.t.Helper()
	event, err := r.encoder.Encode(clock.Transition{
		Kind: clock.LockState, Instance: instance, Interface: "eth0", From: from, To: to, Reason: clock.OffsetInRange,
	}, at)
	if err != nil {
		r.t.Fatal(err)
	}
	e, err := r.journal.Append(event.Marshal())
	if err != nil {
		r.t.Fatal(err)
	}
	r.epoch = e.Epoch
	r.n++
}

// events records n events: LOCKED and FREERUN in turns.
func (r *room) events(n int) {
	r.t.Helper()
	for range n {
		from, to := clock.Freerun, clock.Locked
		if r.n%2 == 1 {
			from, to = to, from
		}
		r.at(start.Add(time.Duration(r.n)*time.Second), "ptp4l.0", from, to)
	}
}

// get asks for events, and returns the answer with the journal's epoch as E.
func (r *room) get(query string, headers ...string) (int, string) {
	r.t.Helper()
	request := httptest.NewRequestWithContext(r.t.Context(), http.MethodGet, "/v1/events"+query, nil)
	for n := 0; n < len(headers); n += 2 {
		request.Header.Set(headers[n], headers[n+1])
	}
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, request)
	if r.epoch == "" {
		return w.Code, w.Body.String()
	}
	return w.Code, strings.ReplaceAll(w.Body.String(), r.epoch, "E")
}

// ids returns the ids of an answer in NDJSON.
func ids(t testing.TB, body string) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(body) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var e struct{ ID string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, e.ID)
	}
	return all
}

const second = `{"specversion":"1.0","id":"E-2","source":"/cluster/node/n1/sync/ptp-status/lock-state",` +
	`"type":"event.sync.ptp-status.ptp-state-change","subject":"ptp4l.0","datacontenttype":"application/json",` +
	`"time":"2026-05-10T07:20:35Z","data":{"version":"1.0","values":[{"ResourceAddress":"/cluster/node/n1/eth0/master",` +
	`"data_type":"notification","value_type":"enumeration","value":"FREERUN"}]},"instance":"ptp4l.0","node":"n1",` +
	`"partitionkey":"/cluster/node/n1/sync/ptp-status/lock-state","previousstate":"LOCKED","ptpreason":"OffsetInRange",` +
	`"ptpstate":"FREERUN","resourceaddress":"/cluster/node/n1/sync/ptp-status/lock-state","sequence":"00000000000000000002"}`

func TestFormats(t *testing.T) {
	r := newRoom(t, journal.DefaultLimits())
	r.events(3)
	const only = "?since=2026-05-10T07:20:35Z&until=2026-05-10T07:20:35Z"
	for accept, want := range map[string]string{
		"":                                     second + "\n",
		"*/*":                                  second + "\n",
		"application/x-ndjson":                 second + "\n",
		"text/html, application/x-ndjson;q=.5": second + "\n",
		"application/cloudevents-batch+json":   "[\n" + second + "\n]\n",
		"text/event-stream":                    "retry: 1000\n\nid: E-2\nevent: event.sync.ptp-status.ptp-state-change\ndata: " + second + "\n\n",
	} {
		status, got := r.get(only, "Accept", accept)
		if diff := cmp.Diff(want, got); status != http.StatusOK || diff != "" {
			t.Errorf("Accept %q: status %d, want (-) and got (+):\n%s", accept, status, diff)
		}
	}
	if _, got := r.get("?type=none", "Accept", "application/cloudevents-batch+json"); got != "[\n]\n" {
		t.Errorf("an empty batch is %q", got)
	}
}

func TestFilters(t *testing.T) {
	r := newRoom(t, journal.DefaultLimits())
	r.events(4)
	// The clock was set back: what comes later seems to be older.
	r.at(start.Add(-time.Hour), "ptp4l.1", clock.Freerun, clock.Locked)
	r.at(start.Add(9*time.Second), "ptp4l.0", clock.Locked, clock.Holdover)
	for query, want := range map[string][]string{
		"":                            {"E-1", "E-2", "E-3", "E-4", "E-5", "E-6"},
		"?since=2026-05-10T07:20:36Z": {"E-3", "E-4", "E-6"},
		"?since=1778397636":           {"E-3", "E-4", "E-6"},
		"?since=1778397636.5":         {"E-4", "E-6"},
		"?until=2026-05-10T07:20:35Z": {"E-1", "E-2", "E-5"},
		"?since=2026-05-10T07:20:35%2B00:00&until=2026-05-10T07:20:36Z": {"E-2", "E-3"},
		"?instance=ptp4l.1":                  {"E-5"},
		"?instance=ptp4l.1&instance=ptp4l.0": {"E-1", "E-2", "E-3", "E-4", "E-5", "E-6"},
		"?state=locked":                      {"E-1", "E-3", "E-5"},
		"?state=HOLDOVER&state=FREERUN":      {"E-2", "E-4", "E-6"},
		"?limit=2":                           {"E-5", "E-6"},
		"?limit=0":                           nil,
		"?limit=2&state=LOCKED":              {"E-3", "E-5"},
		"?after=E-4":                         {"E-5", "E-6"},
		"?after=E-4-lost":                    {"E-5", "E-6"},
		"?after=E-6":                         nil,
		"?name=fleet&limit=1":                {"E-6"},
		"?type=event.sync.ptp-status.ptp-clock-class-change":   nil,
		"?type=event.sync.ptp-status.ptp-state-change&limit=1": {"E-6"},
		"?resource=/sync/ptp-status&limit=1":                   {"E-6"},
		"?resource=/cluster/node/n2/sync":                      nil,
		"?resource=/./n1/ptp4l.1/sync/ptp-status/lock-state":   {"E-5"},
		"?resource=/sync/gnss-status&resource=/sync&limit=1":   {"E-6"},
		"?follow=false": {"E-1", "E-2", "E-3", "E-4", "E-5", "E-6"},
	} {
		status, body := r.get(strings.ReplaceAll(query, "=E-", "="+r.epoch+"-"))
		if status != http.StatusOK {
			t.Errorf("%s: status %d, %s", query, status, body)
			continue
		}
		if diff := cmp.Diff(want, ids(t, body)); diff != "" {
			t.Errorf("%s: want (-) and got (+):\n%s", query, diff)
		}
	}
}

func TestRefusals(t *testing.T) {
	r := newRoom(t, journal.Limits{Entries: 4, Bytes: 1 << 20})
	r.events(9)
	for query, want := range map[string]string{
		"?when=10m":           `400 "when" is not a parameter; the parameters are since, until, name, type, resource, instance, state, limit, follow, after, gap`,
		"?since=yesterday":    `400 since: "yesterday" is no time; it can be 2026-05-10T07:20:34Z, 1778397634.5 (seconds since 1970) or 10m (ago)`,
		"?until=5.1234567891": `400 until: "5.1234567891" is no time; it can be 2026-05-10T07:20:34Z, 1778397634.5 (seconds since 1970) or 10m (ago)`,
		"?since=20&until=10":  `400 since (1970-01-01T00:00:20Z) is later than until (1970-01-01T00:00:10Z)`,
		"?name=other":         `404 this is an adapter of the PtpSource "fleet", not of "other"`,
		"?limit=-1":           `400 limit is "-1"; it must be a number from 0 to 10000`,
		"?follow=maybe":       `400 follow is "maybe"; it must be true or false`,
		"?gap=jump":           `400 gap is "jump"; it must be mark`,
		"?resource=lock":      `400 resource: parse resource address "lock": it must be /sync/<resource>, with or without /<cluster>/node/<node> in front`,
		"?after=4711":         `410 after: "4711" is not the id of an entry, such as 0123456789ab-42: the journal has had no such entry; ask without it, from the oldest that is kept`,
		"?after=fade-3":       `410 after: "fade-3": the journal has had no such entry; ask without it, from the oldest that is kept`,
		"?after=E-10":         `410 after: "E-10": the journal has had no such entry; ask without it, from the oldest that is kept`,
		"?after=E-0":          `410 after: "E-0": the journal has had no such entry; ask without it, from the oldest that is kept`,
		"?after=E-2":          `410 3 events after E-2 are not kept any more; ask without after, or with gap=mark to go on at the oldest that is kept`,
	} {
		status, body := r.get(strings.ReplaceAll(query, "=E-", "="+r.epoch+"-"))
		var problem struct{ Title, Detail, Oldest string }
		if err := json.Unmarshal([]byte(body), &problem); err != nil {
			t.Errorf("%s: %v in %s", query, err, body)
			continue
		}
		if got := fmt.Sprintf("%d %s", status, problem.Detail); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", query, got, want)
		}
		if problem.Title != http.StatusText(status) || (problem.Oldest == "E-6") != (status == http.StatusGone) {
			t.Errorf("%s: title %q, oldest %q", query, problem.Title, problem.Oldest)
		}
	}
	for accept, want := range map[string]int{"image/png": http.StatusNotAcceptable, "application/cloudevents-batch+json": http.StatusBadRequest} {
		if status, body := r.get("?follow=true", "Accept", accept); status != want {
			t.Errorf("Accept %s: status %d, %s", accept, status, body)
		}
	}
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/events", nil))
	if w.Code != http.StatusMethodNotAllowed && w.Code != http.StatusNotFound {
		t.Errorf("POST: status %d", w.Code)
	}
}

func TestAGapIsMarkedWhereThatIsAskedFor(t *testing.T) {
	r := newRoom(t, journal.Limits{Entries: 4, Bytes: 1 << 20})
	r.events(9)
	status, body := r.get("?gap=mark&after=" + r.epoch + "-2")
	if diff := cmp.Diff([]string{"E-5-lost", "E-6", "E-7", "E-8", "E-9"}, ids(t, body)); status != http.StatusOK || diff != "" {
		t.Errorf("status %d, want (-) and got (+):\n%s", status, diff)
	}
	if first, _, _ := strings.Cut(body, "\n"); !strings.Contains(first, `"type":"com.github.eventing-ptp.events.lost"`) || !strings.Contains(first, `"value":"3"`) {
		t.Errorf("the mark is %s", first)
	}
}

func TestOldestOfAnEmptyJournal(t *testing.T) {
	r := newRoom(t, journal.DefaultLimits())
	if status, body := r.get("?after=fade-1"); status != http.StatusGone || strings.Contains(body, "oldest\"") {
		t.Errorf("status %d, %s", status, body)
	}
	if status, body := r.get(""); status != http.StatusOK || body != "" {
		t.Errorf("status %d, %q", status, body)
	}
}

// sheet is what a handler writes on, which others may read meanwhile.
type sheet struct {
	mu     sync.Mutex
	header http.Header
	text   strings.Builder
}

func (s *sheet) Header() http.Header { return s.header }
func (s *sheet) WriteHeader(int)     {}
func (s *sheet) Flush()              {}

func (s *sheet) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(text)
}

// written returns what was written since it was called last.
func (s *sheet) written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.text.String()
	s.text.Reset()
	return text
}

// follow asks for events in the background, until ctx ends or the answer does.
func (r *room) follow(ctx context.Context, query, accept string) (s *sheet, done chan struct{}) {
	s, done = &sheet{header: http.Header{}}, make(chan struct{})
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/events"+query, nil)
	request.Header.Set("Accept", accept)
	go func() {
		defer close(done)
		r.Handler().ServeHTTP(s, request)
	}()
	return s, done
}

func TestAQuietStreamShowsThatItIsAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, journal.DefaultLimits())
		r.events(2)
		ctx, cancel := context.WithCancel(t.Context())
		s, done := r.follow(ctx, "?state=HOLDOVER", "text/event-stream")
		wants := func(want string) {
			t.Helper()
			synctest.Wait()
			if got := strings.ReplaceAll(s.written(), r.epoch, "E"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		wants("retry: 1000\n\n")
		time.Sleep(15 * time.Second)
		wants("id: E-2\n\n") // nothing for it, but further than it knows
		time.Sleep(15 * time.Second)
		wants(":\n\n")
		time.Sleep(10 * time.Second)
		r.events(1)
		time.Sleep(10 * time.Second)
		wants("")
		time.Sleep(5 * time.Second)
		wants("id: E-3\n\n")
		r.at(start, "ptp4l.0", clock.Locked, clock.Holdover)
		synctest.Wait()
		if got := s.written(); !strings.HasPrefix(got, "id: "+r.epoch+"-4\nevent: event.sync.ptp-status.ptp-state-change\ndata: {") {
			t.Errorf("got %q", got)
		}
		time.Sleep(15 * time.Second)
		wants(":\n\n")
		cancel()
		<-done
	})
}

func TestAStreamEndsWhenItShall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, journal.DefaultLimits())
		began := time.Now()
		until := began.Add(100 * time.Second)
		s, done := r.follow(t.Context(), "?follow=true&until="+until.UTC().Format(time.RFC3339), "application/x-ndjson")
		time.Sleep(40 * time.Second)
		r.at(time.Now(), "ptp4l.0", clock.Freerun, clock.Locked)
		<-done
		if took := time.Since(began); took != 100*time.Second {
			t.Errorf("it ended after %v", took)
		}
		if got := ids(t, s.written()); len(got) != 1 {
			t.Errorf("it has written %q", got)
		}
	})
}

// A stream goes on behind history without a gap or a repeat, however often the client
// connects again: a hundred of them, at a thousand events a second.
func TestNothingIsMissingOrTwice(t *testing.T) {
	r := newRoom(t, journal.DefaultLimits())
	server := httptest.NewServer(r.Handler())
	defer server.Close()
	const all = 1000
	go func() {
		for range all / 10 {
			r.events(10)
			time.Sleep(10 * time.Millisecond)
		}
	}()
	var readers sync.WaitGroup
	for reader := range 100 {
		readers.Go(func() {
			got, last := 0, ""
			for connection := 1; got < all; connection++ {
				n, err := readSome(t.Context(), server.URL, &last, 1+(connection*37+reader*101)%400, all-got)
				if err != nil {
					t.Error(err)
					return
				}
				for _, sequence := range n {
					if got++; sequence != got {
						t.Errorf("reader %d, connection %d: event %d comes after %d", reader, connection, sequence, got-1)
						return
					}
				}
			}
		})
	}
	readers.Wait()
}

// An event is seen when it is recorded, and not when somebody looks next. test/bench measures
// how soon; here is room for a busy machine.
func TestAnEventIsSeenAtOnce(t *testing.T) {
	r := newRoom(t, journal.DefaultLimits())
	server := httptest.NewServer(r.Handler())
	defer server.Close()
	response, err := http.Get(server.URL + "/v1/events?follow=true") //nolint:noctx // it ends with the server
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	var took []time.Duration
	for range 101 {
		began := time.Now()
		r.events(1)
		if !lines.Scan() {
			t.Fatalf("the stream has ended: %v", lines.Err())
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	if median := took[len(took)/2]; median > 100*time.Millisecond {
		t.Errorf("half of the events were seen after %v or later", median)
	}
}

// readSome reads at most so many events behind last, as a browser would, and goes.
func readSome(ctx context.Context, url string, last *string, most, left int) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/events", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	if *last != "" {
		request.Header.Set("Last-Event-ID", *last)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var got []int
	lines := bufio.NewScanner(response.Body)
	for len(got) < min(most, left) && lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			*last = id
			var n int
			if _, err := fmt.Sscanf(id[strings.IndexByte(id, '-')+1:], "%d", &n); err != nil {
				return got, err
			}
			got = append(got, n)
		}
	}
	return got, lines.Err()
}

// A client that reads nothing costs the others nothing.
func TestASlowReaderHurtsNobody(t *testing.T) {
	r := newRoom(t, journal.DefaultLimits())
	server := httptest.NewServer(r.Handler())
	defer server.Close()
	stuck, err := http.Get(server.URL + "/v1/events?follow=true") //nolint:noctx // it never ends
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Body.Close()
	r.events(20_000) // more than the kernel's buffers take
	last := ""
	got, err := readSome(t.Context(), server.URL, &last, 20_000, 20_000)
	if err != nil || len(got) != 20_000 {
		t.Errorf("%d events, %v", len(got), err)
	}
}

func TestOnlySoManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, journal.DefaultLimits())
		ctx, cancel := context.WithCancel(t.Context())
		var all []chan struct{}
		for range 256 {
			_, done := r.follow(ctx, "?follow=true", "")
			all = append(all, done)
		}
		synctest.Wait()
		if status, body := r.get(""); status != http.StatusServiceUnavailable || !strings.Contains(body, "256 clients read events already") {
			t.Errorf("status %d, %s", status, body)
		}
		cancel()
		for _, done := range all {
			<-done
		}
		if status, _ := r.get(""); status != http.StatusOK {
			t.Errorf("status %d when they are gone", status)
		}
	})
}

func TestState(t *testing.T) {
	r := newRoom(t, journal.DefaultLimits())
	since := start
	r.State = func() stream.State {
		return stream.State{
			Cluster: "cluster", Node: "n1", Source: "fleet", Time: start.Add(time.Minute),
			Overall: stream.Condition{State: "LOCKED", Since: &since, Reason: "OffsetInRange"},
			Instances: []stream.Instance{{
				Name: "ptp4l.0", Condition: stream.Condition{State: "LOCKED", Since: &since, Reason: "OffsetInRange"},
				Up: true, Interface: "eth0", OffsetNanoseconds: new(int64(-37)), Grandmaster: "42160d.fffe.627ae7", Class: "6",
				Ports: []stream.Port{{Number: 1, State: "SLAVE", Interface: "eth0"}},
			}},
			Resources:  []stream.Resource{{Address: "/cluster/node/n1/ptp4l.0/sync/ptp-status/lock-state", Instance: "ptp4l.0", State: "LOCKED", Since: &since}},
			Thresholds: stream.Thresholds{LockOffset: "100ns", UnlockOffset: "200ns", HoldoverTimeout: "5s"},
		}
	}
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/state", nil))
	const want = `{"cluster":"cluster","node":"n1","source":"fleet","time":"2026-05-10T07:21:34Z",` +
		`"overall":{"state":"LOCKED","since":"2026-05-10T07:20:34Z","reason":"OffsetInRange"},` +
		`"instances":[{"name":"ptp4l.0","state":"LOCKED","since":"2026-05-10T07:20:34Z","reason":"OffsetInRange","up":true,"silent":false,` +
		`"interface":"eth0","offsetNanoseconds":-37,"grandmaster":"42160d.fffe.627ae7","class":"6",` +
		`"ports":[{"number":1,"state":"SLAVE","interface":"eth0"}]}],` +
		`"resources":[{"address":"/cluster/node/n1/ptp4l.0/sync/ptp-status/lock-state","instance":"ptp4l.0","state":"LOCKED","since":"2026-05-10T07:20:34Z"}],` +
		`"thresholds":{"lockOffset":"100ns","unlockOffset":"200ns","holdoverTimeout":"5s"}}` + "\n"
	if diff := cmp.Diff(want, w.Body.String()); diff != "" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s: want (-) and got (+):\n%s", w.Header(), diff)
	}
}

func FuzzRequest(f *testing.F) {
	for _, seed := range []string{"since=10m&until=1.5", "after=a-1&gap=mark", "resource=/./n1/sync&limit=3", "state=locked&type=%zz", "follow=true"} {
		f.Add(seed, "text/event-stream, */*;q=0.1")
	}
	r := newRoom(f, journal.DefaultLimits())
	r.events(5)
	f.Fuzz(func(t *testing.T, query, accept string) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/events", nil)
		request.URL.RawQuery = query
		request.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		r.Handler().ServeHTTP(w, request)
		body, _ := io.ReadAll(w.Body)
		if !slices.Contains([]int{200, 400, 404, 406, 410}, w.Code) {
			t.Errorf("status %d: %s", w.Code, body)
		}
	})
}
