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
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// Linuxptp is a ptp4l that can be run.
type Linuxptp struct {
	// Version is what `ptp4l -v` prints, for example 4.2.
	Version string

	daemon
}

// debianPackage says in which Debian release a version of linuxptp is found.
type debianPackage struct {
	version, release string
	packages         []string
}

// debianPackages lists the versions that Find can fetch. The C library of
// linuxptp 4.4's release is newer than that of Debian 12, so it comes along.
var debianPackages = []debianPackage{
	{"3.1.1", "bookworm", []string{"linuxptp"}},
	{"4.2", "trixie", []string{"linuxptp"}},
	{"4.4", "forky", []string{"linuxptp", "libc6", "libnettle8t64"}},
}

// Versions lists the versions of linuxptp that Find can fetch, oldest first.
func Versions() []string {
	var versions []string
	for _, p := range debianPackages {
		versions = append(versions, p.version)
	}
	return versions
}

// Find returns the ptp4l of a linuxptp version: the machine's own if it is that
// version, else Debian's package of it, which is downloaded, verified and
// unpacked once below the user's cache directory. Nothing is installed, so it
// needs no root. Several processes may call it at once.
func Find(ctx context.Context, version string) (Linuxptp, error) {
	found, err := find(ctx, version)
	if err != nil {
		return Linuxptp{}, fmt.Errorf("find linuxptp %s: %w", version, err)
	}
	return found, nil
}

func find(ctx context.Context, version string) (Linuxptp, error) {
	for _, name := range []string{"ptp4l", "/usr/sbin/ptp4l"} {
		path, err := exec.LookPath(name)
		if l := (Linuxptp{version, daemon{[]string{path}}}); err == nil && l.check(ctx) == nil {
			return l, nil
		}
	}
	dir, err := once(ctx, "linuxptp-"+version, func(dir string) error { return install(ctx, version, dir) })
	if err != nil {
		return Linuxptp{}, err
	}
	return unpacked(version, dir), nil
}

// install fetches a version into dir.
func install(ctx context.Context, version, dir string) error {
	i := slices.IndexFunc(debianPackages, func(p debianPackage) bool { return p.version == version })
	if i < 0 {
		return fmt.Errorf("no Debian release is known to have it: "+
			"choose one of %s, or put a ptp4l of that version into PATH", strings.Join(Versions(), ", "))
	}
	err := unpack(ctx, dir, debianPackages[i], func(tree string) error { return unpacked(version, tree).check(ctx) })
	if err != nil {
		return fmt.Errorf("%w; or put a ptp4l of version %s into PATH yourself", err, version)
	}
	return nil
}

// unpacked describes a ptp4l below dir.
func unpacked(version, dir string) Linuxptp { return Linuxptp{version, daemonIn(dir, "ptp4l")} }

// check runs `ptp4l -v` and compares what it prints.
func (l Linuxptp) check(ctx context.Context) error {
	out, err := l.command(ctx, "-v").Output()
	if err != nil {
		return fmt.Errorf("run %s -v: %w", strings.Join(l.argv, " "), err)
	}
	if is := strings.TrimSpace(string(out)); is != l.Version {
		return fmt.Errorf("%s is version %s, not %s", l.Path(), is, l.Version)
	}
	return nil
}

// Path returns the path of ptp4l's executable.
func (l Linuxptp) Path() string { return l.argv[len(l.argv)-1] }

// hasReadOnlySocket reports whether ptp4l knows uds_ro_address (since 4.0).
func (l Linuxptp) hasReadOnlySocket() bool { return !strings.HasPrefix(l.Version, "3.") }
