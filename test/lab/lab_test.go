//go:build lab

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

package lab_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

// tested are the linuxptp versions that the tests run on: the oldest and the
// newest that a released Debian has.
var tested = []string{"3.1.1", "4.2"}

// patience is how long a test waits for what takes ptp4l a second at most.
const patience = 20 * time.Second

func options(version string) lab.Options {
	o := lab.DefaultOptions()
	o.Version = version
	o.LogAnnounce = -3
	return o
}

func build(t *testing.T, o lab.Options) *lab.Lab {
	t.Helper()
	began := time.Now()
	l, err := lab.Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("built in %v", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func clock(t *testing.T, l *lab.Lab, name string) *lab.Clock {
	t.Helper()
	c, err := l.Clock(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func do(t *testing.T, l *lab.Lab, line string) time.Time {
	t.Helper()
	at, err := l.Do(t.Context(), line)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// until waits until a clock's status is as wanted and logs how long after at
// that was.
func until(t *testing.T, c *lab.Clock, at time.Time, what string, ok func(lab.Status) bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		s, err := c.Status(t.Context())
		if err == nil && ok(s) {
			t.Logf("%s: %s after %v", c.Name(), what, time.Since(at).Round(100*time.Microsecond))
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not %s within %v: %+v %v", c.Name(), what, patience, s, err)
		}
		time.Sleep(time.Millisecond)
	}
}

func untilState(t *testing.T, c *lab.Clock, at time.Time, want pmc.PortState) {
	t.Helper()
	until(t, c, at, want.String(), func(s lab.Status) bool { return slices.Contains(s.Ports, want) })
}

func TestBuild(t *testing.T) {
	t.Parallel()
	states := map[lab.Topology]string{
		lab.TwoClocks:       "gm[MASTER] follower[SLAVE]",
		lab.Chain:           "gm[MASTER] boundary[SLAVE MASTER] follower[SLAVE]",
		lab.TwoGrandmasters: "gm1[MASTER] gm2[MASTER] follower[SLAVE LISTENING]",
		lab.TwoFollowers:    "gm1[MASTER] gm2[MASTER] follower1[SLAVE] follower2[SLAVE]",
	}
	for _, version := range tested {
		for _, transport := range []lab.Transport{lab.L2, lab.UDPv4} {
			for _, topology := range lab.Topologies() {
				t.Run(fmt.Sprintf("%s/%s/%s", version, transport, topology), func(t *testing.T) {
					t.Parallel()
					o := options(version)
					o.Topology, o.Transport, o.Domain, o.ClockClass = topology, transport, 24, 7
					l := build(t, o)
					var got []string
					for _, c := range l.Clocks() {
						s, err := c.Status(t.Context())
						if err != nil {
							t.Fatal(err)
						}
						got = append(got, fmt.Sprintf("%s%v", c.Name(), s.Ports))
						if s.GrandmasterClass != 7 {
							t.Errorf("%s: grandmaster class %d, want 7", c.Name(), s.GrandmasterClass)
						}
					}
					if got := strings.Join(got, " "); got != states[topology] {
						t.Errorf("got %s, want %s", got, states[topology])
					}
				})
			}
		}
	}
}

func TestSocketsOfANode(t *testing.T) {
	t.Parallel()
	o := options("4.2")
	o.Topology, o.Dir = lab.TwoFollowers, t.TempDir()
	l := build(t, o)
	got, err := filepath.Glob(l.Sockets("node"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{clock(t, l, "follower1").Socket(), clock(t, l, "follower2").Socket()}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := lab.Build(t.Context(), o); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second lab in the same directory: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestVerbs plays every fault on one lab, one after the other.
func TestVerbs(t *testing.T) {
	t.Parallel()
	for _, version := range tested {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			l := build(t, options(version))
			gm, follower := clock(t, l, "gm"), clock(t, l, "follower")
			class := func(want uint8) func(lab.Status) bool {
				return func(s lab.Status) bool { return s.GrandmasterClass == want }
			}
			offset := func(want time.Duration) func(lab.Status) bool {
				return func(s lab.Status) bool { return (s.Offset - want).Abs() < 20*time.Microsecond }
			}

			until(t, follower, do(t, l, "class gm 7"), "class 7", class(7))
			until(t, follower, do(t, l, "class gm 6"), "class 6", class(6))

			untilState(t, follower, do(t, l, "servo unlock follower"), pmc.PortUncalibrated)
			untilState(t, follower, do(t, l, "servo lock follower"), pmc.PortSlave)

			until(t, follower, do(t, l, "offset follower 100us"), "offset 100us", offset(100*time.Microsecond))
			until(t, follower, do(t, l, "offset follower -37s"), "offset -37s", offset(-37*time.Second))
			until(t, follower, do(t, l, "offset follower 0s"), "offset 0s", offset(0))

			untilState(t, follower, do(t, l, "freeze gm"), pmc.PortListening)
			untilState(t, follower, do(t, l, "thaw gm"), pmc.PortSlave)

			untilState(t, follower, do(t, l, "link down follower"), pmc.PortFaulty)
			untilState(t, follower, do(t, l, "link up follower"), pmc.PortSlave)
			untilState(t, follower, do(t, l, "link down gm"), pmc.PortFaulty)
			untilState(t, follower, do(t, l, "link up gm"), pmc.PortSlave)

			untilState(t, follower, do(t, l, "kill gm"), pmc.PortListening)
			untilState(t, follower, do(t, l, "restart gm"), pmc.PortSlave)

			before := follower.Pid()
			at := do(t, l, "restart follower")
			t.Logf("follower: answers again after %v", time.Since(at))
			untilState(t, follower, at, pmc.PortSlave)
			if now := follower.Pid(); now == before || now == 0 {
				t.Errorf("pid %d after a restart of %d", now, before)
			}

			do(t, l, "stop follower")
			if pid := follower.Pid(); pid != 0 {
				t.Errorf("pid %d after stop", pid)
			}
			if _, err := os.Stat(follower.Socket()); err == nil {
				t.Error("the socket is there after stop")
			}
			if _, err := gm.Freeze(); err != nil {
				t.Error(err)
			}
			if _, err := gm.Kill(); err != nil {
				t.Errorf("kill while frozen: %v", err)
			}
			if _, err := os.Stat(gm.Socket()); err != nil {
				t.Errorf("the socket is gone after kill: %v", err)
			}
		})
	}
}

func TestTheBetterPriorityWins(t *testing.T) {
	t.Parallel()
	for _, version := range tested {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			o := options(version)
			o.Topology = lab.TwoGrandmasters
			l := build(t, o)
			at := do(t, l, "priority1 gm1 200")
			until(t, clock(t, l, "follower"), at, "on port 2, priority1 110", func(s lab.Status) bool {
				return s.GrandmasterPriority1 == 110 && s.Ports[1] == pmc.PortSlave
			})
		})
	}
}

func TestAFollowerThatMayTakesOver(t *testing.T) {
	t.Parallel()
	for _, version := range tested {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			o := options(version)
			o.SlaveOnly = false
			l := build(t, o)
			untilState(t, clock(t, l, "follower"), do(t, l, "kill gm"), pmc.PortMaster)
		})
	}
}

func TestLinkInTheMiddleOfAChain(t *testing.T) {
	t.Parallel()
	o := options("4.2")
	o.Topology = lab.Chain
	l := build(t, o)
	boundary, follower := clock(t, l, "boundary"), clock(t, l, "follower")
	if got, want := boundary.Ports()[1].Peer(), follower.Port(); got != want {
		t.Fatalf("port 2 of the boundary clock is cabled to %v, want %v", got, want)
	}
	at := do(t, l, "link down boundary/2")
	untilState(t, follower, at, pmc.PortFaulty)
	s, err := boundary.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Ports[0] != pmc.PortSlave {
		t.Errorf("port 1 of the boundary clock is %v, want SLAVE", s.Ports[0])
	}
}

func TestErrorsNameClockAndVerb(t *testing.T) {
	t.Parallel()
	l := build(t, options("4.2"))
	do(t, l, "freeze gm")
	do(t, l, "stop follower")
	for _, test := range []struct{ line, want string }{
		{"freeze gm", "freeze gm: it is frozen already"},
		{"stop gm", "stop gm: ptp4l is frozen"},
		{"class gm 7", "set the clock class of gm: ptp4l is frozen"},
		{"kill follower", "kill follower: ptp4l does not run (exit status 0)"},
		{"thaw follower", "thaw follower: ptp4l does not run"},
		{"wait follower SLAVE", "wait for follower to be SLAVE, it is []: ptp4l does not run"},
	} {
		if _, err := l.Do(t.Context(), test.line); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v does not contain %q", test.line, err, test.want)
		}
	}
}

