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

package simulator

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPlay(t *testing.T) {
	for _, tc := range []struct {
		name  string
		steps []Step
		loop  bool
		until time.Duration // 0: to the end
		want  []played
	}{
		{
			name:  "in order and in time",
			steps: []Step{{At: 0, Do: "offset", To: 1}, {At: 1500 * time.Millisecond, Do: "offset", To: 2}, {At: 1500 * time.Millisecond, Do: "offset", To: 3}},
			want:  []played{{0, "sync 1"}, {1500 * time.Millisecond, "sync 2"}, {1500 * time.Millisecond, "sync 3"}},
		},
		{
			name: "again and again", loop: true, until: 4500 * time.Millisecond,
			steps: []Step{{At: time.Second, Do: "offset", To: 1}, {At: 2 * time.Second, Do: "offset", To: 2}},
			want:  []played{{time.Second, "sync 1"}, {2 * time.Second, "sync 2"}, {3 * time.Second, "sync 1"}, {4 * time.Second, "sync 2"}},
		},
		{
			name: "until the context is done", until: time.Second,
			steps: []Step{{At: 0, Do: "offset", To: 1}, {At: 2 * time.Second, Do: "offset", To: 2}},
			want:  []played{{0, "sync 1"}},
		},
		{name: "no steps", loop: true},
		{name: "a loop of no time ends", loop: true, steps: []Step{{Do: "offset", To: 1}}, want: []played{{0, "sync 1"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, out := newRecorded(t, atOnce())
				ctx := t.Context()
				if tc.until > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tc.until)
					defer cancel()
				}
				var got []played
				err := s.Play(ctx, Scenario{Steps: tc.steps, Loop: tc.loop}, func(int) {
					for _, line := range out.take(t) {
						got = append(got, played{s.now(), line})
					}
				})
				if want := ctx.Err(); !errors.Is(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("played (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestPlayNamesTheStepThatFails(t *testing.T) {
	s, _ := newRecorded(t, atOnce())
	for _, tc := range []struct {
		step Step
		want string
	}{
		{Step{Do: "explode"}, "scenario: step 2 (explode): there is no such verb; choose one of " + verbNames()},
		{Step{Do: "link-down", Port: "eth7"}, "scenario: step 2 (link-down): there is no port eth7; the ports are ens1f0"},
		{Step{Do: "restart"}, "scenario: step 2 (restart): restart ptp4l: the simulator is not running; start it first"},
	} {
		err := s.Play(t.Context(), Scenario{Steps: []Step{{Do: "lock"}, tc.step}}, func(int) {})
		if err == nil || err.Error() != tc.want {
			t.Errorf("error %v\nwant  %s", err, tc.want)
		}
	}
}

// Every verb can be played, and every example.
func TestExamples(t *testing.T) {
	want := []string{
		"bad-frames", "boundary-clock", "day-in-the-life", "flapping", "gnss-loss", "grandmaster-switch", "hang",
		"healthy", "holdover", "leap-second", "silence",
	}
	if diff := cmp.Diff(want, Examples()); diff != "" {
		t.Errorf("examples (-want +got):\n%s", diff)
	}
	for _, name := range Examples() {
		t.Run(name, func(t *testing.T) {
			text, err := Example(name)
			if err != nil {
				t.Fatal(err)
			}
			sc, err := ParseScenario(text)
			if err != nil {
				t.Fatal(err)
			}
			if sc.Description == "" {
				t.Error("no description")
			}
			sc = sc.Faster(500)
			sc.Loop = false
			s, err := New(Config{Socket: filepath.Join(t.TempDir(), "ptp4l"), Clock: sc.Clock})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Play(t.Context(), sc, func(int) {}); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := Example("nonsense"); err == nil {
		t.Error("an example called nonsense")
	}
}

func TestEveryVerbIsPlayed(t *testing.T) {
	s := start(t, nil)
	c := dial(t, s.config.Socket)
	for _, v := range verbs {
		t.Run(v.name, func(t *testing.T) {
			sc, err := ParseScenario([]byte("steps:\n- " + v.example()))
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range sc.Steps {
				if err := step.run(s); err != nil {
					t.Error(err)
				}
			}
		})
	}
	s.Lock()
	c.nothing()
}
