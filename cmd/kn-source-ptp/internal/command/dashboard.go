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
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/dashboard"
)

// dashboardFlags are the flags of dashboard.
type dashboardFlags struct {
	connection
	source   string
	port     int
	interval time.Duration
}

func (w *world) dashboard() *cobra.Command {
	var o dashboardFlags
	c := &cobra.Command{
		Use:   "dashboard [NODE...]",
		Short: "Show all clocks as they change, in a browser",
		Long: "Show all clocks as they change, in a browser: the fleet with the worst first, and of each\n" +
			"node its clocks, its past, its offsets and its events.\n\n" +
			"The page is served on the loopback interface of this machine alone, until you interrupt,\n" +
			"and needs nothing from elsewhere. Its address has a secret: whoever knows it, sees what\n" +
			"you may see.",
		Example: `
# All clocks that the PtpSources of this namespace watch
dashboard

# The whole cluster, always at the same port
dashboard -A --port 8090

# Two nodes, asked twice a second
dashboard n1 n2 --interval 500ms
`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, nodes []string) error { return o.run(c.Context(), w, nodes) },
	}
	f := c.Flags()
	f.StringVar(&o.source, "source", "", "only clocks that this PtpSource watches")
	f.IntVar(&o.port, "port", 0, "port to listen on (default: one that is free)")
	f.DurationVar(&o.interval, "interval", 2*time.Second, "how often each clock is asked for its offset; at most 100 adapters are asked in a second")
	o.bind(f, "n")
	o.bindAll(f)
	o.bindAdapters(f)
	return c
}

func (o *dashboardFlags) run(ctx context.Context, w *world, nodes []string) error {
	switch {
	case o.interval <= 0:
		return fmt.Errorf("--interval is %v; it must be above 0", o.interval)
	case o.port < 0 || o.port > 65535:
		return fmt.Errorf("--port is %d; it must be from 1 to 65535, or 0 for one that is free", o.port)
	}
	client, namespace, err := o.connect()
	if err != nil {
		return err
	}
	scope := cluster.Scope{Namespace: namespace, Name: o.source, Nodes: nodes}
	there, err := adapters(ctx, client, scope)
	if err != nil {
		return err
	}
	if len(there.found) == 0 {
		fmt.Fprintln(w.err, "no adapter runs yet; waiting for some (doctor says why there are none)")
	}
	d := &dashboard.Dashboard{
		About: dashboard.About{Scope: inWords(scope)}, Adapters: there, Client: client,
		Interval: o.interval, Patience: o.timeout,
	}
	l, address, err := d.Listen(ctx, o.port)
	if err != nil {
		return err
	}
	fmt.Fprintln(w.out, address)
	fmt.Fprintln(w.err, "open this address in a browser on this machine, and keep it to yourself; interrupt to end")
	if err := d.Serve(ctx, l); err != nil {
		return interrupted(ctx, explain(err))
	}
	return interrupted(ctx, errors.New("the dashboard has ended")) // which is how to end it
}

// inWords says which clocks are meant.
func inWords(s cluster.Scope) string {
	words := "all namespaces"
	if s.Namespace != "" {
		words = "namespace " + s.Namespace
	}
	if s.Name != "" {
		words = "PtpSource " + s.Name + ", " + words
	}
	if len(s.Nodes) > 0 {
		words = strings.Join(s.Nodes, ", ") + ", " + words
	}
	return words
}
