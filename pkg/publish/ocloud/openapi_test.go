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

package ocloud_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
)

// description is the OpenAPI description, as far as a test holds answers against it.
type description struct {
	compiler *jsonschema.Compiler
	paths    map[string]map[string]json.RawMessage
	shared   map[string]response
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]struct{ Schema json.RawMessage }
}

const descriptionURL = "file:///openapi.json"

func describe(t *testing.T) *description {
	t.Helper()
	text, err := yaml.YAMLToJSONStrict(ocloud.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Responses map[string]response }
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020) // that of OpenAPI 3.1
	compiler.AssertFormat()
	if err := compiler.AddResource(descriptionURL, document); err != nil {
		t.Fatal(err)
	}
	return &description{compiler, d.Paths, d.Components.Responses}
}

// operations are all that are described, as "METHOD path".
func (d *description) operations() []string {
	var all []string
	for path, item := range d.paths {
		for method := range item {
			if method != "parameters" {
				all = append(all, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(all)
	return all
}

// check holds an answer against what is said of an operation.
func (d *description) check(operation string, got reply) error {
	method, path, _ := strings.Cut(operation, " ")
	method = strings.ToLower(method)
	var o struct{ Responses map[string]response }
	if err := json.Unmarshal(d.paths[path][method], &o); err != nil {
		return fmt.Errorf("it is not described: %w", err)
	}
	status := fmt.Sprint(got.status)
	r, ok := o.Responses[status]
	if !ok {
		if status = "default"; got.status < 400 {
			return fmt.Errorf("status %d is not described", got.status)
		}
		if r, ok = o.Responses[status]; !ok {
			return fmt.Errorf("status %d is not described", got.status)
		}
	}
	at := "/paths/" + strings.ReplaceAll(path, "/", "~1") + "/" + method + "/responses/" + status
	if name, is := strings.CutPrefix(r.Ref, "#/components/responses/"); is {
		r, at = d.shared[name], "/components/responses/"+name
	}
	content, _, _ := mime.ParseMediaType(got.header.Get("Content-Type"))
	if len(r.Content) == 0 {
		if got.body != "" {
			return fmt.Errorf("status %d has the body %q", got.status, got.body)
		}
		return nil
	}
	if _, ok := r.Content[content]; !ok {
		return fmt.Errorf("status %d is %q, want %q", got.status, content, slices.Collect(maps.Keys(r.Content)))
	}
	var value any = got.body
	if strings.HasSuffix(content, "json") {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(got.body))
		if err != nil {
			return err
		}
		value = v
	}
	return d.validate(at+"/content/"+strings.ReplaceAll(content, "/", "~1")+"/schema", value)
}

// validate holds a value against the schema at a JSON pointer.
func (d *description) validate(pointer string, value any) error {
	schema, err := d.compiler.Compile(descriptionURL + "#" + pointer)
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// Every operation that is described is served as described, and every path that is served
// is described.
func TestOpenAPI(t *testing.T) {
	d, r, c := describe(t), open(t), consume(t, nil)
	r.set(encode(t, lock("ptp4l.1", clock.Unknown, clock.Freerun)))
	if got := r.do(t, "GET", "/ocloudNotifications/openapi.yaml", ""); got.body != string(ocloud.OpenAPI()) || got.status != 200 {
		t.Errorf("%d, and it is another one", got.status)
	}
	id := map[string]string{}
	make2 := func(path string) string {
		return fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync"}`, c.URL+path)
	}
	tried := map[string]bool{}
	for _, step := range []struct {
		operation, path, body string
		status                int
	}{
		{"GET /api_versions", "", "", 200},
		{"GET /openapi.yaml", "", "", 200},
		{"GET /v2/health", "", "", 200},
		{"GET /v1/health", "", "", 200},
		{"GET /v2/subscriptions", "", "", 200}, // none
		{"POST /v2/subscriptions", "", make2("/2"), 201},
		{"POST /v2/subscriptions", "", make2("/2"), 409},
		{"POST /v2/subscriptions", "", `{`, 400},
		{"GET /v2/subscriptions", "", "", 200},
		{"GET /v2/subscriptions/{SubscriptionId}", "", "", 200},
		{"GET /v2/subscriptions/{SubscriptionId}", "/v2/subscriptions/x", "", 404},
		{"PUT /v2/subscriptions/status/{SubscriptionId}", "", "", 202},
		{"POST /v1/subscriptions", "", fmt.Sprintf(`{"endpointUri":%q,"resource":"/sync"}`, c.URL), 201},
		{"POST /v1/subscriptions", "", fmt.Sprintf(`{"endpointUri":%q,"resource":"/sync"}`, c.URL), 201},
		{"POST /v1/subscriptions", "", fmt.Sprintf(`{"ResourceType":"PTP","ResourceQualifier":{"NodeName":"."},"EndpointUri":%q}`, c.URL), 201},
		{"POST /v1/subscriptions", "", fmt.Sprintf(`{"ResourceType":"PTP","ResourceQualifier":{"NodeName":"."},"EndpointUri":%q}`, c.URL), 409},
		{"POST /v1/subscriptions", "", `{}`, 400},
		{"GET /v1/subscriptions", "", "", 200},
		{"GET /v1/subscriptions/{SubscriptionId}", "", "", 200},
		{"PUT /v1/subscriptions/status/{SubscriptionId}", "", "", 202},
		{"GET /v2/publishers", "", "", 200},
		{"GET /v2/publishers/{PublisherId}", "", "", 200},
		{"GET /v1/publishers", "", "", 200},
		{"GET /v1/publishers/{PublisherId}", "", "", 200},
		{"GET /v2/{ResourceAddress}/CurrentState", "/v2/././sync/CurrentState", "", 200},
		{"GET /v2/{ResourceAddress}/CurrentState", "/v2/sync/ptp-status/lock-state/CurrentState", "", 200},
		{"GET /v2/{ResourceAddress}/CurrentState", "/v2/sync/x/CurrentState", "", 404},
		{"GET /v1/{ResourceAddress}/CurrentState", "/v1/sync/ptp-status/lock-state/CurrentState", "", 200},
		{"GET /v1/{ResourceAddress}/CurrentState", "/v1/sync/CurrentState", "", 200},
		{"GET /v1/{ResourceAddress}/CurrentState", "/v1/ptp/CurrentState", "", 200},
		{"DELETE /v2/subscriptions/{SubscriptionId}", "", "", 204},
		{"DELETE /v1/subscriptions/{SubscriptionId}", "", "", 204}, // StarlingX's
		{"DELETE /v1/subscriptions", "", "", 200},
		{"POST /v1/subscriptions", "", fmt.Sprintf(`{"endpointUri":%q,"resource":"/sync"}`, c.URL), 201},
		{"DELETE /v1/subscriptions/{SubscriptionId}", "", "", 200},
		{"DELETE /v2/subscriptions", "", "", 204},
		{"DELETE /v1/subscriptions", "", "", 200},
	} {
		tried[step.operation] = true
		method, path, _ := strings.Cut(step.operation, " ")
		if step.path != "" {
			path = step.path
		}
		path = strings.NewReplacer("{SubscriptionId}", id["s"+path[:3]], "{PublisherId}", id["p"]).Replace(path)
		got := r.do(t, method, "/ocloudNotifications"+path, step.body)
		if got.status != step.status {
			t.Errorf("%s: %d %s, want %d", step.operation, got.status, got.body, step.status)
		}
		if err := d.check(step.operation, got); err != nil {
			t.Errorf("%s: %s\n%v", step.operation, got.body, err)
		}
		var s struct{ ID, SubscriptionID string }
		if json.Unmarshal([]byte(got.body), &s) == nil && got.status == http.StatusCreated {
			id["s"+path[:3]] = s.ID + s.SubscriptionID
		}
		if path == "/v2/publishers" {
			var list []struct{ SubscriptionID string }
			if err := json.Unmarshal([]byte(got.body), &list); err != nil {
				t.Fatal(err)
			}
			id["p"] = list[0].SubscriptionID
		}
	}
	if diff := cmp.Diff(d.operations(), slices.Sorted(maps.Keys(tried))); diff != "" {
		t.Errorf("operations that are described (-) and those that were tried (+):\n%s", diff)
	}
	for _, served := range served(r.api.Handler()) {
		if !slices.Contains(d.operations(), served) && served != "GET /health" { // which is not below a server of the description
			t.Errorf("%s is served and not described", served)
		}
	}
	for n, body := range c.got() {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.validate("/webhooks/notification/post/requestBody/content/application~1json/schema", value); err != nil {
			t.Errorf("notification %d: %s\n%v", n, body, err)
		}
	}
}

// served are the operations that a handler has at any path of the words that it may know, as
// they are described.
func served(h http.Handler) []string {
	words := []string{"api_versions", "openapi.yaml", "v1", "v2", "health", "publishers", "subscriptions", "status", "CurrentState", "x"}
	found := map[string]bool{}
	var look func(path string, parts []string)
	look = func(path string, parts []string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("TRACE", path, nil)) //nolint:noctx // it answers at once
		for method := range strings.SplitSeq(w.Header().Get("Allow"), ", ") {
			if method != "" {
				found[method+" "+described(parts)] = true
			}
		}
		if len(parts) < 4 {
			for _, word := range words {
				look(path+"/"+word, append(slices.Clone(parts), word))
			}
		}
	}
	look("/ocloudNotifications", nil)
	look("/api/ocloudNotifications", nil)
	for _, word := range words {
		look("/"+word, []string{word, "", "", ""}) // and not below it
	}
	return slices.Sorted(maps.Keys(found))
}

// described is a path as it is described: with parameters in it.
func described(parts []string) string {
	parts = slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return p == "" })
	n := len(parts)
	switch {
	case n > 2 && parts[n-1] == "CurrentState":
		parts = []string{parts[0], "{ResourceAddress}", "CurrentState"}
	case n > 3 && parts[1] == "subscriptions":
		parts[3] = "{SubscriptionId}"
	case n > 2 && parts[1] == "subscriptions":
		parts[2] = "{SubscriptionId}"
	case n > 2 && parts[1] == "publishers":
		parts[2] = "{PublisherId}"
	}
	return "/" + strings.Join(parts, "/")
}
