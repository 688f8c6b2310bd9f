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

package pmc_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// daemon plays ptp4l on a real socket. What it does with a request is up to its script.
type daemon struct {
	conn   *net.UnixConn
	path   string
	script func(d *daemon, request pmc.Message)

	domain, transportSpecific uint8
	ports                     uint16

	mu       sync.Mutex
	client   *net.UnixAddr
	requests []pmc.Message
	stopped  chan struct{}
}

// start serves until the test ends. configure may be nil.
func start(t *testing.T, path string, configure func(d *daemon)) *daemon {
	t.Helper()
	d := &daemon{path: path, script: obey, ports: 1, stopped: make(chan struct{})}
	if configure != nil {
		configure(d)
	}
	_ = os.Remove(path)
	var err error
	if d.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	go d.serve()
	t.Cleanup(d.stop)
	return d
}

// stop is ptp4l's exit. The file of the socket remains, as after kill -9.
func (d *daemon) stop() {
	_ = d.conn.Close()
	<-d.stopped
}

// play changes the script.
func (d *daemon) play(script func(d *daemon, request pmc.Message)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.script = script
}

func (d *daemon) serve() {
	defer close(d.stopped)
	buf := make([]byte, 2048)
	for {
		n, client, err := d.conn.ReadFromUnix(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		m, err := pmc.Parse(slices.Clone(buf[:n]))
		if err != nil {
			continue
		}
		d.mu.Lock()
		d.client = client
		d.requests = append(d.requests, m)
		script := d.script
		d.mu.Unlock()
		if m.Domain == d.domain && m.TransportSpecific == d.transportSpecific {
			script(d, m)
		}
	}
}

// received returns the requests so far that match.
func (d *daemon) received(match func(pmc.Message) bool) []pmc.Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []pmc.Message
	for _, m := range d.requests {
		if match(m) {
			found = append(found, m)
		}
	}
	return found
}

func subscriptions(m pmc.Message) bool {
	return m.ID == pmc.IDSubscribeEventsNP && m.Action == pmc.ActionSet
}

// send sends a frame to whoever asked last.
func (d *daemon) send(m pmc.Message) {
	frame, err := m.AppendBinary(nil)
	if err != nil {
		panic(err) // a mistake in the test
	}
	d.sendRaw(frame)
}

func (d *daemon) sendRaw(frame []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = d.conn.WriteToUnix(frame, d.client)
}

// ignore does not answer.
func ignore(*daemon, pmc.Message) {}

// obey answers as an honest ptp4l does that knows few data sets.
func obey(d *daemon, request pmc.Message) {
	switch request.ID {
	case pmc.IDDefaultDataSet:
		d.send(d.answer(request, pmc.ClockPort, &pmc.DefaultDataSet{NumberPorts: d.ports, ClockIdentity: goldenClock, DomainNumber: d.domain}))
	case pmc.IDPortDataSet:
		for port := range d.ports {
			d.send(d.port(request, port+1))
		}
	case pmc.IDPriority1:
		d.send(d.answer(request, pmc.ClockPort, &pmc.Priority1{Priority: 100}))
	case pmc.IDSubscribeEventsNP:
		var s pmc.SubscribeEventsNP
		if err := s.UnmarshalBinary(request.Data); err != nil {
			panic(err)
		}
		d.send(d.answer(request, pmc.ClockPort, &s))
	default:
		d.send(d.refuse(request, pmc.ErrorNoSuchID))
	}
}

// answer is the answer of a port to a request.
func (d *daemon) answer(request pmc.Message, port uint16, ds pmc.DataSet) pmc.Message {
	data, err := ds.AppendBinary(nil)
	if err != nil {
		panic(err)
	}
	return pmc.Message{
		TransportSpecific: d.transportSpecific,
		MinorVersion:      1,
		Domain:            d.domain,
		Source:            pmc.PortIdentity{Clock: goldenClock, Port: port},
		Target:            request.Source,
		Sequence:          request.Sequence,
		Action:            pmc.ActionResponse,
		ID:                ds.ID(),
		Data:              data,
	}
}

// port is the answer of one port to GET PORT_DATA_SET.
func (d *daemon) port(request pmc.Message, port uint16) pmc.Message {
	return d.answer(request, port, &pmc.PortDataSet{PortIdentity: pmc.PortIdentity{Clock: goldenClock, Port: port}, PortState: pmc.PortSlave})
}

func (d *daemon) refuse(request pmc.Message, status pmc.ErrorID) pmc.Message {
	m := d.answer(request, pmc.ClockPort, &pmc.Priority1{})
	m.ID, m.Status, m.Data = request.ID, status, nil
	return m
}

// push sends pushes of samples with the given sequence numbers to the subscriber.
func (d *daemon) push(sequences ...uint16) {
	for _, n := range sequences {
		d.send(d.sample(n))
	}
}

// sample is a push whose offset is its sequence number.
func (d *daemon) sample(sequence uint16) pmc.Message {
	subscribed := d.received(subscriptions)
	m := d.answer(subscribed[len(subscribed)-1], pmc.ClockPort, &pmc.TimeStatusNP{MasterOffset: int64(sequence)})
	m.StartingBoundaryHops, m.BoundaryHops, m.Sequence = 1, 1, sequence
	return m
}

// socketDir returns a directory with a short name: that of a socket has 107 bytes.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pmc") //nolint:usetesting // a socket's name has 107 bytes; TempDir spends them on the name of the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// clientFiles returns the names of the clients' sockets in dir.
func clientFiles(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".eventing-ptp-*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// connect starts a daemon and dials it.
func connect(t *testing.T, configure func(d *daemon)) (*daemon, *pmc.Client) {
	t.Helper()
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), configure)
	return d, dial(t, pmc.Config{Socket: d.path})
}

func dial(t *testing.T, config pmc.Config) *pmc.Client {
	t.Helper()
	c, err := pmc.Dial(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// eventually waits until ok, for longer than any of it takes on a busy machine.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// ends waits for the end of the connection and returns its reason.
func ends(t *testing.T, c *pmc.Client) error {
	t.Helper()
	select {
	case <-c.Done():
		return c.Err()
	case <-time.After(20 * time.Second):
		t.Fatal("the connection has not ended within 20 s")
		return nil
	}
}

// next waits for the next push.
func next(t *testing.T, c *pmc.Client) pmc.Push {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		if p, ok := c.Next(); ok {
			return p
		}
		select {
		case <-c.Wait():
		case <-deadline:
			t.Fatal("no push within 20 s")
		}
	}
}
