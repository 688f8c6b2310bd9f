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

package lab

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// verb is a fault, or its end, as a line of text asks for it:
//
//	WORDS CLOCK[/PORT] [ARGUMENT]
type verb struct {
	words    string
	argument string // its name in the usage text, empty if there is none
	help     string
	do       action
}

// action does something to a port, or to its clock, and returns the time just
// before.
type action func(ctx context.Context, p *Port, argument string) (time.Time, error)

var verbs = []verb{
	{"link down", "", "take the interface of the clock's port down (port 1 unless given)", onPort((*Port).LinkDown)},
	{"link up", "", "take it up again", onPort((*Port).LinkUp)},
	{"kill", "", "end ptp4l with SIGKILL: its socket file stays", onClock((*Clock).Kill)},
	{"stop", "", "end ptp4l with SIGTERM", onClock((*Clock).Stop)},
	{"restart", "", "end ptp4l if it runs, and start it", asking((*Clock).Restart)},
	{"freeze", "", "stop ptp4l with SIGSTOP: it goes silent", onClock((*Clock).Freeze)},
	{"thaw", "", "let it run on with SIGCONT", onClock((*Clock).Thaw)},
	{"class", "NUMBER", "set the clockClass that a grandmaster announces", setting((*Clock).SetClass)},
	{"priority1", "NUMBER", "set priority1: the lowest wins", setting((*Clock).SetPriority1)},
	{"servo unlock", "", "a follower takes itself for unlocked: SLAVE becomes UNCALIBRATED", asking((*Clock).ServoUnlock)},
	{"servo lock", "", "it takes itself for locked", asking((*Clock).ServoLock)},
	{"offset", "DURATION", "a follower sees itself ahead by that much more, for example 50us; 0s ends it", injectOffset},
	{"wait", "STATE", "wait up to a minute until a port of the clock is, for example, SLAVE", waitState},
}

func onPort(f func(*Port) (time.Time, error)) action {
	return func(_ context.Context, p *Port, _ string) (time.Time, error) { return f(p) }
}

func onClock(f func(*Clock) (time.Time, error)) action {
	return func(_ context.Context, p *Port, _ string) (time.Time, error) { return f(p.clock) }
}

func asking(f func(*Clock, context.Context) (time.Time, error)) action {
	return func(ctx context.Context, p *Port, _ string) (time.Time, error) { return f(p.clock, ctx) }
}

func setting(f func(*Clock, context.Context, uint8) (time.Time, error)) action {
	return func(ctx context.Context, p *Port, argument string) (time.Time, error) {
		n, err := strconv.ParseUint(argument, 10, 8)
		if err != nil {
			return time.Now(), fmt.Errorf("%q is no number from 0 to 255", argument)
		}
		return f(p.clock, ctx, uint8(n))
	}
}

func injectOffset(_ context.Context, p *Port, argument string) (time.Time, error) {
	offset, err := time.ParseDuration(argument)
	if err != nil {
		return time.Now(), err
	}
	return p.clock.InjectOffset(offset)
}

// waitLimit is how long the verb wait waits.
const waitLimit = time.Minute

func waitState(ctx context.Context, p *Port, argument string) (time.Time, error) {
	state, err := parseState(argument)
	if err != nil {
		return time.Now(), err
	}
	ctx, cancel := context.WithTimeout(ctx, waitLimit)
	defer cancel()
	return time.Time{}, p.clock.WaitState(ctx, state)
}

// Usage explains the lines that Do understands, one per line.
func Usage() string {
	var b strings.Builder
	for _, v := range verbs {
		fmt.Fprintf(&b, "  %-26s %s\n", v.synopsis(), v.help)
	}
	return b.String()
}

func (v verb) synopsis() string {
	object := "CLOCK"
	if strings.HasPrefix(v.words, "link") {
		object = "CLOCK[/PORT]"
	}
	return strings.TrimSpace(v.words + " " + object + " " + v.argument)
}

// request is a parsed line.
type request struct {
	verb     verb
	clock    string
	port     int // 1 unless given
	argument string
}

func parse(line string) (request, error) {
	words := strings.Fields(line)
	for _, v := range verbs {
		n := len(strings.Fields(v.words))
		if len(words) < n || strings.Join(words[:n], " ") != v.words {
			continue
		}
		return v.parse(words[n:])
	}
	return request{}, fmt.Errorf("%q is none of:\n%s", line, Usage())
}

// parse reads what follows the verb's words.
func (v verb) parse(rest []string) (request, error) {
	want := 1
	if v.argument != "" {
		want = 2
	}
	if len(rest) != want {
		return request{}, fmt.Errorf("%d words after %q, the form is: %s", len(rest), v.words, v.synopsis())
	}
	r := request{verb: v, port: 1, argument: strings.Join(rest[1:], "")}
	clock, port, given := strings.Cut(rest[0], "/")
	r.clock = clock
	if given {
		var err error
		if r.port, err = strconv.Atoi(port); err != nil {
			return request{}, fmt.Errorf("%q is no port number: %s", port, v.synopsis())
		}
	}
	return r, nil
}

// Do does what a line such as "freeze gm", "link down boundary/2" or "class gm
// 7" says; Usage lists the forms. It returns the time just before the fault,
// zero for wait.
func (l *Lab) Do(ctx context.Context, line string) (time.Time, error) {
	r, err := parse(line)
	if err != nil {
		return time.Now(), err
	}
	c, err := l.Clock(r.clock)
	if err != nil {
		return time.Now(), err
	}
	if r.port < 1 || r.port > len(c.ports) {
		return time.Now(), fmt.Errorf("%s has no port %d, it has %d", c.name, r.port, len(c.ports))
	}
	return r.verb.do(ctx, c.ports[r.port-1], r.argument)
}
