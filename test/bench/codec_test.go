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
	"bytes"
	"encoding/binary"
	"testing"
)

// The comparison is fair only if both sides read and write the very same bytes.
func TestBothCodecsWriteTheSameFrame(t *testing.T) {
	for _, m := range messages() {
		frame, err := m.append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := binary.Read(bytes.NewReader(frame), binary.BigEndian, m.layout); err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := binary.Write(&again, binary.BigEndian, m.layout); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), frame) {
			t.Errorf("%v: encoding/binary wrote\n%x, package pmc\n%x", m.data.ID(), again.Bytes(), frame)
		}
	}
}

func TestAFailedBenchmarkHasNoResult(t *testing.T) {
	if r := benchmark(func() error { return bytes.ErrTooLarge }); r.N != 0 {
		t.Errorf("%d runs of what fails", r.N)
	}
}
