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
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// kernel is what is asked of the kernel. Tests have one whose clock they may set.
type kernel interface {
	// timex returns what the kernel says of the discipline of CLOCK_REALTIME.
	timex() (timex, error)
	// base returns the time at which the machine was started by CLOCK_REALTIME.
	base() (base, error)
	// alarm returns what tells that CLOCK_REALTIME is set.
	alarm() (alarm, error)
}

// alarm tells that CLOCK_REALTIME is set.
type alarm interface {
	// wait returns nil when the clock was set since the last call, and os.ErrClosed once
	// the alarm is closed.
	wait() error
	Close() error
}

// linux is the kernel that we run on.
type linux struct{}

// timex asks with adjtimex(2). The kernel wants CAP_SYS_TIME only of those who change
// something, and the default seccomp profiles of containerd, CRI-O and Docker leave that
// to the kernel, in all versions since 2020.
func (linux) timex() (timex, error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return timex{}, fmt.Errorf("adjtimex: %w", err)
	}
	return timex{t, state}, nil
}

// timex is what adjtimex(2) says.
type timex struct {
	unix.Timex
	// state is what the call returns: whether there is a leap second, or no
	// synchronisation.
	state int
}

// maxError is how far off the clock may be at most. Old kernels take any value.
func (t timex) maxError() time.Duration {
	return min(max(0, time.Duration(t.Maxerror)*time.Microsecond), clock.Unbounded)
}

// estimatedError is how far off the clock is as its daemon believes. phc2sys and ptp4l do
// not say, which is 16 s.
func (t timex) estimatedError() time.Duration { return time.Duration(t.Esterror) * time.Microsecond }

// frequency is by how much the clock is made faster, in ppm: freq has 16 binary places,
// and one of tick, of which a second has 100 of 10000 each, is 100 ppm.
func (t timex) frequency() string {
	const nominalTick = 10000
	return fmt.Sprintf("%.3f ppm", float64(t.Freq)/(1<<16)+float64(t.Tick-nominalTick)*100)
}

// status is what changes seldom, in words.
type status struct {
	synchronised bool
	// leap is what happens at the end of the day, or has just happened.
	leap string
	// tai is TAI minus UTC in seconds; 0 if nobody has said.
	tai int
	// by is who disciplines the clock, as far as it shows.
	by string
}

// Who may discipline the clock. systemd-timesyncd and ntpd tell the kernel offsets, and let its
// loop work them off (STA_PLL). phc2sys and ptp4l (clockadj.c of linuxptp) and chronyd set the
// frequency themselves, and with it they end that.
const (
	byNobody = "nobody"
	byKernel = "the kernel's loop, as of systemd-timesyncd or ntpd"
	byDaemon = "a loop of its own, as of phc2sys, ptp4l or chronyd"
)

// status returns what is worth a line in the log when it changes. A clock that is not
// synchronised may be disciplined: chronyd says so without the directive rtcsync.
func (t timex) status() status {
	s := status{synchronised: t.Status&unix.STA_UNSYNC == 0, tai: int(t.Tai), by: byDaemon}
	switch {
	case t.maxError() == clock.Unbounded:
		s.by = byNobody
	case t.Status&unix.STA_PLL != 0:
		s.by = byKernel
	}
	switch {
	case t.state == unix.TIME_OOP:
		s.leap = "inserting"
	case t.state == unix.TIME_WAIT:
		s.leap = "done"
	case t.Status&unix.STA_INS != 0:
		s.leap = "insert"
	case t.Status&unix.STA_DEL != 0:
		s.leap = "delete"
	}
	return s
}

// base is CLOCK_REALTIME minus CLOCK_BOOTTIME: when the machine was started. Both clocks
// are slewed alike and both go on while the machine is suspended, so that it changes only
// when CLOCK_REALTIME is set.
type base struct {
	at time.Duration // since 1970
	// within is how exactly it is known; 0 if not at all.
	within time.Duration
}

// since returns by how much the clock was set since before, and whether it was.
func (b base) since(before base) (time.Duration, bool) {
	by := b.at - before.at
	return by, before.within > 0 && by.Abs() > b.within+before.within
}

// base reads CLOCK_REALTIME between two readings of CLOCK_BOOTTIME, several times, and
// takes the reading that was interrupted the least.
func (linux) base() (base, error) {
	best := base{within: math.MaxInt64}
	for range 4 {
		before, err := now(unix.CLOCK_BOOTTIME)
		if err != nil {
			return base{}, err
		}
		realtime, err := now(unix.CLOCK_REALTIME)
		if err != nil {
			return base{}, err
		}
		after, err := now(unix.CLOCK_BOOTTIME)
		if err != nil {
			return base{}, err
		}
		half := (after - before) / 2
		if b := (base{realtime - before - half, half + 1}); b.within < best.within {
			best = b
		}
	}
	return best, nil
}

func now(clockid int32) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(clockid, &t); err != nil {
		return 0, fmt.Errorf("read clock %d: %w", clockid, err)
	}
	return time.Duration(t.Nano()), nil
}

// timerfd is a timer that never expires, and is cancelled when CLOCK_REALTIME is set.
type timerfd struct{ *os.File }

func (linux) alarm() (alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	// The end of time: a read fails with ECANCELED when the clock is set, and can end in
	// no other way (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET).
	never := unix.ItimerSpec{Value: unix.Timespec{Sec: math.MaxInt64}}
	if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &never, nil); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("timerfd_settime: %w", err)
	}
	return timerfd{os.NewFile(uintptr(fd), "timerfd")}, nil
}

// wait reads from the timer, which goes on being armed after it was cancelled.
func (t timerfd) wait() error {
	var expirations [8]byte
	_, err := t.Read(expirations[:])
	if errors.Is(err, unix.ECANCELED) {
		return nil
	}
	return err
}
