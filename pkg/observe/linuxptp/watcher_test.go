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

package linuxptp

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// recorder keeps the observations of a watcher, one line each.
type recorder struct {
	mu    sync.Mutex
	lines []string
	logs  *observer.ObservedLogs
}

func describe(o clock.Observation) string {
	s := o.Instance + " "
	switch f := o.Fact.(type) {
	case clock.Inventory:
		return fmt.Sprintf("inventory %v", f.Instances)
	case clock.Reading:
		s += fmt.Sprintf("reading own=%v parent=%v", f.Local.Class, f.Parent.Class)
		for _, p := range f.Ports {
			s += fmt.Sprintf(" %d:%s:%v", p.Number, p.Interface, p.State)
			if p.HardwareClock != "" {
				s += ":" + p.HardwareClock
			}
		}
	case clock.Local:
		s += fmt.Sprintf("own %v", f.Class)
	case clock.TimeProperties:
		s += fmt.Sprintf("scale tai=%v %v", f.PTP, f.UTCOffset)
	case clock.Parent:
		s += fmt.Sprintf("parent %v", f.Class)
	case clock.Port:
		s += fmt.Sprintf("port %d:%s:%v", f.Number, f.Interface, f.State)
	case clock.Sync:
		s += fmt.Sprintf("sync %d", f.Offset.Nanoseconds())
	case clock.PathDelay:
		s += fmt.Sprintf("delay %v", f.Delay)
	case clock.Silence:
		s += "silence"
	case clock.Down:
		s += "down " + f.Cause
	}
	return s
}

func (r *recorder) emit(o clock.Observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, describe(o))
}

func (r *recorder) since(from int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines[from:])
}

// wait waits for a line that starts with want behind the first from ones, and returns how
// many lines there are up to it.
func (r *recorder) wait(t *testing.T, from int, want string) int {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		lines := r.since(from)
		if n := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, want) }); n >= 0 {
			return from + n + 1
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %q within %v; came: %q", want, patience, lines)
		}
	}
}

// none checks that none of the lines behind the first from ones starts with what.
func (r *recorder) none(t *testing.T, from int, what ...string) {
	t.Helper()
	for _, l := range r.since(from) {
		if slices.ContainsFunc(what, func(w string) bool { return strings.HasPrefix(l, w) }) {
			t.Errorf("observed %q", l)
		}
	}
}

// watch runs a watcher until the test ends.
func watch(t *testing.T, c Config) *recorder {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	r := &recorder{logs: logs}
	w, err := NewWatcher(c, time.Now(), r.emit, zap.New(core).Sugar())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(t.Context())
	}()
	t.Cleanup(func() { // after t.Context has ended
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("the watcher does not end with its context")
		}
	})
	return r
}

// simulate runs a slave-only ptp4l with eight Syncs and 16 Announces a second until the
// test ends. It is SLAVE within a fraction of a second.
func simulate(t *testing.T, socket string, change func(*simulator.Clock)) *simulator.Simulator {
	t.Helper()
	c := simulator.DefaultClock()
	c.SlaveOnly = true
	c.Announce.Interval = 62500 * time.Microsecond
	if change != nil {
		change(&c)
	}
	s, err := simulator.New(simulator.Config{Socket: socket, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func config(sockets ...string) Config {
	c := DefaultConfig()
	c.Sockets = sockets
	return c
}

func TestFollowerIsObserved(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.1.1", "4.0", "4.2", "4.4"} {
		t.Run(version, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
			s := simulate(t, socket, func(c *simulator.Clock) { setVersion(t, c, version) })
			r := watch(t, config(socket))
			n := r.wait(t, 0, "inventory [ptp4l.0]")
			n = r.wait(t, n, "ptp4l.0 reading own=255 parent=255 1:ens1f0:LISTENING")
			n = r.wait(t, n, "ptp4l.0 port 1:ens1f0:SLAVE")
			n = r.wait(t, n, "ptp4l.0 delay 2.874µs")
			n = r.wait(t, n, "ptp4l.0 sync")

			s.SetClass(7)
			n = r.wait(t, n, "ptp4l.0 parent 7")
			s.SetOffset(900)
			n = r.wait(t, n, "ptp4l.0 sync 9")
			s.ServoUnlock()
			n = r.wait(t, n, "ptp4l.0 port 1:ens1f0:UNCALIBRATED")
			s.ServoLock()
			n = r.wait(t, n, "ptp4l.0 port 1:ens1f0:SLAVE")
			n = r.wait(t, n, "ptp4l.0 parent 7") // never an old parent after a port has changed
			s.LinkDown(1)
			n = r.wait(t, n, "ptp4l.0 port 1:ens1f0:FAULTY")
			faulty := n
			s.LinkUp(1)
			n = r.wait(t, n, "ptp4l.0 port 1:ens1f0:SLAVE")
			if lines := r.since(faulty)[:n-faulty]; slices.Contains(lines, "ptp4l.0 delay 2.874µs") {
				t.Errorf("the delay of a lost path is reported: %q", lines)
			}
			r.none(t, 0, "ptp4l.0 down", "ptp4l.0 silence")
		})
	}
}

func TestHardwareClocksAndTimescaleAreObserved(t *testing.T) {
	t.Parallel()
	state := regexp.MustCompile(`:[A-Z_]+`)
	for _, tc := range []struct{ version, ports string }{
		{"4.4", " 1:ens1f0:ptp2 2:ens1f1:none"},
		{"4.0", " 1:ens1f0:ptp2 2:ens1f1:none"},
		// It does not tell which, but that the kernel stamps the messages of the other.
		{"3.1.1", " 1:ens1f0 2:ens1f1:none"},
	} {
		t.Run(tc.version, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
			simulate(t, socket, func(c *simulator.Clock) {
				setVersion(t, c, tc.version)
				c.Ports[0].PHC = 2
				c.Ports = append(c.Ports, simulator.Port{Interface: "ens1f1", PHC: -1})
			})
			r := watch(t, config(socket))
			n := r.wait(t, 0, "ptp4l.0 reading")
			if line := r.since(n - 1)[0]; !strings.HasSuffix(state.ReplaceAllString(line, ""), tc.ports) {
				t.Errorf("read %q, want ports%s", line, tc.ports)
			}
			r.wait(t, 0, "ptp4l.0 scale tai=true 37s") // that of its master, once it has one
		})
	}
}

