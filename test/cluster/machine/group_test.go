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
	"slices"
	"testing"
)

func TestMountPoints(t *testing.T) {
	const mounts = `sysfs /sys sysfs rw,relatime 0 0
tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
short line
`
	for _, tc := range []struct {
		name  string
		types []string
		want  []string
	}{
		{"version 1", []string{"cgroup"}, []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"}},
		{"version 2", []string{"cgroup2"}, []string{"/sys/fs/cgroup/unified"}},
		{"both", []string{"cgroup", "cgroup2"}, []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified"}},
		{"none", []string{"overlay"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := mountPoints(mounts, tc.types...); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
