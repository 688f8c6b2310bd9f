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

package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

const follower = "ptp4l.0"

// versions runs a test on both linuxptp that behave differently: 3.1.1 pushes port
// states only, 4.2 pushes everything.
func versions(t *testing.T, test func(t *testing.T, version string)) {
	for _, v := range []string{"3.1.1", "4.2"} {
		t.Run(v, func(t *testing.T) { test(t, v) })
	}
}

// fault is something that goes wrong with a follower, and ends.
type fault struct {
	name     string
	do, undo []string // verbs of the lab
	want     func(received) bool
	reason   string
	// within is ten times what it should take.
	within time.Duration
	back   func(received) bool
}

func TestFollower(t *testing.T) {
	versions(t, func(t *testing.T, version string) {
		l := build(t, version, nil)
		s := newSink(t)
		a := startAdapter(t, s.URL, l.Sockets("follower"), settings(nil))
		first, _ := s.wait(t, 0, "first state", lockState(follower, "LOCKED"))
		if took := first.at.Sub(a.started); took > 5*time.Second {
			t.Errorf("first true state after %v", took)
		}
		_, _ = s.wait(t, 0, "clock class", clockClass("6"))
		_, seen := s.wait(t, 0, "sync state", syncState("LOCKED"))

		holdover, locked := lockState(follower, "HOLDOVER"), lockState(follower, "LOCKED")
		for _, f := range []fault{
			{"servo unlock", []string{"servo unlock follower"}, []string{"servo lock follower"}, holdover, "PortNotSlave", 2 * time.Second, locked},
			{"offset", []string{"offset follower 5ms"}, []string{"offset follower 0s"}, lockState(follower, "FREERUN"), "OffsetOutOfRange", 10 * time.Second, locked},
			{"class", []string{"class gm 7"}, []string{"class gm 6"}, clockClass("7"), "ParentClass", 10 * time.Second, clockClass("6")},
			{"frozen grandmaster", []string{"freeze gm"}, []string{"thaw gm"}, holdover, "", 10 * time.Second, locked},
			{"peer's link down", []string{"link down gm"}, []string{"link up gm"}, holdover, "PortNotSlave", 2 * time.Second, locked},
			{"own link down", []string{"link down follower"}, []string{"link up follower"}, holdover, "PortNotSlave", 2 * time.Second, locked},
			{"grandmaster killed", []string{"kill gm"}, []string{"restart gm"}, holdover, "", 10 * time.Second, locked},
			{"ptp4l killed", []string{"kill follower"}, []string{"restart follower", "servo lock follower"}, holdover, "", 10 * time.Second, locked},
			{"ptp4l stopped", []string{"stop follower"}, []string{"restart follower", "servo lock follower"}, holdover, "DaemonDown", 10 * time.Second, locked},
		} {
			t.Run(f.name, func(t *testing.T) {
				var at time.Time
				for _, verb := range f.do {
					at = do(t, l, verb)
				}
				e, n := s.wait(t, seen, f.name, f.want)
				took := e.at.Sub(at)
				t.Logf("%v after %v", e, took)
				if took > f.within {
					t.Errorf("took %v, want at most %v", took, f.within)
				}
				if f.reason != "" && e.extension("ptpreason") != f.reason {
					t.Errorf("reason %s, want %s", e.extension("ptpreason"), f.reason)
				}
				if e.Time().Before(at) || e.Time().After(e.at) {
					t.Errorf("time %v is not between the fault %v and the event %v", e.Time(), at, e.at)
				}
				for _, verb := range f.undo {
					do(t, l, verb)
				}
				_, seen = s.wait(t, n, "recovery from "+f.name, f.back)
				// The class and the node follow; wait for the last of them.
				_, n = s.wait(t, seen-1, "the state of the node", func(r received) bool {
					return syncState("LOCKED")(r) || f.name == "class"
				})
				seen = max(seen, n)
			})
		}
		a.stop(t)
		checkOrder(t, s.all())
		noSocketLeft(t, filepath.Dir(l.Sockets("follower")))
	})
}

