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

// Journal compares the adapter's journal with libraries that could take its place, each
// used as the adapter would: an entry is handed to the kernel before the append returns,
// and is on the disk some milliseconds later, together with those that came meanwhile.
//
// Every store runs in a process of its own. A file system that is full is a tmpfs in that
// process's mount namespace, which needs root on Linux.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// The processes that this program starts of itself.
const (
	appendCommand = "append" // STORE DIRECTORY N: appends N entries, and prints how long that took
	streamCommand = "stream" // STORE DIRECTORY: appends without end, and prints each number
	fullCommand   = "full"   // STORE DIRECTORY: appends to a disk that becomes full
	readCommand   = "read"   // STORE DIRECTORY: prints the numbers of all entries
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "journal: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) >= 3 {
		return child(args[0], args[1], args[2], args[3:])
	}
	flags := flag.NewFlagSet("journal", flag.ContinueOnError)
	n := flags.Int("n", 10_000, "`entries`")
	kills := flags.Int("kills", 5, "how often each is killed")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	return compare(*n, *kills)
}

// child is one store at work.
func child(command, name, directory string, args []string) error {
	if command == fullCommand {
		return full(name, directory)
	}
	s, err := open(name, directory)
	if err != nil {
		return err
	}
	switch command {
	case appendCommand:
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		return errors.Join(appendAll(s, n), s.close())
	case streamCommand:
		return stream(s)
	case readCommand:
		return errors.Join(s.read(func(n uint64) { fmt.Println(n) }), s.close())
	}
	return fmt.Errorf("there is no command %q", command)
}

// eventSize is how many bytes most events have when they are recorded.
const eventSize = 700

// event returns an entry like an event: mostly the same text, with a number and a time.
func event(n uint64) []byte {
	text := fmt.Sprintf(`%d event.sync.ptp-status.ptp-state-change %s /cluster/node/n1/sync/ptp-status/lock-state`, n, time.Now().Format(time.RFC3339Nano))
	const data = `{"version":"1.0","values":[{"ResourceAddress":"/cluster/node/n1/ens1f0/master","data_type":"notification","value":"LOCKED"}]}`
	return []byte((text + strings.Repeat(data, eventSize/len(data)+1))[:eventSize])
}

// numberOf reads what event has written.
func numberOf(payload []byte) (uint64, error) {
	text, _, _ := strings.Cut(string(payload), " ")
	return strconv.ParseUint(text, 10, 64)
}

// appendAll appends as fast as a node with much trouble has events, and prints the
// median and the 99th percentile.
func appendAll(s store, n int) error {
	took := make([]time.Duration, n)
	for k := range took {
		payload := event(uint64(k + 1))
		began := time.Now()
		if err := s.append(payload); err != nil {
			return err
		}
		took[k] = time.Since(began)
		if k%8 == 7 {
			time.Sleep(time.Millisecond)
		}
	}
	slices.Sort(took)
	fmt.Println(took[n/2].Nanoseconds(), took[n*99/100].Nanoseconds())
	return nil
}

// stream appends without end, and prints each number when it is appended: what is printed
// may have been sent.
func stream(s store) error {
	for n := uint64(1); ; n++ {
		if err := s.append(event(n)); err != nil {
			return err
		}
		if _, err := fmt.Println(n); err != nil { // os.Stdout has no buffer
			return err
		}
	}
}

// full appends to a small disk until that fails, goes on for a while, makes room, and goes
// on. It prints what came of it, and then the numbers of those that were appended.
func full(name, directory string) error {
	if err := unix.Mount("tmpfs", directory, "tmpfs", 0, "size=16m"); err != nil {
		return err
	}
	ballast := filepath.Join(directory, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 10<<20), 0o600); err != nil {
		return err
	}
	s, err := open(name, filepath.Join(directory, "store"))
	if err != nil {
		return err
	}
	var n uint64
	appended := map[uint64]bool{}
	try := func(times int) (failures int, last error) {
		for range times {
			n++
			if err := s.append(event(n)); err != nil {
				failures, last = failures+1, err
			} else {
				appended[n] = true
			}
		}
		return failures, last
	}
	const more = 500
	for s.failure() == nil && n < 20_000 {
		if _, err := try(1); err != nil {
			break
		}
		if n%50 == 0 {
			time.Sleep(time.Millisecond) // for what it does in the background
		}
	}
	before := n
	refused, cause := try(more)
	if err := os.Remove(ballast); err != nil {
		return err
	}
	time.Sleep(3 * time.Second)
	still, stays := try(more)
	closing := s.close()

	s, err = open(name, filepath.Join(directory, "store"))
	if err != nil {
		return fmt.Errorf("it cannot be opened again: %w", err)
	}
	kept := 0
	err = s.read(func(n uint64) {
		if appended[n] {
			kept++
		}
	})
	fmt.Printf("%d\t%d\t%d\t%d\t%d\t%v\n", before, refused, still, len(appended), kept, errors.Join(cause, stays, closing, err))
	return s.close()
}

