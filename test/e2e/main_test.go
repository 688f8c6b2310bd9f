//go:build e2e

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

// Package e2e has what runs on a real cluster: hack/e2e.sh brings one up.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// What all tests share: the cluster, the clocks of its nodes, and the sources that watch
// everything from beginning to end.
var (
	cluster *kit.Cluster
	clocks  *kit.Clocks
	always  *watch
)

// instances is how many ptp4ls run on each node. The first is left alone, the others are
// for the tests named.
const (
	forStates    = 1 // TestChain, and before it TestLatency and TestAdapterIsKilled
	forInstances = 2 // TestTwoInstancesOnANode, TestPtp4lRestarted
	forCommands  = 3 // TestCommandLine
	instances    = 4
)

// thresholds of config-ptp are for software timestamps on a machine that is busy. That a
// clock is lost is told by its port, which does not depend on them.
const thresholds = `{"data": {"lock-offset": "10ms", "unlock-offset": "20ms", "sync-timeout": "3s", "holdover-timeout": "2s"}}`

func TestMain(m *testing.M) {
	s := &suite{}
	status := s.run(m)
	if s.Failed() && status == 0 {
		status = 1
	}
	os.Exit(status)
}

// suite is all tests, as a test.
type suite struct {
	failed   atomic.Bool
	cleanups []func()
}

var _ kit.T = (*suite)(nil)

var errFatal = errors.New("the tests cannot begin")

func (s *suite) Helper()                        {}
func (s *suite) Name() string                   { return "TestAlways" }
func (s *suite) Context() context.Context       { return context.Background() }
func (s *suite) Cleanup(f func())               { s.cleanups = append(s.cleanups, f) }
func (s *suite) Failed() bool                   { return s.failed.Load() }
func (s *suite) Logf(format string, a ...any)   { fmt.Printf(format+"\n", a...) }
func (s *suite) Errorf(format string, a ...any) { s.failed.Store(true); s.Logf(format, a...) }
func (s *suite) Fatal(a ...any)                 { s.Errorf("%s", fmt.Sprint(a...)); panic(errFatal) }

func (s *suite) run(m *testing.M) (status int) {
	defer func() {
		if e := recover(); e != nil && e != any(errFatal) {
			panic(e)
		}
		for _, f := range slices.Backward(s.cleanups) {
			f()
		}
		if cluster != nil {
			s.end()
		}
	}()
	began := time.Now()
	s.begin()
	s.Logf("ready to begin after %v", time.Since(began).Round(time.Second))
	return m.Run()
}

// begin connects to the cluster, starts the clocks of its nodes, and who watches them.
func (s *suite) begin() {
	var err error
	if cluster, err = kit.Connect(); err != nil {
		s.Fatal(err)
	}
	config := cluster.Kube.CoreV1().ConfigMaps(kit.System)
	if _, err := config.Patch(s.Context(), "config-ptp", types.MergePatchType, []byte(thresholds), metav1.PatchOptions{}); err != nil {
		s.Fatal(err)
	}
	if clocks, err = cluster.StartClocks(s.Context(), instances, "n1", "n2"); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := clocks.Close(); err != nil {
			s.Errorf("end the clocks: %v", err)
		}
	})
	always = newWatch(cluster.NewRoom(s))
	s.Cleanup(func() { always.compare(s) })
}

// end looks whether anything is left, and closes the book.
func (s *suite) end() {
	err := cluster.Wait(s.Context(), "nothing to be left in the namespace of the adapters", cluster.NoAdapters)
	if err != nil {
		s.Errorf("%v", err)
	}
	s.Logf("the book of all tests: %v", cluster.Book.Sum())
}

// watch is two sources that watch all nodes all the time.
type watch struct {
	*kit.Room
	// app gets the events of the source "direct" as they are sent, handler those of the
	// source "mesh" through a Broker and a Trigger. It is a Knative Service.
	app, handler *kit.Recorder

	gone *[]ledger.Away
}

// both are the sources.
var both = []string{"direct", "mesh"}

func newWatch(r *kit.Room) *watch {
	w := &watch{Room: r, gone: &[]ledger.Away{}}
	w.app = r.StartRecorder("app")
	w.handler = r.StartService("handler").Rules(ledger.Rules{Unordered: true})
	r.Broker("default")
	r.Trigger("all", "default", "[]", w.handler)
	r.Source("direct", kit.To(w.app))
	r.Source("mesh", kit.ToBroker("default"))
	r.ServiceReady("handler")
	r.TriggerReady("all")
	for _, name := range both {
		r.ReadyOn(name, 2)
	}
	w.lives()
	return w
}

// in returns it for a test, which fails when something does not come.
func (w *watch) in(t *testing.T) *watch {
	r := w.In(test{t})
	return &watch{Room: r, app: w.app.In(r), handler: w.handler.In(r), gone: w.gone}
}

// lives waits until both sources have told of the next pulse of both clocks.
func (w *watch) lives() {
	w.Helper()
	now := time.Now()
	for _, node := range []string{"n1", "n2"} {
		w.app.Expect(now, kit.Event{Source: "direct", Node: node, Type: kit.ClockClass})
		w.handler.Expect(now, kit.Event{Source: "mesh", Node: node, Type: kit.ClockClass})
	}
}

// away notes that an adapter was not there to tell.
func (w *watch) away(source, node string, from, to time.Time) {
	*w.gone = append(*w.gone, ledger.Away{Stream: w.Namespace + "/" + source, Node: node, From: from, To: to})
}

// replaced waits until all adapters have been replaced because of a change.
func (w *watch) replaced(change func()) {
	w.Helper()
	before := map[string]int64{} // generations of the DaemonSets
	for _, name := range both {
		before[name] = w.DaemonSet(w.ReadyOn(name, 2)).Generation
	}
	from := time.Now()
	change()
	for _, name := range both {
		w.Eventually("other adapters of "+name, func(context.Context) error {
			d := w.DaemonSet(w.Get(name))
			if s := d.Status; d.Generation == before[name] || s.ObservedGeneration != d.Generation || s.UpdatedNumberScheduled != 2 || s.NumberAvailable != 2 {
				return fmt.Errorf("generation was %d and is %d: %+v", before[name], d.Generation, s)
			}
			return nil
		})
		w.ReadyOn(name, 2)
		for _, node := range []string{"n1", "n2"} {
			w.away(name, node, from, time.Now())
		}
	}
}

// compare looks whether every pulse was told of.
func (w *watch) compare(s *suite) {
	pulses := clocks.Pulses()
	for _, rec := range []*kit.Recorder{w.app, w.handler} {
		entries, err := rec.Read(s.Context())
		if err != nil {
			s.Errorf("%s: read what it has taken: %v", rec.Name, err)
		}
		// Other nodes come and go, and have other clocks.
		entries = slices.DeleteFunc(entries, func(e ledger.Entry) bool { return e.Extension("node") != "n1" && e.Extension("node") != "n2" })
		for _, line := range ledger.Missed(entries, "ptp4l.0", pulses, *w.gone) {
			s.Errorf("%s: %s", rec.Name, line)
		}
	}
	s.Logf("%d changes of the grandmaster's class were looked for at %s and %s", len(pulses), w.app.Name, w.handler.Name)
}

// newRoom makes the room of a test.
func newRoom(t *testing.T) *kit.Room {
	t.Helper()
	return cluster.NewRoom(test{t})
}

// test is a test whose context lasts until everything is cleaned up.
type test struct{ *testing.T }

// Context returns it.
func (t test) Context() context.Context { return context.WithoutCancel(t.T.Context()) }
