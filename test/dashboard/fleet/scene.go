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

package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// Healthy has a node with one ptp4l be LOCKED since a time, with all that it says then.
func (a *Adapter) Healthy(since time.Time) error {
	return a.Story(since,
		Step{0, Change{Kind: clock.LockState, Instance: "ptp4l.0", To: clock.Locked, Reason: clock.OffsetInRange, Offset: -37}},
		Step{0, Change{Kind: clock.ClockClass, Instance: "ptp4l.0", To: clock.Class(6), Reason: clock.ParentClass}},
		Step{0, Change{Kind: clock.SyncState, To: clock.Locked, Reason: clock.OffsetInRange}})
}

// Step is a change so long after the beginning.
type Step struct {
	After  time.Duration
	Change Change
}

// Story has changes happen, with the event of each, in the order of time.
func (a *Adapter) Story(begin time.Time, steps ...Step) error {
	slices.SortStableFunc(steps, func(x, y Step) int { return cmp.Compare(x.After, y.After) })
	for _, s := range steps {
		if _, err := a.Change(begin.Add(s.After), s.Change); err != nil {
			return err
		}
	}
	return nil
}

// Loss is that a clock loses its source at a time, is in FREERUN when holdover is over, and
// gets it back later; each is left out for 0.
func Loss(at time.Duration, reason clock.Reason, holdover, back time.Duration) []Step {
	become := func(after time.Duration, state clock.State, class clock.Class, why, whyClass clock.Reason, offset time.Duration) []Step {
		return []Step{
			{at + after, Change{Instance: "ptp4l.0", To: state, Reason: why, Offset: offset}},
			{at + after, Change{Kind: clock.ClockClass, Instance: "ptp4l.0", To: class, Reason: whyClass}},
			{at + after, Change{Kind: clock.SyncState, To: state, Reason: why}},
		}
	}
	steps := become(0, clock.Holdover, 135, reason, clock.OwnClass, 0)
	if holdover > 0 && (back == 0 || back > holdover) {
		steps = append(steps, become(holdover, clock.Freerun, 248, clock.HoldoverExpired, clock.OwnClass, 0)...)
	}
	if back > 0 {
		steps = append(steps, become(back, clock.Locked, 6, clock.OffsetInRange, clock.ParentClass, 61)...)
	}
	return steps
}

// Populate adds so many healthy nodes, and has a few of them be worse, as in a large fleet.
// The node that is told most of is the first.
func (f *Fleet) Populate(n int, now time.Time) ([]*Adapter, error) {
	var all []*Adapter
	for k := range n {
		name := fmt.Sprintf("du-%s-%02d", sites[k%len(sites)], k/len(sites)+1)
		a, err := f.Add("edge", "fleet", name)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
		if err := a.Healthy(now.Add(-time.Duration(40+k*k%9000) * time.Minute)); err != nil {
			return nil, err
		}
	}
	if err := all[0].Story(now, eventful()...); err != nil {
		return nil, err
	}
	for k, a := range all[1:] {
		var steps []Step
		switch {
		case k%211 == 6:
			steps = Loss(-time.Duration(95+k)*time.Second, clock.PortNotSlave, 5*time.Second, 0)
		case k%307 == 10:
			steps = []Step{
				{-34 * time.Second, Change{Instance: "ptp4l.0", To: clock.Freerun, Reason: clock.OffsetOutOfRange, Offset: 412_345}},
				{-34 * time.Second, Change{Kind: clock.SyncState, To: clock.Freerun, Reason: clock.OffsetOutOfRange}},
			}
		case k%173 == 4:
			steps = Loss(-time.Duration(7+k/50)*time.Second, clock.SyncSilent, 0, 0)
		case k%29 == 12:
			steps = Loss(-time.Duration(4+k%17)*time.Minute, clock.SyncSilent, 5*time.Second, time.Duration(2+k%9)*time.Second)
		}
		if err := a.Story(now, steps...); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// eventful is what happens to a node of which there is much to tell.
func eventful() []Step {
	const minute = time.Minute
	osClock := func(at time.Duration, state clock.State, reason clock.Reason) Step {
		return Step{at, Change{Kind: clock.OSClockState, To: state, Reason: reason}}
	}
	class := func(at time.Duration, class clock.Class) Step {
		return Step{at, Change{Kind: clock.ClockClass, Instance: "ptp4l.0", To: class, Reason: clock.ParentClass}}
	}
	return slices.Concat(
		[]Step{osClock(-39*minute, clock.Locked, clock.Disciplined)},
		Loss(-35*minute, clock.SyncSilent, 5*time.Second, 48*time.Second),
		[]Step{class(-31*minute, 7), class(-25*minute, 6)},
		Loss(-17*minute, clock.PortNotSlave, 4*minute, 7*minute),
		[]Step{
			osClock(-17*minute+3*time.Second, clock.Holdover, clock.NotDisciplined),
			osClock(-13*minute+3*time.Second, clock.Freerun, clock.HoldoverExpired),
			osClock(-10*minute+2*time.Second, clock.Locked, clock.Disciplined),
		},
	)
}

var sites = []string{"ams", "bru", "cph", "dub", "fra", "gva", "hel", "lis"}
