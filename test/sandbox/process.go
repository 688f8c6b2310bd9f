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

package sandbox

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

// stopTimeout is how long a process may take to end after the signal of End.
const stopTimeout = 5 * time.Second

// Process is one run of a program.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // how it ended, valid once exited is closed
}

// Start starts cmd in the namespace; its output is appended to the file log. It
// gets a process group of its own, so that an interrupt at the terminal reaches
// only this process, and dies with the namespace's thread.
func (n *Namespace) Start(cmd *exec.Cmd, log string) (*Process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := n.Do(cmd.Start); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// Pid returns the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Exited returns a channel that is closed when the process has ended and is
// reaped.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Err says how the process ended, as exec.Cmd.Wait does. It waits for the end.
func (p *Process) Err() error {
	<-p.exited
	return p.err
}

// Running reports whether there is a process and it has not ended.
func (p *Process) Running() bool {
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

// Signal sends a signal and does not wait.
func (p *Process) Signal(signal os.Signal) error { return p.cmd.Process.Signal(signal) }

// End sends a signal that ends the process and waits until it has ended. It
// returns the time just before.
func (p *Process) End(signal os.Signal) (time.Time, error) {
	at := time.Now()
	if err := p.Signal(signal); err != nil {
		return at, err
	}
	select {
	case <-p.exited:
		return at, nil
	case <-time.After(stopTimeout):
		return at, fmt.Errorf("still runs %v after the signal %v", stopTimeout, signal)
	}
}

// Pause sends SIGSTOP or SIGCONT and waits until it has taken effect. It returns
// the time just before.
func (p *Process) Pause(signal syscall.Signal) (time.Time, error) {
	event := unix.WSTOPPED
	if signal == syscall.SIGCONT {
		event = unix.WCONTINUED
	}
	at := time.Now()
	if err := p.Signal(signal); err != nil {
		return at, err
	}
	for {
		// Waits only for the stop, so it takes no exit status away from Wait.
		err := unix.Waitid(unix.P_PID, p.Pid(), nil, event, nil)
		if !errors.Is(err, unix.EINTR) {
			return at, err
		}
	}
}

// LastLines returns the last n lines of a text.
func LastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
