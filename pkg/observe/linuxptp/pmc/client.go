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

package pmc

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// defaultTimeout is how long ptp4l may take to answer. It needs some 25 us, but on
	// a busy machine it may have to wait for a processor.
	defaultTimeout = time.Second
	// goodbyeTimeout is how long Close waits for ptp4l to drop the subscription.
	goodbyeTimeout = 100 * time.Millisecond
	// maxMessage is the longest message; linuxptp keeps its own below 1500 bytes (msg.h).
	maxMessage = 2048
)

var (
	// ErrNoAnswer says that ptp4l did not answer in time.
	ErrNoAnswer = errors.New("no answer from ptp4l")
	// ErrGone says that the ptp4l at the other end has exited.
	ErrGone = errors.New("ptp4l is gone")
	// ErrClosed says that Close was called.
	ErrClosed = errors.New("connection to ptp4l closed")
)

// Config says which ptp4l to connect to.
type Config struct {
	// Socket is the path of ptp4l's uds_address. The client makes a socket of its own in
	// the same directory; where that is not writable, an abstract one, which works in
	// ptp4l's network namespace only.
	Socket string
	// Domain is ptp4l's domainNumber; nil finds it out, among 0 to 127.
	Domain *uint8
	// TransportSpecific is ptp4l's transportSpecific; nil finds it out, 0 or 1.
	TransportSpecific *uint8
	// Timeout is how long ptp4l may take to answer a request; 0 means one second.
	Timeout time.Duration
}

// Client is a connection to one running ptp4l. Its methods may be called from several
// goroutines, except for Next, which belongs to one.
//
// However slow the caller is, and even when the whole process stops, ptp4l is not held
// up: the socket is connected, at most one request is outstanding, and a subscription
// lapses before ptp4l's send buffer is full.
type Client struct {
	conn  *net.UnixConn
	local string   // file of our socket; empty for an abstract address
	pidfd *os.File // of ptp4l; nil where the kernel gives none
	self  PortIdentity

	// What ptp4l is, from its first answer.
	domain            uint8
	transportSpecific uint8
	minorVersion      uint8
	identity          ClockIdentity
	ports             uint16

	timeout  time.Duration
	turn     chan struct{} // holds the one request that may be outstanding
	sequence uint16        // of the last request; belongs to whoever has the turn
	out      []byte        // likewise

	mu          sync.Mutex
	request     *request // that waits for answers; nil for none
	ring        ring
	pushes      int // since countedFrom
	countedFrom time.Time
	wake        chan struct{}
	taken       [maxPush]byte // data of the push that Next returned last
	unreadable  int           // datagrams

	subscribing  sync.Mutex // held while a subscription is sent: a renewal must not undo a change
	subscription SubscribeEventsNP
	missed       int // renewals in a row
	renewal      *time.Timer

	end      sync.Once
	done     chan struct{}
	err      error // set before done is closed
	cancel   context.CancelFunc
	routines sync.WaitGroup
}

// Dial connects to ptp4l. It returns once ptp4l has answered, so it also finds out the
// domain and the transportSpecific where config leaves them open.
//
// The error matches fs.ErrNotExist where there is no socket, fs.ErrPermission where it
// may not be used, syscall.ECONNREFUSED where a ptp4l that is gone left it behind, and
// [ErrNoAnswer] where ptp4l hangs or listens to another domain.
func Dial(ctx context.Context, config Config) (*Client, error) {
	path, err := filepath.Abs(config.Socket) // ptp4l answers to our path as it is written
	if err != nil {
		return nil, fmt.Errorf("connect to ptp4l at %s: %w", config.Socket, err)
	}
	conn, local, err := connect(path)
	if err != nil {
		return nil, err
	}
	removeStale(filepath.Dir(path))
	running, cancel := context.WithCancel(context.Background())
	c := &Client{
		conn:    conn,
		local:   local,
		self:    randomIdentity(),
		timeout: cmp.Or(config.Timeout, defaultTimeout),
		turn:    make(chan struct{}, 1),
		wake:    make(chan struct{}, 1),
		renewal: time.NewTimer(time.Hour),
		done:    make(chan struct{}),
		cancel:  cancel,
	}
	c.renewal.Stop()
	if err := c.discover(ctx, &config); err != nil {
		c.fail(err)
		return nil, errors.Join(fmt.Errorf("connect to ptp4l at %s: %w", path, err), removeFile(local))
	}
	c.routines.Go(c.read)
	c.routines.Go(func() { c.keepSubscription(running) })
	if c.pidfd != nil {
		c.routines.Go(c.awaitExit)
	}
	return c, nil
}

