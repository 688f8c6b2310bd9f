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
	"time"

	"github.com/spf13/cobra"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/board"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/output"
)

// statusFlags are the flags of status.
type statusFlags struct {
	connection
	source   string
	watch    bool
	interval time.Duration
	format   string
}

func (w *world) status() *cobra.Command {
	var o statusFlags
	c := &cobra.Command{
		Use:   "status [NODE...]",
		Short: "Show the present state of every clock, the worst first",
		Long: "Show the present state of every clock, the worst first: a line for each ptp4l, and one for\n" +
			"a node without any or whose adapter does not answer.\n\n" +
			"The exit status is 0 if everything is LOCKED, 2 if something is not, 3 if all that answers\n" +
			"is LOCKED but some adapters do not answer, and 1 if nothing can be said.",
		Example: `
# All clocks that the PtpSources of this namespace watch
status

# Two nodes, with reasons
status n1 n2 -o wide

# The whole cluster, again every two seconds
status -A --watch

# The offsets, for a script
status -A -o 'jsonpath={range .clocks[*]}{.node} {.offsetNanoseconds}{"\n"}{end}'
`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, nodes []string) error { return o.run(c.Context(), w, nodes) },
	}
	f := c.Flags()
	f.StringVar(&o.source, "source", "", "only clocks that this PtpSource watches")
	f.BoolVarP(&o.watch, "watch", "w", false, "show it again and again, until you interrupt")
	f.DurationVar(&o.interval, "interval", 2*time.Second, "how often, with --watch")
	f.StringVarP(&o.format, "output", "o", "table", "format: table|wide|name|"+output.Formats)
	o.bind(f, "n")
	o.bindAll(f)
	o.bindAdapters(f)
	complete(c, "output", "table", "wide", "name", "json", "yaml", "jsonpath=", "go-template=")
	return c
}

func (o *statusFlags) run(ctx context.Context, w *world, nodes []string) error {
	show, err := o.printer(w)
	if err != nil {
		return err
	}
	if o.interval <= 0 {
		return fmt.Errorf("--interval is %v; it must be above 0", o.interval)
	}
	client, namespace, err := o.connect()
	if err != nil {
		return err
	}
	for round := 0; ; round++ {
		b, err := look(ctx, client, cluster.Scope{Namespace: namespace, Name: o.source, Nodes: nodes}, o.timeout)
		if ctx.Err() != nil && o.watch {
			return nil // interrupted, which is how to end it
		}
		if err != nil && (!o.watch || round == 0) {
			return err
		}
		if o.watch {
			w.clear(round)
		}
		if err != nil { // it may be over soon
			fmt.Fprintln(w.err, "Error:", err)
		} else if err := show(b); err != nil {
			return err
		}
		if !o.watch {
			return verdict(b)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(o.interval):
		}
	}
}

// clear makes room for the next round.
func (w *world) clear(round int) {
	switch {
	case w.screen:
		fmt.Fprint(w.out, "\x1b[H\x1b[2J")
	case round > 0:
		fmt.Fprintln(w.out)
	}
}

// look asks all adapters of a scope.
func look(ctx context.Context, client *cluster.Client, scope cluster.Scope, patience time.Duration) (board.Board, error) {
	there, err := adapters(ctx, client, scope)
	if err != nil {
		return board.Board{}, err
	}
	if len(there.found) == 0 {
		return board.Board{}, errors.New("no adapter runs; doctor says why")
	}
	var reports []board.Report
	for _, s := range client.States(ctx, there.found, patience) {
		reports = append(reports, board.NewReport(s.Adapter, s.State, s.Err))
	}
	return board.New(reports), nil
}

// verdict is the error of a board that shows trouble; the board has said which.
func verdict(b board.Board) error {
	answered := b
	answered.Clocks = nil
	for _, c := range b.Clocks {
		if c.Error == "" {
			answered.Clocks = append(answered.Clocks, c)
		}
	}
	switch {
	case b.AllLocked():
		return nil
	case len(answered.Clocks) == 0:
		return status{failed, errors.New("no adapter answers")}
	case !answered.AllLocked():
		return status{notLocked, errors.New("")}
	}
	return status{partial, fmt.Errorf("%d adapters did not answer", b.Silent)}
}

// printer returns what shows a board.
func (o *statusFlags) printer(w *world) (func(board.Board) error, error) {
	switch o.format {
	case "table", "wide", "":
		return func(b board.Board) error {
			return b.Show(w.out, board.Options{Wide: o.format == "wide", Colour: w.colour, Now: w.now()})
		}, nil
	case "name":
		return func(b board.Board) error {
			for _, c := range b.Clocks {
				name := c.Node
				if c.Instance != "" {
					name += "/" + c.Instance
				}
				if _, err := fmt.Fprintln(w.out, name); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
	p, err := output.New(o.format, o.watch, "table", "wide", "name")
	if err != nil {
		return nil, err
	}
	return func(b board.Board) error { return p.Print(w.out, b) }, nil
}
