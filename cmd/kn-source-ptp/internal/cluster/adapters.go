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

// Package cluster finds the adapters of a cluster, and asks them by way of the API server.
package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// DefaultNamespace is where adapters run unless an administrator has moved them.
const DefaultNamespace = "eventing-ptp-adapters"

// adapterPods selects the pods of all adapters.
const adapterPods = resources.UIDLabel + ",app.kubernetes.io/component=adapter"

// Adapter is what watches the clocks of one node for one PtpSource.
type Adapter struct {
	// Source is the PtpSource, and UID tells it from others that had its name.
	Source types.NamespacedName
	UID    types.UID
	Node   string
	// Pod is the one that runs now, and Port where it answers.
	Pod  string
	Port int32
	// EmitPort is where it can be asked for test events from within the pod; 0 for nowhere.
	EmitPort int32
	// Trouble is why it cannot be expected to answer; empty if it can.
	Trouble string
}

// Key is what stays the same when an adapter's pod is replaced.
type Key struct {
	UID  types.UID
	Node string
}

// Key returns the adapter's.
func (a Adapter) Key() Key { return Key{a.UID, a.Node} }

// String names the adapter for people.
func (a Adapter) String() string { return fmt.Sprintf("%s (%s)", a.Node, a.Source) }

// Scope says which adapters are meant.
type Scope struct {
	// Namespace is that of the PtpSource; empty for all.
	Namespace string
	// Name is the PtpSource's; empty for all.
	Name string
	// Nodes are where the adapters run; none for all.
	Nodes []string
}

// includes is whether an adapter is meant.
func (s Scope) includes(a Adapter) bool {
	return (s.Namespace == "" || s.Namespace == a.Source.Namespace) &&
		(s.Name == "" || s.Name == a.Source.Name) &&
		(len(s.Nodes) == 0 || slices.Contains(s.Nodes, a.Node))
}

// Adapters returns those that are there, by node and PtpSource.
func (c *Client) Adapters(ctx context.Context, scope Scope) ([]Adapter, error) {
	pods, err := c.Kube.CoreV1().Pods(c.AdapterNamespace).List(ctx, metav1.ListOptions{LabelSelector: adapterPods})
	if err != nil {
		return nil, fmt.Errorf("list the adapters' pods: %w", err)
	}
	all := make([]*corev1.Pod, len(pods.Items))
	for n := range pods.Items {
		all[n] = &pods.Items[n]
	}
	return adaptersOf(all, scope), nil
}

// Watch calls changed with the adapters that are there, at once and whenever others are,
// until the context is done.
func (c *Client) Watch(ctx context.Context, scope Scope, changed func([]Adapter)) error {
	factory := informers.NewSharedInformerFactoryWithOptions(c.Kube, 0, informers.WithNamespace(c.AdapterNamespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = adapterPods }))
	informer := factory.Core().V1().Pods().Informer()
	dirty, failed := make(chan struct{}, 1), make(chan error, 1)
	mark := func() {
		select {
		case dirty <- struct{}{}:
		default:
		}
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { mark() }, UpdateFunc: func(_, _ any) { mark() }, DeleteFunc: func(any) { mark() },
	}); err != nil {
		return fmt.Errorf("watch the adapters' pods: %w", err)
	}
	if err := informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		select { // the reflector tries again by itself; until the first list it may never succeed
		case failed <- err:
		default:
		}
	}); err != nil {
		return fmt.Errorf("watch the adapters' pods: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		informer.RunWithContext(ctx)
	}()
	defer func() {
		stop()
		<-ended
	}()
	for !informer.HasSynced() {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return fmt.Errorf("watch the adapters' pods: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	for mark(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-dirty:
		}
		var all []*corev1.Pod
		for _, pod := range informer.GetStore().List() {
			all = append(all, pod.(*corev1.Pod))
		}
		changed(adaptersOf(all, scope))
	}
}

// adaptersOf returns the adapters that are meant. Of the pods of one, which are several while
// it is replaced, it takes the one that stays.
func adaptersOf(pods []*corev1.Pod, scope Scope) []Adapter {
	slices.SortFunc(pods, func(a, b *corev1.Pod) int {
		return cmp.Or(
			cmp.Compare(ending(a), ending(b)),
			b.CreationTimestamp.Compare(a.CreationTimestamp.Time),
			cmp.Compare(a.Name, b.Name))
	})
	seen := map[Key]bool{}
	var all []Adapter
	for _, pod := range pods {
		a, ok := adapterOf(pod)
		if !ok || seen[a.Key()] || !scope.includes(a) {
			continue
		}
		seen[a.Key()] = true
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Adapter) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Source.String(), b.Source.String()), cmp.Compare(a.UID, b.UID))
	})
	return all
}

// ending is 1 for a pod that ends or has ended, and 0 for one that stays.
func ending(pod *corev1.Pod) int {
	if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		return 1
	}
	return 0
}

func adapterOf(pod *corev1.Pod) (Adapter, bool) {
	source, ok := resources.SourceOf(pod)
	a := Adapter{
		Source: source, UID: types.UID(pod.Labels[resources.UIDLabel]),
		Node: pod.Spec.NodeName, Pod: pod.Name, Trouble: trouble(pod),
	}
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			switch port.Name {
			case "health":
				a.Port = port.ContainerPort
			case resources.EmitPort:
				a.EmitPort = port.ContainerPort
			}
		}
	}
	if a.Node == "" { // a DaemonSet's pod says where it belongs before it is scheduled
		a.Node = wantedNode(pod)
	}
	return a, ok && a.UID != "" && a.Node != "" && a.Port != 0
}

// wantedNode is the node that the DaemonSet controller has made a pod for.
func wantedNode(pod *corev1.Pod) string {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil || pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return ""
	}
	for _, term := range pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, field := range term.MatchFields {
			if field.Key == "metadata.name" && len(field.Values) == 1 {
				return field.Values[0]
			}
		}
	}
	return ""
}

// trouble is why a pod cannot be expected to answer; empty if it can.
func trouble(pod *corev1.Pod) string {
	for _, s := range pod.Status.ContainerStatuses {
		switch {
		case s.State.Waiting != nil:
			return joined(s.State.Waiting.Reason, s.State.Waiting.Message)
		case s.State.Terminated != nil:
			return joined(s.State.Terminated.Reason, s.State.Terminated.Message)
		}
	}
	if pod.Status.Phase == corev1.PodRunning {
		return ""
	}
	for _, c := range pod.Status.Conditions {
		if c.Status == corev1.ConditionFalse && c.Message != "" {
			return joined(c.Reason, c.Message)
		}
	}
	return "its pod is " + cmp.Or(string(pod.Status.Phase), "not there yet")
}

func joined(reason, message string) string {
	if message == "" {
		return reason
	}
	return reason + ": " + message
}
