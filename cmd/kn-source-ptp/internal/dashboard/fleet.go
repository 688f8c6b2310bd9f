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
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/board"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

const (
	// maxEvents is how many events are kept of all nodes; the page keeps as many.
	maxEvents = 5000
	// maxSamples is how many offsets are kept of each clock: over half an hour at one in 2 s.
	maxSamples = 1024
)

// keyOf names an adapter for the page: what stays the same when its pod is replaced.
func keyOf(a cluster.Adapter) string { return string(a.UID) + "/" + a.Node }

// node is what is known of a node's clocks by one adapter. It is not changed any more: what
// is known later takes its place.
type node struct {
	Key       string `json:"key"`
	Namespace string `json:"namespace"`
	Source    string `json:"source"`
	Node      string `json:"node"`
	Pod       string `json:"pod"`
	// Worst is the worst of all its states, and Counts how many clocks have which.
	Worst  string        `json:"worst"`
	Counts board.Summary `json:"counts"`
	// Waiting is whether it was not heard of yet.
	Waiting bool `json:"waiting,omitempty"`
	// Error is why it does not say how its clocks are, and EventsError why it tells no events.
	Error       string `json:"error,omitempty"`
	EventsError string `json:"eventsError,omitempty"`
	// State is what it has said last, and Heard when, by the clock of this machine.
	State *stream.State `json:"state,omitempty"`
	Heard *time.Time    `json:"heard,omitempty"`
	// Ahead is by how many milliseconds the node's clock is ahead of this machine's, at least.
	Ahead int64 `json:"aheadMilliseconds,omitempty"`

	adapter cluster.Adapter
	version uint64
}

// sample is the offset of a clock at a time, in nanoseconds and in milliseconds since 1970.
type sample [2]int64

// frame is what has changed since a version.
type frame struct {
	Version uint64 `json:"version"`
	// About is there in the first one.
	About *About `json:"about,omitempty"`
	// Keys are those of all nodes where there are others than before, else null.
	Keys   []string `json:"keys"`
	Nodes  []*node  `json:"nodes,omitempty"`
	Events []*event `json:"events,omitempty"`
}

// fleet is what is known of all nodes, and the newest events. Everything in it has a version,
// so that whoever knows one can be told what is newer, however long that takes.
type fleet struct {
	mu      sync.Mutex
	version uint64
	changed chan struct{} // closed when there is a newer version
	nodes   map[string]*node
	set     uint64 // the version in which others came or went
	samples map[string]map[string][]sample
	log     []*event // by time as far as the order of each adapter allows
}

func newFleet() *fleet {
	// What nobody has been told of yet is newer than 0.
	return &fleet{version: 1, set: 1, changed: make(chan struct{}), nodes: map[string]*node{}, samples: map[string]map[string][]sample{}}
}

// next begins a newer version. The caller has the lock.
func (f *fleet) next() uint64 {
	f.version++
	close(f.changed)
	f.changed = make(chan struct{})
	return f.version
}

// put puts a node in the place of what it was. The caller has the lock.
func (f *fleet) put(n node) {
	report := board.Report{Namespace: n.Namespace, Source: n.Source, Node: n.Node, Error: n.Error}
	if n.Error == "" {
		report.State = n.State
	}
	b := board.New([]board.Report{report})
	n.Worst, n.Counts = b.Clocks[0].Worst(), b.Summary
	if n.Waiting {
		n.Counts = board.Summary{}
	}
	n.version = f.next()
	f.nodes[n.Key] = &n
}

// setAdapters says which adapters there are.
func (f *fleet) setAdapters(all []cluster.Adapter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	there := map[string]bool{}
	for _, a := range all {
		key := keyOf(a)
		there[key] = true
		before, known := f.nodes[key]
		if known && before.adapter == a {
			continue
		}
		n := node{Key: key, Waiting: true}
		if known {
			n = *before
		} else {
			f.set = f.version + 1
		}
		n.Namespace, n.Source, n.Node, n.Pod, n.adapter = a.Source.Namespace, a.Source.Name, a.Node, a.Pod, a
		f.put(n)
	}
	for key := range f.nodes {
		if !there[key] {
			delete(f.nodes, key)
			delete(f.samples, key)
			f.set = f.next()
		}
	}
}

