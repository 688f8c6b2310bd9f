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
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

func TestTokenRole(t *testing.T) {
	meta := metav1.ObjectMeta{
		Namespace: "user",
		Name:      "clocks-ptpsource-oidc-token",
		Labels:    map[string]string{"eventing.knative.dev/oidc": "enabled"},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "sources.knative.dev/v1alpha1", Kind: "PtpSource", Name: "clocks", UID: "6f1a",
			Controller: new(true), BlockOwnerDeletion: new(true),
		}},
	}
	role := &rbacv1.Role{
		ObjectMeta: meta,
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{""}, Resources: []string{"serviceaccounts/token"}, Verbs: []string{"create"},
			ResourceNames: []string{"clocks-oidc-sources.knative.dev-ptpsource"},
		}},
	}
	if diff := cmp.Diff(role, resources.TokenRole(source())); diff != "" {
		t.Errorf("role (-want, +got):\n%s", diff)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "Role", Name: "clocks-ptpsource-oidc-token"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "adapters", Name: "ptpsource-clocks-6f1a"}},
	}
	if diff := cmp.Diff(binding, resources.TokenRoleBinding(source(), "adapters")); diff != "" {
		t.Errorf("role binding (-want, +got):\n%s", diff)
	}
	if got := resources.OIDCServiceAccount(source()); got.Namespace != "user" || got.Name != role.Rules[0].ResourceNames[0] {
		t.Errorf("the identity is %s/%s, and the role is for %s", got.Namespace, got.Name, role.Rules[0].ResourceNames[0])
	}
}

func TestAdapterServiceAccount(t *testing.T) {
	want := &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "adapters",
			Name:      "ptpsource-clocks-6f1a",
			Labels: map[string]string{
				"ptpsource.sources.knative.dev/uid": "6f1a",
				"app.kubernetes.io/name":            "eventing-ptp",
				"app.kubernetes.io/component":       "adapter",
			},
			Annotations: map[string]string{
				"ptpsource.sources.knative.dev/namespace": "user",
				"ptpsource.sources.knative.dev/name":      "clocks",
			},
		},
		AutomountServiceAccountToken: new(false),
	}
	if diff := cmp.Diff(want, resources.AdapterServiceAccount(source(), "adapters")); diff != "" {
		t.Errorf("service account (-want, +got):\n%s", diff)
	}
}

func TestTrustBundle(t *testing.T) {
	origin := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "system", Name: "company", ResourceVersion: "7",
			Labels: map[string]string{"networking.knative.dev/trust-bundle": "true"},
		},
		Data:       map[string]string{"ca.pem": "PEM"},
		BinaryData: map[string][]byte{"more": {1}},
	}
	want := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "adapters", Name: "company-ptpsource",
			Labels: map[string]string{
				"networking.knative.dev/trust-bundle":        "true",
				"ptpsource.sources.knative.dev/trust-bundle": "copied",
			},
		},
		Data:       map[string]string{"ca.pem": "PEM"},
		BinaryData: map[string][]byte{"more": {1}},
	}
	if diff := cmp.Diff(want, resources.TrustBundle(origin, "adapters")); diff != "" {
		t.Errorf("trust bundle (-want, +got):\n%s", diff)
	}
}

func TestSourceOf(t *testing.T) {
	for _, tc := range []struct {
		name        string
		annotations map[string]string
		want        types.NamespacedName
		ok          bool
	}{
		{"made for a source", resources.Annotations(source()), types.NamespacedName{Namespace: "user", Name: "clocks"}, true},
		{"made for nobody", nil, types.NamespacedName{}, false},
		{"half of the way back", map[string]string{"ptpsource.sources.knative.dev/name": "clocks"}, types.NamespacedName{Name: "clocks"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := resources.SourceOf(&metav1.ObjectMeta{Annotations: tc.annotations})
			if got != tc.want || ok != tc.ok {
				t.Errorf("got %v, %t; want %v, %t", got, ok, tc.want, tc.ok)
			}
		})
	}
}
