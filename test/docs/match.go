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
	"fmt"
	"regexp"
	"strings"
)

// anything stands for any number of lines where it is alone in one, and for any text
// within a line.
const anything = "…"

// varying is what differs from run to run and is not worth an ellipsis in the text.
var varying = []struct {
	pattern *regexp.Regexp
	kind    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`\b[0-9a-f]{12}-\d+\b`), "ID"}, // of an event
	{regexp.MustCompile(`\b\d{20}\b`), "SEQUENCE"},
	{regexp.MustCompile(`\b00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]\b`), "TRACE"},
	{regexp.MustCompile(` (\d+[dhms])+$`), " AGE"},
	{regexp.MustCompile(`[ \t]+`), " "}, // columns are as wide as what is in them
}

// Match compares what commands printed with what a page shows, and says what differs.
//
// They must be equal line by line, from the first to the last. A line of the page that is
// nothing but … stands for any number of lines, and … in a line for any text. Times of
// events, their ids, sequences and traces, ages at the end of a line, and how many blanks there are
// between words may differ, and whether they are tabs.
func Match(page []string, printed string) error {
	got := strings.Split(strings.TrimRight(printed, "\n"), "\n")
	at, floating := 0, false // where the next part must begin, or must not begin before
	parts := split(page)
	for n, part := range parts {
		last := n == len(parts)-1
		if n > 0 {
			floating = true
		}
		found := -1
		for begin := at; begin+len(part) <= len(got); begin++ {
			ends := begin+len(part) == len(got)
			if equal(part, got[begin:begin+len(part)]) && (!last || ends) {
				found = begin
				break
			}
			if !floating {
				break
			}
		}
		if found < 0 {
			return fmt.Errorf("the page shows\n%s\nprinted was\n%s", indent(page), indent(got))
		}
		at = found + len(part)
	}
	return nil
}

// split takes the lines apart at those that stand for any number of lines. The parts at
// the ends may be empty.
func split(page []string) [][]string {
	parts := [][]string{nil}
	for _, line := range page {
		if strings.TrimSpace(line) == anything {
			parts = append(parts, nil)
			continue
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], line)
	}
	return parts
}

func equal(page, got []string) bool {
	for n := range page {
		if !pattern(page[n]).MatchString(settle(got[n])) {
			return false
		}
	}
	return true
}

// pattern is what a line of a page stands for.
func pattern(line string) *regexp.Regexp {
	parts := strings.Split(settle(line), anything)
	for n := range parts {
		parts[n] = regexp.QuoteMeta(parts[n])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
}

// settle puts the kind in the place of what varies.
func settle(line string) string {
	line = strings.TrimRight(line, " \t")
	for _, v := range varying {
		line = v.pattern.ReplaceAllString(line, v.kind)
	}
	return line
}

func indent(lines []string) string { return "\t" + strings.Join(lines, "\n\t") }
