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
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// samples holds one of each data set, no field of which is zero.
var samples = []pmc.DataSet{
	&pmc.ClockDescription{
		ClockType:             0x8000,
		PhysicalLayerProtocol: []byte("IEEE 802.3"),
		PhysicalAddress:       []byte{0x42, 0x16, 0x0d, 0x62, 0x7a, 0xe7},
		ProtocolAddress:       pmc.PortAddress{NetworkProtocol: pmc.ProtocolUDPIPv4, Address: []byte{10, 77, 0, 1}},
		ManufacturerIdentity:  [3]byte{1, 2, 3},
		ProductDescription:    []byte(";;"),
		RevisionData:          []byte("a;b;c"),
		UserDescription:       []byte("rack 7"),
		ProfileIdentity:       [6]byte{0, 0x1b, 0x19, 0, 1, 0},
	},
	&pmc.DefaultDataSet{
		TwoStep: true, SlaveOnly: true, NumberPorts: 3, Priority1: 4,
		ClockQuality: pmc.ClockQuality{Class: 6, Accuracy: 0x21, OffsetScaledLogVariance: 0x4e5d},
		Priority2:    5, ClockIdentity: goldenClock, DomainNumber: 24,
	},
	&pmc.CurrentDataSet{StepsRemoved: 2, OffsetFromMaster: -3, MeanPathDelay: 4},
	&pmc.ParentDataSet{
		ParentPort: goldenClient, ParentStats: true,
		ObservedParentOffsetScaledLogVariance: 6, ObservedParentClockPhaseChangeRate: -7, GrandmasterPriority1: 8,
		GrandmasterClockQuality: pmc.ClockQuality{Class: 9, Accuracy: 10, OffsetScaledLogVariance: 11},
		GrandmasterPriority2:    12, GrandmasterIdentity: goldenGM,
	},
	&pmc.TimePropertiesDataSet{CurrentUTCOffset: -37, Flags: pmc.TimeTraceable | pmc.SyncUncertain, TimeSource: 0x20},
	&pmc.PortDataSet{
		PortIdentity: goldenClient, PortState: pmc.PortUncalibrated, LogMinDelayReqInterval: -1, PeerMeanPathDelay: 5,
		LogAnnounceInterval: -2, AnnounceReceiptTimeout: 6, LogSyncInterval: -4, DelayMechanism: 2,
		LogMinPdelayReqInterval: -5, VersionNumber: 2,
	},
	&pmc.Priority1{Priority: 100},
	&pmc.Priority2{Priority: 101},
	&pmc.TimeStatusNP{
		MasterOffset: -1, IngressTime: 2, CumulativeScaledRateOffset: -3, ScaledLastGMPhaseChange: -4, GMTimeBaseIndicator: 5,
		LastGMPhaseChange: pmc.ScaledNs{NanosecondsMSB: 6, NanosecondsLSB: 7, FractionalNanoseconds: 8},
		GMPresent:         true, GMIdentity: goldenGM,
	},
	&pmc.GrandmasterSettingsNP{
		ClockQuality: pmc.ClockQuality{Class: 7, Accuracy: 0x27, OffsetScaledLogVariance: 1},
		UTCOffset:    37, TimeFlags: pmc.Leap61 | pmc.UTCOffsetValid, TimeSource: 0x60,
	},
	&pmc.PortDataSetNP{NeighborPropDelayThresh: 20000000, AsCapable: true},
	&pmc.SubscribeEventsNP{Duration: 8, Events: pmc.Events(pmc.NotifyCMLDS, 255)},
	&pmc.PortPropertiesNP{PortIdentity: goldenClient, PortState: pmc.PortMaster, Timestamping: pmc.TimestampingOneStep, Interface: []byte("eth0")},
	&pmc.PortStatsNP{PortIdentity: goldenClient, Rx: [16]uint64{0: 1, 15: 2}, Tx: [16]uint64{0: 3, 15: math.MaxUint64}},
	&pmc.SynchronizationUncertainNP{Value: pmc.SyncUncertainDontCare},
	&pmc.PortServiceStatsNP{
		PortIdentity: goldenClient, AnnounceTimeout: 1, SyncTimeout: 2, DelayTimeout: 3, UnicastServiceTimeout: 4,
		UnicastRequestTimeout: 5, MasterAnnounceTimeout: 6, MasterSyncTimeout: 7, QualificationTimeout: 8, SyncMismatch: 9, FollowupMismatch: 10,
	},
	&pmc.UnicastMasterTableNP{Masters: []pmc.UnicastMaster{
		{
			PortIdentity: goldenClient, ClockQuality: pmc.ClockQuality{Class: 6, Accuracy: 0x21, OffsetScaledLogVariance: 1},
			Selected: true, State: pmc.UnicastHaveSyDy, Priority1: 2, Priority2: 3,
			Address: pmc.PortAddress{NetworkProtocol: pmc.ProtocolUDPIPv4, Address: []byte{10, 77, 0, 1}},
		},
		{State: pmc.UnicastHaveAnn, Address: pmc.PortAddress{NetworkProtocol: pmc.ProtocolIEEE8023, Address: []byte{1, 2, 3, 4, 5}}},
	}},
	&pmc.PortHWClockNP{PortIdentity: goldenClient, PHCIndex: -1, VClock: true},
	&pmc.PowerProfileSettingsNP{Version: 2, GrandmasterID: 3, GrandmasterTimeInaccuracy: 4, NetworkTimeInaccuracy: 5, TotalTimeInaccuracy: 6},
	&pmc.CMLDSInfoNP{MeanLinkDelay: 1, ScaledNeighborRateRatio: -2, AsCapable: true},
	&pmc.PortCorrectionsNP{EgressLatency: 1, IngressLatency: -2, DelayAsymmetry: 3},
	&pmc.ExternalGrandmasterPropertiesNP{GMIdentity: goldenGM, StepsRemoved: 7},
}

