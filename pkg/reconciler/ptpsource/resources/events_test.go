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

package resources_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

func TestCloudEventAttributes(t *testing.T) {
	watched := &v1alpha1.OSClock{Enabled: true}
	for _, tc := range []struct {
		name    string
		osClock *v1alpha1.OSClock
		events  v1alpha1.Events
		want    []duckv1.CloudEventAttributes
	}{
		{"all that can be sent, once for all nodes", nil, v1alpha1.Events{}, []duckv1.CloudEventAttributes{
			{Type: "event.sync.ptp-status.ptp-state-change", Source: "/cluster/node/*/sync/ptp-status/lock-state"},
			{Type: "event.sync.ptp-status.ptp-clock-class-change", Source: "/cluster/node/*/sync/ptp-status/clock-class"},
			{Type: "event.sync.sync-status.synchronization-state-change", Source: "/cluster/node/*/sync/sync-status/sync-state"},
			{Type: "com.github.eventing-ptp.events.lost", Source: "/cluster/node/*/sync/eventing-ptp/events-lost"},
		}},
		{"of the OS clock, too, where it is watched", watched, v1alpha1.Events{}, []duckv1.CloudEventAttributes{
			{Type: "event.sync.ptp-status.ptp-state-change", Source: "/cluster/node/*/sync/ptp-status/lock-state"},
			{Type: "event.sync.ptp-status.ptp-clock-class-change", Source: "/cluster/node/*/sync/ptp-status/clock-class"},
			{Type: "event.sync.sync-status.synchronization-state-change", Source: "/cluster/node/*/sync/sync-status/sync-state"},
			{Type: "event.sync.sync-status.os-clock-sync-state-change", Source: "/cluster/node/*/sync/sync-status/os-clock-sync-state"},
			{Type: "com.github.eventing-ptp.events.lost", Source: "/cluster/node/*/sync/eventing-ptp/events-lost"},
		}},
		{"what is chosen, of a cluster with a name", watched, v1alpha1.Events{
			Types: []string{"event.sync.ptp-status.ptp-state-change"}, ClusterName: "site-7",
		}, []duckv1.CloudEventAttributes{
			{Type: "event.sync.ptp-status.ptp-state-change", Source: "/site-7/node/*/sync/ptp-status/lock-state"},
		}},
		{"O-RAN's own sources", nil, v1alpha1.Events{
			Types: []string{"event.sync.ptp-status.ptp-state-change"}, SourceFormat: "oran",
		}, []duckv1.CloudEventAttributes{
			{Type: "event.sync.ptp-status.ptp-state-change", Source: "/sync/ptp-status/lock-state"},
		}},
		{"steps of the OS clock, where they are asked for", watched, v1alpha1.Events{Types: []string{"com.github.eventing-ptp.os-clock.stepped"}}, []duckv1.CloudEventAttributes{
			{Type: "com.github.eventing-ptp.os-clock.stepped", Source: "/cluster/node/*/sync/sync-status/os-clock-set"},
		}},
		{"steps of hardware clocks not where these are not watched", watched, v1alpha1.Events{Types: []string{"com.github.eventing-ptp.hardware-clock.stepped"}}, nil},
		{"not what is not watched", &v1alpha1.OSClock{}, v1alpha1.Events{Types: []string{"event.sync.sync-status.os-clock-sync-state-change"}}, nil},
		{"not of receivers that are not watched", nil, v1alpha1.Events{Types: []string{"event.sync.gnss-status.gnss-state-change"}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := resources.CloudEventAttributes(source(func(s *v1alpha1.PtpSource) { s.Spec.OSClock, s.Spec.Events = tc.osClock, tc.events }))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("attributes (-want, +got):\n%s", diff)
			}
		})
	}
}

