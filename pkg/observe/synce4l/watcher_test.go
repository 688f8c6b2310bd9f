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

package synce4l

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/observetest"
)

// daemon is a scripted synce4l.
type daemon struct {
	t *testing.T

	mu      sync.Mutex
	refuses error
	hangs   bool
	answer  []byte
	asked   []string
}

func (d *daemon) set(change func()) {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// dial returns one end of a connection, at whose other end one request is answered.
func (d *daemon) dial(context.Context) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuses != nil {
		return nil, d.refuses
	}
	ours, theirs := net.Pipe()
	hangs, answer := d.hangs, d.answer
	go func() {
		defer theirs.Close()
		var command [longest]byte
		n, err := theirs.Read(command[:])
		if err != nil {
			return
		}
		d.mu.Lock()
		d.asked = append(d.asked, string(command[:n]))
		d.mu.Unlock()
		if hangs {
			_, _ = theirs.Read(command[:]) // until they give up
			return
		}
		_, _ = theirs.Write(answer)
	}()
	return ours, nil
}

func watch(t *testing.T, d *daemon, devices ...string) *observetest.Watching {
	t.Helper()
	return observetest.Start(t, func(emit func(clock.Observation), log *zap.SugaredLogger) func(context.Context) {
		w, err := NewWatcher(Config{Socket: "/run/synce4l", Devices: devices}, time.Now(), emit, log)
		if err != nil {
			t.Fatal(err)
		}
		w.dial = d.dial
		return w.Run
	})
}

func wantLogs(t *testing.T, s *observetest.Watching, want ...string) {
	t.Helper()
	s.WantLogs(t, func(_ int, e observer.LoggedEntry) string {
		line := e.Message
		for _, f := range e.Context {
			if f.Key != "socket" {
				line += fmt.Sprintf(" %s=%s", f.Key, f.String)
			}
		}
		return line
	}, want...)
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &daemon{t: t, answer: bytesOf(t, good...)}
		s := watch(t, d, "synce1")
		const level = " clock.SyncEQualityReport{Device:synce1 Level:2}"
		time.Sleep(1500 * time.Millisecond)
		s.Want(t, "0s"+level, "1s"+level)
		wantLogs(t, s, "what synce4l passes on device=synce1 level=SSM 2, enhanced 33")
		for _, r := range d.asked {
			if r != string(request("synce1")) {
				t.Errorf("synce4l was asked %q", r)
			}
		}

		d.set(func() { d.answer = bytesOf(t, "0400010002", "05000100ff", end) })
		time.Sleep(time.Second)
		s.Want(t, "2s"+level)
		wantLogs(t, s, "what synce4l passes on device=synce1 level=SSM 2, enhanced 255")

		d.set(func() { d.hangs = true })
		time.Sleep(3 * time.Second)
		s.Want(t, "5s clock.SyncEQualityUnreadable{Device:synce1 Cause:synce4l does not answer within 2s: it hangs}")
		wantLogs(t, s, "synce4l does not tell a quality level device=synce1 cause=synce4l does not answer within 2s: it hangs")

		d.set(func() { d.hangs, d.refuses = false, unix.ECONNREFUSED })
		time.Sleep(4 * time.Second)
		for _, line := range s.Take()[1:] { // the first was asked before
			if !strings.Contains(line, "connection refused: start synce4l, or name its smc_socket_path") {
				t.Errorf("observed %s", line)
			}
		}
	})
}

func TestDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &daemon{t: t, answer: bytesOf(t, "03001000"+"446576696365206e6f7420666f756e64", end)}
		s := watch(t, d, "synce1", "synce2")
		const cause = ` Cause:synce4l says: "Device not found"}`
		s.Want(t, "0s clock.SyncEQualityUnreadable{Device:synce1"+cause, "0s clock.SyncEQualityUnreadable{Device:synce2"+cause)
		time.Sleep(time.Minute) // one line for each
		wantLogs(t, s, `synce4l does not tell a quality level device=synce1 cause=synce4l says: "Device not found"`,
			`synce4l does not tell a quality level device=synce2 cause=synce4l says: "Device not found"`)
	})
}

// A real socket, of which synce4l takes one connection at a time.
func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	c := Config{Socket: path, Devices: []string{"synce1"}}
	w, err := NewWatcher(c, time.Now(), func(clock.Observation) {}, zap.NewNop().Sugar())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ask(t.Context(), "synce1"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a socket: %v", err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			var command [longest]byte
			_, _ = conn.Read(command[:])
			_, _ = conn.Write(bytesOf(t, good...))
			_ = conn.Close()
		}
	}()
	for range 3 {
		if level, err := w.ask(t.Context(), "synce1"); err != nil || level != (clock.QualityLevel{SSM: 2, Enhanced: 0x21}) {
			t.Errorf("%+v, %v", level, err)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, tc := range []struct {
		config Config
		want   string
	}{
		{Config{Socket: "/run/s", Devices: []string{"synce1", "123456789012345"}}, ""},
		{Config{Socket: "s", Devices: []string{"synce1"}}, `synce: synce4l: socket is "s"; it must be an absolute path, synce4l's smc_socket_path`},
		{Config{Devices: []string{"synce1"}}, `synce: synce4l: socket is ""; it must be an absolute path, synce4l's smc_socket_path`},
		{Config{Socket: "/run/s"}, "synce: synce4l: devices are missing; name those of synce4l's configuration, for example [synce1]"},
		{Config{Socket: "/run/s", Devices: []string{"1234567890123456"}}, `synce: synce4l: device "1234567890123456" must have 1 to 15 characters`},
	} {
		got := ""
		if _, err := NewWatcher(tc.config, time.Now(), nil, zap.NewNop().Sugar()); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.config, got, tc.want)
		}
	}
}
