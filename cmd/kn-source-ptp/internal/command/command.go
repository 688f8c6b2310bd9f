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

// Package command is the command line of kn-source-ptp.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// The exit statuses, which docs/cli.md explains.
const (
	ok = iota
	failed
	notLocked
	partial
)

// status is an error by which the program ends with another status than failed.
type status struct {
	code int
	error
}

// Unwrap returns what is wrong.
func (s status) Unwrap() error { return s.error }

// world is where a command runs.
type world struct {
	in       io.Reader
	out, err io.Writer
	// now is the time, in the zone of the user.
	now func() time.Time
	// colour is whether out is a terminal that shows colours, and screen whether it is one.
	colour, screen bool
}

// Main runs the command of args, of which the first is the program, and returns the status
// to end with.
func Main(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	w := &world{in: in, out: out, err: errOut, now: time.Now}
	if f, isFile := out.(*os.File); isFile {
		w.screen = term.IsTerminal(int(f.Fd())) //nolint:gosec // a descriptor is small
		w.colour = w.screen && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return w.run(ctx, args)
}

func (w *world) run(ctx context.Context, args []string) int {
	root := w.root(displayName(args[0]))
	root.SetArgs(args[1:])
	err := root.ExecuteContext(ctx)
	code := failed
	var s status
	switch {
	case err == nil:
		return ok
	case errors.As(err, &s):
		code = s.code
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(w.err, "Error:", text)
	}
	return code
}

// displayName is how users call the program, by the name that it has: as a plugin of kn or of
// kubectl.
func displayName(program string) string {
	if strings.HasPrefix(filepath.Base(program), "kubectl-") {
		return "kubectl ptp"
	}
	return "kn source ptp"
}

// root returns the command with all its subcommands.
func (w *world) root(name string) *cobra.Command {
	root := &cobra.Command{
		Use:   "ptp",
		Short: "Watch the PTP clocks of a cluster, and manage PtpSources",
		Long: "Watch the PTP clocks of a cluster, and manage PtpSources.\n\n" +
			"Adapters are asked by way of the API server, with your own rights: the roles\n" +
			"eventing-ptp-cli have what it takes. Nothing else is needed in the cluster.",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: name},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(w.in)
	root.SetOut(w.out)
	root.SetErr(w.err)
	root.AddCommand(
		w.events(), w.status(), w.dashboard(),
		w.list(), w.describe(), w.create(), w.update(), w.apply(), w.delete(),
		w.doctor(), w.emit(), w.simulate(), w.version(),
	)
	for _, c := range root.Commands() {
		c.Example = examples(name, c.Example)
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
	})
	return root
}

// examples are lines of commands, indented, that begin with the name by which this one is
// called. Lines that begin with # are comments.
func examples(name, text string) string {
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(text)) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			line = name + " " + line
		}
		if line != "" {
			line = "  " + line
		}
		lines = append(lines, line)
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
