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
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Init is the first process of a machine. It reads a Spec, does as it says, and does not return unless that fails.
func Init(spec io.Reader) error {
	logger := log.New(os.Stderr, "", log.LstdFlags|log.Lmsgprefix)
	var s Spec
	if err := json.NewDecoder(spec).Decode(&s); err != nil {
		return fmt.Errorf("read what this machine is: %w", err)
	}
	if err := s.Group.join(); err != nil {
		return err
	}
	if err := s.mount(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(s.Name)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	for name, value := range s.Sysctls {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	supervisor := &supervisor{log: logger, children: map[int]chan<- syscall.WaitStatus{}}
	go supervisor.reap()
	for _, p := range s.Programs {
		go supervisor.keepRunning(p)
		if p.Socket != "" {
			awaitSocket(p.Socket)
		}
	}
	select {}
}

// mount makes the file system what the Spec says. What is mounted here is seen on this machine only.
func (s Spec) mount() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to this machine: %w", err)
	}
	// Sources first: an empty directory may hide them.
	sources := make([]*os.File, len(s.Binds))
	for i, b := range s.Binds {
		source, err := os.Open(b.Source)
		if err != nil {
			return err
		}
		sources[i] = source // open for as long as this process runs; the next programs do not get it
	}
	for _, dir := range s.Empty {
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return fmt.Errorf("mount an empty %s: %w", dir, err)
		}
	}
	for i, b := range s.Binds {
		if err := os.MkdirAll(b.Target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", sources[i].Fd()), b.Target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s at %s: %w", b.Source, b.Target, err)
		}
	}
	// Its own processes, and not those of the outside.
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	// As systemd has it: what is mounted for a pod is seen in the pods that ask for it.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("let pods see what is mounted: %w", err)
	}
	return nil
}

// supervisor starts programs, and takes the exit status of every process of the machine that has lost its parent.
type supervisor struct {
	log *log.Logger

	mu       sync.Mutex
	children map[int]chan<- syscall.WaitStatus
}

// restartAfter is how long a program that has ended is left alone.
const restartAfter = time.Second

func (s *supervisor) keepRunning(p Program) {
	for ; ; time.Sleep(restartAfter) {
		status, err := s.run(p)
		if err != nil {
			s.log.Printf("%s does not start: %v", p.Name, err)
			continue
		}
		how := fmt.Sprintf("exit status %d", status.ExitStatus())
		if status.Signaled() {
			how = status.Signal().String()
		}
		s.log.Printf("%s has ended (%s) and is started again", p.Name, how)
	}
}

// run starts a program and waits until it ends.
func (s *supervisor) run(p Program) (syscall.WaitStatus, error) {
	logFile, err := os.OpenFile(p.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 0, err
	}
	defer logFile.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()

	status := make(chan syscall.WaitStatus, 1)
	s.mu.Lock() // until its process id is known, its end is not taken
	process, err := os.StartProcess(p.Path, append([]string{p.Name}, p.Args...), &os.ProcAttr{
		Files: []*os.File{null, logFile, logFile},
		Env:   environment(),
		Dir:   "/",
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		s.mu.Unlock()
		return 0, err
	}
	s.children[process.Pid] = status
	s.mu.Unlock()
	s.log.Printf("%s runs as process %d", p.Name, process.Pid)
	_ = process.Release()
	return <-status, nil
}

// environment is that of a service: what this machine's user has set is nothing to it.
func environment() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"}
}

func (s *supervisor) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			time.Sleep(100 * time.Millisecond) // nothing runs yet, or nothing any more
		case err == nil:
			s.mu.Lock()
			if child, ok := s.children[pid]; ok {
				child <- status
				delete(s.children, pid)
			}
			s.mu.Unlock()
		}
	}
}

// awaitSocket waits until a Unix socket takes connections.
func awaitSocket(path string) {
	for {
		connection, err := new(net.Dialer).DialContext(context.Background(), "unix", path)
		if err == nil {
			_ = connection.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// mountPoints returns the directories at which file systems of these types are mounted, from the text of
// /proc/self/mounts.
func mountPoints(mounts string, types ...string) []string {
	var found []string
	for line := range strings.Lines(mounts) {
		if fields := strings.Fields(line); len(fields) > 3 && slices.Contains(types, fields[2]) {
			found = append(found, fields[1])
		}
	}
	return found
}
