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

package clock

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "draw the pictures of docs/states.md anew")

// edge is a transition as docs/states.md has it.
type edge struct{ from, to, reason string }

// wander feeds a node with random facts of everything that can be watched, and returns which
// transitions of each kind there were.
func wander(t *testing.T, seed uint64, rounds int) map[string]map[edge]bool {
	t.Helper()
	edges := map[string]map[edge]bool{}
	for round := range rounds {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		oneIn := func(n int) bool { return r.IntN(n) == 0 }
		th := limits
		th.MaxPathDelay = time.Microsecond
		n := NewNode(th)
		hardware, fed, grandmaster := oneIn(2), oneIn(2), oneIn(4)
		if !oneIn(4) {
			n.WatchOSClock(fed)
		}
		if hardware {
			n.WatchHardwareClocks()
		}
		n.WatchGNSS()
		n.WatchDPLLs()
		n.WatchDetails()
		var now Instant
		value := map[string]Value{}
		take := func(changes []Transition) {
			for _, c := range changes {
				if key := c.Instance + " " + c.Kind.String(); c.Kind != OSClockSet && c.Kind != HardwareClockSet {
					if c.From != value[key] || c.From == c.To {
						t.Fatalf("%s comes after %v (round %d of seed %d)", describe(c), value[key], round, seed)
					}
					value[key] = c.To
				}
				e := edge{"start", c.To.String(), string(c.Reason)}
				if c.From != nil {
					e.from = c.From.String()
				}
				if edges[c.Kind.String()] == nil {
					edges[c.Kind.String()] = map[edge]bool{}
				}
				edges[c.Kind.String()][e] = true
			}
		}
		see := func(instance string, f Fact) { take(n.Observe(Observation{At: now, Instance: instance, Fact: f})) }
		kernel := &kernelWitness{alive: true}
		good := oneIn(2) // the weather: faults come in storms, and everything calms down in between
		listed := !oneIn(8)
		if listed {
			see("", one)
			see("a", inTAI)
		} else {
			see("", none)
		}
		steps := 400
		if round%4 > 0 {
			steps = 40 // there are more ways to begin than to go on
		}
		antenna, satellites := Antenna(r.IntN(4)), r.IntN(2)
		late, silent := r.IntN(30), 0 // is who watches the OS clock, or ptp4l at first
		if oneIn(3) {
			late, silent = 0, r.IntN(40)
		}
		for number := range steps {
			now = now.Add(time.Duration(1+r.IntN(400)) * time.Millisecond)
			if oneIn(50) {
				now = now.Add(8 * time.Second)
			}
			if oneIn(25) {
				good = !good
			}
			for at, ok := n.Deadline(); ok && at <= now; at, ok = n.Deadline() {
				take(n.Advance(at))
			}
			f := randomFact(r)
			if good {
				if _, is := f.(Sync); is {
					f = Sync{Offset: time.Duration(r.IntN(100))}
				} else if grandmaster && oneIn(2) {
					f = reading(6, Parent{Grandmaster: own, Class: 6}, Master)
				} else if oneIn(2) {
					f = reading(255, parentOK, Slave)
				}
			}
			if read, is := f.(Reading); is {
				for p := range read.Ports {
					read.Ports[p].HardwareClock = "ptp0"
				}
			}
			if listed && number >= silent {
				see("a", f)
			}
			if oneIn(100) {
				listed = oneIn(2)
				see("", map[bool]Fact{true: one, false: none}[listed])
			}
			stepped := kernel.pass(r, now)
			switch {
			case number < late:
			case stepped:
				see("", OSClockStep{By: time.Minute})
			case oneIn(60):
				see("", OSClockUnreadable{})
			case oneIn(2):
				see("", OSClock{MaxError: kernel.maxError(now)})
			}
			switch r.IntN(30) {
			case 0:
				see("", []Fact{HardwareClocks{}, ptp0}[min(1, r.IntN(5))])
			case 1:
				see("", HardwareClockUnreadable{Device: "ptp0"})
			case 2:
				see("", HardwareClockStep{Device: "ptp0", By: 1000, Within: time.Second})
			default:
				offset := time.Duration(r.IntN(900))
				if !good {
					offset *= 5
				}
				see("", HardwareClock{Device: "ptp0", Offset: tai + offset})
			}
			switch r.IntN(40) {
			case 0:
				see("", GNSSReceivers{Open: []string{"g"}[:r.IntN(2)]})
			case 1:
				see("", GNSSDown{})
			case 2:
				see("g", GNSSSilence{})
			default:
				report := GNSSReport{Fix: Fix3D, Satellites: 9}
				if !good {
					if oneIn(25) {
						antenna, satellites = Antenna(r.IntN(4)), r.IntN(2)
					}
					report = GNSSReport{Fix: FixNone, Satellites: satellites, Antenna: antenna}
				}
				see("g", report)
			}
			if k := r.IntN(20); k == 0 {
				see("", DPLLUnreadable{})
			} else if k < 4 {
				devices := []DPLL{
					{Name: "e", Type: DPLLEEC, Lock: DPLLLock(r.IntN(6)), Quality: QualityLevel{SSM: uint8(r.IntN(2))}, HasQuality: true},
					{Name: "p", Type: DPLLPPS, Lock: DPLLLock(r.IntN(6))},
				}
				see("", DPLLs{Devices: devices[r.IntN(2):]})
			}
			if listed && oneIn(10) {
				see("a", PathDelay{Delay: time.Duration(1 + r.IntN(2000))})
			}
		}
	}
	return edges
}

