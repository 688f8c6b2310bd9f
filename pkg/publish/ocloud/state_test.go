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

package ocloud_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// The state of a resource needs no subscription, and says how old it is.
func TestCurrentState(t *testing.T) {
	r := open(t)
	second := lock("ptp4l.1", clock.Unknown, clock.Freerun)
	second.Interface = "ens2f0"
	r.set(encode(t, second))
	for _, tc := range []struct {
		address string
		want    []string
	}{
		{"/cluster/node/n1.example.com/sync/ptp-status/lock-state", []string{"ptp-status/lock-state is LOCKED FREERUN"}},
		{"/cluster/node/n1.example.com/ptp4l.1/sync/ptp-status/lock-state", []string{"ptp-status/lock-state is FREERUN"}},
		{"/././sync/sync-status/sync-state", []string{"sync-status/sync-state is LOCKED"}},
		{"/n1.example.com/sync/ptp-status/clock-class", []string{"ptp-status/clock-class is 6"}},
		{"/sync/ptp-status/ptp-clock-class-change", []string{"ptp-status/clock-class is 6"}},
		{"/sync/gnss-status/gnss-sync-status", []string{"gnss-status/gnss-sync-status is FAILURE-NOFIX"}},
		{"/sync/gnss-status", []string{"gnss-status/gnss-sync-status is FAILURE-NOFIX"}},
		{"/n1.example.com/ptp4l.1/sync/ptp-status/lock-state", []string{"ptp-status/lock-state is FREERUN"}}, // of a client that takes /./ out
		{"/sync/ptp-status", []string{"ptp-status/lock-state is LOCKED FREERUN", "ptp-status/clock-class is 6"}},
		{"/./*/sync", []string{"ptp-status/lock-state is LOCKED FREERUN", "ptp-status/clock-class is 6", "sync-status/sync-state is LOCKED"}},
	} {
		for _, last := range []string{"/CurrentState", "/currentstate"} {
			got := r.do(t, "GET", "/api/ocloudNotifications/v2"+tc.address+last, "")
			if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d %s", tc.address, got.status, got.body)
				continue
			}
			if diff := cmp.Diff(tc.want, brief(t, events(t, got.body))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.address, diff)
			}
		}
	}
}

// events takes an array of events apart; one event is an array of one.
func events(t *testing.T, body string) []string {
	t.Helper()
	if !strings.HasPrefix(body, "[") {
		return []string{body}
	}
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	var all []string
	for _, e := range list {
		all = append(all, string(e))
	}
	return all
}

func TestCurrentStateAsAsked(t *testing.T) {
	r := open(t)
	r.set(encode(t, lock("ptp4l.1", clock.Unknown, clock.Freerun)))
	const path = "/ocloudNotifications/v2/sync/ptp-status/lock-state/CurrentState"
	got := r.do(t, "GET", path, "", "Accept", "application/cloudevents-batch+json")
	want := []string{"ptp-status/lock-state is LOCKED", "ptp-status/lock-state is FREERUN"}
	if list := brief(t, events(t, got.body)); !slices.Equal(list, want) || got.header.Get("Content-Type") != "application/cloudevents-batch+json" {
		t.Errorf("a batch is %q as %s, want %q", list, got.header.Get("Content-Type"), want)
	}
	got = r.do(t, "GET", path, "", "Accept", "application/cloudevents+json")
	if got.header.Get("Content-Type") != "application/cloudevents+json" || strings.HasPrefix(got.body, "[") {
		t.Errorf("%s %s", got.header.Get("Content-Type"), got.body)
	}
	e := got.json(t)
	if e["time"] != "2026-11-20T09:09:07.781100559Z" || e["source"] != "/sync/ptp-status/lock-state" {
		t.Errorf("%s says nothing of since when", got.body)
	}
	asked, err := time.Parse(time.RFC3339Nano, e["recordedtime"].(string))
	if err != nil || time.Since(asked).Abs() > time.Minute {
		t.Errorf("it was asked for at %v, %v", asked, err)
	}
	if again := r.do(t, "GET", path, "").json(t); again["id"] == e["id"] {
		t.Errorf("two answers have the id %v", e["id"])
	}
	if got := r.do(t, "HEAD", path, ""); got.status != 200 || got.body != "" {
		t.Errorf("HEAD: %d %q", got.status, got.body)
	}
}

// What is not watched is said not to be.
func TestCurrentStateOfWhatIsNotWatched(t *testing.T) {
	r := open(t)
	for resource, state := range map[string]string{
		oran.GNSSSyncStatus: "FAILURE-NOFIX", oran.SyncELockState: "FREERUN", oran.SyncEClockQuality: "255", oran.OSClockSyncState: "FREERUN",
	} {
		e := r.do(t, "GET", "/ocloudNotifications/v2"+resource+"/CurrentState", "").json(t)
		if e["ptpreason"] != "NotWatched" || e["ptpstate"] != state {
			t.Errorf("%s: %v", resource, e)
		}
	}
}

