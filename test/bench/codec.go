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
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// head is the layout of a push up to its data, as encoding/binary takes it (IEEE
// 1588-2019, tables 35 and 56).
type head struct {
	Type, Version    uint8
	Length           uint16
	Domain, Sdo      uint8
	Flags            uint16
	Correction       int64
	Specific         uint32
	Source           [8]byte
	SourcePort       uint16
	Sequence         uint16
	Control          uint8
	Interval         int8
	Target           [8]byte
	TargetPort       uint16
	Starting, Hops   uint8
	Action, Reserved uint8
	TLV, TLVLength   uint16
	ID               uint16
}

// The layouts of three pushes.
type (
	timeStatus struct {
		Head                head
		Offset, Ingress     int64
		Rate, Change        int32
		Indicator           uint16
		PhaseMSB            uint16
		PhaseLSB            uint64
		Fraction            uint16
		Present             uint32
		GrandmasterIdentity [8]byte
	}
	parentDataSet struct {
		Head                head
		Parent              [8]byte
		ParentPort          uint16
		Stats, Reserved     uint8
		Variance            uint16
		Rate                int32
		Priority1           uint8
		Class, Accuracy     uint8
		ClassVariance       uint16
		Priority2           uint8
		GrandmasterIdentity [8]byte
	}
	portDataSet struct {
		Head          head
		Port          [8]byte
		PortNumber    uint16
		State         uint8
		DelayReq      int8
		PeerDelay     int64
		Announce      int8
		Timeout       uint8
		Sync          int8
		Mechanism     uint8
		PdelayReq     int8
		VersionNumber uint8
	}
)

// message is one that ptp4l pushes, with its layout for the comparison.
type message struct {
	data   pmc.DataSet
	layout any
}

func messages() []message {
	clock := pmc.ClockIdentity{0x76, 0x7f, 0x31, 0xff, 0xfe, 0x39, 0x9e, 0x95}
	grandmaster := pmc.ClockIdentity{0x42, 0x16, 0x0d, 0xff, 0xfe, 0x62, 0x7a, 0xe7}
	return []message{
		{&pmc.TimeStatusNP{MasterOffset: -12, IngressTime: 1790000000123456789, GMPresent: true, GMIdentity: grandmaster}, new(timeStatus)},
		{&pmc.ParentDataSet{
			ParentPort:              pmc.PortIdentity{Clock: grandmaster, Port: 1},
			GrandmasterPriority1:    128,
			GrandmasterClockQuality: pmc.ClockQuality{Class: 6, Accuracy: 0x21, OffsetScaledLogVariance: 0x4e5d},
			GrandmasterPriority2:    128,
			GrandmasterIdentity:     grandmaster,
		}, new(parentDataSet)},
		{&pmc.PortDataSet{
			PortIdentity: pmc.PortIdentity{Clock: clock, Port: 1}, PortState: pmc.PortSlave,
			LogSyncInterval: -3, LogMinDelayReqInterval: -3, AnnounceReceiptTimeout: 3, DelayMechanism: 1, VersionNumber: 2,
		}, new(portDataSet)},
	}
}

// append appends the push that carries the data set.
func (m *message) append(b []byte) ([]byte, error) {
	var data [64]byte
	body, err := m.data.AppendBinary(data[:0])
	if err != nil {
		return b, err
	}
	push := pmc.Message{
		MinorVersion: 1, Source: pmc.PortIdentity{Clock: pmc.ClockIdentity{0x76, 0x7f, 0x31, 0xff, 0xfe, 0x39, 0x9e, 0x95}},
		Target: pmc.PortIdentity{Clock: pmc.ClockIdentity{0xca, 0xfe}, Port: 1}, Sequence: 1, StartingBoundaryHops: 1, BoundaryHops: 1,
		Action: pmc.ActionResponse, ID: m.data.ID(), Data: body,
	}
	return push.AppendBinary(b)
}

// parse reads a push into the data set.
func (m *message) parse(frame []byte) error {
	push, err := pmc.Parse(frame)
	if err != nil {
		return err
	}
	return m.data.UnmarshalBinary(push.Data)
}

// codec compares the codec of package pmc with one that works by reflection.
func (b *bench) codec(ctx context.Context) (*table, error) {
	testing.Init() // without it Benchmark has no flags to read
	benchtime := "500ms"
	if b.rounds < 10 {
		benchtime = "50ms"
	}
	if err := flag.Set("test.benchtime", benchtime); err != nil {
		return nil, err
	}
	t := &table{
		conditions: "one whole push, header and data; " + benchtime + " or more each, in memory",
		header:     []string{"message", "", "package pmc", "encoding/binary", "ratio", "allocs", "allocs"},
		notes:      []string{"encoding/binary: Read and Write of a struct with the same layout, which checks nothing."},
	}
	for _, m := range messages() {
		frame, err := m.append(nil)
		if err != nil {
			return nil, err
		}
		if err := m.parse(frame); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		name := m.data.ID().String()
		var ours []byte
		var theirs bytes.Buffer
		if err := errors.Join(
			compare(t, name, "read", func() error { return m.parse(frame) }, func() error {
				return binary.Read(bytes.NewReader(frame), binary.BigEndian, m.layout)
			}),
			compare(t, "", "write", func() (err error) {
				ours, err = m.append(ours[:0])
				return err
			}, func() error {
				theirs.Reset()
				return binary.Write(&theirs, binary.BigEndian, m.layout)
			}),
		); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// compare adds a row with the cost of two functions that do the same.
func compare(t *table, name, what string, ours, theirs func() error) error {
	a, b := benchmark(ours), benchmark(theirs)
	if a.N == 0 || b.N == 0 {
		return fmt.Errorf("%s of %s failed", what, name)
	}
	t.add(name, what, fmt.Sprintf("%.1f ns", nanoseconds(a)), fmt.Sprintf("%.1f ns", nanoseconds(b)),
		ratio(nanoseconds(a), nanoseconds(b)), fmt.Sprint(a.AllocsPerOp()), fmt.Sprint(b.AllocsPerOp()))
	return nil
}

// nanoseconds returns the time of one run.
func nanoseconds(r testing.BenchmarkResult) float64 { return float64(r.T.Nanoseconds()) / float64(r.N) }

// benchmark returns how long a function takes, with no runs if it fails.
func benchmark(f func() error) testing.BenchmarkResult {
	return testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
