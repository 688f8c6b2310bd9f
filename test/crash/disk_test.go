//go:build lab

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

package crash

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// What the adapter says of its disk.
const (
	inMemory  = "the journal cannot be written to its directory; events are kept in memory and written as soon as it can be"
	backAgain = "the journal is written to its directory again"
)

// disk is a small file system.
type disk struct {
	t    *testing.T
	path string
}

const diskSize = 2 << 20

// onSmallDisk has the journal on a file system of 2 MiB.
func onSmallDisk(t *testing.T) (*run, *disk) {
	t.Helper()
	r := newRun(t, 1024)
	d := &disk{t, filepath.Join(t.TempDir(), "disk")}
	if err := errors.Join(os.Mkdir(d.path, 0o755), unix.Mount("tmpfs", d.path, "tmpfs", 0, "size=2m")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(d.path, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	r.directory, r.diskFails = filepath.Join(d.path, "journal"), true
	r.config["history"].(config)["maxBytes"] = diskSize / 2
	return r, d
}

func (d *disk) ballast() string { return filepath.Join(d.path, "ballast") }

// fill leaves no room on the disk.
func (d *disk) fill() {
	d.t.Helper()
	if err := os.WriteFile(d.ballast(), make([]byte, diskSize), 0o600); !errors.Is(err, unix.ENOSPC) {
		d.t.Fatalf("the disk of %d bytes takes %d bytes, %v", diskSize, diskSize, err)
	}
}

// free makes room again.
func (d *disk) free() {
	d.t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		d.t.Fatal(err)
	}
}

// remount makes the disk read-only, or lets it be written again. The kernel refuses the
// first for as long as a file is open for writing.
func (d *disk) remount(flags uintptr) {
	d.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := unix.Mount("tmpfs", d.path, "tmpfs", unix.MS_REMOUNT|flags, "size=2m")
		if err == nil {
			return
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			d.t.Fatal(err)
		}
	}
}

// failing does things to the clocks until the adapter has noticed that it cannot write.
func (r *run) failing() {
	r.t.Helper()
	r.until("line of the log about the disk", func() bool {
		r.watched(1)
		return r.adapter.log.times(inMemory) > r.adapter.log.times(backAgain)
	})
}

// written waits until the adapter says that it can write again.
func (r *run) written() {
	r.t.Helper()
	r.until("line of the log that says that the disk is back", func() bool {
		return r.adapter.log.times(inMemory) == r.adapter.log.times(backAgain)
	})
}

// What happens while the disk is full is noticed and sent. When there is room again it is
// on the disk under the ids that it was given, and survives a kill.
func TestDiskThatIsFull(t *testing.T) {
	r, d := onSmallDisk(t)
	r.start()
	for range 3 {
		r.watched(30)
		d.fill()
		r.failing()
		r.watched(10)
		r.sink.goAway(1 << 20)
		r.watched(40)
		d.free()
		r.written()
		r.watched(10)
		r.crash()
		r.start()
		r.sink.goAway(0)
	}
	r.end(ledger.Rules{})
}

// On a disk that has become read-only an adapter goes on where the last one has ended. It
// writes again as soon as it may.
func TestDiskThatIsReadOnly(t *testing.T) {
	r, d := onSmallDisk(t)
	r.start()
	for range 2 {
		r.sink.goAway(1 << 20)
		r.watched(30)
		r.crash()
		d.remount(unix.MS_RDONLY)
		r.start() // with what the sink has not taken
		r.watched(20)
		r.sink.goAway(0)
		r.watched(20)
		d.remount(0)
		r.written()
		r.watched(20)
		r.crash()
		r.start()
		r.watched(20)

		// It may become so while an adapter runs, too.
		d.fill()
		r.failing()
		d.remount(unix.MS_RDONLY)
		r.watched(20)
		d.remount(0)
		d.free()
		r.written()
	}
	r.end(ledger.Rules{})
}

// An adapter that is killed while the disk is full takes what it had in memory with it. The
// next one does not know what was said last: it says what holds, under ids of its own.
func TestKilledWhileTheDiskIsFull(t *testing.T) {
	r, d := onSmallDisk(t)
	r.start()
	r.watched(30)
	d.fill()
	r.failing()
	r.watched(30)
	r.kill()
	r.start()
	r.watched(30)
	d.free()
	r.written()
	r.watched(10)
	r.crash()
	r.start()
	r.watched(10)
	r.finish(false)
	wrong := r.book.changed()
	for _, c := range r.clocks {
		for _, resource := range []string{c.lockState(), c.clockClass()} {
			if told, is := r.book.told(resource), r.book.now(resource); told != is {
				wrong = append(wrong, resource+" is "+is+", and the last that was told is "+told)
			}
		}
	}
	r.blame(wrong)
}
