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

package ocloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
)

// patience is for what should take milliseconds, on a machine that has much to do.
const patience = 30 * time.Second

var here = oran.Place{Cluster: "cluster", Node: "n1.example.com"}

// clocks are those of a node, as a test wants them.
type clocks struct {
	mu       sync.Mutex
	states   []oran.Event
	notReady bool
}

func (c *clocks) Now() ([]oran.Event, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.states), !c.notReady
}

// set makes the present state of a clock be that of an event.
func (c *clocks) set(e oran.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.Previous, e.Reason = "", ""
	for n, s := range c.states {
		if s.Address == e.Address {
			c.states[n] = e
			return
		}
	}
	c.states = append(c.states, e)
}

// observed is when everything in these tests was observed.
func observed() time.Time { return time.Date(2026, 11, 20, 9, 9, 7, 781100559, time.UTC) }

func encode(t testing.TB, change clock.Transition) oran.Event {
	t.Helper()
	encoder, err := oran.NewEncoder(here, oran.SourceFull)
	if err != nil {
		t.Fatal(err)
	}
	e, err := encoder.Encode(change, observed())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// lock is a change of the lock-state of an instance, by a master that is 5 ns ahead.
func lock(instance string, from, to clock.State) clock.Transition {
	t := clock.Transition{
		Kind: clock.LockState, Instance: instance, Interface: "ens1f0", To: to, Reason: clock.OffsetInRange, Offset: -5, HasOffset: true,
	}
	if from != clock.Unknown {
		t.From = from
	}
	return t
}

func class(from, to clock.Class) clock.Transition {
	return clock.Transition{Kind: clock.ClockClass, Instance: "ptp4l.0", Interface: "ens1f0", From: from, To: to, Reason: clock.ParentClass}
}

func node(from, to clock.State) clock.Transition {
	return clock.Transition{Kind: clock.SyncState, From: from, To: to, Reason: clock.OffsetInRange}
}

// room is an API that is served, and all that it needs.
type room struct {
	*clocks
	journal *journal.Log
	api     *ocloud.API
	url     string
	logs    *observer.ObservedLogs
	stop    func()
	// happened is when the last change happened.
	happened time.Time
}

// open serves the API until it is stopped, or the test ends.
func open(t testing.TB, change ...func(*ocloud.Options)) *room {
	t.Helper()
	return openOn(t, "127.0.0.1:0", nil, change...)
}

func openOn(t testing.TB, address string, certificate *ocloud.Certificate, change ...func(*ocloud.Options)) *room {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	r := &room{clocks: &clocks{}, logs: logs}
	r.set(encode(t, lock("ptp4l.0", clock.Freerun, clock.Locked)))
	r.set(encode(t, class(255, 6)))
	r.set(encode(t, node(clock.Freerun, clock.Locked)))
	o := ocloud.Options{
		Here: here, Live: r.clocks, Endpoints: ocloud.Endpoints{Reach: ocloud.Localhost},
		Delivery: ocloud.Delivery{Timeout: patience, Backoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond, Greeting: patience},
		Limits:   ocloud.DefaultLimits(), Logger: zap.New(core),
	}
	for _, f := range change {
		f(&o)
	}
	var err error
	if r.journal, err = journal.Open(t.Context(), journal.Options{Directory: o.Directory, Limits: journal.DefaultLimits(), Key: oran.Key}); err != nil {
		t.Fatal(err)
	}
	if o.Journal == nil {
		o.Journal = r.journal
	} else {
		r.journal = o.Journal.(*journal.Log)
	}
	if r.api, err = ocloud.New(o); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", address) //nolint:noctx // it answers at once
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.api.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	running.Go(func() {
		if err := r.api.Serve(ctx, listener, certificate); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	r.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		if err := r.journal.Close(); err != nil {
			t.Errorf("close the journal: %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

// happen makes a change: it holds from now on, and is in the journal.
func (r *room) happen(t testing.TB, change clock.Transition) {
	t.Helper()
	e := encode(t, change)
	r.set(e)
	r.happened = time.Now()
	if _, err := r.journal.Append(e.Marshal()); err != nil {
		t.Fatal(err)
	}
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	body   string
}

func (a reply) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%q is no JSON object: %v", a.body, err)
	}
	return v
}

// problem returns what is wrong, and checks that it is said as it should be.
func (a reply) problem(t testing.TB) string {
	t.Helper()
	if content := a.header.Get("Content-Type"); content != "application/problem+json" {
		t.Errorf("%d is a %s: %s", a.status, content, a.body)
	}
	p := a.json(t)
	if p["status"] != float64(a.status) || p["title"] != http.StatusText(a.status) || p["type"] != "about:blank" {
		t.Errorf("%d says of itself %v", a.status, p)
	}
	detail, _ := p["detail"].(string)
	return detail
}

func (r *room) do(t testing.TB, method, path, body string, header ...string) reply {
	t.Helper()
	return do(t, http.DefaultClient, method, r.url+path, body, header...)
}

func do(t testing.TB, client *http.Client, method, url, body string, header ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(header); n += 2 {
		request.Header.Set(header[n], header[n+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(text)}
}

// subscribe makes a subscription of v2, and returns its id.
func (r *room) subscribe(t testing.TB, endpoint, address string) string {
	t.Helper()
	got := r.do(t, "POST", "/api/ocloudNotifications/v2/subscriptions", fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":%q}`, endpoint, address))
	if got.status != http.StatusCreated {
		t.Fatalf("subscribe %s: %d %s", address, got.status, got.body)
	}
	id, _ := got.json(t)["SubscriptionId"].(string)
	return id
}

// consumer is an endpoint that keeps what it gets.
type consumer struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	header http.Header
	answer func(n int) int // what the nth request, from 1, is answered; nil: 204
	asked  int
	// running is how many requests are being answered, whether or not anybody waits for that.
	running atomic.Int32
}

func consume(t testing.TB, answer func(n int) int) *consumer {
	c := &consumer{answer: answer}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.running.Add(1)
		defer c.running.Add(-1)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // cut short by the end of the API
		}
		c.mu.Lock()
		c.asked++
		n := c.asked
		c.mu.Unlock()
		status := http.StatusNoContent
		if c.answer != nil {
			status = c.answer(n)
		}
		if status/100 == 2 {
			c.mu.Lock()
			c.bodies, c.header = append(c.bodies, string(body)), r.Header
			c.mu.Unlock()
		}
		if status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(c.Close)
	return c
}

// idle waits until no request is being answered.
func (c *consumer) idle(t testing.TB) {
	t.Helper()
	eventually(t, "end of what is being answered", func() bool { return c.running.Load() == 0 }, func() string { return "requests" })
}

func (c *consumer) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.bodies)
}

// wait waits for n notifications, and returns them.
func (c *consumer) wait(t testing.TB, n int) []string {
	t.Helper()
	eventually(t, fmt.Sprintf("%d notifications", n), func() bool { return len(c.got()) >= n }, func() string { return strings.Join(c.got(), "\n") })
	return c.got()
}

// brief is what notifications say, in the order in which they came: without what differs
// from run to run.
func brief(t testing.TB, bodies []string) []string {
	t.Helper()
	var all []string
	for _, body := range bodies {
		var e struct {
			Source, PtpState, PreviousState, Instance, StateAge string
			Data                                                struct{ Values []oran.Value }
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		line := strings.TrimPrefix(e.Source, "/sync/") + " " + e.PreviousState + ">" + e.PtpState
		if e.StateAge != "" {
			line = strings.TrimPrefix(e.Source, "/sync/") + " is"
			for _, v := range e.Data.Values {
				if v.DataType == oran.Notification || strings.Contains(e.Source, "class") || strings.Contains(e.Source, "quality") {
					line += " " + v.Value
				}
			}
		}
		all = append(all, line)
	}
	return all
}

func eventually(t testing.TB, what string, done func() bool, instead func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %v, but %s", what, patience, instead())
		}
	}
}
