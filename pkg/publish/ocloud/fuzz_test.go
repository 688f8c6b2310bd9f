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
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
)

// No request is answered with what would be our fault, and every refusal says why.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ method, path, body string }{
		{"POST", "/ocloudNotifications/v2/subscriptions", `{"EndpointUri":"http://127.0.0.1:1/x","ResourceAddress":"/././sync"}`},
		{"POST", "/api/ocloudNotifications/v1/subscriptions", `{"endpointUri":"http://x","resource":"/cluster/node/n1.example.com/sync/ptp-status/lock-state"}`},
		{"POST", "/ocloudNotifications/v1/subscriptions", `{"ResourceType":"PTP","ResourceQualifier":{"NodeName":"*"},"EndpointUri":"http://x"}`},
		{"GET", "/ocloudNotifications/v2/./n1.example.com/sync/ptp-status/lock-state/CurrentState", ""},
		{"GET", "/ocloudNotifications/v1/ptp/CurrentState", ""},
		{"DELETE", "/ocloudNotifications/v2/subscriptions?all=true", ""},
		{"PUT", "/ocloudNotifications/v2/subscriptions/status/x", ""},
		{"GET", "//api//ocloudNotifications//v2//publishers/[", "{"},
		{"GET", "/ocloudNotifications/v2/[/*/%2f/sync/CurrentState", ""},
	} {
		f.Add(seed.method, seed.path, seed.body)
	}
	log, err := journal.NewMemory(journal.DefaultLimits())
	if err != nil {
		f.Fatal(err)
	}
	states := &clocks{}
	states.set(encode(f, lock("ptp4l.0", clock.Freerun, clock.Locked)))
	// Nothing is connected to: no address is loopback and this node's.
	api, err := ocloud.New(ocloud.Options{
		Here: here, Live: states, Journal: log, Endpoints: ocloud.Endpoints{Reach: ocloud.Localhost},
		Delivery: ocloud.Delivery{Timeout: 10 * time.Millisecond, Backoff: time.Second, MaxBackoff: time.Second, Greeting: 100 * time.Millisecond}, Limits: ocloud.DefaultLimits(),
	})
	if err != nil {
		f.Fatal(err)
	}
	handler := api.Handler()
	f.Fuzz(func(t *testing.T, method, path, body string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || !validMethod(method) {
			return // the server itself refuses it
		}
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", strings.NewReader(body))
		r.Method, r.URL = method, u
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code < 200 {
			t.Errorf("%s %s %q: %d %s", method, path, body, w.Code, w.Body)
		}
		if w.Code >= 400 {
			if detail := (reply{w.Code, w.Header(), w.Body.String()}).problem(t); len(detail) < 10 {
				t.Errorf("%s %s %q: %d says only %q", method, path, body, w.Code, detail)
			}
		}
	})
}

func validMethod(m string) bool {
	_, err := http.NewRequest(m, "/", nil) //nolint:noctx // it is not sent
	return err == nil && m != ""
}
