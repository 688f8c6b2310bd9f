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

package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
)

// connection is how to reach a cluster, by flags that every kubectl and kn has.
type connection struct {
	rules            *clientcmd.ClientConfigLoadingRules
	overrides        clientcmd.ConfigOverrides
	adapterNamespace string
	all              bool
	timeout          time.Duration
}

// bind adds the flags. The shorthand for the namespace may be empty.
func (c *connection) bind(f *pflag.FlagSet, shorthand string) {
	c.rules = clientcmd.NewDefaultClientConfigLoadingRules()
	f.StringVar(&c.rules.ExplicitPath, "kubeconfig", "", "kubeconfig file (default: $KUBECONFIG, or ~/.kube/config)")
	f.StringVar(&c.overrides.CurrentContext, "context", "", "context of the kubeconfig (default: the current one)")
	f.StringVar(&c.overrides.Context.Cluster, "cluster", "", "cluster of the kubeconfig (default: that of the context)")
	f.StringVar(&c.overrides.AuthInfo.Impersonate, "as", "", "user to impersonate")
	f.StringVarP(&c.overrides.Context.Namespace, "namespace", shorthand, "", "namespace of the PtpSource (default: that of the context)")
}

// bindAdapters adds the flags of commands that ask adapters.
func (c *connection) bindAdapters(f *pflag.FlagSet) {
	c.bindAdapterNamespace(f)
	f.DurationVar(&c.timeout, "timeout", 10*time.Second, "how long an adapter may take to answer")
}

// bindAdapterNamespace adds the flag of commands that look for adapters.
func (c *connection) bindAdapterNamespace(f *pflag.FlagSet) {
	f.StringVar(&c.adapterNamespace, "adapter-namespace", cluster.DefaultNamespace, "namespace in which adapters run")
}

// bindAll adds the flag that means all namespaces.
func (c *connection) bindAll(f *pflag.FlagSet) {
	f.BoolVarP(&c.all, "all-namespaces", "A", false, "PtpSources of all namespaces")
}

// connect returns a client, and the namespace that is meant; empty for all.
func (c *connection) connect() (*cluster.Client, string, error) {
	files := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(c.rules, &c.overrides)
	namespace, _, err := files.Namespace()
	if err != nil {
		return nil, "", noCluster(err)
	}
	if c.all {
		if c.overrides.Context.Namespace != "" {
			return nil, "", errors.New("--namespace and --all-namespaces contradict each other; give one of them")
		}
		namespace = ""
	}
	config, err := files.ClientConfig()
	if err != nil {
		return nil, "", noCluster(err)
	}
	client, err := cluster.New(config, c.adapterNamespace)
	return client, namespace, err
}

// noCluster says why it is not known which cluster is meant. What the library says of no file at
// all is about a variable that it does not read here.
func noCluster(err error) error {
	if clientcmd.IsEmptyConfig(err) {
		err = errors.New("there is none, or nothing in it")
	}
	return fmt.Errorf("read the kubeconfig: %w; say which with --kubeconfig or $KUBECONFIG", err)
}

// scoped is the adapters of a scope.
type scoped struct {
	client *cluster.Client
	scope  cluster.Scope
	// found is the answer of the first List, which was asked for before.
	found []cluster.Adapter
}

// List implements feed.Adapters.
func (s *scoped) List(context.Context) ([]cluster.Adapter, error) { return s.found, nil }

// Watch implements feed.Adapters.
func (s *scoped) Watch(ctx context.Context, changed func([]cluster.Adapter)) error {
	return s.client.Watch(ctx, s.scope, changed)
}

// adapters returns the adapters of a scope, or why there cannot be any. Where a PtpSource is
// there that has none yet, waiting for them makes sense.
func adapters(ctx context.Context, client *cluster.Client, scope cluster.Scope) (*scoped, error) {
	found, err := client.Adapters(ctx, scope)
	if err != nil {
		return nil, explain(err)
	}
	s := &scoped{client: client, scope: scope, found: found}
	if len(found) > 0 {
		return s, nil
	}
	if len(scope.Nodes) > 0 {
		other := scope
		other.Nodes = nil
		elsewhere, err := client.Adapters(ctx, other)
		if err != nil {
			return nil, explain(err)
		}
		if len(elsewhere) > 0 {
			return nil, fmt.Errorf("no adapter runs on %s; there are some on %s", strings.Join(scope.Nodes, ", "), nodesOf(elsewhere))
		}
	}
	if scope.Name != "" {
		_, err := client.Sources.SourcesV1alpha1().PtpSources(scope.Namespace).Get(ctx, scope.Name, metav1.GetOptions{})
		switch {
		case scope.Namespace == "":
			return nil, fmt.Errorf("no PtpSource %q has adapters in any namespace", scope.Name)
		case apierrors.IsNotFound(err):
			return nil, fmt.Errorf("there is no PtpSource %q in namespace %q, and no adapter of an earlier one", scope.Name, scope.Namespace)
		case err != nil:
			return nil, explain(err)
		}
		return s, nil
	}
	list, err := client.Sources.SourcesV1alpha1().PtpSources(scope.Namespace).List(ctx, metav1.ListOptions{Limit: 1})
	switch {
	case err != nil:
		return nil, explain(err)
	case len(list.Items) > 0:
		return s, nil
	case scope.Namespace == "":
		return nil, errors.New("there is no PtpSource in this cluster; make one with: create NAME --sink broker:default")
	}
	everywhere, err := client.Adapters(ctx, cluster.Scope{})
	if err == nil && len(everywhere) > 0 {
		return nil, fmt.Errorf("there is no PtpSource in namespace %q; there are some in %s: see them with -A", scope.Namespace, namespacesOf(everywhere))
	}
	return nil, fmt.Errorf("there is no PtpSource in namespace %q; make one with: create NAME --sink broker:default", scope.Namespace)
}

func nodesOf(all []cluster.Adapter) string {
	return names(all, func(a cluster.Adapter) string { return a.Node })
}

func namespacesOf(all []cluster.Adapter) string {
	return names(all, func(a cluster.Adapter) string { return a.Source.Namespace })
}

// names are those of a few adapters.
func names(all []cluster.Adapter, of func(cluster.Adapter) string) string {
	var some []string
	for _, a := range all {
		some = append(some, of(a))
	}
	slices.Sort(some)
	some = slices.Compact(some)
	const few = 5
	if len(some) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(some[:few], ", "), len(some)-few)
	}
	return strings.Join(some, ", ")
}

// explain says what to do about an answer of the API server.
func explain(err error) error {
	switch {
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w; an administrator can bind the roles eventing-ptp-cli to you (docs/cli.md)", err)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w; log in to the cluster again", err)
	case apierrors.IsNotFound(err) && strings.Contains(err.Error(), "the server could not find the requested resource"):
		return fmt.Errorf("this cluster has no kind PtpSource; eventing-ptp is not installed in it: %w", err)
	}
	return err
}
