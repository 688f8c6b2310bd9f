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
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/apitest"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

var start = time.Date(2026, 5, 10, 7, 20, 34, 0, time.UTC)

// room is a few adapters, reached without a network, so that time can be played.
type room struct {
	t *testing.T

	mu       sync.Mutex
	adapters map[string]*apitest.Adapter // by pod
	there    []cluster.Adapter
	changed  chan struct{}
	open     []*io.PipeWriter
	asked    []string // pods and queries
	frozen   bool     // what is written arrives nowhere

	events   []Event
	troubles []string
}

func newRoom(t *testing.T) *room {
	return &room{t: t, adapters: map[string]*apitest.Adapter{}, changed: make(chan struct{})}
}

// run has an adapter run in a pod, in the place of another one where there is one.
func (r *room) run(node, pod string, a *apitest.Adapter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.adapters[pod] = a
	r.there = slices.DeleteFunc(slices.Clone(r.there), func(a cluster.Adapter) bool { return a.Node == node })
	r.there = append(r.there, cluster.Adapter{
		Source: types.NamespacedName{Namespace: "edge", Name: "fleet"}, UID: "u1", Node: node, Pod: pod, Port: 8081,
	})
	close(r.changed)
	r.changed = make(chan struct{})
}

// stop ends a pod.
func (r *room) stop(pod string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.adapters, pod)
	r.there = slices.DeleteFunc(slices.Clone(r.there), func(a cluster.Adapter) bool { return a.Pod == pod })
	close(r.changed)
	r.changed = make(chan struct{})
}

// cut breaks all connections.
func (r *room) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.open {
		_ = w.CloseWithError(io.ErrUnexpectedEOF)
	}
	r.open = nil
}

func (r *room) List(context.Context) ([]cluster.Adapter, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.there, nil
}

func (r *room) Watch(ctx context.Context, changed func([]cluster.Adapter)) error {
	for {
		r.mu.Lock()
		now, next := r.there, r.changed
		r.mu.Unlock()
		changed(now)
		select {
		case <-ctx.Done():
			return nil
		case <-next:
		}
	}
}

// answer is a response that goes through a pipe.
type answer struct {
	*room
	header http.Header
	to     *io.PipeWriter
	code   int
	begun  chan struct{}
	once   sync.Once
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) Flush()              { a.once.Do(func() { close(a.begun) }) }

func (a *answer) WriteHeader(code int) {
	a.code = code
	a.Flush()
}

func (a *answer) Write(text []byte) (int, error) {
	a.Flush()
	a.mu.Lock()
	frozen := a.frozen
	a.mu.Unlock()
	if frozen {
		return len(text), nil
	}
	return a.to.Write(text)
}

func (r *room) Ask(ctx context.Context, to cluster.Adapter, path string, query url.Values, accept string) (io.ReadCloser, error) {
	r.mu.Lock()
	adapter := r.adapters[to.Pod]
	r.asked = append(r.asked, to.Pod+" "+query.Encode())
	read, write := io.Pipe()
	r.open = append(r.open, write)
	r.mu.Unlock()
	if adapter == nil {
		return nil, errors.New("connection refused")
	}
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/"+path+"?"+query.Encode(), nil)
	request.Header.Set("Accept", accept)
	a := &answer{room: r, header: http.Header{}, to: write, code: http.StatusOK, begun: make(chan struct{})}
	go func() {
		adapter.ServeHTTP(a, request)
		_ = write.Close()
		a.Flush()
	}()
	select {
	case <-a.begun:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if a.code != http.StatusOK {
		text, _ := io.ReadAll(read)
		return nil, &cluster.Refusal{Status: a.code, Detail: string(text), Adapter: true}
	}
	return read, nil
}

// feed is one that keeps what it is told.
func (r *room) feed() *Feed {
	return &Feed{
		Adapters: r, Ask: r, Patience: 10 * time.Second,
		Event: func(e Event) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
			return nil
		},
		Trouble: func(t Trouble) {
			r.mu.Lock()
			defer r.mu.Unlock()
			text := fmt.Sprintf("%s: %v", t.From.Node, t.Err)
			if t.Over {
				text = t.From.Node + ": over"
			}
			r.troubles = append(r.troubles, text)
		},
	}
}

