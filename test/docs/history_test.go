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
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
	"github.com/eventing-ptp/eventing-ptp/test/docs"
)

// What docs/history.md says to type at an adapter does what it says, and the state that it
// shows has what a state has.
func TestHistory(t *testing.T) {
	page, err := docs.Read(root + "/docs/history.md")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
	c := simulator.DefaultClock()
	c.SlaveOnly = true
	c.Announce.Interval = 0
	clock, err := simulator.New(simulator.Config{Socket: socket, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := clock.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clock.Close)
	sink, _ := answering(t)
	address := freeAddress(t)
	adapter := exec.Command(buildAdapter(t), "-sink", sink, "-socket", socket, "-health", address)
	adapter.Env = append(os.Environ(), "PROFILING_PORT=0")
	if err := adapter.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = adapter.Process.Signal(syscall.SIGTERM)
		_ = adapter.Wait()
	})

	block := func(words string) string {
		at := slices.IndexFunc(page.Steps, func(s docs.Step) bool { return strings.Contains(s.Commands, words) })
		if at < 0 {
			t.Fatalf("the page does not say %q", words)
		}
		return page.Steps[at].Commands
	}
	commands := strings.Split(strings.TrimSpace(block("localhost:8081/v1/state")), "\n")
	typed := func(n int) string {
		t.Helper()
		command := strings.ReplaceAll(commands[n], "localhost:8081", address)
		command = strings.ReplaceAll(command, "curl -sN", "timeout 1 curl -sN") + " || true" // it has no end
		out, err := exec.CommandContext(t.Context(), "bash", "-c", command).Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return string(out)
	}
	var history string
	for deadline := time.Now().Add(20 * time.Second); strings.Count(history, `"LOCKED"`) < 2; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the history is %q", history)
		}
		history = typed(0)
	}
	if followed := typed(1); followed != history {
		t.Errorf("followed was %q, and the history is %q", followed, history)
	}

	var state, shown map[string]any
	if err := json.Unmarshal([]byte(typed(2)), &state); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(page.Text, "```json\n")
	text, _, _ = strings.Cut(text, "```")
	if err := json.Unmarshal([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keys(shown), keys(state)); diff != "" {
		t.Errorf("the page shows (-) and an adapter says (+):\n%s", diff)
	}
}

// keys are the names of all values in JSON, with those above them.
func keys(value any) []string {
	found := map[string]bool{}
	var walk func(any, string)
	walk = func(value any, name string) {
		switch v := value.(type) {
		case map[string]any:
			for key, below := range v {
				walk(below, name+"."+key)
			}
		case []any:
			for _, below := range v {
				walk(below, name)
			}
		default:
			found[name] = true
		}
	}
	walk(value, "")
	return slices.Sorted(maps.Keys(found))
}
