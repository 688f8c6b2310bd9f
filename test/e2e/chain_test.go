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
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// The whole chain: Triggers by address, by node and by state each hand a Knative Service what
// it asked for, and nothing else.
func TestChain(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	handler := r.StartService("handler").Rules(ledger.Rules{Unordered: true, Partial: true})
	r.Broker("default")
	r.Trigger("by-address", "default", `[{exact: {source: /cluster/node/n1/sync/ptp-status/lock-state}}]`, handler)
	r.Trigger("by-node", "default", `[{prefix: {source: /cluster/node/n2/}}]`, handler)
	r.Trigger("by-state", "default", `[{exact: {ptpstate: FREERUN}}, {exact: {type: `+kit.LockState+`}}]`, handler)
	r.Source("clocks", kit.ToBroker("default"), kit.Watching(forStates))
	r.ServiceReady("handler")
	for _, name := range []string{"by-address", "by-node", "by-state"} {
		r.TriggerReady(name)
	}
	r.ReadyOn("clocks", 2)

	for _, node := range []string{"n1", "n2"} {
		at := clocks.Do(t, "servo unlock %s.%d", node, forStates)
		handler.Expect(at, kit.Event{Inbox: "/by-state", Node: node, State: "FREERUN"})
		if node == "n1" {
			handler.Expect(at, kit.Event{Inbox: "/by-address", Node: node, State: "HOLDOVER"})
			handler.Expect(at, kit.Event{Inbox: "/by-address", Node: node, State: "FREERUN"})
		} else {
			handler.Expect(at, kit.Event{Inbox: "/by-node", Node: node, State: "HOLDOVER", Type: kit.LockState})
			handler.Expect(at, kit.Event{Inbox: "/by-node", Node: node, State: "FREERUN", Type: kit.SyncState})
		}
		at = clocks.Do(t, "servo lock %s.%d", node, forStates)
		if node == "n1" {
			handler.Expect(at, kit.Event{Inbox: "/by-address", Node: node, State: "LOCKED"})
		} else {
			handler.Expect(at, kit.Event{Inbox: "/by-node", Node: node, State: "LOCKED", Type: kit.LockState})
		}
	}
	for _, e := range handler.Entries() {
		ok := map[string]bool{
			"/by-address": e.Event.Source() == "/cluster/node/n1/sync/ptp-status/lock-state",
			"/by-node":    strings.HasPrefix(e.Event.Source(), "/cluster/node/n2/"),
			"/by-state":   e.Extension("ptpstate") == "FREERUN" && e.Event.Type() == kit.LockState,
		}
		if !ok[e.Inbox] {
			t.Errorf("the trigger %s let through: %s", e.Inbox, kit.Describe(e))
		}
	}
}

// A sink that is away is waited for, and what it refuses for a while comes in order.
func TestSinkIsAway(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	app := r.StartRecorder("app").Ready()
	r.Source("clocks", kit.To(app))
	r.ReadyOn("clocks", 2)
	app.Expect(time.Time{}, kit.Event{Node: "n1", Type: kit.LockState, State: "LOCKED"})

	app.Behave("/", http.StatusServiceUnavailable, 0, 0)
	away := app.ExpectTry(time.Now(), http.StatusServiceUnavailable, kit.Event{}).Arrived
	app.Behave("/", http.StatusTooManyRequests, 300*time.Millisecond, 6)
	busy := app.ExpectTry(away, http.StatusTooManyRequests, kit.Event{}).Arrived
	for _, node := range []string{"n1", "n2"} {
		app.Expect(busy, kit.Event{Node: node, Type: kit.ClockClass})
	}
}
