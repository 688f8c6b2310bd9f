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
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	publish "github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
)

// The programs that empty a backlog.
const (
	drainCommand  = "drain"  // SINK N DIRECTORY: records N events and publishes them from the journal
	repeatCommand = "repeat" // SINK N: sends an event N times
)

// recordedAll is what drain prints when everything is in the journal.
const recordedAll = "recorded"

// drain is the adapter behind the state machines: named, recorded and published by what it
// is made of, with one processor as in the adapter.
func drain(sinkURL string, n int, dir string) (err error) {
	runtime.GOMAXPROCS(1)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	events, err := journal.Open(ctx, journal.Options{Limits: roomFor(n), Directory: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, events.Close()) }()
	p := &publish.Publisher{
		Cursor:   events.Cursor("sink"),
		Sink:     publish.Target{URL: sinkURL},
		Delivery: publish.DefaultDelivery(),
		Logger:   zap.NewNop(),
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()

	if err := recordEvents(events, n); err != nil {
		return err
	}
	fmt.Println(recordedAll)
	return <-ended
}

// recordEvents has a clock lose its source and find it again until n events are recorded.
func recordEvents(events *journal.Log, n int) error {
	encoder, err := oran.NewEncoder(oran.Place{Cluster: "cluster", Node: "bench"}, oran.SourceFull)
	if err != nil {
		return err
	}
	states := []clock.State{clock.Locked, clock.Holdover}
	for k := range n {
		event, err := encoder.Encode(clock.Transition{
			Kind: clock.LockState, Instance: "ptp4l.0", Interface: "ens1f0",
			From: states[(k+1)%2], To: states[k%2], Reason: clock.OffsetInRange,
		}, time.Now())
		if err == nil {
			_, err = events.Append(event.Marshal())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// repeat is the least that sends as many events, one after the other. It reads the event
// from its standard input.
func repeat(sinkURL string, n int) error {
	var event cloudevents.Event
	if err := json.NewDecoder(os.Stdin).Decode(&event); err != nil {
		return fmt.Errorf("read the event: %w", err)
	}
	client, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(sinkURL))
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	for k := range n {
		event.SetID("bare-" + strconv.Itoa(k+1))
		if result := client.Send(ctx, event); !cloudevents.IsACK(result) {
			return result
		}
	}
	<-ctx.Done()
	return nil
}

// backlog measures how fast the events of a sink that was away reach it when it is back.
func (b *bench) backlog(ctx context.Context) (_ *table, err error) {
	n := b.waiting
	s, err := newSink()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.away.Store(true)
	dir, err := b.programs.socketDir()
	if err != nil {
		return nil, err
	}
	drainer, err := b.programs.self(nil, drainCommand, s.url+adapterPath, strconv.Itoa(n), filepath.Join(dir, "journal"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drainer.stop()) }()
	for !strings.Contains(drainer.said(), recordedAll) {
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return nil, err
		}
		if time.Since(drainer.started) > 10*patience {
			return nil, fmt.Errorf("%d events are not recorded after %v; it said:\n%s", n, 10*patience, drainer.said())
		}
	}
	s.away.Store(false)
	ours, err := s.count(ctx, adapterPath, n)
	if err != nil {
		return nil, err
	}
	bare, err := b.repeated(ctx, s, n, ours.last)
	if err != nil {
		return nil, err
	}
	return backlogTable(n, ours, bare), nil
}

// repeated has the bare client send n events to a sink.
func (b *bench) repeated(ctx context.Context, s *sink, n int, event cloudevents.Event) (_ flood, err error) {
	text, err := json.Marshal(event)
	if err != nil {
		return flood{}, err
	}
	p, err := b.programs.self(bytes.NewReader(text), repeatCommand, s.url+"/bare", strconv.Itoa(n))
	if err != nil {
		return flood{}, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	return s.count(ctx, "/bare", n)
}

// flood is many events that came one after the other.
type flood struct {
	took    time.Duration // from the first one to the last one
	ordered int           // how many came right behind the one before them
	last    cloudevents.Event
}

// count waits for n events.
func (s *sink) count(ctx context.Context, path string, n int) (flood, error) {
	var f flood
	var began time.Time
	var before int
	for k := range n {
		a, err := s.next(ctx, fmt.Sprintf("event %d of %d", k+1, n), func(a arrival) bool { return a.path == path })
		if err != nil {
			return f, err
		}
		_, text, _ := strings.Cut(a.event.ID(), "-")
		sequence, err := strconv.Atoi(text)
		if err != nil {
			return f, fmt.Errorf("an event has the id %q, which does not end with a number: %w", a.event.ID(), err)
		}
		if sequence == before+1 {
			f.ordered++
		}
		before = sequence
		if k == 0 {
			began = a.at
		}
		f.took, f.last = a.at.Sub(began), a.event
	}
	return f, nil
}

func backlogTable(n int, ours, bare flood) *table {
	const least = 0.8
	rate := func(f flood) float64 { return float64(n-1) / f.took.Seconds() }
	relative := rate(ours) / rate(bare)
	verdict := func(pass bool) string {
		if pass {
			return "pass"
		}
		return "FAIL"
	}
	t := &table{
		conditions: fmt.Sprintf("%d events in a journal on disk, one request after the other, loopback", n),
		header:     []string{"", "publisher", "bare client", "ratio", "at least", "verdict"},
		notes: []string{
			"The sink answers 503 until all events are recorded. From the first one that it takes to the last one.",
			"Bare client: another process that sends the same event as often with the CloudEvents SDK, afterwards.",
		},
	}
	t.add("events per second", fmt.Sprintf("%.0f", rate(ours)), fmt.Sprintf("%.0f", rate(bare)),
		fmt.Sprintf("%.2f", relative), fmt.Sprint(least), verdict(relative >= least))
	t.add("each right behind the one before", fmt.Sprint(ours.ordered), fmt.Sprint(bare.ordered), "-", fmt.Sprint(n), verdict(ours.ordered == n))
	return t
}
