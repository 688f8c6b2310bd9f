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
	"math/rand/v2"
	"net"
	"path/filepath"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
)

// scripted starts scripted ptp4ls in a directory: LOCKED to a grandmaster of class 6,
// and with so many Syncs per second. They end with ctx.
func scripted(ctx context.Context, dir string, n int, syncs int) ([]*simulator.Simulator, error) {
	var clocks []*simulator.Simulator
	for i := range n {
		c := simulator.DefaultClock()
		c.Ports[0].Interface = fmt.Sprintf("ens%df0", i+1)
		c.Sync.Interval = time.Second / time.Duration(syncs)
		c.Announce.Interval = 0 // chosen at once
		s, err := simulator.New(simulator.Config{Socket: filepath.Join(dir, fmt.Sprintf("ptp4l.%d.socket", i)), Clock: c})
		if err != nil {
			return nil, err
		}
		if err := s.Start(ctx); err != nil {
			return nil, err
		}
		clocks = append(clocks, s)
	}
	return clocks, nil
}

// patternOf matches the sockets of a directory.
func patternOf(dir string) string { return filepath.Join(dir, "ptp4l.*.socket") }

// sources is how many ptp4ls share the samples of a latency: one that pushes much more
// often than its Sync interval explains is taken for broken by the adapter.
const sources = 8

func (b *bench) latency(ctx context.Context) (*table, error) { return b.latencyAt(ctx, 1) }

func (b *bench) latencyUnderLoad(ctx context.Context) (*table, error) {
	return b.latencyAt(ctx, 32/sources)
}

// latencyAt compares the adapter with a bare client, one sample of each in turn, while
// each ptp4l pushes so many Syncs per second.
func (b *bench) latencyAt(ctx context.Context, syncs int) (_ *table, err error) {
	dir, err := b.programs.socketDir()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	clocks, err := scripted(ctx, dir, sources, syncs)
	if err != nil {
		return nil, err
	}
	w, err := b.watch(ctx, patternOf(dir), sources)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()

	ours := &changes{sink: w.sink, path: adapterPath, clocks: clocks}
	first, err := ours.sample(ctx)
	if err != nil {
		return nil, err
	}
	bare, err := b.startSender(dir, w.sink, first.event)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, bare.stop()) }()

	samples, err := inTurn(ctx, b.samples, ours.sample, bare.sample)
	if err != nil {
		return nil, err
	}
	return latencyTable(b.samples, syncs, samples[0], samples[1]), nil
}

// inTurn takes n samples of each side, one here and one there, after some to warm up.
func inTurn(ctx context.Context, n int, sides ...func(context.Context) (measured, error)) ([]summary, error) {
	const warmup = 50
	samples := make([][]time.Duration, len(sides))
	for taken := range warmup + n {
		for i, sample := range sides {
			m, err := sample(ctx)
			if err != nil {
				return nil, err
			}
			if taken >= warmup {
				samples[i] = append(samples[i], m.took)
			}
			// Paced, and out of step with the Syncs.
			if err := pause(ctx, 5*time.Millisecond+rand.N(2*time.Millisecond)); err != nil {
				return nil, err
			}
		}
	}
	var summaries []summary
	for _, s := range samples {
		summaries = append(summaries, summarize(s))
	}
	return summaries, nil
}

func latencyTable(n, syncs int, ours, bare summary) *table {
	t := &table{
		conditions: fmt.Sprintf("%d scripted ptp4l 4.2 with %d Sync/s in all, loopback, n = %d each in turn, one every 5 to 7 ms",
			sources, sources*syncs, n),
		header: []string{"", "adapter", "bare client", "at most", "aim", "verdict", "ratio", "at most", "verdict"},
		notes: []string{
			"Adapter: from just before ptp4l sends a changed PARENT_DATA_SET. Bare client: another process that",
			"sends the same event with the CloudEvents SDK when it gets a datagram, from just before that.",
		},
	}
	const mostRatio = 1.3
	for _, row := range []struct {
		name       string
		ours, bare time.Duration
		bar        bar[time.Duration]
	}{
		{"p50", ours.p50, bare.p50, bar[time.Duration]{600 * time.Microsecond, 300 * time.Microsecond}},
		{"p99", ours.p99, bare.p99, bar[time.Duration]{2 * time.Millisecond, time.Millisecond}},
	} {
		verdict := "pass"
		if float64(row.ours)/float64(row.bare) > mostRatio {
			verdict = "FAIL"
		}
		cells := append([]string{row.name, ms(row.ours), ms(row.bare)}, row.bar.cells(row.ours, ms)...)
		t.add(append(cells, ratio(row.ours, row.bare), fmt.Sprint(mostRatio), verdict)...)
	}
	cells := append([]string{"max", ms(ours.max), ms(bare.max)}, noBar()...)
	t.add(append(cells, ratio(ours.max, bare.max), "-", "-")...)
	return t
}

// measured is one sample.
type measured struct {
	took  time.Duration
	event cloudevents.Event
}

// changes takes samples of the adapter: each is a change of a grandmaster's class.
type changes struct {
	sink   *sink
	path   string // of the adapter's events
	clocks []*simulator.Simulator
	taken  int
}

func (c *changes) sample(ctx context.Context) (measured, error) {
	i, class := c.taken%len(c.clocks), uint8(7-c.taken/len(c.clocks)%2) // 6 at the start
	c.taken++
	began := time.Now()
	c.clocks[i].SetClass(class)
	a, err := c.sink.next(ctx, "change of the clock class", func(a arrival) bool {
		return a.path == c.path && a.is(clockClass, fmt.Sprint(class)) && a.extension("instance") == fmt.Sprintf("ptp4l.%d", i)
	})
	return measured{a.at.Sub(began), a.event}, err
}

// sender takes samples of the bare client.
type sender struct {
	*program
	sink *sink
	conn net.Conn
}

func (b *bench) startSender(dir string, s *sink, event cloudevents.Event) (*sender, error) {
	text, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "sender")
	p, err := b.programs.self(bytes.NewReader(text), senderCommand, socket, s.url+"/bare")
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("unixgram", socket)
		if err == nil {
			return &sender{p, s, conn}, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("the bare client does not start: %w", err), p.stop())
		}
	}
}

func (c *sender) sample(ctx context.Context) (measured, error) {
	began := time.Now()
	if _, err := c.conn.Write([]byte("now")); err != nil {
		return measured{}, err
	}
	a, err := c.sink.next(ctx, "event of the bare client", func(a arrival) bool { return a.path == "/bare" })
	return measured{a.at.Sub(began), a.event}, err
}

func (c *sender) stop() error { return errors.Join(c.conn.Close(), c.program.stop()) }
