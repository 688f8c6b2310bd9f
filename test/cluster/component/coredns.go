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

package component

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
)

// CoreDNS answers for the names of Services, in the namespace kube-system.
func CoreDNS() Component {
	return Component{
		Name: "coredns",
		Images: []image.Set{{
			Name: "coredns", Dir: "dns",
			Programs: []string{"github.com/eventing-ptp/eventing-ptp/test/cluster/dns"},
		}},
		Namespaces: []string{"kube-system"},
		read:       func(context.Context) ([]*unstructured.Unstructured, error) { return readManifest("coredns.yaml") },
		patch: func(cluster Cluster, o *unstructured.Unstructured) error {
			if o.GetKind() != "Service" {
				return nil
			}
			return unstructured.SetNestedField(o.Object, cluster.DNS, "spec", "clusterIP")
		},
	}
}