// self starts this program as another one.
func self(args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(context.Background(), program, args...)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c, nil
}

// compare prints the table.
func compare(n, kills int) error {
	dir, err := os.MkdirTemp("", "eventing-ptp-journals-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("%d entries of %d bytes, 8 each ms; handed to the kernel before an append returns where the library can, brought to the disk every %v\n\n", n, eventSize, groupCommit)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "\tappend p50\tp99\ton disk\tlost by kill -9\topens again in\tdisk full: refused\tafter there is room: refused\tlost")
	for _, name := range names() {
		cells, err := row(name, filepath.Join(dir, filepath.Base(name)), n, kills)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintln(w, strings.Join(append([]string{name}, cells...), "\t"))
	}
	return w.Flush()
}

func row(name, dir string, n, kills int) ([]string, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	c, err := self(appendCommand, name, filepath.Join(dir, "append"), strconv.Itoa(n))
	if err != nil {
		return nil, err
	}
	text, err := c.Output()
	if err != nil {
		return nil, err
	}
	var p50, p99 time.Duration
	if _, err := fmt.Sscan(string(text), &p50, &p99); err != nil {
		return nil, fmt.Errorf("read %q: %w", text, err)
	}
	size, err := sizeOf(filepath.Join(dir, "append"))
	if err != nil {
		return nil, err
	}
	var lost, acked int
	var slowest time.Duration
	for k := range kills {
		l, a, took, err := killed(name, filepath.Join(dir, fmt.Sprint("kill", k)))
		if err != nil {
			return nil, err
		}
		lost, acked, slowest = lost+l, acked+a, max(slowest, took)
	}
	cells := []string{
		us(p50), us(p99), fmt.Sprintf("%.1f MiB", float64(size)/(1<<20)),
		fmt.Sprintf("%d of %d", lost, acked), slowest.Round(100 * time.Microsecond).String(),
	}
	return append(cells, whenFull(name, filepath.Join(dir, "full"))...), nil
}

func us(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond)) }

// sizeOf is how many bytes a directory takes on the disk.
func sizeOf(dir string) (int64, error) {
	var size int64
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		var stat unix.Stat_t
		if err == nil {
			err = unix.Lstat(path, &stat)
		}
		size += stat.Blocks * 512 // stat(2)
		return err
	})
	return size, err
}

// killed kills a store that appends, and counts what it had said to have and has not.
func killed(name, dir string) (lost, acked int, took time.Duration, err error) {
	c, err := self(streamCommand, name, dir)
	if err != nil {
		return 0, 0, 0, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return 0, 0, 0, err
	}
	if err := c.Start(); err != nil {
		return 0, 0, 0, err
	}
	time.AfterFunc(500*time.Millisecond+rand.N(500*time.Millisecond), func() { _ = c.Process.Kill() })
	said, err := numbers(out)
	_ = c.Wait() // it was killed
	if err != nil {
		return 0, 0, 0, err
	}
	r, err := self(readCommand, name, dir)
	if err != nil {
		return 0, 0, 0, err
	}
	began := time.Now()
	s, err := open(name, dir)
	if err != nil {
		return 0, 0, 0, err
	}
	took = time.Since(began)
	if err := s.close(); err != nil {
		return 0, 0, 0, err
	}
	text, err := r.Output()
	if err != nil {
		return 0, 0, 0, err
	}
	kept, err := numbers(strings.NewReader(string(text)))
	for n := range said {
		if !kept[n] {
			lost++
		}
	}
	return lost, len(said), took, err
}

// numbers reads one from each whole line.
func numbers(r io.Reader) (map[uint64]bool, error) {
	found := map[uint64]bool{}
	lines := bufio.NewReader(r)
	for {
		text, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, err
		}
		found[n] = true
	}
}

// whenFull says what a store does on a disk that becomes full.
func whenFull(name, dir string) []string {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return []string{err.Error(), "", ""}
	}
	c, err := self(fullCommand, name, dir)
	if err != nil {
		return []string{err.Error(), "", ""}
	}
	c.Stderr = nil // Output has its end, should it fail
	c.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	text, err := c.Output()
	if exit, failed := errors.AsType[*exec.ExitError](err); failed {
		return []string{"-", "-", "the process has ended: " + lastLine(string(exit.Stderr))}
	}
	var before, refused, still, appended, kept int
	if _, err := fmt.Sscan(string(text), &before, &refused, &still, &appended, &kept); err != nil {
		return []string{fmt.Sprintf("%q", text), "", ""}
	}
	return []string{fmt.Sprintf("%d of 500", refused), fmt.Sprintf("%d of 500", still), fmt.Sprintf("%d of %d", appended-kept, appended)}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
