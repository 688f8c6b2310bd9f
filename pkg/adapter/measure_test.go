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

package adapter

import (
	"context"
	"slices"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	adapterv2 "knative.dev/eventing/pkg/adapter/v2"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
)

// collector keeps the names of the metrics that are pushed to it.
type collector struct {
	metric.Exporter
	mu    sync.Mutex
	names []string
}

func (c *collector) Temporality(metric.InstrumentKind) metricdata.Temporality {
	return metricdata.CumulativeTemporality
}

func (c *collector) Aggregation(k metric.InstrumentKind) metric.Aggregation {
	return metric.DefaultAggregationSelector(k)
}

func (c *collector) Export(_ context.Context, all *metricdata.ResourceMetrics) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			c.names = append(c.names, m.Name)
		}
	}
	return nil
}

func (c *collector) ForceFlush(context.Context) error { return nil }
func (c *collector) Shutdown(context.Context) error   { return nil }

// What is pushed every minute is pushed at the end, too: an adapter that lasted for less has
// not been there for nothing.
func TestMetricsAreFlushed(t *testing.T) {
	_, socket := simulate(t)
	s := newSink(t, nil)
	t.Setenv("K_OBSERVABILITY_CONFIG", `{"metrics": {"protocol": "grpc", "endpoint": "http://127.0.0.1:1"}}`)
	env, err := Load([]string{"-node", "n1", "-sink", s.URL, "-socket", socket, "-health", ""})
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{}
	provider := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(c)))
	a := &Adapter{env: env, client: adapterv2.ClientConfig{Env: env, MeterProvider: provider}, log: zap.NewNop().Sugar()}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Start(ctx) }()
	s.wait(t, "/cluster/node/n1/sync/sync-status/sync-state FREERUN>LOCKED OffsetInRange")
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ptp.node.state", "ptp.lock.state", "ptp.delivery.duration", "ptp.backlog.length", "http.client.request.duration"} {
		if !slices.Contains(c.names, name) {
			t.Errorf("no %s among the last metrics: %v", name, c.names)
		}
	}
}

// Where nobody asks for metrics, nothing is in the way of an event to count it.
func TestNothingIsMeasuredUnasked(t *testing.T) {
	for config, want := range map[string]bool{
		``: false,
		`{"tracing": {"protocol": "grpc", "endpoint": "http://127.0.0.1:1"}}`: false,
		`{"metrics": {"protocol": "prometheus"}}`:                             true,
	} {
		t.Setenv("K_OBSERVABILITY_CONFIG", config)
		env, err := Load([]string{"-sink", "http://sink.example"})
		if err != nil {
			t.Fatal(err)
		}
		a := &Adapter{env: env, client: adapterv2.ClientConfig{Env: env, MeterProvider: metric.NewMeterProvider()}, log: zap.NewNop().Sugar()}
		w, p := newWatched(t), &sink.Publisher{}
		l := w.line
		end, err := a.measure(l, l.journal, p)
		if err != nil {
			t.Fatal(err)
		}
		if (l.metrics != nil) != want || (p.Observer != nil) != want {
			t.Errorf("%s: the line is measured: %t, the publisher: %t, want %t", config, l.metrics != nil, p.Observer != nil, want)
		}
		end()
	}
}
