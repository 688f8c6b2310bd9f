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
	"maps"
	"os"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eventing-ptp/eventing-ptp/test/controlplane"
	"github.com/eventing-ptp/eventing-ptp/test/installation"
)

// fleet measures a controller with many sources and many nodes.
func (b *bench) fleet(ctx context.Context) (_ *table, err error) {
	n, nodes := 500, 1000
	if b.samples < 500 {
		n, nodes = 50, 100
	}
	i, err := install(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	for k := range n {
		if _, err := i.AddNodes(ctx, nodes/n, map[string]string{"zone": fmt.Sprint(k)}); err != nil {
			return nil, err
		}
	}
	if err := logEverything(ctx, i); err != nil {
		return nil, err
	}
	controller, err := i.Start(ctx, installation.Controller)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	for k := range n {
		if _, err := i.Sources.SourcesV1alpha1().PtpSources(user).Create(ctx, newSource(fmt.Sprintf("source-%d", k), fmt.Sprint(k)), metav1.CreateOptions{}); err != nil {
			return nil, err
		}
	}
	if err := within(ctx, func(ctx context.Context) error { return allReady(ctx, i, n) }); err != nil {
		return nil, err
	}
	made := time.Since(began)
	before, err := versions(ctx, i)
	if err != nil {
		return nil, err
	}
	long, err := readMemory(controller.Pid())
	if err != nil {
		return nil, err
	}

	if err := controller.Stop(ctx); err != nil {
		return nil, err
	}
	began = time.Now()
	if controller, err = i.Start(ctx, installation.Controller); err != nil {
		return nil, err
	}
	if err := within(ctx, func(ctx context.Context) error {
		return i.Wait(ctx, "the controller's word on every source", func(context.Context) error { return reconciled(controller, n) })
	}); err != nil {
		return nil, err
	}
	again := time.Since(began)
	fresh, err := readMemory(controller.Pid())
	if err != nil {
		return nil, err
	}
	after, err := versions(ctx, i)
	if err != nil {
		return nil, err
	}
	writes := 0
	for name, version := range after {
		if before[name] != version {
			writes++
		}
	}

	const mebibyte = 1024 // in KiB
	mib := func(v float64) string { return fmt.Sprintf("%.1f MiB", v) }
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	t := &table{
		conditions: fmt.Sprintf("%d PtpSources, %d nodes, %d pods, all objects of a real API server; kubelets are played", n, nodes, nodes),
		header:     []string{"", "figure", "at most", "aim", "verdict"},
		notes:      []string{"Ratio: what a restart takes of what the creation took: " + ratio(again, made) + "."},
	}
	t.add(append([]string{"first source created to all Ready", seconds(made)}, noBar()...)...)
	t.add(append([]string{"controller restarted to all reconciled", seconds(again)}, bar[time.Duration]{time.Minute, 10 * time.Second}.cells(again, seconds)...)...)
	t.add(append([]string{"objects written by that", fmt.Sprint(writes)}, bar[int]{0, 0}.cells(writes, func(n int) string { return fmt.Sprint(n) })...)...)
	for _, row := range []struct {
		when string
		rss  int64
	}{{"after all were made", long.rss}, {"after the restart", fresh.rss}} {
		rss := float64(row.rss) / mebibyte
		t.add(append([]string{"Rss of the controller " + row.when, mib(rss)}, bar[float64]{150, 100}.cells(rss, mib)...)...)
	}
	return t, nil
}

// within bounds what takes seconds or a minute.
func within(ctx context.Context, wait func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	return wait(ctx)
}

// logEverything keeps the controller from logging only some of what happens often: its
// log is how one can tell from outside that a source was reconciled and left alone.
func logEverything(ctx context.Context, i *installation.Installation) error {
	const logging = `{"data": {"zap-logger-config": "{\"sampling\": null}"}}`
	if _, err := i.Client().CoreV1().ConfigMaps(installation.Namespace).Patch(ctx, "config-logging", types.MergePatchType, []byte(logging), metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("configure the controller's log: %w", err)
	}
	return nil
}

// allReady waits until so many sources are Ready.
func allReady(ctx context.Context, i *installation.Installation, n int) error {
	return i.Wait(ctx, "sources that are ready", func(ctx context.Context) error {
		list, err := i.Sources.SourcesV1alpha1().PtpSources(user).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return err
		}
		ready := 0
		for _, s := range list.Items {
			if s.Status.IsReady() {
				ready++
			}
		}
		if ready < n {
			return fmt.Errorf("%d of %d are", ready, n)
		}
		return nil
	})
}

// versions returns the resource version of everything that the controller writes.
func versions(ctx context.Context, i *installation.Installation) (map[string]string, error) {
	v := map[string]string{}
	sources, err := i.Sources.SourcesV1alpha1().PtpSources(user).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, s := range sources.Items {
		v["source "+s.Name] = s.ResourceVersion
	}
	sets, err := i.Client().AppsV1().DaemonSets(installation.Adapters).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, d := range sets.Items {
		v["daemon set "+d.Name] = d.ResourceVersion
	}
	events, err := i.Client().CoreV1().Events(user).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, e := range events.Items {
		v["event "+e.Name] = e.ResourceVersion
	}
	return v, nil
}

// reconciled is nil when the controller's log has a success for n sources.
func reconciled(controller *controlplane.Program, n int) error {
	log, err := os.ReadFile(controller.Log())
	if err != nil {
		return err
	}
	keys := map[string]bool{}
	for line := range strings.Lines(string(log)) {
		if _, rest, ok := strings.Cut(line, `"knative.dev/key":"`); ok && strings.Contains(line, "Reconcile succeeded") {
			key, _, _ := strings.Cut(rest, `"`)
			keys[key] = true
		}
	}
	maps.DeleteFunc(keys, func(key string, _ bool) bool { return !strings.HasPrefix(key, user+"/") })
	if len(keys) < n {
		return fmt.Errorf("%d of %d", len(keys), n)
	}
	return nil
}
