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
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"
)

// past is what a directory tells of the lives of the journal before this one.
type past struct {
	epoch string
	// sequence is that of the last entry, 0 for none, as far as is known.
	sequence uint64
	cursors  map[string]uint64 // positions
	last     map[string]Entry
	// certain is whether nothing behind sequence can have been read by anybody.
	certain bool
	// sameBoot is whether the last life was on this boot of the machine.
	sameBoot bool
}

// noPast is that of a new journal.
func noPast() past {
	return past{cursors: map[string]uint64{}, last: map[string]Entry{}, certain: true}
}

// read takes in all files. What cannot be read is passed over and said.
func (d *disk) read(key func([]byte) string, log *zap.Logger) (past, error) {
	list, err := listSegments(d.directory)
	if err != nil {
		return noPast(), err
	}
	p := noPast()
	now := time.Now()
	from := 0 // the newest file that says what was before it
	for n, s := range list {
		h, err := d.readHeader(s, now)
		switch {
		case err == nil:
			from, p.epoch = n, h.Epoch
			p.sameBoot = d.boot.same(h.Boot)
			p.certain = p.sameBoot
		case errors.Is(err, errForeign):
			s.foreign = err
			p.epoch, p.certain = "", false
			log.Warn("a file of the journal was written by another version; it is left alone, and what it has is not sent",
				zap.String("file", s.path), zap.Error(err))
		default:
			p.certain = false
			log.Warn("the beginning of a file of the journal cannot be read", zap.String("file", s.path), zap.Error(err))
		}
		p.reach(sequenceBefore(s))
	}
	closed := false
	for _, s := range list[min(from, len(list)):] {
		closed = d.readSegment(&p, s, key, log)
	}
	p.certain = p.certain || closed
	for _, position := range p.cursors { // what was acknowledged was there
		p.reach(p.sequence - p.sequence%leap + position)
	}
	d.setList(list)
	return p, nil
}

// sequenceBefore is the sequence behind which a file was begun.
func sequenceBefore(s *segment) uint64 {
	sequence, _ := sequenceOf(filepath.Base(s.path))
	return sequence - 1
}

func (p *past) reach(sequence uint64) { p.sequence = max(p.sequence, sequence) }

func (d *disk) readHeader(s *segment, now time.Time) (fileHeader, error) {
	file, err := os.Open(s.path)
	if err != nil {
		return fileHeader{}, err
	}
	defer file.Close()
	h, err := readHeader(file, s.size.Load())
	if err == nil {
		s.born = now.Add(-d.boot.age(h, now))
	}
	return h, err
}

// readSegment takes in one file, and reports whether the journal was closed at its end.
func (d *disk) readSegment(p *past, s *segment, key func([]byte) string, log *zap.Logger) (closed bool) {
	if s.foreign != nil {
		return false
	}
	file, err := os.Open(s.path)
	if err != nil {
		return false // said before
	}
	defer file.Close()
	scan := newScanner(file, s.size.Load)
	for {
		f, err := scan.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				log.Warn("a file of the journal cannot be read to its end", zap.String("file", s.path), zap.Error(err))
			}
			break
		}
		closed = f.kind == kindClosed
		p.take(f, key)
	}
	if scan.damaged > 0 {
		log.Warn("a part of a file of the journal cannot be read", zap.String("file", s.path), zap.Int64("bytes", scan.damaged))
	}
	return closed
}

// take takes in one frame.
func (p *past) take(f frame, key func([]byte) string) {
	switch f.kind {
	case kindHeader:
		var h fileHeader
		if unmarshalHeader(f.body, &h) != nil {
			return
		}
		for name, position := range h.Cursors {
			p.acknowledge(name, position)
		}
	case kindEntry, kindLast:
		if e, ok := f.entry(); ok {
			p.reach(e.Sequence)
			p.keep(e, key)
		}
	case kindAck:
		if name, position, ok := f.ack(); ok {
			p.acknowledge(name, position)
		}
	case kindForget:
		delete(p.cursors, string(f.body))
	}
}

func (p *past) acknowledge(name string, position uint64) {
	if position < leap {
		p.cursors[name] = max(p.cursors[name], position)
	}
}

// keep remembers the last entry of its key.
func (p *past) keep(e Entry, key func([]byte) string) {
	if k := key(e.Payload); k != "" {
		p.last[k] = e
	}
}
