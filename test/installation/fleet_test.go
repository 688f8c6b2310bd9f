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
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A user with the documented roles sees the clocks of many nodes through a real API server.
// The bars are 5 s and 200 MiB, which test/bench measures; here is room for a busy machine.
func TestStatusOfManyNodes(t *testing.T) {
	const nodes = 1000
	r := newRoom(t, nodes)
	r.broker()
	r.create(r.source("fleet"))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := cluster.Wait(ctx, "an adapter on every node", func(ctx context.Context) error {
		s, err := r.sources().Get(ctx, "fleet", metav1.GetOptions{})
		if err == nil && s.Status.Nodes.Ready != nodes {
			err = fmt.Errorf("%d of %d are ready", s.Status.Nodes.Ready, nodes)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	stop, err := cluster.PlayAdapters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop() }()
	cli, err := cluster.NewCommandLine(t.Context(), r.namespace)
	if err != nil {
		t.Fatal(err)
	}
	run, err := cli.Run("status", "--namespace", r.namespace, "--timeout", "60s")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%d locked, 0 holdover, 0 freerun, 0 unknown\n", 2*nodes)
	if lines := strings.Count(run.Output, "\n"); run.Status != 0 || lines != 2*nodes+2 || !strings.HasSuffix(run.Output, want) {
		t.Errorf("status %d, %d lines, which end:\n%s", run.Status, lines, run.Output[max(0, len(run.Output)-500):])
	}
	t.Logf("%d nodes took %v and %d MiB", nodes, run.Took.Round(time.Millisecond), run.MaxRSS>>20)
	if run.Took > 50*time.Second {
		t.Errorf("it took %v", run.Took)
	}
	if run.MaxRSS > 200<<20 {
		t.Errorf("it took %d MiB", run.MaxRSS>>20)
	}
}
