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

package simulator

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// socket is a bound Unix datagram socket that never waits to send.
type socket struct {
	*net.UnixConn
	raw  syscall.RawConn
	path string
}

// listen binds a socket at path with the given permissions. It removes the file that
// a crashed ptp4l has left behind, but nothing that is alive or no socket.
func listen(path string, mode fs.FileMode) (*socket, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("bind socket: %w; give a path of at most 107 bytes in a directory that you can write", err)
	}
	s := &socket{UnixConn: conn, path: path}
	if s.raw, err = conn.SyscallConn(); err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		s.remove()
		return nil, fmt.Errorf("bind socket %s: %w", path, err)
	}
	return s, nil
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("bind socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("bind socket: %s exists and is no socket; give another path", path)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err == nil {
		_ = conn.Close()
	}
	// connect(2): ECONNREFUSED is a socket file that nobody has bound.
	if !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("bind socket: %s is in use, perhaps by a real ptp4l; give another path", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the stale socket: %w", err)
	}
	return nil
}

// send sends a datagram at once or fails.
func (s *socket) send(to string, datagram []byte) error {
	var sent error
	err := s.raw.Write(func(fd uintptr) bool {
		sent = unix.Sendto(int(fd), datagram, unix.MSG_DONTWAIT, &unix.SockaddrUnix{Name: to})
		return true
	})
	return errors.Join(err, sent)
}

// remove closes the socket and removes its file.
func (s *socket) remove() {
	_ = s.Close()
	_ = os.Remove(s.path)
}