func TestCurrentStateRefuses(t *testing.T) {
	r := open(t)
	for _, tc := range []struct {
		path   string
		status int
		says   string
	}{
		{"/cluster/node/n2/sync/ptp-status/lock-state", 404, "ask the adapter of that node"},
		{"/././sync/nothing", 404, "there is no resource"},
		{"/././ptp4l.9/sync/ptp-status/lock-state", 404, `there is no instance "ptp4l.9"`},
		{"/././ptp4l.9/sync/ptp-status/lock-state", 404, "there is ptp4l.0"},
		{"/sync/sync-status/os-clock-set", 404, "has no state"},
		{"/sync/ptp-status/lock-state-extended", 404, "there is no resource"},
	} {
		got := r.do(t, "GET", "/ocloudNotifications/v2"+tc.path+"/CurrentState", "")
		if detail := got.problem(t); got.status != tc.status || !strings.Contains(detail, tc.says) {
			t.Errorf("%s: %d %s", tc.path, got.status, detail)
		}
	}
	for _, path := range []string{"/", "/ocloudNotifications", "/ocloudNotifications/v3/subscriptions", "/ocloudNotifications/v2", "/ocloudNotifications/v2/nothing", "/ocloudNotifications/v2/subscriptions/a/b/c", "/api/api/ocloudNotifications/v2/health"} {
		got := r.do(t, "GET", path, "")
		if detail := got.problem(t); got.status != 404 || !strings.Contains(detail, "openapi.yaml") {
			t.Errorf("%s: %d %s", path, got.status, detail)
		}
	}
}

