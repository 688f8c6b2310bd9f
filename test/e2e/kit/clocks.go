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

package kit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

// pulseInterval is how often the grandmaster's class changes: its followers hear of it with
// the next Announce, within a second.
const pulseInterval = 3 * time.Second

// Clocks are ptp4l instances on nodes of a cluster, and their grandmaster, whose class
// changes from 6 to 7 and back again all the time. So there is always an event that must
// come next, and none of them may be missing. Tests break all but the first instance of a
// node, so that the first ones have nothing else to tell of.
type Clocks struct {
	*lab.Lab

	close func() error // once

	mu     sync.Mutex
	pulses []ledger.Pulse
}

// StartClocks starts so many ptp4l instances on each of the nodes.
func (c *Cluster) StartClocks(ctx context.Context, instances int, nodes ...string) (*Clocks, error) {
	o := lab.DefaultOptions()
	o.Topology = lab.Fleet
	for _, name := range nodes {
		m, err := c.Machine(name)
		if err != nil {
			return nil, err
		}
		m.Followers = instances
		o.Machines = append(o.Machines, m)
	}
	l, err := lab.Build(ctx, o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	clocks := &Clocks{Lab: l}
	done := make(chan error, 1)
	go func() { done <- clocks.pulse(ctx) }()
	clocks.close = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-done, l.Close())
	})
	return clocks, nil
}

func (c *Clocks) pulse(ctx context.Context) error {
	gm, err := c.Clock("gm")
	if err != nil {
		return err
	}
	ticker := time.NewTicker(pulseInterval)
	defer ticker.Stop()
	for class := uint8(7); ; class = 13 - class { // 6 at the start
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		at, err := gm.SetClass(ctx, class)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		c.mu.Lock()
		c.pulses = append(c.pulses, ledger.Pulse{At: at.Round(0), Class: strconv.Itoa(int(class))})
		c.mu.Unlock()
	}
}

// Pulses returns the changes of the class so far.
func (c *Clocks) Pulses() []ledger.Pulse {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.pulses)
}

// Do does what a line such as "servo unlock n1.1" says, and returns the time just before.
func (c *Clocks) Do(t T, format string, args ...any) time.Time {
	t.Helper()
	at, err := c.Lab.Do(t.Context(), fmt.Sprintf(format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Close ends them all. A second Close does nothing and returns the same.
func (c *Clocks) Close() error { return c.close() }
