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
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
)

// fieldManager owns the fields that Apply sets.
const fieldManager = "eventing-ptp-test"

// establishTimeout is how long the API server may take to serve a new kind.
const establishTimeout = 30 * time.Second

// Apply applies the objects in files, and in the YAML and JSON files of directories
// and of those below, in lexical order. CustomResourceDefinitions come first and are
// waited for, then namespaces, then the others in the order given. References to
// images that ko would build become names of images that nobody pulls.
func (c *ControlPlane) Apply(ctx context.Context, paths ...string) error {
	objects, err := readObjects(paths...)
	if err != nil {
		return fmt.Errorf("read objects to apply: %w", err)
	}
	return c.ApplyObjects(ctx, objects...)
}

// applyKinds applies the CustomResourceDefinitions among what paths say.
func (c *ControlPlane) applyKinds(ctx context.Context, paths []string) error {
	objects, err := readObjects(paths...)
	if err != nil {
		return fmt.Errorf("read kinds: %w", err)
	}
	return c.ApplyObjects(ctx, slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return rank(o) != 0 })...)
}

// ApplyYAML does the same with the documents of a text.
func (c *ControlPlane) ApplyYAML(ctx context.Context, text string) error {
	objects, err := decodeObjects([]byte(text))
	if err != nil {
		return fmt.Errorf("read objects to apply: %w", err)
	}
	return c.ApplyObjects(ctx, objects...)
}

// ApplyObjects does the same with objects.
func (c *ControlPlane) ApplyObjects(ctx context.Context, objects ...*unstructured.Unstructured) error {
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	var definitions []*unstructured.Unstructured
	for _, o := range objects {
		if rank(o) > 0 && len(definitions) > 0 {
			if err := c.waitEstablished(ctx, definitions); err != nil {
				return err
			}
			definitions = nil
		}
		applied, err := c.apply(ctx, o)
		if err != nil {
			return fmt.Errorf("apply %s %s: %w", o.GetKind(), objectName(o), err)
		}
		if rank(applied) == 0 {
			definitions = append(definitions, applied)
		}
	}
	return c.waitEstablished(ctx, definitions)
}

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

func (c *ControlPlane) apply(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	resource, err := c.resource(o)
	if err != nil {
		return nil, err
	}
	o = o.DeepCopy()
	o.Object = replaceImages(o.Object).(map[string]any)
	return resource.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
}

// resource returns a client for objects of the same kind in the same namespace.
func (c *ControlPlane) resource(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := o.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	client := c.dynamic.Resource(mapping.Resource)
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
func (c *ControlPlane) waitEstablished(ctx context.Context, definitions []*unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, establishTimeout)
	defer cancel()
	for _, d := range definitions {
		resource, err := c.resource(d)
		if err != nil {
			return err
		}
		if err := c.Wait(ctx, "the kind of "+d.GetName(), func(ctx context.Context) error {
			now, err := resource.Get(ctx, d.GetName(), metav1.GetOptions{})
			if err != nil {
				return err
			}
			if !isEstablished(now) {
				return errors.New("it is not established")
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if len(definitions) > 0 {
		c.mapper.Reset()
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

// readObjects reads the objects of files, and of the YAML and JSON files in
// directories.
func readObjects(paths ...string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if path != root && !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			more, err := decodeObjects(text)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			objects = append(objects, more...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// decodeObjects decodes YAML documents or JSON objects; those that say nothing are
// left out, and lists are taken apart.
func decodeObjects(text []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &o.Object); err != nil {
			return nil, err
		}
		switch {
		case len(o.Object) == 0:
		case o.GetKind() == "" || o.GetAPIVersion() == "":
			return nil, fmt.Errorf("a document without kind and apiVersion: %.80q", document)
		case o.IsList():
			err := o.EachListItem(func(item runtime.Object) error {
				objects = append(objects, item.(*unstructured.Unstructured))
				return nil
			})
			if err != nil {
				return nil, err
			}
		default:
			objects = append(objects, o)
		}
	}
}
