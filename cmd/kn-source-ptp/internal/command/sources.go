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
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/form"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/output"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	client "github.com/eventing-ptp/eventing-ptp/pkg/client/clientset/versioned/typed/sources/v1alpha1"
)

// fieldManager owns what apply has applied.
const fieldManager = "kn-source-ptp"

// sourceFormats are the formats in which PtpSources are printed.
const sourceFormats = "name|" + output.Formats

// sources returns the PtpSources of the namespace that is meant.
func (c *connection) sources() (client.PtpSourceInterface, error) {
	k, namespace, err := c.connect()
	if err != nil {
		return nil, err
	}
	return k.Sources.SourcesV1alpha1().PtpSources(namespace), nil
}

// typed says what a PtpSource is, which clients leave out.
func typed(s *v1alpha1.PtpSource) *v1alpha1.PtpSource {
	s.APIVersion, s.Kind = v1alpha1.SchemeGroupVersion.String(), "PtpSource"
	s.ManagedFields = nil // for people they are noise, as in kubectl
	return s
}

func nameOf(s *v1alpha1.PtpSource) string { return "ptpsource.sources.knative.dev/" + s.Name }

// completeSources lets a shell complete the names of PtpSources.
func completeSources(c *connection, several bool) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 && !several {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		sources, err := c.sources()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		list, err := sources.List(command.Context(), metav1.ListOptions{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, s := range list.Items {
			if !slices.Contains(args, s.Name) {
				names = append(names, s.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

func (w *world) list() *cobra.Command {
	var o connection
	var format string
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List PtpSources",
		Example: `
# Those of this namespace
list

# Those of all namespaces, with where their events go
list -A -o wide
`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			show, err := w.listPrinter(format, &o)
			if err != nil {
				return err
			}
			sources, err := o.sources()
			if err != nil {
				return err
			}
			list, err := sources.List(c.Context(), metav1.ListOptions{})
			if err != nil {
				return explain(err)
			}
			return show(list)
		},
	}
	o.bind(c.Flags(), "n")
	o.bindAll(c.Flags())
	c.Flags().StringVarP(&format, "output", "o", "table", "format: table|wide|"+sourceFormats)
	complete(c, "output", "table", "wide", "name", "json", "yaml", "jsonpath=", "go-template=")
	return c
}

func (w *world) listPrinter(format string, o *connection) (func(*v1alpha1.PtpSourceList) error, error) {
	switch format {
	case "table", "wide", "":
		return func(l *v1alpha1.PtpSourceList) error { return w.table(l, o.all, format == "wide") }, nil
	case "name":
		return func(l *v1alpha1.PtpSourceList) error {
			for n := range l.Items {
				fmt.Fprintln(w.out, nameOf(&l.Items[n]))
			}
			return nil
		}, nil
	}
	p, err := output.New(format, false, "table", "wide", "name")
	if err != nil {
		return nil, err
	}
	return func(l *v1alpha1.PtpSourceList) error {
		l.APIVersion, l.Kind = v1alpha1.SchemeGroupVersion.String(), "PtpSourceList"
		for n := range l.Items {
			typed(&l.Items[n])
		}
		return p.Print(w.out, l)
	}, nil
}

func (w *world) table(l *v1alpha1.PtpSourceList, namespaces, wide bool) error {
	if len(l.Items) == 0 {
		fmt.Fprintln(w.err, "there is no PtpSource")
		return nil
	}
	header := []string{"NAME", "SINK", "NODES", "READY", "REASON", "AGE"}
	if namespaces {
		header = append([]string{"NAMESPACE"}, header...)
	}
	if wide {
		header = append(header, "SINK URI", "DAEMONSET")
	}
	rows := [][]string{header}
	for _, s := range l.Items {
		ready, reason := "Unknown", ""
		if c := s.Status.GetCondition(v1alpha1.ConditionReady); c != nil {
			ready, reason = string(c.Status), c.Reason
		}
		row := []string{s.Name, sinkOf(s.Spec), s.Status.Nodes.Summary, ready, reason, duration.HumanDuration(w.now().Sub(s.CreationTimestamp.Time))}
		if namespaces {
			row = append([]string{s.Namespace}, row...)
		}
		if wide {
			row = append(row, s.Status.SinkURI.String(), s.Status.DaemonSet)
		}
		rows = append(rows, row)
	}
	return w.columns("", rows)
}

// columns writes rows as wide as their widest cells, indented. A cell without a text is a -.
func (w *world) columns(indent string, rows [][]string) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		for n := range row {
			row[n] = cmp.Or(row[n], "-")
		}
		fmt.Fprintln(table, indent+strings.Join(row, "\t"))
	}
	_ = table.Flush() // a strings.Builder takes everything
	_, err := fmt.Fprint(w.out, text.String())
	return err
}

// sinkOf names a sink as --sink takes it.
func sinkOf(spec v1alpha1.PtpSourceSpec) string {
	if spec.Sink.Ref == nil {
		return spec.Sink.URI.String()
	}
	ref := spec.Sink.Ref
	kind := ref.APIVersion + "/" + ref.Kind
	switch kind {
	case "eventing.knative.dev/v1/Broker":
		kind = "broker"
	case "serving.knative.dev/v1/Service":
		kind = "ksvc"
	case "messaging.knative.dev/v1/Channel":
		kind = "channel"
	case "v1/Service":
		kind = "service"
	}
	text := kind + ":" + ref.Name
	if ref.Namespace != "" {
		text += ":" + ref.Namespace
	}
	return text
}

func (w *world) describe() *cobra.Command {
	var o connection
	var format string
	c := &cobra.Command{
		Use:   "describe NAME",
		Short: "Show a PtpSource: what it shall do, and how that goes",
		Example: `
# The PtpSource fleet of this namespace
describe fleet

# Its address to send to, for a script
describe fleet -o jsonpath={.status.sinkUri}
`,
		Args:              exactlyOneName,
		ValidArgsFunction: completeSources(&o, false),
		RunE: func(c *cobra.Command, args []string) error {
			var p output.Printer
			if format != "" {
				var err error
				if p, err = output.New(format, false); err != nil {
					return err
				}
			}
			k, namespace, err := o.connect()
			if err != nil {
				return err
			}
			s, err := k.Sources.SourcesV1alpha1().PtpSources(namespace).Get(c.Context(), args[0], metav1.GetOptions{})
			if err != nil {
				return explain(err)
			}
			if p != nil {
				return p.Print(w.out, typed(s))
			}
			return w.describeSource(c.Context(), k, s)
		},
	}
	o.bind(c.Flags(), "n")
	o.bindAdapterNamespace(c.Flags())
	c.Flags().StringVarP(&format, "output", "o", "", "format, instead of a text for people: "+output.Formats)
	complete(c, "output", "json", "yaml", "jsonpath=", "go-template=")
	return c
}

// exactlyOneName refuses arguments in words that say what is missing.
func exactlyOneName(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s needs one name, of a PtpSource, and got %d; see %s --help", c.CommandPath(), len(args), c.CommandPath())
	}
	return nil
}

func (w *world) describeSource(ctx context.Context, k *cluster.Client, s *v1alpha1.PtpSource) error {
	spec, err := yaml.Marshal(s.Spec)
	if err != nil {
		return fmt.Errorf("write the spec: %w", err)
	}
	rows := [][]string{
		{"Name:", s.Name},
		{"Namespace:", s.Namespace},
		{"Age:", duration.HumanDuration(w.now().Sub(s.CreationTimestamp.Time))},
		{"Sink:", sinkOf(s.Spec)},
		{"Sink URI:", s.Status.SinkURI.String()},
		{"Nodes:", fmt.Sprintf("%d of %d ready", s.Status.Nodes.Ready, s.Status.Nodes.Desired)},
		{"DaemonSet:", s.Status.DaemonSet},
	}
	if u := s.Status.DeadLetterSinkURI; u != nil {
		rows = append(rows, []string{"Dead letters:", u.String()})
	}
	if err := w.columns("", rows); err != nil {
		return err
	}
	fmt.Fprintf(w.out, "\nSpec:\n%s\nConditions:\n", indented(string(spec)))
	rows = [][]string{{"OK", "TYPE", "REASON", "AGE", "MESSAGE"}}
	for _, c := range s.Status.Conditions {
		mark := map[string]string{"True": "++", "False": "!!"}[string(c.Status)] // as kn does
		rows = append(rows, []string{
			cmp.Or(mark, "??"), string(c.Type), c.Reason, duration.HumanDuration(w.now().Sub(c.LastTransitionTime.Inner.Time)), c.Message,
		})
	}
	if err := w.columns("  ", rows); err != nil {
		return err
	}
	found, err := k.Adapters(ctx, cluster.Scope{Namespace: s.Namespace, Name: s.Name})
	switch {
	case apierrors.IsForbidden(err):
		return nil // conditions count them; who may not see their pods loses no more than that
	case err != nil:
		return explain(err)
	}
	fmt.Fprintln(w.out, "\nAdapters:")
	rows = [][]string{{"NODE", "POD", "TROUBLE"}}
	for _, a := range found {
		rows = append(rows, []string{a.Node, a.Pod, a.Trouble})
	}
	return w.columns("  ", rows)
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// change is a command that writes a PtpSource.
type change struct {
	connection
	form   *form.Form
	dryRun bool
	force  bool
	format string
}

// bindChange adds the flags of all that write.
func (o *change) bindChange(c *cobra.Command) {
	o.form = form.New(c.Flags())
	o.bind(c.Flags(), "n")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "have the cluster look at it, and change nothing")
	c.Flags().StringVarP(&o.format, "output", "o", "", "print the PtpSource: "+sourceFormats)
	complete(c, "output", "name", "json", "yaml", "jsonpath=", "go-template=")
	for flag, words := range o.form.Words() {
		if words != nil {
			complete(c, flag, words...)
		}
	}
}

func (o *change) dry() []string {
	if o.dryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// report prints what has become of the PtpSource.
func (o *change) report(w *world, s *v1alpha1.PtpSource, done string) error {
	switch o.format {
	case "":
		if o.dryRun {
			done += " (not really)"
		}
		_, err := fmt.Fprintf(w.out, "PtpSource %q %s in namespace %q.\n", s.Name, done, s.Namespace)
		return err
	case "name":
		_, err := fmt.Fprintln(w.out, nameOf(s))
		return err
	}
	p, err := output.New(o.format, false, "name")
	if err != nil {
		return err
	}
	return p.Print(w.out, typed(s))
}

// check looks at what can be wrong before anything is changed.
func (o *change) check() error {
	if o.format == "" || o.format == "name" {
		return nil
	}
	_, err := output.New(o.format, false, "name")
	return err
}

func (w *world) create() *cobra.Command {
	var o change
	c := &cobra.Command{
		Use:   "create NAME --sink SINK",
		Short: "Create a PtpSource",
		Example: `
# Watch the clocks of all nodes, and send what changes to a Broker
create fleet --sink broker:default

# Only some nodes, with software timestamps, to a URL
create edge --sink https://events.example.com --node-selector site=north --lock-offset 20us --unlock-offset 50us

# Look at it first
create fleet --sink ksvc:handler:apps --os-clock --dry-run -o yaml
`,
		Args:              exactlyOneName,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			sources, spec, err := o.begin(v1alpha1.PtpSourceSpec{})
			if err != nil {
				return err
			}
			s := &v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{Name: args[0]}, Spec: spec}
			s, err = sources.Create(c.Context(), s, metav1.CreateOptions{DryRun: o.dry(), FieldManager: fieldManager})
			if apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("%w; change it with update, or use apply", err)
			}
			if err != nil {
				return explain(err)
			}
			return o.report(w, s, "created")
		},
	}
	o.bindChange(c)
	return c
}

