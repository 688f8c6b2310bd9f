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

package integration

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/osclock/chrony"
	"github.com/eventing-ptp/eventing-ptp/test/lab"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// room is a network namespace in which chronyds run that touch no clock.
type room struct {
	*sandbox.Namespace
	chronyd lab.Chronyd
	dir     string
}

func newRoom(t *testing.T) room {
	t.Helper()
	chronyd, err := lab.FindChronyd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ns, err := sandbox.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ns.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := ns.SetUp("lo", true); err != nil {
		t.Fatal(err)
	}
	return room{ns, chronyd, t.TempDir()}
}

// start runs a chronyd until the test ends, or until it is ended.
func (r room) start(t *testing.T, name string, lines ...string) *sandbox.Process {
	t.Helper()
	lines = append(lines, "bindcmdaddress /", "pidfile "+filepath.Join(r.dir, name+".pid"))
	p, err := r.Start(r.chronyd.Command(t.Context(), lines...), filepath.Join(r.dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = p.End(syscall.SIGTERM) })
	return p
}

// dial returns a client in the room.
func (r room) dial(t *testing.T, address string) *chrony.Client {
	t.Helper()
	var client *chrony.Client
	err := r.Do(func() (err error) {
		client, err = chrony.Dial(t.Context(), address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// until asks until what is answered is right.
func until(t *testing.T, c *chrony.Client, what string, right func(chrony.Tracking, error) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		got, err := c.Tracking(time.Second)
		if right(got, err) {
			t.Logf("%s: %+v, %v", what, got, err)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %s within %v, but %+v, %v", what, patience, got, err)
		}
	}
}

func TestChronyd(t *testing.T) {
	r := newRoom(t)
	c := r.dial(t, "127.0.0.1:324")
	until(t, c, "absent", func(_ chrony.Tracking, err error) bool {
		return err != nil && strings.Contains(err.Error(), "connection refused")
	})
	follower := r.start(t, "follower", "server 127.0.0.1 iburst minpoll 0 maxpoll 0", "port 0", "cmdport 324")
	until(t, c, "without a reference", func(got chrony.Tracking, err error) bool {
		return err == nil && got.Leap == chrony.Unsynchronised && got.Interval == 0
	})
	server := r.start(t, "server", "local stratum 5", "allow 127.0.0.0/8", "cmdport 323")
	until(t, c, "following", func(got chrony.Tracking, err error) bool {
		return err == nil && got.Leap == chrony.Normal && got.Stratum == 6 && got.Source() == "127.0.0.1" &&
			got.Interval > 500*time.Millisecond && got.Interval < 10*time.Second && time.Since(got.Updated).Abs() < 10*time.Second
	})
	// A reference that is lost is still named: only its age tells.
	if _, err := server.End(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, c, "not updated any more", func(got chrony.Tracking, err error) bool {
		return err == nil && time.Since(got.Updated) > 4*time.Second
	})
	if _, err := follower.End(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, c, "gone", func(_ chrony.Tracking, err error) bool {
		return err != nil && strings.Contains(err.Error(), "connection refused")
	})
}
