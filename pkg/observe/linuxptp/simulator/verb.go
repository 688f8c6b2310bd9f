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

package simulator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// verb is what a step can do, with the keys it must have and those it may have.
type verb struct {
	name  string
	needs []string
	takes []string
	help  string
	run   func(*Simulator, Step) error
}

// verbs are ordered as in the help.
var verbs = []verb{
	{
		name: "lock", help: "all is well: links up, grandmaster heard, servo locked, offset as configured",
		run: simply((*Simulator).Lock),
	},
	{
		name: "offset", needs: []string{"to"}, help: "the offset jumps and stays",
		run: func(s *Simulator, st Step) error { s.SetOffset(st.To); return nil },
	},
	{
		name: "drift", needs: []string{"to", "over"}, help: "the offset moves steadily",
		run: func(s *Simulator, st Step) error { s.Drift(st.To, st.Over); return nil },
	},
	{
		name: "jitter", needs: []string{"to"}, help: "samples spread this far to each side of the offset",
		run: func(s *Simulator, st Step) error { s.SetJitter(st.To); return nil },
	},
	{
		name: "step", needs: []string{"by"}, help: "one sample is off, and ptp4l steps the clock: UNCALIBRATED for one Sync",
		run: func(s *Simulator, st Step) error { s.StepClock(st.By); return nil },
	},
	{
		name: "servo-unlock", help: "the servo loses lock: UNCALIBRATED, samples go on",
		run: simply((*Simulator).ServoUnlock),
	},
	{
		name: "servo-lock", help: "the servo locks again",
		run: simply((*Simulator).ServoLock),
	},
	{
		name: "silence", help: "the grandmaster stops sending; ptp4l notices when the announce timeout expires",
		run: simply((*Simulator).Silence),
	},
	{
		name: "announce-timeout", help: "as silence, but ptp4l notices now",
		run: simply((*Simulator).AnnounceTimeout),
	},
	{
		name: "resume", help: "the grandmaster sends again",
		run: simply((*Simulator).Resume),
	},
	{
		name: "class", needs: []string{"class"}, takes: []string{"accuracy", "traceable"},
		help: "the grandmaster changes its clock class",
		run:  func(s *Simulator, st Step) error { s.changeGrandmaster(st.announced); return nil },
	},
	{
		name: "grandmaster", needs: []string{"identity"}, takes: []string{"class", "accuracy", "traceable"},
		help: "another grandmaster takes over",
		run:  func(s *Simulator, st Step) error { s.SetGrandmaster(st.announced(DefaultGrandmaster())); return nil },
	},
	{
		name: "leap-announce", help: "the grandmaster announces a leap second for the end of the day",
		run: simply((*Simulator).LeapAnnounce),
	},
	{
		name: "leap-second", help: "the leap second is there: UTC is one more second behind TAI",
		run: simply((*Simulator).LeapSecond),
	},
	{
		name: "link-down", takes: []string{"port"}, help: "a port loses its link: FAULTY",
		run: withPort(func(s *Simulator, port int, _ Step) { s.LinkDown(port) }),
	},
	{
		name: "link-up", takes: []string{"port"}, help: "the link is back",
		run: withPort(func(s *Simulator, port int, _ Step) { s.LinkUp(port) }),
	},
	{
		name: "port-state", needs: []string{"state"}, takes: []string{"port"}, help: "a port is forced into a state, such as PASSIVE",
		run: withPort(func(s *Simulator, port int, st Step) { s.SetPortState(port, st.State) }),
	},
	{
		name: "hang", help: "ptp4l neither reads nor sends",
		run: simply((*Simulator).Hang),
	},
	{
		name: "unhang", help: "ptp4l goes on",
		run: simply((*Simulator).Unhang),
	},
	{
		name: "stop", help: "ptp4l exits and removes its sockets",
		run: simply((*Simulator).Stop),
	},
	{
		name: "crash", help: "ptp4l dies and leaves its socket files behind",
		run: simply((*Simulator).Crash),
	},
	{
		name: "restart", help: "ptp4l starts anew; subscriptions are forgotten",
		run: func(s *Simulator, _ Step) error { return s.Restart() },
	},
	{
		name: "bad-frames", help: "every subscriber receives malformed datagrams of every kind",
		run: simply((*Simulator).BadFrames),
	},
	{
		name: "drop-pushes", needs: []string{"count"}, help: "the next pushes are lost: a gap in the sequence numbers",
		run: func(s *Simulator, st Step) error { s.DropPush(st.Count); return nil },
	},
}

func simply(f func(*Simulator)) func(*Simulator, Step) error {
	return func(s *Simulator, _ Step) error { f(s); return nil }
}

func withPort(f func(*Simulator, int, Step)) func(*Simulator, Step) error {
	return func(s *Simulator, st Step) error {
		n, err := s.clock.port(st.Port)
		if err != nil {
			return err
		}
		f(s, n, st)
		return nil
	}
}

// verbNamed returns the verb of that name.
func verbNamed(name string) (verb, error) {
	if name == "" {
		return verb{}, errors.New("do is missing: say what happens, such as do: link-down")
	}
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == name })
	if i < 0 {
		return verb{}, fmt.Errorf("there is no such verb; choose one of %s", verbNames())
	}
	return verbs[i], nil
}

func verbNames() string {
	names := make([]string, len(verbs))
	for i, v := range verbs {
		names[i] = v.name
	}
	return strings.Join(names, ", ")
}

// example shows how a step with the verb is written.
func (v verb) example() string {
	words := []string{"at: 2s", "do: " + v.name}
	for _, k := range slices.Concat(v.needs, v.takes) {
		words = append(words, k+": "+exampleOf(k))
	}
	return "{" + strings.Join(words, ", ") + "}"
}

// exampleOf gives a value for a key of a step.
func exampleOf(key string) string {
	switch key {
	case "to", "by":
		return "400ns"
	case "over":
		return "3s"
	case "class":
		return "7"
	case "accuracy":
		return "0x21"
	case "traceable":
		return "false"
	case "identity":
		return "0a0b0c.fffe.0d0e0f"
	case "state":
		return "PASSIVE"
	case "port":
		return "ens1f0"
	default:
		return "3"
	}
}

// Verbs lists what a step can do, one line each: the verb, what it means, and its keys;
// those in brackets may be left out.
func Verbs() []string {
	var lines []string
	for _, v := range verbs {
		keys := slices.Clone(v.needs)
		for _, k := range v.takes {
			keys = append(keys, "["+k+"]")
		}
		line := fmt.Sprintf("%-17s %s", v.name, v.help)
		if len(keys) > 0 {
			line += " (" + strings.Join(keys, ", ") + ")"
		}
		lines = append(lines, line)
	}
	return lines
}
