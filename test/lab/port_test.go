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
	"encoding/binary"
	"slices"
	"testing"
)

func TestAttributeLengthLeavesOutThePadding(t *testing.T) {
	want := binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, 9), 3)
	want = append(want, 'e', 't', 'h', '0', 0, 0, 0, 0)
	if got := attribute(3, cString("eth0")); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
