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

package adapter

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// A state is said again with an id, a place in the order and a time of its own. It is no
// line in the log, and the state goes on as if nothing had been said.
func TestReassertion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		began := time.Now()
		w.types = []string{oran.SyncStateChange}
		w.observe(clock.Observation{Fact: clock.Inventory{}})

		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan bool)
		go func() {
			defer close(ended)
			w.reassert(ctx, time.Hour)
		}()
		time.Sleep(3*time.Hour - time.Nanosecond) // of the bubble
		cancel()
		<-ended
		time.Sleep(time.Nanosecond)
		w.observe(clock.Observation{At: w.instant(time.Now()), Instance: "ptp4l.0", Fact: follower})
		w.see(clock.Sync{})

		var got []string
		cursor := w.journal.Cursor("test")
		for n := range cursor.Pending() {
			e, err := cursor.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			event, err := oran.Unmarshal(e.Payload)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.Join([]string{event.Address.Resource, event.Previous, event.State, event.Reason}, " "))
			if hours := event.Time.Sub(began).Hours(); e.Sequence != n+1 || hours < float64(n)-1 || hours > float64(n) {
				t.Errorf("entry %d has sequence %d, and came after %v h", n+1, e.Sequence, hours)
			}
		}
		want := []string{
			"/sync/sync-status/sync-state  FREERUN NoInstance",
			"/sync/sync-status/sync-state FREERUN FREERUN reassert",
			"/sync/sync-status/sync-state FREERUN FREERUN reassert",
			"/sync/sync-status/sync-state FREERUN FREERUN reassert",
			"/sync/sync-status/sync-state FREERUN LOCKED OffsetInRange",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("recorded (-want +got):\n%s", diff)
		}
		lines := w.lines()
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "changed") && !strings.HasPrefix(lines[0], "ready") || !strings.Contains(lines[2], " lasted=3h0m0s ") {
			t.Errorf("logged: %q, want the change and that the adapter is ready, and then what has lasted 3 h", lines)
		}
	})
}
