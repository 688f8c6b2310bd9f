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
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What is read must be what another system call says at the same time.
func TestTimexOfThisKernel(t *testing.T) {
	read := func() (unix.Timex, int) {
		var other unix.Timex
		state, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &other)
		if err != nil {
			t.Fatal(err)
		}
		return other, state
	}
	// Somebody may adjust the clock just now: it must be left alone between two readings.
	for deadline := time.Now().Add(10 * time.Second); ; {
		before, _ := read()
		got, err := linux{}.timex()
		if err != nil {
			t.Fatal(err)
		}
		after, state := read()
		if before.Maxerror == after.Maxerror && before.Esterror == after.Esterror && before.Status == after.Status {
			if got.Maxerror != after.Maxerror || got.Esterror != after.Esterror || got.Status != after.Status ||
				got.Freq != after.Freq || got.Tick != after.Tick || got.Tai != after.Tai || got.state != state {
				t.Errorf("got %+v, want %+v in state %d", got, after, state)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the clock is adjusted all the time")
		}
	}
}

func TestBaseOfThisKernel(t *testing.T) {
	before := time.Now()
	first, err := linux{}.base()
	if err != nil {
		t.Fatal(err)
	}
	var uptime unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &uptime); err != nil {
		t.Fatal(err)
	}
	if off := time.Unix(0, 0).Add(first.at).Add(time.Duration(uptime.Nano())).Sub(before); off.Abs() > 10*time.Second {
		t.Errorf("started at %v and up for %v is %v off", first.at, time.Duration(uptime.Nano()), off)
	}
	// A clock that nobody sets moves no more than the readings are uncertain.
	for range 200 {
		next, err := linux{}.base()
		if err != nil {
			t.Fatal(err)
		}
		if by, ok := next.since(first); ok {
			t.Fatalf("the clock was set by %v, as %+v after %+v tells", by, next, first)
		}
	}
}

func TestAlarmOfThisKernel(t *testing.T) {
	alarm, err := linux{}.alarm()
	if err != nil {
		t.Fatal(err)
	}
	var armed unix.ItimerSpec
	if err := unix.TimerfdGettime(int(alarm.(timerfd).Fd()), &armed); err != nil || armed.Value.Sec == 0 {
		t.Errorf("the timer is not armed: %+v, %v", armed, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- alarm.wait() }()
	select {
	case err := <-ended:
		t.Fatalf("ended with %v, although nobody sets the clock", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := alarm.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("ended with %v, want that it is closed", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a closed alarm does not end the waiting")
	}
}
