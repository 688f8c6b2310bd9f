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

package simulator

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

func TestSubscriptionExpires(t *testing.T) {
	for _, tc := range []struct {
		name       string
		version    Version
		subscribed []time.Duration // when the client asks for 8 s
		duration   uint16
		at         time.Duration
		want       bool
	}{
		{name: "before its time", subscribed: []time.Duration{0}, duration: 8, at: 7900 * time.Millisecond, want: true},
		{name: "at its time", subscribed: []time.Duration{0}, duration: 8, at: 8 * time.Second, want: false},
		{name: "early, because only whole seconds count", subscribed: []time.Duration{900 * time.Millisecond}, duration: 8, at: 8 * time.Second, want: false},
		{name: "renewed", subscribed: []time.Duration{0, 2 * time.Second, 4 * time.Second}, duration: 8, at: 11 * time.Second, want: true},
		{name: "renewed, and over", subscribed: []time.Duration{0, 2 * time.Second, 4 * time.Second}, duration: 8, at: 12 * time.Second, want: false},
		{name: "no duration at all", subscribed: []time.Duration{0}, duration: 0, at: 0, want: false},
		{name: "65535 in 4.2 is a long time", version: "4.2", subscribed: []time.Duration{0}, duration: 65535, at: 65535 * time.Second, want: false},
		{name: "65535 in 4.4 is for ever", version: "4.4", subscribed: []time.Duration{0}, duration: 65535, at: 65535 * time.Second, want: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := atOnce()
			if tc.version != "" {
				c.Version = tc.version
			}
			d, out := newTestDaemon(t, c)
			for _, at := range tc.subscribed {
				d.receive(subscribeFrame(tc.duration, everything), "client", false, at)
			}
			d.settle(tc.at)
			out.sent = nil
			d.measure(12, tc.at)
			if got := len(out.sent) == 1; got != tc.want {
				t.Errorf("%d pushes at %v; subscribed should be %v", len(out.sent), tc.at, tc.want)
			}
		})
	}
}

