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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
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
