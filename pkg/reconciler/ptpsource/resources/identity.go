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

package resources

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/eventing/pkg/auth"
	"knative.dev/pkg/kmeta"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// OIDCServiceAccount makes the service account whose token a source shows to its sink.
// It is named and labelled as in all of Knative Eventing.
func OIDCServiceAccount(source *v1alpha1.PtpSource) *corev1.ServiceAccount {
	return auth.GetOIDCServiceAccountForResource(source.GetGroupVersionKind(), source.ObjectMeta)
}

// TokenRole makes the role that allows to ask for tokens of a source's own service
// account, and of no other: whoever breaks into an adapter gains the identity of one
// source.
func TokenRole(source *v1alpha1.PtpSource) *rbacv1.Role {
	return &rbacv1.Role{
		ObjectMeta: tokenMeta(source),
		Rules: []rbacv1.PolicyRule{{
			APIGroups:     []string{""},
			Resources:     []string{"serviceaccounts/token"},
			ResourceNames: []string{OIDCServiceAccount(source).Name},
			Verbs:         []string{"create"},
		}},
	}
}

// TokenRoleBinding gives TokenRole to the adapters of a source, which run as
// AdapterServiceAccount in another namespace, or as ReviewerServiceAccount there.
func TokenRoleBinding(source *v1alpha1.PtpSource, adapters string) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		ObjectMeta: tokenMeta(source),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: tokenMeta(source).Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: adapters, Name: adapterAccount(source)}},
	}
}

// tokenMeta lets Kubernetes delete the object with the source.
func tokenMeta(source *v1alpha1.PtpSource) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace:       source.Namespace,
		Name:            kmeta.ChildName(source.Name, "-ptpsource-oidc-token"),
		Labels:          map[string]string{auth.OIDCLabelKey: "enabled"},
		OwnerReferences: []metav1.OwnerReference{*kmeta.NewControllerRef(source)},
	}
}

// AdapterServiceAccount makes what the adapters of a source run as when they have to ask
// for tokens.
func AdapterServiceAccount(source *v1alpha1.PtpSource, adapters string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   adapters,
			Name:        Name(source),
			Labels:      Labels(source),
			Annotations: Annotations(source),
		},
		AutomountServiceAccountToken: new(false), // only pods that say so
	}
}

// TrustBundle makes our copy of a trust bundle in the adapters' namespace.
func TrustBundle(origin *corev1.ConfigMap, adapters string) *corev1.ConfigMap {
	labels := map[string]string{}
	maps.Copy(labels, origin.Labels)
	labels[TrustBundleLabel] = TrustBundleCopied
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: adapters,
			// Not the same name: a tool may put the same bundle into every namespace.
			Name:   kmeta.ChildName(origin.Name, "-ptpsource"),
			Labels: labels,
		},
		Data:       origin.Data,
		BinaryData: origin.BinaryData,
	}
}
