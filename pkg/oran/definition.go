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

// Package oran is the vocabulary of the O-RAN O-Cloud notification API (O-RAN.WG6
// Notification API for Event Consumers, v04.00) as this module speaks it: resource
// addresses, event types, event data, and the CloudEvents they travel in.
package oran

import (
	"slices"
	"strings"
)

// The resources: what can have a state, below a node.
const (
	// LockState is how well one PTP instance follows its source.
	LockState = "/sync/ptp-status/lock-state"
	// ClockClass is the PTP clockClass that one PTP instance announces.
	ClockClass = "/sync/ptp-status/clock-class"
	// SyncState is the state of the node as a whole.
	SyncState = "/sync/sync-status/sync-state"
	// OSClockSyncState is whether the operating system's clock is synchronised.
	OSClockSyncState = "/sync/sync-status/os-clock-sync-state"
	// OSClockSet is that the operating system's clock was set. It is not O-RAN's.
	OSClockSet = "/sync/sync-status/os-clock-set"
	// HardwareClockSet is that a PTP hardware clock was set. It is not O-RAN's.
	HardwareClockSet = "/sync/ptp-status/hardware-clock-set"
	// DaemonState is whether one ptp4l answers. It is not O-RAN's, and neither are the next.
	DaemonState = "/sync/ptp-status/daemon-state"
	// Grandmaster is the clock that one PTP instance gets its time from in the end.
	Grandmaster = "/sync/ptp-status/grandmaster"
	// PortState is the state of one port of a PTP instance.
	PortState = "/sync/ptp-status/port-state"
	// LeapSecond is what one PTP instance announces for the end of the day.
	LeapSecond = "/sync/ptp-status/leap-second"
	// PathDelayState is whether messages take from the master of one PTP instance as long as
	// they should.
	PathDelayState = "/sync/ptp-status/path-delay-state"
	// GNSSSyncStatus is the state of a GNSS receiver.
	GNSSSyncStatus = "/sync/gnss-status/gnss-sync-status"
	// SyncELockState is how well a SyncE clock follows its source.
	SyncELockState = "/sync/synce-status/lock-state"
	// SyncEClockQuality is the quality level that a SyncE clock announces.
	SyncEClockQuality = "/sync/synce-status/clock-quality"
	// EventsLost is how many events of the node could not be sent. It is not O-RAN's, but
	// below /sync, so that who asks for all of it hears of it.
	EventsLost = "/sync/eventing-ptp/events-lost"
	// TestResource is what a test event is about that is not given another resource.
	TestResource = "/sync/eventing-ptp/test"
)

// The event types of O-RAN: one for each resource.
const (
	LockStateChange         = "event.sync.ptp-status.ptp-state-change"
	ClockClassChange        = "event.sync.ptp-status.ptp-clock-class-change"
	SyncStateChange         = "event.sync.sync-status.synchronization-state-change"
	OSClockSyncStateChange  = "event.sync.sync-status.os-clock-sync-state-change"
	GNSSSyncStatusChange    = "event.sync.gnss-status.gnss-state-change"
	SyncELockStateChange    = "event.sync.synce-status.synce-state-change"
	SyncEClockQualityChange = "event.sync.synce-status.synce-clock-quality-change"
)

// OwnPrefix begins the event types that are not O-RAN's. They are sent only where they are
// asked for by name, but for EventsLostNotice.
const OwnPrefix = "com.github.eventing-ptp."

// The event types of our own.
const (
	// OSClockStepped tells of OSClockSet.
	OSClockStepped = OwnPrefix + "os-clock.stepped"
	// HardwareClockStepped tells of HardwareClockSet.
	HardwareClockStepped = OwnPrefix + "hardware-clock.stepped"
	// DaemonStateChanged, and those that follow, tell of what they are named after.
	DaemonStateChanged    = OwnPrefix + "daemon-state.changed"
	GrandmasterChanged    = OwnPrefix + "grandmaster.changed"
	PortStateChanged      = OwnPrefix + "port-state.changed"
	LeapSecondChanged     = OwnPrefix + "leap-second.changed"
	PathDelayStateChanged = OwnPrefix + "path-delay-state.changed"
	// EventsLostNotice tells of EventsLost: events that should have come before it.
	EventsLostNotice = OwnPrefix + "events.lost"
	// Test is the type of events that only try the way to a consumer (Encoder.Test). It has
	// no Definition: no resource has such a value, and nobody can ask for it beforehand.
	Test = OwnPrefix + "test"
)

