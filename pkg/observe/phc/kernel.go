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

package phc

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// kernel is what is asked of the kernel. Tests have one whose clocks they may set.
type kernel interface {
	// clocks returns the names of the hardware clocks of the machine, in order.
	clocks() ([]string, error)
	// interfaces returns which network interfaces have which clock, as far as it can be seen
	// from here.
	interfaces(clocks []string) map[string][]string
	// open opens a clock for reading.
	open(name string) (device, error)
}

// device is a hardware clock that is open.
type device interface {
	// read reads the clock. It may take as long as the hardware does.
	read() (reading, error)
	// about says how the clock is read and how far it can be steered.
	about() description
	Close() error
}

// description is what is worth a line in the log of a clock.
type description struct {
	// name is what its driver calls the clock.
	name   string
	method method
	// most is the largest frequency that it can be given, up or down.
	most ppb
	// frequency is whether it tells its frequency.
	frequency bool
}

// method is how a hardware clock is read beside CLOCK_REALTIME.
type method uint8

// The methods, the best first.
const (
	// precise: the hardware itself takes both at the same moment.
	precise method = iota
	// extended: the driver takes CLOCK_REALTIME right before and after.
	extended
	// sandwich: we do, with the time that system calls take in between.
	sandwich
)

// String names the method for logs.
func (m method) String() string { return [...]string{"precise", "extended", "sandwich"}[m] }

// linux is the kernel that we run on.
type linux struct {
	// directory is where the devices are: /dev, or where it is mounted.
	directory string
	// sys is /sys.
	sys string
}

// clocks looks into sysfs, which shows the clocks also where their devices cannot be
// opened, and for devices, because sysfs may be hidden.
func (l linux) clocks() ([]string, error) {
	var found []string
	for _, pattern := range []string{filepath.Join(l.sys, "class", "ptp", "ptp*"), filepath.Join(l.directory, "ptp*")} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", pattern, err)
		}
		for _, path := range paths {
			name := filepath.Base(path)
			if number := strings.TrimPrefix(name, "ptp"); number != "" && strings.Trim(number, "0123456789") == "" {
				found = append(found, name)
			}
		}
	}
	slices.SortFunc(found, func(a, b string) int { // ptp2 before ptp10
		if d := len(a) - len(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(found), nil
}

// interfaces asks each network interface (ethtool(8) -T), and sysfs. Both show those of our own
// network namespace only.
func (l linux) interfaces(clocks []string) map[string][]string {
	of := map[string][]string{}
	add := func(clock, name string) {
		if slices.Contains(clocks, clock) && !slices.Contains(of[clock], name) {
			of[clock] = append(of[clock], name)
		}
	}
	if socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err == nil {
		all, _ := net.Interfaces()
		for _, i := range all {
			if info, err := unix.IoctlGetEthtoolTsInfo(socket, i.Name); err == nil && info.Phc_index >= 0 {
				add(fmt.Sprintf("ptp%d", info.Phc_index), i.Name)
			}
		}
		_ = unix.Close(socket)
	}
	for _, pattern := range []string{"class/net/*/device/ptp/ptp*", "class/ptp/ptp*/device/net/*"} {
		paths, _ := filepath.Glob(filepath.Join(l.sys, pattern)) // a pattern that is always well-formed
		for _, path := range paths {
			part := strings.Split(strings.TrimPrefix(path, l.sys+"/"), "/")
			if part[1] == "net" {
				add(part[5], part[2])
			} else {
				add(part[2], part[5])
			}
		}
	}
	for _, names := range of {
		slices.Sort(names)
	}
	return of
}

// open opens a clock for reading. Most kernels tell its frequency only to those who may
// write (posix-clock.c), so it is opened for that where it is allowed. It is never written.
func (l linux) open(name string) (device, error) {
	path := filepath.Join(l.directory, name)
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	d := &chardev{fd: fd}
	caps, err := unix.IoctlPtpClockGetcaps(fd)
	if err != nil {
		_ = d.Close()
		return nil, &os.PathError{Op: "PTP_CLOCK_GETCAPS", Path: path, Err: err}
	}
	if _, err := d.frequency(); errors.Is(err, unix.EACCES) {
		if writable, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
			_ = d.Close()
			d.fd = writable
		}
	}
	_, err = d.frequency()
	driver, _ := os.ReadFile(filepath.Join(l.sys, "class", "ptp", name, "clock_name")) // for people only
	d.description = description{name: strings.TrimSpace(string(driver)), most: ppb(caps.Max_adj), frequency: err == nil}
	if caps.Cross_timestamping == 0 {
		d.method = extended
	}
	return d, nil
}

// chardev is an open /dev/ptpN.
type chardev struct {
	fd int
	description
}

func (d *chardev) about() description { return d.description }
func (d *chardev) Close() error       { return unix.Close(d.fd) }

// errSet means that CLOCK_REALTIME was set while a clock was read.
var errSet = errors.New("CLOCK_REALTIME is set again and again")

// read reads the clock beside CLOCK_REALTIME, and that beside CLOCK_MONOTONIC_RAW before and
// after: if it was set in between, nothing can be said.
func (d *chardev) read() (reading, error) {
	for range 3 {
		before, err := realtime()
		if err != nil {
			return reading{}, err
		}
		offset, within, err := d.beside()
		if err != nil {
			return reading{}, err
		}
		after, err := realtime()
		if err != nil {
			return reading{}, err
		}
		if (after.ahead - before.ahead).Abs() > before.within+after.within+slewed {
			continue
		}
		r := reading{offset: offset, within: within, raw: after.raw, ahead: offset + after.ahead}
		if d.description.frequency {
			f, err := d.frequency()
			r.frequency, r.hasFrequency = f, err == nil
		}
		return r, nil
	}
	return reading{}, errSet
}

// slewed is by how much CLOCK_REALTIME may be slewed while a clock is read: 10 %, the kernel's
// limit, of a tenth of a millisecond.
const slewed = 10 * time.Microsecond

// beside returns the clock minus CLOCK_REALTIME by the best method that its driver has.
func (d *chardev) beside() (offset, within time.Duration, err error) {
	const several = 10
	if d.method == precise {
		t, err := unix.IoctlPtpSysOffsetPrecise(d.fd)
		if err == nil {
			return nanoseconds(t.Device) - nanoseconds(t.Realtime), 1, nil
		}
		if gone(err) {
			return 0, 0, fmt.Errorf("PTP_SYS_OFFSET_PRECISE: %w", err)
		}
		d.method = extended // some drivers say that they can, and find out here that the processor cannot
	}
	if d.method == extended {
		t, err := unix.IoctlPtpSysOffsetExtended(d.fd, several)
		if err == nil {
			samples := make([]sample, several)
			for n := range samples {
				samples[n] = sample{nanoseconds(t.Ts[n][0]), nanoseconds(t.Ts[n][1]), nanoseconds(t.Ts[n][2])}
			}
			offset, within = shortest(samples)
			return offset, within, nil
		}
		if gone(err) {
			return 0, 0, fmt.Errorf("PTP_SYS_OFFSET_EXTENDED: %w", err)
		}
		d.method = sandwich // the driver is older than that
	}
	samples := make([]sample, several)
	for n := range samples {
		for _, read := range []struct {
			id int32
			to *time.Duration
		}{{unix.CLOCK_REALTIME, &samples[n].before}, {unix.FdToClockID(d.fd), &samples[n].clock}, {unix.CLOCK_REALTIME, &samples[n].after}} {
			if *read.to, err = now(read.id); err != nil {
				return 0, 0, err
			}
		}
	}
	offset, within = shortest(samples)
	return offset, within, nil
}

// gone is whether another method would fail the same way.
func gone(err error) bool {
	return !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOTTY) && !errors.Is(err, unix.EINVAL)
}

