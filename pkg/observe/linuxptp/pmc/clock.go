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

// DefaultDataSet is DEFAULT_DATA_SET: what the clock is by itself (IEEE 1588-2019, 8.2.1).
type DefaultDataSet struct {
	TwoStep       bool
	SlaveOnly     bool
	NumberPorts   uint16
	Priority1     uint8
	ClockQuality  ClockQuality // what the clock announces when it is grandmaster
	Priority2     uint8
	ClockIdentity ClockIdentity
	DomainNumber  uint8
}

// ID returns IDDefaultDataSet.
func (*DefaultDataSet) ID() ID { return IDDefaultDataSet }

// UnmarshalBinary implements [DataSet].
func (d *DefaultDataSet) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDDefaultDataSet, data, 20); err != nil {
		return err
	}
	*d = DefaultDataSet{
		TwoStep:       data[0]&1 != 0,
		SlaveOnly:     data[0]&2 != 0,
		NumberPorts:   binary.BigEndian.Uint16(data[2:]),
		Priority1:     data[4],
		ClockQuality:  parseClockQuality(data[5:]),
		Priority2:     data[9],
		ClockIdentity: ClockIdentity(data[10:]),
		DomainNumber:  data[18],
	}
	return nil
}

// AppendBinary implements [DataSet].
func (d *DefaultDataSet) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, bit(d.TwoStep, 0)|bit(d.SlaveOnly, 1), 0)
	b = binary.BigEndian.AppendUint16(b, d.NumberPorts)
	b = append(b, d.Priority1)
	b = d.ClockQuality.append(b)
	b = append(b, d.Priority2)
	b = append(b, d.ClockIdentity[:]...)
	return append(b, d.DomainNumber, 0), nil
}

// CurrentDataSet is CURRENT_DATA_SET: how far the clock is from its master
// (IEEE 1588-2019, 8.2.2). After the master is lost it keeps its last values.
type CurrentDataSet struct {
	StepsRemoved     uint16       // from the grandmaster
	OffsetFromMaster TimeInterval // this clock minus its master
	MeanPathDelay    TimeInterval // one way
}

// ID returns IDCurrentDataSet.
func (*CurrentDataSet) ID() ID { return IDCurrentDataSet }

// UnmarshalBinary implements [DataSet].
func (d *CurrentDataSet) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDCurrentDataSet, data, 18); err != nil {
		return err
	}
	*d = CurrentDataSet{
		StepsRemoved:     binary.BigEndian.Uint16(data),
		OffsetFromMaster: parseTimeInterval(data[2:]),
		MeanPathDelay:    parseTimeInterval(data[10:]),
	}
	return nil
}

// AppendBinary implements [DataSet].
func (d *CurrentDataSet) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, d.StepsRemoved)
	b = d.OffsetFromMaster.append(b)
	return d.MeanPathDelay.append(b), nil
}

// ParentDataSet is PARENT_DATA_SET: the port that the clock follows and the grandmaster
// behind it (IEEE 1588-2019, 8.2.3). A clock that follows nobody is its own parent; a
// slave-only clock that lost its master keeps the last one.
type ParentDataSet struct {
	ParentPort                            PortIdentity
	ParentStats                           bool // the two Observed fields were measured
	ObservedParentOffsetScaledLogVariance uint16
	ObservedParentClockPhaseChangeRate    int32
	GrandmasterPriority1                  uint8
	GrandmasterClockQuality               ClockQuality
	GrandmasterPriority2                  uint8
	GrandmasterIdentity                   ClockIdentity
}

// ID returns IDParentDataSet.
func (*ParentDataSet) ID() ID { return IDParentDataSet }

// UnmarshalBinary implements [DataSet].
func (d *ParentDataSet) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDParentDataSet, data, 32); err != nil {
		return err
	}
	*d = ParentDataSet{
		ParentPort:                            parsePortIdentity(data),
		ParentStats:                           data[10]&1 != 0,
		ObservedParentOffsetScaledLogVariance: binary.BigEndian.Uint16(data[12:]),
		ObservedParentClockPhaseChangeRate:    int32(binary.BigEndian.Uint32(data[14:])),
		GrandmasterPriority1:                  data[18],
		GrandmasterClockQuality:               parseClockQuality(data[19:]),
		GrandmasterPriority2:                  data[23],
		GrandmasterIdentity:                   ClockIdentity(data[24:]),
	}
	return nil
}

