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
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/eventing-ptp/eventing-ptp/test/apply"
	"github.com/eventing-ptp/eventing-ptp/test/golang"
	"github.com/eventing-ptp/eventing-ptp/test/manifest"
)

const eventingModule = "knative.dev/eventing"

// Knative applies what Knative Eventing's installation has besides its programs: the
// namespace knative-eventing with its service accounts and config maps, the kinds,
// and the cluster roles, of the version in go.mod. None of Knative's controllers or
// webhooks run, so nobody converts between versions of a kind, and objects get no
// status except from tests.
func (c *ControlPlane) Knative(ctx context.Context) error {
	eventing, err := golang.ModuleDir(ctx, eventingModule)
	if err != nil {
		return err
	}
	core := filepath.Join(eventing, "config", "core")
	accounts, err := filepath.Glob(filepath.Join(core, "200-*-serviceaccount.yaml"))
	if err != nil {
		return err
	}
	objects, err := manifest.Read(slices.Concat(
		[]string{filepath.Join(core, "100-namespace.yaml")},
		accounts,
		[]string{filepath.Join(core, "configmaps"), filepath.Join(core, "resources"), filepath.Join(core, "roles")})...)
	if err != nil {
		return fmt.Errorf("read the configuration of %s: %w", eventingModule, err)
	}
	for _, o := range objects {
		if apply.IsDefinition(o) {
			// The webhook that converts does not run, and would be asked for every read.
			unstructured.RemoveNestedField(o.Object, "spec", "conversion")
		}
	}
	return c.ApplyObjects(ctx, objects...)
}
