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

package fleet

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
	"github.com/eventing-ptp/eventing-ptp/test/outage"
	"go.uber.org/zap"
)

// Adapter is an adapter as it can be asked: what it answers with is the real thing, over a
// journal in memory; its clocks are played.
type Adapter struct {
	*outage.Handler
	Node, Source string

	namespace, pod, uid string
	version             int // of its pod
	journal             *journal.Log
	encoder             oran.Encoder
	seed                float64

	mu     sync.Mutex
	state  stream.State
	values map[string]clock.Value // by kind and instance
	ahead  time.Duration
}

func newAdapter(namespace, source, node string, n int) (*Adapter, error) {
	j, err := journal.NewMemory(journal.Limits{Entries: 4096, Bytes: 8 << 20})
	if err != nil {
		return nil, err
	}
	encoder, err := oran.NewEncoder(oran.Place{Cluster: "cluster", Node: node}, oran.SourceFull)
	if err != nil {
		return nil, err
	}
	a := &Adapter{
		Node: node, Source: source, namespace: namespace, pod: fmt.Sprintf("ptpsource-%s-%05x", source, n*7919%0xfffff), uid: source + "-uid",
		journal: j, encoder: encoder, seed: float64(n), values: map[string]clock.Value{},
	}
	a.state = stream.State{
		Cluster: "cluster", Node: node, Source: source, Instances: []stream.Instance{},
		Overall:    stream.Condition{State: "UNKNOWN"},
		Thresholds: stream.Thresholds{LockOffset: "100ns", UnlockOffset: "200ns", HoldoverTimeout: "5s"},
	}
	server := &stream.Server{Journal: j, Encoder: encoder, Source: source, State: a.present, Logger: zap.NewNop()}
	a.Handler = outage.New(server.Handler())
	return a, nil
}

// present is what it says of its clocks now. Those that are LOCKED have an offset that wanders.
func (a *Adapter) present() stream.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	state := a.state
	state.Time = time.Now().Add(a.ahead).UTC()
	state.Instances = make([]stream.Instance, len(a.state.Instances))
	for n, i := range a.state.Instances {
		if i.State == "LOCKED" && i.OffsetNanoseconds == nil {
			i.OffsetNanoseconds = new(a.offset(state.Time))
		}
		state.Instances[n] = i
	}
	return state
}

func (a *Adapter) offset(at time.Time) int64 {
	t := float64(at.UnixMilli()) / 1000
	return int64(22*math.Sin(t/7+a.seed) + 14*math.Sin(t*1.7+3*a.seed) + 9*math.Sin(t*11.3+a.seed*a.seed))
}

// Change is how a clock becomes another.
type Change struct {
	// Kind is clock.LockState where it is left out.
	Kind     clock.Kind
	Instance string
	To       clock.Value
	Reason   clock.Reason
	// Offset is told with a lock-state, where it is not 0.
	Offset time.Duration
}

// Change has a clock be another from a time on, and records the event. It returns its id.
func (a *Adapter) Change(at time.Time, c Change) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.Kind == 0 {
		c.Kind = clock.LockState
	}
	t := clock.Transition{
		Kind: c.Kind, Instance: c.Instance, Interface: "ens1f0", To: c.To, Reason: c.Reason, Offset: c.Offset, HasOffset: c.Offset != 0,
	}
	key := fmt.Sprint(c.Kind, c.Instance)
	if from, known := a.values[key]; known && c.Kind != clock.OSClockSet && c.Kind != clock.HardwareClockSet {
		t.From = from
	}
	a.values[key] = c.To
	event, err := a.encoder.Encode(t, at)
	if err != nil {
		return "", fmt.Errorf("node %s: %w", a.Node, err)
	}
	a.apply(at, c)
	a.remember(event)
	e, err := a.journal.Append(event.Marshal())
	if err != nil {
		return "", fmt.Errorf("node %s: record an event: %w", a.Node, err)
	}
	return e.ID(), nil
}

// Test records a test event about the lock-state of an instance.
func (a *Adapter) Test(at time.Time, instance string) error {
	event, err := a.encoder.Test(oran.Address{Instance: instance, Resource: oran.LockState}, at)
	if err != nil {
		return fmt.Errorf("node %s: %w", a.Node, err)
	}
	if _, err := a.journal.Append(event.Marshal()); err != nil {
		return fmt.Errorf("node %s: record an event: %w", a.Node, err)
	}
	return nil
}

// apply has the state be as the change says.
func (a *Adapter) apply(at time.Time, c Change) {
	at = at.UTC()
	condition := stream.Condition{State: c.To.String(), Since: &at, Reason: string(c.Reason)}
	switch c.Kind {
	case clock.SyncState:
		a.state.Overall = condition
	case clock.OSClockState:
		a.state.OSClock = &condition
	case clock.LockState:
		i := a.instance(c.Instance)
		i.Condition, i.OffsetNanoseconds = condition, nil
		i.Up, i.Silent = c.Reason != clock.DaemonDown, c.Reason == clock.SyncSilent
		port := "SLAVE"
		if c.Reason == clock.PortNotSlave {
			port = "LISTENING"
		}
		if c.Reason == clock.OffsetOutOfRange {
			i.OffsetNanoseconds = new(c.Offset.Nanoseconds())
		}
		i.Ports = []stream.Port{{Number: 1, State: port, Interface: "ens1f0"}}
	case clock.ClockClass:
		a.instance(c.Instance).Class = c.To.String()
	}
}

// remember has the state tell of what the event is about.
func (a *Adapter) remember(e oran.Event) {
	r := stream.Resource{Address: e.Address.String(), Instance: e.Address.Instance, State: e.State, Since: &e.Time}
	all := slices.Clone(a.state.Resources) // somebody may be reading them
	if n := slices.IndexFunc(all, func(other stream.Resource) bool { return other.Address == r.Address }); n >= 0 {
		all[n] = r
	} else {
		all = append(all, r)
	}
	a.state.Resources = all
}

func (a *Adapter) instance(name string) *stream.Instance {
	for n := range a.state.Instances {
		if a.state.Instances[n].Name == name {
			return &a.state.Instances[n]
		}
	}
	a.state.Instances = append(a.state.Instances, stream.Instance{
		Name: name, Interface: "ens1f0", PathDelayNanoseconds: new(1000 + int64(a.seed)%400), Grandmaster: "42160d.fffe.627ae7",
	})
	return &a.state.Instances[len(a.state.Instances)-1]
}

// SetAhead has the node's clock be another than that of this machine.
func (a *Adapter) SetAhead(by time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ahead = by
}
