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

package synce4l

import (
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// little is whether this machine is a little-endian one.
var little = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// bytesOf reads what is written in the order of a little-endian machine, for this one: heads turn
// round, values do not.
func bytesOf(t testing.TB, heads ...string) []byte {
	t.Helper()
	var raw []byte
	for _, text := range heads {
		b, err := hex.DecodeString(text)
		if err != nil || len(b) < 4 {
			t.Fatalf("%q is no head with a value: %v", text, err)
		}
		raw = binary.NativeEndian.AppendUint16(raw, binary.LittleEndian.Uint16(b))
		raw = binary.NativeEndian.AppendUint16(raw, binary.LittleEndian.Uint16(b[2:]))
		raw = append(raw, b[4:]...)
	}
	return raw
}

func TestRequest(t *testing.T) {
	want := "01000600" + "73796e636531" + "04000000" + "05000000" + "08000000"
	if !little {
		want = "00010006" + "73796e636531" + "00040000" + "00050000" + "00080000"
	}
	if got := hex.EncodeToString(request("synce1")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

const (
	name = "01000600" + "73796e636531"
	end  = "08000000"
)

// good is PRC, and the enhanced code of an ePRTC.
var good = []string{name, "0400010002", "0500010021", end}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name string
		raw  []string // by heads
		want clock.QualityLevel
		err  string
	}{
		{"a level", good, clock.QualityLevel{SSM: 2, Enhanced: 0x21}, ""},
		{"the other way round, and what comes after the end", []string{"05000100ff", "04000100f4", end, "ffffffff"}, clock.QualityLevel{SSM: 4, Enhanced: 0xFF}, ""},
		{"types and lengths of tomorrow", []string{"63000200" + "0000", "04000200" + "0000", "0400010001", "05000100ff", end}, clock.QualityLevel{SSM: 1, Enhanced: 0xFF}, ""},
		{"an error", []string{"03001000" + "446576696365206e6f7420666f756e64", end}, clock.QualityLevel{}, `synce4l says: "Device not found"`},
		{"half a level", []string{name, "0400010002", end}, clock.QualityLevel{}, "the answer has no quality level"},
		{"no end", []string{name, "0400010002", "0500010021"}, clock.QualityLevel{}, "the answer is cut off"},
		{"a value that is cut off", []string{name, "04000200" + "02"}, clock.QualityLevel{}, "the answer is cut off"},
		{"nothing", nil, clock.QualityLevel{}, "the answer is cut off"},
	} {
		got, err := parse(bytesOf(t, tc.raw...))
		if err != nil {
			if err.Error() != tc.err {
				t.Errorf("%s: %v, want %q", tc.name, err, tc.err)
			}
		} else if tc.err != "" || got != tc.want {
			t.Errorf("%s: %+v, want %+v, %q", tc.name, got, tc.want, tc.err)
		}
	}
}

// Whatever comes, it is read or refused.
func FuzzParse(f *testing.F) {
	f.Add(bytesOf(f, good...))
	f.Add(bytesOf(f, "03000100"+"41", end))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if level, err := parse(raw); err != nil && level != (clock.QualityLevel{}) || level.SSM > 15 {
			t.Errorf("%+v, %v", level, err)
		}
	})
}
