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

package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// Machine is a node that exists already: a process whose network and mount
// namespaces are a machine's. Followers run there as daemons of that machine would,
// and whatever else runs there finds their sockets.
type Machine struct {
	// Name is the node's, and its first follower's.
	Name string
	// Pid is a process of it, as this process sees it.
	Pid int
	// Dir is the directory for sockets, configurations and logs, as this process sees
	// it. What else is in it is left alone.
	Dir string
	// SocketDir is the same directory as the machine sees it. ptp4l sends answers to
	// the paths of sockets there. Default /var/run/ptp.
	SocketDir string
	// Followers is how many ptp4l instances run there, each with a cable of its own:
	// ptp4l.0.socket is the machine's name, ptp4l.1.socket is <name>.1 and so on.
	// Default 1.
	Followers int
}

const (
	defaultSocketDir = "/var/run/ptp"
	fleetGM          = "gm"
	// maxCables is how many addresses there are for cables (layCable).
	maxCables = 254
)

// Machines reads a list of nodes from a file of test/cluster: an object with the list
// nodes, each with its name, the pid of its first process, and in ptp the path of the
// host that is its /var/run/ptp.
func Machines(path string) ([]Machine, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the nodes of a cluster: %w", err)
	}
	var state struct {
		Nodes []struct {
			Name string `json:"name"`
			Pid  int    `json:"pid"`
			PTP  string `json:"ptp"`
		} `json:"nodes"`
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return nil, fmt.Errorf("read the nodes of a cluster from %s: %w", path, err)
	}
	var machines []Machine
	for _, n := range state.Nodes {
		machines = append(machines, Machine{Name: n.Name, Pid: n.Pid, Dir: n.PTP})
	}
	return machines, nil
}

// fleet plans a grandmaster and the followers of the machines.
func fleet(machines []Machine) (plan, error) {
	gm := clockPlan{name: fleetGM, node: fleetGM, role: grandmaster, priority1: priorityGM1}
	var p plan
	names := []string{fleetGM}
	for _, m := range machines {
		if err := m.validate(names); err != nil {
			return plan{}, err
		}
		names = append(names, m.Name)
		for i := range max(1, m.Followers) {
			name := m.Name
			if i > 0 {
				name = fmt.Sprintf("%s.%d", m.Name, i)
			}
			up, down := fmt.Sprintf("ptp%d", i), fmt.Sprintf("eth%d", len(gm.interfaces))
			gm.interfaces = append(gm.interfaces, down)
			p.clocks = append(p.clocks, clockPlan{
				name: name, node: m.Name, instance: i, role: follower,
				priority1: priorityDefault, interfaces: []string{up},
			})
			p.cables = append(p.cables, [2]end{{fleetGM, down}, {m.Name, up}})
		}
	}
	switch {
	case len(p.cables) == 0:
		return plan{}, errors.New("a fleet needs machines")
	case len(p.cables) > maxCables:
		return plan{}, fmt.Errorf("%d followers are more than a fleet takes, %d", len(p.cables), maxCables)
	}
	p.clocks = slices.Insert(p.clocks, 0, gm)
	return p, nil
}

// validate refuses a machine that cannot be entered, or whose name is one of those
// that are taken.
func (m Machine) validate(taken []string) error {
	switch {
	case m.Name == "" || strings.ContainsAny(m.Name, "/ "):
		return fmt.Errorf("machine %q: it needs a name without slashes and blanks", m.Name)
	case slices.Contains(taken, m.Name):
		return fmt.Errorf("machine %s: there are two nodes of that name", m.Name)
	case m.Pid <= 0 || m.Dir == "":
		return fmt.Errorf("machine %s: pid %d and directory %q must be those of a process and of its sockets", m.Name, m.Pid, m.Dir)
	}
	return nil
}

// enter joins the machine's namespaces and locks its directory.
func (m Machine) enter() (*node, error) {
	dir, err := sandbox.OpenDir(m.Dir)
	if err != nil {
		return nil, fmt.Errorf("machine %s: %w", m.Name, err)
	}
	ns, err := sandbox.JoinNamespace(m.Pid)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("machine %s: %w", m.Name, err), dir.Close())
	}
	n := &node{Namespace: ns, dir: dir.Path(), seen: m.SocketDir, machine: dir}
	if n.seen == "" {
		n.seen = defaultSocketDir
	}
	return n, nil
}
