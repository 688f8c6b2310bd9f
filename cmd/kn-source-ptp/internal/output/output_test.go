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

package output

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template")
	if err := os.WriteFile(file, []byte("{.a}"), 0o600); err != nil {
		t.Fatal(err)
	}
	value := map[string]any{"a": "<b>", "c": []int{1, 2}}
	for _, tc := range []struct {
		format string
		stream bool
		want   string
	}{
		{"json", false, "{\n    \"a\": \"<b>\",\n    \"c\": [\n        1,\n        2\n    ]\n}\n"},
		{"json", true, `{"a":"<b>","c":[1,2]}` + "\n"},
		{"yaml", false, "a: <b>\nc:\n- 1\n- 2\n"},
		{"yaml", true, "---\na: <b>\nc:\n- 1\n- 2\n"},
		{"jsonpath={.a} {.c[1]}", false, "<b> 2"},
		{"jsonpath={.a}{.missing}", true, "<b>\n"},
		{`jsonpath={range .c[*]}{@}{"\n"}{end}`, true, "1\n2\n"},
		{"jsonpath=a", false, "<b>"},
		{"jsonpath=.a", false, "<b>"},
		{"jsonpath-file=" + file, false, "<b>"},
		{"go-template={{.a}} {{index .c 1}}", false, "<b> 2"},
		{"go-template-file=" + file, true, "{.a}\n"},
	} {
		p, err := New(tc.format, tc.stream)
		if err != nil {
			t.Errorf("%s: %v", tc.format, err)
			continue
		}
		var got strings.Builder
		if err := p.Print(&got, value); err != nil || got.String() != tc.want {
			t.Errorf("%s: %v, got %q, want %q", tc.format, err, got.String(), tc.want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for format, want := range map[string]string{
		"table":            `-o "table" is not known; it can be wide|json|yaml|jsonpath=TEMPLATE|jsonpath-file=FILE|go-template=TEMPLATE|go-template-file=FILE`,
		"json=a":           `-o "json=a" is not known; it can be wide|json|`,
		"jsonpath":         "-o jsonpath needs a template: -o jsonpath=TEMPLATE",
		"go-template=":     "-o go-template needs a template: -o go-template=TEMPLATE",
		"jsonpath={.a":     "read the template of -o jsonpath: unclosed action",
		"go-template={{":   "read the template of -o go-template: template: output:1: unclosed action",
		"jsonpath-file=/x": "read the template of -o jsonpath-file: open /x: no such file or directory",
	} {
		_, err := New(format, false, "wide")
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", format, err, want)
		}
	}
}
