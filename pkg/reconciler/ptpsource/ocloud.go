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

package ptpsource

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// reconcileOCloud gives the O-Cloud API of a source its Service, or takes it away.
func (r *Reconciler) reconcileOCloud(ctx context.Context, source *v1alpha1.PtpSource) error {
	want := resources.OCloudService(source, r.adapters)
	if want == nil {
		_, err := r.services(source).remove(ctx, &metav1.ObjectMeta{Namespace: r.adapters, Name: resources.OCloudName(source)})
		return err
	}
	_, _, err := r.services(source).keep(ctx, want)
	return err
}

// reconcileNodeServices gives each node on which an adapter of the source runs a Service of its
// own, where they are asked for, or takes them away.
func (r *Reconciler) reconcileNodeServices(ctx context.Context, source *v1alpha1.PtpSource) error {
	live, err := r.nodeServices(source)
	if err != nil {
		return err
	}
	if !resources.WantsNodeServices(source.Spec) {
		return r.removeServices(ctx, source, live)
	}
	var nodes []string
	pods := r.pods(source.UID)
	slices.SortFunc(pods, func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	for _, pod := range pods {
		if node := nodeOf(pod); node != "" {
			nodes = append(nodes, node)
			if err := r.labelPod(ctx, pod, node); err != nil {
				return err
			}
		}
	}
	slices.Sort(nodes)
	nodes = slices.Compact(nodes)

	held := map[string]string{}
	var left []*corev1.Service
	for _, service := range live {
		node := service.Annotations[resources.NodeAnnotation]
		held[service.Name] = node
		if _, runs := slices.BinarySearch(nodes, node); !runs {
			left = append(left, service)
		}
	}
	if !r.everywhere(source, len(nodes)) {
		// An adapter that is being replaced keeps its Service, and with it the address that
		// consumers have found.
		for _, service := range left {
			nodes = append(nodes, held[service.Name])
		}
		left = nil
	}
	names := resources.NodeServiceNames(nodes, held)
	var first error
	failed := 0
	for _, node := range slices.Sorted(maps.Keys(names)) {
		if _, _, err := r.services(source).keep(ctx, resources.NodeService(source, r.adapters, names[node], node)); err != nil {
			if failed++; first == nil {
				first = fmt.Errorf("the Service of node %s: %w; of all PtpSources on a node one can have oCloud.perNodeServices", node, err)
			}
		}
	}
	if failed > 1 {
		first = fmt.Errorf("%d Services of nodes are not as they should be, first %w", failed, first)
	}
	return errors.Join(first, r.removeServices(ctx, source, left))
}

// everywhere is whether so many nodes are all that adapters are to run on.
func (r *Reconciler) everywhere(source *v1alpha1.PtpSource, nodes int) bool {
	ds, err := r.daemonSetLister.DaemonSets(r.adapters).Get(resources.Name(source))
	return err == nil && ds.Status.ObservedGeneration == ds.Generation && nodes >= int(ds.Status.DesiredNumberScheduled)
}

// labelPod gives an adapter the label by which the Service of its node finds it. All pods of a
// DaemonSet are made alike, so it cannot have it from the start.
func (r *Reconciler) labelPod(ctx context.Context, pod *corev1.Pod, node string) error {
	value := resources.NodeLabelValue(node)
	if pod.Labels[resources.NodeLabel] == value || pod.DeletionTimestamp != nil {
		return nil
	}
	patch := fmt.Sprintf(`{"metadata":{"uid":%q,"labels":{%q:%q}}}`, pod.UID, resources.NodeLabel, value)
	_, err := r.kube.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // it is gone, and another one may have its name
		return nil
	}
	if err != nil {
		return fmt.Errorf("label Pod %s/%s with its node: %w", pod.Namespace, pod.Name, err)
	}
	return nil
}

// nodeServices returns the Services of nodes that a source has.
func (r *Reconciler) nodeServices(source *v1alpha1.PtpSource) ([]*corev1.Service, error) {
	ofNode, err := labels.NewRequirement(resources.NodeLabel, selection.Exists, nil)
	if err != nil {
		return nil, err
	}
	selector := labels.SelectorFromSet(labels.Set{resources.UIDLabel: string(source.UID)}).Add(*ofNode)
	return r.serviceLister.Services(r.adapters).List(selector)
}

func (r *Reconciler) removeServices(ctx context.Context, source *v1alpha1.PtpSource, services []*corev1.Service) error {
	var errs []error
	for _, service := range services {
		_, err := r.services(source).remove(ctx, service)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *Reconciler) services(source *v1alpha1.PtpSource) keeper[*corev1.Service] {
	return keeper[*corev1.Service]{
		kind:  "Service",
		cache: r.serviceLister.Services(r.adapters),
		api:   r.kube.CoreV1().Services(r.adapters),
		ours:  func(live *corev1.Service) bool { return resources.BelongsTo(live, source) },
		overlay: func(want, live *corev1.Service) (*corev1.Service, bool) {
			next := live.DeepCopy()
			differs := overlayMeta(want, next) ||
				!equality.Semantic.DeepEqual(want.Spec.Selector, live.Spec.Selector) ||
				!equality.Semantic.DeepEqual(want.Spec.InternalTrafficPolicy, live.Spec.InternalTrafficPolicy) ||
				!slices.Equal(want.Spec.Ports, withoutNodePorts(live.Spec.Ports))
			next.Spec.Selector, next.Spec.InternalTrafficPolicy, next.Spec.Ports = want.Spec.Selector, want.Spec.InternalTrafficPolicy, want.Spec.Ports
			return next, differs
		},
	}
}

// withoutNodePorts leaves out what Kubernetes fills in.
func withoutNodePorts(ports []corev1.ServicePort) []corev1.ServicePort {
	ports = slices.Clone(ports)
	for n := range ports {
		ports[n].NodePort = 0
	}
	return ports
}
