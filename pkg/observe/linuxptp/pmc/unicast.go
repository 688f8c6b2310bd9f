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

// UnicastState says how far a negotiation with a unicast master has come (linuxptp,
// unicast_client.h).
type UnicastState uint8

// The states of a negotiation.
const (
	UnicastWait     UnicastState = iota // for an answer
	UnicastHaveAnn                      // Announce is granted
	UnicastNeedSyDy                     // chosen; Sync and Delay_Resp are asked for
	UnicastHaveSyDy                     // Sync and Delay_Resp are granted
)

// String returns linuxptp's name for the state, such as "HAVE_SYDY".
func (s UnicastState) String() string {
	switch s {
	case UnicastWait:
		return "WAIT"
	case UnicastHaveAnn:
		return "HAVE_ANN"
	case UnicastNeedSyDy:
		return "NEED_SYDY"
	case UnicastHaveSyDy:
		return "HAVE_SYDY"
	}
	return fmt.Sprintf("unicast state %d", uint8(s))
}

// UnicastMaster is one row of [UnicastMasterTableNP].
type UnicastMaster struct {
	PortIdentity PortIdentity
	ClockQuality ClockQuality
	Selected     bool
	State        UnicastState
	Priority1    uint8
	Priority2    uint8
	Address      PortAddress
}

// UnicastMasterTableNP is UNICAST_MASTER_TABLE_NP: the masters that a port may ask for
// unicast service, from linuxptp 4.0. A master that is gone keeps its last row.
type UnicastMasterTableNP struct {
	Masters []UnicastMaster
}

// ID returns IDUnicastMasterTableNP.
func (*UnicastMasterTableNP) ID() ID { return IDUnicastMasterTableNP }

// UnmarshalBinary implements [DataSet]. It allocates for the rows that are there, not
// for those that the length of the table promises.
func (d *UnicastMasterTableNP) UnmarshalBinary(data []byte) error {
	s := scanner{rest: data}
	rows := d.Masters[:cap(d.Masters)]
	d.Masters = rows[:0]
	for range s.uint16() {
		if len(d.Masters) < len(rows) {
			d.Masters = rows[:len(d.Masters)+1] // keeps the memory of the row's address
		} else {
			d.Masters = append(d.Masters, UnicastMaster{})
		}
		d.Masters[len(d.Masters)-1].scan(&s)
		if s.short {
			break
		}
	}
	return s.end(IDUnicastMasterTableNP, data)
}

func (m *UnicastMaster) scan(s *scanner) {
	const fixed = portIdentitySize + 8
	b := s.take(fixed)
	if b == nil {
		return
	}
	m.PortIdentity = parsePortIdentity(b)
	m.ClockQuality = parseClockQuality(b[10:])
	m.Selected = b[14] != 0
	m.State = UnicastState(b[15])
	m.Priority1 = b[16]
	m.Priority2 = b[17]
	m.Address.scan(s)
}

// AppendBinary implements [DataSet].
func (d *UnicastMasterTableNP) AppendBinary(b []byte) ([]byte, error) {
	if len(d.Masters) > math.MaxUint16 {
		return b, fmt.Errorf("table of %d unicast masters is longer than %d", len(d.Masters), math.MaxUint16)
	}
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, uint16(len(d.Masters)))
	for i := range d.Masters {
		m := &d.Masters[i]
		b = m.PortIdentity.append(b)
		b = m.ClockQuality.append(b)
		b = append(b, bit(m.Selected, 0), byte(m.State), m.Priority1, m.Priority2)
		var err error
		if b, err = m.Address.append(b); err != nil {
			return b, err
		}
	}
	return pad(b, start), nil
}
