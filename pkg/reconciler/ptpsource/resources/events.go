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

package resources

import (
	"slices"

	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// sent are the event types that adapters of this version send of what they watch.
func sent(spec v1alpha1.PtpSourceSpec) []string {
	types := []string{
		oran.LockStateChange, oran.ClockClassChange, oran.SyncStateChange, oran.EventsLostNotice,
		oran.DaemonStateChanged, oran.GrandmasterChanged, oran.PortStateChanged, oran.LeapSecondChanged, oran.PathDelayStateChanged,
	}
	if spec.OSClock != nil && spec.OSClock.Enabled {
		types = append(types, oran.OSClockSyncStateChange, oran.OSClockStepped)
	}
	if spec.GNSS != nil && spec.GNSS.Enabled {
		types = append(types, oran.GNSSSyncStatusChange)
	}
	if watchesSyncE(spec) {
		types = append(types, oran.SyncELockStateChange, oran.SyncEClockQualityChange)
	}
	if spec.HardwareClock != nil && spec.HardwareClock.Enabled {
		types = append(types, oran.HardwareClockStepped)
	}
	return types
}

// CloudEventAttributes returns the types and sources of the events that a source sends.
// There is one for each type, not for each node: Knative makes an EventType of each, and
// thousands of nodes would make thousands of them.
func CloudEventAttributes(source *v1alpha1.PtpSource) []duckv1.CloudEventAttributes {
	events := source.Spec.Events
	var attributes []duckv1.CloudEventAttributes
	for _, definition := range oran.Definitions() {
		if !oran.Wanted(definition.EventType, events.Types) || !slices.Contains(sent(source.Spec), definition.EventType) {
			continue
		}
		address := oran.Address{Resource: definition.Resource}
		if events.SourceFormat == v1alpha1.SourceFull {
			address.Cluster, address.Node = events.ClusterName, "*"
		}
		attributes = append(attributes, duckv1.CloudEventAttributes{Type: definition.EventType, Source: address.String()})
	}
	return attributes
}

// NotYetWatched returns what the spec asks for and adapters of this version cannot do.
func NotYetWatched(source *v1alpha1.PtpSource) []string {
	spec := source.Spec
	var fields []string
	for _, t := range spec.Events.Types {
		if !slices.Contains(sent(spec), t) {
			fields = append(fields, t+" in spec.events.types")
		}
	}
	return fields
}
