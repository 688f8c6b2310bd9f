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

package telemetry_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/telemetry"
)

var adapter = telemetry.Adapter{Node: "n1", Source: "fleet", Namespace: "default"}

// measured makes metrics, and a reader of what they say.
func measured(t *testing.T, a telemetry.Adapter, r telemetry.Readings) (*telemetry.Metrics, func() []string) {
	t.Helper()
	reader := sdkmetric.NewManualReader()
	m, err := telemetry.New(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), a, r)
	if err != nil {
		t.Fatal(err)
	}
	return m, func() []string {
		t.Helper()
		var all metricdata.ResourceMetrics
		if err := reader.Collect(context.Background(), &all); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, scope := range all.ScopeMetrics {
			for _, m := range scope.Metrics {
				lines = append(lines, describe(t, m)...)
			}
		}
		slices.Sort(lines)
		return lines
	}
}

// describe writes each series of a metric on a line of its own. Of a histogram it has the
// number of values and their sum.
func describe(t *testing.T, m metricdata.Metrics) []string {
	t.Helper()
	var lines []string
	add := func(attributes attribute.Set, value string) {
		lines = append(lines, fmt.Sprintf("%s{%s} %s", m.Name, describeAttributes(t, attributes), value))
	}
	switch data := m.Data.(type) {
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, fmt.Sprint(p.Value))
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, fmt.Sprint(p.Value, m.Unit))
		}
	case metricdata.Sum[int64]:
		kind := "now"
		if data.IsMonotonic {
			kind = "in all"
		}
		for _, p := range data.DataPoints {
			add(p.Attributes, fmt.Sprint(p.Value, " ", kind))
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, fmt.Sprint(p.Count, " of ", p.Sum, m.Unit))
		}
	default:
		t.Errorf("%s is a %T", m.Name, data)
	}
	return lines
}

// describeAttributes leaves out those that every series must have.
func describeAttributes(t *testing.T, attributes attribute.Set) string {
	t.Helper()
	var parts []string
	own := map[string]string{"k8s.node.name": adapter.Node, "kn.source.name": adapter.Source, "kn.source.namespace": adapter.Namespace}
	for _, a := range attributes.ToSlice() {
		if want, ok := own[string(a.Key)]; ok && a.Value.String() == want {
			delete(own, string(a.Key))
			continue
		}
		parts = append(parts, string(a.Key)+"="+a.Value.String())
	}
	if len(own) > 0 {
		t.Errorf("%v lacks %v", parts, own)
	}
	return strings.Join(parts, " ")
}

// states are the series of a state.
func states(name, attributes, is string, all ...string) []string {
	var lines []string
	for _, state := range all {
		value := 0
		if state == is {
			value = 1
		}
		sorted := slices.Sorted(slices.Values(strings.Fields(attributes + " ptp.state=" + state)))
		lines = append(lines, fmt.Sprintf("%s{%s} %d now", name, strings.Join(sorted, " "), value))
	}
	return lines
}

var (
	three = []string{"FREERUN", "HOLDOVER", "LOCKED"}
	five  = []string{"FAILURE-NOFIX", "ANTENNA-SHORT-CIRCUIT", "ANTENNA-DISCONNECTED", "ACQUIRING-SYNC", "SYNCHRONIZED"}
	nine  = []string{"INITIALIZING", "FAULTY", "DISABLED", "LISTENING", "PRE_MASTER", "MASTER", "PASSIVE", "UNCALIBRATED", "SLAVE"}
)

