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
	"testing"

	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	pkgfuzzer "knative.dev/pkg/apis/testing/fuzzer"
	"knative.dev/pkg/apis/testing/roundtrip"
	"sigs.k8s.io/randfill"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// Whatever a PtpSource holds is the same after it has been written as JSON and read again.
func TestRoundTrip(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	known := scheme.KnownTypes(v1alpha1.SchemeGroupVersion)
	for _, kind := range []string{"PtpSource", "PtpSourceList"} {
		if known[kind] == nil {
			t.Errorf("%s is not in the scheme, so it is not tested", kind)
		}
	}
	ours := func(serializer.CodecFactory) []any {
		return []any{
			func(s *v1alpha1.PtpSourceStatus, c randfill.Continue) {
				c.FillNoCustom(s)
				// Conditions are written sorted, and each type once.
				s.InitializeConditions()
				pkgfuzzer.FuzzConditions(&s.Status, c)
			},
		}
	}
	roundtrip.ExternalTypesViaJSON(t, scheme, fuzzer.MergeFuzzerFuncs(pkgfuzzer.Funcs, ours))
}
