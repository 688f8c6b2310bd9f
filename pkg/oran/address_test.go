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
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

func TestParseAddress(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     oran.Address
		printed  string
	}{{
		name:    "a resource of a node",
		in:      "/cluster/node/n1.example.com/sync/ptp-status/lock-state",
		want:    oran.Address{Cluster: "cluster", Node: "n1.example.com", Resource: oran.LockState},
		printed: "/cluster/node/n1.example.com/sync/ptp-status/lock-state",
	}, {
		name:    "an instance of a node",
		in:      "/cluster/node/n1/ptp4l.0/sync/ptp-status/clock-class",
		want:    oran.Address{Cluster: "cluster", Node: "n1", Instance: "ptp4l.0", Resource: oran.ClockClass},
		printed: "/cluster/node/n1/ptp4l.0/sync/ptp-status/clock-class",
	}, {
		name:    "an instance below another",
		in:      "/cluster/node/n1/nic1/ptp4l.0/sync",
		want:    oran.Address{Cluster: "cluster", Node: "n1", Instance: "nic1/ptp4l.0", Resource: "/sync"},
		printed: "/cluster/node/n1/nic1/ptp4l.0/sync",
	}, {
		name:    "a node without the word node",
		in:      "/./controller-0/sync/ptp-status",
		want:    oran.Address{Cluster: ".", Node: "controller-0", Resource: "/sync/ptp-status"},
		printed: "/./node/controller-0/sync/ptp-status",
	}, {
		name:    "an instance without the word node",
		in:      "/./controller-0/ptp-inst1/sync/ptp-status/clock-class",
		want:    oran.Address{Cluster: ".", Node: "controller-0", Instance: "ptp-inst1", Resource: oran.ClockClass},
		printed: "/./node/controller-0/ptp-inst1/sync/ptp-status/clock-class",
	}, {
		name:    "here",
		in:      "/././sync",
		want:    oran.Address{Cluster: ".", Node: ".", Resource: "/sync"},
		printed: "/./node/./sync",
	}, {
		name:    "every node",
		in:      "/./*/sync",
		want:    oran.Address{Cluster: ".", Node: "*", Resource: "/sync"},
		printed: "/./node/*/sync",
	}, {
		name:    "a cluster with a site",
		in:      "/region/site7/node/n1/sync",
		want:    oran.Address{Cluster: "region/site7", Node: "n1", Resource: "/sync"},
		printed: "/region/site7/node/n1/sync",
	}, {
		name:    "a resource alone",
		in:      "/sync/sync-status/sync-state",
		want:    oran.Address{Resource: oran.SyncState},
		printed: "/sync/sync-status/sync-state",
	}, {
		name:    "a node alone",
		in:      "/cluster/node/n1",
		want:    oran.Address{Cluster: "cluster", Node: "n1"},
		printed: "/cluster/node/n1",
	}, {
		name:    "repeated, missing and trailing slashes",
		in:      "cluster//node/n1///sync/ptp-status//lock-state/",
		want:    oran.Address{Cluster: "cluster", Node: "n1", Resource: oran.LockState},
		printed: "/cluster/node/n1/sync/ptp-status/lock-state",
	}, {
		name:    "the clock class by its earlier name",
		in:      "/cluster/node/n1/sync/ptp-status/ptp-clock-class-change",
		want:    oran.Address{Cluster: "cluster", Node: "n1", Resource: oran.ClockClass},
		printed: "/cluster/node/n1/sync/ptp-status/clock-class",
	}, {
		name:    "a node called sync",
		in:      "/cluster/node/sync/sync/ptp-status/lock-state",
		want:    oran.Address{Cluster: "cluster", Node: "sync", Resource: oran.LockState},
		printed: "/cluster/node/sync/sync/ptp-status/lock-state",
	}} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := oran.ParseAddress(tc.in)
			if err != nil || got != tc.want {
				t.Errorf("ParseAddress(%q) = %+v, %v, want %+v", tc.in, got, err, tc.want)
			}
			if got.String() != tc.printed {
				t.Errorf("String() = %q, want %q", got, tc.printed)
			}
		})
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for _, in := range []string{"", "/", "//", "/cluster", "/n1/sync", "/./sync/ptp-status/lock-state"} {
		_, err := oran.ParseAddress(in)
		if err == nil || !strings.Contains(err.Error(), "it must be /sync/<resource>, with or without /<cluster>/node/<node>") {
			t.Errorf("ParseAddress(%q): error %v, want one that says what is expected", in, err)
		}
	}
}

