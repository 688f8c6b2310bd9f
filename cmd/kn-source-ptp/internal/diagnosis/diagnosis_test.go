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

package diagnosis

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	"knative.dev/pkg/apis"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// source is a PtpSource with an adapter on n1 whose state is given.
func source(state *stream.State, conditions ...apis.Condition) Source {
	s := &v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{Namespace: "edge", Name: "fleet"}}
	s.Spec.Linuxptp = v1alpha1.Linuxptp{SocketDirectory: "/var/run/ptp", Sockets: []string{"ptp4l*", "gm"}}
	s.Status.Conditions = append(s.Status.Conditions, conditions...)
	a := cluster.Adapter{Source: types.NamespacedName{Namespace: "edge", Name: "fleet"}, Node: "n1", Pod: "pod-1"}
	return Source{PtpSource: s, Adapters: []cluster.State{{Adapter: a, State: state}}}
}

func state(change func(*stream.State)) *stream.State {
	s := &stream.State{
		Instances:  []stream.Instance{{Name: "ptp4l.0", Condition: stream.Condition{State: "LOCKED"}, Up: true}},
		Thresholds: stream.Thresholds{LockOffset: "100ns"},
	}
	change(s)
	return s
}

// trigger is one of the Broker default.
func trigger(name string, exact map[string]string, conditions ...apis.Condition) eventingv1.Trigger {
	t := eventingv1.Trigger{ObjectMeta: metav1.ObjectMeta{Namespace: "edge", Name: name}, Spec: eventingv1.TriggerSpec{Broker: "default"}}
	if exact != nil {
		t.Spec.Filters = []eventingv1.SubscriptionsAPIFilter{{Exact: exact}}
	}
	t.Status.Conditions = append(t.Status.Conditions, conditions...)
	return t
}

