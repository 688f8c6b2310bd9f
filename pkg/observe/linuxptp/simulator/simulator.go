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

// Package simulator is a scripted ptp4l: it speaks linuxptp's management protocol on
// Unix datagram sockets as ptp4l does, and its clock does what a scenario or a test
// tells it to. It needs no PTP hardware, no network and no privilege.
//
// A [Simulator] is driven by its methods, or by a [Scenario] that [Simulator.Play]
// plays. Unlike ptp4l it never waits for a client that does not read.
package simulator

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// Config says what to simulate, and where clients find it.
type Config struct {
	// Socket is the path of the read-write socket (uds_address of ptp4l).
	Socket string
	// ReadOnlySocket is the path of the read-only socket (uds_ro_address); there is
	// none if it is empty. linuxptp has it since 4.0.
	ReadOnlySocket string
	Clock          Clock
}

// Stats counts datagrams and subscribers.
type Stats struct {
	// Received counts the datagrams from clients, and Sent those to them.
	Received, Sent uint64
	// Dropped counts the datagrams that a client did not get, because it does not
	// read, is gone or has no address.
	Dropped uint64
	// Subscribers is the number of subscriptions now.
	Subscribers int
}

// Simulator is one simulated ptp4l. Its methods may be called from any goroutine.
type Simulator struct {
	config Config
	clock  Clock
	begin  time.Time
	wake   chan struct{} // tells the timer that something may be due earlier
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu       sync.Mutex
	resumed  *sync.Cond // with mu: ptp4l no longer hangs
	world    *world
	daemon   *daemon
	running  bool // Start was called and Close was not
	up       bool // ptp4l has its sockets
	rw, ro   *socket
	stats    Stats
	hungAt   time.Duration
	hung     bool
	deferred []func(now time.Duration) // what happened while ptp4l hung
}

// New returns a simulator that has its state, but no sockets yet.
func New(c Config) (*Simulator, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("simulate ptp4l: %w", err)
	}
	s := &Simulator{config: c, clock: c.Clock, begin: time.Now(), wake: make(chan struct{}, 1)}
	s.resumed = sync.NewCond(&s.mu)
	s.clock.Ports = slices.Clone(c.Clock.Ports)
	if s.clock.Identity == (pmc.ClockIdentity{}) {
		s.clock.Identity = deriveIdentity(&s.clock)
	}
	s.world = newWorld(s.clock, s.begin)
	s.daemon = newDaemon(s.world, s, 0)
	return s, nil
}

func (c *Config) check() error {
	if c.Socket == "" {
		return errors.New("no path for the socket is given")
	}
	if err := c.Clock.check(); err != nil {
		return err
	}
	if c.ReadOnlySocket != "" && !c.Clock.Version.since("4.0") {
		return fmt.Errorf("linuxptp %s has no read-only socket; leave it out, or choose version 4.0 or later", c.Clock.Version)
	}
	return nil
}

// deriveIdentity makes an EUI-64 from a locally administered address, so that clocks
// with other interfaces or domains are other clocks.
func deriveIdentity(c *Clock) pmc.ClockIdentity {
	h := fnv.New64a()
	fmt.Fprint(h, c.Domain)
	for _, p := range c.Ports {
		fmt.Fprint(h, " ", p.Interface)
	}
	b := h.Sum(nil)
	return pmc.ClockIdentity{0x02, b[0], b[1], 0xff, 0xfe, b[2], b[3], b[4]}
}

// Clock returns what is simulated, with the identity that the clock has.
func (s *Simulator) Clock() Clock { return s.clock }

// Stats returns what was counted so far.
func (s *Simulator) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Subscribers = len(s.daemon.subscribers)
	return stats
}

// Start starts ptp4l: it opens the sockets and serves them until the context is done
// or Close is called. It can be called once.
func (s *Simulator) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		return errors.New("start simulator: it has been started before")
	}
	if err := s.open(); err != nil {
		return fmt.Errorf("start simulator: %w", err)
	}
	ctx, s.cancel = context.WithCancel(ctx)
	s.running = true
	s.daemon = newDaemon(s.world, s, s.now())
	s.done.Go(func() { s.run(ctx) })
	return nil
}

