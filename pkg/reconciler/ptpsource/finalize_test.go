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
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	rt "knative.dev/pkg/reconciler/testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

func TestFinalize(t *testing.T) {
	live := running(daemonSet(newSource()), 3, 3)
	account := resources.AdapterServiceAccount(newSource(), adapterNS)
	both := []clienttesting.DeleteActionImpl{
		deletion("daemonsets", adapterNS, dsName), deletion("serviceaccounts", adapterNS, dsName),
	}
	noFinalizer := []clienttesting.PatchActionImpl{finalizerPatch("[]")}
	noAttributes := status(func(s *v1alpha1.PtpSourceStatus) { s.CloudEventAttributes = nil })
	done := `Normal FinalizerUpdate Updated "clocks" finalizers`

	servedSource := spec(func(s *v1alpha1.PtpSourceSpec) { s.OCloud = &v1alpha1.OCloud{Enabled: true, Port: new(int32(9043))} })
	shared := resources.OCloudService(newSource(servedSource), adapterNS)
	ofNode := resources.NodeService(newSource(servedSource), adapterNS, "ptp-event-publisher-service-n1", "n1")
	foreign := ofNode.DeepCopy()
	foreign.Name, foreign.Labels[resources.UIDLabel] = "ptp-event-publisher-service-n2", "another"

	rows := rt.TableTest{{
		Name:          "the Services go, also when the cache has not seen them, and those of others stay",
		Objects:       []runtime.Object{deletedSource(), live, account, shared, ofNode, foreign},
		WantDeletes:   append(slices.Clone(both), deletionOf(shared, "services"), deletionOf(ofNode, "services")),
		OtherTestData: map[string]any{"cache is behind": true},
		WantPatches:   noFinalizer,
		WantEvents:    []string{done},
	}, {
		Name:        "the DaemonSet and the service account go",
		Objects:     []runtime.Object{deletedSource(), live, account},
		WantDeletes: both,
		WantPatches: noFinalizer,
		WantEvents:  []string{done},
	}, {
		Name:          "what the cache has not seen yet goes, too",
		Objects:       []runtime.Object{deletedSource(), live, account},
		OtherTestData: map[string]any{"cache is behind": true},
		WantDeletes:   both,
		WantPatches:   noFinalizer,
		WantEvents:    []string{done},
	}, {
		Name: "what another version has named differently goes, too",
		Objects: []runtime.Object{
			deletedSource(),
			changed(live, func(ds *appsv1.DaemonSet) { ds.Name = "old" }),
			alter(account, func(sa *corev1.ServiceAccount) { sa.Name = "old" }),
		},
		WantDeletes: []clienttesting.DeleteActionImpl{
			deletion("daemonsets", adapterNS, "old"), deletion("serviceaccounts", adapterNS, "old"),
		},
		WantPatches: noFinalizer,
		WantEvents:  []string{done},
	}, {
		Name:        "nothing is left to delete",
		Objects:     []runtime.Object{deletedSource()},
		WantPatches: noFinalizer,
		WantEvents:  []string{done},
	}, {
		Name: "what is not ours stays",
		Objects: []runtime.Object{
			deletedSource(), disown(account), changed(live, func(ds *appsv1.DaemonSet) { ds.Labels = nil }),
		},
		WantPatches: noFinalizer,
		WantEvents:  []string{done},
	}}
	for _, failure := range []struct {
		verb, resource, message string
		deletes                 []clienttesting.DeleteActionImpl
	}{
		{"get", "daemonsets", "get DaemonSet adapters/" + dsName, both[1:]},
		{"delete", "daemonsets", "delete DaemonSet adapters/" + dsName, both},
		{"get", "serviceaccounts", "get ServiceAccount adapters/" + dsName, both[:1]},
		{"delete", "serviceaccounts", "delete ServiceAccount adapters/" + dsName, both},
	} {
		rows = append(rows, rt.TableRow{
			Name:              "the finalizer stays when it cannot " + failure.message,
			Objects:           []runtime.Object{deletedSource(), live, account},
			WithReactors:      []clienttesting.ReactionFunc{rt.InduceFailure(failure.verb, failure.resource)},
			WantErr:           true,
			WantDeletes:       failure.deletes,
			WantStatusUpdates: statuses(deletedSource(noAttributes)),
			WantEvents:        []string{"Warning InternalError " + failure.message + ": inducing failure for " + failure.verb + " " + failure.resource},
		})
	}
	test(t, rows)
}
