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

package phc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// fake is a kernel whose clocks may be set. Its time is that of the bubble.
type fake struct {
	mu     sync.Mutex
	names  []string
	of     map[string][]string
	err    error // of clocks
	broken error // of open and read
	ahead  time.Duration
	freq   ppb
	hangs  chan struct{} // read waits for it to close, if there is one
	start  time.Time
	opened int
}

func newFake(names ...string) *fake {
	return &fake{names: names, of: map[string][]string{}, ahead: 37 * time.Second, start: time.Now()}
}

func (f *fake) clocks() ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.names), f.err
}

func (f *fake) interfaces([]string) map[string][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.of
}

func (f *fake) open(string) (device, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return nil, f.broken
	}
	f.opened++
	return f, nil
}

func (f *fake) about() description {
	return description{name: "fake", method: extended, most: 62_499_999, frequency: true}
}

func (f *fake) read() (reading, error) {
	f.mu.Lock()
	hangs := f.hangs
	f.mu.Unlock()
	if hangs != nil {
		<-hangs
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return reading{offset: f.ahead, within: 100, ahead: f.ahead, raw: time.Since(f.start), frequency: f.freq, hasFrequency: true}, f.broken
}

func (f *fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened--
	return nil
}

// change changes what the kernel will say, once the watcher has seen all that was before.
func (f *fake) change(do func()) {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func watch(t *testing.T, k *fake, every time.Duration) *observetest.Watching {
	t.Helper()
	t.Cleanup(func() {
		if k.opened != 0 {
			t.Errorf("%d devices are left open", k.opened)
		}
	})
	return observetest.Start(t, func(emit func(clock.Observation), log *zap.SugaredLogger) func(context.Context) {
		c := DefaultConfig()
		c.Interval = every
		w, err := NewWatcher(c, time.Now(), emit, log)
		if err != nil {
			t.Fatal(err)
		}
		w.kernel = k
		return w.Run
	})
}

// want compares the observations since the last call, without the part of their names that
// is the same.
func want(t *testing.T, w *observetest.Watching, want ...string) {
	t.Helper()
	got := w.Take()
	for n, line := range got {
		got[n] = strings.Replace(line, "clock.HardwareClock", "", 1)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
}

func wantLogs(t *testing.T, w *observetest.Watching, want ...string) {
	t.Helper()
	w.WantLogs(t, func(_ int, e observer.LoggedEntry) string {
		line := e.Message
		if line == "this machine has PTP hardware clocks" {
			return "" // with every list
		}
		if cause, ok := e.ContextMap()["cause"]; ok {
			line += fmt.Sprintf(": %v", cause)
		}
		return line
	}, want...)
}

// at is the line of an ordinary reading.
func at(when string, frequency float64) string {
	return fmt.Sprintf("%s {Device:ptp0 Offset:37s Within:100ns Frequency:%v HasFrequency:true}", when, frequency)
}

func TestClocksAreReadEveryInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake("ptp0")
		k.of["ptp0"] = []string{"eth0", "eth1"}
		w := watch(t, k, 400*time.Millisecond)
		time.Sleep(900 * time.Millisecond)
		want(t, w, "0s s{Devices:[{Name:ptp0 Interfaces:[eth0 eth1]}]}", at("0s", 0), at("400ms", 0), at("800ms", 0))
		k.change(func() { k.freq = -12.5 })
		time.Sleep(400 * time.Millisecond)
		want(t, w, at("1.2s", -12.5))
		wantLogs(t, w, "watching a hardware clock")
	})
}

func TestAStepIsReportedWithTheNextReading(t *testing.T) {
	for _, by := range []time.Duration{time.Millisecond, -time.Millisecond, time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newFake("ptp0")
				w := watch(t, k, 50*time.Millisecond)
				time.Sleep(60 * time.Millisecond)
				want(t, w, "0s s{Devices:[{Name:ptp0 Interfaces:[]}]}", at("0s", 0), at("50ms", 0))
				k.change(func() { k.ahead += by })
				time.Sleep(50 * time.Millisecond)
				want(t, w, fmt.Sprintf("100ms Step{Device:ptp0 By:%v Within:50ms}", by), strings.Replace(at("100ms", 0), "37s", (37*time.Second+by).String(), 1))
				k.change(func() { k.ahead -= by })
				time.Sleep(100 * time.Millisecond)
				want(t, w, fmt.Sprintf("150ms Step{Device:ptp0 By:%v Within:50ms}", -by), at("150ms", 0), at("200ms", 0)) // once only
				wantLogs(t, w, "watching a hardware clock", "the hardware clock was set", "the hardware clock was set")
			})
		})
	}
}

func TestClocksComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake()
		w := watch(t, k, time.Second)
		want(t, w, "0s s{Devices:[]}")
		wantLogs(t, w, "this machine has no PTP hardware clock, or it cannot be seen from here")

		time.Sleep(500 * time.Millisecond)
		k.change(func() { k.names = []string{"ptp0"} })
		time.Sleep(time.Second)
		want(t, w, "1s s{Devices:[{Name:ptp0 Interfaces:[]}]}", at("1s", 0))

		// Its driver is unloaded: it cannot be read, and then it is not there.
		k.change(func() { k.broken = fmt.Errorf("clock_gettime: %w", unix.ENODEV) })
		time.Sleep(time.Second)
		want(t, w, "2s Unreadable{Device:ptp0 Cause:clock_gettime: no such device: the clock is gone, as when its driver was unloaded}")
		k.change(func() { k.names, k.broken = nil, nil })
		time.Sleep(time.Second)
		lines := w.Take()
		last := lines[len(lines)-1] // it may have been read once more before
		if last != "3s clock.HardwareClocks{Devices:[]}" {
			t.Errorf("the last was %q, want that there is none", last)
		}

		// It comes back set to another time, which is no step: it may be another clock.
		k.change(func() { k.names, k.ahead = []string{"ptp0"}, 0 })
		time.Sleep(time.Second)
		want(t, w, "4s s{Devices:[{Name:ptp0 Interfaces:[]}]}", strings.Replace(at("4s", 0), "37s", "0s", 1))
	})
}

func TestAClockThatMayNotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake("ptp0")
		k.broken = &os.PathError{Op: "open", Path: "/dev/ptp0", Err: unix.EPERM}
		w := watch(t, k, 50*time.Millisecond)
		time.Sleep(1500 * time.Millisecond)
		const cause = "open /dev/ptp0: operation not permitted: the adapter must be allowed to read the device: run it privileged or with a device plugin (docs/troubleshooting.md)"
		const unreadable = " Unreadable{Device:ptp0 Cause:" + cause + "}"
		want(t, w, "0s s{Devices:[{Name:ptp0 Interfaces:[]}]}", "0s"+unreadable, "1s"+unreadable)
		wantLogs(t, w, "the hardware clock cannot be read: "+cause) // one line

		k.change(func() { k.broken = nil })
		time.Sleep(550 * time.Millisecond)
		want(t, w, at("2s", 0), at("2.05s", 0))
		wantLogs(t, w, "watching a hardware clock")

		k.change(func() { k.broken = &os.PathError{Op: "open", Path: "/dev/ptp0", Err: unix.ENOENT} })
		time.Sleep(50 * time.Millisecond)
		wantLogs(t, w, "the hardware clock cannot be read: open /dev/ptp0: no such file or directory: the machine has this clock, and its device is not here: run the adapter privileged or with a device plugin (docs/troubleshooting.md)")
	})
}

func TestADriverThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake("ptp0")
		w := watch(t, k, time.Second)
		time.Sleep(500 * time.Millisecond)
		want(t, w, "0s s{Devices:[{Name:ptp0 Interfaces:[]}]}", at("0s", 0))
		hangs := make(chan struct{})
		k.change(func() { k.hangs = hangs })
		time.Sleep(4 * time.Second)
		want(t, w, "3s Unreadable{Device:ptp0 Cause:its driver does not answer}")
		k.change(func() { k.hangs = nil })
		close(hangs)
		time.Sleep(time.Second)
		synctest.Wait()
		wantLogs(t, w, "watching a hardware clock", "the driver does not answer")
	})
}

func TestClocksThatCannotBeLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake("ptp0")
		k.err = fmt.Errorf("look for /dev/ptp*: %w", unix.EIO)
		w := watch(t, k, time.Second)
		time.Sleep(1500 * time.Millisecond)
		want(t, w)
		wantLogs(t, w, "hardware clocks cannot be looked for")
		k.change(func() { k.err = nil })
		time.Sleep(time.Second)
		want(t, w, "2s s{Devices:[{Name:ptp0 Interfaces:[]}]}", at("2s", 0))
	})
}

// An interface that has just come has its name changed a little later.
func TestInterfacesAreAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake("ptp0")
		k.of["ptp0"] = []string{"eth0"}
		w := watch(t, k, time.Hour)
		want(t, w, "0s s{Devices:[{Name:ptp0 Interfaces:[eth0]}]}", at("0s", 0))
		k.change(func() { k.of = map[string][]string{"ptp0": {"ens1f0"}} })
		time.Sleep(time.Minute)
		want(t, w, "1m0s s{Devices:[{Name:ptp0 Interfaces:[ens1f0]}]}")
	})
}

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"default", func(*Config) {}, ""},
		{"as often as may be", func(c *Config) { c.Interval = 50 * time.Millisecond }, ""},
		{"too often", func(c *Config) { c.Interval = 49 * time.Millisecond }, "hardwareClock: pollInterval is 49ms; it must be 50ms or more, for example 1s"},
		{"a directory that is relative", func(c *Config) { c.Directory = "dev" }, `hardwareClock: directory is "dev"; it must be an absolute path, for example /dev`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := DefaultConfig()
			tc.change(&c)
			got := ""
			if err := c.Validate(); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// What a machine with hardware clocks shows in its file system.
func TestClocksAndInterfacesOfAMachine(t *testing.T) {
	root := t.TempDir()
	l := linux{directory: filepath.Join(root, "dev"), sys: filepath.Join(root, "sys")}
	for _, path := range []string{
		"dev", "sys/class/ptp/ptp0/device/net/ens1f0", "sys/class/ptp/ptp0/device/net/ens1f1",
		"sys/class/ptp/ptp2", "sys/class/ptp/ptp10", "sys/class/net/ens2/device/ptp/ptp10", "sys/class/net/lo",
	} {
		if err := os.MkdirAll(filepath.Join(root, path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"ptp0", "ptp3", "ptp_kvm", "ptpx", "pts"} {
		if err := os.WriteFile(filepath.Join(l.directory, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names, err := l.clocks()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ptp0", "ptp2", "ptp3", "ptp10"}, names); diff != "" {
		t.Errorf("clocks (-want +got):\n%s", diff)
	}
	want := map[string][]string{"ptp0": {"ens1f0", "ens1f1"}, "ptp10": {"ens2"}}
	if diff := cmp.Diff(want, linux{sys: l.sys}.interfaces(names)); diff != "" {
		t.Errorf("interfaces (-want +got):\n%s", diff)
	}
	// What is no clock says so when it is opened.
	if _, err := l.open("ptp3"); err == nil || !strings.Contains(err.Error(), "ptp3: inappropriate ioctl for device") {
		t.Errorf("a file was opened as a clock: %v", err)
	}
	if _, err := l.open("ptp2"); !strings.Contains(fmt.Sprint(err), "ptp2: no such file or directory") {
		t.Errorf("got %v, want that there is no device", err)
	}
}

// CLOCK_REALTIME beside CLOCK_MONOTONIC_RAW, as this kernel has them.
func TestRealtimeOfThisKernel(t *testing.T) {
	first, err := realtime()
	if err != nil {
		t.Fatal(err)
	}
	if off := time.Until(time.Unix(0, int64(first.ahead+first.raw))); off.Abs() > 10*time.Second {
		t.Errorf("%+v is %v off", first, off)
	}
	second, err := realtime()
	if err != nil {
		t.Fatal(err)
	}
	if second.raw <= first.raw {
		t.Errorf("CLOCK_MONOTONIC_RAW goes from %v to %v", first.raw, second.raw)
	}
}
