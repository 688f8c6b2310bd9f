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

package docs_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// blocks returns what the fences of a page have that are called language.
func blocks(text, language string) []string {
	var all []string
	for _, block := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		all = append(all, block[1])
	}
	return all
}

// Who copies a PtpSource from a page, or a part of its spec, has one that is accepted.
func TestSourcesInPages(t *testing.T) {
	found := map[string]int{}
	for _, page := range pages(t) {
		name, err := filepath.Rel(root, page.Path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range blocks(page.Text, "yaml") {
			if !strings.Contains(block, "kind: PtpSource") && !strings.HasPrefix(block, "spec:") {
				continue
			}
			found[name]++
			source := &v1alpha1.PtpSource{}
			if err := yaml.UnmarshalStrict([]byte(block), source); err != nil {
				t.Errorf("%s: %v in\n%s", name, err, block)
			}
			source.SetDefaults(t.Context())
			if err := source.Validate(t.Context()); err != nil {
				t.Errorf("%s: %v in\n%s", name, err, block)
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"README.md": 1, "docs/events.md": 1, "docs/ocloud.md": 1, "docs/ptpsource.md": 4}, found); diff != "" {
		t.Errorf("pages with PtpSources, expected (-) and found (+):\n%s", diff)
	}
}

// The data in docs/events.md is what an adapter sends.
func TestDataInEvents(t *testing.T) {
	for _, page := range pages(t) {
		if filepath.Base(page.Path) != "events.md" {
			continue
		}
		text, _, _ := strings.Cut(page.Text, "\n## Examples\n")
		shown := blocks(text, "json")
		if len(shown) != 1 {
			t.Fatalf("%s shows %d times what data is", page.Path, len(shown))
		}
		encoder, err := oran.NewEncoder(oran.Place{Cluster: "cluster", Node: "n1"}, oran.SourceFull)
		if err != nil {
			t.Fatal(err)
		}
		event, err := encoder.Encode(clock.Transition{
			Kind: clock.LockState, Instance: "ptp4l.0", Interface: "ens1f0", To: clock.Locked, Reason: clock.OffsetInRange,
			Offset: -5 * time.Nanosecond, HasOffset: true,
		}, time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal([]byte(event.Data), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(shown[0]), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, sent (-) and shown (+):\n%s", page.Path, diff)
		}
	}
}
