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

package oran

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Address names a resource of a node, or several of them (v04.00, tables 1 and 2).
// As a pattern, a part that is empty stands for all.
type Address struct {
	// Cluster is the cluster, with its hierarchy of sites where there is one.
	Cluster string
	// Node is the node as Kubernetes names it.
	Node string
	// Instance is one of several clocks of the node; empty for what the node has once.
	Instance string
	// Resource is the path from /sync on, such as LockState.
	Resource string
}

// ParseAddress reads an address in any of the shapes in use:
//
//	/sync/...                                     any node
//	/<cluster>/node/<node>[/<instance>][/sync/...]
//	/<cluster>/<node>[/<instance>][/sync/...]
//
// Cluster and node may be "." for this one. Repeated slashes count as one, and
// spellings of earlier versions become today's. The word node after the cluster is
// always the word, never a node's name.
func ParseAddress(s string) (Address, error) {
	place := strings.FieldsFunc(s, func(r rune) bool { return r == '/' })
	var a Address
	for i, segment := range slices.Backward(place) {
		if segment == "sync" {
			a.Resource = canonical("/" + strings.Join(place[i:], "/"))
			place = place[:i]
			break
		}
	}
	switch len(place) {
	case 0:
		if a.Resource != "" {
			return a, nil
		}
		fallthrough
	case 1:
		return Address{}, fmt.Errorf("parse resource address %q: it must be /sync/<resource>, with or without /<cluster>/node/<node> in front", s)
	}

	cluster, node := 1, 1 // segments that name the cluster, and where the node's name is
	if i := slices.Index(place[1:], "node") + 1; i > 0 && i+1 < len(place) {
		cluster, node = i, i+1
	}
	a.Cluster = strings.Join(place[:cluster], "/")
	a.Node = place[node]
	a.Instance = strings.Join(place[node+1:], "/")
	return a, nil
}

// String returns the address in its full shape: /<cluster>/node/<node>/sync/..., with
// the instance after the node where there is one, and from /sync on where there is
// no node.
func (a Address) String() string {
	if a.Node == "" {
		return a.Resource
	}
	s := "/" + a.Cluster + "/node/" + a.Node
	if a.Instance != "" {
		s += "/" + a.Instance
	}
	return s + a.Resource
}

// Place is where this program runs: what "." in a pattern stands for.
type Place struct{ Cluster, Node string }

// Match reports whether pattern covers address, seen from here. A resource covers all
// that is below it. Cluster, node and instance may contain * (see path.Match), cluster
// and node may be ".", and a pattern without an instance covers every instance.
func Match(pattern, address Address, here Place) bool {
	if pattern.Cluster == "." {
		pattern.Cluster = here.Cluster
	}
	if pattern.Node == "." {
		pattern.Node = here.Node
	}
	return matchName(pattern.Cluster, address.Cluster) &&
		matchName(pattern.Node, address.Node) &&
		matchName(pattern.Instance, address.Instance) &&
		covers(pattern.Resource, address.Resource)
}

func matchName(pattern, name string) bool {
	if pattern == "" || pattern == name {
		return true
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil && name != ""
}

func covers(resource, other string) bool {
	below, ok := strings.CutPrefix(other, resource)
	return ok && (below == "" || resource == "" || below[0] == '/')
}
