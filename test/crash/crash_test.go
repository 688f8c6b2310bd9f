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
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

var (
	transitions = flag.Int("transitions", 1000, "how much is done to the clocks")
	every       = flag.Int("every", 50, "how much of it between two kills, about")
	seed        = flag.Uint64("seed", 1, "of what happens when")
)

// inside is set in the environment of the tests.
const inside = "EVENTING_PTP_CRASH_INSIDE"

// TestMain runs the tests in a mount namespace of their own, so that no file system that
// they mount outlives them.
func TestMain(m *testing.M) {
	flag.Parse()
	run := inNamespace
	if os.Getenv(inside) != "" {
		run = m.Run
	}
	os.Exit(run())
}

func inNamespace() int {
	dir, err := os.MkdirTemp("", "eventing-ptp-crash-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "receive_adapter")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", path, "github.com/eventing-ptp/eventing-ptp/cmd/receive_adapter")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "build the receive adapter: %v\n", err)
		return 1
	}
	runtime.LockOSThread() // whose end would be that of the tests
	tests := exec.CommandContext(context.Background(), os.Args[0], os.Args[1:]...)
	tests.Stdin, tests.Stdout, tests.Stderr = os.Stdin, os.Stdout, os.Stderr
	tests.Env = append(os.Environ(), inside+"="+path)
	tests.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err = tests.Run()
	if exit, failed := errors.AsType[*exec.ExitError](err); failed && exit.Exited() {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "run the tests in a mount namespace: %v\n", err)
		return 1
	}
	return 0
}

// patience is how long a test waits for what must come: far longer than it may take.
const patience = 60 * time.Second

// TestNothingIsLost lets everything go wrong at once, and loses nothing: what the journal
// has room for is sent, in order, once, and as it was recorded.
func TestNothingIsLost(t *testing.T) {
	r := newRun(t, 1024)
	r.start()
	for r.book.changes() < *transitions {
		r.watched(*every/2 + r.random.IntN(*every))
		r.roomy()
		r.crash()
		for r.random.IntN(4) == 0 {
			r.falseStart()
		}
		r.start()
	}
	r.end(ledger.Rules{})
}

// TestLossIsAnnounced does the same with a history that is far too small for a sink that is
// away: what is lost is what the adapters say, and no more.
func TestLossIsAnnounced(t *testing.T) {
	r := newRun(t, 32)
	r.start()
	for r.book.changes() < *transitions/4 {
		r.sink.goAway(1 << 20)
		r.watched(20 + r.random.IntN(60))
		r.crash()
		r.start()
		r.watched(r.random.IntN(20))
		r.sink.goAway(0)
		r.watched(r.random.IntN(20))
		r.crash()
		r.start()
	}
	if report := r.end(ledger.Rules{Losses: true}); report.Lost == 0 {
		t.Error("nothing was lost, so that nothing was announced")
	}
}

// clocks is how many scripted ptp4ls there are. One that pushes more often than its Sync
// interval explains is not subscribed to any more, so the changes are spread.
const clocks = 6

// run is a node on which a receive adapter lives and dies.
type run struct {
	t         *testing.T
	random    *rand.Rand
	book      *book
	sink      *sink
	sockets   string
	directory string
	config    config

	// diskFails is whether the directory is one that cannot always be written.
	diskFails bool

	clocks  []*clock
	adapter *adapter
	lives   int
	kills   int
	logs    []*log
}

// clock is a scripted ptp4l.
type clock struct {
	*simulator.Simulator
	name  string
	class uint8 // of the grandmaster
	down  bool  // its link
	ask   *pmc.Client
}

func newRun(t *testing.T, entries int) *run {
	dir := t.TempDir()
	r := &run{
		t: t, random: rand.New(rand.NewPCG(*seed, 0)), book: newBook(),
		sockets: filepath.Join(dir, "ptp4l.*.socket"), directory: filepath.Join(dir, "journal"),
		config: config{
			// Nothing but what is done to a clock may change it, however busy the machine is.
			"thresholds": config{"lockSamples": 1, "holdoverTimeout": "24h", "syncTimeout": "1m"},
			"delivery":   config{"timeout": "1s", "backoffDelay": "1ms", "backoffMax": "20ms", "retryAfterMax": "30ms"},
			"history":    config{"entries": entries},
			"health":     config{"address": ""},
		},
	}
	t.Logf("seed %d, about %d transitions, a kill about every %d", *seed, *transitions, *every)
	var err error
	if r.sink, err = newSink(r.book, rand.New(rand.NewPCG(*seed, 1))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.sink.close(); err != nil {
			t.Error(err)
		}
	})
	for n := range clocks {
		r.clocks = append(r.clocks, r.newClock(dir, n))
	}
	return r
}

