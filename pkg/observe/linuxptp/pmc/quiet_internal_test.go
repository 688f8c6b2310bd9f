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

package pmc

import (
	"testing"
	"time"

	"golang.org/x/net/bpf"
)

// sample is the datagram of a push of TIME_STATUS_NP.
func sample(t *testing.T, sequence uint16, offset, ingress int64) []byte {
	t.Helper()
	data, err := (&TimeStatusNP{MasterOffset: offset, IngressTime: ingress}).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return push(t, sequence, IDTimeStatusNP, data)
}

func push(t *testing.T, sequence uint16, id ID, data []byte) []byte {
	t.Helper()
	m := Message{Sequence: sequence, StartingBoundaryHops: 1, BoundaryHops: 1, Action: ActionResponse, ID: id, Data: data}
	b, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestQuietHoldsBackWhatIsNoNews(t *testing.T) {
	const ingress = 1795178121259389046
	reply := sample(t, 1, 0, ingress)
	reply[offHops], reply[offHops+1] = 0, 0
	port, err := (&PortDataSet{}).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	// As long as a push of TIME_STATUS_NP, but another data set.
	other := push(t, 1, IDPortStatsNP, make([]byte, 50))

	program, err := Quiet{Within: 100, Every: 4}.program()
	if err != nil {
		t.Fatal(err)
	}
	decoded, all := bpf.Disassemble(program)
	if !all {
		t.Fatal("the filter cannot be read back")
	}
	vm, err := bpf.NewVM(decoded)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		datagram []byte
		pass     bool
	}{
		{"offset 0", sample(t, 1, 0, ingress), false},
		{"the largest offset that is no news", sample(t, 1, 100, ingress), false},
		{"one more", sample(t, 1, 101, ingress), true},
		{"the smallest offset that is no news", sample(t, 2, -100, ingress), false},
		{"one less", sample(t, 2, -101, ingress), true},
		{"-1", sample(t, 3, -1, ingress), false},
		{"37 s", sample(t, 1, 37e9, ingress), true},
		{"-37 s", sample(t, 1, -37e9, ingress), true},
		{"2^32 ns, whose low half is 0", sample(t, 1, 1<<32, ingress), true},
		{"-2^32 ns", sample(t, 1, -1<<32, ingress), true},
		{"sign of life", sample(t, 8, 0, ingress), true},
		{"sign of life, the first", sample(t, 0, 0, ingress), true},
		{"the sample that steps the clock", sample(t, 1, 0, 0), true},
		{"ingress time whose high half is 0", sample(t, 1, 0, 5), false},
		{"a reply", reply, true},
		{"a port's state", push(t, 1, IDPortDataSet, port), true},
		{"another data set of the same length", other, true},
		{"cut short", sample(t, 1, 0, ingress)[:60], true},
		{"nothing", []byte{}, true},
	} {
		n, err := vm.Run(tt.datagram)
		if err != nil {
			t.Fatal(err)
		}
		if pass := n > 0; pass != tt.pass {
			t.Errorf("%s: passes %v, want %v", tt.name, pass, tt.pass)
		}
	}
}

func TestSkipped(t *testing.T) {
	for _, tt := range []struct {
		name              string
		next, came, every uint16
		missing           int
		quiet             bool
	}{
		{"the next", 5, 5, 1, 0, true},
		{"one lost", 5, 6, 1, 1, false},
		{"held back up to the sign of life", 5, 8, 4, 3, true},
		{"held back before news", 5, 7, 4, 2, true},
		{"the sign of life itself is missing", 5, 9, 4, 4, false},
		{"two signs of life are missing", 5, 16, 4, 11, false},
		{"the sign of life is next", 8, 8, 4, 0, true},
		{"the sign of life was next", 8, 9, 4, 1, false},
		{"around the end of the counter", 65533, 0, 4, 3, true},
		{"around the end, with a loss", 65533, 1, 4, 4, false},
		{"a new subscription", 100, 0, 4, 65436, false},
	} {
		if missing, quiet := skipped(tt.next, tt.came, tt.every); missing != tt.missing || quiet != tt.quiet {
			t.Errorf("%s: %d %v, want %d %v", tt.name, missing, quiet, tt.missing, tt.quiet)
		}
	}
}

func TestQuietIsRefused(t *testing.T) {
	for _, q := range []Quiet{{Within: 100, Every: 3}, {Within: 0, Every: 2}, {Within: -1, Every: 2}, {Within: 3 * time.Second, Every: 2}} {
		if q.validate() == nil {
			t.Errorf("%+v is accepted", q)
		}
	}
	if err := (Quiet{}).validate(); err != nil {
		t.Error(err)
	}
}
