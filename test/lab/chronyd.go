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
	"os/exec"
)

// Chronyd is a chronyd that can be run, and that leaves every clock alone.
type Chronyd struct{ daemon }

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
	found, err := findDaemon(ctx, "chronyd", "-v", chronyPackage())
	return Chronyd{found}, err
}

// Command returns the command that runs chronyd in the foreground with these lines of
// configuration. It follows its sources and touches no clock (-x).
func (c Chronyd) Command(ctx context.Context, lines ...string) *exec.Cmd {
	return c.command(ctx, append([]string{"-x", "-d", "-u", "root"}, lines...)...)
}
