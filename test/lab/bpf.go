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

package lab

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// instruction is a BPF instruction (struct bpf_insn in linux/bpf.h).
type instruction struct {
	code      uint8
	registers uint8 // destination in the low half, source in the high half
	offset    int16
	immediate int32
}

// xdpPass is XDP_PASS of linux/bpf.h.
const xdpPass = 2

// loadProgram has the kernel verify an XDP program and returns its descriptor.
func loadProgram(program []instruction) (*os.File, error) {
	license := []byte("Apache-2.0\x00")
	var pins runtime.Pinner // the kernel gets addresses that Go does not know of
	defer pins.Unpin()
	pins.Pin(&program[0])
	pins.Pin(&license[0])
	attr := struct { // BPF_PROG_LOAD of union bpf_attr
		programType, count    uint32
		instructions, license uint64
	}{
		programType:  unix.BPF_PROG_TYPE_XDP,
		count:        uint32(len(program)),
		instructions: uint64(uintptr(unsafe.Pointer(&program[0]))),
		license:      uint64(uintptr(unsafe.Pointer(&license[0]))),
	}
	fd, err := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err != nil {
		return nil, fmt.Errorf("load a BPF program (needs CAP_BPF or CAP_SYS_ADMIN): %w", err)
	}
	return os.NewFile(fd, "BPF program"), nil
}

// linkXDP attaches a program to an interface of the calling thread's network
// namespace until the returned descriptor is closed. Generic XDP runs before
// the packet sockets that ptp4l uses on L2, and on every kind of interface.
func linkXDP(program *os.File, ifindex uint32) (*os.File, error) {
	const skbMode = 1 << 1 // XDP_FLAGS_SKB_MODE of linux/if_link.h
	attr := struct {       // BPF_LINK_CREATE of union bpf_attr
		program, ifindex, attachType, flags uint32
	}{uint32(program.Fd()), ifindex, unix.BPF_XDP, skbMode}
	fd, err := bpf(unix.BPF_LINK_CREATE, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err != nil {
		return nil, fmt.Errorf("attach a BPF program: %w", err)
	}
	return os.NewFile(fd, "BPF link"), nil
}

// updateLink replaces the program of a link.
func updateLink(link, program *os.File) error {
	attr := struct { // BPF_LINK_UPDATE of union bpf_attr
		link, program, flags, oldProgram uint32
	}{link: uint32(link.Fd()), program: uint32(program.Fd())}
	_, err := bpf(unix.BPF_LINK_UPDATE, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err != nil {
		return fmt.Errorf("replace a BPF program: %w", err)
	}
	return nil
}

// bpf is bpf(2). The verifier gives up with EAGAIN when a signal is pending, and Go's
// scheduler sends those all the time.
func bpf(command uintptr, attr unsafe.Pointer, size uintptr) (uintptr, error) {
	for {
		fd, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(attr), size)
		switch errno {
		case 0:
			return fd, nil
		case unix.EAGAIN:
		default:
			return 0, errno
		}
	}
}
