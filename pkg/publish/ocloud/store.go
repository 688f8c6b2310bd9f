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

package ocloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// fileName is that of the subscriptions in the directory of the journal.
const fileName = "ocloud-subscriptions.jsonl"

// store keeps subscriptions in a file, to which each change is appended as a line of JSON. It is
// replaced as a whole when most of it is of the past.
type store struct {
	path string // empty: nothing is kept

	// syncing is held while the file is brought to the disk or replaced, and taken before mu.
	syncing sync.Mutex
	synced  uint64 // appended, of what is on the disk

	mu       sync.Mutex
	file     *os.File // nil until it was written
	lines    int      // in it
	appended uint64   // counts lines
	failing  bool     // it could not be written last time
}

// line is one line of the file. The first one has the version.
type line struct {
	Version int `json:"version,omitempty"`
	// Subscription is one that was made, or what there is to say of it now.
	Subscription *record `json:"subscription,omitempty"`
	// Removed are the ids of those that are no more.
	Removed []string `json:"removed,omitempty"`
}

const keptVersion = 1

// past is how many lines there may be that say nothing any more.
const past = 1000

func newStore(directory string) *store {
	if directory == "" {
		return &store{}
	}
	return &store{path: filepath.Join(directory, fileName)}
}

// load reads the file. One that cannot be understood is put aside, for a person to look at.
func (s *store) load() ([]record, error) {
	if s.path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	records, err := parse(text)
	if err != nil {
		aside := s.path + ".unreadable"
		return nil, errors.Join(fmt.Errorf("%s: %w; it is now %s", s.path, err, aside), os.Rename(s.path, aside))
	}
	return records, nil
}

// parse returns the subscriptions of a file, the oldest first.
func parse(text []byte) ([]record, error) {
	known := map[string]record{}
	var order []string
	for n := 1; ; n++ {
		one, rest, complete := bytes.Cut(text, []byte{'\n'})
		if !complete && n > 1 { // what was being written when the machine stopped, or nothing
			break
		}
		var l line
		if err := json.Unmarshal(one, &l); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if n == 1 && !complete {
			return nil, errors.New("it ends in its first line")
		}
		if n == 1 && l.Version != keptVersion {
			return nil, fmt.Errorf("it was written in version %d, this program reads version %d", l.Version, keptVersion)
		}
		if r := l.Subscription; r != nil {
			if _, is := known[r.ID]; !is {
				order = append(order, r.ID)
			}
			known[r.ID] = *r
		}
		for _, id := range l.Removed {
			delete(known, id)
		}
		text = rest
	}
	var records []record
	for _, id := range order {
		if r, is := known[id]; is {
			records = append(records, r)
			delete(known, id) // it may have come twice
		}
	}
	return records, nil
}

// note writes a change down, or all that there is where that is better. When it returns, it is
// on the disk. Of many who have something to write at the same time one brings it there for all.
func (s *store) note(change line, all func() []record) error {
	if s.path == "" {
		return nil
	}
	mine, err := s.append(change)
	if err == nil {
		err = s.sync(mine)
	}
	if err != nil { // a new file may be possible, and is better than one with a gap
		return s.replace(all)
	}
	return nil
}

// errRewrite is why a line is not appended.
var errRewrite = errors.New("the file has to be written anew")

// append hands a line to the kernel, and returns its number.
func (s *store) append(change line) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil || s.failing || s.lines > past {
		return 0, errRewrite
	}
	if _, err := s.file.Write(append(marshal(change), '\n')); err != nil {
		s.failing = true // there may be half of it
		return 0, err
	}
	s.lines++
	s.appended++
	return s.appended, nil
}

// sync brings a line to the disk, unless somebody else has.
func (s *store) sync(number uint64) error {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	if s.synced >= number {
		return nil
	}
	s.mu.Lock()
	file, upTo := s.file, s.appended
	s.mu.Unlock()
	if err := file.Sync(); err != nil {
		return err
	}
	if info, err := file.Stat(); err == nil {
		if is, ok := info.Sys().(*syscall.Stat_t); ok && is.Nlink == 0 {
			return errRewrite // it was removed
		}
	}
	s.synced = upTo
	return nil
}

// replace writes all subscriptions into a new file.
func (s *store) replace(all func() []record) (err error) {
	if s.path == "" {
		return nil
	}
	s.syncing.Lock()
	defer s.syncing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.failing = err != nil }()
	text := append(marshal(line{Version: keptVersion}), '\n')
	records := all() // nothing can be noted meanwhile that would be lost
	for n := range records {
		text = append(append(text, marshal(line{Subscription: &records[n]})...), '\n')
	}
	file, err := replaceFile(s.path, text)
	if err != nil {
		return err
	}
	if s.file != nil {
		_ = s.file.Close()
	}
	s.file, s.lines, s.synced = file, 0, s.appended
	return nil
}

// replaceFile writes a file, and returns it for appending to it.
func replaceFile(path string, text []byte) (*os.File, error) {
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o750); err != nil {
		return nil, err
	}
	// Always the same name, so that a crash leaves one such file and no more.
	unfinished := path + ".new"
	file, err := os.OpenFile(unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(file, bytes.NewReader(text))
	if err = errors.Join(err, file.Sync()); err == nil {
		err = os.Rename(unfinished, path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(unfinished))
	}
	if d, err := os.Open(directory); err == nil {
		_ = d.Sync() // not every file system can
		_ = d.Close()
	}
	return file, nil
}

// isFailing is whether the file could not be written last time.
func (s *store) isFailing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failing
}

// close lets go of the file.
func (s *store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		_ = s.file.Close()
		s.file = nil
	}
}
