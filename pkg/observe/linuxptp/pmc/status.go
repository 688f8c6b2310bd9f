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

// TimeStatusNP is TIME_STATUS_NP: the last sample of ptp4l's servo. It is also what
// [NotifyTimeSync] pushes. Once the grandmaster is lost, only IngressTime tells: it is
// 0, while everything else keeps its last value.
type TimeStatusNP struct {
	MasterOffset               int64 // this clock minus its master in nanoseconds
	IngressTime                int64 // arrival of the Sync in nanoseconds of the local clock; 0 for none, or after a step
	CumulativeScaledRateOffset int32 // rate of the grandmaster relative to the parent minus one, times 2^41
	ScaledLastGMPhaseChange    int32 // change of rate at the last change of grandmaster, times 2^41
	GMTimeBaseIndicator        uint16
	LastGMPhaseChange          ScaledNs
	GMPresent                  bool // a grandmaster other than this clock has been chosen
	GMIdentity                 ClockIdentity
}

// ScaledNs is a time in units of 2^-16 ns in 96 bits (802.1AS-2020, 6.4.3.1).
type ScaledNs struct {
	NanosecondsMSB        uint16
	NanosecondsLSB        uint64
	FractionalNanoseconds uint16
}

// ID returns IDTimeStatusNP.
func (*TimeStatusNP) ID() ID { return IDTimeStatusNP }

// UnmarshalBinary implements [DataSet].
func (d *TimeStatusNP) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDTimeStatusNP, data, 50); err != nil {
		return err
	}
	*d = TimeStatusNP{
		MasterOffset:               int64(binary.BigEndian.Uint64(data)),
		IngressTime:                int64(binary.BigEndian.Uint64(data[8:])),
		CumulativeScaledRateOffset: int32(binary.BigEndian.Uint32(data[16:])),
		ScaledLastGMPhaseChange:    int32(binary.BigEndian.Uint32(data[20:])),
		GMTimeBaseIndicator:        binary.BigEndian.Uint16(data[24:]),
		LastGMPhaseChange: ScaledNs{
			NanosecondsMSB:        binary.BigEndian.Uint16(data[26:]),
			NanosecondsLSB:        binary.BigEndian.Uint64(data[28:]),
			FractionalNanoseconds: binary.BigEndian.Uint16(data[36:]),
		},
		GMPresent:  parseBool(data[38:]),
		GMIdentity: ClockIdentity(data[42:]),
	}
	return nil
}

// AppendBinary implements [DataSet].
func (d *TimeStatusNP) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint64(b, uint64(d.MasterOffset))
	b = binary.BigEndian.AppendUint64(b, uint64(d.IngressTime))
	b = binary.BigEndian.AppendUint32(b, uint32(d.CumulativeScaledRateOffset))
	b = binary.BigEndian.AppendUint32(b, uint32(d.ScaledLastGMPhaseChange))
	b = binary.BigEndian.AppendUint16(b, d.GMTimeBaseIndicator)
	b = binary.BigEndian.AppendUint16(b, d.LastGMPhaseChange.NanosecondsMSB)
	b = binary.BigEndian.AppendUint64(b, d.LastGMPhaseChange.NanosecondsLSB)
	b = binary.BigEndian.AppendUint16(b, d.LastGMPhaseChange.FractionalNanoseconds)
	b = appendBool(b, d.GMPresent)
	return append(b, d.GMIdentity[:]...), nil
}

// SynchronizationUncertainNP is SYNCHRONIZATION_UNCERTAIN_NP: whether the clock tells its
// slaves that its synchronisation is uncertain, from linuxptp 3.0.
type SynchronizationUncertainNP struct {
	Value uint8 // one of the SyncUncertain constants
}

// Values of [SynchronizationUncertainNP].
const (
	SyncUncertainFalse    uint8 = 0
	SyncUncertainTrue     uint8 = 1
	SyncUncertainDontCare uint8 = 0xFF // as the servo says; the default
)

// ID returns IDSynchronizationUncertainNP.
func (*SynchronizationUncertainNP) ID() ID { return IDSynchronizationUncertainNP }

// UnmarshalBinary implements [DataSet].
func (d *SynchronizationUncertainNP) UnmarshalBinary(data []byte) error {
	return unmarshalDatum(IDSynchronizationUncertainNP, &d.Value, data)
}

// AppendBinary implements [DataSet].
func (d *SynchronizationUncertainNP) AppendBinary(b []byte) ([]byte, error) {
	return append(b, d.Value, 0), nil
}