func TestCloudEventAttributesOfGNSSAndSyncE(t *testing.T) {
	of := func(change func(*v1alpha1.PtpSourceSpec)) []duckv1.CloudEventAttributes {
		all := resources.CloudEventAttributes(source(func(s *v1alpha1.PtpSource) { change(&s.Spec) }))
		return slices.DeleteFunc(all, func(a duckv1.CloudEventAttributes) bool {
			return !strings.Contains(a.Type, "gnss") && !strings.Contains(a.Type, "synce")
		})
	}
	receivers := duckv1.CloudEventAttributes{Type: "event.sync.gnss-status.gnss-state-change", Source: "/cluster/node/*/sync/gnss-status/gnss-sync-status"}
	if diff := cmp.Diff([]duckv1.CloudEventAttributes{receivers}, of(func(s *v1alpha1.PtpSourceSpec) { s.GNSS = &v1alpha1.GNSS{Enabled: true} })); diff != "" {
		t.Errorf("GNSS (-want, +got):\n%s", diff)
	}
	dplls := []duckv1.CloudEventAttributes{
		{Type: "event.sync.synce-status.synce-state-change", Source: "/cluster/node/*/sync/synce-status/lock-state"},
		{Type: "event.sync.synce-status.synce-clock-quality-change", Source: "/cluster/node/*/sync/synce-status/clock-quality"},
	}
	if diff := cmp.Diff(dplls, of(func(s *v1alpha1.PtpSourceSpec) { s.SyncE = &v1alpha1.SyncE{Enabled: true} })); diff != "" {
		t.Errorf("SyncE (-want, +got):\n%s", diff)
	}
}

// The adapter's encoder is asked, so that a kind of event that it learns is not forgotten.
func TestCloudEventAttributesAreThoseOfTheEncoder(t *testing.T) {
	encoder, err := oran.NewEncoder(oran.Place{Cluster: "cluster", Node: "n1"}, oran.SourceORAN)
	if err != nil {
		t.Fatal(err)
	}
	var want []duckv1.CloudEventAttributes
	for kind := range 256 {
		event, err := encoder.Encode(clock.Transition{Kind: clock.Kind(kind), Instance: "ptp4l", To: clock.Locked}, time.Time{})
		if err == nil {
			want = append(want, duckv1.CloudEventAttributes{Type: event.Type, Source: event.Source})
		}
	}
	lost := encoder.Lost(1, time.Time{})
	want = append(want, duckv1.CloudEventAttributes{Type: lost.Type, Source: lost.Source})
	got := resources.CloudEventAttributes(source(func(s *v1alpha1.PtpSource) {
		s.Spec.OSClock, s.Spec.HardwareClock = &v1alpha1.OSClock{Enabled: true}, &v1alpha1.HardwareClock{Enabled: true}
		s.Spec.GNSS, s.Spec.SyncE = &v1alpha1.GNSS{Enabled: true}, &v1alpha1.SyncE{Enabled: true}
		s.Spec.Events.SourceFormat = "oran"
		for _, d := range oran.Definitions() {
			s.Spec.Events.Types = append(s.Spec.Events.Types, d.EventType)
		}
	}))
	byType := func(a, b duckv1.CloudEventAttributes) int {
		if a.Type < b.Type {
			return -1
		}
		return 1
	}
	slices.SortFunc(want, byType)
	slices.SortFunc(got, byType)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attributes (-what the encoder makes, +what the controller says):\n%s", diff)
	}
}

func TestNotYetWatched(t *testing.T) {
	got := resources.NotYetWatched(source(func(s *v1alpha1.PtpSource) {
		s.Spec.HardwareClock = &v1alpha1.HardwareClock{Enabled: true}
		s.Spec.OSClock = &v1alpha1.OSClock{Enabled: true}
		s.Spec.GNSS = &v1alpha1.GNSS{Enabled: true}
		s.Spec.SyncE = &v1alpha1.SyncE{Enabled: true}
		s.Spec.Events.Types = []string{"event.sync.ptp-status.ptp-state-change", "event.sync.gnss-status.gnss-state-change", "of tomorrow"}
	}))
	want := []string{"of tomorrow in spec.events.types"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want, +got):\n%s", diff)
	}
	got = resources.NotYetWatched(source(func(s *v1alpha1.PtpSource) {
		s.Spec.HardwareClock, s.Spec.OSClock = &v1alpha1.HardwareClock{}, &v1alpha1.OSClock{}
		s.Spec.GNSS, s.Spec.SyncE = &v1alpha1.GNSS{}, &v1alpha1.SyncE{}
	}))
	if len(got) != 0 {
		t.Errorf("got %v for what is not turned on", got)
	}
}
