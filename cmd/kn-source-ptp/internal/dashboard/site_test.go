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
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/apitest"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// everyone is all adapters of a cluster.
type everyone struct{ *cluster.Client }

func (e everyone) List(ctx context.Context) ([]cluster.Adapter, error) {
	return e.Adapters(ctx, cluster.Scope{})
}

func (e everyone) Watch(ctx context.Context, changed func([]cluster.Adapter)) error {
	return e.Client.Watch(ctx, cluster.Scope{}, changed)
}

// served is a dashboard of a cluster.
type served struct {
	*apitest.Server
	t   *testing.T
	url string
}

func serve(t *testing.T, patience time.Duration) *served {
	t.Helper()
	api := apitest.New(t)
	client, err := cluster.New(api.Config(), cluster.DefaultNamespace)
	if err != nil {
		t.Fatal(err)
	}
	d := &Dashboard{
		About: About{Scope: "all namespaces"}, Adapters: everyone{client}, Client: client,
		Interval: 20 * time.Millisecond, Patience: patience,
	}
	l, address, err := d.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return &served{api, t, address}
}

// add puts an adapter of a node into the cluster.
func (s *served) add(node string) *apitest.Adapter {
	s.t.Helper()
	a := apitest.NewAdapter(s.t, node, "fleet")
	s.Adapter("edge", "fleet", "u1", node, "pod-"+node, a)
	return a
}

// lock has the clock of an adapter be LOCKED.
func lock(a *apitest.Adapter, offset int64) {
	a.SetState(func(s *stream.State) {
		s.Time = time.Now()
		s.Overall = stream.Condition{State: "LOCKED", Since: &start}
		s.Instances = []stream.Instance{{Name: "ptp4l.0", Condition: s.Overall, OffsetNanoseconds: &offset}}
	})
}

// get gets what is at a path.
func (s *served) get(path string) (int, []byte, http.Header) {
	s.t.Helper()
	response, err := http.Get(s.url + path) //nolint:noctx // on loopback, and it ends
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, body, response.Header
}

// open opens a stream of frames behind a version, which the test reads as it wants.
func (s *served) open(version uint64) (next func() frame, end func()) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"stream", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if version > 0 {
		request.Header.Set("Last-Event-ID", fmt.Sprint(version))
	}
	response, err := http.DefaultClient.Do(request) //nolint:bodyclose // by what is returned
	if err != nil {
		s.t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		s.t.Errorf("the stream is %q", got)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	next = func() frame {
		s.t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var f frame
				if err := json.Unmarshal([]byte(data), &f); err != nil {
					s.t.Fatal(err)
				}
				return f
			}
		}
		s.t.Fatalf("the stream ends: %v", lines.Err())
		return frame{}
	}
	return next, func() {
		cancel()
		_ = response.Body.Close()
	}
}

// until reads frames until what they add up to is as wanted.
func until(t *testing.T, next func() frame, what string, holds func(*reader) bool) *reader {
	t.Helper()
	p := &reader{nodes: map[string]*node{}}
	for deadline := time.Now().Add(30 * time.Second); !holds(p); {
		if time.Now().After(deadline) {
			t.Fatalf("it is never so that %s", what)
		}
		f := next()
		p.apply(&f)
	}
	return p
}

