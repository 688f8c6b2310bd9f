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
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

var (
	goldenClock  = pmc.ClockIdentity{0x76, 0x7f, 0x31, 0xff, 0xfe, 0x39, 0x9e, 0x95}
	goldenGM     = pmc.ClockIdentity{0x42, 0x16, 0x0d, 0xff, 0xfe, 0x62, 0x7a, 0xe7}
	goldenClient = pmc.PortIdentity{Clock: pmc.ClockIdentity{0xca, 0xfe, 7: 1}, Port: 1}
)

// request, response and push complete the header that the golden frames share.
func request(m pmc.Message) pmc.Message {
	m.Source, m.Target = goldenClient, pmc.Anyone()
	return m
}

func response(m pmc.Message) pmc.Message {
	m.MinorVersion, m.Source.Clock, m.Target, m.Action = 1, goldenClock, goldenClient, pmc.ActionResponse
	return m
}

func push(m pmc.Message) pmc.Message {
	m = response(m)
	m.StartingBoundaryHops, m.BoundaryHops = 1, 1
	return m
}

// golden holds frames that were exchanged with ptp4l 4.2.
var golden = []struct {
	name    string
	frame   string // hexadecimal
	message pmc.Message
	data    pmc.DataSet // what Data decodes to; nil where there is none
}{
	{
		name: "request to subscribe",
		frame: "0d02007800000000000000000000000000000000cafe00000000000100010009047fffffffffffffffffffff0000010000010044c003001e07" +
			strings.Repeat("00", 63),
		message: request(pmc.Message{Sequence: 9, Action: pmc.ActionSet, ID: pmc.IDSubscribeEventsNP}),
		data: &pmc.SubscribeEventsNP{
			Duration: 30,
			Events:   pmc.Events(pmc.NotifyPortState, pmc.NotifyTimeSync, pmc.NotifyParentDataSet),
		},
	},
	{
		name:    "request to read",
		frame:   "0d02003600000000000000000000000000000000cafe0000000000010001000a047fffffffffffffffffffff00000000000100022000",
		message: request(pmc.Message{Sequence: 10, ID: pmc.IDDefaultDataSet}),
	},
	{
		name:    "default data set",
		frame:   "0d12004a00000000000000000000000000000000767f31fffe399e950000000a007fcafe0000000000010001000002000001001620000300000180fffeffff80767f31fffe399e950000",
		message: response(pmc.Message{Sequence: 10, ID: pmc.IDDefaultDataSet}),
		data: &pmc.DefaultDataSet{
			TwoStep:       true,
			SlaveOnly:     true,
			NumberPorts:   1,
			Priority1:     128,
			ClockQuality:  pmc.ClockQuality{Class: 255, Accuracy: 0xfe, OffsetScaledLogVariance: 0xffff},
			Priority2:     128,
			ClockIdentity: goldenClock,
		},
	},
	{
		name:    "current data set",
		frame:   "0d12004800000000000000000000000000000000767f31fffe399e950000000b007fcafe0000000000010001000002000001001420010001fffffffffc3f0000000000000b3a0000",
		message: response(pmc.Message{Sequence: 11, ID: pmc.IDCurrentDataSet}),
		data:    &pmc.CurrentDataSet{StepsRemoved: 1, OffsetFromMaster: -961 << 16, MeanPathDelay: 2874 << 16},
	},
	{
		name:    "parent data set",
		frame:   "0d12005600000000000000000000000000000000767f31fffe399e950000000c007fcafe00000000000100010000020000010022200242160dfffe627ae700010000ffff7fffffff6406214e5d8042160dfffe627ae7",
		message: response(pmc.Message{Sequence: 12, ID: pmc.IDParentDataSet}),
		data: &pmc.ParentDataSet{
			ParentPort:                            pmc.PortIdentity{Clock: goldenGM, Port: 1},
			ObservedParentOffsetScaledLogVariance: 0xffff,
			ObservedParentClockPhaseChangeRate:    0x7fffffff,
			GrandmasterPriority1:                  100,
			GrandmasterClockQuality:               pmc.ClockQuality{Class: 6, Accuracy: 0x21, OffsetScaledLogVariance: 0x4e5d},
			GrandmasterPriority2:                  128,
			GrandmasterIdentity:                   goldenGM,
		},
	},
	{
		name:    "time properties data set",
		frame:   "0d12003a00000000000000000000000000000000767f31fffe399e950000000d007fcafe000000000001000100000200000100062003002500a0",
		message: response(pmc.Message{Sequence: 13, ID: pmc.IDTimePropertiesDataSet}),
		data:    &pmc.TimePropertiesDataSet{CurrentUTCOffset: 37, TimeSource: 0xa0},
	},
	{
		name:    "port data set of a slave",
		frame:   "0d12005000000000000000000000000000000000767f31fffe399e950001000e007fcafe0000000000010001000002000001001c2004767f31fffe399e95000109fd00000000000000000003fd010002",
		message: response(pmc.Message{Sequence: 14, Source: pmc.PortIdentity{Port: 1}, ID: pmc.IDPortDataSet}),
		data: &pmc.PortDataSet{
			PortIdentity:           pmc.PortIdentity{Clock: goldenClock, Port: 1},
			PortState:              pmc.PortSlave,
			LogMinDelayReqInterval: -3,
			AnnounceReceiptTimeout: 3,
			LogSyncInterval:        -3,
			DelayMechanism:         1,
			VersionNumber:          2,
		},
	},
	{
		name:    "grandmaster settings",
		frame:   "0d12003e00000000000000000000000000000000767f31fffe399e9500000010007fcafe0000000000010001000002000001000ac001fffeffff002500a0",
		message: response(pmc.Message{Sequence: 16, ID: pmc.IDGrandmasterSettingsNP}),
		data: &pmc.GrandmasterSettingsNP{
			ClockQuality: pmc.ClockQuality{Class: 255, Accuracy: 0xfe, OffsetScaledLogVariance: 0xffff},
			UTCOffset:    37,
			TimeSource:   0xa0,
		},
	},
	{
		name:    "port properties",
		frame:   "0d12004600000000000000000000000000000000767f31fffe399e9500010011007fcafe00000000000100010000020000010012c004767f31fffe399e95000109000376736c",
		message: response(pmc.Message{Sequence: 17, Source: pmc.PortIdentity{Port: 1}, ID: pmc.IDPortPropertiesNP}),
		data: &pmc.PortPropertiesNP{
			PortIdentity: pmc.PortIdentity{Clock: goldenClock, Port: 1},
			PortState:    pmc.PortSlave,
			Timestamping: pmc.TimestampingSoftware,
			Interface:    []byte("vsl"),
		},
	},
	{
		name:    "port without a hardware clock",
		frame:   "0d12004600000000000000000000000000000000767f31fffe399e9500010012007fcafe00000000000100010000020000010012c009767f31fffe399e950001ffffffff0000",
		message: response(pmc.Message{Sequence: 18, Source: pmc.PortIdentity{Port: 1}, ID: pmc.IDPortHWClockNP}),
		data:    &pmc.PortHWClockNP{PortIdentity: pmc.PortIdentity{Clock: goldenClock, Port: 1}, PHCIndex: -1},
	},
	{
		name:    "refusal",
		frame:   "0d12003c00000000000000000000000000000000767f31fffe399e9500010013007fcafe000000000001000100000200000200080002c00d00000000",
		message: response(pmc.Message{Sequence: 19, Source: pmc.PortIdentity{Port: 1}, ID: 0xc00d, Status: pmc.ErrorNoSuchID}),
	},
	{
		name:    "push of a sample",
		frame:   "0d12006800000000000000000000000000000000767f31fffe399e9500000001007fcafe00000000000100010101020000010034c000000000000000003718e9c0fd72381076000000000000000000000000000000000000000000000000000142160dfffe627ae7",
		message: push(pmc.Message{Sequence: 1, ID: pmc.IDTimeStatusNP}),
		data: &pmc.TimeStatusNP{
			MasterOffset: 55,
			IngressTime:  1795178121_259389046,
			GMPresent:    true,
			GMIdentity:   goldenGM,
		},
	},
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoldenFramesAreRead(t *testing.T) {
	for _, g := range golden {
		t.Run(g.name, func(t *testing.T) {
			m, err := pmc.Parse(unhex(t, g.frame))
			if err != nil {
				t.Fatal(err)
			}
			data := m.Data
			m.Data = nil
			if diff := cmp.Diff(g.message, m); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if g.data == nil {
				if len(data) != 0 {
					t.Errorf("data %x, want none", data)
				}
				return
			}
			ds, _ := pmc.New(m.ID)
			if err := ds.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(g.data, ds); diff != "" {
				t.Errorf("data set (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGoldenFramesAreWritten(t *testing.T) {
	for _, g := range golden {
		t.Run(g.name, func(t *testing.T) {
			m := g.message
			if g.data != nil {
				var err error
				if m.Data, err = g.data.AppendBinary(nil); err != nil {
					t.Fatal(err)
				}
			}
			frame, err := m.AppendBinary([]byte("kept"))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(frame), "kept"+string(unhex(t, g.frame)); got != want {
				t.Errorf("frame\n%x, want\n%x", got, want)
			}
		})
	}
}

func TestTruncatedFramesAreRefused(t *testing.T) {
	for _, g := range golden {
		frame := unhex(t, g.frame)
		for n := range len(frame) {
			if _, err := pmc.Parse(frame[:n:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes were accepted", g.name, n, len(frame))
			}
			// The same with lengths that agree, so that it is the data that is short.
			if n < 54 || g.data == nil {
				continue
			}
			ds, _ := pmc.New(g.message.ID)
			if err := ds.UnmarshalBinary(frame[54:n:n]); err == nil {
				t.Errorf("%s: the first %d bytes of data were accepted", g.name, n-54)
			}
		}
	}
}
