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
	"encoding/binary"
	"fmt"
)

// PortState is the state of a port's state machine (IEEE 1588-2019, table 20).
type PortState uint8

// The port states. linuxptp reports the port of a grandmaster as MASTER, too.
const (
	PortInitializing PortState = 1 + iota
	PortFaulty
	PortDisabled
	PortListening
	PortPreMaster
	PortMaster
	PortPassive
	PortUncalibrated // follows a master, but the servo has not locked
	PortSlave        // follows a master, and the servo has locked
)

// String returns the name of the state, such as "SLAVE".
func (s PortState) String() string {
	switch s {
	case PortInitializing:
		return "INITIALIZING"
	case PortFaulty:
		return "FAULTY"
	case PortDisabled:
		return "DISABLED"
	case PortListening:
		return "LISTENING"
	case PortPreMaster:
		return "PRE_MASTER"
	case PortMaster:
		return "MASTER"
	case PortPassive:
		return "PASSIVE"
	case PortUncalibrated:
		return "UNCALIBRATED"
	case PortSlave:
		return "SLAVE"
	}
	return fmt.Sprintf("portState %d", uint8(s))
}

// PortDataSet is PORT_DATA_SET: the state of a port and its intervals, which are
// logarithms of seconds to base 2 (IEEE 1588-2019, 8.2.15). It is also what
// [NotifyPortState] pushes.
type PortDataSet struct {
	PortIdentity            PortIdentity
	PortState               PortState
	LogMinDelayReqInterval  int8
	PeerMeanPathDelay       TimeInterval // one way; 0 unless the port measures peer to peer
	LogAnnounceInterval     int8
	AnnounceReceiptTimeout  uint8 // in announce intervals
	LogSyncInterval         int8
	DelayMechanism          uint8 // 1 end to end, 2 peer to peer, 0xFE none
	LogMinPdelayReqInterval int8
	VersionNumber           uint8
}

// ID returns IDPortDataSet.
func (*PortDataSet) ID() ID { return IDPortDataSet }

// UnmarshalBinary implements [DataSet].
func (d *PortDataSet) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDPortDataSet, data, 26); err != nil {
		return err
	}
	*d = PortDataSet{
		PortIdentity:            parsePortIdentity(data),
		PortState:               PortState(data[10]),
		LogMinDelayReqInterval:  int8(data[11]),
		PeerMeanPathDelay:       parseTimeInterval(data[12:]),
		LogAnnounceInterval:     int8(data[20]),
		AnnounceReceiptTimeout:  data[21],
		LogSyncInterval:         int8(data[22]),
		DelayMechanism:          data[23],
		LogMinPdelayReqInterval: int8(data[24]),
		VersionNumber:           data[25],
	}
	return nil
}

// AppendBinary implements [DataSet].
func (d *PortDataSet) AppendBinary(b []byte) ([]byte, error) {
	b = d.PortIdentity.append(b)
	b = append(b, byte(d.PortState), byte(d.LogMinDelayReqInterval))
	b = d.PeerMeanPathDelay.append(b)
	return append(b, byte(d.LogAnnounceInterval), d.AnnounceReceiptTimeout, byte(d.LogSyncInterval),
		d.DelayMechanism, byte(d.LogMinPdelayReqInterval), d.VersionNumber), nil
}

// PortDataSetNP is PORT_DATA_SET_NP: whether the port can carry 802.1AS.
type PortDataSetNP struct {
	NeighborPropDelayThresh uint32 // longest delay of a link in nanoseconds
	AsCapable               bool
}

// ID returns IDPortDataSetNP.
func (*PortDataSetNP) ID() ID { return IDPortDataSetNP }

// UnmarshalBinary implements [DataSet].
func (d *PortDataSetNP) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDPortDataSetNP, data, 8); err != nil {
		return err
	}
	*d = PortDataSetNP{binary.BigEndian.Uint32(data), parseBool(data[4:])}
	return nil
}

// AppendBinary implements [DataSet].
func (d *PortDataSetNP) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, d.NeighborPropDelayThresh)
	return appendBool(b, d.AsCapable), nil
}

// Timestamping says how a port takes the times of its messages (linuxptp, transport.h).
type Timestamping uint8

// The kinds of time stamps.
const (
	TimestampingSoftware Timestamping = iota
	TimestampingHardware
	TimestampingLegacyHardware
	TimestampingOneStep
	TimestampingP2POneStep
)

