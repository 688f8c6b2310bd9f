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
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
)

// A file of the journal begins with a line that says what it is, and goes on with frames.
// A frame is
//
//	2 bytes  marker
//	1 byte   kind
//	1 byte   0
//	4 bytes  length of the body, little endian
//	4 bytes  CRC-32C of kind to length, and of the body
//	         body
//
// What is not a whole frame is passed over: a reader goes on at the next place where one
// begins. So a bit that has flipped costs one entry, and a write that was cut short none.
const (
	banner       = "eventing-ptp journal 1\n"
	bannerPrefix = "eventing-ptp journal "

	marker1, marker2 = 0xe7, 0x9a
	frameHeader      = 12

	// maxPayload is far more than an event has. A length that is larger is damaged.
	maxPayload = 1 << 20
	maxBody    = maxPayload + 512
)

// kind says what the body of a frame is.
type kind byte

const (
	// header comes first in every file: a JSON text (type fileHeader).
	kindHeader kind = 'H'
	// entry is an entry (see appendEntry).
	kindEntry kind = 'E'
	// last is the last entry of its key, written before, and said again in every file.
	kindLast kind = 'L'
	// ack is how far a cursor has come: position (8 bytes) and name.
	kindAck kind = 'A'
	// forget is that a cursor is no more: its name. Programs that do not know it pass over it.
	kindForget kind = 'F'
	// closed is the last in a file of a journal that was closed.
	kindClosed kind = 'C'
)

type frame struct {
	kind kind
	body []byte
}

// castagnoli returns the table of CRC-32C, which the package makes once.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// appendFrame appends a frame with a body that fill appends.
func appendFrame(to []byte, k kind, fill func([]byte) []byte) []byte {
	begin := len(to)
	to = append(to, marker1, marker2, byte(k), 0, 0, 0, 0, 0, 0, 0, 0, 0)
	to = fill(to)
	raw := to[begin:]
	binary.LittleEndian.PutUint32(raw[4:], uint32(len(raw)-frameHeader))
	binary.LittleEndian.PutUint32(raw[8:], checksum(raw))
	return to
}

// checksum is over all of a frame but its marker and the checksum itself.
func checksum(raw []byte) uint32 {
	return crc32.Update(crc32.Checksum(raw[2:8], castagnoli()), castagnoli(), raw[frameHeader:])
}

// appendEntry appends the frame of an entry: sequence (8 bytes), length of the epoch
// (1 byte), epoch, payload.
func appendEntry(to []byte, k kind, e Entry) []byte {
	return appendFrame(to, k, func(to []byte) []byte {
		to = binary.LittleEndian.AppendUint64(to, e.Sequence)
		to = append(to, byte(len(e.Epoch)))
		to = append(to, e.Epoch...)
		return append(to, e.Payload...)
	})
}

func appendAck(to []byte, name string, position uint64) []byte {
	return appendFrame(to, kindAck, func(to []byte) []byte {
		to = binary.LittleEndian.AppendUint64(to, position)
		return append(to, name...)
	})
}

// entry reads the body of an entry, and keeps it.
func (f frame) entry() (Entry, bool) {
	if len(f.body) < 9 || len(f.body) < 9+int(f.body[8]) {
		return Entry{}, false
	}
	epoch, payload := f.body[9:9+int(f.body[8])], f.body[9+int(f.body[8]):]
	e := Entry{Epoch: string(epoch), Sequence: binary.LittleEndian.Uint64(f.body), Payload: slices.Clip(payload)}
	return e, e.position() > 0 && e.Sequence < maxSequence
}

func (f frame) ack() (name string, position uint64, ok bool) {
	if len(f.body) < 8 {
		return "", 0, false
	}
	return string(f.body[8:]), binary.LittleEndian.Uint64(f.body), true
}

var (
	errShort   = errors.New("a frame begins here and does not end")
	errDamaged = errors.New("no frame begins here")
)

// parse reads the frame at the beginning of raw, and returns its length too.
func parse(raw []byte) (frame, int, error) {
	if len(raw) >= 2 && (raw[0] != marker1 || raw[1] != marker2) {
		return frame{}, 0, errDamaged
	}
	if len(raw) < frameHeader {
		return frame{}, 0, errShort
	}
	length := binary.LittleEndian.Uint32(raw[4:])
	if length > maxBody || raw[3] != 0 {
		return frame{}, 0, errDamaged
	}
	size := frameHeader + int(length)
	if len(raw) < size {
		return frame{}, 0, errShort
	}
	if raw = raw[:size]; binary.LittleEndian.Uint32(raw[8:]) != checksum(raw) {
		return frame{}, 0, errDamaged
	}
	return frame{kind(raw[2]), raw[frameHeader:]}, size, nil
}

// scanner reads the frames of a file one after the other, in pieces.
type scanner struct {
	file io.ReaderAt
	// end is how long the file is now; it may grow.
	end func() int64

	buffer []byte // read and not yet returned
	at     int64  // where the buffer begins in the file
	// damaged is how many bytes were passed over because they are no frame.
	damaged int64
}

// piece is how much is read at a time: some 60 entries.
const piece = 32 << 10

// next returns the next frame. Its body is not used again. It fails with io.EOF at the
// end, and with what reading fails with.
func (s *scanner) next() (frame, error) {
	for {
		f, size, err := parse(s.buffer)
		if err == nil {
			s.skip(size)
			return f, nil
		}
		if errors.Is(err, errShort) {
			more, err := s.fill()
			if more || err != nil {
				if err != nil {
					return frame{}, err
				}
				continue
			}
			if len(s.buffer) == 0 {
				return frame{}, io.EOF
			}
		}
		s.resume()
	}
}

func (s *scanner) skip(n int) {
	s.buffer = s.buffer[n:]
	s.at += int64(n)
}

// resume goes on where the next frame may begin.
func (s *scanner) resume() {
	next := bytes.Index(s.buffer[1:], []byte{marker1, marker2}) + 1
	if next == 0 {
		next = len(s.buffer)
		if next > 1 && s.buffer[next-1] == marker1 {
			next-- // the other half may come
		}
	}
	s.damaged += int64(next)
	s.skip(next)
}

// fill reads more, and reports whether there was more.
func (s *scanner) fill() (bool, error) {
	read := s.at + int64(len(s.buffer))
	left := s.end() - read
	if left <= 0 {
		return false, nil
	}
	// A new one each time: entries that were returned are parts of the old one.
	buffer := make([]byte, len(s.buffer)+int(min(left, piece)))
	copy(buffer, s.buffer)
	n, err := s.file.ReadAt(buffer[len(s.buffer):], read)
	s.buffer = buffer[:len(s.buffer)+n]
	if n > 0 || errors.Is(err, io.EOF) {
		return n > 0, nil // the rest, and its error, come next time
	}
	return false, err
}
