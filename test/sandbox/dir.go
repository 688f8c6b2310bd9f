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
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked says that another process, or another part of this one, uses a
// directory.
var ErrLocked = errors.New("it is in use")

// tryLock locks a directory until the returned file is closed or the process
// ends, however it ends (flock(2)).
func tryLock(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// Lock locks a directory until the returned file is closed or the process ends,
// however it ends. It waits while another has the lock.
func Lock(ctx context.Context, dir string) (*os.File, error) {
	for {
		f, err := tryLock(dir)
		if !errors.Is(err, ErrLocked) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", err, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Dir is a locked directory for the files of a sandbox.
type Dir struct {
	path string
	lock *os.File
	own  bool // made by MakeTempDir, and removed with everything in it
}

// OpenDir locks a directory, which is made where it does not exist. Dirs that
// others use are refused with ErrLocked.
func OpenDir(dir string) (*Dir, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := tryLock(dir)
	if err != nil {
		return nil, err
	}
	return &Dir{path: dir, lock: lock}, nil
}

// MakeTempDir removes the directories below base that begin with the prefix and
// were left by dead processes, then makes one. It gets its final name when it is
// locked, so that nobody takes it for one of a dead process in between.
func MakeTempDir(base, prefix string) (*Dir, error) {
	removeStaleDirs(base, prefix)
	dir, err := os.MkdirTemp(base, "."+prefix+"*")
	if err != nil {
		return nil, err
	}
	lock, err := tryLock(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(base, strings.TrimPrefix(filepath.Base(dir), "."))
	// Programs that run as another user must be able to enter it.
	if err := errors.Join(os.Chmod(dir, 0o755), os.Rename(dir, path)); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Dir{path: path, lock: lock, own: true}, nil
}

// removeStaleDirs removes the directories whose process has died. What cannot be
// locked or removed is left: it is in use, or another user's.
func removeStaleDirs(base, prefix string) {
	dirs, _ := filepath.Glob(filepath.Join(base, prefix+"*"))
	for _, dir := range dirs {
		if lock, err := tryLock(dir); err == nil {
			_ = os.RemoveAll(dir)
			_ = lock.Close()
		}
	}
}

// Path returns where it is.
func (d *Dir) Path() string { return d.path }

// Make makes an empty directory in it.
func (d *Dir) Make(name string) (string, error) {
	sub := filepath.Join(d.path, name)
	if err := os.RemoveAll(sub); err != nil {
		return "", err
	}
	return sub, os.Mkdir(sub, 0o755)
}

// Close removes the directory if MakeTempDir made it, else only what is named of
// what is in it.
func (d *Dir) Close(names ...string) error {
	remove := []string{d.path}
	if !d.own {
		remove = nil
		for _, name := range names {
			remove = append(remove, filepath.Join(d.path, name))
		}
	}
	var errs []error
	for _, path := range remove {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(append(errs, d.lock.Close())...)
}

// CacheDir returns a directory, which is made where it does not exist, for what is
// fetched or built once and kept for the next run of anybody's tests.
func CacheDir(names ...string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory, set HOME or XDG_CACHE_HOME: %w", err)
	}
	dir := filepath.Join(append([]string{base, "eventing-ptp"}, names...)...)
	return dir, os.MkdirAll(dir, 0o755)
}
