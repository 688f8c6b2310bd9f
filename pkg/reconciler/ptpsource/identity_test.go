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
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	rt "knative.dev/pkg/reconciler/testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

func TestReconcileIdentity(t *testing.T) {
	identity := resources.OIDCServiceAccount(newSource())
	role := resources.TokenRole(newSource())
	account := resources.AdapterServiceAccount(newSource(), adapterNS)
	binding := resources.TokenRoleBinding(newSource(), adapterNS)
	all := []runtime.Object{identity, role, account, binding}

	// The sink wants to know who sends.
	asks := spec(func(s *v1alpha1.PtpSourceSpec) { s.Sink.Audience = new("events") })
	shows := status(func(s *v1alpha1.PtpSourceStatus) {
		s.MarkOIDCIdentity(identity.Name)
		s.SinkAudience = new("events")
	})
	withToken := running(daemonSet(newSource(asks), func(a *resources.Args) {
		a.Sink.Audience, a.OIDCServiceAccount = new("events"), identity.Name
	}), 3, 3)
	without := running(daemonSet(newSource()), 3, 3)
	world := func(ds *appsv1.DaemonSet, of *v1alpha1.PtpSource, more ...runtime.Object) []runtime.Object {
		return append([]runtime.Object{of, sinkService(), ds}, more...)
	}

	rows := rt.TableTest{{
		Name:              "an identity, and the right to its tokens",
		Ctx:               withOIDC(),
		Objects:           world(withToken, newSource(asks)),
		WantCreates:       all,
		WantStatusUpdates: statuses(newSource(asks, shows, with(withToken))),
	}, {
		Name:    "nothing is written when nothing differs",
		Ctx:     withOIDC(),
		Objects: world(withToken, newSource(asks, shows, with(withToken)), all...),
	}, {
		Name:          "all is there, and the cache does not know",
		Ctx:           withOIDC(),
		Objects:       world(withToken, newSource(asks, shows, with(withToken)), all...),
		OtherTestData: map[string]any{"cache is behind": true},
		WithReactors: []clienttesting.ReactionFunc{
			exists("serviceaccounts"), exists("roles"), exists("rolebindings"), exists("daemonsets"),
		},
		WantCreates: []runtime.Object{identity, role, account, binding, bare(withToken)},
	}, {
		Name: "what somebody has changed is changed back",
		Ctx:  withOIDC(),
		Objects: world(withToken, newSource(asks, shows, with(withToken)),
			alter(identity, func(sa *corev1.ServiceAccount) { sa.Labels = nil }),
			alter(role, func(r *rbacv1.Role) { r.Rules[0].ResourceNames = nil }),
			alter(account, func(sa *corev1.ServiceAccount) { sa.Annotations = nil }),
			alter(binding, func(b *rbacv1.RoleBinding) { b.Subjects[0].Name = "evil" }),
		),
		WantUpdates: writes(identity, role, account, binding),
	}, {
		Name:    "all is taken away when OIDC is off",
		Objects: world(without, newSource(shows, with(withToken)), all...),
		WantDeletes: []clienttesting.DeleteActionImpl{
			deletion("rolebindings", userNS, binding.Name), deletion("roles", userNS, role.Name),
			deletion("serviceaccounts", adapterNS, account.Name), deletion("serviceaccounts", userNS, identity.Name),
		},
		WantStatusUpdates: statuses(newSource(with(without))),
	}, {
		Name: "what is not ours is left alone when OIDC is off",
		Objects: world(without, newSource(with(without)),
			alter(identity, func(sa *corev1.ServiceAccount) { sa.OwnerReferences = nil }),
			alter(role, func(r *rbacv1.Role) { r.OwnerReferences = nil }),
			alter(account, func(sa *corev1.ServiceAccount) { sa.Labels = nil }),
			alter(binding, func(b *rbacv1.RoleBinding) { b.OwnerReferences = nil }),
		),
	}}

	failed := func(name string, objects []runtime.Object, message string, row rt.TableRow) {
		row.Name, row.Ctx, row.WantErr = name, withOIDC(), true
		row.Objects = world(withToken, newSource(asks, shows, with(withToken)), objects...)
		row.WantStatusUpdates = statuses(newSource(asks, shows, with(withToken), status(func(s *v1alpha1.PtpSourceStatus) {
			s.MarkOIDCIdentityFailed(message)
		})))
		row.WantEvents = []string{"Warning InternalError " + message}
		rows = append(rows, row)
	}
	for i, step := range []struct{ kind, resource, name string }{
		{"ServiceAccount", "serviceaccounts", userNS + "/" + identity.Name},
		{"Role", "roles", userNS + "/" + role.Name},
		{"ServiceAccount", "serviceaccounts", adapterNS + "/" + account.Name},
		{"RoleBinding", "rolebindings", userNS + "/" + binding.Name},
	} {
		object := step.kind + " " + step.name
		failed("cannot create "+object, all[:i], "create "+object+": inducing failure for create "+step.resource, rt.TableRow{
			WithReactors: []clienttesting.ReactionFunc{rt.InduceFailure("create", step.resource)},
			WantCreates:  all[i : i+1],
		})
		failed("is not ours: "+object, append(append([]runtime.Object{}, all[:i]...), disown(all[i])),
			object+" exists and is not of this PtpSource: delete it, or rename the PtpSource", rt.TableRow{})

		// And when OIDC is off, in the opposite order.
		rows = append(rows, rt.TableRow{
			Name:         "cannot delete " + object,
			Objects:      world(without, newSource(with(without)), all[i]),
			WithReactors: []clienttesting.ReactionFunc{rt.InduceFailure("delete", step.resource)},
			WantErr:      true,
			WantDeletes:  []clienttesting.DeleteActionImpl{deletionOf(all[i], step.resource)},
			WantStatusUpdates: statuses(newSource(with(without), status(func(s *v1alpha1.PtpSourceStatus) {
				s.MarkOIDCIdentityFailed("delete " + object + ": inducing failure for delete " + step.resource)
			}))),
			WantEvents: []string{"Warning InternalError delete " + object + ": inducing failure for delete " + step.resource},
		})
	}
	failed("cannot update", []runtime.Object{identity, alter(role, func(r *rbacv1.Role) { r.Rules = nil })},
		"update Role user/"+role.Name+": inducing failure for update roles", rt.TableRow{
			WithReactors: []clienttesting.ReactionFunc{rt.InduceFailure("update", "roles")},
			WantUpdates:  writes(role),
		})
	failed("a role binding to another role, which cannot be changed",
		[]runtime.Object{identity, role, account, alter(binding, func(b *rbacv1.RoleBinding) { b.RoleRef.Name = "evil" })},
		"RoleBinding user/"+binding.Name+" refers to Role evil, which cannot be changed: delete it, and it is made again", rt.TableRow{})
	test(t, rows)
}

// alter returns a copy of an object with something else in it.
func alter[T interface{ DeepCopy() T }](object T, change func(T)) T {
	object = object.DeepCopy()
	change(object)
	return object
}

// disown makes an object somebody else's.
func disown(object runtime.Object) runtime.Object {
	object = object.DeepCopyObject()
	switch o := object.(type) {
	case *corev1.ServiceAccount:
		o.OwnerReferences, o.Labels = nil, nil
	case *rbacv1.Role:
		o.OwnerReferences = nil
	case *rbacv1.RoleBinding:
		o.OwnerReferences = nil
	}
	return object
}

// bare is a DaemonSet before the API server has seen it.
func bare(ds *appsv1.DaemonSet) *appsv1.DaemonSet {
	return changed(ds, func(ds *appsv1.DaemonSet) { ds.Generation, ds.Status = 0, appsv1.DaemonSetStatus{} })
}
