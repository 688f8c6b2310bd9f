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

package controlplane

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/eventing-ptp/eventing-ptp/test/apply"
	"github.com/eventing-ptp/eventing-ptp/test/manifest"
)

// Apply applies the objects in files, and in the YAML and JSON files of directories
// and of those below, in lexical order. CustomResourceDefinitions come first and are
// waited for, then namespaces, then the others in the order given. References to
// images that ko would build become names of images that nobody pulls.
func (c *ControlPlane) Apply(ctx context.Context, paths ...string) error {
	objects, err := manifest.Read(paths...)
	if err != nil {
		return fmt.Errorf("read objects to apply: %w", err)
	}
	return c.ApplyObjects(ctx, objects...)
}

// applyKinds applies the CustomResourceDefinitions among what paths say.
func (c *ControlPlane) applyKinds(ctx context.Context, paths []string) error {
	objects, err := manifest.Read(paths...)
	if err != nil {
		return fmt.Errorf("read kinds: %w", err)
	}
	return c.ApplyObjects(ctx, slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return !apply.IsDefinition(o) })...)
}

// ApplyYAML does the same with the documents of a text.
func (c *ControlPlane) ApplyYAML(ctx context.Context, text string) error {
	objects, err := manifest.Decode([]byte(text))
	if err != nil {
		return fmt.Errorf("read objects to apply: %w", err)
	}
	return c.ApplyObjects(ctx, objects...)
}

// ApplyObjects does the same with objects.
func (c *ControlPlane) ApplyObjects(ctx context.Context, objects ...*unstructured.Unstructured) error {
	var ready []*unstructured.Unstructured
	for _, o := range objects {
		o = o.DeepCopy()
		o.Object = replaceImages(o.Object).(map[string]any)
		ready = append(ready, o)
	}
	return c.applier.Objects(ctx, ready...)
}

// replaceImages replaces every ko://importpath in what JSON can say.
func replaceImages(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, field := range value {
			value[name] = replaceImages(field)
		}
	case []any:
		for i, element := range value {
			value[i] = replaceImages(element)
		}
	case string:
		if path, isKo := strings.CutPrefix(value, "ko://"); isKo {
			return "ko.invalid/" + strings.ToLower(path)
		}
	}
	return value
}
