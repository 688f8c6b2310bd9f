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

package kit

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Broker makes a Broker.
func (r *Room) Broker(name string) {
	r.Helper()
	r.Apply(fmt.Sprintf("apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: %s, namespace: NAMESPACE}\n", name))
}

// Trigger has a Broker's events, filtered as a list of filters says, handed to a recorder's
// inbox, /<name>.
func (r *Room) Trigger(name, broker, filters string, rec *Recorder) {
	r.Helper()
	r.Apply(replace(`
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: TRIGGER, namespace: NAMESPACE}
spec:
  broker: BROKER
  filters: FILTERS
  subscriber:
    ref: {apiVersion: VERSION, kind: Service, name: RECORDER}
    uri: /TRIGGER
`, "TRIGGER", name, "BROKER", broker, "FILTERS", filters, "VERSION", rec.Ref.APIVersion, "RECORDER", rec.Name))
}

// BrokerReady waits until a Broker is Ready.
func (r *Room) BrokerReady(name string) {
	r.Helper()
	r.objectReady("eventing.knative.dev", "brokers", name)
}

// TriggerReady waits until a Trigger is Ready.
func (r *Room) TriggerReady(name string) {
	r.Helper()
	r.objectReady("eventing.knative.dev", "triggers", name)
}

// ServiceReady waits until a Knative Service is Ready.
func (r *Room) ServiceReady(name string) {
	r.Helper()
	r.objectReady("serving.knative.dev", "services", name)
}

// objectReady waits for an object of Knative's. These have no Go types here, so that no test is
// built with all of Knative.
func (r *Room) objectReady(group, kind, name string) {
	r.Helper()
	resource := schema.GroupVersionResource{Group: group, Version: "v1", Resource: kind}
	r.Eventually(fmt.Sprintf("%s %s to be ready", kind, name), func(ctx context.Context) error {
		o, err := r.Dynamic.Resource(resource).Namespace(r.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return ready(o)
	})
}

// ready returns nil if the condition Ready of the object's generation is True.
func ready(o *unstructured.Unstructured) error {
	observed, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		fields, _ := c.(map[string]any)
		if fields["type"] == "Ready" && fields["status"] == "True" && observed == o.GetGeneration() {
			return nil
		}
	}
	return fmt.Errorf("generation %d of %d is observed, conditions %v", observed, o.GetGeneration(), conditions)
}
