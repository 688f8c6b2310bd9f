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

// Package apply applies Kubernetes objects, those without Go types too, on the server's
// side, as kubectl apply --server-side does.
package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/eventing-ptp/eventing-ptp/test/manifest"
)

// FieldManager owns the fields that are applied.
const FieldManager = "eventing-ptp-test"

// establishTimeout is how long the API server may take to serve a new kind.
const establishTimeout = 30 * time.Second

// establishInterval is how often it is asked whether it does.
const establishInterval = 20 * time.Millisecond

// Applier applies objects. It may be used by several goroutines.
type Applier struct {
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

// New returns an Applier for an API server; it connects when it is used.
func New(config *rest.Config) (*Applier, error) {
	discover, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Applier{client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discover))}, nil
}

// Files applies the objects in files, as manifest.Read returns them.
func (a *Applier) Files(ctx context.Context, paths ...string) error {
	objects, err := manifest.Read(paths...)
	if err != nil {
		return fmt.Errorf("read objects to apply: %w", err)
	}
	return a.Objects(ctx, objects...)
}

// YAML applies the documents of a text.
func (a *Applier) YAML(ctx context.Context, text string) error {
	objects, err := manifest.Decode([]byte(text))
	if err != nil {
		return fmt.Errorf("read objects to apply: %w", err)
	}
	return a.Objects(ctx, objects...)
}

// Objects applies objects. CustomResourceDefinitions come first and are waited for, then
// namespaces, then the others in the order given.
func (a *Applier) Objects(ctx context.Context, objects ...*unstructured.Unstructured) error {
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(x, y *unstructured.Unstructured) int { return rank(x) - rank(y) })
	var definitions []*unstructured.Unstructured
	for _, o := range objects {
		if rank(o) > 0 && len(definitions) > 0 {
			if err := a.waitEstablished(ctx, definitions); err != nil {
				return err
			}
			definitions = nil
		}
		applied, err := a.apply(ctx, o)
		if err != nil {
			return fmt.Errorf("apply %s %s: %w", o.GetKind(), objectName(o), err)
		}
		if rank(applied) == 0 {
			definitions = append(definitions, applied)
		}
	}
	return a.waitEstablished(ctx, definitions)
}

// IsDefinition is whether the object is a CustomResourceDefinition.
func IsDefinition(o *unstructured.Unstructured) bool { return rank(o) == 0 }

// rank tells what other objects need before they can be applied.
func rank(o *unstructured.Unstructured) int {
	switch o.GroupVersionKind().GroupKind().String() {
	case "CustomResourceDefinition.apiextensions.k8s.io":
		return 0
	case "Namespace":
		return 1
	default:
		return 2
	}
}

func objectName(o *unstructured.Unstructured) string {
	return strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/")
}

func (a *Applier) apply(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	resource, err := a.resource(o)
	if err != nil {
		return nil, err
	}
	return resource.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: FieldManager, Force: true})
}

// resource returns a client for objects of the same kind in the same namespace.
func (a *Applier) resource(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := o.GroupVersionKind()
	mapping, err := a.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	client := a.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return client, nil
	}
	namespace := o.GetNamespace()
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return client.Namespace(namespace), nil
}

// waitEstablished waits until the API server serves what was defined.
func (a *Applier) waitEstablished(ctx context.Context, definitions []*unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, establishTimeout)
	defer cancel()
	for _, d := range definitions {
		resource, err := a.resource(d)
		if err != nil {
			return err
		}
		if err := wait.PollUntilContextCancel(ctx, establishInterval, true, func(ctx context.Context) (bool, error) {
			now, err := resource.Get(ctx, d.GetName(), metav1.GetOptions{})
			return err == nil && isEstablished(now), nil
		}); err != nil {
			return fmt.Errorf("wait for the kind of %s to be established: %w", d.GetName(), err)
		}
	}
	if len(definitions) > 0 {
		a.mapper.Reset()
	}
	return nil
}

func isEstablished(definition *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(definition.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(condition any) bool {
		fields, _ := condition.(map[string]any)
		return fields["type"] == "Established" && fields["status"] == "True"
	})
}
