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
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	text := strings.ReplaceAll(`# A page

"""bash
one
two
"""

"""text
1
…
"""

Not run in our tests, because nothing
of it is here.

<!-- lab: freeze gm -->

"""
a picture
"""

## Clean up

"""bash
three
"""

## More

"""bash
four
"""
`, `"""`, "```")
	got, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := &Page{Text: text, NotRun: "nothing of it is here.", Steps: []Step{
		{Line: 3, Commands: "one\ntwo", Output: []string{"1", "…"}},
		{Line: 16, Fault: "freeze gm"},
		{Line: 24, Commands: "three", CleanUp: true},
		{Line: 30, Commands: "four"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"output of nothing", "a\n\n```text\n1\n```\n", "3: no commands are right before this output"},
		{"output behind other words", "```bash\none\n```\nor\n```text\n1\n```\n", "5: no commands are right before this output"},
		{"output twice", "```bash\none\n```\n```text\n1\n```\n```text\n2\n```\n", "7: no commands are right before this output"},
		{"a fence without end", "a\n```bash\none\n", "2: this fence has no end"},
		{"a fence in a fence", "```bash\none\n```text\n", "3: a fence called text begins in that of line 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := parse(tc.text); err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}
