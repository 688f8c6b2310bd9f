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
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	rt "knative.dev/pkg/reconciler/testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

func TestReconcileOCloud(t *testing.T) {
	serve := spec(func(s *v1alpha1.PtpSourceSpec) {
		s.OCloud = &v1alpha1.OCloud{
			Enabled: true, Port: new(int32(9043)), Auth: v1alpha1.OCloudAuthNone, Endpoints: v1alpha1.OCloudEndpointsCluster,
			RemoveAfter: &metav1.Duration{Duration: time.Hour}, MaxSubscriptions: new(int32(10)),
		}
	})
	served, plain := running(daemonSet(newSource(serve)), 3, 3), running(daemonSet(newSource()), 3, 3)
	service := resources.OCloudService(newSource(serve), adapterNS)
	foreign := service.DeepCopy()
	foreign.Labels = nil

	test(t, rt.TableTest{{
		Name:        "the API gets its Service",
		Objects:     []runtime.Object{newSource(serve, with(served)), sinkService(), served},
		WantCreates: []runtime.Object{service},
	}, {
		Name:    "one that is there is left alone",
		Objects: []runtime.Object{newSource(serve, with(served)), sinkService(), served, service},
	}, {
		Name:        "one of an API that is served no more is deleted",
		Objects:     []runtime.Object{newSource(with(plain)), sinkService(), plain, service},
		WantDeletes: []clienttesting.DeleteActionImpl{deletion("services", adapterNS, "ocloud-user-clocks")},
	}, {
		Name:    "somebody else's is not",
		Objects: []runtime.Object{newSource(with(plain)), sinkService(), plain, foreign},
	}})
}

func TestReconcileNodeServices(t *testing.T) {
	serve := spec(func(s *v1alpha1.PtpSourceSpec) {
		s.OCloud = &v1alpha1.OCloud{
			Enabled: true, Port: new(int32(9043)), Auth: v1alpha1.OCloudAuthNone, Endpoints: v1alpha1.OCloudEndpointsCluster,
			RemoveAfter: &metav1.Duration{Duration: time.Hour}, MaxSubscriptions: new(int32(10)),
		}
	})
	ask := spec(func(s *v1alpha1.PtpSourceSpec) { s.OCloud.PerNodeServices = true })
	both := func(s *v1alpha1.PtpSource) { serve(s); ask(s) }
	shared := resources.OCloudService(newSource(serve), adapterNS)
	two := running(daemonSet(newSource(both)), 2, 2)
	of := func(name, node string) *corev1.Service {
		return resources.NodeService(newSource(both), adapterNS, "ptp-event-publisher-service-"+name, node)
	}
	n1, n2 := of("n1", "n1.example.com"), of("n2", "n2.example.com")
	plain := func(node string) *corev1.Pod {
		p := pod(node, "")
		p.UID = types.UID("pod-of-" + node)
		return p
	}
	labelled := func(node string) *corev1.Pod {
		p := plain(node)
		p.Labels = map[string]string{resources.UIDLabel: uid, resources.NodeLabel: node}
		return p
	}
	patch := func(node string) clienttesting.PatchActionImpl {
		p := clienttesting.PatchActionImpl{Name: dsName + "-" + node, PatchType: types.MergePatchType, Patch: []byte(
			`{"metadata":{"uid":"pod-of-` + node + `","labels":{"ptpsource.sources.knative.dev/node":"` + node + `"}}}`)}
		p.Namespace = adapterNS
		return p
	}
	foreign := n2.DeepCopy()
	foreign.Labels[resources.UIDLabel] = "another"
	const conflict = "the Service of node n2.example.com: Service adapters/ptp-event-publisher-service-n2 exists and is not of this PtpSource: " +
		"delete it, or rename the PtpSource; of all PtpSources on a node one can have oCloud.perNodeServices"

	test(t, rt.TableTest{{
		Name:        "every node gets its Service, and its adapter the label by which it is found",
		Objects:     []runtime.Object{newSource(both, with(two)), sinkService(), two, shared, plain("n1.example.com"), plain("n2.example.com")},
		WantCreates: []runtime.Object{n1, n2},
		WantPatches: []clienttesting.PatchActionImpl{patch("n1.example.com"), patch("n2.example.com")},
	}, {
		Name:    "those that are there are left alone",
		Objects: []runtime.Object{newSource(both, with(two)), sinkService(), two, shared, labelled("n1.example.com"), labelled("n2.example.com"), n1, n2},
	}, {
		Name:    "nobody gets one who has not asked",
		Objects: []runtime.Object{newSource(serve, with(two)), sinkService(), two, shared, plain("n1.example.com"), plain("n2.example.com")},
	}, {
		Name:        "they go when they are asked for no more",
		Objects:     []runtime.Object{newSource(serve, with(two)), sinkService(), two, shared, labelled("n1.example.com"), n1, n2},
		WantDeletes: []clienttesting.DeleteActionImpl{deletionOf(n1, "services"), deletionOf(n2, "services")},
	}, {
		Name:        "one goes with its node",
		Objects:     []runtime.Object{newSource(both, with(running(two, 1, 1))), sinkService(), running(two, 1, 1), shared, labelled("n1.example.com"), n1, n2},
		WantDeletes: []clienttesting.DeleteActionImpl{deletionOf(n2, "services")},
	}, {
		Name:    "one stays while its adapter is being replaced",
		Objects: []runtime.Object{newSource(both, with(running(two, 1, 2))), sinkService(), running(two, 1, 2), shared, labelled("n1.example.com"), n1, n2},
	}, {
		Name: "one stays while it is not known where adapters are to run",
		Objects: []runtime.Object{
			newSource(both, with(changed(two, func(d *appsv1.DaemonSet) { d.Generation = 2 }))), sinkService(),
			changed(two, func(d *appsv1.DaemonSet) { d.Generation = 2; d.Status.DesiredNumberScheduled = 1 }), shared, labelled("n1.example.com"), n1, n2,
		},
	}, {
		Name:        "a node whose name is somebody else's keeps the adapters from nothing",
		Objects:     []runtime.Object{newSource(both, with(two)), sinkService(), two, shared, labelled("n1.example.com"), labelled("n2.example.com"), foreign},
		WantErr:     true,
		WantCreates: []runtime.Object{n1},
		WantStatusUpdates: statuses(newSource(both, with(two), status(func(s *v1alpha1.PtpSourceStatus) {
			s.MarkNotDeployed(v1alpha1.ReasonServiceFailed, conflict)
		}))),
		WantEvents: []string{"Warning InternalError " + conflict},
	}, {
		Name:        "a pod that is gone meanwhile is nobody's fault",
		Objects:     []runtime.Object{newSource(both, with(two)), sinkService(), two, shared, plain("n1.example.com"), labelled("n2.example.com"), n1, n2},
		WantPatches: []clienttesting.PatchActionImpl{patch("n1.example.com")},
		WithReactors: []clienttesting.ReactionFunc{
			answer("patch", "pods", apierrors.NewNotFound(corev1.Resource("pods"), "x")),
		},
	}})
}
