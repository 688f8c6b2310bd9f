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

package witness

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/simulator"
)

func TestWitnessDatesAPushWhenItIsSentAndNotWhenItIsRead(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "ptp4l.0.socket")
	c := simulator.DefaultClock()
	c.Sync.Interval = time.Second / 8
	c.Announce.Interval = 0 // chosen at once
	clock, err := simulator.New(simulator.Config{Socket: socket, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := clock.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w, err := New(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	follows := func(s Sighting) bool { return s.ID == pmc.IDTimeStatusNP }
	if _, err := w.First(time.Time{}, follows); err != nil {
		t.Fatal(err)
	}

	// The kernel dates in nanoseconds of the wall clock, which a comparison with a
	// monotonic reading would not see.
	began := time.Now().Round(0)
	clock.SetClass(7)
	sent := time.Now().Round(0)
	push, err := w.First(began, func(s Sighting) bool { return s.Class == 7 })
	if err != nil {
		t.Fatal(err)
	}
	if push.ID != pmc.IDParentDataSet || push.At.Before(began) || push.At.After(sent) {
		t.Errorf("%v at %v, want PARENT_DATA_SET between %v and %v", push.ID, push.At, began, sent)
	}
}

func TestWitnessSaysThatThereIsNoPtp4l(t *testing.T) {
	if w, err := New(filepath.Join(t.TempDir(), "ptp4l.0.socket")); err == nil {
		w.Close()
		t.Error("it has found one")
	}
}
