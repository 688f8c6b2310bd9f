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

// Package board shows the present state of many clocks, the worst first.
package board

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// Report is what one adapter says, or why it says nothing.
type Report struct {
	Namespace string `json:"namespace"`
	Source    string `json:"source"`
	Node      string `json:"node"`
	Pod       string `json:"pod"`
	// Error is why there is no State.
	Error string        `json:"error,omitempty"`
	State *stream.State `json:"state,omitempty"`
}

// NewReport returns the report of an adapter.
func NewReport(a cluster.Adapter, state *stream.State, err error) Report {
	r := Report{Namespace: a.Source.Namespace, Source: a.Source.Name, Node: a.Node, Pod: a.Pod, State: state}
	if err != nil {
		r.State, r.Error = nil, err.Error()
	}
	return r
}

// Clock is one line.
type Clock struct {
	Namespace   string     `json:"namespace"`
	Source      string     `json:"source"`
	Node        string     `json:"node"`
	Instance    string     `json:"instance,omitempty"`
	State       string     `json:"state"`
	Since       *time.Time `json:"since,omitempty"`
	Reason      string     `json:"reason,omitempty"`
	Offset      *int64     `json:"offsetNanoseconds,omitempty"`
	Grandmaster string     `json:"grandmaster,omitempty"`
	Class       string     `json:"class,omitempty"`
	// OSClock and Overall are the node's.
	OSClock string `json:"osClock,omitempty"`
	Overall string `json:"overall"`
	// Error is why nothing is known.
	Error string `json:"error,omitempty"`
}

// Worst is the worse of the states of the clock and of its node.
func (c Clock) Worst() string {
	if severity(c.Overall) < severity(c.State) {
		return c.Overall
	}
	return c.State
}

// Summary counts clocks by their state.
type Summary struct {
	Locked   int `json:"locked"`
	Holdover int `json:"holdover"`
	Freerun  int `json:"freerun"`
	Unknown  int `json:"unknown"`
}

// Board is the clocks of all reports, the worst first.
type Board struct {
	Clocks  []Clock `json:"clocks"`
	Summary Summary `json:"summary"`
	// Silent are the reports without a state.
	Silent int `json:"silent"`
}

const unknown = "UNKNOWN"

// severity orders states, the worst first. What is not known may be anything.
func severity(state string) int {
	if i := slices.Index([]string{"FREERUN", unknown, "HOLDOVER", "LOCKED"}, state); i >= 0 {
		return i
	}
	return severity(unknown)
}

// New returns the board of reports.
func New(reports []Report) Board {
	b := Board{Clocks: []Clock{}}
	for _, r := range reports {
		if r.State == nil {
			b.Silent++
		}
		b.Clocks = append(b.Clocks, clocksOf(r)...)
	}
	slices.SortStableFunc(b.Clocks, func(x, y Clock) int {
		return cmp.Or(
			cmp.Compare(severity(x.State), severity(y.State)),
			cmp.Compare(severity(x.Overall), severity(y.Overall)),
			cmp.Compare(x.Node, y.Node),
			cmp.Compare(x.Instance, y.Instance),
			cmp.Compare(x.Namespace, y.Namespace),
			cmp.Compare(x.Source, y.Source))
	})
	for _, c := range b.Clocks {
		switch c.State {
		case "LOCKED":
			b.Summary.Locked++
		case "HOLDOVER":
			b.Summary.Holdover++
		case "FREERUN":
			b.Summary.Freerun++
		default:
			b.Summary.Unknown++
		}
	}
	return b
}

// clocksOf returns a line for each clock of a node, and one for a node without any.
func clocksOf(r Report) []Clock {
	line := Clock{Namespace: r.Namespace, Source: r.Source, Node: r.Node, State: unknown, Overall: unknown, Error: r.Error}
	if r.State == nil {
		return []Clock{line}
	}
	line.Overall = r.State.Overall.State
	if r.State.OSClock != nil {
		line.OSClock = r.State.OSClock.State
	}
	if len(r.State.Instances) == 0 {
		line.Since, line.Reason = r.State.Overall.Since, r.State.Overall.Reason
		line.State = r.State.Overall.State
		return []Clock{line}
	}
	var all []Clock
	for _, i := range r.State.Instances {
		c := line
		c.Instance, c.State, c.Since, c.Reason = i.Name, i.State, i.Since, i.Reason
		c.Offset, c.Grandmaster, c.Class = i.OffsetNanoseconds, i.Grandmaster, i.Class
		all = append(all, c)
	}
	return all
}

// AllLocked is whether every clock is, and every node as a whole.
func (b Board) AllLocked() bool {
	return !slices.ContainsFunc(b.Clocks, func(c Clock) bool { return c.State != "LOCKED" || c.Overall != "LOCKED" })
}

// String is the summary for people.
func (s Summary) String() string {
	return fmt.Sprintf("%d locked, %d holdover, %d freerun, %d unknown", s.Locked, s.Holdover, s.Freerun, s.Unknown)
}

// Options say how to show a board.
type Options struct {
	Wide, Colour bool
	Now          time.Time
}

// Show writes the board as a table with the summary below.
func (b Board) Show(to io.Writer, o Options) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	severalSources := slices.ContainsFunc(b.Clocks, func(c Clock) bool {
		return c.Source != b.Clocks[0].Source || c.Namespace != b.Clocks[0].Namespace
	})
	header := []string{"NODE", "INSTANCE", "STATE", "SINCE", "OFFSET", "GRANDMASTER", "CLASS", "OS CLOCK", "OVERALL"}
	if o.Wide || severalSources {
		header = append(header, "SOURCE")
	}
	if o.Wide {
		header = append(header, "REASON")
	}
	fmt.Fprintln(table, strings.Join(header, "\t"))
	for _, c := range b.Clocks {
		cells := []string{
			c.Node, c.Instance, c.State, age(c.Since, o.Now), offset(c.Offset), c.Grandmaster, c.Class, c.OSClock, c.Overall,
		}
		if o.Wide || severalSources {
			cells = append(cells, c.Namespace+"/"+c.Source)
		}
		if o.Wide {
			cells = append(cells, c.Reason)
		}
		for n := range cells {
			cells[n] = cmp.Or(cells[n], "-")
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	_ = table.Flush() // a strings.Builder takes everything
	lines := strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	for n := range lines {
		lines[n] = strings.TrimRight(lines[n], " ")
		if n > 0 && o.Colour {
			lines[n] = coloured(lines[n], severity(b.Clocks[n-1].Worst()))
		}
	}
	for _, c := range b.Clocks {
		if c.Error != "" {
			lines = append(lines, fmt.Sprintf("%s (%s/%s) does not answer: %s", c.Node, c.Namespace, c.Source, c.Error))
		}
	}
	_, err := fmt.Fprintf(to, "%s\n%s\n", strings.Join(lines, "\n"), b.Summary)
	return err
}

// coloured puts a line into the colour of how bad it is.
func coloured(line string, severity int) string {
	switch severity {
	case 0:
		return "\x1b[31m" + line + "\x1b[0m"
	case 1:
		return "\x1b[35m" + line + "\x1b[0m"
	case 2:
		return "\x1b[33m" + line + "\x1b[0m"
	}
	return line
}

func age(since *time.Time, now time.Time) string {
	if since == nil {
		return ""
	}
	return duration.HumanDuration(max(0, now.Sub(*since))) // the node's clock may be ahead
}

func offset(nanoseconds *int64) string {
	if nanoseconds == nil {
		return ""
	}
	return time.Duration(*nanoseconds).String()
}
