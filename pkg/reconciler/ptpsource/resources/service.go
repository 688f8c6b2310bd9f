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
	"fmt"
	"slices"
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
	// Another node's clocks are another adapter's business.
	return ocloudService(source, adapters, OCloudName(source), corev1.ServiceInternalTrafficPolicyLocal)
}

func ocloudService(source *v1alpha1.PtpSource, adapters, name string, policy corev1.ServiceInternalTrafficPolicy) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   adapters,
			Name:        name,
			Labels:      Labels(source),
			Annotations: Annotations(source),
		},
		Spec: corev1.ServiceSpec{
			Selector:              map[string]string{UIDLabel: string(source.UID)},
			InternalTrafficPolicy: &policy,
			Ports: []corev1.ServicePort{{
				Name: ocloudPort, Port: *source.Spec.OCloud.Port, TargetPort: intstr.FromString(ocloudPort), Protocol: corev1.ProtocolTCP,
			}},
		},
	}
}

// WantsNodeServices is whether each node of a source has a Service of its own.
func WantsNodeServices(spec v1alpha1.PtpSourceSpec) bool {
	return servesOCloud(spec) && spec.OCloud.PerNodeServices
}

// NodeService makes the Service of one node, which leads from everywhere to the adapter there.
func NodeService(source *v1alpha1.PtpSource, adapters, name, node string) *corev1.Service {
	service := ocloudService(source, adapters, name, corev1.ServiceInternalTrafficPolicyCluster)
	service.Labels[NodeLabel], service.Annotations[NodeAnnotation] = NodeLabelValue(node), node
	service.Spec.Selector[NodeLabel] = NodeLabelValue(node)
	return service
}

// NodeLabelValue is what stands for a node in a label: its name, or as much of it as fits.
func NodeLabelValue(node string) string { return kmeta.ChildName(node, "") }

// NodeServiceNames returns what the Services of nodes are called, by node. held are the names
// that nodes have already, which they keep.
//
// The name is that of OpenShift's, which consumers make of what is before the first dot of
// their node's name. Of several nodes that have the same there, the one that came first has
// that name, or the first in the alphabet of those that came together. The others have one
// that is made of their whole name.
func NodeServiceNames(nodes []string, held map[string]string) map[string]string {
	names, taken := map[string]string{}, map[string]bool{}
	give := func(node, name string) {
		names[node] = name
		taken[name] = true
	}
	nodes = slices.Compact(slices.Sorted(slices.Values(nodes)))
	for _, node := range nodes {
		for _, name := range nodeServiceNames(node) {
			if held[name] == node {
				give(node, name)
				break
			}
		}
	}
	for _, node := range nodes {
		for _, name := range nodeServiceNames(node) {
			if names[node] == "" && !taken[name] {
				give(node, name)
			}
		}
	}
	return names
}

// nodeServiceNames are those that the Service of a node may have, the best first. No other
// node may have the last one.
func nodeServiceNames(node string) []string {
	const prefix = "ptp-event-publisher-service-"
	first, _, _ := strings.Cut(node, ".")
	whole := strings.ReplaceAll(node, ".", "-")
	return []string{kmeta.ChildName(prefix, first), kmeta.ChildName(prefix, whole), kmeta.ChildName(prefix+whole+"-", fmt.Sprintf("%08x", sum(node)))}
}