func TestSilenceIsReportedOnce(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.1.1", "4.2"} {
		t.Run(version, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
			s := simulate(t, socket, func(c *simulator.Clock) {
				setVersion(t, c, version)
				c.Announce.Timeout = 100 // the port stays SLAVE: only the silence tells
			})
			r := watch(t, config(socket))
			n := r.wait(t, 0, "ptp4l.0 sync")
			s.Silence()
			n = r.wait(t, n, "ptp4l.0 silence")
			time.Sleep(1200 * time.Millisecond) // more than two time-outs
			r.none(t, n, "ptp4l.0 silence", "ptp4l.0 sync")
			s.Resume()
			n = r.wait(t, n, "ptp4l.0 sync")
			s.Silence()
			r.wait(t, n, "ptp4l.0 silence")
		})
	}
}

func TestLostPushesAreMadeUpForByAReading(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
	s := simulate(t, socket, nil)
	r := watch(t, config(socket))
	slave := r.wait(t, 0, "ptp4l.0 port 1:ens1f0:SLAVE")
	n := r.wait(t, slave, "ptp4l.0 sync")
	s.DropPush(3)
	r.wait(t, n, "ptp4l.0 reading own=255 parent=6 1:ens1f0:SLAVE")
	r.none(t, 0, "ptp4l.0 silence", "ptp4l.0 down")
}

func TestBadFramesAreIgnored(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
	s := simulate(t, socket, nil)
	r := watch(t, config(socket))
	slave := r.wait(t, 0, "ptp4l.0 port 1:ens1f0:SLAVE")
	n := r.wait(t, slave, "ptp4l.0 sync")
	for range 20 {
		s.BadFrames()
	}
	for range 8 {
		n = r.wait(t, n, "ptp4l.0 sync")
	}
	polled := r.wait(t, n, "ptp4l.0 own") // the next poll
	r.wait(t, polled, "ptp4l.0 delay 2.874µs")
	if n := r.logs.FilterMessageSnippet("cannot be read; they were ignored").Len(); n < 1 || n > 2 {
		t.Errorf("%d lines tell of the bad frames, want one, or two if they came in two lots", n)
	}
	r.none(t, slave, "ptp4l.0 silence", "ptp4l.0 down", "ptp4l.0 port 1:ens1f0:F", "ptp4l.0 port 1:ens1f0:U", "ptp4l.0 port 2")
}

func TestPtp4lComesAndGoes(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
	r := watch(t, config(socket))
	n := r.wait(t, 0, "inventory [ptp4l.0]") // it was named, so it is awaited
	n = r.wait(t, n, "ptp4l.0 down connect to ptp4l at "+socket+": no such file or directory (is ptp4l running?")

	s := simulate(t, socket, nil)
	began := time.Now()
	n = r.wait(t, n, "ptp4l.0 reading")
	if took := time.Since(began); took > 900*time.Millisecond {
		t.Errorf("noticed after %v, which is the retry and not the new socket", took)
	}
	n = r.wait(t, n, "ptp4l.0 sync")

	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	n = r.wait(t, n, "ptp4l.0 down")
	n = r.wait(t, n, "ptp4l.0 reading")
	n = r.wait(t, n, "ptp4l.0 sync")

	s.Crash()
	n = r.wait(t, n, "ptp4l.0 down")
	n = r.wait(t, n, "ptp4l.0 down connect to ptp4l at "+socket+": connection refused")
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	n = r.wait(t, n, "ptp4l.0 reading")

	s.Hang()
	n = r.wait(t, n, "ptp4l.0 down")
	s.Unhang()
	r.wait(t, n, "ptp4l.0 reading")
	if got := r.logs.FilterMessage("ptp4l cannot be read").Len(); got > 8 {
		t.Errorf("%d warnings; one for each new cause is enough: %v", got, r.logs.All())
	}
}

