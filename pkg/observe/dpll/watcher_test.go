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
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/observetest"
)

// kernel is a scripted peer that speaks the bytes of a real one.
type kernel struct {
	t  *testing.T
	mu sync.Mutex
	// dials is why nobody can connect, fails is what the next answers are; nil if all is well.
	dials, fails         error
	devices, pins, links []string // answers in hexadecimal digits
	asked                int
	open                 int
	notify               chan error
}

func newKernel(t *testing.T) *kernel {
	return &kernel{t: t, devices: []string{eecBytes}, pins: []string{pinBytes}, notify: make(chan error)}
}

func (k *kernel) dial() (conn, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dials != nil {
		return nil, k.dials
	}
	k.open++
	return &peer{kernel: k, closed: make(chan struct{})}, nil
}

// set changes what the kernel says, once the watcher has seen all that was before.
func (k *kernel) set(change func()) {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

// say lets the kernel say that something has changed.
func (k *kernel) say(change func()) {
	k.set(change)
	k.notify <- nil
}

// peer is one connection to it.
type peer struct {
	kernel *kernel
	closed chan struct{}
}

func (p *peer) dump(command uint8) ([][]byte, error) {
	k := p.kernel
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	if k.fails != nil {
		return nil, k.fails
	}
	answers := k.devices
	if command == pinGet {
		answers = k.pins
	} else if command != deviceGet {
		k.t.Errorf("the kernel is asked to do %d", command)
	}
	var all [][]byte
	for _, answer := range answers {
		all = append(all, bytesOf(k.t, answer))
	}
	return all, nil
}

func (p *peer) links() ([][]byte, error) {
	k := p.kernel
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.links == nil {
		return nil, errors.New("no network interface is to be seen")
	}
	var all [][]byte
	for _, link := range k.links {
		all = append(all, bytesOf(k.t, link))
	}
	return all, nil
}

func (p *peer) wait() error {
	select {
	case <-p.closed:
		return errors.New("closed")
	case err := <-p.kernel.notify:
		return err
	}
}

func (p *peer) Close() error {
	close(p.closed)
	p.kernel.mu.Lock()
	defer p.kernel.mu.Unlock()
	p.kernel.open--
	return nil
}

func watch(t *testing.T, k *kernel) *observetest.Watching {
	t.Helper()
	t.Cleanup(func() {
		if k.open != 0 {
			t.Errorf("%d connections are left open", k.open)
		}
	})
	return observetest.Start(t, func(emit func(clock.Observation), log *zap.SugaredLogger) func(context.Context) {
		w := NewWatcher(time.Now(), emit, log)
		w.dial = k.dial
		return w.Run
	})
}

// wantLogs compares the messages of the log, and the fields that follow a colon in want.
func wantLogs(t *testing.T, s *observetest.Watching, want ...string) {
	t.Helper()
	s.WantLogs(t, func(n int, e observer.LoggedEntry) string {
		line := e.Message
		if n < len(want) && strings.Contains(want[n], ": ") {
			line += ":"
			for _, f := range e.Context {
				line += fmt.Sprintf(" %s=%v", f.Key, f.String)
			}
		}
		return line
	}, want...)
}

const (
	locked   = "clock.DPLLs{Devices:[{Name:ice.507c6fffff1fb1b8 Type:eec Lock:3 Input:C827_0-RCLKA Quality:0 HasQuality:false}]}"
	unlocked = "clock.DPLLs{Devices:[{Name:mlx5_dpll.b8cef60300fb1234 Type:eec Lock:1 Input: Quality:11 HasQuality:true}]}"
)

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t)
		s := watch(t, k)
		s.Want(t, "0s "+locked)
		wantLogs(t, s, "what the kernel says of a DPLL: dpll=ice.507c6fffff1fb1b8 type=eec lock=locked-ho-acq mode=automatic input=C827_0-RCLKA error=none phaseOffset=-1234.567 ps frequencyOffset=-5 ppm")
		// What changes is seen at once, where the kernel says so,
		time.Sleep(time.Second)
		k.say(func() { k.devices, k.pins = []string{mlxBytes}, []string{outputBytes} })
		time.Sleep(calm)
		s.Want(t, "1.02s "+unlocked)
		wantLogs(t, s, "what the kernel says of a DPLL: dpll=mlx5_dpll.b8cef60300fb1234 type=eec lock=unlocked mode=manual input= error=media-down", "a DPLL is gone: dpll=ice.507c6fffff1fb1b8 eec")
		// and else within ten seconds.
		k.set(func() { k.devices, k.pins = []string{eecBytes}, []string{pinBytes} })
		time.Sleep(period)
		s.Want(t, "10s "+locked)
		wantLogs(t, s, "what the kernel says of a DPLL", "a DPLL is gone")
		// The input has the name of its network interface, where the kernel knows it.
		k.say(func() { k.links = []string{loopbackBytes, linkBytes} })
		time.Sleep(calm)
		s.Want(t, "11.04s "+strings.Replace(locked, "C827_0-RCLKA", "ens1f0", 1))
		wantLogs(t, s, "what the kernel says of a DPLL: dpll=ice.507c6fffff1fb1b8 type=eec lock=locked-ho-acq mode=automatic input=ens1f0 error=none phaseOffset=-1234.567 ps frequencyOffset=-5 ppm")
	})
}

