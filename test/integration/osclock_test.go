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
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func osClockState(r received) bool {
	return r.Type() == "event.sync.sync-status.os-clock-sync-state-change"
}

// maxError is what the kernel says of CLOCK_REALTIME, asked in another way than the adapter
// does: whatever disciplines the clock of this machine, or nothing, is right.
func maxError(t *testing.T) time.Duration {
	t.Helper()
	var says unix.Timex
	if _, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &says); err != nil {
		t.Fatal(err)
	}
	return time.Duration(says.Maxerror) * time.Microsecond
}

// checkOSClock checks the first state of the OS clock. From before to after, the kernel
// counted the time since the last adjustment, 500 µs for each second.
func checkOSClock(t *testing.T, e received, before, after time.Duration) {
	t.Helper()
	got := e.extension("ptpstate") + " " + e.extension("ptpreason")
	const fresh, stale = "LOCKED Disciplined", "FREERUN NotDisciplined"
	switch {
	case max(before, after) <= time.Millisecond && got != fresh:
		t.Errorf("%s, but the clock was adjusted two seconds ago at the most", got)
	case min(before, after) > 3*time.Millisecond && got != stale:
		t.Errorf("%s, but the clock was not adjusted for six seconds at least", got)
	case got != fresh && got != stale:
		t.Errorf("%s, want %s or %s", got, fresh, stale)
	}
	t.Logf("maxerror %v, then %v: %s", before, after, got)
}

// The lab's ptp4l never touches a clock, so that a node with a LOCKED follower is only as
// good as what disciplines this machine's own clock.
func TestOSClock(t *testing.T) {
	l := build(t, "4.2", nil)
	s := newSink(t)
	before := maxError(t)
	startAdapter(t, s.URL, l.Sockets("follower"), settings(config{"osClock": config{"enabled": true}}))
	s.wait(t, 0, "lock of the follower", lockState(follower, "LOCKED"))
	e, seen := s.wait(t, 0, "state of the OS clock", osClockState)
	checkOSClock(t, e, before, maxError(t))
	node, seen := s.wait(t, seen, "state of the node", func(r received) bool { return r.Type() == "event.sync.sync-status.synchronization-state-change" })
	if node.extension("ptpstate") != e.extension("ptpstate") {
		t.Errorf("the node is %v, its OS clock %v", node, e)
	}
	if want := `{"version":"1.0","values":[{"ResourceAddress":"/cluster/node/n1/CLOCK_REALTIME",` +
		`"data_type":"notification","value_type":"enumeration","value":"` + e.extension("ptpstate") + `"}]}`; string(e.Data()) != want {
		t.Errorf("data %s, want %s", e.Data(), want)
	}

	do(t, l, "link down gm")
	_, seen = s.wait(t, seen, "loss of the follower", lockState(follower, "HOLDOVER"))
	s.wait(t, seen, "end of the holdover", lockState(follower, "FREERUN"))
	s.wait(t, 0, "freerun of the OS clock", func(r received) bool { return osClockState(r) && r.extension("ptpstate") == "FREERUN" })
	checkOrder(t, s.all())
}

// It takes no privilege to look at the OS clock.
func TestOSClockWithoutPrivileges(t *testing.T) {
	if err := os.Chmod(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	s := newSink(t)
	before := maxError(t)
	startAdapter(t, s.URL, filepath.Join(t.TempDir(), "ptp4l.*.socket"), settings(config{"osClock": config{"enabled": true, "fedBy": "other"}}),
		func(c *exec.Cmd) {
			const nobody = 65532
			c.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		})
	e, _ := s.wait(t, 0, "state of the OS clock", osClockState)
	checkOSClock(t, e, before, maxError(t))
}
