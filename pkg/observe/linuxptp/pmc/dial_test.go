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

package pmc_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

func TestDialFindsOutWhatPTP4LListensTo(t *testing.T) {
	for _, tt := range []struct {
		name                      string
		domain, transportSpecific uint8
		requests                  int // at least
	}{
		{name: "the default", requests: 1},
		{name: "gPTP", transportSpecific: 1, requests: 2},
		{name: "the telecom profile", domain: 24, requests: 3},
		{name: "the last of all", domain: 127, transportSpecific: 1, requests: 256},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, c := connect(t, func(d *daemon) {
				d.domain, d.transportSpecific, d.ports = tt.domain, tt.transportSpecific, 3
			})
			if c.Domain() != tt.domain || c.TransportSpecific() != tt.transportSpecific {
				t.Errorf("found domain %d, transportSpecific %d", c.Domain(), c.TransportSpecific())
			}
			if c.Identity() != goldenClock || c.NumberPorts() != 3 || c.MinorVersion() != 1 {
				t.Errorf("found %v with %d ports, minor version %d", c.Identity(), c.NumberPorts(), c.MinorVersion())
			}
			all := d.received(func(pmc.Message) bool { return true })
			if len(all) < tt.requests {
				t.Errorf("%d requests, want at least %d", len(all), tt.requests)
			}
			for _, m := range all {
				if m.Action != pmc.ActionGet || m.ID != pmc.IDDefaultDataSet || m.StartingBoundaryHops != 0 || m.BoundaryHops != 0 {
					t.Fatalf("a probe is %+v", m)
				}
			}
			if err := c.Fetch(t.Context(), new(pmc.Priority1)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDialTriesOnlyWhatIsConfigured(t *testing.T) {
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), nil)
	domain, nibble := uint8(24), uint8(1)
	_, err := pmc.Dial(t.Context(), pmc.Config{Socket: d.path, Domain: &domain, TransportSpecific: &nibble, Timeout: 50 * time.Millisecond})
	if !errors.Is(err, pmc.ErrNoAnswer) {
		t.Fatalf("error %v, want ErrNoAnswer", err)
	}
	for _, part := range []string{d.path, "tried domain 24 with transportSpecific 1;", "domainNumber"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	all := d.received(func(pmc.Message) bool { return true })
	if len(all) != 1 || all[0].Domain != 24 || all[0].TransportSpecific != 1 {
		t.Errorf("requests %+v", all)
	}
	if left := clientFiles(t, filepath.Dir(d.path)); len(left) != 0 {
		t.Errorf("left %v behind", left)
	}
}

func TestDialSaysWhatItTried(t *testing.T) {
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), func(d *daemon) { d.script = ignore })
	_, err := pmc.Dial(t.Context(), pmc.Config{Socket: d.path, Timeout: 50 * time.Millisecond})
	if !errors.Is(err, pmc.ErrNoAnswer) || !strings.Contains(err.Error(), "tried domains 0 to 127 with transportSpecific 0 and 1;") {
		t.Errorf("error %v", err)
	}
	if n := len(d.received(func(pmc.Message) bool { return true })); n != 256 {
		t.Errorf("%d requests, want 256", n)
	}
}

func TestDialSurvivesAHungPTP4L(t *testing.T) {
	path := filepath.Join(socketDir(t), "ptp4l")
	hung, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()
	_, err = pmc.Dial(t.Context(), pmc.Config{Socket: path, Timeout: 50 * time.Millisecond})
	if !errors.Is(err, pmc.ErrNoAnswer) || !strings.Contains(err.Error(), "it has stopped reading requests") {
		t.Errorf("error %v", err)
	}
}

func TestDialIsCancelled(t *testing.T) {
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), func(d *daemon) { d.script = ignore })
	ctx, cancel := context.WithCancel(t.Context())
	domain, began := uint8(0), time.Now()
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err := pmc.Dial(ctx, pmc.Config{Socket: d.path, Domain: &domain, Timeout: time.Minute})
	if !errors.Is(err, context.Canceled) || time.Since(began) > 20*time.Second {
		t.Errorf("error %v after %v", err, time.Since(began))
	}
}

