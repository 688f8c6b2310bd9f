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
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// except makes a script that obeys but for one data set.
func except(id pmc.ID, script func(d *daemon, request pmc.Message)) func(d *daemon) {
	return func(d *daemon) {
		d.script = func(d *daemon, request pmc.Message) {
			if request.ID == id {
				script(d, request)
				return
			}
			obey(d, request)
		}
	}
}

func ports(messages []pmc.Message) []uint16 {
	var numbers []uint16
	for _, m := range messages {
		numbers = append(numbers, m.Source.Port)
	}
	return numbers
}

func TestGetReturnsAllPortsInOrder(t *testing.T) {
	_, c := connect(t, func(d *daemon) {
		except(pmc.IDPortDataSet, func(d *daemon, request pmc.Message) {
			foreign := d.port(request, 1)
			foreign.Target.Port++
			late := d.port(request, 1)
			late.Sequence--
			other := d.answer(request, 1, &pmc.PortDataSetNP{})
			echo := request // of a broadcast
			echo.Target = request.Source
			for _, m := range []pmc.Message{foreign, late, other, echo, d.port(request, 3), d.port(request, 3), d.port(request, 1)} {
				d.send(m)
			}
			d.sendRaw([]byte("no frame at all"))
			d.send(d.port(request, 2))
			d.send(d.port(request, 2))
		})(d)
		d.ports = 3
	})
	for range 3 {
		answers, err := c.Get(t.Context(), pmc.IDPortDataSet)
		if err != nil {
			t.Fatal(err)
		}
		if got := ports(answers); len(got) != 3 || got[0] != 1 || got[1] != 2 || got[2] != 3 {
			t.Fatalf("answers of ports %v, want 1, 2, 3", got)
		}
		for i, a := range answers {
			var d pmc.PortDataSet
			if err := d.UnmarshalBinary(a.Data); err != nil {
				t.Fatal(err)
			}
			if int(d.PortIdentity.Port) != i+1 || d.PortState != pmc.PortSlave {
				t.Errorf("answer %d is %+v", i, d)
			}
		}
	}
}

func TestGetReturnsWhatCameWhenAPortIsSilent(t *testing.T) {
	_, c := connect(t, func(d *daemon) {
		except(pmc.IDPortDataSet, func(d *daemon, request pmc.Message) { d.send(d.port(request, 2)) })(d)
		d.ports = 2
	})
	answers, err := c.Get(t.Context(), pmc.IDPortDataSet)
	if err != nil {
		t.Fatal(err)
	}
	if got := ports(answers); len(got) != 1 || got[0] != 2 {
		t.Errorf("answers of ports %v, want 2", got)
	}
}

func TestGetOfTheClockWaitsForNoPort(t *testing.T) {
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), func(d *daemon) { d.ports = 40 })
	c := dial(t, pmc.Config{Socket: d.path, Timeout: time.Hour})
	answers, err := c.Get(t.Context(), pmc.IDPriority1)
	if err != nil || len(answers) != 1 {
		t.Errorf("%d answers, %v", len(answers), err)
	}
}

func TestRefusalIsAStatusError(t *testing.T) {
	d, c := connect(t, nil)
	_, err := c.Get(t.Context(), pmc.IDPortHWClockNP)
	if want := (pmc.StatusError{ID: pmc.IDPortHWClockNP, Status: pmc.ErrorNoSuchID}); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if err := c.Set(t.Context(), &pmc.SynchronizationUncertainNP{Value: 1}); !errors.As(err, new(pmc.StatusError)) {
		t.Errorf("error %v of Set", err)
	}
	sets := d.received(func(m pmc.Message) bool { return m.Action == pmc.ActionSet })
	if len(sets) != 1 || sets[0].Data[0] != 1 || sets[0].BoundaryHops != 0 || sets[0].StartingBoundaryHops != 0 {
		t.Errorf("sent %+v", sets)
	}
}

