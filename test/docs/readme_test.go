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
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/test/docs"
)

// Every README has the same parts in the same order, and names every file.
func TestReadmesOfSamples(t *testing.T) {
	for _, s := range samples(t) {
		var headings []string
		for _, h := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(s.page.Text, -1) {
			headings = append(headings, h[1])
		}
		if diff := cmp.Diff([]string{"What you need", "Run it", "How it works", "Clean up"}, headings); diff != "" {
			t.Errorf("%s: headings, want (-) and got (+):\n%s", s.name, diff)
		}
		var named, there []string
		for _, link := range regexp.MustCompile(`(?m)^\| \[([^\]]+)\]\(([^)]+)\) \|`).FindAllStringSubmatch(s.page.Text, -1) {
			if link[1] != link[2] {
				t.Errorf("%s: the link %s leads to %s", s.name, link[1], link[2])
			}
			named = append(named, link[1])
		}
		for _, file := range s.files {
			there = append(there, filepath.Base(file))
		}
		if diff := cmp.Diff(there, named); diff != "" {
			t.Errorf("%s: files (-) and those that the README explains (+):\n%s", s.name, diff)
		}
		last := s.page.Steps[len(s.page.Steps)-1]
		if !last.CleanUp || last.Commands == "" {
			t.Errorf("%s does not clean up", s.name)
		}
	}
}

// The index has every sample, with a link.
func TestIndexOfSamples(t *testing.T) {
	index, err := docs.Read(root + "/samples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows, there []string
	for _, row := range regexp.MustCompile(`(?m)^\| \[([^\]]+)\]\(([^)]+)\) \|`).FindAllStringSubmatch(index.Text, -1) {
		if row[2] != row[1]+"/README.md" {
			t.Errorf("the link %s leads to %s", row[1], row[2])
		}
		rows = append(rows, row[1])
	}
	for _, s := range samples(t) {
		there = append(there, s.name)
	}
	if diff := cmp.Diff(there, rows); diff != "" {
		t.Errorf("samples (-) and rows of samples/README.md (+):\n%s", diff)
	}
}

// What is not run says so where readers see it, and nothing else says so.
func TestSamplesThatAreNotRun(t *testing.T) {
	var notRun []string
	for _, s := range samples(t) {
		if s.page.NotRun != "" {
			notRun = append(notRun, s.name)
		}
	}
	if diff := cmp.Diff([]string{"10-kafka", "11-rabbitmq"}, notRun); diff != "" {
		t.Errorf("samples that cannot run here (-) and those that say so (+):\n%s", diff)
	}
}

// Commands are about what the sample makes, wherever they name it.
func TestCommandsOfSamples(t *testing.T) {
	kinds := map[string]string{"deployment": "Deployment", "trigger": "Trigger", "ptpsource": "PtpSource"}
	for _, s := range samples(t) {
		for _, step := range s.page.Steps {
			for _, m := range regexp.MustCompile(`(?:kubectl -n|namespace) (\S+)`).FindAllStringSubmatch(step.Commands, -1) {
				if m[1] != s.namespace() {
					t.Errorf("%s:%d: namespace %s, want %s", s.page.Path, step.Line, m[1], s.namespace())
				}
			}
			for _, m := range regexp.MustCompile(`\b(deployment|trigger|ptpsource)[/ ]([a-z][a-z-]*)`).FindAllStringSubmatch(step.Commands, -1) {
				if !s.has(kinds[m[1]], m[2]) {
					t.Errorf("%s:%d: there is no %s %s", s.page.Path, step.Line, m[1], m[2])
				}
			}
			for _, m := range regexp.MustCompile(`serving\.knative\.dev/service=(\S+)`).FindAllStringSubmatch(step.Commands, -1) {
				if !s.has("Service", m[1]) {
					t.Errorf("%s:%d: there is no Knative Service %s", s.page.Path, step.Line, m[1])
				}
			}
			for _, m := range regexp.MustCompile(`samples/([^/ ]+)`).FindAllStringSubmatch(step.Commands, -1) {
				if m[1] != s.name {
					t.Errorf("%s:%d: the commands are about %s", s.page.Path, step.Line, m[1])
				}
			}
		}
	}
}

// pages are all that people read.
func pages(t *testing.T) []*docs.Page {
	t.Helper()
	var all []*docs.Page
	for _, pattern := range []string{"*.md", "docs/*.md", "samples/*.md", "samples/*/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d pages: %v", pattern, len(files), err)
		}
		for _, file := range files {
			page, err := docs.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, page)
		}
	}
	return all
}

func TestCommandsAreShell(t *testing.T) {
	for _, page := range pages(t) {
		for _, step := range page.Steps {
			if step.Commands == "" {
				continue
			}
			check := exec.CommandContext(t.Context(), "bash", "-n", "-c", step.Commands)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s:%d: %v: %s", page.Path, step.Line, err, out)
			}
		}
	}
}

// Links lead to files that are there, and to headings of them.
func TestLinks(t *testing.T) {
	all := pages(t)
	for _, page := range all {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(page.Text, -1) {
			target, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := page.Path
			if target != "" {
				file = filepath.Join(filepath.Dir(page.Path), target)
			}
			if there, err := filepath.Glob(file); err != nil || len(there) == 0 {
				t.Errorf("%s: %s is not there: %v", page.Path, link[1], err)
			}
			if anchor == "" {
				continue
			}
			n := slices.IndexFunc(all, func(p *docs.Page) bool { return p.Path == file })
			if n < 0 || !slices.Contains(anchors(all[n].Text), anchor) {
				t.Errorf("%s: %s has no heading %s", page.Path, file, anchor)
			}
		}
	}
}

// anchors returns what headings are called in links.
func anchors(text string) []string {
	var all []string
	for _, h := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(h[1]), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}
