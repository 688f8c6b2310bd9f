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
	"encoding"
	"fmt"
)

// DataSet is the data of one management TLV.
//
// UnmarshalBinary reads the data of a TLV with this id. It fails unless the length is
// the one that the id calls for, and then leaves the data set in an undefined state. It
// copies what it keeps, but reuses the memory of byte slices and tables that the data
// set already has; so decoding into the same data set again does not allocate.
//
// AppendBinary appends the data with its reserved bytes zero. It fails only where a
// text or table is too long for its length field.
type DataSet interface {
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
	// ID returns the managementId that the data set travels under.
	ID() ID
}

// New returns an empty data set for the id, or false where this package has none.
func New(id ID) (DataSet, bool) {
	switch id {
	case IDClockDescription:
		return new(ClockDescription), true
	case IDDefaultDataSet:
		return new(DefaultDataSet), true
	case IDCurrentDataSet:
		return new(CurrentDataSet), true
	case IDParentDataSet:
		return new(ParentDataSet), true
	case IDTimePropertiesDataSet:
		return new(TimePropertiesDataSet), true
	case IDPortDataSet:
		return new(PortDataSet), true
	case IDPriority1:
		return new(Priority1), true
	case IDPriority2:
		return new(Priority2), true
	case IDTimeStatusNP:
		return new(TimeStatusNP), true
	case IDGrandmasterSettingsNP:
		return new(GrandmasterSettingsNP), true
	case IDPortDataSetNP:
		return new(PortDataSetNP), true
	case IDSubscribeEventsNP:
		return new(SubscribeEventsNP), true
	case IDPortPropertiesNP:
		return new(PortPropertiesNP), true
	case IDPortStatsNP:
		return new(PortStatsNP), true
	case IDSynchronizationUncertainNP:
		return new(SynchronizationUncertainNP), true
	case IDPortServiceStatsNP:
		return new(PortServiceStatsNP), true
	case IDUnicastMasterTableNP:
		return new(UnicastMasterTableNP), true
	case IDPortHWClockNP:
		return new(PortHWClockNP), true
	case IDPowerProfileSettingsNP:
		return new(PowerProfileSettingsNP), true
	case IDCMLDSInfoNP:
		return new(CMLDSInfoNP), true
	case IDPortCorrectionsNP:
		return new(PortCorrectionsNP), true
	case IDExternalGrandmasterPropertiesNP:
		return new(ExternalGrandmasterPropertiesNP), true
	}
	return nil, false
}

// checkLength reports data that is not exactly as long as the data set.
func checkLength(id ID, data []byte, want int) error {
	if len(data) != want {
		return fmt.Errorf("%v: %d bytes of data, want %d", id, len(data), want)
	}
	return nil
}

// appendBool appends a flag that linuxptp keeps in four bytes.
func appendBool(b []byte, v bool) []byte { return append(b, 0, 0, 0, bit(v, 0)) }

// parseBool reads a flag that linuxptp keeps in the first four bytes of b.
func parseBool(b []byte) bool { return b[0]|b[1]|b[2]|b[3] != 0 }

// bit returns a byte with bit n set if v is.
func bit(v bool, n int) byte {
	if v {
		return 1 << n
	}
	return 0
}

// scanner reads data of variable length from the front. Once the data is too short,
// every further read gives zeros and short stays true.
type scanner struct {
	rest  []byte
	short bool
}

// take returns the next n bytes; nil once there are too few.
func (s *scanner) take(n int) []byte {
	if s.short || n > len(s.rest) {
		s.short = true
		return nil
	}
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return b
}

// uint8 returns the next byte.
func (s *scanner) uint8() uint8 {
	if b := s.take(1); b != nil {
		return b[0]
	}
	return 0
}

// uint16 returns the next two bytes.
func (s *scanner) uint16() uint16 {
	hi := s.uint8()
	return uint16(hi)<<8 | uint16(s.uint8())
}

// end reports data that was too short, or longer than one byte of padding explains:
// TLVs have even length (IEEE 1588-2019, 14.1.1).
func (s *scanner) end(id ID, data []byte) error {
	if s.short {
		return fmt.Errorf("%v: %d bytes of data are too few for the lengths they claim", id, len(data))
	}
	if used := len(data) - len(s.rest); len(data) != used+used%2 {
		return fmt.Errorf("%v: %d bytes of data, want %d", id, len(data), used+used%2)
	}
	return nil
}
