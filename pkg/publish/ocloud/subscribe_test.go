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
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
)

const subscriptions = "/ocloudNotifications/v2/subscriptions"

// Every shape of an address that is documented anywhere can be subscribed, and the endpoint
// knows what holds before the subscriber has its answer.
func TestSubscribe(t *testing.T) {
	const full = "/cluster/node/n1.example.com"
	all := []string{"ptp-status/lock-state is LOCKED", "ptp-status/clock-class is 6", "sync-status/sync-state is LOCKED"}
	for _, tc := range []struct {
		address string
		want    []string
	}{
		{full + "/sync/ptp-status/lock-state", all[:1]},
		{full + "/sync/ptp-status/clock-class", all[1:2]},
		{full + "/sync/ptp-status/ptp-clock-class-change", all[1:2]},
		{full + "/sync/sync-status/sync-state", all[2:]},
		{full + "/sync/ptp-status", all[:2]},
		{full + "/sync", all},
		{full + "/ptp4l.0/sync", all[:2]},
		{full + "/ptp4l.0/sync/ptp-status/lock-state", all[:1]},
		{full + "/ptp4l.*/sync/ptp-status/lock-state", all[:1]},
		{"/./n1.example.com/sync", all},
		{"/./n1.example.com/ptp4l.0/sync/ptp-status/clock-class", all[1:2]},
		{"/././sync/sync-status/sync-state", all[2:]},
		{"/./*/sync/ptp-status/lock-state", all[:1]},
		{"/cluster/node/n1*/sync/ptp-status/lock-state", all[:1]},
		{"//cluster//node//n1.example.com//sync//ptp-status//lock-state", all[:1]},
		{"/n1.example.com/sync/ptp-status/lock-state", all[:1]}, // what some clients make of /./n1...
		{"/n1.example.com/ptp4l.0/sync/ptp-status/lock-state", all[:1]},
		{"/sync", all},
		{"/sync/ptp-status/lock-state", all[:1]},

		// What could be there, and is not, cannot be relied on.
		{full + "/sync/gnss-status/gnss-sync-status", []string{"gnss-status/gnss-sync-status is FAILURE-NOFIX"}},
		{full + "/sync/synce-status/lock-state", []string{"synce-status/lock-state is FREERUN"}},
		{full + "/sync/synce-status/clock-quality", []string{"synce-status/clock-quality is 255"}},
		{full + "/sync/sync-status/os-clock-sync-state", []string{"sync-status/os-clock-sync-state is FREERUN"}},
		{full + "/ptp4l.7/sync/ptp-status/lock-state", []string{"ptp-status/lock-state is FREERUN"}},
		{full + "/sync/gnss-status", []string{"gnss-status/gnss-sync-status is FAILURE-NOFIX"}},
		{full + "/sync/synce-status", []string{"synce-status/lock-state is FREERUN", "synce-status/clock-quality is 255"}},
		{full + "/ens3f0/sync/synce-status", nil}, // an instance may be of anything
		{full + "/ptp*/sync/gnss-status/gnss-sync-status", []string{"gnss-status/gnss-sync-status is FAILURE-NOFIX"}},
	} {
		t.Run(tc.address, func(t *testing.T) {
			r, c := open(t), consume(t, nil)
			got := r.do(t, "POST", subscriptions, fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":%q,"SubscriptionId":"mine","UriLocation":"here"}`, c.URL+"/event", tc.address))
			said := brief(t, c.got())
			if got.status != http.StatusCreated {
				t.Fatalf("%d %s", got.status, got.body)
			}
			if diff := cmp.Diff(tc.want, said); diff != "" {
				t.Errorf("before the answer the endpoint was told (-want +got):\n%s", diff)
			}
			s := got.json(t)
			id, _ := s["SubscriptionId"].(string)
			want := map[string]any{
				"SubscriptionId": id, "EndpointUri": c.URL + "/event", "ResourceAddress": tc.address,
				"UriLocation": r.url + "/ocloudNotifications/v2/subscriptions/" + id,
			}
			if diff := cmp.Diff(want, s); diff != "" || id == "mine" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if location := got.header.Get("Location"); location != want["UriLocation"] {
				t.Errorf("Location is %q", location)
			}
		})
	}
}

func TestSubscribeRefuses(t *testing.T) {
	broken := consume(t, func(int) int { return http.StatusInternalServerError })
	moved := consume(t, func(n int) int { return []int{http.StatusTemporaryRedirect, http.StatusNoContent}[min(n, 2)-1] })
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the end of the connection is noticed
		<-r.Context().Done()
	}))
	defer silent.Close()
	gone := consume(t, nil)
	gone.Close()
	c := consume(t, nil)
	const address = "/././sync/ptp-status/lock-state"
	body := func(endpoint, address string) string {
		return fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":%q}`, endpoint, address)
	}
	for _, tc := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"no JSON", "EndpointUri=x", 400, "must be a JSON object with EndpointUri and ResourceAddress"},
		{"no object", "[]", 400, "must be a JSON object"},
		{"nothing", "", 400, "must be a JSON object"},
		{"no endpoint", `{"ResourceAddress":"/././sync"}`, 400, "EndpointUri is missing"},
		{"no address", `{"EndpointUri":"http://x"}`, 400, "ResourceAddress is missing"},
		{"a number", `{"EndpointUri":1}`, 400, "cannot unmarshal number"},
		{"no URL", body("consumer:9043", address), 400, "absolute http or https URL"},
		{"another scheme", body("ftp://consumer/x", address), 400, "absolute http or https URL"},
		{"a password", body("http://a:b@consumer/x", address), 400, "must not have a user"},
		{"a fragment", body("http://consumer/x#y", address), 400, "must not have a fragment"},
		{"a long URL", body("http://consumer/"+strings.Repeat("x", 3000), address), 400, "it may have 2048"},
		{"a long address", body(c.URL, "/././"+strings.Repeat("x", 3000)), 400, "it may have 1024"},
		{"a large body", body(c.URL, strings.Repeat("x", 100<<10)), 413, "larger than 16384 bytes"},
		{"another node", body(c.URL, "/cluster/node/n2/sync"), 404, `is of node "n2", and this is node "n1.example.com": ask the adapter of that node`},
		{"another node's name that begins like ours", body(c.URL, "/cluster/node/n1.example.com.x/sync"), 404, "ask the adapter of that node"},
		{"a pattern of other nodes", body(c.URL, "/./m*/sync"), 404, "ask the adapter of that node"},
		{"another cluster", body(c.URL, "/edge/node/n1.example.com/sync"), 404, `is in cluster "edge", and this is cluster "cluster"`},
		{"no resource", body(c.URL, "/cluster/node/n1.example.com"), 404, "put /sync behind it"},
		{"an unknown resource", body(c.URL, "/././sync/ptp-status/lock"), 404, "/sync/ptp-status/lock-state"},
		{"a resource behind another", body(c.URL, "/././sync/ptp-status/lock-state/x"), 404, "there is no resource"},
		{"an instance of what is there once", body(c.URL, "/././ptp4l.0/sync/sync-status/sync-state"), 404, `leave the instance "ptp4l.0" out`},
		{"no address at all", body(c.URL, "lock-state"), 404, "is no resource address"},
		{"an event that is not recorded", body(c.URL, "/././sync/sync-status/os-clock-set"), 404, "let spec.events.types of the source name com.github.eventing-ptp.os-clock.stepped"},
		{"a content type that there is not", strings.Replace(body(c.URL, address), "}", `,"ContentType":"text/xml"}`, 1), 400, "application/cloudevents+json"},
		{"an endpoint that fails", body(broken.URL+"/event", address), 400, broken.URL + "/event did not take the initial notification: status 500 Internal Server Error; look at the log of the consumer"},
		{"an endpoint that redirects", body(moved.URL, address), 400, "redirects are not followed"},
		{"an endpoint that is silent", body(silent.URL, address), 400, "no answer in time"},
		{"an endpoint that is not there", body(gone.URL, address), 400, "check that the consumer runs"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := open(t, func(o *ocloud.Options) {
				if strings.Contains(tc.name, "silent") {
					o.Delivery.Greeting = 300 * time.Millisecond
				}
			})
			got := r.do(t, "POST", subscriptions, tc.body)
			if detail := got.problem(t); got.status != tc.status || !strings.Contains(detail, tc.says) {
				t.Errorf("%d %s\nwant %d and %q", got.status, detail, tc.status, tc.says)
			}
			if list := r.do(t, "GET", subscriptions, ""); list.body != "[]\n" {
				t.Errorf("there is a subscription nevertheless: %s", list.body)
			}
		})
	}
	if n := moved.asked; n != 1 {
		t.Errorf("the endpoint that redirects was asked %d times", n)
	}
}

