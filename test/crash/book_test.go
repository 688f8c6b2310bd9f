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

package crash

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// tried is a request in life 1 with the event "a-1 6>7". Words behind it say more: missed,
// dead (at the dead letter sink), a number (the answer), life:2, body:x.
func tried(t *testing.T, text string) attempt {
	t.Helper()
	words := strings.Fields(text)
	previous, state, _ := strings.Cut(words[1], ">")
	_, number, _ := strings.Cut(strings.TrimSuffix(words[0], "-lost"), "-")
	sequence, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	e := cloudevents.NewEvent()
	e.SetID(words[0])
	e.SetType("change")
	e.SetSource("/cluster/node/n1/sync/class")
	e.SetSubject("ptp4l.0")
	e.SetTime(time.Unix(int64(sequence), 0))
	e.SetExtension("sequence", fmt.Sprintf("%020d", sequence))
	e.SetExtension("node", "n1")
	e.SetExtension("ptpstate", state)
	if previous != "" {
		e.SetExtension("previousstate", previous)
		e.SetExtension("instance", "ptp4l.0")
	} else {
		e.SetType(oran.EventsLostNotice)
		e.SetSource("/cluster/node/n1/sync/eventing-ptp/events-lost")
	}
	a := attempt{Entry: ledger.Entry{Inbox: "/", Status: http.StatusAccepted, Event: e}, life: 1, body: words[1]}
	for _, word := range words[2:] {
		key, value, _ := strings.Cut(word, ":")
		switch number, err := strconv.Atoi(word); {
		case err == nil:
			a.Status = number
		case word == "missed":
			a.Event.SetExtension("ptpmissed", "true")
		case word == "dead":
			a.dead = true
		case key == "body":
			a.body = value
		case key == "life":
			a.life, _ = strconv.Atoi(value)
		default:
			t.Fatalf("%q means nothing", word)
		}
	}
	return a
}

