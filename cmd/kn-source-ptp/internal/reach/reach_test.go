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

package reach

import (
	"testing"

	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

var nodes = []Node{{"n1", []string{"ptp4l.0"}}, {"n2", []string{"ptp4l.0", "ptp4l.1"}}, {"n10", []string{"ptp4l.0"}}, {"n20", []string{"ptp4l.0"}}}

func TestJudge(t *testing.T) {
	const (
		full = "sink: {uri: 'http://a'}"
		oran = "sink: {uri: 'http://a'}\nevents: {sourceFormat: oran, clusterName: site/a}"
	)
	for _, tc := range []struct {
		name, source, trigger string
		verdict               Verdict
		why                   string
	}{
		{"no filter", full, "{}", Passes, ""},
		{"an address", full, "filters: [{exact: {source: /cluster/node/n10/sync/ptp-status/lock-state}}]", Passes, ""},
		{"a node that is far down the list", full, "filters: [{prefix: {source: /cluster/node/n20/}}]", Passes, ""},
		{"a resource", full, "filters: [{suffix: {source: /sync/sync-status/sync-state}}]", Passes, ""},
		{"an old filter", full, "filter: {attributes: {type: event.sync.ptp-status.ptp-state-change, node: n2, subject: ''}}", Passes, ""},
		{"all at once", full, "filters: [{all: [{exact: {node: n2}}, {exact: {instance: ptp4l.1}}, {exact: {ptpstate: HOLDOVER}}, {exact: {previousstate: LOCKED}}, {exact: {ptpreason: SyncSilent}}]}]", Passes, ""},
		{"any of them", full, "filters: [{any: [{exact: {node: n9}}, {exact: {ptpstate: '248'}}]}]", Passes, ""},
		{"a class as a number", full, "filters: [{exact: {type: event.sync.ptp-status.ptp-clock-class-change}}, {exact: {ptpstate: '7'}}]", Passes, ""},
		{"not", full, "filters: [{not: {exact: {ptpreason: reassert}}}]", Passes, ""},
		{"how many were lost", full, "filters: [{exact: {type: com.github.eventing-ptp.events.lost}}, {exact: {ptpstate: '4711'}}]", Passes, ""},
		{"CESQL", full, `filters: [{cesql: "node = 'n20' AND ptpstate IN ('FREERUN', 'HOLDOVER')"}]`, Passes, ""},
		{"an attribute of the source's own", full + "\nceOverrides: {extensions: {site: north}}", "filters: [{exact: {site: north}}, {exact: {node: n1}}]", Passes, ""},
		{"the OS clock that is watched", full + "\nosClock: {enabled: true}", "filters: [{suffix: {source: /sync/sync-status/os-clock-sync-state}}]", Passes, ""},
		{"O-RAN's source", oran, "filters: [{exact: {source: /sync/ptp-status/lock-state}}, {exact: {resourceaddress: /site/a/node/n1/sync/ptp-status/lock-state}}]", Passes, ""},
		{"a class that is none", full, "filters: [{exact: {ptpstate: '300'}}, {exact: {type: event.sync.ptp-status.ptp-clock-class-change}}]", Never, "no event of the source has all that its filter asks for at once"},
		{"a class in CESQL", full, `filters: [{cesql: "type = 'event.sync.ptp-status.ptp-clock-class-change' AND ptpstate > 100"}]`, Passes, ""},
		{"orders", full, "filters: [{exact: {type: order.created}}]", Other, ""},
		{"a time", full, "filters: [{exact: {ptpstate: FREERUN}}, {prefix: {time: '2026-'}}]", Unknown, "whether its filter matches depends on time, which cannot be foreseen"},
		{"a time in CESQL", full, `filters: [{cesql: "node = 'n1' AND sequence > '5'"}]`, Unknown, "whether its filter matches depends on sequence, which cannot be foreseen"},
		{
			"another node", full, "filters: [{exact: {source: /cluster/node/n11/sync/ptp-status/lock-state}}]", Never,
			`no event of the source has source "/cluster/node/n11/sync/ptp-status/lock-state"; it has "/cluster/node/n1/sync/ptp-status/lock-state", ` +
				`"/cluster/node/n2/sync/ptp-status/lock-state", "/cluster/node/n1/sync/ptp-status/clock-class" and 5 others`,
		},
		{
			"the other format", oran, "filters: [{prefix: {source: /site/a/node/n1/}}]", Never,
			`no event of the source has source that begins with "/site/a/node/n1/"; it has "/sync/ptp-status/lock-state", "/sync/ptp-status/clock-class", "/sync/sync-status/sync-state" and 1 others`,
		},
		{
			"a state that is none", full, "filters: [{exact: {ptpstate: LOCKD}}]", Never,
			`no event of the source has ptpstate "LOCKD"; it has "LOCKED", "248", "6" and 3 others`,
		},
		{
			"the OS clock that is not watched", full, "filters: [{all: [{suffix: {source: os-clock-sync-state}}]}]", Never,
			`no event of the source has source that ends with "os-clock-sync-state"; it has "/cluster/node/n1/sync/sync-status/sync-state", ` +
				`"/cluster/node/n2/sync/sync-status/sync-state", "/cluster/node/n1/sync/ptp-status/lock-state" and 5 others`,
		},
		{
			"an instance where there is none", full, "filter: {attributes: {type: event.sync.sync-status.synchronization-state-change, instance: ptp4l.0}}", Never,
			"no event of the source has all that its filter asks for at once",
		},
		{"an attribute that is none", full, "filters: [{exact: {ptpskip: a}}, {exact: {node: n1}}]", Never, `no event of the source has ptpskip "a"; its events have no ptpskip`},
		{"what is not sent", full + "\nevents: {types: [event.sync.gnss-status.gnss-state-change]}", "{}", Never, "the source sends no events: nothing that it watches is among events.types"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var source v1alpha1.PtpSource
			var trigger eventingv1.Trigger
			for text, to := range map[string]any{tc.source: &source.Spec, tc.trigger: &trigger.Spec} {
				if err := yaml.UnmarshalStrict([]byte(text), to); err != nil {
					t.Fatal(err)
				}
			}
			verdict, why := Judge(&trigger, &source, nodes)
			if verdict != tc.verdict || why != tc.why {
				t.Errorf("got  %d, %s\nwant %d, %s", verdict, why, tc.verdict, tc.why)
			}
			if source.Spec.Events.ClusterName == "cluster" {
				t.Error("the source was changed")
			}
		})
	}
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"n1", "n11", 1}} {
		if got := distance(tc.a, tc.b); got != tc.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}
