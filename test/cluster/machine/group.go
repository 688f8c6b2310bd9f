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

package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Group is a control group, by its path below the root of every hierarchy, for example /eventing-ptp/n1.
type Group string

// Below is the group of that name below this one.
func (g Group) Below(name string) Group { return g + Group("/"+name) }

const groupRoot = "/sys/fs/cgroup"

// Unified is whether control groups are of version 2 here.
func Unified() bool {
	var s unix.Statfs_t
	return unix.Statfs(groupRoot, &s) == nil && s.Type == unix.CGROUP2_SUPER_MAGIC
}

// hierarchies are the directories with control groups of these types: cgroup is version 1, where each controller has a
// hierarchy of its own, and cgroup2 version 2.
func hierarchies(types ...string) ([]string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	found := mountPoints(string(mounts), types...)
	if len(found) == 0 {
		return nil, errors.New("no control groups are mounted")
	}
	return found, nil
}

// join makes the group, with all groups above it, and puts this process into it.
func (g Group) join() error {
	version := "cgroup"
	if Unified() {
		version = "cgroup2"
	}
	roots, err := hierarchies(version)
	if err != nil {
		return err
	}
	for _, root := range roots {
		dir := root
		for part := range strings.SplitSeq(strings.Trim(string(g), "/"), "/") {
			dir = filepath.Join(dir, part)
			if err := makeGroup(dir); err != nil {
				return fmt.Errorf("make the control group %s: %w", dir, err)
			}
		}
		if Unified() {
			// A group with groups in it may not have processes of its own (cgroups(7), no internal processes).
			dir = filepath.Join(dir, "system")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0"), 0); err != nil {
			return fmt.Errorf("join the control group %s: %w", dir, err)
		}
	}
	return nil
}

func makeGroup(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if Unified() {
		controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
		if err != nil {
			return err
		}
		var enable []string
		for c := range strings.FieldsSeq(string(controllers)) {
			enable = append(enable, "+"+c)
		}
		return os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte(strings.Join(enable, " ")), 0)
	}
	// A set without processors and memory takes no process (cpuset(7)).
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		above, err := os.ReadFile(filepath.Join(filepath.Dir(dir), name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // another controller
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), above, 0); err != nil {
			return err
		}
	}
	return nil
}

// Remove ends what still runs in the group and in those below it, and removes them. It is no error when there is none.
func (g Group) Remove() error {
	// Both: programs that we start make groups of version 2 beside those of version 1.
	roots, err := hierarchies("cgroup", "cgroup2")
	if err != nil {
		return err
	}
	var errs []error
	for _, root := range roots {
		errs = append(errs, removeGroup(filepath.Join(root, string(g))))
	}
	return errors.Join(errs...)
}

// removeTimeout is how long the kernel may take to end processes.
const removeTimeout = 10 * time.Second

func removeGroup(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	deadline := time.Now().Add(removeTimeout)
	for len(dirs) > 0 {
		last := dirs[len(dirs)-1] // those below come after those above
		if err := killGroup(last); err != nil {
			return err
		}
		err := os.Remove(last)
		switch {
		case err == nil, errors.Is(err, fs.ErrNotExist):
			dirs = dirs[:len(dirs)-1]
		case time.Now().After(deadline):
			return fmt.Errorf("remove the control group: %w", err)
		default:
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

func killGroup(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for line := range strings.FieldsSeq(string(text)) {
		pid, convErr := strconv.Atoi(line)
		if convErr != nil || pid <= 1 { // 0: a process outside of this pid namespace
			continue
		}
		if killErr := unix.Kill(pid, unix.SIGKILL); killErr != nil && !errors.Is(killErr, unix.ESRCH) {
			err = errors.Join(err, fmt.Errorf("end process %d: %w", pid, killErr))
		}
	}
	return err
}
