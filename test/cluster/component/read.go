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
	"embed"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/eventing-ptp/eventing-ptp/test/manifest"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
)

// manifests are those of what comes without any that could be used here.
//
//go:embed manifests/*.yaml
var manifests embed.FS

// readManifest reads one of them.
func readManifest(name string) ([]*unstructured.Unstructured, error) {
	text, err := manifests.ReadFile("manifests/" + name)
	if err != nil {
		return nil, err
	}
	return manifest.Decode(text)
}

// source is files and directories of a module that the module in dir requires.
type source struct {
	dir, module string
	paths       []string
}

// readSources reads the objects in all of them.
func readSources(ctx context.Context, sources ...source) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for _, s := range sources {
		root, err := image.Source(ctx, s.dir, s.module)
		if err != nil {
			return nil, err
		}
		paths := slices.Clone(s.paths)
		for i, path := range paths {
			paths[i] = filepath.Join(root, path)
		}
		more, err := manifest.Read(paths...)
		if err != nil {
			return nil, fmt.Errorf("read the configuration of %s: %w", s.module, err)
		}
		objects = append(objects, more...)
	}
	return objects, nil
}
