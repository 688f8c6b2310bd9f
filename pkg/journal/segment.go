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
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// segment is one file of the journal. It is written by one process, and never again.
type segment struct {
	path string
	// first is the position from which on it has entries.
	first uint64
	// size is how many bytes of whole frames it has.
	size atomic.Int64
	// born is when it was begun, as well as is known.
	born time.Time
	// foreign is why it cannot be read by this program; nil when it can.
	foreign error
}

const suffix = ".journal"

// nameOf is the name of a file whose first entry has a sequence.
func nameOf(sequence uint64) string { return fmt.Sprintf("%020d%s", sequence, suffix) }

// sequenceOf reads what nameOf has written.
func sequenceOf(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	sequence, err := strconv.ParseUint(digits, 10, 64)
	return sequence, ok && err == nil && nameOf(sequence) == name && 0 < sequence%leap && sequence < maxSequence
}

// fileHeader is what a file says of itself and of what was before it, so that no older
// file is needed to go on.
type fileHeader struct {
	Epoch string `json:"epoch"`
	// First is the sequence of the first entry.
	First uint64 `json:"first"`
	// Boot is the machine's boot (proc(5), /proc/sys/kernel/random/boot_id), Uptime the
	// time since it (clock_gettime(2), CLOCK_BOOTTIME), and Time the wall clock, when the
	// file was begun.
	Boot   string        `json:"boot"`
	Uptime time.Duration `json:"uptime"`
	Time   time.Time     `json:"time"`
	// Cursors are the positions that were acknowledged.
	Cursors map[string]uint64 `json:"cursors"`
}

// start returns the beginning of a file: banner, header, and the last entry of each key.
func (h fileHeader) start(last map[string]Entry) []byte {
	text, _ := json.Marshal(h) // it has nothing that could fail
	raw := appendFrame([]byte(banner), kindHeader, func(to []byte) []byte {
		return append(append(to, text...), '\n') // so that `head -2` shows it and no more
	})
	entries := slices.SortedFunc(maps.Values(last), func(a, b Entry) int { return int(a.position()) - int(b.position()) })
	for _, e := range entries {
		raw = appendEntry(raw, kindLast, e)
	}
	return raw
}

// unmarshalHeader reads what start has written.
func unmarshalHeader(body []byte, h *fileHeader) error { return json.Unmarshal(body, h) }

// newScanner reads the frames of an open file.
func newScanner(f *os.File, end func() int64) *scanner {
	return &scanner{file: f, end: end, at: int64(len(banner))}
}

// errForeign is why a file is left alone.
var errForeign = errors.New("it is not a file of this version of the journal")

// readHeader reads what a file says of itself. It fails with errForeign for a file of
// another version.
func readHeader(f *os.File, size int64) (fileHeader, error) {
	var h fileHeader
	line := make([]byte, len(banner))
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, size), line); err != nil && size >= int64(len(banner)) {
		return h, err
	}
	if string(line) != banner {
		if v, ok := strings.CutPrefix(string(line), bannerPrefix); ok {
			return h, fmt.Errorf("%w but of version %s", errForeign, strings.TrimSpace(v))
		}
		return h, errForeign
	}
	first, err := newScanner(f, func() int64 { return size }).next()
	if err != nil || first.kind != kindHeader || unmarshalHeader(first.body, &h) != nil {
		return h, errDamaged
	}
	return h, nil
}

// listSegments returns the files of a directory in the order of their entries.
func listSegments(directory string) ([]*segment, error) {
	files, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	var segments []*segment
	for _, f := range files { // sorted by name, which is by sequence
		sequence, ok := sequenceOf(f.Name())
		if !ok {
			continue
		}
		s := &segment{path: filepath.Join(directory, f.Name()), first: Entry{Sequence: sequence}.position()}
		if info, err := f.Info(); err == nil {
			s.size.Store(info.Size())
			s.born = info.ModTime()
		}
		segments = append(segments, s)
	}
	return segments, nil
}
