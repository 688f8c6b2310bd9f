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

package ocloud

import (
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// Nobody gets a test event whose address is that of a state.
func TestNoNoticeOfATest(t *testing.T) {
	encoder, err := oran.NewEncoder(oran.Place{Cluster: "cluster", Node: "n1"}, oran.SourceFull)
	if err != nil {
		t.Fatal(err)
	}
	test, err := encoder.Test(oran.Address{Instance: "ptp4l.0", Resource: oran.LockState}, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	state, err := encoder.Encode(clock.Transition{Kind: clock.LockState, Instance: "ptp4l.0", To: clock.Locked}, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	var all notices
	if all.notice(journal.Entry{Epoch: "fade", Sequence: 1, Payload: test.Marshal()}) != nil {
		t.Error("there is a notice of a test event")
	}
	if all.notice(journal.Entry{Epoch: "fade", Sequence: 2, Payload: state.Marshal()}) == nil {
		t.Error("there is none of a state")
	}
}
