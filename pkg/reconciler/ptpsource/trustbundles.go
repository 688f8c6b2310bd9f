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
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"knative.dev/eventing/pkg/eventingtls"

	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// reconcileTrustBundles copies the cluster's trust bundles to where the adapters can
// mount them, and returns what there is to mount. The copies are shared by all sources.
func (r *Reconciler) reconcileTrustBundles(ctx context.Context) ([]*corev1.ConfigMap, error) {
	origins, err := r.systemBundleLister.ConfigMaps(r.system).List(eventingtls.TrustBundleSelector)
	if err != nil {
		return nil, fmt.Errorf("list trust bundles in namespace %s: %w", r.system, err)
	}
	if r.adapters == r.system {
		return origins, nil
	}
	wanted := make(map[string]bool, len(origins))
	var mounted []*corev1.ConfigMap
	for _, origin := range origins {
		bundle, _, err := r.bundleCopies().keep(ctx, resources.TrustBundle(origin, r.adapters))
		if err != nil {
			return nil, err
		}
		wanted[bundle.Name] = true
		mounted = append(mounted, bundle)
	}

	present, err := r.bundleLister.ConfigMaps(r.adapters).List(eventingtls.TrustBundleSelector)
	if err != nil {
		return nil, fmt.Errorf("list trust bundles in namespace %s: %w", r.adapters, err)
	}
	for _, bundle := range present {
		switch {
		case wanted[bundle.Name]:
		case copied(bundle):
			if _, err := r.bundleCopies().remove(ctx, bundle); err != nil {
				return nil, err
			}
		default:
			// An administrator has put it there.
			mounted = append(mounted, bundle)
		}
	}
	return mounted, nil
}

func copied(bundle *corev1.ConfigMap) bool {
	return bundle.Labels[resources.TrustBundleLabel] == resources.TrustBundleCopied
}

func (r *Reconciler) bundleCopies() keeper[*corev1.ConfigMap] {
	return keeper[*corev1.ConfigMap]{
		kind:  "ConfigMap",
		cache: r.bundleLister.ConfigMaps(r.adapters),
		api:   r.kube.CoreV1().ConfigMaps(r.adapters),
		ours:  copied,
		overlay: func(want, live *corev1.ConfigMap) (*corev1.ConfigMap, bool) {
			next := live.DeepCopy()
			differs := overlayMeta(want, next) || !equality.Semantic.DeepEqual(want.Data, live.Data) ||
				!equality.Semantic.DeepEqual(want.BinaryData, live.BinaryData)
			next.Data, next.BinaryData = want.Data, want.BinaryData
			return next, differs
		},
	}
}
