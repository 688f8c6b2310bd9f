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

package linuxptp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// read reports a reading of everything.
func (s *session) read(ctx context.Context) error {
	asked := time.Now()
	local, err := s.readLocal(ctx)
	if err != nil {
		return err
	}
	ports, err := s.readPorts(ctx)
	if err != nil {
		return err
	}
	parent, err := s.readParent(ctx)
	if err != nil {
		return err
	}
	if err := s.readTimeProperties(ctx); err != nil {
		return err
	}
	s.asked, s.slow, s.parents = asked, asked, asked
	s.emit(time.Now(), clock.Reading{Local: local, Parent: parent, Ports: ports})
	if err := s.settle(ctx, asked, ports); err != nil {
		return err
	}
	return s.readPathDelay(ctx, time.Now())
}

func (s *session) readLocal(ctx context.Context) (clock.Local, error) {
	var d pmc.DefaultDataSet
	if err := s.client.Fetch(ctx, &d); err != nil {
		return clock.Local{}, err
	}
	return clock.Local{Identity: clock.Identity(d.ClockIdentity), Class: clock.Class(d.ClockQuality.Class)}, nil
}

func (s *session) readParent(ctx context.Context) (clock.Parent, error) {
	var d pmc.ParentDataSet
	if err := s.client.Fetch(ctx, &d); err != nil {
		return clock.Parent{}, err
	}
	return parent(&d), nil
}

// readTimeProperties reports the timescale, which ptp4l never pushes.
func (s *session) readTimeProperties(ctx context.Context) error {
	now := time.Now()
	var d pmc.TimePropertiesDataSet
	if err := s.client.Fetch(ctx, &d); err != nil {
		return err
	}
	// Whether the offset is said to be valid does not matter to phc2sys, either.
	scale := clock.TimeProperties{PTP: d.Flags.Has(pmc.PTPTimescale), UTCOffset: time.Duration(d.CurrentUTCOffset) * time.Second}
	switch {
	case d.Flags.Has(pmc.Leap61):
		scale.Leap = clock.Leap61
	case d.Flags.Has(pmc.Leap59):
		scale.Leap = clock.Leap59
	}
	s.emit(now, scale)
	return nil
}

// readPathDelay reports how long messages take from the master, where there is one:
// without, ptp4l goes on answering with what was measured last.
func (s *session) readPathDelay(ctx context.Context, at time.Time) error {
	if s.slave == 0 {
		return nil
	}
	var d pmc.CurrentDataSet
	if err := s.client.Fetch(ctx, &d); err != nil {
		return err
	}
	s.emit(at, clock.PathDelay{Delay: d.MeanPathDelay.Duration()})
	return nil
}

func parent(d *pmc.ParentDataSet) clock.Parent {
	return clock.Parent{Grandmaster: clock.Identity(d.GrandmasterIdentity), Class: clock.Class(d.GrandmasterClockQuality.Class)}
}

// readPorts reads all ports, and takes the Sync interval from the one that counts.
func (s *session) readPorts(ctx context.Context) ([]clock.Port, error) {
	answers, err := s.client.Get(ctx, pmc.IDPortDataSet)
	if err != nil {
		return nil, err
	}
	ports := make([]clock.Port, 0, len(answers))
	var d pmc.PortDataSet
	for _, a := range answers {
		if err := d.UnmarshalBinary(a.Data); err != nil {
			return nil, err
		}
		ports = append(ports, s.port(&d))
	}
	return ports, nil
}

func (s *session) port(d *pmc.PortDataSet) clock.Port {
	if s.interval == 0 || clock.PortState(d.PortState) == clock.Slave {
		s.interval = logInterval(d.LogSyncInterval)
	}
	return clock.Port{
		Number:        d.PortIdentity.Port,
		State:         clock.PortState(d.PortState),
		Interface:     s.interfaces[d.PortIdentity.Port],
		HardwareClock: s.hardware[d.PortIdentity.Port],
	}
}

// logInterval returns 2^l seconds, for the values that IEEE 1588-2019, 7.7.2.1, gives a
// meaning and 802.1AS calls sensible; a port that sends no Sync (127) counts as one a second.
func logInterval(l int8) time.Duration {
	if l < -10 || l > 10 {
		return time.Second
	}
	return time.Duration(math.Ldexp(float64(time.Second), int(l)))
}

