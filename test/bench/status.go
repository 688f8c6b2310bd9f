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
	"io"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/test/installation"
)

// status measures what it takes to ask the adapters of many nodes for their clocks.
func (b *bench) status(ctx context.Context) (_ *table, err error) {
	nodes, runs := 1000, 5
	if b.samples < 500 {
		nodes, runs = 100, 2
	}
	i, err := install(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	if _, err := i.AddNodes(ctx, nodes, map[string]string{"zone": "all"}); err != nil {
		return nil, err
	}
	if _, err := i.Start(ctx, installation.Controller); err != nil {
		return nil, err
	}
	if _, err := i.Sources.SourcesV1alpha1().PtpSources(user).Create(ctx, newSource("fleet", "all"), metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	if err := within(ctx, func(ctx context.Context) error { return allReady(ctx, i, 1) }); err != nil {
		return nil, err
	}
	stop, err := i.PlayAdapters(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	cli, err := i.NewCommandLine(ctx, user)
	if err != nil {
		return nil, err
	}

	var took, alone []time.Duration
	var most int64
	for range runs {
		r, err := cli.Run("status", "--namespace", user)
		if err != nil {
			return nil, err
		}
		if want := fmt.Sprintf("%d locked, 0 holdover, 0 freerun, 0 unknown\n", 2*nodes); r.Status != 0 || !strings.HasSuffix(r.Output, want) {
			return nil, fmt.Errorf("status %d, and the output is:\n%.2000s", r.Status, r.Output[max(0, len(r.Output)-2000):])
		}
		took, most = append(took, r.Took), max(most, r.MaxRSS)
		one, err := askOneByOne(ctx, i)
		if err != nil {
			return nil, err
		}
		alone = append(alone, one)
	}
	t := &table{
		conditions: fmt.Sprintf("%d nodes with an adapter and two ptp4l each, by way of a real API server on this machine, n = %d", nodes, runs),
		header:     []string{"", "figure", "ratio", "at most", "aim", "verdict"},
		notes: []string{
			"The adapters are those of pkg/publish/stream, each at the address of its pod. One by one: a client",
			"that asks one adapter after the other.",
		},
	}
	s, base := summarize(took), summarize(alone)
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
	mib := func(v float64) string { return fmt.Sprintf("%.1f MiB", v) }
	t.add(append([]string{"kn source ptp status, p50", seconds(s.p50), ratio(s.p50, base.p50)}, noBar()...)...)
	t.add(append([]string{"kn source ptp status, max", seconds(s.max), ratio(s.max, base.max)}, bar[time.Duration]{5 * time.Second, 2 * time.Second}.cells(s.max, seconds)...)...)
	t.add(append([]string{"one by one, p50", seconds(base.p50), "1"}, noBar()...)...)
	t.add(append([]string{"the most Rss of kn source ptp", mib(float64(most) / (1 << 20)), "-"}, bar[float64]{200, 100}.cells(float64(most)/(1<<20), mib)...)...)
	return t, nil
}

// askOneByOne is how long it takes to ask one adapter after the other.
func askOneByOne(ctx context.Context, i *installation.Installation) (time.Duration, error) {
	began := time.Now()
	pods, err := i.Client().CoreV1().Pods(installation.Adapters).List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, err
	}
	for _, pod := range pods.Items {
		answer, err := i.Client().CoreV1().Pods(pod.Namespace).ProxyGet("http", pod.Name, "8081", "v1/state", nil).Stream(ctx)
		if err != nil {
			return 0, fmt.Errorf("ask %s: %w", pod.Name, err)
		}
		_, err = io.Copy(io.Discard, answer)
		if err := errors.Join(err, answer.Close()); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}
