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

package command

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
)

// simulateFlags are the flags of simulate.
type simulateFlags struct {
	directory   string
	speed       float64
	list, print bool
}

func (w *world) simulate() *cobra.Command {
	var o simulateFlags
	c := &cobra.Command{
		Use:   "simulate [SCENARIO...]",
		Short: "Play a ptp4l in trouble, for an adapter that has no PTP hardware",
		Long: "Play a ptp4l in trouble: serve linuxptp's management protocol on a Unix socket, and let a scenario\n" +
			"say what happens to the clock behind it. An adapter cannot tell it from ptp4l. It needs no hardware,\n" +
			"no cluster, no network and no privilege, and touches no clock of this machine.\n\n" +
			"A SCENARIO is a name that --list shows, or a file. Each is a ptp4l of its own, on the sockets\n" +
			"ptp4l.0.socket, ptp4l.1.socket and so on. Each step is printed when it is done, with the time since\n" +
			"the start. After its last step a clock stays as it is, until you interrupt.\n\n" +
			"Steps of a scenario file; keys in brackets may be left out:\n\n  " + strings.Join(simulator.Verbs(), "\n  "),
		Example: `
# What there is to play
simulate --list

# A grandmaster that goes silent, for: receive_adapter -sink URL -socket /tmp/ptp4l.0.socket
simulate silence

# Two ptp4l on one node, one of which flaps, where a PtpSource looks for them
simulate healthy flapping --socket /var/run/ptp

# A scenario of one's own, made from one of these, ten times as fast
simulate holdover --print
simulate ./mine.yaml --speed 10
`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return simulator.Examples(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, scenarios []string) error { return o.run(c.Context(), w, scenarios) },
	}
	f := c.Flags()
	f.StringVar(&o.directory, "socket", "/tmp", "directory of the sockets")
	f.Float64Var(&o.speed, "speed", 1, "play this many times as fast")
	f.BoolVar(&o.list, "list", false, "show which scenarios there are")
	f.BoolVar(&o.print, "print", false, "show a scenario instead of playing it")
	return c
}

func (o *simulateFlags) run(ctx context.Context, w *world, scenarios []string) error {
	if !(o.speed > 0) || math.IsInf(o.speed, 0) {
		return fmt.Errorf("--speed is %v; it must be a number above 0, such as 10", o.speed)
	}
	if o.list {
		return listScenarios(w)
	}
	if len(scenarios) == 0 {
		return fmt.Errorf("say what to play: a file, or one or more of %s", strings.Join(simulator.Examples(), ", "))
	}
	actors := make([]*actor, len(scenarios))
	for n, name := range scenarios {
		text, err := loadScenario(name)
		if err != nil {
			return err
		}
		if o.print {
			if _, err := w.out.Write(text); err != nil {
				return err
			}
			continue
		}
		scenario, err := simulator.ParseScenario(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		actors[n] = &actor{socket: filepath.Join(o.directory, fmt.Sprintf("ptp4l.%d.socket", n)), scenario: scenario, speed: o.speed}
	}
	if o.print {
		return nil
	}
	return perform(ctx, w, actors)
}

// loadScenario reads a file if there is one of that name, else one that comes with us.
func loadScenario(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err == nil {
		return text, nil
	}
	if strings.ContainsAny(name, "./") {
		return nil, fmt.Errorf("read a scenario: %w", err)
	}
	return simulator.Example(name)
}

func listScenarios(w *world) error {
	table := tabwriter.NewWriter(w.out, 0, 0, 3, ' ', 0)
	for _, name := range simulator.Examples() {
		text, err := simulator.Example(name)
		if err != nil {
			return err
		}
		s, err := simulator.ParseScenario(text)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\n", name, s.Description)
	}
	return table.Flush()
}

// actor is one clock with its scenario.
type actor struct {
	socket   string
	scenario simulator.Scenario
	speed    float64
	clock    *simulator.Simulator
	played   simulator.Scenario // at its speed
}

// perform plays all scenarios at once, until ctx ends or one fails.
func perform(ctx context.Context, w *world, actors []*actor) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex // one line at a time
	say := func(a *actor, format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		if len(actors) > 1 {
			format = strings.TrimSuffix(filepath.Base(a.socket), ".socket") + "  " + format
		}
		fmt.Fprintf(w.out, format+"\n", args...)
	}
	for _, a := range actors {
		if err := a.start(ctx); err != nil {
			return err
		}
		defer a.clock.Close() //nolint:gocritic // all are played until the end
		c := a.clock.Clock()
		say(a, "ptp4l %s, clock %s, domain %d, on %s", c.Version, c.Identity, c.Domain, a.socket)
	}
	errs := make([]error, len(actors))
	var playing sync.WaitGroup
	for n, a := range actors {
		playing.Go(func() {
			errs[n] = a.clock.Play(ctx, a.played, func(step int) {
				s := a.scenario.Steps[step]
				say(a, "%s %s", sinceStart(s.At), s)
			})
			if errs[n] != nil {
				stop()
				return
			}
			say(a, "end of the scenario; the clock stays as it is until you interrupt")
			<-ctx.Done()
		})
	}
	playing.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) { // an interrupt is how to end it
			return err
		}
	}
	return nil
}

func (a *actor) start(ctx context.Context) (err error) {
	a.played = a.scenario.Faster(a.speed)
	if a.clock, err = simulator.New(simulator.Config{Socket: a.socket, Clock: a.played.Clock}); err != nil {
		return err
	}
	return a.clock.Start(ctx)
}

// sinceStart is the time of a step as it is printed: 3.0s, 33.25s.
func sinceStart(at time.Duration) string {
	text := fmt.Sprintf("%.3f", at.Seconds())
	text = strings.TrimRight(text, "0")
	if strings.HasSuffix(text, ".") {
		text += "0"
	}
	return text + "s"
}
