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

// Package plan says what the machines of a cluster are: their addresses, their files, and the programs that they run.
//
// One machine runs the control plane, and its bridge is the cluster's network. Every other machine is a node. Files are
// in one directory for each machine, which the machine sees as Home.
package plan

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"

	"github.com/eventing-ptp/eventing-ptp/test/pki"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/machine"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/network"
)

// Addresses in the cluster, and in no other network.
const (
	ControlAddress = "10.99.0.1"
	DNSAddress     = "10.96.0.10"
	apiAddress     = "10.96.0.1" // the first of serviceRange is the API server's
	serviceRange   = "10.96.0.0/16"
	podRange       = "10.244.0.0/16"
	apiPort        = 6443
	domain         = "cluster.local"
)

// API is the address at which the API server is reached from the machines.
var API = fmt.Sprintf("%s:%d", ControlAddress, apiPort) //nolint:gochecknoglobals // a constant that Go cannot compute

// Home is where a machine sees its directory.
const Home = "/mnt/machine"

// Control is the name of the machine with the control plane.
const Control = "control"

// MaxNodes is how many nodes there can be.
const MaxNodes = 20

// Cluster is what all machines have in common.
type Cluster struct {
	// Dir is the directory of the cluster, with a directory for each machine below it.
	Dir string
	// Group is the control group that the groups of the machines are below.
	Group machine.Group
	// Programs is the directory with Kubernetes' programs.
	Programs string
	// Authority signs everybody's certificates.
	Authority *pki.Authority
	// Registry is the host:port by which images are named, inside and outside; RegistryPort is where the control
	// machine serves it.
	Registry     string
	RegistryPort int
	// Sandbox is the image that holds a pod's namespaces.
	Sandbox string
	// KeepOOMScores is for kernels that do not let root lower oom_score_adj (CAP_SYS_RESOURCE is missing).
	KeepOOMScores bool
}

// Node is one node.
type Node struct {
	Name string
	// Number is from 1 to MaxNodes. Addresses follow from it.
	Number int
}

var nodeName = regexp.MustCompile("^[a-z][a-z0-9-]{0,12}$") // with the prefix of a cable it fits into IFNAMSIZ

// Validate says what is wrong with the name or the number.
func (n Node) Validate() error {
	switch {
	case !nodeName.MatchString(n.Name) || n.Name == Control:
		return fmt.Errorf("%q cannot be a node's name: use up to 13 lower case letters, digits and dashes, for example n3", n.Name)
	case n.Number < 1 || n.Number > MaxNodes:
		return fmt.Errorf("node %s would be number %d; there can be %d", n.Name, n.Number, MaxNodes)
	}
	return nil
}

// IP is the node's address.
func (n Node) IP() net.IP { return net.IPv4(10, 99, 0, byte(10+n.Number)).To4() }

// pods is the network of the node's pods.
func (n Node) pods() *net.IPNet {
	return &net.IPNet{IP: net.IPv4(10, 244, byte(n.Number), 0).To4(), Mask: net.CIDRMask(24, 32)}
}

// Address is an address in the network of the machines.
func Address(ip net.IP) *net.IPNet { return &net.IPNet{IP: ip, Mask: net.CIDRMask(24, 32)} }

// Routes are those of a machine to the pods of all nodes that can be but itself. A node has a default route, too: the
// kernel looks for a route to a Service before kube-proxy has a chance to translate its address. It leads nowhere.
func Routes(number int) []network.Route {
	var routes []network.Route
	for i := 1; i <= MaxNodes; i++ {
		if i != number {
			routes = append(routes, network.Route{To: Node{Number: i}.pods(), Via: Node{Number: i}.IP()})
		}
	}
	if number != 0 {
		everywhere := &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}
		routes = append(routes, network.Route{To: everywhere, Via: net.ParseIP(ControlAddress).To4()})
	}
	return routes
}

// dir is the directory of a machine, on the outside.
func (c Cluster) dir(name string) string { return filepath.Join(c.Dir, "machines", name) }

// Log is the path, on the outside, of the log of a machine's program. The machine's first process is called machine.
func (c Cluster) Log(name, program string) string {
	return filepath.Join(c.dir(name), "log", program+".log")
}

// PTP is the directory, on the outside, that a node sees as /var/run/ptp.
func (c Cluster) PTP(node string) string { return filepath.Join(c.dir(node), "ptp") }

// Prepare makes the directory of a machine.
func (c Cluster) Prepare(name string) error {
	for _, sub := range []string{"log", "etc", "ptp", "data"} {
		if err := os.MkdirAll(filepath.Join(c.dir(name), sub), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Remove removes the directory of a machine, whose programs have ended.
func (c Cluster) Remove(name string) error { return os.RemoveAll(c.dir(name)) }

// write writes files into a machine's directory; names are relative to it.
func (c Cluster) write(name string, files map[string]string) error {
	for file, content := range files {
		path := filepath.Join(c.dir(name), "etc", file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// etc is the path of a file that write has written, as the machine sees it.
func etc(file string) string { return filepath.Join(Home, "etc", file) }

// program is one of Kubernetes' programs.
func (c Cluster) program(name string, args ...string) machine.Program {
	return machine.Program{
		Name: name, Path: filepath.Join(c.Programs, name), Args: args,
		Log: filepath.Join(Home, "log", name+".log"),
	}
}

// spec is what all machines have in common.
func (c Cluster) spec(name string, programs ...machine.Program) machine.Spec {
	return machine.Spec{
		Name:  name,
		Group: c.Group.Below(name),
		// /var/run is /run.
		Empty:    []string{"/run", "/var/lib", "/var/log", "/tmp", "/mnt"},
		Binds:    []machine.Bind{{Source: c.dir(name), Target: Home}},
		Sysctls:  map[string]string{"net/ipv4/ip_forward": "1"},
		Programs: programs,
		Log:      c.Log(name, "machine"),
	}
}
