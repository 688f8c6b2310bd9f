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
	"fmt"
	"math"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Quiet holds back pushes of NotifyTimeSync that bring no news, before they wake this
// process. A clock that is well says 16 times a second that it is well, and waking up
// for that is nearly all that watching it costs.
//
// It is a socket filter (SO_ATTACH_FILTER, socket(7)), so what is held back neither
// waits in ptp4l's send buffer nor is lost unnoticed: Push.Skipped counts it.
type Quiet struct {
	// Within is the largest |offset| that is no news; less than 2 s.
	Within time.Duration
	// Every is a power of two: the pushes whose number it divides come all the same, as
	// a sign of life. 0 and 1 hold nothing back.
	Every uint16
}

// on reports whether anything is held back.
func (q Quiet) on() bool { return q.Every > 1 }

func (q Quiet) validate() error {
	if !q.on() {
		return nil
	}
	if q.Every&(q.Every-1) != 0 {
		return fmt.Errorf("hold back pushes: every is %d, want a power of two", q.Every)
	}
	if q.Within <= 0 || q.Within > math.MaxInt32 {
		return fmt.Errorf("hold back pushes: within is %v, want 1ns to 2s", q.Within)
	}
	return nil
}

// The datagram of a TIME_STATUS_NP push (linuxptp, tlv.h).
const (
	sizeTimeStatus = offData + 50
	offOffset      = offData     // master_offset: 64 bits, nanoseconds
	offIngress     = offData + 8 // ingress_time: 64 bits; 0 in the sample that steps the clock
	pushHops       = 1
)

// program returns the filter. It lets everything pass but what it knows to be no news.
func (q Quiet) program() ([]bpf.RawInstruction, error) {
	const pass = math.MaxUint8 // marks a jump to the end
	within := uint32(q.Within)
	program := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtLen},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: sizeTimeStatus, SkipTrue: pass},
		bpf.LoadAbsolute{Off: offValue, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(IDTimeStatusNP), SkipTrue: pass},
		bpf.LoadAbsolute{Off: offHops, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: pushHops, SkipTrue: pass},
		bpf.LoadAbsolute{Off: offSequence, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: uint32(q.Every - 1), SkipTrue: pass},
		bpf.LoadAbsolute{Off: offIngress, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 2},
		bpf.LoadAbsolute{Off: offIngress + 4, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: pass},
		bpf.LoadAbsolute{Off: offOffset, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: math.MaxUint32, SkipTrue: pass},
		bpf.LoadAbsolute{Off: offOffset + 4, Size: 4}, // negative: -within is the smallest of no interest
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: -within, SkipTrue: pass},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: offOffset + 4, Size: 4}, // positive
		bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: within, SkipTrue: pass},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: math.MaxUint32},
	}
	end := len(program) - 1
	for n := range program {
		if jump, ok := program[n].(bpf.JumpIf); ok && jump.SkipTrue == pass {
			jump.SkipTrue = uint8(end - n - 1)
			program[n] = jump
		}
	}
	return bpf.Assemble(program)
}

// hold puts the filter on the socket, or takes it off.
func (c *Client) hold(q Quiet) error {
	raw, err := c.conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = setFilter(int(fd), q) })
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("hold back pushes: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ring.every = max(q.Every, 1)
	return nil
}

func setFilter(fd int, q Quiet) error {
	if !q.on() {
		err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
		if errors.Is(err, unix.ENOENT) { // there is none
			return nil
		}
		return err
	}
	program, err := q.program()
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(program))
	for n, i := range program {
		filter[n] = unix.SockFilter{Code: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}

// skipped reports how many pushes are missing between the one that would have been next
// and the one that came, and whether all of them can have been held back.
func skipped(next, came, every uint16) (missing int, quiet bool) {
	n := came - next // modulo 2^16, as the counter
	firstSign := (next+every-1)&^(every-1) - next
	return int(n), firstSign >= n
}
