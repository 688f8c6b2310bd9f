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
	"fmt"
	"slices"
)

// Topology names how the clocks of a lab are cabled.
type Topology string

const (
	// TwoClocks is a grandmaster and a follower: gm - follower.
	TwoClocks Topology = "two-clocks"
	// Chain has a boundary clock between them: gm - boundary - follower.
	// Port 1 of the boundary clock looks upstream.
	Chain Topology = "chain"
	// TwoGrandmasters is one follower with two ports, each cabled to a
	// grandmaster of its own: gm1 - follower - gm2. Priority 1 decides, gm1 is
	// the better one.
	TwoGrandmasters Topology = "two-grandmasters"
	// TwoFollowers is one node that runs two ptp4l instances, each with a
	// grandmaster of its own: gm1 - follower1 and gm2 - follower2.
	TwoFollowers Topology = "two-followers"
	// Fleet has a follower on each of the machines of Options.Machines, and a
	// grandmaster with one port for each of them: gm - n1 and gm - n2 and so on.
	Fleet Topology = "fleet"
)

// Topologies lists every topology that needs no machines.
func Topologies() []Topology {
	return []Topology{TwoClocks, Chain, TwoGrandmasters, TwoFollowers}
}

// role is what a clock is there for.
type role uint8

const (
	grandmaster role = iota
	boundary
	follower
)

// clockPlan describes one ptp4l instance.
type clockPlan struct {
	name       string
	node       string // the network namespace and directory it runs in
	instance   int    // the n of ptp4l.n.socket in that directory
	role       role
	priority1  uint8
	interfaces []string // PTP port n is interfaces[n-1]
}

// end is one end of a cable.
type end struct {
	node, iface string
}

// plan is everything a lab consists of.
type plan struct {
	clocks []clockPlan
	cables [][2]end
}

// nodes returns the names of the nodes in the order of their first clock.
func (p plan) nodes() []string {
	var names []string
	for _, c := range p.clocks {
		if !slices.Contains(names, c.node) {
			names = append(names, c.node)
		}
	}
	return names
}

// The default of priority1, and those that make gm1 the best clock and gm2 the
// second best in a lab that has both (IEEE 1588-2019, 7.6.2.3: lower wins).
const (
	priorityGM1     = 100
	priorityGM2     = 110
	priorityDefault = 128
)

func (t Topology) plan() (plan, error) {
	gm := func(name string, priority1 uint8) clockPlan {
		return clockPlan{name: name, node: name, role: grandmaster, priority1: priority1, interfaces: []string{"eth0"}}
	}
	fw := func(name, node string, instance int, interfaces ...string) clockPlan {
		return clockPlan{
			name: name, node: node, instance: instance, role: follower,
			priority1: priorityDefault, interfaces: interfaces,
		}
	}
	switch t {
	case TwoClocks:
		return plan{
			clocks: []clockPlan{gm("gm", priorityGM1), fw("follower", "follower", 0, "eth0")},
			cables: [][2]end{{{"gm", "eth0"}, {"follower", "eth0"}}},
		}, nil
	case Chain:
		bc := clockPlan{
			name: "boundary", node: "boundary", role: boundary,
			priority1: priorityDefault, interfaces: []string{"eth0", "eth1"},
		}
		return plan{
			clocks: []clockPlan{gm("gm", priorityGM1), bc, fw("follower", "follower", 0, "eth0")},
			cables: [][2]end{{{"gm", "eth0"}, {"boundary", "eth0"}}, {{"boundary", "eth1"}, {"follower", "eth0"}}},
		}, nil
	case TwoGrandmasters:
		return plan{
			clocks: []clockPlan{gm("gm1", priorityGM1), gm("gm2", priorityGM2), fw("follower", "follower", 0, "eth0", "eth1")},
			cables: [][2]end{{{"gm1", "eth0"}, {"follower", "eth0"}}, {{"gm2", "eth0"}, {"follower", "eth1"}}},
		}, nil
	case TwoFollowers:
		return plan{
			clocks: []clockPlan{
				gm("gm1", priorityGM1), gm("gm2", priorityGM2),
				fw("follower1", "node", 0, "eth0"), fw("follower2", "node", 1, "eth1"),
			},
			cables: [][2]end{{{"gm1", "eth0"}, {"node", "eth0"}}, {{"gm2", "eth0"}, {"node", "eth1"}}},
		}, nil
	}
	return plan{}, fmt.Errorf("unknown topology %q: choose one of %v", t, Topologies())
}
