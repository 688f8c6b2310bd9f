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

package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"knative.dev/pkg/observability/metrics"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
	"github.com/eventing-ptp/eventing-ptp/pkg/telemetry"
	"github.com/eventing-ptp/eventing-ptp/test/docs"
)

// family is a metric with all its series.
type family struct {
	Type, Help string
	// Labels are those that any of its series has, but for those of every metric.
	Labels []string
	series map[string]string // value by labels
}

// documented returns the metrics of docs/metrics.md by name, and the labels that all have.
func documented(t *testing.T, page *docs.Page) (all map[string]family, common []string) {
	t.Helper()
	all = map[string]family{}
	code := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(page.Text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		name := code.FindStringSubmatch(cells[0])
		if !strings.HasPrefix(line, "| `") || len(cells) < 3 || name == nil {
			continue
		}
		inOTel := code.FindStringSubmatch(cells[1])
		switch {
		case inOTel == nil: // another table
		case len(cells) == 3:
			common = append(common, name[1])
			if underscores(inOTel[1]) != name[1] {
				t.Errorf("label %s: Prometheus would not call %s so", name[1], inOTel[1])
			}
		default:
			f := family{Type: strings.TrimSpace(cells[2]), Help: strings.TrimSpace(cells[4])}
			for _, label := range code.FindAllStringSubmatch(cells[3], -1) {
				f.Labels = append(f.Labels, label[1])
			}
			slices.Sort(f.Labels)
			all[name[1]] = f
			if !regexp.MustCompile("^" + underscores(inOTel[1]) + "(_seconds|_bytes|_ratio)?(_total)?$").MatchString(name[1]) {
				t.Errorf("%s: Prometheus would not call %s so", name[1], inOTel[1])
			}
			if strings.HasSuffix(name[1], "_total") != (f.Type == "counter") {
				t.Errorf("%s is a %s", name[1], f.Type)
			}
		}
	}
	return all, common
}

func underscores(name string) string { return strings.ReplaceAll(name, ".", "_") }

// exposed reads what a program exposes of itself (Prometheus' text format), without what
// others than this project measure.
func exposed(t *testing.T, text string, common []string) map[string]family {
	t.Helper()
	all := map[string]family{}
	sample := regexp.MustCompile(`^(\w+)\{(.*)\} (\S+)$`)
	label := regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
	var last string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if words := strings.SplitN(line, " ", 4); words[0] == "#" && strings.HasPrefix(words[2], "ptp_") {
			last = words[2]
			f := all[last]
			if words[1] == "HELP" {
				f.Help = words[3]
			} else {
				f.Type = words[3]
			}
			f.series = map[string]string{}
			all[last] = f
			continue
		}
		parts := sample.FindStringSubmatch(line)
		if len(parts) == 0 || !strings.HasPrefix(parts[1], "ptp_") {
			continue
		}
		f := all[last]
		var own []string
		has := map[string]bool{}
		for _, l := range label.FindAllStringSubmatch(parts[2], -1) {
			has[l[1]] = true
			if strings.HasPrefix(l[1], "otel_scope_") || l[1] == "le" || slices.Contains(common, l[1]) {
				continue
			}
			own = append(own, l[1]+"="+l[2])
			if !slices.Contains(f.Labels, l[1]) {
				f.Labels = slices.Sorted(slices.Values(append(f.Labels, l[1])))
			}
		}
		for _, l := range common {
			if !has[l] {
				t.Errorf("%s has no label %s", line, l)
			}
		}
		slices.Sort(own)
		f.series[strings.TrimPrefix(parts[1], last)+strings.Join(own, " ")] = parts[3]
		all[last] = f
	}
	return all
}

// measuredAdapter is a receive adapter whose metrics are scraped.
type measuredAdapter struct {
	t      *testing.T
	common []string
	url    string

	mu  sync.Mutex
	log bytes.Buffer
}

func (a *measuredAdapter) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.Write(b)
}

// lines are the messages that were logged at info and above.
func (a *measuredAdapter) lines() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var messages []string
	for line := range strings.Lines(a.log.String()) {
		var l struct{ Severity, Message string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Severity != "DEBUG" {
			messages = append(messages, l.Message)
		}
	}
	return messages
}

func (a *measuredAdapter) scrape() map[string]family {
	a.t.Helper()
	response, err := http.Get(a.url)
	if err != nil {
		return nil // not yet
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return exposed(a.t, string(text), a.common)
}

// wait scrapes until all of some series have their values; an empty value is a series that
// is not there.
func (a *measuredAdapter) wait(what string, want map[string]string) map[string]family {
	a.t.Helper()
	const patience = 20 * time.Second
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		all := a.scrape()
		got := map[string]string{}
		for key := range want {
			name, labels, _ := strings.Cut(key, " ")
			got[key] = all[name].series[labels]
		}
		if all != nil && maps.Equal(want, got) {
			return all
		}
		if time.Now().After(deadline) {
			a.t.Fatalf("%s: not within %v (-want +got):\n%s", what, patience, cmp.Diff(want, got))
		}
	}
}

