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

// Package docs reads the documentation as a test does, and does what it says.
//
// A page is Markdown in which
//
//   - a fence called bash has commands. All of a page run in order, in one shell as far as
//     variables and the working directory go, from the root of the repository;
//   - a fence called text right behind one of commands shows what they print (see Match).
//     Commands that only look are repeated until they print it, because what they look at
//     takes its time;
//   - a comment such as <!-- lab: freeze gm --> breaks a clock, or mends it, where the text
//     asks the reader to. The lines are those of test/lab;
//   - what is below a heading "Clean up" runs in any case, also when something before
//     went wrong;
//   - a paragraph that begins with "Not run in our tests, because" says that nothing of the
//     page is run, and why.
package docs

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Page is a page of the documentation.
type Page struct {
	// Path is where it is.
	Path string
	// Text is all of it.
	Text string
	// Steps are what there is to do, in order.
	Steps []Step
	// NotRun is why nothing of the page is run; empty for a page that is.
	NotRun string
}

// Step is one thing to do: commands, or a fault.
type Step struct {
	// Line is where it begins in the page, from 1.
	Line int
	// Commands are for a shell.
	Commands string
	// Output is what they print, one entry a line; nil where the page does not say.
	Output []string
	// Fault is what to do to a clock, as test/lab words it.
	Fault string
	// CleanUp is whether it belongs to the end, which comes in any case.
	CleanUp bool
}

// fence is the first or last line of a block.
var fence = regexp.MustCompile("^ *```([a-z]*)$")

// fault is a comment that nobody sees who reads the rendered page.
var fault = regexp.MustCompile(`^<!-- lab: (.+) -->$`)

// notRun begins the paragraph that says why a page is not run.
const notRun = "Not run in our tests, because "

// Read reads a page.
func Read(path string) (*Page, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a page of the documentation: %w", err)
	}
	page, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	page.Path = path
	return page, nil
}

// parse reads the text of a page. Errors begin with a line number.
func parse(text string) (*Page, error) {
	page := &Page{Text: text}
	var (
		block     []string // what the fence that is open has so far
		language  string   // of it
		opened    int      // its line, 0 when none is open
		cleanUp   bool
		paragraph string
		follows   *Step // the commands whose output may be next
	)
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		mark := fence.FindStringSubmatch(line)
		switch {
		case opened == 0 && mark != nil:
			opened, language, block = n, mark[1], nil
		case opened == 0 && strings.TrimSpace(line) == "":
			paragraph = ""
		case opened == 0:
			if heading := strings.TrimLeft(line, "#"); heading != line {
				cleanUp = strings.TrimSpace(heading) == "Clean up"
			}
			if found := fault.FindStringSubmatch(line); found != nil {
				page.Steps = append(page.Steps, Step{Line: n, Fault: found[1], CleanUp: cleanUp})
			}
			follows = nil
			paragraph = strings.TrimSpace(paragraph + " " + line)
			if reason, ok := strings.CutPrefix(paragraph, notRun); ok {
				page.NotRun = reason
			}
		case mark == nil:
			block = append(block, line)
		case mark[1] != "":
			return nil, fmt.Errorf("%d: a fence called %s begins in that of line %d", n, mark[1], opened)
		default:
			if language == "text" {
				if follows == nil {
					return nil, fmt.Errorf("%d: no commands are right before this output", opened)
				}
				follows.Output = block
			}
			follows = nil
			if language == "bash" {
				page.Steps = append(page.Steps, Step{Line: opened, Commands: strings.Join(block, "\n"), CleanUp: cleanUp})
				follows = &page.Steps[len(page.Steps)-1]
			}
			opened = 0
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("1: %w", err)
	}
	if opened != 0 {
		return nil, fmt.Errorf("%d: this fence has no end", opened)
	}
	return page, nil
}
