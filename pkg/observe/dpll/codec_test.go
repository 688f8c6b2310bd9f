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

package dpll

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// Answers of a little-endian kernel, attribute by attribute as include/uapi/linux/dpll.h
// numbers them: u16 length, u16 type, value, padded to 4 bytes.
const (
	// id 0, ice, automatic, locked-ho-acq, no error, clock id, eec
	eecBytes = "0800010000000000" + "0800020069636500" + "0800050002000000" + "0800060002000000" + "0800070003000000" + "08000a0001000000" +
		"04000300" + "0c000400b8b11fffff6f7c50" + "0800090002000000"
	// id 7, mlx5_dpll, manual, unlocked, media-down, level eEEC, clock id, eec
	mlxBytes = "0800010007000000" + "0e0002006d6c78355f64706c6c000000" + "0800050001000000" + "0800060001000000" + "0800070001000000" +
		"08000a0003000000" + "08000b0007000000" + "04000300" + "0c0004003412fb0003f6ceb8" + "0800090002000000"
	// id 13, ice, board label, synce-eth-port; parents 0 (input, connected, -1234567) and 1
	// (input, disconnected); FFO of 4 bytes, -5
	pinBytes = "080001000d000000" + "0800030069636500" + "04000300" + "0c000500b8b11fffff6f7c50" + "11000600433832375f302d52434c4b4100000000" + "0800090003000000" +
		"34001280" + "0800020000000000" + "08000a0001000000" + "08000f0009000000" + "0800100001000000" + "04000300" + "0c0017007929edffffffffff" +
		"34001280" + "0800020001000000" + "08000a0001000000" + "08000f0009000000" + "0800100002000000" + "04000300" + "0c0017000000000000000000" +
		"08001800fbffffff"
	// id 20, panel and board label; parent 7 (output); FFO of 8 bytes, 2^40
	outputBytes = "0800010014000000" + "0e0003006d6c78355f64706c6c000000" + "0c0005003412fb0003f6ceb8" + "09000700534d413100000000" + "0a000600626f617264000000" +
		"1c001280" + "0800020007000000" + "08000a0002000000" + "0800100001000000" + "0c0018000000000000010000"
)

// Answers to RTM_GETLINK: struct ifinfomsg, and attributes.
const (
	// lo, with an operational state and an empty nest for a pin
	loopbackBytes = "00000403010000004900010000000000" + "070003006c6f0000" + "0500100000000000" + "04004180"
	// ens1f0, with pin 13
	linkBytes = "00000100020000004310010000000000" + "0b000300656e7331663000" + "00" + "0c004180" + "080001000d000000"
)

func TestParseLink(t *testing.T) {
	for _, tc := range []struct {
		raw, iface string
		pin        uint32
		ok, fails  bool
	}{
		{loopbackBytes, "lo", 0, false, false},
		{linkBytes, "ens1f0", 13, true, false},
		{linkBytes[:32] + "0c004180" + "080001000d000000", "", 13, false, false}, // nameless
		{linkBytes[:30], "", 0, false, true},
		{linkBytes[:32] + "0a004180" + "060001000d000000", "", 0, false, true}, // a pin of 2 bytes
	} {
		iface, pin, ok, err := parseLink(bytesOf(t, tc.raw))
		if iface != tc.iface || pin != tc.pin || ok != tc.ok || (err != nil) != tc.fails {
			t.Errorf("%s: %q, pin %d, %v, %v", tc.raw, iface, pin, ok, err)
		}
	}
}

