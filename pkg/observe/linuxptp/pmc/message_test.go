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

package pmc_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

func TestParseRefuses(t *testing.T) {
	const (
		get     = "0d02003600000000000000000000000000000000cafe0000000000010001000a047fffffffffffffffffffff00000000000100022000"
		refusal = "0d12003c00000000000000000000000000000000767f31fffe399e9500010013007fcafe000000000001000100000200000200080002c00d00000000"
	)
	for _, tt := range []struct {
		name  string
		frame string
		at    int // where the bytes are replaced
		by    string
		want  string
	}{
		{name: "another message type", frame: get, at: 0, by: "0b", want: "messageType 11, want 13"},
		{name: "another version", frame: get, at: 1, by: "01", want: "versionPTP 1, want 2"},
		{name: "a message longer than the datagram", frame: get, at: 2, by: "0037", want: "messageLength 55 in a datagram of 54 bytes"},
		{name: "bytes after the message", frame: get, at: 2, by: "0035", want: "messageLength 53 in a datagram of 54 bytes"},
		{name: "an unknown action", frame: get, at: 46, by: "05", want: "unknown actionField 5"},
		{name: "an unknown TLV", frame: get, at: 48, by: "0003", want: "TLV of type 0x0003"},
		{name: "a TLV longer than the message", frame: get, at: 50, by: "0004", want: "TLV of length 4 where 2 bytes follow"},
		{name: "a TLV of odd length", frame: get + "00", at: 2, by: "0037", want: "TLV of length 2 where 3 bytes follow"},
		{name: "bytes after the TLV", frame: get, at: 50, by: "0000", want: "TLV of length 0 where 2 bytes follow"},
		{name: "an error status without an error", frame: refusal, at: 52, by: "0000", want: "error status without an error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			frame := unhex(t, tt.frame)
			copy(frame[tt.at:], unhex(t, tt.by))
			m, err := pmc.Parse(frame)
			if err == nil {
				t.Fatalf("accepted as %+v", m)
			}
			if got := err.Error(); got != "management message: "+tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParseRefusesOddTLV(t *testing.T) {
	frame := unhex(t, "0d02003700000000000000000000000000000000cafe0000000000010001000a047fffffffffffffffffffff0000000000010003200000")
	if _, err := pmc.Parse(frame); err == nil || !strings.Contains(err.Error(), "TLV of odd length 3") {
		t.Errorf("error %v", err)
	}
}

func TestParseRefusesShortErrorStatus(t *testing.T) {
	frame := unhex(t, "0d12003a00000000000000000000000000000000767f31fffe399e9500010013007fcafe000000000001000100000200000200060002c00d0000")
	if _, err := pmc.Parse(frame); err == nil || !strings.Contains(err.Error(), "error status of length 6, want at least 8") {
		t.Errorf("error %v", err)
	}
}

func TestAppendBinaryRefuses(t *testing.T) {
	for name, m := range map[string]pmc.Message{
		"a wide transportSpecific": {TransportSpecific: 16},
		"a wide minor version":     {MinorVersion: 16},
		"an unknown action":        {Action: 5},
		"too much data":            {Data: make([]byte, math.MaxUint16-53)},
	} {
		if b, err := m.AppendBinary([]byte("kept")); err == nil || string(b) != "kept" {
			t.Errorf("%s gave %d bytes and %v", name, len(b), err)
		}
	}
}

func TestDataIsPaddedToEvenLength(t *testing.T) {
	m := pmc.Message{ID: pmc.IDPriority1, Data: []byte{1, 2, 3}}
	frame, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pmc.Parse(frame)
	if err != nil {
		t.Fatal(err)
	}
	if want := []byte{1, 2, 3, 0}; !bytes.Equal(got.Data, want) {
		t.Errorf("data %x, want %x", got.Data, want)
	}
}

func TestGPTPFramesCarryTheirNibble(t *testing.T) {
	m := pmc.Message{TransportSpecific: 1, Domain: 20, ID: pmc.IDDefaultDataSet}
	frame, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if frame[0] != 0x1d {
		t.Errorf("first byte %#x, want 0x1d", frame[0])
	}
	got, err := pmc.Parse(frame)
	if err != nil {
		t.Fatal(err)
	}
	if got.TransportSpecific != 1 || got.Domain != 20 {
		t.Errorf("read transportSpecific %d, domain %d", got.TransportSpecific, got.Domain)
	}
}

func TestDisplayDataOfARefusalIsKept(t *testing.T) {
	m := pmc.Message{Action: pmc.ActionResponse, ID: pmc.IDPriority1, Status: pmc.ErrorGeneral, Data: []byte{3, 'o', 'h', '!'}}
	frame, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pmc.Parse(frame)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != pmc.ErrorGeneral || got.ID != pmc.IDPriority1 || string(got.Data) != "\x03oh!" {
		t.Errorf("read %+v", got)
	}
}

func TestOnlyPushesArePushes(t *testing.T) {
	for _, g := range golden {
		m := g.message
		if got, want := m.IsPush(), g.name == "push of a sample"; got != want {
			t.Errorf("%s: IsPush %v", g.name, got)
		}
	}
}

func TestDecodingDoesNotAllocate(t *testing.T) {
	var (
		timeStatus pmc.TimeStatusNP
		port       pmc.PortDataSet
		parent     pmc.ParentDataSet
		properties = pmc.PortPropertiesNP{Interface: make([]byte, 16)}
	)
	for id, ds := range map[pmc.ID]pmc.DataSet{
		pmc.IDTimeStatusNP:     &timeStatus,
		pmc.IDPortDataSet:      &port,
		pmc.IDParentDataSet:    &parent,
		pmc.IDPortPropertiesNP: &properties,
	} {
		frame := goldenFrame(t, id)
		allocs := testing.AllocsPerRun(100, func() {
			m, err := pmc.Parse(frame)
			if err != nil {
				t.Fatal(err)
			}
			if err := ds.UnmarshalBinary(m.Data); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%v: %v allocations", id, allocs)
		}
	}
}

func goldenFrame(t testing.TB, id pmc.ID) []byte {
	t.Helper()
	for _, g := range golden {
		if g.message.ID == id {
			return unhex(t, g.frame)
		}
	}
	t.Fatalf("no golden frame for %v", id)
	return nil
}

// FuzzParse shows that no datagram makes the decoder panic or allocate beyond its
// size, and that what was read once is written and read as the same.
func FuzzParse(f *testing.F) {
	for _, g := range golden {
		f.Add(unhex(f, g.frame))
	}
	for _, ds := range samples {
		data, err := ds.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		m := response(pmc.Message{ID: ds.ID(), Data: data})
		frame, err := m.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	promises := pmc.Message{ID: pmc.IDUnicastMasterTableNP, Data: []byte{0xff, 0xff, 0, 0, 0, 0}} // 65535 rows in 60 bytes
	frame, err := promises.AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame)

	f.Fuzz(func(t *testing.T, datagram []byte) {
		m, err := pmc.Parse(datagram)
		if err != nil {
			return
		}
		frame, err := m.AppendBinary(nil)
		if err != nil {
			t.Fatalf("%+v was read and cannot be written: %v", m, err)
		}
		if again, err := pmc.Parse(frame); err != nil || !equal(m, again) {
			t.Fatalf("%+v was written as %x and read as %+v, %v", m, frame, again, err)
		}
		ds, ok := pmc.New(m.ID)
		if !ok || m.Status != pmc.NoError || ds.UnmarshalBinary(m.Data) != nil {
			return
		}
		if table, ok := ds.(*pmc.UnicastMasterTableNP); ok && len(table.Masters) > len(m.Data)/22 {
			t.Fatalf("%d rows in %d bytes", len(table.Masters), len(m.Data))
		}
		checkStable(t, ds)
	})
}

func equal(a, b pmc.Message) bool {
	dataA, dataB := a.Data, b.Data
	a.Data, b.Data = nil, nil
	return bytes.Equal(dataA, dataB) && a.ID == b.ID && a.Sequence == b.Sequence && a.Source == b.Source &&
		a.Target == b.Target && a.Action == b.Action && a.Status == b.Status && a.Domain == b.Domain
}

func BenchmarkParseTimeStatus(b *testing.B) {
	benchmarkParse(b, goldenFrame(b, pmc.IDTimeStatusNP), new(pmc.TimeStatusNP))
}

func BenchmarkParsePortDataSet(b *testing.B) {
	benchmarkParse(b, goldenFrame(b, pmc.IDPortDataSet), new(pmc.PortDataSet))
}

func BenchmarkParseParentDataSet(b *testing.B) {
	benchmarkParse(b, goldenFrame(b, pmc.IDParentDataSet), new(pmc.ParentDataSet))
}

func benchmarkParse(b *testing.B, frame []byte, ds pmc.DataSet) {
	b.ReportAllocs()
	for b.Loop() {
		m, err := pmc.Parse(frame)
		if err != nil {
			b.Fatal(err)
		}
		if err := ds.UnmarshalBinary(m.Data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendRequest(b *testing.B) {
	m := request(pmc.Message{Sequence: 10, ID: pmc.IDDefaultDataSet})
	buf := make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.AppendBinary(buf); err != nil {
			b.Fatal(err)
		}
	}
}
