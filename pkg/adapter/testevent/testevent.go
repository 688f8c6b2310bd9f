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

// Package testevent is what an adapter and whoever has it send a test event say to each other.
package testevent

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Path is where a Request is posted. The answer is a Report with Recorded in the first line,
// and one with Settled in the second.
const Path = "/v1/test-events"

// Request asks for a test event.
type Request struct {
	// ResourceAddress is the address that it shall have; empty for one of its own.
	ResourceAddress string `json:"resourceAddress,omitempty"`
	// Wait is for how long to wait until the sink has it, up to a minute.
	Wait metav1.Duration `json:"wait"`
}

// Report is one line of the answer.
type Report struct {
	Recorded *Recorded `json:"recorded,omitempty"`
	Settled  *Settled  `json:"settled,omitempty"`
}

// Recorded says that the journal has the event.
type Recorded struct {
	ID       string    `json:"id"`
	Sequence uint64    `json:"sequence"`
	Time     time.Time `json:"time"`
	Source   string    `json:"source"`
}

// What can become of a test event. All but Waiting are as pkg/publish/sink has them.
const (
	// Waiting is that nothing has become of it yet.
	Waiting = "waiting"
	// Delivered is that the sink has taken it, DeadLettered that the dead letter sink has,
	// and Skipped that neither has.
	Delivered    = "delivered"
	DeadLettered = "deadLettered"
	Skipped      = "skipped"
)

// Settled says what has become of the event.
type Settled struct {
	// Outcome is Delivered, DeadLettered, Skipped or Waiting.
	Outcome string `json:"outcome"`
	// Seconds is how long it took from the record to that, unless it still waits.
	Seconds float64 `json:"seconds,omitempty"`
	// Status is what the sink has answered last, to this event or one before it; 0 for no
	// answer. TriedSecondsAgo is how long ago; absent if nothing was tried yet.
	Status          int      `json:"status,omitempty"`
	TriedSecondsAgo *float64 `json:"triedSecondsAgo,omitempty"`
	// Pending is how many events wait, this one included, if it still does.
	Pending uint64 `json:"pending,omitempty"`
}
