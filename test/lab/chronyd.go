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
	"os"
	"os/exec"
	"path/filepath"

	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// Chronyd is a chronyd that can be run, and that leaves every clock alone.
type Chronyd struct{ argv []string }

// chronyPackage is chronyd with everything that it is linked with: Debian's package of it
// must never be installed for a test, because it would begin to discipline the clock.
func chronyPackage() debianPackage {
	return debianPackage{"4.6", "trixie", []string{
		"chrony", "libc6", "libcap2", "libffi8", "libgmp10", "libgnutls30t64", "libhogweed6t64", "libidn2-0", "libnettle8t64",
		"libp11-kit0", "libseccomp2", "libtasn1-6", "libunistring5",
	}}
}

// FindChronyd returns Debian's chronyd, which is downloaded, verified and unpacked once
// below the user's cache directory. Nothing is installed.
func FindChronyd(ctx context.Context) (Chronyd, error) {
	found, err := findChronyd(ctx)
	if err != nil {
		return Chronyd{}, fmt.Errorf("find chronyd: %w", err)
	}
	return found, nil
}

func findChronyd(ctx context.Context) (Chronyd, error) {
	cache, err := sandbox.CacheDir()
	if err != nil {
		return Chronyd{}, err
	}
	lock, err := sandbox.Lock(ctx, cache)
	if err != nil {
		return Chronyd{}, err
	}
	defer lock.Close()
	dir := filepath.Join(cache, "chrony-"+chronyPackage().version)
	found := Chronyd{daemonIn(dir, "chronyd")}
	if _, err := os.Stat(dir); err == nil {
		return found, nil
	}
	err = unpack(ctx, dir, chronyPackage(), func(tree string) error {
		_, err := run(Chronyd{daemonIn(tree, "chronyd")}.command(ctx, "-v"))
		return err
	})
	if err != nil {
		return Chronyd{}, err
	}
	return Chronyd{daemonIn(dir, "chronyd")}, nil // with the loader that was not there before
}

// Command returns the command that runs chronyd in the foreground with these lines of
// configuration. It follows its sources and touches no clock (-x).
func (c Chronyd) Command(ctx context.Context, lines ...string) *exec.Cmd {
	return c.command(ctx, append([]string{"-x", "-d", "-u", "root"}, lines...)...)
}

func (c Chronyd) command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, c.argv[0], append(c.argv[1:len(c.argv):len(c.argv)], args...)...)
}
