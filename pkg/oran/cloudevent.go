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
	"fmt"
	"net/http"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

// The extension attributes, so that a Trigger can filter on each. One that has no
// value is left out.
const (
	// ResourceAddressExtension is the full address of the resource, whatever the
	// source format: /cluster/node/<node>/sync/ptp-status/lock-state.
	ResourceAddressExtension = "resourceaddress"
	// NodeExtension is the node.
	NodeExtension = "node"
	// InstanceExtension is the instance; left out for what the node has once.
	InstanceExtension = "instance"
	// StateExtension is the value now. It is LOCKED, HOLDOVER or FREERUN, and for what
	// is a number, such as a clock class, that number: a filter on FREERUN alone never
	// meets one.
	StateExtension = "ptpstate"
	// PreviousStateExtension is the value before; left out when there was none.
	PreviousStateExtension = "previousstate"
	// ReasonExtension says why, in CamelCase.
	ReasonExtension = "ptpreason"
	// MissedExtension is true when the value has changed while no adapter watched; the
	// time is then when one found out. Left out otherwise.
	MissedExtension = "ptpmissed"
	// SequenceExtension orders the events of one journal, also when clocks step. It
	// has 20 digits, so that the order of strings is the order of numbers.
	SequenceExtension = "sequence"
	// PartitionKeyExtension keeps the events of one resource in order on their way
	// through a partitioned log, such as Kafka. It is the full resource address.
	PartitionKeyExtension = "partitionkey"
	// SkippedExtension is how many changes of the resource before this one were not sent,
	// because this one makes them superfluous; left out where there were none.
	SkippedExtension = "ptpskipped"
	// TraceParentExtension is the trace that begins with the event (the CloudEvents
	// extension for distributed tracing).
	TraceParentExtension = "traceparent"
)

// CloudEvent returns the event with the identity that the journal gave it. The same
// event with the same identity is the same CloudEvent, however often it is built.
func (e Event) CloudEvent(id string, sequence uint64) cloudevents.Event {
	ce := cloudevents.NewEvent()
	ce.SetType(e.Type)
	ce.SetSource(e.Source)
	ce.SetID(id)
	ce.SetTime(e.Time)
	ce.SetSubject(e.Subject)
	ce.SetDataContentType(cloudevents.ApplicationJSON)
	ce.DataEncoded = []byte(e.Data)
	for _, extension := range e.extensions(sequence) {
		if extension.value != "" {
			ce.SetExtension(extension.name, extension.value)
		}
	}
	return ce
}

// Header returns the same CloudEvent as the header of an HTTP request whose body is Data
// (binary mode of the CloudEvents HTTP protocol binding). Nothing lies between a change
// and its sink but this, so it is written without the general machinery.
func (e Event) Header(id string, sequence uint64) http.Header {
	h := make(http.Header, 20)
	h["Content-Type"] = []string{cloudevents.ApplicationJSON}
	h["Ce-Specversion"] = []string{cloudevents.VersionV1}
	h["Ce-Type"] = []string{e.Type}
	h["Ce-Source"] = []string{e.Source}
	h["Ce-Id"] = []string{id}
	h["Ce-Time"] = []string{e.Time.UTC().Format(time.RFC3339Nano)}
	h["Ce-Subject"] = []string{e.Subject}
	for _, extension := range e.extensions(sequence) {
		if extension.value != "" {
			h[extension.header] = []string{extension.value}
		}
	}
	return h
}

// extension is one extension attribute. header is its name in an HTTP request, in the
// canonical form of http.Header.
type extension struct{ name, header, value string }

func (e Event) extensions(sequence uint64) [9]extension {
	resource := e.resourceAddress()
	return [...]extension{
		{ResourceAddressExtension, "Ce-Resourceaddress", resource},
		{NodeExtension, "Ce-Node", e.Address.Node},
		{InstanceExtension, "Ce-Instance", e.Address.Instance},
		{StateExtension, "Ce-Ptpstate", e.State},
		{PreviousStateExtension, "Ce-Previousstate", e.Previous},
		{ReasonExtension, "Ce-Ptpreason", e.Reason},
		{MissedExtension, "Ce-Ptpmissed", e.Missed},
		{SequenceExtension, "Ce-Sequence", fmt.Sprintf("%020d", sequence)},
		{PartitionKeyExtension, "Ce-Partitionkey", resource},
	}
}
