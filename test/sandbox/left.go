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
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Left returns what is left of a sandbox: those processes that still run, and what
// keeps those network namespaces (such as net:[4026532304]) alive, which are threads
// in them, open files of them, and mounts of them. Without any, the kernel takes a
// namespace down with the interfaces in it.
func Left(pids []int, namespaces []string) ([]string, error) {
	var left []string
	for _, pid := range pids {
		// A zombie is nothing but an exit status that nobody has asked for.
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err == nil && !strings.Contains(string(status), "State:\tZ") {
			left = append(left, fmt.Sprintf("process %d", pid))
		}
	}
	for _, pattern := range []string{"/proc/[0-9]*/task/*/ns/net", "/proc/[0-9]*/fd/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			if target, err := os.Readlink(path); err == nil && slices.Contains(namespaces, target) {
				left = append(left, path+" is "+target)
			}
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	for _, ns := range namespaces {
		if strings.Contains(string(mounts), ns) {
			left = append(left, "a mount of "+ns)
		}
	}
	return left, err
}
