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

package integration

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

// receiver is a GNSS receiver with a network connection, from which a real gpsd reads NMEA 0183
// sentences every second.
type receiver struct {
	t       *testing.T
	address string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	says     func(time.Time) []string // nil: nothing
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, address: "127.0.0.1:0", conns: map[net.Conn]bool{}}
	r.open()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			r.cycle()
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		r.close()
	})
	return r
}

// name is what the receiver is called, as gpsd and the adapter see it.
func (r *receiver) device() string { return "tcp://" + r.address }

// instance is its name in events, where a slash is no part of a name.
func (r *receiver) instance() string { return "tcp:%2F%2F" + r.address }

// open lets gpsd connect.
func (r *receiver) open() {
	r.t.Helper()
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	r.listener, r.address = listener, listener.Addr().String()
	r.mu.Unlock()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.conns[conn] = true
			r.mu.Unlock()
		}
	}()
}

// close unplugs the receiver.
func (r *receiver) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.listener.Close()
	for conn := range r.conns {
		_ = conn.Close()
		delete(r.conns, conn)
	}
}

// say changes what the receiver says from now on.
func (r *receiver) say(what func(time.Time) []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.says = what
}

// cycle says it once.
func (r *receiver) cycle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.says == nil {
		return
	}
	var text strings.Builder
	for _, sentence := range r.says(time.Now().UTC()) {
		var sum byte
		for _, c := range []byte(sentence) {
			sum ^= c
		}
		fmt.Fprintf(&text, "$%s*%02X\r\n", sentence, sum)
	}
	for conn := range r.conns {
		if _, err := conn.Write([]byte(text.String())); err != nil {
			_ = conn.Close()
			delete(r.conns, conn)
		}
	}
}

// fixed is what a receiver says that has a fix in three dimensions.
func fixed(now time.Time) []string {
	at, day := now.Format("150405.00"), now.Format("020106")
	return []string{
		"GPRMC," + at + ",A,4807.038,N,01131.000,E,000.0,000.0," + day + ",,,A",
		"GPGGA," + at + ",4807.038,N,01131.000,E,1,05,0.9,545.4,M,46.9,M,,",
		"GPGSA,A,3,04,05,09,12,24,,,,,,,,2.5,1.3,2.1",
		"GPGSV,2,1,05,04,40,083,46,05,17,308,41,09,07,344,39,12,22,228,45",
		"GPGSV,2,2,05,24,60,100,44",
	}
}

// weak is what one says that hears two satellites.
func weak(now time.Time) []string { return unfixed(now, "GPGSV,1,1,02,04,40,083,22,05,17,308,19") }

// deaf is what one says that hears none.
func deaf(now time.Time) []string { return unfixed(now, "GPGSV,1,1,00") }

func unfixed(now time.Time, satellites string) []string {
	at, day := now.Format("150405.00"), now.Format("020106")
	return []string{
		"GPRMC," + at + ",V,,,,,,," + day + ",,,N",
		"GPGGA," + at + ",,,,,0,00,99.99,,,,,,",
		"GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99",
		satellites,
	}
}

// gpsd is a real one.
type gpsd struct {
	t      *testing.T
	find   lab.GPSD
	port   int
	reads  []string
	log    string
	daemon *exec.Cmd
}

func newGPSD(t *testing.T, devices ...string) *gpsd {
	t.Helper()
	found, err := lab.FindGPSD(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := &gpsd{t: t, find: found, port: l.Addr().(*net.TCPAddr).Port, reads: devices, log: filepath.Join(t.TempDir(), "gpsd.log")}
	t.Cleanup(func() {
		g.kill()
		if t.Failed() {
			text, _ := os.ReadFile(g.log)
			t.Logf("log of gpsd:\n%s", text)
		}
	})
	return g
}

func (g *gpsd) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(g.port)) }

func (g *gpsd) start() {
	g.t.Helper()
	log, err := os.OpenFile(g.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		g.t.Fatal(err)
	}
	defer log.Close()
	g.daemon = g.find.Command(context.WithoutCancel(g.t.Context()), g.port, g.reads...)
	g.daemon.Stdout, g.daemon.Stderr = log, log
	g.daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := g.daemon.Start(); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gpsd) kill() {
	if g.daemon == nil {
		return
	}
	_ = g.daemon.Process.Kill()
	_ = g.daemon.Wait()
	g.daemon = nil
}

// gnss matches a state of a receiver.
func gnss(r *receiver, state, reason string) func(received) bool {
	return func(e received) bool {
		return e.Type() == "event.sync.gnss-status.gnss-state-change" && e.extension("instance") == r.instance() &&
			e.extension("ptpstate") == state && e.extension("ptpreason") == reason
	}
}

