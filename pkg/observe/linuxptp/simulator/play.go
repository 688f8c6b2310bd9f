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

import (
	"context"
	"fmt"
	"time"
)

// Play does the steps of a scenario at their times, and calls report with the index of
// each step when it is done. It returns after the last step, unless the scenario
// loops; the simulator goes on as the last step left it.
func (s *Simulator) Play(ctx context.Context, sc Scenario, report func(step int)) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	start := time.Now()
	var round time.Duration
	if n := len(sc.Steps); sc.Loop && n > 0 {
		round = sc.Steps[n-1].At
	}
	for {
		for i, step := range sc.Steps {
			timer.Reset(time.Until(start.Add(step.At)))
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timer.C:
			}
			if err := step.run(s); err != nil {
				return fmt.Errorf("scenario: step %d (%s): %w", i+1, step.Do, err)
			}
			report(i)
		}
		if round == 0 {
			return nil
		}
		start = start.Add(round)
	}
}
