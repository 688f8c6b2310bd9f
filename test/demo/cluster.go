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
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

// runOnCluster is the quick start: a cluster, clocks on its nodes, this project and the sample installed on it, and a
// clock that is broken.
func runOnCluster(ctx context.Context, version string, keep bool) (err error) {
	began := time.Now()
	c, err := newCluster(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()

	say("Starting a grandmaster outside of the cluster, and ptp4l %s on each node as its follower", version)
	clocks, err := c.clocks(ctx, version)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clocks.Close()) }()

	if err := c.install(ctx); err != nil {
		return err
	}
	if err := c.applySample(ctx); err != nil {
		return err
	}
	display, err := c.follow(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, display.close()) }()
	display.settle(ctx)
	note("ready after %s", round(time.Since(began)))

	p := &performance{audience: display}
	if err := p.play(ctx, clocks.faults()); err != nil {
		return err
	}
	if err := report(p.results, time.Since(began)); err != nil || !keep {
		return err
	}
	c.invite()
	<-ctx.Done()
	return nil
}

// cluster is a running cluster, with what programs need to use it.
type cluster struct {
	tool string
	env  []string
}

// newCluster builds and starts a cluster of two nodes.
func newCluster(ctx context.Context) (*cluster, error) {
	dir, err := os.MkdirTemp("", "eventing-ptp-demo-")
	if err != nil {
		return nil, err
	}
	// ko looks for .ko.yaml unless it is told otherwise.
	c := &cluster{tool: filepath.Join(dir, "cluster"), env: []string{"KO_CONFIG_PATH=ko.yaml"}}
	say("Starting a Kubernetes cluster of two nodes with Knative; the first time it is built, which takes a while")
	if err := c.run(ctx, "go", "build", "-C", "test/cluster", "-o", c.tool, "."); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if err := c.run(ctx, c.tool, "up"); err != nil {
		return nil, errors.Join(err, c.close())
	}
	env, err := exec.CommandContext(ctx, c.tool, "env").Output()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask for the environment of the cluster: %w", err), c.close())
	}
	for line := range strings.Lines(string(env)) {
		c.env = append(c.env, strings.TrimPrefix(strings.TrimSpace(line), "export "))
	}
	return c, nil
}

// run runs a program and shows what it says.
func (c *cluster) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", filepath.Base(program), strings.Join(args, " "), err)
	}
	return nil
}

// kubectl runs kubectl and keeps what it says for when it fails.
func (c *cluster) kubectl(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, c.tool, append([]string{"kubectl"}, args...)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, said.String())
	}
	return nil
}

// ko builds images, pushes them to the cluster's registry, and applies manifests. What it says fills screens, so only
// what takes its time is shown, unless it fails.
func (c *cluster) ko(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"tool", "-modfile=hack/tools/go.mod", "ko", "apply", "--sbom=none"}, args...)...)
	cmd.Env = append(os.Environ(), c.env...)
	out, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start ko: %w", err)
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		if _, program, ok := strings.Cut(lines.Text(), " Building "); ok {
			note("building %s", program)
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("ko apply %s: %w\n%s", strings.Join(args, " "), err, strings.Join(said[max(0, len(said)-20):], "\n"))
	}
	return nil
}

// software are thresholds for software timestamps, whose noise is microseconds, and for spectators, who are impatient.
const software = `{"data": {"lock-offset": "100us", "unlock-offset": "200us", "holdover-timeout": "3s"}}`

// install installs this project.
func (c *cluster) install(ctx context.Context) error {
	say("Installing this project: ko apply -Rf config/")
	if err := c.ko(ctx, "-Rf", "config/"); err != nil {
		return err
	}
	if err := c.kubectl(ctx, "-n", "knative-eventing", "wait", "deployments", "-l", "app.kubernetes.io/name=eventing-ptp",
		"--for=condition=Available", "--timeout=3m"); err != nil {
		return err
	}
	return c.kubectl(ctx, "-n", "knative-eventing", "patch", "configmap", "config-ptp", "--type=merge", "--patch="+software)
}

const (
	sample    = "samples/01-quick-start/"
	namespace = "ptp-quick-start"
)

