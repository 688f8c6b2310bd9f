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

package adapter

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// What was said can be read again, what comes follows without a gap, and the state with it
// is the one that the last event has told.
func TestHistoryAndState(t *testing.T) {
	p, socket := simulate(t)
	s := newSink(t, nil)
	address := freeAddress(t)
	start(t, "-sink", s.URL, "-socket", socket, "-health", address)
	s.wait(t, node+"FREERUN>LOCKED OffsetInRange")

	get := func(path string) *http.Response {
		response, err := http.Get("http://" + address + path) //nolint:noctx // the test's own server
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		if response.StatusCode != http.StatusOK {
			body, _ := io.ReadAll(response.Body)
			t.Fatalf("GET %s: status %d, %s", path, response.StatusCode, body)
		}
		return response
	}
	lines := bufio.NewScanner(get("/v1/events?follow=true").Body) //nolint:bodyclose // get does
	next := func() string {
		for lines.Scan() {
			if lines.Text() == "" {
				continue
			}
			var e struct{ ID, ResourceAddress, PreviousState, PTPState, PTPReason string }
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("%s %s>%s %s", e.ResourceAddress, e.PreviousState, e.PTPState, e.PTPReason)
		}
		return fmt.Sprintf("the end, %v", lines.Err())
	}
	for _, want := range fromStartToLock {
		if got := next(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	p.SetClass(7)
	if got, want := next(), class+"6>7 ParentClass"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}

	var state stream.State
	if err := json.NewDecoder(get("/v1/state").Body).Decode(&state); err != nil { //nolint:bodyclose // get does
		t.Fatal(err)
	}
	if len(state.Instances) != 1 {
		t.Fatalf("%+v", state)
	}
	i := state.Instances[0]
	if state.Node != "n1" || state.Overall.State != "LOCKED" || state.Overall.Reason != "OffsetInRange" || state.Overall.Since == nil ||
		i.Name != "ptp4l.0" || i.State != "LOCKED" || i.Since == nil || i.Class != "7" || !i.Up || i.OffsetNanoseconds == nil ||
		len(i.Ports) != 1 || i.Ports[0].State != "SLAVE" || state.Thresholds.LockOffset != "100ns" || state.OSClock != nil {
		t.Errorf("%+v", state)
	}
	var resources []string
	for _, r := range state.Resources {
		if r.Since == nil {
			t.Errorf("since when is %+v?", r)
		}
		resources = append(resources, strings.TrimSpace(fmt.Sprint(r.Address, " ", r.Instance))+" "+r.State)
	}
	if want := []string{
		"/cluster/node/n1/ptp4l.0/sync/ptp-status/lock-state ptp4l.0 LOCKED",
		"/cluster/node/n1/ptp4l.0/sync/ptp-status/clock-class ptp4l.0 7",
		"/cluster/node/n1/sync/sync-status/sync-state LOCKED",
	}; !slices.Equal(resources, want) {
		t.Errorf("resources\n%q, want\n%q", resources, want)
	}
	if since := state.Time.Sub(*state.Overall.Since); since < 0 || since > patience {
		t.Errorf("LOCKED for %v", since)
	}
}

func TestNoHistoryBeforeTheJournalIsThere(t *testing.T) {
	address := freeAddress(t)
	h := newHealth(&line{})
	go func() { _ = h.serve(t.Context(), address) }()
	eventually(t, "answer", func() bool {
		response, err := http.Get("http://" + address + "/v1/state") //nolint:noctx // the test's own server
		if err != nil {
			return false
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "1" && strings.HasPrefix(string(body), "not ready: ")
	}, func() string { return "none" })
}
