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

const servingDir = "knative/serving" // below test/cluster

// ingressClass is that of Traefik's provider for Knative.
const ingressClass = "traefik.ingress.networking.knative.dev"

// Serving is Knative Serving in the namespace knative-serving, with Traefik in front of it
// in the namespace traefik.
func Serving() Component {
	return Component{
		Name: "serving",
		Images: []image.Set{
			{
				Name: "serving", Dir: servingDir,
				Programs: []string{
					"knative.dev/serving/cmd/activator",
					"knative.dev/serving/cmd/autoscaler",
					"knative.dev/serving/cmd/controller",
					"knative.dev/serving/cmd/queue",
					"knative.dev/serving/cmd/webhook",
				},
			},
			{
				Name: "traefik", Dir: "traefik",
				Programs: []string{"github.com/traefik/traefik/v3/cmd/traefik"},
			},
		},
		Namespaces: []string{"knative-serving", "traefik"},
		read: func(ctx context.Context) ([]*unstructured.Unstructured, error) {
			objects, err := readSources(ctx,
				source{servingDir, "knative.dev/serving", []string{"config/core"}},
				// In Serving's repository these are links, which a module cannot have.
				source{servingDir, "knative.dev/networking", []string{"config"}},
				source{servingDir, "knative.dev/caching", []string{"config"}})
			if err != nil {
				return nil, err
			}
			traefik, err := readManifest("traefik.yaml")
			return append(objects, traefik...), err
		},
		patch: func(cluster Cluster, o *unstructured.Unstructured) error {
			switch o.GetKind() + " " + o.GetName() {
			case "ConfigMap config-network":
				return setData(o, map[string]string{"ingress-class": ingressClass}) // else Istio's
			case "ConfigMap config-deployment":
				return setData(o, map[string]string{
					// Serving asks a registry what a tag means, from a pod, where this one is not.
					"registries-skipping-tag-resolving": "kind.local,ko.local,dev.local," + cluster.Registry,
					"queue-sidecar-cpu-request":         "5m",
				})
			}
			return nil
		},
	}
}