// Two receivers on one gpsd, and all that can happen to them.
func TestGNSS(t *testing.T) {
	s := newSink(t)
	first, second := newReceiver(t), newReceiver(t)
	first.say(fixed)
	second.say(deaf)
	g := newGPSD(t, first.device(), second.device())
	journal := filepath.Join(t.TempDir(), "journal")
	run := func() *adapter {
		return startAdapter(t, s.URL, filepath.Join(t.TempDir(), "ptp4l.*.socket"), settings(config{
			"gnss":    config{"enabled": true, "gpsd": g.address()},
			"history": config{"directory": journal},
		}))
	}
	a := run()
	a.waitLog(t, "gpsd cannot be read") // it does not run yet, which is no reason not to be ready
	a.waitLog(t, "ready: every clock source was read once or is known to be absent")
	g.start()
	e, seen := s.wait(t, 0, "fix of the first", gnss(first, "SYNCHRONIZED", "GNSSFix"))
	if want := fmt.Sprintf(`{"version":"1.0","values":[{"ResourceAddress":"/cluster/node/n1/%[1]s/master","data_type":"notification","value_type":"enumeration","value":"SYNCHRONIZED"},`+
		`{"ResourceAddress":"/cluster/node/n1/%[1]s/master/gpsFix","data_type":"metric","value_type":"decimal64.3","value":"3"}]}`, first.instance()); string(e.Data()) != want {
		t.Errorf("data %s, want %s", e.Data(), want)
	}
	if e.Subject() != first.instance() || e.extension("previousstate") != "" {
		t.Errorf("subject %s, previous state %q", e.Subject(), e.extension("previousstate"))
	}
	s.wait(t, 0, "no fix of the second", gnss(second, "FAILURE-NOFIX", "GNSSNoFix"))

	first.say(weak)
	_, seen = s.wait(t, seen, "weak signals", gnss(first, "ACQUIRING-SYNC", "GNSSNoFix"))
	first.say(fixed)
	_, seen = s.wait(t, seen, "fix again", gnss(first, "SYNCHRONIZED", "GNSSFix"))
	second.say(fixed)
	_, seen = s.wait(t, seen, "fix of the second", gnss(second, "SYNCHRONIZED", "GNSSFix"))

	first.say(nil)
	e, seen = s.wait(t, seen, "silence", gnss(first, "FAILURE-NOFIX", "ReceiverSilent"))
	if strings.Contains(string(e.Data()), "gpsFix") {
		t.Errorf("the fix of a receiver that is silent: %s", e.Data())
	}
	first.say(fixed)
	_, seen = s.wait(t, seen, "end of the silence", gnss(first, "SYNCHRONIZED", "GNSSFix"))

	first.close()
	_, seen = s.wait(t, seen, "loss of the receiver", func(e received) bool {
		return gnss(first, "FAILURE-NOFIX", "ReceiverGone")(e) || gnss(first, "FAILURE-NOFIX", "ReceiverSilent")(e)
	})

	g.kill()
	_, seen = s.wait(t, seen, "end of gpsd", gnss(second, "FAILURE-NOFIX", "DaemonDown"))
	first.open()
	g.start()
	_, again := s.wait(t, seen, "gpsd again", gnss(second, "SYNCHRONIZED", "GNSSFix"))
	_, seen = s.wait(t, seen, "the first again", gnss(first, "SYNCHRONIZED", "GNSSFix"))
	seen = max(seen, again)

	// An adapter that comes after this one says what has changed meanwhile, and nothing else.
	a.stop(t)
	second.say(deaf)
	run()
	e, seen = s.wait(t, seen, "what was missed", gnss(second, "FAILURE-NOFIX", "GNSSNoFix"))
	if e.extension("previousstate") != "SYNCHRONIZED" || e.extension("ptpmissed") != "true" {
		t.Errorf("%v, missed %q", e, e.extension("ptpmissed"))
	}
	second.say(fixed)
	s.wait(t, seen, "fix of the second", gnss(second, "SYNCHRONIZED", "GNSSFix"))
	checkOrder(t, s.all())
	for _, e := range s.all()[seen-1:] {
		if e.extension("instance") == first.instance() {
			t.Errorf("%v, though nothing has changed", e)
		}
	}
}

// Where the kernel has no DPLL, and where it does not tell, the adapter says so once and goes on.
func TestSyncE(t *testing.T) {
	s := newSink(t)
	a := startAdapter(t, s.URL, filepath.Join(t.TempDir(), "ptp4l.*.socket"), settings(config{"synce": config{"enabled": true}}))
	a.waitLog(t, "ready: every clock source was read once or is known to be absent")
	log := a.log.String()
	said := 0
	for _, line := range []string{"no DPLL is watched", "the kernel's DPLLs cannot be read", "what the kernel says of a DPLL"} {
		said += strings.Count(log, `"`+line)
	}
	if said == 0 {
		t.Errorf("nothing is said of DPLLs:\n%s", log)
	}
	s.wait(t, 0, "state of the node", syncState("FREERUN"))
}