// randomIdentity returns an identity that no other client has. ptp4l keeps one
// subscription for each, and process ids repeat across containers.
func randomIdentity() PortIdentity {
	var b [portIdentitySize]byte
	rand.Read(b[:]) // never fails
	return parsePortIdentity(b[:])
}

// Domain returns ptp4l's domainNumber.
func (c *Client) Domain() uint8 { return c.domain }

// TransportSpecific returns ptp4l's transportSpecific: 1 for 802.1AS (gPTP).
func (c *Client) TransportSpecific() uint8 { return c.transportSpecific }

// MinorVersion returns the minorVersionPTP that ptp4l speaks: 0 in linuxptp 3.1.1, 1 in
// 4.2 and later.
func (c *Client) MinorVersion() uint8 { return c.minorVersion }

// Identity returns the identity of ptp4l's clock.
func (c *Client) Identity() ClockIdentity { return c.identity }

// NumberPorts returns how many PTP ports the clock has.
func (c *Client) NumberPorts() int { return int(c.ports) }

// Wait returns a channel that receives when there is something for Next. One receive
// may stand for several pushes.
func (c *Client) Wait() <-chan struct{} { return c.wake }

// Next returns the oldest push that waits, if there is one. Its Data is valid until the
// next call.
func (c *Client) Next() (Push, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ring.take(&c.taken)
}

// Unreadable returns how many datagrams came that are no management messages. They are
// dropped.
func (c *Client) Unreadable() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unreadable
}

// Done returns a channel that is closed when the connection has ended: ptp4l has
// exited, does not answer renewals any more, or Close was called.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err returns why the connection has ended, or nil while it has not.
func (c *Client) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Close ends the subscription and the connection, and removes the client's socket.
func (c *Client) Close() error {
	c.cancel() // or a renewal of a ptp4l that hangs would be waited for
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTimeout)
	defer cancel()
	c.unsubscribe(ctx)
	c.fail(ErrClosed)
	c.routines.Wait()
	return removeFile(c.local)
}

// fail ends the connection, for the first reason given.
func (c *Client) fail(err error) {
	c.end.Do(func() {
		c.err = err
		close(c.done)
		c.cancel()
		_ = c.conn.Close()
		if c.pidfd != nil {
			_ = c.pidfd.Close()
		}
	})
}

// awaitExit ends the connection when the process of ptp4l has exited.
func (c *Client) awaitExit() {
	if waitExit(c.pidfd) {
		c.fail(fmt.Errorf("%w: its process has exited", ErrGone))
	}
}

// read hands over what comes in until the connection ends. It waits for nothing but the
// socket, so that it is emptied whatever the rest of the process does.
func (c *Client) read() {
	var buf [maxMessage]byte
	raw, err := c.conn.SyscallConn()
	if err != nil {
		c.fail(fmt.Errorf("read from ptp4l: %w", err))
		return
	}
	var n int
	var failed error
	receive := func(fd uintptr) (done bool) {
		n, failed = receiveNow(fd, buf[:])
		return !errors.Is(failed, unix.EAGAIN)
	}
	for {
		err := raw.Read(receive)
		if err = cmp.Or(err, failed); err != nil {
			c.fail(fmt.Errorf("read from ptp4l: %w", err))
			return
		}
		c.receive(buf[:n], time.Now())
		runtime.Gosched() // what was heard is more urgent than to find that nothing else has come
	}
}

// receive sorts a datagram to whom it is for. What is for somebody else, or answers a
// request that nobody waits for any more, is dropped.
func (c *Client) receive(datagram []byte, at time.Time) {
	m, err := Parse(datagram)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.unreadable++
		return
	}
	if m.Target != c.self || m.Action != ActionResponse {
		return
	}
	if m.IsPush() {
		c.pushes += 1 + c.ring.add(&m, at)
		notify(c.wake)
		return
	}
	if c.request.take(&m) {
		notify(c.request.arrived)
	}
}

// notify makes the channel ready, if it is not.
func notify(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
