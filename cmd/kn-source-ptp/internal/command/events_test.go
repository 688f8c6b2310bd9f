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
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/apitest"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

const (
	line1 = "2026-05-10T07:20:34.661862100+08:00 ptp lock-state /cluster/node/n1/sync/ptp-status/lock-state (instance=ptp4l.0, name=fleet, offset=-37ns, state=LOCKED)\n"
	line2 = "2026-05-10T07:20:35.661862100+08:00 ptp lock-state /cluster/node/n2/sync/ptp-status/lock-state (instance=ptp4l.0, name=fleet, offset=-37ns, state=LOCKED)\n"
	line3 = "2026-05-10T07:20:36.661862100+08:00 ptp lock-state /cluster/node/n1/sync/ptp-status/lock-state (instance=ptp4l.0, name=fleet, previous=LOCKED, state=HOLDOVER)\n"
)

func TestEventsOfThePast(t *testing.T) {
	c := newCluster(t)
	n1, _ := c.fleet()
	c.wants(ok, line1+line2+line3, "", "events", "--namespace", "edge", "--no-follow")
	c.wants(ok, line1+line2+line3, "", "events", "-A", "-n", "fleet", "-U", "0s")
	c.wants(ok, line2+line3, "", "events", "-A", "-S", "2026-05-10T07:20:35", "--no-follow")
	c.wants(ok, line1+line2, "", "events", "-A", "-S", "2026-05-10", "-U", "1778368836")
	c.wants(ok, line3, "", "events", "-A", "--state", "holdover", "--type", "lock-state", "--no-follow")
	c.wants(ok, line2, "", "events", "-A", "--node", "n2", "--instance", "ptp4l.0", "--no-follow")
	c.wants(ok, line2, "", "events", "-A", "--for", "/cluster/node/n2/sync", "--no-follow")
	c.wants(ok, "", "", "events", "-A", "--type", "event.sync.ptp-status.ptp-clock-class-change", "--no-follow")
	c.wants(ok, "", "", "events", "-A", "--type", "test", "--no-follow")
	if asked := c.Asked(); !strings.Contains(asked[len(asked)-1], "type=com.github.eventing-ptp.test") {
		t.Errorf("asked was %s", asked[len(asked)-1])
	}
	c.wants(ok, line2+line3, "", "events", "-A", "--limit", "1", "--no-follow")
	c.wants(ok, line2+line3, "", "events", "-A", "--after", n1.Epoch()+"-1", "--no-follow")
	c.wants(ok, "n1 LOCKED\nn2 LOCKED\nn1 HOLDOVER\n", "", "events", "-A", "--no-follow", "-o", "jsonpath={.node} {.ptpstate}")
	c.wants(ok, "n1\nn2\nn1\n", "", "events", "-A", "--no-follow", "-o", "jsonpath=.node")
	c.wants(ok, "LOCKED\nLOCKED\nHOLDOVER\n", "", "events", "-A", "--no-follow", "-o", "go-template={{.ptpstate}}")
	_, wide, _ := c.run("events", "-A", "--no-follow", "-o", "wide", "--limit", "1", "--node", "n1")
	if want := "(id=" + n1.Epoch() + "-2, instance=ptp4l.0, name=fleet, namespace=edge, previous=LOCKED, reason=OffsetInRange, state=HOLDOVER)\n"; !strings.HasSuffix(wide, want) {
		t.Errorf("wide: got %s want %s", wide, want)
	}
	_, lines, _ := c.run("events", "-A", "--no-follow", "-o", "json")
	for n, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil || e["specversion"] != "1.0" || e["node"] != []string{"n1", "n2", "n1"}[n] {
			t.Errorf("line %d: %v: %s", n, err, line)
		}
	}
	_, documents, _ := c.run("events", "-A", "--no-follow", "-o", "yaml")
	if strings.Count(documents, "---\n") != 3 || strings.Count(documents, "\nspecversion: \"1.0\"\n") != 3 {
		t.Error(documents)
	}
}

func TestEventsThatAreNotAll(t *testing.T) {
	c := newCluster(t)
	c.fleet()
	c.Adapter("edge", "fleet", "u1", "n3", "pod-3", nil)
	c.wants(partial, line1+line2+line3, "n3 (edge/fleet) does not answer: error trying to reach service: connection refused\nError: 1 of 3 adapters did not answer\n",
		"events", "-A", "--no-follow")
}

func TestEventsThatCome(t *testing.T) {
	c := newCluster(t)
	n1, n2 := c.fleet()
	out, errOut, end := c.start("events", "-A", "-S", "59s")
	eventually(t, out, line3)
	at := now.Add(time.Second)
	n2.Change(at, "ptp4l.0", clock.Locked, clock.Freerun)
	eventually(t, out, "node/n2/sync/ptp-status/lock-state (instance=ptp4l.0, name=fleet, previous=LOCKED, state=FREERUN)\n")

	// The connection breaks, and the pod is replaced.
	n1.Cut()
	n1.Change(at.Add(time.Second), "ptp4l.0", clock.Holdover, clock.Freerun)
	eventually(t, out, "previous=HOLDOVER, state=FREERUN")
	c.Delete(podPath + "/pod-1")
	n1.Cut()
	n1.Change(at.Add(2*time.Second), "ptp4l.0", clock.Freerun, clock.Locked)
	c.Adapter("edge", "fleet", "u1", "n1", "pod-1b", n1)
	eventually(t, out, "previous=FREERUN, state=LOCKED")

	// Another node comes.
	n3 := apitest.NewAdapter(t, "n3", "fleet")
	n3.Change(at.Add(3*time.Second), "ptp4l.0", clock.Unknown, clock.Locked)
	c.Adapter("edge", "fleet", "u1", "n3", "pod-3", n3)
	eventually(t, out, "/cluster/node/n3/")
	if code := end(); code != ok {
		t.Errorf("status %d after an interrupt: %s", code, errOut)
	}
	var nodes []string
	for line := range strings.Lines(out.String()) {
		nodes = append(nodes, strings.Split(line, "/")[3])
	}
	if diff := cmp.Diff([]string{"n2", "n1", "n2", "n1", "n1", "n3"}, nodes); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
	for line := range strings.Lines(errOut.String()) {
		if !strings.HasPrefix(line, "n1 (edge/fleet) ") {
			t.Errorf("it says %s", line)
		}
	}
}