func TestDataSetsSurviveTheWire(t *testing.T) {
	for _, ds := range samples {
		t.Run(ds.ID().String(), func(t *testing.T) {
			data, err := ds.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(data)%2 != 0 {
				t.Errorf("%d bytes of data, want an even number", len(data))
			}
			got, ok := pmc.New(ds.ID())
			if !ok || got.ID() != ds.ID() {
				t.Fatalf("New gives %T, %v", got, ok)
			}
			if err := got.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ds, got); diff != "" {
				t.Errorf("(-written +read):\n%s", diff)
			}
			for n := range len(data) {
				if err := got.UnmarshalBinary(data[:n:n]); err == nil {
					t.Errorf("%d of %d bytes were accepted", n, len(data))
				} else if !strings.HasPrefix(err.Error(), ds.ID().String()+": ") {
					t.Errorf("error %q does not name the data set", err)
				}
			}
			if err := got.UnmarshalBinary(append(data, 0, 0)); err == nil {
				t.Error("trailing bytes were accepted")
			}
			checkStable(t, ds)
		})
	}
}

// checkStable shows that a data set is written, read and written again as the same,
// also over the remains of another.
func checkStable(t *testing.T, ds pmc.DataSet) {
	t.Helper()
	first, err := ds.AppendBinary(nil)
	if err != nil {
		t.Fatalf("%+v cannot be written: %v", ds, err)
	}
	for _, old := range samples {
		if old.ID() != ds.ID() {
			continue
		}
		again, _ := pmc.New(ds.ID())
		remains, err := old.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(remains); err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(first); err != nil {
			t.Fatalf("%+v was written as %x and cannot be read: %v", ds, first, err)
		}
		if diff := cmp.Diff(ds, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-written +read):\n%s", diff)
		}
		second, err := again.AppendBinary(nil)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("written as %x, then as %x, %v", first, second, err)
		}
	}
}

func TestNewKnowsNoOther(t *testing.T) {
	if ds, ok := pmc.New(0x200D); ok || ds != nil {
		t.Errorf("New(0x200D) = %v, %v", ds, ok)
	}
}

