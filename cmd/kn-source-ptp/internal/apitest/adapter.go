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

package apitest

import (
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
	"github.com/eventing-ptp/eventing-ptp/test/outage"
)

// Adapter is what an adapter shows of itself: the real thing, over a journal in memory. Its
// pods can be replaced while it goes on, as with a journal on the node.
type Adapter struct {
	*outage.Handler

	t       *testing.T
	journal *journal.Log
	encoder oran.Encoder

	mu    sync.Mutex
	state stream.State
	epoch string
}

// NewAdapter returns one on a node, for a PtpSource.
func NewAdapter(t *testing.T, node, source string) *Adapter {
	t.Helper()
	j, err := journal.NewMemory(journal.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	encoder, err := oran.NewEncoder(oran.Place{Cluster: "cluster", Node: node}, oran.SourceFull)
	if err != nil {
		t.Fatal(err)
	}
	a := &Adapter{t: t, journal: j, encoder: encoder}
	a.state = stream.State{
		Cluster: "cluster", Node: node, Source: source, Instances: []stream.Instance{},
		Overall:    stream.Condition{State: "FREERUN", Reason: "NoInstance"},
		Thresholds: stream.Thresholds{LockOffset: "100ns", UnlockOffset: "200ns", HoldoverTimeout: "5s"},
	}
	server := &stream.Server{Journal: j, Encoder: encoder, Source: source, State: a.State, Logger: zap.NewNop()}
	a.Handler = outage.New(server.Handler())
	return a
}

// State returns what it says of its clocks.
func (a *Adapter) State() stream.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

// SetState changes that.
func (a *Adapter) SetState(change func(*stream.State)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.state)
}

// Change has the clock of an instance change at a time, and returns the id of the event.
func (a *Adapter) Change(at time.Time, instance string, from, to clock.State) string {
	a.t.Helper()
	t := clock.Transition{Kind: clock.LockState, Instance: instance, Interface: "eth0", To: to, Reason: clock.OffsetInRange}
	if from != clock.Unknown {
		t.From = from
	}
	if to == clock.Locked {
		t.Offset, t.HasOffset = -37, true
	}
	event, err := a.encoder.Encode(t, at)
	if err != nil {
		a.t.Fatal(err)
	}
	e, err := a.journal.Append(event.Marshal())
	if err != nil {
		a.t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.epoch = e.Epoch
	return e.ID()
}

// Epoch is what its events are counted in.
func (a *Adapter) Epoch() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.epoch
}
