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
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	"knative.dev/pkg/client/injection/ducks/duck/v1/addressable"
	fakekubeclient "knative.dev/pkg/client/injection/kube/client/fake"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/injection"
	_ "knative.dev/pkg/injection/clients/dynamicclient/fake"
	"knative.dev/pkg/logging"
	logtesting "knative.dev/pkg/logging/testing"
	_ "knative.dev/pkg/system/testing"

	fakeptpclient "github.com/eventing-ptp/eventing-ptp/pkg/client/injection/client/fake"
	ptpsourceinformer "github.com/eventing-ptp/eventing-ptp/pkg/client/injection/informers/sources/v1alpha1/ptpsource"
	_ "github.com/eventing-ptp/eventing-ptp/pkg/client/injection/informers/sources/v1alpha1/ptpsource/fake"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// The controller may list and watch what its roles name. An informer that some import
// brings along would wait for ever for what it may not see.
func TestOnlyOurInformersAreRegistered(t *testing.T) {
	if n := len(injection.Default.GetInformers()); n != 1 {
		t.Errorf("%d informers are registered, want that of PtpSources only", n)
	}
}

// Everything that the controller watches leads to the source, and to no other.
func TestNewController(t *testing.T) {
	t.Setenv("PTPSOURCE_RA_IMAGE", image)
	t.Setenv("ADAPTER_NAMESPACE", adapterNS)
	t.Setenv("SYSTEM_NAMESPACE", systemNS)
	ctx, cancel := context.WithCancel(logging.WithLogger(t.Context(), logtesting.TestLogger(t)))
	defer cancel()
	ctx, _ = injection.Fake.SetupInformers(ctx, nil)
	ctx = addressable.WithDuck(ctx)
	kube := fakekubeclient.Get(ctx)

	source := newSource()
	impl := NewController(ctx, configmap.NewStaticWatcher(
		configMap("config-logging", nil), configMap("config-observability", nil), configMap("config-features", nil), configMap("config-ptp", nil),
	))
	if err := ptpsourceinformer.Get(ctx).Informer().GetIndexer().Add(source); err != nil {
		t.Fatal(err)
	}
	if _, err := fakeptpclient.Get(ctx).SourcesV1alpha1().PtpSources(userNS).Create(ctx, source, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	// next waits for a key to be enqueued, and takes it.
	next := func(what string) {
		t.Helper()
		queue := impl.WorkQueue()
		err := wait.PollUntilContextTimeout(ctx, time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) {
			return queue.Len() > 0, nil
		})
		if err != nil {
			t.Fatalf("%s enqueues nothing", what)
		}
		got, _ := queue.Get()
		queue.Done(got)
		if want := (types.NamespacedName{Namespace: userNS, Name: name}); got != want {
			t.Errorf("%s enqueues %v, want %v", what, got, want)
		}
	}

	ds := running(daemonSet(source), 1, 1)
	for _, object := range []struct {
		what   string
		create func() error
	}{
		{"a DaemonSet", func() error {
			_, err := kube.AppsV1().DaemonSets(adapterNS).Create(ctx, ds, metav1.CreateOptions{})
			return err
		}},
		{"a sick pod", func() error {
			_, err := kube.CoreV1().Pods(adapterNS).Create(ctx, pod("n1", "no such image"), metav1.CreateOptions{})
			return err
		}},
		{"an adapter's service account", func() error {
			_, err := kube.CoreV1().ServiceAccounts(adapterNS).Create(ctx, resources.AdapterServiceAccount(source, adapterNS), metav1.CreateOptions{})
			return err
		}},
		{"an identity", func() error {
			_, err := kube.CoreV1().ServiceAccounts(userNS).Create(ctx, resources.OIDCServiceAccount(source), metav1.CreateOptions{})
			return err
		}},
		{"a role", func() error {
			_, err := kube.RbacV1().Roles(userNS).Create(ctx, resources.TokenRole(source), metav1.CreateOptions{})
			return err
		}},
		{"a role binding", func() error {
			_, err := kube.RbacV1().RoleBindings(userNS).Create(ctx, resources.TokenRoleBinding(source, adapterNS), metav1.CreateOptions{})
			return err
		}},
		{"a trust bundle", func() error {
			_, err := kube.CoreV1().ConfigMaps(systemNS).Create(ctx, bundle(systemNS, "company"), metav1.CreateOptions{})
			return err
		}},
		{"a copy of a trust bundle", func() error {
			_, err := kube.CoreV1().ConfigMaps(adapterNS).Create(ctx, bundle(adapterNS, "own"), metav1.CreateOptions{})
			return err
		}},
	} {
		if err := object.create(); err != nil {
			t.Fatal(err)
		}
		next(object.what)
	}
}

