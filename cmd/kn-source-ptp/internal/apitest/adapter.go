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
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// Adapter is what an adapter shows of itself: the real thing, over a journal in memory. Its
// pods can be replaced while it goes on, as with a journal on the node.
type Adapter struct {
	t       *testing.T
	journal *journal.Log
	encoder oran.Encoder
	handler http.Handler

	mu    sync.Mutex
	state stream.State
	epoch string
	cut   chan struct{} // closed to break all connections
	deaf  bool
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
	a := &Adapter{t: t, journal: j, encoder: encoder, cut: make(chan struct{})}
	a.state = stream.State{
		Cluster: "cluster", Node: node, Source: source, Instances: []stream.Instance{},
		Overall:    stream.Condition{State: "FREERUN", Reason: "NoInstance"},
		Thresholds: stream.Thresholds{LockOffset: "100ns", UnlockOffset: "200ns", HoldoverTimeout: "5s"},
	}
	a.handler = (&stream.Server{Journal: j, Encoder: encoder, Source: source, State: a.State, Logger: zap.NewNop()}).Handler()
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

// Cut breaks all connections.
func (a *Adapter) Cut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.cut)
	a.cut = make(chan struct{})
}

// SetDeaf is whether it answers nobody any more.
func (a *Adapter) SetDeaf(deaf bool) {
	a.mu.Lock()
	a.deaf = deaf
	a.mu.Unlock()
	a.Cut()
}

// ServeHTTP implements http.Handler.
func (a *Adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	cut, deaf := a.cut, a.deaf
	a.mu.Unlock()
	if deaf {
		<-r.Context().Done()
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.handler.ServeHTTP(w, r.WithContext(ctx))
	}()
	select {
	case <-done:
	case <-cut:
		if _, served := w.(http.Hijacker); !served {
			<-done
			return
		}
		cancel()
		<-done
		panic(http.ErrAbortHandler) // the connection breaks, and the answer has no end
	}
}
