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

// Package crash kills the receive adapter again and again while its sink fails in every
// way, and compares what has come of it with what was done to the clocks.
package crash

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// book is what is known of all lives of an adapter. What the adapters and the sink tell
// it may come from any goroutine; check comes at the end.
type book struct {
	mu sync.Mutex
	// made has what was done to each resource, in order.
	made map[string][]change
	// records are what the adapters have said that they have recorded.
	records []record
	// attempts are all requests that the sink and the dead letter sink have understood, in
	// order, whatever came of them.
	attempts []attempt
	// deadLetters has the lives that had a dead letter sink, skipped what an adapter has
	// said that neither of the two took.
	deadLetters map[int]bool
	skipped     map[skip]bool

	heard            map[string]record // the last of each resource in the present life
	pending, through map[string]bool   // ids that are recorded and not settled, and that are settled
}

func newBook() *book {
	return &book{
		made: map[string][]change{}, deadLetters: map[int]bool{}, skipped: map[skip]bool{},
		heard: map[string]record{}, pending: map[string]bool{}, through: map[string]bool{},
	}
}

// begin opens the page of the next life.
func (b *book) begin(life int, deadLetters bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.heard)
	b.deadLetters[life] = deadLetters
}

// did notes that something was done to a resource.
func (b *book) did(resource, to string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made[resource] = append(b.made[resource], change{to: to})
}

// changes is how much was done in all.
func (b *book) changes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, made := range b.made {
		n += len(made)
	}
	return n
}

// record notes what the present adapter has recorded.
func (b *book) record(r record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = append(b.records, r)
	b.heard[r.resource] = r
	if !b.through[r.id] {
		b.pending[r.id] = true
	}
}

// recorded is whether the last that the present adapter has recorded of a resource is the
// last that was done to it. That is then the event of it.
func (b *book) recorded(resource string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, made := b.heard[resource], b.made[resource]
	last := &made[len(made)-1]
	if r.to != last.to {
		return false
	}
	last.id = r.id
	return true
}

// is whether the present adapter has recorded a value of a resource as the last.
func (b *book) is(resource, to string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.heard[resource].to == to
}

// adopt takes what was recorded so far as what was done: how a clock came to be what it is
// when the first adapter looks, nobody else knows.
func (b *book) adopt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.records {
		b.made[r.resource] = append(b.made[r.resource], change{r.to, r.id})
	}
}

// lastIsThrough is whether the last event that was recorded is settled.
func (b *book) lastIsThrough() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.through[b.records[len(b.records)-1].id]
}

// skip notes that the present adapter has given up an event.
func (b *book) skip(life int, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.skipped[skip{life, id}] = true
	b.settle(id)
}

// attempt notes a request.
func (b *book) attempt(a attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attempts = append(b.attempts, a)
	if a.Taken() || b.refused(a) {
		b.settle(a.Event.ID())
	}
}

func (b *book) settle(id string) {
	b.through[id] = true
	delete(b.pending, id)
}

// waiting is how many events are recorded and not settled yet.
func (b *book) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pending)
}

// change is one value of a resource, and how it came to be known.
type change struct {
	to string
	// id is the event of an adapter that was seen to record it. Empty: it need not have
	// been told of by itself, because the adapter was killed before anybody has seen that
	// it noticed, or there was none.
	id string
}

// record is a line of an adapter's log: an event that the journal has.
type record struct {
	life                   int
	id, resource, from, to string
}

type skip struct {
	life int
	id   string
}

// attempt is a request with an event.
type attempt struct {
	ledger.Entry
	life int
	// dead is whether it came to the dead letter sink.
	dead bool
	// body is what was in it.
	body string
}

// resource is what the event is about.
func (a attempt) resource() string { return resourceOf(a.Event.Source(), a.Extension("instance")) }

// resourceOf names a resource by the last part of its address, which in a log has the
// instance in it and in an event has not.
func resourceOf(address, instance string) string {
	_, name, _ := strings.Cut(address, "/sync/")
	return strings.TrimSpace(name + " " + instance)
}

