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
	"go.opentelemetry.io/otel/metric"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

type hardwareInstruments struct {
	readable, gnss, dpll metric.Int64ObservableUpDownCounter
	residual             metric.Float64ObservableGauge
	frequency            metric.Float64ObservableGauge
	steps, osSteps       metric.Int64ObservableCounter
	fix, satellites      metric.Int64ObservableGauge
}

func newHardwareInstruments(b *builder) hardwareInstruments {
	return hardwareInstruments{
		osSteps:    b.count("ptp.os_clock.steps", "{step}", "How often CLOCK_REALTIME was set since the start"),
		readable:   b.sum("ptp.hardware_clock.readable", "{clock}", "1 while the PTP hardware clock can be read, else 0"),
		residual:   b.seconds("ptp.hardware_clock.residual", "PTP hardware clock minus CLOCK_REALTIME, less TAI minus UTC"),
		frequency:  b.ratio("ptp.hardware_clock.frequency", "By which part of its own frequency the PTP hardware clock is made faster"),
		steps:      b.count("ptp.hardware_clock.steps", "{step}", "How often the PTP hardware clock was set since the start"),
		gnss:       b.sum("ptp.gnss.state", "{receiver}", "1 for the state that the GNSS receiver is in (its gnss-sync-status), 0 for the others"),
		fix:        b.number("ptp.gnss.fix", "The fix of the GNSS receiver, in the numbers of gpsFix"),
		satellites: b.number("ptp.gnss.satellites", "How many satellites the GNSS receiver hears"),
		dpll:       b.sum("ptp.dpll.state", "{dpll}", "1 for the state that the DPLL is in, 0 for the others"),
	}
}

// observeHardware says nothing of what is not known, as observeClocks does.
func (m *Metrics) observeHardware(to metric.Observer, c Clocks) {
	if c.OSClockWatched {
		to.ObserveInt64(m.hardware.osSteps, int64(c.OSClockSteps), m.with())
	}
	for _, h := range c.Hardware {
		device := m.with(deviceKey.String(h.Device))
		to.ObserveInt64(m.hardware.readable, one(h.Readable), device)
		to.ObserveInt64(m.hardware.steps, int64(h.Steps), device)
		if !h.Readable {
			continue
		}
		to.ObserveFloat64(m.hardware.residual, h.Residual.Seconds(), device)
		if h.HasFrequency {
			const ppb = 1e-9
			to.ObserveFloat64(m.hardware.frequency, h.Frequency*ppb, device)
		}
	}
	for _, r := range c.Receivers {
		device := deviceKey.String(r.Name)
		for state := clock.GNSSNoFix; r.State != clock.GNSSUndecided && state <= clock.GNSSSynchronized; state++ {
			to.ObserveInt64(m.hardware.gnss, one(state == r.State), m.with(device, stateKey.String(state.String())))
		}
		if fix, ok := r.Report.Fix.Number(); ok {
			to.ObserveInt64(m.hardware.fix, int64(fix), m.with(device))
			to.ObserveInt64(m.hardware.satellites, int64(r.Report.Satellites), m.with(device))
		}
	}
	for _, d := range c.DPLLs {
		m.observeState(to, m.hardware.dpll, d.State, deviceKey.String(d.Name), typeKey.String(d.Type.String()))
	}
}
