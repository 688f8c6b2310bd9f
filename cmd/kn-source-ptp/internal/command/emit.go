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
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/testevent"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// emitFlags are the flags of emit.
type emitFlags struct {
	connection
	source string
	as     string
	wait   time.Duration
}

func (w *world) emit() *cobra.Command {
	var o emitFlags
	c := &cobra.Command{
		Use:   "emit [NODE]",
		Short: "Send a test event the whole way to the sink",
		Long: "Send a test event the whole way: an adapter records it in its journal, behind all that waits there,\n" +
			"and sends it to the sink like every other. What becomes of it is shown; the exit status is 0 if\n" +
			"the sink has taken it.\n\n" +
			"No consumer can take it for the state of a clock: its type is " + oran.Test + ", and its\n" +
			"state and its value are " + oran.TestState + ". It has a resource address of its own, or the one that --for says, so that\n" +
			"Triggers which filter on an address alone can be tried. Triggers on another type never let it through.\n\n" +
			"It takes the Role eventing-ptp-cli-emit besides the roles eventing-ptp-cli. An adapter on its node's\n" +
			"own network (spec.gnss, spec.synce, spec.osClock.chronyd) takes no test events.",
		Example: `
# The only adapter that there is
emit

# That of one node, as an event of its lock state
emit n1 --for /sync/ptp-status/lock-state

# Where two PtpSources watch a node; and patience with a sink that has to be started first
emit n1 --source fleet --wait 60s
`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, nodes []string) error { return o.run(c.Context(), w, nodes) },
	}
	f := c.Flags()
	f.StringVar(&o.source, "source", "", "the adapter of this PtpSource")
	f.StringVar(&o.as, "for", "", "resource address that the event shall have (default: one of its own)")
	f.DurationVar(&o.wait, "wait", 10*time.Second, "how long to wait until the sink has it, up to 1m")
	o.bind(f, "n")
	o.bindAdapters(f)
	return c
}

func (o *emitFlags) run(ctx context.Context, w *world, nodes []string) error {
	if o.wait < 0 || o.wait > time.Minute {
		return fmt.Errorf("--wait is %v; it must be between 0s and 1m", o.wait)
	}
	if o.as != "" {
		if _, err := oran.ParseAddress(o.as); err != nil {
			return fmt.Errorf("--for: %w", err)
		}
	}
	client, namespace, err := o.connect()
	if err != nil {
		return err
	}
	there, err := adapters(ctx, client, cluster.Scope{Namespace: namespace, Name: o.source, Nodes: nodes})
	if err != nil {
		return err
	}
	a, err := onlyOne(there.found)
	if err != nil {
		return err
	}
	return o.try(ctx, w, client, a)
}

// onlyOne is the adapter that is meant, where that is clear.
func onlyOne(all []cluster.Adapter) (cluster.Adapter, error) {
	switch {
	case len(all) == 0:
		return cluster.Adapter{}, errors.New("no adapter runs; doctor says why")
	case len(all) > 1:
		return cluster.Adapter{}, fmt.Errorf("there are %d adapters: %s; say which with NODE, and --source where a node has several",
			len(all), names(all, cluster.Adapter.String))
	}
	a := all[0]
	switch {
	case a.Trouble != "":
		return a, fmt.Errorf("%s: %s; doctor says more", a, a.Trouble)
	case a.EmitPort == 0:
		return a, fmt.Errorf("%s takes no test events: it is on its node's own network, where any process could send them, or of an earlier version", a)
	}
	return a, nil
}

// try has an adapter send a test event, and shows what becomes of it.
func (o *emitFlags) try(ctx context.Context, w *world, client *cluster.Client, a cluster.Adapter) error {
	body, err := json.Marshal(testevent.Request{ResourceAddress: o.as, Wait: metav1.Duration{Duration: o.wait}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout+o.wait, fmt.Errorf("it did not answer within %v", o.timeout+o.wait))
	defer cancel()
	answer, err := client.PostInside(ctx, a, a.EmitPort, testevent.Path, body)
	var refusal *cluster.Refusal
	switch {
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w; an administrator can bind the Role eventing-ptp-cli-emit to you (docs/cli.md)", err)
	case errors.As(err, &refusal) && refusal.Status == http.StatusBadRequest:
		return fmt.Errorf("%s refuses: %w", a, err)
	case err != nil && context.Cause(ctx) != nil:
		return fmt.Errorf("%s: %w", a, context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("%s: %w", a, explain(err))
	}
	defer answer.Close()
	lines := json.NewDecoder(answer)
	var recorded, settled testevent.Report
	if err := lines.Decode(&recorded); err != nil || recorded.Recorded == nil {
		return fmt.Errorf("%s: read its answer: %w", a, errors.Join(err, context.Cause(ctx)))
	}
	r := recorded.Recorded
	fmt.Fprintf(w.out, "%s recorded it as %s, sequence %d, from %s\n", a, r.ID, r.Sequence, r.Source)
	if err := lines.Decode(&settled); err != nil || settled.Settled == nil {
		return fmt.Errorf("%s: it is not known what has become of it: %w", a, errors.Join(err, context.Cause(ctx)))
	}
	return o.tell(w, settled.Settled)
}

// tell says what has become of a test event.
func (o *emitFlags) tell(w *world, s *testevent.Settled) error {
	after := time.Duration(s.Seconds * float64(time.Second)).Round(time.Microsecond * 100)
	switch s.Outcome {
	case testevent.Delivered:
		_, err := fmt.Fprintf(w.out, "the sink has taken it after %v\n", after)
		return err
	case testevent.DeadLettered:
		return fmt.Errorf("the sink does not take it (%s), and the dead letter sink has taken it after %v", answered(s), after)
	case testevent.Skipped:
		return fmt.Errorf("nobody takes it (%s), and it was skipped after %v; see the log of the adapter", answered(s), after)
	}
	var why []string
	if s.Pending > 1 {
		why = append(why, fmt.Sprintf("%d others wait, too", s.Pending-1))
	}
	why = append(why, answered(s))
	return fmt.Errorf("the sink has not taken it within %v: %s; the adapter goes on trying, and doctor says more of the sink", o.wait, strings.Join(why, ", "))
}

// answered is what the sink has said last.
func answered(s *testevent.Settled) string {
	switch {
	case s.TriedSecondsAgo == nil:
		return "nothing was sent to it yet"
	case s.Status == 0:
		return "it did not answer"
	}
	return fmt.Sprintf("its last answer was %d %s", s.Status, http.StatusText(s.Status))
}
