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
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// state is what is known of all clocks at this moment, for people who ask.
func (l *line) state(source string) stream.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	since := func(k clock.Kind, instance string) *time.Time {
		at, known := l.since[property{k, instance}]
		if !known {
			return nil
		}
		t := l.wall(now, at).UTC().Round(0)
		return &t
	}
	resources := []stream.Resource{}
	for _, p := range l.present(now) {
		resources = append(resources, stream.Resource{
			Address: p.event.Address.String(), Instance: p.event.Address.Instance, State: p.event.State, Since: since(p.kind, p.instance),
		})
	}
	place := l.encoder.Place()
	nodeReason, osReason := l.node.Reasons()
	s := stream.State{
		Cluster: place.Cluster, Node: place.Node, Source: source, Time: now.UTC().Round(0),
		Overall:   stream.Condition{State: l.node.State().String(), Since: since(clock.SyncState, ""), Reason: string(nodeReason)},
		Instances: []stream.Instance{}, Resources: resources,
		Thresholds: stream.Thresholds{
			LockOffset: l.thresholds.LockOffset.String(), UnlockOffset: l.thresholds.UnlockOffset.String(),
			HoldoverTimeout: l.thresholds.HoldoverTimeout.String(),
		},
	}
	if os := l.node.OSClockState(); os != clock.Unknown {
		s.OSClock = &stream.Condition{State: os.String(), Since: since(clock.OSClockState, ""), Reason: string(osReason)}
	}
	for _, i := range l.node.Present() {
		s.Instances = append(s.Instances, instanceState(i, since(clock.LockState, i.Instance)))
	}
	return s
}

// present is what a property is now: an event whose time is when it became so. What was not
// seen to begin in this life has that of its start.
type present struct {
	property
	event oran.Event
}

func (l *line) present(now time.Time) []present {
	var all []present
	for _, t := range l.node.Reassert(l.instant(now)) {
		p := property{t.Kind, t.Instance}
		event, err := l.encoder.Encode(t, l.wall(now, l.since[p]))
		if err != nil {
			continue // Reassert has only what can be published
		}
		event.Previous, event.Reason = "", ""
		all = append(all, present{p, event})
	}
	return all
}

func instanceState(s clock.Status, since *time.Time) stream.Instance {
	i := stream.Instance{
		Name:      s.Instance,
		Condition: stream.Condition{State: s.State.String(), Since: since, Reason: string(s.Reason)},
		Up:        s.Up, Silent: s.Silent, Interface: s.Interface,
	}
	if s.HasOffset {
		i.OffsetNanoseconds = new(s.Offset.Nanoseconds())
	}
	if s.HasPathDelay {
		i.PathDelayNanoseconds = new(s.PathDelay.Nanoseconds())
	}
	if s.Grandmaster != (clock.Identity{}) {
		i.Grandmaster = s.Grandmaster.String()
	}
	if s.Class != nil {
		i.Class = s.Class.String()
	}
	for _, p := range s.Ports {
		i.Ports = append(i.Ports, stream.Port{Number: int(p.Number), State: p.State.String(), Interface: p.Interface})
	}
	return i
}