// What a consumer of v1 finds.
func TestV1(t *testing.T) {
	r, c := open(t), consume(t, nil)
	const base = "/api/ocloudNotifications/v1"
	body := `{"endpointUri":"` + c.URL + `","resource":"/cluster/node/n1.example.com/sync/ptp-status/ptp-clock-class-change"}`
	made := r.do(t, "POST", base+"/subscriptions", body)
	s := made.json(t)
	id, _ := s["id"].(string)
	want := map[string]any{
		"id": id, "endpointUri": c.URL, "resource": "/cluster/node/n1.example.com/sync/ptp-status/ptp-clock-class-change",
		"uriLocation": r.url + base + "/subscriptions/" + id,
	}
	if diff := cmp.Diff(want, s); made.status != 201 || diff != "" {
		t.Errorf("%d (-want +got):\n%s", made.status, diff)
	}
	if again := r.do(t, "POST", base+"/subscriptions", body); again.status != 201 || again.json(t)["id"] != id {
		t.Errorf("again: %d %s", again.status, again.body)
	}
	if source := c.wait(t, 1)[0]; !strings.Contains(source, `"source":"/cluster/node/n1.example.com/sync/ptp-status/ptp-clock-class-change"`) || !strings.HasPrefix(source, `{"id":"`+id+`","type"`) {
		t.Errorf("initial notification: %s", source)
	}
	state := r.do(t, "GET", base+"/cluster/node/n1.example.com/sync/ptp-status/lock-state/CurrentState", "").json(t)
	if state["specversion"] != "0.3" || state["source"] != "/cluster/node/n1.example.com/sync/ptp-status/lock-state" || state["subject"] != "/sync/ptp-status/lock-state" {
		t.Errorf("state: %v", state)
	}
	refused := r.do(t, "POST", base+"/subscriptions", "{}")
	if detail := refused.problem(t); refused.status != 400 || refused.json(t)["error"] != detail {
		t.Errorf("refused: %d %s", refused.status, refused.body)
	}
	if got := r.do(t, "GET", base+"/publishers", ""); got.status != 200 || !strings.Contains(got.body, `"resource":"/cluster/node/n1.example.com/sync/ptp-status/lock-state"`) {
		t.Errorf("publishers: %d %s", got.status, got.body)
	}
	if got := r.do(t, "DELETE", base+"/subscriptions/"+id, ""); got.status != 200 || got.body != `{"status":"OK"}`+"\n" {
		t.Errorf("delete: %d %s", got.status, got.body)
	}

	// StarlingX's.
	made = r.do(t, "POST", "/ocloudNotifications/v1/subscriptions", `{"ResourceType":"PTP","ResourceQualifier":{"NodeName":"*"},"EndpointUri":"`+c.URL+`"}`)
	s = made.json(t)
	id, _ = s["SubscriptionId"].(string)
	want = map[string]any{
		"SubscriptionId": id, "ResourceType": "PTP", "ResourceQualifier": map[string]any{"NodeName": "*"}, "EndpointUri": c.URL,
		"UriLocation": r.url + "/ocloudNotifications/v1/subscriptions/" + id,
	}
	if diff := cmp.Diff(want, s); made.status != 201 || diff != "" {
		t.Errorf("%d (-want +got):\n%s", made.status, diff)
	}
	const event = `{"EventTimestamp":1795165747.781100,"ResourceType":"PTP","EventData":{"State":"Locked"},"ResourceQualifier":{"NodeName":"n1.example.com"}}`
	if got := c.wait(t, 2)[1]; got != event {
		t.Errorf("initial notification: %s", got)
	}
	x := `{"ResourceType":"PTP","ResourceQualifier":{"NodeName":"*"},"EndpointUri":"` + c.URL + `"}`
	if again := r.do(t, "POST", "/ocloudNotifications/v1/subscriptions", x); again.status != 409 || !strings.Contains(again.problem(t), id) {
		t.Errorf("again: %d %s", again.status, again.body)
	}
	for _, path := range []string{"/ptp", "/PTP"} {
		if got := r.do(t, "GET", "/ocloudNotifications/v1"+path+"/CurrentState", ""); got.body != "["+event+"]\n" {
			t.Errorf("state: %s", got.body)
		}
	}
	if got := r.do(t, "DELETE", "/ocloudNotifications/v1/subscriptions/"+id, ""); got.status != 204 || got.body != "" {
		t.Errorf("delete: %d %s", got.status, got.body)
	}
	for _, body := range []string{`{"ResourceType":"GNSS","ResourceQualifier":{"NodeName":"."},"EndpointUri":"http://x"}`, `{"ResourceType":"PTP","EndpointUri":"http://x"}`} {
		if got := r.do(t, "POST", "/ocloudNotifications/v1/subscriptions", body); got.status != 400 {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

// The small things that clients of one or the other look at.
func TestExtras(t *testing.T) {
	r := open(t)
	for path, want := range map[string]string{
		"/ocloudNotifications/v2/health":        "OK",
		"/api/ocloudNotifications/v1/health":    "OK",
		"/health":                               `{"health":true,"ok":true}` + "\n",
		"/ocloudNotifications/api_versions":     `{"SubscriptionVersion":["v1","v2"]}` + "\n",
		"/api/ocloudNotifications/api_versions": `{"SubscriptionVersion":["v1","v2"]}` + "\n",
	} {
		if got := r.do(t, "GET", path, ""); got.status != 200 || got.body != want {
			t.Errorf("%s: %d %q", path, got.status, got.body)
		}
	}
	list := r.do(t, "GET", "/ocloudNotifications/v2/publishers", "")
	var all []map[string]any
	if err := json.Unmarshal([]byte(list.body), &all); err != nil || len(all) != 7 {
		t.Fatalf("%s: %v", list.body, err)
	}
	for _, p := range all {
		one := do(t, http.DefaultClient, "GET", p["UriLocation"].(string), "")
		if diff := cmp.Diff(p, one.json(t)); one.status != 200 || diff != "" {
			t.Errorf("%d (-want +got):\n%s", one.status, diff)
		}
		if state := do(t, http.DefaultClient, "GET", p["EndpointUri"].(string), ""); state.status != 200 {
			t.Errorf("%v: %d %s", p["EndpointUri"], state.status, state.body)
		}
	}
	if got := r.do(t, "GET", "/ocloudNotifications/v2/publishers/x", ""); got.status != 404 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// Instances are named after files and devices. What of their names cannot be in a path is
// escaped in addresses, and as a client writes an address, so it may be asked for.
func TestInstanceWhoseNameIsEscaped(t *testing.T) {
	r := open(t)
	r.set(encode(t, clock.Transition{Kind: clock.GNSSSyncStatus, Instance: "serial/by-id/gps", To: clock.GNSSSynchronized, Reason: clock.OffsetInRange}))
	for _, instance := range []string{"serial%2Fby-id%2Fgps", "serial%2fby-id%2fgps", "serial%2Fby-id%2Fgp%73", "*"} {
		got := r.do(t, "GET", "/ocloudNotifications/v2/./n1.example.com/"+instance+"/sync/gnss-status/gnss-sync-status/CurrentState", "")
		if got.status != 200 || got.json(t)["ptpstate"] != "SYNCHRONIZED" || got.json(t)["instance"] != "serial%2Fby-id%2Fgps" {
			t.Errorf("%s: %d %s", instance, got.status, got.body)
		}
	}
	if got := r.do(t, "GET", "/ocloudNotifications/v2/./n1.example.com/%2A/sync/gnss-status/gnss-sync-status/CurrentState", ""); got.status != 404 {
		t.Errorf("a star that is escaped is a star: %d %s", got.status, got.body)
	}
}

// A state that is made up for a pattern of instances is none of an instance.
func TestStateOfNoInstance(t *testing.T) {
	r, c := open(t), consume(t, nil)
	r.subscribe(t, c.URL, "/././*/sync/gnss-status/gnss-sync-status")
	if got := c.wait(t, 1)[0]; strings.Contains(got, `"instance"`) || strings.Contains(got, "*") {
		t.Errorf("%s tells of an instance that there is not", got)
	}
}
