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
	"errors"
	"fmt"
	"math"
)

// Offsets into a datagram and values at them: the common header of IEEE 1588-2019,
// table 35, the management message of table 56, and one TLV.
const (
	offDomain   = 4
	offSource   = 20
	offSequence = 30
	offTarget   = 34
	offHops     = 44
	offAction   = 46
	offTLV      = 48
	offValue    = 52
	offData     = 54

	messageManagement = 0xD // messageType
	versionPTP        = 2

	tlvManagement  = 1
	tlvErrorStatus = 2

	tlvHead         = offValue - offTLV
	tlvID           = offData - offValue // of managementId, or of managementErrorId
	errorStatusHead = 8                  // managementErrorId, managementId, reserved
)

// Message is one management message with one management TLV, or with the
// MANAGEMENT_ERROR_STATUS TLV that answers one.
type Message struct {
	TransportSpecific uint8 // high nibble of the first byte: 1 for 802.1AS (gPTP)
	MinorVersion      uint8 // minorVersionPTP; versionPTP is always 2
	Domain            uint8 // domainNumber
	Source, Target    PortIdentity
	// Sequence is, in an answer, the request's; in a push, a counter of the
	// subscription that starts at 0.
	Sequence uint16
	// The hops are 0, 0 in our requests and hence in the answers: anything higher
	// lets ptp4l forward a request to the network. Pushes carry 1, 1.
	StartingBoundaryHops, BoundaryHops uint8
	Action                             Action
	ID                                 ID
	Status                             ErrorID // of an error status; NoError otherwise
	// Data is the data of the TLV, empty in a GET, or the displayData of an error
	// status. After Parse it aliases the datagram.
	Data []byte
}

// IsPush reports whether the message tells of an event that was subscribed to,
// rather than answering a request.
func (m *Message) IsPush() bool {
	return m.Action == ActionResponse && m.StartingBoundaryHops == 1 && m.BoundaryHops == 1
}

// Parse reads the management message in a datagram. It accepts exactly one TLV whose
// lengths fill the datagram, and does not allocate unless it fails.
func Parse(datagram []byte) (Message, error) {
	if len(datagram) < offData {
		return Message{}, fmt.Errorf("management message: %d bytes, want at least %d", len(datagram), offData)
	}
	if err := checkHeader(datagram); err != nil {
		return Message{}, fmt.Errorf("management message: %w", err)
	}
	m := Message{
		TransportSpecific:    datagram[0] >> 4,
		MinorVersion:         datagram[1] >> 4,
		Domain:               datagram[offDomain],
		Source:               parsePortIdentity(datagram[offSource:]),
		Sequence:             binary.BigEndian.Uint16(datagram[offSequence:]),
		Target:               parsePortIdentity(datagram[offTarget:]),
		StartingBoundaryHops: datagram[offHops],
		BoundaryHops:         datagram[offHops+1],
		Action:               Action(datagram[offAction] & 0x0F),
		ID:                   ID(binary.BigEndian.Uint16(datagram[offValue:])),
		Data:                 datagram[offData:],
	}
	switch kind := binary.BigEndian.Uint16(datagram[offTLV:]); kind {
	case tlvManagement:
		return m, nil
	case tlvErrorStatus:
		return parseErrorStatus(m)
	default:
		return Message{}, fmt.Errorf("management message: TLV of type 0x%04X", kind)
	}
}

// checkHeader checks everything before the TLV, and that the lengths agree.
func checkHeader(d []byte) error {
	if kind := d[0] & 0x0F; kind != messageManagement {
		return fmt.Errorf("messageType %d, want %d", kind, messageManagement)
	}
	if v := d[1] & 0x0F; v != versionPTP {
		return fmt.Errorf("versionPTP %d, want %d", v, versionPTP)
	}
	if n := int(binary.BigEndian.Uint16(d[2:])); n != len(d) {
		return fmt.Errorf("messageLength %d in a datagram of %d bytes", n, len(d))
	}
	if a := Action(d[offAction] & 0x0F); a > ActionAcknowledge {
		return fmt.Errorf("unknown %v", a)
	}
	n := int(binary.BigEndian.Uint16(d[offTLV+2:]))
	if n != len(d)-offValue {
		return fmt.Errorf("TLV of length %d where %d bytes follow", n, len(d)-offValue)
	}
	if n%2 != 0 {
		return fmt.Errorf("TLV of odd length %d", n)
	}
	return nil
}

// parseErrorStatus turns m, read as if it carried data, into the error status that it is.
func parseErrorStatus(m Message) (Message, error) {
	if n := len(m.Data) + tlvID; n < errorStatusHead {
		return Message{}, fmt.Errorf("management message: error status of length %d, want at least %d", n, errorStatusHead)
	}
	m.Status = ErrorID(m.ID)
	if m.Status == NoError {
		return Message{}, errors.New("management message: error status without an error")
	}
	m.ID = ID(binary.BigEndian.Uint16(m.Data))
	m.Data = m.Data[errorStatusHead-tlvID:]
	return m, nil
}

// AppendBinary appends the datagram of the message: an error status if Status is set,
// else a management TLV with Data, padded to even length.
func (m *Message) AppendBinary(b []byte) ([]byte, error) {
	if m.TransportSpecific > 0x0F || m.MinorVersion > 0x0F || m.Action > ActionAcknowledge {
		return b, fmt.Errorf("management message: transportSpecific %d, minorVersionPTP %d or %v out of range",
			m.TransportSpecific, m.MinorVersion, m.Action)
	}
	kind, value := uint16(tlvManagement), tlvID+len(m.Data)
	if m.Status != NoError {
		kind, value = tlvErrorStatus, errorStatusHead+len(m.Data)
	}
	value += value % 2
	length := offValue + value
	if length > math.MaxUint16 {
		return b, fmt.Errorf("management message: %d bytes of data do not fit", len(m.Data))
	}
	start := len(b)
	b = append(b, m.TransportSpecific<<4|messageManagement, m.MinorVersion<<4|versionPTP)
	b = binary.BigEndian.AppendUint16(b, uint16(length))
	b = append(b, m.Domain)
	b = append(b, make([]byte, offSource-offDomain-1)...) // flags, correction, reserved
	b = m.Source.append(b)
	b = binary.BigEndian.AppendUint16(b, m.Sequence)
	b = append(b, m.control(), 0x7F) // logMessageInterval
	b = m.Target.append(b)
	b = append(b, m.StartingBoundaryHops, m.BoundaryHops, byte(m.Action), 0)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(value))
	if m.Status != NoError {
		b = binary.BigEndian.AppendUint16(b, uint16(m.Status))
	}
	b = binary.BigEndian.AppendUint16(b, uint16(m.ID))
	if m.Status != NoError {
		b = append(b, 0, 0, 0, 0)
	}
	b = append(b, m.Data...)
	return append(b, make([]byte, length-(len(b)-start))...), nil
}

// control returns the controlField: 4 stands for management in version 2.0; version 2.1
// has no more use for it and sends 0 (IEEE 1588-2019, 13.3.2.13).
func (m *Message) control() byte {
	if m.MinorVersion == 0 {
		return 4
	}
	return 0
}
