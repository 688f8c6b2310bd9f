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

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/tidwall/wal"
	"go.etcd.io/bbolt"
)

// groupCommit is how long entries wait for others before all are brought to the disk.
const groupCommit = 20 * time.Millisecond

// store is an ordered log.
type store interface {
	append(payload []byte) error
	// failure is why the disk cannot be written, where append does not say.
	failure() error
	// read calls found with the number of each entry.
	read(found func(n uint64)) error
	close() error
}

// names of the stores.
func names() []string { return []string{"pkg/journal", "tidwall/wal", "bbolt", "pebble"} }

func open(name, directory string) (store, error) {
	switch name {
	case "pkg/journal":
		return openJournal(directory)
	case "tidwall/wal":
		return openWAL(directory)
	case "bbolt":
		return openBolt(directory)
	case "pebble":
		return openPebble(directory)
	}
	return nil, fmt.Errorf("there is no store %q", name)
}

// every calls sync again and again, until the returned function is called, which waits.
func every(sync func() error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(groupCommit)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				_ = sync() // the next append, or Close, fails for the same reason
			}
		}
	}()
	return func() { cancel(); <-done }
}

type journalStore struct{ log *journal.Log }

func openJournal(directory string) (store, error) {
	log, err := journal.Open(context.Background(), journal.Options{Directory: directory, Limits: journal.DefaultLimits()})
	return journalStore{log}, err
}

func (s journalStore) append(payload []byte) error { _, err := s.log.Append(payload); return err }
func (s journalStore) failure() error              { return s.log.Stats().Failure }
func (s journalStore) close() error                { return s.log.Close() }

func (s journalStore) read(found func(uint64)) error {
	for c := s.log.Cursor("reader"); c.Pending() > 0; {
		e, err := c.Next(context.Background())
		if err == nil {
			err = report(e.Payload, found)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func report(payload []byte, found func(uint64)) error {
	n, err := numberOf(payload)
	if err == nil {
		found(n)
	}
	return err
}

type walStore struct {
	log  *wal.Log
	next uint64
	stop func()
}

func openWAL(directory string) (store, error) {
	log, err := wal.Open(directory, &wal.Options{NoSync: true, SegmentSize: 8 << 20, NoCopy: true})
	if err != nil {
		return nil, err
	}
	last, err := log.LastIndex()
	return &walStore{log, last + 1, every(log.Sync)}, err
}

func (s *walStore) append(payload []byte) error {
	err := s.log.Write(s.next, payload)
	if err == nil {
		s.next++
	}
	return err
}

func (s *walStore) failure() error { return nil }

func (s *walStore) read(found func(uint64)) error {
	first, err := s.log.FirstIndex()
	for n := first; err == nil && n != 0 && n < s.next; n++ {
		var payload []byte
		if payload, err = s.log.Read(n); err == nil {
			err = report(payload, found)
		}
	}
	return err
}

func (s *walStore) close() error { s.stop(); return s.log.Close() }

type boltStore struct {
	db   *bbolt.DB
	stop func()
}

const bucket = "entries"

func openBolt(directory string) (store, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	db, err := bbolt.Open(filepath.Join(directory, "bolt"), 0o600, &bbolt.Options{NoSync: true, Timeout: time.Second})
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists([]byte(bucket))
		return err
	})
	return boltStore{db, every(db.Sync)}, err
}

func (s boltStore) append(payload []byte) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		b.FillPercent = 1 // entries come in order (its README)
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		return b.Put(binary.BigEndian.AppendUint64(nil, n), payload)
	})
}

func (s boltStore) failure() error { return nil }

func (s boltStore) read(found func(uint64)) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucket)).ForEach(func(_, payload []byte) error { return report(payload, found) })
	})
}

func (s boltStore) close() error { s.stop(); return s.db.Close() }

type pebbleStore struct {
	db   *pebble.DB
	next uint64
	stop func()
}

func openPebble(directory string) (store, error) {
	db, err := pebble.Open(directory, &pebble.Options{Logger: silent{pebble.DefaultLogger}})
	if err != nil {
		return nil, err
	}
	s := &pebbleStore{db: db, stop: every(func() error { return db.LogData(nil, pebble.Sync) })}
	last, err := db.NewIter(nil)
	if err == nil && last.Last() {
		s.next = binary.BigEndian.Uint64(last.Key()) + 1
	}
	return s, errors.Join(err, last.Close())
}

// silent is pebble's logger without its chatter. Fatalf stays: it ends the process.
type silent struct{ pebble.Logger }

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}

func (s *pebbleStore) append(payload []byte) error {
	err := s.db.Set(binary.BigEndian.AppendUint64(nil, s.next), payload, pebble.NoSync)
	if err == nil {
		s.next++
	}
	return err
}

func (s *pebbleStore) failure() error { return nil }

func (s *pebbleStore) read(found func(uint64)) (err error) {
	all, err := s.db.NewIter(nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	for ok := all.First(); ok; ok = all.Next() {
		if err := report(all.Value(), found); err != nil {
			return err
		}
	}
	return all.Error()
}

func (s *pebbleStore) close() error { s.stop(); return s.db.Close() }
