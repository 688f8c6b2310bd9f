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

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
	"github.com/eventing-ptp/eventing-ptp/test/malformed"
)

// The bars of the O-Cloud API.
const (
	subscriberP50, subscriberP99 = 500 * time.Microsecond, 2 * time.Millisecond
	mostLateBesideHanging        = 5 * time.Millisecond
	mostForAll                   = 250 * time.Millisecond
	mostMemoryForAll             = 64 << 10 // KiB
	mostToSubscribe              = 20 * time.Millisecond
)

const (
	manySubscriptions = 1000
	malformedRequests = 1_000_000
	// besideHanging is how many subscribers there are beside one that hangs.
	besideHanging = 10
	// classResource is what is subscribed.
	classResource = "/sync/ptp-status/clock-class"
)

func verdict(ok bool) string {
	if ok {
		return "pass"
	}
	return "FAIL"
}

// notified is a notification, which subscriber has got it, and when its handler was entered.
type notified struct {
	at   time.Time
	who  string
	body []byte
}

// subscribers are endpoints, one for each path of a server, or for each address.
type subscribers struct {
	server   *http.Server
	url      string
	notified chan notified
	hanging  atomic.Bool // whether /hangs does
	end      chan struct{}
}

func newSubscribers() (*subscribers, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &subscribers{url: "http://" + listener.Addr().String(), notified: make(chan notified, 4*manySubscriptions), end: make(chan struct{})}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// another has the server listen at one more address, and returns its URL.
func (s *subscribers) another(ctx context.Context, n int) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.1.%d.%d:0", n/250, 1+n%250))
	if err != nil {
		return "", err
	}
	go func() { _ = s.server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

func (s *subscribers) close() error {
	close(s.end)
	return s.server.Close()
}

// ServeHTTP takes a notification.
func (s *subscribers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender was stopped meanwhile
	}
	if r.URL.Path == "/hangs" && s.hanging.Load() {
		select {
		case <-s.end:
		case <-r.Context().Done():
		}
		return
	}
	w.WriteHeader(http.StatusNoContent)
	s.notified <- notified{at, r.Host + r.URL.Path, body}
}

// next returns the next n notifications of a change to a class, with how long after the change
// was observed each came. Both clocks are that of this machine.
func (s *subscribers) next(ctx context.Context, n int, class uint8) (map[string]time.Duration, error) {
	took := map[string]time.Duration{}
	lost := time.NewTimer(patience)
	defer lost.Stop()
	for len(took) < n {
		select {
		case got := <-s.notified:
			var e struct {
				Time          time.Time
				PtpState      string
				PreviousState string
			}
			if err := json.Unmarshal(got.body, &e); err != nil {
				return nil, err
			}
			if e.PreviousState != "" && e.PtpState == fmt.Sprint(class) {
				took[got.who] = got.at.Round(0).Sub(e.Time)
			}
		case <-lost.C:
			return nil, fmt.Errorf("%d of %d subscribers were told within %v", len(took), n, patience)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return took, nil
}

// node is an adapter that serves the O-Cloud API, with all that is around it.
type node struct {
	*subscribers
	*watched
	api    string
	clocks []*simulator.Simulator
	taken  int
}

// serveOCloud starts an adapter on scripted ptp4ls.
func (b *bench) serveOCloud(ctx context.Context) (_ *node, err error) {
	dir, err := b.programs.socketDir()
	if err != nil {
		return nil, err
	}
	n := &node{}
	if n.clocks, err = scripted(ctx, dir, sources, 1); err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	n.api = "http://" + address + "/ocloudNotifications/v2/subscriptions"
	settings := filepath.Join(dir, "config.yaml")
	text := "oCloud: {enabled: true, endpoints: Localhost, maxSubscriptions: 2000, address: " + address + "}\n"
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if n.subscribers, err = newSubscribers(); err != nil {
		return nil, err
	}
	if n.watched, err = b.watch(ctx, patternOf(dir), sources, "-config", settings, "-journal", filepath.Join(dir, "journal")); err != nil {
		return nil, errors.Join(err, n.subscribers.close())
	}
	return n, nil
}

func (n *node) close() error { return errors.Join(n.watched.close(), n.subscribers.close()) }

// subscribe returns how long it takes until an endpoint is subscribed.
func (n *node) subscribe(ctx context.Context, url string) (time.Duration, error) {
	body := fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":%q}`, url, classResource)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.api, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	began := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	answer, err := io.ReadAll(response.Body)
	took := time.Since(began)
	if err = errors.Join(err, response.Body.Close()); err == nil && response.StatusCode != http.StatusCreated {
		err = fmt.Errorf("subscribe: %s: %s", response.Status, bytes.TrimSpace(answer))
	}
	return took, err
}

// unsubscribe removes all subscriptions.
func (n *node) unsubscribe(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, n.api+"?all=true", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// change changes a class, and returns how long after that was observed so many subscribers
// were told, and the sink.
func (n *node) change(ctx context.Context, subscribers int) (told map[string]time.Duration, sink time.Duration, err error) {
	i, class := n.taken%len(n.clocks), uint8(7-n.taken/len(n.clocks)%2) // 6 at the start
	n.taken++
	n.clocks[i].SetClass(class)
	if told, err = n.next(ctx, subscribers, class); err != nil {
		return nil, 0, err
	}
	a, err := n.sink.next(ctx, "change of the clock class", func(a arrival) bool { return a.is(clockClass, fmt.Sprint(class)) })
	return told, a.at.Round(0).Sub(a.event.Time()), err
}

// last returns how late the last of 8 changes, at 10 a second, is told to the last of the
// subscribers that take it.
func (n *node) last(ctx context.Context) (late time.Duration, err error) {
	for range 8 {
		began := time.Now()
		told, _, err := n.change(ctx, besideHanging)
		if err != nil {
			return 0, err
		}
		late = 0
		for _, took := range told {
			late = max(late, took)
		}
		if err := pause(ctx, 100*time.Millisecond-time.Since(began)); err != nil {
			return 0, err
		}
	}
	return late, nil
}

// ocloud measures the O-Cloud API of an adapter.
func (b *bench) ocloud(ctx context.Context) (_ *table, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n, err := b.serveOCloud(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	t := &table{
		conditions: fmt.Sprintf("%d scripted ptp4l 4.2, loopback, journal and subscriptions on the disk; from when a change of a clock class was observed", sources),
		header:     []string{"", "n", "measured", "at most", "verdict", "beside", "ratio"},
		notes: []string{
			"Beside one subscriber: the sink of the same adapter, which gets the same event. Beside subscribers of which one",
			"hangs: the same without it. A thousand subscribers have an address each. Memory is the adapter's alone (VmRSS).",
		},
	}
	for _, measure := range []func(context.Context, *node, *table) error{b.oneSubscriber, b.hangingSubscriber, b.manySubscribers} {
		if err := errors.Join(measure(ctx, n, t), n.unsubscribe(ctx)); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (b *bench) oneSubscriber(ctx context.Context, n *node, t *table) error {
	if _, err := n.subscribe(ctx, n.url); err != nil {
		return err
	}
	const warmup = 50
	var ours, sinks []time.Duration
	for k := range warmup + b.samples {
		told, sink, err := n.change(ctx, 1)
		if err != nil {
			return err
		}
		if k >= warmup {
			for _, took := range told {
				ours = append(ours, took)
			}
			sinks = append(sinks, sink)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	s, k := summarize(ours), summarize(sinks)
	count := fmt.Sprint(len(ours))
	t.add("one subscriber's handler, p50", count, ms(s.p50), ms(subscriberP50), verdict(s.p50 <= subscriberP50), ms(k.p50), ratio(s.p50, k.p50))
	t.add("one subscriber's handler, p99", count, ms(s.p99), ms(subscriberP99), verdict(s.p99 <= subscriberP99), ms(k.p99), ratio(s.p99, k.p99))
	return nil
}

func (b *bench) hangingSubscriber(ctx context.Context, n *node, t *table) error {
	if _, err := n.subscribe(ctx, n.url+"/hangs"); err != nil {
		return err
	}
	for k := range besideHanging {
		if _, err := n.subscribe(ctx, fmt.Sprintf("%s/%d", n.url, k)); err != nil {
			return err
		}
	}
	var with, without []time.Duration
	for range b.rounds {
		for _, hanging := range []bool{false, true} {
			n.hanging.Store(hanging)
			late, err := n.last(ctx)
			if err != nil {
				return err
			}
			if hanging {
				with = append(with, late)
			} else {
				without = append(without, late)
			}
		}
		// The one that has hung gets all that it has missed, and the next round begins as this
		// one has. It was tried for 5 s, and is tried again 10 s later at most.
		n.hanging.Store(false)
		if err := n.caughtUp(ctx); err != nil {
			return err
		}
	}
	w, o := summarize(with), summarize(without)
	t.add(fmt.Sprintf("one of %d hangs: the others' last of 8 events", besideHanging+1), fmt.Sprint(len(with)), ms(w.max), ms(mostLateBesideHanging),
		verdict(w.max <= mostLateBesideHanging), ms(o.max), ratio(w.max, o.max))
	return nil
}

// caughtUp waits until no subscription is failing and nothing waits for one.
func (n *node) caughtUp(ctx context.Context) error {
	for deadline := time.Now().Add(patience); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.api, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		list, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			return err
		}
		if !bytes.Contains(list, []byte(`"failing"`)) && !bytes.Contains(list, []byte(`"Waiting"`)) {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v there is still %s", patience, list)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	for len(n.notified) > 0 {
		<-n.notified
	}
	return nil
}

func (b *bench) manySubscribers(ctx context.Context, n *node, t *table) error {
	before, err := readMemory(n.adapter.Process.Pid)
	if err != nil {
		return err
	}
	var posts []time.Duration
	for k := range manySubscriptions {
		endpoint, err := n.another(ctx, k)
		if err != nil {
			return err
		}
		took, err := n.subscribe(ctx, endpoint)
		if err != nil {
			return err
		}
		posts = append(posts, took)
		<-n.notified
	}
	p := summarize(posts)
	t.add("POST subscriptions with its initial notification, p50", fmt.Sprint(len(posts)), ms(p.p50), "-", "-", "-", "-")
	t.add("POST subscriptions with its initial notification, p99", fmt.Sprint(len(posts)), ms(p.p99), ms(mostToSubscribe), verdict(p.p99 <= mostToSubscribe), "-", "-")
	var all []time.Duration
	most := before.rss
	for range b.rounds {
		told, _, err := n.change(ctx, manySubscriptions)
		if err != nil {
			return err
		}
		var slowest time.Duration
		for _, took := range told {
			slowest = max(slowest, took)
		}
		all = append(all, slowest)
		now, err := readMemory(n.adapter.Process.Pid)
		if err != nil {
			return err
		}
		most = max(most, now.rss)
		if err := pause(ctx, 300*time.Millisecond); err != nil { // until all is acknowledged
			return err
		}
	}
	s := summarize(all)
	t.add(fmt.Sprintf("%d subscribers, all told", manySubscriptions), fmt.Sprint(len(all)), ms(s.max), ms(mostForAll), verdict(s.max <= mostForAll), "-", "-")
	more := most - before.rss
	mib := func(kib int64) string { return fmt.Sprintf("%.1f MiB", float64(kib)/1024) }
	t.add(fmt.Sprintf("%d subscribers, memory more than with none", manySubscriptions), "1", mib(more), mib(mostMemoryForAll), verdict(more <= mostMemoryForAll), mib(before.rss), ratio(float64(most), float64(before.rss)))
	return nil
}

// fixed is a node whose clocks do not change.
type fixed struct{ states []oran.Event }

func (f fixed) Now() ([]oran.Event, bool) { return f.states, true }

// malformed sends requests that are wrong to an API in this process.
func (b *bench) malformed(ctx context.Context) (_ *table, err error) {
	here := oran.Place{Cluster: "cluster", Node: "n1.example.com"}
	encoder, err := oran.NewEncoder(here, oran.SourceFull)
	if err != nil {
		return nil, err
	}
	state, err := encoder.Encode(clock.Transition{Kind: clock.LockState, Instance: "ptp4l.0", Interface: "ens1f0", To: clock.Locked, Reason: clock.OffsetInRange}, time.Now())
	if err != nil {
		return nil, err
	}
	log, err := journal.NewMemory(journal.DefaultLimits())
	if err != nil {
		return nil, err
	}
	s, err := newSubscribers()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(), log.Close()) }()
	go func() {
		for {
			select {
			case <-s.notified:
			case <-s.end:
				return
			}
		}
	}()
	limits := ocloud.DefaultLimits()
	limits.Subscriptions = 100
	api, err := ocloud.New(ocloud.Options{
		Here: here, Live: fixed{[]oran.Event{state}}, Journal: log, Endpoints: ocloud.Endpoints{Reach: ocloud.Localhost},
		Delivery: ocloud.DefaultDelivery(), Limits: limits,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- api.Run(ctx) }()
	defer func() {
		cancel()
		err = errors.Join(err, <-done)
	}()

	n := malformedRequests
	if b.period < 30*time.Second { // -short
		n /= 20
	}
	handler, words := api.Handler(), malformed.OCloud(here.Node, s.url+"/event")
	malformed.Run(handler, words, 0, 10_000) // what is made once
	goroutines, heap := runtime.NumGoroutine(), heapNow()
	began := time.Now()
	var report malformed.Report
	const atOnce = 10_000
	for seed := uint64(1); report.Requests < n && ctx.Err() == nil; seed++ {
		report = report.Add(malformed.Run(handler, words, seed, min(atOnce, n-report.Requests)))
	}
	took := time.Since(began)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := pause(ctx, time.Second); err != nil {
		return nil, err
	}
	grown, more := heapNow()-heap, runtime.NumGoroutine()-goroutines
	t := &table{
		conditions: fmt.Sprintf("%d requests of the series 1 to %d in %v, to the handler in this process", report.Requests, (n+atOnce-1)/atOnce, took.Round(time.Millisecond)),
		header:     []string{"", "measured", "at most", "verdict"},
		notes:      report.Wrong,
	}
	t.add("answered 2xx", fmt.Sprint(report.Statuses[2]), "-", "-")
	t.add("answered 4xx", fmt.Sprint(report.Statuses[4]), "-", "-")
	t.add("answered 5xx, or panicked", fmt.Sprint(report.Failures), "0", verdict(report.Failures == 0))
	t.add("goroutines left", fmt.Sprint(more), "10", verdict(more <= 10))
	t.add("heap left", fmt.Sprintf("%.1f MiB", float64(grown)/(1<<20)), "8 MiB", verdict(grown <= 8<<20))
	return t, nil
}

func heapNow() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
