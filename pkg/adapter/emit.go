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
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/testevent"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
)

const (
	// maxWaiting is how many may wait for the sink at once.
	maxWaiting = 8
	// maxWait is for how long one may.
	maxWait = time.Minute
)

// emitter records test events for whoever asks, and tells what becomes of each. It listens
// on loopback alone: whoever is not let into the pod by Kubernetes (pods/portforward) cannot
// ask, and no other check is needed.
type emitter struct {
	line  *line
	stats func() sink.Stats
	// next is told what this one is told, if it is not nil.
	next sink.Observer

	mu      sync.Mutex
	waiting map[string]chan sink.Outcome // by the id of a test event
	status  int                          // the sink's last answer
	tried   time.Time                    // when that came; zero for never
}

var _ sink.Observer = (*emitter)(nil)

func newEmitter(l *line, stats func() sink.Stats, next sink.Observer) *emitter {
	return &emitter{line: l, stats: stats, next: next, waiting: map[string]chan sink.Outcome{}}
}

// Tried implements sink.Observer.
func (e *emitter) Tried(to sink.TargetName, status int, took time.Duration) {
	if to == sink.Sink {
		e.mu.Lock()
		e.status, e.tried = status, time.Now()
		e.mu.Unlock()
	}
	if e.next != nil {
		e.next.Tried(to, status, took)
	}
}

// Settled implements sink.Observer.
func (e *emitter) Settled(id string, event oran.Event, as sink.Outcome) {
	if event.Type == oran.Test {
		e.mu.Lock()
		if w := e.waiting[id]; w != nil {
			w <- as // which has room for it
			delete(e.waiting, id)
		}
		e.mu.Unlock()
	}
	if e.next != nil {
		e.next.Settled(id, event, as)
	}
}

// serve answers on address until ctx ends.
func (e *emitter) serve(ctx context.Context, address string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for who asks for test events: %w: choose another emit.address", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+testevent.Path, e.emit)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 64 << 10}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve who asks for test events: %w", err)
	}
	return nil
}

// emit records a test event and says so, and then what has become of it.
func (e *emitter) emit(w http.ResponseWriter, r *http.Request) {
	var request testevent.Request
	decoder := json.NewDecoder(io.LimitReader(r.Body, 4096))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		http.Error(w, "the body is no request for a test event: "+err.Error(), http.StatusBadRequest)
		return
	}
	recorded, outcome, err := e.record(request)
	if err != nil {
		status := http.StatusInternalServerError
		if r, ok := errors.AsType[*refusal](err); ok {
			status = r.status
		}
		http.Error(w, err.Error(), status)
		return
	}
	began := time.Now()
	defer e.forget(recorded.ID)
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(w)
	_ = lines.Encode(testevent.Report{Recorded: recorded})
	_ = http.NewResponseController(w).Flush()
	patience := time.NewTimer(min(max(request.Wait.Duration, 0), maxWait))
	defer patience.Stop()
	settled := &testevent.Settled{Outcome: testevent.Waiting}
	select {
	case as := <-outcome:
		settled.Outcome, settled.Seconds = string(as), time.Since(began).Seconds()
	case <-patience.C:
	case <-r.Context().Done():
		return
	}
	e.mu.Lock()
	settled.Status = e.status
	if !e.tried.IsZero() {
		ago := time.Since(e.tried).Seconds()
		settled.TriedSecondsAgo = &ago
	}
	e.mu.Unlock()
	if settled.Outcome == testevent.Waiting {
		settled.Pending = e.stats().Waiting + 1 // with the one that is being sent
	}
	_ = lines.Encode(testevent.Report{Settled: settled})
}

// refusal is why there is no test event, as a status of HTTP.
type refusal struct {
	status int
	error
}

// record has the line record a test event, and returns where its outcome will be told.
func (e *emitter) record(request testevent.Request) (*testevent.Recorded, <-chan sink.Outcome, error) {
	e.mu.Lock()
	defer e.mu.Unlock() // until it is known for what to wait
	if len(e.waiting) >= maxWaiting {
		return nil, nil, &refusal{http.StatusTooManyRequests, fmt.Errorf("%d test events wait for the sink already; try again later", maxWaiting)}
	}
	var at oran.Address
	if request.ResourceAddress != "" {
		var err error
		if at, err = oran.ParseAddress(request.ResourceAddress); err != nil {
			return nil, nil, &refusal{http.StatusBadRequest, err}
		}
	}
	event, entry, err := e.line.emit(at)
	if err != nil {
		return nil, nil, err
	}
	outcome := make(chan sink.Outcome, 1)
	e.waiting[entry.ID()] = outcome
	return &testevent.Recorded{ID: entry.ID(), Sequence: entry.Sequence, Time: event.Time, Source: event.Source}, outcome, nil
}

// forget ends the waiting for a test event.
func (e *emitter) forget(id string) {
	e.mu.Lock()
	delete(e.waiting, id)
	e.mu.Unlock()
}

// errNoJournal is that the journal is still another adapter's.
var errNoJournal = errors.New("not ready: another adapter still has the journal")

// emit records a test event.
func (l *line) emit(of oran.Address) (oran.Event, journal.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.journal == nil || l.closed {
		return oran.Event{}, journal.Entry{}, &refusal{http.StatusServiceUnavailable, errNoJournal}
	}
	now := time.Now()
	event, err := l.encoder.Test(of, now)
	if err != nil {
		return oran.Event{}, journal.Entry{}, &refusal{http.StatusBadRequest, err}
	}
	entry, err := l.journal.Append(event.Marshal())
	if err != nil {
		return oran.Event{}, journal.Entry{}, fmt.Errorf("record a test event: %w", err)
	}
	if l.metrics != nil {
		l.metrics.Recorded(event.Type, event.Time, now)
	}
	l.log.Infow("a test event was asked for", "source", event.Source, "id", entry.ID())
	return event, entry, nil
}