func TestDialErrors(t *testing.T) {
	dir := socketDir(t)
	stale := start(t, filepath.Join(dir, "stale"), nil)
	stale.stop()
	forbidden := start(t, filepath.Join(dir, "forbidden"), nil)
	for path, mode := range map[string]os.FileMode{stale.path: 0o666, forbidden.path: 0o600} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, path string
		is         error
		hint       string
	}{
		{name: "no socket", path: filepath.Join(dir, "absent"), is: fs.ErrNotExist, hint: "is ptp4l running?"},
		{name: "no permission", path: forbidden.path, is: fs.ErrPermission, hint: "0660 root:root"},
		{name: "left behind", path: stale.path, is: syscall.ECONNREFUSED, hint: "not running"},
		{name: "a long path", path: filepath.Join(dir, strings.Repeat("x", 108)), is: syscall.EINVAL, hint: "uds_address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			asNobody(t, dir, func() { _, err = pmc.Dial(t.Context(), pmc.Config{Socket: tt.path}) })
			if !errors.Is(err, tt.is) {
				t.Fatalf("error %v, want %v", err, tt.is)
			}
			if !strings.Contains(err.Error(), tt.path) || !strings.Contains(err.Error(), tt.hint) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want the path and %q in one line", err, tt.hint)
			}
			if left := clientFiles(t, dir); len(left) != 0 {
				t.Errorf("left %v behind", left)
			}
		})
	}
}

// asNobody runs f without the right to write to dir, also where the tests run as root.
func asNobody(t *testing.T, dir string, f func()) {
	t.Helper()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Error(err)
		}
	}()
	if os.Geteuid() == 0 { // the file system's user id is that of a thread (setfsuid(2))
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		const nobody = 65534
		if _, err := unix.SetfsuidRetUid(nobody); err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = unix.SetfsuidRetUid(0) }()
	}
	f()
}

func TestAnswersComeToAnAbstractAddressWhereTheDirectoryIsReadOnly(t *testing.T) {
	dir := socketDir(t)
	d := start(t, filepath.Join(dir, "ptp4l"), nil)
	if err := os.Chmod(d.path, 0o666); err != nil {
		t.Fatal(err)
	}
	var c *pmc.Client
	asNobody(t, dir, func() { c = dial(t, pmc.Config{Socket: d.path}) })
	if files := clientFiles(t, dir); len(files) != 0 {
		t.Errorf("there is %v", files)
	}
	if err := c.Fetch(t.Context(), new(pmc.Priority1)); err != nil {
		t.Error(err)
	}

	d.play(ignore)
	var err error
	domain := uint8(0)
	asNobody(t, dir, func() {
		_, err = pmc.Dial(t.Context(), pmc.Config{Socket: d.path, Domain: &domain, Timeout: 10 * time.Millisecond})
	})
	if err == nil || !strings.Contains(err.Error(), "make the directory of its socket writable") {
		t.Errorf("error %v does not tell of the directory", err)
	}
}

func TestClientHasAFileBesidePTP4L(t *testing.T) {
	d, c := connect(t, nil)
	files := clientFiles(t, filepath.Dir(d.path))
	if len(files) != 1 {
		t.Fatalf("files %v, want one", files)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if want := os.ModeSocket | 0o666; info.Mode() != want {
		t.Errorf("mode %v, want %v: ptp4l may run as anybody", info.Mode(), want)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left := clientFiles(t, filepath.Dir(d.path)); len(left) != 0 {
		t.Errorf("Close left %v", left)
	}
	if err := c.Close(); err != nil {
		t.Errorf("a second Close gives %v", err)
	}
	if err := c.Err(); !errors.Is(err, pmc.ErrClosed) {
		t.Errorf("Err is %v, want ErrClosed", err)
	}
}

func TestRelativePathsAreMadeAbsolute(t *testing.T) {
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), nil)
	t.Chdir(filepath.Dir(d.path))
	dial(t, pmc.Config{Socket: "ptp4l"})
	d.mu.Lock()
	defer d.mu.Unlock()
	if !filepath.IsAbs(d.client.Name) {
		t.Errorf("the client's address is %q, which is elsewhere for ptp4l", d.client.Name)
	}
}

func TestDialRemovesWhatCrashedClientsLeft(t *testing.T) {
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), nil)
	dir := filepath.Dir(d.path)
	leave := func(name string, open bool) string {
		path := filepath.Join(dir, name)
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		if open {
			t.Cleanup(func() { _ = conn.Close() })
		} else {
			_ = conn.Close()
		}
		return path
	}
	crashed := leave(".eventing-ptp-crashed", false)
	strange := filepath.Join(dir, ".eventing-ptp-notasocket")
	if err := os.WriteFile(strange, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dial(t, pmc.Config{Socket: d.path})
	connected := clientFiles(t, dir)
	if slices.Contains(connected, crashed) {
		t.Error("the socket of a crashed client is still there")
	}
	live := leave(".eventing-ptp-live", true)
	foreign := leave("other-client", false)

	second := dial(t, pmc.Config{Socket: d.path})
	left := clientFiles(t, dir)
	if len(left) != 4 || !slices.Contains(left, live) || !slices.Contains(left, strange) {
		t.Errorf("left are %v", left)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("somebody else's socket: %v", err)
	}
	if err := second.Fetch(t.Context(), new(pmc.Priority1)); err != nil {
		t.Error(err)
	}
}
