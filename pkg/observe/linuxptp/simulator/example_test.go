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

package simulator_test

import (
	"fmt"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
)

func ExampleParseScenario() {
	scenario, err := simulator.ParseScenario([]byte(`
domain: 24
slaveOnly: true
ports: [{interface: ens1f0}]
steps:
- {at: 2s, do: drift, to: 400ns, over: 3s}
- {at: 6s, do: link-down, port: ens1f0}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range scenario.Steps {
		fmt.Println(step.At, step)
	}
	// Output:
	// 2s drift to 400ns over 3s
	// 6s link-down ens1f0
}
