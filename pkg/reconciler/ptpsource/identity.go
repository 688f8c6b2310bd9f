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
	"fmt"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/eventing/pkg/apis/feature"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// reconcileIdentity gives the source the service account that it shows to its sink, and
// its adapters the right to ask for that one's tokens. Where OIDC is off, both are taken
// away.
func (r *Reconciler) reconcileIdentity(ctx context.Context, source *v1alpha1.PtpSource) error {
	if !feature.FromContext(ctx).IsOIDCAuthentication() {
		if err := r.removeIdentity(ctx, source); err != nil {
			source.Status.MarkOIDCIdentityFailed(err.Error())
			return err
		}
		source.Status.MarkOIDCIdentity("")
		return nil
	}
	if err := r.keepIdentity(ctx, source); err != nil {
		source.Status.MarkOIDCIdentityFailed(err.Error())
		return err
	}
	source.Status.MarkOIDCIdentity(resources.OIDCServiceAccount(source).Name)
	return nil
}

func (r *Reconciler) keepIdentity(ctx context.Context, source *v1alpha1.PtpSource) error {
	if _, _, err := r.identities(source).keep(ctx, resources.OIDCServiceAccount(source)); err != nil {
		return err
	}
	if _, _, err := r.tokenRoles(source).keep(ctx, resources.TokenRole(source)); err != nil {
		return err
	}
	if _, _, err := r.adapterAccounts(source).keep(ctx, resources.AdapterServiceAccount(source, r.adapters)); err != nil {
		return err
	}
	binding := resources.TokenRoleBinding(source, r.adapters)
	live, _, err := r.tokenRoleBindings(source).keep(ctx, binding)
	if err != nil {
		return err
	}
	if live.RoleRef != binding.RoleRef {
		return fmt.Errorf("RoleBinding %s/%s refers to %s %s, which cannot be changed: delete it, and it is made again",
			live.Namespace, live.Name, live.RoleRef.Kind, live.RoleRef.Name)
	}
	return nil
}

func (r *Reconciler) removeIdentity(ctx context.Context, source *v1alpha1.PtpSource) error {
	binding := resources.TokenRoleBinding(source, r.adapters)
	if _, err := r.tokenRoleBindings(source).remove(ctx, binding); err != nil {
		return err
	}
	if _, err := r.tokenRoles(source).remove(ctx, resources.TokenRole(source)); err != nil {
		return err
	}
	if _, err := r.adapterAccounts(source).remove(ctx, resources.AdapterServiceAccount(source, r.adapters)); err != nil {
		return err
	}
	_, err := r.identities(source).remove(ctx, resources.OIDCServiceAccount(source))
	return err
}

func (r *Reconciler) identities(source *v1alpha1.PtpSource) keeper[*corev1.ServiceAccount] {
	return keeper[*corev1.ServiceAccount]{
		kind:    "ServiceAccount",
		cache:   r.identityLister.ServiceAccounts(source.Namespace),
		api:     r.kube.CoreV1().ServiceAccounts(source.Namespace),
		ours:    func(live *corev1.ServiceAccount) bool { return metav1.IsControlledBy(live, source) },
		overlay: overlayServiceAccount,
	}
}

func (r *Reconciler) adapterAccounts(source *v1alpha1.PtpSource) keeper[*corev1.ServiceAccount] {
	return keeper[*corev1.ServiceAccount]{
		kind:    "ServiceAccount",
		cache:   r.adapterAccountLister.ServiceAccounts(r.adapters),
		api:     r.kube.CoreV1().ServiceAccounts(r.adapters),
		ours:    func(live *corev1.ServiceAccount) bool { return resources.BelongsTo(live, source) },
		overlay: overlayServiceAccount,
	}
}

func (r *Reconciler) tokenRoles(source *v1alpha1.PtpSource) keeper[*rbacv1.Role] {
	return keeper[*rbacv1.Role]{
		kind:  "Role",
		cache: r.roleLister.Roles(source.Namespace),
		api:   r.kube.RbacV1().Roles(source.Namespace),
		ours:  func(live *rbacv1.Role) bool { return metav1.IsControlledBy(live, source) },
		overlay: func(want, live *rbacv1.Role) (*rbacv1.Role, bool) {
			next := live.DeepCopy()
			differs := overlayMeta(want, next) || !equality.Semantic.DeepEqual(want.Rules, live.Rules)
			next.Rules = want.Rules
			return next, differs
		},
	}
}

func (r *Reconciler) tokenRoleBindings(source *v1alpha1.PtpSource) keeper[*rbacv1.RoleBinding] {
	return keeper[*rbacv1.RoleBinding]{
		kind:  "RoleBinding",
		cache: r.roleBindingLister.RoleBindings(source.Namespace),
		api:   r.kube.RbacV1().RoleBindings(source.Namespace),
		ours:  func(live *rbacv1.RoleBinding) bool { return metav1.IsControlledBy(live, source) },
		overlay: func(want, live *rbacv1.RoleBinding) (*rbacv1.RoleBinding, bool) {
			next := live.DeepCopy()
			differs := overlayMeta(want, next) || !equality.Semantic.DeepEqual(want.Subjects, live.Subjects)
			next.Subjects = want.Subjects
			return next, differs
		},
	}
}

func overlayServiceAccount(want, live *corev1.ServiceAccount) (*corev1.ServiceAccount, bool) {
	next := live.DeepCopy()
	return next, overlayMeta(want, next)
}
