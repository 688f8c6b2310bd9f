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

// Package daemon is the process that a cluster lives in: it makes the machines, cables them, and is the way to them from
// the outside, on loopback addresses. When it ends, however it ends, the kernel ends all machines.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/eventing-ptp/eventing-ptp/test/pki"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/machine"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/network"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/plan"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/registry"
)

// Options say what cluster to run.
type Options struct {
	// Dir is the cluster's directory.
	Dir string
	// Programs is the directory with Kubernetes' programs.
	Programs string
	// Images is the directory in which the registry keeps blobs.
	Images string
	// Nodes are the names of the nodes.
	Nodes []string
}

// Daemon is a running cluster.
type Daemon struct {
	options  Options
	log      *log.Logger
	cluster  plan.Cluster
	registry net.Listener // on the outside
	api      net.Listener // on the outside

	mu      sync.Mutex
	control *machine.Machine
	nodes   map[string]*node
}

// node is a node of the cluster, with power or without.
type node struct {
	plan.Node
	machine *machine.Machine // nil without power
}

// Run makes a cluster and runs it until ctx ends.
func Run(ctx context.Context, o Options, logger *log.Logger) error {
	dir, err := sandbox.OpenDir(o.Dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	d := &Daemon{options: o, log: logger, nodes: map[string]*node{}}
	// The machines end with this process, so whoever reads the state sees that it is old by the process that is gone.
	return errors.Join(d.run(ctx), d.powerOff())
}

func (d *Daemon) run(ctx context.Context) error {
	if err := d.listen(); err != nil {
		return err
	}
	defer d.api.Close()
	defer d.registry.Close()
	if err := d.prepare(); err != nil {
		return err
	}
	// Whoever has to clean up after this process finds it by the state.
	if err := d.writeState(); err != nil {
		return err
	}
	if err := d.startControl(); err != nil {
		return err
	}
	for _, name := range d.options.Nodes {
		if err := d.AddNode(name); err != nil {
			return err
		}
	}
	return d.serve(ctx)
}

// listen chooses the addresses on the outside.
func (d *Daemon) listen() (err error) {
	for _, l := range []*net.Listener{&d.api, &d.registry} {
		if *l, err = new(net.ListenConfig).Listen(context.Background(), "tcp4", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	return nil
}

// port is of a listener.
func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

func (d *Daemon) prepare() error {
	authority, err := pki.NewAuthority("eventing-ptp cluster")
	if err != nil {
		return err
	}
	// localhost, because everybody takes a registry of that name to speak plain HTTP.
	name := fmt.Sprintf("localhost:%d", port(d.registry))
	d.cluster = plan.Cluster{
		Dir: d.options.Dir, Group: GroupOf(d.options.Dir), Programs: d.options.Programs, Authority: authority,
		Registry: name, RegistryPort: port(d.registry), Sandbox: name + "/" + SandboxImage, KeepOOMScores: !mayLowerOOMScores(),
	}
	config, err := d.cluster.Kubeconfig(fmt.Sprintf("https://127.0.0.1:%d", port(d.api)))
	if err != nil {
		return err
	}
	return os.WriteFile(Kubeconfig(d.options.Dir), []byte(config), 0o600)
}

// SandboxImage is the repository and tag by which nodes know the image that holds a pod's namespaces.
const SandboxImage = "pause/pause:latest"

// GroupOf is the control group of the cluster in a directory. It says which directory, so that it is found again.
func GroupOf(dir string) machine.Group {
	return machine.Group("/eventing-ptp" + strings.ReplaceAll(filepath.Clean(dir), "/", "-"))
}

// mayLowerOOMScores is whether this process may lower oom_score_adj, which takes CAP_SYS_RESOURCE (proc(5)).
func mayLowerOOMScores() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) != 0
}

func (d *Daemon) startControl() error {
	spec, err := d.cluster.ControlMachine()
	if err != nil {
		return err
	}
	m, err := machine.Create(plan.Control, spec.Log)
	if err != nil {
		return err
	}
	d.control = m
	if err := network.MakeBridge(m.Pid(), plan.Address(net.ParseIP(plan.ControlAddress)), plan.Routes(0)); err != nil {
		return err
	}
	d.log.Printf("control machine: process %d", m.Pid())
	return m.Start(spec)
}

// AddNode makes a node and starts it.
func (d *Daemon) AddNode(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.nodes[name]; ok {
		return fmt.Errorf("there is a node %s already", name)
	}
	n := &node{Node: plan.Node{Name: name, Number: d.freeNumber()}}
	if err := n.Validate(); err != nil {
		return err
	}
	d.nodes[name] = n
	return d.start(n)
}

func (d *Daemon) freeNumber() int {
	taken := map[int]bool{}
	for _, n := range d.nodes {
		taken[n.Number] = true
	}
	free := 1
	for taken[free] {
		free++
	}
	return free
}

// StartNode gives a node power again.
func (d *Daemon) StartNode(name string) error {
	return d.withNode(name, func(n *node) error {
		if n.machine != nil {
			return fmt.Errorf("node %s has power already", name)
		}
		return d.start(n)
	})
}

// StopNode takes a node's power away.
func (d *Daemon) StopNode(name string) error {
	return d.withNode(name, func(n *node) error {
		if n.machine == nil {
			return fmt.Errorf("node %s has no power already", name)
		}
		return d.stop(n)
	})
}

// RemoveNode takes a node away, with all that it has stored.
func (d *Daemon) RemoveNode(name string) error {
	return d.withNode(name, func(n *node) error {
		if n.machine != nil {
			if err := d.stop(n); err != nil {
				return err
			}
		}
		delete(d.nodes, name)
		return errors.Join(d.writeState(), d.cluster.Remove(name))
	})
}

func (d *Daemon) withNode(name string, f func(*node) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ok := d.nodes[name]
	if !ok {
		return fmt.Errorf("there is no node %q", name)
	}
	return f(n)
}

func (d *Daemon) start(n *node) error {
	spec, err := d.cluster.NodeMachine(n.Node)
	if err != nil {
		return err
	}
	m, err := machine.Create(n.Name, spec.Log)
	if err != nil {
		return err
	}
	n.machine = m
	if err := network.Connect("to-"+n.Name, m.Pid(), d.control.Pid(), plan.Address(n.IP()), plan.Routes(n.Number)); err != nil {
		return errors.Join(err, d.stop(n))
	}
	d.log.Printf("node %s: process %d, address %s", n.Name, m.Pid(), n.IP())
	return errors.Join(m.Start(spec), d.writeState())
}

func (d *Daemon) stop(n *node) error {
	err := n.machine.PowerOff()
	n.machine = nil
	d.log.Printf("node %s has no power", n.Name)
	return errors.Join(err, d.cluster.Group.Below(n.Name).Remove(), d.writeState())
}

// powerOff ends all machines.
func (d *Daemon) powerOff() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, n := range d.nodes {
		if n.machine != nil {
			errs = append(errs, n.machine.PowerOff())
		}
	}
	if d.control != nil {
		errs = append(errs, d.control.PowerOff())
	}
	return errors.Join(append(errs, d.cluster.Group.Remove())...)
}