// said is all that must be the same whenever the event is sent: the event, but for what
// was added to it on its way to the dead letter sink.
func (a attempt) said() string {
	header := http.Header{}
	for name, values := range a.Header {
		if strings.HasPrefix(name, "Ce-") && !strings.HasPrefix(name, "Ce-Knativeerror") || name == "Content-Type" {
			header[name] = values
		}
	}
	return fmt.Sprintf("%v %s", header, a.body) // in the order of their names
}

// refused is whether the sink has refused an event for good, and that is all there is to
// do: there is no dead letter sink, or it did not take it either.
func (b *book) refused(a attempt) bool {
	return a.Status == http.StatusBadRequest && !a.dead && (!b.deadLetters[a.life] || b.skipped[skip{a.life, a.Event.ID()}])
}

// settled returns the attempts that have ended the adapter's duty.
func (b *book) settled() []attempt {
	var settled []attempt
	for _, a := range b.attempts {
		if b.refused(a) {
			a.Status = http.StatusAccepted
		}
		if a.Taken() {
			settled = append(settled, a)
		}
	}
	return settled
}

// now is what a resource is, told what the sink was told last.
func (b *book) now(resource string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	made := b.made[resource]
	return made[len(made)-1].to
}

func (b *book) told(resource string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	to := ""
	for _, a := range b.settled() {
		if a.resource() == resource {
			to = a.Extension("ptpstate")
		}
	}
	return to
}

// check returns what has become of all events, with a line for everything that may not be.
// An epoch may end only where the disk fails.
func (b *book) check(rules ledger.Rules, diskFails bool) ledger.Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	settled := b.settled()
	entries := make([]ledger.Entry, len(settled))
	for n, a := range settled {
		entries[n] = a.Entry
	}
	report := ledger.Check(entries, rules)
	report.Refused = len(b.attempts) - len(settled)
	report.Wrong = append(report.Wrong, b.changed()...)
	if epochs := b.epochs(); len(epochs) > 1 && !diskFails {
		report.Wrong = append(report.Wrong, fmt.Sprintf("there are %d epochs: %v", len(epochs), epochs))
	}
	report.Wrong = append(report.Wrong, b.reordered()...)
	report.Wrong = append(report.Wrong, b.retold(settled)...)
	return report
}

// changed looks for events that did not stay what they were.
func (b *book) changed() []string {
	var wrong []string
	said := map[string]string{}
	for _, a := range b.attempts {
		id := a.Event.ID()
		if before, ok := said[id]; ok && before != a.said() {
			wrong = append(wrong, fmt.Sprintf("%s was %s and is %s", id, before, a.said()))
		}
		said[id] = a.said()
	}
	return wrong
}

func (b *book) epochs() []string {
	epochs := map[string]bool{}
	for _, a := range b.attempts {
		epoch, _, _ := strings.Cut(a.Event.ID(), "-")
		epochs[epoch] = true
	}
	return slices.Sorted(maps.Keys(epochs))
}

// reordered looks for attempts that come after one with a later event. Only an adapter that
// was just started may go back, by what its forerunner could not note any more.
func (b *book) reordered() []string {
	var wrong []string
	last := map[int]string{}
	for _, a := range b.attempts {
		sequence := a.Extension("sequence")
		if sequence < last[a.life] {
			wrong = append(wrong, fmt.Sprintf("life %d tries %s, number %s, after %s", a.life, a.Event.ID(), sequence, last[a.life]))
		}
		last[a.life] = max(last[a.life], sequence)
	}
	return wrong
}

