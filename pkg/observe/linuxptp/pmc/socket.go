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
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// clientPrefix starts the names of our own sockets, beside ptp4l's.
	clientPrefix = ".eventing-ptp-"
	// clientMode lets any ptp4l answer, also one that has dropped root. It lets nobody
	// else in: a connected socket takes datagrams from its peer alone (unix(7)).
	clientMode = 0o666
	// birth is longer than a socket takes to be made. The kernel creates the file a
	// moment before it can be connected to.
	birth = 10 * time.Millisecond
)

// connect returns a socket that is connected to the one at path and has an address of
// its own, for ptp4l to answer to. local is the file of that address; it is empty where
// the directory takes none and the address is an abstract one.
//
// It is the connection that keeps an unread socket from stalling ptp4l: the receive
// queue of a connected datagram socket has no length limit towards its peer, only the
// send buffer of the peer has (unix_dgram_sendmsg in the kernel's net/unix/af_unix.c).
// Connecting comes first, so that no file is made where there is no ptp4l.
func connect(path string) (conn *net.UnixConn, local string, err error) {
	fd, err := datagramSocket()
	if err != nil {
		return nil, "", fmt.Errorf("make a socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return nil, "", explain(path, err)
	}
	if local, err = bind(fd, filepath.Dir(path)); err != nil {
		return nil, "", err
	}
	generic, err := net.FileConn(file)
	if err != nil {
		return nil, "", errors.Join(err, removeFile(local))
	}
	return generic.(*net.UnixConn), local, nil
}

func datagramSocket() (int, error) {
	return unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
}

// explain says what a failure to connect means and what to do about it.
func explain(path string, err error) error {
	hint := "is it ptp4l's uds_address?"
	switch {
	case errors.Is(err, unix.ENOENT):
		hint = "is ptp4l running? its uds_address is /var/run/ptp4l unless its configuration says otherwise"
	case errors.Is(err, unix.EACCES):
		hint = "the socket is 0660 root:root unless ptp4l's uds_file_mode or a chgrp made it otherwise; run as root or in its group"
	case errors.Is(err, unix.ECONNREFUSED):
		hint = "nobody listens; the file is left over from a ptp4l that is not running any more"
	}
	return fmt.Errorf("connect to ptp4l at %s: %w (%s)", path, err, hint)
}

// receiveNow reads a datagram if there is one, and fails with EAGAIN if not. It cannot
// block, and so keeps it from Go's scheduler that it is a system call: that would wake a
// thread to watch over it, for each datagram, at twice the cost of reading it.
func receiveNow(fd uintptr, buf []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// bind gives the socket an address in dir, where ptp4l finds it under the same name even
// from other mount and network namespaces. Where dir takes no file it falls back to an
// abstract address, which reaches as far as the network namespace.
func bind(fd int, dir string) (local string, err error) {
	var random [8]byte
	rand.Read(random[:]) // never fails
	name := clientPrefix + hex.EncodeToString(random[:])
	local = filepath.Join(dir, name)
	switch err := unix.Bind(fd, &unix.SockaddrUnix{Name: local}); err {
	case nil:
		if err := os.Chmod(local, clientMode); err != nil {
			return "", errors.Join(fmt.Errorf("let ptp4l answer: %w", err), removeFile(local))
		}
		return local, nil
	case unix.EROFS, unix.EACCES, unix.EPERM, unix.EINVAL: // EINVAL: the name is longer than 107 bytes
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "@" + name}); err != nil {
			return "", fmt.Errorf("make an abstract address for answers: %w", err)
		}
		return "", nil
	default:
		return "", fmt.Errorf("make a socket for answers in %s: %w", dir, err)
	}
}

// removeStale removes what crashed clients left in dir: sockets that nobody holds.
func removeStale(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // it may be searchable but not readable, and then it is not writable either
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), clientPrefix) || e.Type() != os.ModeSocket {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if !isStale(path) {
			continue
		}
		if time.Sleep(birth); isStale(path) {
			_ = removeFile(path) // somebody else's; it only takes room
		}
	}
}

// isStale reports whether nobody holds the socket. A client that lives is connected to
// its ptp4l, and refuses us with EPERM.
func isStale(path string) bool {
	fd, err := datagramSocket()
	if err != nil {
		return false
	}
	defer os.NewFile(uintptr(fd), path).Close()
	return unix.Connect(fd, &unix.SockaddrUnix{Name: path}) == unix.ECONNREFUSED
}

// removeFile removes the file of a socket, if there is one.
func removeFile(local string) error {
	if local == "" {
		return nil
	}
	if err := os.Remove(local); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the client's socket: %w", err)
	}
	return nil
}
