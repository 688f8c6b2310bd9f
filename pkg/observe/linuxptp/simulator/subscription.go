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
	"math"
	"slices"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// subscriber is a client that receives pushes. ptp4l knows it by the identity that it
// gives itself, and by the address of its last subscription.
type subscriber struct {
	identity pmc.PortIdentity
	to       string
	events   pmc.EventMask
	// expires is a time in whole seconds, which is how ptp4l counts.
	expires int64
	forever bool
	// sequence counts the pushes; renewing a subscription does not reset it.
	sequence uint16
}

// subscribe adds, renews or, with an empty mask, removes a subscription.
func (d *daemon) subscribe(r *request, now time.Duration) {
	var want pmc.SubscribeEventsNP
	if want.UnmarshalBinary(r.Data) != nil {
		return
	}
	i := slices.IndexFunc(d.subscribers, func(s *subscriber) bool { return s.identity == r.Source })
	if want.Events == (pmc.EventMask{}) {
		if i >= 0 {
			d.subscribers = slices.Delete(d.subscribers, i, i+1)
		}
		return
	}
	if i < 0 {
		i = len(d.subscribers)
		d.subscribers = append(d.subscribers, &subscriber{identity: r.Source})
	}
	s := d.subscribers[i]
	s.to = r.from
	s.events = want.Events
	s.expires = seconds(now) + int64(want.Duration)
	s.forever = want.Duration == math.MaxUint16 && d.clock.Version.since("4.4")
}

// subscription returns what a client is subscribed to, and for how many more seconds.
func (d *daemon) subscription(client pmc.PortIdentity, now time.Duration) *pmc.SubscribeEventsNP {
	for _, s := range d.subscribers {
		if s.identity != client {
			continue
		}
		left := max(s.expires-seconds(now), 0)
		if s.forever {
			left = 0
		}
		return &pmc.SubscribeEventsNP{Duration: uint16(left), Events: s.events}
	}
	return &pmc.SubscribeEventsNP{}
}

// prune forgets the subscriptions that have expired. ptp4l does so at the end of each
// round of its loop.
func (d *daemon) prune(now time.Duration) {
	d.subscribers = slices.DeleteFunc(d.subscribers, func(s *subscriber) bool {
		return !s.forever && s.expires <= seconds(now)
	})
}

func seconds(now time.Duration) int64 { return int64(now / time.Second) }

// notify pushes a data set to everyone who has subscribed to the event, if the version
// has that push.
func (d *daemon) notify(event pmc.Event, source uint16, data pmc.DataSet) {
	if !d.clock.Version.pushes(event) {
		return
	}
	pushed := false
	for _, s := range d.subscribers {
		if !s.events.Has(event) {
			continue
		}
		pushed = true
		frame := d.push(s, source, data)
		s.sequence++
		if d.dropPushes == 0 {
			d.out.send(false, s.to, frame)
		}
	}
	if pushed && d.dropPushes > 0 {
		d.dropPushes--
	}
}

// push is the next push to a subscriber.
func (d *daemon) push(s *subscriber, source uint16, data pmc.DataSet) []byte {
	m := d.message(source)
	m.Target = s.identity
	m.Sequence = s.sequence
	m.StartingBoundaryHops, m.BoundaryHops = 1, 1
	m.ID = data.ID()
	m.Data = encode(data)
	return encode(m)
}
