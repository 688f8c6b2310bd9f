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

package kit

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// T is a test, or all tests.
type T interface {
	Helper()
	Name() string
	Context() context.Context
	Cleanup(func())
	Failed() bool
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// Room is a user's namespace, for one test. In it pods may do nothing special, as a platform
// team would have it.
type Room struct {
	T
	*Cluster
	// Namespace is its name, made from the test's.
	Namespace string

	recorders []*Recorder
}

// NewRoom makes a room. When the test ends, the books of its recorders are closed: what is
// missing or doubled fails the test.
func (c *Cluster) NewRoom(t T) *Room {
	t.Helper()
	r := &Room{T: t, Cluster: c, Namespace: namespaceOf(t.Name())}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: r.Namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	r.Eventually("a new namespace "+r.Namespace, func(ctx context.Context) error { // one of an earlier run may be on its way out
		_, err := c.Kube.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{})
		return err
	})
	t.Cleanup(r.close)
	return r
}

// In returns the room for another test, which has no part in its end.
func (r *Room) In(t T) *Room { return &Room{T: t, Cluster: r.Cluster, Namespace: r.Namespace} }

var wordBoundary = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// namespaceOf turns TestSinkChanged/twice into sink-changed-twice.
func namespaceOf(test string) string {
	name := strings.ReplaceAll(strings.TrimPrefix(test, "Test"), "/", "-")
	return strings.ToLower(wordBoundary.ReplaceAllString(name, "$1-$2"))
}

func (r *Room) close() {
	if r.Failed() {
		r.diagnose()
	}
	for _, rec := range r.recorders {
		r.closeBook(rec)
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	// Sources first, so that no adapter is left that sends to nobody.
	if err := r.sources().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		r.Errorf("delete the sources: %v", err)
	}
	if err := r.Kube.CoreV1().Namespaces().Delete(ctx, r.Namespace, metav1.DeleteOptions{}); err != nil {
		r.Errorf("delete the namespace: %v", err)
	}
}

// closeBook looks at everything that a recorder has taken. Adapters still run, and what
// they are about to send is not in it.
func (r *Room) closeBook(rec *Recorder) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	entries, err := rec.Read(ctx)
	if err != nil {
		r.Errorf("%s: read what it has taken: %v", rec.Name, err)
	}
	report := ledger.Check(slices.Concat(rec.before, entries), rec.rules)
	r.Book.Add(report)
	for _, line := range report.Wrong {
		r.Errorf("%s: %s", rec.Name, line)
	}
	r.Logf("%s: %v", rec.Name, report)
}

// diagnose says what there is when a test has failed.
func (r *Room) diagnose() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	list, err := r.sources().List(ctx, metav1.ListOptions{})
	if err != nil {
		r.Logf("the sources cannot be listed: %v", err)
		return
	}
	for _, s := range list.Items {
		r.Logf("%s: nodes %+v, conditions %+v", s.Name, s.Status.Nodes, s.Status.Conditions)
		pods, err := r.AdapterPods(ctx, &s)
		if err != nil {
			r.Logf("%s: its adapters cannot be listed: %v", s.Name, err)
		}
		for _, p := range pods {
			log, err := r.Kube.CoreV1().Pods(Adapters).GetLogs(p.Name, &corev1.PodLogOptions{TailLines: new(int64(200))}).DoRaw(ctx)
			r.Logf("%s on %s is %s, its log ends (%v):\n%s", p.Name, p.Spec.NodeName, p.Status.Phase, err, log)
		}
	}
	for _, rec := range r.recorders {
		for _, e := range rec.last(20) {
			r.Logf("%s took %d: %s", rec.Name, e.Status, Describe(e))
		}
	}
}

// Eventually waits until check returns nil.
func (r *Room) Eventually(what string, check func(context.Context) error) {
	r.Helper()
	if err := r.Wait(r.Context(), what, check); err != nil {
		r.Fatal(err)
	}
}

// Gone waits until what get gets does not exist.
func (r *Room) Gone(what string, get func(context.Context) error) {
	r.Helper()
	r.Eventually("the end of "+what, func(ctx context.Context) error {
		err := get(ctx)
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err == nil:
			return fmt.Errorf("it is there")
		}
		return err
	})
}

// Apply applies objects. NAMESPACE in the text is the room's.
func (r *Room) Apply(text string) {
	r.Helper()
	if err := r.YAML(r.Context(), strings.ReplaceAll(text, "NAMESPACE", r.Namespace)); err != nil {
		r.Fatal(err)
	}
}

// Administrate changes keys of a config map of Knative Eventing's, as an administrator would,
// until the test ends.
func (r *Room) Administrate(name string, data map[string]string) {
	r.Helper()
	maps := r.Kube.CoreV1().ConfigMaps(System)
	before, err := maps.Get(r.Context(), name, metav1.GetOptions{})
	if err != nil {
		r.Fatal(err)
	}
	patch := func(ctx context.Context, data map[string]*string) error {
		text, err := json.Marshal(map[string]any{"data": data})
		if err != nil {
			return err
		}
		_, err = maps.Patch(ctx, name, types.MergePatchType, text, metav1.PatchOptions{})
		return err
	}
	set, back := map[string]*string{}, map[string]*string{}
	for key, value := range data {
		set[key], back[key] = &value, nil
		if old, ok := before.Data[key]; ok {
			back[key] = &old
		}
	}
	if err := patch(r.Context(), set); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		if err := patch(context.Background(), back); err != nil {
			r.Errorf("put %s back: %v", name, err)
		}
	})
}
