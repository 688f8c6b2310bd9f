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

package dpll

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// conn is a connection to the kernel's DPLL family. Tests have one of their own.
type conn interface {
	// dump returns the attributes of everything that a command gets.
	dump(command uint8) ([][]byte, error)
	// links returns every network interface, as RTM_GETLINK describes it (rtnetlink(7)).
	links() ([][]byte, error)
	// wait returns when the kernel has said that something has changed, or may have.
	wait() error
	Close() error
}

// family and group are the names of the kernel.
const (
	family = "dpll"
	group  = "monitor"
)

// errNone means that the kernel has no DPLL.
var errNone = errors.New("this kernel has no DPLL: no driver of a network card has brought one")

// socket is a real conn. What changes is heard on a socket of its own, so that no answer is
// taken for a change.
type socket struct {
	family      genetlink.Family
	ask, listen *genetlink.Conn
}

// patience is how long the kernel may take to answer: some drivers ask their card.
const patience = 5 * time.Second

func dial() (conn, error) { return connect(family, group) }

// connect connects to a family, and listens to a group of it.
func connect(family, group string) (conn, error) {
	ask, err := genetlink.Dial(nil)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	s := &socket{ask: ask}
	if err := s.join(family, group); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// join finds the family and listens to what it says of itself.
func (s *socket) join(family, group string) (err error) {
	s.family, err = s.ask.GetFamily(family)
	if errors.Is(err, os.ErrNotExist) {
		return errNone
	}
	if err != nil {
		return fmt.Errorf("find the kernel's DPLLs: %w", err)
	}
	if s.listen, err = genetlink.Dial(nil); err != nil {
		return fmt.Errorf("open a netlink socket: %w", err)
	}
	for _, g := range s.family.Groups {
		if g.Name == group {
			if err := s.listen.JoinGroup(g.ID); err != nil {
				return fmt.Errorf("listen to the kernel's DPLLs: %w", err)
			}
			return nil
		}
	}
	return fmt.Errorf("the kernel's DPLLs have no group %q that tells what changes", group)
}

func (s *socket) dump(command uint8) ([][]byte, error) {
	if err := s.ask.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	request := genetlink.Message{Header: genetlink.Header{Command: command, Version: s.family.Version}}
	answers, err := s.ask.Execute(request, s.family.ID, netlink.Request|netlink.Dump)
	if err != nil {
		return nil, fmt.Errorf("ask the kernel for its DPLLs: %w", err)
	}
	all := make([][]byte, len(answers))
	for n, answer := range answers {
		all[n] = answer.Data
	}
	return all, nil
}

// links asks on a socket of its own: it is another protocol, and asked for seldom.
func (s *socket) links() ([][]byte, error) {
	route, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	defer route.Close()
	if err := route.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	answers, err := route.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request | netlink.Dump},
		Data:   make([]byte, unix.SizeofIfInfomsg),
	})
	if err != nil {
		return nil, fmt.Errorf("ask the kernel for its network interfaces: %w", err)
	}
	all := make([][]byte, len(answers))
	for n, answer := range answers {
		all[n] = answer.Data
	}
	return all, nil
}

// wait takes what is said as a sign alone: it may be older than what was asked since. So it
// does not matter either if some of it was lost.
func (s *socket) wait() error {
	_, _, err := s.listen.Receive()
	if errors.Is(err, unix.ENOBUFS) {
		return nil
	}
	return err
}

func (s *socket) Close() error {
	err := s.ask.Close()
	if s.listen != nil {
		err = errors.Join(err, s.listen.Close())
	}
	return err
}
