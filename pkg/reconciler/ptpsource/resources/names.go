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

// Package resources makes the Kubernetes objects of a PtpSource. Its functions are pure:
// they make objects but do not insert them, and the same arguments make the same object.
package resources

import (
	"hash/fnv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/kmeta"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

const (
	// UIDLabel is the uid of the PtpSource that an object is made for. It is what selects
	// the objects of one source: names may be used again, uids are not.
	UIDLabel = "ptpsource.sources.knative.dev/uid"
	// NamespaceAnnotation and NameAnnotation lead from an object to its PtpSource. They
	// are no labels, because names may be longer than a label's value.
	NamespaceAnnotation = "ptpsource.sources.knative.dev/namespace"
	// NameAnnotation is the other half of NamespaceAnnotation.
	NameAnnotation = "ptpsource.sources.knative.dev/name"
	// SpecHashAnnotation is the hash of a DaemonSet as it was made, before the API server
	// filled in the rest. It shows that a field is no longer asked for.
	SpecHashAnnotation = "ptpsource.sources.knative.dev/spec-hash"
	// NodeLabel is of an adapter and of the Service of its node, and stands for the node.
	NodeLabel = "ptpsource.sources.knative.dev/node"
	// NodeAnnotation is the name of the node that a Service is for. It may be longer than a
	// label's value.
	NodeAnnotation = "ptpsource.sources.knative.dev/node-name"
	// TrustBundleLabel marks our copies of trust bundles.
	TrustBundleLabel = "ptpsource.sources.knative.dev/trust-bundle"
	// TrustBundleCopied is the value of TrustBundleLabel.
	TrustBundleCopied = "copied"
)

// Name is what the objects of a source in the adapters' namespace are called: it says
// whose they are, and is not used again after the source is gone.
func Name(source *v1alpha1.PtpSource) string {
	// A dot would be part of the pods' host names, where it means something else.
	return kmeta.ChildName("ptpsource-"+strings.ReplaceAll(source.Name, ".", "-")+"-", string(source.UID))
}

// Labels are those of every object of a source.
func Labels(source *v1alpha1.PtpSource) map[string]string {
	return map[string]string{
		UIDLabel:                      string(source.UID),
		"app.kubernetes.io/name":      "eventing-ptp",
		"app.kubernetes.io/component": "adapter",
	}
}

// Annotations are those of every object of a source.
func Annotations(source *v1alpha1.PtpSource) map[string]string {
	return map[string]string{
		NamespaceAnnotation: source.Namespace,
		NameAnnotation:      source.Name,
	}
}

// BelongsTo is whether an object was made for a source.
func BelongsTo(object metav1.Object, source *v1alpha1.PtpSource) bool {
	return object.GetLabels()[UIDLabel] == string(source.UID)
}

// SourceOf returns the source that an object was made for, and whether there is one.
func SourceOf(object metav1.Object) (types.NamespacedName, bool) {
	annotations := object.GetAnnotations()
	key := types.NamespacedName{Namespace: annotations[NamespaceAnnotation], Name: annotations[NameAnnotation]}
	return key, key.Namespace != "" && key.Name != ""
}

// ports are what an adapter listens on: metrics and profiling if config-observability says
// so, and emit, on loopback, if it is not 0.
type ports struct{ health, metrics, profiling, emit int32 }

// podPorts are those of an adapter that has a network of its own. Metrics and profiling are
// where Knative's adapters have them.
func podPorts() ports { return ports{health: 8081, metrics: 9092, profiling: 8008, emit: 8083} }

// hostPorts are those of an adapter on the node's own network. Several sources may share
// a node, so each has ports of its own, taken from below the range of NodePorts
// (30000-32767) and of outgoing connections (from 32768). Two sources that get the same
// ones, one pair in 3333, cannot share a node: the adapter that comes second says so. None is
// for test events: the node's loopback is reached by every process there, and not only through
// Kubernetes.
func hostPorts(uid types.UID) ports {
	first := 20000 + 3*int32(sum(string(uid))%3333) //nolint:gosec // at most 29996
	return ports{health: first, metrics: first + 1, profiling: first + 2}
}

func sum(text string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text))
	return h.Sum32()
}
