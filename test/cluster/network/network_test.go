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

package network

import (
	"net"
	"os/exec"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
)

// alone starts a process with a network of its own, and returns its pid.
func alone(t *testing.T) int {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sleep", "600")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return c.Process.Pid
}

// A machine that is started again gets its cable, though that of the one before is still there: the kernel removes
// the network of a process some time after its end.
func TestConnectAgain(t *testing.T) {
	address := func(text string) *net.IPNet {
		ip, network, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		return &net.IPNet{IP: ip, Mask: network.Mask}
	}
	bridge, before, now := alone(t), alone(t), alone(t)
	if err := MakeBridge(bridge, address("10.1.0.1/24"), nil); err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{before, now} {
		if err := Connect("to-n3", pid, bridge, address("10.1.0.3/24"), nil); err != nil {
			t.Fatal(err)
		}
	}
	for pid, want := range map[int]bool{before: false, now: true} {
		err := in(pid, func(h *netlink.Handle) error {
			_, err := h.LinkByName("eth0")
			return err
		})
		if got := err == nil; got != want {
			t.Errorf("eth0 of process %d is there: %v, want %v", pid, got, want)
		}
	}
	listener, err := Listen(now, "tcp4", "10.1.0.3:80")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	connection, err := Dial(t.Context(), bridge, "tcp4", "10.1.0.3:80")
	if err != nil {
		t.Fatal(err)
	}
	_ = connection.Close()
}
