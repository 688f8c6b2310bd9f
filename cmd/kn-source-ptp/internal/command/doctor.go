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

	"github.com/spf13/cobra"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/diagnosis"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/output"
)

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	connection
	source          string
	systemNamespace string
	format          string
}

func (w *world) doctor() *cobra.Command {
	var o doctorFlags
	c := &cobra.Command{
		Use:   "doctor [NODE]",
		Short: "Find out why nothing is seen",
		Long: "Find out why nothing is seen: look at the installation, the PtpSources, their adapters and\n" +
			"sockets, the clocks, the sink, and whether the filters of Triggers can ever match. What is in\n" +
			"square brackets is explained in docs/troubleshooting.md.\n\n" +
			"The exit status is 1 if something is wrong.",
		Example: `
# All PtpSources of this namespace
doctor

# One node
doctor n1

# One PtpSource, for a script
doctor --source fleet -n edge -o 'jsonpath={range .findings[?(@.level=="wrong")]}{.about}: {.text}{"\n"}{end}'
`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, args []string) error { return o.run(c.Context(), w, args) },
	}
	f := c.Flags()
	f.StringVar(&o.source, "source", "", "only this PtpSource")
	f.StringVar(&o.systemNamespace, "system-namespace", "knative-eventing", "namespace in which the controller runs")
	f.StringVarP(&o.format, "output", "o", "text", "format: text|"+output.Formats)
	o.bind(f, "n")
	o.bindAll(f)
	o.bindAdapters(f)
	complete(c, "output", "text", "json", "yaml", "jsonpath=", "go-template=")
	return c
}

func (o *doctorFlags) run(ctx context.Context, w *world, nodes []string) error {
	var p output.Printer
	if o.format != "text" {
		var err error
		if p, err = output.New(o.format, false, "text"); err != nil {
			return err
		}
	}
	client, namespace, err := o.connect()
	if err != nil {
		return err
	}
	facts, err := diagnosis.Look(ctx, client, diagnosis.Options{
		Namespace: namespace, Source: o.source, Node: strings.Join(nodes, ""), SystemNamespace: o.systemNamespace, Patience: o.timeout,
	})
	if err != nil {
		return explain(err)
	}
	all := diagnosis.Diagnose(facts)
	if p != nil {
		if err := p.Print(w.out, map[string]any{"findings": all}); err != nil {
			return err
		}
	} else {
		w.show(all)
	}
	if diagnosis.Trouble(all) {
		return status{failed, errors.New("")} // it was said what
	}
	return nil
}

// show writes findings for people.
func (w *world) show(all []diagnosis.Finding) {
	count := 0
	for _, f := range all {
		mark, colour := "++", "\x1b[32m"
		switch f.Level {
		case diagnosis.Unclear:
			mark, colour = "??", "\x1b[33m"
		case diagnosis.Wrong:
			mark, colour = "!!", "\x1b[31m"
			count++
		}
		if w.colour {
			mark = colour + mark + "\x1b[0m"
		}
		fmt.Fprintf(w.out, "%s %s: %s", mark, f.About, f.Text)
		if f.Reason != "" {
			fmt.Fprintf(w.out, " [%s]", f.Reason)
		}
		fmt.Fprintln(w.out)
		if f.Remedy != "" && f.Level != diagnosis.OK {
			fmt.Fprintf(w.out, "   -> %s\n", f.Remedy)
		}
	}
	switch count {
	case 0:
		fmt.Fprintln(w.out, "\nNothing is wrong. Events are sent when something changes; the command events shows what did.")
	case 1:
		fmt.Fprintln(w.out, "\n1 thing is wrong.")
	default:
		fmt.Fprintf(w.out, "\n%d things are wrong.\n", count)
	}
}
