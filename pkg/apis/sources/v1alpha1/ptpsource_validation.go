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
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"knative.dev/pkg/apis"
)

// Validate refuses a source that could not work, or not as its author thinks, and says
// for each field what would be better. Whether config-ptp allows what is asked for is the
// controller's business, because that may change later.
func (s *PtpSource) Validate(ctx context.Context) *apis.FieldError {
	if apis.IsInDelete(ctx) || s.DeletionTimestamp != nil || apis.IsInStatusUpdate(ctx) {
		return nil // what is bad must be able to go, and to say that it is bad
	}
	var errs *apis.FieldError
	old, updated := apis.GetBaseline(ctx).(*PtpSource)
	updated = updated && old != nil
	if !updated && len(s.Name) > content.DNS1123LabelMaxLength {
		errs = refuse("metadata.name", s.Name, "must have at most %d characters, because others are derived from it", content.DNS1123LabelMaxLength)
	}
	if updated {
		if equality.Semantic.DeepEqual(old.Spec, s.Spec) {
			return errs // labels and finalizers can change on a source that an older version has let in
		}
		before := old.DeepCopy()
		before.SetDefaults(ctx)
		errs = errs.Also(s.Spec.Events.validateUpdate(before.Spec.Events).ViaField("spec", "events"))
	}
	return errs.Also(s.Spec.Validate(ctx).ViaField("spec"))
}

// Validate refuses a spec that could not work. It expects the defaults to be set.
func (s *PtpSourceSpec) Validate(context.Context) *apis.FieldError {
	return validateDestination(&s.Sink).ViaField("sink").Also(
		validateOverrides(s.CloudEventOverrides).ViaField("ceOverrides"),
		s.Delivery.validate().ViaField("delivery"),
		validateNodeSelector(s.NodeSelector),
		validateTolerations(s.Tolerations),
		validateResources(s.Resources).ViaField("resources"),
		validatePriorityClassName(s.PriorityClassName),
		s.Linuxptp.validate().ViaField("linuxptp"),
		s.HardwareClock.validate().ViaField("hardwareClock"),
		s.OSClock.validate().ViaField("osClock"),
		s.GNSS.validate().ViaField("gnss"),
		s.Thresholds.validate().ViaField("thresholds"),
		s.Events.validate().ViaField("events"),
		s.SyncE.validate(s.Linuxptp).ViaField("synce"),
		s.Events.validateWatched(s).ViaField("events"),
		s.History.validate().ViaField("history"),
		s.OCloud.validate().ViaField("oCloud"),
	)
}

// refuse returns the refusal of a value of a field: what must be different.
func refuse(field string, value any, remedy string, args ...any) *apis.FieldError {
	if text, ok := value.(string); ok {
		value = fmt.Sprintf("%q", text)
	}
	return apis.ErrInvalidValue(value, field, fmt.Sprintf(remedy, args...))
}

// inRange refuses a number that is given and not within both bounds.
func inRange[N int32 | int64](field string, n *N, lowest, highest N, example string) *apis.FieldError {
	if n == nil || *n >= lowest && *n <= highest {
		return nil
	}
	return refuse(field, *n, "must be %d to %d, for example %s", lowest, highest, example)
}

// atKey is the path of what a map has under a key.
func atKey(field, key string) string { return fmt.Sprintf("%s[%s]", field, key) }

// atIndex is the path of an entry of a list.
func atIndex(field string, index int) string { return fmt.Sprintf("%s[%d]", field, index) }
