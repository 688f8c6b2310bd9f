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

package sink_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
)

// answering is a sink that answers the nth request with the nth answer, and all further
// ones with 202. It keeps when they came.
type answering struct {
	answers []http.Handler
	times   []time.Time
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	a.times = append(a.times, time.Now())
	w := httptest.NewRecorder()
	if n := len(a.times); n <= len(a.answers) {
		a.answers[n-1].ServeHTTP(w, r)
	} else {
		w.WriteHeader(http.StatusAccepted)
	}
	return w.Result(), nil
}

func asks(code int, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(code)
	}
}

// An event is sent to a sink that answers so; the waits are those before the tries that
// follow.
func TestWaits(t *testing.T) {
	type between struct{ shortest, longest time.Duration }
	ms, s := time.Millisecond, time.Second
	for _, tc := range []struct {
		name    string
		most    time.Duration // that a sink may ask for
		answers []http.Handler
		want    []between
	}{
		{
			name: "back-off that grows", most: time.Minute,
			answers: []http.Handler{status(500), status(502), status(404), status(408), status(409)},
			want:    []between{{50 * ms, 100 * ms}, {100 * ms, 200 * ms}, {200 * ms, 400 * ms}, {400 * ms, 800 * ms}, {800 * ms, 1600 * ms}},
		},
		{
			name: "too many requests, with seconds", most: time.Minute,
			answers: []http.Handler{asks(429, "30"), status(429)},
			want:    []between{{30 * s, 33 * s}, {100 * ms, 200 * ms}},
		},
		{
			name: "unavailable, with a date", most: time.Minute, // bubbles begin at midnight of this day
			answers: []http.Handler{asks(503, "Sat, 01 Jan 2000 00:00:20 GMT")},
			want:    []between{{20 * s, 22 * s}},
		},
		{
			name: "more than may be asked for", most: 5 * time.Second,
			answers: []http.Handler{asks(429, "86400")},
			want:    []between{{5 * s, 5500 * ms}},
		},
		{
			name: "not to be asked", most: 0,
			answers: []http.Handler{asks(429, "30")},
			want:    []between{{50 * ms, 100 * ms}},
		},
		{
			name: "an answer that may not ask", most: time.Minute,
			answers: []http.Handler{asks(500, "30")},
			want:    []between{{50 * ms, 100 * ms}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answering{answers: tc.answers}
				b := newBench(t, 10)
				b.Delivery = sink.Delivery{Timeout: 10 * s, Backoff: 100 * ms, MaxBackoff: 10 * s, RetryAfterMax: tc.most, Retries: sink.Forever}
				b.Sink = sink.Target{URL: "http://sink.example", Transport: a}
				b.record(1)
				stop := b.run()
				time.Sleep(time.Hour) // of the bubble
				stop()
				if len(a.times) != len(tc.want)+1 {
					t.Fatalf("%d tries, want %d", len(a.times), len(tc.want)+1)
				}
				for n, want := range tc.want {
					if wait := a.times[n+1].Sub(a.times[n]); wait < want.shortest || wait > want.longest {
						t.Errorf("wait %d is %v, want %v to %v", n+1, wait, want.shortest, want.longest)
					}
				}
			})
		})
	}
}