// newClock starts a ptp4l, and waits until it follows its grandmaster.
func (r *run) newClock(dir string, n int) *clock {
	r.t.Helper()
	c := simulator.DefaultClock()
	c.SlaveOnly = true
	c.Ports[0].Interface = fmt.Sprintf("ens%df0", n+1)
	c.Sync.Interval = time.Second / 16
	c.Announce.Interval = 0 // a grandmaster is chosen at once
	name := fmt.Sprintf("ptp4l.%d", n)
	socket := filepath.Join(dir, name+".socket")
	s, err := simulator.New(simulator.Config{Socket: socket, Clock: c})
	if err == nil {
		err = s.Start(r.t.Context())
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(s.Close)
	ask, err := pmc.Dial(r.t.Context(), pmc.Config{Socket: socket, Timeout: patience})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = ask.Close() })
	k := &clock{Simulator: s, name: name, class: c.Grandmaster.Class, ask: ask}
	r.following(k)
	return k
}

func (c *clock) lockState() string  { return resourceOf("/sync/ptp-status/lock-state", c.name) }
func (c *clock) clockClass() string { return resourceOf("/sync/ptp-status/clock-class", c.name) }

const syncState = "sync-status/sync-state"

// until waits for something to be so.
func (r *run) until(what string, is func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(500 * time.Microsecond) {
		if r.adapter != nil && !r.adapter.running() {
			r.t.Fatalf("the adapter has ended by itself: %v\n%s", r.adapter.err, r.adapter.log)
		}
		if time.Now().After(deadline) {
			said := ""
			if r.adapter != nil {
				said = r.adapter.abort()
			}
			r.t.Fatalf("no %s within %v; the adapter says\n%s", what, patience, said)
		}
	}
}

// recorded waits until the adapter has recorded what was done last to a resource.
func (r *run) recorded(resource string) {
	r.t.Helper()
	r.until("event of "+resource, func() bool { return r.book.recorded(resource) })
}

// following waits until the port of a clock is SLAVE.
func (r *run) following(c *clock) {
	r.t.Helper()
	r.until("port of "+c.name+" in SLAVE", func() bool {
		var port pmc.PortDataSet
		if err := c.ask.Fetch(r.t.Context(), &port); err != nil {
			r.t.Fatal(err)
		}
		return port.PortState == pmc.PortSlave
	})
}

// changeClass changes the class of a clock's grandmaster to one that was long not there.
func (r *run) changeClass(c *clock) {
	c.class = c.class%200 + 1
	c.SetClass(c.class)
	r.book.did(c.clockClass(), fmt.Sprint(c.class))
}

func (r *run) linkDown(c *clock) {
	c.down = true
	c.LinkDown(1)
	r.book.did(c.lockState(), "HOLDOVER")
	r.book.did(c.clockClass(), "255")
}

// linkUp gives the link back, and waits until the clock follows its grandmaster again.
func (r *run) linkUp(c *clock) {
	r.t.Helper()
	c.down = false
	c.LinkUp(1)
	r.book.did(c.lockState(), "LOCKED")
	r.book.did(c.clockClass(), fmt.Sprint(c.class))
	r.following(c)
}

// launch begins a life. Every other one has a dead letter sink.
func (r *run) launch() {
	r.t.Helper()
	r.lives++
	c := maps.Clone(r.config)
	if r.lives%2 == 0 {
		delivery := maps.Clone(c["delivery"].(config))
		delivery["deadLetterSink"] = r.sink.url(r.lives, true)
		c["delivery"] = delivery
	}
	r.book.begin(r.lives, r.lives%2 == 0)
	l := &log{life: r.lives, book: r.book, said: map[string]int{}}
	r.logs = append(r.logs, l)
	a, err := launch(os.Getenv(inside), r.sink.url(r.lives, false), r.sockets, r.directory, c, l)
	if err != nil {
		r.t.Fatal(err)
	}
	r.adapter = a
	r.t.Cleanup(func() {
		if a.running() {
			_ = a.Process.Kill()
			<-a.ended
		}
	})
}

// start begins a life, and waits until the adapter has witnessed every clock: what changes
// from then on it must notice, each by itself.
func (r *run) start() {
	r.t.Helper()
	r.launch()
	if r.lives == 1 {
		r.firstStates()
	}
	for _, c := range r.clocks {
		r.changeClass(c)
		r.recorded(c.clockClass())
	}
}

