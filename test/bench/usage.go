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

package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what a process has used since it began.
type usage struct {
	at       time.Time
	cpu      time.Duration
	switches int64 // context switches, of its own will or not
}

// readUsage reads the usage of a process. The CPU time comes from the process's clock
// (clock_getcpuclockid(3)), which counts nanoseconds where /proc counts ticks of 10 ms.
func readUsage(pid int) (usage, error) {
	const schedule = 2 // CPUCLOCK_SCHED of the kernel's posix-timers.h
	u := usage{at: time.Now()}
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedule), &ts); err != nil {
		return u, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	u.cpu = time.Duration(ts.Nano())
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return u, err
	}
	for _, task := range tasks {
		status, err := readStatus(task)
		if err != nil {
			continue // a thread that has ended since
		}
		u.switches += status["voluntary_ctxt_switches"] + status["nonvoluntary_ctxt_switches"]
	}
	return u, nil
}

// memory is what a process has in memory, in KiB.
type memory struct{ rss, anonymous, file, pss int64 }

func readMemory(pid int) (memory, error) {
	status, err := readStatus(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	rollup, err := readStatus(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return memory{}, err
	}
	return memory{status["VmRSS"], status["RssAnon"], status["RssFile"], rollup["Pss"]}, nil
}

// readStatus reads the numbers in a file of lines like "VmRSS:  1234 kB" (proc(5)).
func readStatus(path string) (map[string]int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	numbers := map[string]int64{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		value, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			numbers[name] = n
		}
	}
	return numbers, lines.Err()
}
