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

// Package stream serves what the journal keeps, and what comes, to people and programs that
// ask: history, and the live stream behind it, without a gap or a repeat between the two.
// Its order is that of the journal, never that of clocks, which may step.
//
//	GET /v1/events   events, as server-sent events, NDJSON or a CloudEvents batch
//	GET /v1/state    the present state of every clock
package stream

import (
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

const (
	// maxStreams is how many requests for events are answered at once. Each takes a
	// goroutine and a buffer, and no more time than its reader.
	maxStreams = 256
	// writeTimeout is how long a reader may take nothing.
	writeTimeout = 30 * time.Second
	// keepAlive is how often a quiet stream shows that it is alive.
	keepAlive = 15 * time.Second
)

// Journal is what is read: a journal.Log.
type Journal interface {
	Reader() journal.Cursor
	ReaderAfter(id string) (journal.Cursor, error)
}

// Server answers requests about one adapter's events and clocks.
type Server struct {
	// Journal has the events.
	Journal Journal
	// Encoder says where this is, and how events that were lost are announced.
	Encoder oran.Encoder
	// Source is the name of the PtpSource.
	Source string
	// State returns the present state of every clock.
	State func() State
	// Logger gets a line for what cannot be answered.
	Logger *zap.Logger

	streams atomic.Int64
	items   items
}

// Handler returns what answers requests.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/events", s.events)
	mux.HandleFunc("GET /v1/state", s.state)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &problem{Status: http.StatusNotFound, Detail: r.Method + " " + r.URL.Path + " is not known; there are GET /v1/events and GET /v1/state"})
	})
	return mux
}