// Who subscribes again is told so, and what there is.
func TestConflict(t *testing.T) {
	r, c := open(t), consume(t, nil)
	id := r.subscribe(t, c.URL, "/cluster/node/n1.example.com/sync/ptp-status")
	for _, tc := range []struct {
		address, endpoint string
		status            int
	}{
		{"/cluster/node/n1.example.com/sync/ptp-status", c.URL, 409},
		{"/././sync/ptp-status", c.URL, 409}, // the same in other words
		{"/././sync/ptp-status/lock-state", c.URL, 409},
		{"/././ptp4l.0/sync/ptp-status/lock-state", c.URL, 409},
		{"/././sync/sync-status", c.URL, 201},
		{"/././sync/ptp-status", c.URL + "/other", 201},
		{"/././sync", c.URL, 201},
	} {
		got := r.do(t, "POST", subscriptions, fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":%q}`, tc.endpoint, tc.address))
		if got.status != tc.status {
			t.Errorf("%s to %s: %d %s, want %d", tc.address, tc.endpoint, got.status, got.body, tc.status)
		}
		if tc.status != 409 {
			continue
		}
		p, location := got.json(t), r.url+subscriptions+"/"+id
		if p["UriLocation"] != location || p["SubscriptionId"] != id || got.header.Get("Location") != location {
			t.Errorf("%s: %s does not name %s", tc.address, got.body, id)
		}
	}
}

// Two that ask for the same at the same time do not get it twice.
func TestConflictAtTheSameTime(t *testing.T) {
	release := make(chan struct{})
	var asked atomic.Int32
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-release
		w.WriteHeader(http.StatusNoContent)
	}))
	defer slow.Close()
	r := open(t)
	body := fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/././sync/ptp-status/lock-state"}`, slow.URL)
	first := make(chan int, 1)
	go func() { first <- r.do(t, "POST", subscriptions, body).status }()
	eventually(t, "initial notification", func() bool { return asked.Load() == 1 }, func() string { return "none" })
	second := r.do(t, "POST", subscriptions, body).status
	close(release)
	if status := <-first; status != http.StatusCreated || second != http.StatusConflict {
		t.Errorf("%d and %d, want 201 and 409", status, second)
	}
}

