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

package oran

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

// Event is a change of a resource: all of its CloudEvent but the id and the sequence,
// which the journal gives it.
type Event struct {
	// Type is one of the event types, such as LockStateChange.
	Type string
	// Source is the CloudEvent's source.
	Source string
	// Address is the resource that changed, with its instance.
	Address Address
	// Subject is the instance, or the node for what the node has once: a ptp4l, a GNSS
	// receiver or a DPLL.
	Subject string
	// Time is when the change was observed.
	Time time.Time
	// State is the value now: LOCKED, HOLDOVER or FREERUN, or another clock.Value in words, or
	// the clock class or quality level in decimal, or by how many nanoseconds a clock was set.
	// Previous is the one before, empty when this is the first.
	State, Previous string
	// Reason says why, in CamelCase: a clock.Reason.
	Reason string
	// Data is the event's data as it is sent: a Data in JSON.
	Data string
	// Missed is true when the change was not seen but found out later, by Time; else empty.
	Missed string
}

// SourceFormat says what the source attribute of an event is.
type SourceFormat string

const (
	// SourceFull is the full address, so that a Trigger can tell nodes apart by it:
	// /cluster/node/<node>/sync/ptp-status/lock-state.
	SourceFull SourceFormat = "full"
	// SourceORAN is the resource alone, as O-RAN has it: /sync/ptp-status/lock-state.
	SourceORAN SourceFormat = "oran"
)

// Encoder puts transitions of one node into O-RAN's words.
type Encoder struct {
	here   Place
	format SourceFormat
}

// NewEncoder returns the encoder for a node. The names become parts of addresses, so
// they must be plain: neither wildcards nor anything that a URI would have to escape.
func NewEncoder(here Place, format SourceFormat) (Encoder, error) {
	a := Address{Cluster: here.Cluster, Node: here.Node, Resource: LockState}
	text := a.String()
	parsed, err := ParseAddress(text)
	plain := (&url.URL{Path: text}).EscapedPath() == text && !strings.Contains(text, "*")
	if err != nil || parsed != a || !plain || here.Node == "" {
		return Encoder{}, fmt.Errorf("cluster %q and node %q make no resource address: "+
			"the node must be named as in Kubernetes, the cluster by a similar word", here.Cluster, here.Node)
	}
	if format != SourceFull && format != SourceORAN {
		return Encoder{}, fmt.Errorf("source format is %q; it must be %q or %q", format, SourceFull, SourceORAN)
	}
	return Encoder{here: here, format: format}, nil
}

// Place returns what the encoder names in addresses.
func (e Encoder) Place() Place { return e.here }

// Encode returns the event of a transition that was observed at the wall time at.
func (e Encoder) Encode(t clock.Transition, at time.Time) (Event, error) {
	resource, values, err := e.describe(t)
	if err != nil {
		return Event{}, fmt.Errorf("encode transition: %w", err)
	}
	event := e.event(resource, values, at)
	// Instances are named after files and devices, which may be called anything.
	event.Address.Instance = url.PathEscape(t.Instance)
	event.Subject = cmp.Or(event.Address.Instance, e.here.Node)
	event.State, event.Reason = t.To.String(), string(t.Reason)
	if t.From != nil {
		event.Previous = t.From.String()
	}
	if t.Missed {
		event.Missed = "true"
	}
	return event, nil
}

// ReasonJournalOverrun is why events are lost: they fell out of the journal before they
// could be sent, or could not be read from it any more.
const ReasonJournalOverrun = "JournalOverrun"

// Lost returns the event that stands for n events that were lost: those before what was
// observed at the wall time at.
func (e Encoder) Lost(n uint64, at time.Time) Event {
	count := strconv.FormatUint(n, 10)
	node := Address{Cluster: e.here.Cluster, Node: e.here.Node}.String()
	event := e.event(EventsLost, []Value{{node + EventsLost, Metric, Decimal, count}}, at)
	event.Subject, event.State, event.Reason = e.here.Node, count, ReasonJournalOverrun
	return event
}

