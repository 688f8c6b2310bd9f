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

import "encoding/binary"

// PortStatsNP is PORT_STATS_NP: how many messages a port received and sent, from
// linuxptp 3.0. The index is the messageType: 0 Sync, 1 Delay_Req, 2 Pdelay_Req,
// 3 Pdelay_Resp, 8 Follow_Up, 9 Delay_Resp, 10 Pdelay_Resp_Follow_Up, 11 Announce,
// 12 Signaling, 13 Management (IEEE 1588-2019, table 36).
type PortStatsNP struct {
	PortIdentity PortIdentity
	Rx, Tx       [16]uint64
}

// ID returns IDPortStatsNP.
func (*PortStatsNP) ID() ID { return IDPortStatsNP }

// UnmarshalBinary implements [DataSet]. The counters are in the byte order of the host
// that runs ptp4l, which is this one.
func (d *PortStatsNP) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDPortStatsNP, data, portIdentitySize+2*len(d.Rx)*8); err != nil {
		return err
	}
	d.PortIdentity = parsePortIdentity(data)
	data = parseCounters(d.Rx[:], data[portIdentitySize:])
	parseCounters(d.Tx[:], data)
	return nil
}

// AppendBinary implements [DataSet].
func (d *PortStatsNP) AppendBinary(b []byte) ([]byte, error) {
	b = d.PortIdentity.append(b)
	b = appendCounters(b, d.Rx[:])
	return appendCounters(b, d.Tx[:]), nil
}

// PortServiceStatsNP is PORT_SERVICE_STATS_NP: how often what a port waits for did not
// come, from linuxptp 4.0.
type PortServiceStatsNP struct {
	PortIdentity          PortIdentity
	AnnounceTimeout       uint64
	SyncTimeout           uint64
	DelayTimeout          uint64
	UnicastServiceTimeout uint64
	UnicastRequestTimeout uint64
	MasterAnnounceTimeout uint64 // times to send an Announce
	MasterSyncTimeout     uint64 // times to send a Sync
	QualificationTimeout  uint64
	SyncMismatch          uint64 // Sync without its Follow_Up
	FollowupMismatch      uint64 // Follow_Up without its Sync
}

// ID returns IDPortServiceStatsNP.
func (*PortServiceStatsNP) ID() ID { return IDPortServiceStatsNP }

// UnmarshalBinary implements [DataSet]. The counters are in the byte order of the host
// that runs ptp4l, which is this one.
func (d *PortServiceStatsNP) UnmarshalBinary(data []byte) error {
	var c [10]uint64
	if err := checkLength(IDPortServiceStatsNP, data, portIdentitySize+len(c)*8); err != nil {
		return err
	}
	parseCounters(c[:], data[portIdentitySize:])
	*d = PortServiceStatsNP{parsePortIdentity(data), c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9]}
	return nil
}

// AppendBinary implements [DataSet].
func (d *PortServiceStatsNP) AppendBinary(b []byte) ([]byte, error) {
	return appendCounters(d.PortIdentity.append(b), []uint64{
		d.AnnounceTimeout, d.SyncTimeout, d.DelayTimeout, d.UnicastServiceTimeout, d.UnicastRequestTimeout,
		d.MasterAnnounceTimeout, d.MasterSyncTimeout, d.QualificationTimeout, d.SyncMismatch, d.FollowupMismatch,
	}), nil
}

// parseCounters fills counters from b and returns the rest.
func parseCounters(counters []uint64, b []byte) []byte {
	for i := range counters {
		counters[i] = binary.NativeEndian.Uint64(b[8*i:])
	}
	return b[8*len(counters):]
}

func appendCounters(b []byte, counters []uint64) []byte {
	for _, c := range counters {
		b = binary.NativeEndian.AppendUint64(b, c)
	}
	return b
}
