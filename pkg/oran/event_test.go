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

package oran_test

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

var here = oran.Place{Cluster: "cluster", Node: "n1.example.com"}

func locked() clock.Transition {
	return clock.Transition{
		Kind: clock.LockState, Instance: "ptp4l.0", Interface: "ens1f0",
		From: clock.Freerun, To: clock.Locked, Reason: clock.OffsetInRange,
		Offset: -5 * time.Nanosecond, HasOffset: true,
	}
}

func observed() time.Time {
	return time.Date(2026, 11, 20, 10, 9, 7, 781100559, time.FixedZone("CET", 3600))
}

func encode(t *testing.T, format oran.SourceFormat, transition clock.Transition) oran.Event {
	t.Helper()
	encoder, err := oran.NewEncoder(here, format)
	if err != nil {
		t.Fatal(err)
	}
	event, err := encoder.Encode(transition, observed())
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func TestStructuredCloudEvent(t *testing.T) {
	for _, tc := range []struct {
		name       string
		format     oran.SourceFormat
		transition clock.Transition
		want       string
	}{{
		name:       "lock-state",
		format:     oran.SourceFull,
		transition: locked(),
		want: `{
			"specversion": "1.0",
			"type": "event.sync.ptp-status.ptp-state-change",
			"source": "/cluster/node/n1.example.com/sync/ptp-status/lock-state",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "ptp4l.0",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/ptp-status/lock-state",
			"node": "n1.example.com",
			"instance": "ptp4l.0",
			"ptpstate": "LOCKED",
			"previousstate": "FREERUN",
			"ptpreason": "OffsetInRange",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/ptp-status/lock-state",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/ens1f0/master",
				 "data_type": "notification", "value_type": "enumeration", "value": "LOCKED"},
				{"ResourceAddress": "/cluster/node/n1.example.com/ens1f0/master",
				 "data_type": "metric", "value_type": "decimal64.3", "value": "-5"}]}}`,
	}, {
		name:   "lock-state, the first, without offset and interface",
		format: oran.SourceORAN,
		transition: clock.Transition{
			Kind: clock.LockState, Instance: "ptp4l.0", To: clock.Freerun, Reason: clock.PortNotSlave,
		},
		want: `{
			"specversion": "1.0",
			"type": "event.sync.ptp-status.ptp-state-change",
			"source": "/sync/ptp-status/lock-state",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "ptp4l.0",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/ptp-status/lock-state",
			"node": "n1.example.com",
			"instance": "ptp4l.0",
			"ptpstate": "FREERUN",
			"ptpreason": "PortNotSlave",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/ptp-status/lock-state",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/ptp4l.0/master",
				 "data_type": "notification", "value_type": "enumeration", "value": "FREERUN"}]}}`,
	}, {
		name:   "sync-state",
		format: oran.SourceFull,
		transition: clock.Transition{
			Kind: clock.SyncState, Interface: "ens1f0", From: clock.Locked, To: clock.Holdover, Reason: clock.SyncSilent,
		},
		want: `{
			"specversion": "1.0",
			"type": "event.sync.sync-status.synchronization-state-change",
			"source": "/cluster/node/n1.example.com/sync/sync-status/sync-state",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "n1.example.com",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/sync-status/sync-state",
			"node": "n1.example.com",
			"ptpstate": "HOLDOVER",
			"previousstate": "LOCKED",
			"ptpreason": "SyncSilent",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/sync-status/sync-state",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/sync/sync-status/sync-state",
				 "data_type": "notification", "value_type": "enumeration", "value": "HOLDOVER"}]}}`,
	}, {
		name:   "os-clock-sync-state",
		format: oran.SourceFull,
		transition: clock.Transition{
			Kind: clock.OSClockState, From: clock.Locked, To: clock.Freerun, Reason: clock.ClockStepped,
		},
		want: `{
			"specversion": "1.0",
			"type": "event.sync.sync-status.os-clock-sync-state-change",
			"source": "/cluster/node/n1.example.com/sync/sync-status/os-clock-sync-state",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "n1.example.com",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/sync-status/os-clock-sync-state",
			"node": "n1.example.com",
			"ptpstate": "FREERUN",
			"previousstate": "LOCKED",
			"ptpreason": "ClockStepped",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/sync-status/os-clock-sync-state",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/CLOCK_REALTIME",
				 "data_type": "notification", "value_type": "enumeration", "value": "FREERUN"}]}}`,
	}, {
		name:   "os-clock-set",
		format: oran.SourceFull,
		transition: clock.Transition{
			Kind: clock.OSClockSet, To: clock.Shift(-3 * time.Second), Reason: clock.ClockStepped,
		},
		want: `{
			"specversion": "1.0",
			"type": "com.github.eventing-ptp.os-clock.stepped",
			"source": "/cluster/node/n1.example.com/sync/sync-status/os-clock-set",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "n1.example.com",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/sync-status/os-clock-set",
			"node": "n1.example.com",
			"ptpstate": "-3000000000",
			"ptpreason": "ClockStepped",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/sync-status/os-clock-set",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/CLOCK_REALTIME",
				 "data_type": "metric", "value_type": "decimal64.3", "value": "-3000000000"}]}}`,
	}, {
		name:   "hardware-clock-set",
		format: oran.SourceFull,
		transition: clock.Transition{
			Kind: clock.HardwareClockSet, Instance: "ptp2", Interface: "ens1f0", To: clock.Shift(time.Millisecond), Reason: clock.ClockStepped,
		},
		want: `{
			"specversion": "1.0",
			"type": "com.github.eventing-ptp.hardware-clock.stepped",
			"source": "/cluster/node/n1.example.com/sync/ptp-status/hardware-clock-set",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "ptp2",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/ptp-status/hardware-clock-set",
			"node": "n1.example.com",
			"instance": "ptp2",
			"ptpstate": "1000000",
			"ptpreason": "ClockStepped",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/ptp-status/hardware-clock-set",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/ptp2",
				 "data_type": "metric", "value_type": "decimal64.3", "value": "1000000"}]}}`,
	}, {
		name:   "os-clock-sync-state beside its hardware clock",
		format: oran.SourceORAN,
		transition: clock.Transition{
			Kind: clock.OSClockState, To: clock.Locked, Reason: clock.Disciplined, Offset: -120, HasOffset: true,
		},
		want: `{
			"specversion": "1.0",
			"type": "event.sync.sync-status.os-clock-sync-state-change",
			"source": "/sync/sync-status/os-clock-sync-state",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "n1.example.com",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/sync-status/os-clock-sync-state",
			"node": "n1.example.com",
			"ptpstate": "LOCKED",
			"ptpreason": "Disciplined",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/sync-status/os-clock-sync-state",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/CLOCK_REALTIME",
				 "data_type": "notification", "value_type": "enumeration", "value": "LOCKED"},
				{"ResourceAddress": "/cluster/node/n1.example.com/CLOCK_REALTIME",
				 "data_type": "metric", "value_type": "decimal64.3", "value": "-120"}]}}`,
	}, {
		name:   "path-delay-state",
		format: oran.SourceFull,
		transition: clock.Transition{
			Kind: clock.PathDelayState, Instance: "ptp4l.0", Interface: "ens1f0", From: clock.InRange, To: clock.OutOfRange, Reason: clock.Reported,
			PathDelay: 1200 * time.Microsecond, HasPathDelay: true,
		},
		want: `{
			"specversion": "1.0",
			"type": "com.github.eventing-ptp.path-delay-state.changed",
			"source": "/cluster/node/n1.example.com/sync/ptp-status/path-delay-state",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "ptp4l.0",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/ptp-status/path-delay-state",
			"node": "n1.example.com",
			"instance": "ptp4l.0",
			"ptpstate": "OUT-OF-RANGE",
			"previousstate": "IN-RANGE",
			"ptpreason": "Reported",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/ptp-status/path-delay-state",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/ens1f0/master",
				 "data_type": "notification", "value_type": "enumeration", "value": "OUT-OF-RANGE"},
				{"ResourceAddress": "/cluster/node/n1.example.com/ens1f0/master",
				 "data_type": "metric", "value_type": "decimal64.3", "value": "1200000"}]}}`,
	}, {
		name:   "port-state of a port whose interface is not known",
		format: oran.SourceORAN,
		transition: clock.Transition{
			Kind: clock.PTPPortState, Instance: "ptp4l.0-1", To: clock.Listening, Reason: clock.Reported,
		},
		want: `{
			"specversion": "1.0",
			"type": "com.github.eventing-ptp.port-state.changed",
			"source": "/sync/ptp-status/port-state",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "ptp4l.0-1",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/ptp-status/port-state",
			"node": "n1.example.com",
			"instance": "ptp4l.0-1",
			"ptpstate": "LISTENING",
			"ptpreason": "Reported",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/ptp-status/port-state",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/ptp4l.0-1",
				 "data_type": "notification", "value_type": "enumeration", "value": "LISTENING"}]}}`,
	}, {
		name:   "clock-class",
		format: oran.SourceFull,
		transition: clock.Transition{
			Kind: clock.ClockClass, Instance: "ptp4l.0", Interface: "ens1f0",
			From: clock.Class(6), To: clock.Class(248), Reason: clock.OwnClass, Offset: 3, HasOffset: true,
		},
		want: `{
			"specversion": "1.0",
			"type": "event.sync.ptp-status.ptp-clock-class-change",
			"source": "/cluster/node/n1.example.com/sync/ptp-status/clock-class",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "ptp4l.0",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/ptp-status/clock-class",
			"node": "n1.example.com",
			"instance": "ptp4l.0",
			"ptpstate": "248",
			"previousstate": "6",
			"ptpreason": "OwnClass",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/ptp-status/clock-class",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/ens1f0/master",
				 "data_type": "metric", "value_type": "decimal64.3", "value": "248"}]}}`,
	}, {
		name:   "gnss-sync-status",
		format: oran.SourceFull,
		transition: clock.Transition{
			Kind: clock.GNSSSyncStatus, Instance: "gnss0", From: clock.GNSSAcquiring, To: clock.GNSSSynchronized, Reason: clock.GNSSFixed, Fix: clock.Fix3D,
		},
		want: `{
			"specversion": "1.0",
			"type": "event.sync.gnss-status.gnss-state-change",
			"source": "/cluster/node/n1.example.com/sync/gnss-status/gnss-sync-status",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "gnss0",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/gnss-status/gnss-sync-status",
			"node": "n1.example.com",
			"instance": "gnss0",
			"ptpstate": "SYNCHRONIZED",
			"previousstate": "ACQUIRING-SYNC",
			"ptpreason": "GNSSFix",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/gnss-status/gnss-sync-status",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/gnss0/master",
				 "data_type": "notification", "value_type": "enumeration", "value": "SYNCHRONIZED"},
				{"ResourceAddress": "/cluster/node/n1.example.com/gnss0/master/gpsFix",
				 "data_type": "metric", "value_type": "decimal64.3", "value": "3"}]}}`,
	}, {
		name:   "gnss-sync-status of a receiver that is not heard",
		format: oran.SourceFull,
		transition: clock.Transition{
			Kind: clock.GNSSSyncStatus, Instance: "gnss0", From: clock.GNSSSynchronized, To: clock.GNSSNoFix, Reason: clock.ReceiverSilent,
		},
		want: `{
			"specversion": "1.0",
			"type": "event.sync.gnss-status.gnss-state-change",
			"source": "/cluster/node/n1.example.com/sync/gnss-status/gnss-sync-status",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "gnss0",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/gnss-status/gnss-sync-status",
			"node": "n1.example.com",
			"instance": "gnss0",
			"ptpstate": "FAILURE-NOFIX",
			"previousstate": "SYNCHRONIZED",
			"ptpreason": "ReceiverSilent",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/gnss-status/gnss-sync-status",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/gnss0/master",
				 "data_type": "notification", "value_type": "enumeration", "value": "FAILURE-NOFIX"}]}}`,
	}, {
		name:   "synce lock-state",
		format: oran.SourceFull,
		transition: clock.Transition{
			Kind: clock.SyncELockState, Instance: "ice.507c6fffff1fb1b8", Interface: "SMA1", From: clock.Locked, To: clock.Holdover, Reason: clock.DPLLLockStatus,
		},
		want: `{
			"specversion": "1.0",
			"type": "event.sync.synce-status.synce-state-change",
			"source": "/cluster/node/n1.example.com/sync/synce-status/lock-state",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "ice.507c6fffff1fb1b8",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/synce-status/lock-state",
			"node": "n1.example.com",
			"instance": "ice.507c6fffff1fb1b8",
			"ptpstate": "HOLDOVER",
			"previousstate": "LOCKED",
			"ptpreason": "DPLLLockStatus",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/synce-status/lock-state",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/ice.507c6fffff1fb1b8",
				 "data_type": "notification", "value_type": "enumeration", "value": "HOLDOVER"}]}}`,
	}, {
		name:   "synce clock-quality",
		format: oran.SourceFull,
		transition: clock.Transition{
			Kind: clock.SyncEQuality, Instance: "ice.507c6fffff1fb1b8", To: clock.QualityLevel{SSM: 11, Enhanced: 34}, Reason: clock.DPLLLockStatus,
		},
		want: `{
			"specversion": "1.0",
			"type": "event.sync.synce-status.synce-clock-quality-change",
			"source": "/cluster/node/n1.example.com/sync/synce-status/clock-quality",
			"id": "6a1f3c2b9e4d-17",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "ice.507c6fffff1fb1b8",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/synce-status/clock-quality",
			"node": "n1.example.com",
			"instance": "ice.507c6fffff1fb1b8",
			"ptpstate": "11",
			"ptpreason": "DPLLLockStatus",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/synce-status/clock-quality",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/ice.507c6fffff1fb1b8/Ql",
				 "data_type": "metric", "value_type": "decimal64.3", "value": "11"},
				{"ResourceAddress": "/cluster/node/n1.example.com/ice.507c6fffff1fb1b8/extQl",
				 "data_type": "metric", "value_type": "decimal64.3", "value": "34"}]}}`,
	}} {
		t.Run(tc.name, func(t *testing.T) {
			event := encode(t, tc.format, tc.transition)
			ce := event.CloudEvent("6a1f3c2b9e4d-17", 17)
			if err := ce.Validate(); err != nil {
				t.Fatal(err)
			}
			request := binary(t, ce)
			if diff := gocmp.Diff(request.Header, event.Header("6a1f3c2b9e4d-17", 17)); diff != "" {
				t.Errorf("unlike the header that the SDK makes (-want +got):\n%s", diff)
			}
			if body := text(t, request.Body); body != event.Data {
				t.Errorf("the data is %s, and the SDK sends %s", event.Data, body)
			}
			got, err := json.Marshal(ce)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(document(t, []byte(tc.want)), document(t, got)); diff != "" {
				t.Errorf("unlike the document (-want +got):\n%s", diff)
			}
		})
	}
}

func document(t *testing.T, raw []byte) any {
	t.Helper()
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// binary is an event as the SDK sends it.
func binary(t *testing.T, ce cloudevents.Event) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://broker.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := cehttp.WriteRequest(binding.WithForceBinary(context.Background()), binding.ToMessage(&ce), request); err != nil {
		t.Fatal(err)
	}
	return request
}