func TestStream(t *testing.T) {
	s := serve(t, 30*time.Second)
	n1, n2 := s.add("n1"), s.add("n2")
	lock(n1, -37)
	lock(n2, 12)
	n1.Change(start, "ptp4l.0", clock.Unknown, clock.Locked)
	n2.Change(start.Add(time.Second), "ptp4l.0", clock.Unknown, clock.Locked)

	next, end := s.open(0)
	first := next()
	if first.About == nil || first.About.Scope != "all namespaces" || first.Keys == nil {
		t.Errorf("the first frame is %+v", first)
	}
	p := until(t, next, "both nodes and their events are there", func(p *reader) bool {
		return len(p.nodes) == 2 && p.nodes["u1/n1"].State != nil && p.nodes["u1/n2"].State != nil && len(p.log) == 2
	})
	if n := p.nodes["u1/n1"]; n.Worst != "LOCKED" || n.Node != "n1" || n.Source != "fleet" || *n.State.Instances[0].OffsetNanoseconds != -37 {
		t.Errorf("n1 is %+v", n)
	}
	if p.log[0].Node != "n1" || p.log[1].Node != "n2" || p.log[0].State != "LOCKED" || p.log[0].Offset != "-37" {
		t.Errorf("events %+v %+v", p.log[0], p.log[1])
	}
	// What the page has is not told again, also by another connection.
	id := n1.Change(start.Add(2*time.Second), "ptp4l.0", clock.Locked, clock.Freerun)
	n1.SetState(func(s *stream.State) { s.Overall.State, s.Instances[0].State = "FREERUN", "FREERUN" })
	seen := func(p *reader) bool {
		n := p.nodes["u1/n1"]
		return n != nil && n.Worst == "FREERUN" && len(p.log) > 0
	}
	p = until(t, next, "n1 is FREERUN", seen)
	if got := ids(p.log); got != id {
		t.Errorf("told are the events %q, want %q", got, id)
	}
	end()
	last := p.version
	id = n2.Change(start.Add(3*time.Second), "ptp4l.0", clock.Locked, clock.Holdover)
	next, end = s.open(last)
	p = until(t, next, "the event of n2 is there", func(p *reader) bool { return len(p.log) > 0 })
	if got := ids(p.log); got != id {
		t.Errorf("behind version %d are the events %q, want %q", last, got, id)
	}

	// Trouble, and its end.
	n2.SetDeaf(true)
	s.Adapter("edge", "fleet", "u1", "n2", "pod-n2", nil)
	until(t, next, "n2 is silent", func(p *reader) bool {
		n := p.nodes["u1/n2"]
		return n != nil && strings.Contains(n.Error, "connection refused") && n.Worst == "UNKNOWN" && n.State != nil
	})
	n2.SetDeaf(false)
	s.Adapter("edge", "fleet", "u1", "n2", "pod-n2", n2)
	until(t, next, "n2 answers", func(p *reader) bool { n := p.nodes["u1/n2"]; return n != nil && n.Error == "" && n.EventsError == "" })

	// Nodes come and go.
	lock(s.add("n3"), 5)
	until(t, next, "n3 is there", func(p *reader) bool { n := p.nodes["u1/n3"]; return n != nil && n.Worst == "LOCKED" })
	s.Delete("/api/v1/namespaces/eventing-ptp-adapters/pods/pod-n3")
	for deadline := time.Now().Add(30 * time.Second); ; {
		if f := next(); f.Keys != nil && !slices.Contains(f.Keys, "u1/n3") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("n3 does not go")
		}
	}
	end()
}

// An adapter that hangs is named with the reason, and holds up nobody else.
func TestASilentAdapterHoldsUpNobody(t *testing.T) {
	s := serve(t, 300*time.Millisecond)
	lock(s.add("n1"), -37)
	s.add("n2").SetDeaf(true)
	next, end := s.open(0)
	defer end()
	p := until(t, next, "n2 is silent", func(p *reader) bool { n := p.nodes["u1/n2"]; return n != nil && n.Error != "" })
	if n := p.nodes["u1/n2"]; n.Error != "it did not answer within 300ms" || n.Worst != "UNKNOWN" || n.Counts.Unknown != 1 {
		t.Errorf("n2 is %+v", n)
	}
	if n := p.nodes["u1/n1"]; n == nil || n.Worst != "LOCKED" {
		t.Errorf("n1 is %+v", n)
	}
}

// Ten frames a second are enough for everybody.
func TestFramesAreCoalesced(t *testing.T) {
	s := serve(t, 30*time.Second)
	n1 := s.add("n1")
	lock(n1, -37)
	next, end := s.open(0)
	defer end()
	until(t, next, "n1 is there", func(p *reader) bool { return len(p.nodes) == 1 })
	const all = 500
	began := time.Now()
	go func() {
		for n := range all {
			n1.Change(start.Add(time.Duration(n)*time.Second), "ptp4l.0", []clock.State{clock.Locked, clock.Freerun}[n%2], []clock.State{clock.Freerun, clock.Locked}[n%2])
			time.Sleep(2 * time.Millisecond)
		}
	}()
	frames, events := 0, 0
	for events < all {
		f := next()
		frames++
		events += len(f.Events)
	}
	if most := int(time.Since(began)/frameEvery) + 2; frames > most {
		t.Errorf("%d frames in %v, want %d at most", frames, time.Since(began), most)
	}
	if events != all {
		t.Errorf("%d events, want %d", events, all)
	}
}

func TestHistory(t *testing.T) {
	s := serve(t, 30*time.Second)
	n1 := s.add("n1")
	lock(n1, -37)
	var want []string
	for n := range maxHistory + 10 {
		id := n1.Change(start.Add(time.Duration(n)*time.Second), "ptp4l.0", []clock.State{clock.Locked, clock.Freerun}[n%2], []clock.State{clock.Freerun, clock.Locked}[n%2])
		if n >= 10 {
			want = append(want, id)
		}
	}
	next, end := s.open(0)
	defer end()
	until(t, next, "n1 has answered", func(p *reader) bool { return len(p.nodes) == 1 && p.nodes["u1/n1"].State != nil })
	read := func() past {
		status, body, _ := s.get("history?key=u1%2Fn1")
		var p past
		if err := json.Unmarshal(body, &p); err != nil || status != http.StatusOK {
			t.Fatalf("status %d, %v: %s", status, err, body)
		}
		return p
	}
	p := read()
	if diff := cmp.Diff(strings.Join(want, " "), ids(p.Events)); diff != "" || p.Whole || p.Error != "" {
		t.Errorf("whole %t, error %q; want (-) and got (+):\n%s", p.Whole, p.Error, diff)
	}
	if samples := p.Samples["ptp4l.0"]; len(samples) == 0 || samples[0][1] != -37 {
		t.Errorf("offsets %v", samples)
	}
	if status, body, _ := s.get("history?key=u1%2Fn9"); status != http.StatusNotFound {
		t.Errorf("a node that is not there: status %d, %s", status, body)
	}
	s.Adapter("edge", "fleet", "u1", "n1", "pod-n1", nil)
	if p := read(); !strings.Contains(p.Error, "connection refused") || p.Whole || p.Events == nil {
		t.Errorf("of a node that does not answer: %+v", p)
	}
}

