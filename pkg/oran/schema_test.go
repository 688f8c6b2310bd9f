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
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

const schemas = "../../docs/events/v1"

// schemaOf returns the published JSON Schema of an event type's data.
func schemaOf(t *testing.T, eventType string) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(schemas, eventType+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, data string) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(document)
}

// What is sent is what the published schemas say, and there is a schema for all of it.
func TestDataIsAsItsSchemaSays(t *testing.T) {
	sent := map[string]int{}
	for _, kind := range []clock.Kind{
		clock.LockState, clock.ClockClass, clock.SyncState, clock.OSClockState, clock.OSClockSet, clock.HardwareClockSet, clock.GNSSSyncStatus, clock.SyncELockState,
		clock.SyncEQuality, clock.DaemonState, clock.Grandmaster, clock.PTPPortState, clock.LeapSecond, clock.PathDelayState,
	} {
		values := []clock.Value{clock.Locked, clock.Holdover, clock.Freerun}
		switch kind {
		case clock.DaemonState:
			values = []clock.Value{clock.Daemon(true), clock.Daemon(false)}
		case clock.Grandmaster:
			values = []clock.Value{clock.Identity{}, clock.Identity{0xff, 1, 2, 3, 4, 5, 6, 0xff}}
		case clock.PTPPortState:
			values = nil
			for s := clock.Initializing; s <= clock.Slave; s++ {
				values = append(values, s)
			}
		case clock.LeapSecond:
			values = []clock.Value{clock.NoLeap, clock.Leap59, clock.Leap61}
		case clock.PathDelayState:
			values = []clock.Value{clock.InRange, clock.OutOfRange}
		}
		if kind == clock.ClockClass {
			values = []clock.Value{clock.Class(0), clock.Class(6), clock.Class(13), clock.Class(248), clock.Class(255)}
		}
		if kind == clock.OSClockSet || kind == clock.HardwareClockSet {
			values = []clock.Value{clock.Shift(0), clock.Shift(-37 * time.Second), clock.Shift(1)}
		}
		if kind == clock.GNSSSyncStatus {
			values = []clock.Value{clock.GNSSSynchronized, clock.GNSSAcquiring, clock.GNSSAntennaOpen, clock.GNSSAntennaShort, clock.GNSSNoFix}
		}
		if kind == clock.SyncEQuality {
			values = []clock.Value{clock.QualityLevel{SSM: 2, Enhanced: 0x20}, clock.QualityLevel{SSM: 11, Enhanced: 255}}
		}
		for _, to := range values {
			for _, offset := range []time.Duration{-time.Hour, 0, 37 * time.Microsecond} {
				for _, transition := range []clock.Transition{
					{Kind: kind, Instance: "ptp4l.0", Interface: "ens1f0", To: to, Offset: offset, HasOffset: true, PathDelay: offset, HasPathDelay: true, Fix: clock.Fix3D},
					{Kind: kind, Instance: "a b/c\n", To: to},
				} {
					event := encode(t, oran.SourceFull, transition)
					if err := validate(t, schemaOf(t, event.Type), event.Data); err != nil {
						t.Errorf("%s: %s: %v", event.Type, event.Data, err)
					}
					sent[event.Type]++
				}
			}
		}
	}
	encoder, err := oran.NewEncoder(here, oran.SourceFull)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []uint64{1, 4096, 1<<64 - 1} {
		event := encoder.Lost(n, observed())
		if err := validate(t, schemaOf(t, event.Type), event.Data); err != nil {
			t.Errorf("%s: %s: %v", event.Type, event.Data, err)
		}
		sent[event.Type]++
	}
	test, err := encoder.Test(oran.Address{}, observed())
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, schemaOf(t, test.Type), test.Data); err != nil {
		t.Errorf("%s: %s: %v", test.Type, test.Data, err)
	}
	sent[test.Type]++
	files, err := filepath.Glob(filepath.Join(schemas, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		eventType := strings.TrimSuffix(name, ".json")
		if sent[eventType] == 0 {
			t.Errorf("%s describes what nobody sends", file)
		}
		if id := schemaOf(t, eventType).ID; !strings.HasSuffix(id, "/docs/events/v1/"+name+"#") && !strings.HasSuffix(id, "/docs/events/v1/"+name) {
			t.Errorf("%s: $id is %s", file, id)
		}
	}
	if len(files) != len(sent) {
		t.Errorf("%d schemas for the %d types that are sent", len(files), len(sent))
	}
}

func TestSchemasRefuse(t *testing.T) {
	const locked = `{"ResourceAddress":"/cluster/node/n1/ens1f0/master","data_type":"notification","value_type":"enumeration","value":"LOCKED"}`
	for _, tc := range []struct{ name, eventType, data string }{
		{"no values", oran.LockStateChange, `{"version":"1.0","values":[]}`},
		{"no version", oran.LockStateChange, `{"values":[` + locked + `]}`},
		{"another version", oran.LockStateChange, `{"version":"2.0","values":[` + locked + `]}`},
		{"a state that is none", oran.LockStateChange, strings.Replace(document1(locked), "LOCKED", "UNKNOWN", 1)},
		{"a value without an address", oran.LockStateChange, strings.Replace(document1(locked), "ResourceAddress", "resource", 1)},
		{"a number that is no string", oran.ClockClassChange, document1(`{"ResourceAddress":"/cluster/node/n1/ens1f0/master","data_type":"metric","value_type":"decimal64.3","value":6}`)},
		{"a class that is none", oran.ClockClassChange, document1(`{"ResourceAddress":"/cluster/node/n1/ens1f0/master","data_type":"metric","value_type":"decimal64.3","value":"256"}`)},
		{"a state in place of a class", oran.ClockClassChange, document1(locked)},
		{"a state of a receiver that nobody knows", oran.GNSSSyncStatusChange, strings.Replace(document1(locked), "LOCKED", "BOOTING", 1)},
		{"a state of a clock in place of a receiver's", oran.GNSSSyncStatusChange, document1(locked)},
		{"a fix that is none", oran.GNSSSyncStatusChange, strings.Replace(document1(locked+`,{"ResourceAddress":"/x","data_type":"metric","value_type":"decimal64.3","value":"6"}`), "LOCKED", "SYNCHRONIZED", 1)},
		{"a state of SyncE that is none", oran.SyncELockStateChange, strings.Replace(document1(locked), "LOCKED", "locked-ho-acq", 1)},
		{"a quality that is none", oran.SyncEClockQualityChange, document1(`{"ResourceAddress":"/x/Ql","data_type":"metric","value_type":"decimal64.3","value":"QL-PRC"}`)},
		{"no lost event", oran.EventsLostNotice, document1(`{"ResourceAddress":"/cluster/node/n1/sync/eventing-ptp/events-lost","data_type":"metric","value_type":"decimal64.3","value":"0"}`)},
		{"an offset that is no number", oran.LockStateChange, document1(locked + `,{"ResourceAddress":"/x","data_type":"metric","value_type":"decimal64.3","value":"5ns"}`)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !json.Valid([]byte(tc.data)) {
				t.Fatalf("%s is no JSON", tc.data)
			}
			if validate(t, schemaOf(t, tc.eventType), tc.data) == nil {
				t.Errorf("%s is taken", tc.data)
			}
		})
	}
}

func document1(values string) string { return `{"version":"1.0","values":[` + values + `]}` }
