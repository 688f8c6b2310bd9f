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
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// eventStream reads GET /v1/events as server-sent events.
type eventStream struct {
	url    string
	client *http.Client
	last   string // the id that was read last; empty for none
}

// read connects, goes on behind the last event, and reads until each returns false or the
// stream ends. Bookmarks count as read, and are shown to nobody.
func (s *eventStream) read(ctx context.Context, each func(id string, at time.Time) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "text/event-stream")
	if s.last != "" {
		request.Header.Set("Last-Event-ID", s.last)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		return fmt.Errorf("%s: %s: %s", s.url, response.Status, text)
	}
	id, data := "", false
	lines := bufio.NewReader(response.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		switch line = strings.TrimSuffix(line, "\n"); {
		case strings.HasPrefix(line, "id: "):
			id = line[len("id: "):]
		case strings.HasPrefix(line, "data: "):
			data = true
		case line == "" && id != "":
			s.last = id
			if data && !each(id, time.Now()) {
				return nil
			}
			id, data = "", false
		}
	}
}

// seen is an event in a live stream.
type seen struct {
	id string
	at time.Time
}

// stream measures how soon a change is in the live stream, and beside it at the sink.
func (b *bench) stream(ctx context.Context) (_ *table, err error) {
	dir, err := b.programs.socketDir()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	clocks, err := scripted(ctx, dir, sources, 1)
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	w, err := b.watch(ctx, patternOf(dir), sources, "-health", address)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()

	arrivals, ended := make(chan seen, 4096), make(chan error, 1)
	live := &eventStream{url: "http://" + address + "/v1/events?follow=true", client: &http.Client{}}
	go func() {
		ended <- live.read(ctx, func(id string, at time.Time) bool { arrivals <- seen{id, at}; return true })
	}()
	next := func(id string) (time.Time, error) {
		lost := time.NewTimer(patience)
		defer lost.Stop()
		for {
			select {
			case s := <-arrivals:
				if s.id == id {
					return s.at, nil
				}
			case err := <-ended:
				return time.Time{}, fmt.Errorf("the stream has ended: %w", err)
			case <-lost.C:
				return time.Time{}, fmt.Errorf("event %s did not come in the stream within %v", id, patience)
			}
		}
	}

	ours := &changes{sink: w.sink, path: adapterPath, clocks: clocks}
	var inStream []time.Duration
	inSink, err := inTurn(ctx, b.samples, func(ctx context.Context) (measured, error) {
		began := time.Now()
		m, err := ours.sample(ctx)
		if err != nil {
			return m, err
		}
		at, err := next(m.event.ID())
		inStream = append(inStream, at.Sub(began))
		return m, err
	})
	if err != nil {
		return nil, err
	}
	s, base := summarize(inStream[len(inStream)-b.samples:]), inSink[0]
	t := &table{
		conditions: fmt.Sprintf("%d scripted ptp4l 4.2, loopback, n = %d, one every 5 to 7 ms", sources, b.samples),
		header:     []string{"", "stream", "at most", "aim", "verdict", "sink", "ratio"},
		notes:      []string{"Both from just before ptp4l sends a changed PARENT_DATA_SET, of the same events: to when a reader has it, to the sink's handler."},
	}
	t.add("p50", ms(s.p50), "-", "-", "-", ms(base.p50), ratio(s.p50, base.p50))
	t.add(append(append([]string{"p99", ms(s.p99)}, bar[time.Duration]{10 * time.Millisecond, 2 * time.Millisecond}.cells(s.p99, ms)...), ms(base.p99), ratio(s.p99, base.p99))...)
	t.add("max", ms(s.max), "-", "-", "-", ms(base.max), ratio(s.max, base.max))
	return t, nil
}

