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
	"slices"
	"strings"
	"testing"
)

func TestPlansAreComplete(t *testing.T) {
	machines := []Machine{{Name: "n1", Pid: 1, Dir: "/1"}, {Name: "n2", Pid: 2, Dir: "/2", Followers: 2}}
	options := []Options{{Topology: Fleet, Machines: machines}}
	for _, topology := range Topologies() {
		options = append(options, Options{Topology: topology})
	}
	for _, o := range options {
		t.Run(string(o.Topology), func(t *testing.T) {
			p, err := o.plan()
			if err != nil {
				t.Fatal(err)
			}
			var cabled []end
			for _, cable := range p.cables {
				cabled = append(cabled, cable[0], cable[1])
			}
			var sockets []end
			interfaces := 0
			for _, c := range p.clocks {
				for _, iface := range c.interfaces {
					interfaces++
					if n := count(cabled, end{c.node, iface}); n != 1 {
						t.Errorf("%d cables end at %s of %s, want 1", n, iface, c.name)
					}
				}
				socket := end{c.node, string(rune('0' + c.instance))}
				if slices.Contains(sockets, socket) {
					t.Errorf("%s has the socket of another clock on its node", c.name)
				}
				sockets = append(sockets, socket)
			}
			if interfaces != len(cabled) {
				t.Errorf("%d interfaces for %d ends of cables", interfaces, len(cabled))
			}
		})
	}
}

func count(ends []end, e end) int {
	n := 0
	for _, other := range ends {
		if other == e {
			n++
		}
	}
	return n
}

func TestUnknownTopologyNamesTheKnown(t *testing.T) {
	_, err := Topology("ring").plan()
	if err == nil || !strings.Contains(err.Error(), "two-grandmasters") {
		t.Errorf("error %v does not say what to choose from", err)
	}
}

func TestTwoFollowersShareANode(t *testing.T) {
	p, err := TwoFollowers.plan()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.nodes(), []string{"gm1", "gm2", "node"}; !slices.Equal(got, want) {
		t.Errorf("nodes %v, want %v", got, want)
	}
}