// adapter returns the one with a key, as it is now.
func (f *fleet) adapter(key string) (cluster.Adapter, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, ok := f.nodes[key]
	if !ok {
		return cluster.Adapter{}, false
	}
	return n.adapter, true
}

// answer takes what an adapter has said when it was asked from one time to another.
func (f *fleet) answer(key string, state *stream.State, err error, asked, answered time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, known := f.nodes[key]
	if !known {
		return
	}
	n := *before
	n.Waiting = false
	if err != nil {
		if n.Error == err.Error() {
			return
		}
		n.Error = err.Error()
		f.put(n)
		return
	}
	n.Error, n.State, n.Heard, n.Ahead = "", state, &answered, ahead(state.Time, asked, answered).Milliseconds()
	f.put(n)
	if f.samples[key] == nil {
		f.samples[key] = map[string][]sample{}
	}
	for _, i := range state.Instances {
		if i.OffsetNanoseconds == nil {
			continue
		}
		all := f.samples[key][i.Name]
		if len(all) == maxSamples {
			all = all[:copy(all, all[1:])]
		}
		f.samples[key][i.Name] = append(all, sample{state.Time.UnixMilli(), *i.OffsetNanoseconds})
	}
}

// ahead is by how much a time is certainly not within the two between which it was read.
func ahead(at, asked, answered time.Time) time.Duration {
	switch {
	case at.IsZero():
		return 0
	case at.After(answered):
		return at.Sub(answered)
	case at.Before(asked):
		return at.Sub(asked)
	}
	return 0
}

// trouble says why an adapter tells no events; empty when it does again.
func (f *fleet) trouble(key, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, known := f.nodes[key]
	if !known || before.EventsError == why {
		return
	}
	n := *before
	n.EventsError = why
	f.put(n)
}

// add puts an event where its time belongs, by the clock of this machine: that of its node
// may be the one that is wrong. It never comes before one of the same adapter: a clock that was
// set back makes no event earlier. The oldest make room.
func (f *fleet) add(e event, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e.Order = at.UnixMilli()
	if n, known := f.nodes[e.Key]; known {
		e.Order -= n.Ahead
	}
	place := len(f.log)
	for place > 0 && f.log[place-1].Key != e.Key && f.log[place-1].Order > e.Order {
		place--
	}
	if place == 0 && len(f.log) == maxEvents {
		return
	}
	if len(f.log) == maxEvents {
		f.log = f.log[:copy(f.log, f.log[1:])]
		place--
	}
	e.Number = f.next()
	f.log = slices.Insert(f.log, place, &e)
}

// since returns what is newer than a version, nil if nothing is, and what is closed when
// there is more.
func (f *fleet) since(version uint64) (*frame, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if version > f.version {
		version = 0 // of another program's page
	}
	if version == f.version {
		return nil, f.changed
	}
	next := &frame{Version: f.version}
	if f.set > version {
		next.Keys = slices.AppendSeq(make([]string, 0, len(f.nodes)), maps.Keys(f.nodes))
	}
	for _, n := range f.nodes {
		if n.version > version {
			next.Nodes = append(next.Nodes, n)
		}
	}
	for _, e := range f.log {
		if e.Number > version {
			next.Events = append(next.Events, e)
		}
	}
	// As they came, so that the page puts each where it is here.
	slices.SortFunc(next.Events, func(a, b *event) int { return cmp.Compare(a.Number, b.Number) })
	return next, f.changed
}

// samplesOf returns the offsets of a node's clocks, by instance.
func (f *fleet) samplesOf(key string) map[string][]sample {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string][]sample{}
	for instance, samples := range f.samples[key] {
		all[instance] = slices.Clone(samples)
	}
	return all
}
