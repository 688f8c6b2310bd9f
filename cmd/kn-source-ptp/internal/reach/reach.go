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

// Package reach tells whether a Trigger can ever let an event of a PtpSource through.
package reach

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	"knative.dev/eventing/pkg/eventfilter"
	"knative.dev/eventing/pkg/eventfilter/attributes"
	"knative.dev/eventing/pkg/eventfilter/subscriptionsapi"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// Verdict is what can become of events at a Trigger.
type Verdict uint8

// The verdicts.
const (
	// Passes: some event can get through.
	Passes Verdict = iota
	// Never: none can.
	Never
	// Unknown: that depends on what cannot be foreseen, such as the time of an event.
	Unknown
	// Other: the filter is about events of others.
	Other
)

// Node is a node that a source watches, with its ptp4l instances.
type Node struct {
	Name      string
	Instances []string
}

// Judge tells whether a Trigger can let an event of a source through, and why not. The filter
// is Knative's own, and the events are all that the source can send.
func Judge(trigger *eventingv1.Trigger, source *v1alpha1.PtpSource, nodes []Node) (Verdict, string) {
	source = source.DeepCopy()
	source.SetDefaults(context.Background())
	w := wordsOf(trigger.Spec)
	if !w.concern() && len(w.values) > 0 {
		return Other, ""
	}
	filter := filterOf(trigger.Spec)
	defer filter.Cleanup()
	events := samples(source, nodes, w.values)
	if slices.ContainsFunc(events, func(e cloudevents.Event) bool { return passes(filter, e) }) {
		return Passes, ""
	}
	if len(events) == 0 {
		return Never, "the source sends no events: nothing that it watches is among events.types"
	}
	for _, t := range w.terms {
		if !slices.Contains(unforeseen, t.attribute) && !slices.ContainsFunc(events, func(e cloudevents.Event) bool { return passes(t.filter(), e) }) {
			return Never, fmt.Sprintf("no event of the source has %s; %s", t, t.instead(events))
		}
	}
	if name := w.unforeseen(); name != "" {
		return Unknown, fmt.Sprintf("whether its filter matches depends on %s, which cannot be foreseen", name)
	}
	return Never, "no event of the source has all that its filter asks for at once"
}

// filterOf returns the filter as the Broker makes it of a Trigger.
func filterOf(spec eventingv1.TriggerSpec) eventfilter.Filter {
	if len(spec.Filters) > 0 {
		return allOf(spec.Filters)
	}
	if spec.Filter != nil {
		return attributes.NewAttributesFilter(spec.Filter.Attributes)
	}
	return subscriptionsapi.NewNoFilter()
}

func passes(filter eventfilter.Filter, e cloudevents.Event) bool {
	return filter.Filter(context.Background(), e) != eventfilter.FailFilter
}

// term is one comparison that must hold.
type term struct{ operator, attribute, value string }

// String is the term for people.
func (t term) String() string {
	switch t.operator {
	case "prefix":
		return fmt.Sprintf("%s that begins with %q", t.attribute, t.value)
	case "suffix":
		return fmt.Sprintf("%s that ends with %q", t.attribute, t.value)
	}
	return fmt.Sprintf("%s %q", t.attribute, t.value)
}

func (t term) filter() eventfilter.Filter {
	f := eventingv1.SubscriptionsAPIFilter{}
	switch m := map[string]string{t.attribute: t.value}; t.operator {
	case "prefix":
		f.Prefix = m
	case "suffix":
		f.Suffix = m
	default:
		f.Exact = m
	}
	return filterFrom(f)
}

// words are what a filter says.
type words struct {
	// terms must hold for every event.
	terms []term
	// names are the attributes, and values what they are compared with; or expressions.
	names, values []string
}

func wordsOf(spec eventingv1.TriggerSpec) words {
	var w words
	switch {
	case len(spec.Filters) > 0:
		w.walk(spec.Filters, true)
	case spec.Filter != nil:
		for name, v := range spec.Filter.Attributes {
			if v != "" { // which means any
				w.add("exact", name, v, true)
			}
		}
	}
	slices.SortFunc(w.terms, func(a, b term) int {
		return cmp.Or(cmp.Compare(a.attribute, b.attribute), cmp.Compare(a.operator, b.operator), cmp.Compare(a.value, b.value))
	})
	return w
}