func TestEventsEndAtATime(t *testing.T) {
	c := newCluster(t)
	c.fleet()
	w, out, errOut := c.world()
	w.now = time.Now
	began := time.Now()
	code := w.run(t.Context(), []string{"kn-source-ptp", "events", "-A", "-U", "-2s", "-o", "jsonpath={.node}"})
	if took := time.Since(began); code != ok || took < 2*time.Second || out.String() != "n1\nn2\nn1\n" || errOut.String() != "" {
		t.Errorf("status %d after %v: %q, %q", code, took, out, errOut)
	}
}

func TestEventsWaitForAdapters(t *testing.T) {
	c := newCluster(t)
	c.Put(sources+"fleet", "spec: {}")
	out, errOut, end := c.start("events", "-n", "fleet", "--namespace", "edge")
	eventually(t, errOut, "no adapter runs yet; waiting for some (interrupt to end)\n")
	n1 := apitest.NewAdapter(t, "n1", "fleet")
	n1.Change(start, "ptp4l.0", clock.Unknown, clock.Locked)
	c.Adapter("edge", "fleet", "u1", "n1", "pod-1", n1)
	eventually(t, out, line1)
	if code := end(); code != ok {
		t.Errorf("status %d", code)
	}
}

func TestEventsAreRefused(t *testing.T) {
	c := newCluster(t)
	c.wants(failed, "", "Error: there is no PtpSource in this cluster; make one with: create NAME --sink broker:default\n", "events", "-A")
	c.wants(failed, "", "Error: there is no PtpSource in namespace \"default\"; make one with: create NAME --sink broker:default\n", "events")
	c.fleet()
	for _, tc := range []struct {
		want string
		args []string
	}{
		{`there is no PtpSource in namespace "default"; there are some in edge: see them with -A`, nil},
		{`there is no PtpSource "fleer" in namespace "edge", and no adapter of an earlier one`, []string{"-n", "fleer", "--namespace", "edge"}},
		{`no PtpSource "fleer" has adapters in any namespace`, []string{"-n", "fleer", "-A"}},
		{`no adapter runs on n8, n9; there are some on n1, n2`, []string{"-A", "--node", "n8", "--node", "n9"}},
		{`--since: "noon" is no time; it can be 2026-05-10T07:20:34Z, 2026-05-10T07:20 or 2026-05-10 (local), 1778397634.5 (seconds since 1970) or 10m (ago)`, []string{"-S", "noon"}},
		{`--since (2026-05-10T07:20:34.6618621+08:00) is later than --until (2026-05-10T07:19:34.6618621+08:00)`, []string{"-S", "1m", "-U", "2m"}},
		{`--type "lock" is not known; it can be a type, such as event.sync.ptp-status.ptp-state-change, or one of lock-state, clock-class, sync-state, os-clock-sync-state, gnss-sync-status, clock-quality, os-clock-set, hardware-clock-set, daemon-state, grandmaster, port-state, leap-second, path-delay-state, events-lost, test`, []string{"--type", "lock"}},
		{`--for: parse resource address "n1": it must be /sync/<resource>, with or without /<cluster>/node/<node> in front`, []string{"--for", "n1"}},
		{`--limit is 10001; it must be from 1 to 10000, or 0 for all`, []string{"--limit", "10001"}},
		{`-o "xml" is not known; it can be line|wide|json|yaml|jsonpath=TEMPLATE|jsonpath-file=FILE|go-template=TEMPLATE|go-template-file=FILE`, []string{"-o", "xml"}},
		{`-o jsonpath needs a template: -o jsonpath=TEMPLATE`, []string{"-o", "jsonpath"}},
		{`unknown flag: --sins; see kn source ptp events --help`, []string{"--sins", "1m"}},
		{`--namespace and --all-namespaces contradict each other; give one of them`, []string{"-A", "--namespace", "edge"}},
		{`if any flags in the group [follow no-follow] are set none of the others can be; [follow no-follow] were all set`, []string{"--follow", "--no-follow"}},
	} {
		c.wants(failed, "", "Error: "+tc.want+"\n", append([]string{"events"}, tc.args...)...)
	}
	c.Refuse(podPath, http.StatusForbidden)
	c.wants(failed, "", "Error: list the adapters' pods: "+podPath+" was refused; an administrator can bind the roles eventing-ptp-cli to you (docs/cli.md)\n", "events", "-A")
}

// What a user may do suffices, and nothing is asked for that is not needed.
func TestEventsAskByWayOfTheAPIServer(t *testing.T) {
	c := newCluster(t)
	c.fleet()
	c.run("events", "-A", "--no-follow", "--node", "n2", "-S", "1m")
	want := []string{
		"GET " + podPath + "?labelSelector=" + url.QueryEscape("ptpsource.sources.knative.dev/uid,app.kubernetes.io/component=adapter"),
		"GET " + podPath + "/pod-2:8081/proxy/v1/events?follow=false&since=" + url.QueryEscape("2026-05-09T23:20:34.6618621Z"),
	}
	if diff := cmp.Diff(want, c.Asked()); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}
