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

package osclock

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
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

// fake is a kernel whose clock may be set. Its time is that of the bubble.
type fake struct {
	mu       sync.Mutex
	realtime time.Duration // when the machine was started, by CLOCK_REALTIME
	within   time.Duration
	adjusted time.Time // zero: never
	says     unix.Timex
	state    int
	err      error // of timex
	baseErr  error
	deaf     error // of alarm
	set      chan error
	closed   bool
}

func newFake() *fake {
	return &fake{realtime: 1_800_000_000 * time.Second, within: 100, says: unix.Timex{Tick: 10_000}, set: make(chan error, 1)}
}

func (f *fake) timex() (timex, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := timex{f.says, f.state}
	t.Maxerror = 16_000_000
	if !f.adjusted.IsZero() {
		t.Maxerror = 500 * int64(time.Since(f.adjusted)/time.Second)
	}
	return t, f.err
}

func (f *fake) base() (base, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return base{f.realtime, f.within}, f.baseErr
}

func (f *fake) alarm() (alarm, error) { return f, f.deaf }
func (f *fake) wait() error           { return <-f.set }

func (f *fake) Close() error {
	f.closed = true
	f.set <- os.ErrClosed
	return nil
}

// change changes what the kernel will say, once the watcher has seen all that was before.
func (f *fake) change(do func()) {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// step sets the clock, as settimeofday(2) does.
func (f *fake) step(by time.Duration) {
	f.change(func() { f.realtime, f.adjusted = f.realtime+by, time.Time{} })
}

// adjust adjusts it, as phc2sys does.
func (f *fake) adjust() {
	f.change(func() { f.adjusted = time.Now() })
}

func watch(t *testing.T, k *fake) *observetest.Watching { return watchBoth(t, k, nil) }

// watchBoth watches the kernel, and a chronyd if there is one.
func watchBoth(t *testing.T, k *fake, chronyd *chronyd) *observetest.Watching {
	t.Helper()
	t.Cleanup(func() {
		if !k.closed && k.deaf == nil {
			t.Error("the alarm is left open")
		}
		if chronyd != nil && chronyd.open != 0 {
			t.Errorf("%d connections to chronyd are left open", chronyd.open)
		}
	})
	return observetest.Start(t, func(emit func(clock.Observation), log *zap.SugaredLogger) func(context.Context) {
		w := NewWatcher(Config{}, time.Now(), emit, log)
		w.kernel = k
		if chronyd != nil {
			w.daemon = newDaemon("chronyd", w.log)
			w.daemon.dial = chronyd.dial
		}
		return w.Run
	})
}

// wantLogs compares the messages of the log with all of their fields.
func wantLogs(t *testing.T, w *observetest.Watching, want ...string) {
	t.Helper()
	w.WantLogs(t, func(_ int, e observer.LoggedEntry) string {
		line, fields := e.Message, e.ContextMap()
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			line += fmt.Sprintf(" %s=%v", name, fields[name])
		}
		return line
	}, want...)
}

func TestTheKernelIsAskedEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake()
		w := watch(t, k)
		w.Want(t, "0s clock.OSClock{MaxError:16s TAI:0s}")
		time.Sleep(300 * time.Millisecond)
		k.adjust()
		time.Sleep(2200 * time.Millisecond)
		w.Want(t, "1s clock.OSClock{MaxError:0s TAI:0s}", "2s clock.OSClock{MaxError:500µs TAI:0s}")
	})
}

func TestAStepIsReportedAtOnce(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -37 * time.Second, time.Microsecond, -201} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newFake()
				k.adjust()
				w := watch(t, k)
				time.Sleep(400 * time.Millisecond)
				w.Want(t, "0s clock.OSClock{MaxError:0s TAI:0s}")
				k.step(by)
				k.set <- nil
				w.Want(t, fmt.Sprintf("400ms clock.OSClockStep{By:%v}", by), "400ms clock.OSClock{MaxError:16s TAI:0s}")
				time.Sleep(time.Second)
				w.Want(t, "1s clock.OSClock{MaxError:16s TAI:0s}") // once only
			})
		})
	}
}

// The kernel cancels the timer after a suspension, too, and nothing was set then.
func TestAnAlarmWithoutAStepIsNone(t *testing.T) {
	for _, by := range []time.Duration{0, 200} { // no more than both readings are uncertain
		synctest.Test(t, func(t *testing.T) {
			k := newFake()
			w := watch(t, k)
			w.Want(t, "0s clock.OSClock{MaxError:16s TAI:0s}")
			k.change(func() { k.realtime += by })
			k.set <- nil
			w.Want(t, "0s clock.OSClock{MaxError:16s TAI:0s}")
		})
	}
}

func TestAStepIsSeenWithoutTheAlarm(t *testing.T) {
	for name, change := range map[string]func(*fake){
		"there is none":  func(k *fake) { k.deaf = os.NewSyscallError("timerfd_create", unix.ENOSYS) },
		"it has failed":  func(k *fake) { k.set <- os.NewSyscallError("read", unix.EIO) },
		"it is too late": func(*fake) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newFake()
				change(k)
				w := watch(t, k)
				w.Want(t, "0s clock.OSClock{MaxError:16s TAI:0s}")
				k.step(-time.Second)
				time.Sleep(time.Second)
				w.Want(t, "1s clock.OSClockStep{By:-1s}", "1s clock.OSClock{MaxError:16s TAI:0s}")
			})
		})
	}
}

