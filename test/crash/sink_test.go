//go:build lab

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

package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// fault is what happens to a request.
type fault struct {
	name string
	// status is what is answered; 0 for nothing. An event that is answered with 2xx is
	// taken, whether or not its sender gets to know.
	status int
	// deaf: the connection is reset before the request is read. reset: it is reset in place
	// of the answer, or after half of it where that is set. hang: nothing happens any more.
	deaf, reset, half, hang bool
	retryAfter              string
	pause                   time.Duration
}

// faults are all ways in which a sink fails, but for refusing the connection.
var faults = []fault{
	{name: "resets the connection", deaf: true},
	{name: "has the event and resets the connection", status: 202, reset: true},
	{name: "has the event and says half of it", status: 202, half: true},
	{name: "breaks", status: 500},
	{name: "breaks and says half of it", status: 500, half: true},
	{name: "is unavailable for a second", status: 503, retryAfter: "1"},
	{name: "is unavailable until a date", status: 503, retryAfter: "Fri, 31 Dec 2100 23:59:59 GMT"},
	{name: "is asked too often", status: 429, retryAfter: "1"},
	{name: "is not there yet", status: 404},
	{name: "does not want the event", status: 400},
	{name: "does not want the event and says half of it", status: 400, half: true},
	{name: "is slow", status: 202, pause: 30 * time.Millisecond},
	{name: "hangs", hang: true},
}

// away is a sink that is down for longer.
var away = fault{name: "is away", status: 503}

// sink is the sink and the dead letter sink of all lives.
type sink struct {
	address string
	// guard is a socket that is bound to the address and does not listen: the port stays
	// ours, and connections are refused while nobody else listens.
	guard int
	book  *book

	mu       sync.Mutex
	random   *rand.Rand
	calm     bool // nothing goes wrong
	away     int  // so many requests more
	spell    *fault
	left     int            // requests of the spell
	happened map[string]int // by name
	bad      []string       // what was no CloudEvent
	server   *http.Server
	refusing bool
	changing sync.WaitGroup
}

func newSink(b *book, random *rand.Rand) (*sink, error) {
	guard, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	s := &sink{guard: guard, book: b, random: random, happened: map[string]int{}}
	err = errors.Join(unix.SetsockoptInt(guard, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1), unix.Bind(guard, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	name, err := unix.Getsockname(guard)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.address = fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// url is where a life sends its events to.
func (s *sink) url(life int, dead bool) string {
	path := "sink"
	if dead {
		path = "dead"
	}
	return fmt.Sprintf("http://%s/%s/%d", s.address, path, life)
}

// listen begins to take connections.
func (s *sink) listen() error {
	shared := func(_, _ string, c syscall.RawConn) (err error) {
		return errors.Join(c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }), err)
	}
	listener, err := (&net.ListenConfig{Control: shared}).Listen(context.Background(), "tcp4", s.address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = server
	return nil
}

// refuse refuses connections for a while, and breaks those that there are.
func (s *sink) refuse(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusing {
		return
	}
	s.refusing = true
	s.happened["refuses the connection"]++
	server := s.server
	s.changing.Go(func() {
		err := server.Close()
		time.Sleep(d)
		err = errors.Join(err, s.listen())
		s.mu.Lock()
		defer s.mu.Unlock()
		s.refusing = false
		if err != nil {
			s.bad = append(s.bad, err.Error())
		}
	})
}

func (s *sink) close() error {
	s.changing.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.server != nil {
		err = s.server.Close()
	}
	return errors.Join(err, unix.Close(s.guard))
}

// settle ends all trouble, or begins it again.
func (s *sink) settle(calm bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calm, s.left, s.away = calm, 0, 0
}

// goAway takes nothing for so many requests.
func (s *sink) goAway(requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = requests
}

// next returns what happens to the next request.
func (s *sink) next() fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.choose()
	s.happened[f.name]++
	return f
}

// choose lets it go well for some requests, and then wrong for some.
func (s *sink) choose() fault {
	well := fault{name: "takes the event", status: 202}
	switch {
	case s.calm:
		return well
	case s.away > 0:
		s.away--
		return away
	case s.left == 0 && s.spell == nil:
		s.spell = &faults[s.random.IntN(len(faults))]
		if s.left = 1 + s.random.IntN(5); s.spell.hang {
			s.left = 1
		}
	case s.left == 0:
		s.spell, s.left = nil, 1+s.random.IntN(15)
	}
	s.left--
	if s.spell == nil {
		return well
	}
	return *s.spell
}

// ServeHTTP understands an event and then does what happens to it.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := s.next()
	if f.deaf {
		reset(w)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the adapter was killed meanwhile
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	event, err := cehttp.NewEventFromHTTPRequest(r)
	if err == nil {
		err = event.Validate()
	}
	target, text, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	life, badPath := strconv.Atoi(text)
	if err := errors.Join(err, badPath); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bad = append(s.bad, err.Error())
		return
	}
	s.book.attempt(attempt{
		Entry: ledger.Entry{Inbox: "/", Status: f.status, Header: r.Header, Event: *event},
		life:  life, dead: target == "dead", body: string(body),
	})
	time.Sleep(f.pause)
	switch {
	case f.hang:
		<-r.Context().Done()
	case f.reset:
		reset(w)
	case f.half:
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(f.status)
		_, _ = io.WriteString(w, "half a")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		if f.retryAfter != "" {
			w.Header().Set("Retry-After", f.retryAfter)
		}
		w.WriteHeader(f.status)
	}
}

// reset ends a connection as a process does that has crashed: with a RST (socket(7),
// SO_LINGER).
func reset(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}
