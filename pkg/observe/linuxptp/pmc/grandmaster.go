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

// GrandmasterSettingsNP is GRANDMASTER_SETTINGS_NP: what the clock announces when it is
// grandmaster.
type GrandmasterSettingsNP struct {
	ClockQuality ClockQuality
	UTCOffset    int16 // TAI minus UTC in seconds
	TimeFlags    TimeFlags
	TimeSource   uint8 // 0x20 is GNSS, 0xA0 an internal oscillator (IEEE 1588-2019, table 6)
}

// ID returns IDGrandmasterSettingsNP.
func (*GrandmasterSettingsNP) ID() ID { return IDGrandmasterSettingsNP }

// UnmarshalBinary implements [DataSet].
func (d *GrandmasterSettingsNP) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDGrandmasterSettingsNP, data, 8); err != nil {
		return err
	}
	*d = GrandmasterSettingsNP{
		ClockQuality: parseClockQuality(data),
		UTCOffset:    int16(binary.BigEndian.Uint16(data[4:])),
		TimeFlags:    TimeFlags(data[6]),
		TimeSource:   data[7],
	}
	return nil
}

// AppendBinary implements [DataSet].
func (d *GrandmasterSettingsNP) AppendBinary(b []byte) ([]byte, error) {
	b = d.ClockQuality.append(b)
	b = binary.BigEndian.AppendUint16(b, uint16(d.UTCOffset))
	return append(b, byte(d.TimeFlags), d.TimeSource), nil
}

// ExternalGrandmasterPropertiesNP is EXTERNAL_GRANDMASTER_PROPERTIES_NP: the grandmaster
// that another instance on this host follows, after linuxptp 4.4.
type ExternalGrandmasterPropertiesNP struct {
	GMIdentity   ClockIdentity
	StepsRemoved uint16
}

// ID returns IDExternalGrandmasterPropertiesNP.
func (*ExternalGrandmasterPropertiesNP) ID() ID { return IDExternalGrandmasterPropertiesNP }

// UnmarshalBinary implements [DataSet].
func (d *ExternalGrandmasterPropertiesNP) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDExternalGrandmasterPropertiesNP, data, 10); err != nil {
		return err
	}
	*d = ExternalGrandmasterPropertiesNP{ClockIdentity(data), binary.BigEndian.Uint16(data[8:])}
	return nil
}

// AppendBinary implements [DataSet].
func (d *ExternalGrandmasterPropertiesNP) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, d.GMIdentity[:]...)
	return binary.BigEndian.AppendUint16(b, d.StepsRemoved), nil
}

// PowerProfileSettingsNP is POWER_PROFILE_SETTINGS_NP: what the clock announces by the
// power profile (IEEE C37.238), from linuxptp 4.0. The inaccuracies are in nanoseconds.
type PowerProfileSettingsNP struct {
	Version                   uint16 // 0 none, 1 of 2011, 2 of 2017
	GrandmasterID             uint16
	GrandmasterTimeInaccuracy uint32
	NetworkTimeInaccuracy     uint32
	TotalTimeInaccuracy       uint32
}

// ID returns IDPowerProfileSettingsNP.
func (*PowerProfileSettingsNP) ID() ID { return IDPowerProfileSettingsNP }

// UnmarshalBinary implements [DataSet].
func (d *PowerProfileSettingsNP) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDPowerProfileSettingsNP, data, 16); err != nil {
		return err
	}
	*d = PowerProfileSettingsNP{
		Version:                   binary.BigEndian.Uint16(data),
		GrandmasterID:             binary.BigEndian.Uint16(data[2:]),
		GrandmasterTimeInaccuracy: binary.BigEndian.Uint32(data[4:]),
		NetworkTimeInaccuracy:     binary.BigEndian.Uint32(data[8:]),
		TotalTimeInaccuracy:       binary.BigEndian.Uint32(data[12:]),
	}
	return nil
}

// AppendBinary implements [DataSet].
func (d *PowerProfileSettingsNP) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, d.Version)
	b = binary.BigEndian.AppendUint16(b, d.GrandmasterID)
	b = binary.BigEndian.AppendUint32(b, d.GrandmasterTimeInaccuracy)
	b = binary.BigEndian.AppendUint32(b, d.NetworkTimeInaccuracy)
	return binary.BigEndian.AppendUint32(b, d.TotalTimeInaccuracy), nil
}
