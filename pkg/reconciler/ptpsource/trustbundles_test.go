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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	rt "knative.dev/pkg/reconciler/testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

func bundle(namespace, name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, Labels: map[string]string{"networking.knative.dev/trust-bundle": "true"},
		},
		Data: map[string]string{"ca.pem": "PEM"},
	}
}

func TestReconcileTrustBundles(t *testing.T) {
	origin := bundle(systemNS, "company")
	copied := resources.TrustBundle(origin, adapterNS)
	orphan := resources.TrustBundle(bundle(systemNS, "former"), adapterNS)
	mounts := func(bundles ...*corev1.ConfigMap) *appsv1.DaemonSet {
		return running(daemonSet(newSource(), func(a *resources.Args) { a.TrustBundles = bundles }), 3, 3)
	}
	one := mounts(copied)
	none := mounts()
	failed := func(ds *appsv1.DaemonSet, message string) []clienttesting.UpdateActionImpl {
		return statuses(newSource(with(ds), status(func(s *v1alpha1.PtpSourceStatus) { s.MarkNotDeployed("TrustBundlesFailed", message) })))
	}

	test(t, rt.TableTest{{
		Name:        "the cluster's bundles are copied to the adapters",
		Objects:     []runtime.Object{newSource(with(one)), sinkService(), one, origin},
		WantCreates: []runtime.Object{copied},
	}, {
		Name:    "nothing is written when nothing differs",
		Objects: []runtime.Object{newSource(with(one)), sinkService(), one, origin, copied},
	}, {
		Name: "a copy follows its origin",
		Objects: []runtime.Object{
			newSource(with(one)), sinkService(), one, origin,
			alter(copied, func(cm *corev1.ConfigMap) { cm.Data["ca.pem"] = "OLD" }),
		},
		WantUpdates: writes(copied),
	}, {
		Name:        "a copy goes with its origin",
		Objects:     []runtime.Object{newSource(with(none)), sinkService(), none, orphan},
		WantDeletes: []clienttesting.DeleteActionImpl{deletion("configmaps", adapterNS, orphan.Name)},
	}, {
		Name: "what an administrator puts there is mounted, too, and stays",
		Objects: []runtime.Object{
			newSource(with(mounts(copied, bundle(adapterNS, "own")))), sinkService(), mounts(copied, bundle(adapterNS, "own")),
			origin, copied, bundle(adapterNS, "own"),
		},
	}, {
		Name: "adapters in the system namespace mount the origins",
		Objects: []runtime.Object{
			newSource(with(in(systemNS, mounts(origin)))), sinkService(), in(systemNS, mounts(origin)), origin,
		},
		OtherTestData: map[string]any{"adapters in the system namespace": true},
	}, {
		Name:              "a copy cannot be made",
		Objects:           []runtime.Object{newSource(with(none)), sinkService(), none, origin},
		WithReactors:      []clienttesting.ReactionFunc{rt.InduceFailure("create", "configmaps")},
		WantErr:           true,
		WantCreates:       []runtime.Object{copied},
		WantStatusUpdates: failed(none, "create ConfigMap adapters/company-ptpsource: inducing failure for create configmaps"),
		WantEvents:        []string{"Warning InternalError create ConfigMap adapters/company-ptpsource: inducing failure for create configmaps"},
	}, {
		Name:              "a copy cannot be deleted",
		Objects:           []runtime.Object{newSource(with(none)), sinkService(), none, orphan},
		WithReactors:      []clienttesting.ReactionFunc{rt.InduceFailure("delete", "configmaps")},
		WantErr:           true,
		WantDeletes:       []clienttesting.DeleteActionImpl{deletion("configmaps", adapterNS, orphan.Name)},
		WantStatusUpdates: failed(none, "delete ConfigMap adapters/former-ptpsource: inducing failure for delete configmaps"),
		WantEvents:        []string{"Warning InternalError delete ConfigMap adapters/former-ptpsource: inducing failure for delete configmaps"},
	}})
}

// in is a DaemonSet made for another namespace, which its hash does not know of.
func in(namespace string, ds *appsv1.DaemonSet) *appsv1.DaemonSet {
	return changed(ds, func(ds *appsv1.DaemonSet) { ds.Namespace = namespace })
}
