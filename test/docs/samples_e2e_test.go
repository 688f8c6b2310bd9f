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
	"testing"
)

// TestSamples does what the READMEs of the samples say, one after the other: faults are
// those of clocks that all of them watch.
func TestSamples(t *testing.T) {
	for _, s := range samples(t) {
		if s.page.NotRun != "" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			if _, err := runner.Faults.Do(t.Context(), "wait n1 SLAVE"); err != nil {
				t.Fatal(err)
			}
			if s.name == "09-tls-oidc" {
				secure(t)
			}
			if err := runner.Run(t.Context(), s.page); err != nil {
				t.Error(err)
			}
		})
	}
}

// secure switches TLS and OIDC on for all of Eventing, until the test ends.
func secure(t *testing.T) {
	t.Helper()
	const patch = "kubectl -n knative-eventing patch configmap config-features --type merge --patch "
	do(t, patch+`'{"data": {"transport-encryption": "strict", "authentication-oidc": "enabled"}}'`)
	t.Cleanup(func() {
		if err := shell(context.WithoutCancel(t.Context()), patch+`'{"data": {"transport-encryption": "disabled", "authentication-oidc": "disabled"}}'`); err != nil {
			t.Error(err)
		}
	})
}