func (w *words) add(operator, name, value string, required bool) {
	w.names, w.values = append(w.names, name), append(w.values, value)
	if required {
		w.terms = append(w.terms, term{operator, name, value})
	}
}

// walk goes through filters, of which all must hold if they are required.
func (w *words) walk(filters []eventingv1.SubscriptionsAPIFilter, required bool) {
	for _, f := range filters {
		for operator, pairs := range map[string]map[string]string{"exact": f.Exact, "prefix": f.Prefix, "suffix": f.Suffix} {
			for name, v := range pairs {
				w.add(operator, name, v, required)
			}
		}
		if f.CESQL != "" {
			w.values = append(w.values, f.CESQL)
		}
		w.walk(f.All, required)
		w.walk(f.Any, false)
		if f.Not != nil {
			w.walk([]eventingv1.SubscriptionsAPIFilter{*f.Not}, false)
		}
	}
}

// concern is whether a filter is meant for events of clocks: nobody is warned about Triggers
// for what else comes through a Broker.
func (w *words) concern() bool {
	about := []string{"ptp4l", "/sync", "/node/", "event.sync", oran.OwnPrefix}
	for _, d := range oran.Definitions() {
		about = append(about, path.Base(d.Resource))
	}
	attributes := []string{
		oran.NodeExtension, oran.InstanceExtension, oran.ResourceAddressExtension, oran.StateExtension, oran.PreviousStateExtension,
		oran.ReasonExtension, oran.MissedExtension, oran.SkippedExtension,
	}
	return slices.ContainsFunc(attributes, w.mention) || slices.ContainsFunc(w.values, func(v string) bool {
		return slices.ContainsFunc(about, func(word string) bool { return strings.Contains(v, word) })
	})
}

// mention is whether a filter mentions an attribute, also in an expression.
func (w *words) mention(attribute string) bool {
	return slices.Contains(w.names, attribute) || slices.ContainsFunc(w.values, func(v string) bool {
		letters := strings.FieldsFunc(v, func(r rune) bool { return !('a' <= r && r <= 'z' || '0' <= r && r <= '9') })
		return strings.ContainsAny(v, " =()") && slices.Contains(letters, attribute)
	})
}

// unforeseen are the attributes that differ from one event to the next.
var unforeseen = []string{"id", "time", oran.SequenceExtension, oran.TraceParentExtension, oran.SkippedExtension}

// unforeseen returns such an attribute that the filter names; empty if there is none.
func (w *words) unforeseen() string {
	if n := slices.IndexFunc(unforeseen, w.mention); n >= 0 {
		return unforeseen[n]
	}
	return ""
}

// instead says which values there are, the nearest first.
func (t term) instead(events []cloudevents.Event) string {
	seen := map[string]bool{}
	for _, e := range events {
		if v := attribute(e, t.attribute); v != "" {
			seen[v] = true
		}
	}
	if len(seen) == 0 {
		return fmt.Sprintf("its events have no %s", t.attribute)
	}
	all := slices.Collect(maps.Keys(seen))
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(distance(a, t.value), distance(b, t.value)), cmp.Compare(a, b))
	})
	const few = 3
	for n := range all[:min(few, len(all))] {
		all[n] = strconv.Quote(all[n])
	}
	if len(all) > few {
		return fmt.Sprintf("it has %s and %d others", strings.Join(all[:few], ", "), len(all)-few)
	}
	return "it has " + strings.Join(all, ", ")
}

func attribute(e cloudevents.Event, name string) string {
	switch name {
	case "type":
		return e.Type()
	case "source":
		return e.Source()
	case "subject":
		return e.Subject()
	case "specversion":
		return e.SpecVersion()
	case "datacontenttype":
		return e.DataContentType()
	}
	v, _ := e.Extensions()[name].(string)
	return v
}

