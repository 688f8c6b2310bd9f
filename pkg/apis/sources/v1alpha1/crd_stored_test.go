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

package v1alpha1_test

import (
	"encoding/json"
	"math"
	"strings"
	"sync"
	"testing"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// The controller lists all PtpSources at once. One that it cannot read would keep it from
// all of them, so the schema must not let it in, webhook or no webhook.

// texts are the fields that are text in JSON and more than that in Go, each with where to
// put the text.
func texts() map[string]string {
	return map[string]string{
		"spec.sink.uri":                           `{"spec": {"sink": {"uri": $}}}`,
		"spec.sink.uri with a ref":                `{"spec": {"sink": {"uri": $, "ref": {"apiVersion": "v1", "kind": "Service", "name": "sink"}}}}`,
		"spec.delivery.deadLetterSink.uri":        `{"spec": {"sink": {"uri": "http://sink"}, "delivery": {"deadLetterSink": {"uri": $}}}}`,
		"spec.thresholds.lockOffset":              `{"spec": {"sink": {"uri": "http://sink"}, "thresholds": {"lockOffset": $}}}`,
		"spec.thresholds.unlockOffset":            `{"spec": {"sink": {"uri": "http://sink"}, "thresholds": {"unlockOffset": $}}}`,
		"spec.thresholds.holdoverTimeout":         `{"spec": {"sink": {"uri": "http://sink"}, "thresholds": {"holdoverTimeout": $}}}`,
		"spec.thresholds.syncTimeout":             `{"spec": {"sink": {"uri": "http://sink"}, "thresholds": {"syncTimeout": $}}}`,
		"spec.history.maxBytes":                   `{"spec": {"sink": {"uri": "http://sink"}, "history": {"maxBytes": $}}}`,
		"spec.history.maxAge":                     `{"spec": {"sink": {"uri": "http://sink"}, "history": {"maxAge": $}}}`,
		"spec.resources.limits":                   `{"spec": {"sink": {"uri": "http://sink"}, "resources": {"limits": {"memory": $}}}}`,
		"spec.resources.requests":                 `{"spec": {"sink": {"uri": "http://sink"}, "resources": {"requests": {"memory": $}}}}`,
		"status.sinkUri":                          `{"spec": {"sink": {"uri": "http://sink"}}, "status": {"sinkUri": $}}`,
		"status.deadLetterSinkUri":                `{"spec": {"sink": {"uri": "http://sink"}}, "status": {"deadLetterSinkUri": $}}`,
		"status.conditions[0].lastTransitionTime": `{"spec": {"sink": {"uri": "http://sink"}}, "status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": $}]}}`,
	}
}

// put returns the object of which template is the interesting part, with text in it.
func put(t *testing.T, template, text string) map[string]any {
	t.Helper()
	raw := strings.Replace(template, "$", string(toJSON(t, text)), 1)
	o := fromJSON(t, []byte(raw))
	o["apiVersion"], o["kind"] = "sources.knative.dev/v1alpha1", "PtpSource"
	o["metadata"] = map[string]any{"name": "clocks", "namespace": "user"}
	return o
}

func TestWhatCannotBeReadIsNotStored(t *testing.T) {
	server, fields := newServer(t), texts()
	for _, tc := range []struct{ field, text string }{
		{"spec.sink.uri", "http://[::1"},
		{"spec.sink.uri", "http://sink/%zz"},
		{"spec.sink.uri", "http://a b"},
		{"spec.sink.uri", "http://sink:port"},
		{"spec.sink.uri with a ref", "/%zz"},
		{"spec.delivery.deadLetterSink.uri", "http://[::1"},
		{"spec.thresholds.lockOffset", "9999999999999h"},
		{"spec.thresholds.unlockOffset", "9999999999999h"},
		{"spec.thresholds.holdoverTimeout", "9999999999999h"},
		{"spec.thresholds.syncTimeout", "soon"},
		{"spec.history.maxBytes", "1e1.5"},
		{"spec.history.maxAge", "9999999999999h"},
		{"spec.resources.limits", "1e99999999999999999999"},
		{"spec.resources.requests", "1e1.5"},
		{"status.sinkUri", "http://[::1"},
		{"status.deadLetterSinkUri", "http://[::1"},
		{"status.conditions[0].lastTransitionTime", "yesterday"},
		{"status.conditions[0].lastTransitionTime", "2026-02-30T00:00:00Z"},
	} {
		t.Run(tc.field+" "+strings.ReplaceAll(tc.text, "/", "|"), func(t *testing.T) {
			o := put(t, fields[tc.field], tc.text)
			if json.Unmarshal(toJSON(t, o), new(v1alpha1.PtpSource)) == nil {
				t.Fatal("it can be read")
			}
			_, errs := server.admit(t, o, nil)
			field := strings.TrimSuffix(tc.field, " with a ref")
			if len(errs) == 0 || !strings.HasPrefix(errs[0].Field, field) {
				t.Errorf("stored, or not for the right reason: %v", errs)
			}
		})
	}
}

// Whatever the text is: where the schema takes it, Go reads it.
func FuzzWhatIsStoredCanBeRead(f *testing.F) {
	for _, text := range []string{
		"", "http://sink", "https://user@[fe80::1%25eth0]:8443/a%20b?c=d#e", "/events?x=a:b", "events", "//host/path", "mailto:you", "http://[::1",
		"100ns", "20µs", "20μs", "1h0m0.5s", "0s", "0", "9999999999999h", ".5s", "64Mi", "1e3", "1e1.5", "1E", "+.5n", "-0",
		"2026-11-20T09:09:07Z", "2026-11-20T09:09:07.123456789+01:00", "2026-02-30T00:00:00Z", "2026-11-20t09:09:07z",
	} {
		f.Add(text)
	}
	var once sync.Once
	var server server
	f.Fuzz(func(t *testing.T, text string) {
		once.Do(func() { server = newServer(t) })
		for field, template := range texts() {
			o := put(t, template, text)
			if _, errs := server.admit(t, o, nil); len(errs) > 0 {
				continue
			}
			if err := json.Unmarshal(toJSON(t, o), new(v1alpha1.PtpSource)); err != nil {
				t.Errorf("%s: %q is stored, and then %v", field, text, err)
			}
		}
	})
}

// The API server takes no notice of format: int32, so bounds must say what it means.
func TestNumbersFit(t *testing.T) {
	numbers := 0
	walk(newServer(t).schema, "", func(name string, schema *structuralschema.Structural) {
		if schema.ValueValidation == nil || schema.ValueValidation.Format != "int32" {
			return
		}
		numbers++
		lowest, highest := schema.ValueValidation.Minimum, schema.ValueValidation.Maximum
		if lowest == nil || *lowest < math.MinInt32 || highest == nil || *highest > math.MaxInt32 {
			t.Errorf("%s has no bounds that fit 32 bits", name)
		}
	})
	if numbers < 10 {
		t.Errorf("only %d numbers were found", numbers)
	}
}
