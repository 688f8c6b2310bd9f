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

package clock

import "time"

// Past is what was last published of one property before this node is watched.
type Past struct {
	Kind     Kind
	Instance string // empty for what the node has once
	Value    Value
	Reason   Reason
	// Holdover is how much longer the instance may be in HOLDOVER if it turns out to have
	// no source: a while for one that was LOCKED or in HOLDOVER a moment ago, 0 for one
	// whose machine was restarted since.
	Holdover time.Duration
}

// Resume takes in what was published before. It comes before any observation. What
// turns out to be as it was is not said again; what has changed meanwhile is, and is
// Missed. An instance that is not there any more is like one that does not answer.
func (n *Node) Resume(now Instant, past []Past) {
	if n.dplls != nil { // qualities first: it is told by who asks for one whose it is
		for _, p := range past {
			if p.Kind == SyncEQuality {
				n.dplls.past[p.Instance] = p.Value
			}
		}
	}
	for _, p := range past {
		if n.resumeDetail(p) {
			continue
		}
		state, isState := p.Value.(State)
		switch {
		case p.Kind == ClockClass && !isState:
			i := n.instance(p.Instance)
			i.class, i.classPast = p.Value, true
		case p.Kind == GNSSSyncStatus && n.gnss != nil:
			if status, ok := p.Value.(GNSSStatus); ok {
				n.gnss.receiver(p.Instance).past = status
			}
		case !isState:
		case p.Kind == SyncELockState && n.dplls != nil:
			n.dplls.eec(p.Instance).resume(now, state, p)
		case p.Kind == LockState:
			n.instance(p.Instance).resume(now, state, p)
		case p.Kind == SyncState:
			n.state.past = state
		case p.Kind == OSClockState && n.os != nil:
			n.osState.past = state
			if state == Locked || !n.fedByPTP { // else it may have been an instance that was not
				n.os.resume(now, state, p)
			}
		}
	}
}
