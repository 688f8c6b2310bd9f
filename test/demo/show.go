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
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// show is the adapter and event_display on this machine.
type show struct {
	*printed
	dir     string
	display *exec.Cmd
	adapter *exec.Cmd
	started time.Time // when the adapter was started
}

// startShow builds and starts both programs on the stage's node.
func startShow(ctx context.Context, s stage) (*show, error) {
	dir, err := os.MkdirTemp("", "eventing-ptp-demo-")
	if err != nil {
		return nil, err
	}
	w := &show{dir: dir, printed: newPrinted()}
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
