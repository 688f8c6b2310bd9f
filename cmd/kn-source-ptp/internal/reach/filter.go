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

package reach

import (
	"context"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"go.uber.org/zap"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	"knative.dev/eventing/pkg/eventfilter"
	"knative.dev/eventing/pkg/eventfilter/subscriptionsapi"
)

// The filters that are made of others are our own, and the others Knative's: its own that are
// made of others rearrange themselves in the background, which is of no use for a few events
// and not free of races.

// every passes what none of its filters fails.
type every []eventfilter.Filter

// Filter implements eventfilter.Filter.
func (f every) Filter(ctx context.Context, e cloudevents.Event) eventfilter.FilterResult {
	for _, one := range f {
		if one.Filter(ctx, e) == eventfilter.FailFilter {
			return eventfilter.FailFilter
		}
	}
	return eventfilter.PassFilter
}

// Cleanup implements eventfilter.Filter.
func (every) Cleanup() {}

// some passes what one of its filters passes.
type some []eventfilter.Filter

// Filter implements eventfilter.Filter.
func (f some) Filter(ctx context.Context, e cloudevents.Event) eventfilter.FilterResult {
	for _, one := range f {
		if one.Filter(ctx, e) != eventfilter.FailFilter {
			return eventfilter.PassFilter
		}
	}
	return eventfilter.FailFilter
}

// Cleanup implements eventfilter.Filter.
func (some) Cleanup() {}

// allOf returns what passes when all of the list do.
func allOf(list []eventingv1.SubscriptionsAPIFilter) every {
	var all every
	for _, f := range list {
		all = append(all, filterFrom(f))
	}
	return all
}

// filterFrom returns one filter of a Trigger. One that makes no sense lets everything
// through, as a Broker has it.
func filterFrom(f eventingv1.SubscriptionsAPIFilter) eventfilter.Filter {
	switch {
	case len(f.All) > 0:
		return allOf(f.All)
	case len(f.Any) > 0:
		return some(allOf(f.Any))
	case f.Not != nil:
		return subscriptionsapi.NewNotFilter(filterFrom(*f.Not))
	}
	if leaf := subscriptionsapi.MaterializeSubscriptionsAPIFilter(zap.NewNop(), f); leaf != nil {
		return leaf
	}
	return subscriptionsapi.NewNoFilter()
}
