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
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
