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
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReplaceImagesLeavesEverythingElse(t *testing.T) {
	got := replaceImages(map[string]any{
		"image": "ko://example.com/Team/cmd/agent",
		"env":   []any{map[string]any{"name": "AGENT_IMAGE", "value": "ko://example.com/agent"}, map[string]any{"value": "see ko://"}},
		"count": int64(1),
	})
	want := map[string]any{
		"image": "ko.invalid/example.com/team/cmd/agent",
		"env":   []any{map[string]any{"name": "AGENT_IMAGE", "value": "ko.invalid/example.com/agent"}, map[string]any{"value": "see ko://"}},
		"count": int64(1),
	}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Error(diff)
	}
}