func TestCheck(t *testing.T) {
	const resource = "class ptp4l.0"
	for _, test := range []struct {
		name string
		// done are the values that the resource has had, with the event of those that were
		// seen to be recorded: "7 8:a-2".
		done     string
		tried    []string
		skipped  string // an event that an adapter in life 2, which has a dead letter sink, says to have given up
		losses   bool
		wrong    []string
		lost     int
		unwanted int // attempts that have settled nothing
	}{
		{
			name: "all is well", done: "6:a-1 7:a-2 8:a-3",
			tried: []string{"a-1 5>6", "a-2 6>7", "a-3 7>8"},
		},
		{
			name: "tried until it is taken, and once more by the next adapter", done: "6:a-1 7:a-2 8:a-3",
			tried:    []string{"a-1 5>6 503", "a-1 5>6 500", "a-1 5>6", "a-2 6>7 0", "a-1 5>6 life:2", "a-2 6>7 life:2", "a-3 7>8 life:2"},
			unwanted: 3,
		},
		{
			name: "what nobody has seen need not be told of", done: "6:a-1 7 8 9:a-3",
			tried: []string{"a-1 5>6", "a-2 6>8 missed", "a-3 8>9"},
		},
		{
			name: "what has come back need not be told of either", done: "6:a-1 7 6 9:a-2",
			tried: []string{"a-1 5>6", "a-2 6>9"},
		},
		{
			name: "what has come back unseen, and then in sight of everybody", done: "6:a-1 7 6 7:a-2 6:a-3",
			tried: []string{"a-1 5>6", "a-2 6>7", "a-3 7>6"},
		},
		{
			name: "what was recorded and not seen to be is told of", done: "6:a-1 7 8:a-3",
			tried: []string{"a-1 5>6", "a-2 6>7", "a-3 7>8"},
		},
		{
			name: "refused where there is no dead letter sink", done: "6:a-1 7:a-2 8:a-3",
			tried: []string{"a-1 5>6", "a-2 6>7 400", "a-3 7>8"},
		},
		{
			name: "refused, and taken by the dead letter sink", done: "6:a-1 7:a-2 8:a-3",
			tried:    []string{"a-1 5>6", "a-2 6>7 400 life:2", "a-2 6>7 dead life:2", "a-3 7>8 life:2"},
			unwanted: 1,
		},
		{
			name: "refused by both", done: "6:a-1 7:a-2 8:a-3", skipped: "a-2",
			tried:    []string{"a-1 5>6", "a-2 6>7 400 life:2", "a-2 6>7 400 dead life:2", "a-3 7>8 life:2"},
			unwanted: 1,
		},
		{
			name: "refused, and not even offered to the dead letter sink", done: "6:a-1 7:a-2 8:a-3",
			tried:    []string{"a-1 5>6", "a-2 6>7 400 life:2", "a-3 7>8 life:2"},
			unwanted: 1,
			wrong: []string{
				" on n1: a-3: 2 to 2 are missing before it, after 1970-01-01T00:00:01Z and before 1970-01-01T00:00:03Z",
				" on n1: a-3: /cluster/node/n1/sync/class ptp4l.0 was 6 and not 7 before it is 8: a change is missing",
				"a-2, which is class ptp4l.0 6>7, was recorded in life 1 and lost",
				"a-3 tells of class ptp4l.0 7>8 (missed: \"\"), but what was done next is [{7 a-2} {8 a-3}]",
			},
		},
		{
			name: "the last one is lost", done: "6:a-1 7:a-2",
			tried: []string{"a-1 5>6"},
			wrong: []string{
				"a-2, which is class ptp4l.0 6>7, was recorded in life 1 and lost",
				"a-2 of class ptp4l.0 to 7 was never told",
				"class ptp4l.0 is 7, and the last that was told is 6",
			},
		},
		{
			name: "the last one that nobody has seen is not noticed", done: "6:a-1 7",
			tried: []string{"a-1 5>6"},
			wrong: []string{"class ptp4l.0 is 7, and the last that was told is 6"},
		},
		{
			name: "told under another id", done: "6:a-1 7:a-2",
			tried: []string{"a-1 5>6", "a-2 6>7", "a-3 6>7"},
			wrong: []string{
				" on n1: a-3: /cluster/node/n1/sync/class ptp4l.0 was 7 and not 6 before it is 7: a change is missing",
				"a-3 tells of class ptp4l.0 6>7 (missed: \"\"), but what was done next is []",
			},
		},
		{
			name: "another epoch", done: "6:a-1 7:b-1",
			tried: []string{"a-1 5>6", "b-1 6>7"},
			wrong: []string{"there are 2 epochs: [a b]"},
		},
		{
			name: "not what it was", done: "6:a-1",
			tried:    []string{"a-1 5>6 503 body:x", "a-1 5>6 body:y"},
			unwanted: 1,
			wrong:    []string{"a-1 was map[] x and is map[] y"},
		},
		{
			name: "an adapter goes back", done: "6:a-1 7:a-2",
			tried: []string{"a-1 5>6", "a-2 6>7", "a-1 5>6"},
			wrong: []string{"life 1 tries a-1, number 00000000000000000001, after 00000000000000000002"},
		},
		{
			name: "what was not seen is not marked", done: "6:a-1 7 8:a-2",
			tried: []string{"a-1 5>6", "a-2 6>8"},
			wrong: []string{
				"a-2 tells of class ptp4l.0 6>8 (missed: \"\"), but what was done next is [{7 } {8 a-2}]",
			},
		},
		{
			name: "lost as announced", done: "6:a-1 7:a-2 8:a-3 9:a-4", losses: true,
			tried: []string{"a-1 5>6", "a-3-lost >2 life:2", "a-4 8>9 life:2"},
			lost:  2,
		},
		{
			name: "lost, and fewer announced", done: "6:a-1 7:a-2 8:a-3 9:a-4", losses: true,
			tried: []string{"a-1 5>6", "a-3-lost >1 life:2", "a-4 8>9 life:2"},
			wrong: []string{
				" on n1: a-4: 2 to 3 are missing before it, after 1970-01-01T00:00:01Z and before 1970-01-01T00:00:04Z",
				" on n1: a-4: /cluster/node/n1/sync/class ptp4l.0 was 6 and not 8 before it is 9: a change is missing",
				"a-2, which is class ptp4l.0 6>7, was recorded in life 1 and lost",
				"a-4 tells of class ptp4l.0 8>9 (missed: \"\"), but what was done next is [{7 a-2} {8 a-3} {9 a-4}]",
			},
		},
		{
			name: "announced, and not lost", done: "6:a-1 7:a-2 8:a-3", losses: true,
			tried: []string{"a-1 5>6", "a-2 6>7", "a-2-lost >1", "a-3 7>8"},
			wrong: []string{"a-2-lost says that a-2 is lost, which it is not"},
		},
		{
			name: "announced after what is behind it", done: "6:a-1 7:a-2 8:a-3", losses: true,
			tried: []string{"a-1 5>6", "a-3 7>8", "a-2-lost >1 life:2"},
			wrong: []string{
				" on n1: a-2-lost: it came after 3",
				" on n1: a-3: 2 to 2 are missing before it, after 1970-01-01T00:00:01Z and before 1970-01-01T00:00:03Z",
				" on n1: a-3: /cluster/node/n1/sync/class ptp4l.0 was 6 and not 7 before it is 8: a change is missing",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBook()
			b.begin(2, true)
			before := "5"
			b.did(resource, before)
			for text := range strings.FieldsSeq(test.done) {
				to, id, recorded := strings.Cut(text, ":")
				b.did(resource, to)
				if recorded {
					from := before
					for _, text := range test.tried { // as the adapter says it
						if words := strings.Fields(text); words[0] == id {
							from, _, _ = strings.Cut(words[1], ">")
						}
					}
					b.record(record{1, id, resource, from, to})
					if !b.recorded(resource) {
						t.Fatalf("%s is not recorded", text)
					}
				}
				before = to
			}
			for _, text := range test.tried {
				b.attempt(tried(t, text))
			}
			if test.skipped != "" {
				b.skip(2, test.skipped)
			}
			report := b.check(ledger.Rules{Losses: test.losses}, false)
			if diff := cmp.Diff(test.wrong, report.Wrong); diff != "" {
				t.Errorf("what is wrong (-want +got):\n%s", diff)
			}
			if report.Lost != test.lost || report.Refused != test.unwanted {
				t.Errorf("%d lost and %d in vain, want %d and %d", report.Lost, report.Refused, test.lost, test.unwanted)
			}
			if got, want := b.waiting() == 0, !strings.Contains(strings.Join(report.Wrong, " "), "was recorded in life") && test.lost == 0; got != want && len(test.wrong) == 0 {
				t.Errorf("that nothing waits is %v, want %v", got, want)
			}
		})
	}
}