func bytesOf(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestParseDevice(t *testing.T) {
	for _, tc := range []struct {
		name, raw string
		want      device
	}{
		{"eec", eecBytes, device{id: 0, module: "ice", clockID: 0x507c6fffff1fb1b8, mode: 2, lock: 3, lockError: 1, kind: 2}},
		{"eec with a level of quality", mlxBytes, device{id: 7, module: "mlx5_dpll", clockID: 0xb8cef60300fb1234, mode: 1, lock: 1, lockError: 3, kind: 2, levels: []uint32{7}}},
		{"two levels of quality, and an attribute of tomorrow", "08000b0009000000" + "08000b0004000000" + "0800630001000000", device{levels: []uint32{9, 4}}},
		{"nothing", "", device{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parseDevice(bytesOf(t, tc.raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(device{})); diff != "" {
				t.Errorf("device (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParsePin(t *testing.T) {
	for _, tc := range []struct {
		name, raw string
		want      pin
	}{
		{"input of two DPLLs, with numbers of 8 and of 4 bytes", pinBytes, pin{id: 13, label: "C827_0-RCLKA", ffo: -5, parents: []parent{
			{device: 0, direction: 1, state: 1, phase: -1234567}, {device: 1, direction: 1, state: 2},
		}}},
		{"output, with a number of 8 bytes", outputBytes, pin{id: 20, label: "SMA1", ffo: 1 << 40, parents: []parent{{device: 7, direction: 2, state: 1}}}},
		{"inputs of pins, of which one lets it through", "14001380" + "0800020004000000" + "0800100001000000" + "14001380" + "0800020005000000" + "0800100002000000", pin{muxes: []uint32{4}}},
		{"phase offset of 4 bytes", "10001280" + "080017009cffffff" + "00000000", pin{parents: []parent{{phase: -100}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parsePin(bytesOf(t, tc.raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(pin{}, parent{})); diff != "" {
				t.Errorf("pin (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, raw := range []string{
		"08",                                   // no attribute
		"0800010000",                           // cut short
		"06000700" + "01000000",                // a lock of 2 bytes
		"0a000400" + "010000000000" + "0000",   // a clock id of 6 bytes
		"09000700" + "0100000000" + "00000000", // a lock of 5 bytes
	} {
		if d, err := parseDevice(bytesOf(t, raw)); err == nil {
			t.Errorf("%s is taken for %+v", raw, d)
		}
	}
	for _, raw := range []string{
		"0600180001000000",                  // a frequency offset of 2 bytes
		"0c001280" + "0600170001000000",     // a phase offset of 2 bytes in a nest
		"08001280" + "ffff1700",             // a nest that is too short for what is in it
		"0a001800" + "0100000000000000ffff", // an odd number of bytes
	} {
		if p, err := parsePin(bytesOf(t, raw)); err == nil {
			t.Errorf("%s is taken for %+v", raw, p)
		}
	}
}

func TestQuality(t *testing.T) {
	for _, tc := range []struct {
		levels []uint32
		want   clock.QualityLevel
		known  bool
	}{
		{nil, clock.QualityLevel{}, false},
		{[]uint32{0}, clock.QualityLevel{}, false},
		{[]uint32{1}, clock.QualityLevel{SSM: 2, Enhanced: 255}, true},
		{[]uint32{2}, clock.QualityLevel{SSM: 4, Enhanced: 255}, true},
		{[]uint32{3}, clock.QualityLevel{SSM: 8, Enhanced: 255}, true},
		{[]uint32{4}, clock.QualityLevel{SSM: 11, Enhanced: 255}, true},
		{[]uint32{5}, clock.QualityLevel{SSM: 2, Enhanced: 0x20}, true},
		{[]uint32{6}, clock.QualityLevel{SSM: 2, Enhanced: 0x21}, true},
		{[]uint32{7}, clock.QualityLevel{SSM: 11, Enhanced: 0x22}, true},
		{[]uint32{8}, clock.QualityLevel{SSM: 2, Enhanced: 0x23}, true},
		{[]uint32{9}, clock.QualityLevel{}, false},                         // of tomorrow
		{[]uint32{9, 4}, clock.QualityLevel{SSM: 11, Enhanced: 255}, true}, // and one of today beside it
	} {
		got, known := device{levels: tc.levels}.quality()
		if got != tc.want || known != tc.known {
			t.Errorf("%v: %+v, %v, want %+v, %v", tc.levels, got, known, tc.want, tc.known)
		}
	}
}

// Whatever the kernel says, it is read or refused.
func FuzzParse(f *testing.F) {
	for _, text := range []string{eecBytes, mlxBytes, pinBytes, outputBytes, loopbackBytes, linkBytes, ""} {
		f.Add(bytesOf(f, text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := parseDevice(raw)
		if err == nil {
			_ = lockName(d.lock) + modeName(d.mode) + typeName(d.kind) + lockErrorName(d.lockError)
			if q, ok := d.quality(); !ok && q != (clock.QualityLevel{}) {
				t.Errorf("a quality that is not known: %+v", q)
			}
		}
		name, id, ok, err := parseLink(raw)
		if ok && (name == "" || err != nil) {
			t.Errorf("pin %d of a network interface %q, %v", id, name, err)
		}
		p, err := parsePin(raw)
		if err == nil {
			for _, found := range describe([]device{d}, []pin{p}, map[uint32]string{id: name}) {
				if dpll := found.dpll(); dpll.Lock > clock.DPLLHoldover || dpll.Type > clock.DPLLEEC || dpll.Name == "" {
					t.Errorf("%+v", dpll)
				}
			}
		}
	})
}
