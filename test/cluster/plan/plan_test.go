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

package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/test/pki"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/machine"
)

func TestNodeValidate(t *testing.T) {
	for _, tc := range []struct {
		node Node
		want string // part of the error; empty for none
	}{
		{Node{"n1", 1}, ""},
		{Node{"edge-node-42-x", 20}, "cannot be a node's name"}, // 14 characters
		{Node{"edge-node-42", 20}, ""},
		{Node{"N1", 1}, "cannot be a node's name"},
		{Node{"1n", 1}, "cannot be a node's name"},
		{Node{"", 1}, "cannot be a node's name"},
		{Node{"../n1", 1}, "cannot be a node's name"},
		{Node{"control", 1}, "cannot be a node's name"},
		{Node{"n21", 21}, "there can be 20"},
		{Node{"n0", 0}, "there can be 20"},
	} {
		err := tc.node.Validate()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.node, err, tc.want)
		}
	}
}

func TestRoutes(t *testing.T) {
	routes := map[string]string{}
	for _, r := range Routes(2) {
		routes[r.To.String()] = r.Via.String()
	}
	if len(routes) != MaxNodes {
		t.Errorf("%d routes, want one to each other node and the default", len(routes))
	}
	for to, want := range map[string]string{
		"10.244.1.0/24": "10.99.0.11", "10.244.2.0/24": "", "10.244.20.0/24": "10.99.0.30", "0.0.0.0/0": ControlAddress,
	} {
		if routes[to] != want {
			t.Errorf("to %s through %q, want %q", to, routes[to], want)
		}
	}
	if control := Routes(0); len(control) != MaxNodes {
		t.Errorf("the control machine has %d routes, want one to each node and no default", len(control))
	}
}

func testCluster(t *testing.T) Cluster {
	t.Helper()
	authority, err := pki.NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	return Cluster{
		Dir: t.TempDir(), Group: "/eventing-ptp-test", Programs: "/programs", Authority: authority,
		Registry: "localhost:5000", RegistryPort: 5000, Sandbox: "localhost:5000/sandbox:latest", KeepOOMScores: true,
	}
}

// What programs are told to read is there, and what they are told to read as YAML is that.
func TestMachinesFindTheirFiles(t *testing.T) {
	c := testCluster(t)
	control, err := c.ControlMachine()
	if err != nil {
		t.Fatal(err)
	}
	node, err := c.NodeMachine(Node{"n2", 2})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, spec := range []machine.Spec{control, node} {
		for _, p := range spec.Programs {
			for _, argument := range p.Args {
				_, path, _ := strings.Cut(argument, "=")
				inside, ok := strings.CutPrefix(path, Home+"/etc/")
				if !ok {
					continue
				}
				text, err := os.ReadFile(filepath.Join(c.Dir, "machines", spec.Name, "etc", inside))
				if err != nil {
					t.Errorf("%s %s: %v", p.Name, argument, err)
				}
				read++
				if strings.HasSuffix(inside, ".yaml") || strings.HasSuffix(inside, ".kubeconfig") {
					var value map[string]any
					if err := yaml.UnmarshalStrict(text, &value); err != nil || value["kind"] == nil {
						t.Errorf("%s: %v %v", inside, err, value["kind"])
					}
				}
			}
		}
	}
	if read < 20 {
		t.Errorf("only %d files were found in the arguments", read)
	}
	for _, b := range node.Binds {
		if _, err := os.Stat(b.Source); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(c.Dir, "machines", "n2", "etc", "cni", "10-bridge.conflist"))
	if err != nil || !strings.Contains(string(text), `"subnet": "10.244.2.0/24"`) {
		t.Errorf("%v:\n%s", err, text)
	}
}