// PortPropertiesNP is PORT_PROPERTIES_NP: which network interface a port is. The
// read-only socket does not answer it.
type PortPropertiesNP struct {
	PortIdentity PortIdentity
	PortState    PortState
	Timestamping Timestamping
	Interface    []byte // name; UnmarshalBinary writes into it, so take a string to keep it
}

// ID returns IDPortPropertiesNP.
func (*PortPropertiesNP) ID() ID { return IDPortPropertiesNP }

// UnmarshalBinary implements [DataSet].
func (d *PortPropertiesNP) UnmarshalBinary(data []byte) error {
	s := scanner{rest: data}
	if id := s.take(portIdentitySize); id != nil {
		d.PortIdentity = parsePortIdentity(id)
	}
	d.PortState = PortState(s.uint8())
	d.Timestamping = Timestamping(s.uint8())
	d.Interface = scanText(&s, d.Interface)
	return s.end(IDPortPropertiesNP, data)
}

// AppendBinary implements [DataSet].
func (d *PortPropertiesNP) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = d.PortIdentity.append(b)
	b = append(b, byte(d.PortState), byte(d.Timestamping))
	b, err := appendText(b, d.Interface)
	return pad(b, start), err
}

// PortHWClockNP is PORT_HWCLOCK_NP: the hardware clock of a port, from linuxptp 4.0.
// The read-only socket does not answer it.
type PortHWClockNP struct {
	PortIdentity PortIdentity
	PHCIndex     int32 // the N of /dev/ptpN; -1 for none
	VClock       bool  // the clock is a virtual one on top of another
}

// ID returns IDPortHWClockNP.
func (*PortHWClockNP) ID() ID { return IDPortHWClockNP }

// UnmarshalBinary implements [DataSet].
func (d *PortHWClockNP) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDPortHWClockNP, data, 16); err != nil {
		return err
	}
	*d = PortHWClockNP{parsePortIdentity(data), int32(binary.BigEndian.Uint32(data[10:])), data[14]&1 != 0}
	return nil
}

// AppendBinary implements [DataSet].
func (d *PortHWClockNP) AppendBinary(b []byte) ([]byte, error) {
	b = d.PortIdentity.append(b)
	b = binary.BigEndian.AppendUint32(b, uint32(d.PHCIndex))
	return append(b, bit(d.VClock, 0), 0), nil
}

// PortCorrectionsNP is PORT_CORRECTIONS_NP: what a port adds to its time stamps, after
// linuxptp 4.4.
type PortCorrectionsNP struct {
	EgressLatency  TimeInterval
	IngressLatency TimeInterval
	DelayAsymmetry TimeInterval
}

// ID returns IDPortCorrectionsNP.
func (*PortCorrectionsNP) ID() ID { return IDPortCorrectionsNP }

// UnmarshalBinary implements [DataSet].
func (d *PortCorrectionsNP) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDPortCorrectionsNP, data, 24); err != nil {
		return err
	}
	*d = PortCorrectionsNP{parseTimeInterval(data), parseTimeInterval(data[8:]), parseTimeInterval(data[16:])}
	return nil
}

// AppendBinary implements [DataSet].
func (d *PortCorrectionsNP) AppendBinary(b []byte) ([]byte, error) {
	b = d.EgressLatency.append(b)
	b = d.IngressLatency.append(b)
	return d.DelayAsymmetry.append(b), nil
}

// CMLDSInfoNP is CMLDS_INFO_NP: the link delay that the common mean link delay service
// measured on a port (802.1AS-2020, 16.6.3), from linuxptp 4.3. It is also what
// [NotifyCMLDS] pushes.
type CMLDSInfoNP struct {
	MeanLinkDelay           TimeInterval // one way
	ScaledNeighborRateRatio int32        // ratio minus one, times 2^41
	AsCapable               bool
}

// ID returns IDCMLDSInfoNP.
func (*CMLDSInfoNP) ID() ID { return IDCMLDSInfoNP }

// UnmarshalBinary implements [DataSet].
func (d *CMLDSInfoNP) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDCMLDSInfoNP, data, 16); err != nil {
		return err
	}
	*d = CMLDSInfoNP{parseTimeInterval(data), int32(binary.BigEndian.Uint32(data[8:])), parseBool(data[12:])}
	return nil
}

// AppendBinary implements [DataSet].
func (d *CMLDSInfoNP) AppendBinary(b []byte) ([]byte, error) {
	b = d.MeanLinkDelay.append(b)
	b = binary.BigEndian.AppendUint32(b, uint32(d.ScaledNeighborRateRatio))
	return appendBool(b, d.AsCapable), nil
}
