//go:build vm

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

package vm_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/eventing-ptp/eventing-ptp/test/vm"
)

// What the guest was configured with (guest/stage.go).
const (
	pollInterval  = 100 * time.Millisecond
	ptp4lInterval = 125 * time.Millisecond
	phc2sysPeriod = time.Second
)

// The event types, without what they have in common.
const (
	lockState = "ptp-status.ptp-state-change"
	osClock   = "sync-status.os-clock-sync-state-change"
	osSet     = "os-clock.stepped"
	phcSet    = "hardware-clock.stepped"
)

// played is what has come of the one run that all tests look at.
type played struct {
	marks  []vm.Mark
	events []cloudevents.Event // in the order of their sequence
	log    string
}

// play runs the machine once, and breaks one thing after the other. scripts are random.
var (
	play    = sync.OnceValues(func() (played, error) { return runMachine() })
	scripts = sync.OnceValues(func() (played, error) {
		return runMachine("-scripts", strconv.Itoa(randomScripts), "-seed", strconv.Itoa(randomSeed))
	})
)

// runMachine runs the guest with some arguments, and returns what has come of it.
func runMachine(args ...string) (played, error) {
	dir, err := os.MkdirTemp("", "eventing-ptp-vm-")
	if err != nil {
		return played{}, err
	}
	defer os.RemoveAll(dir)
	for name, path := range map[string]string{"guest": "./guest", "receive_adapter": "../../cmd/receive_adapter"} {
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), path)
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
		if said, err := build.CombinedOutput(); err != nil {
			return played{}, fmt.Errorf("build %s: %w: %s", name, err, said)
		}
	}
	var mu sync.Mutex
	events := map[string]cloudevents.Event{} // by sequence: one may come twice
	last := time.Now()
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cost" { // of an adapter that is only measured
			w.WriteHeader(http.StatusAccepted)
			return
		}
		if r.Method == http.MethodGet { // the guest asks whether everything has come
			const quiet = 5 * time.Second
			for since := time.Duration(0); since < quiet; time.Sleep(quiet / 10) {
				mu.Lock()
				since = time.Since(last)
				mu.Unlock()
			}
			return
		}
		event, err := cehttp.NewEventFromHTTPRequest(r)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		last, events[extension(*event, "sequence")] = time.Now(), *event
		w.WriteHeader(http.StatusAccepted)
	}))
	defer sink.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(sink.URL, "http://"), ":")

	machine := vm.Machine{
		Run: filepath.Join(dir, "guest"), Args: append([]string{"-sink", "http://10.0.2.2:" + port}, args...),
		Files: []string{filepath.Join(dir, "receive_adapter")}, Directory: dir,
	}
	// It takes about a minute, and many times that where the machine has other things to do.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	err = machine.Start(ctx)
	var p played
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	p.log = string(log)
	if keep := os.Getenv("VM_LOG"); keep != "" {
		if err := os.WriteFile(keep+strings.Join(args, ""), log, 0o600); err != nil {
			return p, err
		}
	}
	if err != nil {
		console, _ := os.ReadFile(filepath.Join(dir, "console"))
		return p, fmt.Errorf("%w; its log ends with:\n%s\nand its console with:\n%s", err, tail(p.log), tail(string(console)))
	}
	stdout, err := os.ReadFile(filepath.Join(dir, "stdout"))
	if err != nil {
		return p, err
	}
	for scanner := bufio.NewScanner(bytes.NewReader(stdout)); scanner.Scan(); {
		var m vm.Mark
		if err := json.Unmarshal(scanner.Bytes(), &m); err != nil {
			return p, fmt.Errorf("the guest said %q: %w", scanner.Text(), err)
		}
		p.marks = append(p.marks, m)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, e := range events {
		p.events = append(p.events, e)
	}
	slices.SortFunc(p.events, func(a, b cloudevents.Event) int {
		return strings.Compare(extension(a, "sequence"), extension(b, "sequence"))
	})
	return p, nil
}

func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

func extension(e cloudevents.Event, name string) string {
	s, _ := e.Extensions()[name].(string)
	return s
}

func kind(e cloudevents.Event) string {
	return strings.TrimPrefix(strings.TrimPrefix(e.Type(), "event.sync."), "com.github.eventing-ptp.")
}

func describe(e cloudevents.Event) string {
	return fmt.Sprintf("%s %s>%s %s", kind(e), extension(e, "previousstate"), extension(e, "ptpstate"), extension(e, "ptpreason"))
}

