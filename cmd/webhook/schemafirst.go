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

import (
	"context"
	"encoding/json"

	admissionv1 "k8s.io/api/admission/v1"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/reconciler"
	"knative.dev/pkg/webhook"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// defaulter is all that Knative asks a webhook for.
type defaulter interface {
	controller.Reconciler
	reconciler.LeaderAware
	webhook.AdmissionController
	webhook.StatelessAdmissionController
}

// schemaFirst lets a PtpSource that cannot be read pass as it is. The API server looks at
// the CRD's schema after it has asked for defaults, so the refusal would be the decoder's,
// which does not say of which field a duration has no unit. The schema's says it, and what
// would be better; what it does not know, the validating webhook refuses.
type schemaFirst struct{ defaulter }

func (s schemaFirst) Admit(ctx context.Context, request *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	if json.Unmarshal(request.Object.Raw, &v1alpha1.PtpSource{}) != nil {
		return &admissionv1.AdmissionResponse{Allowed: true}
	}
	return s.defaulter.Admit(ctx, request)
}
