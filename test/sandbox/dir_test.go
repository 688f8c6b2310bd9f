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

package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTempDirOfADeadProcessIsRemovedByTheNext(t *testing.T) {
	base := t.TempDir()
	dead, err := MakeTempDir(base, "sandbox-")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dead.Make("gm"); err != nil {
		t.Fatal(err)
	}
	release(t, dead.lock) // as the kernel does for a process that ends
	alive, err := MakeTempDir(base, "sandbox-")
	if err != nil {
		t.Fatal(err)
	}
	next, err := MakeTempDir(base, "sandbox-")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead process's directory is still there: %v", err)
	}
	for _, d := range []*Dir{alive, next} {
		if _, err := os.Stat(d.path); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(base); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDirOfARunningProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	first, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("a second one in the same directory: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenDir(dir)
	if err != nil {
		t.Fatalf("after the first is closed: %v", err)
	}
	release(t, again.lock)
}

func TestGivenDirKeepsWhatIsNotTheSandboxs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "on", "the", "way")
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Make("gm"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close("gm"); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0].Name() != "mine" {
		t.Errorf("left %v, want only the file that was there before", left)
	}
}

func TestLockDirWaitsUntilItIsReleased(t *testing.T) {
	dir := t.TempDir()
	holder, err := Lock(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := Lock(short, dir); !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while it is held: %v", err)
	}
	got := make(chan error)
	go func() {
		f, err := Lock(t.Context(), dir)
		if err == nil {
			err = f.Close()
		}
		got <- err
	}()
	release(t, holder)
	if err := <-got; err != nil {
		t.Errorf("after it is released: %v", err)
	}
}

func release(t *testing.T, lock *os.File) {
	t.Helper()
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
}
