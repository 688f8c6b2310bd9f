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

package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// deployments are the controller and the webhook.
var deployments = []string{"eventing-ptp-controller", "eventing-ptp-webhook"}

// Options say what to look at.
type Options struct {
	// Namespace is that of the PtpSources; empty for all.
	Namespace string
	// Source is the only PtpSource; empty for all.
	Source string
	// Node is the only one; empty for all.
	Node string
	// SystemNamespace is where controller and webhook run.
	SystemNamespace string
	// Patience is how long an adapter may take to answer.
	Patience time.Duration
}

// Look collects the facts. It fails only when the cluster cannot be reached at all.
func Look(ctx context.Context, c *cluster.Client, o Options) (Facts, error) {
	facts := Facts{Node: o.Node}
	if facts.Kind = kind(c); facts.Kind != nil {
		return facts, unreachable(facts.Kind)
	}
	for _, name := range deployments {
		w := Workload{Name: name}
		d, err := c.Kube.AppsV1().Deployments(o.SystemNamespace).Get(ctx, name, metav1.GetOptions{})
		if w.Err = err; err == nil {
			w.Ready, w.Desired = d.Status.ReadyReplicas, d.Status.Replicas
		}
		facts.Workloads = append(facts.Workloads, w)
	}
	list, err := c.Sources.SourcesV1alpha1().PtpSources(o.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return facts, fmt.Errorf("list PtpSources: %w", err)
	}
	for n := range list.Items {
		if s := &list.Items[n]; o.Source == "" || o.Source == s.Name {
			facts.Sources = append(facts.Sources, lookAt(ctx, c, s, o))
		}
	}
	if o.Source != "" && len(facts.Sources) == 0 {
		return facts, fmt.Errorf("there is no PtpSource %q in namespace %q", o.Source, o.Namespace)
	}
	return facts, nil
}

// kind is why the cluster has no PtpSources.
func kind(c *cluster.Client) error {
	list, err := c.Kube.Discovery().ServerResourcesForGroupVersion(v1alpha1.SchemeGroupVersion.String())
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err == nil && slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == "ptpsources" }) {
		return nil
	}
	return errNoKind
}

var errNoKind = errors.New("this cluster does not have it")

// unreachable is the error by which nothing at all can be said.
func unreachable(err error) error {
	if errors.Is(err, errNoKind) {
		return nil
	}
	return err
}

func lookAt(ctx context.Context, c *cluster.Client, source *v1alpha1.PtpSource, o Options) Source {
	s := Source{PtpSource: source}
	scope := cluster.Scope{Namespace: source.Namespace, Name: source.Name}
	if o.Node != "" {
		scope.Nodes = []string{o.Node}
	}
	adapters, err := c.Adapters(ctx, scope)
	if s.AdaptersErr = err; err == nil {
		s.Adapters = c.States(ctx, adapters, o.Patience)
	}
	ref := source.Spec.Sink.Ref
	if ref == nil {
		return s
	}
	namespace := ref.Namespace
	if namespace == "" {
		namespace = source.Namespace
	}
	s.Sink = object(ctx, c, schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind), namespace, ref.Name)
	if ref.Kind == "Broker" {
		s.Triggers, s.TriggersErr = triggers(ctx, c, namespace, ref.Name)
	}
	return s
}

// object looks at what a sink refers to.
func object(ctx context.Context, c *cluster.Client, kind schema.GroupVersionKind, namespace, name string) *Object {
	o := &Object{Kind: kind.Kind, Name: name}
	resource, _ := meta.UnsafeGuessKindToResource(kind)
	found, err := c.Dynamic.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if o.Err = err; err != nil {
		return o
	}
	var ducked struct {
		Status duckv1.Status `json:"status"`
	}
	if o.Err = runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, &ducked); o.Err == nil {
		o.Ready = condition(ducked.Status.Conditions, apis.ConditionReady)
	}
	return o
}

// triggers returns those of a Broker.
func triggers(ctx context.Context, c *cluster.Client, namespace, broker string) ([]eventingv1.Trigger, error) {
	list, err := c.Dynamic.Resource(eventingv1.SchemeGroupVersion.WithResource("triggers")).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var all []eventingv1.Trigger
	for _, item := range list.Items {
		var t eventingv1.Trigger
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &t); err != nil {
			return nil, fmt.Errorf("read Trigger %s: %w", item.GetName(), err)
		}
		if t.Spec.Broker == broker || t.Spec.BrokerRef != nil && t.Spec.BrokerRef.Name == broker {
			all = append(all, t)
		}
	}
	return all, nil
}
