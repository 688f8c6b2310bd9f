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
	"math"
	"slices"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// Management ids that ptp4l answers, but that carry too little for a data set of
// their own: one byte and a reserved one (IEEE 1588-2019, table 59).
const (
	idNullManagement          pmc.ID = 0x0000
	idUserDescription         pmc.ID = 0x0002
	idDomain                  pmc.ID = 0x2007
	idSlaveOnly               pmc.ID = 0x2008
	idLogAnnounceInterval     pmc.ID = 0x2009
	idAnnounceReceiptTimeout  pmc.ID = 0x200a
	idLogSyncInterval         pmc.ID = 0x200b
	idVersionNumber           pmc.ID = 0x200c
	idClockAccuracy           pmc.ID = 0x2010
	idTraceabilityProperties  pmc.ID = 0x2012
	idTimescaleProperties     pmc.ID = 0x2013
	idMasterOnly              pmc.ID = 0x3001
	idDelayMechanism          pmc.ID = 0x6000
	idLogMinPdelayReqInterval pmc.ID = 0x6001
)

const delayEndToEnd = 1 // delayMechanism E2E (IEEE 1588-2019, table 21)

// raw is the data of a TLV as it is.
type raw []byte

func (r raw) AppendBinary(b []byte) ([]byte, error) { return append(b, r...), nil }

// datum is the data of a TLV that carries one byte.
func datum[T ~uint8 | ~int8](v T) raw { return raw{byte(v), 0} }

// clockData returns what the clock answers to a GET of id; nil means that this is
// not a data set of the clock, or none that ptp4l can read.
func (d *daemon) clockData(id pmc.ID) encoding.BinaryAppender {
	switch id {
	case idUserDescription:
		return raw{0, 0} // an empty text and its padding
	case pmc.IDDefaultDataSet:
		return &pmc.DefaultDataSet{
			TwoStep:       true,
			SlaveOnly:     d.clock.SlaveOnly,
			NumberPorts:   uint16(len(d.ports)),
			Priority1:     d.priority1,
			ClockQuality:  d.own.ClockQuality,
			Priority2:     d.priority2,
			ClockIdentity: d.identity,
			DomainNumber:  d.clock.Domain,
		}
	case pmc.IDCurrentDataSet:
		return &d.current
	case pmc.IDParentDataSet:
		return &d.parent
	case pmc.IDTimePropertiesDataSet:
		return &d.scale
	case pmc.IDPriority1:
		return datum(d.priority1)
	case pmc.IDPriority2:
		return datum(d.priority2)
	case idDomain:
		return datum(d.clock.Domain)
	case idSlaveOnly:
		return d.slaveOnly()
	case idClockAccuracy:
		return datum(d.own.ClockQuality.Accuracy)
	case idTraceabilityProperties:
		return datum(d.scale.Flags & (pmc.TimeTraceable | pmc.FrequencyTraceable))
	case idTimescaleProperties:
		return datum(d.scale.Flags & pmc.PTPTimescale)
	case pmc.IDTimeStatusNP:
		return &d.status
	case pmc.IDGrandmasterSettingsNP:
		return &d.own
	case pmc.IDSynchronizationUncertainNP:
		return datum(d.uncertain)
	}
	return nil
}

// slaveOnly is SLAVE_ONLY; before 4.0 it was the flag of DEFAULT_DATA_SET as it stands.
func (d *daemon) slaveOnly() raw {
	switch {
	case !d.clock.SlaveOnly:
		return datum[uint8](0)
	case d.clock.Version.since("4.0"):
		return datum[uint8](1)
	default:
		return datum[uint8](2)
	}
}

// portData returns what a port answers to a GET of id; nil means that this is not a
// data set of a port, or none that this version can read.
func (d *daemon) portData(p *port, id pmc.ID) encoding.BinaryAppender {
	if !d.clock.Version.has(id) {
		return nil
	}
	self := d.portIdentity(p.number)
	iface := d.clock.Ports[p.number-1]
	switch id {
	case idNullManagement:
		return raw{}
	case pmc.IDClockDescription:
		return d.description(p)
	case pmc.IDPortDataSet:
		return d.portDataSet(p)
	case idLogAnnounceInterval:
		return datum(logInterval(d.clock.Announce.Interval))
	case idAnnounceReceiptTimeout:
		return datum(d.clock.Announce.Timeout)
	case idLogSyncInterval:
		return datum(logInterval(d.clock.Sync.Interval))
	case idVersionNumber:
		return datum[uint8](2)
	case idMasterOnly:
		return d.masterOnly()
	case idDelayMechanism:
		return datum[uint8](delayEndToEnd)
	case idLogMinPdelayReqInterval:
		return datum[int8](0)
	case pmc.IDPortDataSetNP:
		return &pmc.PortDataSetNP{NeighborPropDelayThresh: p.delayThreshold, AsCapable: true}
	case pmc.IDPortPropertiesNP:
		return &pmc.PortPropertiesNP{PortIdentity: self, PortState: p.state, Timestamping: iface.timestamping(), Interface: []byte(iface.Interface)}
	case pmc.IDPortStatsNP:
		return d.portStats(p)
	case pmc.IDPortServiceStatsNP:
		return &pmc.PortServiceStatsNP{PortIdentity: self, AnnounceTimeout: p.timeouts}
	case pmc.IDUnicastMasterTableNP:
		return &pmc.UnicastMasterTableNP{}
	case pmc.IDPortHWClockNP:
		return &pmc.PortHWClockNP{PortIdentity: self, PHCIndex: iface.PHC}
	case pmc.IDPowerProfileSettingsNP:
		return powerProfile()
	case pmc.IDCMLDSInfoNP:
		return &pmc.CMLDSInfoNP{AsCapable: true}
	}
	return nil
}