// machines are the kinds that docs/states.md draws, by the heading of each.
var machines = map[string]Kind{
	"lock-state": LockState, "os-clock-sync-state": OSClockState, "sync-state": SyncState, "gnss-sync-status": GNSSSyncStatus,
	"SyncE lock-state": SyncELockState, "daemon-state": DaemonState, "path-delay-state": PathDelayState,
}

const statesPage = "../../docs/states.md"

// TestStatesPage holds docs/states.md to the code: the tables have all transitions that there are,
// and no other, and the pictures show the tables.
func TestStatesPage(t *testing.T) {
	text, err := os.ReadFile(statesPage)
	if err != nil {
		t.Fatal(err)
	}
	reached := wander(t, 20261126, 4000)
	page := string(text)
	sections := regexp.MustCompile(`(?m)^## `).Split(page, -1)
	drawn := map[string]bool{}
	for _, section := range sections[1:] {
		heading, _, _ := strings.Cut(section, "\n")
		kind, ok := machines[heading]
		if !ok {
			continue
		}
		drawn[heading] = true
		documented := map[edge]bool{}
		var rows []edge
		for line := range strings.Lines(section) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			if len(cells) != 4 || strings.Contains(cells[0], "---") || strings.TrimSpace(cells[0]) == "from" {
				continue
			}
			for from := range strings.SplitSeq(cells[0], ",") {
				for reason := range strings.SplitSeq(cells[2], ",") {
					e := edge{strings.TrimSpace(from), strings.TrimSpace(cells[1]), strings.Trim(strings.TrimSpace(reason), "`")}
					if documented[e] {
						t.Errorf("%s: %v is there twice", heading, e)
					}
					documented[e] = true
					rows = append(rows, e)
				}
			}
		}
		if diff := gocmp.Diff(sorted(documented), sorted(reached[kind.String()])); diff != "" {
			t.Errorf("%s: transitions of the page (-) and of the code (+):\n%s", heading, diff)
		}
		picture := regexp.MustCompile("(?s)```mermaid\n.*?```").FindString(section)
		if want := draw(rows); picture == "" {
			t.Errorf("%s: no picture; it would be\n%s", heading, want)
		} else if picture != want {
			page = strings.Replace(page, picture, want, 1)
			if !*update {
				t.Errorf("%s: the picture is not that of the table; draw it with: go test ./pkg/clock -run TestStatesPage -update", heading)
			}
		}
	}
	if len(drawn) != len(machines) {
		t.Errorf("only %v of %v are there", slices.Sorted(maps.Keys(drawn)), slices.Sorted(maps.Keys(machines)))
	}
	if *update {
		if err := os.WriteFile(statesPage, []byte(page), 0o644); err != nil { //nolint:gosec // a page is for everybody
			t.Fatal(err)
		}
	}
}

func sorted(edges map[edge]bool) []string {
	var lines []string
	for e := range edges {
		lines = append(lines, fmt.Sprintf("%s > %s %s", e.from, e.to, e.reason))
	}
	slices.Sort(lines)
	return lines
}

// draw draws a table as a state diagram. Identifiers may not have a hyphen there.
func draw(rows []edge) string {
	id := func(state string) string {
		if state == "start" {
			return "[*]"
		}
		return strings.ReplaceAll(state, "-", "_")
	}
	var order []edge
	reasons := map[edge][]string{}
	for _, e := range rows {
		arrow := edge{from: id(e.from), to: id(e.to)}
		if reasons[arrow] == nil {
			order = append(order, arrow)
		}
		reasons[arrow] = append(reasons[arrow], e.reason)
	}
	slices.SortStableFunc(order, func(a, b edge) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	for _, arrow := range order {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", arrow.from, arrow.to, strings.Join(reasons[arrow], ", "))
	}
	b.WriteString("```")
	return b.String()
}
