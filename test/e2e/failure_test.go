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
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// kill ends a program in a pod, as a crash would.
func kill(t *testing.T, pod *corev1.Pod, program string) time.Time {
	t.Helper()
	pid, err := kit.Pid(pod, program)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return at
}

// epochs returns the lives of the journals of a node.
func epochs(entries []ledger.Entry, node string) string {
	var all []string
	for _, e := range kit.Matching(entries, kit.Event{Node: node}) {
		if epoch, _, _ := strings.Cut(e.Event.ID(), "-"); !slices.Contains(all, epoch) {
			all = append(all, epoch)
		}
	}
	return strings.Join(all, ", ")
}

// A killed adapter is started again, and notices what has changed while it was away. Nobody
// else notices anything.
func TestAdapterIsKilled(t *testing.T) {
	r, always := newRoom(t), always.in(t)
	app := r.StartRecorder("app").Ready()
	s := r.Source("clocks", kit.To(app), kit.Watching(forStates))
	r.ReadyOn("clocks", 2)
	for _, node := range []string{"n1", "n2"} {
		app.Expect(time.Time{}, kit.Event{Node: node, Type: kit.LockState, State: "LOCKED"})
	}
	other := epochs(app.Entries(), "n2")

	pod := r.Adapter(s, "n1")
	at := kill(t, pod, "receive_adapter")
	clocks.Do(t, "servo unlock n1.%d", forStates)
	told := app.Expect(at, kit.Event{Node: "n1", Type: kit.LockState, State: "FREERUN"})
	t.Logf("told %v after the adapter was killed", told.Arrived.Sub(at).Round(time.Millisecond))
	at = clocks.Do(t, "servo lock n1.%d", forStates)
	app.Expect(at, kit.Event{Node: "n1", Type: kit.LockState, State: "LOCKED"})
	r.ReadyOn("clocks", 2)
	if now := r.Adapter(s, "n1"); now.UID != pod.UID || now.Status.ContainerStatuses[0].RestartCount != pod.Status.ContainerStatuses[0].RestartCount+1 {
		t.Errorf("pod %s was restarted %d times, want the same pod once more", now.Name, now.Status.ContainerStatuses[0].RestartCount)
	}
	if now := epochs(app.Entries(), "n2"); now != other {
		t.Errorf("the journal of n2 was %s and is %s", other, now)
	}

	// One that has seen everything from the start.
	victim := always.Adapter(always.Get("direct"), "n2")
	at = kill(t, victim, "receive_adapter")
	told = always.app.Expect(at, kit.Event{Source: "direct", Node: "n2", Type: kit.ClockClass})
	always.away("direct", "n2", at, told.Arrived)
	always.ReadyOn("direct", 2)
	always.lives()
}