// offset returns the offset in the data of an event, if there is one.
func offset(t *testing.T, e cloudevents.Event) (time.Duration, bool) {
	t.Helper()
	var data struct {
		Values []struct {
			DataType string `json:"data_type"`
			Value    string `json:"value"`
		} `json:"values"`
	}
	if err := e.DataAs(&data); err != nil {
		t.Fatal(err)
	}
	for _, v := range data.Values {
		if v.DataType == "metric" {
			ns, err := strconv.ParseInt(v.Value, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return time.Duration(ns), true
		}
	}
	return 0, false
}

func start(t *testing.T) played {
	t.Helper()
	p, err := play()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// mark returns what was done under a name, and the events that followed until the next.
func (p played) mark(t *testing.T, name string) (vm.Mark, []cloudevents.Event) {
	t.Helper()
	n := slices.IndexFunc(p.marks, func(m vm.Mark) bool { return m.Name == name })
	if n < 0 {
		t.Fatalf("the guest has not done %q", name)
	}
	end := time.Unix(1<<40, 0)
	for _, m := range p.marks[n+1:] {
		if !m.Before.IsZero() { // it compares
			end = m.Before
			break
		}
	}
	var events []cloudevents.Event
	for _, e := range p.events {
		if at := e.Time(); !at.Before(p.marks[n].Before) && at.Before(end) {
			events = append(events, e)
		}
	}
	return p.marks[n], events
}

// first returns the first event that matches, and how long after the mark its change was
// observed, by the clock of the machine.
func first(t *testing.T, m vm.Mark, events []cloudevents.Event, kindOf string, match func(e cloudevents.Event) bool) (cloudevents.Event, time.Duration) {
	t.Helper()
	var came []string
	for _, e := range events {
		if kind(e) == kindOf && match(e) {
			return e, e.Time().Sub(m.After)
		}
		came = append(came, describe(e))
	}
	t.Fatalf("after %q no such %s; came: %q", m.Name, kindOf, came)
	return cloudevents.Event{}, 0
}

func leavesLocked(e cloudevents.Event) bool {
	return extension(e, "previousstate") == "LOCKED" && !becomesLocked(e)
}

func becomesLocked(e cloudevents.Event) bool { return extension(e, "ptpstate") == "LOCKED" }

// in checks how long something has taken.
func in(t *testing.T, what string, took, limit time.Duration) {
	t.Helper()
	t.Logf("%s: %s: %v", strings.TrimPrefix(t.Name(), "Test"), what, took)
	if took > limit {
		t.Errorf("%s took %v, and may take %v", what, took, limit)
	}
}

func TestResidualAgreesWithPHCCtl(t *testing.T) {
	p := start(t)
	for _, name := range []string{"residual", "residual at the end"} {
		m, _ := p.mark(t, name)
		theirs := m.Theirs.Abs() // by which the clock is ahead of UTC, whatever sign that gets
		t.Logf("%s: %v to %v, phc_ctl: %v", name, m.Ours[0], m.Ours[1], theirs)
		// phc_ctl reads both clocks one after the other, with system calls.
		const systemCalls = 20 * time.Microsecond
		if theirs < m.Ours[0]-systemCalls || theirs > m.Ours[1]+systemCalls {
			t.Errorf("%s: read as %v to %v, phc_ctl says %v", name, m.Ours[0], m.Ours[1], theirs)
		}
		if (m.Ours[0] - 37*time.Second).Abs() > time.Microsecond {
			t.Errorf("%s: %v, and the clocks follow each other 37 s apart", name, m.Ours[0])
		}
	}
}

func TestEverythingIsLockedAtStart(t *testing.T) {
	m, events := start(t).mark(t, "start")
	for _, k := range []string{lockState, osClock, "sync-status.synchronization-state-change"} {
		e, _ := first(t, m, events, k, func(cloudevents.Event) bool { return true })
		if !becomesLocked(e) {
			t.Errorf("the first event is %s", describe(e))
		}
		if off, ok := offset(t, e); ok != (k == lockState || k == osClock) || off.Abs() > time.Microsecond {
			t.Errorf("%s with an offset of %v: %v", describe(e), off, ok)
		}
	}
	for _, e := range events {
		if kind(e) == phcSet || extension(e, "previousstate") == "LOCKED" {
			t.Errorf("nothing has happened, and there is %s", describe(e))
		}
	}
}

func TestPHCStepped(t *testing.T) {
	m, events := start(t).mark(t, "phc stepped")
	e, took := first(t, m, events, phcSet, func(cloudevents.Event) bool { return true })
	in(t, "event after the step", took, pollInterval+10*time.Millisecond)
	by, err := strconv.Atoi(extension(e, "ptpstate"))
	if off := time.Duration(by) - time.Millisecond; err != nil || off.Abs() > 100*time.Microsecond || e.Subject() != "ptp2" {
		t.Errorf("%s of %s, want that ptp2 was stepped by 1 ms", describe(e), e.Subject())
	}
	_, took = first(t, m, events, lockState, leavesLocked)
	in(t, "lock-state is not LOCKED after", took, max(pollInterval, 3*ptp4lInterval)+10*time.Millisecond)
	_, took = first(t, m, events, osClock, leavesLocked)
	in(t, "os-clock-sync-state is not LOCKED after", took, max(pollInterval, 3*ptp4lInterval)+10*time.Millisecond)
	first(t, m, events, lockState, becomesLocked)
	first(t, m, events, osClock, becomesLocked)
	for _, other := range events {
		if kind(other) == phcSet && other.ID() != e.ID() {
			t.Errorf("there is another step, which is ptp4l slewing: %s", describe(other))
		}
	}
}

func TestPHCDrifts(t *testing.T) {
	m, events := start(t).mark(t, "phc drifts")
	first(t, m, events, lockState, leavesLocked)
	first(t, m, events, lockState, becomesLocked)
	for _, e := range events {
		if kind(e) == phcSet {
			t.Errorf("a clock that drifts was not set: %s", describe(e))
		}
	}
}

func TestPHC2Sys(t *testing.T) {
	for _, name := range []string{"phc2sys stopped", "phc2sys killed"} {
		t.Run(name, func(t *testing.T) {
			m, events := start(t).mark(t, name)
			_, took := first(t, m, events, osClock, leavesLocked)
			in(t, "os-clock-sync-state is not LOCKED after", took, 3*phc2sysPeriod+500*time.Millisecond)
			for _, e := range events {
				if kind(e) == lockState || kind(e) == phcSet {
					t.Errorf("ptp4l and its clock have nothing to do with it: %s", describe(e))
				}
			}
			m, events = start(t).mark(t, name+" over")
			first(t, m, events, osClock, becomesLocked)
		})
	}
}

func TestPTP4L(t *testing.T) {
	for _, tc := range []struct{ name, over string }{
		{"ptp4l stopped", "phc stepped while ptp4l is stopped over"},
		{"ptp4l killed", "ptp4l killed over"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, events := start(t).mark(t, tc.name)
			for _, k := range []string{lockState, osClock} {
				_, took := first(t, m, events, k, leavesLocked)
				in(t, k+" is not LOCKED after", took, 3*ptp4lInterval+500*time.Millisecond)
			}
			m, events = start(t).mark(t, tc.over)
			for _, k := range []string{lockState, osClock} {
				first(t, m, events, k, becomesLocked)
			}
		})
	}
}

func TestPHCSteppedWhilePTP4LIsStopped(t *testing.T) {
	m, events := start(t).mark(t, "phc stepped while ptp4l is stopped")
	for _, k := range []string{phcSet, lockState, osClock} {
		e, took := first(t, m, events, k, func(cloudevents.Event) bool { return true })
		in(t, describe(e)+" after", took, pollInterval+10*time.Millisecond)
		if k != phcSet && (extension(e, "ptpstate") != "FREERUN" || extension(e, "ptpreason") != "ClockStepped") {
			t.Errorf("%s, want that it is FREERUN because the clock was stepped", describe(e))
		}
	}
}

func TestOSClockStepped(t *testing.T) {
	m, events := start(t).mark(t, "os clock stepped")
	e, took := first(t, m, events, osSet, func(cloudevents.Event) bool { return true })
	in(t, "event after the step", took, 10*time.Millisecond)
	if by, err := strconv.Atoi(extension(e, "ptpstate")); err != nil || (time.Duration(by)-5*time.Second).Abs() > time.Millisecond {
		t.Errorf("%s, want that it was set by 5 s", describe(e))
	}
	_, took = first(t, m, events, osClock, leavesLocked)
	in(t, "os-clock-sync-state is not LOCKED after", took, 10*time.Millisecond)
	first(t, m, events, osClock, becomesLocked)
	for _, e := range events {
		if kind(e) == lockState || kind(e) == phcSet {
			t.Errorf("the hardware clock was not set: %s", describe(e))
		}
	}
}

func TestCablePulled(t *testing.T) {
	m, events := start(t).mark(t, "cable pulled")
	// QEMU does it a moment later, by its own time.
	for _, k := range []string{lockState, osClock} {
		_, took := first(t, m, events, k, leavesLocked)
		in(t, k+" is not LOCKED after", took, 2*time.Second)
	}
	m, events = start(t).mark(t, "cable pulled over")
	first(t, m, events, lockState, becomesLocked)
	first(t, m, events, osClock, becomesLocked)
}

func TestPHCGone(t *testing.T) {
	p := start(t)
	m, events := p.mark(t, "phc gone")
	first(t, m, events, lockState, leavesLocked)
	_, log, _ := strings.Cut(p.log, "guest: phc gone")
	if !strings.Contains(log, `"clocks":"[{ptp0 [eth0]} {ptp1 []} {ptp3 []}]"`) {
		t.Errorf("the adapter does not say which clocks are left; it says:\n%s", tail(log))
	}
}

// What ptp4l says besides its states is told where it is asked for.
func TestDetails(t *testing.T) {
	p := start(t)
	// Each is what has become of it, by the last words of its type, and by its previous state.
	for _, tc := range []struct {
		mark string
		want []string
	}{
		// The path delay is 0 in the machine, as if it were not measured.
		{"start", []string{"daemon-state >UP ptp4l", "grandmaster >525400.fffe.000002 ptp4l", "port-state >SLAVE ptp4l-1", "leap-second >NONE ptp4l"}},
		{"ptp4l stopped", []string{"daemon-state UP>DOWN ptp4l"}},
		{"ptp4l killed", []string{"daemon-state UP>DOWN ptp4l"}},
		{"ptp4l killed over", []string{"daemon-state DOWN>UP ptp4l"}},
		{"os clock stepped", nil},
		{"cable pulled", []string{"port-state SLAVE>FAULTY ptp4l-1"}},
		{"leap second announced", []string{"leap-second NONE>LEAP61 ptp4l"}},
		{"leap second announced over", []string{"leap-second LEAP61>NONE ptp4l"}},
	} {
		_, events := p.mark(t, tc.mark)
		var got []string
		for _, e := range events {
			if name, ok := strings.CutSuffix(kind(e), ".changed"); ok {
				got = append(got, fmt.Sprintf("%s %s>%s %s", name, extension(e, "previousstate"), extension(e, "ptpstate"), e.Subject()))
			}
		}
		for _, want := range tc.want {
			if !slices.Contains(got, want) {
				t.Errorf("%s: no %s in %q", tc.mark, want, got)
			}
		}
		if tc.want == nil && len(got) > 0 {
			t.Errorf("%s: nothing that ptp4l says has changed: %q", tc.mark, got)
		}
	}
}

// What was done to the clocks is in the metrics, and where they are now.
func TestMetrics(t *testing.T) {
	m, _ := start(t).mark(t, "metrics")
	value := func(metric, label string) float64 {
		for _, line := range m.Metrics {
			if name, rest, _ := strings.Cut(line, "{"); name == metric && strings.Contains(rest, label) {
				v, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
				if err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				return v
			}
		}
		t.Fatalf("no %s with %s in %q", metric, label, m.Metrics)
		return 0
	}
	const client = `ptp_device="ptp2"`
	if readable := value("ptp_hardware_clock_readable", client); readable != 1 {
		t.Errorf("the hardware clock is readable: %v", readable)
	}
	if residual := value("ptp_hardware_clock_residual_seconds", client); max(residual, -residual) > 1e-6 {
		t.Errorf("residual %v s, and the clocks follow each other", residual)
	}
	if steps := value("ptp_hardware_clock_steps_total", client); steps < 2 {
		t.Errorf("the hardware clock was set twice, and %v steps are counted", steps)
	}
	if steps := value("ptp_os_clock_steps_total", ""); steps < 2 {
		t.Errorf("the OS clock was set and set right again, and %v steps are counted", steps)
	}
}

// All watchers together, while all is well. The machine's processor does an instruction in 4 ns
// (vm.go): one that does only one in a nanosecond, which all of today's exceed, needs a quarter.
func TestCost(t *testing.T) {
	const slower = 4
	m, _ := start(t).mark(t, "cost")
	if m.During < time.Minute {
		t.Fatalf("it was measured for %v only", m.During)
	}
	mcore := 1000 * m.Used.Seconds() / m.During.Seconds() / slower
	t.Logf("all watchers at default settings, with four hardware clocks: %.2f mcore of a processor with 1 instruction per ns", mcore)
	const most = 2
	if mcore > most || mcore == 0 {
		t.Errorf("%v in %v are %.2f mcore, and may be %d", m.Used, m.During, mcore, most)
	}
}

func TestNothingWasLost(t *testing.T) {
	p := start(t)
	for n, e := range p.events {
		if sequence, err := strconv.Atoi(strings.TrimLeft(extension(e, "sequence"), "0")); err != nil || sequence != n+1 {
			t.Fatalf("event %d has the sequence %q", n+1, extension(e, "sequence"))
		}
		if kind(e) == "events.lost" {
			t.Errorf("events were lost: %s", describe(e))
		}
	}
}

// The random scripts. Another seed is other scripts.
const randomScripts, randomSeed = 6, 20261126

// TestRandomFaults breaks several parts of the machine at a time, in random ways: nothing is LOCKED
// while a link of its chain has been broken for longer than its bar, and everything is again when all
// is well. What it finds, pkg/clock/fault_test.go should find, too, in hundreds of simulated scripts.
func TestRandomFaults(t *testing.T) {
	p, err := scripts()
	if err != nil {
		t.Fatal(err)
	}
	// What the machine itself takes, and QEMU until it has pulled a cable.
	const slack, pull = 100 * time.Millisecond, 500 * time.Millisecond
	const stopped = 3*ptp4lInterval + 500*time.Millisecond
	feeds := map[string]time.Duration{"ptp4l": stopped + slack, "master": stopped + slack, "cable": stopped + pull}
	disciplines := map[string]time.Duration{"phc2sys": 3*phc2sysPeriod + 500*time.Millisecond + slack}
	maps.Copy(disciplines, feeds)
	checked, steps := 0, 0
	for _, c := range []struct {
		kind string
		bars map[string]time.Duration
	}{{lockState, feeds}, {osClock, disciplines}, {"sync-status.synchronization-state-change", disciplines}} {
		for part, bar := range c.bars {
			for n, m := range p.marks {
				if m.Part != part || !m.Broken {
					continue
				}
				again := slices.IndexFunc(p.marks[n:], func(m vm.Mark) bool { return m.Part == part && !m.Broken })
				if again < 0 {
					t.Fatalf("%s was never mended", m.Name)
				}
				mended := p.marks[n+again].Before
				for since, state := range p.states(c.kind, m.After.Add(bar), mended) {
					checked++
					if state == "LOCKED" {
						t.Errorf("%s: %s is LOCKED %v later, and may be for %v", m.Name, c.kind, since.Sub(m.After), bar)
					}
				}
			}
		}
		for _, m := range p.marks {
			if !strings.HasSuffix(m.Name, ": well") {
				continue
			}
			for _, state := range p.states(c.kind, m.Before, m.Before.Add(1)) {
				checked++
				if state != "LOCKED" {
					t.Errorf("%s: %s is %s", m.Name, c.kind, state)
				}
			}
		}
	}
	for _, m := range p.marks {
		if !strings.HasSuffix(m.Name, ": hardware clock stepped") {
			continue
		}
		by, err := time.ParseDuration(m.Part)
		if err != nil {
			t.Fatal(err)
		}
		steps++
		if !slices.ContainsFunc(p.events, func(e cloudevents.Event) bool {
			said, err := strconv.Atoi(extension(e, "ptpstate"))
			took := e.Time().Sub(m.After)
			return kind(e) == phcSet && err == nil && (time.Duration(said)-by).Abs() < by.Abs()/5 && took > -pollInterval && took < pollInterval+10*time.Millisecond
		}) {
			t.Errorf("%s by %v: no event in time", m.Name, by)
		}
	}
	t.Logf("%d scripts, %d comparisons, %d steps", randomScripts, checked, steps)
	if checked < 5*randomScripts || steps < randomScripts/4 {
		t.Errorf("%d comparisons and %d steps are too few", checked, steps)
	}
}

// states yields the states of a kind that there were between two times, and since when: the one at the
// beginning, and those that it became until the end.
func (p played) states(of string, from, to time.Time) func(yield func(time.Time, string) bool) {
	return func(yield func(time.Time, string) bool) {
		if !from.Before(to) {
			return
		}
		at, state := from, ""
		for _, e := range p.events {
			if kind(e) != of || !e.Time().Before(to) {
				continue
			}
			if e.Time().After(from) {
				if !yield(at, state) {
					return
				}
				at = e.Time()
			}
			state = extension(e, "ptpstate")
		}
		yield(at, state)
	}
}
