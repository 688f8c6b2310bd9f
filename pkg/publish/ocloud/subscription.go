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

package ocloud

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// dialect is how a subscriber speaks, and is spoken to.
type dialect string

const (
	// v2 is O-RAN's, and that of today's OpenShift and StarlingX.
	v2 dialect = "v2"
	// v1 is that of OpenShift before 4.19.
	v1 dialect = "v1"
	// v1StarlingX is StarlingX's of that time.
	v1StarlingX dialect = "v1-starlingx"
)

// record is what is kept of a subscription.
type record struct {
	ID string `json:"id"`
	// API is the dialect of the request that made it.
	API dialect `json:"api"`
	// EndpointURI and Resource are as they were given.
	EndpointURI string `json:"endpointUri"`
	Resource    string `json:"resource"`
	// ContentType is of what is sent, where it is not application/json.
	ContentType string `json:"contentType,omitempty"`
	// Owner is who made it, where clients must say who they are.
	Owner   string    `json:"owner,omitempty"`
	Created time.Time `json:"created"`
	// FailingSince is when the endpoint began to fail; zero while it takes events.
	FailingSince time.Time `json:"failingSince,omitzero"`
}

// cursorName is the name of the subscription's cursor in the journal.
func (r record) cursorName() string { return "ocloud/" + r.ID }

// subscription is one that is served.
type subscription struct {
	record  // as it was made; it never changes
	pattern oran.Address
	header  http.Header // of what is sent
	cursor  journal.Cursor
	ctx     context.Context
	cancel  context.CancelFunc

	// busy is whether somebody has the cursor and the queue: the dispatcher, a worker, or a
	// timer that hands it to one.
	busy  atomic.Bool
	queue []message
	tries int // of the first in the queue

	mu      sync.Mutex
	settled journal.Entry // to be acknowledged
	unacked bool
	retry   *time.Timer
	ended   bool
	failing time.Time // since when; zero while the endpoint takes events
	waits   time.Time // when was observed what is being sent; zero for nothing

	reason    string // of the last failure
	delivered uint64
	refused   uint64
	lost      uint64
}

// message is what is to be sent.
type message struct {
	// present is whether this stands for what will hold when it is its turn.
	present bool
	id      string
	body    []byte
	at      time.Time     // when it was observed
	entry   journal.Entry // to be acknowledged then; zero for what is not of the journal
}

func newSubscription(parent context.Context, r record, pattern oran.Address) *subscription {
	s := &subscription{record: r, pattern: pattern, header: headerOf(r), failing: r.FailingSince}
	s.ctx, s.cancel = context.WithCancel(parent)
	return s
}

// end stops everything that is done for the subscription.
func (s *subscription) end() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.retry != nil {
		s.retry.Stop()
	}
	_ = s.cursor.Close()
}

// settle says that an entry and all before it are done.
func (s *subscription) settle(e journal.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled, s.unacked = e, true
}

// wait says when was observed what is sent next; zero: nothing is.
func (s *subscription) wait(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits = at
}

// toAck returns what is to be acknowledged, once.
func (s *subscription) toAck() (journal.Entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := s.unacked && !s.ended
	s.unacked = false
	return s.settled, is
}

// now returns what is to be kept.
func (s *subscription) now() record {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.record
	r.FailingSince = s.failing.Round(0)
	return r
}

// status is how a subscription does.
type status struct {
	// State is active, or failing while the endpoint does not take what is sent.
	State string `json:"State"`
	// Since and Reason say since when and why it is failing.
	Since  *time.Time `json:"Since,omitempty"`
	Reason string     `json:"Reason,omitempty"`
	// Delivered counts notifications that the endpoint took since the adapter was started,
	// Refused those that it will never take, and Lost events that the journal could not
	// keep for it.
	Delivered uint64 `json:"Delivered"`
	Refused   uint64 `json:"Refused,omitempty"`
	Lost      uint64 `json:"Lost,omitempty"`
	// Waiting is how many entries of the journal are still to be looked at.
	Waiting uint64 `json:"Waiting,omitempty"`
}

func (s *subscription) status() status {
	waiting := s.cursor.Pending()
	s.mu.Lock()
	defer s.mu.Unlock()
	is := status{State: "active", Delivered: s.delivered, Refused: s.refused, Lost: s.lost, Waiting: waiting}
	if !s.failing.IsZero() {
		since := s.failing.Round(0).UTC()
		is.State, is.Since, is.Reason = "failing", &since, s.reason
	}
	return is
}

// newID returns a random UUID (RFC 9562, version 4).
func newID() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	return formatID(raw, 4)
}

// idOf returns a UUID that is made of a text (RFC 9562, version 8).
func idOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return formatID([16]byte(sum[:16]), 8)
}

func formatID(raw [16]byte, version byte) string {
	raw[6], raw[8] = raw[6]&0x0f|version<<4, raw[8]&0x3f|0x80
	x := hex.EncodeToString(raw[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
