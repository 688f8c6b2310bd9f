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

// Package vm runs a program in a virtual machine with two real PTP hardware clocks, on any
// amd64 machine with Debian: without KVM, without root, and without touching a clock of the
// machine. QEMU and the kernel are Debian's packages, unpacked into a cache.
//
// QEMU counts instructions (-icount) and skips the time in which the machine has nothing to
// do. What happens in it takes the time that it takes in the machine, however busy the host is,
// and the clocks of the machine may be set as one likes.
package vm

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed image.sh
var imageScript []byte

//go:embed init
var initScript []byte

// Machine is what one VM is made of.
type Machine struct {
	// Run is the static program that it runs, and Args what it is run with.
	Run  string
	Args []string
	// Files are put into /payload, under their own names.
	Files []string
	// Directory is where the machine leaves stdout, log and console.
	Directory string
}

// errNoStatus means that a machine has ended before its program.
var errNoStatus = errors.New("the machine ended without a word of its program")

// Start runs a machine until its program has ended, and returns an error unless that ended
// with status 0.
func (m Machine) Start(ctx context.Context) error {
	image, err := Image(ctx)
	if err != nil {
		return err
	}
	initrd := filepath.Join(m.Directory, "initrd")
	if err := m.writeInitrd(filepath.Join(image, "base.cpio"), initrd); err != nil {
		return fmt.Errorf("make the file system of the machine: %w", err)
	}
	defer os.Remove(initrd)
	root := filepath.Join(image, "root")
	args := []string{
		"--library-path", filepath.Join(root, "usr", "lib", "x86_64-linux-gnu"), filepath.Join(root, "usr", "bin", "qemu-system-x86_64"),
		"-L", filepath.Join(root, "usr", "share", "qemu"), "-L", filepath.Join(root, "usr", "share", "seabios"),
		"-M", "pc", "-accel", "tcg", "-cpu", "qemu64", "-m", "768", "-nodefaults", "-display", "none", "-no-reboot",
		"-kernel", filepath.Join(image, "vmlinux"), "-initrd", initrd,
		// iomem: the program must reach registers of the network card (guest/stamps.go).
		"-append", "console=ttyS0 quiet panic=-1 nokaslr mitigations=off iomem=relaxed",
		// On a day that may end with a leap second, hours before it does.
		"-icount", "shift=2,sleep=off", "-rtc", "base=2026-06-30T18:00:00,clock=vm", "-seed", "1",
		"-serial", "file:" + filepath.Join(m.Directory, "console"),
		"-device", "virtio-serial-pci,addr=3",
		// Both cards on one wire.
		"-netdev", "hubport,hubid=0,id=a", "-device", "igb,id=eth0,netdev=a,addr=4,mac=52:54:00:00:00:01,romfile=",
		"-netdev", "hubport,hubid=0,id=b", "-device", "igb,id=eth1,netdev=b,addr=8,mac=52:54:00:00:00:02,romfile=",
		"-netdev", "user,id=host", "-device", "virtio-net-pci,netdev=host,addr=9,romfile=",
	}
	for n, name := range []string{"stdout", "log", "status"} {
		path := filepath.Join(m.Directory, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
		args = append(args, "-chardev", fmt.Sprintf("file,id=c%d,path=%s", n, path), "-device", fmt.Sprintf("virtserialport,chardev=c%d,nr=%d", n, n+1))
	}
	monitor := filepath.Join(m.Directory, "monitor")
	args = append(args, "-chardev", "socket,id=m0,server=on,wait=off,path="+monitor, "-mon", "chardev=m0",
		"-chardev", "socket,id=m1,path="+monitor, "-device", "virtserialport,chardev=m1,nr=4")

	qemu := exec.CommandContext(ctx, filepath.Join(root, "usr", "lib64", "ld-linux-x86-64.so.2"), args...)
	// It ends with a test that is killed, too: with the thread that has started it.
	qemu.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	said, err := qemu.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("the machine has not ended in time: %w", ctx.Err())
	}
	text, _ := os.ReadFile(filepath.Join(m.Directory, "status"))
	switch status, statusErr := strconv.Atoi(strings.TrimSpace(string(text))); {
	case statusErr != nil:
		return fmt.Errorf("%w (%w): QEMU said %q", errNoStatus, errors.Join(err, statusErr), said)
	case status != 0:
		return fmt.Errorf("the program in the machine has ended with status %d", status)
	}
	return nil
}

// Image returns the directory with what machines are made of. The first time it takes a
// quarter of a minute to build.
func Image(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "eventing-ptp", "vm", fmt.Sprintf("%x", sha256.Sum256(imageScript))[:12])
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	half := dir + ".new" // what has failed half way is not taken for whole
	if err := os.RemoveAll(half); err != nil {
		return "", err
	}
	if err := os.Mkdir(half, 0o755); err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "bash", "-s", half)
	build.Stdin = strings.NewReader(string(imageScript))
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the image of the machine: %w: %s", err, said)
	}
	return dir, os.Rename(half, dir)
}

// writeInitrd writes the file system: that of the image, and what this machine has besides.
func (m Machine) writeInitrd(base, to string) error {
	text, err := os.ReadFile(base)
	if err != nil {
		return err
	}
	archive := cpio{text: text}
	archive.file("init", initScript)
	archive.directory("payload")
	archive.file("payload/run", []byte("#!/bin/sh\nexec /payload/"+filepath.Base(m.Run)+" "+quoted(m.Args)+"\n"))
	for _, path := range append([]string{m.Run}, m.Files...) {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		archive.file("payload/"+filepath.Base(path), content)
	}
	return os.WriteFile(to, archive.end(), 0o600)
}

func quoted(args []string) string {
	var words []string
	for _, a := range args {
		words = append(words, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
	}
	return strings.Join(words, " ")
}

// cpio is an archive as the kernel unpacks it (Documentation/driver-api/early-userspace/buffer-format.rst).
type cpio struct {
	text   []byte
	inodes int
}

func (c *cpio) file(name string, content []byte) { c.entry(name, unix.S_IFREG|0o755, content) }
func (c *cpio) directory(name string)            { c.entry(name, unix.S_IFDIR|0o755, nil) }

func (c *cpio) entry(name string, mode int, content []byte) {
	c.pad()
	c.inodes++
	c.text = fmt.Appendf(c.text, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		c.inodes, mode, 0, 0, 1, time.Now().Unix(), len(content), 0, 0, 0, 0, len(name)+1, 0, name)
	c.pad()
	c.text = append(c.text, content...)
}

func (c *cpio) pad() {
	for len(c.text)%4 != 0 {
		c.text = append(c.text, 0)
	}
}

func (c *cpio) end() []byte {
	c.entry("TRAILER!!!", 0, nil)
	return c.text
}
