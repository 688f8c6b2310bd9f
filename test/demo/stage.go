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
	"fmt"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

// newStage returns a real ptp4l where one can run, else the scripted one.
func newStage(ctx context.Context, scripted bool, version string) (stage, error) {
	if scripted {
		say("A scripted ptp4l plays the clock, as asked. Nothing here is a real PTP clock.")
		return newScript(ctx)
	}
	err := lab.Check()
	if err == nil {
		_, err = lab.Find(ctx, version)
	}
	if err != nil {
		say("A scripted ptp4l plays the clock, because a real one cannot run here. Nothing below is a real PTP clock.\n   %v", err)
		return newScript(ctx)
	}
	say("Starting a grandmaster and a follower: real ptp4l %s in two network namespaces", version)
	o := lab.DefaultOptions()
	o.Version, o.LogAnnounce = version, -1
	l, err := lab.Build(ctx, o)
	if err != nil {
		return nil, err
	}
	follower, err := l.Clock("follower")
	if err != nil {
		return nil, err
	}
	return &ptp4lStage{lab: l, follower: follower}, nil
}

// ptp4lStage is a lab of two real clocks.
type ptp4lStage struct {
	lab      *lab.Lab
	follower *lab.Clock
}

func (s *ptp4lStage) Sockets() string   { return s.lab.Sockets("follower") }
func (s *ptp4lStage) Namespace() string { return s.follower.Namespace() }
func (s *ptp4lStage) Close() error      { return s.lab.Close() }

// verb does what a line of the lab's language says.
func (s *ptp4lStage) verb(line string) func(context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) { return s.lab.Do(ctx, line) }
}

// Faults breaks first the follower, then its grandmaster, then the network, and at the
// end the daemon itself.
func (s *ptp4lStage) Faults() []fault {
	locked := expectation{lockState, "LOCKED"}
	holdover := expectation{lockState, "HOLDOVER"}
	freerun := expectation{lockState, "FREERUN"}
	return []fault{
		{
			title: "The follower's servo loses lock",
			do:    s.verb("servo unlock follower"), want: holdover,
			undo: s.verb("servo lock follower"), back: locked,
		},
		{
			title: "The follower is off by 400 µs",
			do:    s.verb("offset follower 400us"), want: freerun,
			undo: s.verb("offset follower 0s"), back: locked,
		},
		{
			title: "The grandmaster loses its reference: class 6 becomes 7",
			do:    s.verb("class gm 7"), want: expectation{clockClass, "7"},
			undo: s.verb("class gm 6"), back: expectation{clockClass, "6"},
		},
		{
			title: "The grandmaster freezes: it sends nothing more",
			do:    s.verb("freeze gm"), want: holdover,
			undo: s.verb("thaw gm"), back: locked,
		},
		{
			title: "The grandmaster's link goes down, for longer than the holdover",
			do:    s.verb("link down gm"), want: holdover, later: freerun,
			undo: s.verb("link up gm"), back: locked,
		},
		{
			title: "ptp4l is killed",
			do:    s.verb("kill follower"), want: holdover,
			undo: func(ctx context.Context) (time.Time, error) {
				at, err := s.follower.Restart(ctx)
				if err != nil {
					return at, err
				}
				_, err = s.follower.ServoLock(ctx)
				if err != nil {
					return at, fmt.Errorf("after the restart: %w", err)
				}
				return at, nil
			},
			back: locked,
		},
	}
}
