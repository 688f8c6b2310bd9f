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

package adapter

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// watched is a line with the clocks of a test in front of it.
type watched struct {
	*line
	logs *observer.ObservedLogs
}

func newWatched(t *testing.T, change ...func(*config.Config)) watched {
	t.Helper()
	c := config.Default()
	for _, f := range change {
		f(&c)
	}
	encoder, err := oran.NewEncoder(oran.Place{Cluster: "cluster", Node: "n1"}, oran.SourceFull)
	if err != nil {
		t.Fatal(err)
	}
	events, err := journal.NewMemory(journal.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.InfoLevel)
	l := newLine(time.Now(), c, encoder, zap.New(core).Sugar())
	l.begin(events)
	t.Cleanup(l.close)
	return watched{l, logs}
}

// see is an observation of now.
func (w watched) see(f clock.Fact) {
	w.observe(clock.Observation{At: w.instant(time.Now()), Instance: "ptp4l.0", Fact: f})
}

// lines returns what was logged since it was asked last: one text for each line, without
// the epoch of ids.
func (w watched) lines() []string {
	var lines []string
	for _, e := range w.logs.TakeAll() {
		line := e.Message
		for _, f := range e.Context {
			value := fmt.Sprint(f.Interface)
			switch f.Type {
			case zapcore.StringType:
				value = f.String
			case zapcore.TimeType:
				value = time.Unix(0, f.Integer).UTC().Format("15:04:05.000")
			}
			if _, sequence, ok := strings.Cut(value, "-"); ok && f.Key == "id" {
				value = sequence
			}
			line += " " + f.Key + "=" + value
		}
		lines = append(lines, line)
	}
	return lines
}

var (
	grandmaster = clock.Identity{0x42, 0x16, 0x0d, 0xff, 0xfe, 0x62, 0x7a, 0xe7}
	follower    = clock.Reading{
		Local:  clock.Local{Identity: clock.Identity{0x76, 0x7f, 0x31, 0xff, 0xfe, 0x39, 0x9e, 0x95}, Class: 255},
		Parent: clock.Parent{Grandmaster: grandmaster, Class: 6},
		Ports:  []clock.Port{{Number: 1, State: clock.Slave, Interface: "ens1f0"}},
	}
)

// A change is one line, with all that is known at that moment and nothing that is not.
func TestLogOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lock, class, node = "resource=/cluster/node/n1/ptp4l.0/sync/ptp-status/lock-state", "resource=/cluster/node/n1/ptp4l.0/sync/ptp-status/clock-class", "resource=/cluster/node/n1/sync/sync-status/sync-state"
		w := newWatched(t)
		for _, step := range []struct {
			name string
			do   func()
			want []string
		}{
			{
				"found in good order",
				func() {
					w.observe(clock.Observation{Fact: clock.Inventory{Instances: []string{"ptp4l.0"}}})
					w.see(follower)
					w.see(clock.PathDelay{Delay: 2874})
					w.see(clock.Sync{Offset: -12})
				},
				[]string{
					"ready: every clock source was read once or is known to be absent",
					"changed " + lock + " instance=ptp4l.0 to=LOCKED reason=OffsetInRange interface=ens1f0 offset=-12ns pathDelay=2.874µs grandmaster=42160d.fffe.627ae7 class=6 observed=00:00:00.000 id=1",
					"changed " + class + " instance=ptp4l.0 to=6 reason=ParentClass interface=ens1f0 offset=-12ns pathDelay=2.874µs grandmaster=42160d.fffe.627ae7 class=6 observed=00:00:00.000 id=2",
					"changed " + node + " to=LOCKED reason=OffsetInRange interface=ens1f0 observed=00:00:00.000 id=3",
				},
			},
			{
				"the source is lost after 90 s",
				func() {
					time.Sleep(90 * time.Second)
					w.see(clock.Silence{For: time.Second})
				},
				[]string{
					"changed " + lock + " instance=ptp4l.0 from=LOCKED to=HOLDOVER reason=SyncSilent lasted=1m30s interface=ens1f0 grandmaster=42160d.fffe.627ae7 class=255 observed=00:01:30.000 id=4",
					"changed " + class + " instance=ptp4l.0 from=6 to=255 reason=OwnClass lasted=1m30s interface=ens1f0 grandmaster=42160d.fffe.627ae7 class=255 observed=00:01:30.000 id=5",
					"changed " + node + " from=LOCKED to=HOLDOVER reason=SyncSilent lasted=1m30s interface=ens1f0 observed=00:01:30.000 id=6",
				},
			},
			{
				"the holdover is over",
				func() { time.Sleep(6 * time.Second) },
				[]string{
					"changed " + lock + " instance=ptp4l.0 from=HOLDOVER to=FREERUN reason=HoldoverExpired lasted=5s interface=ens1f0 grandmaster=42160d.fffe.627ae7 class=255 observed=00:01:35.000 id=7",
					"changed " + node + " from=HOLDOVER to=FREERUN reason=HoldoverExpired lasted=5s interface=ens1f0 observed=00:01:35.000 id=8",
				},
			},
		} {
			step.do()
			synctest.Wait()
			if diff := cmp.Diff(step.want, w.lines()); diff != "" {
				t.Errorf("%s: logged (-want +got):\n%s", step.name, diff)
			}
		}
	})
}