// serve is the way from the outside to the machines, until ctx ends.
func (d *Daemon) serve(ctx context.Context) error {
	images, err := registry.New(d.options.Images)
	if err != nil {
		return err
	}
	inside, err := network.Listen(d.control.Pid(), "tcp4", fmt.Sprintf("%s:%d", plan.ControlAddress, port(d.registry)))
	if err != nil {
		return err
	}
	commands, err := new(net.ListenConfig).Listen(ctx, "unix", socket(d.options.Dir))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 4)
	serve := func(handler http.Handler, l net.Listener) {
		server := &http.Server{Handler: handler} //nolint:gosec // no time-out: images are large, and everybody is ours
		context.AfterFunc(ctx, func() { _ = server.Close() })
		go func() { ended <- server.Serve(l) }()
	}
	serve(images, d.registry)
	serve(images, inside)
	serve(d.commands(), commands)
	go func() { ended <- d.forward(ctx) }()
	if err := d.writeState(); err != nil {
		return err
	}
	d.log.Printf("the API server is at %s, the registry at %s", d.api.Addr(), d.cluster.Registry)
	select {
	case <-ctx.Done():
		return nil
	case <-d.control.Ended():
		return errors.New("the control machine has ended")
	case err = <-ended:
	}
	if ctx.Err() == nil {
		return err
	}
	return nil // all of them end with ctx
}
