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
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
)

const (
	eventingDir    = "knative/eventing" // below test/cluster
	eventingModule = "knative.dev/eventing"
)

// EventDisplay is the import path of Knative's program that prints the events it gets, and
// the name of its image among those of Eventing.
const EventDisplay = "knative.dev/eventing/cmd/event_display"

// Eventing is Knative Eventing with in-memory channels and the Broker that is made of
// them, in the namespace knative-eventing. Both are the default, as Knative comes. With tls
// the Broker and the channels have certificates, so that transport-encryption can be
// set in the ConfigMap config-features; CertManager must be there before. For
// authentication-oidc nothing more is needed.
//
// The workloads behind JobSink and RequestReply are left out. PingSource, ApiServerSource,
// IntegrationSource, IntegrationSink, EventTransform and what is authenticated by
// a proxy are known kinds, but what their controller starts has no image. Nothing here needs
// them, and each program takes time to link.
func Eventing(tls bool) Component {
	c := Component{
		Name: "eventing",
		Images: []image.Set{{
			Name: "eventing", Dir: eventingDir,
			Programs: []string{
				"knative.dev/eventing/cmd/broker/filter",
				"knative.dev/eventing/cmd/broker/ingress",
				"knative.dev/eventing/cmd/controller",
				EventDisplay,
				"knative.dev/eventing/cmd/in_memory/channel_controller",
				"knative.dev/eventing/cmd/in_memory/channel_dispatcher",
				"knative.dev/eventing/cmd/mtchannel_broker",
				"knative.dev/eventing/cmd/webhook",
			},
		}},
		Namespaces: []string{"knative-eventing"},
		without: []string{
			"knative.dev/eventing/cmd/apiserver_receive_adapter",
			"knative.dev/eventing/cmd/auth_proxy",
			"knative.dev/eventing/cmd/mtping",
		},
		leaveOut: func(o *unstructured.Unstructured) bool {
			workload := []string{
				"Deployment job-sink", "Service job-sink",
				"StatefulSet request-reply", "Service request-reply", "Secret request-reply-keys",
			}
			return slices.Contains(workload, o.GetKind()+" "+o.GetName())
		},
	}
	c.read = func(ctx context.Context) ([]*unstructured.Unstructured, error) {
		paths := []string{
			"config/core",
			"config/channels/in-memory-channel",
			"config/brokers/mt-channel-broker",
			// Two ConfigMaps without which the controller does not start. The images in them
			// are on the Internet, so out of reach.
			"third_party/eventing-integrations-latest",
		}
		if tls {
			paths = append(paths,
				"test/config/tls/selfsigned-issuer.yaml", "test/config/tls/eventing-ca-issuer.yaml",
				"config/channels/in-memory-channel-tls", "config/brokers/mt-channel-broker-tls")
		}
		return readSources(ctx, source{eventingDir, eventingModule, paths})
	}
	return c
}
