//go:build e2e

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

package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
	"github.com/eventing-ptp/eventing-ptp/test/witness"
)

// rounds is how often each of two clocks loses its lock for TestLatency.
const rounds = 100

// shares is how long it took from ptp4l's push to the handler of a Knative Service, and which
// part of it was whose.
type shares struct{ all, adapter, broker time.Duration }

// TestLatency measures how long it takes from ptp4l's push in a node until a Knative Service's
// handler is entered, through Broker and Trigger.
func TestLatency(t *testing.T) {
	always := always.in(t)
	always.Source("latency", kit.ToBroker("default"), kit.Watching(forStates))
	always.ReadyOn("latency", 2)
	var mu sync.Mutex
	var samples []shares
	t.Run("samples", func(t *testing.T) {
		for _, node := range []string{"n1", "n2"} {
			t.Run(node, func(t *testing.T) {
				t.Parallel()
				m, err := cluster.Machine(node)
				if err != nil {
					t.Fatal(err)
				}
				inside, err := sandbox.JoinNamespace(m.Pid)
				if err != nil {
					t.Fatal(err)
				}
				always := always.in(t)
				always.handler.Expect(time.Time{}, kit.Event{Source: "latency", Node: node, Type: kit.LockState, State: "LOCKED"})
				for range rounds {
					s := always.sample(t, inside, node)
					mu.Lock()
					samples = append(samples, s)
					mu.Unlock()
				}
				if err := inside.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	})
	always.Delete("latency")
	if len(samples) < 2*rounds {
		t.Fatalf("%d samples", len(samples))
	}
	column := func(of func(shares) time.Duration) (p50, p99, worst time.Duration) {
		var all []time.Duration
		for _, s := range samples {
			all = append(all, of(s))
		}
		slices.Sort(all)
		return all[len(all)/2], all[len(all)*99/100], all[len(all)-1]
	}
	t.Logf("%-55s %9s %9s %9s   n = %d", "", "p50", "p99", "max", len(samples))
	for _, row := range []struct {
		name string
		of   func(shares) time.Duration
	}{
		{"ptp4l's push -> handler of the Knative Service", func(s shares) time.Duration { return s.all }},
		{"of it ptp4l's push -> adapter -> Broker's ingress", func(s shares) time.Duration { return s.adapter }},
		{"of it Broker, Trigger and Knative Service", func(s shares) time.Duration { return s.broker }},
	} {
		p50, p99, worst := column(row.of)
		t.Logf("%-55s %9v %9v %9v", row.name, p50.Round(10*time.Microsecond), p99.Round(10*time.Microsecond), worst.Round(10*time.Microsecond))
	}
	// Far more than it takes: what is asked for is that an event is not waited for.
	if p50, _, _ := column(func(s shares) time.Duration { return s.adapter }); p50 > 100*time.Millisecond {
		t.Errorf("half of the events took the adapter more than %v", p50)
	}
}

// sample has a clock lose its lock and find it again.
func (w *watch) sample(t *testing.T, inside *sandbox.Namespace, node string) shares {
	t.Helper()
	var pushes *witness.Witness
	if err := inside.Do(func() (err error) {
		pushes, err = witness.New(fmt.Sprintf("/var/run/ptp/ptp4l.%d.socket", forStates))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	began := clocks.Do(t, "servo unlock %s.%d", node, forStates)
	lost := kit.Event{Source: "latency", Node: node, Type: kit.LockState, State: "HOLDOVER"}
	event := w.handler.Expect(began, lost)
	push, err := pushes.First(began, func(s witness.Sighting) bool { return s.ID == pmc.IDPortDataSet && s.State == pmc.PortUncalibrated })
	if err != nil {
		t.Fatal(err)
	}
	if err := inside.Do(func() error { pushes.Close(); return nil }); err != nil {
		t.Fatal(err)
	}
	// The Broker says when it has taken an event.
	entered, err := time.Parse(time.RFC3339Nano, event.Extension("knativearrivaltime"))
	if err != nil {
		t.Fatal(err)
	}
	back := clocks.Do(t, "servo lock %s.%d", node, forStates)
	found := lost
	found.State = "LOCKED"
	w.handler.Expect(back, found)
	return shares{event.Arrived.Sub(push.At), entered.Sub(push.At), event.Arrived.Sub(entered)}
}
