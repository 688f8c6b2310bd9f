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
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace that one thread of this process lives in, and
// starts in what shall run there. Children die with the thread (PR_SET_PDEATHSIG
// counts the forking thread, not the process): when this process ends, however it
// ends, the kernel kills them. A namespace of NewNamespace has no name and nothing
// else that keeps it, so the kernel takes it down, too, with the interfaces in it.
type Namespace struct {
	netns   *os.File // the namespace
	control *os.File // a socket in it, for ioctls on its interfaces (netdevice(7))

	jobs chan func()
	quit chan struct{}
	done chan struct{} // closed when the thread has left
}

// ErrClosed says that a namespace is closed.
var ErrClosed = errors.New("the network namespace is closed")

// NewNamespace creates a namespace whose loopback interface is up. It needs
// CAP_SYS_ADMIN and CAP_NET_ADMIN.
func NewNamespace() (*Namespace, error) {
	n, err := open((*Namespace).create)
	if err != nil {
		return nil, fmt.Errorf("create a network namespace: %w", err)
	}
	return n, nil
}

// JoinNamespace enters the network namespace of a process and its mount namespace: what is
// done and started there finds the files that the process finds, and under the same names.
// The namespaces stay when this one is closed. It needs CAP_SYS_ADMIN and CAP_SYS_CHROOT.
func JoinNamespace(pid int) (*Namespace, error) {
	n, err := open(func(n *Namespace) error { return n.join(pid) })
	if err != nil {
		return nil, fmt.Errorf("join the namespaces of process %d: %w", pid, err)
	}
	return n, nil
}

// open starts a thread that enters a namespace.
func open(enter func(*Namespace) error) (*Namespace, error) {
	n := &Namespace{jobs: make(chan func()), quit: make(chan struct{}), done: make(chan struct{})}
	ready := make(chan error)
	go n.serve(enter, ready)
	if err := <-ready; err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// serve is the namespace's thread. The goroutine never gives up its thread, so the
// thread ends with it.
func (n *Namespace) serve(enter func(*Namespace) error, ready chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The main thread cannot end before the process does, and its namespace
		// is taken for the process's. Occupy it until another one has been found.
		relay := make(chan error)
		go n.serve(enter, relay)
		ready <- <-relay
		runtime.UnlockOSThread()
		return
	}
	defer close(n.done)
	err := enter(n)
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

// create moves the calling thread into a new namespace.
func (n *Namespace) create() (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if n.netns, err = os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())); err != nil {
		return err
	}
	if err := n.openControl(); err != nil {
		return err
	}
	return n.SetUp("lo", true)
}

// join moves the calling thread into the namespaces of a process.
func (n *Namespace) join(pid int) (err error) {
	if n.netns, err = os.Open(fmt.Sprintf("/proc/%d/ns/net", pid)); err != nil {
		return err
	}
	mounts, err := os.Open(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	if err != nil {
		return err
	}
	defer mounts.Close()
	// Threads share their root and working directory, and those that do cannot change to
	// other mounts (setns(2)).
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Setns(int(n.netns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter its network namespace: %w", err)
	}
	if err := unix.Setns(int(mounts.Fd()), unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("enter its mount namespace: %w", err)
	}
	return n.openControl()
}

// openControl opens a socket in the calling thread's network namespace.
func (n *Namespace) openControl() error {
	control, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a control socket: %w", err)
	}
	n.control = os.NewFile(uintptr(control), "control socket")
	return nil
}

// Do runs f on the namespace's thread, so inside of it. What f starts with other
// goroutines is elsewhere.
func (n *Namespace) Do(f func() error) error {
	result := make(chan error, 1)
	select {
	case n.jobs <- func() { result <- f() }:
		return <-result
	case <-n.done:
		return ErrClosed
	}
}

// File returns the namespace.
func (n *Namespace) File() *os.File { return n.netns }

// Control returns a socket in the namespace, for ioctls on its interfaces: they
// are about the namespace of the socket, on whichever thread they are made.
func (n *Namespace) Control() *os.File { return n.control }

// Path names the namespace until it is closed, for example for
// nsenter --net=PATH.
func (n *Namespace) Path() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.netns.Fd())
}

// Close ends the thread and with it all children. It must be called once.
func (n *Namespace) Close() error {
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

// SetUp sets or clears IFF_UP of an interface (netdevice(7)).
func (n *Namespace) SetUp(iface string, up bool) error {
	ifr, err := unix.NewIfreq(iface)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(int(n.control.Fd()), unix.SIOCGIFFLAGS, ifr); err != nil {
		return fmt.Errorf("read the flags of %s: %w", iface, err)
	}
	flags := ifr.Uint16() &^ unix.IFF_UP
	if up {
		flags |= unix.IFF_UP
	}
	ifr.SetUint16(flags)
	if err := unix.IoctlIfreq(int(n.control.Fd()), unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("set the flags of %s: %w", iface, err)
	}
	return nil
}

// SetAddress gives an interface an IPv4 address; the kernel derives the prefix
// length from the address class (netdevice(7)).
func (n *Namespace) SetAddress(iface string, address [4]byte) error {
	ifr, err := unix.NewIfreq(iface)
	if err != nil {
		return err
	}
	if err := ifr.SetInet4Addr(address[:]); err != nil {
		return err
	}
	if err := unix.IoctlIfreq(int(n.control.Fd()), unix.SIOCSIFADDR, ifr); err != nil {
		return fmt.Errorf("set the address of %s: %w", iface, err)
	}
	return nil
}
