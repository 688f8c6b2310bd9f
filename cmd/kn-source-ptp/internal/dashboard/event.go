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

package dashboard

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/feed"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// event is one event, as the page shows it. It is not changed any more.
type event struct {
	// Number orders events by when this program has heard of them; 0 for those of a history.
	Number uint64 `json:"number,omitempty"`
	ID     string `json:"id"`
	// Key is the adapter's.
	Key  string `json:"key"`
	Node string `json:"node"`
	// Time is when the change was observed by the node's clock, as RFC 3339 with nanoseconds.
	Time string `json:"time"`
	// Resource is what has changed, below /sync/, and Address all of its address.
	Resource string `json:"resource"`
	Address  string `json:"address"`
	Type     string `json:"type"`
	Instance string `json:"instance,omitempty"`
	State    string `json:"state"`
	Previous string `json:"previous,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Offset is that of a lock-state, in nanoseconds.
	Offset string `json:"offset,omitempty"`
	// Missed is whether the change was found out about later.
	Missed bool `json:"missed,omitempty"`
	// Order is when the change was observed by the clock of this machine, as far as that is
	// known, in milliseconds since 1970.
	Order int64 `json:"order,omitempty"`
}

// newEvent reads what an adapter has told.
func newEvent(e feed.Event) (*event, error) {
	var ce struct {
		Type     string    `json:"type"`
		Source   string    `json:"source"`
		Time     string    `json:"time"`
		Address  string    `json:"resourceaddress"`
		Instance string    `json:"instance"`
		State    string    `json:"ptpstate"`
		Previous string    `json:"previousstate"`
		Reason   string    `json:"ptpreason"`
		Missed   string    `json:"ptpmissed"`
		Data     oran.Data `json:"data"`
	}
	if err := json.Unmarshal(e.Body, &ce); err != nil {
		return nil, fmt.Errorf("read event %s: %w", e.ID, err)
	}
	if ce.Address == "" {
		ce.Address = ce.Source
	}
	_, resource, found := strings.Cut(ce.Address, "/sync/")
	if !found {
		resource = ce.Address
	}
	made := &event{
		ID: e.ID, Key: keyOf(e.From), Node: e.From.Node, Time: ce.Time, Resource: resource, Address: ce.Address, Type: ce.Type,
		Instance: ce.Instance, State: ce.State, Previous: ce.Previous, Reason: ce.Reason, Missed: ce.Missed == "true",
	}
	for _, v := range ce.Data.Values {
		if ce.Type == oran.LockStateChange && v.DataType == oran.Metric {
			made.Offset = v.Value
		}
	}
	return made, nil
}
