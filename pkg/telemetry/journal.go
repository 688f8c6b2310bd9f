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

package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/metric"
)

type journalInstruments struct {
	entries, size, unsynced, writable metric.Int64ObservableUpDownCounter
	sync                              metric.Float64Histogram
}

func newJournalInstruments(b *builder) journalInstruments {
	return journalInstruments{
		entries:  b.sum("ptp.journal.entries", "{event}", "Events that the journal keeps, sent or not"),
		size:     b.sum("ptp.journal.size", "By", "Size of the journal's files"),
		unsynced: b.sum("ptp.journal.unsynced", "{event}", "Events that would be lost if the machine stopped now"),
		writable: b.sum("ptp.journal.writable", "{journal}", "1 while the journal's directory can be written, else 0"),
		sync: b.durations("ptp.journal.sync.duration", "How long it takes to bring the journal to the disk (fdatasync)",
			.0001, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5),
	}
}

// Synced says how long it took to bring the journal to the disk.
func (m *Metrics) Synced(took time.Duration) {
	m.journal.sync.Record(context.Background(), took.Seconds(), m.with())
}

func (m *Metrics) observeJournal(to metric.Observer, j Journal) {
	all := m.with()
	to.ObserveInt64(m.journal.entries, int64(j.Entries), all)
	if !j.OnDisk {
		return
	}
	to.ObserveInt64(m.journal.size, j.Bytes, all)
	to.ObserveInt64(m.journal.unsynced, int64(j.Unsynced), all)
	to.ObserveInt64(m.journal.writable, one(j.Writable), all)
}