// readInterfaces reads which network interface each port is. The read-only socket does
// not tell; ports then go by their number.
func (s *session) readInterfaces(ctx context.Context) error {
	s.interfaces, s.hardware = map[uint16]string{}, map[uint16]string{}
	answers, err := s.client.Get(ctx, pmc.IDPortPropertiesNP)
	if _, refused := errors.AsType[pmc.StatusError](err); refused {
		return nil
	}
	if err != nil {
		return err
	}
	for _, a := range answers {
		var p pmc.PortPropertiesNP
		if err := p.UnmarshalBinary(a.Data); err != nil {
			return err
		}
		s.interfaces[p.PortIdentity.Port] = string(p.Interface)
		if p.Timestamping == pmc.TimestampingSoftware {
			s.hardware[p.PortIdentity.Port] = clock.NoHardwareClock
		}
	}
	return nil
}

// readHardwareClocks reads which hardware clock each port has: it changes when a bond changes
// to another card. linuxptp before 4.0 does not tell, and neither does the read-only socket.
func (s *session) readHardwareClocks(ctx context.Context) error {
	answers, err := s.client.Get(ctx, pmc.IDPortHWClockNP)
	if _, refused := errors.AsType[pmc.StatusError](err); refused {
		return nil
	}
	if err != nil {
		return err
	}
	for _, a := range answers {
		var d pmc.PortHWClockNP
		if err := d.UnmarshalBinary(a.Data); err != nil {
			return err
		}
		s.hardware[d.PortIdentity.Port] = clock.NoHardwareClock
		if d.PHCIndex >= 0 {
			s.hardware[d.PortIdentity.Port] = fmt.Sprintf("ptp%d", d.PHCIndex)
		}
	}
	return nil
}

// readSync reads the offset, reports it if there was a Sync since the last one, and
// returns whether there was. Without a master ingress_time is 0 or stands still, and
// the offset is an old one.
func (s *session) readSync(ctx context.Context) (bool, error) {
	now := time.Now()
	var d pmc.TimeStatusNP
	if err := s.client.Fetch(ctx, &d); err != nil {
		return false, err
	}
	if d.IngressTime == 0 || d.IngressTime == s.ingress {
		return false, nil
	}
	s.sync(now, &d, 0)
	return true, nil
}

// settle follows up a reading of all ports that was asked for at asked.
func (s *session) settle(ctx context.Context, asked time.Time, ports []clock.Port) error {
	var slave uint16
	for _, p := range ports {
		if p.State == clock.Slave {
			slave = p.Number
		}
	}
	s.followPort(asked, slave)
	return s.adapt(ctx)
}

// pollInterval is how often there is something to poll.
func (s *session) pollInterval() time.Duration {
	switch {
	case s.pushesParent:
		return slowPoll
	case s.pushesSync:
		return parentPoll
	}
	return min(max(s.interval, fastestPoll), slowestPoll)
}

// pollDue reads what is due at now of what is not pushed.
func (s *session) pollDue(ctx context.Context, now time.Time) error {
	if !s.pushesSync {
		if _, err := s.readSync(ctx); err != nil {
			return err
		}
	}
	const early = fastestPoll / 2 // a tick may come so much before its time
	parentDue := parentPoll
	if !s.pushesSync {
		parentDue = slowestPoll
	}
	slow := now.Sub(s.slow) >= slowPoll-early
	if slow {
		s.slow = now
		s.reportUnreadable()
		local, err := s.readLocal(ctx)
		if err != nil {
			return err
		}
		s.emit(now, local)
		if err := s.readPathDelay(ctx, now); err != nil {
			return err
		}
		if err := s.readTimeProperties(ctx); err != nil {
			return err
		}
		if err := s.readHardwareClocks(ctx); err != nil {
			return err
		}
	}
	if slow || !s.pushesParent && now.Sub(s.parents) >= parentDue-early {
		s.parents = now
		parent, err := s.readParent(ctx)
		if err != nil {
			return err
		}
		s.emit(now, parent)
	}
	if !slow && s.pushesPorts {
		return nil
	}
	if err := s.hear(ctx); err != nil { // nothing older may come after what is read now
		return err
	}
	asked := time.Now()
	ports, err := s.readPorts(ctx)
	if err != nil {
		return err
	}
	for _, p := range ports {
		s.emit(asked, p)
	}
	s.asked = asked
	return s.settle(ctx, asked, ports)
}
