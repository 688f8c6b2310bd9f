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
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	_ "knative.dev/pkg/client/injection/kube/client/fake"
	_ "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/mutatingwebhookconfiguration/fake"
	_ "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingwebhookconfiguration/fake"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	_ "knative.dev/pkg/injection/clients/namespacedkube/informers/core/v1/secret/fake"
	rtesting "knative.dev/pkg/reconciler/testing"
	"knative.dev/pkg/webhook"
)

// answer is what a webhook says: the patch, or why not.
type answer struct{ patch, refusal string }

// ask sends an object through one of the webhooks, as an API server would.
func ask(t *testing.T, newWebhook func(context.Context, configmap.Watcher) *controller.Impl, kind metav1.GroupVersionKind, object string) answer {
	t.Helper()
	t.Setenv("SYSTEM_NAMESPACE", "knative-eventing")
	ctx, _ := rtesting.SetupFakeContext(t)
	ctx = webhook.WithOptions(ctx, webhook.Options{SecretName: "eventing-ptp-webhook-certs"})
	admission, ok := newWebhook(ctx, nil).Reconciler.(webhook.AdmissionController)
	if !ok {
		t.Fatal("the reconciler is no webhook")
	}
	response := admission.Admit(ctx, &admissionv1.AdmissionRequest{
		Operation: admissionv1.Create,
		Kind:      kind,
		Resource:  metav1.GroupVersionResource{Group: kind.Group, Version: kind.Version},
		Object:    runtime.RawExtension{Raw: []byte(object)},
	})
	a := answer{patch: string(response.Patch)}
	if !response.Allowed {
		a.refusal = response.Result.Message
	}
	return a
}

func ptpSource() metav1.GroupVersionKind {
	return metav1.GroupVersionKind{Group: "sources.knative.dev", Version: "v1alpha1", Kind: "PtpSource"}
}

func source(spec string) string {
	return `{"apiVersion": "sources.knative.dev/v1alpha1", "kind": "PtpSource", "metadata": {"namespace": "default", "name": "s"}, "spec": ` + spec + `}`
}

// What cannot be read is for the schema to refuse, which says of which field it speaks.
func TestDefaultingLeavesToTheSchemaWhatItCannotRead(t *testing.T) {
	for name, spec := range map[string]string{
		"a duration without a unit": `{"thresholds": {"lockOffset": "100"}}`,
		"a duration of Knative's":   `{"thresholds": {"holdoverTimeout": "PT5S"}}`,
		"a quantity that is none":   `{"resources": {"limits": {"memory": "much"}}}`,
		"text for a number":         `{"delivery": {"retry": "5"}}`,
		"a number out of range":     `{"history": {"entries": 4294967296}}`,
		"an object for a list":      `{"tolerations": {"operator": "Exists"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got := ask(t, newDefaulting, ptpSource(), source(spec)); got != (answer{}) {
				t.Errorf("got %+v, want no patch and no refusal", got)
			}
			if got := ask(t, newValidation, ptpSource(), source(spec)); got.refusal == "" {
				t.Error("the validating webhook lets it in")
			}
		})
	}
}

func TestDefaulting(t *testing.T) {
	const given = `{"sink": {"ref": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "default", "namespace": "default"}},
		"linuxptp": {"socketDirectory": "/var/run/ptp", "sockets": ["ptp4l*"]}, "events": {"sourceFormat": "full"},
		"history": {"entries": 4096, "maxBytes": "64Mi", "maxAge": "168h0m0s"}}`
	got := ask(t, newDefaulting, ptpSource(), source(given))
	if got.refusal != "" {
		t.Fatal(got.refusal)
	}
	type operation struct {
		Op, Path string
		Value    any
	}
	var patch []operation
	if err := json.Unmarshal([]byte(got.patch), &patch); err != nil {
		t.Fatal(err)
	}
	// What is not of the spec is Knative's: who has made the object.
	patch = slices.DeleteFunc(patch, func(o operation) bool { return !strings.HasPrefix(o.Path, "/spec") })
	want := []operation{{"add", "/spec/events/clusterName", "cluster"}}
	if diff := cmp.Diff(want, patch); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

func TestValidation(t *testing.T) {
	for _, tc := range []struct{ name, spec, want string }{
		{"a good source", `{"sink": {"uri": "http://sink"}, "linuxptp": {"socketDirectory": "/var/run/ptp", "sockets": ["ptp4l*"]},
			"events": {"sourceFormat": "full", "clusterName": "cluster"}, "history": {"entries": 4096, "maxBytes": "64Mi", "maxAge": "168h0m0s"}}`, ""},
		{
			"a bad value", `{"sink": {"uri": "http://sink"}, "linuxptp": {"socketDirectory": "/", "sockets": ["ptp4l*"]},
			"events": {"sourceFormat": "full", "clusterName": "cluster"}, "history": {"entries": 4096, "maxBytes": "64Mi", "maxAge": "168h0m0s"}}`,
			"validation failed: invalid value: \"/\": spec.linuxptp.socketDirectory\n" +
				"must be an absolute path below /, without .., :, double slashes, line ends and a slash at its end, for example /var/run/ptp",
		},
		{
			"a field that does not exist", `{"snik": {"uri": "http://sink"}}`,
			`decoding request failed: cannot decode incoming new object: json: unknown field "snik"`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ask(t, newValidation, ptpSource(), source(tc.spec))
			if diff := cmp.Diff(answer{refusal: tc.want}, got, cmp.AllowUnexported(answer{})); diff != "" {
				t.Errorf("-want, +got:\n%s", diff)
			}
		})
	}
}

func TestConfigValidation(t *testing.T) {
	for _, tc := range []struct{ name, configMap, data, want string }{
		{"a good config-ptp", "config-ptp", `{"lock-offset": "50ns"}`, ""},
		{
			"a misspelt key", "config-ptp", `{"allow-privilege": "true"}`,
			`validation failed: config map config-ptp: key "allow-privilege" is not known; the keys are allow-host-network, allow-privileged, ` +
				`allowed-socket-directories, holdover-timeout, journal-directory, lock-offset, lock-samples, max-path-delay, os-clock-offset, os-clock-timeout, sync-intervals, sync-timeout, unlock-offset, unlock-samples`,
		},
		{"a config map of Eventing's", "config-features", `{"allow-privilege": "true"}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ask(t, newConfigValidation, metav1.GroupVersionKind{Version: "v1", Kind: "ConfigMap"},
				`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "knative-eventing", "name": "`+tc.configMap+`"}, "data": `+tc.data+`}`)
			if diff := cmp.Diff(answer{refusal: tc.want}, got, cmp.AllowUnexported(answer{})); diff != "" {
				t.Errorf("-want, +got:\n%s", diff)
			}
		})
	}
}
