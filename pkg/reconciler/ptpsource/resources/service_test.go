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
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

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

func TestNodeService(t *testing.T) {
	long := strings.Repeat("node-", 12) + "1.example.com" // 73 characters
	got := resources.NodeService(source(func(s *v1alpha1.PtpSource) {
		s.Spec.OCloud = &v1alpha1.OCloud{Enabled: true, Port: new(int32(9043))}
	}), "adapters", "ptp-event-publisher-service-x", long)
	label := got.Labels["ptpsource.sources.knative.dev/node"]
	if errs := validation.IsValidLabelValue(label); len(errs) > 0 || !strings.HasPrefix(label, "node-node-node-") {
		t.Errorf("label %q: %v", label, errs)
	}
	if got.Annotations["ptpsource.sources.knative.dev/node-name"] != long || got.Name != "ptp-event-publisher-service-x" {
		t.Errorf("it is %s, for %v", got.Name, got.Annotations)
	}
	wantSpec := corev1.ServiceSpec{
		Selector:              map[string]string{"ptpsource.sources.knative.dev/uid": "6f1a", "ptpsource.sources.knative.dev/node": label},
		InternalTrafficPolicy: new(corev1.ServiceInternalTrafficPolicyCluster),
		Ports:                 []corev1.ServicePort{{Name: "ocloud", Port: 9043, TargetPort: intstr.FromString("ocloud"), Protocol: "TCP"}},
	}
	if diff := cmp.Diff(wantSpec, got.Spec); diff != "" {
		t.Errorf("(-want, +got):\n%s", diff)
	}
	if other := resources.NodeLabelValue(long + "x"); other == label {
		t.Errorf("two nodes have the label %q", other)
	}
}

func TestNodeServiceNames(t *testing.T) {
	const p = "ptp-event-publisher-service-"
	long := "a-name-that-is-longer-than-the-35-characters-that-are-left"
	for _, tc := range []struct {
		name  string
		nodes []string
		held  map[string]string
		want  map[string]string
	}{{
		name: "none", want: map[string]string{},
	}, {
		name:  "the first part of the name, as consumers expect it",
		nodes: []string{"n2.example.com", "n1", "n2.example.com"},
		want:  map[string]string{"n1": p + "n1", "n2.example.com": p + "n2"},
	}, {
		name:  "of two with the same first part that come together, the first in the alphabet",
		nodes: []string{"n1.rack-b", "n1.rack-a"},
		want:  map[string]string{"n1.rack-a": p + "n1", "n1.rack-b": p + "n1-rack-b"},
	}, {
		name:  "one that has the name keeps it",
		nodes: []string{"n1.rack-b", "n1.rack-a"},
		held:  map[string]string{p + "n1": "n1.rack-b"},
		want:  map[string]string{"n1.rack-b": p + "n1", "n1.rack-a": p + "n1-rack-a"},
	}, {
		name:  "one that had to take another name keeps that one",
		nodes: []string{"n1.rack-b"},
		held:  map[string]string{p + "n1": "n1.rack-a", p + "n1-rack-b": "n1.rack-b"},
		want:  map[string]string{"n1.rack-b": p + "n1-rack-b"},
	}, {
		name:  "a name that is nobody's is given to another",
		nodes: []string{"n1.rack-c"},
		held:  map[string]string{p + "n1": "n1.rack-a"},
		want:  map[string]string{"n1.rack-c": p + "n1"},
	}, {
		name:  "whole names may look alike, too",
		nodes: []string{"a.b", "a.c", "a-c", "a-c.b", "a.c.b"},
		want: map[string]string{
			"a.b": p + "a", "a-c": p + "a-c", "a-c.b": p + "a-c-b", "a.c": p + "a-c-118bf69f", "a.c.b": p + "a-c-b-375ab7d3",
		},
	}, {
		name:  "what is too long is cut",
		nodes: []string{long, long + "-2"},
	}} {
		t.Run(tc.name, func(t *testing.T) {
			got := resources.NodeServiceNames(tc.nodes, tc.held)
			seen := map[string]bool{}
			for node, name := range got {
				if errs := validation.IsDNS1035Label(name); len(errs) > 0 || seen[name] {
					t.Errorf("node %s: %q is no name of a Service, or another's: %v", node, name, errs)
				}
				seen[name] = true
			}
			if tc.want == nil {
				if len(got) != len(tc.nodes) {
					t.Errorf("only %v", got)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want, +got):\n%s", diff)
			}
		})
	}
}
