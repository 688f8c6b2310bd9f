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

package main

import "testing"

func TestSplit(t *testing.T) {
	const definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}"
	const object = "apiVersion: v1\nkind: ConfigMap\ndata:\n  text: |\n    kind: CustomResourceDefinition"
	for _, tc := range []struct {
		name, manifest, kinds, others string
	}{
		{"nothing", "", "", "\n---\n"},
		{"one of each", definition + "\n---\n" + object, definition + "\n---\n", object + "\n---\n"},
		{"the other order", object + "\n---\n" + definition, definition + "\n---\n", object + "\n---\n"},
		{"objects alone", object, "", object + "\n---\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kinds, others := split([]byte(tc.manifest))
			if string(kinds) != tc.kinds || string(others) != tc.others {
				t.Errorf("got\n%q\n%q\nwant\n%q\n%q", kinds, others, tc.kinds, tc.others)
			}
		})
	}
}
