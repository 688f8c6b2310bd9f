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
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	eventingduckv1 "knative.dev/eventing/pkg/apis/duck/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// full is a PtpSource with every field of ours.
func full() *v1alpha1.PtpSource {
	since := apis.VolatileTime{Inner: metav1.NewTime(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))}
	return &v1alpha1.PtpSource{
		TypeMeta:   metav1.TypeMeta{APIVersion: "sources.knative.dev/v1alpha1", Kind: "PtpSource"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "edge", Name: "clocks"},
		Spec: v1alpha1.PtpSourceSpec{
			SourceSpec: duckv1.SourceSpec{
				Sink: duckv1.Destination{
					Ref: &duckv1.KReference{
						APIVersion: "eventing.knative.dev/v1", Group: "eventing.knative.dev", Kind: "Broker",
						Namespace: "edge", Name: "default", Address: new("https"),
					},
					URI:      &apis.URL{Path: "/ptp"},
					CACerts:  new("sink certificates"),
					Audience: new("sink audience"),
				},
				CloudEventOverrides: &duckv1.CloudEventOverrides{Extensions: map[string]string{"site": "north"}},
			},
			Delivery: &v1alpha1.Delivery{DeliverySpec: eventingduckv1.DeliverySpec{
				DeadLetterSink: &duckv1.Destination{URI: apis.HTTP("dead.example.com")},
				Retry:          new(int32(8)),
				Timeout:        new("PT5S"),
				BackoffPolicy:  new(eventingduckv1.BackoffPolicyLinear),
				BackoffDelay:   new("PT0.5S"),
				RetryAfterMax:  new("PT0S"),
				Format:         new(eventingduckv1.DeliveryFormatBinary),
			}, Backlog: v1alpha1.BacklogLatestPerResource},
			NodeSelector: map[string]string{"ptp": "true"},
			Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
					MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "site", Operator: "In", Values: []string{"north"}}},
				}}},
			}},
			Tolerations:       []corev1.Toleration{{Key: "ran", Operator: "Exists", Effect: "NoSchedule"}},
			Resources:         &corev1.ResourceRequirements{Limits: corev1.ResourceList{"memory": resource.MustParse("256Mi")}},
			PriorityClassName: "system-node-critical",
			Linuxptp: v1alpha1.Linuxptp{
				SocketDirectory: "/var/run/ptp/ns0", MountPath: "/var/run", Sockets: []string{"ptp4l.0.socket"},
				Domain: new(int32(0)), TransportSpecific: new(int32(0)), Group: new(int64(2000)),
			},
			HardwareClock: &v1alpha1.HardwareClock{Enabled: true, Privileged: true, ResourceName: "squat.ai/ptp", PollInterval: &metav1.Duration{Duration: 2 * time.Second}},
			OSClock:       &v1alpha1.OSClock{Enabled: true, FedBy: "other", Chronyd: "localhost:323"},
			GNSS:          &v1alpha1.GNSS{Enabled: true, GPSD: "localhost:2947"},
			SyncE:         &v1alpha1.SyncE{Enabled: true, Synce4l: &v1alpha1.Synce4l{Socket: "synce4l", Devices: []string{"synce1"}}},
			Thresholds: v1alpha1.Thresholds{
				LockOffset:      &metav1.Duration{Duration: 20 * time.Microsecond},
				UnlockOffset:    &metav1.Duration{Duration: 50 * time.Microsecond},
				LockSamples:     new(int32(5)),
				UnlockSamples:   new(int32(6)),
				HoldoverTimeout: &metav1.Duration{Duration: 90 * time.Second},
				SyncIntervals:   new(int32(7)),
				SyncTimeout:     &metav1.Duration{Duration: time.Second},
				OSClockTimeout:  &metav1.Duration{Duration: time.Minute},
				OSClockOffset:   &metav1.Duration{Duration: time.Microsecond},
				MaxPathDelay:    &metav1.Duration{Duration: 20 * time.Microsecond},
			},
			Events: v1alpha1.Events{
				Types: []string{"event.sync.ptp-status.ptp-state-change"}, SourceFormat: v1alpha1.SourceORAN, ClusterName: "site-7",
				ReassertEvery: &metav1.Duration{Duration: 5 * time.Minute},
			},
			History: v1alpha1.History{
				Storage: v1alpha1.StorageEmptyDir, Entries: new(int32(100)), MaxBytes: new(resource.MustParse("128Mi")), MaxAge: &metav1.Duration{Duration: 24 * time.Hour},
			},
			OCloud: &v1alpha1.OCloud{
				Enabled: true, Port: new(int32(19043)), Auth: v1alpha1.OCloudAuthServiceAccount, Endpoints: v1alpha1.OCloudEndpointsAny,
				AllowedNetworks: []string{"192.0.2.0/24"}, TLSSecretName: "ocloud-tls", RemoveAfter: &metav1.Duration{Duration: time.Hour}, MaxSubscriptions: new(int32(10)),
				PerNodeServices: true,
			},
			Paused: true,
		},
		Status: v1alpha1.PtpSourceStatus{
			SourceStatus: duckv1.SourceStatus{
				Status: duckv1.Status{
					ObservedGeneration: 3,
					Conditions: duckv1.Conditions{{
						Type: "Ready", Status: "False", Severity: "Info", LastTransitionTime: since, Reason: "Paused", Message: "no adapters run",
					}},
					Annotations: map[string]string{"remark": "none"},
				},
				SinkURI:              apis.HTTP("broker.example.com"),
				CloudEventAttributes: []duckv1.CloudEventAttributes{{Type: "event.sync.ptp-status.ptp-state-change", Source: "/sync/ptp-status/lock-state"}},
				SinkCACerts:          new("sink certificates"),
				SinkAudience:         new("sink audience"),
				Auth:                 &duckv1.AuthStatus{ServiceAccountName: new("clocks-oidc"), ServiceAccountNames: []string{"clocks-oidc"}},
			},
			DeliveryStatus: eventingduckv1.DeliveryStatus{
				DeadLetterSinkURI:      apis.HTTP("dead.example.com"),
				DeadLetterSinkCACerts:  new("dead certificates"),
				DeadLetterSinkAudience: new("dead audience"),
			},
			Nodes:     v1alpha1.Nodes{Desired: 5, Ready: 0, Summary: "0/5"},
			DaemonSet: "eventing-ptp-adapters/ptpsource-clocks",
		},
	}
}