// told returns what was told since it was asked last, as node and sequence.
func (r *room) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, e := range r.events {
		_, sequence, _ := strings.Cut(e.ID, "-")
		all = append(all, e.From.Node+" "+sequence)
	}
	r.events = nil
	return all
}

func (r *room) trouble() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.troubles
	r.troubles = nil
	return all
}

func (r *room) wants(want ...string) {
	r.t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, r.told()); diff != "" {
		r.t.Errorf("events, want (-) and got (+):\n%s", diff)
	}
}

func (r *room) wantsTrouble(want ...string) {
	r.t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, r.trouble()); diff != "" {
		r.t.Errorf("trouble, want (-) and got (+):\n%s", diff)
	}
}

// flip has a clock change as often as there are times, in seconds.
func flip(a *apitest.Adapter, seconds ...int) (ids []string) {
	states := []clock.State{clock.Locked, clock.Freerun}
	for n, s := range seconds {
		ids = append(ids, a.Change(start.Add(time.Duration(s)*time.Second), "ptp4l.0", states[(n+1)%2], states[n%2]))
	}
	return ids
}

func TestPastIsMergedByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		for node, seconds := range map[string][]int{
			"n1": {1, 4, 7},
			"n2": {2, 3, -3600, -3599, 8}, // it was set back an hour: what comes later seems to be older
			"n3": nil,
			"n4": {4, 5},
		} {
			a := apitest.NewAdapter(t, node, "fleet")
			flip(a, seconds...)
			r.run(node, "pod-"+node, a)
		}
		slices.SortFunc(r.there, func(a, b cluster.Adapter) int { return strings.Compare(a.Node, b.Node) })
		n, err := r.feed().Past(t.Context())
		if n != 4 || err != nil {
			t.Errorf("%d adapters, %v", n, err)
		}
		r.wants("n1 1", "n2 1", "n2 2", "n2 3", "n2 4", "n1 2", "n4 1", "n4 2", "n1 3", "n2 5")
		r.wantsTrouble()
	})
}

func TestPastTakesWhatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		for _, node := range []string{"n1", "n2", "n3"} {
			a := apitest.NewAdapter(t, node, "fleet")
			flip(a, 1, 2, 3)
			r.run(node, "pod-"+node, a)
			if node == "n2" {
				a.SetDeaf(true)
			}
		}
		delete(r.adapters, "pod-n3")
		f := r.feed()
		f.Limit = 2
		began := time.Now()
		if _, err := f.Past(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
		r.wants("n1 2", "n1 3")
		r.wantsTrouble("n3: connection refused", "n2: it did not answer within 10s")
	})
}

// begin has a feed read everything, and then follow until the test ends it.
func (r *room) begin(f *Feed) (end func() error) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := f.Past(ctx); err != nil {
		r.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.Follow(ctx) }()
	synctest.Wait()
	return func() error {
		cancel()
		return <-done
	}
}

func TestFollowGoesOnBehindThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		n1 := apitest.NewAdapter(t, "n1", "fleet")
		flip(n1, 1, 2)
		r.run("n1", "a", n1)
		end := r.begin(r.feed())
		r.wants("n1 1", "n1 2")
		flip(n1, 3)
		r.wants("n1 3")

		// A connection breaks, and something happens meanwhile.
		r.cut()
		flip(n1, 4)
		time.Sleep(firstWait)
		r.wants("n1 4")
		r.wantsTrouble("n1: unexpected EOF", "n1: over")

		// Another pod takes over the journal of the node.
		r.stop("a")
		r.cut()
		flip(n1, 5)
		time.Sleep(time.Minute)
		r.wants()
		r.run("n1", "b", n1)
		r.wants("n1 5")
		r.wantsTrouble("n1: unexpected EOF", "n1: over")

		// Another pod begins a new journal.
		again := apitest.NewAdapter(t, "n1", "fleet")
		flip(again, 6)
		r.stop("b")
		r.run("n1", "c", again)
		r.cut()
		time.Sleep(time.Second)
		r.wants("n1 1")
		flip(again, 7)
		r.wants("n1 2")

		// A node comes.
		n2 := apitest.NewAdapter(t, "n2", "fleet")
		flip(n2, 8, 9)
		r.run("n2", "d", n2)
		r.wants("n2 1", "n2 2")
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestASilentAdapterIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		n1 := apitest.NewAdapter(t, "n1", "fleet")
		flip(n1, 1)
		n1.SetDeaf(true)
		r.run("n1", "a", n1)
		end := r.begin(r.feed())
		r.wantsTrouble("n1: it did not answer within 10s")
		time.Sleep(time.Minute)
		r.wantsTrouble() // said once
		n1.SetDeaf(false)
		time.Sleep(30 * time.Second)
		r.wants("n1 1")
		r.wantsTrouble("n1: over")

		// A connection that looks alive and is dead.
		r.mu.Lock()
		r.frozen = true
		r.mu.Unlock()
		n1.SetDeaf(true)
		time.Sleep(silence)
		r.wantsTrouble("n1: it says nothing any more")
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A reader with a narrow filter knows how far it has read, so that it does not ask again for
// what it does not want, or for what is not kept any more.
func TestBookmarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		n1 := apitest.NewAdapter(t, "n1", "fleet")
		ids := flip(n1, 1, 2, 3)
		r.run("n1", "a", n1)
		f := r.feed()
		f.Query = url.Values{"state": {"HOLDOVER"}}
		end := r.begin(f)
		time.Sleep(16 * time.Second)
		r.cut()
		time.Sleep(time.Second)
		r.wants()
		r.mu.Lock()
		last := r.asked[len(r.asked)-1]
		r.mu.Unlock()
		if want := "a after=" + ids[2] + "&follow=true&gap=mark&state=HOLDOVER"; last != want {
			t.Errorf("it asks %q, want %q", last, want)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestAfterBelongsToWhoeverKnowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		n1, n2 := apitest.NewAdapter(t, "n1", "fleet"), apitest.NewAdapter(t, "n2", "fleet")
		r.run("n1", "a", n1)
		r.run("n2", "b", n2)
		f := r.feed()
		f.After = []string{flip(n1, 1, 2, 3)[1], flip(n2, 4, 5, 6)[0]}
		if _, err := f.Past(t.Context()); err != nil {
			t.Error(err)
		}
		r.wants("n1 3", "n2 2", "n2 3")
	})
}

func TestFollowEndsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		n1 := apitest.NewAdapter(t, "n1", "fleet")
		r.run("n1", "a", n1)
		f := r.feed()
		began := time.Now()
		f.Until = began.Add(time.Minute)
		f.Query = url.Values{"until": {f.Until.UTC().Format(time.RFC3339Nano)}}
		if _, err := f.Past(t.Context()); err != nil {
			t.Error(err)
		}
		n1.Change(time.Now(), "ptp4l.0", clock.Unknown, clock.Locked)
		if err := f.Follow(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != time.Minute+500*time.Millisecond {
			t.Errorf("it ended after %v", took)
		}
		r.wants("n1 1")
	})
}

func TestWhoeverCannotBeToldEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		n1 := apitest.NewAdapter(t, "n1", "fleet")
		r.run("n1", "a", n1)
		full := errors.New("disk full")
		f := r.feed()
		f.Event = func(Event) error { return full }
		end := r.begin(f)
		flip(n1, 1)
		synctest.Wait()
		if err := end(); !errors.Is(err, full) {
			t.Errorf("Follow: %v", err)
		}
		if _, err := f.Past(t.Context()); !errors.Is(err, full) {
			t.Errorf("Past: %v", err)
		}
	})
}

