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
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFleet(t *testing.T) {
	got, err := fleet([]Machine{{Name: "n1", Pid: 1, Dir: "/1"}, {Name: "n2", Pid: 2, Dir: "/2", Followers: 2}})
	if err != nil {
		t.Fatal(err)
	}
	want := plan{
		clocks: []clockPlan{
			{name: "gm", node: "gm", role: grandmaster, priority1: 100, interfaces: []string{"eth0", "eth1", "eth2"}},
			{name: "n1", node: "n1", role: follower, priority1: 128, interfaces: []string{"ptp0"}},
			{name: "n2", node: "n2", role: follower, priority1: 128, interfaces: []string{"ptp0"}},
			{name: "n2.1", node: "n2", instance: 1, role: follower, priority1: 128, interfaces: []string{"ptp1"}},
		},
		cables: [][2]end{
			{{"gm", "eth0"}, {"n1", "ptp0"}},
			{{"gm", "eth1"}, {"n2", "ptp0"}},
			{{"gm", "eth2"}, {"n2", "ptp1"}},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(plan{}, clockPlan{}, end{})); diff != "" {
		t.Error(diff)
	}
}

func TestFleetRefuses(t *testing.T) {
	good := Machine{Name: "n1", Pid: 1, Dir: "/1"}
	for _, test := range []struct {
		name string
		o    Options
		want string
	}{
		{"no machines", Options{Topology: Fleet}, "a fleet needs machines"},
		{"machines of another topology", Options{Topology: Chain, Machines: []Machine{good}}, `the topology fleet, not "chain"`},
		{"two of a name", Options{Topology: Fleet, Machines: []Machine{good, good}}, "machine n1: there are two nodes of that name"},
		{"the grandmaster's name", Options{Topology: Fleet, Machines: []Machine{{Name: "gm", Pid: 1, Dir: "/1"}}}, "machine gm: there are two"},
		{"a name that verbs cannot say", Options{Topology: Fleet, Machines: []Machine{{Name: "n/1", Pid: 1, Dir: "/1"}}}, `machine "n/1": it needs a name`},
		{"no process", Options{Topology: Fleet, Machines: []Machine{{Name: "n1", Dir: "/1"}}}, "machine n1: pid 0"},
		{"no directory", Options{Topology: Fleet, Machines: []Machine{{Name: "n1", Pid: 1}}}, `directory ""`},
		{"more than there are addresses", Options{Topology: Fleet, Machines: []Machine{{Name: "n1", Pid: 1, Dir: "/1", Followers: 255}}}, "255 followers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.o.plan()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not contain %q", err, test.want)
			}
		})
	}
}
