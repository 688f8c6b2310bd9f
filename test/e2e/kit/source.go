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

package kit

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	client "github.com/eventing-ptp/eventing-ptp/pkg/client/clientset/versioned/typed/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// SourceUIDLabel is on everything that belongs to a source in the namespace of the adapters.
const SourceUIDLabel = "ptpsource.sources.knative.dev/uid"

// Edit changes the spec of a source.
type Edit func(*v1alpha1.PtpSourceSpec)

// To sends the events to a recorder, by reference.
func To(rec *Recorder) Edit {
	return func(s *v1alpha1.PtpSourceSpec) { s.Sink = duckv1.Destination{Ref: rec.Ref.DeepCopy()} }
}

// ToBroker sends them to a Broker.
func ToBroker(name string) Edit {
	return func(s *v1alpha1.PtpSourceSpec) {
		s.Sink = duckv1.Destination{Ref: &duckv1.KReference{APIVersion: "eventing.knative.dev/v1", Kind: "Broker", Name: name}}
	}
}

// ToURL sends them to a URL.
func ToURL(url string) Edit {
	return func(s *v1alpha1.PtpSourceSpec) {
		u, err := apis.ParseURL(url)
		if err != nil {
			panic(err) // a test has written it
		}
		s.Sink = duckv1.Destination{URI: u}
	}
}

// OnNode chooses one node.
func OnNode(name string) Edit {
	return func(s *v1alpha1.PtpSourceSpec) { s.NodeSelector = map[string]string{corev1.LabelHostname: name} }
}

// Watching chooses the n-th ptp4l instance of each node, instead of the first.
func Watching(n int) Edit {
	return func(s *v1alpha1.PtpSourceSpec) { s.Linuxptp.Sockets = []string{fmt.Sprintf("ptp4l.%d.socket", n)} }
}

func (r *Room) sources() client.PtpSourceInterface {
	return r.Cluster.Sources.SourcesV1alpha1().PtpSources(r.Namespace)
}

// NewSource returns a source that watches the first ptp4l instance of every node, and is not
// made yet.
func (r *Room) NewSource(name string, edits ...Edit) *v1alpha1.PtpSource {
	s := &v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{Namespace: r.Namespace, Name: name}}
	s.Spec.CloudEventOverrides = &duckv1.CloudEventOverrides{Extensions: map[string]string{ledger.StreamExtension: r.Namespace + "/" + name}}
	Watching(0)(&s.Spec)
	for _, edit := range edits {
		edit(&s.Spec)
	}
	return s
}

// Source makes a source. It does not wait.
func (r *Room) Source(name string, edits ...Edit) *v1alpha1.PtpSource {
	r.Helper()
	s, err := r.sources().Create(r.Context(), r.NewSource(name, edits...), metav1.CreateOptions{})
	if err != nil {
		r.Fatal(err)
	}
	return s
}

// Get returns a source.
func (r *Room) Get(name string) *v1alpha1.PtpSource {
	r.Helper()
	s, err := r.sources().Get(r.Context(), name, metav1.GetOptions{})
	if err != nil {
		r.Fatal(err)
	}
	return s
}

// Change edits a source as a user would, who tries again when somebody was faster.
func (r *Room) Change(name string, edits ...Edit) {
	r.Helper()
	r.Eventually("a change of "+name, func(ctx context.Context) error {
		s, err := r.sources().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, edit := range edits {
			edit(&s.Spec)
		}
		_, err = r.sources().Update(ctx, s, metav1.UpdateOptions{})
		return err
	})
}

// Delete deletes a source, and waits until it is gone.
func (r *Room) Delete(name string) {
	r.Helper()
	if err := r.sources().Delete(r.Context(), name, metav1.DeleteOptions{}); err != nil {
		r.Fatal(err)
	}
	r.Gone("the source "+name, func(ctx context.Context) error {
		_, err := r.sources().Get(ctx, name, metav1.GetOptions{})
		return err
	})
}

// Ready waits until the source is Ready, by its present spec.
func (r *Room) Ready(name string) *v1alpha1.PtpSource {
	r.Helper()
	return r.Condition(name, apis.ConditionReady, corev1.ConditionTrue, "")
}

