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
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/board"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/feed"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

var start = time.Date(2026, 5, 10, 7, 20, 34, 0, time.UTC)

func adapterOn(node string) cluster.Adapter {
	return cluster.Adapter{Source: types.NamespacedName{Namespace: "edge", Name: "fleet"}, UID: "u1", Node: node, Pod: "pod-" + node, Port: 8081}
}

// after is a time so many seconds later.
func after(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// told adds an event of a node, which is called by its number there.
func told(f *fleet, node string, seconds int, id string) {
	f.add(event{ID: id, Key: "u1/" + node, Node: node}, after(seconds))
}

func ids(events []*event) string {
	var all []string
	for _, e := range events {
		all = append(all, e.ID)
	}
	return strings.Join(all, " ")
}

func TestEventsAreOrderedByTimeAsFarAsAdaptersAllow(t *testing.T) {
	f := newFleet()
	for _, e := range []struct {
		node    string
		seconds int
		id      string
	}{
		{"n1", 1, "a1"},
		{"n1", 5, "a2"},
		{"n2", 3, "b1"}, // heard of later, and earlier
		{"n2", 9, "b2"},
		{"n2", 2, "b3"}, // its clock was set back: it stays behind b2
		{"n1", 7, "a3"}, // and holds up nobody
		{"n3", 0, "c1"},
	} {
		told(f, e.node, e.seconds, e.id)
	}
	if got, want := ids(f.log), "c1 a1 b1 a2 b2 b3 a3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheOldestEventsMakeRoom(t *testing.T) {
	f := newFleet()
	for n := range maxEvents {
		told(f, "n1", n, fmt.Sprint(n))
	}
	before := f.version
	told(f, "n2", -5, "too old")
	if f.version != before || len(f.log) != maxEvents {
		t.Errorf("version %d and %d events after one that is older than all; want %d and %d", f.version, len(f.log), before, maxEvents)
	}
	told(f, "n2", maxEvents, "newest")
	if len(f.log) != maxEvents || f.log[0].ID != "1" || f.log[maxEvents-1].ID != "newest" {
		t.Errorf("%d events from %s to %s", len(f.log), f.log[0].ID, f.log[maxEvents-1].ID)
	}
}

// reader is what the page does with frames (page/store.js).
type reader struct {
	version uint64
	nodes   map[string]*node
	log     []*event
}

func (p *reader) apply(next *frame) {
	p.version = next.Version
	if next.Keys != nil {
		for key := range p.nodes {
			if !slices.Contains(next.Keys, key) {
				delete(p.nodes, key)
			}
		}
	}
	for _, n := range next.Nodes {
		p.nodes[n.Key] = n
	}
	for _, e := range next.Events {
		place := len(p.log)
		for place > 0 && p.log[place-1].Key != e.Key && p.log[place-1].Order > e.Order {
			place--
		}
		p.log = slices.Insert(p.log, place, e)
		if len(p.log) > maxEvents {
			p.log = p.log[1:]
		}
	}
}

// However often a page looks, it knows in the end what the fleet knows, and was told nothing
// twice.
func TestFramesAddUp(t *testing.T) {
	f, random := newFleet(), rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same every time
	pages := []*reader{{nodes: map[string]*node{}}, {nodes: map[string]*node{}}, {nodes: map[string]*node{}}}
	seen := []map[string]bool{{}, {}, {}}
	look := func(n int) {
		next, _ := f.since(pages[n].version)
		if next == nil {
			return
		}
		for _, e := range next.Events {
			if seen[n][e.ID] {
				t.Fatalf("event %s is told twice", e.ID)
			}
			seen[n][e.ID] = true
		}
		pages[n].apply(next)
	}
	there := []cluster.Adapter{}
	for step := range 20_000 {
		switch node := fmt.Sprintf("n%d", random.IntN(8)); random.IntN(20) {
		case 0:
			if n := slices.IndexFunc(there, func(a cluster.Adapter) bool { return a.Node == node }); n >= 0 {
				there = slices.Delete(there, n, n+1)
			} else {
				there = append(there, adapterOn(node))
			}
			f.setAdapters(there)
		case 1, 2:
			f.answer("u1/"+node, &stream.State{Node: node, Overall: stream.Condition{State: "LOCKED"}}, nil, start, start)
		case 3:
			f.answer("u1/"+node, nil, errors.New("it is silent"), start, start)
		default:
			told(f, node, step+random.IntN(40), fmt.Sprint(step))
		}
		if random.IntN(5) == 0 {
			look(0)
		}
		if random.IntN(3000) == 0 {
			look(1) // a page that was away for long
		}
	}
	for n, p := range pages {
		look(n)
		if p.version != f.version || len(p.nodes) != len(f.nodes) {
			t.Errorf("page %d is at version %d with %d nodes; the fleet at %d with %d", n, p.version, len(p.nodes), f.version, len(f.nodes))
		}
		for key, want := range f.nodes {
			if p.nodes[key] != want {
				t.Errorf("page %d does not know of %s what the fleet knows", n, key)
			}
		}
	}
	if got, want := ids(pages[0].log), ids(f.log); got != want {
		t.Errorf("the page has other events than the fleet")
	}
	if next, _ := f.since(f.version); next != nil {
		t.Errorf("there is something newer than the newest: %v", next)
	}
	if next, _ := f.since(f.version + 5); next == nil || len(next.Keys) != len(f.nodes) {
		t.Error("a page that knows of a later version is not told everything")
	}
}

func TestNodes(t *testing.T) {
	f := newFleet()
	first, changed := f.since(0)
	if first == nil || first.Keys == nil || len(first.Keys) != 0 {
		t.Fatalf("a new page is told %v", first)
	}
	f.setAdapters([]cluster.Adapter{adapterOn("n1"), adapterOn("n2")})
	select {
	case <-changed:
	default:
		t.Error("nobody is told that there are adapters")
	}
	n1 := func() node { return *f.nodes["u1/n1"] }
	if n := n1(); n.Worst != "UNKNOWN" || !n.Waiting || n.Counts != (board.Summary{}) || n.Pod != "pod-n1" {
		t.Errorf("before an answer: %+v", n)
	}

	offset := int64(-37)
	since := after(-60)
	locked := stream.Condition{State: "LOCKED", Since: &since}
	state := &stream.State{Time: after(3), Overall: locked, Instances: []stream.Instance{
		{Name: "ptp4l.0", Condition: locked, OffsetNanoseconds: &offset},
		{Name: "ptp4l.1", Condition: stream.Condition{State: "HOLDOVER"}},
	}}
	f.answer("u1/n1", state, nil, after(0), after(1))
	if n := n1(); n.Worst != "HOLDOVER" || n.Waiting || n.Counts != (board.Summary{Locked: 1, Holdover: 1}) || n.Ahead != 2000 || n.State != state {
		t.Errorf("with an answer: %+v", n)
	}
	f.answer("u1/n1", nil, errors.New("it did not answer within 10s"), after(5), after(15))
	if n := n1(); n.Worst != "UNKNOWN" || n.Counts != (board.Summary{Unknown: 1}) || n.State != state || !n.Heard.Equal(after(1)) ||
		n.Error != "it did not answer within 10s" {
		t.Errorf("without an answer: %+v", n)
	}
	version := f.version
	f.answer("u1/n1", nil, errors.New("it did not answer within 10s"), after(20), after(30))
	if f.version != version {
		t.Error("the same trouble is told again")
	}
	f.trouble("u1/n1", "connection refused")
	if n := n1(); n.EventsError != "connection refused" || n.Error == "" {
		t.Errorf("without events: %+v", n)
	}
	f.trouble("u1/n1", "")
	f.answer("u1/n1", state, nil, after(2), after(4))
	if n := n1(); n.EventsError != "" || n.Error != "" || n.Ahead != 0 {
		t.Errorf("when it answers again: %+v", n)
	}
	if diff := cmp.Diff(map[string][]sample{"ptp4l.0": {{after(3).UnixMilli(), -37}, {after(3).UnixMilli(), -37}}}, f.samplesOf("u1/n1")); diff != "" {
		t.Errorf("offsets, want (-) and got (+):\n%s", diff)
	}
	for range maxSamples + 5 {
		f.answer("u1/n1", state, nil, after(2), after(4))
	}
	if n := len(f.samplesOf("u1/n1")["ptp4l.0"]); n != maxSamples {
		t.Errorf("%d offsets are kept, want %d", n, maxSamples)
	}

	replaced := adapterOn("n1")
	replaced.Pod = "another"
	f.setAdapters([]cluster.Adapter{replaced})
	if n := n1(); n.Pod != "another" || n.State != state || len(f.nodes) != 1 {
		t.Errorf("with another pod: %+v, %d nodes", n, len(f.nodes))
	}
	if a, ok := f.adapter("u1/n1"); !ok || a != replaced {
		t.Errorf("the adapter is %+v", a)
	}
	f.answer("u1/n2", state, nil, start, start) // which is gone
	f.trouble("u1/n2", "gone")
	if len(f.nodes) != 1 || len(f.samplesOf("u1/n2")) != 0 {
		t.Error("a node that is gone comes back")
	}
}

func TestAhead(t *testing.T) {
	for _, tc := range []struct {
		name string
		at   time.Time
		want time.Duration
	}{
		{"between question and answer", after(5), 0},
		{"at the question", after(0), 0},
		{"behind", after(-3), -3 * time.Second},
		{"ahead", after(12), 2 * time.Second},
		{"an adapter that does not say", time.Time{}, 0},
	} {
		if got := ahead(tc.at, after(0), after(10)); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestEvent(t *testing.T) {
	from := adapterOn("n1")
	got, err := newEvent(feed.Event{ID: "e-7", From: from, Body: []byte(`{"type":"event.sync.ptp-status.ptp-state-change","source":"/sync/ptp-status/lock-state",
		"time":"2026-05-10T07:20:34.661862100Z","resourceaddress":"/cluster/node/n1/sync/ptp-status/lock-state","instance":"ptp4l.0","ptpstate":"LOCKED",
		"previousstate":"FREERUN","ptpreason":"OffsetInRange","ptpmissed":"true",
		"data":{"version":"1.0","values":[{"data_type":"notification","value":"LOCKED"},{"data_type":"metric","value":"-37"}]}}`)})
	want := &event{
		ID: "e-7", Key: "u1/n1", Node: "n1", Time: "2026-05-10T07:20:34.661862100Z", Resource: "ptp-status/lock-state",
		Address: "/cluster/node/n1/sync/ptp-status/lock-state", Type: "event.sync.ptp-status.ptp-state-change", Instance: "ptp4l.0",
		State: "LOCKED", Previous: "FREERUN", Reason: "OffsetInRange", Offset: "-37", Missed: true,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v; want (-) and got (+):\n%s", err, diff)
	}
	got, err = newEvent(feed.Event{ID: "e-8", From: from, Body: []byte(`{"source":"/sync/sync-status/sync-state"}`)})
	if err != nil || got.Resource != "sync-status/sync-state" || got.Address != "/sync/sync-status/sync-state" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err = newEvent(feed.Event{ID: "e-9", From: from, Body: []byte(`{"ptpstate":6}`)}); err == nil || !strings.HasPrefix(err.Error(), "read event e-9: ") {
		t.Error(err)
	}
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"type":"event.sync.ptp-status.ptp-state-change","source":"/sync/a","data":{"values":[{"data_type":"metric","value":"-37"}]}}`))
	f.Add([]byte(`{"resourceaddress":"/sync/"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := newEvent(feed.Event{ID: "e-1", From: adapterOn("n1"), Body: body})
		if err == nil && (e.ID != "e-1" || e.Key != "u1/n1" || !strings.HasSuffix(e.Address, e.Resource)) {
			t.Errorf("%+v", e)
		}
	})
}

func TestEventsOfAClockThatIsWrongAreWhereTheyBelong(t *testing.T) {
	f := newFleet()
	f.setAdapters([]cluster.Adapter{adapterOn("n1"), adapterOn("n2")})
	state := func(at time.Time) *stream.State {
		return &stream.State{Time: at, Overall: stream.Condition{State: "LOCKED"}}
	}
	f.answer("u1/n1", state(start.Add(time.Hour)), nil, start, start)
	f.answer("u1/n2", state(start.Add(-time.Hour)), nil, start, start)
	told(f, "n1", 3600+1, "a1")
	told(f, "n2", -3600+2, "b1")
	told(f, "n1", 3600+3, "a2")
	told(f, "n2", -3600+4, "b2")
	told(f, "n3", 0, "c1") // of which nothing is known
	if got, want := ids(f.log), "c1 a1 b1 a2 b2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := f.log[1].Order; got != after(1).UnixMilli() {
		t.Errorf("a1 is at %d, want %d", got, after(1).UnixMilli())
	}
}
