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

// Package machine runs what a machine of its own would run, in namespaces: it has its own processes, network, mounts and
// host name, and its first process is ours (init.go). Like a machine, it can lose its power: when its first process
// ends, the kernel ends all others, and with them go the mounts and the network. Nothing of it is on the machine that
// it runs on but a control group and the directories that were given to it.
package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// Command is the argument with which the program that starts machines must call Init.
const Command = "machine-init"

// Spec is what a machine is and runs.
type Spec struct {
	Name string `json:"name"`
	// Group is the control group that all processes of the machine are in.
	Group Group `json:"group"`
	// Empty are directories that are empty on this machine when it starts.
	Empty []string `json:"empty"`
	// Binds are directories of the outside that are seen on this machine. Where a target is missing it is made, so it
	// has to be below one of Empty.
	Binds []Bind `json:"binds"`
	// Sysctls are set when the machine starts, by their path below /proc/sys.
	Sysctls map[string]string `json:"sysctls"`
	// Programs are started in this order, and again when they end.
	Programs []Program `json:"programs"`
	// Log is the path, on the outside, of the first process's log.
	Log string `json:"log"`
}

// Bind shows the directory Source of the outside at Target.
type Bind struct {
	Source string `json:"source"`
	Target string `json:"target"`
}

// Program is a program of a machine. Path and arguments are as the machine sees them.
type Program struct {
	Name string   `json:"name"`
	Path string   `json:"path"`
	Args []string `json:"args"`
	// Log is the path of the file that the output is appended to.
	Log string `json:"log"`
	// Socket is a Unix socket that has to take connections before the next program is started; empty for none.
	Socket string `json:"socket,omitempty"`
}

// Machine is a machine that runs.
type Machine struct {
	Name    string
	command *exec.Cmd
	spec    io.WriteCloser
	ended   chan struct{}
}

// Create makes a machine with an empty network, in which nothing runs until Start. It ends with this process.
func Create(name, log string) (*Machine, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd := exec.Command("/proc/self/exe", Command) // also when the file is not there any more, as after `go run`
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
		Setsid:     true,
	}
	spec, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	m := &Machine{Name: name, command: cmd, spec: spec, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The signal at the parent's death is for that of the thread (prctl(2), PR_SET_PDEATHSIG): this one stays.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // it is killed, always
		close(m.ended)
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("make the machine %s, which takes root: %w", name, err), spec.Close())
	}
	return m, nil
}

// Start lets the machine run.
func (m *Machine) Start(spec Spec) error {
	err := errors.Join(json.NewEncoder(m.spec).Encode(spec), m.spec.Close())
	if err != nil {
		return fmt.Errorf("start the machine %s: %w", m.Name, err)
	}
	return nil
}

// Pid is the process id of the machine's first process, as it is seen from the outside.
func (m *Machine) Pid() int { return m.command.Process.Pid }

// Ended is closed when the machine has no power any more.
func (m *Machine) Ended() <-chan struct{} { return m.ended }

// PowerOff ends all that runs on the machine, at once.
func (m *Machine) PowerOff() error {
	if err := m.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("power off the machine %s: %w", m.Name, err)
	}
	<-m.ended
	return nil
}
