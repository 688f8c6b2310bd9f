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
)

func TestMatch(t *testing.T) {
	const event = "  id: 6b00676949ec-18\n  time: 2026-11-20T15:29:51.699090444Z\n  sequence: 00000000000000000018" +
		"\n  traceparent: 00-f1eee5b53cadd5de2489c08b66a974e5-d3b615bf823cb423-00"
	for _, tc := range []struct {
		name, page, printed string
		want                bool
	}{
		{"the same", "a\nb", "a\nb\n", true},
		{"another line", "a\nb", "a\nc\n", false},
		{"a line less", "a\nb", "a\n", false},
		{"a line more", "a", "a\nb\n", false},
		{"a line before", "b", "a\nb\n", false},
		{"another order", "a\nb", "b\na\n", false},
		{"nothing, of nothing", "", "", true},
		{"anything", "…", "a\nb\n", true},
		{"anything behind", "a\n…", "a\nb\nc\n", true},
		{"nothing behind", "a\n…", "a\n", true},
		{"anything before", "…\nc", "a\nb\nc\n", true},
		{"anything before, and not at the end", "…\nb", "a\nb\nc\n", false},
		{"anything before, and later again", "…\nb", "b\na\nb\n", true},
		{"anything between", "a\n…\nc", "a\nb\nb\nc\n", true},
		{"lines that do not follow each other", "…\na\nb\n…", "a\nx\nb\n", false},
		{"lines may not be used twice", "a\n…\na", "a\n", false},
		{"something in a line", "a … c", "a b b c\n", true},
		{"something else in a line", "a … c", "a b d\n", false},
		{"what has a meaning in patterns", "a.c", "abc\n", false},
		{"wider columns", "NAME READY", "NAME        READY   \n", true},
		{"tabs for blanks", "  a    b", "  a\t  b\n", true},
		{"another age", "clocks True 12s", "clocks True 2m3s\n", true},
		{"another number that is no age", "clocks 2/2", "clocks 1/2\n", false},
		{"another event", event, strings.NewReplacer("6b00676949ec-18", "000067694f00-7", "51.699090444", "52", "018", "007", "f1eee5", "0a1b2c").Replace(event), true},
		{"another state", "  ptpstate: LOCKED", "  ptpstate: FREERUN\n", false},
		{"another node", "/cluster/node/n1/sync", "/cluster/node/n2/sync\n", false},
		{"another class", "  ptpstate: 6", "  ptpstate: 7\n", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := Match(strings.Split(tc.page, "\n"), tc.printed); (err == nil) != tc.want {
				t.Errorf("Match returned %v, want a match %v", err, tc.want)
			}
		})
	}
}
