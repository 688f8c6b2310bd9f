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

package vm

import "time"

// Mark is what the program in a machine says on its standard output, one in JSON a line.
type Mark struct {
	// Name is what was done.
	Name string `json:"name"`
	// Before and After are when, by the machine's CLOCK_REALTIME.
	Before time.Time `json:"before"`
	After  time.Time `json:"after"`
	// Part is what was broken or mended, in a random script.
	Part   string `json:"part"`
	Broken bool   `json:"broken"`
	// Ours and Theirs are a hardware clock minus CLOCK_REALTIME: as pkg/observe/phc reads it, at
	// the least and at the most, and as phc_ctl says.
	Ours   [2]time.Duration `json:"ours"`
	Theirs time.Duration    `json:"theirs"`
	// Used is how much processor time the adapter has taken, and During in which time.
	Used   time.Duration `json:"used"`
	During time.Duration `json:"during"`
	// Metrics are lines that the adapter exposes.
	Metrics []string `json:"metrics"`
}
