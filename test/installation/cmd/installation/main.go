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

// Installation runs a real Kubernetes API server with this project installed on it, and
// with nodes whose kubelets are played, until it is interrupted. It is for trying out
// manifests and the controller; no adapter runs. It needs root on Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/eventing-ptp/eventing-ptp/test/installation"
	"github.com/eventing-ptp/eventing-ptp/test/kube"
)

func main() {
	build := flag.Bool("build", false, "build Kubernetes, which takes minutes the first time, and do no more")
	nodes := flag.Int("nodes", 2, "`number` of nodes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, *build, *nodes)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(os.Stderr, "installation: %v\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, build bool, nodes int) (err error) {
	if build {
		_, err := kube.Programs(ctx, os.Stderr)
		return err
	}
	c, err := installation.NewControlPlane(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	i, err := installation.Install(ctx, c)
	if err != nil {
		return err
	}
	controller, err := i.Start(ctx, installation.Controller)
	if err != nil {
		return err
	}
	if _, err := i.AddNodes(ctx, nodes, nil); err != nil {
		return err
	}
	kubectl := append([]string{"nsenter", "--net=" + i.Namespace()}, i.Kubectl().Args...)
	fmt.Printf("In another terminal:\n\n  alias k='%s'\n  k explain ptpsources.spec\n\nThe controller's log is %s. Interrupt to end it all.\n",
		strings.Join(kubectl, " "), controller.Log())
	<-ctx.Done()
	return nil
}
