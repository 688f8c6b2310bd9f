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
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
)

// bench is a publisher with its journal and its log, and what its tests need.
type bench struct {
	*sink.Publisher
	t       *testing.T
	journal *journal.Log
	log     *observer.ObservedLogs
}

func newBench(t *testing.T, keep int) *bench {
	t.Helper()
	j, err := journal.NewMemory(journal.Limits{Entries: keep, Bytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	core, log := observer.New(zapcore.InfoLevel)
	return &bench{
		Publisher: &sink.Publisher{
			Cursor:   j.Cursor("sink"),
			Delivery: sink.Delivery{Timeout: 30 * time.Second, Backoff: time.Millisecond, MaxBackoff: 4 * time.Millisecond, Retries: sink.Forever},
			Logger:   zap.New(core),
		},
		t: t, journal: j, log: log,
	}
}

func observed() time.Time { return time.Date(2026, 11, 20, 9, 9, 7, 781100559, time.UTC) }

// someEvent is the event that most tests send.
func someEvent() oran.Event {
	return oran.Event{
		Type:    oran.LockStateChange,
		Source:  "/cluster/node/n1" + oran.LockState,
		Address: oran.Address{Cluster: "cluster", Node: "n1", Instance: "ptp4l.0", Resource: oran.LockState},
		Subject: "ptp4l.0",
		Time:    observed(),
		State:   "HOLDOVER",
		Reason:  "SyncSilent",
		Data:    `{"version":"1.0","values":[{"ResourceAddress":"/cluster/node/n1/ens1f0/master","data_type":"notification","value_type":"enumeration","value":"HOLDOVER"}]}`,
	}
}

// record appends someEvent n times to the journal.
func (b *bench) record(n int) {
	b.t.Helper()
	for range n {
		b.append(someEvent())
	}
}

func (b *bench) append(e oran.Event) {
	b.t.Helper()
	if _, err := b.journal.Append(e.Marshal()); err != nil {
		b.t.Fatal(err)
	}
}

// run starts the publisher. The function it returns ends it and wants it to end well
// and soon; it is called at the end of the test if not before.
func (b *bench) run() (stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				b.t.Errorf("Run ends with %v, want nil", err)
			}
		case <-time.After(10 * time.Second):
			b.t.Error("Run does not end with its context")
		}
	})
	b.t.Cleanup(stop)
	return stop
}

func (b *bench) until(what string, reached func(sink.Stats) bool) {
	b.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !reached(b.Stats()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("not %s after 10 s: %+v", what, b.Stats())
		}
	}
}

// finish waits until n events are done with, and ends the publisher.
func (b *bench) finish(stop func(), n uint64) sink.Stats {
	b.t.Helper()
	b.until("done", func(s sink.Stats) bool { return s.Delivered+s.DeadLettered+s.Skipped == n })
	stop()
	return b.Stats()
}

// lines returns what was logged.
func (b *bench) lines() []string {
	var lines []string
	for _, entry := range b.log.All() {
		lines = append(lines, entry.Message)
	}
	return lines
}

// target is the server at url, with connections of its own.
func target(t *testing.T, url string) sink.Target {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return sink.Target{URL: url, Transport: transport}
}

// server is a sink that answers the nth request with the nth step, and all further
// ones with 202. It keeps the requests.
type server struct {
	*httptest.Server

	mu       sync.Mutex
	requests []request
	steps    []http.HandlerFunc
}

type request struct {
	Method string
	Header http.Header
	Body   string
}

func newServer(t *testing.T, steps ...http.HandlerFunc) *server {
	s := &server{steps: steps}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests = append(s.requests, request{r.Method, r.Header, string(body)})
	step := status(http.StatusAccepted)
	if n := len(s.requests); n <= len(s.steps) {
		step = s.steps[n-1]
	}
	s.mu.Unlock()
	step(w, r)
}

