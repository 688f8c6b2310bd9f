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
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Port is a PTP port of a clock: an interface that is one end of a cable.
type Port struct {
	clock  *Clock
	number int
	iface  string
	peer   *Port
	xdp    *os.File // keeps the program of InjectOffset attached, nil before the first
}

// Number returns the PTP port number, counted from 1.
func (p *Port) Number() int { return p.number }

// Interface returns the name of the interface in the clock's network namespace.
func (p *Port) Interface() string { return p.iface }

// Peer returns the port at the other end of the cable.
func (p *Port) Peer() *Port { return p.peer }

// String names the port as verbs do: clock/number.
func (p *Port) String() string { return fmt.Sprintf("%s/%d", p.clock.name, p.number) }

// LinkDown takes the interface down; both ends of the cable lose carrier. It
// returns the time just before.
func (p *Port) LinkDown() (time.Time, error) { return p.setLink("link down", false) }

// LinkUp takes the interface up. It returns the time just before.
func (p *Port) LinkUp() (time.Time, error) { return p.setLink("link up", true) }

func (p *Port) setLink(verb string, up bool) (time.Time, error) {
	at := time.Now()
	if err := p.clock.node.SetUp(p.iface, up); err != nil {
		return at, fmt.Errorf("%s %s: %w", verb, p, err)
	}
	return at, nil
}

// staleInterval is how often it is tried to lay a cable where there is one still.
const staleInterval = 20 * time.Millisecond

// layCable makes a veth pair, one end for each port, and takes both up. number
// tells the cables of a lab apart, from 1.
func layCable(ctx context.Context, number byte, a, b *Port) error {
	// The kernel reports a loss of carrier at once only where the two ends have
	// different indexes. A veth whose peer, in another namespace, has the same index
	// passes for hardware, where it may wait for a second (linkwatch_urgent_event in
	// net/core/link_watch.c).
	// The second end may be a machine's, which counts its own interfaces from 1.
	endA, endB := vethEnd{a.iface, 100 + int32(number)}, vethEnd{b.iface, 1<<20 + int32(number)}
	for {
		err := a.clock.node.Do(func() error { return makeVeth(endA, endB, b.clock.node.File()) })
		if err == nil {
			break
		}
		// A machine may still have the cable of a lab whose process was just killed. The
		// kernel takes it away with the grandmaster's namespace.
		stale := errors.Is(err, unix.EEXIST) || errors.Is(err, unix.EBUSY)
		if !stale || ctx.Err() != nil {
			return fmt.Errorf("cable %s to %s: %w", a, b, err)
		}
		time.Sleep(staleInterval)
	}
	a.peer, b.peer = b, a
	for host, p := range []*Port{a, b} {
		// A class C address has a prefix length of 24 without being told.
		if err := p.clock.node.SetAddress(p.iface, [4]byte{192, 168, number, byte(host + 1)}); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if _, err := p.LinkUp(); err != nil {
			return err
		}
	}
	return nil
}

// removeCable removes the interface, and with it the one at the other end.
func (p *Port) removeCable() error {
	err := p.clock.node.Do(func() error {
		return routeRequest(unix.RTM_DELLINK, 0, vethEnd{}.info(), attribute(unix.IFLA_IFNAME, cString(p.iface)))
	})
	if errors.Is(err, unix.ENODEV) { // the other end was removed
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove the cable of %s: %w", p, err)
	}
	return nil
}

// vethEnd is an interface to be made.
type vethEnd struct {
	name  string
	index int32
}

// vethInfoPeer is VETH_INFO_PEER of linux/veth.h.
const vethInfoPeer = 1

// makeVeth creates a veth pair: one end in the calling thread's network
// namespace, the peer in another (rtnetlink(7), linux/veth.h).
func makeVeth(here, peer vethEnd, peerNS *os.File) error {
	return routeRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL,
		here.info(),
		attribute(unix.IFLA_IFNAME, cString(here.name)),
		attribute(unix.IFLA_LINKINFO,
			attribute(unix.IFLA_INFO_KIND, []byte("veth")),
			attribute(unix.IFLA_INFO_DATA,
				attribute(vethInfoPeer,
					peer.info(),
					attribute(unix.IFLA_IFNAME, cString(peer.name)),
					attribute(unix.IFLA_NET_NS_FD, binary.NativeEndian.AppendUint32(nil, uint32(peerNS.Fd())))))))
}

// info returns a struct ifinfomsg that asks for the end's index (rtnetlink(7)).
func (e vethEnd) info() []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(e.index))
	return b
}

// attribute encodes a netlink attribute, padded to four bytes (netlink(7)).
func attribute(kind uint16, payload ...[]byte) []byte {
	b := append(make([]byte, unix.SizeofRtAttr), bytes.Join(payload, nil)...)
	binary.NativeEndian.PutUint16(b, uint16(len(b)))
	binary.NativeEndian.PutUint16(b[2:], kind)
	for len(b)%unix.RTA_ALIGNTO != 0 {
		b = append(b, 0)
	}
	return b
}

func cString(s string) []byte { return append([]byte(s), 0) }

// routeRequest sends one rtnetlink request from the calling thread's network
// namespace and waits for its acknowledgement.
func routeRequest(kind, flags uint16, payload ...[]byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	socket := os.NewFile(uintptr(fd), "netlink")
	defer socket.Close()
	message := append(make([]byte, unix.SizeofNlMsghdr), bytes.Join(payload, nil)...)
	binary.NativeEndian.PutUint32(message, uint32(len(message)))
	binary.NativeEndian.PutUint16(message[4:], kind)
	binary.NativeEndian.PutUint16(message[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("send to netlink: %w", err)
	}
	reply := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, reply, 0)
	if err != nil {
		return fmt.Errorf("receive from netlink: %w", err)
	}
	if n < unix.SizeofNlMsghdr+4 {
		return fmt.Errorf("netlink answered %d bytes", n)
	}
	if code := int32(binary.NativeEndian.Uint32(reply[unix.SizeofNlMsghdr:])); code != 0 {
		return fmt.Errorf("netlink: %w", unix.Errno(-code))
	}
	return nil
}