// That the OS clock was set is an event of our own, for those who ask for it by name.
func TestStepsOfTheOSClock(t *testing.T) {
	const step = "changed resource=/cluster/node/n1/sync/sync-status/os-clock-set to=-37000000000 reason=ClockStepped observed=00:00:0"
	const state = "changed resource=/cluster/node/n1/sync/sync-status/os-clock-sync-state "
	for _, tc := range []struct {
		name  string
		types []string
		want  []string
	}{
		{"all of O-RAN's types", nil, []string{
			state + "to=LOCKED reason=Disciplined observed=00:00:00.000 id=1",
			state + "from=LOCKED to=FREERUN reason=ClockStepped lasted=1s observed=00:00:01.000 id=2",
		}},
		{"steps alone", []string{oran.OSClockStepped}, []string{step + "1.000 id=1", step + "2.000 id=2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, func(c *config.Config) {
					c.OSClock = config.OSClock{Enabled: true, FedBy: config.FedByOther}
					c.Events.Types = tc.types
				})
				w.see(clock.OSClock{})
				for range 2 {
					time.Sleep(time.Second)
					w.see(clock.OSClockStep{By: -37 * time.Second})
					w.see(clock.OSClock{MaxError: clock.Unbounded})
				}
				if diff := cmp.Diff(tc.want, w.lines()); diff != "" {
					t.Errorf("logged (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What is told of a ptp4l besides its states is an event of our own, for those who ask for it by name.
func TestDetails(t *testing.T) {
	const ready = "ready: every clock source was read once or is known to be absent"
	const at = "changed resource=/cluster/node/n1/ptp4l.0"
	for _, tc := range []struct {
		name  string
		types []string
		want  []string
	}{
		{"steps alone", []string{oran.OSClockStepped}, []string{ready}},
		{"ports and the daemon", []string{oran.PortStateChanged, oran.DaemonStateChanged}, []string{
			ready,
			at + "/sync/ptp-status/daemon-state instance=ptp4l.0 to=UP reason=Reported interface=ens1f0 grandmaster=42160d.fffe.627ae7 observed=00:00:00.000 id=1",
			at + "-1/sync/ptp-status/port-state instance=ptp4l.0-1 to=SLAVE reason=Reported interface=ens1f0 observed=00:00:00.000 id=2",
			at + "/sync/ptp-status/daemon-state instance=ptp4l.0 from=UP to=DOWN reason=DaemonDown lasted=1s interface=ens1f0 grandmaster=42160d.fffe.627ae7 class=255 observed=00:00:01.000 id=3",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, func(c *config.Config) { c.Events.Types = tc.types })
				w.observe(clock.Observation{Fact: clock.Inventory{Instances: []string{"ptp4l.0"}}})
				w.see(follower)
				time.Sleep(time.Second)
				w.see(clock.Down{})
				if diff := cmp.Diff(tc.want, w.lines()); diff != "" {
					t.Errorf("logged (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// An hour of a clock that is well, with all that is polled and pushed in it, is silent.
func TestNothingIsLoggedPeriodically(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		w.observe(clock.Observation{Fact: clock.Inventory{Instances: []string{"ptp4l.0"}}})
		w.see(follower)
		w.see(clock.Sync{})
		if n := len(w.lines()); n != 4 {
			t.Errorf("%d lines at the start, want 4", n)
		}
		const rate, seconds = 16, 3600
		for n := range rate * seconds {
			time.Sleep(time.Second / rate)
			w.see(clock.Sync{Offset: time.Duration(n%200 - 100), Calm: n % 4})
			if n%(5*rate) == 0 { // all that is polled
				w.see(follower.Local)
				w.see(clock.PathDelay{Delay: time.Duration(2800 + n%100)})
				w.see(follower.Parent)
				w.see(follower.Ports[0])
			}
			if n%(600*rate) == 0 { // pushes were lost
				w.see(follower)
			}
		}
		if lines := w.lines(); len(lines) > 0 {
			t.Errorf("logged: %q", lines)
		}
	})
}
