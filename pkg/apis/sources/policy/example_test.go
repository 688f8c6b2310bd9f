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

package policy_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/configmap"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/policy"
)

// The config map that is installed says nothing but its example, and the example shows
// every key with its default.
func TestExample(t *testing.T) {
	text, err := os.ReadFile("../../../../config/core/configmaps/ptp.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var installed corev1.ConfigMap
	if err := yaml.UnmarshalStrict(text, &installed); err != nil {
		t.Fatal(err)
	}
	if installed.Name != policy.ConfigMapName {
		t.Errorf("its name is %q, want %q", installed.Name, policy.ConfigMapName)
	}
	if keys := slices.Collect(maps.Keys(installed.Data)); !slices.Equal(keys, []string{configmap.ExampleKey}) {
		t.Errorf("its keys are %q, want the example only: administrators edit the rest, and applying it again must not change that", keys)
	}
	// With another checksum the webhook would refuse every edit.
	example := installed.Data[configmap.ExampleKey]
	if got, want := installed.Annotations[configmap.ExampleChecksumAnnotation], configmap.Checksum(example); got != want {
		t.Errorf("annotation %s is %q, want %q", configmap.ExampleChecksumAnnotation, got, want)
	}

	shown := corev1.ConfigMap{}
	if err := yaml.UnmarshalStrict([]byte(example), &shown.Data); err != nil {
		t.Fatalf("the example is not what can be copied to data: %v", err)
	}
	// What Parse says about a key that it does not know has all that it knows.
	keys := "the keys are " + strings.Join(slices.Sorted(maps.Keys(shown.Data)), ", ")
	if _, err := policy.Parse(&corev1.ConfigMap{Data: map[string]string{"no-key": ""}}); err == nil || !strings.HasSuffix(err.Error(), keys) {
		t.Errorf("%v; in the example %s", err, keys)
	}
	// So has the manual, with the same defaults.
	manual, err := os.ReadFile("../../../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| `([^`|]+)` \\|").FindAllStringSubmatch(string(manual), -1) {
		explained[row[1]] = row[2]
	}
	if diff := cmp.Diff(shown.Data, explained); diff != "" {
		t.Errorf("the table in docs/install.md, want (-) and got (+):\n%s", diff)
	}
	for name, cm := range map[string]*corev1.ConfigMap{"what is installed": &installed, "what the example shows": &shown} {
		got, err := policy.Parse(cm)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(policy.Default(), got); diff != "" {
			t.Errorf("%s is not the default, want (-) and got (+):\n%s", name, diff)
		}
	}
}
