//go:build lab

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

package installation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/eventing-ptp/eventing-ptp/test/installation"
)

// With OIDC an adapter can get the token of its own source, and no other.
func TestOIDC(t *testing.T) {
	administrate(t, "config-features", map[string]string{"authentication-oidc": "enabled"})
	r := newRoom(t, 1)
	r.brokerAt(map[string]string{"url": brokerURL(r.namespace), "audience": "the-broker"})
	var accounts []string // that the sources show to their sinks
	var adapters []string // that their adapters run as
	for _, name := range []string{"one", "two"} {
		s := r.create(r.source(name))
		eventually(t, "an identity", func(ctx context.Context) error {
			var err error
			if s, err = r.sources().Get(ctx, name, metav1.GetOptions{}); err == nil && (s.Status.Auth == nil || s.Status.Auth.ServiceAccountName == nil) {
				err = fmt.Errorf("auth %+v", s.Status.Auth)
			}
			return err
		})
		account := *s.Status.Auth.ServiceAccountName
		d := r.daemonSet(s, "the identity in the environment", environment("K_OIDC_SERVICE_ACCOUNT", account))
		for variable, value := range map[string]string{
			"K_AUDIENCE": "the-broker",
			"NAMESPACE":  r.namespace, // the service account is looked for there
		} {
			if err := environment(variable, value)(d); err != nil {
				t.Error(err)
			}
		}
		if pod := d.Spec.Template.Spec; pod.AutomountServiceAccountToken == nil || !*pod.AutomountServiceAccountToken {
			t.Error("the adapter has no token to ask for tokens with")
		}
		accounts = append(accounts, account)
		adapters = append(adapters, d.Spec.Template.Spec.ServiceAccountName)
	}
	request := func(adapter, account string) error {
		config, err := cluster.ConfigFor(t.Context(), installation.Adapters, adapter)
		if err != nil {
			t.Fatal(err)
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.CoreV1().ServiceAccounts(r.namespace).CreateToken(t.Context(), account, &authenticationv1.TokenRequest{
			Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"sink"}},
		}, metav1.CreateOptions{})
		return err
	}
	for n, adapter := range adapters {
		if err := request(adapter, accounts[n]); err != nil {
			t.Errorf("the adapter of source %d gets no token: %v", n+1, err)
		}
		if err := request(adapter, accounts[1-n]); !apierrors.IsForbidden(err) {
			t.Errorf("the adapter of source %d asks for the token of the other one and gets: %v", n+1, err)
		}
	}

	// The identities go with their source.
	if err := r.sources().Delete(t.Context(), "one", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	gone(t, "the adapter's account", func(ctx context.Context) error {
		_, err := cluster.Client().CoreV1().ServiceAccounts(installation.Adapters).Get(ctx, adapters[0], metav1.GetOptions{})
		return err
	})
	gone(t, "the source's account", func(ctx context.Context) error {
		_, err := cluster.Client().CoreV1().ServiceAccounts(r.namespace).Get(ctx, accounts[0], metav1.GetOptions{})
		return err
	})
	if err := request(adapters[1], accounts[1]); err != nil {
		t.Errorf("the other source has lost its token: %v", err)
	}
}

// Certificates that the administrator trusts reach the adapters, and leave them again.
func TestTrustBundles(t *testing.T) {
	r := newRoom(t, 1)
	r.broker()
	s := r.create(r.source("trusting"))
	r.ready("trusting")
	bundles := cluster.Client().CoreV1().ConfigMaps(installation.Namespace)
	bundle := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "company-ca", Labels: map[string]string{"networking.knative.dev/trust-bundle": "true"}},
		Data:       map[string]string{"ca.crt": string(cluster.CA())},
	}
	if _, err := bundles.Create(t.Context(), bundle, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bundles.Delete(context.Background(), bundle.Name, metav1.DeleteOptions{}) })

	var copied string
	mounted := func(d *appsv1.DaemonSet) error {
		for _, v := range d.Spec.Template.Spec.Volumes {
			if v.Projected == nil {
				continue
			}
			for _, p := range v.Projected.Sources {
				if p.ConfigMap != nil && strings.Contains(p.ConfigMap.Name, bundle.Name) {
					copied = p.ConfigMap.Name
					return nil
				}
			}
		}
		return fmt.Errorf("volumes %+v", d.Spec.Template.Spec.Volumes)
	}
	r.daemonSet(s, "the bundle among the volumes", mounted)
	inside := func(want string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			cm, err := cluster.Client().CoreV1().ConfigMaps(installation.Adapters).Get(ctx, copied, metav1.GetOptions{})
			if err == nil && cm.Data["ca.crt"] != want {
				err = fmt.Errorf("it has %.40q", cm.Data["ca.crt"])
			}
			return err
		}
	}
	eventually(t, "the bundle beside the adapters", inside(string(cluster.CA())))

	bundle.Data["ca.crt"] += string(cluster.CA())
	if _, err := bundles.Update(t.Context(), bundle, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new bundle beside the adapters", inside(bundle.Data["ca.crt"]))

	if err := bundles.Delete(t.Context(), bundle.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	gone(t, "the copy", func(ctx context.Context) error {
		_, err := cluster.Client().CoreV1().ConfigMaps(installation.Adapters).Get(ctx, copied, metav1.GetOptions{})
		return err
	})
	r.daemonSet(s, "volumes without the bundle", func(d *appsv1.DaemonSet) error {
		if mounted(d) == nil {
			return fmt.Errorf("%s is mounted", copied)
		}
		return nil
	})
	r.ready("trusting")
}

// Who may edit in a namespace may make sources there, and nobody else.
func TestRolesOfUsers(t *testing.T) {
	r := newRoom(t, 0)
	if err := cluster.ApplyYAML(t.Context(), fmt.Sprintf(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: editor, namespace: %[1]s}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: viewer, namespace: %[1]s}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: editor, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: editor, namespace: %[1]s}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: viewer, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: viewer, namespace: %[1]s}]
`, r.namespace)); err != nil {
		t.Fatal(err)
	}
	as := func(account string) (create, list error) {
		config, err := cluster.ConfigFor(t.Context(), r.namespace, account)
		if err != nil {
			t.Fatal(err)
		}
		c := newSources(t, config)
		_, create = c.PtpSources(r.namespace).Create(t.Context(), r.source("by-"+account), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		_, list = c.PtpSources(r.namespace).List(t.Context(), metav1.ListOptions{})
		return create, list
	}
	eventually(t, "the roles of users", func(context.Context) error { // they are put together by a controller
		if create, list := as("editor"); create != nil || list != nil {
			return fmt.Errorf("an editor creates: %w, lists: %w", create, list)
		}
		if create, list := as("viewer"); !apierrors.IsForbidden(create) || list != nil {
			return fmt.Errorf("a viewer creates: %w, lists: %w", create, list)
		}
		if create, list := as("default"); !apierrors.IsForbidden(create) || !apierrors.IsForbidden(list) {
			return fmt.Errorf("anybody creates: %w, lists: %w", create, list)
		}
		return nil
	})
}
