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

// Package lab builds small PTP networks of real ptp4l instances and breaks them
// on demand.
//
// Each node of a lab is a network namespace without a name, cabled to others
// with veth pairs. ptp4l runs in it with software timestamps and free_running,
// so no lab ever touches the machine's clock. A free_running clock has no
// servo: SYNCHRONIZATION_UNCERTAIN_NP tells it whether to take itself for
// locked (port state SLAVE) or not (UNCALIBRATED), which makes "the servo lost
// lock" a verb as well.
//
// The nodes of a [Fleet] are machines that exist already, for example those of a
// test cluster: followers run in their network and mount namespaces, where a daemon
// of such a machine would.
//
// Nothing outlives the process that built a lab, not even after kill -9: the
// kernel ends the ptp4l processes and removes the namespaces with their cables.
//
// It needs root; Check says what is missing.
package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// Lab is a running PTP network.
type Lab struct {
	dir    *sandbox.Dir
	nodes  map[string]*node
	clocks []*Clock
	close  func() error // tearDown, once
}

// dirPrefix begins the name of every directory that a lab makes for itself.
const dirPrefix = "eventing-ptp-lab-"

// node is a network namespace that clocks run in, or a machine.
type node struct {
	*sandbox.Namespace
	dir     string       // sockets, configurations and logs of its clocks
	seen    string       // the same directory as the clocks see it
	machine *sandbox.Dir // dir if it is a machine's, which has other files, too
}

// Check returns nil if this process may build labs, else an error that says what
// is missing.
func Check() error {
	n, err := sandbox.NewNamespace()
	if err != nil {
		return fmt.Errorf("%w: a lab runs ptp4l in network namespaces, which takes root with CAP_SYS_ADMIN, "+
			"CAP_NET_ADMIN and CAP_NET_RAW: use sudo, or a privileged container", err)
	}
	return n.Close()
}

// Build starts a lab and returns when port 1 of every follower and boundary clock
// is SLAVE. The linuxptp version is fetched if need be. If a clock
// gets nowhere, the error quotes its log. The caller must Close the lab.
func Build(ctx context.Context, o Options) (*Lab, error) {
	plan, err := o.plan()
	if err != nil {
		return nil, err
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := Check(); err != nil {
		return nil, err
	}
	linuxptp, err := Find(ctx, o.Version)
	if err != nil {
		return nil, err
	}
	l := &Lab{nodes: map[string]*node{}}
	l.close = sync.OnceValue(l.tearDown)
	if err := l.build(ctx, o, plan, linuxptp); err != nil {
		return nil, errors.Join(fmt.Errorf("build lab %s: %w", o.Topology, err), l.Close())
	}
	return l, nil
}

func (l *Lab) build(ctx context.Context, o Options, plan plan, linuxptp Linuxptp) (err error) {
	if o.Dir == "" {
		l.dir, err = sandbox.MakeTempDir(os.TempDir(), dirPrefix)
	} else {
		l.dir, err = sandbox.OpenDir(o.Dir)
	}
	if err != nil {
		return err
	}
	for _, name := range plan.nodes() {
		n, err := l.newNode(name, o.Machines)
		if err != nil {
			return err
		}
		l.nodes[name] = n
	}
	for _, p := range plan.clocks {
		c, err := newClock(p, o, linuxptp, l.nodes[p.node])
		if err != nil {
			return err
		}
		l.clocks = append(l.clocks, c)
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime(o.LogAnnounce))
	defer cancel()
	for i, cable := range plan.cables {
		if err := layCable(ctx, byte(i+1), l.port(cable[0]), l.port(cable[1])); err != nil {
			return err
		}
	}
	for _, c := range l.clocks {
		if _, err := c.Restart(ctx); err != nil {
			return err
		}
	}
	return l.settle(ctx)
}

// newNode makes the node of that name, or enters the machine of that name.
func (l *Lab) newNode(name string, machines []Machine) (*node, error) {
	if i := slices.IndexFunc(machines, func(m Machine) bool { return m.Name == name }); i >= 0 {
		return machines[i].enter()
	}
	dir, err := l.dir.Make(name)
	if err != nil {
		return nil, err
	}
	n, err := sandbox.NewNamespace()
	if err != nil {
		return nil, err
	}
	return &node{Namespace: n, dir: dir, seen: dir}, nil
}

// settle waits until everybody who has a grandmaster follows it.
func (l *Lab) settle(ctx context.Context) error {
	for _, c := range l.clocks {
		if c.role == grandmaster {
			continue
		}
		if err := c.waitSettled(ctx); err != nil {
			return err
		}
	}
	return nil
}

// port returns the port at one end of a planned cable.
func (l *Lab) port(e end) *Port {
	for _, c := range l.clocks {
		for _, p := range c.ports {
			if c.node == l.nodes[e.node] && p.iface == e.iface {
				return p
			}
		}
	}
	return nil
}

// Clock returns the clock of that name, for example gm or follower.
func (l *Lab) Clock(name string) (*Clock, error) {
	var names []string
	for _, c := range l.clocks {
		if c.name == name {
			return c, nil
		}
		names = append(names, c.name)
	}
	return nil, fmt.Errorf("no clock %q in this lab: it has %s", name, strings.Join(names, ", "))
}

// Clocks returns all clocks, grandmasters first.
func (l *Lab) Clocks() []*Clock { return slices.Clone(l.clocks) }

// Dir returns the lab's directory.
func (l *Lab) Dir() string { return l.dir.Path() }

// Sockets returns a pattern that matches the read-write sockets of one node and
// of no other, for example for an adapter that watches the followers' node. It is
// a path as that node sees it.
func (l *Lab) Sockets(node string) string {
	return filepath.Join(l.nodes[node].seen, "ptp4l.*.socket")
}

// Close ends all ptp4l processes, removes the network namespaces with their
// cables, and the directories. Of a machine it removes no more than was added. A
// second Close does nothing and returns the same.
func (l *Lab) Close() error { return l.close() }

func (l *Lab) tearDown() error {
	var errs []error
	for _, c := range l.clocks {
		errs = append(errs, c.close())
	}
	var own []string
	for name, n := range l.nodes {
		errs = append(errs, n.Close())
		if n.machine == nil {
			own = append(own, name)
			continue
		}
		var files []string
		for _, c := range l.clocks {
			if c.node == n {
				files = append(files, c.files()...)
			}
		}
		errs = append(errs, n.machine.Close(files...))
	}
	if l.dir != nil {
		errs = append(errs, l.dir.Close(own...))
	}
	return errors.Join(errs...)
}
