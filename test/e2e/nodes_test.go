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
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
)

// The adapters go where the node selector says.
func TestNodeSelectorIsChanged(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	app := r.StartRecorder("app").Ready()
	r.Source("clocks", kit.To(app), kit.OnNode("n1"))
	s := r.ReadyOn("clocks", 1)
	app.Expect(time.Time{}, kit.Event{Node: "n1", Type: kit.LockState, State: "LOCKED"})
	if others := kit.Matching(app.Entries(), kit.Event{Node: "n2"}); len(others) > 0 {
		t.Errorf("n2 was not chosen, and its adapter sent: %s", kit.Describe(others[0]))
	}

	r.Change("clocks", kit.OnNode("n2"))
	r.ReadyOn("clocks", 1)
	r.Adapter(s, "n2")
	app.Expect(time.Time{}, kit.Event{Node: "n2", Type: kit.LockState, State: "LOCKED"})
	r.Eventually("the adapter of n1 to be gone", func(ctx context.Context) error {
		pods, err := r.AdapterPods(ctx, s)
		if err != nil {
			return err
		}
		for _, p := range pods {
			if p.Spec.NodeName != "n2" {
				return fmt.Errorf("%s is on %s", p.Name, p.Spec.NodeName)
			}
		}
		return nil
	})
}

// A node comes, is cordoned, becomes unreachable, comes back and goes: the adapters follow,
// and no source waits for a node that does not answer.
func TestANodeComesAndGoes(t *testing.T) {
	r, always := newRoom(t), always.in(t)
	if err := cluster.Node(t.Context(), "add", "n3"); err != nil {
		t.Fatal(err)
	}
	removed := false
	t.Cleanup(func() {
		if !removed {
			if err := cluster.Node(context.Background(), "remove", "n3"); err != nil {
				t.Error(err)
			}
		}
	})
	third, err := cluster.StartClocks(t.Context(), 1, "n3")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := third.Close(); err != nil {
			t.Error(err)
		}
	})

	// Added: the sources that were there run on it, too.
	always.ReadyOn("direct", 3)
	always.app.Expect(time.Time{}, kit.Event{Node: "n3", Type: kit.LockState, State: "LOCKED"})
	always.handler.Expect(time.Now(), kit.Event{Node: "n3", Type: kit.ClockClass})

	// Cordoned: its clock is watched as before, by new sources as well.
	cordon(t, "n3", true)
	app := r.StartRecorder("app").Ready()
	r.Source("clocks", kit.To(app))
	s := r.ReadyOn("clocks", 3)
	always.ReadyOn("direct", 3)
	app.Expect(time.Time{}, kit.Event{Node: "n3", Type: kit.LockState, State: "LOCKED"})
	cordon(t, "n3", false)

	// Unreachable: nobody ends the adapter, and the source is deleted all the same.
	if err := third.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Node(t.Context(), "stop", "n3"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.Delete("clocks")
	t.Logf("deleted %v after it was asked for, while the adapter of n3 could not be reached", time.Since(began).Round(100*time.Millisecond))
	if pods, err := r.AdapterPods(t.Context(), s); err != nil || len(pods) == 0 {
		t.Errorf("no adapter is left to be unreachable: this test sees nothing: %v", err)
	}

	// Back: the adapter that nobody wants any more is ended, the others go on.
	if err := cluster.Node(t.Context(), "start", "n3"); err != nil {
		t.Fatal(err)
	}
	r.AdaptersGone(s)

	// Removed: the sources do not wait for it.
	if err := cluster.Node(t.Context(), "remove", "n3"); err != nil {
		t.Fatal(err)
	}
	removed = true
	r.Gone("node n3", func(ctx context.Context) error {
		_, err := cluster.Kube.CoreV1().Nodes().Get(ctx, "n3", metav1.GetOptions{})
		return err
	})
	always.ReadyOn("direct", 2)
	always.ReadyOn("mesh", 2)
	always.lives()
}

// cordon marks a node as one that takes no new pods, or takes that back.
func cordon(t *testing.T, node string, unschedulable bool) {
	t.Helper()
	nodes := cluster.Kube.CoreV1().Nodes()
	for {
		n, err := nodes.Get(t.Context(), node, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		n.Spec.Unschedulable = unschedulable
		if _, err = nodes.Update(t.Context(), n, metav1.UpdateOptions{}); err == nil {
			return
		}
		if !apierrors.IsConflict(err) {
			t.Fatal(errors.Join(fmt.Errorf("cordon %s", node), err))
		}
	}
}
