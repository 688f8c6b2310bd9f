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
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	client "github.com/eventing-ptp/eventing-ptp/pkg/client/clientset/versioned/typed/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/controlplane"
	"github.com/eventing-ptp/eventing-ptp/test/installation"
)

// cluster is the installation that the tests share; each has a namespace of its own and
// nodes of its own.
var (
	cluster    *installation.Installation
	controller *controlplane.Program
)

func TestMain(m *testing.M) {
	status, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func run(m *testing.M) (status int, err error) {
	ctx := context.Background()
	began := time.Now()
	c, err := installation.NewControlPlane(ctx, os.Stderr)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if cluster, err = installation.Install(ctx, c); err != nil {
		return 1, err
	}
	// A minute, as installed, is long for a test in which a leader is killed.
	const leases = `{"data": {"lease-duration": "6s", "renew-deadline": "4s", "retry-period": "1s"}}`
	if _, err := c.Client().CoreV1().ConfigMaps(installation.Namespace).Patch(ctx, "config-leader-election", types.MergePatchType, []byte(leases), metav1.PatchOptions{}); err != nil {
		return 1, err
	}
	if controller, err = cluster.Start(ctx, installation.Controller); err != nil {
		return 1, err
	}
	fmt.Printf("installed after %v\n", time.Since(began).Round(time.Millisecond))
	return m.Run(), nil
}

// patience is how long a test waits for what must come: far longer than it may take.
const patience = 30 * time.Second

// eventually waits until check returns nil. When it does not, the end of the controller's
// log says more.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := cluster.Wait(ctx, what, check); err != nil {
		log, _ := os.ReadFile(controller.Log())
		t.Fatalf("%v\nthe controller's last words:\n%s", err, log[max(0, len(log)-2000):])
	}
}

// room is a user's namespace with nodes of its own.
type room struct {
	*testing.T
	namespace string
	nodes     []string
}

