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

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// configuration has thresholds for software timestamps, whose noise is microseconds, and
// for spectators, who are impatient.
const configuration = `{
  "thresholds": {"lockOffset": "100us", "unlockOffset": "200us", "holdoverTimeout": "3s"},
  "health": {"address": ""}
}`

// show is the adapter and event_display, and what the latter has printed.
type show struct {
	dir     string
	display *exec.Cmd
	adapter *exec.Cmd
	started time.Time // when the adapter was started
	events  chan event
}

// event is what event_display has printed of one event.
type event struct {
	at          time.Time // when its first line was read
	kind, state string
}

// startShow builds and starts both programs on the stage's node.
func startShow(ctx context.Context, s stage) (*show, error) {
	dir, err := os.MkdirTemp("", "eventing-ptp-demo-")
	if err != nil {
		return nil, err
	}
	w := &show{dir: dir, events: make(chan event, 64)}
	if err := w.start(ctx, s); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *show) start(ctx context.Context, s stage) error {
	for _, program := range []string{"./cmd/receive_adapter", "knative.dev/eventing/cmd/event_display"} {
		build := exec.CommandContext(ctx, "go", "build", "-o", w.dir+string(filepath.Separator), program)
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if err := build.Run(); err != nil {
			return fmt.Errorf("build %s: %w", program, err)
		}
	}
	w.display = w.command(s, "event_display")
	out, err := w.display.StdoutPipe()
	if err != nil {
		return err
	}
	w.display.Stderr = os.Stderr
	if err := w.display.Start(); err != nil {
		return fmt.Errorf("start event_display: %w", err)
	}
	go w.read(out)

	w.adapter = w.command(s, "receive_adapter", "-sink", "http://127.0.0.1:8080", "-node", "demo", "-socket", s.Sockets())
	w.adapter.Env = append(w.adapter.Env, "K_SOURCE_CONFIG="+configuration)
	log, err := os.Create(filepath.Join(w.dir, "adapter.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	w.adapter.Stdout, w.adapter.Stderr = log, log
	w.started = time.Now()
	if err := w.adapter.Start(); err != nil {
		return fmt.Errorf("start the receive adapter: %w", err)
	}
	return nil
}

// command runs one of the programs on the node, so that both talk over its loopback.
func (w *show) command(s stage, program string, args ...string) *exec.Cmd {
	argv := append([]string{filepath.Join(w.dir, program)}, args...)
	if ns := s.Namespace(); ns != "" {
		argv = append([]string{"nsenter", "--net=" + ns}, argv...)
	}
	// Not the caller's context: it would kill the adapter, and we want to see it end well.
	c := exec.CommandContext(context.Background(), argv[0], argv[1:]...)
	c.Env = append(os.Environ(), "PORT=8080")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// read prints what event_display prints, and picks out what is expected.
func (w *show) read(out io.Reader) {
	defer close(w.events)
	lines := bufio.NewScanner(out)
	var e event
	for lines.Scan() {
		line := lines.Text()
		fmt.Println("   │ " + line)
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case strings.Contains(line, "cloudevents.Event"):
			e = event{at: time.Now()}
		case name == "type":
			e.kind = value
		case name == "ptpstate":
			e.state = value
		case strings.TrimSpace(line) == "Data,":
			w.events <- e
		}
	}
}

// patience is how long an event may take: much longer than any should.
const patience = 30 * time.Second

// expect waits for an event that was printed after since, and returns when it was.
func (w *show) expect(ctx context.Context, want expectation, since time.Time) (time.Time, bool) {
	timeout := time.After(patience)
	for {
		select {
		case e, ok := <-w.events:
			if !ok {
				return time.Time{}, false
			}
			if e.kind == want.kind && e.state == want.state && !e.at.Before(since) {
				return e.at, true
			}
		case <-timeout:
			return time.Time{}, false
		case <-ctx.Done():
			return time.Time{}, false
		}
	}
}

// settle waits until no event has come for a while.
func (w *show) settle(ctx context.Context) {
	for {
		select {
		case _, ok := <-w.events:
			if !ok {
				return
			}
		case <-time.After(500 * time.Millisecond):
			return
		case <-ctx.Done():
			return
		}
	}
}

// close ends both programs. What the adapter logged is shown if it did not end well.
func (w *show) close() error {
	var errs []error
	var once sync.Once
	for _, c := range []*exec.Cmd{w.adapter, w.display} {
		if c == nil || c.Process == nil {
			continue
		}
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil && c == w.adapter {
			log, _ := os.ReadFile(filepath.Join(w.dir, "adapter.log"))
			once.Do(func() { errs = append(errs, fmt.Errorf("receive adapter: %w\n%s", err, log)) })
		}
	}
	return errors.Join(append(errs, os.RemoveAll(w.dir))...)
}
