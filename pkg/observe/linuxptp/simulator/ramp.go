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

package simulator

import "time"

// ramp is a value that moves steadily from one level to another.
type ramp struct {
	from, to    time.Duration
	start, over time.Duration
}

// at returns the value at the given time.
func (r ramp) at(now time.Duration) time.Duration {
	if now >= r.start+r.over {
		return r.to
	}
	done := float64(now-r.start) / float64(r.over)
	return r.from + time.Duration(done*float64(r.to-r.from))
}