// frequency asks by how much the clock is made faster (clock_adjtime(2) without modes).
func (d *chardev) frequency() (ppb, error) {
	var t unix.Timex
	if _, err := unix.ClockAdjtime(unix.FdToClockID(d.fd), &t); err != nil {
		return 0, fmt.Errorf("clock_adjtime: %w", err)
	}
	return ppb(float64(t.Freq) * 1000 / (1 << 16)), nil // ppm with 16 binary places
}

// beside is CLOCK_REALTIME minus CLOCK_MONOTONIC_RAW, known to within, and the latter.
type beside struct{ ahead, within, raw time.Duration }

// realtime reads CLOCK_REALTIME between two readings of CLOCK_MONOTONIC_RAW, several times, and
// takes the reading that was interrupted the least.
func realtime() (beside, error) {
	var samples [4]sample
	for n := range samples {
		s := &samples[n]
		for _, read := range []struct {
			id int32
			to *time.Duration
		}{{unix.CLOCK_MONOTONIC_RAW, &s.before}, {unix.CLOCK_REALTIME, &s.clock}, {unix.CLOCK_MONOTONIC_RAW, &s.after}} {
			var err error
			if *read.to, err = now(read.id); err != nil {
				return beside{}, err
			}
		}
	}
	ahead, within := shortest(samples[:])
	return beside{ahead: ahead, within: within, raw: samples[len(samples)-1].after}, nil
}

func now(clockid int32) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(clockid, &t); err != nil {
		return 0, fmt.Errorf("clock_gettime: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// devices joins what is known of the clocks.
func devices(k kernel, names []string) []clock.HardwareClockDevice {
	of := k.interfaces(names)
	list := make([]clock.HardwareClockDevice, len(names))
	for n, name := range names {
		list[n] = clock.HardwareClockDevice{Name: name, Interfaces: of[name]}
	}
	return list
}
