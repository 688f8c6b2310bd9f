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
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// apart are modules that those who require them need in different versions.
var apart = []string{
	"github.com/cert-manager/cert-manager", // Knative requires an older one, for its types
	"knative.dev/networking",               // Traefik does, too
	"knative.dev/pkg",
	"sigs.k8s.io/gateway-api",
}

var requirement = regexp.MustCompile(`(?m)^\s*(?:require )?(\S+) (v\S+)(?: // indirect)?$`)

// What two modules need of the same version is compiled once, and that is most of it:
// clients for Kubernetes alone take more than a minute. So when one of them needs a newer
// version, the others get it, too.
func TestModulesRequireTheSameVersions(t *testing.T) {
	versions := map[string]map[string]string{} // by required module and requiring one
	modules := map[string]bool{}
	for _, c := range []Component{CoreDNS(), Eventing(false), Serving(), CertManager()} {
		for _, set := range c.Images {
			modules[set.Dir] = true
		}
	}
	for dir := range modules {
		text, err := os.ReadFile(filepath.Join("..", dir, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range requirement.FindAllStringSubmatch(string(text), -1) {
			if versions[match[1]] == nil {
				versions[match[1]] = map[string]string{}
			}
			versions[match[1]][dir] = match[2]
		}
	}
	if n := len(versions["k8s.io/client-go"]); n != len(modules) {
		t.Errorf("%d of %d modules require a client for Kubernetes", n, len(modules))
	}
	for module, required := range versions {
		var different []string
		for _, version := range required {
			if !slices.Contains(different, version) {
				different = append(different, version)
			}
		}
		if len(different) > 1 && !slices.Contains(apart, module) {
			t.Errorf("%s is required in versions %v: raise all to the newest, and run go mod tidy in each", module, required)
		}
		if len(different) < 2 && slices.Contains(apart, module) {
			t.Errorf("%s is required in one version only", module)
		}
	}
}
