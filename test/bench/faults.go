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
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
	"github.com/eventing-ptp/eventing-ptp/test/lab"
	"github.com/eventing-ptp/eventing-ptp/test/witness"
)

// fault is one thing that goes wrong, and what must tell of it.
type fault struct {
	name     string
	do, undo string // as the lab takes them
	want     func(arrival) bool
	back     func(arrival) bool
	push     func(witness.Sighting) bool // of ptp4l; nil where it pushes nothing
	ends     bool                        // ptp4l; its end then takes the place of the push
	bar      *bar[time.Duration]         // of p50; nil for none
}

func isHoldover(a arrival) bool { return a.is(lockState, "HOLDOVER") }

func isClass(class uint8) func(arrival) bool {
	return func(a arrival) bool { return a.is(clockClass, fmt.Sprint(class)) }
}

func comesTo(state pmc.PortState) func(witness.Sighting) bool {
	return func(s witness.Sighting) bool { return s.ID == pmc.IDPortDataSet && s.State == state }
}

// quickFaults end soon where Announces are frequent.
func quickFaults() []fault {
	return []fault{
		{
			name: "the peer's link goes down",
			do:   "link down gm", undo: "link up gm", want: isHoldover, back: isLocked,
			push: comesTo(pmc.PortFaulty), bar: &bar[time.Duration]{15 * time.Millisecond, 6 * time.Millisecond},
		},
		{
			name: "the servo loses lock",
			do:   "servo unlock follower", undo: "servo lock follower", want: isHoldover, back: isLocked,
			push: comesTo(pmc.PortUncalibrated),
		},
		{
			name: "the grandmaster's class changes",
			do:   "class gm 7", undo: "class gm 6", want: isClass(7), back: isClass(6),
			push: func(s witness.Sighting) bool { return s.ID == pmc.IDParentDataSet && s.Class == 7 },
		},
		{
			name: "ptp4l is killed",
			do:   "kill follower", undo: "restart follower", want: isHoldover, back: isLocked,
			ends: true,
		},
	}
}

// silence takes the usual one Announce per second: with more of them ptp4l itself
// would notice before half a second is over.
func silence() []fault {
	return []fault{{
		name: "the grandmaster freezes",
		do:   "freeze gm", undo: "thaw gm", want: isHoldover, back: isLocked,
		bar: &bar[time.Duration]{time.Second, 550 * time.Millisecond},
	}}
}

// faults breaks a network of real clocks and measures how long the event takes.
func (b *bench) faults(ctx context.Context) (*table, error) {
	t := &table{
		conditions: fmt.Sprintf("linuxptp %s in network namespaces, 8 Sync/s, 8 Announce/s (1 where the grandmaster freezes), n = %d each, at random phases",
			b.version, b.rounds),
		header: []string{"fault", "fault to push p50", "fault to event p50", "min", "max", "push to event p50", "max", "p50 at most", "aim", "verdict"},
		notes: []string{
			"Push: when ptp4l sent it, which a management client of the benchmark itself was told by the kernel. What",
			"comes before is ptp4l's and the network's time, for most of these the wait for the next message. Where",
			"ptp4l is killed: when its process had ended; Linux takes its time to close packet sockets.",
		},
	}
	if err := b.faultsAt(ctx, t, -3, quickFaults()); err != nil {
		return nil, err
	}
	return t, b.faultsAt(ctx, t, 0, silence())
}

// faultsAt plays faults in a lab with the given Announce interval.
func (b *bench) faultsAt(ctx context.Context, t *table, logAnnounce int8, faults []fault) (err error) {
	o := lab.DefaultOptions()
	o.Version, o.LogAnnounce = b.version, logAnnounce
	l, err := lab.Build(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	w, err := b.watch(ctx, l.Sockets("follower"), 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	stage := stage{l, w.sink}
	for _, f := range faults {
		var results results
		for range b.rounds {
			r, err := stage.play(ctx, f)
			if err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			results = append(results, r)
		}
		t.add(results.cells(f)...)
	}
	return nil
}

// stage is where faults are played.
type stage struct {
	lab  *lab.Lab
	sink *sink
}

// result is how long it took in one round.
type result struct{ toPush, toEvent time.Duration }

// play plays a fault and its end.
func (s stage) play(ctx context.Context, f fault) (r result, err error) {
	// A fault may meet the Syncs, which come every 125 ms, in any phase.
	if err := pause(ctx, 250*time.Millisecond+rand.N(250*time.Millisecond)); err != nil {
		return r, err
	}
	follower, err := s.lab.Clock("follower")
	if err != nil {
		return r, err
	}
	w, err := witness.New(follower.Socket())
	if err != nil {
		return r, err
	}
	defer w.Close()

	began, err := s.lab.Do(ctx, f.do)
	if err != nil {
		return r, err
	}
	done := time.Now()
	event, err := s.sink.next(ctx, "event of the fault", f.want)
	if err != nil {
		return r, err
	}
	r.toEvent = event.at.Sub(began)
	switch {
	case f.ends:
		r.toPush = done.Sub(began)
	case f.push != nil:
		push, err := w.First(began, f.push)
		if err != nil {
			return r, err
		}
		r.toPush = push.At.Sub(began)
	}
	if _, err := s.lab.Do(ctx, f.undo); err != nil {
		return r, err
	}
	_, err = s.sink.next(ctx, "event of its end", f.back)
	return r, err
}

// results are those of all rounds of a fault.
type results []result

func (r results) cells(f fault) []string {
	var events, pushes, shares []time.Duration
	for _, one := range r {
		events = append(events, one.toEvent)
		pushes = append(pushes, one.toPush)
		shares = append(shares, one.toEvent-one.toPush)
	}
	event := summarize(events)
	push, share, worst := "none", "-", "-"
	if f.push != nil || f.ends {
		s := summarize(shares)
		push, share, worst = ms(summarize(pushes).p50), ms(s.p50), ms(s.max)
	}
	verdict := noBar()
	if f.bar != nil {
		verdict = f.bar.cells(event.p50, ms)
	}
	return append([]string{f.name, push, ms(event.p50), ms(event.min), ms(event.max), share, worst}, verdict...)
}
