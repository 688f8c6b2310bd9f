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

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/sandbox"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/component"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/daemon"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/plan"
)

// proxyBinding gives kube-proxy, which is no pod here, the rights that it needs.
const proxyBinding = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: kube-proxy
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:node-proxier"}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "system:kube-proxy"}
`

// client changes the cluster, with kubectl.
type client struct {
	programs, kubeconfig, dir string
	progress                  progress
}

// kubectl runs kubectl and returns what it prints.
func (c client) kubectl(ctx context.Context, stdin []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.programs, "kubectl"), append([]string{"--kubeconfig=" + c.kubeconfig}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", args[0], err, sandbox.LastLines(stderr.String(), 5))
	}
	return stdout.String(), nil
}

// Limits to what may take how long, on a slow machine.
const (
	apiTimeout       = 2 * time.Minute
	nodeTimeout      = 2 * time.Minute
	componentTimeout = 8 * time.Minute
)

// await calls done until it returns nil. When that takes too long, the error has the last words of what should have
// done it.
func (c client) await(ctx context.Context, limit time.Duration, machine, program string, done func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		err := done(limited)
		if err == nil {
			return nil
		}
		if limited.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limited.Done():
			log := plan.Cluster{Dir: c.dir}.Log(machine, program)
			return fmt.Errorf("not within %v: %w; the log %s ends:\n%s", limit, last, log, lastLines(log, 10))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (c client) awaitAPI(ctx context.Context) error {
	err := c.await(ctx, apiTimeout, plan.Control, "kube-apiserver", func(ctx context.Context) error {
		_, err := c.kubectl(ctx, nil, "get", "--raw=/readyz")
		return err
	})
	if err != nil {
		return fmt.Errorf("wait for the API server: %w", err)
	}
	c.progress.say("the API server is ready")
	return nil
}

func (c client) awaitNode(ctx context.Context, name string) error {
	err := c.await(ctx, nodeTimeout, name, "kubelet", func(ctx context.Context) error {
		ready, err := c.kubectl(ctx, nil, "get", "node", name, `-o=jsonpath={.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].message}`)
		if err == nil && !strings.HasPrefix(ready, "True") {
			err = fmt.Errorf("node %s is not ready: %s", name, ready)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("wait for node %s: %w", name, err)
	}
	c.progress.say("node %s is ready", name)
	return nil
}

// apply makes objects what a manifest says.
func (c client) apply(ctx context.Context, manifest []byte) error {
	_, err := c.kubectl(ctx, manifest, "apply", "--server-side", "--force-conflicts", "-f", "-")
	return err
}

// install pushes a component's images, applies its objects, and waits until it works.
func (c client) install(ctx context.Context, part component.Component, sets []*image.Built, registry string) error {
	images := image.References{}
	for _, set := range sets {
		pushed, err := set.Push(ctx, registry, nil)
		if err != nil {
			return err
		}
		maps.Copy(images, pushed)
	}
	manifest, err := part.Manifest(ctx, images, component.Cluster{Registry: registry, DNS: plan.DNSAddress})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, componentTimeout)
	defer cancel()
	if err := c.applyInOrder(ctx, manifest); err != nil {
		return err
	}
	for _, namespace := range part.Namespaces {
		if _, err := c.kubectl(ctx, nil, "-n", namespace, "wait", "--for=condition=Available", "deployments", "--all", "--timeout="+componentTimeout.String()); err != nil {
			return errors.Join(err, c.troubles(namespace))
		}
	}
	c.progress.say("%s works", part.Name)
	return nil
}

// applyInOrder applies definitions of kinds before objects of these kinds.
func (c client) applyInOrder(ctx context.Context, manifest []byte) error {
	kinds, others := split(manifest)
	if len(kinds) > 0 {
		if err := c.apply(ctx, kinds); err != nil {
			return err
		}
		if _, err := c.kubectl(ctx, kinds, "wait", "--for=condition=Established", "--timeout=60s", "-f", "-"); err != nil {
			return err
		}
	}
	// A webhook of this very component is asked about some of its objects, and may not answer yet.
	return c.await(ctx, componentTimeout, plan.Control, "kube-apiserver", func(ctx context.Context) error { return c.apply(ctx, others) })
}

const kindOfKinds = "kind: CustomResourceDefinition"

// split parts definitions of kinds from other documents.
func split(manifest []byte) (kinds, others []byte) {
	for document := range bytes.SplitSeq(manifest, []byte("\n---\n")) {
		to := &others
		for line := range bytes.Lines(document) {
			if string(bytes.TrimRight(line, "\n")) == kindOfKinds {
				to = &kinds
			}
		}
		*to = append(append(*to, document...), "\n---\n"...)
	}
	return kinds, others
}

// troubles says which pods of a namespace do not run, and why.
func (c client) troubles(namespace string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	pods, err := c.kubectl(ctx, nil, "-n", namespace, "get", "pods", "-o", "wide")
	if err != nil {
		return err
	}
	events, err := c.kubectl(ctx, nil, "-n", namespace, "get", "events", "--field-selector=type=Warning", "--sort-by=.lastTimestamp")
	return errors.Join(fmt.Errorf("pods in %s:\n%s\n%s", namespace, pods, sandbox.LastLines(events, 10)), err)
}

// connect returns a client for the cluster that runs.
func (o *options) connect() (client, daemon.State, error) {
	state, err := daemon.ReadState(o.dir)
	return client{programs: state.Programs, kubeconfig: state.Kubeconfig, dir: o.dir, progress: progress{o.out, time.Now()}}, state, err
}
