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

package v1alpha1

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// source returns a source with these fields in its spec, and a sink unless they say
// otherwise, as the webhook sees it: with its defaults.
func source(t testing.TB, fields string) *PtpSource {
	t.Helper()
	s := &PtpSource{ObjectMeta: metav1.ObjectMeta{Namespace: "ns1", Name: "ptp"}}
	for _, text := range []string{`{"sink": {"uri": "http://sink"}}`, fields} {
		if err := json.Unmarshal([]byte(text), &s.Spec); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	s.SetDefaults(t.Context())
	return s
}

func TestValidateAccepts(t *testing.T) {
	for _, tc := range []struct{ name, fields string }{
		{"a sink alone", `{}`},
		{"a sink that is an object, and a path at it", `{"sink": {"ref": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "default"}, "uri": "/ptp", "CACerts": ""}}`},
		{"a sink in another namespace", `{"sink": {"uri": null, "ref": {"apiVersion": "v1", "kind": "Service", "name": "s", "namespace": "ns2"}}}`},
		{"extensions", `{"ceOverrides": {"extensions": {"site": "north", "row2": "Zürich, 2"}}}`},
		{"no extensions", `{"ceOverrides": {}}`},
		{"the smallest delivery", `{"delivery": {"retry": 0, "timeout": "PT0.1S", "backoffPolicy": "linear", "backoffDelay": "PT0.1S", "retryAfterMax": "PT0S", "deadLetterSink": {"uri": "https://dead"}}}`},
		{"the largest delivery", `{"delivery": {"retry": 2147483647, "timeout": "PT1H", "backoffPolicy": "exponential", "backoffDelay": "PT1H", "retryAfterMax": "PT60M", "backlog": "LatestPerResource"}}`},
		{"every event of a backlog", `{"delivery": {"backlog": "All"}}`},
		{"a state that is said again every minute", `{"events": {"reassertEvery": "1m"}}`},
		{"a state that is said again every day", `{"events": {"reassertEvery": "24h"}}`},
		{"nodes", `{"nodeSelector": {"example.com/ptp": "yes", "empty": ""}, "priorityClassName": "system-node-critical", "affinity": {"nodeAffinity": {}}}`},
		{"tolerations", `{"tolerations": [{"operator": "Exists"}, {"key": "a/b", "value": "c", "effect": "NoExecute", "tolerationSeconds": 5}, {"key": "n", "operator": "Gt", "value": "-3"}]}`},
		{"resources", `{"resources": {"requests": {"cpu": "10m", "hugepages-2Mi": "2Mi"}, "limits": {"cpu": "10m", "ephemeral-storage": 0, "example.com/ptp": 1}}}`},
		{"the smallest of linuxptp", `{"linuxptp": {"socketDirectory": "/a", "mountPath": "/var/run", "sockets": ["a", "[a-z]?*"], "domain": 0, "transportSpecific": 0, "group": 1}}`},
		{"the largest of linuxptp", `{"linuxptp": {"domain": 255, "transportSpecific": 15, "group": 2147483647}}`},
		{"directories that only begin like one of the kernel's or the adapter's", `{"linuxptp": {"socketDirectory": "/devices", "mountPath": "/etcetera"}}`},
		{"directory of the adapter's own, seen elsewhere", `{"linuxptp": {"socketDirectory": "/etc/ptp", "mountPath": "/ptp"}}`},
		{"a privileged hardware clock", `{"hardwareClock": {"enabled": true, "privileged": true}}`},
		{"a hardware clock that is read as often as may be", `{"hardwareClock": {"enabled": true, "pollInterval": "50ms"}}`},
		{"and as rarely", `{"hardwareClock": {"enabled": true, "pollInterval": "1m"}}`},
		{"steps of hardware clocks", `{"hardwareClock": {"enabled": true}, "events": {"types": ["com.github.eventing-ptp.hardware-clock.stepped"]}}`},
		{"a hardware clock by device plugin", `{"hardwareClock": {"enabled": true, "resourceName": "squat.ai/ptp"}}`},
		{"chronyd by name", `{"osClock": {"enabled": true, "fedBy": "other", "chronyd": "localhost:323"}}`},
		{"all other clocks", `{"osClock": {"enabled": true}, "synce": {"enabled": true}, "gnss": {"enabled": true}}`},
		{"two devices of synce4l", `{"synce": {"enabled": true, "synce4l": {"socket": "synce4l", "devices": ["synce1", "123456789012345"]}}}`},
		{"a group without SyncE", `{"synce": {"enabled": false}, "linuxptp": {"group": 2000}}`},
		{"gpsd by IPv6", `{"gnss": {"gpsd": "[::1]:65535"}}`},
		{"the smallest thresholds", `{"thresholds": {"lockOffset": "1ns", "unlockOffset": "1ns", "lockSamples": 1, "unlockSamples": 1, "holdoverTimeout": "0s", "syncIntervals": 2, "syncTimeout": "1ms", "osClockTimeout": "3s", "osClockOffset": "1ns", "maxPathDelay": "1ns"}}`},
		{"the largest thresholds", `{"thresholds": {"lockOffset": "1s", "unlockOffset": "1s", "lockSamples": 1000, "unlockSamples": 1000, "holdoverTimeout": "672h", "syncIntervals": 1000, "syncTimeout": "1h", "osClockTimeout": "8h", "osClockOffset": "1s", "maxPathDelay": "1s"}}`},
		{"one threshold, whose partner is the administrator's", `{"thresholds": {"unlockOffset": "1ns"}}`},
		{"all types of events", `{"osClock": {"enabled": true}, "gnss": {"enabled": true}, "synce": {"enabled": true}, "events": {"types": ["event.sync.ptp-status.ptp-state-change", "event.sync.ptp-status.ptp-clock-class-change",
			"event.sync.sync-status.synchronization-state-change", "event.sync.sync-status.os-clock-sync-state-change", "event.sync.gnss-status.gnss-state-change",
			"event.sync.synce-status.synce-state-change", "event.sync.synce-status.synce-clock-quality-change", "com.github.eventing-ptp.os-clock.stepped",
			"com.github.eventing-ptp.daemon-state.changed", "com.github.eventing-ptp.grandmaster.changed", "com.github.eventing-ptp.port-state.changed",
			"com.github.eventing-ptp.leap-second.changed", "com.github.eventing-ptp.path-delay-state.changed", "com.github.eventing-ptp.events.lost"], "sourceFormat": "oran", "clusterName": "Site_7.b-c"}}`},
		{"the smallest history", `{"history": {"storage": "Memory", "entries": 1, "maxBytes": "1Mi", "maxAge": "1m"}}`},
		{"the largest history", `{"history": {"storage": "HostPath", "entries": 1000000, "maxBytes": "16Gi", "maxAge": "8760h"}}`},
		{"a history in bytes", `{"history": {"storage": "EmptyDir", "maxBytes": 2000000}}`},
		{"paused", `{"paused": true}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := source(t, tc.fields).Validate(apis.WithinCreate(t.Context())); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// refusal is a bad value and what is said about it: what is wrong, the field's path and a
// remedy.
type refusal struct{ fields, want string }

func TestValidateRefuses(t *testing.T) {
	for _, tc := range refusals() {
		t.Run(tc.fields, func(t *testing.T) {
			err := source(t, tc.fields).Validate(apis.WithinCreate(t.Context()))
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("-want, +got:\n%s", diff)
			}
		})
	}
}

// TestEveryFieldHasARefusal finds fields that were added to the API and forgotten here.
func TestEveryFieldHasARefusal(t *testing.T) {
	anything := map[string]string{
		"spec.affinity":                            "the API server has the rules, and the condition Deployed says what it says",
		"spec.sink.audience":                       "any text is an audience",
		"spec.sink.ref.address":                    "whether the object has such an address is found out when it is resolved",
		"spec.delivery.deadLetterSink.audience":    "like the sink's",
		"spec.delivery.deadLetterSink.ref.address": "like the sink's",
		"spec.resources.claims.name":               "a claim is refused as a whole",
		"spec.resources.claims.request":            "a claim is refused as a whole",
		"spec.hardwareClock.enabled":               "both values make sense",
		"spec.osClock.enabled":                     "both values make sense",
		"spec.gnss.enabled":                        "both values make sense",
		"spec.oCloud.enabled":                      "both values make sense",
		"spec.oCloud.perNodeServices":              "both values make sense",
		"spec.paused":                              "both values make sense",
	}
	keys := regexp.MustCompile(`\[[^]]*]`)
	var refused []string
	for _, tc := range refusals() {
		for _, word := range strings.FieldsFunc(tc.want, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' }) {
			if strings.HasPrefix(word, "spec.") {
				refused = append(refused, keys.ReplaceAllString(word, ""))
			}
		}
	}
	fields := fieldsOf(reflect.TypeFor[PtpSourceSpec](), "spec", func(path string) bool { return anything[path] != "" })
	for _, field := range fields {
		if !slices.Contains(refused, field) && anything[field] == "" {
			t.Errorf("%s: no row of refusals() has a bad value of it, and no reason is given why any value is good", field)
		}
	}
	for field := range anything {
		if !slices.Contains(fields, field) {
			t.Errorf("%s: there is no such field any more", field)
		}
	}
}

// fieldsOf returns the paths of all fields that have values of their own, and not of what
// is below those where it is told to stop.
func fieldsOf(t reflect.Type, path string, stop func(string) bool) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	written := reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]())
	if t.Kind() != reflect.Struct || written || stop(path) {
		return []string{path}
	}
	var fields []string
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" {
			name = "." + name
		}
		fields = append(fields, fieldsOf(field.Type, path+name, stop)...)
	}
	return fields
}

func TestValidateName(t *testing.T) {
	s := source(t, `{}`)
	s.Name = strings.Repeat("a", 63)
	if err := s.Validate(apis.WithinCreate(t.Context())); err != nil {
		t.Errorf("63 characters are refused: %v", err)
	}
	s.Name += "b"
	want := `invalid value: "` + s.Name + `": metadata.name` + "\nmust have at most 63 characters, because others are derived from it"
	if err := s.Validate(apis.WithinCreate(t.Context())); err.Error() != want {
		t.Errorf("64 characters: %v", err)
	}
	if err := s.Validate(apis.WithinUpdate(t.Context(), s.DeepCopy())); err != nil {
		t.Errorf("a name cannot be changed any more, and is refused: %v", err)
	}
}

func TestValidateUpdate(t *testing.T) {
	const bad = `{"history": {"entries": 0}}`
	status := func(ctx context.Context, old *PtpSource) context.Context {
		return apis.WithinSubResourceUpdate(ctx, old, "status")
	}
	update := func(ctx context.Context, old *PtpSource) context.Context { return apis.WithinUpdate(ctx, old) }
	for _, tc := range []struct {
		name     string
		old, new string
		within   func(context.Context, *PtpSource) context.Context
		change   func(old, s *PtpSource)
		want     string
	}{
		{name: "other types of events", old: `{}`, new: `{"events": {"types": ["event.sync.ptp-status.ptp-state-change"]}}`},
		{
			name: "another cluster", old: `{"events": {"clusterName": "site-7"}}`, new: `{"events": {"clusterName": "site-8"}}`,
			want: `invalid value: "site-8": spec.events.clusterName` + "\n" +
				`must stay "site-7", because Triggers filter by it; make another PtpSource with the new name and delete this one`,
		},
		{
			name: "the cluster left out", old: `{"events": {"clusterName": "site-7"}}`, new: `{}`,
			want: `invalid value: "cluster": spec.events.clusterName` + "\n" +
				`must stay "site-7", because Triggers filter by it; make another PtpSource with the new name and delete this one`,
		},
		{
			name: "the cluster that an old source has by default", old: `{}`, new: `{"events": {"clusterName": "cluster"}, "paused": true}`,
			change: func(old, _ *PtpSource) { old.Spec.Events.ClusterName = "" },
		},
		{
			name: "a field that becomes bad", old: `{}`, new: bad,
			want: "invalid value: 0: spec.history.entries\nmust be 1 to 1000000, for example 100000",
		},
		{
			name: "a label of a source that was let in by other rules", old: bad, new: bad,
			change: func(_, s *PtpSource) { s.Labels = map[string]string{"a": "b"} },
		},
		{
			name: "a field of a source that was let in by other rules", old: bad, new: `{"paused": true, "history": {"entries": 0}}`,
			want: "invalid value: 0: spec.history.entries\nmust be 1 to 1000000, for example 100000",
		},
		{name: "the status of a bad source", old: `{}`, new: bad, within: status},
		{
			name: "the finalizer of a bad source that goes", old: `{}`, new: bad,
			change: func(_, s *PtpSource) { s.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} },
		},
		{
			name: "deletion of a bad source", old: `{}`, new: bad,
			within: func(ctx context.Context, _ *PtpSource) context.Context { return apis.WithinDelete(ctx) },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old, updated := source(t, tc.old), source(t, tc.new)
			if tc.change != nil {
				tc.change(old, updated)
			}
			within := update
			if tc.within != nil {
				within = tc.within
			}
			before := old.DeepCopy()
			err := updated.Validate(within(t.Context(), old))
			if err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
			if diff := cmp.Diff(before, old); diff != "" {
				t.Errorf("the old source was changed, -before +after:\n%s", diff)
			}
		})
	}
}

// TestEventsKeepTheirExtensions finds extensions that were added to the events and
// forgotten here.
func TestEventsKeepTheirExtensions(t *testing.T) {
	encoder, err := oran.NewEncoder(oran.Place{Cluster: "c", Node: "n"}, oran.SourceFull)
	if err != nil {
		t.Fatal(err)
	}
	event, err := encoder.Encode(clock.Transition{Kind: clock.LockState, Instance: "i", From: clock.Freerun, To: clock.Locked, Reason: clock.OffsetInRange, Missed: true}, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	extensions := slices.Collect(maps.Keys(event.CloudEvent("id", 1).Extensions()))
	extensions = append(extensions, "ptpskipped", "traceparent") // which the publisher adds
	if len(extensions) != len(ownExtensions()) {
		t.Errorf("an event has %d extensions, %d are refused", len(extensions), len(ownExtensions()))
	}
	for _, name := range extensions {
		if !slices.Contains(ownExtensions(), name) {
			t.Errorf("extension %s can be overridden", name)
		}
	}
}

// FuzzValidate shows that nothing that can be decoded makes the webhook panic, that
// defaults are the same when set twice, and that a cluster that is let in makes addresses.
func FuzzValidate(f *testing.F) {
	f.Add(`{"sink": {"uri": "http://sink"}}`)
	for _, tc := range refusals() {
		f.Add(tc.fields)
	}
	f.Fuzz(func(t *testing.T, fields string) {
		var s PtpSource
		if json.Unmarshal([]byte(fields), &s.Spec) != nil {
			return
		}
		s.SetDefaults(t.Context())
		again := s.DeepCopy()
		again.SetDefaults(t.Context())
		if !equality.Semantic.DeepEqual(&s, again) {
			t.Errorf("defaults once: %+v\ntwice: %+v", &s, again)
		}
		err := s.Validate(apis.WithinCreate(t.Context()))
		if knative := s.Spec.SourceSpec.Validate(t.Context()); err == nil && knative != nil {
			t.Errorf("Knative refuses what is let in: %v", knative)
		}
		_ = s.Validate(apis.WithinUpdate(t.Context(), &PtpSource{})).Error()
		if isClusterName(s.Spec.Events.ClusterName) {
			if _, err := oran.NewEncoder(oran.Place{Cluster: s.Spec.Events.ClusterName, Node: "n1"}, oran.SourceFull); err != nil {
				t.Errorf("cluster %q is let in: %v", s.Spec.Events.ClusterName, err)
			}
		}
	})
}