func TestClocks(t *testing.T) {
	following := clock.Status{
		Instance: "ptp4l.0", Up: true, State: clock.Locked, Class: clock.Class(6), Interface: "ens1f0",
		Ports:  []clock.Port{{Number: 1, State: clock.Slave, Interface: "ens1f0"}, {Number: 2, State: clock.Master}},
		Offset: -12, HasOffset: true, PathDelay: 2874, HasPathDelay: true,
	}
	silent := clock.Status{
		Instance: "ptp4l.0", Up: true, State: clock.Holdover, Class: clock.Class(255), Interface: "ens1f0", Silent: true,
		Ports: []clock.Port{{Number: 1, State: clock.Slave, Interface: "ens1f0"}},
	}
	const port1 = "network.interface.name=ens1f0 ptp.instance=ptp4l.0 ptp.port=1"
	for _, tc := range []struct {
		name   string
		clocks telemetry.Clocks
		want   [][]string
	}{
		{"nothing is known", telemetry.Clocks{Instances: []clock.Status{{Instance: "ptp4l.0"}}}, [][]string{{"ptp.daemon.up{ptp.instance=ptp4l.0} 0 now"}}},
		{
			"following", telemetry.Clocks{Node: clock.Locked, OSClock: clock.Holdover, Instances: []clock.Status{following}}, [][]string{
				states("ptp.node.state", "", "LOCKED", three...),
				states("ptp.os_clock.state", "", "HOLDOVER", three...),
				states("ptp.lock.state", "ptp.instance=ptp4l.0", "LOCKED", three...),
				states("ptp.port.state", port1, "SLAVE", nine...),
				states("ptp.port.state", "network.interface.name= ptp.instance=ptp4l.0 ptp.port=2", "MASTER", nine...),
				{
					"ptp.clock.class{ptp.instance=ptp4l.0} 6",
					"ptp.daemon.up{ptp.instance=ptp4l.0} 1 now",
					"ptp.sync.silent{ptp.instance=ptp4l.0} 0 now",
					"ptp.offset{network.interface.name=ens1f0 ptp.instance=ptp4l.0} -1.2e-08s",
					"ptp.path_delay{network.interface.name=ens1f0 ptp.instance=ptp4l.0} 2.874e-06s",
				},
			},
		},
		{
			"silence", telemetry.Clocks{Node: clock.Holdover, Instances: []clock.Status{silent}}, [][]string{
				states("ptp.node.state", "", "HOLDOVER", three...),
				states("ptp.lock.state", "ptp.instance=ptp4l.0", "HOLDOVER", three...),
				states("ptp.port.state", port1, "SLAVE", nine...),
				{
					"ptp.clock.class{ptp.instance=ptp4l.0} 255",
					"ptp.daemon.up{ptp.instance=ptp4l.0} 1 now",
					"ptp.sync.silent{ptp.instance=ptp4l.0} 1 now",
				},
			},
		},
		{
			"ptp4l does not answer", telemetry.Clocks{Node: clock.Freerun, Instances: []clock.Status{{Instance: "ptp4l.0", State: clock.Freerun, Class: clock.Class(248)}}}, [][]string{
				states("ptp.node.state", "", "FREERUN", three...),
				states("ptp.lock.state", "ptp.instance=ptp4l.0", "FREERUN", three...),
				{
					"ptp.clock.class{ptp.instance=ptp4l.0} 248",
					"ptp.daemon.up{ptp.instance=ptp4l.0} 0 now",
				},
			},
		},
		{
			"hardware, as far as it is known", telemetry.Clocks{
				OSClockSteps: 2, OSClockWatched: true,
				Hardware: []clock.HardwareStatus{
					{Device: "ptp0", Readable: true, Residual: -250, Frequency: -1200, HasFrequency: true, Steps: 3},
					{Device: "ptp1", Readable: true, Residual: 7},
					{Device: "ptp2", Residual: 7, Steps: 1},
				},
				Receivers: []clock.ReceiverStatus{
					{Name: "gnss0", State: clock.GNSSSynchronized, Report: clock.GNSSReport{Fix: clock.FixTimeOnly, Satellites: 11}},
					{Name: "gnss1", State: clock.GNSSNoFix},
					{Name: "gnss2"},
				},
				DPLLs: []clock.DPLLStatus{
					{Name: "ice.1", Type: clock.DPLLEEC, State: clock.Holdover},
					{Name: "ice.1", Type: clock.DPLLPPS, State: clock.Locked},
					{Name: "new.2", Type: 7, State: clock.Freerun},
					{Name: "old.3", Type: clock.DPLLEEC},
				},
			}, [][]string{
				states("ptp.gnss.state", "ptp.device=gnss0", "SYNCHRONIZED", five...),
				states("ptp.gnss.state", "ptp.device=gnss1", "FAILURE-NOFIX", five...),
				states("ptp.dpll.state", "ptp.device=ice.1 ptp.type=eec", "HOLDOVER", three...),
				states("ptp.dpll.state", "ptp.device=ice.1 ptp.type=pps", "LOCKED", three...),
				states("ptp.dpll.state", "ptp.device=new.2 ptp.type=other", "FREERUN", three...),
				{
					"ptp.os_clock.steps{} 2 in all",
					"ptp.hardware_clock.readable{ptp.device=ptp0} 1 now",
					"ptp.hardware_clock.readable{ptp.device=ptp1} 1 now",
					"ptp.hardware_clock.readable{ptp.device=ptp2} 0 now",
					"ptp.hardware_clock.residual{ptp.device=ptp0} -2.5e-07s",
					"ptp.hardware_clock.residual{ptp.device=ptp1} 7e-09s",
					"ptp.hardware_clock.frequency{ptp.device=ptp0} -1.2000000000000002e-061",
					"ptp.hardware_clock.steps{ptp.device=ptp0} 3 in all",
					"ptp.hardware_clock.steps{ptp.device=ptp1} 0 in all",
					"ptp.hardware_clock.steps{ptp.device=ptp2} 1 in all",
					"ptp.gnss.fix{ptp.device=gnss0} 5",
					"ptp.gnss.satellites{ptp.device=gnss0} 11",
				},
			},
		},
		{"no instance is there any more", telemetry.Clocks{Node: clock.Freerun}, [][]string{states("ptp.node.state", "", "FREERUN", three...)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// What was there before must leave no series behind.
			clocks := telemetry.Clocks{Node: clock.Locked, Instances: []clock.Status{following, {Instance: "ptp4l.1", Up: true, State: clock.Locked}}}
			_, read := measured(t, adapter, telemetry.Readings{Clocks: func() telemetry.Clocks { return clocks }})
			read()
			clocks = tc.clocks
			want := slices.Sorted(slices.Values(slices.Concat(tc.want...)))
			if diff := cmp.Diff(want, read()); diff != "" {
				t.Errorf("measured (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBacklogAndJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backlog, journal := telemetry.Backlog{}, telemetry.Journal{}
		_, read := measured(t, adapter, telemetry.Readings{
			Backlog: func() telemetry.Backlog { return backlog },
			Journal: func() telemetry.Journal { return journal },
		})
		empty := []string{
			"ptp.backlog.age{} 0s",
			"ptp.backlog.length{} 0 now",
			"ptp.events.dropped{} 0 in all",
			"ptp.events.superseded{} 0 in all",
			"ptp.journal.entries{} 0 now",
		}
		if diff := cmp.Diff(empty, read()); diff != "" {
			t.Errorf("at the start, in memory (-want +got):\n%s", diff)
		}
		backlog = telemetry.Backlog{Length: 3, Oldest: time.Now(), Dropped: 1, Superseded: 2}
		journal = telemetry.Journal{Entries: 5, OnDisk: true, Bytes: 4711, Unsynced: 2, Writable: true}
		time.Sleep(90 * time.Second)
		want := []string{
			"ptp.backlog.age{} 90s",
			"ptp.backlog.length{} 3 now",
			"ptp.events.dropped{} 1 in all",
			"ptp.events.superseded{} 2 in all",
			"ptp.journal.entries{} 5 now",
			"ptp.journal.size{} 4711 now",
			"ptp.journal.unsynced{} 2 now",
			"ptp.journal.writable{} 1 now",
		}
		if diff := cmp.Diff(want, read()); diff != "" {
			t.Errorf("while the sink is away (-want +got):\n%s", diff)
		}
	})
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := adapter
		a.Types, a.Outcomes = []string{"lock", "class"}, []string{"delivered", "skipped"}
		m, read := measured(t, a, telemetry.Readings{})
		want := []string{
			"ptp.events.recorded{cloudevents.type=class} 0 in all",
			"ptp.events.recorded{cloudevents.type=lock} 0 in all",
			"ptp.events.settled{cloudevents.type=class ptp.outcome=delivered} 0 in all",
			"ptp.events.settled{cloudevents.type=class ptp.outcome=skipped} 0 in all",
			"ptp.events.settled{cloudevents.type=lock ptp.outcome=delivered} 0 in all",
			"ptp.events.settled{cloudevents.type=lock ptp.outcome=skipped} 0 in all",
		}
		if diff := cmp.Diff(want, read()); diff != "" {
			t.Errorf("at the start (-want +got):\n%s", diff)
		}

		now := time.Now()
		m.Recorded("lock", now.Round(0), now)
		time.Sleep(250 * time.Millisecond)
		m.Tried("sink", 0)
		m.Tried("sink", 503)
		m.Tried("sink", 202)
		m.Delivered(now.Round(0))
		m.Settled("lock", "delivered")
		m.Recorded("class", now, now)
		m.Tried("sink", 400)
		m.Tried("deadLetterSink", 503)
		m.Settled("class", "skipped")
		m.Synced(3 * time.Millisecond)
		want = []string{
			"ptp.delivery.attempts{ptp.status=202 ptp.target=sink} 1 in all",
			"ptp.delivery.attempts{ptp.status=400 ptp.target=sink} 1 in all",
			"ptp.delivery.attempts{ptp.status=503 ptp.target=deadLetterSink} 1 in all",
			"ptp.delivery.attempts{ptp.status=503 ptp.target=sink} 1 in all",
			"ptp.delivery.attempts{ptp.status=none ptp.target=sink} 1 in all",
			"ptp.delivery.duration{} 1 of 0.25s",
			"ptp.events.recorded{cloudevents.type=class} 1 in all",
			"ptp.events.recorded{cloudevents.type=lock} 1 in all",
			"ptp.events.settled{cloudevents.type=class ptp.outcome=delivered} 0 in all",
			"ptp.events.settled{cloudevents.type=class ptp.outcome=skipped} 1 in all",
			"ptp.events.settled{cloudevents.type=lock ptp.outcome=delivered} 1 in all",
			"ptp.events.settled{cloudevents.type=lock ptp.outcome=skipped} 0 in all",
			"ptp.journal.sync.duration{} 1 of 0.003s",
		}
		if diff := cmp.Diff(want, read()); diff != "" {
			t.Errorf("at the end (-want +got):\n%s", diff)
		}
	})
}

// The wall clock may be the very clock that an event is about. Only of events that are not
// known it has to tell the age.
func TestAgeOfEvents(t *testing.T) {
	for _, tc := range []struct {
		name string
		// By how much the wall clock was off when the change was observed, against now.
		off  time.Duration
		more int // events that were recorded since
		want string
	}{
		{"the clock is as it was", 0, 0, "ptp.delivery.duration{} 1 of 2s"},
		{"the clock was set back", time.Hour, 0, "ptp.delivery.duration{} 1 of 2s"},
		{"the clock was set forward", -time.Hour, 0, "ptp.delivery.duration{} 1 of 2s"},
		{"many events ago", 0, 255, "ptp.delivery.duration{} 1 of 2s"},
		{"too many events ago", 0, 256, "ptp.delivery.duration{} 1 of 2s"},
		{"too many events ago, and the clock was set back", time.Hour, 256, "ptp.delivery.duration{} 1 of 0s"},
		{"too many events ago, and the clock was set forward", -time.Hour, 256, "ptp.delivery.duration{} 1 of 3602s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, read := measured(t, adapter, telemetry.Readings{})
				now := time.Now()
				wall := now.Round(0).Add(tc.off)
				m.Recorded("lock", wall, now)
				for n := range tc.more {
					m.Recorded("lock", wall.Add(time.Duration(n+1)), now)
				}
				time.Sleep(2 * time.Second)
				m.Delivered(wall)
				if got := read(); got[0] != tc.want {
					t.Errorf("%s, want %s", got[0], tc.want)
				}
			})
		})
	}
}

