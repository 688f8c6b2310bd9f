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

package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// disk is the directory of a journal. Its methods are the writer's, but for those that
// say otherwise.
type disk struct {
	directory string
	boot      boot
	lock      *os.File // the directory, locked; nil while we have not got it

	// segments are all files, in order. Readers look at it at any time: it is never
	// changed but replaced.
	segments atomic.Pointer[[]*segment]

	// file is the last segment, being written; nil while the disk cannot be written.
	file   *os.File
	buffer []byte
	// saved is the position of the last entry that the kernel has, synced of the last one
	// that is on the disk.
	saved  uint64
	synced atomic.Uint64
	// retired are files that are written no more, and not yet on the disk.
	retired []*os.File
	// fresh is whether the directory has entries that are not on the disk.
	fresh bool

	// failure is why the disk cannot be written, since a moment; nil when it can.
	failure error
	since   time.Time
}

// errTaken is why the directory is somebody else's.
var errTaken = errors.New("another process has it")

// claim makes the directory and locks it. The lock goes with the process.
func (d *disk) claim() error {
	if d.lock != nil {
		return nil
	}
	if err := os.MkdirAll(d.directory, 0o750); err != nil {
		return err
	}
	directory, err := os.Open(d.directory)
	if err != nil {
		return err
	}
	switch err := unix.Flock(int(directory.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		_ = directory.Close()
		return errTaken
	default:
		// Some network file systems cannot lock a directory. There it is up to who
		// configures them that no two adapters share one.
		d.lock = directory
		return nil
	}
}

// claimWithin waits for another process to end, which an adapter that is being replaced
// soon does.
func (d *disk) claimWithin(ctx context.Context, wait time.Duration) error {
	const pause = 20 * time.Millisecond
	for begin := time.Now(); ; {
		err := d.claim()
		if !errors.Is(err, errTaken) || time.Since(begin)+pause > wait {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (d *disk) list() []*segment { return *d.segments.Load() }

func (d *disk) setList(list []*segment) { d.segments.Store(&list) }

// bytes is how much all files take.
func (d *disk) bytes() int64 {
	var sum int64
	for _, s := range d.list() {
		sum += s.size.Load()
	}
	return sum
}

// newest is the file that is being written, or was last.
func (d *disk) newest() *segment {
	list := d.list()
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

// begin starts a new file, which says h of itself and begins with the last entry of each
// key. A file without entries that has its name is replaced in one step.
func (d *disk) begin(h fileHeader, last map[string]Entry) error {
	unfinished := filepath.Join(d.directory, "unfinished")
	file, err := os.OpenFile(unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	start := h.start(last)
	s := &segment{path: filepath.Join(d.directory, nameOf(h.First)), first: Entry{Sequence: h.First}.position(), born: time.Now()}
	s.size.Store(int64(len(start)))
	_, err = file.Write(start)
	if err == nil {
		err = os.Rename(unfinished, s.path)
	}
	if err != nil {
		_ = os.Remove(unfinished)
		return errors.Join(err, file.Close())
	}
	if d.file != nil {
		d.retired = append(d.retired, d.file)
	}
	d.file, d.fresh = file, true
	list := slices.DeleteFunc(slices.Clone(d.list()), func(old *segment) bool { return old.path == s.path })
	d.setList(append(list, s))
	return nil
}

// write appends whole frames to the file. What it fails for is the end of the file: what
// is behind a frame that was cut short could not be told from damage.
func (d *disk) write(frames []byte) error {
	if d.file == nil {
		return d.failure
	}
	if _, err := d.file.Write(frames); err != nil {
		return err
	}
	d.newest().size.Add(int64(len(frames)))
	return nil
}

// save writes an entry.
func (d *disk) save(e Entry) error {
	d.buffer = appendEntry(d.buffer[:0], kindEntry, e)
	if err := d.write(d.buffer); err != nil {
		return err
	}
	d.saved = e.position()
	return nil
}

// fail gives up the file, because of err.
func (d *disk) fail(err error) {
	if d.failure == nil {
		d.since = time.Now()
	}
	d.failure = err
	if d.file != nil {
		d.retired = append(d.retired, d.file)
		d.file = nil
	}
}

// drop removes the first n files.
func (d *disk) drop(n int) {
	list := d.list()
	d.setList(list[n:])
	for _, s := range list[:n] {
		_ = os.Remove(s.path) // one that stays is found again at the next start
	}
}

// release closes all files, and leaves the directory to others.
func (d *disk) release() error {
	var errs []error
	for _, f := range append(d.retired, d.file, d.lock) {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	d.retired, d.file, d.lock = nil, nil, nil
	return errors.Join(errs...)
}

// unsynced is what sync has to do.
type unsynced struct {
	retired []*os.File
	file    *os.File
	lock    *os.File // to be synced too; nil when it need not be
	saved   uint64
}

// take hands over what is not on the disk yet.
func (d *disk) take() unsynced {
	u := unsynced{retired: d.retired, file: d.file, saved: d.saved}
	if d.fresh {
		u.lock = d.lock
	}
	d.retired, d.fresh = nil, false
	return u
}

// errRemoved is why what is written would be lost.
var errRemoved = errors.New("its file was removed")

// sync waits until all is on the disk. It may be called while the writer writes, and
// fails for the file that is being written only: the others are closed in any case.
func (u unsynced) sync() error {
	for _, f := range u.retired {
		_ = unix.Fdatasync(int(f.Fd()))
		_ = f.Close()
	}
	if u.file == nil {
		return nil
	}
	if err := unix.Fdatasync(int(u.file.Fd())); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if u.lock != nil {
		_ = u.lock.Sync() // not every file system can
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(u.file.Fd()), &stat); err == nil && stat.Nlink == 0 {
		return errRemoved
	}
	return nil
}

// advice says what a person can do about a disk that cannot be written.
func advice(err error) string {
	switch {
	case errors.Is(err, errTaken):
		return "give every adapter a directory of its own; this one goes on when it is restarted and the other one is gone"
	case errors.Is(err, errUnread):
		return "restart the adapter, so that it reads what is in the directory"
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return "make room on the disk, or lower history.maxBytes"
	case errors.Is(err, unix.EROFS):
		return "mount the file system for writing, or keep the journal elsewhere"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return "give the directory to the user that the adapter runs as"
	case errors.Is(err, unix.EIO):
		return "look at the disk; the kernel's log has more"
	}
	return "look at the directory and its disk"
}