// reasons are those of findings, as the package has them.
func reasons(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("diagnosis.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^\t([A-Z]\w+) += "(\w+)"$`).FindAllStringSubmatch(string(text), -1) {
		if m[1] == m[2] {
			all = append(all, m[2])
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d reasons were found", len(all))
	}
	return all
}

// Every reason of a finding has its paragraph in the documentation, and nothing else has one.
func TestEveryFindingIsExplained(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## What doctor finds\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var explained []string
	for _, m := range regexp.MustCompile(`(?m)^### (\w+)\n\n.{40}`).FindAllStringSubmatch(section, -1) {
		explained = append(explained, m[1])
	}
	if diff := cmp.Diff(reasons(t), explained); diff != "" {
		t.Errorf("reasons (-) and paragraphs in docs/troubleshooting.md (+):\n%s", diff)
	}
}

func TestDiagnose(t *testing.T) {
	seen := map[string]bool{}
	well := state(func(*stream.State) {})
	for _, tc := range []struct {
		name  string
		facts Facts
		want  []string // but for what is as it should be
	}{
		{"all is well", Facts{Sources: []Source{source(well)}}, nil},
		{"no installation", Facts{Kind: errNoKind}, []string{"wrong kind PtpSource: this cluster does not have it"}},
		{"no controller", Facts{
			Workloads: []Workload{{Name: "c", Desired: 2}, {Name: "w", Err: errors.New("forbidden")}}, Sources: []Source{source(well)},
		}, []string{"wrong Deployment c: none of its 2 replicas is ready", "unclear Deployment w: forbidden"}},
		{"no PtpSource", Facts{}, []string{"wrong PtpSources: there is none"}},
		{
			"conditions",
			Facts{Sources: []Source{source(well,
				apis.Condition{Type: "Ready", Status: "False", Reason: "SinkNotFound"},
				apis.Condition{Type: "SinkProvided", Status: "False", Reason: "SinkNotFound", Message: "no Broker"},
				apis.Condition{Type: "AdaptersReady", Status: "Unknown", Reason: "Waiting", Message: "for the sink"},
				apis.Condition{Type: "Deployed", Status: "True"})}},
			[]string{"wrong PtpSource edge/fleet: AdaptersReady is Unknown (Waiting): for the sink", "wrong PtpSource edge/fleet: SinkProvided is False (SinkNotFound): no Broker"},
		},
		{
			"no ptp4l",
			Facts{Sources: []Source{source(state(func(s *stream.State) { s.Instances = nil }))}},
			[]string{"wrong node n1: no ptp4l was found: no socket in /var/run/ptp is called ptp4l* or gm"},
		},
		{
			"ptp4l is down",
			Facts{Sources: []Source{source(state(func(s *stream.State) { s.Instances[0].Up = false }))}},
			[]string{"wrong clock ptp4l.0 on n1: ptp4l does not answer on its socket in /var/run/ptp"},
		},
		{
			"no Sync",
			Facts{Sources: []Source{source(state(func(s *stream.State) { s.Instances[0].Silent = true }))}},
			[]string{"wrong clock ptp4l.0 on n1: its port is SLAVE, and no Sync arrives"},
		},
		{"an offset", Facts{Sources: []Source{source(state(func(s *stream.State) {
			i := &s.Instances[0]
			i.State, i.Reason, i.OffsetNanoseconds = "FREERUN", "OffsetOutOfRange", new(int64(-12000))
			i.Ports = []stream.Port{{Number: 1, State: "SLAVE"}}
		}))}}, []string{"wrong clock ptp4l.0 on n1: is FREERUN (OffsetOutOfRange): offset -12000ns, lockOffset 100ns, port 1 is SLAVE"}},
		{
			"the OS clock",
			Facts{Sources: []Source{source(state(func(s *stream.State) { s.OSClock = &stream.Condition{State: "FREERUN", Reason: "NotDisciplined"} }))}},
			[]string{"wrong OS clock on n1: is FREERUN (NotDisciplined)"},
		},
		{"a sink that may not be read", Facts{Sources: []Source{func() Source {
			s := source(well)
			s.Sink = &Object{Kind: "Broker", Name: "default", Err: errors.New("forbidden")}
			s.TriggersErr = errors.New("forbidden, too")
			return s
		}()}}, []string{"unclear sink Broker default: forbidden", "unclear Triggers of Broker default: forbidden, too"}},
		{"nobody listens", Facts{Sources: []Source{func() Source {
			s := source(well)
			s.Sink = &Object{Kind: "Broker", Name: "default"}
			return s
		}()}}, []string{"wrong Triggers of Broker default: there is none: nobody gets the events"}},
		{"adapters that may not be seen", Facts{Sources: []Source{func() Source {
			s := source(well)
			s.AdaptersErr = errors.New("forbidden")
			return s
		}()}}, []string{"unclear adapters of edge/fleet: forbidden"}},
		{"a sink that is not ready", Facts{Sources: []Source{func() Source {
			s := source(well)
			s.Sink = &Object{Kind: "Channel", Name: "archive", Ready: &apis.Condition{Status: "False", Reason: "NoAddress", Message: "no address"}}
			return s
		}()}}, []string{"wrong sink Channel archive: is not Ready (NoAddress): no address"}},
		{"an adapter that does not answer", Facts{Sources: []Source{func() Source {
			s := source(nil)
			s.Adapters[0].Err = errors.New("it did not answer within 10s")
			return s
		}()}}, []string{"wrong adapter of edge/fleet on n1: does not answer: it did not answer within 10s"}},
		{"a node without an adapter", Facts{Node: "n9", Sources: []Source{func() Source {
			s := source(well)
			s.Adapters = nil
			return s
		}()}}, []string{"wrong node n9: no adapter of edge/fleet runs there"}},
		{"Triggers", Facts{Sources: []Source{func() Source {
			s := source(well)
			s.Sink = &Object{Kind: "Broker", Name: "default"}
			s.Triggers = []eventingv1.Trigger{
				trigger("starting", nil, apis.Condition{Type: "Ready", Status: "Unknown", Reason: "New", Message: "not yet"}),
				trigger("typo", map[string]string{"source": "/cluster/node/n2/sync/ptp-status/lock-state"}),
				trigger("moment", map[string]string{"type": "event.sync.ptp-status.ptp-state-change", "sequence": "00000000000000000007"}),
			}
			return s
		}()}}, []string{
			"wrong Trigger edge/starting: is not Ready (New): not yet",
			`wrong Trigger edge/typo: its filter can never match: no event of the source has source "/cluster/node/n2/sync/ptp-status/lock-state"; it has "/cluster/node/n1/sync/ptp-status/lock-state", "/cluster/node/n1/sync/ptp-status/clock-class", "/cluster/node/n1/sync/sync-status/sync-state" and 1 others`,
			"unclear Trigger edge/moment: whether its filter matches depends on sequence, which cannot be foreseen",
		}},
		{"a controller that is behind", Facts{Sources: []Source{func() Source {
			s := source(well)
			s.Generation = 2
			return s
		}()}}, []string{"wrong PtpSource edge/fleet: the controller has not looked at its present spec"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			all := Diagnose(tc.facts)
			for _, f := range all {
				if f.Level != OK {
					got = append(got, string(f.Level)+" "+f.About+": "+f.Text)
				}
				if f.Reason == "" != (f.Level == OK) {
					t.Errorf("%s %s: reason %q", f.Level, f.About, f.Reason)
				}
				seen[f.Reason] = true
				if (f.Remedy == "") != (f.Level == OK) {
					t.Errorf("%s %s: remedy %q", f.Level, f.About, f.Remedy)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
			if wrong := strings.Contains(strings.Join(got, "\n"), "wrong "); Trouble(all) != wrong {
				t.Errorf("Trouble is %v", !wrong)
			}
		})
	}
	for _, reason := range reasons(t) {
		if !seen[reason] {
			t.Errorf("nothing shows when %s is found", reason)
		}
	}
}

// What the documentation explains, the doctor knows, too.
func TestEveryReasonHasARemedy(t *testing.T) {
	for _, tc := range []struct {
		page, heading, next string
		known               map[string]string
		without             string
	}{
		{"troubleshooting.md", "## A PtpSource is not Ready", "\n## ", remedies, ""},
		// These are well, or no states.
		{"events.md", "## Reasons", "\n## ", clockRemedies, "ParentClass OwnClass Disciplined ClockStepped Reported JournalOverrun"},
	} {
		text, err := os.ReadFile("../../../../docs/" + tc.page)
		if err != nil {
			t.Fatal(err)
		}
		_, section, _ := strings.Cut(string(text), tc.heading)
		section, _, _ = strings.Cut(section, tc.next)
		rows := regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z]+)` \\|").FindAllStringSubmatch(section, -1)
		if len(rows) < 10 {
			t.Fatalf("%s has only %d reasons", tc.page, len(rows))
		}
		for _, row := range rows {
			if (tc.known[row[1]] == "") != strings.Contains(tc.without, row[1]) {
				t.Errorf("%s: the remedy for %s is %q", tc.page, row[1], tc.known[row[1]])
			}
		}
	}
}
