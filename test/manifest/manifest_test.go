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

package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string // kinds and names
		wantErr    bool
	}{
		{name: "nothing", text: "", want: nil},
		{name: "documents that say nothing", text: "---\n# a comment\n---\n", want: nil},
		{
			name: "two documents", text: "kind: A\napiVersion: v1\nmetadata: {name: a}\n---\nkind: B\napiVersion: v1\nmetadata: {name: b}\n",
			want: []string{"A a", "B b"},
		},
		{name: "JSON", text: `{"kind": "A", "apiVersion": "v1", "metadata": {"name": "a"}}`, want: []string{"A a"}},
		{
			name: "a list is taken apart", text: "kind: List\napiVersion: v1\nitems:\n- {kind: A, apiVersion: v1, metadata: {name: a}}\n- {kind: B, apiVersion: v1, metadata: {name: b}}\n",
			want: []string{"A a", "B b"},
		},
		{name: "no object", text: "a: b\n", wantErr: true},
		{name: "no YAML", text: "a: b: c\n", wantErr: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			objects, err := Decode([]byte(test.text))
			if (err != nil) != test.wantErr {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, names(objects)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func names(objects []*unstructured.Unstructured) []string {
	var names []string
	for _, o := range objects {
		names = append(names, o.GetKind()+" "+strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/"))
	}
	return names
}

func TestReadTakesYAMLAndJSONInLexicalOrder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.yaml":        "kind: B\napiVersion: v1\nmetadata: {name: b}\n",
		"a/z.json":      `{"kind": "A", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "ns"}}`,
		"README.md":     "a: b: c",
		"template.tmpl": "kind: T\napiVersion: v1\nmetadata: {name: t}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := Read(dir, filepath.Join(dir, "template.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"A ns/a", "B b", "T t"}, names(objects)); diff != "" {
		t.Error(diff)
	}
	if _, err := Read(filepath.Join(dir, "absent")); err == nil {
		t.Error("a file that is not there is no error")
	}
}
