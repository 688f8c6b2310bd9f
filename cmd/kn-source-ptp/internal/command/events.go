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
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/eventline"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/feed"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/moment"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/output"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// eventsFlags are the flags of events.
type eventsFlags struct {
	connection
	name, since, until          string
	types, states, nodes        []string
	instances, resources, after []string
	limit                       int
	follow, noFollow            bool
	format                      string
}

func (w *world) events() *cobra.Command {
	var o eventsFlags
	c := &cobra.Command{
		Use:   "events",
		Short: "Show what clocks did, and what they do",
		Long: "Show what clocks did, and what they do: every change that adapters keep, of all nodes, in\n" +
			"the order of time, and then what comes, until you interrupt. A connection that breaks and\n" +
			"an adapter that is replaced cost no event and repeat none.\n\n" +
			"Times are 2026-05-10T07:20:34Z, local without a zone (2026-05-10, 2026-05-10T07, T07:20,\n" +
			"T07:20:34, T07:20:34.5), seconds since 1970 (1778397634.5), or how long ago (10m).",
		Example: `
# Everything that is kept in this namespace, and what comes
events

# What the PtpSource fleet has seen in the last ten minutes
events -n fleet -S 10m --no-follow

# Whenever a clock of any namespace becomes worse than LOCKED
events -A --state HOLDOVER --state FREERUN --type lock-state -S 0s

# One resource of one node, as CloudEvents, for half an hour
events --for /cluster/node/n1/sync/ptp-status/lock-state -U=-30m -o json

# When and where, in words of one's own
events -o 'jsonpath={.time} {.node} {.ptpstate}'
`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return o.run(c.Context(), w) },
	}
	f := c.Flags()
	f.StringVarP(&o.name, "name", "n", "", "only of this PtpSource")
	f.StringVarP(&o.since, "since", "S", "", "only what was observed then or later")
	f.StringVarP(&o.until, "until", "U", "", "only what is observed then or earlier; ends at that time")
	f.StringArrayVar(&o.types, "type", nil, "only of this type, or of this resource, such as lock-state; may be repeated")
	f.StringArrayVar(&o.states, "state", nil, "only what became this: LOCKED, HOLDOVER, FREERUN, or a clock class; may be repeated")
	f.StringArrayVar(&o.nodes, "node", nil, "only of this node; may be repeated")
	f.StringArrayVar(&o.instances, "instance", nil, "only of this ptp4l, such as ptp4l.0; may be repeated")
	f.StringArrayVar(&o.resources, "for", nil, "only of this resource address or below it, with * and . as in O-RAN's; may be repeated")
	f.StringArrayVar(&o.after, "after", nil, "only what comes behind the event with this id; may be repeated, for several adapters")
	f.IntVar(&o.limit, "limit", 0, "of the past, only the newest so many of each adapter (default: all)")
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with what comes (default, unless --until is over)")
	f.BoolVar(&o.noFollow, "no-follow", false, "end with what is kept now")
	f.StringVarP(&o.format, "output", "o", "line", "format: line|wide|"+output.Formats)
	o.bind(f, "")
	o.bindAll(f)
	o.bindAdapters(f)
	c.MarkFlagsMutuallyExclusive("follow", "no-follow")
	complete(c, "output", "line", "wide", "json", "yaml", "jsonpath=", "go-template=")
	complete(c, "state", "LOCKED", "HOLDOVER", "FREERUN")
	complete(c, "type", resourceNames()...)
	return c
}

// complete lets a shell complete a flag with words.
func complete(c *cobra.Command, flag string, words ...string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag was added a line before
	}
}

