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

// Package dashboard serves one page that shows a fleet of clocks as it changes, to whoever has
// its address, on this machine alone.
//
// The page gets a stream of frames: what has changed since the one before, at most ten a
// second. A frame says of each node how it is, and of each event that it happened, so that
// whoever knows the version of a frame can go on behind it.
package dashboard

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/feed"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// Client asks adapters: a cluster.Client.
type Client interface {
	feed.Asker
	// State asks one adapter how its clocks are, and waits for patience at most.
	State(ctx context.Context, a cluster.Adapter, patience time.Duration) (*stream.State, error)
}

// About says what the page shows.
type About struct {
	// Scope is which PtpSources and nodes, in words.
	Scope string `json:"scope"`
}

// Dashboard is what to show.
type Dashboard struct {
	About    About
	Adapters feed.Adapters
	Client   Client
	// Interval is how often each adapter is asked how its clocks are; more rarely where there
	// are many. Patience is how long one may take to answer.
	Interval, Patience time.Duration

	token string
}

// Listen listens on the loopback interface, on a free port if it is 0. It returns the address
// of the page, which nobody can guess: other users of this machine can connect, too.
//
// The secret is part of the path, because browsers send cookies for one port of a host to all
// of its ports, and another user may listen on one of them.
func (d *Dashboard) Listen(ctx context.Context, port int) (net.Listener, string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, "", fmt.Errorf("serve the dashboard: %w", err)
	}
	d.token = rand.Text()
	return l, fmt.Sprintf("http://%s/%s/", l.Addr(), d.token), nil
}

// follow takes events of the past, and those that come. Of the past it takes as many of each
// adapter as there is room for, because none is worth more than another.
func (d *Dashboard) follow(ctx context.Context, w *watch) error {
	const few, many = 20, 1000
	there, err := d.Adapters.List(ctx)
	if err != nil {
		return err
	}
	return w.follow(ctx, &feed.Feed{Limit: min(many, max(few, maxEvents/max(1, len(there))))})
}

// Serve serves the page until the context is done, or until adapters cannot be looked for.
func (d *Dashboard) Serve(ctx context.Context, l net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	w := &watch{
		Adapters: d.Adapters, fleet: newFleet(), client: d.Client, interval: d.Interval, patience: d.Patience,
		nudges: map[string]chan struct{}{}, stops: map[string]context.CancelFunc{},
	}
	server := &http.Server{
		Handler:           guard(d.token, (&site{watch: w, about: d.About}).handler()),
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // streams end with it
	}
	served := make(chan error, 1)
	go func() {
		served <- server.Serve(l)
		stop()
	}()
	err := d.follow(ctx, w)
	stop()
	_ = server.Close() // whoever reads has nothing left to read
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve the dashboard: %w", failed))
	}
	return err
}
