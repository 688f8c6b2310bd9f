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
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	rt "knative.dev/pkg/reconciler/testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

func TestReconcileDaemonSet(t *testing.T) {
	want := daemonSet(newSource())
	ready := running(want, 3, 3)

	test(t, rt.TableTest{{
		Name: "a key that is none is ignored",
		Key:  "too/many/parts",
	}, {
		Name: "a source that is gone is ignored",
		Key:  key,
	}, {
		Name:              "a new source gets a finalizer and a DaemonSet",
		Objects:           []runtime.Object{newSource(never, func(s *v1alpha1.PtpSource) { s.Finalizers = nil }), sinkService()},
		WantCreates:       []runtime.Object{want},
		WantPatches:       []clienttesting.PatchActionImpl{finalizerPatch(`["ptpsources.sources.knative.dev"]`)},
		WantStatusUpdates: statuses(newSource(func(s *v1alpha1.PtpSource) { s.Finalizers = nil }, with(changed(want, func(ds *appsv1.DaemonSet) { ds.Generation = 1 })))),
		WantEvents: []string{
			`Normal FinalizerUpdate Updated "clocks" finalizers`,
			"Normal DaemonSetCreated Created DaemonSet adapters/" + dsName,
		},
	}, {
		Name:              "it is Ready when all adapters are",
		Objects:           []runtime.Object{newSource(), sinkService(), ready},
		WantStatusUpdates: statuses(newSource(with(ready))),
	}, {
		Name:    "nothing is written when nothing differs",
		Objects: []runtime.Object{newSource(with(ready)), sinkService(), ready},
	}, {
		Name: "a pod that is not well is named, the first by its node",
		Objects: []runtime.Object{
			newSource(), sinkService(), running(want, 1, 3), pod("n3", "no such image"), pod("n2", "no such image"), pod("n1", ""),
		},
		WantStatusUpdates: statuses(newSource(sick(running(want, 1, 3), "n2", "adapters/"+dsName+"-n2", "ImagePullBackOff: no such image"))),
	}, {
		Name:              "pods that are starting are not sick",
		Objects:           []runtime.Object{newSource(), sinkService(), running(want, 1, 3), pod("n1", "")},
		WantStatusUpdates: statuses(newSource(with(running(want, 1, 3)))),
	}, {
		Name:              "no node matches",
		Objects:           []runtime.Object{newSource(), sinkService(), running(want, 0, 0)},
		WantStatusUpdates: statuses(newSource(with(running(want, 0, 0)))),
	}})
}

// test runs rows that all have the same key, and share a namespace with nobody.
func test(t *testing.T, rows rt.TableTest) {
	t.Helper()
	for i := range rows {
		if rows[i].Key == "" {
			rows[i].Key = key
		}
		rows[i].SkipNamespaceValidation = true
	}
	rows.Test(t, world)
}

func finalizerPatch(finalizers string) clienttesting.PatchActionImpl {
	return clienttesting.PatchActionImpl{Name: name, Patch: []byte(`{"metadata":{"finalizers":` + finalizers + `,"resourceVersion":""}}`)}
}