func resourceNames() []string {
	var all []string
	for _, d := range oran.Definitions() {
		if name := path.Base(d.Resource); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return append(all, path.Base(oran.TestResource))
}

// query returns the filters as adapters know them, and the time to end.
func (o *eventsFlags) query(now time.Time) (query url.Values, until time.Time, err error) {
	query = url.Values{}
	var since time.Time
	for _, t := range []struct {
		flag, text string
		to         *time.Time
	}{{"since", o.since, &since}, {"until", o.until, &until}} {
		if t.text == "" {
			continue
		}
		if *t.to, err = moment.Parse(t.text, now); err != nil {
			return nil, until, fmt.Errorf("--%s: %w", t.flag, err)
		}
		query.Set(t.flag, t.to.UTC().Format(time.RFC3339Nano))
	}
	if !since.IsZero() && !until.IsZero() && since.After(until) {
		return nil, until, fmt.Errorf("--since (%s) is later than --until (%s)", since.Format(time.RFC3339Nano), until.Format(time.RFC3339Nano))
	}
	for _, name := range o.types {
		types, err := eventTypes(name)
		if err != nil {
			return nil, until, err
		}
		query["type"] = append(query["type"], types...)
	}
	for _, address := range o.resources {
		if _, err := oran.ParseAddress(address); err != nil {
			return nil, until, fmt.Errorf("--for: %w", err)
		}
		query.Add("resource", address)
	}
	for _, state := range o.states {
		query.Add("state", strings.ToUpper(state))
	}
	for _, instance := range o.instances {
		query.Add("instance", url.PathEscape(instance)) // as it is in addresses
	}
	if o.limit < 0 || o.limit > 10_000 {
		return nil, until, fmt.Errorf("--limit is %d; it must be from 1 to 10000, or 0 for all", o.limit)
	}
	return query, until, nil
}

// eventTypes returns the types that a name stands for: itself, or those of the resources of
// that name.
func eventTypes(name string) ([]string, error) {
	if d, ok := oran.Define(name); ok {
		return []string{d.EventType}, nil
	}
	if name == oran.Test || name == path.Base(oran.TestResource) {
		return []string{oran.Test}, nil
	}
	var types []string
	for _, d := range oran.Definitions() {
		if path.Base(d.Resource) == name {
			types = append(types, d.EventType)
		}
	}
	if types == nil {
		return nil, fmt.Errorf("--type %q is not known; it can be a type, such as %s, or one of %s", name, oran.LockStateChange, strings.Join(resourceNames(), ", "))
	}
	return types, nil
}

func (o *eventsFlags) run(ctx context.Context, w *world) error {
	now := w.now()
	query, until, err := o.query(now)
	if err != nil {
		return err
	}
	show, err := o.printer(now.Location())
	if err != nil {
		return err
	}
	client, namespace, err := o.connect()
	if err != nil {
		return err
	}
	there, err := adapters(ctx, client, cluster.Scope{Namespace: namespace, Name: o.name, Nodes: o.nodes})
	if err != nil {
		return err
	}
	follow := !o.noFollow && (until.IsZero() || until.After(now))
	if len(there.found) == 0 && follow {
		fmt.Fprintln(w.err, "no adapter runs yet; waiting for some (interrupt to end)")
	}
	silent := map[cluster.Key]bool{}
	out := bufio.NewWriter(w.out)
	f := &feed.Feed{
		Adapters: there, Ask: client, Query: query, Limit: o.limit, After: o.after, Until: until, Patience: o.timeout,
		Event: func(e feed.Event) error { return show(out, e) },
		Trouble: func(t feed.Trouble) {
			if t.Over {
				delete(silent, t.From.Key())
				fmt.Fprintf(w.err, "%s answers again\n", t.From)
				return
			}
			silent[t.From.Key()] = true
			again := ""
			if follow && !cluster.Final(t.Err) {
				again = "; trying again"
			}
			fmt.Fprintf(w.err, "%s does not answer: %v%s\n", t.From, t.Err, again)
		},
	}
	n, err := f.Past(ctx)
	if err := errors.Join(err, out.Flush()); err != nil {
		return interrupted(ctx, err)
	}
	if !follow {
		return missing(len(silent), n)
	}
	f.Event = func(e feed.Event) error {
		if err := show(out, e); err != nil {
			return err
		}
		return out.Flush()
	}
	if err := f.Follow(ctx); err != nil {
		return interrupted(ctx, explain(err))
	}
	return interrupted(ctx, missing(len(silent), n)) // which is how to end it
}

// interrupted is err, unless the user has ended it.
func interrupted(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// missing is the error for an answer that is not whole; everyone missing was named before.
func missing(silent, all int) error {
	if silent == 0 {
		return nil
	}
	return status{partial, fmt.Errorf("%d of %d adapters did not answer", silent, max(silent, all))}
}

// printer returns what prints an event.
func (o *eventsFlags) printer(zone *time.Location) (func(io.Writer, feed.Event) error, error) {
	switch o.format {
	case "line", "wide":
		return func(to io.Writer, e feed.Event) error {
			line, err := eventline.Format(e, zone, o.format == "wide")
			if err == nil {
				_, err = fmt.Fprintln(to, line)
			}
			return err
		}, nil
	case "json": // as it is
		return func(to io.Writer, e feed.Event) error {
			_, err := to.Write(append(slices.Clip(e.Body), '\n'))
			return err
		}, nil
	}
	p, err := output.New(cmp.Or(o.format, "line"), true, "line", "wide")
	if err != nil {
		return nil, err
	}
	return func(to io.Writer, e feed.Event) error { return p.Print(to, json.RawMessage(e.Body)) }, nil
}
