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

// Receive_adapter watches the PTP clocks of its node and sends every change of their
// state as a CloudEvent to K_SINK. The controller runs it on every chosen node; it also
// runs by itself, with nothing but a sink: see -help.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"

	adapterv2 "knative.dev/eventing/pkg/adapter/v2"
	"knative.dev/pkg/signals"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter"
)

func main() {
	if os.Getenv("GOMAXPROCS") == "" {
		// The adapter waits and hardly computes. With a second processor, Go wakes a second
		// thread for each datagram to look for work that is not there.
		runtime.GOMAXPROCS(1)
	}
	env, err := adapter.Load(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "receive_adapter: %v\n", err)
		os.Exit(2)
	}
	ctx, err := adapter.WithKubeClient(signals.NewContext(), env)
	if err != nil {
		fmt.Fprintf(os.Stderr, "receive_adapter: %v\n", err)
		os.Exit(2)
	}
	// The library parses the process's flags unless somebody has: ours are read already.
	_ = flag.CommandLine.Parse(nil)
	adapterv2.MainWithInformers(adapterv2.WithHealthProbesDisabled(ctx), "ptpsource", env, adapter.New)
}
