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

// bytesOf reads what is written in the order of a little-endian machine.
func bytesOf(t testing.TB, text string) []byte {
	t.Helper()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the bytes are those of a little-endian machine")
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestRequest(t *testing.T) {
	const want = "01000600" + "73796e636531" + "04000000" + "05000000" + "08000000"
	if got := hex.EncodeToString(request("synce1")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	bytesOf(t, want)
}

const (
	name = "01000600" + "73796e636531"
	// PRC, and the enhanced code of an ePRTC
	good = name + "0400010002" + "0500010021" + "08000000"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, raw string
		want      clock.QualityLevel
		err       string
	}{
		{"a level", good, clock.QualityLevel{SSM: 2, Enhanced: 0x21}, ""},
		{"the other way round, and what comes after the end", "05000100ff" + "04000100f4" + "08000000" + "ffffffff", clock.QualityLevel{SSM: 4, Enhanced: 0xFF}, ""},
		{"types and lengths of tomorrow", "6300020000000400020000000400010001" + "05000100ff" + "08000000", clock.QualityLevel{SSM: 1, Enhanced: 0xFF}, ""},
		{"an error", "03001000" + "446576696365206e6f7420666f756e64" + "08000000", clock.QualityLevel{}, `synce4l says: "Device not found"`},
		{"half a level", name + "0400010002" + "08000000", clock.QualityLevel{}, "the answer has no quality level"},
		{"no end", name + "0400010002" + "0500010021", clock.QualityLevel{}, "the answer is cut off"},
		{"a value that is cut off", name + "04000200" + "02", clock.QualityLevel{}, "the answer is cut off"},
		{"nothing", "", clock.QualityLevel{}, "the answer is cut off"},
	} {
		got, err := parse(bytesOf(t, tc.raw))
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
	f.Add(bytesOf(f, good))
	f.Add(bytesOf(f, "03000100"+"41"+"08000000"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if level, err := parse(raw); err != nil && level != (clock.QualityLevel{}) || level.SSM > 15 {
			t.Errorf("%+v, %v", level, err)
		}
	})
}
