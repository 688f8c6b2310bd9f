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

// Package feed reads the events of many adapters as one: what was, merged by time, and then
// what comes, without a repeat or a loss when a connection breaks or an adapter is replaced.
package feed

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
)

// Event is one event, as an adapter has told it.
type Event struct {
	// ID is the adapter's, <epoch>-<sequence>; Time is when the change was observed.
	ID   string
	Time time.Time
	// Body is a structured CloudEvent in JSON.
	Body []byte
	// From is who has told it.
	From cluster.Adapter
}

// newEvent reads what every event must have.
func newEvent(id string, body []byte, from cluster.Adapter) (Event, error) {
	var head struct {
		Time time.Time `json:"time"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return Event{}, fmt.Errorf("read event %s: %w", id, err)
	}
	return Event{ID: id, Time: head.Time, Body: body, From: from}, nil
}

// position is where an event stands in a journal.
type position struct {
	epoch    string
	sequence uint64
}

// positionOf reads an id. That of a notice of lost events, which ends in -lost, is where the
// last of them stood.
func positionOf(id string) (position, bool) {
	epoch, rest, ok := strings.Cut(strings.TrimSuffix(id, "-lost"), "-")
	sequence, err := strconv.ParseUint(rest, 10, 64)
	return position{epoch, sequence}, ok && err == nil
}

// reaches is whether who has read up to p has read other, too.
func (p position) reaches(other position) bool {
	return p.epoch == other.epoch && other.sequence <= p.sequence
}

// frame is one server-sent event; without data it only says how far the stream is.
type frame struct {
	id   string
	data []byte
}

// maxLine is how long a line of a stream may be: many times an event.
const maxLine = 1 << 20

// readFrames reads server-sent events (WHATWG HTML, 9.2.6) until the stream ends. Every line
// is told to alive, also one that means nothing.
func readFrames(stream io.Reader, alive func(), each func(frame) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	var f frame
	var some bool
	for lines.Scan() {
		alive()
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			f.id, some = string(value), true
		case "data":
			if f.data != nil {
				f.data = append(f.data, '\n')
			}
			f.data, some = append(f.data, value...), true
		case "":
			if len(lines.Bytes()) == 0 && some { // an empty line ends a frame, and one with a colon is a comment
				if err := each(f); err != nil {
					return err
				}
				f, some = frame{}, false
			}
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return fmt.Errorf("a line of the stream has more than %d bytes", maxLine)
		}
		return err
	}
	if some { // the stream was cut off: its last event is not whole
		return io.ErrUnexpectedEOF
	}
	return nil
}
