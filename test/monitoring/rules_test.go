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

package monitoring_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

const root = "../.."

// plainRules returns the rules as a file that Prometheus reads without its operator: by the
// command of docs/monitoring.md.
func plainRules(t *testing.T) []byte {
	t.Helper()
	page, err := os.ReadFile(root + "/docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^sed .* samples/monitoring/prometheusrule\.yaml >.*$`).FindString(string(page))
	if command == "" {
		t.Fatal("docs/monitoring.md does not say how to do without the operator")
	}
	command, _, _ = strings.Cut(command, ">")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", command)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return out
}

// groups are the rules, read as strictly as `promtool check rules` does.
func groups(t *testing.T) []rulefmt.RuleGroup {
	t.Helper()
	all, errs := rulefmt.Parse(plainRules(t), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	if t.Failed() || len(all.Groups) == 0 {
		t.FailNow()
	}
	return all.Groups
}

// alerts are all rules by their name.
func alerts(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	all := map[string]rulefmt.Rule{}
	for _, g := range groups(t) {
		for _, r := range g.Rules {
			if _, twice := all[r.Alert]; r.Alert == "" || twice {
				t.Errorf("group %s: the rule %q has no name of its own", g.Name, r.Alert)
			}
			all[r.Alert] = r
		}
	}
	return all
}

// Every alert says what is wrong and where it is explained, and there it is.
func TestAlertsAreExplained(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	all := alerts(t)
	for name, r := range all {
		if !slices.Contains([]string{"warning", "critical"}, r.Labels["severity"]) {
			t.Errorf("%s is of severity %q", name, r.Labels["severity"])
		}
		for _, key := range []string{"summary", "description"} {
			if text := r.Annotations[key]; text == "" || strings.HasSuffix(text, ".") != (key == "description") {
				t.Errorf("%s: its %s is %q", name, key, text)
			}
		}
		if want := "https://github.com/eventing-ptp/eventing-ptp/blob/main/docs/monitoring.md#" + strings.ToLower(name); r.Annotations["runbook_url"] != want {
			t.Errorf("%s: it leads to %s, want %s", name, r.Annotations["runbook_url"], want)
		}
		if !strings.Contains(string(page), "\n### "+name+"\n\n") {
			t.Errorf("docs/monitoring.md has no paragraph %s", name)
		}
	}
	for _, heading := range regexp.MustCompile(`(?m)^### (Ptp\w+)$`).FindAllStringSubmatch(string(page), -1) {
		if _, there := all[heading[1]]; !there {
			t.Errorf("docs/monitoring.md has a paragraph %s, and there is no such alert", heading[1])
		}
	}
}

// labelsOf are labels as in a selector.
const (
	node  = `k8s_node_name="n1", kn_source_namespace="edge", kn_source_name="fleet"`
	clock = node + `, ptp_instance="ptp4l.0"`
	ours  = `{k8s_node_name="n1", kn_source_name="fleet", kn_source_namespace="edge"}`
	one   = `{k8s_node_name="n1", kn_source_name="fleet", kn_source_namespace="edge", ptp_instance="ptp4l.0"}`
)

// What happens in twenty minutes, with a sample every half a minute, and which alerts fire when.
func TestAlerts(t *testing.T) {
	all := alerts(t)
	tested := map[string]bool{}
	for _, tc := range []struct {
		alert, name string
		series      string
		// silent is a time at which it does not fire yet, or not any more, and fires one at
		// which it does; 0 for never.
		silent, fires time.Duration
		// as is what it says: labels that it fires with, and the summary.
		as, summary string
	}{
		{
			"PtpNodeFreerun", "after a minute", `ptp_node_state{` + node + `, ptp_state="FREERUN"} 0x9 1x30`, 5*time.Minute + 30*time.Second, 7 * time.Minute,
			`{k8s_node_name="n1", kn_source_name="fleet", kn_source_namespace="edge", ptp_state="FREERUN"}`, "No clock of node n1 is synchronised",
		},
		{"PtpNodeFreerun", "not in HOLDOVER", `ptp_node_state{` + node + `, ptp_state="HOLDOVER"} 1x40`, 10 * time.Minute, 0, "", ""},
		{"PtpNodeFreerun", "not for a moment", `ptp_node_state{` + node + `, ptp_state="FREERUN"} 0x9 1 0x30`, 6 * time.Minute, 0, "", ""},
		{
			"PtpNodeHoldover", "after a minute", `ptp_node_state{` + node + `, ptp_state="HOLDOVER"} 0x9 1x10 0x20`, 12 * time.Minute, 7 * time.Minute,
			`{k8s_node_name="n1", kn_source_name="fleet", kn_source_namespace="edge", ptp_state="HOLDOVER"}`, "Node n1 has lost its source of time",
		},
		{
			"PtpClockNotLocked", "after five minutes", `ptp_lock_state{` + clock + `, ptp_state="LOCKED"} 0x40`, 4 * time.Minute, 6 * time.Minute,
			`{k8s_node_name="n1", kn_source_name="fleet", kn_source_namespace="edge", ptp_instance="ptp4l.0", ptp_state="LOCKED"}`, "ptp4l.0 on n1 is not LOCKED",
		},
		{
			"PtpClockFlapping", "twice a minute and more", `ptp_events_recorded_total{` + node + `, cloudevents_type="event.sync.ptp-status.ptp-state-change"} 0+2x40`, time.Minute, 15 * time.Minute,
			ours, "A clock of node n1 changes its state again and again",
		},
		{"PtpClockFlapping", "not a class", `ptp_events_recorded_total{` + node + `, cloudevents_type="event.sync.ptp-status.ptp-clock-class-change"} 0+2x40`, 15 * time.Minute, 0, "", ""},
		{"PtpDaemonDown", "after a minute", `ptp_daemon_up{` + clock + `} 1x9 0x30`, 5*time.Minute + 30*time.Second, 7 * time.Minute, one, "ptp4l.0 on n1 does not answer"},
		{"PtpSyncSilent", "after a minute", `ptp_sync_silent{` + clock + `} 0x9 1x30`, 5*time.Minute + 30*time.Second, 7 * time.Minute, one, "ptp4l.0 on n1 hears nothing of its grandmaster"},
		{
			"PtpGrandmasterDegraded", "while it is followed", "ptp_clock_class{" + clock + "} 140x40\n  ptp_lock_state{" + clock + `, ptp_state="LOCKED"} 1x40`, 4 * time.Minute, 6 * time.Minute,
			one, "ptp4l.0 on n1 follows a grandmaster of class 140",
		},
		{"PtpGrandmasterDegraded", "not a clock of its own", "ptp_clock_class{" + clock + "} 248x40\n  ptp_lock_state{" + clock + `, ptp_state="LOCKED"} 0x40`, 10 * time.Minute, 0, "", ""},
		{"PtpGrandmasterDegraded", "not in holdover within specification", "ptp_clock_class{" + clock + "} 7x40\n  ptp_lock_state{" + clock + `, ptp_state="LOCKED"} 1x40`, 10 * time.Minute, 0, "", ""},
		{
			"PtpOSClockNotLocked", "after five minutes", `ptp_os_clock_state{` + node + `, ptp_state="LOCKED"} 0x40`, 4 * time.Minute, 6 * time.Minute,
			`{k8s_node_name="n1", kn_source_name="fleet", kn_source_namespace="edge", ptp_state="LOCKED"}`, "The OS clock of node n1 is not synchronised",
		},
		{"PtpOSClockStepped", "at once, for ten minutes", `ptp_os_clock_steps_total{` + node + `} 0x9 1x40`, 4 * time.Minute, 6 * time.Minute, ours, "The OS clock of node n1 was set"},
		{
			"PtpHardwareClockUnreadable", "after five minutes", `ptp_hardware_clock_readable{` + node + `, ptp_device="ptp0"} 0x40`, 4 * time.Minute, 6 * time.Minute,
			`{k8s_node_name="n1", kn_source_name="fleet", kn_source_namespace="edge", ptp_device="ptp0"}`, "ptp0 on n1 cannot be read",
		},
		{
			"PtpGNSSNotSynchronized", "after five minutes", `ptp_gnss_state{` + node + `, ptp_device="gnss0", ptp_state="SYNCHRONIZED"} 0x40`, 4 * time.Minute, 6 * time.Minute,
			`{k8s_node_name="n1", kn_source_name="fleet", kn_source_namespace="edge", ptp_device="gnss0", ptp_state="SYNCHRONIZED"}`, "The GNSS receiver gnss0 of node n1 has no fix",
		},
		{
			"PtpDPLLNotLocked", "after five minutes", `ptp_dpll_state{` + node + `, ptp_device="d", ptp_type="eec", ptp_state="LOCKED"} 0x40`, 4 * time.Minute, 6 * time.Minute,
			`{k8s_node_name="n1", kn_source_name="fleet", kn_source_namespace="edge", ptp_device="d", ptp_state="LOCKED", ptp_type="eec"}`, "The DPLL d of node n1 is not locked",
		},
		{"PtpDPLLNotLocked", "not of others", `ptp_dpll_state{` + node + `, ptp_device="d", ptp_type="other", ptp_state="LOCKED"} 0x40`, 10 * time.Minute, 0, "", ""},
		{
			"PtpOCloudBacklogOld", "when it is a minute old", `ptp_ocloud_backlog_age_seconds{` + node + `} 0+30x40`, 2 * time.Minute, 5 * time.Minute,
			ours, "A subscriber of the O-Cloud API on node n1 does not take its notifications",
		},
		{
			"PtpOCloudNotificationsLost", "refused or lost", `ptp_ocloud_notifications_total{` + node + `, ptp_outcome="lost"} 0x9 2x40`, 4 * time.Minute, 6 * time.Minute,
			ours, "Subscribers of the O-Cloud API on node n1 miss notifications",
		},
		{"PtpOCloudNotificationsLost", "not when a try failed", `ptp_ocloud_notifications_total{` + node + `, ptp_outcome="failed"} 0+2x40`, 6 * time.Minute, 0, "", ""},
		{
			"PtpAdapterDown", "after two minutes", `up{namespace="eventing-ptp-adapters", container="adapter", pod="p"} 0x40`, time.Minute, 3 * time.Minute,
			`{container="adapter", namespace="eventing-ptp-adapters", pod="p"}`, "The adapter p cannot be measured",
		},
		{"PtpAdapterDown", "not another's", `up{namespace="default", container="adapter", pod="p"} 0x40`, 10 * time.Minute, 0, "", ""},
		{"PtpBacklogOld", "when it is a minute old", `ptp_backlog_age_seconds{` + node + `} 0+30x40`, 2 * time.Minute, 5 * time.Minute, ours, "The sink of edge/fleet does not take the events of node n1"},
		{"PtpEventsDropped", "at once, for ten minutes", `ptp_events_dropped_total{` + node + `} 0x9 3x40`, 4 * time.Minute, 6 * time.Minute, ours, "Events of node n1 were lost"},
		{"PtpEventsDropped", "not of old ones", `ptp_events_dropped_total{` + node + `} 3x40`, 11 * time.Minute, 0, "", ""},
		{
			"PtpEventsSkipped", "of any type", `ptp_events_settled_total{` + node + `, cloudevents_type="x", ptp_outcome="skipped"} 0x9 1x40`, 4 * time.Minute, 6 * time.Minute,
			ours, "The sink of edge/fleet refuses events of node n1",
		},
		{"PtpEventsSkipped", "not what is delivered", `ptp_events_settled_total{` + node + `, cloudevents_type="x", ptp_outcome="delivered"} 0+1x40`, 6 * time.Minute, 0, "", ""},
		{
			"PtpEventsDeadLettered", "of any type", `ptp_events_settled_total{` + node + `, cloudevents_type="x", ptp_outcome="deadLettered"} 0x9 1x40`, 4 * time.Minute, 6 * time.Minute,
			`{kn_source_name="fleet", kn_source_namespace="edge"}`, "Events of edge/fleet go to the dead letter sink",
		},
		{
			"PtpDeliverySlow", "when one in a hundred is",
			`ptp_delivery_duration_seconds_bucket{` + node + `, le="1"} 0+90x40` + "\n" + `  ptp_delivery_duration_seconds_bucket{` + node + `, le="5"} 0+100x40` + "\n" + `  ptp_delivery_duration_seconds_bucket{` + node + `, le="+Inf"} 0+100x40`,
			4 * time.Minute, 8 * time.Minute, `{kn_source_name="fleet", kn_source_namespace="edge"}`, "Events of edge/fleet are late",
		},
		{
			"PtpDeliverySlow", "not when nothing is sent",
			`ptp_delivery_duration_seconds_bucket{` + node + `, le="1"} 90x40` + "\n" + `  ptp_delivery_duration_seconds_bucket{` + node + `, le="+Inf"} 100x40`, 10 * time.Minute, 0, "", "",
		},
		{"PtpJournalNotWritable", "after a minute", `ptp_journal_writable{` + node + `} 1x9 0x30`, 5*time.Minute + 30*time.Second, 7 * time.Minute, ours, "The adapter on node n1 cannot write its journal"},
	} {
		tested[tc.alert] = true
		t.Run(tc.alert+" "+tc.name, func(t *testing.T) {
			fired := play(t, all[tc.alert], "load 30s\n  "+tc.series)
			if got := fired[tc.silent]; len(got) > 0 {
				t.Errorf("it fires at %v: %v", tc.silent, got)
			}
			if tc.fires == 0 {
				return
			}
			want := []string{tc.as + " " + tc.summary}
			if got := fired[tc.fires]; !slices.Equal(got, want) {
				t.Errorf("at %v it fires %q\nwant %q", tc.fires, got, want)
			}
		})
	}
	for name := range all {
		if !tested[name] {
			t.Errorf("nothing shows that %s ever fires", name)
		}
	}
}

// play evaluates a rule every half a minute, as Prometheus does, and returns what fires when.
func play(t *testing.T, r rulefmt.Rule, series string) map[time.Duration][]string {
	t.Helper()
	storage := promqltest.LoadedStorage(t, series)
	t.Cleanup(func() { _ = storage.Close() })
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 100_000)
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
	if err != nil {
		t.Fatal(err)
	}
	rule := rules.NewAlertingRule(r.Alert, expr, time.Duration(r.For), time.Duration(r.KeepFiringFor),
		labels.FromMap(r.Labels), labels.FromMap(r.Annotations), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
	fired := map[time.Duration][]string{}
	for at := time.Duration(0); at <= 20*time.Minute; at += 30 * time.Second {
		if _, err := rule.Eval(context.Background(), 0, time.Unix(0, 0).Add(at), rules.EngineQueryFunc(engine, storage), &url.URL{}, 0); err != nil {
			t.Fatal(err)
		}
		for _, a := range rule.ActiveAlerts() {
			if a.State != rules.StateFiring {
				continue
			}
			own := labels.NewBuilder(a.Labels)
			own.Del(labels.AlertName, "severity")
			fired[at] = append(fired[at], fmt.Sprintf("%s %s", own.Labels(), a.Annotations.Get("summary")))
		}
	}
	return fired
}
