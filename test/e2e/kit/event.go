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

package kit

import (
	"fmt"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// The types of events.
const (
	LockState  = "event.sync.ptp-status.ptp-state-change"
	ClockClass = "event.sync.ptp-status.ptp-clock-class-change"
	SyncState  = "event.sync.sync-status.synchronization-state-change"
)

// Event says which events are meant; what is empty is not asked for.
type Event struct {
	Inbox    string
	Source   string // name of the PtpSource
	Node     string
	Instance string // such as ptp4l.0
	Type     string
	State    string
	Reason   string
}

func (w Event) matches(e ledger.Entry) bool {
	_, source, _ := strings.Cut(e.Extension(ledger.StreamExtension), "/")
	for _, pair := range [][2]string{
		{w.Inbox, e.Inbox},
		{w.Source, source},
		{w.Node, e.Extension("node")},
		{w.Instance, e.Extension("instance")},
		{w.Type, e.Event.Type()},
		{w.State, e.Extension("ptpstate")},
		{w.Reason, e.Extension("ptpreason")},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	return true
}

// String says what is asked for.
func (w Event) String() string {
	var words []string
	for _, pair := range [][2]string{
		{"inbox", w.Inbox},
		{"source", w.Source},
		{"node", w.Node},
		{"instance", w.Instance},
		{"type", w.Type},
		{"state", w.State},
		{"reason", w.Reason},
	} {
		if pair[1] != "" {
			words = append(words, pair[0]+" "+pair[1])
		}
	}
	return "an event with " + strings.Join(words, ", ")
}

// Matching returns the entries that were taken and are as wanted.
func Matching(entries []ledger.Entry, want Event) []ledger.Entry {
	var found []ledger.Entry
	for _, e := range entries {
		if e.Taken() && want.matches(e) {
			found = append(found, e)
		}
	}
	return found
}

// Describe says in one line what an event says.
func Describe(e ledger.Entry) string {
	return fmt.Sprintf("%s %s %s of %s on %s: %q to %q (%s), observed %s, arrived %s", e.Event.ID(), e.Event.Type(), e.Event.Subject(),
		e.Extension(ledger.StreamExtension), e.Extension("node"), e.Extension("previousstate"), e.Extension("ptpstate"), e.Extension("ptpreason"),
		e.Event.Time().Format(time.StampMicro), e.Arrived.UTC().Format(time.StampMicro))
}

// replace replaces pairs in a text.
func replace(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }
