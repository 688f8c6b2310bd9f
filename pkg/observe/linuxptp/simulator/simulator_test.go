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

package simulator

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// patience is how long a test waits for what should come at once.
const patience = 10 * time.Second

// start runs a simulator until the test ends.
func start(t *testing.T, change func(*Config)) *Simulator {
	t.Helper()
	dir := t.TempDir()
	config := Config{Socket: filepath.Join(dir, "ptp4l"), ReadOnlySocket: filepath.Join(dir, "ptp4lro"), Clock: atOnce()}
	if change != nil {
		change(&config)
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// client is a client of ptp4l with a socket of its own.
type client struct {
	t *testing.T
	*net.UnixConn
	server *net.UnixAddr
}

func dial(t *testing.T, server string) *client {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "client"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &client{t, conn, &net.UnixAddr{Name: server, Net: "unixgram"}}
}

func (c *client) request(frame []byte) {
	c.t.Helper()
	if _, err := c.WriteToUnix(frame, c.server); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads as many datagrams as there are lines.
func (c *client) expect(want ...string) {
	c.t.Helper()
	buf := make([]byte, 4096)
	var got []string
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	for range want {
		n, err := c.Read(buf)
		if err != nil {
			c.t.Fatalf("after %q: %v", got, err)
		}
		got = append(got, describe(c.t, buf[:n]))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Fatalf("received (-want +got):\n%s", diff)
	}
}

// nothing checks that nothing has come: the answer to a further request is next.
func (c *client) nothing() {
	c.t.Helper()
	c.request(requestFrame(pmc.ActionGet, pmc.IDPriority1))
	c.expect("0 RESPONSE PRIORITY1")
}

func (c *client) subscribe() {
	c.t.Helper()
	c.request(subscribeFrame(30, everything))
	c.expect("0 RESPONSE SUBSCRIBE_EVENTS_NP")
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}

func TestAnswersAndPushesOverSockets(t *testing.T) {
	s := start(t, nil)
	c, ro := dial(t, s.config.Socket), dial(t, s.config.ReadOnlySocket)
	c.subscribe()
	s.LinkDown(1)
	c.expect("port 1 FAULTY", alone)
	ro.request(subscribeFrame(30, everything))
	ro.expect("0 RESPONSE SUBSCRIBE_EVENTS_NP NOT_SUPPORTED")
	if diff := cmp.Diff(Stats{Received: 2, Sent: 4, Subscribers: 1}, s.Stats()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestSocketFiles(t *testing.T) {
	s := start(t, nil)
	for path, want := range map[string]os.FileMode{s.config.Socket: 0o660, s.config.ReadOnlySocket: 0o666} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
	}
	s.Close()
	for _, path := range []string{s.config.Socket, s.config.ReadOnlySocket} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s after Close: %v, want none", path, err)
		}
	}
}

func TestSyncsComeByThemselves(t *testing.T) {
	s := start(t, func(c *Config) { c.Clock.Sync.Interval = time.Millisecond })
	c := dial(t, s.config.Socket)
	c.subscribe()
	// The first Sync may have come before the subscription, or not yet.
	eventually(t, "pushes", func() bool { return s.Stats().Sent > 10 })
}

func TestStop(t *testing.T) {
	s := start(t, nil)
	c := dial(t, s.config.Socket)
	c.subscribe()
	s.Stop()
	if _, err := c.WriteToUnix([]byte{0}, c.server); !errors.Is(err, unix.ENOENT) {
		t.Errorf("request after Stop: %v, want ENOENT", err)
	}
	s.SetOffset(5)
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	s.PushNow(1)
	c.nothing()
	c.subscribe()
	s.PushNow(2)
	c.expect("sync 2")
}

func TestCrash(t *testing.T) {
	s := start(t, nil)
	c := dial(t, s.config.Socket)
	s.Crash()
	if _, err := c.WriteToUnix([]byte{0}, c.server); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("request after Crash: %v, want ECONNREFUSED", err)
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	c.nothing()
	s.Crash()
	s.Close()
	if _, err := os.Stat(s.config.Socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket after Crash and Close: %v, want none", err)
	}
}

func TestRestartIsANewSocket(t *testing.T) {
	s := start(t, nil)
	conn, err := net.DialUnix("unixgram",
		&net.UnixAddr{Name: filepath.Join(t.TempDir(), "client"), Net: "unixgram"}, &net.UnixAddr{Name: s.config.Socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(subscribeFrame(8, everything)); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("request on a connection from before: %v, want ECONNREFUSED", err)
	}
}

func TestHangAnswersLater(t *testing.T) {
	s := start(t, nil)
	c := dial(t, s.config.Socket)
	c.subscribe()
	s.Hang()
	c.request(requestFrame(pmc.ActionGet, pmc.IDPriority2))
	s.SetOffset(5)
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 4096)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("received %d bytes, %v while ptp4l hangs", n, err)
	}
	s.Unhang()
	c.expect("sync 5", "0 RESPONSE PRIORITY2")
}

func TestHangFillsTheSocket(t *testing.T) {
	s := start(t, nil)
	c := dial(t, s.config.Socket)
	s.Hang()
	defer s.Unhang()
	if err := c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := c.WriteToUnix(requestFrame(pmc.ActionGet, pmc.IDPriority2), c.server)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRestartEndsAHang(t *testing.T) {
	s := start(t, nil)
	c := dial(t, s.config.Socket)
	s.Hang()
	c.request(requestFrame(pmc.ActionGet, pmc.IDPriority2))
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	c.nothing()
}

func TestAFrozenClientBlocksNobody(t *testing.T) {
	s := start(t, nil)
	frozen, c := dial(t, s.config.Socket), dial(t, s.config.Socket)
	frozen.subscribe()
	const pushes = 2000
	for i := range pushes {
		s.PushNow(time.Duration(i))
	}
	c.nothing()
	if got := s.Stats(); got.Dropped == 0 || got.Sent+got.Dropped != pushes+2 {
		t.Errorf("%d sent and %d dropped of %d", got.Sent, got.Dropped, pushes+2)
	}
}

func TestAClientThatIsGone(t *testing.T) {
	s := start(t, nil)
	gone, c := dial(t, s.config.Socket), dial(t, s.config.Socket)
	gone.subscribe()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	s.PushNow(1)
	c.nothing()
	if got := s.Stats().Dropped; got != 1 {
		t.Errorf("%d dropped, want 1", got)
	}
}

func TestAClientWithoutAddress(t *testing.T) {
	s := start(t, nil)
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.config.Socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(requestFrame(pmc.ActionGet, pmc.IDPriority1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the answer is dropped", func() bool { return s.Stats().Dropped == 1 })
}

func TestAnAbstractClient(t *testing.T) {
	s := start(t, nil)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "@" + t.TempDir(), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &client{t, conn, &net.UnixAddr{Name: s.config.Socket, Net: "unixgram"}}
	c.nothing()
}

func TestPushNowTellsWhen(t *testing.T) {
	s := start(t, nil)
	c := dial(t, s.config.Socket)
	c.subscribe()
	before := time.Now()
	at := s.PushNow(55)
	if at.Before(before) || at.After(time.Now()) {
		t.Errorf("pushed at %v, which is not between the call and the return", at)
	}
	c.expect("sync 55")
	s.Hang()
	if at := s.PushNow(56); !at.IsZero() {
		t.Errorf("pushed at %v while ptp4l hangs", at)
	}
}

func TestBadFramesReachEverySubscriber(t *testing.T) {
	s := start(t, nil)
	c := dial(t, s.config.Socket)
	c.subscribe()
	s.SendRaw([]byte("nonsense"))
	c.expect("bad: management message: 8 bytes, want at least 54")
	s.BadFrames()
	buf := make([]byte, 4096)
	for range 9 { // the first ones: an unread socket takes 11
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if line := describe(t, buf[:n]); !strings.HasPrefix(line, "bad: ") {
			t.Errorf("received %q", line)
		}
	}
}

func TestAbuse(t *testing.T) {
	s := start(t, func(c *Config) {
		c.Clock.Sync.Interval = time.Millisecond
		c.Clock.Announce.Interval = 2 * time.Millisecond
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var all sync.WaitGroup
	for _, f := range []func(){
		func() { s.LinkDown(1); s.LinkUp(1) },
		func() { s.Silence(); s.Resume(); s.AnnounceTimeout(); s.Lock() },
		func() { s.SetClass(7); s.SetGrandmaster(DefaultGrandmaster()) },
		func() { s.SetOffset(1); s.Drift(2, time.Millisecond); s.SetJitter(3); s.StepClock(4) },
		func() { s.Hang(); s.Unhang() },
		func() {
			if err := s.Restart(); err != nil {
				t.Error(err)
			}
		},
		func() { s.Crash(); s.Stop() },
		func() {
			s.BadFrames()
			s.SendRaw(nil)
			s.DropPush(1)
			s.PushNow(1)
			s.Stats()
			s.Clock()
		},
		func() { s.SetPortState(1, pmc.PortPassive); s.ServoUnlock(); s.ServoLock() },
	} {
		all.Go(func() {
			for ctx.Err() == nil {
				f()
			}
		})
	}
	c := dial(t, s.config.Socket)
	all.Go(func() {
		for ctx.Err() == nil {
			// The socket comes and goes.
			if err := c.SetWriteDeadline(time.Now().Add(time.Millisecond)); err != nil {
				t.Error(err)
			}
			_, _ = c.WriteToUnix(subscribeFrame(1, everything), c.server)
		}
	})
	all.Wait()
	s.Unhang()
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	dial(t, s.config.Socket).nothing()
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no path", func(c *Config) { c.Socket = "" }, "simulate ptp4l: no path for the socket is given"},
		{"no clock", func(c *Config) { c.Clock = Clock{} }, `simulate ptp4l: version "" is not played; choose one of [3.1.1 4.0 4.1 4.2 4.3 4.4]`},
		{"no ports", func(c *Config) { c.Clock.Ports = nil }, "simulate ptp4l: ports is empty; give at least one, such as ports: [{interface: ens1f0}]"},
		{
			"read-only socket of 3.1.1", func(c *Config) { c.Clock.Version = "3.1.1"; c.ReadOnlySocket = "x" },
			"simulate ptp4l: linuxptp 3.1.1 has no read-only socket; leave it out, or choose version 4.0 or later",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			config := Config{Socket: "ptp4l", Clock: atOnce()}
			tc.change(&config)
			_, err := New(config)
			if err == nil || err.Error() != tc.want {
				t.Errorf("error %v\nwant  %s", err, tc.want)
			}
		})
	}
}

func TestStartRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	running := start(t, nil)
	for _, tc := range []struct {
		name, socket, readOnly, want string
	}{
		{"a path that is in use", running.config.Socket, "", "is in use, perhaps by a real ptp4l; give another path"},
		{"a path that is a file", file, "", "exists and is no socket; give another path"},
		{"a directory that is not there", filepath.Join(dir, "none", "ptp4l"), "", "give a path of at most 107 bytes in a directory that you can write"},
		{"a path that is too long", filepath.Join(dir, strings.Repeat("x", 100)), "", "give a path of at most 107 bytes in a directory that you can write"},
		{"a read-only path that is in use", filepath.Join(dir, "ptp4l"), running.config.ReadOnlySocket, "is in use, perhaps by a real ptp4l; give another path"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := New(Config{Socket: tc.socket, ReadOnlySocket: tc.readOnly, Clock: atOnce()})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			err = s.Start(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), "start simulator: bind socket: ") || !strings.HasSuffix(err.Error(), tc.want) {
				t.Errorf("error %v\nwant ... %s", err, tc.want)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "ptp4l")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("read-write socket after the read-only one failed: %v, want none", err)
	}
}

func TestStartTakesOverAStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ptp4l")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil { // and leave the file
		t.Fatal(err)
	}
	s := start(t, func(c *Config) { c.Socket = path })
	dial(t, s.config.Socket).nothing()
}

func TestStartIsForOnce(t *testing.T) {
	s := start(t, nil)
	if err := s.Start(t.Context()); err == nil {
		t.Error("a second Start succeeded")
	}
	s.Close()
	if err := s.Restart(); err == nil {
		t.Error("Restart after Close succeeded")
	}
}

func TestTheContextEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := New(Config{Socket: filepath.Join(t.TempDir(), "ptp4l"), Clock: atOnce()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	s.Hang()
	cancel()
	s.done.Wait()
	if _, err := os.Stat(s.config.Socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket after the end: %v, want none", err)
	}
}

func TestIdentityIsDerived(t *testing.T) {
	identity := func(change func(*Clock)) pmc.ClockIdentity {
		c := DefaultClock()
		change(&c)
		s, err := New(Config{Socket: "ptp4l", Clock: c})
		if err != nil {
			t.Fatal(err)
		}
		return s.Clock().Identity
	}
	one := identity(func(*Clock) {})
	if again := identity(func(*Clock) {}); one != again {
		t.Errorf("the same clock is %v and %v", one, again)
	}
	if other := identity(func(c *Clock) { c.Domain = 24 }); one == other {
		t.Errorf("domains 0 and 24 are both %v", one)
	}
	if given := identity(func(c *Clock) { c.Identity = clockID }); given != clockID {
		t.Errorf("identity %v, want %v as given", given, clockID)
	}
}
