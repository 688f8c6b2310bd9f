//go:build e2e

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
	"context"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/test/docs"
)

// TestGettingStartedPage does what docs/getting-started.md says of a cluster. What it says of one
// machine, and how to install, others do.
func TestGettingStartedPage(t *testing.T) {
	p := open(t, "docs/getting-started.md").page
	do(t, "CGO_ENABLED=0 go build -o bin/ ./cmd/kn-source-ptp")
	if _, err := runner.Faults.Do(t.Context(), "wait n1 SLAVE"); err != nil {
		t.Fatal(err)
	}
	inCluster := &docs.Page{Path: p.Path}
	for _, step := range p.Steps {
		if strings.Contains(step.Commands, "ptp-start") {
			if strings.Contains(step.Commands, " status ") {
				// A clock is LOCKED when it has been seen to be, and status says by its end whether all are.
				step.Commands = "until " + step.Commands + "; do sleep 0.5; done"
			}
			inCluster.Steps = append(inCluster.Steps, step)
		}
	}
	if len(inCluster.Steps) < 5 {
		t.Fatalf("%s has only %d blocks about a cluster", p.Path, len(inCluster.Steps))
	}
	if err := runner.Run(context.WithoutCancel(t.Context()), inCluster); err != nil {
		t.Error(err)
	}
}