func TestMatch(t *testing.T) {
	here := oran.Place{Cluster: "cluster", Node: "n1"}
	for _, tc := range []struct {
		pattern, address string
		want             bool
	}{
		{"/cluster/node/n1/sync/ptp-status/lock-state", "/cluster/node/n1/sync/ptp-status/lock-state", true},
		{"/cluster/node/n2/sync/ptp-status/lock-state", "/cluster/node/n1/sync/ptp-status/lock-state", false},
		{"/cluster/node/n1/sync/ptp-status/lock-state", "/cluster/node/n11/sync/ptp-status/lock-state", false},
		{"/other/node/n1/sync/ptp-status/lock-state", "/cluster/node/n1/sync/ptp-status/lock-state", false},

		// A path covers what is below it, and nothing beside it.
		{"/cluster/node/n1/sync", "/cluster/node/n1/sync/ptp-status/lock-state", true},
		{"/cluster/node/n1/sync/ptp-status", "/cluster/node/n1/sync/ptp-status/lock-state", true},
		{"/cluster/node/n1/sync/ptp-status/lock", "/cluster/node/n1/sync/ptp-status/lock-state", false},
		{"/cluster/node/n1/sync/ptp-status/lock-state", "/cluster/node/n1/sync/ptp-status", false},
		{"/cluster/node/n1", "/cluster/node/n1/sync/ptp-status/lock-state", true},
		{"/cluster/node/n1", "/cluster/node/n1/ptp4l.0/sync/ptp-status/lock-state", true},

		// A resource alone is that of any node.
		{"/sync", "/cluster/node/n1/sync/ptp-status/lock-state", true},
		{"/sync/ptp-status/lock-state", "/cluster/node/n2/ptp4l.0/sync/ptp-status/lock-state", true},
		{"/sync/sync-status", "/cluster/node/n1/sync/ptp-status/lock-state", false},
		{"/sync/ptp-status/ptp-clock-class-change", "/cluster/node/n1/sync/ptp-status/clock-class", true},

		// The dot is this cluster, this node.
		{"/././sync", "/cluster/node/n1/sync/ptp-status/lock-state", true},
		{"/././sync", "/cluster/node/n2/sync/ptp-status/lock-state", false},
		{"/././sync", "/other/node/n1/sync/ptp-status/lock-state", false},
		{"/./n2/sync", "/cluster/node/n2/sync/ptp-status/lock-state", true},

		// Wildcards name several nodes.
		{"/./*/sync", "/cluster/node/n2/sync/ptp-status/lock-state", true},
		{"/cluster/node/n*/sync", "/cluster/node/n2/sync/ptp-status/lock-state", true},
		{"/cluster/node/m*/sync", "/cluster/node/n2/sync/ptp-status/lock-state", false},
		{"/*/node/n2/sync", "/cluster/node/n2/sync/ptp-status/lock-state", true},
		{"/cluster/node/[/sync", "/cluster/node/n1/sync/ptp-status/lock-state", false},

		// An instance is one of several; without one all are meant.
		{"/cluster/node/n1/sync", "/cluster/node/n1/ptp4l.0/sync/ptp-status/lock-state", true},
		{"/cluster/node/n1/ptp4l.0/sync", "/cluster/node/n1/ptp4l.0/sync/ptp-status/lock-state", true},
		{"/./n1/ptp4l.0/sync", "/cluster/node/n1/ptp4l.0/sync/ptp-status/lock-state", true},
		{"/./n1/ptp4l.1/sync", "/cluster/node/n1/ptp4l.0/sync/ptp-status/lock-state", false},
		{"/./n1/ptp4l.*/sync", "/cluster/node/n1/ptp4l.0/sync/ptp-status/lock-state", true},
		{"/./n1/*/sync", "/cluster/node/n1/sync/sync-status/sync-state", false},
	} {
		t.Run(tc.pattern+" on "+tc.address, func(t *testing.T) {
			if got := oran.Match(parse(t, tc.pattern), parse(t, tc.address), here); got != tc.want {
				t.Errorf("Match = %v, want %v", got, tc.want)
			}
		})
	}
}