// event returns what every event of a resource of the node has.
func (e Encoder) event(resource string, values []Value, at time.Time) Event {
	definition, _ := Define(resource)
	event := Event{
		Type:    definition.EventType,
		Address: Address{Cluster: e.here.Cluster, Node: e.here.Node, Resource: resource},
		Time:    at.UTC().Round(0),
		Data:    string(Data{Version: dataVersion, Values: values}.appendJSON(make([]byte, 0, 512))),
	}
	event.Source = event.Address.String()
	if e.format == SourceORAN {
		event.Source = resource
	}
	return event
}

// Repeats is whether the event says again what was said before, and nothing has changed.
func (e Event) Repeats() bool { return e.State == e.Previous }

// describe returns the resource that t is about, and the data of its event.
func (e Encoder) describe(t clock.Transition) (string, []Value, error) {
	if t.To == nil || t.To == clock.Unknown {
		return "", nil, fmt.Errorf("%q has no state that can be published", t.Instance)
	}
	node := Address{Cluster: e.here.Cluster, Node: e.here.Node}.String()
	switch t.Kind {
	case clock.LockState:
		port := node + "/" + portOf(t) + "/master"
		values := []Value{{port, Notification, Enumeration, t.To.String()}}
		if t.HasOffset {
			values = append(values, Value{port, Metric, Decimal, strconv.FormatInt(t.Offset.Nanoseconds(), 10)})
		}
		return LockState, values, nil
	case clock.ClockClass:
		return ClockClass, []Value{{node + "/" + portOf(t) + "/master", Metric, Decimal, t.To.String()}}, nil
	case clock.SyncState:
		return SyncState, []Value{{node + SyncState, Notification, Enumeration, t.To.String()}}, nil
	case clock.OSClockState:
		values := []Value{{node + "/CLOCK_REALTIME", Notification, Enumeration, t.To.String()}}
		if t.HasOffset {
			values = append(values, Value{node + "/CLOCK_REALTIME", Metric, Decimal, strconv.FormatInt(t.Offset.Nanoseconds(), 10)})
		}
		return OSClockSyncState, values, nil
	case clock.OSClockSet:
		return OSClockSet, []Value{{node + "/CLOCK_REALTIME", Metric, Decimal, t.To.String()}}, nil
	case clock.GNSSSyncStatus:
		receiver := node + "/" + url.PathEscape(t.Instance) + "/master"
		values := []Value{{receiver, Notification, Enumeration, t.To.String()}}
		if fix, ok := t.Fix.Number(); ok {
			values = append(values, Value{receiver + "/gpsFix", Metric, Decimal, strconv.Itoa(fix)})
		}
		return GNSSSyncStatus, values, nil
	case clock.SyncELockState:
		return SyncELockState, []Value{{node + "/" + url.PathEscape(t.Instance), Notification, Enumeration, t.To.String()}}, nil
	case clock.SyncEQuality:
		device := node + "/" + url.PathEscape(t.Instance)
		values := []Value{{device + "/Ql", Metric, Decimal, t.To.String()}}
		if q, ok := t.To.(clock.QualityLevel); ok {
			values = append(values, Value{device + "/extQl", Metric, Decimal, strconv.Itoa(int(q.Enhanced))})
		}
		return SyncEClockQuality, values, nil
	case clock.HardwareClockSet:
		return HardwareClockSet, []Value{{node + "/" + url.PathEscape(t.Instance), Metric, Decimal, t.To.String()}}, nil
	case clock.DaemonState:
		return DaemonState, []Value{{node + "/" + url.PathEscape(t.Instance), Notification, Enumeration, t.To.String()}}, nil
	case clock.Grandmaster:
		return Grandmaster, []Value{{node + "/" + portOf(t) + "/master", Notification, Enumeration, t.To.String()}}, nil
	case clock.PTPPortState:
		return PortState, []Value{{node + "/" + portOf(t), Notification, Enumeration, t.To.String()}}, nil
	case clock.LeapSecond:
		return LeapSecond, []Value{{node + "/" + portOf(t) + "/master", Notification, Enumeration, t.To.String()}}, nil
	case clock.PathDelayState:
		port := node + "/" + portOf(t) + "/master"
		values := []Value{{port, Notification, Enumeration, t.To.String()}}
		if t.HasPathDelay {
			values = append(values, Value{port, Metric, Decimal, strconv.FormatInt(t.PathDelay.Nanoseconds(), 10)})
		}
		return PathDelayState, values, nil
	}
	return "", nil, fmt.Errorf("kind %d of %q is not known", uint8(t.Kind), t.Instance)
}

