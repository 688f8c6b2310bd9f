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
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const smaps = `00400000-01e7e000 r-xp 00000000 fe:00 10600657                           /ko-app/receive_adapter
Size:              27128 kB
Private_Dirty:     20728 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
01e7e000-03d39000 r--p 01a7e000 fe:00 10600657                           /ko-app/receive_adapter
Size:              31468 kB
Anonymous:             0 kB
03d39000-03ddc000 rw-p 03939000 fe:00 10600657                           /ko-app/receive_adapter
Anonymous:             0 kB
04000000-04001000 r--p 03939000 fe:00 10600657                           /ko-app/receive_adapter
Anonymous:             4 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Anonymous:          3000 kB
7f0000000000-7f0000002000 r-xp 00000000 fe:00 4                          /lib/other
Anonymous:             0 kB
7ffc30000000-7ffc30002000 r-xp 00000000 00:00 0                          [vdso]
Anonymous:             0 kB
`

// Memory that was written to must never be given back: it would be lost.
func TestReadOnlyMappings(t *testing.T) {
	want := []mapping{{0x400000, 0x1a7e000}, {0x1e7e000, 0x1ebb000}}
	got := readOnlyMappings(strings.NewReader(smaps), "/ko-app/receive_adapter")
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mapping{})); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
}

func TestReleaseStartupLeavesTheProgramRunning(t *testing.T) {
	if err := releaseStartup(); err != nil {
		t.Fatal(err)
	}
	// Code and constants are read from the file again.
	if got := readOnlyMappings(strings.NewReader(smaps), "/lib/other"); len(got) != 1 {
		t.Errorf("%d mappings, want 1", len(got))
	}
}
