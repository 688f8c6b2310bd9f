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
	"math"
)

// Network protocols of a [PortAddress] (IEEE 1588-2019, table 3).
const (
	ProtocolUDPIPv4  uint16 = 1
	ProtocolUDPIPv6  uint16 = 2
	ProtocolIEEE8023 uint16 = 3
)

// PortAddress is where a port can be reached (IEEE 1588-2019, 5.3.6).
type PortAddress struct {
	NetworkProtocol uint16
	Address         []byte
}

// scan reads the address into the memory it has.
func (p *PortAddress) scan(s *scanner) {
	p.NetworkProtocol = s.uint16()
	n := s.uint16()
	p.Address = append(p.Address[:0], s.take(int(n))...)
}

func (p *PortAddress) append(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, p.NetworkProtocol)
	return appendAddress(b, p.Address)
}

// ClockDescription is CLOCK_DESCRIPTION: what a port and its clock are made of
// (IEEE 1588-2019, 15.5.3.1.2). The read-only socket of linuxptp answers it too, which
// makes PhysicalAddress the way from a port to its network interface there.
type ClockDescription struct {
	ClockType             uint16 // bit 15 ordinary, 14 boundary, 13 P2P and 12 E2E transparent, 11 management
	PhysicalLayerProtocol []byte // such as "IEEE 802.3"
	PhysicalAddress       []byte // MAC address of the port
	ProtocolAddress       PortAddress
	ManufacturerIdentity  [3]byte // an OUI
	ProductDescription    []byte
	RevisionData          []byte
	UserDescription       []byte
	ProfileIdentity       [6]byte
}

// ID returns IDClockDescription.
func (*ClockDescription) ID() ID { return IDClockDescription }

// UnmarshalBinary implements [DataSet].
func (d *ClockDescription) UnmarshalBinary(data []byte) error {
	s := scanner{rest: data}
	d.ClockType = s.uint16()
	d.PhysicalLayerProtocol = scanText(&s, d.PhysicalLayerProtocol)
	n := s.uint16()
	d.PhysicalAddress = append(d.PhysicalAddress[:0], s.take(int(n))...)
	d.ProtocolAddress.scan(&s)
	copy(d.ManufacturerIdentity[:], s.take(len(d.ManufacturerIdentity)))
	s.uint8() // reserved
	d.ProductDescription = scanText(&s, d.ProductDescription)
	d.RevisionData = scanText(&s, d.RevisionData)
	d.UserDescription = scanText(&s, d.UserDescription)
	copy(d.ProfileIdentity[:], s.take(len(d.ProfileIdentity)))
	return s.end(IDClockDescription, data)
}

// AppendBinary implements [DataSet].
func (d *ClockDescription) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, d.ClockType)
	b, err := appendText(b, d.PhysicalLayerProtocol)
	if err != nil {
		return b, err
	}
	if b, err = appendAddress(b, d.PhysicalAddress); err != nil {
		return b, err
	}
	if b, err = d.ProtocolAddress.append(b); err != nil {
		return b, err
	}
	b = append(b, d.ManufacturerIdentity[:]...)
	b = append(b, 0)
	for _, text := range [][]byte{d.ProductDescription, d.RevisionData, d.UserDescription} {
		if b, err = appendText(b, text); err != nil {
			return b, err
		}
	}
	return pad(append(b, d.ProfileIdentity[:]...), start), nil
}

// scanText reads a PTPText (IEEE 1588-2019, 5.3.9) into the memory of text.
func scanText(s *scanner, text []byte) []byte {
	n := s.uint8()
	return append(text[:0], s.take(int(n))...)
}

func appendText(b, text []byte) ([]byte, error) {
	if len(text) > math.MaxUint8 {
		return b, fmt.Errorf("text of %d bytes is longer than %d", len(text), math.MaxUint8)
	}
	return append(append(b, byte(len(text))), text...), nil
}

func appendAddress(b, address []byte) ([]byte, error) {
	if len(address) > math.MaxUint16 {
		return b, fmt.Errorf("address of %d bytes is longer than %d", len(address), math.MaxUint16)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(address)))
	return append(b, address...), nil
}

// pad makes what was appended since start even.
func pad(b []byte, start int) []byte {
	if (len(b)-start)%2 != 0 {
		b = append(b, 0)
	}
	return b
}