// portOf names the port that t is about: by its interface, or by the instance where
// no interface is known.
func portOf(t clock.Transition) string {
	if t.Interface != "" {
		return t.Interface
	}
	return url.PathEscape(t.Instance)
}

// resourceAddress returns the full address without the instance: the instances of a
// node share their resource, and are told apart by the instance attribute.
func (e Event) resourceAddress() string {
	a := e.Address
	a.Instance = ""
	return a.String()
}

// Past returns what the event says of a property of here's clocks, as the state machines
// know it, and whether it says anything of them.
func (e Event) Past(here Place) (clock.Past, bool) {
	instance, err := url.PathUnescape(e.Address.Instance)
	if err != nil || e.Address.Cluster != here.Cluster || e.Address.Node != here.Node {
		return clock.Past{}, false
	}
	p := clock.Past{Instance: instance, Reason: clock.Reason(e.Reason)}
	switch e.Address.Resource {
	case LockState:
		p.Kind = clock.LockState
	case SyncState:
		p.Kind = clock.SyncState
	case OSClockSyncState:
		p.Kind = clock.OSClockState
	case ClockClass:
		p.Kind = clock.ClockClass
		class, err := strconv.ParseUint(e.State, 10, 8)
		p.Value = clock.Class(class)
		return p, err == nil
	case GNSSSyncStatus:
		p.Kind = clock.GNSSSyncStatus
		return one(p, e.State, clock.GNSSNoFix, clock.GNSSAntennaShort, clock.GNSSAntennaOpen, clock.GNSSAcquiring, clock.GNSSSynchronized)
	case SyncELockState:
		p.Kind = clock.SyncELockState
	case SyncEClockQuality:
		p.Kind = clock.SyncEQuality
		ssm, err := strconv.ParseUint(e.State, 10, 8)
		p.Value = clock.QualityLevel{SSM: uint8(ssm)}
		return p, err == nil
	case DaemonState:
		p.Kind = clock.DaemonState
		return one(p, e.State, clock.Daemon(true), clock.Daemon(false))
	case Grandmaster:
		p.Kind = clock.Grandmaster
		identity, err := clock.ParseIdentity(e.State)
		p.Value = identity
		return p, err == nil
	case PortState:
		p.Kind = clock.PTPPortState
		return one(p, e.State, clock.Initializing, clock.Faulty, clock.Disabled, clock.Listening, clock.PreMaster, clock.Master,
			clock.Passive, clock.Uncalibrated, clock.Slave)
	case LeapSecond:
		p.Kind = clock.LeapSecond
		return one(p, e.State, clock.NoLeap, clock.Leap59, clock.Leap61)
	case PathDelayState:
		p.Kind = clock.PathDelayState
		return one(p, e.State, clock.InRange, clock.OutOfRange)
	default:
		return clock.Past{}, false
	}
	return one(p, e.State, clock.Freerun, clock.Holdover, clock.Locked)
}

// one returns p with the one of these values that is called so, and whether there is one.
func one(p clock.Past, name string, values ...clock.Value) (clock.Past, bool) {
	for _, v := range values {
		if v.String() == name {
			p.Value = v
			return p, true
		}
	}
	return clock.Past{}, false
}
