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

package adapter

import (
	"context"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// announcer is a cursor that puts an event of its own where entries were lost, before the
// entry behind them.
type announcer struct {
	journal.Cursor
	encoder oran.Encoder
	// silent is whether such events are not asked for.
	silent bool

	behind *journal.Entry // an announcement, to be returned next
}

// Next implements journal.Cursor. The announcement takes the sequence of the last entry
// that was lost. Its id is that of nothing else, and all of it is the same when it
// comes again: its time is that of the event behind the gap.
func (a *announcer) Next(ctx context.Context) (journal.Entry, error) {
	if e := a.behind; e != nil {
		a.behind = nil
		return *e, nil
	}
	e, err := a.Cursor.Next(ctx)
	if err != nil || e.Lost == 0 || a.silent {
		return e, err
	}
	a.behind = &e
	at := time.Now()
	if event, err := oran.Unmarshal(e.Payload); err == nil {
		at = event.Time
	}
	return journal.Entry{
		Epoch:    e.Epoch,
		Sequence: e.Sequence - 1,
		Payload:  a.encoder.Lost(e.Lost, at).Marshal(),
		Mark:     "lost",
	}, nil
}

// Ack implements journal.Cursor. An announcement is done with the entry behind it.
func (a *announcer) Ack(e journal.Entry) error {
	if e.Mark != "" {
		return nil
	}
	return a.Cursor.Ack(e)
}