func TestLimitOfSubscriptions(t *testing.T) {
	r, c := open(t, func(o *ocloud.Options) { o.Limits.Subscriptions = 2 }), consume(t, nil)
	r.subscribe(t, c.URL+"/1", "/sync")
	r.subscribe(t, c.URL+"/2", "/sync")
	got := r.do(t, "POST", subscriptions, fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync"}`, c.URL+"/3"))
	if got.status != 429 || !strings.Contains(got.problem(t), "there are 2 subscriptions, and there can be no more") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestListGetDelete(t *testing.T) {
	r, c := open(t), consume(t, nil)
	one, two := r.subscribe(t, c.URL, "/././sync/ptp-status"), r.subscribe(t, c.URL, "/././sync/sync-status")
	for _, prefix := range []string{"", "/api", "//api/"} {
		got := r.do(t, "GET", prefix+subscriptions, "")
		if at1, at2 := strings.Index(got.body, one), strings.Index(got.body, two); got.status != 200 || at1 < 0 || at2 < at1 {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	got := r.do(t, "GET", subscriptions+"/"+one, "")
	if s := got.json(t); got.status != 200 || s["SubscriptionId"] != one || s["Status"].(map[string]any)["State"] != "active" {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, step := range []struct {
		method, path string
		status       int
	}{
		{"DELETE", one, 204},
		{"DELETE", one, 404},
		{"GET", one, 404},
		{"GET", two, 200},
		{"PUT", "status/" + two, 202},
		{"PUT", "status/" + one, 404},
		{"PATCH", two, 405},
		{"DELETE", "", 204},
		{"DELETE", "", 204},
		{"GET", two, 404},
	} {
		got := r.do(t, step.method, subscriptions+"/"+step.path, "")
		if got.status != step.status {
			t.Errorf("%s %s: %d %s, want %d", step.method, step.path, got.status, got.body, step.status)
		}
		if got.status >= 400 && len(got.problem(t)) < 20 {
			t.Errorf("%s %s: %s does not help", step.method, step.path, got.body)
		}
		if got.status == 204 && got.body != "" {
			t.Errorf("204 with %q", got.body)
		}
	}
	if got := r.do(t, "PATCH", subscriptions, ""); got.header.Get("Allow") != "DELETE, GET, POST" {
		t.Errorf("Allow: %s", got.header.Get("Allow"))
	}
	if got := r.do(t, "GET", subscriptions, ""); got.body != "[]\n" {
		t.Errorf("%s is left", got.body)
	}
	want := []string{"ptp-status/lock-state is LOCKED", "ptp-status/clock-class is 6", "sync-status/sync-state is LOCKED", "sync-status/sync-state is LOCKED"}
	if got := brief(t, c.got()); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Nobody deletes what is another's without saying so.
func TestDeleteAll(t *testing.T) {
	r, a, b := open(t), consume(t, nil), consume(t, nil)
	r.subscribe(t, a.URL, "/././sync/ptp-status")
	r.subscribe(t, a.URL+"/other", "/././sync/ptp-status")
	r.subscribe(t, b.URL, "/././sync/ptp-status")
	count := func() int { return strings.Count(r.do(t, "GET", subscriptions, "").body, "SubscriptionId") }

	got := r.do(t, "DELETE", subscriptions, "")
	detail := got.problem(t)
	if got.status != 409 || count() != 3 || !strings.Contains(detail, "subscriptions of 2 endpoints") || !strings.Contains(got.body, a.URL) || !strings.Contains(got.body, b.URL) {
		t.Errorf("%d %s, and %d are left", got.status, got.body, count())
	}
	if got := r.do(t, "DELETE", subscriptions+"?EndpointUri="+b.URL, ""); got.status != 204 || count() != 2 {
		t.Errorf("%d %s, and %d are left", got.status, got.body, count())
	}
	// Now all are of one host, which may well be one consumer.
	if got := r.do(t, "DELETE", subscriptions, ""); got.status != 204 || count() != 0 {
		t.Errorf("%d %s, and %d are left", got.status, got.body, count())
	}
	r.subscribe(t, a.URL, "/././sync/ptp-status")
	r.subscribe(t, b.URL, "/././sync/ptp-status")
	if got := r.do(t, "DELETE", subscriptions+"?all=true", ""); got.status != 204 || count() != 0 {
		t.Errorf("%d %s, and %d are left", got.status, got.body, count())
	}
}

// A subscription to what the source does not record would never be told anything.
func TestTypesThatAreNotRecorded(t *testing.T) {
	r, c := open(t, func(o *ocloud.Options) { o.Types = []string{oran.ClockClassChange, oran.OSClockStepped} }), consume(t, nil)
	got := r.do(t, "POST", subscriptions, fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync/ptp-status/lock-state"}`, c.URL))
	if got.status != 404 || !strings.Contains(got.problem(t), "let spec.events.types of the source name "+oran.LockStateChange) {
		t.Errorf("%d %s", got.status, got.body)
	}
	r.subscribe(t, c.URL, "/sync/ptp-status")
	r.subscribe(t, c.URL, "/sync/sync-status/os-clock-set") // which has no state to begin with
	r.happen(t, clock.Transition{Kind: clock.OSClockSet, To: clock.Shift(-37e9), Reason: clock.ClockStepped})
	if got, want := brief(t, c.wait(t, 3))[2], "sync-status/os-clock-set >-37000000000"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// While nothing is known of the clocks, nothing is made up.
func TestClocksThatAreNotKnownYet(t *testing.T) {
	r, c := open(t), consume(t, nil)
	r.mu.Lock()
	r.notReady = true
	r.mu.Unlock()
	body := fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync"}`, c.URL)
	for _, got := range []reply{r.do(t, "POST", subscriptions, body), r.do(t, "GET", "/ocloudNotifications/v2/sync/ptp-status/lock-state/CurrentState", "")} {
		if got.status != 503 || got.header.Get("Retry-After") != "1" || !strings.Contains(got.problem(t), "come again") {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	if got := r.do(t, "GET", "/ocloudNotifications/v2/health", ""); got.status != 200 || got.body != "OK" {
		t.Errorf("health: %d %s", got.status, got.body)
	}
	r.mu.Lock()
	r.notReady = false
	r.mu.Unlock()
	r.subscribe(t, c.URL, "/sync")
}
