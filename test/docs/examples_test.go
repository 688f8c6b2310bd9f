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

package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/test/docs"
)

// examples are what an adapter makes of these changes: one event of each type.
func examples(t *testing.T) []oran.Event {
	t.Helper()
	encoder, err := oran.NewEncoder(oran.Place{Cluster: "cluster", Node: "n1"}, oran.SourceFull)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 20, 15, 29, 51, 699090444, time.UTC)
	var all []oran.Event
	for n, change := range []clock.Transition{
		{Kind: clock.LockState, Instance: "ptp4l.0", Interface: "ens1f0", From: clock.Freerun, To: clock.Locked, Reason: clock.OffsetInRange, Offset: -5, HasOffset: true},
		{Kind: clock.ClockClass, Instance: "ptp4l.0", Interface: "ens1f0", From: clock.Class(6), To: clock.Class(7), Reason: clock.ParentClass},
		{Kind: clock.SyncState, From: clock.Locked, To: clock.Holdover, Reason: clock.SyncSilent},
		{Kind: clock.OSClockState, From: clock.Locked, To: clock.Freerun, Reason: clock.ClockStepped},
		{Kind: clock.GNSSSyncStatus, Instance: "gnss0", From: clock.GNSSAcquiring, To: clock.GNSSSynchronized, Reason: clock.GNSSFixed, Fix: clock.Fix3D},
		{Kind: clock.SyncELockState, Instance: "ice-5799633565433967664", Interface: "ens1f0", From: clock.Locked, To: clock.Holdover, Reason: clock.DPLLLockStatus},
		{Kind: clock.SyncEQuality, Instance: "mlx5-13837309855101894656", To: clock.QualityLevel{SSM: 11, Enhanced: 255}, Reason: clock.DPLLLockStatus},
		{Kind: clock.OSClockSet, To: clock.Shift(-37 * time.Second), Reason: clock.ClockStepped},
		{Kind: clock.HardwareClockSet, Instance: "ptp0", To: clock.Shift(time.Millisecond), Reason: clock.ClockStepped},
		{Kind: clock.DaemonState, Instance: "ptp4l.0", Interface: "ens1f0", From: clock.Daemon(true), To: clock.Daemon(false), Reason: clock.DaemonDown},
		{Kind: clock.Grandmaster, Instance: "ptp4l.0", Interface: "ens1f0", From: identity(1), To: identity(2), Reason: clock.Reported},
		{Kind: clock.PTPPortState, Instance: clock.PortName("ptp4l.0", 1), Interface: "ens1f0", From: clock.Slave, To: clock.Faulty, Reason: clock.Reported},
		{Kind: clock.LeapSecond, Instance: "ptp4l.0", Interface: "ens1f0", From: clock.NoLeap, To: clock.Leap61, Reason: clock.Reported},
		{Kind: clock.PathDelayState, Instance: "ptp4l.0", Interface: "ens1f0", From: clock.InRange, To: clock.OutOfRange, Reason: clock.Reported, PathDelay: 1200 * time.Microsecond, HasPathDelay: true},
	} {
		event, err := encoder.Encode(change, at.Add(time.Duration(n)*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, event)
	}
	test, err := encoder.Test(oran.Address{}, at.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return append(all, encoder.Lost(3, at.Add(time.Hour)), test)
}

// identity is that of one grandmaster or another.
func identity(n byte) clock.Identity {
	return clock.Identity{0x42, 0x16, 0x0d, 0xff, 0xfe, 0x62, 0x7a, n}
}

// The examples in docs/events.md are what an adapter sends, one of each type.
func TestExamplesOfEvents(t *testing.T) {
	page, err := docs.Read(root + "/docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(page.Text, "\n## Examples\n")
	shown := blocks(section, "json")
	types, want := map[string]bool{}, ""
	for n, event := range examples(t) {
		sequence := uint64(18 + n)
		id := fmt.Sprintf("6b00676949ec-%d", sequence)
		if event.Type == oran.EventsLostNotice {
			id += "-lost"
		}
		ce := event.CloudEvent(id, sequence)
		types[event.Type] = true
		text, err := json.Marshal(ce)
		if err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, text, "", "  "); err != nil {
			t.Fatal(err)
		}
		want += "```json\n" + pretty.String() + "\n```\n\n"
		if n >= len(shown) {
			continue
		}
		if diff := cmp.Diff(pretty.String()+"\n", shown[n]); diff != "" {
			t.Errorf("%s, sent (-) and shown (+):\n%s", event.Type, diff)
		}
	}
	for _, d := range oran.Definitions() {
		if !types[d.EventType] {
			t.Errorf("there is no example of %s", d.EventType)
		}
	}
	if len(shown) != len(types) {
		t.Errorf("the page shows %d examples of %d types; all are:\n%s", len(shown), len(types), want)
	}
}