func TestShortAnswerIsAnError(t *testing.T) {
	_, c := connect(t, except(pmc.IDPriority1, func(d *daemon, request pmc.Message) {
		m := d.answer(request, pmc.ClockPort, &pmc.Priority1{})
		m.Data = nil
		d.send(m)
	}))
	err := c.Fetch(t.Context(), new(pmc.Priority1))
	if err == nil || err.Error() != "PRIORITY1: 0 bytes of data, want 2" {
		t.Errorf("error %v", err)
	}
}

func TestNoAnswerIsAnError(t *testing.T) {
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), except(pmc.IDPriority1, ignore))
	c := dial(t, pmc.Config{Socket: d.path, Timeout: 10 * time.Millisecond})
	err := c.Fetch(t.Context(), new(pmc.Priority1))
	if !errors.Is(err, pmc.ErrNoAnswer) || err.Error() != "GET PRIORITY1: no answer from ptp4l within 10ms" {
		t.Errorf("error %v", err)
	}
	if c.Err() != nil {
		t.Errorf("one unanswered request ended the connection: %v", c.Err())
	}
}

func TestRequestsAreCancelled(t *testing.T) {
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), except(pmc.IDPriority1, ignore))
	c := dial(t, pmc.Config{Socket: d.path, Timeout: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := c.Fetch(ctx, new(pmc.Priority1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want DeadlineExceeded", err)
	}

	go c.Fetch(t.Context(), new(pmc.Priority1)) //nolint:errcheck // it has the turn until the test ends
	eventually(t, "the second request", func() bool {
		return len(d.received(func(m pmc.Message) bool { return m.ID == pmc.IDPriority1 })) == 2
	})
	waiting, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := c.Fetch(waiting, new(pmc.Priority2)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v while another request is outstanding, want DeadlineExceeded", err)
	}
}

func TestLateAnswersAreNotTakenForOthers(t *testing.T) {
	var held atomic.Pointer[pmc.Message]
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), except(pmc.IDPriority1, func(d *daemon, request pmc.Message) {
		answer := d.answer(request, pmc.ClockPort, &pmc.Priority1{Priority: 1})
		if held.CompareAndSwap(nil, &answer) {
			return
		}
		d.send(*held.Load())
		d.send(d.answer(request, pmc.ClockPort, &pmc.Priority1{Priority: 2}))
	}))
	c := dial(t, pmc.Config{Socket: d.path, Timeout: time.Hour})
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	var p pmc.Priority1
	if err := c.Fetch(short, &p); err == nil {
		t.Fatal("the first request was answered")
	}
	if err := c.Fetch(t.Context(), &p); err != nil || p.Priority != 2 {
		t.Errorf("read %d, %v, want 2", p.Priority, err)
	}
}

func TestOneRequestIsOutstandingAtATime(t *testing.T) {
	var outstanding, most atomic.Int32
	_, c := connect(t, except(pmc.IDPriority1, func(d *daemon, request pmc.Message) {
		go func() { // so that further requests are read meanwhile
			most.Store(max(most.Load(), outstanding.Add(1)))
			time.Sleep(time.Millisecond)
			outstanding.Add(-1)
			d.send(d.answer(request, pmc.ClockPort, &pmc.Priority1{}))
		}()
	}))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := c.Fetch(t.Context(), new(pmc.Priority1)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 {
		t.Errorf("%d requests were outstanding", most.Load())
	}
}

func TestFullQueueDoesNotBlock(t *testing.T) {
	release := make(chan struct{})
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), except(pmc.IDPriority1, func(*daemon, pmc.Message) { <-release }))
	defer close(release)
	c := dial(t, pmc.Config{Socket: d.path, Timeout: 5 * time.Millisecond})
	full := false
	for range 1000 { // net.unix.max_dgram_qlen is 10, or 512 under systemd
		err := c.Fetch(t.Context(), new(pmc.Priority1))
		if !errors.Is(err, pmc.ErrNoAnswer) {
			t.Fatalf("error %v, want ErrNoAnswer", err)
		}
		if full = strings.Contains(err.Error(), "stopped reading"); full {
			break
		}
	}
	if !full {
		t.Error("the queue has not filled")
	}
}

