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

package golang

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTellerKnowsHowFarItIs(t *testing.T) {
	for _, tc := range []struct{ name, printed, so, words string }{
		{"nothing yet", "", "  0 packages compiled, now ", ""},
		{"modules first", "go: downloading k8s.io/api v0.35.4\n", "  0 packages compiled, now downloading k8s.io/api v0.35.4", ""},
		{"packages", "internal/abi\nk8s.io/api/core/v1\nk8s.io/ap", "  2 packages compiled, now k8s.io/api/core/v1", "k8s.io/ap"},
		{
			"what is wrong", "a/b\n# a/c\nc/x.go:3:1: undefined: y\nd/e\n",
			"  2 packages compiled, now d/e", "# a/c\nc/x.go:3:1: undefined: y",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var whole, pieces teller
			_, _ = io.WriteString(&whole, tc.printed)
			for _, b := range []byte(tc.printed) {
				_, _ = pieces.Write([]byte{b})
			}
			for name, got := range map[string]*teller{"whole": &whole, "in pieces": &pieces} {
				if got.so() != tc.so || got.lastWords() != tc.words {
					t.Errorf("%s: %q and %q", name, got.so(), got.lastWords())
				}
			}
		})
	}
}

func TestBuildSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"go.mod": "module example.com/x\n\ngo 1.25\n", "x.go": "package main\n\nfunc main() { nowhere() }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var progress bytes.Buffer
	err := Build(t.Context(), &progress, dir, "-o", filepath.Join(dir, "x"), ".")
	if err == nil || !strings.Contains(err.Error(), "undefined: nowhere") {
		t.Errorf("got %v", err)
	}
	if progress.Len() > 0 {
		t.Errorf("progress %q of what took no time", progress.String())
	}
}