func TestClose(t *testing.T) {
	m, read := measured(t, adapter, telemetry.Readings{Backlog: func() telemetry.Backlog { return telemetry.Backlog{} }})
	if len(read()) == 0 {
		t.Error("nothing is measured")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(); len(got) > 0 {
		t.Errorf("%q is measured after the end", got)
	}
}

func TestOCloud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := telemetry.OCloud{Active: 2, Failing: 1, Delivered: 7, Failed: 5, Skipped: 1, Lost: 3, Oldest: time.Now().Round(0)}
		_, read := measured(t, adapter, telemetry.Readings{OCloud: func() telemetry.OCloud { return is }})
		time.Sleep(1500 * time.Millisecond)
		want := []string{
			"ptp.ocloud.backlog.age{} 1.5s",
			"ptp.ocloud.notifications{ptp.outcome=delivered} 7 in all",
			"ptp.ocloud.notifications{ptp.outcome=failed} 5 in all",
			"ptp.ocloud.notifications{ptp.outcome=lost} 3 in all",
			"ptp.ocloud.notifications{ptp.outcome=skipped} 1 in all",
			"ptp.ocloud.subscriptions{ptp.state=active} 2 now",
			"ptp.ocloud.subscriptions{ptp.state=failing} 1 now",
		}
		if diff := cmp.Diff(want, read()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		is = telemetry.OCloud{}
		if got := read()[0]; got != "ptp.ocloud.backlog.age{} 0s" {
			t.Errorf("while nobody waits: %s", got)
		}
	})
}
