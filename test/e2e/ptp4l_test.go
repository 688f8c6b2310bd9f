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
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
)

// The end of a ptp4l is told, and so is its return under the same socket.
func TestPtp4lIsRestarted(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	app := r.StartRecorder("app").Ready()
	r.Source("clocks", kit.To(app), kit.OnNode("n1"), kit.Watching(forInstances))
	r.ReadyOn("clocks", 1)
	app.Expect(time.Time{}, kit.Event{Type: kit.LockState, State: "LOCKED"})

	at := clocks.Do(t, "kill n1.%d", forInstances)
	gone := app.Expect(at, kit.Event{Type: kit.LockState, State: "HOLDOVER", Reason: "DaemonDown"})
	t.Logf("its end was observed after %v and told after %v", gone.Event.Time().Sub(at), gone.Arrived.Sub(at))
	app.Expect(at, kit.Event{Type: kit.LockState, State: "FREERUN", Reason: "HoldoverExpired"})
	at = clocks.Do(t, "restart n1.%d", forInstances)
	app.Expect(at, kit.Event{Type: kit.LockState, State: "LOCKED"})
}

// Two ptp4l on a node are told apart, and the node is as well as the better one.
func TestTwoInstancesOnANode(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	app := r.StartRecorder("app").Ready()
	const one, other = "ptp4l.0", "ptp4l.2"
	both := func(s *v1alpha1.PtpSourceSpec) { s.Linuxptp.Sockets = []string{"ptp4l.[02].socket"} }
	r.Source("clocks", kit.To(app), kit.OnNode("n2"), both)
	r.ReadyOn("clocks", 1)
	for _, instance := range []string{one, other} {
		app.Expect(time.Time{}, kit.Event{Instance: instance, Type: kit.LockState, State: "LOCKED"})
	}
	locked := app.Expect(time.Time{}, kit.Event{Type: kit.SyncState, State: "LOCKED"})

	at := clocks.Do(t, "stop n2.%d", forInstances)
	app.Expect(at, kit.Event{Instance: other, Type: kit.LockState, State: "FREERUN"})
	clocks.Do(t, "restart n2.%d", forInstances)
	app.Expect(at, kit.Event{Instance: other, Type: kit.LockState, State: "LOCKED"})
	for _, e := range app.Entries() {
		switch {
		case e.Event.Time().Before(at):
		case e.Extension("instance") == one && e.Event.Type() == kit.LockState:
			t.Errorf("the other instance was stopped, and this one told: %s", kit.Describe(e))
		case e.Event.Type() == kit.SyncState:
			t.Errorf("the node was LOCKED by %s all the time, and told after %s: %s", one, locked.Event.ID(), kit.Describe(e))
		}
	}
}
