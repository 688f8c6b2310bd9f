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
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
)

func TestDashboard(t *testing.T) {
	c := newCluster(t)
	c.fleet()
	out, errOut, end := c.start("dashboard", "-n", "edge", "--source", "fleet", "n1")
	eventually(t, out, "/\n")
	eventually(t, errOut, "open this address in a browser on this machine, and keep it to yourself; interrupt to end\n")
	address := strings.TrimSpace(out.String())
	response, err := http.Get(address + "stream") //nolint:noctx // it ends with the command
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for keys := []string(nil); len(keys) == 0; {
		if !lines.Scan() {
			t.Fatalf("the stream ends: %v", lines.Err())
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var frame struct {
			About struct{ Scope string }
			Keys  []string
		}
		if err := json.Unmarshal([]byte(data), &frame); err != nil {
			t.Fatal(err)
		}
		if want := "n1, PtpSource fleet, namespace edge"; frame.About.Scope != "" && frame.About.Scope != want {
			t.Errorf("it shows %q, want %q", frame.About.Scope, want)
		}
		if keys = frame.Keys; len(keys) > 0 && (len(keys) != 1 || keys[0] != "u1/n1") {
			t.Errorf("it shows %q", keys)
		}
	}
	if code := end(); code != ok {
		t.Errorf("status %d after an interrupt: %s", code, errOut)
	}
}

func TestDashboardIsRefused(t *testing.T) {
	c := newCluster(t)
	c.fleet()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	for flags, want := range map[string]string{
		"--interval 0":    "--interval is 0s; it must be above 0",
		"--port 65536":    "--port is 65536; it must be from 1 to 65535, or 0 for one that is free",
		"--port " + taken: "serve the dashboard: listen tcp 127.0.0.1:" + taken + ": bind: address already in use",
		"n9":              "no adapter runs on n9; there are some on n1, n2",
	} {
		c.wants(failed, "", "Error: "+want+"\n", append([]string{"dashboard", "-n", "edge"}, strings.Fields(flags)...)...)
	}
	c.Refuse(podPath, http.StatusForbidden)
	if code, _, errOut := c.run("dashboard", "-A"); code != failed || !strings.Contains(errOut, "an administrator can bind the roles eventing-ptp-cli to you") {
		t.Errorf("status %d: %s", code, errOut)
	}
}

func TestScopeInWords(t *testing.T) {
	for want, scope := range map[string]cluster.Scope{
		"all namespaces":                      {},
		"namespace edge":                      {Namespace: "edge"},
		"PtpSource fleet, namespace edge":     {Namespace: "edge", Name: "fleet"},
		"n1, n2, PtpSource a, all namespaces": {Name: "a", Nodes: []string{"n1", "n2"}},
	} {
		if got := inWords(scope); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
