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

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
)

// scriptedStage is a simulated ptp4l: the same protocol over the same socket, and no clock.
type scriptedStage struct {
	*simulator.Simulator
	dir string
}

func newScript(ctx context.Context) (stage, error) {
	dir, err := os.MkdirTemp("", "eventing-ptp-demo-")
	if err != nil {
		return nil, err
	}
	s := &scriptedStage{dir: dir}
	clock := simulator.DefaultClock()
	clock.SlaveOnly = true
	if s.Simulator, err = simulator.New(simulator.Config{Socket: filepath.Join(dir, "ptp4l.0.socket"), Clock: clock}); err == nil {
		err = s.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *scriptedStage) Sockets() string   { return filepath.Join(s.dir, "ptp4l.*.socket") }
func (s *scriptedStage) Namespace() string { return "" }

func (s *scriptedStage) Close() error {
	s.Simulator.Close()
	return os.RemoveAll(s.dir)
}

// now does f and returns the time just before.
func now(f func()) func(context.Context) (time.Time, error) {
	return func(context.Context) (time.Time, error) {
		at := time.Now()
		f()
		return at, nil
	}
}

// Faults are those of the real clock, as far as a script has them.
func (s *scriptedStage) Faults() []fault {
	locked := expectation{lockState, "LOCKED"}
	holdover := expectation{lockState, "HOLDOVER"}
	freerun := expectation{lockState, "FREERUN"}
	return []fault{
		{
			title: "The follower's servo loses lock",
			do:    now(s.ServoUnlock), want: holdover,
			undo: now(s.ServoLock), back: locked,
		},
		{
			title: "The follower is off by 400 µs",
			do:    now(func() { s.SetOffset(400 * time.Microsecond) }), want: freerun,
			undo: now(func() { s.SetOffset(0) }), back: locked,
		},
		{
			title: "The grandmaster loses its reference: class 6 becomes 7",
			do:    now(func() { s.SetClass(7) }), want: expectation{clockClass, "7"},
			undo: now(func() { s.SetClass(6) }), back: expectation{clockClass, "6"},
		},
		{
			title: "The grandmaster freezes: it sends nothing more",
			do:    now(s.Silence), want: holdover,
			undo: now(s.Resume), back: locked,
		},
		{
			title: "The grandmaster's link goes down, for longer than the holdover",
			do:    now(func() { s.LinkDown(1) }), want: holdover, later: freerun,
			undo: now(func() { s.LinkUp(1) }), back: locked,
		},
		{
			title: "ptp4l is killed",
			do:    now(s.Crash), want: holdover,
			undo: func(context.Context) (time.Time, error) { return time.Now(), s.Restart() },
			back: locked,
		},
	}
}
