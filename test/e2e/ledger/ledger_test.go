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

package ledger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// taken is an entry for an event "a-1 FREERUN>LOCKED": the id, and the state before and
// after. A word behind it names another resource, and a number the answer.
func taken(t *testing.T, text string) Entry {
	t.Helper()
	words := strings.Fields(text)
	epoch, sequence, _ := strings.Cut(words[0], "-")
	previous, state, _ := strings.Cut(words[1], ">")
	resource, status := "lock-state", 202
	for _, word := range words[2:] {
		if _, err := fmt.Sscanf(word, "%d", &status); err != nil {
			resource = word
		}
	}
	var number int
	if _, err := fmt.Sscanf(sequence, "%d", &number); err != nil {
		t.Fatal(err)
	}
	e := cloudevents.NewEvent()
	e.SetID(epoch + "-" + sequence)
	e.SetType("change")
	e.SetSource("/cluster/node/n1/" + resource)
	e.SetSubject("ptp4l.0")
	e.SetTime(time.Unix(int64(number), 0))
	e.SetExtension("sequence", fmt.Sprintf("%020d", number))
	e.SetExtension("node", "n1")
	e.SetExtension("ptpstate", state)
	if previous != "" {
		e.SetExtension("previousstate", previous)
	}
	e.SetExtension(StreamExtension, "ns/clocks")
	return Entry{Inbox: "/", Status: status, Event: e}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name    string
		rules   Rules
		entries []string
		want    Report
	}{
		{
			name:    "all is well",
			entries: []string{"a-1 >LOCKED", "a-2 >6 class", "a-3 LOCKED>HOLDOVER", "a-4 HOLDOVER>LOCKED"},
			want:    Report{Streams: 1, Events: 4},
		},
		{
			name:    "it begins in the middle, as for a sink that came later",
			entries: []string{"a-7 FREERUN>LOCKED", "a-8 LOCKED>HOLDOVER"},
			want:    Report{Streams: 1, Events: 2},
		},
		{
			name:    "again under the same id",
			entries: []string{"a-1 >LOCKED", "a-2 LOCKED>HOLDOVER", "a-2 LOCKED>HOLDOVER", "a-3 HOLDOVER>LOCKED"},
			want:    Report{Streams: 1, Events: 3, Again: 1},
		},
		{
			name:    "not taken at first",
			entries: []string{"a-1 >LOCKED 503", "a-1 >LOCKED 429", "a-1 >LOCKED"},
			want:    Report{Streams: 1, Events: 1, Refused: 2},
		},
		{
			name:    "changed under the same id",
			entries: []string{"a-1 >LOCKED", "a-1 >FREERUN"},
			want: Report{Streams: 1, Events: 1, Again: 1, Wrong: []string{
				`ns/clocks on n1: a-1: it was change ptp4l.0 of /cluster/node/n1/lock-state at 1970-01-01T00:00:01Z, LOCKED from "": , ` +
					`and is change ptp4l.0 of /cluster/node/n1/lock-state at 1970-01-01T00:00:01Z, FREERUN from "": `,
			}},
		},
		{
			name:    "a hole",
			entries: []string{"a-1 >LOCKED", "a-4 HOLDOVER>FREERUN"},
			want: Report{Streams: 1, Events: 2, Wrong: []string{
				"ns/clocks on n1: a-4: 2 to 3 are missing before it, after 1970-01-01T00:00:01Z and before 1970-01-01T00:00:04Z",
				"ns/clocks on n1: a-4: /cluster/node/n1/lock-state ptp4l.0 was LOCKED and not HOLDOVER before it is FREERUN: a change is missing",
			}},
		},
		{
			name:    "a hole where a filter is",
			rules:   Rules{Partial: true},
			entries: []string{"a-1 >LOCKED", "a-4 HOLDOVER>LOCKED"},
			want:    Report{Streams: 1, Events: 2},
		},
		{
			name:    "out of order",
			entries: []string{"a-1 >LOCKED", "a-3 HOLDOVER>FREERUN", "a-2 LOCKED>HOLDOVER"},
			want:    Report{Streams: 1, Events: 3, Wrong: []string{"ns/clocks on n1: a-2: it came after 3"}},
		},
		{
			name:    "out of order where there is none",
			rules:   Rules{Unordered: true},
			entries: []string{"a-1 >LOCKED", "a-3 HOLDOVER>FREERUN", "a-2 LOCKED>HOLDOVER"},
			want:    Report{Streams: 1, Events: 3},
		},
		{
			name:    "the same under another id",
			entries: []string{"a-1 >LOCKED", "a-2 >LOCKED"},
			want: Report{Streams: 1, Events: 2, Wrong: []string{
				"ns/clocks on n1: a-2: /cluster/node/n1/lock-state ptp4l.0 is LOCKED, and nothing is known of what was before, which was LOCKED",
			}},
		},
		{
			name:    "no change",
			entries: []string{"a-1 >LOCKED", "a-2 LOCKED>LOCKED"},
			want: Report{Streams: 1, Events: 2, Wrong: []string{
				"ns/clocks on n1: a-2: /cluster/node/n1/lock-state ptp4l.0 is LOCKED as before",
			}},
		},
		{
			name:    "a new journal, which goes on where the old one has ended",
			entries: []string{"a-1 >LOCKED", "b-1 LOCKED>FREERUN"},
			want:    Report{Streams: 1, Events: 2},
		},
		{
			name:    "a new journal, which knows nothing of the old one",
			entries: []string{"a-1 >LOCKED", "a-2 >6 class", "b-1 >FREERUN", "b-2 >6 class"},
			want: Report{Streams: 1, Events: 4, Wrong: []string{
				"ns/clocks on n1: b-1: /cluster/node/n1/lock-state ptp4l.0 is FREERUN, and nothing is known of what was before, which was LOCKED",
				"ns/clocks on n1: b-2: /cluster/node/n1/class ptp4l.0 is 6, and nothing is known of what was before, which was 6",
			}},
		},
		{
			name:    "a new journal, which has missed a change",
			entries: []string{"a-1 >LOCKED", "b-1 FREERUN>HOLDOVER"},
			want: Report{Streams: 1, Events: 2, Wrong: []string{
				"ns/clocks on n1: b-1: /cluster/node/n1/lock-state ptp4l.0 was LOCKED and not FREERUN before it is HOLDOVER: a change is missing",
			}},
		},
		{
			name:    "two adapters at once",
			entries: []string{"a-1 >LOCKED", "b-1 LOCKED>FREERUN", "a-2 LOCKED>HOLDOVER"},
			want: Report{Streams: 1, Events: 3, Wrong: []string{
				"ns/clocks on n1: a-2: it came after the first event of b",
				"ns/clocks on n1: b-1: /cluster/node/n1/lock-state ptp4l.0 was HOLDOVER and not LOCKED before it is FREERUN: a change is missing",
			}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var entries []Entry
			for _, text := range test.entries {
				entries = append(entries, taken(t, text))
			}
			if diff := cmp.Diff(test.want, Check(entries, test.rules)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStreamsAreToldApart(t *testing.T) {
	one, two, three := taken(t, "a-1 >LOCKED"), taken(t, "b-1 >LOCKED"), taken(t, "a-2 LOCKED>HOLDOVER")
	two.Event.SetExtension("node", "n2")
	copied := taken(t, "a-1 >LOCKED") // by a Trigger
	copied.Inbox = "/copies"
	if diff := cmp.Diff(Report{Streams: 3, Events: 4}, Check([]Entry{one, two, three, copied}, Rules{})); diff != "" {
		t.Error(diff)
	}
}

func TestSequenceMustBeThatOfTheID(t *testing.T) {
	e := taken(t, "a-1 >LOCKED")
	e.Event.SetExtension("sequence", "1")
	if got := Check([]Entry{e}, Rules{}); len(got.Wrong) != 1 || !strings.Contains(got.Wrong[0], `its sequence is "1"`) {
		t.Errorf("got %+v", got)
	}
}

func TestAnAdapterThatHasLostEventsIsWrong(t *testing.T) {
	e := taken(t, "a-1 >17 events-lost")
	e.Event.SetID("a-1-lost")
	e.Event.SetType(oran.EventsLostNotice)
	want := Report{Streams: 1, Wrong: []string{"ns/clocks on n1: a-1-lost: it says that 17 events were lost"}}
	if diff := cmp.Diff(want, Check([]Entry{e}, Rules{})); diff != "" {
		t.Error(diff)
	}
}

func TestReportsAdd(t *testing.T) {
	sum := Report{Streams: 1, Events: 2, Again: 3, Refused: 4, Wrong: []string{"a"}}
	sum.Add(Report{Streams: 10, Events: 20, Again: 30, Refused: 40, Wrong: []string{"b"}})
	want := "22 events of 11 adapters: 2 lost, doubled or out of order, 33 sent again under the same id, 44 not taken at first"
	if got := sum.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMissed(t *testing.T) {
	var pulses []Pulse
	for n := range 5 {
		pulses = append(pulses, Pulse{time.Unix(int64(10*n), 0), []string{"6", "7"}[n%2]})
	}
	for _, test := range []struct {
		name    string
		entries []string // the sequence is the time in seconds
		away    []Away
		want    []string
	}{
		{name: "nothing to compare with"},
		{
			name:    "every pulse has its event",
			entries: []string{"a-1 >6 clock-class", "a-12 6>7 clock-class", "a-21 7>6 clock-class", "a-31 6>7 clock-class", "a-41 7>6 clock-class"},
		},
		{
			name:    "taken once, sent twice",
			entries: []string{"a-1 >6 clock-class", "a-12 6>7 clock-class", "a-12 6>7 clock-class", "a-21 7>6 clock-class", "a-31 6>7 clock-class"},
		},
		{
			name:    "one is missing",
			entries: []string{"a-1 >6 clock-class", "a-12 6>7 clock-class", "a-31 6>7 clock-class", "a-41 7>6 clock-class"},
			want:    []string{"ns/clocks on n1: class 6 from Jan  1 00:00:20.000 to Jan  1 00:00:30.000 was told as []"},
		},
		{
			name:    "one was not taken",
			entries: []string{"a-1 >6 clock-class", "a-12 6>7 clock-class", "a-21 7>6 clock-class 503", "a-31 6>7 clock-class", "a-41 7>6 clock-class"},
			want:    []string{"ns/clocks on n1: class 6 from Jan  1 00:00:20.000 to Jan  1 00:00:30.000 was told as []"},
		},
		{
			name:    "one too many",
			entries: []string{"a-1 >6 clock-class", "a-12 6>7 clock-class", "a-13 7>248 clock-class", "a-21 248>6 clock-class", "a-31 6>7 clock-class"},
			want:    []string{"ns/clocks on n1: class 7 from Jan  1 00:00:10.000 to Jan  1 00:00:20.000 was told as [7 248]"},
		},
		{
			name:    "it was away",
			entries: []string{"a-1 >6 clock-class", "a-12 6>7 clock-class", "a-41 7>6 clock-class"},
			away:    []Away{{"ns/clocks", "n1", time.Unix(25, 0), time.Unix(36, 0)}},
		},
		{
			name:    "another one was away",
			entries: []string{"a-1 >6 clock-class", "a-12 6>7 clock-class", "a-31 6>7 clock-class", "a-41 7>6 clock-class"},
			away:    []Away{{"ns/clocks", "n2", time.Unix(25, 0), time.Unix(36, 0)}},
			want:    []string{"ns/clocks on n1: class 6 from Jan  1 00:00:20.000 to Jan  1 00:00:30.000 was told as []"},
		},
		{name: "another resource", entries: []string{"a-1 >LOCKED", "a-41 LOCKED>HOLDOVER"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var entries []Entry
			for _, text := range test.entries {
				entries = append(entries, taken(t, text))
			}
			if diff := cmp.Diff(test.want, Missed(entries, "ptp4l.0", pulses, test.away)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
