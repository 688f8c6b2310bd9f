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

// Package command is the command line of ptp4l-simulator.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
)

// options are the flags.
type options struct {
	socket, readOnly string
	scenario         string
	speed            float64
	list, print      bool
}

// Run plays the scenario that args ask for until the context is done, and writes one
// line per step to out. It has told errOut of every error that it returns.
func Run(ctx context.Context, args []string, out, errOut io.Writer) error {
	var o options
	flags := o.flags()
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage(flags, out)
		return nil
	case err != nil:
		err = fmt.Errorf("%w; see --help", err)
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q; see --help", flags.Arg(0))
	default:
		err = o.run(ctx, out)
	}
	if err != nil {
		fmt.Fprintln(errOut, "ptp4l-simulator:", err)
	}
	return err
}

// flags binds the options to their flags. What goes wrong with them is Run's to tell.
func (o *options) flags() *flag.FlagSet {
	f := flag.NewFlagSet("ptp4l-simulator", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.socket, "socket", filepath.Join(os.TempDir(), "ptp4l.0.socket"), "path of the read-write socket")
	f.StringVar(&o.readOnly, "ro-socket", "", "path of the read-only socket; none if empty")
	f.StringVar(&o.scenario, "scenario", "day-in-the-life", "a scenario file, or the name of an example")
	f.Float64Var(&o.speed, "speed", 1, "play this many times as fast")
	f.BoolVar(&o.list, "list", false, "list the examples")
	f.BoolVar(&o.print, "print", false, "print the scenario instead of playing it, to start one of your own from")
	return f
}

func (o *options) run(ctx context.Context, out io.Writer) error {
	if !(o.speed > 0) || math.IsInf(o.speed, 0) {
		return fmt.Errorf("-speed %v makes no sense; give a number above 0, such as 10", o.speed)
	}
	if o.list {
		return list(out)
	}
	text, err := load(o.scenario)
	if err != nil {
		return err
	}
	if o.print {
		_, err := out.Write(text)
		return err
	}
	scenario, err := simulator.ParseScenario(text)
	if err != nil {
		return fmt.Errorf("%s: %w", o.scenario, err)
	}
	return o.play(ctx, scenario, out)
}

func (o *options) play(ctx context.Context, scenario simulator.Scenario, out io.Writer) error {
	played := scenario.Faster(o.speed)
	sim, err := simulator.New(simulator.Config{Socket: o.socket, ReadOnlySocket: o.readOnly, Clock: played.Clock})
	if err != nil {
		return err
	}
	if err := sim.Start(ctx); err != nil {
		return err
	}
	defer sim.Close()
	clock := sim.Clock()
	fmt.Fprintf(out, "ptp4l %s, clock %s, domain %d, on %s\n", clock.Version, clock.Identity, clock.Domain, o.socket)

	err = sim.Play(ctx, played, func(step int) {
		s := scenario.Steps[step]
		fmt.Fprintf(out, "%s %s\n", seconds(s.At), s)
	})
	if err == nil {
		fmt.Fprintln(out, "end of the scenario; the clock stays as it is until you interrupt")
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		return nil // interrupted, which is how to end it
	}
	return err
}

// load reads a scenario: a file if there is one of that name, else an example.
func load(scenario string) ([]byte, error) {
	text, err := os.ReadFile(scenario)
	if err == nil {
		return text, nil
	}
	if strings.ContainsAny(scenario, "./") {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return simulator.Example(scenario)
}

func list(out io.Writer) error {
	for _, name := range simulator.Examples() {
		text, err := simulator.Example(name)
		if err != nil {
			return err
		}
		s, err := simulator.ParseScenario(text)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-20s %s\n", name, s.Description)
	}
	return nil
}

// seconds is the time of a step as it is printed: 3.0s, 33.25s.
func seconds(at time.Duration) string {
	text := fmt.Sprintf("%.3f", at.Seconds())
	text = strings.TrimRight(text, "0")
	if strings.HasSuffix(text, ".") {
		text += "0"
	}
	return text + "s"
}

func usage(f *flag.FlagSet, out io.Writer) {
	f.SetOutput(out)
	fmt.Fprint(out, `ptp4l-simulator plays a ptp4l in trouble: it serves linuxptp's management protocol on a
Unix socket, and a scenario says what happens to its clock. It needs no hardware, no
network and no privilege.

  ptp4l-simulator -list
  ptp4l-simulator -scenario flapping -socket /tmp/ptp4l.0.socket
  ptp4l-simulator -scenario flapping -print > mine.yaml
  ptp4l-simulator -scenario mine.yaml -speed 10

Look at it with linuxptp's own client:

  pmc -u -b 0 -d 24 -s /tmp/ptp4l.0.socket 'GET PORT_DATA_SET'

Flags:
`)
	f.PrintDefaults()
	fmt.Fprint(out, "\nSteps of a scenario; keys in brackets may be left out:\n\n")
	for _, line := range simulator.Verbs() {
		fmt.Fprintln(out, " ", line)
	}
}
