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

package adapter

import (
	"context"
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	kubeclient "knative.dev/pkg/client/injection/kube/client"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
)

// WithKubeClient puts a Kubernetes client into ctx, where Knative's adapter library
// looks for one to fetch OIDC tokens with, and the O-Cloud API for one to review tokens
// with. It is made from KUBECONFIG or from the pod's service account. Where neither is
// asked for nothing uses it, so one that leads nowhere does, and the adapter needs no
// cluster.
func WithKubeClient(ctx context.Context, env *Env) (context.Context, error) {
	restConfig := &rest.Config{Host: "http://no-cluster.invalid"}
	needsTokens := env.OIDCServiceAccountName != nil && (env.Audience != nil || env.Config.Delivery.DeadLetterSinkAudience != "")
	needsReviews := env.Config.OCloud.Enabled && env.Config.OCloud.Auth == config.AuthServiceAccount
	if needsTokens || needsReviews {
		what := "gives OIDC tokens for K_AUDIENCE"
		if !needsTokens {
			what = "says whose the tokens for oCloud.auth ServiceAccount are"
		}
		var err error
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		restConfig, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
		if err != nil {
			return nil, fmt.Errorf("find the cluster that %s: %w: run in a pod or set KUBECONFIG", what, err)
		}
	}
	if needsReviews {
		// Each client of the O-Cloud API is asked about twice, for each of up to four verbs and
		// every half a minute. The library's own limit of 5 a second is for one who asks.
		restConfig.QPS, restConfig.Burst = 50, 100
	}
	client, err := kubernetes.NewForConfig(restConfig)
	if err != nil {
		return nil, fmt.Errorf("make a Kubernetes client: %w", err)
	}
	return context.WithValue(ctx, kubeclient.Key{}, kubernetes.Interface(client)), nil
}
