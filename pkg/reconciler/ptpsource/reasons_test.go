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

package ptpsource

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Who meets a reason finds what it means, and what to do.
func TestEveryReasonIsInTroubleshooting(t *testing.T) {
	reasons := reasonsOf(t, filepath.Join("..", "..", "apis", "sources", "v1alpha1"))
	if len(reasons) < 10 {
		t.Fatalf("only %d reasons were found: %v", len(reasons), reasons)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\|(.+)\\|(.+)\\|$").FindAllStringSubmatch(string(text), -1) {
		explained[row[1]] = strings.TrimSpace(row[2]) != "" && strings.TrimSpace(row[3]) != ""
	}
	for name, reason := range reasons {
		if !explained[reason] {
			t.Errorf("docs/troubleshooting.md has no row for %s (%s) that says what it means and what to do", reason, name)
		}
		if !regexp.MustCompile("^([A-Z][a-z]*)+$").MatchString(reason) {
			t.Errorf("the reason %s (%s) is not in CamelCase", reason, name)
		}
	}
}

// reasonsOf returns the constants called Reason... of the package in a directory.
func reasonsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, name := range spec.Names {
				if !strings.HasPrefix(name.Name, "Reason") || i >= len(spec.Values) {
					continue
				}
				if literal, ok := spec.Values[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if reasons[name.Name], err = strconv.Unquote(literal.Value); err != nil {
						t.Errorf("%s: %v", name.Name, err)
					}
				}
			}
			return true
		})
	}
	return reasons
}
