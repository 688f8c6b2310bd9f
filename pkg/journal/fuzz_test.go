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

package journal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// FuzzFile opens a journal with a file of any content: what comes of it is in order, and
// what is written then is there the next time.
func FuzzFile(f *testing.F) {
	directory := f.TempDir()
	j, err := Open(f.Context(), Options{Directory: directory, Limits: DefaultLimits(), Key: func([]byte) string { return "k" }})
	if err != nil {
		f.Fatal(err)
	}
	for _, payload := range []string{"", "one", "two", "\xe7\x9aE\x00\x04\x00\x00\x00"} {
		if _, err := j.Append([]byte(payload)); err != nil {
			f.Fatal(err)
		}
	}
	c := j.Cursor("sink")
	e, err := c.Next(f.Context())
	if err := errors.Join(err, c.Ack(e), j.Close()); err != nil {
		f.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(directory, nameOf(1)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(raw[:len(raw)-1])
	f.Add([]byte(banner))
	f.Add([]byte(bannerPrefix + "2\n"))
	f.Add(appendEntry([]byte(banner), kindEntry, Entry{Epoch: "e", Sequence: 1<<64 - 1}))
	f.Add(appendAck([]byte(banner), "sink", 1<<63))
	f.Fuzz(func(t *testing.T, raw []byte) {
		directory := t.TempDir()
		if err := os.WriteFile(filepath.Join(directory, nameOf(1)), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		var newest Entry
		for range 2 {
			j, err := Open(t.Context(), Options{Directory: directory, Limits: DefaultLimits()})
			if err != nil {
				t.Fatal(err)
			}
			e, err := j.Append([]byte("new"))
			if err != nil {
				t.Fatal(err)
			}
			if e.Sequence <= newest.Sequence {
				t.Fatalf("%s comes after %s", e.ID(), newest.ID())
			}
			c := j.Cursor("reader")
			for last := uint64(0); c.Pending() > 0; {
				if newest, err = c.Next(t.Context()); err != nil {
					t.Fatal(err)
				}
				if newest.position() <= last {
					t.Fatalf("%s comes after position %d", newest.ID(), last)
				}
				last = newest.position()
			}
			if newest.ID() != e.ID() || string(newest.Payload) != "new" {
				t.Fatalf("the last entry is %s, want %s", newest.ID(), e.ID())
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzScanner finds whatever is whole between whatever is not.
func FuzzScanner(f *testing.F) {
	f.Add([]byte("rubbish"), []byte("payload"), []byte{marker1, marker2})
	f.Add(appendFrame(nil, kindClosed, func(to []byte) []byte { return to })[:5], []byte{}, []byte{marker1})
	f.Add([]byte{marker1, marker2, 'E', 0, 0xff, 0xff, 0, 0, 1, 2, 3, 4}, bytes.Repeat([]byte("x"), 2*piece), []byte("rubbish"))
	f.Fuzz(func(t *testing.T, before, payload, after []byte) {
		if len(payload) > maxPayload {
			return
		}
		whole := Entry{Epoch: "epoch", Sequence: 7, Payload: payload}
		raw := append(appendEntry(bytes.Clone(before), kindEntry, whole), after...)
		s := &scanner{file: bytes.NewReader(raw), end: func() int64 { return int64(len(raw)) }}
		found := 0
		for {
			frame, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := frame.entry(); ok && e.ID() == whole.ID() && bytes.Equal(e.Payload, payload) {
				found++
			}
		}
		if found == 0 {
			t.Errorf("%d bytes before it, %d of it and %d behind it: it was not found", len(before), len(payload), len(after))
		}
		if s.at != int64(len(raw)) {
			t.Errorf("the scanner ends at %d of %d", s.at, len(raw))
		}
	})
}