// What an adapter refuses is not asked again and again.
func TestARefusalIsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		r.run("n1", "a", apitest.NewAdapter(t, "n1", "fleet"))
		f := r.feed()
		f.Query = url.Values{"nonsense": {"1"}}
		end := r.begin(f)
		time.Sleep(time.Hour)
		r.mu.Lock()
		n := len(r.asked)
		r.mu.Unlock()
		if n != 2 { // for the past, and for what comes
			t.Errorf("it was asked %d times", n)
		}
		if got := r.trouble(); len(got) != 1 || !strings.Contains(got[0], `\"nonsense\" is not a parameter`) {
			t.Errorf("%q", got)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// Whatever breaks, every event of every adapter is told once, in its order.
func TestNothingIsMissingOrTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const nodes, events = 6, 150
		r, random := newRoom(t), rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same every time
		adapters := map[string]*apitest.Adapter{}
		for n := range nodes {
			node := fmt.Sprintf("n%d", n)
			adapters[node] = apitest.NewAdapter(t, node, "fleet")
			flip(adapters[node], 1)
			r.run(node, node+"-0", adapters[node])
		}
		end := r.begin(r.feed())
		for n := range events - 1 {
			for node, a := range adapters {
				flip(a, n+2)
				if random.IntN(50) == 0 {
					r.run(node, fmt.Sprintf("%s-%d", node, n+1), a)
				}
			}
			if random.IntN(10) == 0 {
				r.cut()
			}
			time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		got := map[string]int{}
		for _, line := range r.told() {
			var node string
			var sequence int
			if _, err := fmt.Sscanf(line, "%s %d", &node, &sequence); err != nil {
				t.Fatal(err)
			}
			if got[node]++; sequence != got[node] {
				t.Fatalf("%s: event %d comes after %d", node, sequence, got[node]-1)
			}
		}
		for node := range adapters {
			if got[node] != events {
				t.Errorf("%s: %d events, want %d", node, got[node], events)
			}
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestReadFrames(t *testing.T) {
	for _, tc := range []struct {
		name, stream string
		want         []string
		err          error
	}{
		{"events", "retry: 1000\n\nid: a-1\nevent: x\ndata: {}\n\nid: a-2\ndata:{\ndata: }\n\n", []string{"a-1 {}", "a-2 {\n}"}, nil},
		{"a bookmark", "id: a-1\n\n", []string{"a-1 "}, nil},
		{"comments", ":\n\n: hello\n\nid: a-1\n:\ndata: {}\n\n", []string{"a-1 {}"}, nil},
		{"one that is cut off", "id: a-1\ndata: {}\n\nid: a-2\ndata: {", []string{"a-1 {}"}, io.ErrUnexpectedEOF},
		{"nothing", "", nil, nil},
	} {
		var got []string
		lines := 0
		err := readFrames(strings.NewReader(tc.stream), func() { lines++ }, func(f frame) error {
			got = append(got, f.id+" "+string(f.data))
			return nil
		})
		if diff := cmp.Diff(tc.want, got); diff != "" || !errors.Is(err, tc.err) {
			t.Errorf("%s: %v, want (-) and got (+):\n%s", tc.name, err, diff)
		}
		if tc.stream != "" && lines == 0 {
			t.Errorf("%s: no line shows that the stream is alive", tc.name)
		}
	}
	err := readFrames(strings.NewReader(strings.Repeat("x", maxLine+1)), func() {}, func(frame) error { return nil })
	if err == nil || err.Error() != "a line of the stream has more than 1048576 bytes" {
		t.Error(err)
	}
}

func FuzzReadFrames(f *testing.F) {
	f.Add("retry: 1000\n\nid: a-1\nevent: x\ndata: {}\n\n", "a-1")
	f.Add(":\n\ndata\n\nid\n\n", "b-5-lost")
	f.Fuzz(func(t *testing.T, stream, last string) {
		r := &reader{last: last}
		_ = readFrames(strings.NewReader(stream), func() {}, func(f frame) error {
			before, known := positionOf(r.last)
			err := r.take(f, cluster.Adapter{}, func(Event) error { return nil })
			after, _ := positionOf(r.last)
			if known && before.epoch == after.epoch && after.sequence < before.sequence {
				t.Errorf("%q follows %v", r.last, before)
			}
			return err
		})
	})
}
