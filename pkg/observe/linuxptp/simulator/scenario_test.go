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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

func TestParseScenario(t *testing.T) {
	got, err := ParseScenario([]byte(`
description: all there is
version: 4.4
domain: 24
transportSpecific: 1
identity: 767f31.fffe.399e95
slaveOnly: true
class: 165
priority1: 1
priority2: 2
ports:
- {interface: ens1f0, upstream: true, phc: 0}
- {interface: ens1f1}
grandmaster: {identity: 0a0000.fffe.000002, class: 7, accuracy: 0x22, variance: 0x1234, priority1: 3, priority2: 4, utcOffset: 36, timeFlags: 0x0c, timeSource: 0x40}
sync: {interval: 62.5ms, offset: -5ns, jitter: 8ns, delay: 1.5us}
announce: {interval: 250ms, timeout: 4}
steps:
- {at: 0s, do: lock}
- {at: 1s, do: drift, to: 400ns, over: 3s}
- {at: 2s, do: step, by: -37s}
- {at: 3s, do: link-down, port: 2}
- {at: 3s, do: link-up, port: ens1f1}
- {at: 4s, do: port-state, state: PASSIVE}
- {at: 5s, do: class, class: 140, accuracy: 0x27, traceable: false}
- {at: 6s, do: grandmaster, identity: 42160d.fffe.627ae7}
- {at: 7s, do: drop-pushes, count: 3}
loop: true
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Scenario{
		Description: "all there is",
		Clock: Clock{
			Version: "4.4", Domain: 24, TransportSpecific: 1, Identity: clockID, SlaveOnly: true, Class: 165, Priority1: 1, Priority2: 2,
			Ports: []Port{{Interface: "ens1f0", Upstream: true, PHC: 0}, {Interface: "ens1f1", PHC: -1}},
			Grandmaster: Grandmaster{
				Identity: otherGM, Class: 7, Accuracy: 0x22, Variance: 0x1234, Priority1: 3, Priority2: 4,
				UTCOffset: 36, TimeFlags: pmc.UTCOffsetValid | pmc.PTPTimescale, TimeSource: 0x40,
			},
			Sync:     Sync{Interval: 62500 * time.Microsecond, Offset: -5, Jitter: 8, Delay: 1500},
			Announce: Announce{Interval: 250 * time.Millisecond, Timeout: 4},
		},
		Steps: []Step{
			{At: 0, Do: "lock"},
			{At: time.Second, Do: "drift", To: 400, Over: 3 * time.Second},
			{At: 2 * time.Second, Do: "step", By: -37 * time.Second},
			{At: 3 * time.Second, Do: "link-down", Port: "2"},
			{At: 3 * time.Second, Do: "link-up", Port: "ens1f1"},
			{At: 4 * time.Second, Do: "port-state", State: pmc.PortPassive},
			{At: 5 * time.Second, Do: "class", Class: 140, Accuracy: 0x27, Traceable: new(bool)},
			{At: 6 * time.Second, Do: "grandmaster", Identity: gmID},
			{At: 7 * time.Second, Do: "drop-pushes", Count: 3},
		},
		Loop: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scenario (-want +got):\n%s", diff)
	}
}

func TestAnEmptyScenarioIsTheDefaultClock(t *testing.T) {
	got, err := ParseScenario([]byte("sync:\ndescription: nothing happens"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Scenario{Description: "nothing happens", Clock: DefaultClock()}, got); diff != "" {
		t.Errorf("scenario (-want +got):\n%s", diff)
	}
}

func TestParseScenarioRefuses(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"an empty file", "", "the file is empty; give at least a description"},
		{"no yaml", "a: [b", "line 1: did not find expected ',' or ']'"},
		{"no mapping", "- a", "array does not fit; give keys and values"},
		{"a key twice", "domain: 1\ndomain: 2", "line 2: key \"domain\" already set in map"},
		{"an unknown key", "domian: 1", "unknown key \"domian\""},
		{"an unknown key of sync", "sync: {intervall: 1s}", "sync: unknown key \"intervall\""},
		{"an unknown key of announce", "announce: {time: 1s}", "announce: unknown key \"time\""},
		{"an unknown key of a port", "ports: [{iface: eth0}]", "ports: unknown key \"iface\""},
		{"an unknown key of the grandmaster", "grandmaster: {clockClass: 6}", "grandmaster: unknown key \"clockClass\""},
		{"an unknown version", "version: 1.8", "version \"1.8\" is not played; choose one of [3.1.1 4.0 4.1 4.2 4.3 4.4]"},
		{"a number that is too large", "domain: 256", "domain: number 256 does not fit; give a number from 0 to 255"},
		{"a class that is a text", "grandmaster: {class: six}", "grandmaster: class: string does not fit; give a number from 0 to 255"},
		{"a flag that is none", "slaveOnly: maybe", "slaveOnly: string does not fit; give true or false"},
		{"ports that are no list", "ports: eth0", "ports: string does not fit; give a list"},
		{"a port that is a text", "ports: [eth0]", "ports: string does not fit; give keys and values"},
		{"an identity that is none", "identity: 42", "identity: number does not fit; give a text"},
		{"a malformed identity", "identity: cafe", "clock identity \"cafe\": want hexadecimal digits as in 42160d.fffe.627ae7"},
		{"a duration without unit", "sync: {interval: 125}", "sync: 125 is no duration; give a number and a unit, such as 125ms, 3s or -40ns"},
		{"an interval that PTP does not have", "sync: {interval: 100ms}", "sync: interval 100ms is no power of two of a second; the nearest are 62.5ms and 125ms"},
		{"a negative interval", "announce: {interval: -1s}", "announce: interval -1s is negative"},
		{"a negative jitter", "sync: {jitter: -1ns}", "sync: jitter -1ns is negative"},
		{"a short announce timeout", "announce: {timeout: 1}", "announce: timeout 1 is too short; give 2 or more"},
		{"transportSpecific", "transportSpecific: 16", "transportSpecific 16 does not fit its four bits; give 0 to 15"},
		{"slave and server", "slaveOnly: true\nserverOnly: true", "slaveOnly and serverOnly exclude each other; give one of them"},
		{"no ports", "ports: []", "ports is empty; give at least one, such as ports: [{interface: ens1f0}]"},
		{"a port without interface", "ports: [{phc: 0}]", "ports: interface \"\" of port 1 is no interface name; give 1 to 15 characters"},
		{"a port twice", "ports: [{interface: a}, {interface: a}]", "ports: interface a is given twice"},

		{"steps that are no list", "steps: {}", "steps: object does not fit; give a list"},
		{"a step that is a word", "steps: [lock]", "step 1: string does not fit; give keys and values"},
		{"a step without time", "steps: [{do: lock}]", "step 1 (lock): at is missing: say when, such as at: 2s"},
		{"a step without verb", "steps: [{at: 1s}]", "step 1: do is missing: say what happens, such as do: link-down"},
		{"a step with a malformed time", "steps: [{at: soon, do: lock}]", "step 1 (lock): soon is no duration; give a number and a unit, such as 125ms, 3s or -40ns"},
		{
			"a step with an unknown verb", "steps: [{at: 1s, do: explode}]", "step 1 (explode): there is no such verb; choose one of lock, offset, drift, jitter, step, servo-unlock, servo-lock, " +
				"silence, announce-timeout, resume, class, grandmaster, leap-announce, leap-second, link-down, link-up, port-state, hang, unhang, stop, crash, restart, bad-frames, drop-pushes",
		},
		{"a step with an unknown key", "steps: [{at: 1s, do: lock, speed: 3}]", "step 1 (lock): unknown key \"speed\""},
		{"a step with a key of another verb", "steps: [{at: 1s, do: offset, to: 5ns, over: 3s}]", "step 1 (offset): over does not go with it; write {at: 2s, do: offset, to: 400ns}"},
		{"a step without a key of its verb", "steps: [{at: 1s, do: lock}, {at: 2s, do: drift, to: 5ns}]", "step 2 (drift): over is missing; write {at: 2s, do: drift, to: 400ns, over: 3s}"},
		{"a step on an unknown port", "steps: [{at: 1s, do: link-down, port: eth7}]", "step 1 (link-down): there is no port eth7; the ports are ens1f0"},
		{
			"a step to an unknown state", "steps: [{at: 1s, do: port-state, state: slave}]",
			"step 1 (port-state): state: \"slave\" is no state of a port; choose one of INITIALIZING, FAULTY, DISABLED, LISTENING, PRE_MASTER, MASTER, PASSIVE, UNCALIBRATED, SLAVE",
		},
		{"a step before the start", "steps: [{at: -1s, do: lock}]", "step 1 (lock): at, over and count cannot be negative"},
		{"a negative jitter as a step", "steps: [{at: 1s, do: jitter, to: -5ns}]", "step 1 (jitter): to: a jitter of -5ns is negative"},
		{"class 0", "steps: [{at: 1s, do: class, class: 0}]", "step 1 (class): class 0 is reserved; give 1 to 255, such as class: 7"},
		{"a step in the past", "steps: [{at: 2s, do: lock}, {at: 1s, do: lock}]", "step 2 (lock): at 1s is before step 1, which is at 2s; give the steps in order of time"},
		{"a loop without steps", "loop: true", "loop: a round lasts until its last step; give that one a time after 0s"},
		{"a loop without end", "loop: true\nsteps: [{at: 0s, do: lock}]", "loop: a round lasts until its last step; give that one a time after 0s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseScenario([]byte(tc.text))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff("scenario: "+tc.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVersionMayBeUnquoted(t *testing.T) {
	for _, text := range []string{"3.1.1", "4.0", "'4.0'", "4.2", "'4.2'"} {
		got, err := ParseScenario([]byte("version: " + text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		want := Version(text)
		if text[0] == '\'' {
			want = want[1 : len(want)-1]
		}
		if got.Clock.Version != want {
			t.Errorf("version: %s is %s, want %s", text, got.Clock.Version, want)
		}
	}
}

func TestStepsReadLikeALog(t *testing.T) {
	for _, tc := range []struct {
		step Step
		want string
	}{
		{Step{Do: "lock"}, "lock"},
		{Step{Do: "offset", To: 0}, "offset to 0s"},
		{Step{Do: "drift", To: 400, Over: 3 * time.Second}, "drift to 400ns over 3s"},
		{Step{Do: "step", By: 37 * time.Second}, "step by 37s"},
		{Step{Do: "link-down"}, "link-down"},
		{Step{Do: "link-down", Port: "ens1f0"}, "link-down ens1f0"},
		{Step{Do: "port-state", State: pmc.PortPassive}, "port-state PASSIVE"},
		{Step{Do: "class", Class: 7}, "class 7"},
		{Step{Do: "class", Class: 140, Accuracy: 0x27, Traceable: new(bool)}, "class 140 accuracy 0x27 traceable false"},
		{Step{Do: "grandmaster", Identity: otherGM, Class: 248}, "grandmaster 0a0000.fffe.000002 class 248"},
		{Step{Do: "drop-pushes", Count: 3}, "drop-pushes 3"},
	} {
		if got := tc.step.String(); got != tc.want {
			t.Errorf("step %q, want %q", got, tc.want)
		}
	}
}

func TestFaster(t *testing.T) {
	s := Scenario{Clock: DefaultClock(), Steps: []Step{{At: 4 * time.Second, Do: "drift", To: 400, Over: 2 * time.Second}}}
	got := s.Faster(10)
	if got.Clock.Sync.Interval != 12500*time.Microsecond || got.Clock.Announce.Interval != 100*time.Millisecond {
		t.Errorf("intervals %v and %v, want 12.5ms and 100ms", got.Clock.Sync.Interval, got.Clock.Announce.Interval)
	}
	if diff := cmp.Diff([]Step{{At: 400 * time.Millisecond, Do: "drift", To: 400, Over: 200 * time.Millisecond}}, got.Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if s.Steps[0].At != 4*time.Second {
		t.Error("the scenario itself was changed")
	}
}