func TestLook(t *testing.T) {
	s := serve(t, 30*time.Second)
	lock(s.add("n1"), 1)
	for _, key := range []string{"u1%2Fn1", "u1%2Fn9", ""} {
		response, err := http.Post(s.url+"look?key="+key, "", nil) //nolint:noctx // on loopback, and it ends
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusNoContent {
			t.Errorf("%q: status %d", key, response.StatusCode)
		}
	}
	if status, _, _ := s.get("look?key=x"); status != http.StatusMethodNotAllowed && status != http.StatusNotFound {
		t.Errorf("status %d of a GET", status)
	}
}

func TestServeSaysWhyItEnds(t *testing.T) {
	api := apitest.New(t)
	api.Refuse("/api/v1/namespaces/eventing-ptp-adapters/pods", http.StatusForbidden)
	client, err := cluster.New(api.Config(), cluster.DefaultNamespace)
	if err != nil {
		t.Fatal(err)
	}
	d := &Dashboard{Adapters: everyone{client}, Client: client, Interval: time.Second, Patience: time.Second}
	l, _, err := d.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "the adapters' pods: ") {
		t.Errorf("Serve: %v", err)
	}
	other := &Dashboard{}
	taken, first, err := other.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	again, _, err := d.Listen(t.Context(), port(t, first))
	if err == nil {
		_ = again.Close()
		t.Error("a port is taken twice")
	}
	free, second, err := d.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	if token := regexp.MustCompile(`/([A-Z2-7]{26,})/$`); !token.MatchString(first) || token.FindString(first) == token.FindString(second) {
		t.Errorf("addresses %s and %s", first, second)
	}
}

func port(t *testing.T, address string) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(address, "http://127.0.0.1:%d/", &n); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return n
}

// The page and everything that it refers to is served, with its type, and nothing of it is
// elsewhere.
func TestPage(t *testing.T) {
	s := serve(t, 30*time.Second)
	status, body, header := s.get("")
	if status != http.StatusOK || header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("status %d, %v", status, header)
	}
	named := []string{"index.html"}
	for _, m := range regexp.MustCompile(`(?:href|src)="([\w./-]+)"`).FindAllStringSubmatch(string(body), -1) {
		named = append(named, m[1])
	}
	for n := 0; n < len(named); n++ {
		if named[n] == "index.html" {
			continue
		}
		status, body, header := s.get(named[n])
		want := map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}[named[n][strings.LastIndex(named[n], ".")+1:]]
		if status != http.StatusOK || header.Get("Content-Type") != want {
			t.Errorf("%s: status %d, %s", named[n], status, header.Get("Content-Type"))
		}
		for _, m := range regexp.MustCompile(`(?m)^import .* from '\./([\w-]+\.js)';$`).FindAllStringSubmatch(string(body), -1) {
			if !slices.Contains(named, m[1]) {
				named = append(named, m[1])
			}
		}
	}
	err := fs.WalkDir(page, "page", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if !slices.Contains(named, strings.TrimPrefix(path, "page/")) {
			t.Errorf("nothing refers to %s", path)
		}
		text, err := page.ReadFile(path)
		if err != nil {
			return err
		}
		plain := strings.ReplaceAll(string(text), "http://www.w3.org/2000/svg", "")
		if found := regexp.MustCompile(`https?://|//[a-z]+\.|innerHTML|outerHTML|insertAdjacent|eval\(`).FindString(plain); found != "" {
			t.Errorf("%s has %q", path, found)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// The page explains every reason that there is.
func TestReasons(t *testing.T) {
	doc, err := os.ReadFile("../../../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := page.ReadFile("page/reasons.js")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "## Reasons\n\n| `ptpreason`")
	rest, _, _ = strings.Cut(rest, "\n## ")
	var want, got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(rest, -1) {
		want = append(want, m[1])
	}
	for _, m := range regexp.MustCompile(`(?m)^  (\w+): '`).FindAllStringSubmatch(string(script), -1) {
		got = append(got, m[1])
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 20 {
		t.Errorf("reasons of docs/events.md (-) and of the page (+):\n%s", diff)
	}
}
