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

package v1alpha1_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	eventingduckv1 "knative.dev/eventing/pkg/apis/duck/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

func TestSetDefaults(t *testing.T) {
	broker := func(namespace string) duckv1.Destination {
		return duckv1.Destination{Ref: &duckv1.KReference{
			APIVersion: "eventing.knative.dev/v1", Kind: "Broker", Namespace: namespace, Name: "default",
		}}
	}
	// full is what a source with nothing but a sink becomes.
	full := func(change func(*v1alpha1.PtpSourceSpec)) v1alpha1.PtpSourceSpec {
		spec := v1alpha1.PtpSourceSpec{
			SourceSpec: duckv1.SourceSpec{Sink: broker("edge")},
			Linuxptp:   v1alpha1.Linuxptp{SocketDirectory: "/var/run/ptp", Sockets: []string{"ptp4l*"}},
			Events:     v1alpha1.Events{SourceFormat: "full", ClusterName: "cluster"},
			History:    v1alpha1.History{Entries: new(int32(100_000)), MaxBytes: new(resource.MustParse("64Mi")), MaxAge: &metav1.Duration{Duration: 168 * time.Hour}},
		}
		if change != nil {
			change(&spec)
		}
		return spec
	}
	minimal := func(change func(*v1alpha1.PtpSourceSpec)) v1alpha1.PtpSourceSpec {
		spec := v1alpha1.PtpSourceSpec{SourceSpec: duckv1.SourceSpec{Sink: broker("")}}
		if change != nil {
			change(&spec)
		}
		return spec
	}

	for _, tc := range []struct {
		name     string
		in, want v1alpha1.PtpSourceSpec
	}{
		{name: "a sink is enough", in: minimal(nil), want: full(nil)},
		{
			name: "a sink in another namespace stays there",
			in:   v1alpha1.PtpSourceSpec{SourceSpec: duckv1.SourceSpec{Sink: broker("elsewhere")}},
			want: full(func(s *v1alpha1.PtpSourceSpec) { s.Sink = broker("elsewhere") }),
		},
		{
			name: "a sink that is a URL has no namespace",
			in:   v1alpha1.PtpSourceSpec{SourceSpec: duckv1.SourceSpec{Sink: duckv1.Destination{URI: apis.HTTP("sink.example.com")}}},
			want: full(func(s *v1alpha1.PtpSourceSpec) { s.Sink = duckv1.Destination{URI: apis.HTTP("sink.example.com")} }),
		},
		{
			name: "the dead letter sink is in the namespace of the source too",
			in: minimal(func(s *v1alpha1.PtpSourceSpec) {
				s.Delivery = &v1alpha1.Delivery{DeliverySpec: eventingduckv1.DeliverySpec{DeadLetterSink: new(broker(""))}}
			}),
			want: full(func(s *v1alpha1.PtpSourceSpec) {
				s.Delivery = &v1alpha1.Delivery{DeliverySpec: eventingduckv1.DeliverySpec{DeadLetterSink: new(broker("edge"))}}
			}),
		},
		{
			name: "delivery without a dead letter sink gets none, and no retry",
			in: minimal(func(s *v1alpha1.PtpSourceSpec) {
				s.Delivery = &v1alpha1.Delivery{DeliverySpec: eventingduckv1.DeliverySpec{Timeout: new("PT3S")}}
			}),
			want: full(func(s *v1alpha1.PtpSourceSpec) {
				s.Delivery = &v1alpha1.Delivery{DeliverySpec: eventingduckv1.DeliverySpec{Timeout: new("PT3S")}}
			}),
		},
		{
			name: "thresholds are left alone: config-ptp decides about the rest",
			in: minimal(func(s *v1alpha1.PtpSourceSpec) {
				s.Thresholds.LockOffset = &metav1.Duration{Duration: 20 * time.Microsecond}
			}),
			want: full(func(s *v1alpha1.PtpSourceSpec) {
				s.Thresholds.LockOffset = &metav1.Duration{Duration: 20 * time.Microsecond}
			}),
		},
		{
			name: "one field of a group does not keep the others from their defaults",
			in: minimal(func(s *v1alpha1.PtpSourceSpec) {
				s.Linuxptp.Domain = new(int32(24))
				s.Linuxptp.MountPath = "/var/run"
				s.Events.ClusterName = "site-7"
			}),
			want: full(func(s *v1alpha1.PtpSourceSpec) {
				s.Linuxptp.Domain = new(int32(24))
				s.Linuxptp.MountPath = "/var/run"
				s.Events.ClusterName = "site-7"
			}),
		},
		{
			name: "what is given stays",
			in: minimal(func(s *v1alpha1.PtpSourceSpec) {
				s.Linuxptp.SocketDirectory = "/var/run/ptp/ns0"
				s.Linuxptp.Sockets = []string{"ptp4l.0.socket", "ptp4l.1.socket"}
				s.Events = v1alpha1.Events{Types: []string{"event.sync.ptp-status.ptp-state-change"}, SourceFormat: "oran", ClusterName: "site-7"}
				s.History = v1alpha1.History{Storage: "Memory", Entries: new(int32(1)), MaxBytes: new(resource.MustParse("1Mi")), MaxAge: &metav1.Duration{Duration: time.Hour}}
			}),
			want: full(func(s *v1alpha1.PtpSourceSpec) {
				s.Linuxptp.SocketDirectory = "/var/run/ptp/ns0"
				s.Linuxptp.Sockets = []string{"ptp4l.0.socket", "ptp4l.1.socket"}
				s.Events = v1alpha1.Events{Types: []string{"event.sync.ptp-status.ptp-state-change"}, SourceFormat: "oran", ClusterName: "site-7"}
				s.History = v1alpha1.History{Storage: "Memory", Entries: new(int32(1)), MaxBytes: new(resource.MustParse("1Mi")), MaxAge: &metav1.Duration{Duration: time.Hour}}
			}),
		},
		{
			name: "a history of 0 is refused by validation and not hidden by a default",
			in:   minimal(func(s *v1alpha1.PtpSourceSpec) { s.History.Entries = new(int32(0)) }),
			want: full(func(s *v1alpha1.PtpSourceSpec) { s.History.Entries = new(int32(0)) }),
		},
		{
			name: "gpsd is on the node itself",
			in:   minimal(func(s *v1alpha1.PtpSourceSpec) { s.GNSS = &v1alpha1.GNSS{Enabled: true} }),
			want: full(func(s *v1alpha1.PtpSourceSpec) { s.GNSS = &v1alpha1.GNSS{Enabled: true, GPSD: "localhost:2947"} }),
		},
		{
			name: "gpsd may be elsewhere",
			in:   minimal(func(s *v1alpha1.PtpSourceSpec) { s.GNSS = &v1alpha1.GNSS{GPSD: "[::1]:2948"} }),
			want: full(func(s *v1alpha1.PtpSourceSpec) { s.GNSS = &v1alpha1.GNSS{GPSD: "[::1]:2948"} }),
		},
		{
			name: "the OS clock is fed by PTP",
			in:   minimal(func(s *v1alpha1.PtpSourceSpec) { s.OSClock = &v1alpha1.OSClock{Enabled: true} }),
			want: full(func(s *v1alpha1.PtpSourceSpec) { s.OSClock = &v1alpha1.OSClock{Enabled: true, FedBy: "ptp"} }),
		},
		{
			name: "the OS clock may be fed by something else",
			in:   minimal(func(s *v1alpha1.PtpSourceSpec) { s.OSClock = &v1alpha1.OSClock{FedBy: "other"} }),
			want: full(func(s *v1alpha1.PtpSourceSpec) { s.OSClock = &v1alpha1.OSClock{FedBy: "other"} }),
		},
		{
			name: "clocks that are not asked for are not added",
			in: minimal(func(s *v1alpha1.PtpSourceSpec) {
				s.HardwareClock, s.SyncE = &v1alpha1.HardwareClock{}, &v1alpha1.SyncE{}
			}),
			want: full(func(s *v1alpha1.PtpSourceSpec) {
				s.HardwareClock, s.SyncE = &v1alpha1.HardwareClock{}, &v1alpha1.SyncE{}
			}),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := &v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{Namespace: "edge", Name: "clocks"}, Spec: tc.in}
			want := &v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{Namespace: "edge", Name: "clocks"}, Spec: tc.want}
			got.SetDefaults(context.Background())
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
			got.SetDefaults(context.Background())
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("a second time changes it, want (-) and got (+):\n%s", diff)
			}
		})
	}
}
