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

// Package outage is for servers of tests that break: connections that end in the middle of an
// answer, and servers that answer nobody.
package outage

import (
	"context"
	"net/http"
	"sync"
)

// Handler hands requests on to another handler for as long as it is well. Use New.
type Handler struct {
	to http.Handler

	mu   sync.Mutex
	cut  chan struct{} // closed to break all connections
	deaf bool
}

// New returns a handler that is well.
func New(to http.Handler) *Handler { return &Handler{to: to, cut: make(chan struct{})} }

// Cut breaks all connections.
func (h *Handler) Cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.cut)
	h.cut = make(chan struct{})
}

// SetDeaf is whether it answers nobody any more. Connections break when that changes.
func (h *Handler) SetDeaf(deaf bool) {
	h.mu.Lock()
	h.deaf = deaf
	h.mu.Unlock()
	h.Cut()
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	cut, deaf := h.cut, h.deaf
	h.mu.Unlock()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if deaf {
			<-ctx.Done()
			return
		}
		h.to.ServeHTTP(w, r.WithContext(ctx))
	}()
	select {
	case <-done:
	case <-cut:
		if _, connected := w.(http.Hijacker); !connected { // nothing that could break
			if !deaf {
				<-done
			}
			return
		}
		cancel()
		<-done
		panic(http.ErrAbortHandler) // the connection breaks, and the answer has no end
	}
}
