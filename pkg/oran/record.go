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

package oran

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// recordVersion is the first byte of a recorded event. It is raised when older code can
// no longer read what is recorded.
//
// After it comes the time, as seconds since 1970 (int64) and nanoseconds (uint32), both
// big endian, and then the texts of fields, each behind its length as an unsigned varint.
// More texts may follow in later programs: one that does not know them passes over them,
// and one that knows more than there are leaves the others empty.
const recordVersion = 1

// recordTexts is where the first text begins.
const recordTexts = 1 + 8 + 4

// texts are what is recorded of an event besides its time, in this order for ever.
func (e *Event) texts() [12]*string {
	return [...]*string{
		&e.Type, &e.Source, &e.Address.Cluster, &e.Address.Node, &e.Address.Instance, &e.Address.Resource,
		&e.Subject, &e.State, &e.Previous, &e.Reason, &e.Data,
		&e.Missed,
	}
}

// textsAtFirst is how many of them the first program has recorded.
const textsAtFirst = 11

// Marshal returns the event as it is recorded.
func (e Event) Marshal() []byte {
	raw := make([]byte, 0, 1024) // more than most take
	raw = append(raw, recordVersion)
	raw = binary.BigEndian.AppendUint64(raw, uint64(e.Time.Unix()))
	raw = binary.BigEndian.AppendUint32(raw, uint32(e.Time.Nanosecond()))
	texts := e.texts()
	known := len(texts)
	for known > textsAtFirst && *texts[known-1] == "" {
		known--
	}
	for _, text := range texts[:known] {
		raw = binary.AppendUvarint(raw, uint64(len(*text)))
		raw = append(raw, *text...)
	}
	return raw
}

// Unmarshal reads a recorded event, and keeps nothing of raw. It fails for one that newer
// code has recorded in a way that this code does not know.
func Unmarshal(raw []byte) (Event, error) {
	if len(raw) > 0 && raw[0] != recordVersion {
		return Event{}, fmt.Errorf("unmarshal event: it was recorded in version %d, this program reads version %d", raw[0], recordVersion)
	}
	if len(raw) < recordTexts {
		return Event{}, errCutShort
	}
	nanoseconds := binary.BigEndian.Uint32(raw[9:])
	if nanoseconds >= uint32(time.Second) {
		return Event{}, fmt.Errorf("unmarshal event: its time has %d ns in a second", nanoseconds)
	}
	e := Event{Time: time.Unix(int64(binary.BigEndian.Uint64(raw[1:])), int64(nanoseconds)).UTC()}
	texts, all := e.texts(), string(raw) // one copy for all texts
	for n, next := 0, recordTexts; n < textsAtFirst || next < len(raw); n++ {
		length, width := binary.Uvarint(raw[next:])
		begin := next + width
		if width <= 0 || length > uint64(len(raw)-begin) {
			return Event{}, errCutShort
		}
		next = begin + int(length)
		if n < len(texts) {
			*texts[n] = all[begin:next]
		}
	}
	return e, nil
}

var errCutShort = errors.New("unmarshal event: it is cut short")

// Key tells what a recorded event is about: the bytes of its address, which are the same
// for all values of one property of one clock. It is empty for what only repeats a value, for
// a test event, which has the address of something whose value it does not tell, and for what
// is no event.
func Key(raw []byte) string {
	if len(raw) < recordTexts || raw[0] != recordVersion {
		return ""
	}
	const address, state = 2, 7 // the first texts of these (Event.texts)
	var begins, ends [state + 2]int
	next := recordTexts
	for n := range ends {
		length, width := binary.Uvarint(raw[next:])
		if width <= 0 || length > uint64(len(raw)-next-width) {
			return ""
		}
		begins[n] = next + width
		ends[n] = begins[n] + int(length)
		next = ends[n]
	}
	if bytes.Equal(raw[begins[state]:ends[state]], raw[begins[state+1]:ends[state+1]]) || string(raw[begins[0]:ends[0]]) == Test {
		return ""
	}
	return string(raw[ends[address-1]:ends[address+3]]) // with the lengths, which part them
}
