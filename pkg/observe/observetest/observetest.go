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

// Package observetest runs watchers in tests, in bubbles of testing/synctest, and compares what they
// report.
package observetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// Watching is what a watcher has reported and logged.
type Watching struct {
	logs *observer.ObservedLogs

	mu    sync.Mutex
	lines []string
}

// Start starts a watcher, and ends it with the test. build returns its Run.
func Start(t *testing.T, build func(emit func(clock.Observation), log *zap.SugaredLogger) func(context.Context)) *Watching {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	w := &Watching{logs: logs}
	run := build(func(o clock.Observation) {
		w.mu.Lock()
		defer w.mu.Unlock()
		line := time.Duration(o.At).String()
		if o.Instance != "" {
			line += " " + o.Instance
		}
		w.lines = append(w.lines, fmt.Sprintf("%s %T%+v", line, o.Fact, o.Fact))
	}, zap.New(core).Sugar())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return w
}

// Take returns the observations since the last call, a line each: when, of which instance, if any, and
// the fact.
func (w *Watching) Take() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.lines
	w.lines = nil
	return lines
}

// Want compares them.
func (w *Watching) Want(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.Take()); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
}

// WantLogs compares what was logged since the last call. line writes an entry on a line, or nothing
// of one that does not matter; n is how many lines there are already.
func (w *Watching) WantLogs(t *testing.T, line func(n int, e observer.LoggedEntry) string, want ...string) {
	t.Helper()
	synctest.Wait()
	var got []string
	for _, e := range w.logs.TakeAll() {
		if l := line(len(got), e); l != "" {
			got = append(got, l)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}
