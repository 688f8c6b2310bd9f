//go:build lab

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

package docs_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/docs"
)

// machine has a network, a /run and a /tmp of its own, and a sink where the README says that
// one is. Whatever runs there ends with it. The directory $0 stays in sight.
const machine = `set -eu
ip link set lo up
mount -t tmpfs none /run
mkdir /run/test
mount --bind "$0" /run/test
mount -t tmpfs -o mode=1777 none /tmp
/run/test/event_display >/run/test/events &
`

// TestReadmeWithoutACluster types what the README says about an adapter that runs alone.
func TestReadmeWithoutACluster(t *testing.T) {
	readme, err := docs.Read(root + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "knative.dev/eventing/cmd/event_display")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build event_display: %v: %s", err, out)
	}
	for _, tc := range []struct {
		name, command string
		before        string // what is there besides
		states        []string
	}{
		{
			name: "a ptp4l of one's own", command: "bin/receive_adapter -sink http://localhost:8080    #",
			before: "bin/kn-source-ptp simulate day-in-the-life --socket /var/run &\n", states: []string{"LOCKED"},
		},
		{
			name: "a scripted one", command: "bin/receive_adapter -sink http://localhost:8080 -socket",
			states: []string{"LOCKED", "HOLDOVER"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var commands string
			for _, step := range readme.Steps {
				if strings.Contains(step.Commands, tc.command) {
					commands = step.Commands
				}
			}
			first, rest, ok := strings.Cut(commands, "\n")
			if !ok || first != "make build" {
				t.Fatalf("README.md has no commands that begin with make build and then %q", tc.command)
			}
			program := exec.CommandContext(t.Context(), "bash", "-c", first)
			program.Dir = root
			if out, err := program.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", first, err, out)
			}

			shown, said := filepath.Join(dir, "events"), &strings.Builder{}
			_ = os.Remove(shown) // of the one before
			ctx, stop := context.WithCancel(t.Context())
			cmd := exec.CommandContext(ctx, "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
				"bash", "-c", machine+tc.before+rest, dir)
			cmd.Dir, cmd.Stdout, cmd.Stderr = root, said, said
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			cmd.WaitDelay = 5 * time.Second
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			events := ""
			for _, state := range tc.states {
				for deadline := time.Now().Add(90 * time.Second); !strings.Contains(events, "  ptpstate: "+state+"\n"); {
					if time.Now().After(deadline) {
						t.Errorf("no event says %s; shown was:\n%s", state, events)
						break
					}
					time.Sleep(50 * time.Millisecond)
					text, _ := os.ReadFile(shown)
					events = string(text)
				}
			}
			stop()
			err := cmd.Wait()
			if t.Failed() {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
}

// TestGettingStarted types what docs/getting-started.md says of one machine, and looks whether what
// is printed is what it shows.
func TestGettingStarted(t *testing.T) {
	page, err := docs.Read(root + "/docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(words string) docs.Step {
		for _, step := range page.Steps {
			if strings.Contains(step.Commands, words) {
				return step
			}
		}
		t.Fatalf("docs/getting-started.md has no commands with %q", words)
		return docs.Step{}
	}
	program := exec.CommandContext(t.Context(), "bash", "-ec", block("make build").Commands)
	program.Dir = root
	if out, err := program.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	dir, looks := t.TempDir(), block("curl")
	// What is printed by those in the background is apart from what one looks at.
	const prelude = "set -eu\nip link set lo up\nmount -t tmpfs none /run\nmkdir /run/test\nmount --bind \"$0\" /run/test\nmount -t tmpfs -o mode=1777 none /tmp\n"
	script := prelude + "exec 3>&1 >/run/test/said 2>&1\n" + block("simulate holdover").Commands +
		"\nuntil [ -e /run/test/look ]; do sleep 0.1; done\n( " + looks.Commands + "\n) >&3\n" + block("kill ").Commands + "\nwait || true\n"
	var printed, complaints strings.Builder
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", script, dir)
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, &printed, &complaints
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := func() string {
		text, _ := os.ReadFile(filepath.Join(dir, "said"))
		return string(text)
	}
	end := func(text string) bool {
		_, after, ended := strings.Cut(text, "end of the scenario")
		return ended && strings.Contains(after, "ptpstate: LOCKED")
	}
	for deadline := time.Now().Add(90 * time.Second); !end(said()); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the clock is not LOCKED at the end; said was:\n%s%s", said(), &complaints)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "look"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, &complaints)
	}
	// An adapter that starts late sees nothing else at first.
	text := printed.String()
	if first, _, _ := strings.Cut(looks.Output[0], "\n"); !strings.HasPrefix(text, first) {
		text = first + "\n" + text
	}
	if err := docs.Match(looks.Output, text); err != nil {
		t.Error(err)
	}
	for _, line := range []string{"3.0s link-down ens1f0", "  type: event.sync.ptp-status.ptp-state-change", "  previousstate: LOCKED", "  ptpreason: PortNotSlave", "  ptpstate: HOLDOVER"} {
		if !strings.Contains(page.Text, "\n"+line+"\n") || !strings.Contains(said(), line+"\n") {
			t.Errorf("%q is not both shown and said", line)
		}
	}
}
