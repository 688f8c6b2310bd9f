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
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

func TestStatus(t *testing.T) {
	c := newCluster(t)
	n1, n2 := c.fleet()
	const header = "SINCE   OFFSET   GRANDMASTER          CLASS   OS CLOCK   OVERALL"
	c.wants(notLocked, "NODE   INSTANCE   STATE      "+header+"\n"+
		"n1     ptp4l.0    HOLDOVER   58s     -        42160d.fffe.627ae7   6       -          HOLDOVER\n"+
		"n2     ptp4l.0    LOCKED     59s     -37ns    42160d.fffe.627ae7   6       -          LOCKED\n"+
		"1 locked, 1 holdover, 0 freerun, 0 unknown\n", "", "status", "-n", "edge")
	c.wants(ok, "NODE   INSTANCE   STATE    "+header+"\n"+
		"n2     ptp4l.0    LOCKED   59s     -37ns    42160d.fffe.627ae7   6       -          LOCKED\n"+
		"1 locked, 0 holdover, 0 freerun, 0 unknown\n", "", "status", "-A", "n2")
	c.wants(notLocked, "n1/ptp4l.0\nn2/ptp4l.0\n", "", "status", "-A", "-o", "name")
	c.wants(notLocked, "1 1", "", "status", "-A", "-o", "jsonpath={.summary.locked} {.summary.holdover}")
	c.wants(notLocked, "n1 n2 ", "", "status", "-A", "-o", "go-template={{range .clocks}}{{.node}} {{end}}")
	_, text, _ := c.run("status", "-A", "n1", "-o", "yaml")
	if want := "clocks:\n- class: \"6\"\n  grandmaster: 42160d.fffe.627ae7\n  instance: ptp4l.0\n  namespace: edge\n  node: n1\n  overall: HOLDOVER\n" +
		"  reason: SyncSilent\n  since: \"2026-05-09T23:20:36.6618621Z\"\n  source: fleet\n  state: HOLDOVER\nsilent: 0\nsummary:\n  freerun: 0\n  holdover: 1\n  locked: 0\n  unknown: 0\n"; text != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}

	// A node without ptp4l, one that does not answer, and another source.
	n1.SetState(func(s *stream.State) {
		s.Instances = nil
		s.Overall = stream.Condition{State: "UNKNOWN"}
		s.OSClock = &stream.Condition{State: "LOCKED"}
	})
	c.Adapter("edge", "fleet", "u1", "n3", "pod-3", nil)
	c.Adapter("core", "other", "u2", "n2", "pod-2b", n2)
	c.wants(notLocked, "NODE   INSTANCE   STATE     "+header+"   SOURCE       REASON\n"+
		"n1     -          UNKNOWN   -       -        -                    -       LOCKED     UNKNOWN   edge/fleet   -\n"+
		"n3     -          UNKNOWN   -       -        -                    -       -          UNKNOWN   edge/fleet   -\n"+
		"n2     ptp4l.0    LOCKED    59s     -37ns    42160d.fffe.627ae7   6       -          LOCKED    core/other   OffsetInRange\n"+
		"n2     ptp4l.0    LOCKED    59s     -37ns    42160d.fffe.627ae7   6       -          LOCKED    edge/fleet   OffsetInRange\n"+
		"n3 (edge/fleet) does not answer: error trying to reach service: connection refused\n"+
		"2 locked, 0 holdover, 0 freerun, 2 unknown\n", "", "status", "-A", "-o", "wide")
	c.wants(ok, "n2/ptp4l.0\n", "", "status", "-A", "--source", "other", "-o", "name")
	if code, _, errOut := c.run("status", "-A", "n2", "n3"); code != partial || errOut != "Error: 1 adapters did not answer\n" {
		t.Errorf("status %d: %s", code, errOut)
	}
	if code, _, errOut := c.run("status", "-A", "n3"); code != failed || errOut != "Error: no adapter answers\n" {
		t.Errorf("status %d: %s", code, errOut)
	}
}

func TestStatusIsRefused(t *testing.T) {
	c := newCluster(t)
	c.Put(sources+"fleet", "spec: {}")
	c.wants(failed, "", "Error: no adapter runs; doctor says why\n", "status", "-n", "edge")
	c.wants(failed, "", "Error: --interval is 0s; it must be above 0\n", "status", "--watch", "--interval", "0")
	c.Refuse(podPath, http.StatusUnauthorized)
	c.wants(failed, "", "Error: list the adapters' pods: "+podPath+" was refused; log in to the cluster again\n", "status")
}

func TestStatusIsWatched(t *testing.T) {
	c := newCluster(t)
	n1, _ := c.fleet()
	w, out, errOut := c.world()
	w.colour, w.screen = true, true
	done := make(chan int, 1)
	ctx, cancel := contextOf(t)
	go func() { done <- w.run(ctx, []string{"kubectl-ptp", "status", "-A", "n1", "-w", "--interval", "20ms"}) }()
	eventually(t, out, "\x1b[H\x1b[2JNODE")
	eventually(t, out, "\x1b[33mn1     ptp4l.0    HOLDOVER")
	n1.SetState(func(s *stream.State) { s.Instances[0].State = "FREERUN" })
	eventually(t, out, "\x1b[31mn1     ptp4l.0    FREERUN")
	c.Refuse(podPath, http.StatusInternalServerError)
	eventually(t, errOut, "was refused")
	c.Refuse(podPath, 0)
	n1.SetState(func(s *stream.State) { s.Instances[0].State, s.Overall.State = "LOCKED", "LOCKED" })
	eventually(t, out, "\nn1     ptp4l.0    LOCKED") // without a colour
	cancel()
	select {
	case code := <-done:
		if code != ok {
			t.Errorf("status %d after an interrupt", code)
		}
	case <-time.After(30 * time.Second):
		t.Error("it does not end")
	}
	if strings.Contains(out.String(), "\x1b[0m\n\x1b[0m") {
		t.Error("colours are ended twice")
	}
}

// Who has no kubeconfig, or a bad one, is told what to do.
func TestNoCluster(t *testing.T) {
	c := newCluster(t)
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("x: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"/nope":  "there is none, or nothing in it", // as the library does with a list of files
		broken:   `error loading config file "` + broken + `": yaml: line 1: did not find expected node content`,
		"--flag": "stat /nope: no such file or directory",
	} {
		args := []string{"status"}
		if file == "--flag" {
			args, file = append(args, "--kubeconfig", "/nope"), ""
		}
		t.Setenv("KUBECONFIG", file)
		c.wants(failed, "", "Error: read the kubeconfig: "+want+"; say which with --kubeconfig or $KUBECONFIG\n", args...)
	}
}
