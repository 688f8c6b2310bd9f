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

// Package telemetry measures the receive adapter with OpenTelemetry. Names, units and
// attributes are a promise to users: docs/metrics.md lists them, and tests hold both to
// each other.
//
// What is a state is read when somebody asks for it. What happens is counted when it
// happens, once for each event and each try to send it. Nothing is done for a sample.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"knative.dev/eventing/pkg/observability"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// The attributes of measurements, besides those of Knative and of OpenTelemetry.
const (
	deviceKey   = attribute.Key("ptp.device")
	instanceKey = attribute.Key("ptp.instance") // Prometheus has an "instance" of its own
	outcomeKey  = attribute.Key("ptp.outcome")
	portKey     = attribute.Key("ptp.port")
	stateKey    = attribute.Key("ptp.state")
	statusKey   = attribute.Key("ptp.status")
	targetKey   = attribute.Key("ptp.target")
	typeKey     = attribute.Key("ptp.type")
)

// Adapter says what is measured.
type Adapter struct {
	// Node is the name of its node.
	Node string
	// Source and Namespace are the name of the PtpSource that it runs for.
	Source, Namespace string
	// Types are those that its events can have, and Outcomes what can become of them: what
	// has not happened yet is counted as 0.
	Types, Outcomes []string
}

// Readings are what states are read from. The functions are called whenever somebody asks
// for measurements, from any goroutine; one that is nil is not called.
type Readings struct {
	Clocks  func() Clocks
	Backlog func() Backlog
	Journal func() Journal
	OCloud  func() OCloud
}

// Clocks are the clocks of a node.
type Clocks struct {
	// Node is the state of the node, and OSClock that of its own clock.
	Node, OSClock clock.State
	// OSClockSteps is how often the OS clock was set, while OSClockWatched is set.
	OSClockSteps   uint64
	OSClockWatched bool
	// Instances and the others are those that are there.
	Instances []clock.Status
	Hardware  []clock.HardwareStatus
	Receivers []clock.ReceiverStatus
	DPLLs     []clock.DPLLStatus
}

// Backlog is what is not yet at the sink.
type Backlog struct {
	// Length is how many events wait, the one that is being sent included.
	Length uint64
	// Oldest is when the first of them was observed, by the wall clock; zero for none.
	Oldest time.Time
	// Dropped is how many have fallen out of the journal unsent, Superseded how many were
	// not sent because of a newer one, both since the start.
	Dropped, Superseded uint64
}

// Journal is how the journal is.
type Journal struct {
	// Entries is how many entries are kept.
	Entries uint64
	// OnDisk is whether it has a directory. The rest is only meaningful if so.
	OnDisk bool
	// Bytes is the size of its files.
	Bytes int64
	// Unsynced is how many entries would be lost if the machine stopped now.
	Unsynced uint64
	// Writable is whether the directory can be written.
	Writable bool
}

// Metrics are the measurements of one adapter.
type Metrics struct {
	adapter  []attribute.KeyValue
	readings Readings
	clocks   clockInstruments
	hardware hardwareInstruments
	backlog  backlogInstruments
	journal  journalInstruments
	ocloud   ocloudInstruments
	events   eventInstruments
	observed stopwatch

	registration metric.Registration
}

// New returns measurements that are made with provider until Close.
func New(provider metric.MeterProvider, a Adapter, r Readings) (*Metrics, error) {
	b := builder{meter: provider.Meter("github.com/eventing-ptp/eventing-ptp/pkg/telemetry")}
	m := &Metrics{
		adapter: []attribute.KeyValue{
			semconv.K8SNodeName(a.Node),
			observability.SourceName.With(a.Source),
			observability.SourceNamespace.With(a.Namespace),
		},
		readings: r,
		clocks:   newClockInstruments(&b),
		hardware: newHardwareInstruments(&b),
		backlog:  newBacklogInstruments(&b),
		journal:  newJournalInstruments(&b),
		ocloud:   newOCloudInstruments(&b),
		events:   newEventInstruments(&b),
	}
	var err error
	m.registration, err = b.meter.RegisterCallback(m.observe, b.observed...)
	if err = errors.Join(append(b.errs, err)...); err != nil {
		return nil, fmt.Errorf("make instruments for metrics: %w", err)
	}
	for _, t := range a.Types {
		m.countRecorded(t, 0)
		for _, o := range a.Outcomes {
			m.countSettled(t, o, 0)
		}
	}
	return m, nil
}

// Close ends the measuring of states.
func (m *Metrics) Close() error { return m.registration.Unregister() }

// with returns attributes of a measurement, besides those that all have.
func (m *Metrics) with(more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(more, m.adapter...)...))
}

// observe reads all states.
func (m *Metrics) observe(_ context.Context, to metric.Observer) error {
	if m.readings.Clocks != nil {
		m.observeClocks(to, m.readings.Clocks())
	}
	if m.readings.Backlog != nil {
		m.observeBacklog(to, m.readings.Backlog())
	}
	if m.readings.Journal != nil {
		m.observeJournal(to, m.readings.Journal())
	}
	if m.readings.OCloud != nil {
		m.observeOCloud(to, m.readings.OCloud())
	}
	return nil
}

// builder makes instruments, and keeps what went wrong.
type builder struct {
	meter    metric.Meter
	observed []metric.Observable
	errs     []error
}

// sum is a state of which the sum over many clocks means something.
func (b *builder) sum(name, unit, description string) metric.Int64ObservableUpDownCounter {
	i, err := b.meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	b.observed, b.errs = append(b.observed, i), append(b.errs, err)
	return i
}

// count is a state that only grows.
func (b *builder) count(name, unit, description string) metric.Int64ObservableCounter {
	i, err := b.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	b.observed, b.errs = append(b.observed, i), append(b.errs, err)
	return i
}

// seconds is a state that is a time.
func (b *builder) seconds(name, description string) metric.Float64ObservableGauge {
	i, err := b.meter.Float64ObservableGauge(name, metric.WithUnit("s"), metric.WithDescription(description))
	b.observed, b.errs = append(b.observed, i), append(b.errs, err)
	return i
}

// ratio is a state that is a part of something.
func (b *builder) ratio(name, description string) metric.Float64ObservableGauge {
	i, err := b.meter.Float64ObservableGauge(name, metric.WithUnit("1"), metric.WithDescription(description))
	b.observed, b.errs = append(b.observed, i), append(b.errs, err)
	return i
}

// number is a state that is a number.
func (b *builder) number(name, description string) metric.Int64ObservableGauge {
	i, err := b.meter.Int64ObservableGauge(name, metric.WithDescription(description))
	b.observed, b.errs = append(b.observed, i), append(b.errs, err)
	return i
}

// events counts what happens.
func (b *builder) events(name, unit, description string) metric.Int64Counter {
	i, err := b.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	b.errs = append(b.errs, err)
	return i
}

// durations is how long things take that happen.
func (b *builder) durations(name, description string, bounds ...float64) metric.Float64Histogram {
	i, err := b.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(bounds...))
	b.errs = append(b.errs, err)
	return i
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}
