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

package telemetry

import (
	"time"

	"go.opentelemetry.io/otel/metric"
)

// OCloud is how the subscribers of the O-Cloud API do.
type OCloud struct {
	// Active are the subscriptions whose endpoints take what they are sent, Failing the others.
	Active, Failing int
	// Delivered counts notifications that an endpoint took, Failed tries that were to no avail,
	// Skipped notifications that an endpoint refused for good, and Lost events that the journal
	// could not keep for a subscription, all since the start.
	Delivered, Failed, Skipped, Lost uint64
	// Oldest is when the change was observed, by the wall clock, that a subscriber has waited
	// for longest; zero where none waits.
	Oldest time.Time
}

type ocloudInstruments struct {
	subscriptions metric.Int64ObservableUpDownCounter
	notifications metric.Int64ObservableCounter
	age           metric.Float64ObservableGauge
}

func newOCloudInstruments(b *builder) ocloudInstruments {
	return ocloudInstruments{
		subscriptions: b.sum("ptp.ocloud.subscriptions", "{subscription}", "Subscriptions of the O-Cloud API, by how they do"),
		notifications: b.count("ptp.ocloud.notifications", "{notification}", "Notifications of the O-Cloud API, by what has become of them"),
		age:           b.seconds("ptp.ocloud.backlog.age", "How long ago the change was observed that a subscriber has waited for longest; 0 when none waits"),
	}
}

func (m *Metrics) observeOCloud(to metric.Observer, o OCloud) {
	to.ObserveInt64(m.ocloud.subscriptions, int64(o.Active), m.with(stateKey.String("active")))
	to.ObserveInt64(m.ocloud.subscriptions, int64(o.Failing), m.with(stateKey.String("failing")))
	for _, is := range []struct {
		outcome string
		count   uint64
	}{{"delivered", o.Delivered}, {"failed", o.Failed}, {"skipped", o.Skipped}, {"lost", o.Lost}} {
		to.ObserveInt64(m.ocloud.notifications, int64(is.count), m.with(outcomeKey.String(is.outcome))) //nolint:gosec // nobody lives that long
	}
	var age time.Duration
	if !o.Oldest.IsZero() {
		age = m.observed.since(o.Oldest)
	}
	to.ObserveFloat64(m.ocloud.age, age.Seconds(), m.with())
}
