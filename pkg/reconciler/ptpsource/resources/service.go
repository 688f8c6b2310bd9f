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

package resources

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"knative.dev/pkg/kmeta"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// ocloudPort is the name of the port of the O-Cloud API.
const ocloudPort = "ocloud"

// OCloudName is what the Service of a source's O-Cloud API is called. Consumers write it
// down, so it is made of what they know.
func OCloudName(source *v1alpha1.PtpSource) string {
	return kmeta.ChildName("ocloud-"+source.Namespace+"-", strings.ReplaceAll(source.Name, ".", "-"))
}

// OCloudService makes the Service that leads each consumer to the adapter of its own node;
// nil where the API is not served.
func OCloudService(source *v1alpha1.PtpSource, adapters string) *corev1.Service {
	if !servesOCloud(source.Spec) {
		return nil
	}
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   adapters,
			Name:        OCloudName(source),
			Labels:      Labels(source),
			Annotations: Annotations(source),
		},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{UIDLabel: string(source.UID)},
			// Another node's clocks are another adapter's business.
			InternalTrafficPolicy: new(corev1.ServiceInternalTrafficPolicyLocal),
			Ports: []corev1.ServicePort{{
				Name: ocloudPort, Port: *source.Spec.OCloud.Port, TargetPort: intstr.FromString(ocloudPort), Protocol: corev1.ProtocolTCP,
			}},
		},
	}
}
