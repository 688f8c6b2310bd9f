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

// Bench measures how fast the receive adapter is and what it costs. Each table answers
// one question, with the conditions under which it was answered, and sets every figure
// beside a bar or beside something else that was measured in the same run.
//
// It runs the program that users run, on scripted and on real ptp4l, and needs root on
// Linux for the latter. Bars are printed and never enforced: it exits with a failure
// only if something could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bench is what the parts have in common.
type bench struct {
	programs programs
	samples  int           // of a latency that takes a moment
	rounds   int           // of what takes a second
	period   time.Duration // of a figure of CPU time
	waiting  int           // events of a backlog
	version  string        // of linuxptp
}

// part answers one question.
type part struct {
	name, question string
	answer         func(*bench, context.Context) (*table, error)
}

func parts() []part {
	return []part{
		{"latency", "From a management datagram to the sink's handler, otherwise idle", (*bench).latency},
		{"load", "The same under 32 observations per second", (*bench).latencyUnderLoad},
		{"backlog", "How fast a sink that was away gets what it has missed", (*bench).backlog},
		{"held", "Memory of an adapter whose sink is away", (*bench).held},
		{"durability", "What it costs that an event outlives the adapter", (*bench).durability},
		{"readers", "An append to the journal while slow readers are behind", (*bench).readers},
		{"replay", "Reading the journal again from the disk", (*bench).replay},
		{"ocloud", "From a change to the subscribers of the O-Cloud API", (*bench).ocloud},
		{"malformed", "What becomes of requests to the O-Cloud API that are wrong", (*bench).malformed},
		{"stream", "From a management datagram to a reader of the live stream", (*bench).stream},
		{"streams", "Many readers of the live stream, whose connections break", (*bench).streams},
		{"until", "How late a stream ends that shall end", (*bench).until},
		{"cost", "CPU and memory", (*bench).cost},
		{"codec", "Reading and writing management messages", (*bench).codec},
		{"faults", "From a fault in a real network to the event at the sink's handler", (*bench).faults},
		{"start", "From the start of the process to the first true state at the sink's handler", (*bench).start},
		{"source", "From a PtpSource to its DaemonSet, and what is refused", (*bench).source},
		{"fleet", "A controller with many sources and many nodes", (*bench).fleet},
		{"status", "kn source ptp status, of many nodes", (*bench).status},
	}
}

func main() {
	// The programs to compare with are this one, too.
	if len(os.Args) == 4 && os.Args[1] == senderCommand {
		exit(send(os.Args[2], os.Args[3]))
	}
	if len(os.Args) == 5 && os.Args[1] == drainCommand {
		exit(drain(os.Args[2], number(os.Args[3]), os.Args[4]))
	}
	if len(os.Args) == 4 && os.Args[1] == repeatCommand {
		exit(repeat(os.Args[2], number(os.Args[3])))
	}
	if len(os.Args) > 2 && os.Args[1] == readerCommand {
		exit(read(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	exit(err)
}

// number reads one that this program has written.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		exit(err)
	}
	return n
}

func exit(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, args []string) (err error) {
	b, chosen, err := parse(args)
	if err != nil {
		return err
	}
	if b.programs, err = build(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.programs.remove()) }()

	began := time.Now()
	var errs []error
	for _, p := range chosen {
		before := load()
		t, err := p.answer(b, ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s could not be measured: %w", p.name, err))
			continue
		}
		t.print(os.Stdout, p.question, machine()+", load "+before+" before and "+load()+" after")
	}
	fmt.Printf("\n%d of %d parts in %v\n", len(chosen)-len(errs), len(chosen), time.Since(began).Round(time.Second))
	return errors.Join(errs...)
}

// parse reads the command line.
func parse(args []string) (*bench, []part, error) {
	b := &bench{period: 30 * time.Second, waiting: 100_000}
	all := parts()
	var names []string
	for _, p := range all {
		names = append(names, p.name)
	}

	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", strings.Join(names, ","), "`parts` to run")
	short := flags.Bool("short", false, "less of everything: figures that show that it runs, no more")
	flags.IntVar(&b.samples, "n", 1000, "`samples` of each latency on scripted ptp4l")
	flags.IntVar(&b.rounds, "rounds", 10, "`rounds` of each fault and of the start")
	flags.StringVar(&b.version, "linuxptp", "4.2", "`version` of the real ptp4l")
	if err := flags.Parse(args); err != nil {
		return nil, nil, err
	}
	if *short {
		b.samples, b.rounds, b.period, b.waiting = min(b.samples, 100), min(b.rounds, 2), 3*time.Second, 5000
	}
	if b.samples < 1 || b.rounds < 1 || flags.NArg() > 0 {
		return nil, nil, errors.New("-n and -rounds must be 1 or more, and nothing may follow the flags: see -help")
	}
	chosen := strings.Split(*only, ",")
	for _, name := range chosen {
		if !slices.Contains(names, name) {
			return nil, nil, fmt.Errorf("-only: %q is no part; choose from %s", name, strings.Join(names, ","))
		}
	}
	return b, slices.DeleteFunc(all, func(p part) bool { return !slices.Contains(chosen, p.name) }), nil
}
