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
	"context"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/eventing/pkg/apis/feature"
	o11yconfigmap "knative.dev/eventing/pkg/observability/configmap"
	reconcilersource "knative.dev/eventing/pkg/reconciler/source"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/logging"
	"knative.dev/pkg/system"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/policy"
)

// component is what the adapters are called in config-logging: loglevel.ptpsource.
const component = "ptpsource"

// settings are what config maps say. Each of them may be absent, which is as if it were
// empty. One that makes no sense is logged, and the last one that did stays.
type settings struct {
	flags  *feature.Store
	policy *configmap.UntypedStore
	env    atomic.Pointer[[]corev1.EnvVar]
}

// watchSettings calls changed after every change.
func watchSettings(ctx context.Context, cmw configmap.Watcher, changed func()) *settings {
	log := logging.FromContext(ctx)
	onChange := func(string, any) { changed() }
	s := &settings{
		flags: feature.NewStore(log.Named("features"), onChange),
		policy: configmap.NewUntypedStore("policy", log.Named("policy"),
			configmap.Constructors{policy.ConfigMapName: policy.Parse}, onChange),
	}
	watch(cmw, feature.FlagsConfigName, s.flags.OnConfigChanged)
	watch(cmw, policy.ConfigMapName, s.policy.OnConfigChanged)

	// The watcher of Knative writes its fields while config maps change, and takes no lock.
	// Asking it right after it has written, and nowhere else, is safe.
	adapters := reconcilersource.WatchConfigurations(ctx, component, cmw)
	store := func() {
		env := adapters.ToEnvVars()
		s.env.Store(&env)
	}
	store() // neither of the two need exist
	renew := func(*corev1.ConfigMap) {
		store()
		changed()
	}
	cmw.Watch(logging.ConfigMapName(), renew)
	cmw.Watch(o11yconfigmap.Name(), renew)
	return s
}

func watch(cmw configmap.Watcher, name string, observe configmap.Observer) {
	if defaulting, ok := cmw.(configmap.DefaultingWatcher); ok {
		// Without its namespace the watcher ignores it.
		meta := metav1.ObjectMeta{Namespace: system.Namespace(), Name: name}
		defaulting.WatchWithDefault(corev1.ConfigMap{ObjectMeta: meta}, observe)
		return
	}
	cmw.Watch(name, observe)
}

// ToContext attaches the feature flags and the policy of this moment. Implements
// reconciler.ConfigStore.
func (s *settings) ToContext(ctx context.Context) context.Context {
	ctx = s.flags.ToContext(ctx)
	if p, ok := s.policy.UntypedLoad(policy.ConfigMapName).(*policy.Policy); ok {
		ctx = policy.With(ctx, p)
	}
	return ctx
}

// adapterEnv returns the adapters' configuration of logging and observability.
func (s *settings) adapterEnv() []corev1.EnvVar { return *s.env.Load() }