func text(t *testing.T, r io.Reader) string {
	t.Helper()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestBinaryCloudEvent(t *testing.T) {
	event := encode(t, oran.SourceFull, locked())
	want := http.Header{
		"Ce-Specversion":     {"1.0"},
		"Ce-Type":            {"event.sync.ptp-status.ptp-state-change"},
		"Ce-Source":          {"/cluster/node/n1.example.com/sync/ptp-status/lock-state"},
		"Ce-Id":              {"6a1f3c2b9e4d-17"},
		"Ce-Time":            {"2026-11-20T09:09:07.781100559Z"},
		"Ce-Subject":         {"ptp4l.0"},
		"Content-Type":       {"application/json"},
		"Ce-Resourceaddress": {"/cluster/node/n1.example.com/sync/ptp-status/lock-state"},
		"Ce-Node":            {"n1.example.com"},
		"Ce-Instance":        {"ptp4l.0"},
		"Ce-Ptpstate":        {"LOCKED"},
		"Ce-Previousstate":   {"FREERUN"},
		"Ce-Ptpreason":       {"OffsetInRange"},
		"Ce-Sequence":        {"00000000000000000017"},
		"Ce-Partitionkey":    {"/cluster/node/n1.example.com/sync/ptp-status/lock-state"},
	}
	if diff := gocmp.Diff(want, event.Header("6a1f3c2b9e4d-17", 17)); diff != "" {
		t.Errorf("unlike the headers (-want +got):\n%s", diff)
	}
	if event.Data != data {
		t.Errorf("data is\n%s\nwant\n%s", event.Data, data)
	}
}

// Data is written by hand; whatever an interface is called, it is what encoding/json writes.
func FuzzData(f *testing.F) {
	f.Add("ens1f0")
	f.Add("a\"b\\c<d>&\x00\x7fé\u2028\xff")
	encoder, err := oran.NewEncoder(here, oran.SourceFull)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string) {
		transition := locked()
		transition.Instance, transition.Interface = "ptp4l.0", name
		event, err := encoder.Encode(transition, observed())
		if err != nil {
			t.Fatal(err)
		}
		port := "/cluster/node/n1.example.com/" + cmp.Or(name, "ptp4l.0") + "/master"
		want, err := json.Marshal(oran.Data{Version: "1.0", Values: []oran.Value{
			{ResourceAddress: port, DataType: oran.Notification, ValueType: oran.Enumeration, Value: "LOCKED"},
			{ResourceAddress: port, DataType: oran.Metric, ValueType: oran.Decimal, Value: "-5"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if event.Data != string(want) {
			t.Errorf("%q: data is\n%s\nwant\n%s", name, event.Data, want)
		}
	})
}

func recorded() string {
	return "\x01" + "\x00\x00\x00\x00\x6b\x00\x0e\x33" + "\x2e\x8e\xa6\x0f" +
		"\x26event.sync.ptp-status.ptp-state-change" +
		"\x37/cluster/node/n1.example.com/sync/ptp-status/lock-state" +
		"\x07cluster" + "\x0en1.example.com" + "\x07ptp4l.0" + "\x1b/sync/ptp-status/lock-state" +
		"\x07ptp4l.0" + "\x06LOCKED" + "\x07FREERUN" + "\x0dOffsetInRange" +
		"\xa2\x02" + data
}

const data = `{"version":"1.0","values":[` +
	`{"ResourceAddress":"/cluster/node/n1.example.com/ens1f0/master","data_type":"notification","value_type":"enumeration","value":"LOCKED"},` +
	`{"ResourceAddress":"/cluster/node/n1.example.com/ens1f0/master","data_type":"metric","value_type":"decimal64.3","value":"-5"}]}`

// A journal is read by later versions of the program, so what is recorded is fixed.
func TestRecordedEvent(t *testing.T) {
	event := encode(t, oran.SourceFull, locked())
	if diff := gocmp.Diff(recorded(), string(event.Marshal())); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	missed := event
	missed.Missed = "true"
	if got, want := string(missed.Marshal()), recorded()+"\x04true"; got != want {
		t.Errorf("a change that was missed is recorded as %q, want %q", got, want)
	}
	for _, tc := range []struct {
		name, raw string
		want      oran.Event
	}{
		{"as it is", recorded(), event},
		{"with an empty text more", recorded() + "\x00", event},
		{"with a text more", recorded() + "\x04true", missed},
		{"with texts that are not known", recorded() + "\x04true" + "\x05later" + "\x00", missed},
	} {
		back, err := oran.Unmarshal([]byte(tc.raw))
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if diff := gocmp.Diff(tc.want, back); diff != "" {
			t.Errorf("%s, read back (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestMissed(t *testing.T) {
	transition := locked()
	for missed, want := range map[bool]any{false: nil, true: "true"} {
		transition.Missed = missed
		ce := encode(t, oran.SourceFull, transition).CloudEvent("e-1", 1)
		if got := ce.Extensions()["ptpmissed"]; got != want {
			t.Errorf("missed %v: ptpmissed is %v, want %v", missed, got, want)
		}
	}
}

// The numbers that consumers know, for every fix there is.
func TestGPSFix(t *testing.T) {
	for fix, want := range map[clock.GNSSFix]string{
		clock.FixNone: "0", clock.FixDeadReckoning: "1", clock.Fix2D: "2", clock.Fix3D: "3", clock.FixWithDeadReckoning: "4", clock.FixTimeOnly: "5",
	} {
		event := encode(t, oran.SourceFull, clock.Transition{Kind: clock.GNSSSyncStatus, Instance: "gnss0", To: clock.GNSSNoFix, Fix: fix})
		if !strings.HasSuffix(event.Data, `/gnss0/master/gpsFix","data_type":"metric","value_type":"decimal64.3","value":"`+want+`"}]}`) {
			t.Errorf("fix %d: %s, want gpsFix %s", fix, event.Data, want)
		}
	}
}

func TestLost(t *testing.T) {
	for format, source := range map[oran.SourceFormat]string{
		oran.SourceFull: "/cluster/node/n1.example.com/sync/eventing-ptp/events-lost",
		oran.SourceORAN: "/sync/eventing-ptp/events-lost",
	} {
		encoder, err := oran.NewEncoder(here, format)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(encoder.Lost(128, observed()).CloudEvent("6a1f3c2b9e4d-17-lost", 17))
		if err != nil {
			t.Fatal(err)
		}
		want := `{
			"specversion": "1.0",
			"type": "com.github.eventing-ptp.events.lost",
			"source": "` + source + `",
			"id": "6a1f3c2b9e4d-17-lost",
			"time": "2026-11-20T09:09:07.781100559Z",
			"subject": "n1.example.com",
			"datacontenttype": "application/json",
			"resourceaddress": "/cluster/node/n1.example.com/sync/eventing-ptp/events-lost",
			"node": "n1.example.com",
			"ptpstate": "128",
			"ptpreason": "JournalOverrun",
			"sequence": "00000000000000000017",
			"partitionkey": "/cluster/node/n1.example.com/sync/eventing-ptp/events-lost",
			"data": {"version": "1.0", "values": [
				{"ResourceAddress": "/cluster/node/n1.example.com/sync/eventing-ptp/events-lost",
				 "data_type": "metric", "value_type": "decimal64.3", "value": "128"}]}}`
		if diff := gocmp.Diff(decoded(t, want), decoded(t, string(got))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// What was said of a clock is what its state machine goes on with, and what is said of
// one property has one key.
func TestPast(t *testing.T) {
	keys := map[string]bool{}
	for _, transition := range []clock.Transition{
		{Kind: clock.LockState, Instance: "ptp4l.0", To: clock.Locked},
		{Kind: clock.LockState, Instance: "a/b\n", To: clock.Holdover},
		{Kind: clock.ClockClass, Instance: "ptp4l.0", To: clock.Class(255)},
		{Kind: clock.SyncState, To: clock.Freerun, Reason: clock.HoldoverExpired},
		{Kind: clock.OSClockState, To: clock.Locked},
		{Kind: clock.GNSSSyncStatus, Instance: "gnss0", To: clock.GNSSSynchronized, Reason: clock.GNSSFixed},
		{Kind: clock.GNSSSyncStatus, Instance: "tcp://127.0.0.1:4711", To: clock.GNSSNoFix},
		{Kind: clock.GNSSSyncStatus, Instance: "gnss1", To: clock.GNSSAntennaShort},
		{Kind: clock.SyncELockState, Instance: "ice.507c6fffff1fb1b8", To: clock.Holdover},
		{Kind: clock.SyncEQuality, Instance: "ice.507c6fffff1fb1b8", To: clock.QualityLevel{SSM: 11}},
		{Kind: clock.DaemonState, Instance: "ptp4l.0", To: clock.Daemon(true), Reason: clock.Reported},
		{Kind: clock.Grandmaster, Instance: "ptp4l.0", To: clock.Identity{0x42, 0x16, 0x0d, 0xff, 0xfe, 0x62, 0x7a, 0xe7}},
		{Kind: clock.PTPPortState, Instance: "ptp4l.0-1", To: clock.PreMaster},
		{Kind: clock.PTPPortState, Instance: "ptp4l.0-2", To: clock.Slave},
		{Kind: clock.LeapSecond, Instance: "ptp4l.0", To: clock.Leap59},
		{Kind: clock.PathDelayState, Instance: "ptp4l.0", To: clock.OutOfRange},
	} {
		event := encode(t, oran.SourceORAN, transition)
		got, ok := event.Past(here)
		if want := (clock.Past{Kind: transition.Kind, Instance: transition.Instance, Value: transition.To, Reason: transition.Reason}); !ok || got != want {
			t.Errorf("past %+v, %v, want %+v", got, ok, want)
		}
		if _, ok := event.Past(oran.Place{Cluster: here.Cluster, Node: "n2"}); ok {
			t.Error("another node takes over this one's past")
		}
		key := oran.Key(event.Marshal())
		if key == "" || keys[key] {
			t.Errorf("key %q of %s is empty or another's", key, event.Address)
		}
		keys[key] = true
		event.Previous = event.State
		if key := oran.Key(event.Marshal()); key != "" {
			t.Errorf("what repeats %s has the key %q", event.Address, key)
		}
	}
	encoder, err := oran.NewEncoder(here, oran.SourceFull)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := encoder.Lost(1, observed()).Past(here); ok {
		t.Errorf("lost events are the past of a clock: %+v", p)
	}
	for _, state := range []string{"", "UNKNOWN", "256", "LOCKED "} {
		for _, resource := range []string{oran.LockState, oran.ClockClass, oran.GNSSSyncStatus, oran.SyncELockState, oran.SyncEClockQuality, oran.DaemonState, oran.Grandmaster, oran.PortState, oran.LeapSecond, oran.PathDelayState} {
			event := oran.Event{Address: oran.Address{Cluster: here.Cluster, Node: here.Node, Resource: resource}, State: state}
			if p, ok := event.Past(here); ok {
				t.Errorf("%s %q is understood as %+v", resource, state, p)
			}
		}
	}
	for _, raw := range []string{"", "rubbish", "\x01", recorded()[:100], "\x02" + recorded()[1:]} {
		if key := oran.Key([]byte(raw)); key != "" {
			t.Errorf("%q has the key %q", raw, key)
		}
	}
}

// What is read from a record must not change when its bytes do.
func TestUnmarshalKeepsNothing(t *testing.T) {
	raw := []byte(recorded())
	event, err := oran.Unmarshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	if diff := gocmp.Diff(encode(t, oran.SourceFull, locked()), event); diff != "" {
		t.Errorf("changed with its record (-want +got):\n%s", diff)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"an event of a later version", "\x02" + recorded()[1:], "it was recorded in version 2, this program reads version 1"},
		{"a JSON document", `{}`, "it was recorded in version 123, this program reads version 1"},
		{"a second of more than a second", recorded()[:9] + "\x3b\x9a\xca\x00" + recorded()[13:], "its time has 1000000000 ns in a second"},
		{"a length beyond the end", recorded()[:13] + "\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "it is cut short"},
		{"a length beyond 64 bits", recorded()[:13] + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "it is cut short"},
		{"half of a later text", recorded() + "\x05lat", "it is cut short"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := oran.Unmarshal([]byte(tc.in)); err == nil || !strings.Contains(err.Error(), "unmarshal event: "+tc.want) {
				t.Errorf("error %v, want %q in it", err, tc.want)
			}
		})
	}
	for n := range recorded() {
		if _, err := oran.Unmarshal([]byte(recorded()[:n])); err == nil || err.Error() != "unmarshal event: it is cut short" {
			t.Errorf("the first %d bytes: error %v, want one that says that it is cut short", n, err)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(recorded()))
	f.Add([]byte(recorded() + "\x04true" + "\x05later"))
	f.Add([]byte("\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		key := oran.Key(raw)
		event, err := oran.Unmarshal(raw)
		if err != nil {
			return
		}
		if (key == "") != event.Repeats() {
			t.Errorf("%q has the key %q, and repeats a value: %v", raw, key, event.Repeats())
		}
		again := event.Marshal()
		if len(again) > len(raw) {
			t.Errorf("%q is recorded again in %d bytes, more than the %d it had", raw, len(again), len(raw))
		}
		if back, err := oran.Unmarshal(again); err != nil || back != event {
			t.Errorf("%q became %q: %v", raw, again, err)
		}
		_ = event.CloudEvent("e-1", 1)
	})
}

func TestDecodeData(t *testing.T) {
	const address = "/cluster/node/n1/ens1fx/master"
	for _, tc := range []struct {
		name, in string
		want     oran.Value
	}{
		{
			"a number as a string", `{"ResourceAddress":"/cluster/node/n1/ens1fx/master","data_type":"metric","value_type":"decimal64.3","value":"-99.6"}`,
			oran.Value{ResourceAddress: address, DataType: "metric", ValueType: "decimal64.3", Value: "-99.6"},
		},
		{
			"a number as a number", `{"ResourceAddress":"/cluster/node/n1/ens1fx/master","data_type":"metric","value_type":"decimal64.3","value":-99.600}`,
			oran.Value{ResourceAddress: address, DataType: "metric", ValueType: "decimal64.3", Value: "-99.600"},
		},
		{"a number beyond a float", `{"value":9007199254740993}`, oran.Value{Value: "9007199254740993"}},
		{
			"a type that is not known", `{"ResourceAddress":"/cluster/node/n1/ens1fx/master","data_type":"metric","value_type":"metric","value":"6"}`,
			oran.Value{ResourceAddress: address, DataType: "metric", ValueType: "metric", Value: "6"},
		},
		{
			"more members", `{"ResourceAddress":"/cluster/node/n1/ens1fx/master","data_type":"notification","value_type":"enumeration","value":"LOCKED","since":7}`,
			oran.Value{ResourceAddress: address, DataType: "notification", ValueType: "enumeration", Value: "LOCKED"},
		},
		{
			"type in place of data_type", `{"type":"notification","value_type":"enumeration","value":"LOCKED"}`,
			oran.Value{DataType: "notification", ValueType: "enumeration", Value: "LOCKED"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got oran.Data
			if err := json.Unmarshal([]byte(`{"version":"1.0","more":true,"values":[`+tc.in+`]}`), &got); err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(oran.Data{Version: "1.0", Values: []oran.Value{tc.want}}, got); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
		})
	}
	for _, in := range []string{`{"value":{}}`, `{"value":[1]}`, `{"value":true}`, `{}`} {
		var got oran.Value
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s is decoded as %+v, want an error", in, got)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	encoder, err := oran.NewEncoder(here, oran.SourceFull)
	if err != nil {
		t.Fatal(err)
	}
	for name, transition := range map[string]clock.Transition{
		"no state":         {Kind: clock.LockState, Instance: "ptp4l.0"},
		"an unknown state": {Kind: clock.LockState, Instance: "ptp4l.0", From: clock.Locked, To: clock.Unknown},
		"an unknown kind":  {Kind: 200, Instance: "ptp4l.0", To: clock.Locked},
	} {
		if event, err := encoder.Encode(transition, observed()); err == nil || !strings.Contains(err.Error(), `"ptp4l.0"`) {
			t.Errorf("%s: %+v, %v, want an error that names the instance", name, event, err)
		}
	}
}

func TestNewEncoderRefuses(t *testing.T) {
	for _, place := range []oran.Place{
		{},
		{Cluster: "cluster"},
		{Node: "n1"},
		{Cluster: "cluster", Node: "n/1"},
		{Cluster: "cluster", Node: "n*"},
		{Cluster: "clus ter", Node: "n1"},
		{Cluster: "a//b", Node: "n1"},
		{Cluster: "a", Node: "n\n1"},
		{Cluster: "a/node/b", Node: "n1"},
	} {
		if _, err := oran.NewEncoder(place, oran.SourceFull); err == nil {
			t.Errorf("NewEncoder takes %+v", place)
		}
	}
	if _, err := oran.NewEncoder(here, "bare"); err == nil || !strings.Contains(err.Error(), `must be "full" or "oran"`) {
		t.Errorf("error %v, want one that names the formats", err)
	}
}

// An instance is named after a file, and a file name must not break an address or a
// header.
func TestInstanceOfAnyName(t *testing.T) {
	transition := locked()
	transition.Instance = "a/b\n"
	event := encode(t, oran.SourceFull, transition)
	if event.Address.Instance != "a%2Fb%0A" || event.Subject != "a%2Fb%0A" {
		t.Errorf("instance %q, subject %q, want both a%%2Fb%%0A", event.Address.Instance, event.Subject)
	}
	if parsed := parse(t, event.Address.String()); parsed != event.Address {
		t.Errorf("%q is read as %+v", event.Address, parsed)
	}
}
