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
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stopTimeout is how long a ptp4l may take to end after SIGTERM, and to stop
// or continue after SIGSTOP or SIGCONT.
const stopTimeout = 5 * time.Second

// process is one run of ptp4l.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended and is reaped
	err    error         // how it ended, valid once exited is closed
}

// startProcess starts cmd on the node's thread; its output is appended to the
// log. It gets a process group of its own, so that an interrupt at the terminal
// reaches only the lab, and dies with the node's thread.
func startProcess(n *node, cmd *exec.Cmd, log string) (*process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := n.do(cmd.Start); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// running reports whether there is a process and it has not ended.
func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// end sends a signal that ends the process and waits until it has ended. It
// returns the time just before.
func (p *process) end(signal os.Signal) (time.Time, error) {
	at := time.Now()
	if err := p.cmd.Process.Signal(signal); err != nil {
		return at, err
	}
	select {
	case <-p.exited:
		return at, nil
	case <-time.After(stopTimeout):
		return at, fmt.Errorf("still runs %v after the signal %v", stopTimeout, signal)
	}
}

// pause sends SIGSTOP or SIGCONT and waits until it has taken effect. It returns
// the time just before.
func (p *process) pause(signal syscall.Signal) (time.Time, error) {
	event := unix.WSTOPPED
	if signal == syscall.SIGCONT {
		event = unix.WCONTINUED
	}
	at := time.Now()
	if err := p.cmd.Process.Signal(signal); err != nil {
		return at, err
	}
	for {
		// Waits only for the stop, so it takes no exit status away from Wait.
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, event, nil)
		if !errors.Is(err, unix.EINTR) {
			return at, err
		}
	}
}

// lastLines returns the last n lines of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
