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
	"encoding/binary"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// passPidfd makes every datagram that is sent from now on carry a pidfd of its sender,
// or stops that. Linux before 6.5 cannot, and then an exit is noticed at the next
// request.
func passPidfd(conn *net.UnixConn, on int) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSPIDFD, on)
	})
}

// pidfdSpace is the room that a pidfd takes beside a datagram.
func pidfdSpace() int { return unix.CmsgSpace(4) }

// pidfdOf returns the pidfd that came with a datagram, or nil.
func pidfdOf(control []byte) *os.File {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_PIDFD || len(m.Data) < 4 {
			continue
		}
		fd := int32(binary.NativeEndian.Uint32(m.Data))
		if fd < 0 { // an errno: the sender is gone already
			continue
		}
		_ = unix.SetNonblock(int(fd), true) // so that os waits for it with the poller, not with a thread
		return os.NewFile(uintptr(fd), "pidfd")
	}
	return nil
}

// waitExit blocks until the process behind the pidfd has exited, and reports whether it
// has; false means that the file was closed before, or cannot be waited for.
func waitExit(pidfd *os.File) bool {
	raw, err := pidfd.SyscallConn()
	if err != nil {
		return false
	}
	err = raw.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 && err == nil
	})
	return err == nil
}
