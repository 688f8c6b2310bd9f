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

// Package eventline puts events into lines for people, in the shape of `isula events`.
package eventline

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/feed"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// local is RFC 3339 with all nine digits, so that lines are as wide as each other.
const local = "2006-01-02T15:04:05.000000000Z07:00"

// Format returns the line of an event, with times in a zone:
//
//	2026-05-10T07:20:34.661862100+08:00 ptp lock-state /cluster/node/n1/sync/ptp-status/lock-state (instance=ptp4l.0, name=fleet, ...)
//
// What is in brackets is sorted by its name; wide has more of it.
func Format(e feed.Event, zone *time.Location, wide bool) (string, error) {
	var ce struct {
		Type     string    `json:"type"`
		Source   string    `json:"source"`
		Resource string    `json:"resourceaddress"`
		Instance string    `json:"instance"`
		State    string    `json:"ptpstate"`
		Previous string    `json:"previousstate"`
		Reason   string    `json:"ptpreason"`
		Missed   string    `json:"ptpmissed"`
		Data     oran.Data `json:"data"`
	}
	if err := json.Unmarshal(e.Body, &ce); err != nil {
		return "", fmt.Errorf("read event %s: %w", e.ID, err)
	}
	if ce.Resource == "" {
		ce.Resource = ce.Source
	}
	notes := map[string]string{
		"instance": ce.Instance, "name": e.From.Source.Name, "previous": ce.Previous, "state": ce.State,
		"offset": offset(ce.Type, ce.Data), "missed": ce.Missed,
	}
	if wide {
		notes["id"], notes["namespace"], notes["reason"] = e.ID, e.From.Source.Namespace, ce.Reason
	}
	var in []string
	for _, name := range slices.Sorted(maps.Keys(notes)) {
		if notes[name] != "" {
			in = append(in, name+"="+notes[name])
		}
	}
	return fmt.Sprintf("%s ptp %s %s (%s)", e.Time.In(zone).Format(local), path.Base(ce.Resource), ce.Resource, strings.Join(in, ", ")), nil
}

// offset is the distance from the master that a lock-state tells, with its unit.
func offset(eventType string, data oran.Data) string {
	if eventType != oran.LockStateChange {
		return ""
	}
	for _, v := range data.Values {
		if v.DataType == oran.Metric {
			return v.Value + "ns"
		}
	}
	return ""
}
