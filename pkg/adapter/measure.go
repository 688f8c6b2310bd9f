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
	"cmp"
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.uber.org/zap"
	"knative.dev/pkg/observability/metrics"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
	"github.com/eventing-ptp/eventing-ptp/pkg/telemetry"
)

// measure measures a line, its journal and what publishes from it, until the function that it
// returns is called. Where K_OBSERVABILITY_CONFIG asks for no metrics, it does nothing.
func (a *Adapter) measure(l *line, j *journal.Log, p *sink.Publisher) (end func(), err error) {
	if observabilityOf(a.env).Metrics.Protocol == metrics.ProtocolNone {
		return func() {}, nil
	}
	of := telemetry.Adapter{
		Node: a.env.Node, Source: a.env.GetName(), Namespace: a.env.GetNamespace(),
		Outcomes: []string{string(sink.Delivered), string(sink.DeadLettered), string(sink.Skipped)},
	}
	for _, d := range oran.Definitions() {
		if oran.Wanted(d.EventType, a.env.Config.Events.Types) {
			of.Types = append(of.Types, d.EventType)
		}
	}
	readings := telemetry.Readings{
		Clocks:  l.clocks,
		Backlog: func() telemetry.Backlog { return backlog(p.Stats()) },
		Journal: func() telemetry.Journal { return kept(j.Stats(), a.env.Config.History.Directory != "") },
	}
	if a.env.Config.OCloud.Enabled {
		readings.OCloud = a.served
	}
	m, err := telemetry.New(cmp.Or(a.client.MeterProvider, otel.GetMeterProvider()), of, readings)
	if err != nil {
		return nil, err
	}
	l.metrics, p.Observer = m, outcomes{m}
	j.OnSync(m.Synced)
	return func() {
		if err := m.Close(); err != nil {
			a.log.Debugw("the metrics cannot be closed", zap.Error(err))
		}
	}, nil
}

// served is how the subscribers of the O-Cloud API do.
func (a *Adapter) served() telemetry.OCloud {
	api := a.subscribers.Load()
	if api == nil {
		return telemetry.OCloud{}
	}
	return telemetry.OCloud(api.Stats())
}

// flush hands over what was measured and traced last, where that is pushed. Knative's main
// would let it go with the process.
func (a *Adapter) flush() {
	if !observed(a.env) {
		return
	}
	const patience = 2 * time.Second // a collector that is away must not keep a pod from ending
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, provider := range []any{cmp.Or(a.client.MeterProvider, otel.GetMeterProvider()), cmp.Or(a.client.TraceProvider, otel.GetTracerProvider())} {
		if p, ok := provider.(interface{ Shutdown(context.Context) error }); ok {
			if err := p.Shutdown(ctx); err != nil {
				a.log.Infow("the last metrics or traces are lost", zap.Error(err))
			}
		}
	}
}

// outcomes counts what the publisher tells.
type outcomes struct{ metrics *telemetry.Metrics }

func (o outcomes) Tried(to sink.TargetName, status int, _ time.Duration) {
	o.metrics.Tried(string(to), status)
}

func (o outcomes) Settled(_ string, event oran.Event, as sink.Outcome) {
	o.metrics.Settled(event.Type, string(as))
	if as == sink.Delivered {
		o.metrics.Delivered(event.Time)
	}
}

func backlog(s sink.Stats) telemetry.Backlog {
	b := telemetry.Backlog{Length: s.Waiting, Oldest: s.Oldest, Dropped: s.Dropped, Superseded: s.Superseded}
	if !s.Oldest.IsZero() {
		b.Length++ // the one that is being sent
	}
	return b
}

func kept(s journal.Stats, onDisk bool) telemetry.Journal {
	return telemetry.Journal{Entries: s.Entries, OnDisk: onDisk, Bytes: s.Bytes, Unsynced: s.Unsynced, Writable: s.Failure == nil}
}

// clocks is what is known of all clocks at this moment.
func (l *line) clocks() telemetry.Clocks {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := telemetry.Clocks{
		Node: l.node.State(), OSClock: l.node.OSClockState(), Instances: l.node.Present(),
		Hardware: l.node.PresentHardware(), Receivers: l.node.PresentReceivers(), DPLLs: l.node.PresentDPLLs(),
	}
	c.OSClockSteps, c.OSClockWatched = l.node.OSClockSteps()
	return c
}
