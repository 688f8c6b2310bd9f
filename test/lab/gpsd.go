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
)

// GPSD is a gpsd that can be run, and that tells the time to nobody but its clients.
type GPSD struct{ daemon }

// gpsdPackage is gpsd with what it is linked with and may not be there. Debian's package of it
// must not be installed for a test: it would listen for receivers on this machine, and brings
// systemd and Python along.
func gpsdPackage() debianPackage {
	return debianPackage{"3.25", "trixie", []string{
		"gpsd", "libbluetooth3", "libc6", "libcap2", "libdbus-1-3", "libsystemd0", "libudev1", "libusb-1.0-0",
	}}
}

// FindGPSD returns Debian's gpsd, which is downloaded, verified and unpacked once below the
// user's cache directory. Nothing is installed.
func FindGPSD(ctx context.Context) (GPSD, error) {
	found, err := findDaemon(ctx, "gpsd", "-V", gpsdPackage())
	return GPSD{found}, err
}

// Command returns the command that runs gpsd in the foreground on a port of loopback. It reads
// the devices all the time, whether anybody asks or not. What it would tell the NTP daemons of
// the machine through shared memory stays with it: it has an IPC namespace of its own.
func (g GPSD) Command(ctx context.Context, port int, devices ...string) *exec.Cmd {
	c := g.command(ctx, append([]string{"-N", "-n", "-S", fmt.Sprint(port)}, devices...)...)
	return exec.CommandContext(ctx, "unshare", append([]string{"--ipc"}, c.Args...)...)
}
