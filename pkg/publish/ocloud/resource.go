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

package ocloud

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// parsePattern reads a resource address in any of the shapes in use (oran.ParseAddress),
// and returns it as a pattern of this node. It fails for other nodes, and for what is no
// resource.
func parsePattern(s string, here oran.Place) (oran.Address, error) {
	a, err := oran.ParseAddress(s)
	// Many clients take "/./" out of a path before they send it.
	short, errShort := oran.ParseAddress("/./" + s)
	switch {
	case err == nil && a.Cluster == here.Node && a.Cluster != here.Cluster: // it was /./<node>/<instance>/sync
		a, err = short, errShort
	case err != nil && errShort == nil && short.Resource != "":
		a, err = short, nil
	}
	if err != nil {
		return oran.Address{}, fmt.Errorf("%q is no resource address: it must be like /cluster/node/%s/sync/ptp-status/lock-state, /./%s/sync or /sync", s, here.Node, here.Node)
	}
	if a.Cluster == "cluster" {
		a.Cluster = "." // OpenShift's consumers know no other
	}
	place := oran.Address{Cluster: a.Cluster, Node: a.Node}
	self := oran.Address{Cluster: here.Cluster, Node: here.Node}
	if !oran.Match(oran.Address{Cluster: a.Cluster}, self, here) {
		return oran.Address{}, fmt.Errorf("%q is in cluster %q, and this is cluster %q: write /cluster, /%s or /. in its place", s, a.Cluster, here.Cluster, here.Cluster)
	}
	if !oran.Match(place, self, here) {
		return oran.Address{}, fmt.Errorf("%q is of node %q, and this is node %q: ask the adapter of that node", s, a.Node, here.Node)
	}
	if a.Resource == "" {
		return oran.Address{}, fmt.Errorf("%q names a node and no resource of it: put /sync behind it for all of them, or one of %s", s, strings.Join(known(), ", "))
	}
	a.Cluster, a.Node = here.Cluster, here.Node
	if len(covered(a)) == 0 {
		return oran.Address{}, fmt.Errorf("there is no resource %q: it must be one of %s, or what several of them begin with", a.Resource, strings.Join(known(), ", "))
	}
	if a.Instance != "" && !slices.ContainsFunc(covered(a), func(d oran.Definition) bool { return hasInstances(d.Resource) }) {
		return oran.Address{}, fmt.Errorf("a node has %s once: leave the instance %q out", a.Resource, a.Instance)
	}
	return a, nil
}

// hasInstances is whether a resource is of one of several clocks.
func hasInstances(resource string) bool {
	return resource != oran.SyncState && resource != oran.OSClockSyncState && resource != oran.OSClockSet && resource != oran.EventsLost
}

// covered returns the definitions of the resources that a pattern covers.
func covered(pattern oran.Address) []oran.Definition {
	return slices.DeleteFunc(oran.Definitions(), func(d oran.Definition) bool {
		return !oran.Match(oran.Address{Resource: pattern.Resource}, oran.Address{Resource: d.Resource}, oran.Place{})
	})
}

// known returns the resources that have a state.
func known() []string {
	var names []string
	for _, d := range oran.Definitions() {
		if isState(d) {
			names = append(names, d.Resource)
		}
	}
	return names
}

// isState is whether a resource has a state at any time.
func isState(d oran.Definition) bool { return !strings.HasPrefix(d.EventType, oran.OwnPrefix) }

// states returns the present states that a pattern covers: one notice for each resource,
// with the values of all its instances. A resource that nobody watches is told of where it
// is asked for by its name, or nothing else is covered, and not as a part of all.
func (a *API) states(pattern oran.Address) []*notice {
	var states, absent []*notice
	now, _ := a.Live.Now()
	asked := time.Now()
	for _, d := range covered(pattern) {
		var of []oran.Event
		for _, e := range now {
			if e.Address.Resource == d.Resource && oran.Match(pattern, e.Address, a.Here) {
				of = append(of, e)
			}
		}
		switch {
		case len(of) > 0:
			states = append(states, &notice{id: newID(), event: merged(of), asked: asked})
		case isState(d) && (pattern.Resource == d.Resource || pattern.Instance == ""):
			absent = append(absent, &notice{id: newID(), event: a.absent(pattern, d), asked: asked})
		}
	}
	if len(states) == 0 {
		return absent
	}
	return states
}

// separate is states with one notice for each instance.
func (a *API) separate(pattern oran.Address) []*notice {
	var all []*notice
	states := a.states(pattern)
	now, _ := a.Live.Now()
	for _, s := range states {
		n := len(all)
		for _, e := range now {
			if e.Address.Resource == s.event.Address.Resource && oran.Match(pattern, e.Address, a.Here) {
				all = append(all, &notice{id: newID(), event: e, asked: s.asked})
			}
		}
		if len(all) == n {
			all = append(all, s)
		}
	}
	return all
}

// merged makes one event of those of several instances. Its time is that of the last
// change, and the states of all are in its data.
func merged(of []oran.Event) oran.Event {
	e := of[0]
	if len(of) == 1 {
		return e
	}
	d := oran.Data{Version: "1.0"}
	e.Address.Instance, e.State = "", ""
	for _, one := range of {
		d.Values = append(d.Values, valuesOf(one)...)
		if one.Time.After(e.Time) {
			e.Time = one.Time
		}
	}
	e.Data = string(marshal(d))
	return e
}

// ReasonNotWatched is why the state of a resource is the worst that there is: this node has
// no such clock, or nobody watches it.
const ReasonNotWatched = "NotWatched"

// absent is the state of a resource that nobody watches: it cannot be relied on.
func (a *API) absent(pattern oran.Address, d oran.Definition) oran.Event {
	address := oran.Address{Cluster: a.Here.Cluster, Node: a.Here.Node, Instance: pattern.Instance, Resource: d.Resource}
	if strings.ContainsAny(pattern.Instance, `*?[\`) {
		address.Instance = "" // it is no name
	}
	state := map[string]string{
		oran.GNSSSyncStatus:    "FAILURE-NOFIX",
		oran.ClockClass:        "255", // of a clock that nobody can follow
		oran.SyncEClockQuality: "255", // not known
	}[d.Resource]
	if state == "" {
		state = "FREERUN"
	}
	value := oran.Value{ResourceAddress: address.String(), DataType: d.DataType, ValueType: d.ValueType, Value: state}
	data, _ := json.Marshal(oran.Data{Version: "1.0", Values: []oran.Value{value}}) // strings cannot fail
	return oran.Event{
		Type: d.EventType, Source: address.String(), Address: address, Time: a.began.UTC().Round(0),
		State: state, Reason: ReasonNotWatched, Data: string(data),
	}
}

// recorded is whether events that a pattern covers come into the journal.
func (a *API) recorded(pattern oran.Address) bool {
	return slices.ContainsFunc(covered(pattern), func(d oran.Definition) bool { return oran.Wanted(d.EventType, a.Types) })
}