// freeAddress is one on loopback that nothing listens at.
func freeAddress() (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

const (
	// streams is how many read at once, eventRate how many events there are in a second.
	streams, eventRate = 100, 1000
	// stays is how many events a reader reads before it breaks its connection; on average
	// twice as many.
	stays = 500
)

// served is a journal, and the stream of it.
type served struct {
	journal *journal.Log
	server  *http.Server
	url     string
}

// serveStream serves the stream of an empty journal on disk.
func (b *bench) serveStream(ctx context.Context) (*served, error) {
	dir, err := b.programs.socketDir()
	if err != nil {
		return nil, err
	}
	j, err := journal.Open(ctx, journal.Options{Directory: filepath.Join(dir, "journal"), Limits: journal.DefaultLimits(), Key: oran.Key})
	if err != nil {
		return nil, err
	}
	encoder, err := oran.NewEncoder(oran.Place{Cluster: "cluster", Node: "bench"}, oran.SourceFull)
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	s := &stream.Server{Journal: j, Encoder: encoder, Source: "bench", Logger: zap.NewNop()}
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	return &served{j, server, "http://" + listener.Addr().String() + "/v1/events"}, nil
}

func (s *served) close() error { return errors.Join(s.server.Close(), s.journal.Close()) }

// tally is what a reader has got.
type tally struct {
	lost, repeated, connections int
	lag                         []time.Duration
}

// streams has many read all that is recorded, and break their connections again and again.
func (b *bench) streams(ctx context.Context) (_ *table, err error) {
	s, err := b.serveStream(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	n := 10 * b.samples
	recorded := make([]atomic.Int64, n+1) // when, by sequence, in ns since began
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()

	before, err := readUsage(os.Getpid())
	if err != nil {
		return nil, err
	}
	tallies, errs := make([]tally, streams), make([]error, streams)
	var readers sync.WaitGroup
	for i := range streams {
		readers.Go(func() {
			errs[i] = tallies[i].read(ctx, s.url, n, func(sequence int, at time.Time) time.Duration {
				return at.Sub(began) - time.Duration(recorded[sequence].Load())
			})
		})
	}
	for k := range n {
		if err := pause(ctx, time.Until(began.Add(time.Duration(k)*time.Second/eventRate))); err != nil {
			return nil, err
		}
		recorded[k+1].Store(int64(time.Since(began)))
		if err := recordEvents(s.journal, 1); err != nil {
			return nil, err
		}
	}
	took := time.Since(began)
	readers.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	after, err := readUsage(os.Getpid())
	if err != nil {
		return nil, err
	}
	var all tally
	for _, t := range tallies {
		all.lost, all.repeated, all.connections = all.lost+t.lost, all.repeated+t.repeated, all.connections+t.connections
		all.lag = append(all.lag, t.lag...)
	}
	lag := summarize(all.lag)
	t := &table{
		conditions: fmt.Sprintf("%d events at %.0f/s into a journal on disk, %d streams over loopback with %d connections in all, everything in one process",
			n, float64(n)/took.Seconds(), streams, all.connections),
		header: []string{"", "figure", "at most", "verdict"},
		notes: []string{
			fmt.Sprintf("From the append to a reader, also of what waited for a reader to connect again: p50 %s, p99 %s, max %s.", ms(lag.p50), ms(lag.p99), ms(lag.max)),
			fmt.Sprintf("CPU time of both sides: %.1f µs for each event that came.", (after.cpu-before.cpu).Seconds()*1e6/float64(len(all.lag))),
		},
	}
	for _, row := range []struct {
		name  string
		count int
	}{{"events that did not come to a stream", all.lost}, {"events that came to one twice", all.repeated}} {
		t.add(row.name, fmt.Sprint(row.count), "0", bar[int]{0, 0}.judge(row.count))
	}
	t.add("events that came", fmt.Sprint(len(all.lag)), fmt.Sprint(n*streams), "-")
	return t, nil
}

// read reads n events, on as many connections as it takes.
func (t *tally) read(ctx context.Context, address string, n int, lag func(sequence int, at time.Time) time.Duration) error {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	s := &eventStream{url: address + "?follow=true", client: &http.Client{Transport: transport}}
	got := 0
	for got < n {
		t.connections++
		left := stays + rand.N(2*stays)
		err := s.read(ctx, func(id string, at time.Time) bool {
			_, text, _ := strings.Cut(id, "-")
			sequence, err := strconv.Atoi(text)
			if err != nil || sequence < 1 || sequence > n {
				return false
			}
			switch {
			case sequence <= got:
				t.repeated++
			case sequence > got+1:
				t.lost += sequence - got - 1
			}
			got = max(got, sequence)
			t.lag = append(t.lag, lag(sequence, at))
			left--
			return left > 0 && got < n
		})
		if err != nil {
			return fmt.Errorf("read behind event %d: %w", got, err)
		}
	}
	return nil
}

// until measures how much later than it should a stream ends.
func (b *bench) until(ctx context.Context) (_ *table, err error) {
	s, err := b.serveStream(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	n := 10 * b.rounds
	late, timers := make([]time.Duration, n), make([]time.Duration, n)
	errs := make([]error, n)
	var readers sync.WaitGroup
	for i := range n {
		until := time.Now().Add(300*time.Millisecond + time.Duration(i)*7*time.Millisecond).Round(0)
		readers.Go(func() {
			<-time.After(time.Until(until))
			timers[i] = time.Since(until)
		})
		readers.Go(func() {
			query := url.Values{"follow": {"true"}, "until": {until.Format(time.RFC3339Nano)}}
			errs[i] = readAll(ctx, s.url+"?"+query.Encode())
			late[i] = time.Since(until)
		})
	}
	readers.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	l, bare := summarize(late), summarize(timers)
	t := &table{
		conditions: fmt.Sprintf("%d streams at once over loopback that end one every 7 ms", n),
		header:     []string{"", "stream", "at most", "aim", "verdict", "a timer", "ratio"},
		notes:      []string{"A timer in the same process, set to the same moment."},
	}
	t.add("min", ms(l.min), "-", "-", "-", ms(bare.min), ratio(l.min, bare.min))
	t.add("p50", ms(l.p50), "-", "-", "-", ms(bare.p50), ratio(l.p50, bare.p50))
	t.add(append(append([]string{"max", ms(l.max)}, bar[time.Duration]{50 * time.Millisecond, 10 * time.Millisecond}.cells(l.max, ms)...), ms(bare.max), ratio(l.max, bare.max))...)
	return t, nil
}

func readAll(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
