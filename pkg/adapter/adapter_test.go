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
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
	adapterv2 "knative.dev/eventing/pkg/adapter/v2"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
)

const patience = 10 * time.Second

// server is a sink that keeps one line per event that it gets.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	lines []string
	ids   []string
	times []time.Time
}

func newSink(t *testing.T, answer func(id string) int) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := cehttp.NewEventFromHTTPRequest(r)
		if err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) { // cut short by the end of the adapter
				t.Errorf("the sink got what is no CloudEvent: %v", err)
			}
			return
		}
		status := http.StatusAccepted
		if answer != nil {
			status = answer(e.ID())
		}
		if status == http.StatusAccepted {
			x := e.Extensions()
			s.mu.Lock()
			defer s.mu.Unlock()
			if slices.Contains(s.ids, e.ID()) { // its answer did not get through
				w.WriteHeader(status)
				return
			}
			line := fmt.Sprintf("%s %v>%v %v", e.Source(), x["previousstate"], x["ptpstate"], x["ptpreason"])
			if x["ptpmissed"] == "true" {
				line += " missed"
			}
			s.lines = append(s.lines, strings.ReplaceAll(line, "<nil>", ""))
			s.ids = append(s.ids, e.ID())
			s.times = append(s.times, e.Time())
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) events() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

func (s *server) wait(t *testing.T, want string) {
	t.Helper()
	eventually(t, want, func() bool { return slices.Contains(s.events(), want) }, func() string { return fmt.Sprintf("%q", s.events()) })
}

func eventually(t *testing.T, what string, done func() bool, instead func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %v, but %s", what, patience, instead())
		}
	}
}