// buildAdapter builds the receive adapter.
func buildAdapter(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "receive_adapter")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/receive_adapter")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the adapter: %v\n%s", err, out)
	}
	return program
}

// startMeasured runs an adapter as docs/metrics.md says, but for its addresses.
func startMeasured(t *testing.T, program string, page *docs.Page, common []string, configuration string, args ...string) *measuredAdapter {
	t.Helper()
	setting := regexp.MustCompile(`K_OBSERVABILITY_CONFIG='(.+)'`).FindStringSubmatch(page.Text)
	if setting == nil {
		t.Fatal("docs/metrics.md does not say how to switch metrics on")
	}
	_, port, _ := net.SplitHostPort(freeAddress(t))
	a := &measuredAdapter{t: t, common: common, url: "http://127.0.0.1:" + port + "/metrics"}
	c := exec.Command(program, append([]string{"-node", "n1", "-health", "", "-journal", t.TempDir()}, args...)...)
	c.Stdout, c.Stderr = a, a
	c.Env = append(os.Environ(), "K_SOURCE_CONFIG="+configuration, "K_OBSERVABILITY_CONFIG="+setting[1],
		"NAME=fleet", "NAMESPACE=default", "PROFILING_PORT=0", "METRICS_PROMETHEUS_HOST=127.0.0.1", "METRICS_PROMETHEUS_PORT="+port)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("the adapter ended with %v", err)
		}
		if t.Failed() {
			t.Logf("log of the adapter:\n%s", a.log.String())
		}
	})
	return a
}

// freeAddress returns an address that nobody listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// answering is a sink that gives the answer of the moment.
func answering(t *testing.T) (url string, answer *atomic.Int32) {
	t.Helper()
	answer = &atomic.Int32{}
	answer.Store(http.StatusAccepted)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(int(answer.Load()))
	}))
	t.Cleanup(s.Close)
	return s.URL, answer
}