func parse(t *testing.T, s string) oran.Address {
	t.Helper()
	a, err := oran.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// An address built from any words is understood by every shape it can be written in,
// covers itself, and is covered by each of its own wildcards.
func TestAddressProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"cluster", "n1", "n1.example.com", "ptp4l.0", "ens1f0", "nic1", "lab-3"}
	word := func() string { return words[random.IntN(len(words))] }
	for range 2000 {
		rows := oran.Definitions()
		want := oran.Address{Cluster: word(), Node: word(), Resource: rows[random.IntN(len(rows))].Resource}
		if random.IntN(2) == 0 {
			want.Instance = word()
		}
		long := want.String()
		short := strings.Replace(long, "/node/", "/", 1)
		for _, s := range []string{long, short, strings.ReplaceAll(long, "/", "//"), short + "/"} {
			if got := parse(t, s); got != want {
				t.Fatalf("ParseAddress(%q) = %+v, want %+v", s, got, want)
			}
		}
		here := oran.Place{Cluster: want.Cluster, Node: want.Node}
		for _, pattern := range []string{long, "/sync", "/././sync", "/./*/sync", "/./" + want.Node + "/" + want.Instance + want.Resource} {
			if !oran.Match(parse(t, pattern), want, here) {
				t.Fatalf("%q does not cover %q", pattern, long)
			}
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{
		"/cluster/node/n1/sync/ptp-status/lock-state", "/./n1/ptp4l.0/sync", "/././sync", "/sync", "//a//b//", "/node/node/node/node",
		"/a/b/node", "/sync/sync/sync/sync", "/a/[/sync/ptp-status/ptp-clock-class-change", "/a/node/b/node/c/sync/x/sync/y",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := oran.ParseAddress(s)
		if err != nil {
			return
		}
		again, err := oran.ParseAddress(a.String())
		if err != nil || again != a {
			t.Errorf("%q parses as %+v, which prints as %q and parses as %+v, %v", s, a, a, again, err)
		}
		if here := (oran.Place{Cluster: a.Cluster, Node: a.Node}); !oran.Match(a, a, here) {
			t.Errorf("%q does not match itself", s)
		}
	})
}

func TestDefine(t *testing.T) {
	lock := oran.Definition{
		Resource: "/sync/ptp-status/lock-state", EventType: "event.sync.ptp-status.ptp-state-change",
		DataType: "notification", ValueType: "enumeration",
	}
	for _, tc := range []struct {
		name string
		want oran.Definition
	}{
		{"/sync/ptp-status/lock-state", lock},
		{"event.sync.ptp-status.ptp-state-change", lock},
		{"/sync/ptp-status/ptp-clock-class-change", oran.Definition{
			Resource: "/sync/ptp-status/clock-class", EventType: "event.sync.ptp-status.ptp-clock-class-change",
			DataType: "metric", ValueType: "decimal64.3",
		}},
		{"event.sync.sync-status.synce-state-change", oran.Definition{
			Resource: "/sync/synce-status/lock-state", EventType: "event.sync.synce-status.synce-state-change",
			DataType: "notification", ValueType: "enumeration",
		}},
		{"event.sync.sync-status.sync-clock-quality-change", oran.Definition{
			Resource: "/sync/synce-status/clock-quality", EventType: "event.sync.synce-status.synce-clock-quality-change",
			DataType: "metric", ValueType: "decimal64.3",
		}},
		{"com.github.eventing-ptp.os-clock.stepped", oran.Definition{
			Resource: "/sync/sync-status/os-clock-set", EventType: "com.github.eventing-ptp.os-clock.stepped",
			DataType: "metric", ValueType: "decimal64.3",
		}},
		{"com.github.eventing-ptp.hardware-clock.stepped", oran.Definition{
			Resource: "/sync/ptp-status/hardware-clock-set", EventType: "com.github.eventing-ptp.hardware-clock.stepped",
			DataType: "metric", ValueType: "decimal64.3",
		}},
		{"com.github.eventing-ptp.grandmaster.changed", oran.Definition{
			Resource: "/sync/ptp-status/grandmaster", EventType: "com.github.eventing-ptp.grandmaster.changed",
			DataType: "notification", ValueType: "enumeration",
		}},
	} {
		if got, ok := oran.Define(tc.name); !ok || got != tc.want {
			t.Errorf("Define(%q) = %+v, %v, want %+v", tc.name, got, ok, tc.want)
		}
	}
	for _, name := range []string{"", "/sync", "/sync/ptp-status/lock-state/", "event.sync.ptp-status"} {
		if got, ok := oran.Define(name); ok {
			t.Errorf("Define(%q) = %+v, want none", name, got)
		}
	}
}

func TestDetails(t *testing.T) {
	for _, tc := range []struct {
		types []string
		want  bool
	}{
		{nil, false},
		{[]string{oran.LockStateChange, oran.OSClockStepped}, false},
		{[]string{oran.LockStateChange, oran.LeapSecondChanged}, true},
	} {
		if got := oran.Details(tc.types); got != tc.want {
			t.Errorf("%q: %v", tc.types, got)
		}
	}
}

func TestWanted(t *testing.T) {
	const lock, stepped = "event.sync.ptp-status.ptp-state-change", "com.github.eventing-ptp.os-clock.stepped"
	for _, tc := range []struct {
		name, eventType string
		types           []string
		want            bool
	}{
		{"O-RAN's where none is named", lock, nil, true},
		{"our own where none is named", stepped, nil, false},
		{"one that is named", lock, []string{stepped, lock}, true},
		{"our own, named", stepped, []string{stepped}, true},
		{"one that is not named", lock, []string{stepped}, false},
	} {
		if got := oran.Wanted(tc.eventType, tc.types); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
