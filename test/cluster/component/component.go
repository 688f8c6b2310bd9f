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

// Package component describes what is installed on a cluster: which images, which
// objects, and what to wait for.
package component

import (
	"context"
	"errors"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
)

// Component is a thing that is installed as a whole.
type Component struct {
	// Name is a short word for messages.
	Name string
	// Images are to be built and pushed before Manifest is called.
	Images []image.Set
	// Namespaces are where its Deployments are. It works when all of them are
	// Available.
	Namespaces []string
}

// Cluster is what manifests have to know about the cluster that they are for.
type Cluster struct {
	// Registry is host:port, as in the references of images.
	Registry string
	// DNS is the address of the Service of CoreDNS, an address of the range that
	// the API server has for Services. Pods are told it by their kubelet.
	DNS string
}

// Manifest returns the objects as one stream of YAML documents. CustomResourceDefinitions
// come first, then namespaces, then the others, so that each can be applied once, in this
// order, if the definitions are waited for to be Established. Images must have what all
// sets of the component were pushed as; nothing is left for the cluster to resolve.
// The working directory must be in this repository.
func (c Component) Manifest(ctx context.Context, images image.References, cluster Cluster) ([]byte, error) {
	return nil, errors.New("not yet")
}

// CoreDNS answers for the names of Services, in the namespace kube-system.
func CoreDNS() Component { return Component{Name: "coredns"} }

// Eventing is Knative Eventing with in-memory channels and the Broker that is made of
// them, in the namespace knative-eventing. With tls its receivers have certificates, so
// that transport-encryption can be set in config-features; that needs CertManager.
func Eventing(tls bool) Component { return Component{Name: "eventing"} }

// Serving is Knative Serving in the namespace knative-serving, with Traefik in front of
// it in the namespace traefik.
func Serving() Component { return Component{Name: "serving"} }

// CertManager is cert-manager in the namespace cert-manager.
func CertManager() Component { return Component{Name: "cert-manager"} }

// EventDisplay is the import path of Knative's program that prints the events it gets,
// an image of Eventing.
const EventDisplay = "knative.dev/eventing/cmd/event_display"