func TestWithoutTheTimeOfStartStepsAreNotInvented(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake()
		k.baseErr = errors.New("read clock 7: operation not permitted")
		w := watch(t, k)
		time.Sleep(500 * time.Millisecond)
		k.change(func() { k.baseErr = nil })
		time.Sleep(time.Second)
		w.Want(t, "0s clock.OSClock{MaxError:16s TAI:0s}", "1s clock.OSClock{MaxError:16s TAI:0s}")
		k.step(time.Minute)
		time.Sleep(time.Second)
		w.Want(t, "2s clock.OSClockStep{By:1m0s}", "2s clock.OSClock{MaxError:16s TAI:0s}")
	})
}

func TestAKernelThatDoesNotTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake()
		k.err = fmt.Errorf("adjtimex: %w", unix.EPERM)
		w := watch(t, k)
		time.Sleep(1500 * time.Millisecond)
		const hidden = " clock.OSClockUnreadable{Cause:adjtimex: operation not permitted: allow adjtimex(2) in the seccomp profile; it only reads}"
		w.Want(t, "0s"+hidden, "1s"+hidden)
		wantLogs(t, w, "CLOCK_REALTIME cannot be read cause=adjtimex: operation not permitted: allow adjtimex(2) in the seccomp profile; it only reads")

		k.change(func() { k.err = nil })
		time.Sleep(time.Second)
		w.Want(t, "2s clock.OSClock{MaxError:16s TAI:0s}")
		wantLogs(t, w, "what the kernel says of CLOCK_REALTIME disciplinedBy=nobody estimatedError=0s frequency=0.000 ppm leap= maxError=16s synchronised=true tai=0")

		k.change(func() { k.err = errors.New("adjtimex: bad address") })
		time.Sleep(time.Second)
		w.Want(t, "3s clock.OSClockUnreadable{Cause:adjtimex: bad address}")
		wantLogs(t, w, "CLOCK_REALTIME cannot be read cause=adjtimex: bad address")
	})
}

// A line is logged when what the kernel says changes, not when time passes.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFake()
		k.says = unix.Timex{Status: unix.STA_UNSYNC, Esterror: 16_000_000, Tick: 10_000}
		k.state = unix.TIME_ERROR
		w := watch(t, k)
		time.Sleep(2500 * time.Millisecond)
		wantLogs(t, w, "what the kernel says of CLOCK_REALTIME disciplinedBy=nobody estimatedError=16s frequency=0.000 ppm leap= maxError=16s synchronised=false tai=0")

		k.adjust()
		k.change(func() {
			k.says = unix.Timex{Status: unix.STA_INS, Esterror: 16_000_000, Freq: -3 << 15, Tick: 10_001, Tai: 37}
			k.state = unix.TIME_INS
		})
		time.Sleep(2 * time.Second)
		wantLogs(t, w, "what the kernel says of CLOCK_REALTIME disciplinedBy=a loop of its own, as of phc2sys, ptp4l or chronyd estimatedError=16s frequency=98.500 ppm leap=insert maxError=0s synchronised=true tai=37")

		k.step(-time.Second)
		time.Sleep(time.Second)
		wantLogs(t, w, "CLOCK_REALTIME was set by=-1s",
			"what the kernel says of CLOCK_REALTIME disciplinedBy=nobody estimatedError=16s frequency=98.500 ppm leap=insert maxError=16s synchronised=true tai=37")
	})
}

func TestStatus(t *testing.T) {
	for _, tc := range []struct {
		name  string
		bits  int32
		state int
		want  status
	}{
		{"synchronised", 0, unix.TIME_OK, status{synchronised: true}},
		{"not synchronised", unix.STA_UNSYNC, unix.TIME_ERROR, status{}},
		{"synchronised by the kernel's own loop", unix.STA_PLL | unix.STA_NANO, unix.TIME_OK, status{synchronised: true, by: byKernel}},
		{"a second is to be inserted", unix.STA_INS, unix.TIME_INS, status{synchronised: true, leap: "insert"}},
		{"a second is to be left out", unix.STA_DEL, unix.TIME_DEL, status{synchronised: true, leap: "delete"}},
		{"a second is being inserted", unix.STA_INS, unix.TIME_OOP, status{synchronised: true, leap: "inserting"}},
		{"the leap second is over", unix.STA_INS, unix.TIME_WAIT, status{synchronised: true, leap: "done"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := timex{unix.Timex{Status: tc.bits}, tc.state}.status()
			if tc.want.by == "" {
				tc.want.by = byDaemon
			}
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestDisciplinedByNobody(t *testing.T) {
	for maxError, want := range map[int64]string{0: byKernel, 15_999_999: byKernel, 16_000_000: byNobody} {
		if got := (timex{Timex: unix.Timex{Maxerror: maxError, Status: unix.STA_PLL}}).status().by; got != want {
			t.Errorf("%d µs: by %s, want %s", maxError, got, want)
		}
	}
}

func TestMaxError(t *testing.T) {
	for kernel, want := range map[int64]time.Duration{
		0: 0, 500: 500 * time.Microsecond, 16_000_000: clock.Unbounded,
		16_000_001: clock.Unbounded, -1: 0, // of kernels that took any value
	} {
		if got := (timex{Timex: unix.Timex{Maxerror: kernel}}).maxError(); got != want {
			t.Errorf("%d µs: %v, want %v", kernel, got, want)
		}
	}
}
