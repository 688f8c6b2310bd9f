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

package clock

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	receiverA = GNSSReceivers{Open: []string{"a"}}
	fixed     = GNSSReport{Fix: Fix3D, Satellites: 9}
	weak      = GNSSReport{Fix: FixNone, Satellites: 2}
	deaf      = GNSSReport{Fix: FixNone}
	unplugged = GNSSReport{Fix: FixNone, Antenna: AntennaOpen}
)

// each is a report a second from an instant on.
func each(from Instant, reports ...GNSSReport) []step {
	var steps []step
	for n, r := range reports {
		steps = append(steps, step{at: from + Instant(n)*1000, fact: r})
	}
	return steps
}

// times is the same report so many times.
func times(n int, r GNSSReport) []GNSSReport {
	all := make([]GNSSReport, n)
	for i := range all {
		all[i] = r
	}
	return all
}

func TestGNSS(t *testing.T) {
	list := []step{{at: 0, fact: receiverA}}
	const synchronized = "0 a gnss-sync-status ->SYNCHRONIZED GNSSFix"
	for _, tc := range []struct {
		name  string
		steps []step
		want  []string
	}{
		// Start.
		{"nothing is said before the first report", list, nil},
		{"the first fix is one at once", after(list, each(0, fixed)), []string{synchronized}},
		{"no fix needs three reports: the first may be half of one", after(list, each(0, deaf, deaf)), nil},
		{"no fix and no satellite", after(list, each(0, deaf, deaf, deaf)), []string{"2000 a gnss-sync-status ->FAILURE-NOFIX GNSSNoFix"}},
		{"no fix yet", after(list, each(0, weak, weak, weak)), []string{"2000 a gnss-sync-status ->ACQUIRING-SYNC GNSSNoFix"}},
		{"two dimensions are not enough", after(list, each(0, times(3, GNSSReport{Fix: Fix2D})...)), []string{"2000 a gnss-sync-status ->ACQUIRING-SYNC GNSSNoFix"}},
		{"a guess is none", after(list, each(0, times(3, GNSSReport{Fix: FixDeadReckoning})...)), []string{"2000 a gnss-sync-status ->FAILURE-NOFIX GNSSNoFix"}},
		{"a receiver that gives the time alone", after(list, each(0, GNSSReport{Fix: FixTimeOnly})), []string{synchronized}},
		{"a receiver that other sensors help", after(list, each(0, GNSSReport{Fix: FixWithDeadReckoning})), []string{synchronized}},
		{"a receiver that says nothing", after(list, []step{{at: 5000, fact: GNSSSilence{}}}), []string{"5000 a gnss-sync-status ->FAILURE-NOFIX ReceiverSilent"}},
		{"a receiver that gpsd cannot open", []step{{at: 0, fact: GNSSReceivers{Closed: []string{"a"}}}}, []string{"0 a gnss-sync-status ->FAILURE-NOFIX ReceiverGone"}},
		{"no gpsd: there is nobody of whom it could be said", []step{{at: 0, fact: GNSSDown{}}, {at: 100, fact: GNSSDown{}}}, nil},

		// A fix that is lost.
		{"one report without a fix is no loss, and neither are two", after(list, each(0, fixed, deaf, fixed, weak, deaf, fixed, deaf, deaf, fixed)), []string{synchronized}},
		{
			"three are, whatever they say besides", after(list, each(0, fixed, weak, deaf, weak)),
			[]string{synchronized, "3000 a gnss-sync-status SYNCHRONIZED>ACQUIRING-SYNC GNSSNoFix"},
		},
		{
			"it comes back with three", after(list, each(0, fixed, deaf, deaf, deaf, fixed, fixed, deaf, fixed, fixed, fixed)),
			[]string{synchronized, "3000 a gnss-sync-status SYNCHRONIZED>FAILURE-NOFIX GNSSNoFix", "9000 a gnss-sync-status FAILURE-NOFIX>SYNCHRONIZED GNSSFix"},
		},
		{
			"weak signals that come and go are not an event each", after(list, each(0, deaf, deaf, deaf, weak, deaf, weak, weak, deaf), each(9000, times(9, weak)...)),
			[]string{"2000 a gnss-sync-status ->FAILURE-NOFIX GNSSNoFix"},
		},
		{
			"but those that stay are", after(list, each(0, deaf, deaf, deaf), each(3000, times(10, weak)...)),
			[]string{"2000 a gnss-sync-status ->FAILURE-NOFIX GNSSNoFix", "12000 a gnss-sync-status FAILURE-NOFIX>ACQUIRING-SYNC GNSSNoFix"},
		},

		// The antenna.
		{
			"an antenna that is taken off", after(list, each(0, fixed, unplugged, unplugged, unplugged)),
			[]string{synchronized, "3000 a gnss-sync-status SYNCHRONIZED>ANTENNA-DISCONNECTED AntennaFault"},
		},
		{
			"a short circuit", after(list, each(0, times(3, GNSSReport{Fix: FixNone, Antenna: AntennaShort, Satellites: 1})...)),
			[]string{"2000 a gnss-sync-status ->ANTENNA-SHORT-CIRCUIT AntennaFault"},
		},
		{
			"who has a fix has an antenna: a splitter looks like none", after(list, each(0, times(20, GNSSReport{Fix: Fix3D, Antenna: AntennaOpen})...)),
			[]string{synchronized},
		},
		{"one that is well says nothing", after(list, each(0, times(3, GNSSReport{Fix: FixNone, Antenna: AntennaOK})...)), []string{"2000 a gnss-sync-status ->FAILURE-NOFIX GNSSNoFix"}},

		// Who is not heard.
		{
			"a receiver that falls silent has no fix that anybody knows of", after(list, each(0, fixed), []step{{at: 6000, fact: GNSSSilence{}}}, each(9000, fixed, fixed, fixed)),
			[]string{synchronized, "6000 a gnss-sync-status SYNCHRONIZED>FAILURE-NOFIX ReceiverSilent", "11000 a gnss-sync-status FAILURE-NOFIX>SYNCHRONIZED GNSSFix"},
		},
		{
			"two fixes before the silence do not count after it", after(list, each(0, deaf, deaf, deaf, fixed, fixed), []step{{at: 5000, fact: GNSSSilence{}}}, each(6000, fixed, fixed)),
			[]string{"2000 a gnss-sync-status ->FAILURE-NOFIX GNSSNoFix"},
		},
		{
			"a receiver that gpsd has lost", after(list, each(0, fixed), []step{{at: 2000, fact: GNSSReceivers{}}, {at: 3000, fact: receiverA}}, each(4000, fixed, fixed, fixed)),
			[]string{synchronized, "2000 a gnss-sync-status SYNCHRONIZED>FAILURE-NOFIX ReceiverGone", "6000 a gnss-sync-status FAILURE-NOFIX>SYNCHRONIZED GNSSFix"},
		},
		{
			"a gpsd that is gone", after(list, each(0, fixed), []step{{at: 2000, fact: GNSSDown{}}, {at: 2500, fact: GNSSDown{}}, {at: 3000, fact: receiverA}}, each(4000, fixed, fixed, fixed)),
			[]string{synchronized, "2000 a gnss-sync-status SYNCHRONIZED>FAILURE-NOFIX DaemonDown", "6000 a gnss-sync-status FAILURE-NOFIX>SYNCHRONIZED GNSSFix"},
		},

		// Several.
		{
			"one of two receivers",
			[]step{
				{at: 0, fact: GNSSReceivers{Open: []string{"a", "b"}}},
				{at: 1, fact: fixed},
				{at: 2, of: "b", fact: fixed},
				{at: 3, fact: GNSSReceivers{Open: []string{"b"}}},
			},
			[]string{"1 a gnss-sync-status ->SYNCHRONIZED GNSSFix", "2 b gnss-sync-status ->SYNCHRONIZED GNSSFix", "3 a gnss-sync-status SYNCHRONIZED>FAILURE-NOFIX ReceiverGone"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := NewNode(limits)
			n.WatchGNSS()
			if diff := cmp.Diff(tc.want, observe(n, tc.steps)); diff != "" {
				t.Errorf("transitions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestResumeGNSS(t *testing.T) {
	list := []step{{at: 0, fact: receiverA}}
	for _, tc := range []struct {
		name  string
		was   GNSSStatus
		steps []step
		want  []string
	}{
		{"what is as it was is not said again", GNSSSynchronized, after(list, each(0, fixed, fixed)), nil},
		{"nothing is said before anything is seen", GNSSSynchronized, []step{{at: 60_000}}, nil},
		{"a fix that was lost meanwhile", GNSSSynchronized, after(list, each(0, deaf, deaf, deaf)), []string{"2000 a gnss-sync-status SYNCHRONIZED>FAILURE-NOFIX GNSSNoFix missed"}},
		{"a fix that was found meanwhile", GNSSNoFix, after(list, each(0, fixed)), []string{"0 a gnss-sync-status FAILURE-NOFIX>SYNCHRONIZED GNSSFix missed"}},
		{"a receiver that is gone", GNSSSynchronized, []step{{at: 0, fact: GNSSReceivers{}}}, []string{"0 a gnss-sync-status SYNCHRONIZED>FAILURE-NOFIX ReceiverGone missed"}},
		{"a gpsd that is gone", GNSSAcquiring, []step{{at: 0, fact: GNSSDown{}}}, []string{"0 a gnss-sync-status ACQUIRING-SYNC>FAILURE-NOFIX DaemonDown missed"}},
		{"what changes later was not missed", GNSSSynchronized, after(list, each(0, fixed, deaf, deaf, deaf)), []string{"3000 a gnss-sync-status SYNCHRONIZED>FAILURE-NOFIX GNSSNoFix"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := NewNode(limits)
			n.WatchGNSS()
			n.Resume(0, []Past{{Kind: GNSSSyncStatus, Instance: "a", Value: tc.was}})
			if diff := cmp.Diff(tc.want, observe(n, tc.steps)); diff != "" {
				t.Errorf("transitions (-want +got):\n%s", diff)
			}
		})
	}
	n := NewNode(limits) // where nobody watches, nothing is known of it
	n.Resume(0, []Past{{Kind: GNSSSyncStatus, Instance: "a", Value: GNSSSynchronized}})
	if got := observe(n, []step{{at: 0, fact: receiverA}, {at: 0, fact: fixed}, {at: 1, fact: GNSSDown{}}, {at: 2, fact: none}}); len(got) != 1 || len(n.instances) != 0 {
		t.Errorf("a receiver that is not watched: %v", got)
	}
}

func TestFixOfATransition(t *testing.T) {
	n := NewNode(limits)
	n.WatchGNSS()
	n.Observe(Observation{Fact: receiverA})
	found := n.Observe(Observation{Instance: "a", Fact: fixed})
	again := n.Reassert(1000)
	lost := n.Observe(Observation{Instance: "a", Fact: GNSSSilence{}})
	for _, tc := range []struct {
		name string
		got  []Transition
		want GNSSFix
	}{{"found", found, Fix3D}, {"said again", again, Fix3D}, {"lost", lost, FixUnknown}} {
		if len(tc.got) != 1 || tc.got[0].Fix != tc.want {
			t.Errorf("%s: %+v, want one with fix %d", tc.name, tc.got, tc.want)
		}
	}
	if c := again[0]; c.From != GNSSSynchronized || c.To != GNSSSynchronized || c.Reason != Reassert {
		t.Errorf("said again: %+v", c)
	}
}

func TestReadyWaitsForGNSS(t *testing.T) {
	n := NewNode(limits)
	n.WatchGNSS()
	n.Observe(Observation{Fact: none})
	if n.Ready() {
		t.Error("ready although gpsd was not asked")
	}
	n.Observe(Observation{Fact: receiverA})
	if n.Ready() {
		t.Error("ready although a receiver was not heard")
	}
	n.Observe(Observation{Instance: "a", Fact: GNSSSilence{}})
	if !n.Ready() {
		t.Error("not ready although the receiver is known to be silent")
	}
	n = NewNode(limits)
	n.WatchGNSS()
	n.Observe(Observation{Fact: none})
	n.Observe(Observation{Fact: GNSSDown{}})
	if !n.Ready() {
		t.Error("not ready although gpsd is known to be absent")
	}
}

// TestRandomReports holds the receivers against what must be true of any sequence.
func TestRandomReports(t *testing.T) {
	const seed uint64 = 20261126
	fixes := []GNSSFix{FixNone, FixNone, FixDeadReckoning, Fix2D, Fix3D, Fix3D, Fix3D, FixTimeOnly}
	reached := map[string]int{}
	for round := range 200 {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		n := NewNode(limits)
		n.WatchGNSS()
		value := map[string]Value{}
		recent := map[string][]bool{} // whether each report since the receiver was last not heard had a full fix
		var now Instant
		check := func(changes []Transition) {
			t.Helper()
			for _, c := range changes {
				if c.From != value[c.Instance] || c.From == c.To || c.Kind != GNSSSyncStatus {
					t.Fatalf("%s, and it was %v (round %d of seed %d)", describe(c), value[c.Instance], round, seed)
				}
				value[c.Instance] = c.To
				reached[c.To.String()]++
			}
			for name, state := range value {
				last := recent[name]
				last = last[max(0, len(last)-fixReports):]
				if state == GNSSSynchronized && !slices.Contains(last, true) {
					t.Fatalf("at %v: %s is SYNCHRONIZED without a fresh fix (round %d of seed %d)", now, name, round, seed)
				}
				if state != GNSSSynchronized && len(last) == fixReports && !slices.Contains(last, false) {
					t.Fatalf("at %v: %s is %v with three fixes in a row (round %d of seed %d)", now, name, state, round, seed)
				}
			}
		}
		check(n.Observe(Observation{Fact: GNSSReceivers{Open: []string{"a", "b"}}}))
		for range 500 {
			now += 1000 * ms
			name := []string{"a", "b"}[r.IntN(2)]
			switch k := r.IntN(100); {
			case k < 2:
				recent = map[string][]bool{}
				check(n.Observe(Observation{At: now, Fact: GNSSDown{}}))
			case k < 4:
				recent["b"] = nil
				check(n.Observe(Observation{At: now, Fact: GNSSReceivers{Open: []string{"a"}, Closed: []string{"b"}}}))
			case k < 6:
				recent[name] = nil
				check(n.Observe(Observation{At: now, Instance: name, Fact: GNSSSilence{}}))
			default:
				report := GNSSReport{Fix: fixes[r.IntN(len(fixes))], Satellites: r.IntN(3), Antenna: Antenna(r.IntN(4))}
				for range 1 + r.IntN(12) {
					recent[name] = append(recent[name], report.Fix.full())
					check(n.Observe(Observation{At: now, Instance: name, Fact: report}))
				}
			}
		}
	}
	for s := GNSSNoFix; s <= GNSSSynchronized; s++ {
		if reached[s.String()] < 100 {
			t.Errorf("only %d times %s: the sequences do not exercise the machine", reached[s.String()], s)
		}
	}
}
