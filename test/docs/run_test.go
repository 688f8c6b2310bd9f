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

package docs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// story runs a page and writes down the faults and what else it touches.
type story struct {
	*Runner
	faults []string
}

func (s *story) Do(_ context.Context, line string) (time.Time, error) {
	s.faults = append(s.faults, line)
	if line == "bad" {
		return time.Time{}, errors.New("no such clock")
	}
	return time.Now(), nil
}

func newStory(t *testing.T) *story {
	t.Helper()
	s := &story{}
	s.Runner = &Runner{
		Root: t.TempDir(), Env: append(os.Environ(), "HOME="+t.TempDir()), Faults: s,
		StepTimeout: 20 * time.Second, Interval: 10 * time.Millisecond, Said: t.Logf,
	}
	return s
}

// run runs a page in which """ is a fence.
func (s *story) run(t *testing.T, text string) error {
	t.Helper()
	page, err := parse(strings.ReplaceAll(text, `"""`, "```"))
	if err != nil {
		t.Fatal(err)
	}
	page.Path = "page.md"
	return s.Run(t.Context(), page)
}

func TestCommandsShareVariablesAndDirectory(t *testing.T) {
	s := newStory(t)
	if err := s.run(t, `
"""bash
NODE="n 1"
export OTHER=x
mkdir below
cd below
"""

"""bash
echo "$NODE $OTHER"
basename "$PWD"
"""

"""text
n 1 x
below
"""
`); err != nil {
		t.Error(err)
	}
}

func TestFailureLeadsToCleanUp(t *testing.T) {
	for _, tc := range []struct{ name, step, want string }{
		{"commands that fail", "\"\"\"bash\nfalse | true\n\"\"\"\n", "exit status 1"},
		{"a variable that nobody has set", "\"\"\"bash\necho $nobody\n\"\"\"\n", "nobody: unbound variable"},
		{"other output", "\"\"\"bash\necho b\n\"\"\"\n\"\"\"text\na\n\"\"\"\n", "the page shows"},
		{"a fault that cannot be", "<!-- lab: bad -->\n", "no such clock"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStory(t)
			err := s.run(t, tc.step+`
"""bash
touch not-here
"""

<!-- lab: thaw gm -->

# Clean up

"""bash
touch cleaned
"""
`)
			if err == nil || !strings.Contains(err.Error(), "page.md:1: ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one of line 1 with %q", err, tc.want)
			}
			if there, _ := filepath.Glob(s.Root + "/*"); !slices.Equal(there, []string{s.Root + "/cleaned"}) {
				t.Errorf("%v is there, want what cleaning up makes", there)
			}
			if !slices.Contains(s.faults, "thaw gm") {
				t.Errorf("faults %v: the clock stays broken", s.faults)
			}
		})
	}
}

// kubectl puts a program of that name in the way of the real one.
func (s *story) kubectl(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kubectl"), []byte("#!/bin/sh\n"+script), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	s.Env = append(s.Env, fmt.Sprintf("PATH=%s:%s", dir, os.Getenv("PATH")))
}

func TestLookingIsRepeated(t *testing.T) {
	s := newStory(t)
	s.kubectl(t, `echo again >>looked; if [ "$(wc -l <looked)" -ge 3 ]; then echo "Ready 3s"; else exit 1; fi`)
	if err := s.run(t, `
"""bash
kubectl -n ns get things |
  grep Ready
"""

"""text
Ready 5s
"""
`); err != nil {
		t.Error(err)
	}
}

func TestDoingIsNotRepeated(t *testing.T) {
	s := newStory(t)
	s.kubectl(t, `echo again >>done; echo "created"`)
	if err := s.run(t, "\"\"\"bash\nkubectl apply -f .\n\"\"\"\n\"\"\"text\nconfigured\n\"\"\"\n"); err == nil {
		t.Error("other output is no error")
	}
	text, err := os.ReadFile(s.Root + "/done")
	if err != nil || string(text) != "again\n" {
		t.Errorf("it was done %q, want once: %v", text, err)
	}
}

func TestLookingEnds(t *testing.T) {
	s := newStory(t)
	s.StepTimeout = time.Second
	s.kubectl(t, `echo nothing`)
	err := s.run(t, "\"\"\"bash\nkubectl get things\n\"\"\"\n\"\"\"text\nsomething\n\"\"\"\n")
	if err == nil || !strings.Contains(err.Error(), "after 1s") || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("error %v, want one that says for how long, and what was printed", err)
	}
}

func TestHangingCommandsEnd(t *testing.T) {
	s := newStory(t)
	s.StepTimeout = 200 * time.Millisecond
	began := time.Now()
	if err := s.run(t, "\"\"\"bash\nsleep 60 | cat\n\"\"\"\n"); err == nil || time.Since(began) > 30*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}
