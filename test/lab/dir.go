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
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// dirPrefix begins the name of every directory that a lab makes for itself.
const dirPrefix = "eventing-ptp-lab-"

// errLocked says that another process, or another lab, uses a directory.
var errLocked = errors.New("it is in use")

// tryLockDir locks a directory until the returned file is closed or the process
// ends, however it ends (flock(2)).
func tryLockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// lockDir waits for the lock of a directory.
func lockDir(ctx context.Context, dir string) (*os.File, error) {
	for {
		f, err := tryLockDir(dir)
		if !errors.Is(err, errLocked) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", err, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// workDir is the locked directory of a lab.
type workDir struct {
	path string
	lock *os.File
	own  bool // made by the lab, and removed with it
}

// openWorkDir locks dir, or a fresh temporary directory if dir is empty.
func openWorkDir(dir string) (*workDir, error) {
	if dir == "" {
		return makeTempDir(os.TempDir())
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := tryLockDir(dir)
	if err != nil {
		return nil, err
	}
	return &workDir{path: dir, lock: lock}, nil
}

// makeTempDir removes what dead labs left below base, then makes a directory
// there. It gets its final name when it is locked, so that nobody takes it for
// one of a dead lab in between.
func makeTempDir(base string) (*workDir, error) {
	removeStaleDirs(base)
	dir, err := os.MkdirTemp(base, "."+dirPrefix+"*")
	if err != nil {
		return nil, err
	}
	lock, err := tryLockDir(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(base, strings.TrimPrefix(filepath.Base(dir), "."))
	// Adapters that run as another user must be able to enter it.
	if err := errors.Join(os.Chmod(dir, 0o755), os.Rename(dir, path)); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &workDir{path: path, lock: lock, own: true}, nil
}

// removeStaleDirs removes the directories whose lab has died. What cannot be
// locked or removed is left: it is in use, or another user's.
func removeStaleDirs(base string) {
	dirs, _ := filepath.Glob(filepath.Join(base, dirPrefix+"*"))
	for _, dir := range dirs {
		if lock, err := tryLockDir(dir); err == nil {
			_ = os.RemoveAll(dir)
			_ = lock.Close()
		}
	}
}

// makeSub makes an empty directory for a node.
func (d *workDir) makeSub(name string) (string, error) {
	sub := filepath.Join(d.path, name)
	if err := os.RemoveAll(sub); err != nil {
		return "", err
	}
	return sub, os.Mkdir(sub, 0o755)
}

// close removes the directories of the nodes, or everything if the lab made the
// directory.
func (d *workDir) close(nodes []string) error {
	remove := []string{d.path}
	if !d.own {
		remove = nil
		for _, name := range nodes {
			remove = append(remove, filepath.Join(d.path, name))
		}
	}
	var errs []error
	for _, path := range remove {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(append(errs, d.lock.Close())...)
}