// begin returns the PtpSources, and the spec by the flags, which must have a sink.
func (o *change) begin(spec v1alpha1.PtpSourceSpec) (client.PtpSourceInterface, v1alpha1.PtpSourceSpec, error) {
	if err := o.check(); err != nil {
		return nil, spec, err
	}
	spec, err := o.form.Fill(spec)
	if err != nil {
		return nil, spec, err
	}
	if spec.Sink.Ref == nil && spec.Sink.URI == nil {
		return nil, spec, errors.New("--sink is missing: say where events go, such as --sink broker:default")
	}
	sources, err := o.sources()
	return sources, spec, err
}

func (w *world) update() *cobra.Command {
	var o change
	c := &cobra.Command{
		Use:   "update NAME",
		Short: "Change fields of a PtpSource",
		Long:  "Change fields of a PtpSource. What no flag names stays as it is; a flag with an empty value\n(--domain=) takes its field back to its default.",
		Example: `
# Another sink
update fleet --sink ksvc:handler

# A longer holdover, and the lock offset of config-ptp again
update fleet --holdover-timeout 30s --lock-offset=

# Stop the adapters for a while
update fleet --paused
`,
		Args:              exactlyOneName,
		ValidArgsFunction: completeSources(&o.connection, false),
		RunE:              func(c *cobra.Command, args []string) error { return o.update(c.Context(), w, args[0]) },
	}
	o.bindChange(c)
	return c
}

