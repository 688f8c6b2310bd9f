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
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// These hold the API to its bars with ten times the room: a machine that has much else to do
// must not fail them. test/bench (ocloud) holds it to the bars themselves.
const room10 = 10

// arrivals are when the handler of an endpoint was entered; /hangs may never answer.
type arrivals struct {
	*httptest.Server
	at      chan time.Time
	hanging atomic.Bool
}

func arrive(t *testing.T, room int) *arrivals {
	a := &arrivals{at: make(chan time.Time, room)}
	end := make(chan struct{})
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := time.Now()
		if r.URL.Path == "/hangs" {
			if a.hanging.Load() {
				select {
				case <-end:
				case <-r.Context().Done():
				}
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		a.at <- at
	}))
	t.Cleanup(a.Close)
	t.Cleanup(func() { close(end) })
	return a
}

// last waits for n arrivals, and returns how long after a moment the last one came.
func (a *arrivals) last(n int, since time.Time) (last time.Duration) {
	for range n {
		last = max(last, (<-a.at).Sub(since))
	}
	return last
}

// within has something measured again while it is not within its bar: only what is slow every
// time is slow.
func within(t *testing.T, what string, bar time.Duration, measure func() time.Duration) {
	t.Helper()
	const rounds = 5
	best := time.Duration(math.MaxInt64)
	for range rounds {
		if best = min(best, measure()); best <= room10*bar {
			return
		}
	}
	t.Errorf("%s: %v at best in %d rounds; the bar is %v", what, best, rounds, bar)
}

func TestBarOfLatency(t *testing.T) {
	r, a := open(t), arrive(t, 1)
	r.subscribe(t, a.URL, "/sync/ptp-status/clock-class")
	<-a.at
	class0 := clock.Class(6)
	measure := func(percent int) func() time.Duration {
		return func() time.Duration {
			var took []time.Duration
			for range 100 {
				r.happen(t, class(class0, 13-class0))
				class0 = 13 - class0
				took = append(took, a.last(1, r.happened))
			}
			slices.Sort(took)
			return took[percent-1]
		}
	}
	within(t, "from a change to the handler, p50", 500*time.Microsecond, measure(50))
	within(t, "from a change to the handler, p99", 2*time.Millisecond, measure(99))
}

func TestBarBesideOneThatHangs(t *testing.T) {
	const others = 10
	r, a := open(t), arrive(t, others)
	r.subscribe(t, a.URL+"/hangs", "/sync/ptp-status/clock-class")
	for n := range others {
		r.subscribe(t, fmt.Sprint(a.URL, "/", n), "/sync/ptp-status/clock-class")
		<-a.at
	}
	a.hanging.Store(true)
	within(t, "the last of 8 events, while one hangs", 5*time.Millisecond, func() (late time.Duration) {
		for n := range 8 {
			r.happen(t, class(clock.Class(n), clock.Class(n+1)))
			late = a.last(others, r.happened)
			time.Sleep(100*time.Millisecond - time.Since(r.happened))
		}
		return late
	})
}

func TestBarsOfAThousand(t *testing.T) {
	const n = 1000
	r, a := open(t), arrive(t, n) // without a disk, which may be busy for as long as it likes
	memory := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	// Each has an address of its own, and so a connection.
	var endpoints []string
	for k := range n {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.1.%d.%d:0", k/250, 1+k%250)) //nolint:noctx // it answers at once
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = a.Config.Serve(listener) }()
		endpoints = append(endpoints, "http://"+listener.Addr().String())
	}
	before := memory()
	var posts []time.Duration
	for _, endpoint := range endpoints {
		began := time.Now()
		r.subscribe(t, endpoint, "/sync/ptp-status/clock-class")
		posts = append(posts, time.Since(began))
		<-a.at
	}
	slices.Sort(posts)
	if p99 := posts[n*99/100-1]; p99 > room10*20*time.Millisecond {
		t.Errorf("POST subscriptions: p99 %v", p99)
	}
	within(t, "all of a thousand are told", 250*time.Millisecond, func() time.Duration {
		r.happen(t, class(6, 7))
		return a.last(n, r.happened)
	})
	// That of the endpoints, which are in this process as well, is not counted apart.
	if more := memory() - before; more > 64<<20 {
		t.Errorf("a thousand subscriptions and their endpoints take %d MiB", more>>20)
	} else {
		t.Logf("a thousand subscriptions and their endpoints take %.1f MiB", float64(more)/(1<<20))
	}
}