// What a sink has not taken yet is not lost with its adapter: not when that is killed, and not
// when its pod is deleted.
func TestNothingIsLostWithAnAdapter(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	app := r.StartRecorder("app").Ready()
	s := r.Source("clocks", kit.To(app))
	r.ReadyOn("clocks", 2)
	nodes := []string{"n1", "n2"}
	for _, node := range nodes {
		app.Expect(time.Time{}, kit.Event{Node: node, Type: kit.LockState, State: "LOCKED"})
	}
	app.Behave("/", http.StatusServiceUnavailable, 0, 0)
	away := time.Now()
	waiting := map[string]string{} // the id of an event that waits, by node
	for _, node := range nodes {
		waiting[node] = app.ExpectTry(away, http.StatusServiceUnavailable, kit.Event{Node: node}).Event.ID()
	}
	kill(t, r.Adapter(s, "n1"), "receive_adapter")
	if err := r.Kube.CoreV1().Pods(kit.Adapters).Delete(t.Context(), r.Adapter(s, "n2").Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	for _, node := range nodes { // by another process
		if id := app.ExpectTry(ended, http.StatusServiceUnavailable, kit.Event{Node: node}).Event.ID(); id != waiting[node] {
			t.Errorf("%s: %s waited, and after the adapter's end %s is tried", node, waiting[node], id)
		}
	}
	r.ReadyOn("clocks", 2)
	app.Behave("/", http.StatusAccepted, 0, 0)
	back := time.Now()
	for _, node := range nodes {
		app.Expect(back, kit.Event{Node: node, Type: kit.ClockClass})
	}
}

// The controller that leads is killed while sources are made, changed and deleted. Another one
// completes what was begun.
func TestControllerIsKilledDuringAChange(t *testing.T) {
	r, always := newRoom(t), always.in(t)
	first, second := r.StartRecorder("first").Ready(), r.StartRecorder("second").Ready()
	for _, name := range []string{"moves", "narrows", "leaves"} {
		r.Source(name, kit.To(first))
	}
	uids := map[string]*v1alpha1.PtpSource{}
	for _, name := range []string{"moves", "narrows", "leaves"} {
		uids[name] = r.ReadyOn(name, 2)
	}
	leader := leader(r)

	r.Change("moves", kit.To(second))
	kill(t, leader, "controller")
	began := time.Now()
	r.Change("narrows", kit.OnNode("n2"))
	r.Source("comes", kit.To(second), kit.OnNode("n1"))
	r.Delete("leaves")
	r.ReadyOn("moves", 2)
	r.ReadyOn("narrows", 1)
	r.ReadyOn("comes", 1)
	t.Logf("all was done %v after the leader was killed", time.Since(began).Round(100*time.Millisecond))
	for _, want := range []kit.Event{{Source: "moves", Node: "n1"}, {Source: "moves", Node: "n2"}, {Source: "comes", Node: "n1"}} {
		want.Type = kit.ClockClass
		second.Expect(time.Now(), want)
	}
	r.AdaptersGone(uids["leaves"])
	second.CarriesOn(first)
	always.lives()
}

// leader returns the controller's replica that does the work.
func leader(r *kit.Room) (found *corev1.Pod) {
	r.Helper()
	r.Eventually("a controller that leads", func(ctx context.Context) error {
		leases, err := r.Kube.CoordinationV1().Leases(kit.System).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, l := range leases.Items {
			if !strings.HasPrefix(l.Name, kit.Controller+".") || l.Spec.HolderIdentity == nil {
				continue
			}
			name, _, _ := strings.Cut(*l.Spec.HolderIdentity, "_")
			found, err = r.Kube.CoreV1().Pods(kit.System).Get(ctx, name, metav1.GetOptions{})
			return err
		}
		return errors.New("nobody holds a lease")
	})
	return found
}

// While a webhook's replica is killed, and then all are replaced, a source that makes no sense
// is never taken; one that does is refused for a moment at most.
func TestWebhookIsRestarted(t *testing.T) {
	r := newRoom(t)
	app := r.StartRecorder("app")
	good, bad := r.NewSource("good", kit.To(app)), r.NewSource("bad", kit.To(app))
	// That a request is beyond its limit only the webhook knows.
	bad.Spec.Resources = &corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2Gi")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")},
	}
	try := func(s *v1alpha1.PtpSource) error {
		_, err := r.Sources.SourcesV1alpha1().PtpSources(r.Namespace).Create(t.Context(), s.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	if err := try(good); err != nil {
		t.Fatal(err)
	}

	var asked, refused atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			if err := try(bad); err == nil {
				t.Error("a source that makes no sense was taken")
			}
			asked.Add(1)
			if err := try(good); err != nil && ctx.Err() == nil {
				if refused.Add(1) == 1 {
					t.Logf("refused at first: %v", err)
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	moreAnswers := func(n int32) {
		t.Helper()
		enough := asked.Load() + n
		r.Eventually("more answers", func(context.Context) error {
			if n := asked.Load(); n < enough {
				return fmt.Errorf("%d of %d", n, enough)
			}
			return nil
		})
	}
	pods, err := r.Kube.CoreV1().Pods(kit.System).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=eventing-ptp,app.kubernetes.io/component=webhook"})
	if err != nil || len(pods.Items) < 2 {
		t.Fatalf("%d replicas of the webhook: %v", len(pods.Items), err)
	}
	kill(t, &pods.Items[0], "webhook")
	r.Eventually("the webhook to answer again", func(context.Context) error { return try(good) })
	moreAnswers(20) // so that what was on its way to the killed one is counted with it
	killed := refused.Load()
	for _, args := range [][]string{{"restart"}, {"status", "--timeout", "90s"}} {
		args = append([]string{"-n", kit.System, "rollout", args[0], "deployment/" + kit.Webhook}, args[1:]...)
		if out, err := r.Kubectl(t.Context(), args...); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	// The old ones serve for a while, for who has not heard that they go.
	moreAnswers(50)
	replaced := refused.Load() - killed
	cancel()
	<-ended
	r.Eventually("the webhook to answer", func(context.Context) error { return try(good) })
	if err := try(bad); !apierrors.IsBadRequest(err) && !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) {
		t.Errorf("a source that makes no sense gets: %v", err)
	}
	t.Logf("of %d good sources %d were refused when a replica was killed, and %d when all were replaced", asked.Load(), killed, replaced)
	if replaced > 0 {
		t.Errorf("%d good sources were refused while there was always a replica", replaced)
	}
}
