//go:build lab

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

// Package integration tests the receive adapter, as the program that users run, on real
// ptp4l: every test starts a lab of network namespaces and breaks it.
package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

// program is the receive adapter, built once for all tests.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if err := lab.Check(); err != nil {
			fmt.Fprintf(os.Stderr, "the integration tests cannot run here: %v\n", err)
			return 1
		}
		dir, err := os.MkdirTemp("", "eventing-ptp-integration-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		program = filepath.Join(dir, "receive_adapter")
		build := exec.CommandContext(context.Background(), "go", "build", "-o", program, "github.com/eventing-ptp/eventing-ptp/cmd/receive_adapter")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "build the receive adapter: %v\n", err)
			return 1
		}
		return m.Run()
	}())
}

// patience is how long a test waits for what must come: far longer than it may take.
const patience = 20 * time.Second

// received is one event as the sink got it.
type received struct {
	cloudevents.Event
	at time.Time
}

func (r received) String() string {
	e := r.Extensions()
	s := fmt.Sprintf("%v %s %v>%v %v", e["instance"], strings.TrimPrefix(r.Type(), "event.sync."), e["previousstate"], e["ptpstate"], e["ptpreason"])
	return strings.ReplaceAll(s, "<nil>", "-")
}

func (r received) extension(name string) string {
	s, _ := r.Extensions()[name].(string)
	return s
}

// sink is a server that keeps every event it gets.
type sink struct {
	*httptest.Server
	mu     sync.Mutex
	events []received
	more   chan struct{}
	// answer, if set, decides what is answered, before the event is kept.
	answer func(cloudevents.Event) int
}

func newSink(t *testing.T) *sink {
	s := &sink{more: make(chan struct{}, 1)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := time.Now()
		event, err := cehttp.NewEventFromHTTPRequest(r)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return // cut short by the end of the adapter
		}
		if err == nil {
			err = event.Validate()
		}
		if err != nil {
			t.Errorf("the sink got what is no CloudEvent: %v", err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		status := http.StatusAccepted
		if s.answer != nil {
			status = s.answer(*event)
		}
		if status/100 == 2 {
			s.events = append(s.events, received{*event, at})
		}
		s.mu.Unlock()
		w.WriteHeader(status)
		select {
		case s.more <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// all returns the events so far.
func (s *sink) all() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// wait returns the first event after the first from ones that matches what, and how many
// there were up to it.
func (s *sink) wait(t *testing.T, from int, what string, match func(received) bool) (received, int) {
	t.Helper()
	deadline := time.After(patience)
	for {
		events := s.all()
		for n := from; n < len(events); n++ {
			if match(events[n]) {
				return events[n], n + 1
			}
		}
		select {
		case <-s.more:
		case <-deadline:
			t.Fatalf("no %s within %v; came since: %v", what, patience, events[min(from, len(events)):])
		}
	}
}

// lockState matches a lock-state event of an instance.
func lockState(instance, state string) func(received) bool {
	return func(r received) bool {
		return r.Type() == "event.sync.ptp-status.ptp-state-change" && r.extension("instance") == instance && r.extension("ptpstate") == state
	}
}

func clockClass(class string) func(received) bool {
	return func(r received) bool {
		return r.Type() == "event.sync.ptp-status.ptp-clock-class-change" && r.extension("ptpstate") == class
	}
}

func syncState(state string) func(received) bool {
	return func(r received) bool {
		return r.Type() == "event.sync.sync-status.synchronization-state-change" && r.extension("ptpstate") == state
	}
}

// adapter is a running receive adapter.
type adapter struct {
	*exec.Cmd
	log     *buffer
	started time.Time
	ended   chan struct{}
	err     error // of Wait; to be read after ended
}

// buffer is a bytes.Buffer that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// config is the adapter's configuration: with software timestamps offsets are
// microseconds, and on a busy machine more.
type config map[string]any

func settings(extra config) config {
	c := config{
		"thresholds": config{"lockOffset": "500us", "unlockOffset": "1ms", "holdoverTimeout": "3s"},
		"health":     config{"address": ""},
	}
	maps.Copy(c, extra)
	return c
}

// startAdapter runs the adapter until the test ends, or until it is stopped.
func startAdapter(t *testing.T, sinkURL, sockets string, c config, change ...func(*exec.Cmd)) *adapter {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	a := &adapter{Cmd: exec.CommandContext(context.WithoutCancel(t.Context()), program, "-sink", sinkURL, "-node", "n1", "-socket", sockets), log: &buffer{}, ended: make(chan struct{})}
	a.Env = append(os.Environ(), "K_SOURCE_CONFIG="+string(text), "PROFILING_PORT=0")
	a.Stdout, a.Stderr = a.log, a.log
	a.SysProcAttr = &syscall.SysProcAttr{}
	for _, f := range change {
		f(a.Cmd)
	}
	a.started = time.Now()
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		a.err = a.Wait()
		close(a.ended)
	}()
	t.Cleanup(func() {
		_ = a.Process.Signal(syscall.SIGCONT)
		a.stop(t)
		if t.Failed() {
			t.Logf("log of the adapter:\n%s", a.log)
		}
	})
	return a
}

// stop ends the adapter as Kubernetes does, and waits for it.
func (a *adapter) stop(t *testing.T) {
	t.Helper()
	_ = a.Process.Signal(syscall.SIGTERM)
	select {
	case <-a.ended:
	case <-time.After(patience):
		t.Errorf("the adapter does not end within %v of SIGTERM", patience)
		_ = a.Process.Kill()
		<-a.ended
	}
	exit, failed := errors.AsType[*exec.ExitError](a.err)
	if failed && !exit.Sys().(syscall.WaitStatus).Signaled() {
		t.Errorf("the adapter ended with %v", a.err)
	}
}

// waitLog waits until the adapter's log has text.
func (a *adapter) waitLog(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(a.log.String(), text); {
		if time.Now().After(deadline) {
			t.Fatalf("the adapter's log has no %q within %v", text, patience)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// build returns a lab that lives until the test ends.
func build(t *testing.T, version string, change func(*lab.Options)) *lab.Lab {
	t.Helper()
	o := lab.DefaultOptions()
	o.Version, o.LogAnnounce = version, -3
	if change != nil {
		change(&o)
	}
	l, err := lab.Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// do applies a verb of the lab and returns when.
func do(t *testing.T, l *lab.Lab, verb string) time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	at, err := l.Do(ctx, verb)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// checkOrder checks what must be true of any run: sequences grow, every state follows from
// the one before, nothing is said twice, and nothing jumps from FREERUN to HOLDOVER. An
// event whose answer was lost may come again, under its id.
func checkOrder(t *testing.T, events []received) {
	t.Helper()
	last := map[string]string{}
	var sequence string
	for n, e := range events {
		key := e.extension("instance") + e.extension("resourceaddress")
		from, to := e.extension("previousstate"), e.extension("ptpstate")
		if n > 0 && e.ID() == events[n-1].ID() {
			continue
		}
		switch {
		case e.extension("sequence") <= sequence:
			t.Errorf("event %d (%v): sequence %s after %s", n, e, e.extension("sequence"), sequence)
		case from != last[key]:
			t.Errorf("event %d (%v): comes from %q, the last was %q", n, e, from, last[key])
		case from == to:
			t.Errorf("event %d (%v): changes nothing", n, e)
		case from == "FREERUN" && to == "HOLDOVER":
			t.Errorf("event %d (%v): jumps", n, e)
		}
		sequence, last[key] = e.extension("sequence"), to
	}
}
