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

package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// events answers with what the journal has, and where the client follows, with what comes.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	if s.streams.Add(1) > maxStreams {
		s.streams.Add(-1)
		w.Header().Set("Retry-After", "5")
		refuse(w, &problem{Status: http.StatusServiceUnavailable, Detail: fmt.Sprintf("%d clients read events already; try again later", maxStreams)})
		return
	}
	defer s.streams.Add(-1)
	q, p := parseQuery(r, s.Source, time.Now())
	if p != nil {
		refuse(w, p)
		return
	}
	cursor, p := s.open(q)
	if p != nil {
		refuse(w, p)
		return
	}
	defer cursor.Close()
	w.Header().Set("Content-Type", string(q.format))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events until its buffer is full
	a := &answer{query: q, cursor: cursor, encoder: s.Encoder, items: &s.items, to: writer{http.NewResponseController(w), w}, format: newFormatter(q.format)}
	err := a.write(r.Context())
	_ = a.to.control.SetWriteDeadline(time.Time{}) // the next request on this connection has its own
	if err != nil && r.Context().Err() == nil && !errors.Is(err, journal.ErrClosed) {
		s.Logger.Debug("a reader of events was left alone", zap.String("client", r.RemoteAddr), zap.Error(err))
	}
}

// open returns a reader at the place that is asked for.
func (s *Server) open(q query) (journal.Cursor, *problem) {
	if q.after == "" {
		return s.Journal.Reader(), nil
	}
	cursor, err := s.Journal.ReaderAfter(q.after)
	if err != nil {
		return nil, &problem{Status: http.StatusGone, Oldest: s.oldest(), Detail: fmt.Sprintf("after: %v; ask without it, from the oldest that is kept", err)}
	}
	if n := cursor.Dropped(); n > 0 && !q.mark {
		_ = cursor.Close()
		return nil, &problem{Status: http.StatusGone, Oldest: s.oldest(), Detail: fmt.Sprintf(
			"%d events after %s are not kept any more; ask without after, or with gap=mark to go on at the oldest that is kept", n, q.after)}
	}
	return cursor, nil
}

// oldest returns the id of the oldest event that is kept; empty if there is none.
func (s *Server) oldest() string {
	cursor := s.Journal.Reader()
	defer cursor.Close()
	if cursor.Pending() == 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	e, err := cursor.Next(ctx)
	if err != nil {
		return ""
	}
	return e.ID()
}

// item is one event, as it is written. It is never changed.
type item struct {
	id, kind string
	event    oran.Event
	body     []byte // a structured CloudEvent
}

// items are those that were made last: many who read the same make each once.
type items struct {
	ring [1024]atomic.Pointer[item]
}

// item returns what is written of an entry; nil for one that is no event of this version.
func (i *items) item(e journal.Entry) (*item, error) {
	slot, id := &i.ring[e.Sequence%uint64(len(i.ring))], e.ID()
	if kept := slot.Load(); kept != nil && kept.id == id {
		return kept, nil
	}
	event, err := oran.Unmarshal(e.Payload)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // a newer program has recorded it, for others
	}
	made, err := newItem(e, event)
	if err == nil {
		slot.Store(made)
	}
	return made, err
}

// answer is one client's.
type answer struct {
	query
	cursor  journal.Cursor
	encoder oran.Encoder
	items   *items
	to      writer
	format  formatter

	last    string // the id of the entry that was read last
	told    string // of the one that the client knows of
	started bool   // an entry was read, or the client has named one
}

// write writes until the client has what it asked for.
func (a *answer) write(ctx context.Context) error {
	a.started = a.after != ""
	if err := a.to.write(a.format.begin()); err != nil {
		return err
	}
	if err := a.history(ctx); err != nil {
		return err
	}
	if a.follow {
		if err := a.to.flush(); err != nil {
			return err
		}
		if err := a.live(ctx); err != nil {
			return err
		}
	}
	if err := a.to.write(a.format.end()); err != nil {
		return err
	}
	return a.to.flush()
}

// history writes what the journal has now.
func (a *answer) history(ctx context.Context) error {
	var newest []*item // where there is a limit
	keep := func(i *item) error {
		switch {
		case a.limit < 0:
			return a.put(i)
		case a.limit > 0:
			if len(newest) == a.limit {
				newest = newest[:copy(newest, newest[1:])]
			}
			newest = append(newest, i)
		}
		return nil
	}
	// Where some of them make room meanwhile, as many newer ones take their place.
	for waiting := a.cursor.Pending(); waiting > 0 && a.cursor.Pending() > 0; waiting-- {
		e, err := a.cursor.Next(ctx)
		if err != nil {
			return err
		}
		if err := a.each(e, keep); err != nil {
			return err
		}
	}
	for _, i := range newest {
		if err := a.put(i); err != nil {
			return err
		}
	}
	return nil
}

// live writes what comes, until the time that was asked for, or until the client goes.
func (a *answer) live(client context.Context) error {
	ctx := client
	if !a.until.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(client, a.until)
		defer cancel()
	}
	for {
		e, err := a.next(ctx)
		switch {
		case client.Err() != nil:
			return client.Err()
		case ctx.Err() != nil:
			return nil // it is time
		case errors.Is(err, context.DeadlineExceeded):
			if err := a.quiet(); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		if err := a.each(e, a.put); err != nil {
			return err
		}
		if a.cursor.Pending() == 0 {
			if err := a.to.flush(); err != nil {
				return err
			}
		}
	}
}

// next waits for an entry, and not for longer than a client should hear nothing.
func (a *answer) next(ctx context.Context) (journal.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, keepAlive)
	defer cancel()
	return a.cursor.Next(ctx)
}

// quiet tells a client that nothing has come for it, and how far that is true: a client with
// a narrow filter would ask again for what it does not want, or for what is not kept.
func (a *answer) quiet() error {
	var text []byte
	if a.last != a.told {
		text, a.told = a.format.bookmark(a.last), a.last
	} else {
		text = a.format.keepAlive()
	}
	if err := a.to.write(text); err != nil {
		return err
	}
	return a.to.flush()
}

// each passes on what an entry is for the client: the event, if it is asked for, and before
// it that others were lost.
func (a *answer) each(e journal.Entry, to func(*item) error) error {
	i, err := a.items.item(e)
	if err != nil {
		return err
	}
	if e.Lost > 0 && a.started {
		at := time.Now()
		if i != nil {
			at = i.event.Time
		}
		announcement, err := newItem(journal.Entry{Epoch: e.Epoch, Sequence: e.Sequence - 1, Mark: "lost"}, a.encoder.Lost(e.Lost, at))
		if err != nil {
			return err
		}
		if err := to(announcement); err != nil {
			return err
		}
	}
	a.started, a.last = true, e.ID()
	if i == nil || !a.wants(i.event, a.encoder.Place()) {
		return nil
	}
	return to(i)
}

func newItem(e journal.Entry, event oran.Event) (*item, error) {
	ce := event.CloudEvent(e.ID(), e.Sequence)
	body, err := json.Marshal(ce)
	if err != nil {
		return nil, fmt.Errorf("write event %s: %w", e.ID(), err)
	}
	return &item{id: e.ID(), kind: event.Type, event: event, body: body}, nil
}

func (a *answer) put(i *item) error {
	a.told = i.id
	return a.to.write(a.format.event(i))
}

// writer writes to a client that may be slow, but not dead.
type writer struct {
	control *http.ResponseController
	to      http.ResponseWriter
}

func (w writer) write(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if err := w.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_, err := w.to.Write(text)
	return err
}

func (w writer) flush() error {
	if err := w.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
