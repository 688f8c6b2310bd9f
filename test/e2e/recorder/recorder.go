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
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// recorder keeps what it is sent, until it ends.
type recorder struct {
	instance string
	closed   chan struct{}

	mu         sync.Mutex
	entries    []ledger.Entry
	behaviours map[string]*behaviour // by inbox
	more       chan struct{}         // closed when there is another entry
}

// behaviour says how an inbox answers.
type behaviour struct {
	// Inbox is a path, such as /orders.
	Inbox string `json:"inbox"`
	// Status is the answer; 0 means 202.
	Status int `json:"status"`
	// Delay in milliseconds is how long the answer is waited for.
	Delay int `json:"delay"`
	// Times is for how many requests; 0 means all to come.
	Times int `json:"times"`
}

// answer is what GET /entries returns.
type answer struct {
	// Instance tells a recorder that has been started again, and has forgotten everything.
	Instance string         `json:"instance"`
	Entries  []ledger.Entry `json:"entries"`
}

func newRecorder() *recorder {
	return &recorder{
		instance:   rand.Text(),
		closed:     make(chan struct{}),
		behaviours: map[string]*behaviour{},
		more:       make(chan struct{}),
	}
}

func (r *recorder) close() { close(r.closed) }

// take is the handler for events.
func (r *recorder) take(w http.ResponseWriter, req *http.Request) {
	arrived := time.Now()
	if req.Method != http.MethodPost {
		http.Error(w, "events are POSTed", http.StatusMethodNotAllowed)
		return
	}
	event, err := cehttp.NewEventFromHTTPRequest(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	status, delay := r.record(ledger.Entry{Inbox: req.URL.Path, Arrived: arrived, Header: req.Header.Clone(), Event: *event})
	select {
	case <-time.After(delay):
	case <-req.Context().Done():
	}
	w.WriteHeader(status)
}

// record keeps an entry, and says how to answer it.
func (r *recorder) record(e ledger.Entry) (status int, delay time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Status = http.StatusAccepted
	if b := r.behaviours[e.Inbox]; b != nil {
		if b.Status != 0 {
			e.Status = b.Status
		}
		delay = time.Duration(b.Delay) * time.Millisecond
		if b.Times--; b.Times == 0 {
			delete(r.behaviours, e.Inbox)
		}
	}
	e.Number = len(r.entries) + 1
	r.entries = append(r.entries, e)
	close(r.more)
	r.more = make(chan struct{})
	return e.Status, delay
}

// since returns the entries after a number, and a channel that is closed when there is
// another one.
func (r *recorder) since(after int) ([]ledger.Entry, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entries[min(max(0, after), len(r.entries)):], r.more
}

// control is the handler for questions.
func (r *recorder) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /entries", r.list)
	mux.HandleFunc("PUT /behaviour", r.behave)
	return mux
}

func (r *recorder) list(w http.ResponseWriter, req *http.Request) {
	after, err := strconv.Atoi(req.FormValue("after"))
	wait, err2 := time.ParseDuration(req.FormValue("wait"))
	if err != nil || err2 != nil {
		http.Error(w, "after must be a number and wait a duration", http.StatusBadRequest)
		return
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	entries, more := r.since(after)
	if len(entries) == 0 {
		select {
		case <-more:
		case <-timeout.C:
		case <-r.closed:
		case <-req.Context().Done():
		}
		entries, _ = r.since(after)
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer{r.instance, entries}); err != nil {
		http.Error(w, fmt.Sprintf("write the entries: %v", err), http.StatusInternalServerError)
	}
}

func (r *recorder) behave(w http.ResponseWriter, req *http.Request) {
	var b behaviour
	if err := json.NewDecoder(req.Body).Decode(&b); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if b.Status != 0 && (b.Status < 200 || b.Status > 599) || b.Delay < 0 || b.Times < 0 {
		http.Error(w, "status must be from 200 to 599, delay and times not negative", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behaviours[b.Inbox] = &b
}
