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
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// fileName is that of the subscriptions in the directory of the journal.
const fileName = "ocloud-subscriptions.json"

// store keeps subscriptions in a file, which is replaced as a whole.
type store struct {
	path string // empty: nothing is kept

	// asked counts those who want it to be written, and is theirs who have just asked.
	asked atomic.Uint64

	mu      sync.Mutex
	failing bool   // it could not be written last time
	written uint64 // asked, when the file was written last
}

// kept is the file.
type kept struct {
	Version       int      `json:"version"`
	Subscriptions []record `json:"subscriptions"`
}

const keptVersion = 1

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
	var k kept
	err = json.Unmarshal(text, &k)
	if err == nil && k.Version != keptVersion {
		err = fmt.Errorf("it was written in version %d, this program reads version %d", k.Version, keptVersion)
	}
	if err != nil {
		aside := s.path + ".unreadable"
		return nil, errors.Join(fmt.Errorf("%s: %w; it is now %s", s.path, err, aside), os.Rename(s.path, aside))
	}
	return k.Subscriptions, nil
}

// write replaces the file. It takes mu for granted.
func (s *store) write(records []record) (err error) {
	if s.path == "" {
		return nil
	}
	defer func() { s.failing = err != nil }()
	text, err := json.MarshalIndent(kept{keptVersion, records}, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o750); err != nil {
		return err
	}
	// Always the same name, so that a crash leaves one such file and no more.
	unfinished := s.path + ".new"
	file, err := os.OpenFile(unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	if err := os.Rename(unfinished, s.path); err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	directory, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	defer directory.Close()
	_ = directory.Sync() // not every file system can
	return nil
}