// newRoom makes a namespace in which pods may do nothing special, as a platform team
// would, and so many nodes that carry its name.
func newRoom(t *testing.T, nodes int) room {
	t.Helper()
	r := room{T: t, namespace: strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: r.namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if _, err := cluster.Client().CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if nodes > 0 {
		var err error
		if r.nodes, err = cluster.AddNodes(t.Context(), nodes, map[string]string{"for": r.namespace}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { // what it leaves must not be on the nodes of the tests to come
		ctx := context.Background()
		_ = cluster.Sources.SourcesV1alpha1().PtpSources(r.namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
		for _, n := range r.nodes {
			_ = cluster.Client().CoreV1().Nodes().Delete(ctx, n, metav1.DeleteOptions{})
		}
	})
	return r
}

func (r room) sources() client.PtpSourceInterface {
	return cluster.Sources.SourcesV1alpha1().PtpSources(r.namespace)
}

// broker makes the Broker "default", which is ready, as Knative's controller would.
func (r room) broker() {
	r.Helper()
	r.brokerAt(map[string]string{"url": brokerURL(r.namespace)})
}

// brokerAt makes it with an address.
func (r room) brokerAt(address map[string]string) {
	r.Helper()
	text := fmt.Sprintf("apiVersion: eventing.knative.dev/v1\nkind: Broker\nmetadata: {name: default, namespace: %s}\n", r.namespace)
	if err := cluster.ApplyYAML(r.Context(), text); err != nil {
		r.Fatal(err)
	}
	status, err := json.Marshal(map[string]any{"status": map[string]any{
		"address": address, "conditions": []map[string]string{{"type": "Ready", "status": "True"}},
	}})
	if err != nil {
		r.Fatal(err)
	}
	brokers := cluster.Dynamic().Resource(schema.GroupVersionResource{Group: "eventing.knative.dev", Version: "v1", Resource: "brokers"})
	if _, err := brokers.Namespace(r.namespace).Patch(r.Context(), "default", types.MergePatchType, status, metav1.PatchOptions{}, "status"); err != nil {
		r.Fatal(err)
	}
}

func brokerURL(namespace string) string {
	return "http://broker-ingress.knative-eventing.svc.cluster.local/" + namespace + "/default"
}

// source returns a PtpSource with nothing but a sink and the room's nodes.
func (r room) source(name string) *v1alpha1.PtpSource {
	s := &v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name}}
	s.Spec.Sink.Ref = &duckv1.KReference{APIVersion: "eventing.knative.dev/v1", Kind: "Broker", Name: "default"}
	s.Spec.NodeSelector = map[string]string{"for": r.namespace}
	return s
}

func (r room) create(s *v1alpha1.PtpSource) *v1alpha1.PtpSource {
	r.Helper()
	s, err := r.sources().Create(r.Context(), s, metav1.CreateOptions{})
	if err != nil {
		r.Fatal(err)
	}
	return s
}

// change edits a source as a user would, who tries again when somebody was faster.
func (r room) change(name string, edit func(*v1alpha1.PtpSource)) {
	r.Helper()
	eventually(r.T, "a change of "+name, func(ctx context.Context) error {
		s, err := r.sources().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		edit(s)
		_, err = r.sources().Update(ctx, s, metav1.UpdateOptions{})
		return err
	})
}

// want is a condition and how it should be.
type want struct {
	condition apis.ConditionType
	status    corev1.ConditionStatus
	reason    string
	message   string // a part of it
}

// waitFor waits until the conditions of the present generation are as wanted, and
// returns the source.
func (r room) waitFor(name string, wants ...want) *v1alpha1.PtpSource {
	r.Helper()
	var found *v1alpha1.PtpSource
	eventually(r.T, fmt.Sprintf("conditions %v of %s", wants, name), func(ctx context.Context) error {
		s, err := r.sources().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if s.Status.ObservedGeneration != s.Generation {
			return fmt.Errorf("generation %d is observed, %d is there", s.Status.ObservedGeneration, s.Generation)
		}
		for _, w := range wants {
			c := s.Status.GetCondition(w.condition)
			if c == nil || c.Status != w.status || c.Reason != w.reason || !strings.Contains(c.Message, w.message) {
				return fmt.Errorf("%s is %+v; all: %+v", w.condition, c, s.Status.Conditions)
			}
		}
		found = s
		return nil
	})
	return found
}

// ready waits until the source is Ready.
func (r room) ready(name string) *v1alpha1.PtpSource {
	r.Helper()
	return r.waitFor(name, want{condition: apis.ConditionReady, status: corev1.ConditionTrue})
}

// daemonSets returns what runs the adapters of a source.
func daemonSets(ctx context.Context, s *v1alpha1.PtpSource) ([]appsv1.DaemonSet, error) {
	list, err := cluster.Client().AppsV1().DaemonSets(installation.Adapters).List(ctx, metav1.ListOptions{
		LabelSelector: "ptpsource.sources.knative.dev/uid=" + string(s.UID),
	})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// daemonSet waits until the one DaemonSet of a source is as check wants it.
func (r room) daemonSet(s *v1alpha1.PtpSource, what string, check func(*appsv1.DaemonSet) error) *appsv1.DaemonSet {
	r.Helper()
	var found appsv1.DaemonSet
	eventually(r.T, what, func(ctx context.Context) error {
		all, err := daemonSets(ctx, s)
		if err != nil {
			return err
		}
		if len(all) != 1 {
			return fmt.Errorf("%d DaemonSets", len(all))
		}
		found = all[0]
		return check(&found)
	})
	return &found
}

// noDaemonSet waits until the source runs no adapter.
func (r room) noDaemonSet(s *v1alpha1.PtpSource) {
	r.Helper()
	eventually(r.T, "no DaemonSet", func(ctx context.Context) error {
		all, err := daemonSets(ctx, s)
		if err == nil && len(all) > 0 {
			err = fmt.Errorf("%s is there", all[0].Name)
		}
		return err
	})
}

// gone waits until what get gets does not exist.
func gone(t *testing.T, what string, get func(context.Context) error) {
	t.Helper()
	eventually(t, "the end of "+what, func(ctx context.Context) error {
		err := get(ctx)
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err == nil:
			return errors.New("it is there")
		}
		return err
	})
}