// A card that tells of its measurements all the time does not keep anybody busy.
func TestManyNotifications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t)
		s := watch(t, k)
		s.Want(t, "0s "+locked)
		wantLogs(t, s, "what the kernel says of a DPLL")
		for range 1000 {
			k.say(func() {})
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		if most := 2 * int(time.Second/calm+2); k.asked > most {
			t.Errorf("the kernel was asked %d times in a second, want %d at most", k.asked, most)
		}
		wantLogs(t, s)
	})
}

func TestNoDPLL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t)
		k.dials = errNone
		s := watch(t, k)
		time.Sleep(time.Minute - 1)
		for range 2 {
			for n, line := range s.Take() {
				if want := fmt.Sprintf("%v clock.DPLLUnreadable{Cause:this kernel has no DPLL: no driver of a network card has brought one}", time.Duration(n)*retry); line != want {
					t.Errorf("observed %s, want %s", line, want)
				}
			}
		}
		// One line, and no error.
		s.WantLogs(t, func(_ int, e observer.LoggedEntry) string {
			return e.Level.String() + " " + e.Message + ": " + e.Context[0].String
		},
			"info no DPLL is watched: this kernel has no DPLL: no driver of a network card has brought one")
		// A driver that is loaded later is found.
		k.set(func() { k.dials = nil })
		time.Sleep(retry)
		wantLogs(t, s, "what the kernel says of a DPLL")
	})
}

func TestWithoutCapability(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t)
		k.fails = fmt.Errorf("ask the kernel for its DPLLs: %w", unix.EPERM)
		s := watch(t, k)
		time.Sleep(time.Minute)
		wantLogs(t, s, "the kernel's DPLLs cannot be read: cause=ask the kernel for its DPLLs: operation not permitted: "+
			"the kernel tells who has CAP_NET_ADMIN; give it to the adapter, or do not watch SyncE")
		k.set(func() { k.fails = nil })
		time.Sleep(retry)
		wantLogs(t, s, "what the kernel says of a DPLL")
	})
}

func TestKernelThatStopsToTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t)
		s := watch(t, k)
		s.Want(t, "0s "+locked)
		synctest.Wait()
		k.notify <- errors.New("the socket is broken")
		s.Want(t, "0s clock.DPLLUnreadable{Cause:listen to the kernel's DPLLs: the socket is broken}")
		time.Sleep(retry)
		s.Want(t, "10s "+locked)
		k.set(func() { k.devices = []string{"0600070001000000"} })
		time.Sleep(period)
		s.Want(t, "20s clock.DPLLUnreadable{Cause:read a DPLL: netlink: attribute 7 is not a uint32; length: 2}")
		wantLogs(t, s, "what the kernel says of a DPLL", "the kernel's DPLLs cannot be read", "the kernel's DPLLs cannot be read")
	})
}

func TestDescribe(t *testing.T) {
	const card = 0x507c6fffff1fb1b8
	all := describe([]device{
		{id: 3, module: "zl3073x", clockID: card, kind: 2, lock: 2},
		{id: 1, module: "zl3073x", clockID: card, kind: 2, lock: 4},
		{id: 2, module: "zl3073x", clockID: card, kind: 1, lock: 1},
		{id: 4, kind: 9, lock: 99},
	}, []pin{
		{id: 8, parents: []parent{{device: 3, direction: 1, state: 1, phase: 5}, {device: 1, direction: 1, state: 2}}, ffo: 6},
		{id: 9, label: "out", parents: []parent{{device: 2, direction: 2, state: 1}}},
	}, map[uint32]string{9: "ens1f0"})
	var got []clock.DPLL
	for _, f := range all {
		got = append(got, f.dpll())
	}
	want := []clock.DPLL{
		{Name: "zl3073x.507c6fffff1fb1b8", Type: clock.DPLLEEC, Lock: clock.DPLLHoldover},
		{Name: "zl3073x.507c6fffff1fb1b8", Type: clock.DPLLPPS, Lock: clock.DPLLUnlocked},
		{Name: "zl3073x.507c6fffff1fb1b8.2", Type: clock.DPLLEEC, Lock: clock.DPLLLocked, Input: "pin 8"},
		{Name: "dpll.0000000000000000"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DPLLs (-want +got):\n%s", diff)
	}
	if f := all[2]; f.phase != 5 || f.ffo != 6 {
		t.Errorf("input %+v", f)
	}
	// Of a card whose ports share an input, it is the port that is let through.
	shared := []pin{
		{id: 2, label: "RCLKA", parents: []parent{{device: 1, direction: 1, state: 1}}},
		{id: 5},
		{id: 6, muxes: []uint32{3, 2}},
		{id: 7, muxes: []uint32{3}},
		{id: 4, muxes: []uint32{2}},
	}
	if got := describe([]device{{id: 1}}, shared, map[uint32]string{5: "ens1f0", 6: "ens1f1", 7: "ens1f2"})[0].input; got != "ens1f1" {
		t.Errorf("input %q, want ens1f1", got)
	}
	if got := describe([]device{{id: 1}}, shared, nil)[0].input; got != "RCLKA" {
		t.Errorf("input %q, want RCLKA", got)
	}
	for _, tc := range []struct{ got, want string }{{lockName(99), "unknown (99)"}, {typeName(9), "unknown (9)"}, {modeName(0), ""}, {lockErrorName(4), "fractional-frequency-offset-too-high"}} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
}
