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
	"errors"
	"fmt"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"knative.dev/pkg/apis"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/installation"
)

// user is the namespace of the bench's sources.
const user = "bench"

// install starts a real control plane with this project installed on it, and with the
// user's namespace.
func install(ctx context.Context) (*installation.Installation, error) {
	c, err := installation.NewControlPlane(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	i, err := installation.Install(ctx, c)
	if err == nil {
		_, err = i.Client().CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: user}}, metav1.CreateOptions{})
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return i, nil
}

// newSource returns a source with nothing but a sink, for the nodes of a zone.
func newSource(name, zone string) *v1alpha1.PtpSource {
	s := &v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: user}}
	s.Spec.Sink.URI = apis.HTTP("sink.example.com")
	s.Spec.NodeSelector = map[string]string{"zone": zone}
	return s
}

// source measures how soon a PtpSource is a DaemonSet, and what the webhook takes.
func (b *bench) source(ctx context.Context) (_ *table, err error) {
	i, err := install(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	if _, err := i.Start(ctx, installation.Controller); err != nil {
		return nil, err
	}
	w, err := i.Client().AppsV1().DaemonSets(installation.Adapters).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	defer w.Stop()
	// The first one also waits until the controller leads.
	first, err := createSource(ctx, i, w, "first")
	if err != nil {
		return nil, err
	}

	n := min(b.samples, 200)
	var ours, bare []time.Duration
	for k := range n {
		s, err := createSource(ctx, i, w, fmt.Sprintf("source-%d", k))
		if err != nil {
			return nil, err
		}
		ours = append(ours, s.took)
		took, err := createDaemonSet(ctx, i, w, first.set, fmt.Sprintf("bare-%d", k))
		if err != nil {
			return nil, err
		}
		bare = append(bare, took)
	}
	good, bad, refused, err := admission(ctx, i)
	if err != nil {
		return nil, err
	}

	t := &table{
		conditions: fmt.Sprintf("etcd without fsync, API server, webhook and controller on this machine, n = %d, one after the other", n),
		header:     []string{"", "p50", "p99", "ratio of p50", "p99 at most", "aim", "verdict"},
		notes:      []string{"Bare is a client that creates an equal DaemonSet itself and sees it in the same watch."},
	}
	o, base := summarize(ours), summarize(bare)
	t.add(append([]string{"PtpSource created to DaemonSet seen", ms(o.p50), ms(o.p99), ratio(o.p50, base.p50)},
		bar[time.Duration]{500 * time.Millisecond, 100 * time.Millisecond}.cells(o.p99, ms)...)...)
	t.add(append([]string{"bare", ms(base.p50), ms(base.p99), "1"}, noBar()...)...)
	g, r := summarize(good), summarize(bad)
	t.add(append([]string{"admission of a good source", ms(g.p50), ms(g.p99), "1"}, noBar()...)...)
	t.add(append([]string{"refusal of a bad one", ms(r.p50), ms(r.p99), ratio(r.p50, g.p50)}, noBar()...)...)
	all := len(installation.BadSources())
	verdict := "pass"
	if refused != all {
		verdict = "FAIL"
	}
	t.add(fmt.Sprintf("refused with path and remedy: %d of %d", refused, all), "-", "-", "-", "all", "-", verdict)
	return t, nil
}

// created is a source whose DaemonSet was seen.
type created struct {
	set  *appsv1.DaemonSet
	took time.Duration
}

func createSource(ctx context.Context, i *installation.Installation, w watch.Interface, name string) (created, error) {
	began := time.Now()
	if _, err := i.Sources.SourcesV1alpha1().PtpSources(user).Create(ctx, newSource(name, "none"), metav1.CreateOptions{}); err != nil {
		return created{}, err
	}
	set, err := next(ctx, w, "the DaemonSet of "+name, func(d *appsv1.DaemonSet) bool {
		return d.Annotations["ptpsource.sources.knative.dev/name"] == name
	})
	return created{set, time.Since(began)}, err
}

func createDaemonSet(ctx context.Context, i *installation.Installation, w watch.Interface, like *appsv1.DaemonSet, name string) (time.Duration, error) {
	d := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: like.Namespace}, Spec: *like.Spec.DeepCopy()}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"bare": name}}
	d.Spec.Template.Labels = map[string]string{"bare": name}
	began := time.Now()
	if _, err := i.Client().AppsV1().DaemonSets(d.Namespace).Create(ctx, d, metav1.CreateOptions{}); err != nil {
		return 0, err
	}
	_, err := next(ctx, w, "DaemonSet "+name, func(d *appsv1.DaemonSet) bool { return d.Name == name })
	return time.Since(began), err
}

// next returns the next DaemonSet that is the one.
func next(ctx context.Context, w watch.Interface, what string, is func(*appsv1.DaemonSet) bool) (*appsv1.DaemonSet, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case e, ok := <-w.ResultChan():
			if !ok {
				return nil, fmt.Errorf("wait for %s: the watch has ended", what)
			}
			if d, ok := e.Object.(*appsv1.DaemonSet); ok && e.Type == watch.Added && is(d) {
				return d, nil
			}
		}
	}
}

// admission submits every bad source, and a good one for each. refused counts the bad
// ones whose refusal says all that it should.
func admission(ctx context.Context, i *installation.Installation) (good, bad []time.Duration, refused int, err error) {
	for _, b := range installation.BadSources() {
		began := time.Now()
		if err := i.Submit(ctx, user, "{}"); err != nil {
			return nil, nil, 0, err
		}
		good = append(good, time.Since(began))
		began = time.Now()
		refusal := i.Submit(ctx, user, b.Spec)
		bad = append(bad, time.Since(began))
		if b.IsRefused(refusal) {
			refused++
		}
	}
	return good, bad, refused, nil
}