// noSocketLeft checks that the adapter has removed its own socket.
func noSocketLeft(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, ".eventing-ptp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestHoldoverEndsInFreerun(t *testing.T) {
	versions(t, func(t *testing.T, version string) {
		l := build(t, version, nil)
		s := newSink(t)
		startAdapter(t, s.URL, l.Sockets("follower"), settings(nil))
		_, seen := s.wait(t, 0, "lock", syncState("LOCKED"))
		do(t, l, "link down gm")
		holdover, seen := s.wait(t, seen, "holdover", lockState(follower, "HOLDOVER"))
		class, _ := s.wait(t, 0, "own class", clockClass("255"))
		freerun, _ := s.wait(t, seen, "freerun", lockState(follower, "FREERUN"))
		if got := freerun.Time().Sub(holdover.Time()); got < 2990*time.Millisecond || got > 5*time.Second {
			t.Errorf("holdover lasted %v, want 3s", got)
		}
		if class.extension("previousstate") != "6" {
			t.Errorf("class %v, want from 6", class)
		}
		s.wait(t, seen, "freerun of the node", syncState("FREERUN"))
		checkOrder(t, s.all())
	})
}

func TestGrandmaster(t *testing.T) {
	versions(t, func(t *testing.T, version string) {
		l := build(t, version, nil)
		s := newSink(t)
		startAdapter(t, s.URL, l.Sockets("gm"), settings(nil))
		_, seen := s.wait(t, 0, "lock by class", lockState(follower, "LOCKED"))
		for _, step := range []struct{ class, state string }{{"7", "HOLDOVER"}, {"6", "LOCKED"}, {"248", "FREERUN"}} {
			do(t, l, "class gm "+step.class)
			e, n := s.wait(t, seen, "class "+step.class, lockState(follower, step.state))
			if e.extension("ptpreason") != "GrandmasterClass" {
				t.Errorf("reason %s, want GrandmasterClass", e.extension("ptpreason"))
			}
			_, _ = s.wait(t, n-1, "class "+step.class, clockClass(step.class))
			seen = n
		}
		checkOrder(t, s.all())
	})
}

func TestBoundaryClock(t *testing.T) {
	versions(t, func(t *testing.T, version string) {
		l := build(t, version, func(o *lab.Options) { o.Topology = lab.Chain })
		s := newSink(t)
		startAdapter(t, s.URL, l.Sockets("boundary"), settings(nil))
		_, seen := s.wait(t, 0, "lock", syncState("LOCKED"))
		before := len(s.all())

		do(t, l, "link down boundary/2") // downstream: no concern of its own state
		do(t, l, "link up boundary/2")
		time.Sleep(time.Second)
		if now := s.all(); len(now) != before {
			t.Errorf("the loss of a downstream link made events: %v", now[before:])
		}

		do(t, l, "kill gm")
		_, seen = s.wait(t, seen, "holdover", lockState(follower, "HOLDOVER"))
		_, _ = s.wait(t, before, "own class", clockClass("248"))
		_, seen = s.wait(t, seen, "freerun", lockState(follower, "FREERUN"))
		do(t, l, "restart gm")
		_, _ = s.wait(t, seen, "lock", lockState(follower, "LOCKED"))
		checkOrder(t, s.all())
	})
}

func TestGrandmasterSwitch(t *testing.T) {
	versions(t, func(t *testing.T, version string) {
		l := build(t, version, func(o *lab.Options) { o.Topology = lab.TwoGrandmasters })
		do(t, l, "class gm2 7")
		s := newSink(t)
		startAdapter(t, s.URL, l.Sockets("follower"), settings(nil))
		_, seen := s.wait(t, 0, "lock", syncState("LOCKED"))
		do(t, l, "priority1 gm2 90")
		_, seen = s.wait(t, seen, "the other grandmaster's class", clockClass("7"))
		do(t, l, "kill gm2")
		_, seen = s.wait(t, seen, "return to the first", clockClass("6"))
		e, _ := s.wait(t, seen-2, "lock", lockState(follower, "LOCKED"))
		if !strings.Contains(string(e.Data()), `"/cluster/node/n1/eth0/master"`) {
			t.Errorf("data %s, want the address of the port that is followed", e.Data())
		}
		checkOrder(t, s.all())
	})
}

func TestOfTwoFollowersOneMayBeLost(t *testing.T) {
	versions(t, func(t *testing.T, version string) {
		l := build(t, version, func(o *lab.Options) { o.Topology = lab.TwoFollowers })
		s := newSink(t)
		startAdapter(t, s.URL, l.Sockets("node"), settings(nil))
		_, seen := s.wait(t, 0, "lock of the second", lockState("ptp4l.1", "LOCKED"))
		_, _ = s.wait(t, 0, "lock of the first", lockState("ptp4l.0", "LOCKED"))
		_, _ = s.wait(t, 0, "lock of the node", syncState("LOCKED"))
		do(t, l, "kill gm1")
		_, seen = s.wait(t, seen, "freerun of the first", lockState("ptp4l.0", "FREERUN"))
		if got := slices.ContainsFunc(s.all(), func(r received) bool { return syncState("HOLDOVER")(r) || syncState("FREERUN")(r) }); got {
			t.Errorf("the node is not LOCKED although one follower is: %v", s.all())
		}
		do(t, l, "stop follower2")
		_, _ = s.wait(t, seen, "loss of the node", syncState("HOLDOVER"))
		checkOrder(t, s.all())
	})
}

