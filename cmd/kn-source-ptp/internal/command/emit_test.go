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
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/testevent"
)

const recordedLine = `{"recorded":{"id":"fade-7","sequence":7,"time":"2026-05-09T23:20:34Z","source":"/cluster/node/n1/sync/eventing-ptp/test"}}` + "\n"

// answers lets the adapter of n1 answer with lines to who asks for a test event, and returns
// what was asked for.
func (c site) answers(status int, lines string) *terminal {
	asked := &terminal{}
	c.Inside("pod-1", 8083, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			c.t.Error(err)
		}
		fmt.Fprintf(asked, "%s %s %s", r.Method, r.URL.Path, body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, lines)
	}))
	return asked
}

func TestEmit(t *testing.T) {
	c := newCluster(t)
	c.fleet()
	asked := c.answers(http.StatusOK, recordedLine+`{"settled":{"outcome":"delivered","seconds":0.0031,"status":202,"triedSecondsAgo":0}}`)
	const recorded = "n1 (edge/fleet) recorded it as fade-7, sequence 7, from /cluster/node/n1/sync/eventing-ptp/test\n"
	c.wants(ok, recorded+"the sink has taken it after 3.1ms\n", "", "emit", "n1", "-n", "edge", "--for", "/sync/ptp-status/lock-state", "--wait", "3s")
	if want := "POST " + testevent.Path + ` {"resourceAddress":"/sync/ptp-status/lock-state","wait":"3s"}`; asked.String() != want {
		t.Errorf("asked was %q, want %q", asked, want)
	}
	for settled, want := range map[string]string{
		`{"outcome":"waiting","status":503,"triedSecondsAgo":1,"pending":13}`:         "the sink has not taken it within 10s: 12 others wait, too, its last answer was 503 Service Unavailable; the adapter goes on trying, and doctor says more of the sink",
		`{"outcome":"waiting","triedSecondsAgo":1,"pending":1}`:                       "the sink has not taken it within 10s: it did not answer; the adapter goes on trying, and doctor says more of the sink",
		`{"outcome":"waiting","pending":1}`:                                           "the sink has not taken it within 10s: nothing was sent to it yet; the adapter goes on trying, and doctor says more of the sink",
		`{"outcome":"skipped","status":400,"triedSecondsAgo":0,"seconds":0.5}`:        "nobody takes it (its last answer was 400 Bad Request), and it was skipped after 500ms; see the log of the adapter",
		`{"outcome":"deadLettered","status":403,"triedSecondsAgo":0,"seconds":0.002}`: "the sink does not take it (its last answer was 403 Forbidden), and the dead letter sink has taken it after 2ms",
	} {
		c.answers(http.StatusOK, recordedLine+`{"settled":`+settled+"}\n")
		c.wants(failed, recorded, "Error: "+want+"\n", "emit", "n1", "-n", "edge")
	}
	c.answers(http.StatusOK, recordedLine)
	c.wants(failed, recorded, "Error: n1 (edge/fleet): it is not known what has become of it: EOF\n", "emit", "n1", "-n", "edge")
	c.answers(http.StatusBadRequest, "/sync is no resource\n")
	c.wants(failed, "", "Error: n1 (edge/fleet) refuses: /sync is no resource\n", "emit", "n1", "-n", "edge")
	c.answers(http.StatusServiceUnavailable, "not ready: another adapter still has the journal\n")
	c.wants(failed, "", "Error: n1 (edge/fleet): not ready: another adapter still has the journal\n", "emit", "n1", "-n", "edge")
}

func TestEmitSaysWhatIsMissing(t *testing.T) {
	c := newCluster(t)
	c.fleet()
	for args, want := range map[string]string{
		"-n edge":            "there are 2 adapters: n1 (edge/fleet), n2 (edge/fleet); say which with NODE, and --source where a node has several",
		"n1 -n edge":         "n1 (edge/fleet): error forwarding port: dial pod-1:8083: connection refused",
		"n3 -n edge":         "no adapter runs on n3; there are some on n1, n2",
		"-n edge --for lock": `--for: parse resource address "lock": it must be /sync/<resource>, with or without /<cluster>/node/<node> in front`,
		"-n edge --wait 2m":  "--wait is 2m0s; it must be between 0s and 1m",
	} {
		code, out, errOut := c.run(append([]string{"emit"}, strings.Fields(args)...)...)
		if code != failed || out != "" || errOut != "Error: "+want+"\n" {
			t.Errorf("%q: status %d: %s%s\nwant %s", args, code, out, errOut, want)
		}
	}
	c.Refuse(podPath+"/pod-1/portforward", http.StatusForbidden)
	code, _, errOut := c.run("emit", "n1", "-n", "edge")
	if code != failed || !strings.Contains(errOut, "portforward was refused; an administrator can bind the Role eventing-ptp-cli-emit to you") {
		t.Errorf("status %d: %s", code, errOut)
	}
	pod := c.Get(podPath + "/pod-2")
	pod["spec"].(map[string]any)["containers"] = []any{map[string]any{"name": "adapter", "ports": []any{map[string]any{"name": "health", "containerPort": 20001}}}}
	c.wants(failed, "", "Error: n2 (edge/fleet) takes no test events: it is on its node's own network, where any process could send them, or of an earlier version\n", "emit", "n2", "-n", "edge")
}
