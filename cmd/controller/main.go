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

// Controller runs the adapters of PtpSources and says how they are.
package main

import (
	"os"

	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/signals"

	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource"
)

func main() {
	// Knative's own are 5 requests a second and 2 workers, with which hundreds of sources
	// that are created at once would take minutes.
	for name, value := range map[string]string{
		"KUBE_API_QPS":             "200",
		"KUBE_API_BURST":           "400",
		"K_THREADS_PER_CONTROLLER": "8",
	} {
		if _, ok := os.LookupEnv(name); !ok {
			_ = os.Setenv(name, value) // fails for malformed names only
		}
	}
	sharedmain.MainWithContext(signals.NewContext(), "eventing-ptp-controller", ptpsource.NewController)
}
