//go:build e2e

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

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
)

// The Service of each node leads to the adapter there, also to the one that comes after it.
func TestServicesOfNodes(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	app := r.StartRecorder("app").Ready()
	r.Source("clocks", kit.To(app), kit.Watching(forStates), func(s *v1alpha1.PtpSourceSpec) {
		s.OCloud = &v1alpha1.OCloud{Enabled: true, PerNodeServices: true}
	})
	s := r.ReadyOn("clocks", 2)
	services := r.Kube.CoreV1().Services(kit.Adapters)
	name := func(node string) string { return "ptp-event-publisher-service-" + node }
	answers := func(node string) {
		t.Helper()
		r.Eventually("an answer of "+name(node), func(ctx context.Context) error {
			text, err := services.ProxyGet("http", name(node), "9043", "/api/ocloudNotifications/v2/sync/sync-status/sync-state/CurrentState", nil).DoRaw(ctx)
			if err != nil {
				return err
			}
			var state struct{ Node, PtpState string }
			if err := json.Unmarshal(text, &state); err != nil || state.Node != node || state.PtpState == "" {
				return fmt.Errorf("%s: %w", text, err)
			}
			return nil
		})
	}
	address := func(node string) *corev1.Service {
		t.Helper()
		service, err := services.Get(t.Context(), name(node), metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return service
	}
	for _, node := range []string{"n1", "n2"} {
		answers(node)
	}

	before, pod := address("n1"), r.Adapter(s, "n1")
	if err := r.Kube.CoreV1().Pods(kit.Adapters).Delete(t.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.Gone("the adapter of n1", func(ctx context.Context) error {
		_, err := r.Kube.CoreV1().Pods(kit.Adapters).Get(ctx, pod.Name, metav1.GetOptions{})
		return err
	})
	r.Adapter(s, "n1")
	answers("n1")
	if after := address("n1"); after.UID != before.UID || after.Spec.ClusterIP != before.Spec.ClusterIP {
		t.Errorf("the Service of n1 was at %s and is at %s", before.Spec.ClusterIP, after.Spec.ClusterIP)
	}

	r.Delete("clocks")
	r.Gone("the Service of n1", func(ctx context.Context) error {
		_, err := services.Get(ctx, name("n1"), metav1.GetOptions{})
		return err
	})
}
