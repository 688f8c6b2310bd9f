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

package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// ServoLock makes a follower or boundary clock take itself for locked: its port
// becomes SLAVE with the next Sync. It returns the time just before the request.
func (c *Clock) ServoLock(ctx context.Context) (time.Time, error) {
	return c.servo(ctx, "lock the servo of", true)
}

// ServoUnlock makes a follower or boundary clock take itself for unlocked: its
// port becomes UNCALIBRATED with the next Sync. It returns the time just before
// the request.
func (c *Clock) ServoUnlock(ctx context.Context) (time.Time, error) {
	return c.servo(ctx, "unlock the servo of", false)
}

func (c *Clock) servo(ctx context.Context, verb string, locked bool) (time.Time, error) {
	return c.manage(ctx, verb, func(client *pmc.Client) (time.Time, error) {
		at := time.Now()
		err := setUncertain(ctx, client, !locked)
		if err == nil {
			c.servoLocked = locked
		}
		return at, err
	})
}

// setUncertain sets SYNCHRONIZATION_UNCERTAIN_NP: a clock with free_running
// takes its servo for locked if and only if that is false (clock_synchronize in
// linuxptp's clock.c).
func setUncertain(ctx context.Context, client *pmc.Client, uncertain bool) error {
	value := pmc.SyncUncertainFalse
	if uncertain {
		value = pmc.SyncUncertainTrue
	}
	return client.Set(ctx, &pmc.SynchronizationUncertainNP{Value: value})
}

// SetClass changes the clockClass that a grandmaster announces and leaves its
// other grandmaster settings alone. Followers see it with the next Announce. It
// returns the time just before the request.
func (c *Clock) SetClass(ctx context.Context, class uint8) (time.Time, error) {
	return c.manage(ctx, "set the clock class of", func(client *pmc.Client) (time.Time, error) {
		var settings pmc.GrandmasterSettingsNP
		if err := client.Fetch(ctx, &settings); err != nil {
			return time.Now(), err
		}
		settings.ClockQuality.Class = class
		at := time.Now()
		return at, client.Set(ctx, &settings)
	})
}

// SetPriority1 changes priority1 of a clock's default data set, which decides
// first between grandmasters: the lowest wins. It returns the time just before
// the request.
func (c *Clock) SetPriority1(ctx context.Context, priority1 uint8) (time.Time, error) {
	return c.manage(ctx, "set priority1 of", func(client *pmc.Client) (time.Time, error) {
		at := time.Now()
		return at, client.Set(ctx, &pmc.Priority1{Priority: priority1})
	})
}

// Status is what a clock says of itself.
type Status struct {
	Ports                []pmc.PortState // port 1 first
	GrandmasterClass     uint8           // clockClass, its own if it is grandmaster
	GrandmasterPriority1 uint8
	Offset               time.Duration // from its master
	PathDelay            time.Duration // mean, one way
}

// Status asks the clock. After the loss of a grandmaster ptp4l keeps answering
// with what it knew last, except for the port states.
func (c *Clock) Status(ctx context.Context) (Status, error) {
	var s Status
	_, err := c.manage(ctx, "read the status of", func(client *pmc.Client) (at time.Time, err error) {
		var parent pmc.ParentDataSet
		if err := client.Fetch(ctx, &parent); err != nil {
			return at, err
		}
		var current pmc.CurrentDataSet
		if err := client.Fetch(ctx, &current); err != nil {
			return at, err
		}
		s.GrandmasterClass = parent.GrandmasterClockQuality.Class
		s.GrandmasterPriority1 = parent.GrandmasterPriority1
		s.Offset = current.OffsetFromMaster.Duration()
		s.PathDelay = current.MeanPathDelay.Duration()
		// The states come last: a port that is SLAVE after the parent was read
		// follows that parent, or a newer one.
		s.Ports, err = c.readPorts(ctx, client)
		return at, err
	})
	return s, err
}

// WaitState waits until a port of the clock is in the state. It fails when ctx is
// done or ptp4l ends, and then quotes ptp4l's log.
func (c *Clock) WaitState(ctx context.Context, want pmc.PortState) error {
	return c.wait(ctx, want.String(), func(s Status) bool { return slices.Contains(s.Ports, want) })
}

// waitSettled waits until port 1 is SLAVE under one of the lab's grandmasters. On
// the way there a clock may follow the second best grandmaster, or a boundary
// clock that has not yet heard of any.
func (c *Clock) waitSettled(ctx context.Context) error {
	return c.wait(ctx, "SLAVE", func(s Status) bool {
		return s.Ports[0] == pmc.PortSlave && s.GrandmasterPriority1 < priorityDefault
	})
}

// wait waits until the clock's status is as wanted.
func (c *Clock) wait(ctx context.Context, want string, ok func(Status) bool) error {
	c.mu.Lock()
	process, err := c.process, c.ready()
	c.mu.Unlock()
	var seen Status
	if err == nil {
		err = c.poll(ctx, process, func() (bool, error) {
			s, err := c.Status(ctx)
			if err == nil {
				seen = s
			}
			return err == nil && ok(s), err
		})
	}
	if err != nil {
		return fmt.Errorf("wait for %s to be %s, it is %v: %w", c.name, want, seen.Ports, err)
	}
	return nil
}

func (c *Clock) readPorts(ctx context.Context, client *pmc.Client) ([]pmc.PortState, error) {
	answers, err := client.Get(ctx, pmc.IDPortDataSet)
	if err != nil {
		return nil, err
	}
	states := make([]pmc.PortState, len(c.ports))
	if len(answers) != len(states) {
		return nil, fmt.Errorf("%d ports answered, not %d", len(answers), len(states))
	}
	for _, a := range answers {
		var d pmc.PortDataSet
		if err := d.UnmarshalBinary(a.Data); err != nil {
			return nil, err
		}
		if n := int(d.PortIdentity.Port); n >= 1 && n <= len(states) {
			states[n-1] = d.PortState
		}
	}
	return states, nil
}

// manage is verb with a connection to a clock that can answer.
func (c *Clock) manage(ctx context.Context, name string, f func(*pmc.Client) (time.Time, error)) (time.Time, error) {
	return c.verb(name, func() (at time.Time, err error) {
		if err := c.ready(); err != nil {
			return time.Now(), err
		}
		err = c.connect(ctx, func(client *pmc.Client) error {
			at, err = f(client)
			return err
		})
		return at, err
	})
}

// connect calls f with a connection to the clock's management socket. It does so
// inside of the node, because ptp4l answers to a path, and a machine has mounts of
// its own.
func (c *Clock) connect(ctx context.Context, f func(*pmc.Client) error) error {
	return c.node.Do(func() error {
		var transportSpecific uint8 // 0: no lab speaks IEEE 802.1AS
		client, err := pmc.Dial(ctx, pmc.Config{Socket: c.Socket(), Domain: &c.domain, TransportSpecific: &transportSpecific})
		if err != nil {
			return err
		}
		defer client.Close()
		return f(client)
	})
}

// parseState returns the port state of a name such as SLAVE (IEEE 1588-2019,
// table 20).
func parseState(name string) (pmc.PortState, error) {
	for s := pmc.PortInitializing; s <= pmc.PortSlave; s++ {
		if strings.EqualFold(s.String(), name) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q is no port state", name)
}
