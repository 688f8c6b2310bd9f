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

package v1alpha1

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"

	adapterconfig "github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// The largest values that mean something. They are there to find a wrong unit.
const (
	// maxOffset: a clock that is off by more is set, not followed.
	maxOffset = time.Second
	// maxSamples is a quarter of an hour at one sample a second.
	maxSamples = 1000
	// maxHoldover is twice what the best of reference clocks promise (14 days, ITU-T G.8272.1).
	maxHoldover = 28 * 24 * time.Hour
	// maxSyncTimeout is far beyond the time between two Syncs of any profile, which is
	// seconds.
	maxSyncTimeout = time.Hour
	// maxOSClockTimeout is what the kernel can count, a little less than 9 hours.
	maxOSClockTimeout = 8 * time.Hour
	// maxReassert is a day: whoever comes later than that asks.
	maxReassert = 24 * time.Hour
	// maxEntries is about half a GiB of events.
	maxEntries = 1_000_000
	// minHistory is what the journal needs to be kept in pieces, maxHistory what no node
	// should have to spare for one source.
	minHistory, maxHistory = 1 << 20, 16 << 30
	// maxHistoryAge is a year.
	maxHistoryAge = 365 * 24 * time.Hour
)

func (t *Thresholds) validate() *apis.FieldError {
	errs := durationInRange("lockOffset", t.LockOffset, 1, maxOffset, "100ns").Also(
		durationInRange("unlockOffset", t.UnlockOffset, 1, maxOffset, "200ns"),
		inRange("lockSamples", t.LockSamples, 1, maxSamples, "3"),
		inRange("unlockSamples", t.UnlockSamples, 1, maxSamples, "3"),
		durationInRange("holdoverTimeout", t.HoldoverTimeout, 0, maxHoldover, "5s"),
		inRange("syncIntervals", t.SyncIntervals, 2, maxSamples, "4, because one late Sync is no silence"),
		durationInRange("syncTimeout", t.SyncTimeout, time.Millisecond, maxSyncTimeout, "500ms"),
		durationInRange("osClockTimeout", t.OSClockTimeout, clock.ShortestOSClockTimeout, maxOSClockTimeout, "5s"),
		durationInRange("osClockOffset", t.OSClockOffset, 1, maxOffset, "1us"),
		durationInRange("maxPathDelay", t.MaxPathDelay, 1, maxOffset, "1ms"),
	)
	if t.LockOffset != nil && t.UnlockOffset != nil && t.UnlockOffset.Duration < t.LockOffset.Duration {
		errs = errs.Also(refuse("unlockOffset", t.UnlockOffset.Duration,
			"must be at least lockOffset (%v), or a clock could be locked and unlocked by the same sample; for example %v",
			t.LockOffset.Duration, 2*t.LockOffset.Duration))
	}
	return errs
}

func durationInRange(field string, d *metav1.Duration, lowest, highest time.Duration, example string) *apis.FieldError {
	if d == nil || d.Duration >= lowest && d.Duration <= highest {
		return nil
	}
	return refuse(field, d.Duration, "must be %v to %v, for example %s", lowest, highest, example)
}

func (e *Events) validate() *apis.FieldError {
	var errs *apis.FieldError
	for i, name := range e.Types {
		field := atIndex("types", i)
		if definition, ok := oran.Define(name); !ok || definition.EventType != name {
			errs = errs.Also(refuse(field, name, "must be one of %s", strings.Join(eventTypes(), ", ")))
		} else if slices.Index(e.Types, name) < i {
			errs = errs.Also(refuse(field, name, "must be there only once; leave this one out"))
		}
	}
	if e.SourceFormat != SourceFull && e.SourceFormat != SourceORAN {
		errs = errs.Also(refuse("sourceFormat", string(e.SourceFormat), "must be %s or %s", SourceFull, SourceORAN))
	}
	if !isClusterName(e.ClusterName) {
		errs = errs.Also(refuse("clusterName", e.ClusterName,
			"must be one part of a resource address: at most 63 letters, digits, -, _ and ., with a letter or digit first and last, and not node or sync; for example site-7"))
	}
	if d := e.ReassertEvery; d != nil && (d.Duration < adapterconfig.MinReassert || d.Duration > maxReassert) {
		errs = errs.Also(refuse("reassertEvery", d.Duration, "must be %v to %v, for example 5m; leave it out to send changes alone", adapterconfig.MinReassert, maxReassert))
	}
	return errs
}

// validateWatched refuses to wait for what nobody looks at.
func (e *Events) validateWatched(s *PtpSourceSpec) *apis.FieldError {
	unwatched := map[string]string{} // types, and the part of the spec that they need
	if s.OSClock == nil || !s.OSClock.Enabled {
		unwatched[oran.OSClockSyncStateChange], unwatched[oran.OSClockStepped] = "osClock", "osClock"
	}
	if s.HardwareClock == nil || !s.HardwareClock.Enabled {
		unwatched[oran.HardwareClockStepped] = "hardwareClock"
	}
	if s.GNSS == nil || !s.GNSS.Enabled {
		unwatched[oran.GNSSSyncStatusChange] = "gnss"
	}
	if s.SyncE == nil || !s.SyncE.Enabled {
		unwatched[oran.SyncELockStateChange], unwatched[oran.SyncEClockQualityChange] = "synce", "synce"
	}
	var errs *apis.FieldError
	for i, name := range e.Types {
		if part, ok := unwatched[name]; ok {
			errs = errs.Also(refuse(atIndex("types", i), name, "is never sent while the clock is not watched; set spec.%s.enabled: true or leave it out", part))
		}
	}
	return errs
}

func eventTypes() []string {
	var types []string
	for _, definition := range oran.Definitions() {
		types = append(types, definition.EventType)
	}
	return types
}

// isClusterName is a little stricter than the encoder of addresses: node and sync are
// words of their own in an address, and . is this cluster.
func isClusterName(name string) bool {
	return name != "" && name != "node" && name != "sync" && len(content.IsLabelValue(name)) == 0
}

// validateUpdate refuses to change what others rely on.
func (e *Events) validateUpdate(old Events) *apis.FieldError {
	if e.ClusterName == old.ClusterName {
		return nil
	}
	return refuse("clusterName", e.ClusterName, "must stay %q, because Triggers filter by it; make another PtpSource with the new name and delete this one", old.ClusterName)
}

func (h *History) validate() *apis.FieldError {
	var errs *apis.FieldError
	switch h.Storage {
	case "", StorageHostPath, StorageEmptyDir, StorageMemory:
	default:
		errs = refuse("storage", string(h.Storage), "must be %s, %s or %s", StorageHostPath, StorageEmptyDir, StorageMemory)
	}
	if q := h.MaxBytes; q != nil && (q.Value() < minHistory || q.Value() > maxHistory) {
		errs = errs.Also(refuse("maxBytes", q.String(), "must be 1Mi to 16Gi, for example 64Mi"))
	}
	return errs.Also(
		inRange("entries", h.Entries, 1, maxEntries, "100000"),
		durationInRange("maxAge", h.MaxAge, time.Minute, maxHistoryAge, "168h"),
	)
}