// simulate runs a scripted ptp4l that is SLAVE before long.
func simulate(t *testing.T) (s *simulator.Simulator, socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "ptp4l.0.socket")
	c := simulator.DefaultClock()
	c.SlaveOnly = true
	c.Announce.Interval = 62500 * time.Microsecond
	s, err := simulator.New(simulator.Config{Socket: socket, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, socket
}

// start runs an adapter until it is stopped or the test ends, and checks that it ends
// well.
func start(t *testing.T, args ...string) (stop func()) {
	t.Helper()
	env, err := Load(append([]string{"-node", "n1"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	a := &Adapter{env: env, client: adapterv2.ClientConfig{Env: env}, log: zap.NewNop().Sugar()}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Start(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the adapter ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("the adapter does not end with its context")
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestFromTheSocketToTheSink(t *testing.T) {
	p, socket := simulate(t)
	s := newSink(t, nil)
	t.Setenv("K_SOURCE_CONFIG", `{"thresholds": {"holdoverTimeout": "300ms"}}`)
	start(t, "-sink", s.URL, "-socket", socket, "-health", "")
	s.wait(t, node+"FREERUN>LOCKED OffsetInRange")
	p.SetClass(7)
	s.wait(t, class+"6>7 ParentClass")
	p.LinkDown(1)
	s.wait(t, node+"HOLDOVER>FREERUN HoldoverExpired")
	want := append(slices.Clone(fromStartToLock),
		class+"6>7 ParentClass",
		lock+"LOCKED>HOLDOVER PortNotSlave", class+"7>255 OwnClass", node+"LOCKED>HOLDOVER PortNotSlave",
		lock+"HOLDOVER>FREERUN HoldoverExpired", node+"HOLDOVER>FREERUN HoldoverExpired",
	)
	if got := s.events(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// The OS clock is as the kernel of this machine says, which is read here in another way.
func TestOSClock(t *testing.T) {
	maxError := func() time.Duration {
		var says unix.Timex
		if _, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &says); err != nil {
			t.Fatal(err)
		}
		return time.Duration(says.Maxerror) * time.Microsecond
	}
	s := newSink(t, nil)
	before := maxError()
	t.Setenv("K_SOURCE_CONFIG", `{"osClock": {"enabled": true, "fedBy": "other"}}`)
	start(t, "-sink", s.URL, "-socket", filepath.Join(t.TempDir(), "ptp4l*"), "-health", "")
	const osClock, node = "/cluster/node/n1/sync/sync-status/os-clock-sync-state ", "/cluster/node/n1/sync/sync-status/sync-state "
	s.wait(t, node+">FREERUN NoInstance")
	got, fresh, stale := s.events()[0], osClock+">LOCKED Disciplined", osClock+">FREERUN NotDisciplined"
	switch after := maxError(); {
	case max(before, after) <= time.Millisecond && got != fresh:
		t.Errorf("%s, but the clock was adjusted two seconds ago at the most", got)
	case min(before, after) > 3*time.Millisecond && got != stale:
		t.Errorf("%s, but the clock was not adjusted for six seconds at least", got)
	case got != fresh && got != stale:
		t.Errorf("%s, want a state of the OS clock", got)
	}
}

func TestChronydIsAsked(t *testing.T) {
	chronyd, err := net.ListenPacket("udp", "127.0.0.1:0") //nolint:noctx // it ends with the test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = chronyd.Close() }()
	s := newSink(t, nil)
	t.Setenv("K_SOURCE_CONFIG", `{"osClock": {"enabled": true, "chronyd": "`+chronyd.LocalAddr().String()+`"}}`)
	start(t, "-sink", s.URL, "-socket", filepath.Join(t.TempDir(), "ptp4l*"), "-health", "")
	if err := chronyd.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var request [1024]byte
	n, _, err := chronyd.ReadFrom(request[:])
	if err != nil || n != 104 {
		t.Errorf("a request of %d bytes, %v", n, err)
	}
}

// What synce4l passes on, as it says on its socket, and that it is gone.
func TestSynce4lIsAsked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "synce4l")
	synce4l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = synce4l.Close() }()
	go func() {
		for {
			conn, err := synce4l.Accept()
			if err != nil {
				return
			}
			var request [256]byte
			n, _ := conn.Read(request[:])
			if !strings.Contains(string(request[:n]), "synce1") {
				t.Errorf("synce4l is asked %q", request[:n])
			}
			var answer []byte
			for _, v := range []uint16{4, 1} { // the quality level,
				answer = binary.NativeEndian.AppendUint16(answer, v)
			}
			answer = append(answer, 2)
			for _, v := range []uint16{5, 1} { // the enhanced one,
				answer = binary.NativeEndian.AppendUint16(answer, v)
			}
			answer = append(answer, 0xFF)
			for _, v := range []uint16{8, 0} { // and the end
				answer = binary.NativeEndian.AppendUint16(answer, v)
			}
			_, _ = conn.Write(answer)
			_ = conn.Close()
		}
	}()
	s := newSink(t, nil)
	t.Setenv("K_SOURCE_CONFIG", `{"synce": {"enabled": true, "synce4l": {"socket": "`+path+`", "devices": ["synce1"]}}}`)
	start(t, "-sink", s.URL, "-socket", filepath.Join(t.TempDir(), "ptp4l*"), "-health", "")
	const quality = "/cluster/node/n1/sync/synce-status/clock-quality "
	s.wait(t, quality+">2 Reported")
	_ = synce4l.Close()
	s.wait(t, quality+"2>15 DaemonDown")
}

// Types that are not asked for are not even recorded: the sequence has no holes.
func TestChosenTypes(t *testing.T) {
	_, socket := simulate(t)
	s := newSink(t, nil)
	t.Setenv("K_SOURCE_CONFIG", `{"events": {"types": ["event.sync.ptp-status.ptp-clock-class-change"], "sourceFormat": "oran"}}`)
	start(t, "-sink", s.URL, "-socket", socket, "-health", "")
	s.wait(t, "/sync/ptp-status/clock-class 255>6 ParentClass")
	if got, want := s.events(), []string{"/sync/ptp-status/clock-class >255 OwnClass", "/sync/ptp-status/clock-class 255>6 ParentClass"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, id := range s.ids {
		if !strings.HasSuffix(id, fmt.Sprintf("-%d", n+1)) {
			t.Errorf("event %d has id %s", n+1, id)
		}
	}
}

// What ptp4l says besides its states is sent where it is asked for.
func TestDetailsOfPTP4L(t *testing.T) {
	ptp4l, socket := simulate(t)
	s := newSink(t, nil)
	t.Setenv("K_SOURCE_CONFIG", `{"events": {"types": ["com.github.eventing-ptp.daemon-state.changed", "com.github.eventing-ptp.grandmaster.changed",
		"com.github.eventing-ptp.port-state.changed", "com.github.eventing-ptp.leap-second.changed", "com.github.eventing-ptp.path-delay-state.changed"]}}`)
	start(t, "-sink", s.URL, "-socket", socket, "-health", "")
	const at = "/cluster/node/n1"
	s.wait(t, at+"/sync/ptp-status/daemon-state >UP Reported")
	s.wait(t, at+"/sync/ptp-status/port-state UNCALIBRATED>SLAVE Reported")
	s.wait(t, at+"/sync/ptp-status/leap-second >NONE Reported")
	s.wait(t, at+"/sync/ptp-status/path-delay-state >IN-RANGE Reported")
	if !slices.ContainsFunc(s.events(), func(line string) bool { return strings.HasPrefix(line, at+"/sync/ptp-status/grandmaster ") }) {
		t.Errorf("no grandmaster in %q", s.events())
	}
	ptp4l.Crash()
	s.wait(t, at+"/sync/ptp-status/daemon-state UP>DOWN DaemonDown")
}

// With retry 0 every event has one try.
func TestNoRetry(t *testing.T) {
	_, socket := simulate(t)
	s := newSink(t, func(id string) int {
		if strings.HasSuffix(id, "-1") {
			return http.StatusServiceUnavailable
		}
		return http.StatusAccepted
	})
	t.Setenv("K_SOURCE_CONFIG", `{"delivery": {"retry": 0}}`)
	start(t, "-sink", s.URL, "-socket", socket, "-health", "")
	s.wait(t, "/cluster/node/n1/sync/sync-status/sync-state FREERUN>LOCKED OffsetInRange")
	if got := s.events()[0]; got != "/cluster/node/n1/sync/ptp-status/clock-class >255 OwnClass" {
		t.Errorf("the first event taken is %s, want the second one", got)
	}
}

// A sink that fails loses nothing and changes neither order nor ids.
func TestSinkThatFails(t *testing.T) {
	p, socket := simulate(t)
	var mu sync.Mutex
	tries := map[string]int{}
	s := newSink(t, func(id string) int {
		mu.Lock()
		defer mu.Unlock()
		tries[id]++
		return []int{500, 503, 202}[min(tries[id], 3)-1]
	})
	t.Setenv("K_SOURCE_CONFIG", `{"delivery": {"backoffDelay": "1ms"}}`)
	start(t, "-sink", s.URL, "-socket", socket, "-health", "")
	s.wait(t, "/cluster/node/n1/sync/sync-status/sync-state FREERUN>LOCKED OffsetInRange")
	p.Stop()
	s.wait(t, "/cluster/node/n1/sync/sync-status/sync-state LOCKED>HOLDOVER DaemonDown")
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, id := range s.ids {
		if _, sequence, _ := strings.Cut(id, "-"); sequence != fmt.Sprint(n+1) {
			t.Errorf("event %d has id %s", n+1, id)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for id, n := range tries {
		if n > 3 {
			t.Errorf("event %s was sent %d times", id, n)
		}
	}
}

// Of what has changed while the sink was away, it gets what holds now.
func TestLatestPerResource(t *testing.T) {
	p, socket := simulate(t)
	classes := []uint8{7, 6, 7, 13, 52}
	taken := make(chan http.Header, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Ce-Ptpstate") == "52":
			taken <- r.Header
			w.WriteHeader(http.StatusAccepted)
			return
		case len(classes) > 0: // one try, one change
			p.SetClass(classes[0])
			classes = classes[1:]
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(s.Close)
	t.Setenv("K_SOURCE_CONFIG", `{"delivery": {"backlog": "LatestPerResource", "backoffDelay": "5ms", "backoffMax": "5ms"},
		"events": {"types": ["event.sync.ptp-status.ptp-clock-class-change"]}}`)
	start(t, "-sink", s.URL, "-socket", socket, "-health", "")
	select {
	case h := <-taken:
		if h.Get("Ce-Ptpskipped") == "" || h.Get("Ce-Previousstate") == "" {
			t.Errorf("it says neither what was skipped nor what was before: %v", h)
		}
	case <-time.After(patience):
		t.Fatalf("the class that holds did not come within %v", patience)
	}
}

// A sink that asks for time gets it.
func TestRetryAfter(t *testing.T) {
	_, socket := simulate(t)
	times := make(chan time.Time, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		times <- time.Now()
		if len(times) == 1 {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	t.Cleanup(s.Close)
	t.Setenv("K_SOURCE_CONFIG", `{"delivery": {"retryAfterMax": "700ms", "backoffDelay": "1ms"}}`)
	start(t, "-sink", s.URL, "-socket", socket, "-health", "")
	eventually(t, "second try", func() bool { return len(times) > 1 }, func() string { return "one" })
	if first, second := <-times, <-times; second.Sub(first) < 700*time.Millisecond {
		t.Errorf("the second try came after %v, want 700 ms at least", second.Sub(first))
	}
}

// An event that the sink refuses goes to the dead letter sink, and those behind it go on.
func TestDeadLetterSink(t *testing.T) {
	_, socket := simulate(t)
	s := newSink(t, func(id string) int {
		if strings.HasSuffix(id, "-2") {
			return http.StatusBadRequest
		}
		return http.StatusAccepted
	})
	dead := newSink(t, nil)
	t.Setenv("K_SOURCE_CONFIG", `{"delivery": {"deadLetterSink": "`+dead.URL+`"}}`)
	start(t, "-sink", s.URL, "-socket", socket, "-health", "")
	s.wait(t, "/cluster/node/n1/sync/sync-status/sync-state FREERUN>LOCKED OffsetInRange")
	if got, want := dead.events(), []string{"/cluster/node/n1/sync/ptp-status/clock-class >255 OwnClass"}; !slices.Equal(got, want) {
		t.Errorf("dead letters %q, want %q", got, want)
	}
}

func TestReadiness(t *testing.T) {
	s := newSink(t, nil)
	address := freeAddress(t)
	missing := filepath.Join(t.TempDir(), "ptp4l")
	start(t, "-sink", s.URL, "-socket", missing, "-health", address)
	probe := func(path string) string {
		response, err := http.Get("http://" + address + path) //nolint:noctx // the test's own server
		if err != nil {
			return err.Error()
		}
		defer func() { _ = response.Body.Close() }()
		body, _ := io.ReadAll(response.Body)
		return fmt.Sprint(response.StatusCode, " ", strings.TrimSpace(string(body)))
	}
	// A ptp4l that is reported as absent does not keep the adapter from being ready.
	eventually(t, "readiness", func() bool { return probe("/readiness") == "200 ok" }, func() string { return probe("/readiness") })
	if got := probe("/health"); got != "200 ok" {
		t.Errorf("health: %s", got)
	}
}

func TestNotReadyBeforeTheFirstReading(t *testing.T) {
	w := httptest.NewRecorder()
	newHealth(&line{}).readiness(w, nil)
	if w.Code != http.StatusServiceUnavailable || !strings.HasPrefix(w.Body.String(), "not ready: ") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAddressOfProbesIsTaken(t *testing.T) {
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	env, err := Load([]string{"-sink", taken.URL, "-socket", filepath.Join(t.TempDir(), "ptp4l"), "-health", taken.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	a := &Adapter{env: env, client: adapterv2.ClientConfig{Env: env}, log: zap.NewNop().Sugar()}
	err = a.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "address already in use: choose another health.address") {
		t.Errorf("got %v", err)
	}
}

func TestOIDCNeedsACluster(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("KUBECONFIG", "")
	audience, account := "a", "b"
	env := &Env{}
	if _, err := WithKubeClient(t.Context(), env); err != nil {
		t.Errorf("without OIDC: %v", err)
	}
	env.Audience, env.OIDCServiceAccountName = &audience, &account
	if _, err := WithKubeClient(context.Background(), env); err == nil || !strings.Contains(err.Error(), "set KUBECONFIG") {
		t.Errorf("with OIDC: %v", err)
	}
}

// freeAddress returns an address that nobody listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends at once
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