// firstStates waits for what the first adapter of all says by itself.
func (r *run) firstStates() {
	r.t.Helper()
	for _, c := range r.clocks {
		r.until("lock of "+c.name, func() bool {
			return r.book.is(c.lockState(), "LOCKED") && r.book.is(c.clockClass(), fmt.Sprint(c.class))
		})
	}
	r.until("lock of the node", func() bool { return r.book.is(syncState, "LOCKED") })
	r.book.adopt()
}

// watched does so much to the clocks, and waits each time for the adapter to record it.
func (r *run) watched(n int) {
	r.t.Helper()
	for last := r.book.changes() + n; r.book.changes() < last; {
		c := r.clocks[r.random.IntN(len(r.clocks))]
		if r.random.IntN(20) == 0 {
			r.linkDown(c)
			r.recorded(c.lockState())
			r.recorded(c.clockClass())
			r.linkUp(c)
			r.recorded(c.lockState())
		} else {
			r.changeClass(c)
		}
		r.recorded(c.clockClass())
		if r.random.IntN(50) == 0 {
			r.sink.refuse(time.Duration(10+r.random.IntN(50)) * time.Millisecond)
		}
		time.Sleep(time.Duration(r.random.IntN(10)) * time.Millisecond)
	}
}

// roomy waits until the journal has room for all that comes.
func (r *run) roomy() {
	r.t.Helper()
	const most = 300
	if r.book.waiting() > most {
		r.until("end of the backlog", func() bool { return r.book.waiting() < most/2 })
	}
}

// crash kills the adapter: while it is idle, or while it does what something that happens to
// clocks has it do.
func (r *run) crash() {
	r.t.Helper()
	order := r.random.Perm(len(r.clocks))
	switch r.random.IntN(4) {
	case 0:
	case 1:
		r.linkDown(r.clocks[order[0]])
	default:
		for _, n := range order[:1+r.random.IntN(3)] {
			r.changeClass(r.clocks[n])
		}
	}
	time.Sleep(time.Duration(r.random.IntN(4000)) * time.Microsecond)
	r.kill()
	r.meanwhile()
}

func (r *run) kill() {
	r.t.Helper()
	r.adapter.kill(r.t)
	r.adapter = nil
	r.kills++
}

// meanwhile does something to the clocks that no adapter can see.
func (r *run) meanwhile() {
	r.t.Helper()
	for range r.random.IntN(4) {
		if c := r.clocks[r.random.IntN(len(r.clocks))]; !c.down {
			r.changeClass(c)
		}
	}
	if c := r.clocks[r.random.IntN(len(r.clocks))]; !c.down && r.random.IntN(4) == 0 {
		r.linkDown(c)
	}
	for _, c := range r.clocks {
		if c.down {
			r.linkUp(c)
		}
	}
}

// falseStart kills an adapter that has hardly begun.
func (r *run) falseStart() {
	r.t.Helper()
	r.launch()
	pause := func() { time.Sleep(time.Duration(r.random.IntN(400)) * time.Millisecond) }
	pause()
	r.changeClass(r.clocks[r.random.IntN(len(r.clocks))])
	pause()
	r.kill()
	r.meanwhile()
}

// end lets everything be well, waits until all is sent, and looks at what has become of it.
func (r *run) end(rules ledger.Rules) ledger.Report {
	r.t.Helper()
	r.finish(!rules.Losses)
	report := r.book.check(rules, r.diskFails)
	r.t.Logf("%d transitions, %d kills in %d lives: %v, %d lost as announced", r.book.changes(), r.kills, r.lives, report, report.Lost)
	for _, name := range slices.Sorted(maps.Keys(r.sink.happened)) {
		r.t.Logf("%6d times the sink %s", r.sink.happened[name], name)
	}
	r.blame(report.Wrong)
	return report
}

// finish lets everything be well, and waits until the last event is sent, or all are.
func (r *run) finish(all bool) {
	r.t.Helper()
	r.sink.settle(true)
	r.watched(1)
	if all {
		r.until("end of the backlog", func() bool { return r.book.waiting() == 0 })
	}
	r.until("last event", func() bool { return r.book.lastIsThrough() })
	if err := r.adapter.stop(); err != nil {
		r.t.Errorf("%v\n%s", err, r.adapter.log)
	}
}

// blame fails the test for what is wrong, and for what must not happen in any.
func (r *run) blame(wrong []string) {
	r.t.Helper()
	wrong = append(wrong, r.sink.bad...)
	for _, l := range r.logs {
		if !r.diskFails {
			wrong = append(wrong, l.bad...)
		}
	}
	const shown = 30
	if len(wrong) > 0 {
		r.t.Errorf("%d things are wrong:\n%s", len(wrong), strings.Join(wrong[:min(shown, len(wrong))], "\n"))
	}
}