// TestFrozenAdapterDoesNotStallPtp4l freezes the adapter for a minute, under TIME_SYNC
// pushes at 16/s, and watches ptp4l through another client meanwhile.
func TestFrozenAdapterDoesNotStallPtp4l(t *testing.T) {
	versions(t, func(t *testing.T, version string) {
		// Announce once a second: a busy machine must not look like a lost grandmaster.
		l := build(t, version, func(o *lab.Options) { o.LogSync, o.LogAnnounce = -4, 0 })
		s := newSink(t)
		a := startAdapter(t, s.URL, l.Sockets("follower"), settings(nil))
		_, seen := s.wait(t, 0, "lock", syncState("LOCKED"))
		// Samples that are calm are held back before they reach the adapter's queue. These
		// are not: the queue fills as fast as it ever can.
		do(t, l, "offset follower 5ms")
		_, seen = s.wait(t, seen, "freerun", syncState("FREERUN"))

		c, err := l.Clock("follower")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		other, err := pmc.Dial(ctx, pmc.Config{Socket: c.Socket()})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()

		if err := a.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		var slowest time.Duration
		var asked int
		var ingress int64
		last, gap := time.Now(), time.Duration(0)
		for frozen := time.Now(); time.Since(frozen) < time.Minute; time.Sleep(50 * time.Millisecond) {
			var ports pmc.PortDataSet
			var status pmc.TimeStatusNP
			before := time.Now()
			if err := other.Fetch(ctx, &ports); err != nil {
				t.Fatalf("after %v: ptp4l does not answer: %v", time.Since(frozen), err)
			}
			if err := other.Fetch(ctx, &status); err != nil {
				t.Fatalf("after %v: ptp4l does not answer: %v", time.Since(frozen), err)
			}
			slowest = max(slowest, time.Since(before))
			asked += 2
			if ports.PortState != pmc.PortSlave {
				t.Fatalf("after %v: port is %v", time.Since(frozen), ports.PortState)
			}
			if status.IngressTime != ingress {
				gap = max(gap, time.Since(last))
				ingress, last = status.IngressTime, time.Now()
			}
		}
		t.Logf("60 s frozen: %d of %d requests answered, slowest pair %v, longest time without a Sync %v", asked, asked, slowest, gap)
		if gap > 2*time.Second {
			t.Errorf("ptp4l processed no Sync for %v", gap)
		}
		if err := a.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}

		// The thawed adapter must see the present again.
		do(t, l, "offset follower 0s")
		_, seen = s.wait(t, seen, "lock after the thaw", lockState(follower, "LOCKED"))
		do(t, l, "servo unlock follower")
		s.wait(t, seen, "holdover after the thaw", lockState(follower, "HOLDOVER"))
		checkOrder(t, s.all())
	})
}

func TestKilledAdapterLeavesNothingForLong(t *testing.T) {
	l := build(t, "4.2", nil)
	s := newSink(t)
	a := startAdapter(t, s.URL, l.Sockets("follower"), settings(nil))
	s.wait(t, 0, "lock", syncState("LOCKED"))
	if err := a.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-a.ended

	seen := len(s.all())
	b := startAdapter(t, s.URL, l.Sockets("follower"), settings(nil))
	s.wait(t, seen, "lock", syncState("LOCKED"))
	left, err := filepath.Glob(filepath.Join(filepath.Dir(l.Sockets("follower")), ".eventing-ptp-*"))
	if err != nil || len(left) != 1 {
		t.Errorf("%v (%v), want the socket of the running adapter alone", left, err)
	}
	b.stop(t)
	noSocketLeft(t, filepath.Dir(l.Sockets("follower")))
}

