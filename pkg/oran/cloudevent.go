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
	// StateExtension is the value now. It is LOCKED, HOLDOVER or FREERUN, and for a
	// clock class its number, so a filter on FREERUN alone never meets a class.
	StateExtension = "ptpstate"
	// PreviousStateExtension is the value before; left out when there was none.
	PreviousStateExtension = "previousstate"
	// ReasonExtension says why, in CamelCase.
	ReasonExtension = "ptpreason"
	// SequenceExtension orders the events of one journal, also when clocks step. It
	// has 20 digits, so that the order of strings is the order of numbers.
	SequenceExtension = "sequence"
	// PartitionKeyExtension keeps the events of one resource in order on their way
	// through a partitioned log, such as Kafka. It is the full resource address.
	PartitionKeyExtension = "partitionkey"
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

	resource := e.resourceAddress()
	for _, extension := range []struct{ name, value string }{
		{ResourceAddressExtension, resource},
		{NodeExtension, e.Address.Node},
		{InstanceExtension, e.Address.Instance},
		{StateExtension, e.State},
		{PreviousStateExtension, e.Previous},
		{ReasonExtension, e.Reason},
		{SequenceExtension, fmt.Sprintf("%020d", sequence)},
		{PartitionKeyExtension, resource},
	} {
		if extension.value != "" {
			ce.SetExtension(extension.name, extension.value)
		}
	}
	return ce
}