// AppendBinary implements [DataSet].
func (d *ParentDataSet) AppendBinary(b []byte) ([]byte, error) {
	b = d.ParentPort.append(b)
	b = append(b, bit(d.ParentStats, 0), 0)
	b = binary.BigEndian.AppendUint16(b, d.ObservedParentOffsetScaledLogVariance)
	b = binary.BigEndian.AppendUint32(b, uint32(d.ObservedParentClockPhaseChangeRate))
	b = append(b, d.GrandmasterPriority1)
	b = d.GrandmasterClockQuality.append(b)
	b = append(b, d.GrandmasterPriority2)
	return append(b, d.GrandmasterIdentity[:]...), nil
}

// TimeFlags are the flags of a timescale (IEEE 1588-2019, table 37; SyncUncertain: 802.1AS).
type TimeFlags uint8

// The flags.
const (
	Leap61             TimeFlags = 1 << iota // the last minute of the day has 61 seconds
	Leap59                                   // the last minute of the day has 59 seconds
	UTCOffsetValid                           // currentUtcOffset is known to be right
	PTPTimescale                             // the grandmaster distributes TAI
	TimeTraceable                            // the time comes from a primary reference
	FrequencyTraceable                       // the frequency comes from a primary reference
	SyncUncertain                            // somebody on the way is not synchronised
)

// Has reports whether all the given flags are set.
func (f TimeFlags) Has(flags TimeFlags) bool { return f&flags == flags }

// TimePropertiesDataSet is TIME_PROPERTIES_DATA_SET: the timescale that the grandmaster
// distributes (IEEE 1588-2019, 8.2.4).
type TimePropertiesDataSet struct {
	CurrentUTCOffset int16 // TAI minus UTC in seconds
	Flags            TimeFlags
	TimeSource       uint8 // 0x20 is GNSS, 0xA0 an internal oscillator (IEEE 1588-2019, table 6)
}

// ID returns IDTimePropertiesDataSet.
func (*TimePropertiesDataSet) ID() ID { return IDTimePropertiesDataSet }

// UnmarshalBinary implements [DataSet].
func (d *TimePropertiesDataSet) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDTimePropertiesDataSet, data, 4); err != nil {
		return err
	}
	*d = TimePropertiesDataSet{int16(binary.BigEndian.Uint16(data)), TimeFlags(data[2]), data[3]}
	return nil
}

// AppendBinary implements [DataSet].
func (d *TimePropertiesDataSet) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, uint16(d.CurrentUTCOffset))
	return append(b, byte(d.Flags), d.TimeSource), nil
}

// Priority1 is PRIORITY1: the first rank in the choice of a grandmaster, lower is
// better (IEEE 1588-2019, 8.2.1.4.1).
type Priority1 struct{ Priority uint8 }

// ID returns IDPriority1.
func (*Priority1) ID() ID { return IDPriority1 }

// UnmarshalBinary implements [DataSet].
func (d *Priority1) UnmarshalBinary(data []byte) error {
	return unmarshalDatum(IDPriority1, &d.Priority, data)
}

// AppendBinary implements [DataSet].
func (d *Priority1) AppendBinary(b []byte) ([]byte, error) { return append(b, d.Priority, 0), nil }

// Priority2 is PRIORITY2: the rank among clocks of equal quality, lower is better
// (IEEE 1588-2019, 8.2.1.4.2).
type Priority2 struct{ Priority uint8 }

// ID returns IDPriority2.
func (*Priority2) ID() ID { return IDPriority2 }

// UnmarshalBinary implements [DataSet].
func (d *Priority2) UnmarshalBinary(data []byte) error {
	return unmarshalDatum(IDPriority2, &d.Priority, data)
}

// AppendBinary implements [DataSet].
func (d *Priority2) AppendBinary(b []byte) ([]byte, error) { return append(b, d.Priority, 0), nil }

// unmarshalDatum reads a single byte that is followed by a reserved one.
func unmarshalDatum(id ID, value *uint8, data []byte) error {
	if err := checkLength(id, data, 2); err != nil {
		return err
	}
	*value = data[0]
	return nil
}
