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
	"context"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
	"sigs.k8s.io/yaml"

	adapterconfig "github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// reference returns the page that users read, and the whole objects in it: a minimal
// PtpSource and one with every field.
func reference(t *testing.T) (page, minimal, commented string) {
	t.Helper()
	text, err := os.ReadFile("../../../../docs/ptpsource.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(apiVersion:.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 2 {
		t.Fatalf("docs/ptpsource.md has %d whole objects, want a minimal PtpSource and one with every field", len(blocks))
	}
	return string(text), blocks[0][1], blocks[1][1]
}

// uncomment turns the fields that are commented out into fields.
func uncomment(text string) string {
	return regexp.MustCompile(`(?m)^( *)# ( *(?:- )?[A-Za-z0-9]+:)`).ReplaceAllString(text, "$1$2")
}

func parse(t *testing.T, text string) *v1alpha1.PtpSource {
	t.Helper()
	source := &v1alpha1.PtpSource{}
	if err := yaml.UnmarshalStrict([]byte(text), source); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return source
}

// Who copies the example gets what they get without it.
func TestReferenceShowsTheDefaults(t *testing.T) {
	_, minimal, commented := reference(t)
	want, got := parse(t, minimal), parse(t, commented)
	want.SetDefaults(context.Background())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("default (-) and shown (+):\n%s", diff)
	}
}

// Who removes a # gets a source that is accepted, with the default that is shown.
func TestReferenceShowsEveryField(t *testing.T) {
	_, _, commented := reference(t)
	source := parse(t, uncomment(commented))
	if err := source.Validate(context.Background()); err != nil {
		t.Errorf("the example is refused: %v", err)
	}

	var shown map[string]any
	if err := yaml.Unmarshal([]byte(uncomment(commented)), &shown); err != nil {
		t.Fatal(err)
	}
	spec, ok := shown["spec"].(map[string]any)
	if !ok {
		t.Fatal("the example has no spec")
	}
	fields := maps.Clone(pathsOf(reflect.TypeFor[v1alpha1.PtpSourceSpec]()))
	for path := range fields {
		switch {
		case strings.HasPrefix(path, "tolerations[]."), strings.HasPrefix(path, "resources."): // Kubernetes' own
		case path == "sink.ref.group", path == "delivery.format": // refused by this version
		case path == "sink.CACerts": // would fill the page
		case !has(spec, strings.Split(path, ".")):
			t.Errorf("the example does not show %s", path)
		}
	}

	c, d, l := adapterconfig.Default(), source.Spec.Delivery, source.Spec.Thresholds
	if *d.Timeout != "PT10S" || c.Delivery.Timeout.Duration.String() != "10s" ||
		*d.BackoffDelay != "PT0.1S" || c.Delivery.BackoffDelay.Duration.String() != "100ms" ||
		string(*d.BackoffPolicy) != c.Delivery.BackoffPolicy || c.Delivery.Retry != nil ||
		*d.RetryAfterMax != "PT1M" || c.Delivery.RetryAfterMax.Duration.String() != "1m0s" || string(d.Backlog) != c.Delivery.Backlog {
		t.Errorf("delivery is not the default of the adapter: %+v", c.Delivery)
	}
	history := source.Spec.History
	if history.Storage != v1alpha1.StorageHostPath || int(*history.Entries) != c.History.Entries ||
		history.MaxBytes.Value() != int64(c.History.MaxBytes) || *history.MaxAge != c.History.MaxAge {
		t.Errorf("history is not the default of the adapter: %+v", c.History)
	}
	thresholds := adapterconfig.Thresholds{
		LockOffset: *l.LockOffset, UnlockOffset: *l.UnlockOffset, LockSamples: int(*l.LockSamples), UnlockSamples: int(*l.UnlockSamples),
		HoldoverTimeout: *l.HoldoverTimeout, SyncIntervals: int(*l.SyncIntervals), SyncTimeout: *l.SyncTimeout,
		OSClockTimeout: *l.OSClockTimeout, OSClockOffset: *l.OSClockOffset, MaxPathDelay: *l.MaxPathDelay,
	}
	if diff := cmp.Diff(adapterconfig.DefaultThresholds(), thresholds); diff != "" {
		t.Errorf("thresholds, default (-) and shown (+):\n%s", diff)
	}
}

// has is whether a path leads to a value.
func has(object map[string]any, path []string) bool {
	value, ok := object[path[0]]
	if !ok || len(path) == 1 {
		return ok
	}
	below, ok := value.(map[string]any)
	return ok && has(below, path[1:])
}

// Every field has its row, with its default, and no row is of a field that is gone.
func TestReferenceHasEveryField(t *testing.T) {
	page, _, _ := reference(t)
	spec, status, ok := strings.Cut(page, "\n## Status\n")
	if !ok {
		t.Fatal("docs/ptpsource.md has no heading Status")
	}
	for _, half := range []struct {
		name string
		text string
		of   reflect.Type
	}{
		{"spec", spec, reflect.TypeFor[v1alpha1.PtpSourceSpec]()},
		{"status", status, reflect.TypeFor[v1alpha1.PtpSourceStatus]()},
	} {
		var rows []string
		for _, row := range regexp.MustCompile("(?m)^\\| `([A-Za-z0-9.\\[\\]]+)` \\| (?:.+ \\| )+(.+) \\|$").FindAllStringSubmatch(half.text, -1) {
			rows = append(rows, row[1])
		}
		slices.Sort(rows)
		want := slices.Sorted(maps.Keys(pathsOf(half.of)))
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("fields of %s (-) and rows of the tables (+):\n%s", half.name, diff)
		}
	}
}

func TestReferenceHasEveryCondition(t *testing.T) {
	page, _, _ := reference(t)
	for _, c := range healthy().Conditions {
		if !strings.Contains(page, "\n| `"+string(c.Type)+"` | ") {
			t.Errorf("docs/ptpsource.md does not say when %s is True", c.Type)
		}
	}
}

// pathsOf returns the JSON paths below a type, lists with []. It does not go into what is a
// value for users, or is described elsewhere.
func pathsOf(of reflect.Type) map[string]bool {
	paths := map[string]bool{}
	collect(of, "", paths)
	return paths
}

func collect(of reflect.Type, prefix string, paths map[string]bool) {
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			collect(field.Type, prefix, paths) // inline
			continue
		}
		path, t := prefix+name, field.Type
		paths[path] = true
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			if t.Kind() == reflect.Slice {
				path += "[]"
			}
			t = t.Elem()
		}
		switch {
		case t.Kind() != reflect.Struct, path == "affinity", path == "delivery.deadLetterSink":
		case t == reflect.TypeFor[apis.URL](), t == reflect.TypeFor[apis.VolatileTime](), t == reflect.TypeFor[metav1.Duration](), t == reflect.TypeFor[resource.Quantity]():
		default:
			collect(t, path+".", paths)
		}
	}
}