// ofHardware returns the metrics of clocks that the machine of a test may not have. Those of real
// hardware clocks are scraped in a virtual machine (test/vm).
func ofHardware(t *testing.T, common []string) map[string]family {
	t.Helper()
	address := freeAddress(t)
	provider, err := metrics.NewMeterProvider(t.Context(), metrics.Config{Protocol: metrics.ProtocolPrometheus, Endpoint: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	m, err := telemetry.New(provider, telemetry.Adapter{Node: "n1", Source: "fleet", Namespace: "default"}, telemetry.Readings{Clocks: func() telemetry.Clocks {
		return telemetry.Clocks{
			Hardware:  []clock.HardwareStatus{{Device: "ptp0", Readable: true, Residual: 250, Frequency: 12.5, HasFrequency: true, Steps: 1}},
			Receivers: []clock.ReceiverStatus{{Name: "gnss0", State: clock.GNSSSynchronized, Report: clock.GNSSReport{Fix: clock.Fix3D, Satellites: 9}}},
			DPLLs:     []clock.DPLLStatus{{Name: "ice.1", Type: clock.DPLLEEC, State: clock.Holdover}},
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	a := &measuredAdapter{t: t, common: common, url: "http://" + address + "/metrics"}
	return a.wait("hardware", map[string]string{
		"ptp_hardware_clock_residual_seconds ptp_device=ptp0":             "2.5e-07",
		"ptp_hardware_clock_frequency_ratio ptp_device=ptp0":              "1.2500000000000001e-08",
		"ptp_hardware_clock_steps_total ptp_device=ptp0":                  "1",
		"ptp_gnss_state ptp_device=gnss0 ptp_state=SYNCHRONIZED":          "1",
		"ptp_gnss_fix ptp_device=gnss0":                                   "3",
		"ptp_dpll_state ptp_device=ice.1 ptp_state=HOLDOVER ptp_type=eec": "1",
	})
}

// The metrics of docs/metrics.md are those that an adapter has, with the same types and
// labels, and say what happens to clock and sink.
func TestMetrics(t *testing.T) {
	page, err := docs.Read(root + "/docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	want, common := documented(t, page)

	dir := t.TempDir()
	socket := filepath.Join(dir, "ptp4l.0.socket")
	c := simulator.DefaultClock()
	c.SlaveOnly = true
	c.Announce.Interval = 0 // it is SLAVE at once, and stays so while the grandmaster is silent
	c.Sync.Jitter = 0
	ptp4l, err := simulator.New(simulator.Config{Socket: socket, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := ptp4l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ptp4l.Close)
	sink, answer := answering(t)
	graveyard, _ := answering(t)
	program := buildAdapter(t)
	a := startMeasured(t, program, page, common, fmt.Sprintf(`{"thresholds": {"holdoverTimeout": "1h"},
		"delivery": {"backoffDelay": "10ms", "deadLetterSink": %q}}`, graveyard),
		"-sink", sink, "-socket", filepath.Join(dir, "ptp4l.*.socket"))

	const (
		lockChange, classChange, nodeChange = "cloudevents_type=event.sync.ptp-status.ptp-state-change", "cloudevents_type=event.sync.ptp-status.ptp-clock-class-change", "cloudevents_type=event.sync.sync-status.synchronization-state-change"
		instance, followed, port            = "ptp_instance=ptp4l.0", "network_interface_name=ens1f0 ptp_instance=ptp4l.0", "network_interface_name=ens1f0 ptp_instance=ptp4l.0 ptp_port=1"
	)
	all := a.wait("in good order", map[string]string{
		"ptp_node_state ptp_state=LOCKED":                                   "1",
		"ptp_node_state ptp_state=FREERUN":                                  "0",
		"ptp_lock_state " + instance + " ptp_state=LOCKED":                  "1",
		"ptp_port_state " + port + " ptp_state=SLAVE":                       "1",
		"ptp_clock_class " + instance:                                       "6",
		"ptp_offset_seconds " + followed:                                    "1.2e-08",
		"ptp_path_delay_seconds " + followed:                                "2.874e-06",
		"ptp_daemon_up " + instance:                                         "1",
		"ptp_sync_silent " + instance:                                       "0",
		"ptp_events_recorded_total " + lockChange:                           "1",
		"ptp_events_settled_total " + lockChange + " ptp_outcome=delivered": "1",
		"ptp_events_settled_total " + nodeChange + " ptp_outcome=skipped":   "0",
		"ptp_delivery_attempts_total ptp_status=202 ptp_target=sink":        "3",
		"ptp_backlog_length ":                                               "0",
		"ptp_backlog_age_seconds ":                                          "0",
		"ptp_events_dropped_total ":                                         "0",
		"ptp_delivery_duration_seconds _count":                              "3",
	})
	withOSClock := startMeasured(t, program, page, common, `{"osClock": {"enabled": true}}`, "-sink", sink, "-socket", filepath.Join(dir, "none.*"))
	maps.Copy(all, withOSClock.wait("without ptp4l", map[string]string{"ptp_node_state ptp_state=FREERUN": "1"}))
	maps.Copy(all, ofHardware(t, common))
	maps.Copy(all, measuredSubscribers(t, program, page, common, sink))
	got := map[string]family{}
	for name, f := range all {
		f.series = nil
		got[name] = f
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(family{})); diff != "" {
		t.Errorf("docs/metrics.md (-) and an adapter (+):\n%s", diff)
	}

	quiet := a.lines()
	time.Sleep(6 * time.Second) // all that is polled is polled
	if now := a.lines(); len(now) != len(quiet) {
		t.Errorf("nothing has happened, and there are new lines in the log: %q", now[len(quiet):])
	}

	answer.Store(http.StatusServiceUnavailable)
	ptp4l.Silence()
	all = a.wait("silence, and a sink that fails", map[string]string{
		"ptp_node_state ptp_state=HOLDOVER":                  "1",
		"ptp_node_state ptp_state=LOCKED":                    "0",
		"ptp_lock_state " + instance + " ptp_state=HOLDOVER": "1",
		"ptp_clock_class " + instance:                        "255",
		"ptp_port_state " + port + " ptp_state=SLAVE":        "1",
		"ptp_sync_silent " + instance:                        "1",
		"ptp_offset_seconds " + followed:                     "",
		"ptp_path_delay_seconds " + followed:                 "",
		"ptp_events_recorded_total " + lockChange:            "2",
		"ptp_backlog_length ":                                "3",
	})
	if age := all["ptp_backlog_age_seconds"].series[""]; age == "0" || age == "" {
		t.Errorf("the age of the backlog is %q while the sink fails", age)
	}

	answer.Store(http.StatusBadRequest)
	all = a.wait("a sink that refuses", map[string]string{
		"ptp_events_settled_total " + lockChange + " ptp_outcome=deadLettered":  "1",
		"ptp_events_settled_total " + classChange + " ptp_outcome=deadLettered": "1",
		"ptp_events_settled_total " + nodeChange + " ptp_outcome=deadLettered":  "1",
		"ptp_delivery_attempts_total ptp_status=400 ptp_target=sink":            "3",
		"ptp_delivery_attempts_total ptp_status=202 ptp_target=deadLetterSink":  "3",
		"ptp_delivery_duration_seconds _count":                                  "3",
		"ptp_backlog_length ":                                                   "0",
		"ptp_backlog_age_seconds ":                                              "0",
	})
	if all["ptp_delivery_attempts_total"].series["ptp_status=503 ptp_target=sink"] == "" {
		t.Errorf("no try has failed: %v", all["ptp_delivery_attempts_total"].series)
	}

	answer.Store(http.StatusAccepted)
	ptp4l.Crash()
	a.wait("ptp4l is killed", map[string]string{
		"ptp_daemon_up " + instance:                          "0",
		"ptp_lock_state " + instance + " ptp_state=HOLDOVER": "1",
		"ptp_sync_silent " + instance:                        "",
		"ptp_port_state " + port + " ptp_state=SLAVE":        "",
	})
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	all = a.wait("its socket is gone", map[string]string{"ptp_daemon_up " + instance: "", "ptp_node_state ptp_state=HOLDOVER": "1"})
	for name, f := range all {
		for labels := range f.series {
			if strings.Contains(labels, instance) {
				t.Errorf("%s{%s} is left of an instance that is gone", name, labels)
			}
		}
	}

	changes := 0
	for _, line := range a.lines() {
		if line == "changed" {
			changes++
		}
	}
	if changes != 6 {
		t.Errorf("%d changes were logged, want 6: one line each", changes)
	}
}

// measuredSubscribers returns the metrics of an adapter that serves the O-Cloud API, while one
// of two endpoints does not take what it is sent.
func measuredSubscribers(t *testing.T, program string, page *docs.Page, common []string, sink string) map[string]family {
	t.Helper()
	address := freeAddress(t)
	socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
	c := simulator.DefaultClock()
	c.SlaveOnly = true
	clock, err := simulator.New(simulator.Config{Socket: socket, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := clock.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clock.Close)
	a := startMeasured(t, program, page, common, fmt.Sprintf(`{"oCloud": {"enabled": true, "endpoints": "Localhost", "address": %q}}`, address), "-sink", sink, "-socket", socket)
	a.wait("before anybody has subscribed", map[string]string{
		"ptp_node_state ptp_state=LOCKED":                      "1",
		"ptp_ocloud_subscriptions ptp_state=active":            "0",
		"ptp_ocloud_subscriptions ptp_state=failing":           "0",
		"ptp_ocloud_notifications_total ptp_outcome=delivered": "0",
		"ptp_ocloud_notifications_total ptp_outcome=lost":      "0",
		"ptp_ocloud_backlog_age_seconds ":                      "0",
	})
	good, _ := answering(t)
	bad, answer := answering(t)
	for _, endpoint := range []string{good, bad} {
		body := strings.NewReader(fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync/ptp-status/clock-class"}`, endpoint))
		response, err := http.Post("http://"+address+"/ocloudNotifications/v2/subscriptions", "application/json", body)
		if err != nil || response.StatusCode != http.StatusCreated {
			t.Fatalf("subscribe: %v, %v", response, err)
		}
		_ = response.Body.Close()
	}
	a.wait("two subscriptions", map[string]string{
		"ptp_ocloud_subscriptions ptp_state=active":            "2",
		"ptp_ocloud_notifications_total ptp_outcome=delivered": "2",
		"ptp_ocloud_backlog_age_seconds ":                      "0",
	})
	answer.Store(http.StatusServiceUnavailable)
	clock.SetClass(7)
	all := a.wait("an endpoint that fails", map[string]string{
		"ptp_ocloud_subscriptions ptp_state=active":            "1",
		"ptp_ocloud_subscriptions ptp_state=failing":           "1",
		"ptp_ocloud_notifications_total ptp_outcome=delivered": "3",
	})
	if age := all["ptp_ocloud_backlog_age_seconds"].series[""]; age == "0" || age == "" {
		t.Errorf("the age is %q while an endpoint fails", age)
	}
	if failed := all["ptp_ocloud_notifications_total"].series["ptp_outcome=failed"]; failed == "0" || failed == "" {
		t.Errorf("%q tries have failed", failed)
	}
	answer.Store(http.StatusNoContent)
	return a.wait("all is well again", map[string]string{
		"ptp_ocloud_subscriptions ptp_state=active":            "2",
		"ptp_ocloud_subscriptions ptp_state=failing":           "0",
		"ptp_ocloud_notifications_total ptp_outcome=delivered": "4",
		"ptp_ocloud_backlog_age_seconds ":                      "0",
	})
}
