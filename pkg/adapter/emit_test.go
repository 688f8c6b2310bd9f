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
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/testevent"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
)

// takesTests configures adapters that can be asked for test events, and returns where.
func takesTests(t *testing.T) string {
	t.Helper()
	address := freeAddress(t)
	t.Setenv("K_SOURCE_CONFIG", fmt.Sprintf(`{"emit": {"address": %q}, "delivery": {"backoffMax": "100ms"}}`, address))
	return address
}

// askForTest asks for a test event, and returns the status of the answer, and what it says.
func askForTest(t *testing.T, address, body string) (int, []testevent.Report, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+testevent.Path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var reports []testevent.Report
	for lines := json.NewDecoder(strings.NewReader(string(text))); response.StatusCode == http.StatusOK; {
		var r testevent.Report
		if err := lines.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		reports = append(reports, r)
	}
	return response.StatusCode, reports, strings.TrimSpace(string(text))
}

// tested asks for a test event, and returns both lines of the answer.
func tested(t *testing.T, address, body string) (testevent.Recorded, testevent.Settled) {
	t.Helper()
	status, reports, text := askForTest(t, address, body)
	if status != http.StatusOK || len(reports) != 2 || reports[0].Recorded == nil || reports[1].Settled == nil {
		t.Fatalf("status %d: %s", status, text)
	}
	return *reports[0].Recorded, *reports[1].Settled
}

// A test event goes the whole way, and leaves what is known of the clocks alone.
func TestTestEvents(t *testing.T) {
	p, socket := simulate(t)
	s := newSink(t, nil)
	address, probes := takesTests(t), freeAddress(t)
	args := []string{"-sink", s.URL, "-socket", socket, "-health", probes, "-journal", t.TempDir()}
	stop := start(t, args...)
	s.wait(t, node+"FREERUN>LOCKED OffsetInRange")
	recorded, settled := tested(t, address, `{"wait": "10s"}`)
	if n := len(fromStartToLock) + 1; recorded.Sequence != uint64(n) || !strings.HasSuffix(recorded.ID, fmt.Sprintf("-%d", n)) ||
		recorded.Source != "/cluster/node/n1/sync/eventing-ptp/test" || time.Since(recorded.Time).Abs() > time.Minute {
		t.Errorf("recorded as %+v", recorded)
	}
	if settled.Outcome != "delivered" || settled.Seconds <= 0 || settled.Seconds > 10 || settled.Status != http.StatusAccepted || settled.Pending != 0 {
		t.Errorf("settled as %+v", settled)
	}
	if _, settled = tested(t, address, `{"wait": "10s", "resourceAddress": "/./n1/ptp4l.0/sync/ptp-status/lock-state"}`); settled.Outcome != "delivered" {
		t.Errorf("settled as %+v", settled)
	}
	if _, settled = tested(t, address, `{"wait": "10s", "resourceAddress": "/sync/sync-status/sync-state"}`); settled.Outcome != "delivered" {
		t.Errorf("settled as %+v", settled)
	}

	stop()
	start(t, args...)
	p.SetClass(7)
	changed := func() bool { return strings.HasPrefix(s.events()[len(s.events())-1], class+"6>7 ParentClass") } // or missed
	eventually(t, "change", changed, func() string { return fmt.Sprintf("%q", s.events()) })
	want := append(slices.Clone(fromStartToLock),
		"/cluster/node/n1/sync/eventing-ptp/test >TEST Requested", lock+">TEST Requested", node+">TEST Requested")
	if got := s.events(); !slices.Equal(got[:len(got)-1], want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	s.inOrder(t)

	// Where everybody can ask, nobody gets one.
	if status, _, text := askForTest(t, probes, `{"wait": "1s"}`); status != http.StatusNotFound {
		t.Errorf("at the address of the probes: status %d: %s", status, text)
	}
	for body, want := range map[string]string{
		`{"wait": "1s", "resourceAddress": "/cluster/node/n2/sync/ptp-status/lock-state"}`: "400 /cluster/node/n2/sync/ptp-status/lock-state is not of this node, whose addresses begin with /cluster/node/n1",
		`{"wait": "1s", "resourceAddress": "/sync"}`:                                       `400 there is no resource "/sync"; there are /sync/eventing-ptp/test and, for example, /sync/ptp-status/lock-state`,
		`{"wait": "1s", "resourceAddress": "lock-state"}`:                                  `400 parse resource address "lock-state": it must be /sync/<resource>, with or without /<cluster>/node/<node> in front`,
		`{"wait": "1s", "state": "LOCKED"}`:                                                `400 the body is no request for a test event: json: unknown field "state"`,
		``:                                                                                 `400 the body is no request for a test event: EOF`,
	} {
		if status, _, text := askForTest(t, address, body); fmt.Sprintf("%d %s", status, text) != want {
			t.Errorf("%s: %d %s\nwant %s", body, status, text, want)
		}
	}
	if got := len(s.events()); got != len(want)+1 {
		t.Errorf("%d events after what was refused, want %d", got, len(want)+1)
	}
}

// Who waits hears why the sink does not have it.
func TestTestEventsThatDoNotArrive(t *testing.T) {
	_, socket := simulate(t)
	answers := make(chan int, 1)
	answers <- http.StatusAccepted
	s := newSink(t, func(string) int {
		status := <-answers
		answers <- status
		return status
	})
	address := takesTests(t)
	start(t, "-sink", s.URL, "-socket", socket, "-health", "")
	s.wait(t, node+"FREERUN>LOCKED OffsetInRange")
	<-answers
	answers <- http.StatusServiceUnavailable
	_, settled := tested(t, address, `{"wait": "300ms"}`)
	if settled.Outcome != testevent.Waiting || settled.Status != http.StatusServiceUnavailable || settled.Pending != 1 || settled.TriedSecondsAgo == nil || settled.Seconds != 0 {
		t.Errorf("settled as %+v", settled)
	}
	_, settled = tested(t, address, `{"wait": "0s"}`)
	if settled.Outcome != testevent.Waiting || settled.Pending != 2 {
		t.Errorf("settled as %+v", settled)
	}
	<-answers
	answers <- http.StatusBadRequest
	if _, settled = tested(t, address, `{"wait": "10s"}`); settled.Outcome != "skipped" || settled.Status != http.StatusBadRequest {
		t.Errorf("settled as %+v", settled)
	}
}

func TestOutcomesOfTestEvents(t *testing.T) {
	for ours, theirs := range map[string]sink.Outcome{testevent.Delivered: sink.Delivered, testevent.DeadLettered: sink.DeadLettered, testevent.Skipped: sink.Skipped} {
		if ours != string(theirs) {
			t.Errorf("%s is %s to whoever asks", theirs, ours)
		}
	}
}

// Whoever reaches the address gets test events sent, so it is none that others reach.
func TestTestEventsAreOfLoopback(t *testing.T) {
	for address, fine := range map[string]bool{
		"": true, "localhost:8083": true, "127.0.0.1:8083": true, "[::1]:8083": true, "127.1.2.3:1": true,
		":8083": false, "0.0.0.0:8083": false, "192.0.2.1:8083": false, "[::]:8083": false, "localhost": false, "example.com:8083": false,
	} {
		c := config.Default()
		c.Emit.Address = address
		if err := validate(c); (err == nil) != fine || err != nil && !strings.HasPrefix(err.Error(), "emit: address is ") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
