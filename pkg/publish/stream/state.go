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

package stream

import (
	"encoding/json"
	"net/http"
	"time"
)

// State is the present state of every clock of a node, as GET /v1/state returns it.
type State struct {
	// Node and Cluster are where this is, and Source is the PtpSource that watches.
	Cluster string `json:"cluster"`
	Node    string `json:"node"`
	Source  string `json:"source"`
	// Time is when this was so, by the node's clock.
	Time time.Time `json:"time"`
	// Overall is the node as a whole (sync-state).
	Overall Condition `json:"overall"`
	// OSClock is CLOCK_REALTIME, where it is watched.
	OSClock *Condition `json:"osClock,omitempty"`
	// Instances are the ptp4l instances that are there.
	Instances []Instance `json:"instances"`
	// Resources has what events tell of, whatever kind of clock it is, as it is now.
	Resources []Resource `json:"resources"`
	// Thresholds are what lock-states are decided by.
	Thresholds Thresholds `json:"thresholds"`
}

// Condition is what something is, since when and why.
type Condition struct {
	// State is LOCKED, HOLDOVER, FREERUN, or UNKNOWN while nothing is decided.
	State string `json:"state"`
	// Since is when it became so; absent while that is not known.
	Since *time.Time `json:"since,omitempty"`
	// Reason says why, in CamelCase.
	Reason string `json:"reason,omitempty"`
}

// Instance is one ptp4l, with the evidence for its state. What is not known now is absent.
type Instance struct {
	Name string `json:"name"`
	Condition
	// Up is whether ptp4l answers, and Silent whether it waits for Sync that does not come.
	Up     bool `json:"up"`
	Silent bool `json:"silent"`
	// Interface is the one that the instance follows or followed last.
	Interface string `json:"interface,omitempty"`
	// OffsetNanoseconds is local clock minus grandmaster at the last Sync that was looked at,
	// and PathDelayNanoseconds how long messages take.
	OffsetNanoseconds    *int64 `json:"offsetNanoseconds,omitempty"`
	PathDelayNanoseconds *int64 `json:"pathDelayNanoseconds,omitempty"`
	// Grandmaster is the identity of the clock that is followed, and Class the clock class
	// that this one announces.
	Grandmaster string `json:"grandmaster,omitempty"`
	Class       string `json:"class,omitempty"`
	Ports       []Port `json:"ports,omitempty"`
}

// Port is a PTP port.
type Port struct {
	Number    int    `json:"number"`
	State     string `json:"state"`
	Interface string `json:"interface,omitempty"`
}

// Resource is one that has events.
type Resource struct {
	// Address is its resource address, and Instance the ptp4l, GNSS receiver or DPLL; empty
	// for what the node has one of.
	Address  string `json:"address"`
	Instance string `json:"instance,omitempty"`
	// State is what the ptpstate of an event would be, and Since when it became so; absent
	// while that is not known.
	State string     `json:"state"`
	Since *time.Time `json:"since,omitempty"`
}

// Thresholds are those of the configuration.
type Thresholds struct {
	LockOffset      string `json:"lockOffset"`
	UnlockOffset    string `json:"unlockOffset"`
	HoldoverTimeout string `json:"holdoverTimeout"`
}

func (s *Server) state(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.State()) // a client that is gone needs no answer
}
