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
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
	"github.com/eventing-ptp/eventing-ptp/test/malformed"
)

// left waits until no more goroutines are there than before, but for some of the runtime and
// of connections that are kept.
func left(t *testing.T, before int) {
	t.Helper()
	eventually(t, "end of what was begun", func() bool { return runtime.NumGoroutine() <= before+10 }, func() string {
		stacks := make([]byte, 1<<20)
		return fmt.Sprintf("%d goroutines in the place of %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
	})
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Whatever a client sends is answered, and costs nothing that stays. `make malformed` does the
// same a million times.
func TestMalformedRequests(t *testing.T) {
	const requests = 20_000
	c := consume(t, nil)
	r := open(t, func(o *ocloud.Options) { o.Limits.Subscriptions = 50 })
	handler, words := r.api.Handler(), malformed.OCloud(here.Node, c.URL)
	run := func(seed uint64, n int) {
		t.Helper()
		report := malformed.Run(handler, words, seed, n)
		for _, wrong := range report.Wrong {
			t.Errorf("seed %d: %s", seed, wrong)
		}
		if report.Requests != n || report.Failures > 0 || report.Statuses[2] == 0 || report.Statuses[4] < n/2 {
			t.Errorf("seed %d: %+v", seed, report)
		}
		c.mu.Lock()
		c.bodies = nil
		c.mu.Unlock()
		if got := r.do(t, "DELETE", subscriptions+"?all=true", ""); got.status != 204 {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	run(1, requests/10) // what is made once
	goroutines, bytes := runtime.NumGoroutine(), heap()
	run(2, requests)
	left(t, goroutines)
	if grown := heap() - bytes; grown > 8<<20 {
		t.Errorf("%d requests have left %d bytes", requests, grown)
	}
}

// What is no HTTP at all ends with its connection.
func TestBytesThatAreNoHTTP(t *testing.T) {
	r := open(t, func(o *ocloud.Options) { o.Limits.PerClient = 20 })
	random := rand.New(rand.NewPCG(1, 0)) //nolint:gosec // it must come again
	beginnings := []string{"", "GET ", "POST /ocloudNotifications/v2/subscriptions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01"}
	goroutines := runtime.NumGoroutine()
	for range 500 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://")) //nolint:noctx // it answers at once
		if err != nil {
			t.Fatal(err)
		}
		junk := make([]byte, random.IntN(300))
		for n := range junk {
			junk[n] = byte(random.IntN(256))
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = conn.Write(append([]byte(beginnings[random.IntN(len(beginnings))]), junk...))
		_ = conn.Close()
	}
	eventually(t, "answer", func() bool { // their places are free again
		response, err := http.Get(r.url + subscriptions) //nolint:noctx // it answers at once
		return err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, func() string { return "none" })
	left(t, goroutines)
}