// distance is how many letters differ (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// samples returns every event that differs in what a filter can see. Of many nodes it takes
// those of which the filter may speak, and two others.
func samples(source *v1alpha1.PtpSource, nodes []Node, literals []string) []cloudevents.Event {
	var all []cloudevents.Event
	for _, node := range chosen(nodes, source, literals) {
		for _, a := range resources.CloudEventAttributes(source) {
			definition, ok := oran.Define(a.Type)
			if !ok {
				continue
			}
			event := oran.Event{
				Type: a.Type, Source: strings.ReplaceAll(a.Source, "*", node.Name), Subject: node.Name, Time: time.Unix(1, 0),
				Address: oran.Address{Cluster: source.Spec.Events.ClusterName, Node: node.Name, Resource: definition.Resource},
			}
			instances := []string{""}
			if a.Type == oran.LockStateChange || a.Type == oran.ClockClassChange {
				instances = node.Instances
			}
			for _, instance := range instances {
				event.Address.Instance = instance
				if instance != "" {
					event.Subject = instance
				}
				for _, e := range changes(event, definition, literals) {
					data, err := json.Marshal(oran.Data{Version: "1.0"})
					if err != nil {
						continue
					}
					e.Data = string(data)
					ce := e.CloudEvent("0123456789ab-1", 1)
					if o := source.Spec.CloudEventOverrides; o != nil {
						for name, v := range o.Extensions {
							ce.SetExtension(name, v)
						}
					}
					all = append(all, ce)
				}
			}
		}
	}
	return all
}

// chosen are the nodes of which a filter may speak, and two others.
func chosen(nodes []Node, source *v1alpha1.PtpSource, literals []string) []Node {
	const most = 20
	var all []Node
	for n, node := range nodes {
		address := oran.Address{Cluster: source.Spec.Events.ClusterName, Node: node.Name}.String()
		named := slices.ContainsFunc(literals, func(l string) bool {
			return strings.Contains(l, node.Name) || strings.Contains(address+"/", l) || strings.HasPrefix(l, address+"/")
		})
		if n < 2 || named && len(all) < most {
			all = append(all, node)
		}
	}
	return all
}

var (
	states = []string{"LOCKED", "HOLDOVER", "FREERUN"}
	// stateReasons and classReasons are those of pkg/clock.
	stateReasons = []string{
		"OffsetInRange", "OffsetOutOfRange", "PortNotSlave", "SyncSilent", "DaemonDown", "HoldoverExpired", "GrandmasterClass",
		"NoInstance", "Disciplined", "NotDisciplined", "ClockUnreadable", "reassert",
	}
	classReasons = []string{"ParentClass", "OwnClass", "GrandmasterClass", "reassert"}
	otherReasons = []string{"ClockStepped", oran.ReasonJournalOverrun}
)

// changes returns the event with every value that it can have.
func changes(e oran.Event, d oran.Definition, values []string) []oran.Event {
	now, before, reasons := states, append([]string{""}, states...), stateReasons
	switch {
	case d.Resource == oran.ClockClass:
		now, reasons = numbers(values, 0, 255), classReasons
		before = append([]string{""}, now...)
	case d.DataType == oran.Metric:
		now, before, reasons = numbers(values, math.MinInt64, math.MaxInt64), []string{""}, otherReasons
	}
	var all []oran.Event
	for _, e.State = range now {
		for _, e.Previous = range before {
			for _, e.Reason = range reasons {
				all = append(all, e)
			}
			missed := e
			missed.Missed = "true"
			all = append(all, missed)
		}
	}
	return all
}

var digits = regexp.MustCompile(`-?\d+`)

// numbers are what may be the value of a metric: some that are usual, and those that a filter
// names with their neighbours, of which one at least is on the other side of a comparison.
func numbers(values []string, least, most int64) []string {
	all := []int64{6, 7, 248}
	for _, v := range values {
		for _, text := range digits.FindAllString(v, -1) {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				all = append(all, n-1, n, n+1)
			}
		}
	}
	slices.Sort(all)
	var texts []string
	for _, n := range slices.Compact(all) {
		if n >= least && n <= most {
			texts = append(texts, strconv.FormatInt(n, 10))
		}
	}
	return texts
}
