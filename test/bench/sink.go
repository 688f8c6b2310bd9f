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
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

const (
	lockState  = "event.sync.ptp-status.ptp-state-change"
	clockClass = "event.sync.ptp-status.ptp-clock-class-change"
)

// arrival is an event, and when the sink's handler was entered with it.
type arrival struct {
	at    time.Time
	path  string // of the request
	event cloudevents.Event
}

func (a arrival) extension(name string) string {
	s, _ := a.event.Extensions()[name].(string)
	return s
}

// is whether the event says that something of a type has come to a state.
func (a arrival) is(kind, state string) bool {
	return a.event.Type() == kind && a.extension("ptpstate") == state
}

// patience is how long an event may take before it counts as lost.
const patience = 20 * time.Second

// sink is a plain HTTP server that takes every event, unless it is away.
type sink struct {
	server   *http.Server
	url      string
	arrivals chan arrival
	bad      chan error // requests that are no CloudEvent
	away     atomic.Bool
}

func newSink() (*sink, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{url: "http://" + listener.Addr().String(), arrivals: make(chan arrival, 4096), bad: make(chan error, 1)}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

func (s *sink) close() error { return s.server.Close() }

// ServeHTTP takes an event.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	event, err := cehttp.NewEventFromHTTPRequest(r)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return // broken off: the sender was stopped meanwhile
	}
	if err != nil {
		select {
		case s.bad <- err:
		default:
		}
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if s.away.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.arrivals <- arrival{at, r.URL.Path, *event}
	w.WriteHeader(http.StatusAccepted)
}

// next returns the next event that matches; those before it are forgotten.
func (s *sink) next(ctx context.Context, what string, match func(arrival) bool) (arrival, error) {
	lost := time.NewTimer(patience)
	defer lost.Stop()
	for {
		select {
		case a := <-s.arrivals:
			if match(a) {
				return a, nil
			}
		case err := <-s.bad:
			return arrival{}, fmt.Errorf("the sink got what is no CloudEvent: %w", err)
		case <-lost.C:
			return arrival{}, fmt.Errorf("no %s came to the sink within %v", what, patience)
		case <-ctx.Done():
			return arrival{}, ctx.Err()
		}
	}
}

func isLocked(a arrival) bool { return a.is(lockState, "LOCKED") }

// pause returns after d, or fails when ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
