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
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/test/manifest"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
)

func decode(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	objects, err := manifest.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestMakeSmall(t *testing.T) {
	for _, test := range []struct{ name, object, want string }{
		{
			name: "a program gets one replica, small requests and a quick probe",
			object: `{kind: Deployment, apiVersion: apps/v1, spec: {replicas: 3, template: {spec: {containers: [
				{name: a, resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 2}},
				 readinessProbe: {initialDelaySeconds: 20, periodSeconds: 10, httpGet: {port: 1}},
				 livenessProbe: {initialDelaySeconds: 20}}]}}}}`,
			want: `{kind: Deployment, apiVersion: apps/v1, spec: {replicas: 1, template: {spec: {containers: [
				{name: a, resources: {requests: {cpu: 5m, memory: 10Mi}},
				 readinessProbe: {periodSeconds: 1, httpGet: {port: 1}},
				 livenessProbe: {initialDelaySeconds: 20}}]}}}}`,
		},
		{
			name:   "a program that says nothing gets one replica, too",
			object: `{kind: Deployment, apiVersion: apps/v1, spec: {template: {spec: {containers: []}}}}`,
			want:   `{kind: Deployment, apiVersion: apps/v1, spec: {replicas: 1, template: {spec: {containers: []}}}}`,
		},
		{
			name:   "a program that is started when it is needed is not started",
			object: `{kind: Deployment, apiVersion: apps/v1, spec: {replicas: 0, template: {spec: {containers: []}}}}`,
			want:   `{kind: Deployment, apiVersion: apps/v1, spec: {replicas: 0, template: {spec: {containers: []}}}}`,
		},
		{
			name:   "a role that others fill keeps what they put in",
			object: `{kind: ClusterRole, apiVersion: v1, aggregationRule: {}, rules: []}`,
			want:   `{kind: ClusterRole, apiVersion: v1, aggregationRule: {}}`,
		},
		{
			name:   "another role stays",
			object: `{kind: ClusterRole, apiVersion: v1, rules: [{verbs: [get]}]}`,
			want:   `{kind: ClusterRole, apiVersion: v1, rules: [{verbs: [get]}]}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := decode(t, test.object)[0]
			if err := makeSmall(o); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decode(t, test.want)[0].Object, o.Object); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProgramsThatAreNotMadeSmallAreRefused(t *testing.T) {
	for _, kind := range []string{"StatefulSet", "DaemonSet", "Job", "CronJob"} {
		if err := makeSmall(decode(t, "{kind: "+kind+", apiVersion: v1}")[0]); err == nil || !strings.Contains(err.Error(), kind) {
			t.Errorf("%s: error %v", kind, err)
		}
	}
}

func TestResolve(t *testing.T) {
	object := map[string]any{
		"image": "ko://example.com/a",
		"env":   []any{map[string]any{"name": "A_IMAGE", "value": "ko://example.com/b"}, map[string]any{"value": "see ko://example.com/a"}},
		"count": int64(1),
	}
	got, err := resolve(object, image.References{"example.com/a": "registry/a@sha256:1"}, []string{"example.com/b"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"image": "registry/a@sha256:1",
		"env":   []any{map[string]any{"name": "A_IMAGE", "value": "not-built.invalid/example.com/b"}, map[string]any{"value": "see ko://example.com/a"}},
		"count": int64(1),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if object["image"] != "ko://example.com/a" {
		t.Error("the object itself has changed")
	}
}

func TestSortForApply(t *testing.T) {
	objects := decode(t, `
{kind: Deployment, apiVersion: apps/v1, metadata: {name: program}}
---
{kind: Image, apiVersion: example.com/v1, metadata: {name: of-a-kind-of-its-own}}
---
{kind: ConfigMap, apiVersion: v1, metadata: {name: b}}
---
{kind: ConfigMap, apiVersion: v1, metadata: {name: a}}
---
{kind: RoleBinding, apiVersion: rbac.authorization.k8s.io/v1, metadata: {name: binding}}
---
{kind: ServiceAccount, apiVersion: v1, metadata: {name: account}}
---
{kind: Namespace, apiVersion: v1, metadata: {name: namespace}}
---
{kind: CustomResourceDefinition, apiVersion: apiextensions.k8s.io/v1, metadata: {name: definition}}
`)
	sortForApply(objects)
	var got []string
	for _, o := range objects {
		got = append(got, o.GetName())
	}
	want := []string{"definition", "namespace", "account", "binding", "b", "a", "of-a-kind-of-its-own", "program"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
