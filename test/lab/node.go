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
	"runtime"

	"golang.org/x/sys/unix"
)

// node is a network namespace without a name. One thread of this process lives
// in it and starts what shall run there. It is what keeps the namespace, and
// what its children die with (PR_SET_PDEATHSIG counts the forking thread, not
// the process): when this process ends, however it ends, the kernel kills the
// children and takes the namespace down with the cables in it.
type node struct {
	dir string // sockets, configurations and logs of its clocks

	netns   *os.File // the namespace
	control *os.File // a socket in it, for ioctls on its interfaces (netdevice(7))

	jobs chan func()
	quit chan struct{}
	done chan struct{} // closed when the thread has left
}

var errClosed = errors.New("the lab is closed")

// newNode creates a namespace whose loopback interface is up.
func newNode(dir string) (*node, error) {
	n := &node{dir: dir, jobs: make(chan func()), quit: make(chan struct{}), done: make(chan struct{})}
	ready := make(chan error)
	go n.serve(ready)
	if err := <-ready; err != nil {
		return nil, errors.Join(fmt.Errorf("create a network namespace: %w", err), n.close())
	}
	return n, nil
}

// serve is the node's thread. The goroutine never gives up its thread, so the
// thread ends with it.
func (n *node) serve(ready chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The main thread cannot end before the process does, and its namespace
		// is taken for the process's. Occupy it until another one has been found.
		relay := make(chan error)
		go n.serve(relay)
		ready <- <-relay
		runtime.UnlockOSThread()
		return
	}
	defer close(n.done)
	err := n.enter()
	ready <- err
	if err != nil {
		return
	}
	for {
		select {
		case job := <-n.jobs:
			job()
		case <-n.quit:
			return
		}
	}
}

// enter moves the calling thread into a new namespace.
func (n *node) enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	netns, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		return err
	}
	n.netns = netns
	control, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a control socket: %w", err)
	}
	n.control = os.NewFile(uintptr(control), "control socket")
	return setUp(n.control, "lo", true)
}

// do runs f on the node's thread, so inside the namespace.
func (n *node) do(f func() error) error {
	result := make(chan error, 1)
	select {
	case n.jobs <- func() { result <- f() }:
		return <-result
	case <-n.done:
		return errClosed
	}
}

// path names the namespace for as long as the lab lives, for example for
// nsenter --net=PATH.
func (n *node) path() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.netns.Fd())
}

// close ends the thread and with it all children.
func (n *node) close() error {
	close(n.quit)
	<-n.done
	var errs []error
	for _, f := range []*os.File{n.netns, n.control} {
		if f != nil { // else it never came to life
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