func TestLayouts(t *testing.T) {
	for _, tt := range []struct {
		name string
		data string
		want pmc.DataSet
	}{
		{
			name: "a clock description with padding",
			data: "8000" + "0a494545452038 30322e33" + "0006 42160d627ae7" + "0001 0004 0a4d0001" + "000000 00" + "023b3b" + "00" + "01 61" + "001b19000100" + "00",
			want: &pmc.ClockDescription{
				ClockType:             0x8000,
				PhysicalLayerProtocol: []byte("IEEE 802.3"),
				PhysicalAddress:       []byte{0x42, 0x16, 0x0d, 0x62, 0x7a, 0xe7},
				ProtocolAddress:       pmc.PortAddress{NetworkProtocol: pmc.ProtocolUDPIPv4, Address: []byte{10, 77, 0, 1}},
				ProductDescription:    []byte(";;"),
				UserDescription:       []byte("a"),
				ProfileIdentity:       [6]byte{0, 0x1b, 0x19, 0, 1, 0},
			},
		},
		{
			name: "an empty unicast master table",
			data: "0000",
			want: &pmc.UnicastMasterTableNP{},
		},
		{
			name: "a unicast master",
			data: "0001" + "42160dfffe627ae70001" + "06214e5d" + "01 03 80 81" + "0001 0004 0a4d0001",
			want: &pmc.UnicastMasterTableNP{Masters: []pmc.UnicastMaster{{
				PortIdentity: pmc.PortIdentity{Clock: goldenGM, Port: 1},
				ClockQuality: pmc.ClockQuality{Class: 6, Accuracy: 0x21, OffsetScaledLogVariance: 0x4e5d},
				Selected:     true, State: pmc.UnicastHaveSyDy, Priority1: 0x80, Priority2: 0x81,
				Address: pmc.PortAddress{NetworkProtocol: pmc.ProtocolUDPIPv4, Address: []byte{10, 77, 0, 1}},
			}}},
		},
		{
			name: "the settings of the power profile",
			data: "0002 0003 00000004 00000005 00000006",
			want: &pmc.PowerProfileSettingsNP{Version: 2, GrandmasterID: 3, GrandmasterTimeInaccuracy: 4, NetworkTimeInaccuracy: 5, TotalTimeInaccuracy: 6},
		},
		{
			name: "an interface name with padding",
			data: "42160dfffe627ae70001 06 01 04 65746830 00",
			want: &pmc.PortPropertiesNP{
				PortIdentity: pmc.PortIdentity{Clock: goldenGM, Port: 1},
				PortState:    pmc.PortMaster, Timestamping: pmc.TimestampingHardware, Interface: []byte("eth0"),
			},
		},
		{
			name: "asCapable in any of its bytes",
			data: "00000001 01000000",
			want: &pmc.PortDataSetNP{NeighborPropDelayThresh: 1, AsCapable: true},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, err := hex.DecodeString(strings.ReplaceAll(tt.data, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := pmc.New(tt.want.ID())
			if err := got.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLengthErrorsNameBothLengths(t *testing.T) {
	err := new(pmc.SubscribeEventsNP).UnmarshalBinary(nil) // as the read-only socket answers
	if err == nil || err.Error() != "SUBSCRIBE_EVENTS_NP: 0 bytes of data, want 66" {
		t.Errorf("error %v", err)
	}
	err = new(pmc.UnicastMasterTableNP).UnmarshalBinary([]byte{0xff, 0xff, 0, 0})
	if err == nil || err.Error() != "UNICAST_MASTER_TABLE_NP: 4 bytes of data are too few for the lengths they claim" {
		t.Errorf("error %v", err)
	}
}

func TestTablesReuseTheirMemory(t *testing.T) {
	for _, ds := range samples {
		if ds.ID() != pmc.IDUnicastMasterTableNP && ds.ID() != pmc.IDClockDescription {
			continue
		}
		data, err := ds.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := pmc.New(ds.ID())
		allocs := testing.AllocsPerRun(10, func() { // one run comes before those that count
			if err := got.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%v: %v allocations on reading again", ds.ID(), allocs)
		}
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	for name, ds := range map[string]pmc.DataSet{
		"interface name":         &pmc.PortPropertiesNP{Interface: make([]byte, 256)},
		"physical layer":         &pmc.ClockDescription{PhysicalLayerProtocol: make([]byte, 256)},
		"physical address":       &pmc.ClockDescription{PhysicalAddress: make([]byte, 65536)},
		"protocol address":       &pmc.ClockDescription{ProtocolAddress: pmc.PortAddress{Address: make([]byte, 65536)}},
		"user description":       &pmc.ClockDescription{UserDescription: make([]byte, 256)},
		"number of masters":      &pmc.UnicastMasterTableNP{Masters: make([]pmc.UnicastMaster, 65536)},
		"address of a master":    &pmc.UnicastMasterTableNP{Masters: []pmc.UnicastMaster{{Address: pmc.PortAddress{Address: make([]byte, 65536)}}}},
		"description of product": &pmc.ClockDescription{ProductDescription: make([]byte, 256)},
	} {
		if _, err := ds.AppendBinary(nil); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

func TestTimeInterval(t *testing.T) {
	for _, tt := range []struct {
		in   pmc.TimeInterval
		ns   float64
		want time.Duration
	}{
		{in: 2874 << 16, ns: 2874, want: 2874},
		{in: -961 << 16, ns: -961, want: -961},
		{in: 1 << 15, ns: 0.5, want: 1},
		{in: -(1<<16 + 1<<14), ns: -1.25, want: -1},
	} {
		if got := tt.in.Nanoseconds(); got != tt.ns {
			t.Errorf("%d: %v ns, want %v", tt.in, got, tt.ns)
		}
		if got := tt.in.Duration(); got != tt.want {
			t.Errorf("%d: %d ns, want %d", tt.in, got, tt.want)
		}
	}
}

func TestTimeFlags(t *testing.T) {
	f := pmc.TimeFlags(0b0001_1100)
	if !f.Has(pmc.UTCOffsetValid|pmc.PTPTimescale|pmc.TimeTraceable) || f.Has(pmc.Leap61) || f.Has(pmc.TimeTraceable|pmc.FrequencyTraceable) {
		t.Errorf("%08b is misread", f)
	}
}

func TestEventMask(t *testing.T) {
	m := pmc.Events(pmc.NotifyPortState, pmc.NotifyParentDataSet, 9)
	if m[0] != 0b101 || m[1] != 0b10 {
		t.Errorf("mask %08b %08b", m[0], m[1])
	}
	for e, want := range map[pmc.Event]bool{pmc.NotifyPortState: true, pmc.NotifyTimeSync: false, pmc.NotifyParentDataSet: true, 9: true, 255: false} {
		if got := m.Has(e); got != want {
			t.Errorf("Has(%d) = %v", e, got)
		}
	}
}
