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

// Webhook fills in what a PtpSource leaves out, and refuses one that makes no sense, and a
// config-ptp that does not.
package main

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/signals"
	"knative.dev/pkg/webhook"
	"knative.dev/pkg/webhook/certificates"
	"knative.dev/pkg/webhook/configmaps"
	"knative.dev/pkg/webhook/resourcesemantics"
	"knative.dev/pkg/webhook/resourcesemantics/defaulting"
	"knative.dev/pkg/webhook/resourcesemantics/validation"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/policy"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// The webhooks are named like the configuration objects under config/ that they complete.
const (
	defaultingName = "defaulting.webhook.ptp.sources.knative.dev"
	validationName = "validation.webhook.ptp.sources.knative.dev"
	configName     = "config.webhook.ptp.sources.knative.dev"
)

func main() {
	ctx := webhook.WithOptions(signals.NewContext(), webhook.Options{
		ServiceName: webhook.NameFromEnv(), // the certificate is for the Service of this name
		Port:        webhook.PortFromEnv(8443),
		SecretName:  webhook.SecretNameFromEnv("eventing-ptp-webhook-certs"),
	})
	sharedmain.WebhookMainWithContext(ctx, "eventing-ptp-webhook",
		certificates.NewController, newDefaulting, newValidation, newConfigValidation)
}

func kinds() map[schema.GroupVersionKind]resourcesemantics.GenericCRD {
	return map[schema.GroupVersionKind]resourcesemantics.GenericCRD{
		v1alpha1.SchemeGroupVersion.WithKind("PtpSource"): &v1alpha1.PtpSource{},
	}
}

func newDefaulting(ctx context.Context, _ configmap.Watcher) *controller.Impl {
	c := defaulting.NewAdmissionController(ctx, defaultingName, "/defaulting", kinds(), nil, true)
	c.Reconciler = schemaFirst{c.Reconciler.(defaulter)}
	return c
}

func newValidation(ctx context.Context, _ configmap.Watcher) *controller.Impl {
	return validation.NewAdmissionController(ctx, validationName, "/validation", kinds(), nil, true)
}

// newConfigValidation looks at config-ptp only: the other config maps are Eventing's.
func newConfigValidation(ctx context.Context, _ configmap.Watcher) *controller.Impl {
	return configmaps.NewAdmissionController(ctx, configName, "/config-validation",
		configmap.Constructors{policy.ConfigMapName: policy.Parse})
}