// powerProfile is that of a clock that has none: version 0, all inaccuracies unknown.
func powerProfile() *pmc.PowerProfileSettingsNP {
	const unknown = math.MaxUint32
	return &pmc.PowerProfileSettingsNP{
		GrandmasterTimeInaccuracy: unknown, NetworkTimeInaccuracy: unknown, TotalTimeInaccuracy: unknown,
	}
}

func (d *daemon) masterOnly() raw {
	if d.clock.ServerOnly {
		return datum[uint8](1)
	}
	return datum[uint8](0)
}

func (p Port) timestamping() pmc.Timestamping {
	if p.PHC < 0 {
		return pmc.TimestampingSoftware
	}
	return pmc.TimestampingHardware
}

func (d *daemon) portIdentity(number int) pmc.PortIdentity {
	return pmc.PortIdentity{Clock: d.identity, Port: uint16(number)}
}

// portStats counts the messages around each two-step Sync: Sync, Follow_Up, Delay_Req
// and Delay_Resp, and as many Announces as come in that time (IEEE 1588-2019, table 36).
func (d *daemon) portStats(p *port) *pmc.PortStatsNP {
	stats := &pmc.PortStatsNP{PortIdentity: d.portIdentity(p.number)}
	stats.Rx[0], stats.Rx[8], stats.Tx[1], stats.Rx[9] = p.syncs, p.syncs, p.syncs, p.syncs
	if announce := d.clock.Announce.Interval; announce > 0 {
		stats.Rx[11] = p.syncs * uint64(d.clock.Sync.Interval) / uint64(announce)
	}
	return stats
}

func (d *daemon) portDataSet(p *port) *pmc.PortDataSet {
	sync := logInterval(d.clock.Sync.Interval)
	return &pmc.PortDataSet{
		PortIdentity: d.portIdentity(p.number),
		PortState:    p.state,
		// As many Delay_Reqs as Syncs, which is the custom.
		LogMinDelayReqInterval: sync,
		LogAnnounceInterval:    logInterval(d.clock.Announce.Interval),
		AnnounceReceiptTimeout: d.clock.Announce.Timeout,
		LogSyncInterval:        sync,
		DelayMechanism:         delayEndToEnd,
		VersionNumber:          2,
	}
}

func (d *daemon) description(p *port) *pmc.ClockDescription {
	kind := uint16(0x8000) // ordinary clock (IEEE 1588-2019, table 66)
	if len(d.ports) > 1 {
		kind = 0x4000 // boundary clock
	}
	mac := slices.Concat(d.identity[:3], d.identity[5:])
	mac[5] += byte(p.number - 1)
	return &pmc.ClockDescription{
		ClockType:             kind,
		PhysicalLayerProtocol: []byte("IEEE 802.3"),
		PhysicalAddress:       mac,
		ProtocolAddress:       pmc.PortAddress{NetworkProtocol: pmc.ProtocolIEEE8023, Address: mac},
		ProductDescription:    []byte(";;"),
		RevisionData:          []byte(";;"),
		// The default profile with the delay request-response mechanism (IEEE 1588-2019, I.3).
		ProfileIdentity: [6]byte{0x00, 0x1b, 0x19, 0x00, 0x01, 0x00},
	}
}

// adoptGrandmaster takes over what the grandmaster announces.
func (d *daemon) adoptGrandmaster() {
	g := &d.grandmaster
	d.current.StepsRemoved = 1
	d.scale = pmc.TimePropertiesDataSet{CurrentUTCOffset: g.UTCOffset, Flags: g.TimeFlags, TimeSource: g.TimeSource}
	d.setParent(pmc.PortIdentity{Clock: g.Identity, Port: 1}, g.Identity, g.settings().ClockQuality, g.Priority1, g.Priority2)
}

// becomeGrandmaster makes the clock its own parent (IEEE 1588-2019, table 30).
func (d *daemon) becomeGrandmaster() {
	d.current = pmc.CurrentDataSet{}
	d.scale = pmc.TimePropertiesDataSet{CurrentUTCOffset: d.own.UTCOffset, Flags: d.own.TimeFlags, TimeSource: d.own.TimeSource}
	d.setParent(d.portIdentity(0), d.identity, d.own.ClockQuality, d.priority1, d.priority2)
}

// setParent changes PARENT_DATA_SET and tells the subscribers if it is another.
func (d *daemon) setParent(parent pmc.PortIdentity, gm pmc.ClockIdentity, quality pmc.ClockQuality, priority1, priority2 uint8) {
	before := d.parent
	d.parent.ParentPort = parent
	d.parent.GrandmasterIdentity = gm
	d.parent.GrandmasterClockQuality = quality
	d.parent.GrandmasterPriority1 = priority1
	d.parent.GrandmasterPriority2 = priority2
	d.status.GMIdentity = gm
	d.status.GMPresent = gm != d.identity
	if d.parent != before {
		d.notify(pmc.NotifyParentDataSet, pmc.ClockPort, &d.parent)
	}
}
