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

package adapter

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseStartup gives back the memory that only the start has needed. Some 30 MiB of a
// Kubernetes client's code and tables are touched once, while its packages initialise,
// and would stay resident on every node for as long as the adapter runs. What is needed
// again comes back from the page cache by itself (madvise(2), MADV_DONTNEED on a
// mapping of a file).
func releaseStartup() error {
	debug.FreeOSMemory()
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("release the memory of the start: %w", err)
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("release the memory of the start: %w", err)
	}
	defer maps.Close()
	for _, m := range readOnlyMappings(maps, program) {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.length, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("release the memory of the start: %w", errno)
		}
	}
	return nil
}

// mapping is a part of the address space.
type mapping struct{ start, length uintptr }

// readOnlyMappings picks from smaps (proc_pid_smaps(5)) the mappings of file that hold
// nothing but what is in the file: not writable, and with no page of their own, as a
// relocated one would be.
func readOnlyMappings(smaps io.Reader, file string) []mapping {
	var found []mapping
	var candidate mapping
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		line := lines.Text()
		var start, end uintptr
		var permissions string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &start, &end, &permissions); n == 3 {
			candidate = mapping{}
			if strings.HasSuffix(line, " "+file) && strings.HasPrefix(permissions, "r") && !strings.Contains(permissions, "w") {
				candidate = mapping{start, end - start}
			}
			continue
		}
		var own int
		if n, _ := fmt.Sscanf(line, "Anonymous: %d kB", &own); n == 1 && own == 0 && candidate.length > 0 {
			found = append(found, candidate)
		}
	}
	return found
}
