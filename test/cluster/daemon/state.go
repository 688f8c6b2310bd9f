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

package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/plan"
)

// State is what there is, as the file state.json in the cluster's directory says it.
type State struct {
	// Pid is the process that the cluster lives in.
	Pid int `json:"pid"`
	// Kubeconfig is the path of a kubeconfig for who may do everything, from the outside.
	Kubeconfig string `json:"kubeconfig"`
	// Programs is the directory with Kubernetes' programs.
	Programs string `json:"programs"`
	// Registry is host:port of the registry, which images are named by on the outside and on the nodes.
	Registry string       `json:"registry"`
	Control  MachineState `json:"control"`
	Nodes    []NodeState  `json:"nodes"`
}

// MachineState is of a machine.
type MachineState struct {
	Name string `json:"name"`
	// Pid is the machine's first process: its namespaces are in /proc/<pid>/ns. 0 without power.
	Pid int `json:"pid"`
	// Log is the directory with the logs of its programs.
	Log string `json:"log"`
}

// NodeState is of a node.
type NodeState struct {
	MachineState
	Address string `json:"address"`
	// PTP is the directory that the node sees as /var/run/ptp.
	PTP string `json:"ptp"`
}

func stateFile(dir string) string { return filepath.Join(dir, "state.json") }
func socket(dir string) string    { return filepath.Join(dir, "control.sock") }

// Kubeconfig is the path of the kubeconfig of the cluster in a directory.
func Kubeconfig(dir string) string { return filepath.Join(dir, "kubeconfig") }

// Log is the path of the log of the process that the cluster lives in.
func Log(dir string) string { return filepath.Join(dir, "cluster.log") }

// ErrNone is that there is no cluster.
var ErrNone = errors.New("there is no cluster; `cluster up` makes one")

// ReadState returns the state of the cluster in a directory. It fails with ErrNone where none runs; the state is then the
// last one, where there was one.
func ReadState(dir string) (State, error) {
	text, err := os.ReadFile(stateFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, ErrNone
	}
	if err != nil {
		return State{}, err
	}
	var s State
	if err := json.Unmarshal(text, &s); err != nil {
		return State{}, fmt.Errorf("read %s: %w", stateFile(dir), err)
	}
	connection, err := new(net.Dialer).DialContext(context.Background(), "unix", socket(dir))
	if err != nil {
		return s, fmt.Errorf("%w (the one in %s does not run; `cluster down` removes what it left)", ErrNone, dir)
	}
	return s, connection.Close()
}

// writeState writes the state. The caller holds mu, or nobody else knows of d yet.
func (d *Daemon) writeState() error {
	machineState := func(name string, pid int) MachineState {
		return MachineState{Name: name, Pid: pid, Log: filepath.Dir(d.cluster.Log(name, ""))}
	}
	s := State{
		Pid: os.Getpid(), Kubeconfig: Kubeconfig(d.options.Dir), Programs: d.options.Programs, Registry: d.cluster.Registry,
		Control: machineState(plan.Control, 0), Nodes: []NodeState{},
	}
	if d.control != nil {
		s.Control.Pid = d.control.Pid()
	}
	for name, n := range d.nodes {
		pid := 0
		if n.machine != nil {
			pid = n.machine.Pid()
		}
		s.Nodes = append(s.Nodes, NodeState{
			MachineState: machineState(name, pid), Address: n.IP().String(), PTP: d.cluster.PTP(name),
		})
	}
	slices.SortFunc(s.Nodes, func(a, b NodeState) int { return strings.Compare(a.Name, b.Name) })
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	// At once: others read it at any time.
	partial := stateFile(d.options.Dir) + ".partial"
	if err := os.WriteFile(partial, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(partial, stateFile(d.options.Dir))
}

// commands are what Command asks for.
func (d *Daemon) commands() http.Handler {
	mux := http.NewServeMux()
	for verb, do := range map[string]func(string) error{
		"add": d.AddNode, "start": d.StartNode, "stop": d.StopNode, "remove": d.RemoveNode,
	} {
		mux.HandleFunc("POST /nodes/{name}/"+verb, func(w http.ResponseWriter, r *http.Request) {
			if err := do(r.PathValue("name")); err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
			}
		})
	}
	return mux
}

// Command asks the cluster in a directory to do something with a node: add, start, stop or remove it.
func Command(ctx context.Context, dir, node, verb string) error {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket(dir))
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://cluster/nodes/"+node+"/"+verb, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%s node %s: %w", verb, node, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("%s node %s: %s", verb, node, strings.TrimSpace(string(text))), err)
	}
	return err
}