func (c *cluster) applySample(ctx context.Context) error {
	say("Applying the sample: ko apply -f %s", sample)
	if err := c.ko(ctx, "-f", sample); err != nil {
		return err
	}
	return c.kubectl(ctx, "-n", namespace, "wait", "broker,ksvc,trigger,ptpsource", "--all", "--for=condition=Ready", "--timeout=3m")
}

// followed is the log of the Knative Service.
type followed struct {
	*printed
	logs *exec.Cmd
}

// follow reads what the Knative Service prints from now on.
func (c *cluster) follow(ctx context.Context) (*followed, error) {
	f := &followed{printed: newPrinted(), logs: exec.CommandContext(ctx, c.tool, "kubectl", "-n", namespace, "logs", "--follow",
		"--selector=serving.knative.dev/service=display", "--container=user-container", "--since=1s")}
	out, err := f.logs.StdoutPipe()
	if err != nil {
		return nil, err
	}
	f.logs.Stderr = os.Stderr
	if err := f.logs.Start(); err != nil {
		return nil, fmt.Errorf("read the log of the Knative Service: %w", err)
	}
	go f.read(out)
	return f, nil
}

func (f *followed) close() error {
	err := f.logs.Process.Signal(syscall.SIGTERM)
	_ = f.logs.Wait() // it ends by the signal, which is no success
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// fleet is the clocks of the cluster's nodes.
type fleet struct{ *lab.Lab }

func (c *cluster) clocks(ctx context.Context, version string) (*fleet, error) {
	var kubeconfig string
	for _, variable := range c.env {
		if path, ok := strings.CutPrefix(variable, "KUBECONFIG="); ok {
			kubeconfig = path
		}
	}
	machines, err := lab.Machines(filepath.Join(filepath.Dir(kubeconfig), "state.json"))
	if err != nil {
		return nil, err
	}
	o := lab.DefaultOptions()
	o.Topology, o.Machines, o.Version, o.LogAnnounce = lab.Fleet, machines, version, -1
	l, err := lab.Build(ctx, o)
	if err != nil {
		return nil, err
	}
	return &fleet{l}, nil
}

func (f *fleet) verb(line string) func(context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) { return f.Do(ctx, line) }
}

// faults are such that the lock-state of node n1, which the sample's Trigger is about, changes.
func (f *fleet) faults() []fault {
	locked := expectation{lockState, "LOCKED"}
	holdover := expectation{lockState, "HOLDOVER"}
	freerun := expectation{lockState, "FREERUN"}
	return []fault{
		{
			title: "The clock of n1 is off by 400 µs",
			do:    f.verb("offset n1 400us"), want: freerun,
			undo: f.verb("offset n1 0s"), back: locked,
		},
		{
			title: "The grandmaster freezes: it sends nothing more",
			do:    f.verb("freeze gm"), want: holdover,
			undo: f.verb("thaw gm"), back: locked,
		},
		{
			title: "The link of n1 to the grandmaster goes down, for longer than the holdover",
			do:    f.verb("link down gm/1"), want: holdover, later: freerun,
			undo: f.verb("link up gm/1"), back: locked,
		},
		{
			title: "ptp4l of n1 is killed",
			do:    f.verb("kill n1"), want: holdover,
			undo: f.verb("restart n1"), back: locked,
		},
	}
}

// invite says what can be done with what runs.
func (c *cluster) invite() {
	say("All of it runs until you press Ctrl-C. In another terminal, as root:")
	for _, variable := range c.env {
		fmt.Printf("   export %s\n", variable)
	}
	fmt.Printf("   kubectl get nodes,pods,ptpsources -A\n   kubectl -n %s logs -f -l serving.knative.dev/service=display -c user-container\n", namespace)
}

// close removes the cluster and the tool.
func (c *cluster) close() error {
	say("Removing the cluster")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // also when the caller's has ended
	defer cancel()
	err := error(nil)
	if _, missing := os.Stat(c.tool); missing == nil {
		err = c.run(ctx, c.tool, "down")
	}
	return errors.Join(err, os.RemoveAll(filepath.Dir(c.tool)))
}