// Close ends the simulator, removes its sockets and waits until all is done.
func (s *Simulator) Close() {
	s.mu.Lock()
	cancel := s.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	s.done.Wait()
}

// run plays what is due, until the context is done.
func (s *Simulator) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			s.shutdown()
			return
		case <-timer.C:
		case <-s.wake:
		}
		timer.Reset(s.advance())
	}
}

// advance plays what is due now, and returns how long nothing else will be.
func (s *Simulator) advance() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hung || !s.up {
		return never
	}
	now := s.now()
	s.daemon.settle(now)
	return s.daemon.next() - now
}

// now is the monotonic time since the simulator was made.
func (s *Simulator) now() time.Duration { return time.Since(s.begin) }

// do changes something, now or as soon as ptp4l no longer hangs. It returns when it
// did, and whether it did.
func (s *Simulator) do(change func(now time.Duration)) (at time.Duration, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hung {
		s.deferred = append(s.deferred, change)
		return 0, false
	}
	s.daemon.settle(s.now())
	now := s.now()
	change(now)
	s.daemon.settle(now)
	s.kick()
	return now, true
}

// kick makes the timer look again.
func (s *Simulator) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// open binds the sockets and reads from them. Called with mu.
func (s *Simulator) open() error {
	rw, err := listen(s.config.Socket, 0o660)
	if err != nil {
		return err
	}
	if s.config.ReadOnlySocket != "" {
		ro, err := listen(s.config.ReadOnlySocket, 0o666)
		if err != nil {
			rw.remove()
			return err
		}
		s.ro = ro
		s.done.Go(func() { s.serve(ro, true) })
	}
	s.rw = rw
	s.up = true
	s.done.Go(func() { s.serve(rw, false) })
	return nil
}

// serve reads requests until the socket is closed.
func (s *Simulator) serve(c *socket, readOnly bool) {
	buf := make([]byte, 4096)
	for {
		n, from, err := c.ReadFromUnix(buf)
		if err != nil || !s.receive(c, buf[:n], from, readOnly) {
			return
		}
	}
}

// receive answers one datagram, after ptp4l no longer hangs. It returns false when
// the socket is no longer ptp4l's.
func (s *Simulator) receive(c *socket, datagram []byte, from *net.UnixAddr, readOnly bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ours := func() bool { return s.up && (c == s.rw || c == s.ro) }
	for s.hung && ours() {
		s.resumed.Wait()
	}
	if !ours() {
		return false
	}
	s.stats.Received++
	name := "" // of a client that has not bound an address
	if from != nil {
		name = from.Name
	}
	s.daemon.receive(datagram, name, readOnly, s.now())
	s.kick()
	return true
}

// send implements outbox. Called with mu.
func (s *Simulator) send(readOnly bool, to string, datagram []byte) {
	if !s.up {
		return
	}
	c := s.rw
	if readOnly {
		c = s.ro
	}
	if to == "" || c.send(to, datagram) != nil {
		s.stats.Dropped++
		return
	}
	s.stats.Sent++
}

// kill ends ptp4l's process; a clean exit removes the socket files. Called with mu.
func (s *Simulator) kill(clean bool) {
	if s.up {
		s.up = false
		for _, c := range []*socket{s.rw, s.ro} {
			switch {
			case c == nil:
			case clean:
				c.remove()
			default:
				_ = c.Close()
			}
		}
	}
	s.daemon.subscribers = nil
	s.awake(s.now())
}

// awake ends a hang and lets happen what was held up. Called with mu.
func (s *Simulator) awake(now time.Duration) {
	s.hung = false
	for _, change := range s.deferred {
		change(now)
	}
	s.deferred = nil
	s.resumed.Broadcast()
}

// shutdown is the end of the simulator. It removes what Crash has left, too.
func (s *Simulator) shutdown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
	s.kill(true)
	_ = removeStale(s.config.Socket)
	_ = removeStale(s.config.ReadOnlySocket)
}
