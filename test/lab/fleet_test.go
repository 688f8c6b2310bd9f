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
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
	"github.com/eventing-ptp/eventing-ptp/test/lab"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// machine starts a process that has the namespaces of a machine, with /var/run/ptp in its own
// mounts only. It ends with the test, or with its input when this process is killed.
func machine(t *testing.T, name string) lab.Machine {
	t.Helper()
	dir := t.TempDir()
	const script = `mount -t tmpfs machine /var/run && mkdir /var/run/ptp && mount --bind "$0" /var/run/ptp && echo up && exec cat`
	cmd := exec.Command("unshare", "--net", "--mount", "sh", "-c", script, dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "up\n" {
		t.Fatalf("machine %s says %q: %v", name, line, err)
	}
	return lab.Machine{Name: name, Pid: cmd.Process.Pid, Dir: dir}
}

// interfacesOf returns the names of a machine's interfaces, without the loopback's.
func interfacesOf(t *testing.T, m lab.Machine) []string {
	t.Helper()
	ns, err := sandbox.JoinNamespace(m.Pid)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	err = ns.Do(func() error {
		all, err := net.Interfaces()
		for _, i := range all {
			if i.Name != "lo" {
				names = append(names, i.Name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := ns.Close(); err != nil {
		t.Error(err)
	}
	return names
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestVerbsOfAFleet plays the faults of machines, one after the other.
func TestVerbsOfAFleet(t *testing.T) {
	t.Parallel()
	for _, version := range tested {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			n1, n2 := machine(t, "n1"), machine(t, "n2")
			n2.Followers = 2
			o := options(version)
			o.Topology, o.Machines = lab.Fleet, []lab.Machine{n1, n2}
			l := build(t, o)
			gm, first, second, other := clock(t, l, "gm"), clock(t, l, "n1"), clock(t, l, "n2"), clock(t, l, "n2.1")
			stays := func(clocks ...*lab.Clock) {
				t.Helper()
				for _, c := range clocks {
					if s, err := c.Status(t.Context()); err != nil || s.Ports[0] != pmc.PortSlave {
						t.Errorf("%s is %v: %v", c.Name(), s.Ports, err)
					}
				}
			}

			if got, want := l.Sockets("n2"), "/var/run/ptp/ptp4l.*.socket"; got != want {
				t.Errorf("sockets %s, want %s", got, want)
			}
			if got, want := interfacesOf(t, n2), []string{"ptp0", "ptp1"}; !slices.Equal(got, want) {
				t.Errorf("interfaces %v, want %v", got, want)
			}

			until(t, other, do(t, l, "class gm 7"), "class 7", func(s lab.Status) bool { return s.GrandmasterClass == 7 })
			until(t, first, do(t, l, "priority1 gm 90"), "priority1 90", func(s lab.Status) bool { return s.GrandmasterPriority1 == 90 })

			untilState(t, first, do(t, l, "servo unlock n1"), pmc.PortUncalibrated)
			stays(second, other)
			untilState(t, first, do(t, l, "servo lock n1"), pmc.PortSlave)

			until(t, second, do(t, l, "offset n2 300us"), "offset 300us", func(s lab.Status) bool {
				return (s.Offset - 300*time.Microsecond).Abs() < 20*time.Microsecond
			})
			do(t, l, "offset n2 0s")

			untilState(t, first, do(t, l, "link down n1"), pmc.PortFaulty)
			stays(second, other)
			untilState(t, first, do(t, l, "link up n1"), pmc.PortSlave)
			untilState(t, other, do(t, l, "link down gm/3"), pmc.PortFaulty)
			stays(first, second)
			untilState(t, other, do(t, l, "link up gm/3"), pmc.PortSlave)

			at := do(t, l, "freeze gm")
			untilState(t, first, at, pmc.PortListening)
			untilState(t, second, at, pmc.PortListening)
			at = do(t, l, "thaw gm")
			untilState(t, first, at, pmc.PortSlave)
			untilState(t, second, at, pmc.PortSlave)

			do(t, l, "kill n2.1")
			if pid := other.Pid(); pid != 0 {
				t.Errorf("pid %d after kill", pid)
			}
			stays(first, second)
			untilState(t, other, do(t, l, "restart n2.1"), pmc.PortSlave)

			before := gm.Pid()
			untilState(t, first, do(t, l, "restart gm"), pmc.PortSlave)
			if now := gm.Pid(); now == before || now == 0 {
				t.Errorf("pid %d after a restart of %d", now, before)
			}
		})
	}
}

func TestAMachineIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	n1 := machine(t, "n1")
	if err := os.WriteFile(filepath.Join(n1.Dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := options("4.2")
	o.Topology, o.Machines = lab.Fleet, []lab.Machine{n1}
	l := build(t, o)
	if _, err := lab.Build(t.Context(), o); err == nil || !strings.Contains(err.Error(), "machine n1: ") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second lab on the same machine: %v", err)
	}
	for range 2 { // again at once: nothing is in the way
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got, want := filesIn(t, n1.Dir), []string{"mine"}; !slices.Equal(got, want) {
			t.Errorf("files %v, want %v", got, want)
		}
		if got := interfacesOf(t, n1); len(got) > 0 {
			t.Errorf("interfaces %v are left", got)
		}
		l = build(t, o)
	}
}

func TestAMachineThatIsNotThere(t *testing.T) {
	t.Parallel()
	o := options("4.2")
	o.Topology, o.Machines = lab.Fleet, []lab.Machine{{Name: "n1", Pid: 1 << 30, Dir: t.TempDir()}}
	_, err := lab.Build(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "machine n1: join the namespaces of process 1073741824") {
		t.Errorf("error %v does not say which machine", err)
	}
}

// The cable of a machine goes with the grandmaster's namespace.
func TestNothingOnAMachineOutlivesKill9(t *testing.T) {
	n1 := machine(t, "n1")
	o := options("4.2")
	o.Topology, o.Machines = lab.Fleet, []lab.Machine{n1}
	h, kill := startHolder(t, o)
	if got, want := interfacesOf(t, n1), []string{"ptp0"}; !slices.Equal(got, want) {
		t.Fatalf("interfaces %v while the lab lives: this test would see nothing", got)
	}
	kill()
	// At once: the next one waits until the cable is gone.
	l := build(t, o)
	if left, err := sandbox.Left(h.Pids, nil); err != nil || len(left) > 0 {
		t.Errorf("left: %v: %v", left, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := interfacesOf(t, n1); len(got) > 0 {
		t.Errorf("interfaces %v are left", got)
	}
}
