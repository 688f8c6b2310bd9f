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
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
)

// What is sent, to the letter.
func TestNotification(t *testing.T) {
	for _, tc := range []struct{ name, version, body, want, content string }{{
		name: "v2", version: "v2",
		body: `{"EndpointUri":%q,"ResourceAddress":"/cluster/node/n1.example.com/sync/ptp-status/lock-state"}`,
		want: `{"specversion":"1.0","id":"ID","source":"/sync/ptp-status/lock-state","type":"event.sync.ptp-status.ptp-state-change",` +
			`"time":"2026-11-20T09:09:07.781100559Z","datacontenttype":"application/json",` +
			`"resourceaddress":"/cluster/node/n1.example.com/sync/ptp-status/lock-state","node":"n1.example.com","instance":"ptp4l.0",` +
			`"ptpstate":"HOLDOVER","previousstate":"LOCKED","ptpreason":"OffsetInRange","sequence":"00000000000000000001",` +
			`"data":{"version":"1.0","values":[` +
			`{"ResourceAddress":"/cluster/node/n1.example.com/ens1f0/master","data_type":"notification","value_type":"enumeration","value":"HOLDOVER"},` +
			`{"ResourceAddress":"/cluster/node/n1.example.com/ens1f0/master","data_type":"metric","value_type":"decimal64.3","value":"-5"}]}}`,
		content: "application/json",
	}, {
		name: "v2 for generic receivers", version: "v2",
		body:    `{"EndpointUri":%q,"ResourceAddress":"/sync/sync-status","ContentType":"application/cloudevents+json"}`,
		content: "application/cloudevents+json",
	}, {
		name: "OpenShift's v1", version: "v1",
		body: `{"endpointUri":%q,"resource":"/cluster/node/n1.example.com/sync/ptp-status/lock-state"}`,
		want: `{"id":"SUBSCRIPTION","type":"event.sync.ptp-status.ptp-state-change","source":"/cluster/node/n1.example.com/sync/ptp-status/lock-state",` +
			`"dataContentType":"application/json","time":"2026-11-20T09:09:07.781100559Z","data":{"version":"v1","values":[` +
			`{"resource":"/cluster/node/n1.example.com/ens1f0/master","dataType":"notification","valueType":"enumeration",` +
			`"ResourceAddress":"/cluster/node/n1.example.com/ens1f0/master","data_type":"notification","value_type":"enumeration","value":"HOLDOVER"},` +
			`{"resource":"/cluster/node/n1.example.com/ens1f0/master","dataType":"metric","valueType":"decimal64.3",` +
			`"ResourceAddress":"/cluster/node/n1.example.com/ens1f0/master","data_type":"metric","value_type":"decimal64.3","value":"-5"}]}}`,
		content: "application/json",
	}, {
		name: "StarlingX's v1", version: "v1",
		body: `{"ResourceType":"PTP","ResourceQualifier":{"NodeName":"."},"EndpointUri":%q}`,
		want: `{"EventTimestamp":1795165747.781100,"ResourceType":"PTP","EventData":{"State":"Holdover"},"ResourceQualifier":{"NodeName":"n1.example.com"}}`,

		content: "application/json",
	}} {
		t.Run(tc.name, func(t *testing.T) {
			r, c := open(t), consume(t, nil)
			got := r.do(t, "POST", "/ocloudNotifications/"+tc.version+"/subscriptions", fmt.Sprintf(tc.body, c.URL))
			if got.status != http.StatusCreated {
				t.Fatalf("%d %s", got.status, got.body)
			}
			r.happen(t, node(clock.Locked, clock.Holdover))
			entry := "-1"
			if tc.want != "" { // it is not of the node
				r.happen(t, lock("ptp4l.0", clock.Locked, clock.Holdover))
				entry = "-2"
			}
			sent := c.wait(t, 2)[1]
			if content := c.header.Get("Content-Type"); content != tc.content {
				t.Errorf("it is sent as %s", content)
			}
			if tc.want == "" {
				return
			}
			want := strings.Replace(tc.want, `"sequence":"00000000000000000001"`, `"sequence":"00000000000000000002"`, 1)
			s := got.json(t)
			if id, ok := s["id"].(string); ok {
				want = strings.Replace(want, "SUBSCRIPTION", id, 1)
			}
			if _, id, ok := strings.Cut(sent, `"id":"`); ok && tc.version == "v2" {
				id, _, _ = strings.Cut(id, `"`)
				if !strings.HasSuffix(id, entry) {
					t.Errorf("its id is %s, want that of the journal", id)
				}
				want = strings.Replace(want, "ID", id, 1)
			}
			if diff := cmp.Diff(want, sent); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An endpoint that fails gets everything, in order, under the same ids.
func TestRetry(t *testing.T) {
	r := open(t)
	var failing atomic.Bool
	c := consume(t, func(n int) int {
		if failing.Load() || n%3 == 2 {
			return []int{500, 503, 404, 301, 429}[n%5]
		}
		return 200
	})
	for n := 1; ; n++ { // the first notification may be one that fails
		if got := r.do(t, "POST", subscriptions, fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync/ptp-status/clock-class"}`, c.URL)); got.status == 201 {
			break
		}
	}
	failing.Store(true)
	var want []string
	for n := range 20 {
		r.happen(t, class(clock.Class(n), clock.Class(n+1)))
		want = append(want, fmt.Sprintf("ptp-status/clock-class %d>%d", n, n+1))
	}
	status := func() string { return r.do(t, "GET", subscriptions, "").body }
	eventually(t, "failing subscription", func() bool { return strings.Contains(status(), `"State":"failing","Since":"`) }, status)
	if is := r.api.Stats(); is.Failing != 1 || is.Active != 0 || is.Failed == 0 || !is.Oldest.Equal(observed()) {
		t.Errorf("while it fails: %+v", is)
	}
	if !strings.Contains(status(), `"Reason":"status `) || !strings.Contains(status(), `"Waiting":19`) {
		t.Errorf("%s does not say what is wrong and what waits", status())
	}
	failing.Store(false)
	got := c.wait(t, 21)
	if diff := cmp.Diff(want, brief(t, got[1:])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	eventually(t, "active subscription", func() bool { return strings.Contains(status(), `"State":"active","Delivered":21}`) }, status)
	if is := r.api.Stats(); is.Failing != 0 || is.Active != 1 || is.Delivered != 21 || is.Skipped != 0 || !is.Oldest.IsZero() {
		t.Errorf("in the end: %+v", is)
	}
	var lines []string
	for _, l := range r.logs.All() {
		lines = append(lines, l.Message)
	}
	if !slices.Contains(lines, "an endpoint does not take events; they are kept and tried again") || !slices.Contains(lines, "an endpoint takes events again") {
		t.Errorf("the log says only %q", lines)
	}
}

// What an endpoint refuses is tried a few times, and then passed over: those behind it may
// be better.
func TestRefusal(t *testing.T) {
	c := consume(t, func(n int) int {
		if n >= 2 && n <= 6 {
			return 400
		}
		return 204
	})
	r := open(t)
	r.subscribe(t, c.URL, "/sync/ptp-status/clock-class")
	r.happen(t, class(6, 7))
	r.happen(t, class(7, 13))
	if got := brief(t, c.wait(t, 2))[1]; got != "ptp-status/clock-class 7>13" {
		t.Errorf("after the refusal comes %s", got)
	}
	if got := r.do(t, "GET", subscriptions, "").body; !strings.Contains(got, `"Refused":1`) {
		t.Errorf("%s does not say that one was refused", got)
	}
	if is := r.api.Stats(); is.Skipped != 1 || is.Failed != 4 || is.Delivered != 2 {
		t.Errorf("%+v", is)
	}
}

// Endpoints that hang, more than are sent to at a time, keep nobody waiting.
func TestNobodyWaitsForAnother(t *testing.T) {
	const hanging = 100
	r := open(t)
	var hang atomic.Bool
	end := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if hang.Load() {
			select {
			case <-end:
			case <-req.Context().Done():
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(end) })
	for n := range hanging {
		r.subscribe(t, fmt.Sprint(slow.URL, "/", n), "/sync")
	}
	c := consume(t, nil)
	r.subscribe(t, c.URL, "/sync/ptp-status/clock-class")
	hang.Store(true)
	r.happen(t, class(6, 7))
	began := time.Now()
	c.wait(t, 2)
	if took := time.Since(began); took > patience/3 { // the others take all of it
		t.Errorf("it came after %v", took)
	}
}

// Subscriptions, and what their endpoints have, outlive the API.
func TestRestart(t *testing.T) {
	directory := t.TempDir()
	inDirectory := func(o *ocloud.Options) { o.Directory = directory }
	var down atomic.Bool
	c := consume(t, func(int) int {
		if down.Load() {
			return 503
		}
		return 204
	})
	first := open(t, inDirectory)
	id := first.subscribe(t, c.URL, "/sync/ptp-status/clock-class")
	first.happen(t, class(6, 7))
	c.wait(t, 2)
	down.Store(true)
	first.happen(t, class(7, 13))
	first.happen(t, class(13, 52))
	eventually(t, "try", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.asked > 2 }, func() string { return "none" })
	first.stop()
	c.idle(t)
	down.Store(false)

	second := open(t, inDirectory)
	second.happen(t, class(52, 187))
	want := []string{"ptp-status/clock-class is 6", "ptp-status/clock-class 6>7", "ptp-status/clock-class 7>13", "ptp-status/clock-class 13>52", "ptp-status/clock-class 52>187"}
	if diff := cmp.Diff(want, brief(t, c.wait(t, len(want)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := second.do(t, "GET", subscriptions+"/"+id, ""); got.status != 200 {
		t.Errorf("the subscription is gone: %d %s", got.status, got.body)
	}
	if got := second.do(t, "DELETE", subscriptions+"/"+id, ""); got.status != 204 {
		t.Errorf("delete: %d %s", got.status, got.body)
	}
	second.stop()

	third := open(t, inDirectory)
	if got := third.do(t, "GET", subscriptions, ""); got.body != "[]\n" {
		t.Errorf("what was deleted is back: %s", got.body)
	}
	third.subscribe(t, c.URL, "/sync/ptp-status/clock-class")
	third.stop()
	if got := c.got(); len(got) != len(want)+1 {
		t.Errorf("more than the initial notification came: %q", brief(t, got))
	}
}

// A cluster that gets another name by mistake, and its own one back, costs nobody a
// subscription; one that keeps it does, after a while. What is not recorded any more is said
// not to be.
func TestSubscriptionOfAnotherCluster(t *testing.T) {
	directory := t.TempDir()
	c := consume(t, nil)
	in := func(cluster string, change ...func(*ocloud.Options)) *room {
		return open(t, append(change, func(o *ocloud.Options) {
			o.Directory, o.Here.Cluster, o.Delivery.RemoveAfter = directory, cluster, time.Hour
		})...)
	}
	path := filepath.Join(directory, "ocloud-subscriptions.jsonl")
	kept := func() string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	r := in("edge")
	r.subscribe(t, c.URL, "/edge/node/n1.example.com/sync/ptp-status/clock-class")
	r.stop()

	r = in("egde")
	if got := r.do(t, "GET", subscriptions, ""); got.body != "[]\n" || r.logs.FilterMessage("a subscription cannot be served; it is kept for a while").Len() != 1 {
		t.Errorf("%s, and %v", got.body, r.logs.All())
	}
	r.stop()
	if text := kept(); !strings.Contains(text, `"failingSince"`) || !strings.Contains(text, c.URL) {
		t.Errorf("the file has %s", text)
	}

	r = in("edge", func(o *ocloud.Options) { o.Types = []string{oran.LockStateChange} })
	if got := r.do(t, "GET", subscriptions, ""); !strings.Contains(got.body, c.URL) || r.logs.FilterMessageSnippet("gets nothing").Len() != 1 {
		t.Errorf("%s, and %v", got.body, r.logs.All())
	}
	r.stop()

	long := regexp.MustCompile(`"failingSince":"[^"]*"`).ReplaceAllString(kept(), `"failingSince":"2026-01-02T03:04:05Z"`)
	if err := os.WriteFile(path, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	r = in("egde")
	if r.logs.FilterMessageSnippet("it could not be served for too long").Len() != 1 {
		t.Errorf("%v", r.logs.All())
	}
	r.stop()
	if text := kept(); strings.Contains(text, c.URL) {
		t.Errorf("the file has %s", text)
	}
}

// A file that cannot be read is no reason not to serve, and is not thrown away.
func TestSubscriptionsThatCannotBeRead(t *testing.T) {
	for _, text := range []string{"", "{", `{"version":1}`, `{"version":2}` + "\n", "\x00\x00\n", `{"version":1}` + "\nx\n" + `{"removed":["x"]}` + "\n"} {
		directory := t.TempDir()
		path := filepath.Join(directory, "ocloud-subscriptions.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, c := open(t, func(o *ocloud.Options) { o.Directory = directory }), consume(t, nil)
		if r.logs.FilterMessageSnippet("the subscriptions cannot be read").Len() != 1 {
			t.Errorf("%q: nothing is said of it", text)
		}
		r.subscribe(t, c.URL, "/sync")
		if aside, err := os.ReadFile(path + ".unreadable"); err != nil || string(aside) != text {
			t.Errorf("%q: aside is %q, %v", text, aside, err)
		}
		r.stop()
	}
}

// A directory that cannot be written costs no subscription while the API runs.
func TestSubscriptionsThatCannotBeWritten(t *testing.T) {
	directory := t.TempDir()
	r, c := open(t, func(o *ocloud.Options) { o.Directory = directory }), consume(t, nil)
	path := filepath.Join(directory, "ocloud-subscriptions.jsonl")
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil { // no file can take its place
		t.Fatal(err)
	}
	r.subscribe(t, c.URL, "/sync/ptp-status/clock-class")
	r.happen(t, class(6, 7))
	c.wait(t, 2)
	if r.logs.FilterMessageSnippet("the subscriptions cannot be written down").Len() != 1 {
		t.Error("nothing is said of it")
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), c.URL) {
		t.Errorf("%s, %v", text, err)
	}
}

// An endpoint that is away for too long is given up, and its place in the journal with it.
func TestRemoval(t *testing.T) {
	c := consume(t, func(n int) int { return []int{204, 503}[min(n, 2)-1] })
	r := open(t, func(o *ocloud.Options) {
		o.Delivery.RemoveAfter = 50 * time.Millisecond
		log, err := journal.NewMemory(journal.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		o.Journal = log
	})
	id := r.subscribe(t, c.URL, "/sync/ptp-status/clock-class")
	r.happen(t, class(6, 7))
	eventually(t, "removal", func() bool { return r.do(t, "GET", subscriptions, "").body == "[]\n" }, func() string { return "none" })
	if r.logs.FilterMessageSnippet("a subscription was removed: its endpoint has taken nothing for too long").Len() != 1 {
		t.Error("nothing is said of it")
	}
	// Whoever takes the name now begins at the oldest entry, and so knows that it was forgotten.
	if n := r.journal.Cursor("ocloud/" + id).Pending(); n != 1 {
		t.Errorf("the cursor is still known: %d are pending, want 1", n)
	}
}

// Where the journal could not keep everything, an endpoint is told what holds.
func TestLostEvents(t *testing.T) {
	var down atomic.Bool
	c := consume(t, func(int) int {
		if down.Load() {
			return 503
		}
		return 204
	})
	limits := journal.DefaultLimits()
	limits.Entries = 4
	log, err := journal.NewMemory(limits)
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, func(o *ocloud.Options) { o.Journal = log })
	r.subscribe(t, c.URL, "/sync/ptp-status/clock-class")
	down.Store(true)
	r.happen(t, class(6, 7)) // it is being tried from now on
	eventually(t, "try", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.asked > 1 }, func() string { return "none" })
	r.happen(t, class(7, 187))
	for range 10 {
		r.happen(t, node(clock.Locked, clock.Holdover))
		r.happen(t, node(clock.Holdover, clock.Locked))
	}
	down.Store(false)
	want := []string{"ptp-status/clock-class is 6", "ptp-status/clock-class 6>7", "ptp-status/clock-class is 187"}
	if diff := cmp.Diff(want, brief(t, c.wait(t, 3))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := r.do(t, "GET", subscriptions, "").body; !strings.Contains(got, `"Lost":17`) {
		t.Errorf("%s does not say that 17 were lost", got)
	}
	if is := r.api.Stats(); is.Lost != 17 {
		t.Errorf("%+v", is)
	}
}

// What stands for events that were lost is told when it is known, and owed until it was told:
// nothing is made up while the clocks are read for the first time, and the end of the adapter
// makes no difference.
func TestLostEventsOverARestart(t *testing.T) {
	directory := t.TempDir()
	limits := journal.DefaultLimits()
	limits.Entries = 4
	onDisk := func() *journal.Log {
		log, err := journal.Open(t.Context(), journal.Options{Directory: directory, Limits: limits, Key: oran.Key})
		if err != nil {
			t.Fatal(err)
		}
		return log
	}
	var down atomic.Bool
	c := consume(t, func(int) int {
		if down.Load() {
			return 503
		}
		return 204
	})
	use := func(log *journal.Log, ready bool) *room {
		return open(t, func(o *ocloud.Options) {
			o.Directory, o.Journal = directory, log
			o.Live.(*clocks).notReady = !ready
		})
	}
	first := use(onDisk(), true)
	first.subscribe(t, c.URL, "/sync/ptp-status/clock-class")
	first.stop()

	log := onDisk()
	for _, e := range []clock.Transition{class(6, 7), node(clock.Locked, clock.Holdover), node(clock.Holdover, clock.Locked), node(clock.Locked, clock.Holdover), node(clock.Holdover, clock.Locked), node(clock.Locked, clock.Holdover)} {
		if _, err := log.Append(encode(t, e).Marshal()); err != nil {
			t.Fatal(err)
		}
	}
	down.Store(true)
	second := use(log, false)
	eventually(t, "loss", func() bool { return strings.Contains(second.do(t, "GET", subscriptions, "").body, `"Lost":2`) }, func() string { return "none" })
	time.Sleep(200 * time.Millisecond)
	if c.mu.Lock(); c.asked != 1 {
		t.Errorf("the endpoint was told of %d states, and nothing is known yet", c.asked-1)
	}
	c.mu.Unlock()
	second.mu.Lock()
	second.notReady = false
	second.mu.Unlock()
	eventually(t, "try", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.asked > 1 }, func() string { return "none" })
	second.stop()
	c.idle(t)
	down.Store(false)

	third := use(onDisk(), true)
	third.set(encode(t, class(7, 187)))
	want := []string{"ptp-status/clock-class is 6", "ptp-status/clock-class is 187"}
	// The state may be told as it was before the change above.
	if got := brief(t, c.wait(t, 2)); got[0] != want[0] || got[1] != want[1] && got[1] != want[0] {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Who has to pass over more than is looked at in one go gets what is behind it.
func TestMuchToPassOver(t *testing.T) {
	r, c := open(t), consume(t, nil)
	r.subscribe(t, c.URL, "/sync/ptp-status/clock-class")
	for range 1000 {
		r.happen(t, node(clock.Locked, clock.Holdover))
		r.happen(t, node(clock.Holdover, clock.Locked))
	}
	r.happen(t, class(6, 7))
	if got := brief(t, c.wait(t, 2))[1]; got != "ptp-status/clock-class 6>7" {
		t.Errorf("got %s", got)
	}
}

// An entry that is damaged costs nobody more than itself.
func TestEntryThatIsNoJSON(t *testing.T) {
	r, c := open(t), consume(t, nil)
	r.subscribe(t, c.URL, "/sync/ptp-status/clock-class")
	damaged := encode(t, class(6, 7))
	damaged.Data = `{"version":`
	if _, err := r.journal.Append(damaged.Marshal()); err != nil {
		t.Fatal(err)
	}
	r.happen(t, class(7, 13))
	if got := brief(t, c.wait(t, 2))[1]; got != "ptp-status/clock-class 7>13" {
		t.Errorf("got %s", got)
	}
}

// Whoever has the answer to a subscription finds it again, whatever happens then: it was
// written down before, also where many subscribe at the same time. Nothing is left beside it.
func TestWrittenDownBeforeTheAnswer(t *testing.T) {
	directory := t.TempDir()
	r, c := open(t, func(o *ocloud.Options) { o.Directory = directory }), consume(t, nil)
	var all sync.WaitGroup
	for n := range 24 {
		all.Go(func() {
			id := r.subscribe(t, fmt.Sprint(c.URL, "/", n), "/sync/ptp-status/clock-class")
			if text, err := os.ReadFile(filepath.Join(directory, "ocloud-subscriptions.jsonl")); err != nil || !strings.Contains(string(text), id) {
				t.Errorf("%s is not in %s, %v", id, text, err)
			}
		})
	}
	all.Wait()
	r.stop()
	if left, err := filepath.Glob(filepath.Join(directory, "ocloud-subscriptions.jsonl?*")); err != nil || len(left) > 0 {
		t.Errorf("%q are left, %v", left, err)
	}
}

// How long an endpoint asks to be left alone.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		retryAfter, date string
		want             time.Duration
	}{
		{"", "", 0},
		{"3", "", 3 * time.Second},
		{"100000", "", 100_000 * time.Second},
		{"99999999999999999999", "", 0},
		{"18446744073709551615", "", 9223372036 * time.Second},
		{"-1", "", 0},
		{"soon", "", 0},
		{"Thu, 26 Nov 2026 09:00:07 GMT", "", 7 * time.Second},
		{"Thu, 26 Nov 2026 08:59:00 GMT", "", 0},
		{"Thu, 26 Nov 2026 11:00:07 GMT", "Thu, 26 Nov 2026 11:00:00 GMT", 7 * time.Second}, // this node is two hours late
	} {
		h := http.Header{"Retry-After": {tc.retryAfter}, "Date": {tc.date}}
		if got := ocloud.RetryAfter(h, now); got != tc.want {
			t.Errorf("%q at %q: %v, want %v", tc.retryAfter, tc.date, got, tc.want)
		}
	}
}

// A subscription gets what its address covers, and nothing else.
func TestWhatIsCovered(t *testing.T) {
	r, c := open(t), consume(t, nil)
	r.subscribe(t, c.URL+"/", "/././ptp4l.1/sync")
	other := consume(t, nil)
	r.subscribe(t, other.URL, "/./*/sync")
	r.happen(t, lock("ptp4l.0", clock.Locked, clock.Holdover))
	r.happen(t, lock("ptp4l.1", clock.Unknown, clock.Freerun))
	r.happen(t, class(6, 7))
	r.happen(t, node(clock.Locked, clock.Holdover))
	r.happen(t, lock("ptp4l.1", clock.Freerun, clock.Locked))
	want := []string{"ptp-status/lock-state >FREERUN", "ptp-status/lock-state FREERUN>LOCKED"}
	if diff := cmp.Diff(want, brief(t, c.wait(t, 2))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = []string{
		"ptp-status/lock-state is LOCKED", "ptp-status/clock-class is 6", "sync-status/sync-state is LOCKED",
		"ptp-status/lock-state LOCKED>HOLDOVER", "ptp-status/lock-state >FREERUN", "ptp-status/clock-class 6>7",
		"sync-status/sync-state LOCKED>HOLDOVER", "ptp-status/lock-state FREERUN>LOCKED",
	}
	if diff := cmp.Diff(want, brief(t, other.wait(t, len(want)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// benchSubscriptions measures how long it takes until every one of n subscribers has a
// change.
func benchSubscriptions(b *testing.B, n int) {
	r := open(b, func(o *ocloud.Options) { o.Limits.Subscriptions = n })
	arrived := make(chan struct{}, n)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		arrived <- struct{}{}
	}))
	b.Cleanup(s.Close)
	for k := range n {
		r.subscribe(b, fmt.Sprint(s.URL, "/", k), "/sync/ptp-status/clock-class")
		<-arrived
	}
	for b.Loop() {
		r.happen(b, class(6, 7))
		for range n {
			<-arrived
		}
	}
}

func BenchmarkOneSubscription(b *testing.B)       { benchSubscriptions(b, 1) }
func BenchmarkThousandSubscriptions(b *testing.B) { benchSubscriptions(b, 1000) }

var _ ocloud.Journal = (*journal.Log)(nil)