func TestVanishedPTP4LEndsTheConnection(t *testing.T) {
	d, c := connect(t, nil)
	d.stop()
	if err := c.Fetch(t.Context(), new(pmc.Priority1)); !errors.Is(err, pmc.ErrGone) {
		t.Errorf("error %v, want ErrGone", err)
	}
	if err := ends(t, c); !errors.Is(err, pmc.ErrGone) {
		t.Errorf("Err is %v, want ErrGone", err)
	}
	if err := c.Fetch(t.Context(), new(pmc.Priority1)); !errors.Is(err, pmc.ErrGone) {
		t.Errorf("error %v after the end, want ErrGone", err)
	}
}

func TestRestartedPTP4LIsDialledAgain(t *testing.T) {
	d, old := connect(t, nil)
	d.stop()
	start(t, d.path, func(d *daemon) { d.ports = 2 })
	if err := old.Fetch(t.Context(), new(pmc.Priority1)); !errors.Is(err, pmc.ErrGone) {
		t.Errorf("error %v of the old connection, want ErrGone", err)
	}
	c := dial(t, pmc.Config{Socket: d.path})
	if c.NumberPorts() != 2 {
		t.Errorf("%d ports, want 2", c.NumberPorts())
	}
}

func TestRequestsEndWithClose(t *testing.T) {
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), except(pmc.IDPriority1, ignore))
	c := dial(t, pmc.Config{Socket: d.path, Timeout: time.Hour})
	result := make(chan error, 1)
	go func() { result <- c.Fetch(t.Context(), new(pmc.Priority1)) }()
	eventually(t, "the request", func() bool {
		return len(d.received(func(m pmc.Message) bool { return m.ID == pmc.IDPriority1 })) == 1
	})
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; !errors.Is(err, pmc.ErrClosed) {
		t.Errorf("error %v, want ErrClosed", err)
	}
}

func TestConnectionsLeaveNothingBehind(t *testing.T) {
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), nil)
	cycle := func() {
		c, err := pmc.Dial(t.Context(), pmc.Config{Socket: d.path})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Subscribe(t.Context(), pmc.Subscription{Events: pmc.Events(pmc.NotifyPortState)}); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cycle()
	files, routines := openFiles(t), runtime.NumGoroutine()
	for range 20 {
		cycle()
	}
	eventually(t, "files are closed", func() bool { return openFiles(t) <= files })
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= routines })
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestMain turns the test binary into a ptp4l that answers and waits to be killed, for
// TestExitIsNoticedAtOnce: only a process of its own can exit.
func TestMain(m *testing.M) {
	path := os.Getenv("PMC_TEST_DAEMON")
	if path == "" {
		os.Exit(m.Run())
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		os.Exit(1)
	}
	d := &daemon{conn: conn, script: obey, ports: 1, stopped: make(chan struct{})}
	d.serve()
}

func TestExitIsNoticedAtOnce(t *testing.T) {
	path := filepath.Join(socketDir(t), "ptp4l")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.StartProcess(self, []string{self}, &os.ProcAttr{Env: append(os.Environ(), "PMC_TEST_DAEMON="+path)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Kill()
		_, _ = process.Wait()
	})
	eventually(t, "the socket", func() bool { _, err := os.Stat(path); return err == nil })
	c := dial(t, pmc.Config{Socket: path})
	files := openFiles(t)
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	if err := ends(t, c); !errors.Is(err, pmc.ErrGone) { // without a request and without a subscription
		t.Errorf("Err is %v, want ErrGone", err)
	}
	t.Logf("noticed after %v", time.Since(killed))
	eventually(t, "the socket and the pidfd are closed", func() bool { return openFiles(t) == files-2 })
}

func BenchmarkGet(b *testing.B) {
	path := filepath.Join(b.TempDir(), "ptp4l")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		b.Fatal(err)
	}
	d := &daemon{conn: conn, script: obey, ports: 1, stopped: make(chan struct{})}
	go d.serve()
	defer d.stop()
	c, err := pmc.Dial(b.Context(), pmc.Config{Socket: path})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Fetch(b.Context(), new(pmc.Priority1)); err != nil {
			b.Fatal(err)
		}
	}
}