// ReadyOn waits until it is Ready on so many nodes.
func (r *Room) ReadyOn(name string, nodes int32) *v1alpha1.PtpSource {
	r.Helper()
	return r.await(name, fmt.Sprintf("%s to be ready on %d nodes", name, nodes), func(s *v1alpha1.PtpSource) bool {
		return s.Status.IsReady() && s.Status.Nodes.Desired == nodes && s.Status.Nodes.Ready == nodes
	})
}

// Condition waits until a condition is as wanted.
func (r *Room) Condition(name string, condition apis.ConditionType, status corev1.ConditionStatus, reason string) *v1alpha1.PtpSource {
	r.Helper()
	return r.await(name, fmt.Sprintf("%s of %s to be %s %s", condition, name, status, reason), func(s *v1alpha1.PtpSource) bool {
		c := s.Status.GetCondition(condition)
		return c != nil && c.Status == status && c.Reason == reason
	})
}

func (r *Room) await(name, what string, ok func(*v1alpha1.PtpSource) bool) (found *v1alpha1.PtpSource) {
	r.Helper()
	r.Eventually(what, func(ctx context.Context) error {
		s, err := r.sources().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if s.Status.ObservedGeneration != s.Generation || !ok(s) {
			return fmt.Errorf("generation %d of %d is observed, nodes are %+v, conditions %+v",
				s.Status.ObservedGeneration, s.Generation, s.Status.Nodes, s.Status.Conditions)
		}
		found = s
		return nil
	})
	return found
}

// AdapterPods returns the pods of a source's adapters.
func (c *Cluster) AdapterPods(ctx context.Context, s *v1alpha1.PtpSource) ([]corev1.Pod, error) {
	list, err := c.Kube.CoreV1().Pods(Adapters).List(ctx, metav1.ListOptions{LabelSelector: SourceUIDLabel + "=" + string(s.UID)})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// AdaptersGone waits until a source has no adapter any more, not even one that is ending.
func (r *Room) AdaptersGone(s *v1alpha1.PtpSource) {
	r.Helper()
	r.Eventually("the end of all adapters of "+s.Name, func(ctx context.Context) error {
		pods, err := r.AdapterPods(ctx, s)
		if err == nil && len(pods) > 0 {
			err = fmt.Errorf("there are %d", len(pods))
		}
		return err
	})
}

// DaemonSet returns what runs a source's adapters.
func (r *Room) DaemonSet(s *v1alpha1.PtpSource) *appsv1.DaemonSet {
	r.Helper()
	list, err := r.Kube.AppsV1().DaemonSets(Adapters).List(r.Context(), metav1.ListOptions{LabelSelector: SourceUIDLabel + "=" + string(s.UID)})
	if err != nil {
		r.Fatal(err)
	}
	if len(list.Items) != 1 {
		r.Fatal(fmt.Sprintf("%s has %d DaemonSets", s.Name, len(list.Items)))
	}
	return &list.Items[0]
}

// Adapter returns the pod of a source's adapter on a node.
func (r *Room) Adapter(s *v1alpha1.PtpSource, node string) *corev1.Pod {
	r.Helper()
	var found *corev1.Pod
	r.Eventually(fmt.Sprintf("an adapter of %s on %s", s.Name, node), func(ctx context.Context) error {
		pods, err := r.AdapterPods(ctx, s)
		if err != nil {
			return err
		}
		for _, p := range pods {
			if p.Spec.NodeName == node && p.DeletionTimestamp == nil && len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].Ready {
				found = &p
				return nil
			}
		}
		return fmt.Errorf("none of %d pods", len(pods))
	})
	return found
}

// NoAdapters returns an error if there is anything in the namespace of the adapters that was
// made for a source.
func (c *Cluster) NoAdapters(ctx context.Context) error {
	options := metav1.ListOptions{LabelSelector: SourceUIDLabel}
	daemonSets, err := c.Kube.AppsV1().DaemonSets(Adapters).List(ctx, options)
	if err != nil {
		return err
	}
	pods, err := c.Kube.CoreV1().Pods(Adapters).List(ctx, options)
	if err != nil {
		return err
	}
	accounts, err := c.Kube.CoreV1().ServiceAccounts(Adapters).List(ctx, options)
	if err != nil {
		return err
	}
	if n := len(daemonSets.Items) + len(pods.Items) + len(accounts.Items); n > 0 {
		return fmt.Errorf("%d DaemonSets, %d pods and %d service accounts are there", len(daemonSets.Items), len(pods.Items), len(accounts.Items))
	}
	return nil
}
