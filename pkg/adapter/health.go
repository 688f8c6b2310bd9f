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
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// health answers the probes, and who asks for events and states. It says the truth: alive
// means that observations can still be decided, ready that every clock source was read once
// or is reported absent.
type health struct {
	line   *line
	server *http.Server
	stream atomic.Pointer[http.Handler] // nil while the journal is not there
}

func newHealth(l *line) *health {
	h := &health{line: l}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", h.alive)
	mux.HandleFunc("GET /readiness", h.readiness)
	mux.HandleFunc("/v1/", h.history)
	h.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 64 << 10}
	return h
}

// history passes on what is asked of the journal.
func (h *health) history(w http.ResponseWriter, r *http.Request) {
	if s := h.stream.Load(); s != nil {
		(*s).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Retry-After", "1")
	http.Error(w, "not ready: another adapter still has the journal", http.StatusServiceUnavailable)
}

// alive passes through the line: if it were stuck, so would be the probe.
func (h *health) alive(w http.ResponseWriter, _ *http.Request) {
	h.line.isReady()
	fmt.Fprintln(w, "ok")
}

func (h *health) readiness(w http.ResponseWriter, _ *http.Request) {
	if !h.line.isReady() {
		http.Error(w, "not ready: the clock sources are being read for the first time", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// serve answers on address until ctx ends. A port that is taken is an error and not,
// as with probes that are served on the side, a pod that is never ready.
func (h *health) serve(ctx context.Context, address string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for health probes: %w: choose another health.address", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = h.server.Close() })
	defer stop()
	if err := h.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve health probes: %w", err)
	}
	return nil
}
