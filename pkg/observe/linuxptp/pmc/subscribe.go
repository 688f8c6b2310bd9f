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

package pmc

import "encoding/binary"

// Event is something that ptp4l pushes to subscribers.
type Event uint8

// The events. ptp4l stores a subscription to one it does not know, and never serves it.
const (
	NotifyPortState     Event = iota // PORT_DATA_SET on every change of a port's state
	NotifyTimeSync                   // TIME_STATUS_NP on every Sync, from linuxptp 4.0
	NotifyParentDataSet              // PARENT_DATA_SET on every change of it, from linuxptp 4.2
	NotifyCMLDS                      // CMLDS_INFO_NP on every new link delay, from linuxptp 4.3
)

// EventMask is a set of events.
type EventMask [64]byte

// Events returns the set of the given events.
func Events(events ...Event) EventMask {
	var m EventMask
	for _, e := range events {
		m.Set(e)
	}
	return m
}

// Set adds an event.
func (m *EventMask) Set(e Event) { m[e/8] |= 1 << (e % 8) }

// Has reports whether the event is in the set.
func (m *EventMask) Has(e Event) bool { return m[e/8]&(1<<(e%8)) != 0 }

// SubscribeEventsNP is SUBSCRIBE_EVENTS_NP: a subscription of the identity that sends
// it, replacing the one it has. The read-only socket refuses it.
type SubscribeEventsNP struct {
	Duration uint16 // in seconds from now on
	Events   EventMask
}

// ID returns IDSubscribeEventsNP.
func (*SubscribeEventsNP) ID() ID { return IDSubscribeEventsNP }

// UnmarshalBinary implements [DataSet].
func (d *SubscribeEventsNP) UnmarshalBinary(data []byte) error {
	if err := checkLength(IDSubscribeEventsNP, data, 2+len(d.Events)); err != nil {
		return err
	}
	*d = SubscribeEventsNP{binary.BigEndian.Uint16(data), EventMask(data[2:])}
	return nil
}

// AppendBinary implements [DataSet].
func (d *SubscribeEventsNP) AppendBinary(b []byte) ([]byte, error) {
	return append(binary.BigEndian.AppendUint16(b, d.Duration), d.Events[:]...), nil
}
