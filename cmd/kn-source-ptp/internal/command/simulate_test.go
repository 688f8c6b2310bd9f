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
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
)

const scenario = `
identity: 767f31.fffe.399e95
ports: [{interface: ens1f0}]
steps:
- {at: 0s, do: link-down, port: ens1f0}
- {at: 1.25s, do: link-up}
- {at: 3s, do: class, class: 7}
`

func scenarioFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func sockets(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(dir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for n := range found {
		found[n] = filepath.Base(found[n])
	}
	return found
}

func TestSimulate(t *testing.T) {
	c, dir := newCluster(t), t.TempDir()
	out, errOut, end := c.start("simulate", scenarioFile(t, scenario), "--socket", dir, "--speed", "100")
	eventually(t, out, "until you interrupt\n")
	want := "ptp4l 4.2, clock 767f31.fffe.399e95, domain 0, on " + dir + "/ptp4l.0.socket\n" +
		"0.0s link-down ens1f0\n1.25s link-up\n3.0s class 7\n" +
		"end of the scenario; the clock stays as it is until you interrupt\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output, want (-) and got (+):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ptp4l.0.socket"}, sockets(t, dir)); diff != "" {
		t.Errorf("sockets, want (-) and got (+):\n%s", diff)
	}
	if code := end(); code != ok || errOut.String() != "" {
		t.Errorf("status %d after an interrupt, and it says %q", code, errOut)
	}
	if left := sockets(t, dir); len(left) > 0 {
		t.Errorf("it leaves %q", left)
	}
}

// Each scenario is a ptp4l of its own, and every line says of which it is.
func TestSimulateTwoInstances(t *testing.T) {
	c, dir := newCluster(t), t.TempDir()
	out, _, end := c.start("simulate", "healthy", scenarioFile(t, scenario), "--socket", dir, "--speed", "100")
	eventually(t, out, "ptp4l.1  end of the scenario")
	eventually(t, out, "ptp4l.0  end of the scenario")
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "ptp4l.0  ") && !strings.HasPrefix(line, "ptp4l.1  ") {
			t.Errorf("whose is %q?", line)
		}
	}
	if diff := cmp.Diff([]string{"ptp4l.0.socket", "ptp4l.1.socket"}, sockets(t, dir)); diff != "" {
		t.Errorf("sockets, want (-) and got (+):\n%s", diff)
	}
	if code := end(); code != ok {
		t.Errorf("status %d after an interrupt", code)
	}
}

func TestSimulateShows(t *testing.T) {
	c := newCluster(t)
	code, out, _ := c.run("simulate", "--list")
	if lines := strings.Count(out, "\n"); code != ok || lines != len(simulator.Examples()) || !strings.Contains(out, "hang                 ptp4l hangs, exits,") {
		t.Errorf("status %d, %d lines:\n%s", code, lines, out)
	}
	page, err := os.ReadFile("../../../../docs/cli.md")
	if err != nil || !strings.Contains(string(page), "$ kn source ptp simulate --list\n"+out+"```") {
		t.Errorf("docs/cli.md does not show which scenarios there are: %v\n%s", err, out)
	}
	if code, out, _ = c.run("simulate", "--print", "flapping"); code != ok || !strings.HasPrefix(out, "# A bad cable") || !strings.HasSuffix(out, "loop: true\n") {
		t.Errorf("status %d:\n%s", code, out)
	}
	if code, out, _ = c.run("__complete", "simulate", "healthy", ""); code != ok || !strings.HasPrefix(out, "bad-frames\nboundary-clock\n") {
		t.Errorf("status %d:\n%s", code, out)
	}
}

func TestSimulateRefuses(t *testing.T) {
	c, dir := newCluster(t), t.TempDir()
	bad := scenarioFile(t, "steps: [{at: 1s, do: explode}]")
	for want, args := range map[string][]string{
		"say what to play: a file, or one or more of bad-frames, ":                                     {},
		"--speed is 0; it must be a number above 0, such as 10":                                        {"healthy", "--speed", "0"},
		"--speed is NaN; it must be a number above 0, such as 10":                                      {"healthy", "--speed", "NaN"},
		`no scenario is called "nonsense"; choose one of bad-frames, boundary-clock`:                   {"nonsense"},
		"read a scenario: open " + dir + "/none.yaml: no such file or directory":                       {dir + "/none.yaml"},
		bad + ": scenario: step 1 (explode): there is no such verb":                                    {"healthy", bad},
		"start simulator: bind socket: listen unixgram " + dir + "/none/ptp4l.0.socket: bind: no such": {"healthy", "--socket", dir + "/none"},
	} {
		code, _, errOut := c.run(append([]string{"simulate"}, args...)...)
		if code != failed || !strings.HasPrefix(errOut, "Error: "+want) {
			t.Errorf("%q: status %d, it says\n%swant\nError: %s", args, code, errOut, want)
		}
	}
}