func TestSinkThatFails(t *testing.T) {
	l := build(t, "4.2", nil)
	s := newSink(t)
	tries := map[string]int{}
	s.answer = func(e cloudevents.Event) int { // every event: 503, 500, 429, then taken
		tries[e.ID()]++
		return []int{503, 500, 429, 202}[min(tries[e.ID()], 4)-1]
	}
	startAdapter(t, s.URL, l.Sockets("follower"), settings(config{"delivery": config{"backoffDelay": "10ms"}}))
	_, seen := s.wait(t, 0, "lock", syncState("LOCKED"))
	do(t, l, "servo unlock follower")
	_, seen = s.wait(t, seen, "holdover", syncState("HOLDOVER"))
	do(t, l, "servo lock follower")
	s.wait(t, seen, "lock", syncState("LOCKED"))
	checkOrder(t, s.all())
	for id, n := range tries {
		if n != 4 {
			t.Errorf("event %s was tried %d times, want 4", id, n)
		}
	}
}

func TestPtp4lThatIsMissing(t *testing.T) {
	l := build(t, "4.2", nil)
	c, err := l.Clock("follower")
	if err != nil {
		t.Fatal(err)
	}
	do(t, l, "stop follower")
	s := newSink(t)
	a := startAdapter(t, s.URL, c.Socket(), settings(nil)) // named, not a pattern
	e, seen := s.wait(t, 0, "freerun", lockState(follower, "FREERUN"))
	if e.extension("ptpreason") != "DaemonDown" {
		t.Errorf("reason %s, want DaemonDown", e.extension("ptpreason"))
	}
	a.waitLog(t, "is ptp4l running?")
	do(t, l, "restart follower")
	do(t, l, "servo lock follower")
	s.wait(t, seen, "lock once it runs", lockState(follower, "LOCKED"))
	checkOrder(t, s.all())
}

func TestNoPtp4lAtAll(t *testing.T) {
	s := newSink(t)
	a := startAdapter(t, s.URL, filepath.Join(t.TempDir(), "ptp4l.*.socket"), settings(nil))
	e, _ := s.wait(t, 0, "freerun of the node", syncState("FREERUN"))
	if e.extension("ptpreason") != "NoInstance" || e.Subject() != "n1" {
		t.Errorf("reason %s of %s, want NoInstance of n1", e.extension("ptpreason"), e.Subject())
	}
	a.waitLog(t, "no ptp4l found")
}

func TestWrongDomain(t *testing.T) {
	l := build(t, "4.2", func(o *lab.Options) { o.Domain = 24 })
	s := newSink(t)
	a := startAdapter(t, s.URL, l.Sockets("follower"), settings(config{"linuxptp": config{"domain": 25}}))
	s.wait(t, 0, "freerun", lockState(follower, "FREERUN"))
	a.waitLog(t, "domain 25")
	a.stop(t)

	seen := len(s.all())
	startAdapter(t, s.URL, l.Sockets("follower"), settings(nil)) // nothing said: found out
	s.wait(t, seen, "lock", lockState(follower, "LOCKED"))
}

func TestNoPermission(t *testing.T) {
	l := build(t, "4.2", nil)
	c, err := l.Clock("follower")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(c.Socket())
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	s := newSink(t)
	const nobody = 65532
	asNobody := func(c *exec.Cmd) { c.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody} }
	a := startAdapter(t, s.URL, l.Sockets("follower"), settings(nil), asNobody)
	e, seen := s.wait(t, 0, "freerun", lockState(follower, "FREERUN"))
	if e.extension("ptpreason") != "DaemonDown" {
		t.Errorf("reason %s, want DaemonDown", e.extension("ptpreason"))
	}
	a.waitLog(t, "permission denied")

	// The remedy that the message names: the group of the socket.
	if err := os.Chown(c.Socket(), 0, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 0, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o775); err != nil {
		t.Fatal(err)
	}
	s.wait(t, seen, "lock", lockState(follower, "LOCKED"))
}

func TestHungPtp4l(t *testing.T) {
	l := build(t, "4.2", nil)
	s := newSink(t)
	startAdapter(t, s.URL, l.Sockets("follower"), settings(nil))
	_, seen := s.wait(t, 0, "lock", syncState("LOCKED"))
	at := do(t, l, "freeze follower")
	e, seen := s.wait(t, seen, "holdover", lockState(follower, "HOLDOVER"))
	if took := e.at.Sub(at); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	_, seen = s.wait(t, seen, "freerun", lockState(follower, "FREERUN"))
	do(t, l, "thaw follower")
	s.wait(t, seen, "lock", lockState(follower, "LOCKED"))
	checkOrder(t, s.all())
}
