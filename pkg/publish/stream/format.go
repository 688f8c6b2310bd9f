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

package stream

import (
	"fmt"
	"slices"
)

// formatter puts events into the words of a media type.
type formatter interface {
	begin() []byte
	event(*item) []byte
	// bookmark says that the client has all it wants up to an id, and keepAlive only that the
	// stream is alive. A format that has no word for them returns nothing.
	bookmark(id string) []byte
	keepAlive() []byte
	end() []byte
}

func newFormatter(f format) formatter {
	switch f {
	case serverSent:
		return serverSentEvents{}
	case batch:
		return &jsonBatch{}
	}
	return lines{}
}

// serverSentEvents is text/event-stream (WHATWG HTML, 9.2). An id without data is remembered
// by the client and shown to nobody: a bookmark.
type serverSentEvents struct{}

func (serverSentEvents) begin() []byte { return []byte("retry: 1000\n\n") }

func (serverSentEvents) event(i *item) []byte {
	text := make([]byte, 0, len(i.id)+len(i.kind)+len(i.body)+len("id: \nevent: \ndata: \n\n"))
	text = append(append(text, "id: "...), i.id...)
	text = append(append(text, "\nevent: "...), i.kind...)
	text = append(append(text, "\ndata: "...), i.body...)
	return append(text, "\n\n"...)
}

func (serverSentEvents) bookmark(id string) []byte { return fmt.Appendf(nil, "id: %s\n\n", id) }
func (serverSentEvents) keepAlive() []byte         { return []byte(":\n\n") }
func (serverSentEvents) end() []byte               { return nil }

// lines is NDJSON: one structured CloudEvent in each line. An empty line keeps the stream
// alive, and means nothing.
type lines struct{}

func (lines) begin() []byte          { return nil }
func (lines) event(i *item) []byte   { return append(slices.Clip(i.body), '\n') }
func (lines) bookmark(string) []byte { return []byte("\n") }
func (lines) keepAlive() []byte      { return []byte("\n") }
func (lines) end() []byte            { return nil }

// jsonBatch is a JSON array of structured CloudEvents (CloudEvents JSON format, 4).
type jsonBatch struct{ some bool }

func (b *jsonBatch) begin() []byte { return []byte("[") }

func (b *jsonBatch) event(i *item) []byte {
	separator := "\n"
	if b.some {
		separator = ",\n"
	}
	b.some = true
	return append([]byte(separator), i.body...)
}
func (*jsonBatch) bookmark(string) []byte { return nil }
func (*jsonBatch) keepAlive() []byte      { return nil }
func (*jsonBatch) end() []byte            { return []byte("\n]\n") }
