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

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// printed is what event_display has printed.
type printed struct{ events chan event }

func newPrinted() *printed { return &printed{make(chan event, 64)} }

// event is what event_display has printed of one event.
type event struct {
	at          time.Time // when its first line was read
	kind, state string
}

// read prints what event_display prints, and picks out what is expected.
func (p *printed) read(out io.Reader) {
	defer close(p.events)
	lines := bufio.NewScanner(out)
	var e event
	for lines.Scan() {
		line := lines.Text()
		fmt.Println("   │ " + line)
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case strings.Contains(line, "cloudevents.Event"):
			e = event{at: time.Now()}
		case name == "type":
			e.kind = value
		case name == "ptpstate":
			e.state = value
		case strings.TrimSpace(line) == "Data,":
			p.events <- e
		}
	}
}

// patience is how long an event may take: much longer than any should.
const patience = 30 * time.Second

// expect waits for an event that was printed after since, and returns when it was.
func (p *printed) expect(ctx context.Context, want expectation, since time.Time) (time.Time, bool) {
	timeout := time.After(patience)
	for {
		select {
		case e, ok := <-p.events:
			if !ok {
				return time.Time{}, false
			}
			if e.kind == want.kind && e.state == want.state && !e.at.Before(since) {
				return e.at, true
			}
		case <-timeout:
			return time.Time{}, false
		case <-ctx.Done():
			return time.Time{}, false
		}
	}
}

// settle waits until no event has come for a while.
func (p *printed) settle(ctx context.Context) {
	for {
		select {
		case _, ok := <-p.events:
			if !ok {
				return
			}
		case <-time.After(500 * time.Millisecond):
			return
		case <-ctx.Done():
			return
		}
	}
}
