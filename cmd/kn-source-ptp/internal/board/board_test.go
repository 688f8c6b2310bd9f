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

package board

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

func adapter(node string) cluster.Adapter {
	return cluster.Adapter{Source: types.NamespacedName{Namespace: "edge", Name: "fleet"}, Node: node}
}

// report is that of a node with instances in these states.
func report(node, overall string, instances ...string) Report {
	s := &stream.State{Overall: stream.Condition{State: overall}}
	for n, state := range instances {
		s.Instances = append(s.Instances, stream.Instance{Name: string(rune('a' + n)), Condition: stream.Condition{State: state}})
	}
	return NewReport(adapter(node), s, nil)
}

func TestWorstFirst(t *testing.T) {
	b := New([]Report{
		report("n1", "LOCKED", "LOCKED", "HOLDOVER"), report("n2", "FREERUN", "LOCKED"), report("n3", "FREERUN", "FREERUN"),
		NewReport(adapter("n4"), nil, errors.New("gone")), report("n5", "FREERUN"), report("n6", "LOCKED", "LOCKED"), report("n7", "LOCKED", "MOON"),
	})
	var got []string
	for _, c := range b.Clocks {
		got = append(got, strings.TrimSpace(c.Node+" "+c.Instance)+" "+c.State)
	}
	want := []string{"n3 a FREERUN", "n5 FREERUN", "n4 UNKNOWN", "n7 a MOON", "n1 b HOLDOVER", "n2 a LOCKED", "n1 a LOCKED", "n6 a LOCKED"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
	if b.Summary != (Summary{Locked: 3, Holdover: 1, Freerun: 2, Unknown: 2}) || b.Silent != 1 || b.AllLocked() {
		t.Errorf("%+v, %d silent, all locked: %v", b.Summary, b.Silent, b.AllLocked())
	}
	if !New([]Report{report("n6", "LOCKED", "LOCKED")}).AllLocked() || New([]Report{report("n2", "FREERUN", "LOCKED")}).AllLocked() {
		t.Error("a node counts as a whole, too")
	}
}

func TestShow(t *testing.T) {
	r := report("n1", "LOCKED", "LOCKED")
	since := time.Unix(100, 0)
	r.State.Instances[0].Since, r.State.Instances[0].OffsetNanoseconds = &since, new(int64(12345))
	for _, tc := range []struct {
		name string
		b    Board
		o    Options
		want string
	}{
		{"a clock that is ahead of ours", New([]Report{r}), Options{Now: time.Unix(50, 0)}, `
NODE   INSTANCE   STATE    SINCE   OFFSET     GRANDMASTER   CLASS   OS CLOCK   OVERALL
n1     a          LOCKED   0s      12.345µs   -             -       -          LOCKED
1 locked, 0 holdover, 0 freerun, 0 unknown
`},
		{"colours", New([]Report{report("n1", "FREERUN", "LOCKED", "HOLDOVER"), NewReport(adapter("n2"), nil, errors.New("gone"))}), Options{Colour: true}, "\n" +
			"NODE   INSTANCE   STATE      SINCE   OFFSET   GRANDMASTER   CLASS   OS CLOCK   OVERALL\n" +
			"\x1b[35mn2     -          UNKNOWN    -       -        -             -       -          UNKNOWN\x1b[0m\n" +
			"\x1b[31mn1     b          HOLDOVER   -       -        -             -       -          FREERUN\x1b[0m\n" +
			"\x1b[31mn1     a          LOCKED     -       -        -             -       -          FREERUN\x1b[0m\n" +
			"n2 (edge/fleet) does not answer: gone\n" +
			"1 locked, 1 holdover, 0 freerun, 1 unknown\n"},
		{"nothing", New(nil), Options{}, `
NODE   INSTANCE   STATE   SINCE   OFFSET   GRANDMASTER   CLASS   OS CLOCK   OVERALL
0 locked, 0 holdover, 0 freerun, 0 unknown
`},
	} {
		var text strings.Builder
		if err := tc.b.Show(&text, tc.o); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(tc.want[1:], text.String()); diff != "" {
			t.Errorf("%s: want (-) and got (+):\n%s", tc.name, diff)
		}
	}
}
