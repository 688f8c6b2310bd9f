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

package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"time"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
)

// Asker asks adapters: a cluster.Client.
type Asker interface {
	Ask(ctx context.Context, a cluster.Adapter, path string, query url.Values, accept string) (io.ReadCloser, error)
}

// silence is how long an adapter may say nothing at all: it shows every 15 s that it lives.
const silence = 45 * time.Second

// reader reads the events of one adapter, however often its connection breaks. It belongs to
// one goroutine at a time.
type reader struct {
	ask      Asker
	query    url.Values
	patience time.Duration // how long an answer may take to begin

	last   string   // the id up to which everything was read; empty for none
	limit  string   // how many events of the past, at first
	behind []string // ids of which the adapter may know one, at first
	silent bool     // its adapter is known to be in trouble
}

var errSilent = errors.New("it says nothing any more")

// read asks once, tells that there is an answer, and then each event that comes. It returns
// nil when the adapter has said all.
func (r *reader) read(ctx context.Context, from cluster.Adapter, follow bool, opened func(), each func(Event) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watchdog := time.AfterFunc(r.patience, func() { stop(fmt.Errorf("it did not answer within %v", r.patience)) })
	defer watchdog.Stop()
	stream, err := r.open(ctx, from, follow)
	if err != nil {
		return cause(ctx, err)
	}
	defer stream.Close()
	watchdog.Stop()
	opened()
	watchdog = time.AfterFunc(silence, func() { stop(errSilent) })
	defer watchdog.Stop()
	err = readFrames(stream, func() { watchdog.Reset(silence) }, func(f frame) error {
		return r.take(f, from, each)
	})
	return cause(ctx, err)
}

// cause is why we have ended the stream ourselves, or else err.
func cause(ctx context.Context, err error) error {
	c := context.Cause(ctx)
	if c == nil || errors.Is(c, context.Canceled) || errors.Is(c, context.DeadlineExceeded) {
		return err
	}
	return c
}

// open asks, and goes on behind what was read. An adapter that does not know that event has a
// new journal, of which nothing was read.
func (r *reader) open(ctx context.Context, from cluster.Adapter, follow bool) (io.ReadCloser, error) {
	if r.last != "" {
		r.behind = []string{r.last}
	}
	for len(r.behind) > 0 {
		stream, err := r.openAfter(ctx, from, follow, r.behind[0])
		if !cluster.Gone(err) {
			return stream, err
		}
		r.behind, r.last = r.behind[1:], ""
	}
	return r.openAfter(ctx, from, follow, "")
}

func (r *reader) openAfter(ctx context.Context, from cluster.Adapter, follow bool, after string) (io.ReadCloser, error) {
	query := maps.Clone(r.query)
	if query == nil {
		query = url.Values{}
	}
	query.Set("follow", fmt.Sprint(follow))
	switch {
	case after != "":
		query.Set("after", after)
		query.Set("gap", "mark")
	case r.limit != "":
		query.Set("limit", r.limit)
	}
	return r.ask.Ask(ctx, from, "v1/events", query, "text/event-stream")
}

// take takes one frame of the stream.
func (r *reader) take(f frame, from cluster.Adapter, each func(Event) error) error {
	at, ok := positionOf(f.id)
	if !ok {
		return fmt.Errorf("%q is no id of an event", f.id)
	}
	read, some := positionOf(r.last)
	if some && read.reaches(at) {
		return nil
	}
	if f.data != nil {
		event, err := newEvent(f.id, f.data, from)
		if err != nil {
			return err
		}
		if err := each(event); err != nil {
			return err
		}
	}
	r.last, r.limit, r.behind = f.id, "", nil
	return nil
}