// fullJSON is what users write and see. Renaming a field breaks them.
const fullJSON = `{
  "kind": "PtpSource",
  "apiVersion": "sources.knative.dev/v1alpha1",
  "metadata": {"name": "clocks", "namespace": "edge"},
  "spec": {
    "sink": {
      "ref": {
        "kind": "Broker", "namespace": "edge", "name": "default", "apiVersion": "eventing.knative.dev/v1",
        "group": "eventing.knative.dev", "address": "https"
      },
      "uri": "/ptp",
      "CACerts": "sink certificates",
      "audience": "sink audience"
    },
    "ceOverrides": {"extensions": {"site": "north"}},
    "delivery": {
      "deadLetterSink": {"uri": "http://dead.example.com"},
      "retry": 8,
      "timeout": "PT5S",
      "backoffPolicy": "linear",
      "backoffDelay": "PT0.5S",
      "retryAfterMax": "PT0S",
      "format": "binary",
      "backlog": "LatestPerResource"
    },
    "nodeSelector": {"ptp": "true"},
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
      {"matchExpressions": [{"key": "site", "operator": "In", "values": ["north"]}]}
    ]}}},
    "tolerations": [{"key": "ran", "operator": "Exists", "effect": "NoSchedule"}],
    "resources": {"limits": {"memory": "256Mi"}},
    "priorityClassName": "system-node-critical",
    "linuxptp": {
      "socketDirectory": "/var/run/ptp/ns0",
      "mountPath": "/var/run",
      "sockets": ["ptp4l.0.socket"],
      "domain": 0,
      "transportSpecific": 0,
      "group": 2000
    },
    "hardwareClock": {"enabled": true, "privileged": true, "resourceName": "squat.ai/ptp", "pollInterval": "2s"},
    "osClock": {"enabled": true, "fedBy": "other", "chronyd": "localhost:323"},
    "gnss": {"enabled": true, "gpsd": "localhost:2947"},
    "synce": {"enabled": true, "synce4l": {"socket": "synce4l", "devices": ["synce1"]}},
    "thresholds": {
      "lockOffset": "20µs",
      "unlockOffset": "50µs",
      "lockSamples": 5,
      "unlockSamples": 6,
      "holdoverTimeout": "1m30s",
      "syncIntervals": 7,
      "syncTimeout": "1s",
      "osClockTimeout": "1m0s",
      "osClockOffset": "1µs",
      "maxPathDelay": "20µs"
    },
    "events": {
      "types": ["event.sync.ptp-status.ptp-state-change"],
      "sourceFormat": "oran",
      "clusterName": "site-7",
      "reassertEvery": "5m0s"
    },
    "history": {"storage": "EmptyDir", "entries": 100, "maxBytes": "128Mi", "maxAge": "24h0m0s"},
    "oCloud": {
      "enabled": true, "port": 19043, "auth": "ServiceAccount", "endpoints": "Any", "allowedNetworks": ["192.0.2.0/24"],
      "tlsSecretName": "ocloud-tls", "removeAfter": "1h0m0s", "perNodeServices": true, "maxSubscriptions": 10
    },
    "paused": true
  },
  "status": {
    "observedGeneration": 3,
    "conditions": [{
      "type": "Ready", "status": "False", "severity": "Info", "lastTransitionTime": "2026-11-21T12:00:00Z",
      "reason": "Paused", "message": "no adapters run"
    }],
    "annotations": {"remark": "none"},
    "sinkUri": "http://broker.example.com",
    "ceAttributes": [{"type": "event.sync.ptp-status.ptp-state-change", "source": "/sync/ptp-status/lock-state"}],
    "sinkCACerts": "sink certificates",
    "sinkAudience": "sink audience",
    "auth": {"serviceAccountName": "clocks-oidc", "serviceAccountNames": ["clocks-oidc"]},
    "deadLetterSinkUri": "http://dead.example.com",
    "deadLetterSinkCACerts": "dead certificates",
    "deadLetterSinkAudience": "dead audience",
    "nodes": {"desired": 5, "ready": 0, "summary": "0/5"},
    "daemonSet": "eventing-ptp-adapters/ptpsource-clocks"
  }
}`

func TestJSON(t *testing.T) {
	text, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(fullJSON), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("as JSON, want (-) and got (+):\n%s", diff)
	}

	decoder := json.NewDecoder(bytes.NewReader([]byte(fullJSON)))
	decoder.DisallowUnknownFields()
	read := &v1alpha1.PtpSource{}
	if err := decoder.Decode(read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(), read); diff != "" {
		t.Errorf("from JSON, want (-) and got (+):\n%s", diff)
	}
}