func TestInstancesAreFoundByPattern(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := watch(t, config(filepath.Join(dir, "ptp4l*")))
	n := r.wait(t, 0, "inventory []")
	if r.logs.FilterMessageSnippet("no ptp4l found").Len() != 1 {
		t.Errorf("nobody was told that there is no ptp4l: %v", r.logs.All())
	}
	if err := os.WriteFile(filepath.Join(dir, "ptp4l.conf"), nil, 0o600); err != nil { // matches, but is no socket
		t.Fatal(err)
	}
	first := simulate(t, filepath.Join(dir, "ptp4l.0.socket"), nil)
	n = r.wait(t, n, "inventory [ptp4l.0]")
	n = r.wait(t, n, "ptp4l.0 sync")
	second := simulate(t, filepath.Join(dir, "ptp4l.1.socket"), func(c *simulator.Clock) { c.Ports[0].Interface = "ens2f0" })
	n = r.wait(t, n, "inventory [ptp4l.0 ptp4l.1]")
	n = r.wait(t, n, "ptp4l.1 reading own=255 parent=255 1:ens2f0:LISTENING")
	first.Stop()
	n = r.wait(t, n, "inventory [ptp4l.1]")
	before := n
	n = r.wait(t, n, "ptp4l.1 sync")
	r.none(t, before, "ptp4l.0")
	second.Stop()
	r.wait(t, n, "inventory []")
}

func TestReadOnlySocketIsPolled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := simulator.DefaultClock()
	c.SlaveOnly = true
	c.Announce.Interval = 62500 * time.Microsecond
	s, err := simulator.New(simulator.Config{Socket: filepath.Join(dir, "rw"), ReadOnlySocket: filepath.Join(dir, "ptp4lro"), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	r := watch(t, config(filepath.Join(dir, "ptp4lro"))) // by name; a pattern passes it over
	n := r.wait(t, 0, "ptp4lro port 1::SLAVE")
	n = r.wait(t, n, "ptp4lro sync")
	s.ServoUnlock()
	n = r.wait(t, n, "ptp4lro port 1::UNCALIBRATED")
	s.SetClass(7)
	r.wait(t, n, "ptp4lro parent 7")
	if got := (&finder{patterns: []string{filepath.Join(dir, "ptp4l*")}, named: true}).find(); len(got) != 0 {
		t.Errorf("a pattern finds the read-only socket %v, which is the same clock once more", got)
	}
}

func TestFastSyncIsPolledInsteadOfPushed(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
	simulate(t, socket, func(c *simulator.Clock) { c.Sync.Interval = time.Second / 128 })
	r := watch(t, config(socket))
	n := r.wait(t, 0, "ptp4l.0 port 1:ens1f0:SLAVE")
	began := time.Now()
	for range 10 {
		n = r.wait(t, n, "ptp4l.0 sync")
	}
	if took := time.Since(began); took < 8*fastestPoll {
		t.Errorf("10 offsets in %v: they are pushed, which a frozen adapter could stall ptp4l with", took)
	}
	r.none(t, 0, "ptp4l.0 down", "ptp4l.0 silence")
}

func TestWrongDomainIsSaid(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
	simulate(t, socket, func(c *simulator.Clock) { c.Domain = 24 })
	c := config(socket)
	domain := uint8(25)
	c.Domain = &domain
	r := watch(t, c)
	r.wait(t, 0, "ptp4l.0 down connect to ptp4l at "+socket+": no answer from ptp4l: tried domain 25")
	found := watch(t, config(socket))
	found.wait(t, 0, "ptp4l.0 reading")
}

func TestNamesAreShortAndUnique(t *testing.T) {
	w := &Watcher{names: map[string]string{}}
	for _, tc := range []struct{ path, want string }{
		{"/var/run/ptp4l", "ptp4l"},
		{"/var/run/ptp4l.0.socket", "ptp4l.0"},
		{"/var/run/ptp/ptp4l", "ptp.ptp4l"},
		{"/srv/ptp/ptp4l", "srv.ptp.ptp4l"},
		{"/var/run/ptp4l", "ptp4l"},
	} {
		if got := w.name(tc.path); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.path, got, tc.want)
		}
	}
}

func TestLogInterval(t *testing.T) {
	for l, want := range map[int8]time.Duration{
		0: time.Second, 1: 2 * time.Second, -3: 125 * time.Millisecond, -4: 62500 * time.Microsecond,
		-7: 7812500 * time.Nanosecond, 127: time.Second, -128: time.Second,
	} {
		if got := logInterval(l); got != want {
			t.Errorf("2^%d s: %v, want %v", l, got, want)
		}
	}
}

func setVersion(t *testing.T, c *simulator.Clock, version string) {
	t.Helper()
	if err := c.Version.UnmarshalJSON([]byte(`"` + version + `"`)); err != nil {
		t.Fatal(err)
	}
}
