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

// Demo breaks a real PTP clock in several ways and shows the events that follow, as
// Knative's event_display prints them, with the time each of them took.
//
// It runs on one machine and needs no cluster. As root on Linux the clock is a real
// ptp4l, with software timestamps in network namespaces of its own; otherwise a
// scripted ptp4l takes its place, and the demo says so. With -cluster it makes a real
// cluster with Knative, in namespaces too, and the events come out of a Knative
// Service. It exits with 0 only if every expected event came.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	scripted := flag.Bool("scripted", false, "use the scripted ptp4l even where a real one could run")
	version := flag.String("linuxptp", "4.2", "`version` of linuxptp: 3.1.1 or 4.2")
	cluster := flag.Bool("cluster", false, "on a cluster with Knative, which is built and started (root)")
	keep := flag.Bool("keep", false, "with -cluster: leave it all running at the end, until Ctrl-C")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if *cluster {
		err = runOnCluster(ctx, *version, *keep)
	} else {
		err = run(ctx, *scripted, *version)
	}
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// fault is one thing that goes wrong, and the event that must tell of it.
type fault struct {
	title string
	// do and undo return the time just before they took effect.
	do, undo func(context.Context) (time.Time, error)
	// want is the event of the fault, then of time passing if the fault lasts, and back
	// the event of its end.
	want, later, back expectation
}

// expectation describes an event by its type and its state.
type expectation struct{ kind, state string }

func (e expectation) String() string { return e.kind + " " + e.state }

const (
	lockState  = "event.sync.ptp-status.ptp-state-change"
	clockClass = "event.sync.ptp-status.ptp-clock-class-change"
)

// stage is a clock that can be broken.
type stage interface {
	// Sockets is the pattern of the management sockets to watch.
	Sockets() string
	// Namespace is the network namespace of the node; empty for the machine's own.
	Namespace() string
	Faults() []fault
	Close() error
}

// audience sees what comes out.
type audience interface {
	// expect waits for an event after since and returns when it came.
	expect(ctx context.Context, want expectation, since time.Time) (time.Time, bool)
	// settle waits until nothing more comes.
	settle(ctx context.Context)
}

// result is a row of the closing table.
type result struct {
	fault, event string
	latency      time.Duration
	missing      bool
}

func run(ctx context.Context, scripted bool, version string) (err error) {
	stage, err := newStage(ctx, scripted, version)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.Close()) }()

	say("Starting Knative's event_display as the sink, and the receive adapter")
	began := time.Now()
	show, err := startShow(ctx, stage)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, show.close()) }()

	p := &performance{audience: show}
	p.record(ctx, "adapter started", expectation{lockState, "LOCKED"}, show.started)
	if err := p.play(ctx, stage.Faults()); err != nil {
		return err
	}
	return report(p.results, time.Since(began))
}

// performance breaks a clock before an audience.
type performance struct {
	audience audience
	results  []result
}

func (p *performance) record(ctx context.Context, what string, want expectation, since time.Time) {
	at, ok := p.audience.expect(ctx, want, since)
	p.results = append(p.results, result{what, want.String(), at.Sub(since), !ok})
	p.audience.settle(ctx) // what else belongs to it, before the next fault
	if ok {
		note("%s after %s", want.state, round(at.Sub(since)))
	} else {
		note("MISSING: no %s came", want)
	}
}

func (p *performance) play(ctx context.Context, faults []fault) error {
	for _, f := range faults {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		say("%s", f.title)
		at, err := f.do(ctx)
		if err != nil {
			return err
		}
		p.record(ctx, f.title, f.want, at)
		if f.later.kind != "" {
			note("and it stays so ...")
			p.record(ctx, "   it stays so", f.later, at)
		}
		note("and it ends ...")
		back, err := f.undo(ctx)
		if err != nil {
			return err
		}
		p.record(ctx, "   it ends", f.back, back)
	}
	return nil
}

// report prints the closing table.
func report(results []result, took time.Duration) error {
	say("%d events, in %s", len(results), took.Round(time.Second))
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "FAULT\tEVENT\tLATENCY")
	missing := 0
	for _, r := range results {
		latency := round(r.latency)
		if r.missing {
			missing++
			latency = "MISSING"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.fault, strings.TrimPrefix(r.event, "event.sync."), latency)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Println()
	fmt.Println("Latency is from the fault to the line that event_display prints. When a fault ends, ptp4l")
	fmt.Println("itself needs a while: it elects its grandmaster again, and three good samples must follow.")
	if missing > 0 {
		return fmt.Errorf("%d of %d expected events are missing", missing, len(results))
	}
	return nil
}

// round gives a latency three figures or so.
func round(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}

// say begins a new chapter, note comments on it.
func say(format string, args ...any)  { fmt.Printf("\n━━ "+format+"\n", args...) }
func note(format string, args ...any) { fmt.Printf("   └─ "+format+"\n", args...) }