func (s *server) all() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// sequences returns the sequence that each request's id ends with.
func (s *server) sequences(t *testing.T) []int {
	t.Helper()
	var sequences []int
	for _, r := range s.all() {
		_, text, _ := strings.Cut(r.Header.Get("Ce-Id"), "-")
		n, err := strconv.Atoi(text)
		if err != nil || r.Header.Get("Ce-Sequence") != fmt.Sprintf("%020d", n) || r.Method != http.MethodPost {
			t.Errorf("%s with id %q and sequence %q", r.Method, r.Header.Get("Ce-Id"), r.Header.Get("Ce-Sequence"))
		}
		sequences = append(sequences, n)
	}
	return sequences
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func says(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func redirects(code int, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, code) }
}

// breaks sends part of an answer and closes the connection.
func breaks(part string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if part == "" { // without even an orderly end
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
		_, _ = io.WriteString(conn, part)
		_ = conn.Close()
	}
}

func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func babbles(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusInternalServerError)
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 1024)); err != nil {
			return
		}
	}
}

// Two events are sent to a sink that meets the first one with the given answers.
func TestAnswers(t *testing.T) {
	const text = `{"error":"no"}`
	for _, tc := range []struct {
		name     string
		steps    []http.HandlerFunc
		requests []int // by sequence
		want     sink.Stats
	}{
		{"202", nil, []int{1, 2}, sink.Stats{Delivered: 2}},
		{"200 with a body", []http.HandlerFunc{says(200, "thank you")}, []int{1, 2}, sink.Stats{Delivered: 2}},
		{"204", []http.HandlerFunc{status(204)}, []int{1, 2}, sink.Stats{Delivered: 2}},
		{"accepted, and broken in the body", []http.HandlerFunc{breaks("HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nha")}, []int{1, 2}, sink.Stats{Delivered: 2}},

		{"500", []http.HandlerFunc{status(500)}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},
		{"502, 503, 504", []http.HandlerFunc{status(502), status(503), status(504)}, []int{1, 1, 1, 1, 2}, sink.Stats{Delivered: 2, Retried: 3}},
		{"501 with a body", []http.HandlerFunc{says(501, text)}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},
		{"599", []http.HandlerFunc{status(599)}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},
		{"404", []http.HandlerFunc{status(404)}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},
		{"408", []http.HandlerFunc{status(408)}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},
		{"409", []http.HandlerFunc{status(409)}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},
		{"429", []http.HandlerFunc{status(429)}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},

		{"a connection that is reset", []http.HandlerFunc{breaks("")}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},
		{"half a status line", []http.HandlerFunc{breaks("HTTP/1.1 202 Acc")}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},
		{"half a header", []http.HandlerFunc{breaks("HTTP/1.1 202 Accepted\r\nContent-Le")}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},
		{"half an error", []http.HandlerFunc{breaks("HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nha")}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},
		{"something that is not HTTP", []http.HandlerFunc{breaks("220 mail.example ESMTP\r\n")}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},
		{"an error without end", []http.HandlerFunc{babbles}, []int{1, 1, 2}, sink.Stats{Delivered: 2, Retried: 1}},

		{"400", []http.HandlerFunc{says(400, text)}, []int{1, 2}, sink.Stats{Delivered: 1, Skipped: 1}},
		{"401", []http.HandlerFunc{status(401)}, []int{1, 2}, sink.Stats{Delivered: 1, Skipped: 1}},
		{"403", []http.HandlerFunc{status(403)}, []int{1, 2}, sink.Stats{Delivered: 1, Skipped: 1}},
		{"413", []http.HandlerFunc{status(413)}, []int{1, 2}, sink.Stats{Delivered: 1, Skipped: 1}},
		{"425", []http.HandlerFunc{status(425)}, []int{1, 2}, sink.Stats{Delivered: 1, Skipped: 1}},
		{"500, then 400", []http.HandlerFunc{status(500), status(400)}, []int{1, 1, 2}, sink.Stats{Delivered: 1, Skipped: 1, Retried: 1}},

		{"a redirect that keeps the event", []http.HandlerFunc{redirects(307, "/moved")}, []int{1, 1, 2}, sink.Stats{Delivered: 2}},
		{"a permanent redirect that keeps the event", []http.HandlerFunc{redirects(308, "/moved")}, []int{1, 1, 2}, sink.Stats{Delivered: 2}},
		{"a redirect that would lose the event", []http.HandlerFunc{redirects(302, "/moved")}, []int{1, 2}, sink.Stats{Delivered: 1, Skipped: 1}},
		{"a permanent redirect that would lose the event", []http.HandlerFunc{redirects(301, "/moved")}, []int{1, 2}, sink.Stats{Delivered: 1, Skipped: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newServer(t, tc.steps...)
			b := newBench(t, 10)
			b.Sink = target(t, s.URL)
			b.record(2)
			if got := b.finish(b.run(), 2); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
			if diff := cmp.Diff(tc.requests, s.sequences(t)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRedirectsWithoutEnd(t *testing.T) {
	s := newServer(t)
	for range 20 {
		s.steps = append(s.steps, redirects(307, "/again"))
	}
	b := newBench(t, 10)
	b.Sink = target(t, s.URL)
	b.record(1)
	if got, want := b.finish(b.run(), 1), (sink.Stats{Skipped: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if n := len(s.all()); n != 11 {
		t.Errorf("%d requests, want 11", n)
	}
}

func TestEveryTryIsTheSame(t *testing.T) {
	s := newServer(t, status(503), breaks(""), status(429))
	b := newBench(t, 10)
	b.Sink = target(t, s.URL)
	b.record(1)
	b.finish(b.run(), 1)
	requests := s.all()
	if len(requests) != 4 {
		t.Fatalf("%d requests, want 4", len(requests))
	}
	for _, r := range requests[1:] {
		if diff := cmp.Diff(requests[0], r); diff != "" {
			t.Errorf("unlike the first try (-first +this):\n%s", diff)
		}
	}
}

func TestSinkHangs(t *testing.T) {
	s := newServer(t, times(2, hangs)...)
	b := newBench(t, 10)
	b.Delivery.Timeout = 50 * time.Millisecond
	b.Sink = target(t, s.URL)
	b.record(1)
	stop := b.run()
	b.until("tried three times", func(sink.Stats) bool { return len(s.all()) > 2 })
	b.until("delivered", func(s sink.Stats) bool { return s.Delivered == 1 })
	stop()
	for _, n := range s.sequences(t) {
		if n != 1 {
			t.Errorf("event %d was sent, want 1 alone", n)
		}
	}
	if reason := b.log.All()[0].ContextMap()["reason"]; reason != "no answer in time" {
		t.Errorf("reason is %q, want no answer in time", reason)
	}
}

// reserve returns a loopback address at which connections are refused, until listen
// is called. Nobody else can get it meanwhile.
func reserve(t *testing.T) (address string, listen func() net.Listener) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "sink")
	t.Cleanup(func() { _ = file.Close() })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address = fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	return address, func() net.Listener {
		if err := syscall.Listen(fd, 16); err != nil {
			t.Fatal(err)
		}
		listener, err := net.FileListener(file)
		if err != nil {
			t.Fatal(err)
		}
		return listener
	}
}

func TestSinkComesUpLater(t *testing.T) {
	address, listen := reserve(t)
	uri := "http://user:secret@" + address + "/path?token=hidden"
	b := newBench(t, 100)
	b.Sink = target(t, uri)
	b.record(20)
	stop := b.run()
	b.until("tried often", func(s sink.Stats) bool { return s.Retried >= 5 })
	if got := b.Stats(); got.Delivered != 0 || got.Waiting != 19 {
		t.Errorf("%+v, want none delivered and 19 waiting", got)
	}

	s := &server{}
	s.Server = httptest.NewUnstartedServer(s)
	s.Listener = listen()
	s.Start()
	t.Cleanup(s.Close)
	got := b.finish(stop, 20)
	got.Retried = 0 // as often as it took
	if want := (sink.Stats{Delivered: 20}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}
	if diff := cmp.Diff(want, s.sequences(t)); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff([]string{
		"the sink does not take events; they are kept and tried again",
		"the sink takes events again",
	}, b.lines()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	down, up := b.log.All()[0].ContextMap(), b.log.All()[1].ContextMap()
	for field, want := range map[string]any{
		"uri":     "http://" + address + "/path",
		"reason":  "dial tcp " + address + ": connect: connection refused",
		"do":      "check that it is running, that its address and its certificate are right, and that no network policy is in between",
		"type":    "event.sync.ptp-status.ptp-state-change",
		"waiting": uint64(19),
	} {
		if down[field] != want {
			t.Errorf("%s is logged as %v, want %v", field, down[field], want)
		}
	}
	if after, _ := up["after"].(time.Duration); after <= 0 || up["waiting"] != uint64(19) {
		t.Errorf("back after %v with %v waiting, want some time and 19", up["after"], up["waiting"])
	}
	for _, entry := range b.log.All() {
		if text := fmt.Sprint(entry.Message, entry.ContextMap()); strings.Contains(text, "secret") || strings.Contains(text, "hidden") {
			t.Errorf("a secret is logged: %s", text)
		}
	}
}

func TestBacklogBeyondTheBound(t *testing.T) {
	var open sync.WaitGroup
	open.Add(1)
	s := newServer(t, times(4, func(w http.ResponseWriter, _ *http.Request) {
		open.Wait()
		w.WriteHeader(http.StatusServiceUnavailable)
	})...)
	b := newBench(t, 5)
	b.Sink = target(t, s.URL)
	b.record(1)
	stop := b.run()
	b.until("tried", func(sink.Stats) bool { return len(s.all()) == 1 })
	b.record(11) // of which the last 5 fit
	if got, want := b.Stats(), (sink.Stats{Dropped: 6, Waiting: 5, Oldest: observed()}); got != want {
		t.Errorf("while the sink is down: %+v, want %+v", got, want)
	}
	open.Done()
	if got, want := b.finish(stop, 6), (sink.Stats{Delivered: 6, Retried: 4, Dropped: 6}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if diff := cmp.Diff([]int{1, 1, 1, 1, 1, 8, 9, 10, 11, 12}, s.sequences(t)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"the sink does not take events; they are kept and tried again",
		"the journal is full while the sink does not take events; from now on the oldest are lost",
		"the sink takes events again",
		"events were lost: they fell out of the journal before the sink took them",
	}, b.lines()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if lost := b.log.All()[3].ContextMap()["lost"]; lost != uint64(6) {
		t.Errorf("%v are said to be lost, want 6", lost)
	}
}

func TestRestartGoesOnWhereItStopped(t *testing.T) {
	s := newServer(t)
	b := newBench(t, 10)
	b.Sink = target(t, s.URL)
	b.record(2)
	b.finish(b.run(), 2)

	b.record(1)
	again := newBench(t, 10)
	again.Sink, again.Cursor = b.Sink, b.journal.Cursor("sink")
	again.finish(again.run(), 1)
	if diff := cmp.Diff([]int{1, 2, 3}, s.sequences(t)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// Each row ends the publisher in another state; run's stop is the test.
func TestEndsWithItsContext(t *testing.T) {
	t.Run("waiting for an event", func(t *testing.T) {
		b := newBench(t, 10)
		b.run()()
	})
	t.Run("waiting for an answer", func(t *testing.T) {
		s := newServer(t, hangs)
		b := newBench(t, 10)
		b.Sink = target(t, s.URL)
		b.record(1)
		stop := b.run()
		b.until("sent", func(sink.Stats) bool { return len(s.all()) == 1 })
		stop()
		if got := b.lines(); got != nil {
			t.Errorf("the end is logged as a failure: %q", got)
		}
		// What was on its way is not done.
		if e, err := b.journal.Cursor("sink").Next(t.Context()); err != nil || e.Sequence != 1 {
			t.Errorf("next is %d, %v, want 1", e.Sequence, err)
		}
	})
	t.Run("waiting to try again", func(t *testing.T) {
		s := newServer(t, status(500))
		b := newBench(t, 10)
		b.Delivery.Backoff, b.Delivery.MaxBackoff = time.Hour, time.Hour
		b.Sink = target(t, s.URL)
		b.record(1)
		stop := b.run()
		b.until("failed", func(sink.Stats) bool { return b.log.Len() == 1 })
		stop()
	})
}

func TestJournalEnds(t *testing.T) {
	b := newBench(t, 10)
	if err := b.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); err == nil || err.Error() != "publish to the sink: journal is closed" {
		t.Errorf("Run ends with %v, want an error", err)
	}
}

func TestDeadLetters(t *testing.T) {
	for _, tc := range []struct {
		name    string
		retries int
		steps   []http.HandlerFunc
		dead    []http.HandlerFunc
		// What the dead letter sink got.
		code, data string
		want       sink.Stats
	}{
		{
			name: "a refused event", steps: []http.HandlerFunc{says(400, "no such field")},
			code: "400", data: "bm8gc3VjaCBmaWVsZA==", want: sink.Stats{DeadLettered: 1, Delivered: 1},
		},
		{
			name: "a refused event without a word", steps: []http.HandlerFunc{status(413)},
			code: "413", want: sink.Stats{DeadLettered: 1, Delivered: 1},
		},
		{
			name: "a refused event with many words", steps: []http.HandlerFunc{says(422, strings.Repeat("no ", 1000))},
			code: "422", data: strings.Repeat("bm8g", 256), want: sink.Stats{DeadLettered: 1, Delivered: 1},
		},
		{
			name: "an event that was tried often enough", retries: 2, steps: []http.HandlerFunc{status(503), status(503), says(503, "busy")},
			code: "503", data: "YnVzeQ==", want: sink.Stats{DeadLettered: 1, Delivered: 1, Retried: 2},
		},
		{
			name: "an event without an answer", retries: 1, steps: []http.HandlerFunc{breaks("HTTP/1.1 202"), breaks("HTTP/1.1 202")},
			code: "500", data: "ZGlzcGF0Y2ggZXJyb3I6IG5ldC9odHRwOiBIVFRQLzEueCB0cmFuc3BvcnQgY29ubmVjdGlvbiBicm9rZW46IHVuZXhwZWN0ZWQgRU9G", want: sink.Stats{DeadLettered: 1, Delivered: 1, Retried: 1},
		},
		{
			name: "a dead letter sink that is down for a while", steps: []http.HandlerFunc{status(400)}, dead: []http.HandlerFunc{status(503), status(504)},
			code: "400", want: sink.Stats{DeadLettered: 1, Delivered: 1, Retried: 2},
		},
		{
			name: "a dead letter sink that refuses", steps: []http.HandlerFunc{status(400)}, dead: []http.HandlerFunc{status(403)},
			code: "400", want: sink.Stats{Skipped: 1, Delivered: 1},
		},
		{
			name: "a dead letter sink that stays down", steps: []http.HandlerFunc{status(400)}, dead: times(11, status(503)),
			code: "400", want: sink.Stats{Skipped: 1, Delivered: 1, Retried: 10},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, dead := newServer(t, tc.steps...), newServer(t, tc.dead...)
			b := newBench(t, 10)
			if tc.retries > 0 {
				b.Delivery.Retries = tc.retries
			}
			b.Sink = target(t, strings.Replace(s.URL, "//", "//user:secret@", 1)+"/in")
			b.DeadLetter = target(t, dead.URL)
			b.record(2)
			if got := b.finish(b.run(), 2); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
			sequences := s.sequences(t)
			if last := sequences[len(sequences)-1]; last != 2 {
				t.Errorf("the last event sent is %d, want 2", last)
			}
			if n := len(dead.all()); n != max(1, len(tc.dead)+int(tc.want.DeadLettered)) {
				t.Errorf("the dead letter sink got %d requests", n)
			}
			for _, n := range dead.sequences(t) {
				if n != 1 {
					t.Errorf("event %d went to the dead letter sink, want 1 alone", n)
				}
			}

			original, letter := s.all()[0], dead.all()[0]
			want := original.Header.Clone()
			want.Del("Authorization") // the password of the sink is nobody else's business
			want.Set("Ce-Knativeerrordest", s.URL+"/in")
			want.Set("Ce-Knativeerrorcode", tc.code)
			if tc.data != "" {
				want.Set("Ce-Knativeerrordata", tc.data)
			}
			if diff := cmp.Diff(want, letter.Header); diff != "" {
				t.Errorf("dead letter (-want +got):\n%s", diff)
			}
			if letter.Body != original.Body {
				t.Errorf("dead letter is\n%s\nwant\n%s", letter.Body, original.Body)
			}
		})
	}
}

func times(n int, step http.HandlerFunc) []http.HandlerFunc {
	var steps []http.HandlerFunc
	for range n {
		steps = append(steps, step)
	}
	return steps
}

func TestSkippedWithoutDeadLetterSink(t *testing.T) {
	s := newServer(t, says(403, "who are you?"))
	b := newBench(t, 10)
	b.Sink = target(t, s.URL)
	b.record(1)
	b.finish(b.run(), 1)
	if b.log.Len() != 1 {
		t.Fatalf("logged %q, want one line", b.lines())
	}
	said := b.log.All()[0]
	want := map[string]any{
		"uri": s.URL, "id": s.all()[0].Header.Get("Ce-Id"), "type": "event.sync.ptp-status.ptp-state-change", "state": "HOLDOVER",
		"reason": `status 403 Forbidden: "who are you?"`, "do": "check its authentication: audience, event policies, tokens",
	}
	if diff := cmp.Diff(want, said.ContextMap()); diff != "" || said.Message != "the sink did not take an event, and it was skipped" {
		t.Errorf("%q (-want +got):\n%s", said.Message, diff)
	}
}

func TestEntryThatIsNoEvent(t *testing.T) {
	s := newServer(t)
	b := newBench(t, 10)
	b.Sink = target(t, s.URL)
	if _, err := b.journal.Append([]byte(`{"v":99}`)); err != nil {
		t.Fatal(err)
	}
	b.record(1)
	if got, want := b.finish(b.run(), 2), (sink.Stats{Delivered: 1, Skipped: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if diff := cmp.Diff([]int{2}, s.sequences(t)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// transport is one whose answers a test chooses.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// Each try has a deadline, which ends with it, and a header of its own.
func TestTriesShareNothing(t *testing.T) {
	b := newBench(t, 10)
	var before []*http.Request
	b.Sink = sink.Target{URL: "http://sink.example", Transport: transport(func(r *http.Request) (*http.Response, error) {
		if deadline, ok := r.Context().Deadline(); !ok || time.Until(deadline) > 30*time.Second {
			t.Errorf("the deadline is %v, want one within the timeout", deadline)
		}
		for _, old := range before {
			if old.Context().Err() == nil {
				t.Error("the context of an earlier try still lives")
			}
			old.Header.Set("Ce-Id", "changed") // this must not be seen by any other
		}
		if r.Header.Get("Ce-Id") == "changed" {
			t.Error("the header is that of an earlier try")
		}
		before = append(before, r)
		answer := httptest.NewRecorder()
		answer.WriteHeader([]int{503, 202}[(len(before)+1)%2])
		return answer.Result(), nil
	})}
	b.record(3)
	if got, want := b.finish(b.run(), 3), (sink.Stats{Delivered: 3, Retried: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A sink that has closed the connection since the last event is no reason to wait.
func TestConnectionThatWasClosedMeanwhile(t *testing.T) {
	s := newServer(t, says(202, ""), breaks(""))
	b := newBench(t, 10)
	b.Sink = target(t, s.URL)
	b.record(2)
	if got, want := b.finish(b.run(), 2), (sink.Stats{Delivered: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if diff := cmp.Diff([]int{1, 2, 2}, s.sequences(t)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if lines := b.lines(); len(lines) > 0 {
		t.Errorf("logged %q", lines)
	}
	for _, r := range s.all() {
		if _, ok := r.Header["Idempotency-Key"]; ok {
			t.Error("a key is sent that means nothing to the sink")
		}
	}
}

func TestHeaderAndTokenOfTheTarget(t *testing.T) {
	s := newServer(t, status(503), redirects(307, "/moved"))
	b := newBench(t, 10)
	b.Sink = target(t, s.URL)
	b.Sink.Header = http.Header{"Ce-Site": {"north"}, "Ce-Ptpreason": {"over"}}
	tokens := 0
	b.Sink.Token = func(context.Context, bool) (string, error) {
		if tokens++; tokens == 2 {
			return "", io.EOF // may be had later
		}
		return fmt.Sprint("token", tokens), nil
	}
	b.record(1)
	if got, want := b.finish(b.run(), 1), (sink.Stats{Delivered: 1, Retried: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	var got [][3]string
	for _, r := range s.all() {
		got = append(got, [3]string{r.Header.Get("Authorization"), r.Header.Get("Ce-Site"), r.Header.Get("Ce-Ptpreason")})
	}
	want := [][3]string{{"Bearer token1", "north", "over"}, {"Bearer token3", "north", "over"}, {"Bearer token3", "north", "over"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("token, site, reason of the requests (-want +got):\n%s", diff)
	}
}

// A token that was taken back costs no event, and one that is refused for good only one.
func TestTokenThatIsRefused(t *testing.T) {
	s := newServer(t, status(401), status(202), says(401, ""), says(401, "who is that?"))
	b := newBench(t, 10)
	b.Sink = target(t, s.URL)
	tokens := 0
	b.Sink.Token = func(_ context.Context, refused bool) (string, error) {
		if refused || tokens == 0 {
			tokens++
		}
		return fmt.Sprint("token", tokens), nil
	}
	b.record(3)
	if got, want := b.finish(b.run(), 3), (sink.Stats{Delivered: 2, Skipped: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	var got []string
	for n, r := range s.all() {
		got = append(got, fmt.Sprint(s.sequences(t)[n], " ", r.Header.Get("Authorization")))
	}
	want := []string{"1 Bearer token1", "1 Bearer token2", "2 Bearer token2", "2 Bearer token3", "3 Bearer token3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events and their tokens (-want +got):\n%s", diff)
	}
}

// A token is for the sink alone.
func TestTokenDoesNotFollowARedirectToAnotherHost(t *testing.T) {
	other := newServer(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(other.URL, "http://"), ":")
	s := newServer(t, redirects(307, "http://localhost:"+port+"/"))
	b := newBench(t, 10)
	b.Sink = target(t, s.URL)
	b.Sink.Token = func(context.Context, bool) (string, error) { return "secret", nil }
	b.record(1)
	b.finish(b.run(), 1)
	if got := s.all()[0].Header.Get("Authorization"); got != "Bearer secret" {
		t.Errorf("the sink got %q", got)
	}
	if got := other.all()[0].Header.Get("Authorization"); got != "" {
		t.Errorf("the other host got %q", got)
	}
}

func TestDeliveryValidate(t *testing.T) {
	if err := sink.DefaultDelivery().Validate(); err != nil {
		t.Errorf("the default is refused: %v", err)
	}
	for _, tc := range []struct {
		name string
		edit func(*sink.Delivery)
		want string
	}{
		{"no timeout", func(d *sink.Delivery) { d.Timeout = 0 }, "timeout is 0s"},
		{"no backoff", func(d *sink.Delivery) { d.Backoff = 0 }, "backoff is 0s"},
		{"a maximum below the backoff", func(d *sink.Delivery) { d.MaxBackoff = d.Backoff - 1 }, "in this order"},
		{"fewer retries than none", func(d *sink.Delivery) { d.Retries = -2 }, "retries is -2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, 10)
			tc.edit(&b.Delivery)
			if err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Run ends with %v, want %q in it", err, tc.want)
			}
		})
	}
}
