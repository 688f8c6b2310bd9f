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

package monitoring_test

import (
	"os"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

// Prometheus' operator knows every field of its objects.
func TestObjects(t *testing.T) {
	rule, monitor := &monitoringv1.PrometheusRule{}, &monitoringv1.PodMonitor{}
	for file, object := range map[string]any{"prometheusrule.yaml": rule, "podmonitor.yaml": monitor} {
		text, err := os.ReadFile(root + "/samples/monitoring/" + file)
		if err == nil {
			err = yaml.UnmarshalStrict(text, object)
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if len(rule.Spec.Groups) != len(groups(t)) || rule.Kind != monitoringv1.PrometheusRuleKind || rule.Namespace != "eventing-ptp-adapters" {
		t.Errorf("%s %s/%s with %d groups", rule.Kind, rule.Namespace, rule.Name, len(rule.Spec.Groups))
	}
	endpoints := monitor.Spec.PodMetricsEndpoints
	if monitor.Kind != monitoringv1.PodMonitorsKind || monitor.Namespace != "eventing-ptp-adapters" || len(endpoints) != 1 || endpoints[0].Port == nil || *endpoints[0].Port != "metrics" {
		t.Errorf("%s %s/%s asks at %+v", monitor.Kind, monitor.Namespace, monitor.Name, endpoints)
	}
}