// How a value is to be read: the values of data_type and value_type.
const (
	// Notification is the data_type of a state.
	Notification = "notification"
	// Metric is the data_type of a number.
	Metric = "metric"
	// Enumeration is the value_type of a state.
	Enumeration = "enumeration"
	// Decimal is the value_type of a number.
	Decimal = "decimal64.3"
)

// Definition is one row of the table of events (v04.00, table 35), or one of our own.
type Definition struct {
	// Resource is the resource below the node, such as LockState.
	Resource string
	// EventType is the type of the event that tells of its change.
	EventType string
	// DataType and ValueType say what the resource's value is.
	DataType, ValueType string
}

// Definitions returns every event that the API defines, and then our own.
func Definitions() []Definition {
	return []Definition{
		{LockState, LockStateChange, Notification, Enumeration},
		{ClockClass, ClockClassChange, Metric, Decimal},
		{SyncState, SyncStateChange, Notification, Enumeration},
		{OSClockSyncState, OSClockSyncStateChange, Notification, Enumeration},
		{GNSSSyncStatus, GNSSSyncStatusChange, Notification, Enumeration},
		{SyncELockState, SyncELockStateChange, Notification, Enumeration},
		{SyncEClockQuality, SyncEClockQualityChange, Metric, Decimal},
		{OSClockSet, OSClockStepped, Metric, Decimal},
		{HardwareClockSet, HardwareClockStepped, Metric, Decimal},
		{DaemonState, DaemonStateChanged, Notification, Enumeration},
		{Grandmaster, GrandmasterChanged, Notification, Enumeration},
		{PortState, PortStateChanged, Notification, Enumeration},
		{LeapSecond, LeapSecondChanged, Notification, Enumeration},
		{PathDelayState, PathDelayStateChanged, Notification, Enumeration},
		{EventsLost, EventsLostNotice, Metric, Decimal},
	}
}

// Wanted is whether events of a type are sent where these types are asked for. None means
// all of O-RAN's, and to be told when some of them were lost.
func Wanted(eventType string, types []string) bool {
	if len(types) == 0 {
		return eventType == EventsLostNotice || !strings.HasPrefix(eventType, OwnPrefix)
	}
	return slices.Contains(types, eventType)
}

// Details is whether these types ask for any that tells of a ptp4l more than its states
// (clock.Node.WatchDetails).
func Details(types []string) bool {
	return slices.ContainsFunc([]string{DaemonStateChanged, GrandmasterChanged, PortStateChanged, LeapSecondChanged, PathDelayStateChanged},
		func(eventType string) bool { return Wanted(eventType, types) })
}

// Define returns the row of a resource or of an event type, and whether there is one.
// Spellings of earlier versions are understood.
func Define(name string) (Definition, bool) {
	name = canonical(name)
	rows := Definitions()
	i := slices.IndexFunc(rows, func(d Definition) bool { return d.Resource == name || d.EventType == name })
	if i < 0 {
		return Definition{}, false
	}
	return rows[i], true
}

// canonical returns today's spelling of a resource or of an event type. The others
// are still sent and asked for by software of earlier versions.
func canonical(name string) string {
	switch name {
	case "/sync/ptp-status/ptp-clock-class-change":
		return ClockClass
	case "event.sync.sync-status.synce-state-change":
		return SyncELockStateChange
	case "event.sync.sync-status.sync-clock-quality-change":
		return SyncEClockQualityChange
	}
	return name
}