func TestEnqueueSource(t *testing.T) {
	ours := pod("n1", "")
	for _, tc := range []struct {
		name   string
		object any
		want   []types.NamespacedName
	}{
		{"of a source", ours, []types.NamespacedName{{Namespace: userNS, Name: name}}},
		{"that is gone", cache.DeletedFinalStateUnknown{Obj: ours}, []types.NamespacedName{{Namespace: userNS, Name: name}}},
		{"of nobody", &corev1.Pod{}, nil},
		{"that is none", "no object", nil},
	} {
		t.Run("an object "+tc.name, func(t *testing.T) {
			var got []types.NamespacedName
			enqueueSource(func(key types.NamespacedName) { got = append(got, key) })(tc.object)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("keys (-want, +got):\n%s", diff)
			}
		})
	}
}

func TestOnEveryChange(t *testing.T) {
	var got []string
	h := onEveryChange(func(object any) { got = append(got, object.(*appsv1.DaemonSet).Name) })
	of := func(name string) *appsv1.DaemonSet {
		return &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	h.OnAdd(of("made"), false)
	h.OnUpdate(of("before"), of("after"))
	h.OnDelete(of("gone"))
	if want := []string{"made", "before", "after", "gone"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOnAilment(t *testing.T) {
	well, ill, worse := pod("n1", ""), pod("n1", "no such image"), pod("n1", "no registry")
	for _, tc := range []struct {
		name string
		do   func(cache.ResourceEventHandler)
		want bool
	}{
		{"a pod that is well appears", func(h cache.ResourceEventHandler) { h.OnAdd(well, true) }, false},
		{"a pod that is ill appears", func(h cache.ResourceEventHandler) { h.OnAdd(ill, true) }, true},
		{"a pod stays well", func(h cache.ResourceEventHandler) { h.OnUpdate(well, well) }, false},
		{"a pod stays as ill as it was", func(h cache.ResourceEventHandler) { h.OnUpdate(ill, ill) }, false},
		{"a pod falls ill", func(h cache.ResourceEventHandler) { h.OnUpdate(well, ill) }, true},
		{"a pod gets well", func(h cache.ResourceEventHandler) { h.OnUpdate(ill, well) }, true},
		{"a pod is ill in another way", func(h cache.ResourceEventHandler) { h.OnUpdate(ill, worse) }, true},
		{"a pod that was well goes", func(h cache.ResourceEventHandler) { h.OnDelete(well) }, false},
		{"a pod that was ill goes", func(h cache.ResourceEventHandler) { h.OnDelete(ill) }, true},
		{"a pod that was ill has gone unseen", func(h cache.ResourceEventHandler) { h.OnDelete(cache.DeletedFinalStateUnknown{Obj: ill}) }, true},
		{"something else goes", func(h cache.ResourceEventHandler) { h.OnDelete("no pod") }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := false
			tc.do(onAilment(func(any) { got = true }))
			if got != tc.want {
				t.Errorf("passed on: %t, want %t", got, tc.want)
			}
		})
	}
}

// Only pods that a Service of their node could not find are passed on, and those that are gone,
// where there are such Services.
func TestOnComeAndGo(t *testing.T) {
	var passed []string
	wanted := true
	handler := onComeAndGo(func(p any) { passed = append(passed, p.(*corev1.Pod).Name) }, func(of types.NamespacedName) bool {
		if of.String() != key {
			t.Errorf("asked for %v", of)
		}
		return wanted
	})
	nowhere, there, known := pod("", ""), pod("n1", ""), pod("n2", "")
	known.Labels[resources.NodeLabel] = "n2"
	strange := pod("n3", "")
	strange.Annotations = nil
	for _, p := range []*corev1.Pod{nowhere, there, known, strange} {
		handler.OnAdd(p, false)
	}
	handler.OnUpdate(nowhere, there)
	handler.OnUpdate(there, known)
	handler.OnDelete(known)
	handler.OnDelete(cache.DeletedFinalStateUnknown{Key: "x", Obj: known})
	handler.OnDelete(strange)
	wanted = false
	handler.OnAdd(there, false)
	handler.OnDelete(known)
	if want := []string{there.Name, there.Name, known.Name, known.Name}; !slices.Equal(passed, want) {
		t.Errorf("passed on %q, want %q", passed, want)
	}
}

func TestPodsOf(t *testing.T) {
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{bySource: sourceIndex})
	other := pod("n2", "")
	other.Labels = map[string]string{resources.UIDLabel: "another"}
	for _, p := range []*corev1.Pod{pod("n1", ""), other} {
		if err := indexer.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]*corev1.Pod{pod("n1", "")}, podsOf(indexer)(uid)); diff != "" {
		t.Errorf("pods (-want, +got):\n%s", diff)
	}
}
