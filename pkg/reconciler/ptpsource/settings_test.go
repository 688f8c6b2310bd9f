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

package ptpsource

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fakekube "k8s.io/client-go/kubernetes/fake"
	"knative.dev/eventing/pkg/apis/feature"
	"knative.dev/pkg/configmap"
	cminformer "knative.dev/pkg/configmap/informer"
	"knative.dev/pkg/logging"
	logtesting "knative.dev/pkg/logging/testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/policy"
)

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: systemNS, Name: name}, Data: data}
}

func TestSettings(t *testing.T) {
	t.Setenv("SYSTEM_NAMESPACE", systemNS)
	ctx := logging.WithLogger(t.Context(), logtesting.TestLogger(t))
	watcher := &configmap.ManualWatcher{Namespace: systemNS}
	changes := 0
	s := watchSettings(ctx, watcher, func() { changes++ })

	if got := policy.From(s.ToContext(ctx)); got.AllowPrivileged {
		t.Error("before anything is known everything is allowed")
	}

	watcher.OnChange(configMap("config-ptp", map[string]string{"allow-privileged": "true"}))
	watcher.OnChange(configMap("config-features", map[string]string{"authentication-oidc": "enabled"}))
	watcher.OnChange(configMap("config-logging", map[string]string{"loglevel.ptpsource": "debug", "zap-logger-config": "{}"}))
	watcher.OnChange(configMap("config-observability", map[string]string{"metrics-protocol": "prometheus"}))
	if changes != 4 {
		t.Errorf("4 changes led to %d", changes)
	}
	in := s.ToContext(ctx)
	if !policy.From(in).AllowPrivileged || !feature.FromContext(in).IsOIDCAuthentication() {
		t.Errorf("got policy %+v and flags %v", policy.From(in), feature.FromContext(in))
	}
	env := map[string]string{}
	for _, v := range s.adapterEnv() {
		env[v.Name] = v.Value
	}
	if env["K_LOGGING_CONFIG"] == "" || !strings.Contains(env["K_OBSERVABILITY_CONFIG"], `"metrics":{"protocol":"prometheus"`) {
		t.Errorf("the adapters get %v", env)
	}

	watcher.OnChange(configMap("config-ptp", map[string]string{"allow-privileges": "false"}))
	if !policy.From(s.ToContext(ctx)).AllowPrivileged || changes != 4 {
		t.Errorf("a config map that makes no sense has replaced the last one that did (%d changes)", changes)
	}
}

func TestSettingsOfNothing(t *testing.T) {
	t.Setenv("SYSTEM_NAMESPACE", systemNS)
	ctx := logging.WithLogger(t.Context(), logtesting.TestLogger(t))
	watcher := cminformer.NewInformedWatcher(fakekube.NewClientset(), systemNS)
	s := watchSettings(ctx, watcher, func() {})
	if err := watcher.Start(ctx.Done()); err != nil {
		t.Fatalf("it does not start when there is no config map: %v", err)
	}
	in := s.ToContext(ctx)
	if policy.From(in).AllowPrivileged || !feature.FromContext(in).IsDisabled(feature.OIDCAuthentication) || len(s.adapterEnv()) == 0 {
		t.Errorf("got policy %+v, flags %v, environment %v", policy.From(in), feature.FromContext(in), s.adapterEnv())
	}
}
