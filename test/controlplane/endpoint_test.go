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

package controlplane

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestServedAt(t *testing.T) {
	for _, test := range []struct {
		name  string
		port  corev1.ServicePort
		ports map[string]int
		want  int32
	}{
		{"at the port itself", corev1.ServicePort{Name: "https", Port: 443}, nil, 443},
		{"at the target port", corev1.ServicePort{Name: "https", Port: 443, TargetPort: intstr.FromInt32(8443)}, nil, 8443},
		{"where the test says", corev1.ServicePort{Name: "https", Port: 443, TargetPort: intstr.FromInt32(8443)}, map[string]int{"https": 9443}, 9443},
		{"where the test says for a named target port", corev1.ServicePort{Name: "https", Port: 443, TargetPort: intstr.FromString("x")}, map[string]int{"https": 9443}, 9443},
		{"what the test says is about another port", corev1.ServicePort{Name: "http", Port: 80}, map[string]int{"https": 9443}, 80},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := servedAt(test.port, test.ports); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}
