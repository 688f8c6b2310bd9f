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

package resources_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

func TestOCloudService(t *testing.T) {
	if got := resources.OCloudService(source(), "adapters"); got != nil {
		t.Errorf("a source without the API has %v", got)
	}
	if got := resources.OCloudService(source(func(s *v1alpha1.PtpSource) { s.Spec.OCloud = &v1alpha1.OCloud{} }), "adapters"); got != nil {
		t.Errorf("a source whose API is switched off has %v", got)
	}
	got := resources.OCloudService(source(func(s *v1alpha1.PtpSource) {
		s.Name = "north.clocks"
		s.Spec.OCloud = &v1alpha1.OCloud{Enabled: true, Port: new(int32(19043))}
	}), "adapters")
	want := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "adapters",
			Name:      "ocloud-user-north-clocks",
			Labels: map[string]string{
				"ptpsource.sources.knative.dev/uid": "6f1a", "app.kubernetes.io/name": "eventing-ptp", "app.kubernetes.io/component": "adapter",
			},
			Annotations: map[string]string{
				"ptpsource.sources.knative.dev/namespace": "user", "ptpsource.sources.knative.dev/name": "north.clocks",
			},
		},
		Spec: corev1.ServiceSpec{
			Selector:              map[string]string{"ptpsource.sources.knative.dev/uid": "6f1a"},
			InternalTrafficPolicy: new(corev1.ServiceInternalTrafficPolicyLocal),
			Ports:                 []corev1.ServicePort{{Name: "ocloud", Port: 19043, TargetPort: intstr.FromString("ocloud"), Protocol: "TCP"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Service (-want, +got):\n%s", diff)
	}
}
