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

package pmc

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// listen opens a socket as ptp4l does.
func listen(t *testing.T) *net.UnixConn {
	t.Helper()
	dir, err := os.MkdirTemp("", "pmc") //nolint:usetesting // a socket's name has 107 bytes; TempDir spends them on the name of the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "ptp4l"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestUnreadPushesDoNotHoldUpTheSender is the mechanism that the package's promise rests
// on: a socket made by connect may stop reading, and its peer goes on sending.
func TestUnreadPushesDoNotHoldUpTheSender(t *testing.T) {
	ptp4l := listen(t)
	conn, local, err := connect(ptp4l.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := ptp4l.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	push := make([]byte, 104) // as long as TIME_STATUS_NP
	for n := range 2 * maxUnread {
		if _, err := ptp4l.WriteToUnix(push, &net.UnixAddr{Name: local, Net: "unixgram"}); err != nil {
			t.Fatalf("push %d: %v", n, err)
		}
	}
}

func TestStrangersCannotSend(t *testing.T) {
	ptp4l := listen(t)
	conn, local, err := connect(ptp4l.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = listen(t).WriteToUnix([]byte("hello"), &net.UnixAddr{Name: local, Net: "unixgram"})
	if !errors.Is(err, os.ErrPermission) {
		t.Errorf("error %v, want a refusal", err)
	}
}

func TestPushesDoNotAllocate(t *testing.T) {
	c := &Client{self: PortIdentity{Port: 1}, wake: make(chan struct{}, 1)}
	data, err := (&TimeStatusNP{MasterOffset: 55}).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	m := Message{Target: c.self, StartingBoundaryHops: 1, BoundaryHops: 1, Action: ActionResponse, ID: IDTimeStatusNP, Data: data}
	frame, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	allocs := testing.AllocsPerRun(1000, func() {
		c.receive(frame, now)
		<-c.Wait()
		p, ok := c.Next()
		var s TimeStatusNP
		if err := s.UnmarshalBinary(p.Data); !ok || err != nil || s.MasterOffset != 55 {
			t.Fatalf("push %+v, %v", p, err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for a push", allocs)
	}
}
