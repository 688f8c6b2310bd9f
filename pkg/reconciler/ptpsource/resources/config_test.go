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
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	eventingduckv1 "knative.dev/eventing/pkg/apis/duck/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter"
	adapterconfig "github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// load reads the environment of a DaemonSet's pods as the adapter does.
func load(t *testing.T, a resources.Args) *adapter.Env {
	t.Helper()
	ds, err := resources.MakeDaemonSet(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range ds.Spec.Template.Spec.Containers[0].Env {
		if v.ValueFrom != nil {
			v.Value = "n1" // the only reference is to the node
		}
		t.Setenv(v.Name, v.Value)
	}
	env, err := adapter.Load(nil)
	if err != nil {
		t.Fatalf("the adapter does not accept its environment: %v", err)
	}
	return env
}

func TestAdapterAcceptsItsEnvironment(t *testing.T) {
	everything := args(func(s *v1alpha1.PtpSource) {
		policy := eventingduckv1.BackoffPolicyLinear
		s.Spec.Delivery = &v1alpha1.Delivery{DeliverySpec: eventingduckv1.DeliverySpec{
			Retry: new(int32(0)), Timeout: new("PT2.5S"), BackoffPolicy: &policy, BackoffDelay: new("PT1M"), RetryAfterMax: new("PT0S"),
		}, Backlog: "LatestPerResource"}
		s.Spec.CloudEventOverrides = &duckv1.CloudEventOverrides{Extensions: map[string]string{"site": "berlin"}}
		s.Spec.Linuxptp = v1alpha1.Linuxptp{
			SocketDirectory: "/var/run/ptp", MountPath: "/var/run", Sockets: []string{"ptp4l.0.socket", "ptp4l.1*"},
			Domain: new(int32(24)), TransportSpecific: new(int32(1)),
		}
		s.Spec.Events = v1alpha1.Events{
			Types: []string{"event.sync.ptp-status.ptp-state-change"}, SourceFormat: "oran", ClusterName: "site-7",
			ReassertEvery: &metav1.Duration{Duration: 90 * time.Second},
		}
		s.Spec.History = v1alpha1.History{Storage: "Memory", Entries: new(int32(10)), MaxBytes: new(resource.MustParse("2Mi")), MaxAge: &metav1.Duration{Duration: time.Hour}}
		s.Spec.HardwareClock = &v1alpha1.HardwareClock{Enabled: true, Privileged: true, PollInterval: &metav1.Duration{Duration: 200 * time.Millisecond}}
		s.Spec.SyncE = &v1alpha1.SyncE{Enabled: true, Synce4l: &v1alpha1.Synce4l{Socket: "synce4l", Devices: []string{"synce1"}}}
		s.Spec.GNSS = &v1alpha1.GNSS{Enabled: true, GPSD: "[::1]:2948"}
		s.Spec.OSClock = &v1alpha1.OSClock{Enabled: true, FedBy: "other", Chronyd: "localhost:323"}
		s.Spec.OCloud = &v1alpha1.OCloud{
			Enabled: true, Port: new(int32(19043)), Auth: "ServiceAccount", Endpoints: "Any", AllowedNetworks: []string{"192.0.2.0/24"},
			TLSSecretName: "ocloud-tls", RemoveAfter: &metav1.Duration{Duration: time.Hour}, MaxSubscriptions: new(int32(5)),
		}
	})
	everything.Sink.CACerts = new("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----")
	everything.Sink.Audience, everything.OIDCServiceAccount = new("broker"), "clocks-oidc"
	everything.DeadLetterSink = &duckv1.Addressable{URL: apis.HTTPS("dead.example"), Audience: new("letters")}
	everything.Thresholds.LockOffset = metav1.Duration{Duration: 20 * time.Microsecond}
	everything.Thresholds.UnlockOffset = metav1.Duration{Duration: 50 * time.Microsecond}

	t.Run("of which nothing was said", func(t *testing.T) {
		env := load(t, args())
		want := adapterconfig.Default()
		want.Linuxptp.Sockets = []string{"/var/run/ptp/ptp4l*"}
		want.History.Directory = "/var/lib/eventing-ptp"
		want.Emit.Address = "localhost:8083"
		if diff := cmp.Diff(want, env.Config); diff != "" {
			t.Errorf("configuration (-want, +got):\n%s", diff)
		}
		if env.Sink != "http://events.user.svc.cluster.local" || env.Node != "n1" || env.Namespace != "user" || env.Name != "clocks" {
			t.Errorf("got sink %q, node %q, namespace %q, name %q", env.Sink, env.Node, env.Namespace, env.Name)
		}
	})
	t.Run("of which everything was said", func(t *testing.T) {
		env := load(t, everything)
		domain, transportSpecific, retry := uint8(24), uint8(1), 0
		want := adapterconfig.Config{
			Cluster: "site-7",
			Linuxptp: adapterconfig.Linuxptp{
				Sockets: []string{"/var/run/ptp4l.0.socket", "/var/run/ptp4l.1*"}, Domain: &domain, TransportSpecific: &transportSpecific,
			},
			HardwareClock: adapterconfig.HardwareClock{Enabled: true, PollInterval: metav1.Duration{Duration: 200 * time.Millisecond}, Directory: "/host/dev"},
			OSClock:       adapterconfig.OSClock{Enabled: true, FedBy: "other", Chronyd: "localhost:323"},
			GNSS:          adapterconfig.GNSS{Enabled: true, GPSD: "[::1]:2948"},
			SyncE:         adapterconfig.SyncE{Enabled: true, Synce4l: &adapterconfig.Synce4l{Socket: "/var/run/synce4l", Devices: []string{"synce1"}}},
			Thresholds:    everything.Thresholds,
			Events:        adapterconfig.Events{Types: []string{"event.sync.ptp-status.ptp-state-change"}, SourceFormat: "oran", ReassertEvery: metav1.Duration{Duration: 90 * time.Second}},
			Delivery: adapterconfig.Delivery{
				Timeout: metav1.Duration{Duration: 2500 * time.Millisecond}, Retry: &retry, BackoffPolicy: "linear",
				BackoffDelay: metav1.Duration{Duration: time.Minute}, BackoffMax: metav1.Duration{Duration: time.Minute},
				RetryAfterMax: metav1.Duration{}, Backlog: "LatestPerResource",
				DeadLetterSink: "https://dead.example", DeadLetterSinkAudience: "letters",
			},
			History: adapterconfig.History{Entries: 10, MaxBytes: 2 << 20, MaxAge: metav1.Duration{Duration: time.Hour}},
			OCloud: adapterconfig.OCloud{
				Enabled: true, Address: ":19043", Auth: "ServiceAccount", Endpoints: "Any", AllowedNetworks: []string{"192.0.2.0/24"},
				TLS:         adapterconfig.TLS{Certificate: "/etc/eventing-ptp/ocloud-tls/tls.crt", Key: "/etc/eventing-ptp/ocloud-tls/tls.key"},
				RemoveAfter: metav1.Duration{Duration: time.Hour}, MaxSubscriptions: 5,
			},
			Health: adapterconfig.Health{Address: ":20759"},
		}
		if diff := cmp.Diff(want, env.Config); diff != "" {
			t.Errorf("configuration (-want, +got):\n%s", diff)
		}
		overrides, err := env.GetCloudEventOverrides()
		if err != nil || overrides.Extensions["site"] != "berlin" {
			t.Errorf("got overrides %v (%v)", overrides, err)
		}
		if *env.Audience != "broker" || *env.OIDCServiceAccountName != "clocks-oidc" || !strings.Contains(*env.CACerts, "BEGIN CERTIFICATE") {
			t.Errorf("got audience %q, service account %q, certificates %q", *env.Audience, *env.OIDCServiceAccountName, *env.CACerts)
		}
	})
}

func TestMakeDaemonSetDurations(t *testing.T) {
	for _, tc := range []struct{ name, timeout, delay, most, want string }{
		{"not ISO 8601", "10s", "PT1S", "PT1S", `spec.delivery.timeout is "10s"; it must be an ISO 8601 duration that is positive, for example PT0.5S`},
		{"zero", "PT0S", "PT1S", "PT1S", `spec.delivery.timeout is "PT0S"; it must be an ISO 8601 duration that is positive, for example PT0.5S`},
		{"negative", "PT1S", "-PT1S", "PT1S", `spec.delivery.backoffDelay is "-PT1S"; it must be an ISO 8601 duration that is positive, for example PT0.5S`},
		{"a longest wait that is negative", "PT1S", "PT1S", "-PT1S", `spec.delivery.retryAfterMax is "-PT1S"; it must be an ISO 8601 duration, for example PT1M, or PT0S to not obey Retry-After`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := resources.MakeDaemonSet(args(func(s *v1alpha1.PtpSource) {
				s.Spec.Delivery = &v1alpha1.Delivery{DeliverySpec: eventingduckv1.DeliverySpec{Timeout: &tc.timeout, BackoffDelay: &tc.delay, RetryAfterMax: &tc.most}}
			}))
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestThresholds(t *testing.T) {
	of := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	defaults := adapterconfig.DefaultThresholds()

	got, err := resources.Thresholds(v1alpha1.Thresholds{}, defaults)
	if diff := cmp.Diff(defaults, got); diff != "" || err != nil {
		t.Errorf("without thresholds (-want, +got), error %v:\n%s", err, diff)
	}

	got, err = resources.Thresholds(v1alpha1.Thresholds{
		LockOffset: of(1), UnlockOffset: of(2), LockSamples: new(int32(3)), UnlockSamples: new(int32(4)),
		HoldoverTimeout: of(5), SyncIntervals: new(int32(6)), SyncTimeout: of(7), OSClockTimeout: of(8 * time.Second), OSClockOffset: of(9), MaxPathDelay: of(10),
	}, defaults)
	want := adapterconfig.Thresholds{
		LockOffset: *of(1), UnlockOffset: *of(2), LockSamples: 3, UnlockSamples: 4,
		HoldoverTimeout: *of(5), SyncIntervals: 6, SyncTimeout: *of(7), OSClockTimeout: *of(8 * time.Second), OSClockOffset: *of(9), MaxPathDelay: *of(10),
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("with all thresholds (-want, +got), error %v:\n%s", err, diff)
	}

	if _, err := resources.Thresholds(v1alpha1.Thresholds{LockOffset: of(time.Second)}, defaults); err == nil {
		t.Error("a lockOffset above the unlockOffset of config-ptp was accepted")
	}
}
