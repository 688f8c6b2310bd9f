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
	"strings"
	"time"
)

const (
	// TestState is the value in a test event: none that a clock can have.
	TestState = "TEST"
	// ReasonRequested is why a test event is sent: somebody has asked for it.
	ReasonRequested = "Requested"
)

// Test returns a test event, which was asked for at the wall time at. It says nothing of a
// clock, in no attribute and no value, and has a type of its own: no consumer can take it for
// a state. Its address may be that of another resource of this node, so that Triggers for
// that can be tried; without a resource it is that of TestResource.
func (e Encoder) Test(of Address, at time.Time) (Event, error) {
	if of.Cluster == "." || of.Cluster == "" {
		of.Cluster = e.here.Cluster
	}
	if of.Node == "." || of.Node == "" {
		of.Node = e.here.Node
	}
	of.Resource = cmp.Or(of.Resource, TestResource)
	if _, known := Define(of.Resource); !known && of.Resource != TestResource {
		return Event{}, fmt.Errorf("there is no resource %q; there are %s and, for example, %s", of.Resource, TestResource, LockState)
	}
	if of.Cluster != e.here.Cluster || of.Node != e.here.Node {
		return Event{}, fmt.Errorf("%s is not of this node, whose addresses begin with %s", of, Address{Cluster: e.here.Cluster, Node: e.here.Node})
	}
	if parsed, err := ParseAddress(of.String()); err != nil || parsed != of || strings.Contains(of.String(), "*") {
		return Event{}, fmt.Errorf("%s is not the resource address of one thing", of)
	}
	event := e.event(of.Resource, []Value{{of.String(), Notification, Enumeration, TestState}}, at)
	event.Type, event.Address.Instance = Test, of.Instance
	event.Subject, event.State, event.Reason = cmp.Or(of.Instance, of.Node), TestState, ReasonRequested
	return event, nil
}