func (o *change) update(ctx context.Context, w *world, name string) error {
	if err := o.check(); err != nil {
		return err
	}
	if !o.form.Given() {
		return errors.New("nothing to change: give a flag of the spec, such as --sink")
	}
	sources, err := o.sources()
	if err != nil {
		return err
	}
	var s *v1alpha1.PtpSource
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var err error
		if s, err = sources.Get(ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
		if s.Spec, err = o.form.Fill(s.Spec); err != nil {
			return err
		}
		s, err = sources.Update(ctx, s, metav1.UpdateOptions{DryRun: o.dry(), FieldManager: fieldManager})
		return err
	})
	if err != nil {
		return explain(err)
	}
	return o.report(w, s, "updated")
}

func (w *world) apply() *cobra.Command {
	var o change
	c := &cobra.Command{
		Use:   "apply NAME --sink SINK",
		Short: "Create a PtpSource, or make an existing one what the flags say",
		Long: "Create a PtpSource, or make an existing one what the flags say (server-side apply): a field\n" +
			"that was applied before and is no longer named goes back to its default, and fields that\n" +
			"others have set stay.",
		Example: `
# What shall be there, in a script that may run again
apply fleet --sink broker:default --os-clock
`,
		Args:              exactlyOneName,
		ValidArgsFunction: completeSources(&o.connection, false),
		RunE:              func(c *cobra.Command, args []string) error { return o.apply(c.Context(), w, args[0]) },
	}
	o.bindChange(c)
	c.Flags().BoolVar(&o.force, "force", false, "take over fields that others have set to something else")
	return c
}

