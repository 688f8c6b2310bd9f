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

// Package network cables machines: each has an interface eth0 that leads to a bridge in the network of one of them.
package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Bridge is the name of the bridge.
const Bridge = "br0"

// Route leads to a network through the address of a machine.
type Route struct {
	To  *net.IPNet
	Via net.IP
}

// MakeBridge makes the bridge in the network of a process, which is then reached at the address.
func MakeBridge(pid int, address *net.IPNet, routes []Route) error {
	return in(pid, func(h *netlink.Handle) error {
		if err := setUp(h, "lo"); err != nil {
			return err
		}
		bridge := &netlink.Bridge{LinkAttrs: netlink.NewLinkAttrs()}
		bridge.Name = Bridge
		if err := h.LinkAdd(bridge); err != nil {
			return fmt.Errorf("make a bridge: %w", err)
		}
		return configure(h, Bridge, address, routes)
	})
}

// Connect cables the network of a process to the bridge in that of another.
func Connect(name string, pid, bridgePid int, address *net.IPNet, routes []Route) error {
	err := in(bridgePid, func(h *netlink.Handle) error {
		bridge, err := h.LinkByName(Bridge)
		if err != nil {
			return err
		}
		if err := pull(h, name); err != nil {
			return err
		}
		cable := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: "eth0", PeerNamespace: netlink.NsPid(pid)}
		cable.Name, cable.MasterIndex = name, bridge.Attrs().Index
		if err := h.LinkAdd(cable); err != nil {
			return fmt.Errorf("lay a cable: %w", err)
		}
		return setUp(h, name)
	})
	if err != nil {
		return err
	}
	return in(pid, func(h *netlink.Handle) error {
		if err := setUp(h, "lo"); err != nil {
			return err
		}
		return configure(h, "eth0", address, routes)
	})
}

// pull takes away the cable of a machine that has ended. The kernel does that, too, in its own time.
func pull(h *netlink.Handle, name string) error {
	link, err := h.LinkByName(name)
	if err == nil {
		err = h.LinkDel(link)
	}
	if gone := (netlink.LinkNotFoundError{}); errors.As(err, &gone) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("pull the cable %s: %w", name, err)
	}
	return nil
}

// in calls f with a handle on the network of a process.
func in(pid int, f func(*netlink.Handle) error) error {
	ns, err := netns.GetFromPid(pid)
	if err != nil {
		return fmt.Errorf("open the network of process %d: %w", pid, err)
	}
	defer ns.Close()
	h, err := netlink.NewHandleAt(ns)
	if err != nil {
		return fmt.Errorf("enter the network of process %d: %w", pid, err)
	}
	defer h.Close()
	return f(h)
}

func setUp(h *netlink.Handle, name string) error {
	link, err := h.LinkByName(name)
	if err == nil {
		err = h.LinkSetUp(link)
	}
	if err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	return nil
}

func configure(h *netlink.Handle, name string, address *net.IPNet, routes []Route) error {
	link, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	if err := h.AddrAdd(link, &netlink.Addr{IPNet: address}); err != nil {
		return fmt.Errorf("give %s the address %s: %w", name, address, err)
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	for _, r := range routes {
		if err := h.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: r.To, Gw: r.Via}); err != nil {
			return fmt.Errorf("make a route to %s through %s: %w", r.To, r.Via, err)
		}
	}
	return nil
}

// Dial connects to an address in the network of a process.
func Dial(ctx context.Context, pid int, network, address string) (connection net.Conn, err error) {
	err = visit(pid, func() error {
		connection, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return connection, err
}

// Listen listens at an address in the network of a process.
func Listen(pid int, network, address string) (listener net.Listener, err error) {
	err = visit(pid, func() error {
		listener, err = new(net.ListenConfig).Listen(context.Background(), network, address)
		return err
	})
	return listener, err
}

// visit calls f on a thread that is in the network of a process. A socket that is made there stays there.
func visit(pid int, f func() error) error {
	there, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return fmt.Errorf("open the network of process %d: %w", pid, err)
	}
	defer there.Close()
	here, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return err
	}
	defer here.Close()
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(there.Fd()), syscall.CLONE_NEWNET); err != nil {
			runtime.UnlockOSThread() // it has not gone anywhere
			result <- fmt.Errorf("enter the network of process %d: %w", pid, err)
			return
		}
		err := f()
		if back := unix.Setns(int(here.Fd()), syscall.CLONE_NEWNET); back != nil {
			result <- errors.Join(err, back)
			return // a thread that cannot come back ends with this goroutine
		}
		runtime.UnlockOSThread()
		result <- err
	}()
	return <-result
}
