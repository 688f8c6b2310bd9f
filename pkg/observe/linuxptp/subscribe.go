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
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// begin learns what this ptp4l is and can do, subscribes, and reports a first reading.
func (s *session) begin(ctx context.Context) error {
	var hw pmc.PortHWClockNP
	var refused pmc.StatusError
	switch err := s.client.Fetch(ctx, &hw); {
	case err == nil:
		s.pushesSync = !s.slowly
	case errors.As(err, &refused):
		// linuxptp before 4.0 has no PORT_HWCLOCK_NP, and stores a subscription to
		// TIME_SYNC without ever serving it.
	default:
		return err
	}
	if err := s.learnParentPushes(ctx); err != nil {
		return err
	}
	if err := s.readInterfaces(ctx); err != nil {
		return err
	}
	if err := s.readHardwareClocks(ctx); err != nil {
		return err
	}
	if _, err := s.readPorts(ctx); err != nil { // for the Sync interval, which the subscription needs
		return err
	}
	var before pmc.TimeStatusNP // a Sync from before we looked proves nothing about now
	if err := s.client.Fetch(ctx, &before); err != nil {
		return err
	}
	s.ingress = before.IngressTime
	s.pushesPorts = true
	switch err := s.subscribe(ctx); {
	case err == nil:
	case errors.As(err, &refused):
		// The read-only socket takes no subscriptions.
		s.pushesPorts, s.pushesSync, s.pushesParent = false, false, false
	default:
		return err
	}
	s.poll.Reset(s.pollInterval())
	s.log.Infow("watching ptp4l", "identity", s.client.Identity().String(), "interfaces", s.interfaces, "hardwareClocks", s.hardware,
		"syncInterval", s.interval, "pushed", map[string]bool{"ports": s.pushesPorts, "offset": s.pushesSync, "parent": s.pushesParent})
	return s.read(ctx)
}

// learnParentPushes finds out whether the parent is pushed for sure: from linuxptp 4.2 on,
// of which 4.3 can be told by its CMLDS_INFO_NP, and 4.2 once it has done it.
func (s *session) learnParentPushes(ctx context.Context) error {
	_, err := s.client.Get(ctx, pmc.IDCMLDSInfoNP)
	refused, isRefusal := errors.AsType[pmc.StatusError](err)
	if err != nil && !isRefusal {
		return err
	}
	s.pushesParent = err == nil || refused.Status != pmc.ErrorNoSuchID
	return nil
}

// subscribe asks for everything that ptp4l pushes, at the present Sync rate. Offsets that
// come too fast to be pushed safely are polled.
func (s *session) subscribe(ctx context.Context) error {
	events := pmc.Events(pmc.NotifyPortState, pmc.NotifyParentDataSet)
	if s.pushesSync {
		events.Set(pmc.NotifyTimeSync)
	}
	err := s.client.Subscribe(ctx, pmc.Subscription{Events: events, Interval: s.interval, Quiet: s.calm()})
	if errors.Is(err, pmc.ErrTooFast) {
		s.pushesSync = false
		return s.subscribe(ctx)
	}
	if err != nil {
		return fmt.Errorf("subscribe to ptp4l: %w", err)
	}
	s.subscribed = s.interval
	s.poll.Reset(s.pollInterval())
	return nil
}

// calm says which samples need not be reported each. One in every 2, 4, 8, ... comes all
// the same.
func (s *session) calm() pmc.Quiet {
	every := uint16(1)
	for time.Duration(2*every)*s.interval <= calmPeriod {
		every *= 2
	}
	if s.config.CalmOffset <= 0 || !s.pushesSync {
		every = 1
	}
	return pmc.Quiet{Within: s.config.CalmOffset, Every: every}
}

// heldBack is how long ago the last Sync may at most have come after the last that was
// reported.
func (s *session) heldBack() time.Duration {
	return time.Duration(s.calm().Every-1) * s.interval
}
