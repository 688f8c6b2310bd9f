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
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/kube"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/component"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/daemon"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/plan"
)

// progress says what is being done, with the time since the start.
type progress struct {
	out   io.Writer
	began time.Time
}

func (p progress) say(format string, args ...any) {
	since := time.Since(p.began).Round(time.Second)
	fmt.Fprintf(p.out, "%3d:%02d  %s\n", int(since.Minutes()), int(since.Seconds())%60, fmt.Sprintf(format, args...))
}

// Write lets others say what they are doing, in lines.
func (p progress) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		p.say("%s", strings.TrimRight(line, "\n"))
	}
	return len(text), nil
}

// components are what is installed, in this order.
func (o *options) components() []component.Component {
	list := []component.Component{component.CoreDNS()}
	if o.certManager {
		list = append(list, component.CertManager())
	}
	return append(list, component.Eventing(o.certManager), component.Serving())
}

func build(ctx context.Context, o *options, _ []string) error {
	_, err := o.build(ctx, progress{o.out, time.Now()})
	return err
}

// artifacts are what was built.
type artifacts struct {
	programs string
	base     *image.Built
	sandbox  *image.Built
	sets     map[string][]*image.Built // by the component's name
}

func (o *options) build(ctx context.Context, p progress) (a artifacts, err error) {
	if a.programs, err = kube.Programs(ctx, p); err != nil {
		return a, err
	}
	if a.base, err = image.Base().Build(ctx, p); err != nil {
		return a, err
	}
	if a.sandbox, err = image.Pause().Build(ctx, p); err != nil {
		return a, err
	}
	a.sets = map[string][]*image.Built{}
	for _, c := range o.components() {
		for _, set := range c.Images {
			built, err := set.Build(ctx, p)
			if err != nil {
				return a, fmt.Errorf("build the images of %s: %w", c.Name, err)
			}
			a.sets[c.Name] = append(a.sets[c.Name], built)
		}
	}
	return a, nil
}

// up makes the cluster what it should be, whatever of it is there already.
func up(ctx context.Context, o *options, _ []string) error {
	if err := check(o); err != nil {
		return err
	}
	p := progress{o.out, time.Now()}
	built, err := o.build(ctx, p)
	if err != nil {
		return err
	}
	state, err := o.start(ctx, p, built.programs)
	if err != nil {
		return err
	}
	c := client{programs: built.programs, kubeconfig: state.Kubeconfig, dir: o.dir, progress: p}
	if err := c.awaitAPI(ctx); err != nil {
		return err
	}
	if err := c.apply(ctx, []byte(proxyBinding)); err != nil {
		return err
	}
	if _, err := built.base.Push(ctx, state.Registry, nil); err != nil {
		return err
	}
	if _, err := built.sandbox.Push(ctx, state.Registry, nil); err != nil {
		return err
	}
	for _, n := range state.Nodes {
		if err := c.awaitNode(ctx, n.Name); err != nil {
			return err
		}
	}
	for _, component := range o.components() {
		if err := c.install(ctx, component, built.sets[component.Name], state.Registry); err != nil {
			return fmt.Errorf("install %s: %w", component.Name, err)
		}
	}
	p.say("the cluster is up; `cluster env` prints what a shell needs to use it")
	return nil
}

// check says what is missing on this machine.
func check(o *options) error {
	if os.Getuid() != 0 {
		return errors.New("it makes namespaces and control groups, which takes root: try sudo")
	}
	var missing []string
	for _, path := range []string{"/usr/bin/containerd", "/usr/sbin/runc", "/usr/lib/cni/bridge", "/usr/sbin/nft"} {
		if _, err := os.Stat(path); err != nil {
			missing = append(missing, path)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s: not found; on Debian, hack/deps.sh cluster installs containerd, runc, containernetworking-plugins and nftables",
			strings.Join(missing, ", "))
	}
	if o.nodes < 1 || o.nodes > plan.MaxNodes {
		return fmt.Errorf("-nodes is %d; it must be from 1 to %d", o.nodes, plan.MaxNodes)
	}
	return nil
}

// start starts the cluster's process, unless it runs.
func (o *options) start(ctx context.Context, p progress, programs string) (daemon.State, error) {
	state, err := daemon.ReadState(o.dir)
	if err == nil {
		p.say("the cluster runs already, in process %d", state.Pid)
		return state, nil
	}
	if !errors.Is(err, daemon.ErrNone) {
		return state, err
	}
	if err := o.remove(state); err != nil { // what one before has left
		return state, err
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return state, err
	}
	images, err := sandbox.CacheDir("registry")
	if err != nil {
		return state, err
	}
	log, err := os.Create(daemon.Log(o.dir))
	if err != nil {
		return state, err
	}
	defer log.Close() //nolint:errcheck // the cluster writes to it, and we do not
	var nodes []string
	for i := range o.nodes {
		nodes = append(nodes, fmt.Sprintf("n%d", i+1))
	}
	cmd := exec.Command("/proc/self/exe", daemonCommand,
		"-dir", o.dir, "-programs", programs, "-images", images, "-nodes", strings.Join(nodes, ","))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return state, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the log says why it has ended
		close(ended)
	}()
	p.say("starting the control plane and %s", strings.Join(nodes, ", "))
	for {
		state, err := daemon.ReadState(o.dir)
		if err == nil {
			return state, nil
		}
		select {
		case <-ctx.Done():
			return state, ctx.Err()
		case <-ended:
			return state, fmt.Errorf("the cluster does not start; its log %s ends:\n%s", daemon.Log(o.dir), lastLines(daemon.Log(o.dir), 10))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// lastLines is the end of a log.
func lastLines(path string, n int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return sandbox.LastLines(string(text), n)
}

// down ends the cluster and removes what it was.
func down(_ context.Context, o *options, _ []string) error {
	if os.Getuid() != 0 {
		return errors.New("it ends namespaces and control groups, which takes root: try sudo")
	}
	state, err := daemon.ReadState(o.dir)
	if err != nil && !errors.Is(err, daemon.ErrNone) {
		return err
	}
	return o.remove(state)
}

// endTimeout is how long the cluster's process may take to end.
const endTimeout = 30 * time.Second

// remove ends what runs of a cluster, and removes what is left of it. The directory is removed last: as long as it is
// there, another try finds what to do.
func (o *options) remove(state daemon.State) error {
	if err := end(state.Pid, o.dir); err != nil {
		return err
	}
	if err := daemon.GroupOf(o.dir).Remove(); err != nil {
		return err
	}
	if _, err := os.Stat(o.dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	// Only what a cluster has made: somebody may have given a directory with something else in it.
	var errs []error
	for _, name := range []string{"machines", "control.sock", "kubeconfig", "cluster.log", "state.json", "state.json.partial"} {
		errs = append(errs, os.RemoveAll(filepath.Join(o.dir, name)))
	}
	if err := os.Remove(o.dir); err != nil && !errors.Is(err, syscall.ENOTEMPTY) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// end ends the process that a cluster lives in, if it is that.
func end(pid int, dir string) error {
	if pid == 0 || !isDaemon(pid, dir) {
		return nil
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	for deadline := time.Now().Add(endTimeout); isDaemon(pid, dir); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = process.Kill()
		}
		if time.Now().After(deadline.Add(endTimeout)) {
			return fmt.Errorf("process %d does not end, not even when it is killed", pid)
		}
	}
	return nil
}

func isDaemon(pid int, dir string) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.Contains(string(line), "\x00"+daemonCommand+"\x00-dir\x00"+dir+"\x00")
}