func TestSubscriptionIsTold(t *testing.T) {
	for _, tc := range []struct {
		name     string
		version  Version
		ask      uint16
		events   pmc.EventMask
		later    time.Duration
		duration uint16
	}{
		{name: "at once", ask: 8, events: everything, duration: 8},
		{name: "what is left of it", ask: 8, events: everything, later: 3 * time.Second, duration: 5},
		{name: "events that nobody knows", ask: 8, events: pmc.Events(200), duration: 8},
		{name: "65535 in 4.2", version: "4.2", ask: 65535, events: everything, duration: 65535},
		{name: "65535 in 4.4", version: "4.4", ask: 65535, events: everything, duration: 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := atOnce()
			if tc.version != "" {
				c.Version = tc.version
			}
			d, out := newTestDaemon(t, c)
			d.receive(subscribeFrame(tc.ask, tc.events), "client", false, 0)
			d.receive(requestFrame(pmc.ActionGet, pmc.IDSubscribeEventsNP), "client", false, tc.later)
			m, err := pmc.Parse(out.sent[1].frame)
			if err != nil {
				t.Fatal(err)
			}
			var got pmc.SubscribeEventsNP
			if err := got.UnmarshalBinary(m.Data); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(pmc.SubscribeEventsNP{Duration: tc.duration, Events: tc.events}, got); diff != "" {
				t.Errorf("subscription (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPushesAreNumberedPerSubscription(t *testing.T) {
	d, out := newTestDaemon(t, atOnce())
	sequences := func() []uint16 {
		var got []uint16
		for _, o := range out.sent {
			m, err := pmc.Parse(o.frame)
			if err != nil {
				t.Fatal(err)
			}
			if m.IsPush() {
				got = append(got, m.Sequence)
			}
		}
		out.sent = nil
		return got
	}
	expect := func(what string, want ...uint16) {
		t.Helper()
		if diff := cmp.Diff(want, sequences()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	d.receive(subscribeFrame(8, everything), "client", false, 0)
	d.measure(1, 0)
	d.measure(2, 0)
	expect("from 0", 0, 1)

	d.receive(subscribeFrame(8, everything), "client", false, 0)
	d.measure(3, 0)
	expect("a renewal goes on", 2)

	d.dropPushes = 2
	d.measure(4, 0)
	d.measure(5, 0)
	d.measure(6, 0)
	expect("lost pushes leave a gap", 5)

	d.receive(subscribeFrame(8, pmc.EventMask{}), "client", false, 0)
	d.measure(7, 0)
	expect("an empty mask ends it")

	d.receive(subscribeFrame(8, everything), "client", false, 0)
	d.measure(8, 0)
	expect("a new one starts at 0", 0)

	d.settle(8 * time.Second)
	d.receive(subscribeFrame(8, everything), "client", false, 9*time.Second)
	d.measure(9, 9*time.Second)
	expect("so does one after expiry", 0)
}

func TestSubscribersAreKnownByTheirIdentity(t *testing.T) {
	d, out := newTestDaemon(t, atOnce())
	d.receive(subscribeFrame(8, everything), "old address", false, 0)
	d.receive(subscribeFrame(8, everything), "new address", false, 0)
	other := pmc.Message{
		Source: pmc.PortIdentity{Clock: otherGM, Port: 7}, Target: pmc.Anyone(), Action: pmc.ActionSet, ID: pmc.IDSubscribeEventsNP,
		Data: encode(&pmc.SubscribeEventsNP{Duration: 8, Events: pmc.Events(pmc.NotifyPortState)}),
	}
	d.receive(encode(&other), "another client", false, 0)
	out.sent = nil
	d.measure(1, 0)
	d.setState(d.ports[0], pmc.PortUncalibrated, 0)
	var got []string
	for _, o := range out.sent {
		m, err := pmc.Parse(o.frame)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.to+": "+describe(t, o.frame)+" for "+m.Target.String())
	}
	want := []string{
		"new address: sync 1 for cafe00.0000.000001-1",
		"new address: port 1 UNCALIBRATED for cafe00.0000.000001-1",
		"another client: port 1 UNCALIBRATED for 0a0000.fffe.000002-7",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
}

func TestPushesOfEachVersion(t *testing.T) {
	for _, tc := range []struct {
		version Version
		want    []string
	}{
		{"3.1.1", []string{"port 1 FAULTY"}},
		{"4.0", []string{"sync 1", "port 1 FAULTY"}},
		{"4.1", []string{"sync 1", "port 1 FAULTY"}},
		{"4.2", []string{"sync 1", "port 1 FAULTY", "parent 767f31.fffe.399e95 class 255"}},
		{"4.4", []string{"sync 1", "port 1 FAULTY", "parent 767f31.fffe.399e95 class 255"}},
	} {
		t.Run(string(tc.version), func(t *testing.T) {
			c := atOnce()
			c.Version = tc.version
			s, out := newRecorded(t, c)
			s.PushNow(1)
			s.LinkDown(1)
			if diff := cmp.Diff(tc.want, out.take(t)); diff != "" {
				t.Errorf("pushes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeadOfEachVersion(t *testing.T) {
	for _, tc := range []struct {
		version Version
		want    [2]byte // versionPTP, controlField
	}{{"3.1.1", [2]byte{0x02, 4}}, {"4.0", [2]byte{0x12, 0}}, {"4.4", [2]byte{0x12, 0}}} {
		c := atOnce()
		c.Version = tc.version
		d, out := newTestDaemon(t, c)
		d.receive(requestFrame(pmc.ActionGet, pmc.IDPriority1), "client", false, 0)
		f := out.sent[0].frame
		if got := [2]byte{f[1], f[32]}; got != tc.want {
			t.Errorf("%s: versionPTP and controlField %x, want %x", tc.version, got, tc.want)
		}
	}
}