func (o *change) apply(ctx context.Context, w *world, name string) error {
	sources, spec, err := o.begin(v1alpha1.PtpSourceSpec{})
	if err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "PtpSource",
		"metadata": map[string]any{"name": name}, "spec": spec,
	})
	if err != nil {
		return fmt.Errorf("write the PtpSource: %w", err)
	}
	s, err := sources.Patch(ctx, name, types.ApplyPatchType, text, metav1.PatchOptions{DryRun: o.dry(), FieldManager: fieldManager, Force: &o.force})
	if apierrors.IsConflict(err) {
		return fmt.Errorf("%w; --force takes these fields over", err)
	}
	if err != nil {
		return explain(err)
	}
	return o.report(w, s, "applied")
}

func (w *world) delete() *cobra.Command {
	var o connection
	c := &cobra.Command{
		Use:   "delete NAME...",
		Short: "Delete PtpSources, and with them their adapters",
		Example: `
# One
delete fleet

# Two of another namespace
delete north south -n edge
`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s needs the names of PtpSources; see %s --help", c.CommandPath(), c.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: completeSources(&o, true),
		RunE: func(c *cobra.Command, args []string) error {
			k, namespace, err := o.connect()
			if err != nil {
				return err
			}
			var errs []error
			for _, name := range args {
				err := k.Sources.SourcesV1alpha1().PtpSources(namespace).Delete(c.Context(), name, metav1.DeleteOptions{})
				if err != nil {
					errs = append(errs, explain(err))
					continue
				}
				fmt.Fprintf(w.out, "PtpSource %q deleted in namespace %q.\n", name, namespace)
			}
			return errors.Join(errs...)
		},
	}
	o.bind(c.Flags(), "n")
	return c
}
