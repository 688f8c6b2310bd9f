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

package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// Step is one thing that happens to the clock. The verb decides which of the other
// fields count; [Verbs] describes them all.
type Step struct {
	// At is the time since the start of the scenario, or of its round.
	At time.Duration
	// Do is the verb.
	Do string
	// Port is the interface or the number of a port; empty is port 1.
	Port string
	// State is the state that a port is forced into.
	State pmc.PortState
	// To is an offset or a jitter, and Over how long it takes to get there.
	To, Over time.Duration
	// By is the size of a clock step.
	By time.Duration
	// Count is a number of pushes.
	Count int
	// Identity, Class, Accuracy and Traceable are what a grandmaster announces from
	// now on. What is zero or nil stays as it is, or as in [DefaultGrandmaster] when
	// it is another grandmaster.
	Identity  pmc.ClockIdentity
	Class     uint8
	Accuracy  uint8
	Traceable *bool
}

// UnmarshalJSON reads one entry of steps.
func (st *Step) UnmarshalJSON(b []byte) error {
	var keys map[string]json.RawMessage
	if err := decode(b, &keys); err != nil {
		return err
	}
	f := struct {
		At        *duration         `json:"at"`
		Do        string            `json:"do"`
		Port      loose             `json:"port"`
		State     string            `json:"state"`
		To        duration          `json:"to"`
		Over      duration          `json:"over"`
		By        duration          `json:"by"`
		Count     int               `json:"count"`
		Identity  pmc.ClockIdentity `json:"identity"`
		Class     uint8             `json:"class"`
		Accuracy  uint8             `json:"accuracy"`
		Traceable *bool             `json:"traceable"`
	}{}
	if err := decode(b, &f); err != nil {
		return err
	}
	if f.At == nil {
		return errors.New("at is missing: say when, such as at: 2s")
	}
	if err := checkKeys(f.Do, keys); err != nil {
		return err
	}
	state, err := portState(f.State)
	if err != nil {
		return err
	}
	*st = Step{
		At: time.Duration(*f.At), Do: f.Do, Port: string(f.Port), State: state,
		To: time.Duration(f.To), Over: time.Duration(f.Over), By: time.Duration(f.By), Count: f.Count,
		Identity: f.Identity, Class: f.Class, Accuracy: f.Accuracy, Traceable: f.Traceable,
	}
	return nil
}

// checkKeys compares the keys of a step with those of its verb.
func checkKeys(do string, keys map[string]json.RawMessage) error {
	v, err := verbNamed(do)
	if err != nil {
		return err
	}
	for _, k := range v.needs {
		if _, ok := keys[k]; !ok {
			return fmt.Errorf("%s is missing; write %s", k, v.example())
		}
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if k != "at" && k != "do" && !slices.Contains(v.needs, k) && !slices.Contains(v.takes, k) {
			return fmt.Errorf("%s does not go with it; write %s", k, v.example())
		}
	}
	return nil
}

// check returns why the step cannot be played on c.
func (st Step) check(c *Clock) error {
	if _, err := verbNamed(st.Do); err != nil {
		return err
	}
	switch {
	case st.At < 0 || st.Over < 0 || st.Count < 0:
		return errors.New("at, over and count cannot be negative")
	case st.Do == "jitter" && st.To < 0:
		return fmt.Errorf("to: a jitter of %s is negative", st.To)
	case st.Do == "class" && st.Class == 0: // IEEE 1588-2019, table 4
		return errors.New("class 0 is reserved; give 1 to 255, such as class: 7")
	}
	_, err := c.port(st.Port)
	return err
}

// String is the step as a line of a log: the verb and its arguments.
func (st Step) String() string {
	words := []string{st.Do}
	add := func(isSet bool, key string, value any) {
		if isSet {
			words = append(words, strings.TrimSpace(fmt.Sprint(key, " ", value)))
		}
	}
	v, _ := verbNamed(st.Do)
	for _, key := range slices.Concat(v.needs, v.takes) {
		switch key {
		case "port":
			add(st.Port != "", "", st.Port)
		case "state":
			add(true, "", st.State)
		case "to":
			add(true, key, st.To)
		case "over":
			add(true, key, st.Over)
		case "by":
			add(true, key, st.By)
		case "count":
			add(st.Count != 0, "", st.Count)
		case "identity":
			add(true, "", st.Identity)
		case "class":
			add(st.Class != 0, strings.TrimPrefix(key, st.Do), st.Class)
		case "accuracy":
			add(st.Accuracy != 0, key, fmt.Sprintf("%#x", st.Accuracy))
		case "traceable":
			add(st.Traceable != nil, key, st.Traceable != nil && *st.Traceable)
		}
	}
	return strings.Join(words, " ")
}

// announced is what g announces after the step.
func (st Step) announced(g Grandmaster) Grandmaster {
	if st.Identity != (pmc.ClockIdentity{}) {
		g.Identity = st.Identity
	}
	if st.Class != 0 {
		g.Class = st.Class
	}
	if st.Accuracy != 0 {
		g.Accuracy = st.Accuracy
	}
	const traceable = pmc.TimeTraceable | pmc.FrequencyTraceable
	if st.Traceable != nil {
		g.TimeFlags &^= traceable
		if *st.Traceable {
			g.TimeFlags |= traceable
		}
	}
	return g
}

// portState returns the state of that name; an empty name is no state.
func portState(name string) (pmc.PortState, error) {
	var names []string
	for state := pmc.PortInitializing; state <= pmc.PortSlave; state++ {
		if name == state.String() {
			return state, nil
		}
		names = append(names, state.String())
	}
	if name == "" {
		return 0, nil
	}
	return 0, fmt.Errorf("state: %q is no state of a port; choose one of %s", name, strings.Join(names, ", "))
}

// run does the step to s.
func (st Step) run(s *Simulator) error {
	v, err := verbNamed(st.Do)
	if err != nil {
		return err
	}
	return v.run(s, st)
}
