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

package simulator

import (
	"encoding"
	"slices"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// request is a management message that asks for something, and where it came from.
type request struct {
	pmc.Message
	from     string
	readOnly bool
}

// receive answers one datagram from a client, as clock_manage and port_manage of
// linuxptp do. What ptp4l does not understand, or what is not meant for it, has no
// answer at all.
func (d *daemon) receive(datagram []byte, from string, readOnly bool, now time.Duration) {
	m, err := pmc.Parse(datagram)
	if err != nil || m.Status != pmc.NoError || !d.addressed(&m) || !d.sized(&m) {
		return
	}
	r := &request{Message: m, from: from, readOnly: readOnly}
	switch m.Action {
	case pmc.ActionGet:
		d.get(r, now)
	case pmc.ActionSet:
		d.set(r, now)
	case pmc.ActionCommand:
		if readOnly {
			d.refuse(r, pmc.ClockPort, pmc.ErrorNotSupported)
			return
		}
		d.askPorts(r)
	}
	d.settle(now)
}

// addressed says whether the request is for this clock.
func (d *daemon) addressed(m *pmc.Message) bool {
	return m.Domain == d.clock.Domain && m.TransportSpecific == d.clock.TransportSpecific &&
		m.Source.Clock != d.identity &&
		(m.Target.Clock == d.identity || m.Target.Clock == pmc.Anyone().Clock)
}

// sized says whether the body of the request is empty, or of the length that its id
// calls for as far as this version knows the id.
func (d *daemon) sized(m *pmc.Message) bool {
	data, known := pmc.New(m.ID)
	known = known && d.clock.Version.has(m.ID)
	return len(m.Data) == 0 || !known || data.UnmarshalBinary(m.Data) == nil
}

func (d *daemon) get(r *request, now time.Duration) {
	if r.ID == pmc.IDSubscribeEventsNP {
		if r.readOnly {
			d.reply(r, pmc.ClockPort, raw{}) // an answer without a body
			return
		}
		d.reply(r, pmc.ClockPort, d.subscription(r.Source, now))
		return
	}
	if data := d.clockData(r.ID); data != nil {
		d.reply(r, pmc.ClockPort, data)
		return
	}
	d.askPorts(r)
}

func (d *daemon) set(r *request, now time.Duration) {
	switch {
	case len(r.Data) == 0 && r.ID != idNullManagement:
		d.refuse(r, pmc.ClockPort, pmc.ErrorWrongLength)
	case r.readOnly:
		d.refuse(r, pmc.ClockPort, pmc.ErrorNotSupported)
	case d.setClock(r, now):
		d.get(r, now)
	default:
		d.askPorts(r)
	}
}

// setClock changes a data set of the clock. It returns false for those that cannot
// be changed, and for values that ptp4l does not take.
func (d *daemon) setClock(r *request, now time.Duration) bool {
	switch r.ID {
	case pmc.IDPriority1:
		d.priority1 = r.Data[0]
	case pmc.IDPriority2:
		d.priority2 = r.Data[0]
	case pmc.IDGrandmasterSettingsNP:
		// sized has decoded it once.
		if d.own.UnmarshalBinary(r.Data) != nil {
			return false
		}
	case pmc.IDSynchronizationUncertainNP:
		known := []uint8{pmc.SyncUncertainFalse, pmc.SyncUncertainTrue, pmc.SyncUncertainDontCare}
		if !slices.Contains(known, r.Data[0]) {
			return false
		}
		d.uncertain = r.Data[0]
	case pmc.IDSubscribeEventsNP:
		d.subscribe(r, now)
	default:
		return false
	}
	if d.parent.GrandmasterIdentity == d.identity && !d.clock.SlaveOnly {
		d.becomeGrandmaster()
	}
	return true
}

// askPorts passes a request on to the ports it is for, and refuses it in the name of
// the clock where it is for none.
func (d *daemon) askPorts(r *request) {
	switch {
	case r.readOnly && (r.ID == pmc.IDPortPropertiesNP || r.ID == pmc.IDPortHWClockNP):
		d.refuse(r, pmc.ClockPort, pmc.ErrorNotSupported)
		return
	case ofClock(r.ID):
		d.refuse(r, pmc.ClockPort, pmc.ErrorNotSupported)
		return
	}
	asked := 0
	for _, p := range d.ports {
		if r.Target.Port != uint16(p.number) && r.Target.Port != pmc.AllPorts {
			continue
		}
		asked++
		if !d.askPort(r, p) {
			return
		}
	}
	if asked == 0 {
		d.refuse(r, pmc.ClockPort, pmc.ErrorWrongValue)
	}
}

// askPort answers for one port. It returns false when no other port is to answer.
func (d *daemon) askPort(r *request, p *port) bool {
	if r.Action == pmc.ActionGet || d.setPort(r, p) {
		if data := d.portData(p, r.ID); data != nil {
			d.reply(r, uint16(p.number), data)
			return true
		}
	}
	if ofPort(r.ID) {
		d.refuse(r, uint16(p.number), pmc.ErrorNotSupported)
		return true
	}
	d.refuse(r, uint16(p.number), pmc.ErrorNoSuchID)
	return false
}

// setPort changes the only data set of a port that can be changed.
func (d *daemon) setPort(r *request, p *port) bool {
	var data pmc.PortDataSetNP
	if r.Action != pmc.ActionSet || r.ID != data.ID() || data.UnmarshalBinary(r.Data) != nil {
		return false
	}
	p.delayThreshold = data.NeighborPropDelayThresh
	return true
}

// ofClock says whether the id is one of the clock: refused with NOT_SUPPORTED where
// there is no better answer.
func ofClock(id pmc.ID) bool {
	switch id {
	case pmc.IDTimeStatusNP, pmc.IDGrandmasterSettingsNP, pmc.IDSubscribeEventsNP, pmc.IDSynchronizationUncertainNP:
		return true
	case 0x4000, 0x4002: // of transparent clocks
		return true
	case 0x2014, 0x2018, 0x2019, 0x201b, 0x201d: // of ports, among those of the clock
		return false
	}
	return id >= 0x0002 && id <= 0x0007 ||
		id >= pmc.IDDefaultDataSet && id <= pmc.IDTimePropertiesDataSet ||
		id >= pmc.IDPriority1 && id <= idSlaveOnly ||
		id >= 0x200f && id <= 0x2021
}

// ofPort says whether the id is one of a port: refused with NOT_SUPPORTED where there
// is no better answer. Ids that are neither do not exist, as far as ptp4l is concerned.
func ofPort(id pmc.ID) bool {
	switch id {
	case idNullManagement, pmc.IDClockDescription, pmc.IDPortDataSet, 0x4001, idDelayMechanism, idLogMinPdelayReqInterval,
		0x2014, 0x2018, 0x2019, 0x201b, 0x201d:
		return true
	}
	return id >= idLogAnnounceInterval && id <= 0x200e
}

// reply answers a request with data.
func (d *daemon) reply(r *request, source uint16, data encoding.BinaryAppender) {
	m := d.answer(r, source)
	m.Data = encode(data)
	d.out.send(r.readOnly, r.from, encode(m))
}

// refuse answers a request with an error status.
func (d *daemon) refuse(r *request, source uint16, why pmc.ErrorID) {
	m := d.answer(r, source)
	m.Status = why
	d.out.send(r.readOnly, r.from, encode(m))
}

// answer is the head of an answer.
func (d *daemon) answer(r *request, source uint16) *pmc.Message {
	m := d.message(source)
	m.Target = r.Source
	m.Sequence = r.Sequence
	m.ID = r.ID
	hops := r.StartingBoundaryHops - r.BoundaryHops
	m.StartingBoundaryHops, m.BoundaryHops = hops, hops
	if r.Action == pmc.ActionCommand {
		m.Action = pmc.ActionAcknowledge
	}
	return m
}

// message is what all that ptp4l sends has in common.
func (d *daemon) message(source uint16) *pmc.Message {
	m := &pmc.Message{
		TransportSpecific: d.clock.TransportSpecific,
		Domain:            d.clock.Domain,
		Source:            pmc.PortIdentity{Clock: d.identity, Port: source},
		Action:            pmc.ActionResponse,
	}
	if d.clock.Version.since("4.0") {
		m.MinorVersion = 1 // IEEE 1588-2019 is PTP 2.1
	}
	return m
}

// encode returns the wire form of what this package has built. That never fails:
// texts, tables and the parts of a head are within their limits.
func encode(v encoding.BinaryAppender) []byte {
	b, _ := v.AppendBinary(nil)
	return b
}
