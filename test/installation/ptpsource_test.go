//go:build lab

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

package installation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	adapterconfig "github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/controlplane"
	"github.com/eventing-ptp/eventing-ptp/test/installation"
)

const (
	isTrue, isFalse = corev1.ConditionTrue, corev1.ConditionFalse
	isUnknown       = corev1.ConditionUnknown
)

// A source with nothing but a sink runs on every node, and is Ready when its adapters are.
func TestNothingButASink(t *testing.T) {
	r := newRoom(t, 2)
	r.broker()
	s := r.source("fleet")
	s.Spec.NodeSelector = nil
	s = r.create(s)

	if got := *s.Spec.Sink.Ref; got.Namespace != r.namespace {
		t.Errorf("the sink is in namespace %q, want the source's", got.Namespace)
	}
	if s.Spec.Linuxptp.SocketDirectory != "/var/run/ptp" || s.Spec.Events.ClusterName != "cluster" || *s.Spec.History.Entries != 100_000 {
		t.Errorf("defaults were not filled in: %+v", s.Spec)
	}
	s = r.ready("fleet")
	if got := s.Status.SinkURI.String(); got != brokerURL(r.namespace) {
		t.Errorf("the sink's address is %s", got)
	}
	all, err := cluster.Client().CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := int32(len(all.Items))
	if got, want := s.Status.Nodes, (v1alpha1.Nodes{Desired: n, Ready: n, Summary: fmt.Sprintf("%d/%d", n, n)}); got != want {
		t.Errorf("nodes %+v, want %+v", got, want)
	}
	wantAttributes := []duckv1.CloudEventAttributes{
		{Type: "com.github.eventing-ptp.events.lost", Source: "/cluster/node/*/sync/eventing-ptp/events-lost"},
		{Type: "event.sync.ptp-status.ptp-clock-class-change", Source: "/cluster/node/*/sync/ptp-status/clock-class"},
		{Type: "event.sync.ptp-status.ptp-state-change", Source: "/cluster/node/*/sync/ptp-status/lock-state"},
		{Type: "event.sync.sync-status.synchronization-state-change", Source: "/cluster/node/*/sync/sync-status/sync-state"},
	}
	slices.SortFunc(s.Status.CloudEventAttributes, func(a, b duckv1.CloudEventAttributes) int { return strings.Compare(a.Type, b.Type) })
	if diff := cmp.Diff(wantAttributes, s.Status.CloudEventAttributes); diff != "" {
		t.Errorf("event types, want (-) and got (+):\n%s", diff)
	}

	// Nothing of it runs where the user may look around.
	pods, err := cluster.Client().CoreV1().Pods(r.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) > 0 {
		t.Errorf("%d pods in the user's namespace: %v", len(pods.Items), err)
	}
	pods, err = cluster.Client().CoreV1().Pods(installation.Adapters).List(t.Context(), metav1.ListOptions{LabelSelector: "ptpsource.sources.knative.dev/uid=" + string(s.UID)})
	if err != nil || len(pods.Items) != int(n) {
		t.Fatalf("%d pods of adapters, want %d: %v", len(pods.Items), n, err)
	}
	spec := pods.Items[0].Spec
	c := spec.Containers[0]
	if spec.HostNetwork || spec.HostPID || *spec.AutomountServiceAccountToken || *c.SecurityContext.AllowPrivilegeEscalation ||
		!*c.SecurityContext.ReadOnlyRootFilesystem || c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged ||
		!slices.Equal(c.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(c.SecurityContext.Capabilities.Add) > 0 {
		t.Errorf("the adapter may do more than it needs: %+v", spec)
	}
	var hostPaths []string
	for _, v := range spec.Volumes {
		if v.HostPath != nil {
			hostPaths = append(hostPaths, v.HostPath.Path)
		}
	}
	if !slices.Equal(hostPaths, []string{"/var/run/ptp", "/var/lib/eventing-ptp/ptpsource-fleet-" + string(s.UID)}) {
		t.Errorf("the adapter sees %q of its host", hostPaths)
	}
}

// A source may be there before its sink.
func TestSinkThatComesLater(t *testing.T) {
	r := newRoom(t, 1)
	s := r.create(r.source("early"))
	r.waitFor("early",
		want{apis.ConditionReady, isFalse, v1alpha1.ReasonSinkNotFound, "default"},
		want{v1alpha1.ConditionSinkProvided, isFalse, v1alpha1.ReasonSinkNotFound, "default"})
	r.noDaemonSet(s)
	r.broker()
	s = r.ready("early")
	r.daemonSet(s, "the sink in the environment", environment("K_SINK", brokerURL(r.namespace)))

	// Another sink, by URI only.
	r.change("early", func(s *v1alpha1.PtpSource) {
		s.Spec.Sink = duckv1.Destination{URI: apis.HTTP("events.example.com")}
	})
	r.daemonSet(s, "the other sink in the environment", environment("K_SINK", "http://events.example.com"))
}

// environment is a check that the adapters are given a variable.
func environment(name, value string) func(*appsv1.DaemonSet) error {
	return func(d *appsv1.DaemonSet) error {
		for _, v := range d.Spec.Template.Spec.Containers[0].Env {
			if v.Name == name {
				if v.Value != value {
					return fmt.Errorf("%s is %q", name, v.Value)
				}
				return nil
			}
		}
		return fmt.Errorf("there is no %s", name)
	}
}

// What is removed from a spec is removed from the DaemonSet, and what somebody else changes there is put back.
func TestChanges(t *testing.T) {
	r := newRoom(t, 1)
	r.broker()
	s := r.source("changing")
	s.Spec.Tolerations = []corev1.Toleration{{Key: "ran", Operator: corev1.TolerationOpExists}}
	s.Spec.PriorityClassName = "system-node-critical"
	s.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "for", Operator: corev1.NodeSelectorOpExists}}}},
	}}}
	s.Spec.CloudEventOverrides = &duckv1.CloudEventOverrides{Extensions: map[string]string{"site": "north"}}
	s.Spec.Events.Types = []string{"event.sync.ptp-status.ptp-state-change"}
	r.create(s)
	s = r.ready("changing")
	d := r.daemonSet(s, "a DaemonSet", environment("K_CE_OVERRIDES", `{"extensions":{"site":"north"}}`))
	if pod := d.Spec.Template.Spec; len(pod.Tolerations) != 1 || pod.PriorityClassName != "system-node-critical" || pod.Affinity == nil {
		t.Errorf("placement is not the spec's: %+v", pod)
	}
	if len(s.Status.CloudEventAttributes) != 1 {
		t.Errorf("event types %v, want the one that was chosen", s.Status.CloudEventAttributes)
	}

	r.change("changing", func(s *v1alpha1.PtpSource) {
		s.Spec.Tolerations, s.Spec.PriorityClassName, s.Spec.Affinity, s.Spec.CloudEventOverrides = nil, "", nil, nil
		s.Spec.Thresholds.LockOffset = &metav1.Duration{Duration: 20_000}
		s.Spec.Thresholds.UnlockOffset = &metav1.Duration{Duration: 50_000}
	})
	removed := func(d *appsv1.DaemonSet) error {
		pod := d.Spec.Template.Spec
		if len(pod.Tolerations) > 0 || pod.PriorityClassName != "" || pod.Affinity != nil || len(pod.NodeSelector) != 1 {
			return fmt.Errorf("tolerations %v, priority class %q, affinity %v, node selector %v", pod.Tolerations, pod.PriorityClassName, pod.Affinity, pod.NodeSelector)
		}
		return nil
	}
	d = r.daemonSet(s, "a DaemonSet without what was removed", removed)
	if c := configuration(t, d); c.Thresholds.LockOffset.Duration != 20_000 || c.Thresholds.UnlockOffset.Duration != 50_000 || c.Thresholds.LockSamples != 3 {
		t.Errorf("thresholds %+v", c.Thresholds)
	}

	meddle := `{"spec": {"template": {"spec": {"nodeSelector": {"for": "somebody-else"}, "containers": [{"name": "` + d.Spec.Template.Spec.Containers[0].Name + `", "image": "example.com/other"}]}}}}`
	if _, err := cluster.Client().AppsV1().DaemonSets(d.Namespace).Patch(t.Context(), d.Name, types.StrategicMergePatchType, []byte(meddle), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	image := d.Spec.Template.Spec.Containers[0].Image
	r.daemonSet(s, "a DaemonSet as it was", func(d *appsv1.DaemonSet) error {
		if pod := d.Spec.Template.Spec; pod.NodeSelector["for"] != r.namespace || pod.Containers[0].Image != image {
			return fmt.Errorf("node selector %v, image %s", pod.NodeSelector, pod.Containers[0].Image)
		}
		return nil
	})

	// Before, because the controller of DaemonSets waits up to 5 min for pods of the old one that
	// it was about to make, where a new one of the same name comes.
	r.ready("changing")
	if err := cluster.Client().AppsV1().DaemonSets(d.Namespace).Delete(t.Context(), d.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.daemonSet(s, "a new DaemonSet", func(now *appsv1.DaemonSet) error {
		if now.UID == d.UID {
			return errors.New("it is the old one")
		}
		return removed(now)
	})
	r.ready("changing")
}

// configuration reads what the adapters are told.
func configuration(t *testing.T, d *appsv1.DaemonSet) adapterconfig.Config {
	t.Helper()
	var c adapterconfig.Config
	for _, v := range d.Spec.Template.Spec.Containers[0].Env {
		if v.Name == "K_SOURCE_CONFIG" {
			if err := json.Unmarshal([]byte(v.Value), &c); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

// Ready tells the truth about nodes.
func TestNodes(t *testing.T) {
	r := newRoom(t, 3)
	r.broker()
	s := r.source("picky")
	s.Spec.NodeSelector = map[string]string{"grandmaster": "yes"}
	r.create(s)
	r.waitFor("picky",
		want{apis.ConditionReady, isFalse, v1alpha1.ReasonNoMatchingNodes, "spec.nodeSelector"},
		want{v1alpha1.ConditionNodesMatched, isFalse, v1alpha1.ReasonNoMatchingNodes, ""},
		want{v1alpha1.ConditionDeployed, isTrue, "", ""})

	r.change("picky", func(s *v1alpha1.PtpSource) { s.Spec.NodeSelector = map[string]string{"for": r.namespace} })
	s = r.ready("picky")
	if s.Status.Nodes.Summary != "3/3" {
		t.Errorf("nodes %+v", s.Status.Nodes)
	}

	// The first node in trouble is named.
	for _, n := range []int{2, 1} {
		cluster.SetContainers(r.nodes[n], controlplane.Containers{Waiting: "ImagePullBackOff", Message: "no such image"})
	}
	first := slices.Min(r.nodes[1:])
	s = r.waitFor("picky",
		want{apis.ConditionReady, isFalse, v1alpha1.ReasonAdapterFailing, "1/3"},
		want{v1alpha1.ConditionAdaptersReady, isFalse, v1alpha1.ReasonAdapterFailing, "node " + first + ": ImagePullBackOff"})
	if s.Status.Nodes.Ready != 1 {
		t.Errorf("nodes %+v", s.Status.Nodes)
	}
	for _, n := range r.nodes {
		cluster.SetContainers(n, controlplane.Containers{})
	}
	r.ready("picky")

	// A starting adapter is not ready and not sick.
	cluster.SetContainers(r.nodes[0], controlplane.Containers{Waiting: "ContainerCreating"})
	r.waitFor("picky", want{apis.ConditionReady, isUnknown, v1alpha1.ReasonAdaptersStarting, "2/3"})
	cluster.SetContainers(r.nodes[0], controlplane.Containers{})

	// A node that leaves is not missed.
	if err := cluster.Client().CoreV1().Nodes().Delete(t.Context(), r.nodes[2], metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "two nodes", func(ctx context.Context) error {
		s, err := r.sources().Get(ctx, "picky", metav1.GetOptions{})
		if err == nil && (s.Status.Nodes.Summary != "2/2" || !s.Status.IsReady()) {
			err = fmt.Errorf("nodes %+v, conditions %+v", s.Status.Nodes, s.Status.Conditions)
		}
		return err
	})
}

// A paused source runs nothing, and goes on where it was told to.
func TestPaused(t *testing.T) {
	r := newRoom(t, 1)
	r.broker()
	r.create(r.source("sleepy"))
	r.ready("sleepy")
	r.change("sleepy", func(s *v1alpha1.PtpSource) { s.Spec.Paused = true })
	s := r.waitFor("sleepy",
		want{apis.ConditionReady, isFalse, v1alpha1.ReasonPaused, ""},
		want{v1alpha1.ConditionDeployed, isFalse, v1alpha1.ReasonPaused, ""})
	r.noDaemonSet(s)
	if s.Status.Nodes.Desired != 0 || s.Status.DaemonSet != "" {
		t.Errorf("a paused source has nodes %+v and DaemonSet %q", s.Status.Nodes, s.Status.DaemonSet)
	}
	r.change("sleepy", func(s *v1alpha1.PtpSource) { s.Spec.Paused = false })
	r.ready("sleepy")
}

// What is removed takes everything with it, also when the controller was away.
func TestDeletion(t *testing.T) {
	r := newRoom(t, 1)
	r.broker()
	r.create(r.source("leaving"))
	s := r.ready("leaving")
	if len(s.Finalizers) == 0 {
		t.Fatal("no finalizer: what is in the adapters' namespace would stay")
	}
	if err := r.sources().Delete(t.Context(), "leaving", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	gone(t, "the source", func(ctx context.Context) error {
		_, err := r.sources().Get(ctx, "leaving", metav1.GetOptions{})
		return err
	})
	r.noDaemonSet(s)

	// A namespace that goes takes its sources with it.
	s = r.create(r.source("going"))
	r.ready("going")
	if err := cluster.Client().CoreV1().Namespaces().Delete(t.Context(), r.namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	gone(t, "the namespace", func(ctx context.Context) error {
		_, err := cluster.Client().CoreV1().Namespaces().Get(ctx, r.namespace, metav1.GetOptions{})
		return err
	})
	r.noDaemonSet(s)
}
