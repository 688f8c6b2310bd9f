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

package sink

import (
	"net/http"
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	exponential := Delivery{Backoff: 100 * time.Millisecond, MaxBackoff: time.Second, RetryAfterMax: time.Minute}
	linear := Delivery{Backoff: 100 * time.Millisecond, MaxBackoff: 250 * time.Millisecond, Linear: true}
	for _, tc := range []struct {
		d                 Delivery
		n                 int
		asked             time.Duration // by Retry-After
		shortest, longest time.Duration
	}{
		{exponential, 1, 0, 50 * time.Millisecond, 100 * time.Millisecond},
		{exponential, 2, 0, 100 * time.Millisecond, 200 * time.Millisecond},
		{exponential, 3, 0, 200 * time.Millisecond, 400 * time.Millisecond},
		{exponential, 4, 0, 400 * time.Millisecond, 800 * time.Millisecond},
		{exponential, 5, 0, 500 * time.Millisecond, time.Second},
		{exponential, 6, 0, 500 * time.Millisecond, time.Second},
		{exponential, 1 << 40, 0, 500 * time.Millisecond, time.Second},
		{linear, 1, 0, 50 * time.Millisecond, 100 * time.Millisecond},
		{linear, 2, 0, 100 * time.Millisecond, 200 * time.Millisecond},
		{linear, 3, 0, 125 * time.Millisecond, 250 * time.Millisecond},
		{linear, 1 << 40, 0, 125 * time.Millisecond, 250 * time.Millisecond},

		{exponential, 1, 30 * time.Second, 30 * time.Second, 33 * time.Second},
		{exponential, 1, time.Hour, time.Minute, 66 * time.Second},
		{exponential, 5, 10 * time.Millisecond, 500 * time.Millisecond, time.Second},
		{linear, 1, time.Hour, 50 * time.Millisecond, 100 * time.Millisecond}, // it is not asked
	} {
		seen := map[time.Duration]bool{}
		for range 100 {
			wait := tc.d.wait(tc.n, tc.asked)
			if wait < tc.shortest || wait > tc.longest {
				t.Errorf("wait(%d, %v) = %v, want %v to %v", tc.n, tc.asked, wait, tc.shortest, tc.longest)
			}
			seen[wait] = true
		}
		if len(seen) < 50 {
			t.Errorf("wait(%d, %v) has only %d values in 100 draws", tc.n, tc.asked, len(seen))
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 9, 7, 0, time.UTC)
	for _, tc := range []struct {
		name, header, date string
		want               time.Duration
	}{
		{"seconds", "120", "", 2 * time.Minute},
		{"no seconds", "0", "", 0},
		{"more seconds than there are", "18446744073709551615", "", 9223372036 * time.Second},
		{"more digits than a number has", "99999999999999999999", "", 0},
		{"less than no seconds", "-1", "", 0},
		{"a fraction", "1.5", "", 0},
		{"a date", "Fri, 20 Nov 2026 09:10:07 GMT", "", time.Minute},
		{"a date of RFC 850", "Friday, 20-Nov-26 09:10:07 GMT", "", time.Minute},
		{"a date of C", "Fri Nov 20 09:10:07 2026", "", time.Minute},
		{"a date that is past", "Fri, 20 Nov 2026 09:09:06 GMT", "", 0},
		{"a date by a clock that differs from ours", "Sat, 21 Nov 2026 00:00:30 GMT", "Sat, 21 Nov 2026 00:00:00 GMT", 30 * time.Second},
		{"a date beside one that is none", "Fri, 20 Nov 2026 09:10:07 GMT", "today", time.Minute},
		{"a word", "soon", "", 0},
		{"nothing", "", "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := retryAfter(http.Header{"Retry-After": {tc.header}, "Date": {tc.date}}, now); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// Only two answers can ask for a time: those of a sink that is well and has too much to do.
func TestWhoMayAskForTime(t *testing.T) {
	for status, want := range map[int]time.Duration{
		429: 7 * time.Second, 503: 7 * time.Second, 202: 0, 301: 0, 400: 0, 404: 0, 408: 0, 409: 0, 500: 0, 502: 0, 504: 0,
	} {
		v := judge(&http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"7"}}}, nil)
		if v.retryAfter != want {
			t.Errorf("status %d: wait %v, want %v", status, v.retryAfter, want)
		}
	}
}

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"http://broker-ingress.knative-eventing.svc.cluster.local/default/default": "http://broker-ingress.knative-eventing.svc.cluster.local/default/default",
		"https://user:secret@sink.example:8443/in?token=secret#secret":             "https://sink.example:8443/in",
		"user:secret@sink.example/in":                                              "(not a URL)",
		"http://user:secret@sink:port/":                                            "(not a URL)",
		"":                                                                         "(not a URL)",
	} {
		if got := shown(in); got != want {
			t.Errorf("shown(%q) = %q, want %q", in, got, want)
		}
	}
}

// A trace is made of what names the event, and so is the same after a restart.
func TestTraceIsFixed(t *testing.T) {
	all := func(TraceID) bool { return true }
	none := func(id TraceID) bool { return id == TraceID{} }
	for _, tc := range []struct {
		name, node, id string
		sampled        func(TraceID) bool
		want           string
	}{
		{"an event", "n1", "6b00676949ec-18", nil, "00-f1eee5b53cadd5de2489c08b66a974e5-d3b615bf823cb423-00"},
		{"the next one", "n1", "6b00676949ec-19", nil, "00-34d01780923d3c34a94b8b902f7c6c17-f2375c796f8d9e3d-00"},
		{"one of another node", "n2", "6b00676949ec-18", nil, "00-8686e046d0aea9facd1650a9cc302cd5-68d6c8a960fa7f7c-00"},
		{"one that is recorded", "n1", "6b00676949ec-18", all, "00-f1eee5b53cadd5de2489c08b66a974e5-d3b615bf823cb423-01"},
		{"one that might have been", "n1", "6b00676949ec-18", none, "00-f1eee5b53cadd5de2489c08b66a974e5-d3b615bf823cb423-00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := http.Header{"Ce-Resourceaddress": {"/cluster/node/" + tc.node + "/sync/ptp-status/lock-state"}, "Ce-Id": {tc.id}}
			setTrace(h, tc.sampled)
			if h.Get("Traceparent") != tc.want || h.Get("Ce-Traceparent") != tc.want {
				t.Errorf("got %v, want %s", h, tc.want)
			}
		})
	}
}