func TestRestartQuotesTheLog(t *testing.T) {
	t.Parallel()
	l := build(t, options("4.2"))
	gm := clock(t, l, "gm")
	if err := os.WriteFile(gm.Config(), []byte("[global]\npriority1 256\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := gm.Restart(t.Context())
	if err == nil || !strings.Contains(err.Error(), "restart gm: ") || !strings.Contains(err.Error(), "256 is an out of range value") {
		t.Errorf("error %v does not quote ptp4l", err)
	}
}

func TestBuildEndsWithItsContext(t *testing.T) {
	t.Parallel()
	o := options("4.2")
	o.LogAnnounce = 4 // nobody is SLAVE for a minute
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := lab.Build(ctx, o)
	if err == nil || !strings.Contains(err.Error(), "wait for follower to be SLAVE, it is [LISTENING]") {
		t.Errorf("error %v does not say what was waited for", err)
	}
}

func TestFindFetchesOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	found := make(chan lab.Linuxptp, 2)
	for range 2 {
		go func() {
			l, err := lab.Find(t.Context(), "4.2")
			if err != nil {
				t.Error(err)
			}
			found <- l
		}()
	}
	first, second := <-found, <-found
	if first.Path() != second.Path() || first.Version != "4.2" {
		t.Errorf("found %v and %v", first, second)
	}
}
