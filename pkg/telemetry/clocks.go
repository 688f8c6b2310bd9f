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
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

type clockInstruments struct {
	node, osClock, lock, port, up, silent metric.Int64ObservableUpDownCounter
	class                                 metric.Int64ObservableGauge
	offset, pathDelay                     metric.Float64ObservableGauge
}

func newClockInstruments(b *builder) clockInstruments {
	return clockInstruments{
		node:      b.sum("ptp.node.state", "{node}", "1 for the state that the node is in (its sync-state), 0 for the others"),
		osClock:   b.sum("ptp.os_clock.state", "{clock}", "1 for the state that the OS clock is in (its os-clock-sync-state), 0 for the others"),
		lock:      b.sum("ptp.lock.state", "{clock}", "1 for the state that the instance is in (its lock-state), 0 for the others"),
		class:     b.number("ptp.clock.class", "The clock class that the instance announces"),
		offset:    b.seconds("ptp.offset", "Local clock minus grandmaster at the last Sync that was looked at"),
		pathDelay: b.seconds("ptp.path_delay", "Mean time that messages take from the master"),
		up:        b.sum("ptp.daemon.up", "{clock}", "1 while ptp4l answers, else 0"),
		silent:    b.sum("ptp.sync.silent", "{clock}", "1 while a port is SLAVE and no Sync reaches it, else 0"),
		port:      b.sum("ptp.port.state", "{port}", "1 for the state that the port is in, 0 for the others"),
	}
}

// observeClocks says nothing of what is not known, and nothing of instances that are gone.
func (m *Metrics) observeClocks(to metric.Observer, c Clocks) {
	m.observeState(to, m.clocks.node, c.Node)
	m.observeState(to, m.clocks.osClock, c.OSClock)
	for _, s := range c.Instances {
		m.observeInstance(to, s)
	}
	m.observeHardware(to, c)
}

func (m *Metrics) observeState(to metric.Observer, i metric.Int64Observable, is clock.State, more ...attribute.KeyValue) {
	if is == clock.Unknown {
		return
	}
	for _, state := range []clock.State{clock.Freerun, clock.Holdover, clock.Locked} {
		to.ObserveInt64(i, one(state == is), m.with(append(more, stateKey.String(state.String()))...))
	}
}

func (m *Metrics) observeInstance(to metric.Observer, s clock.Status) {
	instance := instanceKey.String(s.Instance)
	m.observeState(to, m.clocks.lock, s.State, instance)
	if class, ok := s.Class.(clock.Class); ok {
		to.ObserveInt64(m.clocks.class, int64(class), m.with(instance))
	}
	to.ObserveInt64(m.clocks.up, one(s.Up), m.with(instance))
	if !s.Up {
		return
	}
	to.ObserveInt64(m.clocks.silent, one(s.Silent), m.with(instance))
	followed := m.with(instance, semconv.NetworkInterfaceName(s.Interface))
	if s.HasOffset {
		to.ObserveFloat64(m.clocks.offset, s.Offset.Seconds(), followed)
	}
	if s.HasPathDelay {
		to.ObserveFloat64(m.clocks.pathDelay, s.PathDelay.Seconds(), followed)
	}
	for _, p := range s.Ports {
		for state := clock.Initializing; state <= clock.Slave; state++ {
			to.ObserveInt64(m.clocks.port, one(state == p.State),
				m.with(instance, portKey.Int(int(p.Number)), semconv.NetworkInterfaceName(p.Interface), stateKey.String(state.String())))
		}
	}
}
