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

package dashboard

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/feed"
)

//go:embed page
var page embed.FS

const (
	// frameEvery is the time between two frames to one page.
	frameEvery = 100 * time.Millisecond
	// keepAlive is how often a quiet stream shows that it is alive.
	keepAlive = 15 * time.Second
	// writeTimeout is how long a page may take nothing. It connects again, and goes on.
	writeTimeout = 30 * time.Second
	// maxHistory is how many events the page shows of one node's past.
	maxHistory = 2000
)

// site answers the page.
type site struct {
	*watch
	about About
}

func (s *site) handler() http.Handler {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the directory is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /stream", s.stream)
	mux.HandleFunc("GET /history", s.history)
	mux.HandleFunc("POST /look", s.look)
	return mux
}

// stream sends frames, as server-sent events whose ids are versions, until the page goes.
func (s *site) stream(w http.ResponseWriter, r *http.Request) {
	version, _ := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64) // 0 is that of a page that has nothing yet
	w.Header().Set("Content-Type", "text/event-stream")
	to := http.NewResponseController(w)
	write := func(text string) error {
		if err := to.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		if _, err := fmt.Fprint(w, text); err != nil {
			return err
		}
		return to.Flush()
	}
	if write("retry: 1000\n\n") != nil {
		return
	}
	for first := true; ; {
		next, changed := s.since(version)
		if next == nil {
			select {
			case <-r.Context().Done():
				return
			case <-changed:
			case <-time.After(keepAlive):
				if write(":\n\n") != nil {
					return
				}
			}
			continue
		}
		if first {
			next.About, first = &s.about, false
		}
		text, err := json.Marshal(next)
		if err != nil || write(fmt.Sprintf("id: %d\ndata: %s\n\n", next.Version, text)) != nil {
			return
		}
		version = next.Version
		select { // what comes meanwhile is in the next one
		case <-r.Context().Done():
			return
		case <-time.After(frameEvery):
		}
	}
}

// past is what was, of one node.
type past struct {
	// Events are those that its adapter keeps, the newest so many, in its order.
	Events []*event `json:"events"`
	// Whole is whether these are all that it keeps.
	Whole bool `json:"whole"`
	// Samples are the offsets since the dashboard began, by instance.
	Samples map[string][]sample `json:"samples"`
	// Error is why there are no events.
	Error string `json:"error,omitempty"`
}

// history answers with the past of a node.
func (s *site) history(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("key")
	a, ok := s.adapter(key)
	if !ok {
		http.Error(w, "this node is not there any more", http.StatusNotFound)
		return
	}
	p := past{Events: []*event{}, Samples: s.samplesOf(key)}
	f := &feed.Feed{
		Adapters: alone{a}, Ask: s.client, Limit: maxHistory, Patience: s.patience,
		Event: func(e feed.Event) error {
			made, err := newEvent(e)
			if err == nil {
				p.Events = append(p.Events, made)
			}
			return err
		},
		Trouble: func(t feed.Trouble) { p.Error = t.Err.Error() },
	}
	if _, err := f.Past(r.Context()); err != nil {
		p.Error = err.Error()
	}
	p.Whole = p.Error == "" && len(p.Events) < maxHistory
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(p) // a page that is gone needs no answer
}

// look has a node asked at once: somebody looks at it.
func (s *site) look(w http.ResponseWriter, r *http.Request) {
	s.soon(r.URL.Query().Get("key"))
	w.WriteHeader(http.StatusNoContent)
}

// alone is one adapter.
type alone struct{ cluster.Adapter }

// List implements feed.Adapters.
func (a alone) List(context.Context) ([]cluster.Adapter, error) {
	return []cluster.Adapter{a.Adapter}, nil
}

// Watch implements feed.Adapters.
func (a alone) Watch(ctx context.Context, changed func([]cluster.Adapter)) error {
	changed([]cluster.Adapter{a.Adapter})
	<-ctx.Done()
	return nil
}
