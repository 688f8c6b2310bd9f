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

package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == Command {
		fmt.Fprintln(os.Stderr, Init(os.Stdin))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// run starts a machine that runs shell scripts, and returns it with its directory, which it sees as /mnt/m.
func run(t *testing.T, group Group, scripts ...string) (*Machine, string) {
	t.Helper()
	dir := t.TempDir()
	m, err := Create("tiny", filepath.Join(dir, "machine.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.PowerOff(); err != nil {
			t.Error(err)
		}
		if err := group.Remove(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "machine.log"))
			t.Logf("log of the machine:\n%s", log)
		}
	})
	spec := Spec{
		Name: "tiny", Group: group, Empty: []string{"/mnt", "/tmp"}, Binds: []Bind{{dir, "/mnt/m"}},
		Sysctls: map[string]string{"net/ipv4/ip_forward": "1"},
	}
	for i, script := range scripts {
		spec.Programs = append(spec.Programs, Program{
			Name: fmt.Sprintf("p%d", i), Path: "/bin/sh", Args: []string{"-c", script}, Log: fmt.Sprintf("/mnt/m/p%d.log", i),
		})
	}
	if err := m.Start(spec); err != nil {
		t.Fatal(err)
	}
	return m, dir
}

// await returns what a file says once it has the given number of lines.
func await(t *testing.T, path string, lines int) string {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err == nil && strings.Count(string(text), "\n") >= lines {
			return string(text)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %q, %v", path, text, err)
		}
	}
}

func TestMachineIsAloneWithItself(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	_, dir := run(t, "/eventing-ptp-test/alone", "hostname; ls /sys/class/net >/dev/null; tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ';"+
		" ls -d /proc/[0-9]* | wc -l; ls /tmp | wc -l; cat /proc/sys/net/ipv4/ip_forward; exec sleep 1000")
	got := strings.Fields(await(t, filepath.Join(dir, "p0.log"), 5))
	if got[0] != "tiny" {
		t.Errorf("the host name is %s", got[0])
	}
	if got[1] != "lo" {
		t.Errorf("the first interface is %s, want lo alone", got[1])
	}
	if n, err := strconv.Atoi(got[2]); err != nil || n > 6 {
		t.Errorf("it sees %s processes", got[2])
	}
	if got[3] != "0" || got[4] != "1" {
		t.Errorf("%s files in /tmp, and forwarding is %s", got[3], got[4])
	}
	if after, _ := os.Hostname(); after != host {
		t.Errorf("the host is now called %s", after)
	}
}

func TestProgramIsStartedAgain(t *testing.T) {
	_, dir := run(t, "/eventing-ptp-test/again", "echo x; exit 3")
	await(t, filepath.Join(dir, "p0.log"), 3)
	if log := await(t, filepath.Join(dir, "machine.log"), 2); !strings.Contains(log, "p0 has ended (exit status 3)") {
		t.Errorf("the log does not say how it ended:\n%s", log)
	}
}

func TestPowerOffLeavesNothing(t *testing.T) {
	// Processes that have left their parent, their session and, by fork, their name.
	m, dir := run(t, "/eventing-ptp-test/off",
		"mount -t tmpfs x /mnt/m; (setsid sleep 1000 &); (setsid sh -c 'sleep 1000 & sleep 1000' &); echo x; exec sleep 1000")
	await(t, filepath.Join(dir, "p0.log"), 1)
	namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", m.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.PowerOff(); err != nil {
		t.Fatal(err)
	}
	if left, err := sandbox.Left([]int{m.Pid()}, []string{namespace}); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), dir) {
		t.Errorf("a mount of the machine is seen outside: %v", err)
	}
	if err := Group("/eventing-ptp-test").Remove(); err != nil {
		t.Error(err)
	}
	found, _ := filepath.Glob("/sys/fs/cgroup/*/eventing-ptp-test")
	if len(found) > 0 {
		t.Errorf("left: %v", found)
	}
}
