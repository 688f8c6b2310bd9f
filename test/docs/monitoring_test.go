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

package docs_test

import (
	"os"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// The PodMonitor selects the pods of adapters, at a port that these have. What else is in
// samples/monitoring/, the module test/monitoring looks at.
func TestPodMonitor(t *testing.T) {
	var monitor struct {
		Metadata metav1.ObjectMeta
		Spec     struct {
			Selector            metav1.LabelSelector
			PodMetricsEndpoints []struct{ Port string }
		}
	}
	text, err := os.ReadFile(root + "/samples/monitoring/podmonitor.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &monitor)
	}
	if err != nil {
		t.Fatal(err)
	}
	source := &v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{Name: "fleet", Namespace: "edge", UID: "6f1a"}}
	source.SetDefaults(t.Context())
	set, err := resources.MakeDaemonSet(resources.Args{
		Source: source, Namespace: "eventing-ptp-adapters", Sink: &duckv1.Addressable{URL: apis.HTTP("sink.example.com")}, Thresholds: config.DefaultThresholds(),
	})
	if err != nil {
		t.Fatal(err)
	}
	pod := set.Spec.Template
	selector, err := metav1.LabelSelectorAsSelector(&monitor.Spec.Selector)
	if err != nil || selector.Empty() || !selector.Matches(labels.Set(pod.Labels)) || monitor.Metadata.Namespace != set.Namespace {
		t.Errorf("%s in %s does not select pods with %v in %s: %v", selector, monitor.Metadata.Namespace, pod.Labels, set.Namespace, err)
	}
	for _, e := range monitor.Spec.PodMetricsEndpoints {
		if !slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == e.Port }) {
			t.Errorf("adapters have no port %s", e.Port)
		}
	}
	if len(monitor.Spec.PodMetricsEndpoints) != 1 || pod.Spec.Containers[0].Name != "adapter" {
		t.Errorf("endpoints %+v, container %s", monitor.Spec.PodMetricsEndpoints, pod.Spec.Containers[0].Name)
	}
}
