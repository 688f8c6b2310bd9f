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

package kit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Pid returns the process of a program in a pod, as this process sees it: the nodes are
// namespaces of this machine. The program's name has 15 bytes at most (proc_pid_comm(5)).
func Pid(pod *corev1.Pod, program string) (int, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return 0, err
	}
	for _, path := range paths {
		dir := filepath.Dir(path)
		command, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(command)) != program {
			continue // it has ended meanwhile, or is another program
		}
		groups, err := os.ReadFile(filepath.Join(dir, "cgroup"))
		if err == nil && strings.Contains(string(groups), "pod"+string(pod.UID)) {
			return strconv.Atoi(filepath.Base(dir))
		}
	}
	return 0, fmt.Errorf("no %s of pod %s runs", program, pod.Name)
}

// ProcessStatus returns fields of /proc/PID/status (proc_pid_status(5)).
func ProcessStatus(pid int, names ...string) (map[string]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if slices.Contains(names, name) {
			fields[name] = strings.Join(strings.Fields(value), " ")
		}
	}
	if len(fields) != len(names) {
		return nil, errors.New("the kernel does not say all of " + strings.Join(names, ", "))
	}
	return fields, nil
}

// ReadOnlyRoot is whether a process sees its root file system mounted read-only
// (proc_pid_mountinfo(5)).
func ReadOnlyRoot(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 5 && fields[4] == "/" {
			return slices.Contains(strings.Split(fields[5], ","), "ro")
		}
	}
	return false
}
