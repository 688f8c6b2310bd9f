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

	"knative.dev/pkg/apis"
	"knative.dev/pkg/apis/duck"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// What knows duck types only, such as SinkBinding, kn and the controller that makes
// EventTypes, reads and writes a PtpSource without losing anything.
func TestDuckTypes(t *testing.T) {
	for _, tc := range []struct {
		name string
		duck duck.Implementable
	}{
		{name: "a source", duck: &duckv1.Source{}},
		{name: "conditions", duck: &duckv1.Conditions{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := duck.VerifyType(&v1alpha1.PtpSource{}, tc.duck); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConditionSet(t *testing.T) {
	source := &v1alpha1.PtpSource{}
	if got := source.GetConditionSet().GetTopLevelConditionType(); got != apis.ConditionReady {
		t.Errorf("the condition that sums up is %s, want Ready", got)
	}
	if source.GetStatus() != &source.Status.Status {
		t.Error("GetStatus returns a copy: what a reconciler writes there would be lost")
	}
	if got, want := source.GetGroupVersionKind().String(), "sources.knative.dev/v1alpha1, Kind=PtpSource"; got != want {
		t.Errorf("the kind is %q, want %q", got, want)
	}
	source.Spec.Paused = true
	if spec, ok := source.GetUntypedSpec().(v1alpha1.PtpSourceSpec); !ok || !spec.Paused {
		t.Errorf("GetUntypedSpec returns %#v, want the spec", source.GetUntypedSpec())
	}
}