// retold compares what was told with what was recorded, and with what was done.
func (b *book) retold(settled []attempt) []string {
	var wrong []string
	told := map[string][]attempt{} // by resource, once each
	by := map[string]attempt{}     // id
	var lost []attempt
	for _, a := range settled {
		if _, again := by[a.Event.ID()]; again {
			continue
		}
		by[a.Event.ID()] = a
		if a.Event.Type() == oran.EventsLostNotice {
			lost = append(lost, a)
			continue
		}
		told[a.resource()] = append(told[a.resource()], a)
	}
	isLost := func(id string) bool {
		return slices.ContainsFunc(lost, func(a attempt) bool { return announces(a, id) })
	}
	for _, r := range b.records {
		a, ok := by[r.id]
		switch {
		case !ok && !isLost(r.id):
			wrong = append(wrong, fmt.Sprintf("%s, which is %s %s>%s, was recorded in life %d and lost", r.id, r.resource, r.from, r.to, r.life))
		case ok && (a.resource() != r.resource || a.Extension("previousstate") != r.from || a.Extension("ptpstate") != r.to):
			wrong = append(wrong, fmt.Sprintf("%s was recorded as %s %s>%s and told as %s", r.id, r.resource, r.from, r.to, a.said()))
		}
	}
	for _, a := range lost {
		for id, other := range by {
			// Only what was taken just before a kill can be taken for lost.
			if announces(a, id) && other.life >= a.life {
				wrong = append(wrong, fmt.Sprintf("%s says that %s is lost, which it is not", a.Event.ID(), id))
			}
		}
	}
	for _, resource := range slices.Sorted(maps.Keys(b.made)) {
		wrong = append(wrong, follow(resource, b.made[resource], told[resource], isLost)...)
	}
	return wrong
}

// announces is whether an announcement says that an event is lost.
func announces(a attempt, id string) bool {
	var last, n, sequence int
	epoch, text, _ := strings.Cut(a.Event.ID(), "-")
	_, _ = fmt.Sscanf(text, "%d-lost", &last)
	_, _ = fmt.Sscanf(a.Extension("ptpstate"), "%d", &n)
	of, number, _ := strings.Cut(id, "-")
	_, err := fmt.Sscanf(number, "%d", &sequence)
	return err == nil && epoch == of && last-n < sequence && sequence <= last && !strings.HasSuffix(id, "-lost")
}

// follow compares what was told of a resource with what was done to it: each event must
// tell of a change that comes after the one of the event before. What is in between nobody
// has seen, and the event says so where it does not come from the last of that; or it was
// announced to be lost.
func follow(resource string, made []change, told []attempt, lost func(id string) bool) []string {
	var wrong []string
	last := -1
	value := ""
	for _, a := range told {
		from, to := a.Extension("previousstate"), a.Extension("ptpstate")
		at := next(made, last+1, a, lost)
		if at < 0 {
			return append(wrong, fmt.Sprintf("%s tells of %s %s>%s (missed: %q), but what was done next is %v", a.Event.ID(), resource, from, to, a.Extension("ptpmissed"), made[last+1:min(last+6, len(made))]))
		}
		last, value = at, to
	}
	for _, c := range made[last+1:] {
		switch {
		case c.id == "":
		case lost(c.id):
			value = c.to // an announcement stands for it
		default:
			wrong = append(wrong, fmt.Sprintf("%s of %s to %s was never told", c.id, resource, c.to))
		}
	}
	if is := made[len(made)-1]; is.to != value {
		wrong = append(wrong, fmt.Sprintf("%s is %s, and the last that was told is %s", resource, is.to, value))
	}
	return wrong
}

// next returns which of the changes from one on an event tells of; -1 for none. It is the one
// whose event it is, or else the first that nobody has seen: what is behind one that was seen
// to be recorded comes later.
func next(made []change, from int, a attempt, lost func(id string) bool) int {
	at := -1
	for n := from; n < len(made); n++ {
		before := ""
		if n > 0 {
			before = made[n-1].to
		}
		tells := made[n].to == a.Extension("ptpstate") && (before == a.Extension("previousstate") || a.Extension("ptpmissed") == "true")
		if tells && made[n].id == a.Event.ID() {
			return n
		}
		if tells && made[n].id == "" && at < 0 {
			at = n
		}
		if made[n].id != "" && !lost(made[n].id) {
			break
		}
	}
	return at
}
