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

package journal_test

import (
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
)

// A reader that begins at the end has read what was before, also for the next process.
func TestTail(t *testing.T) {
	directory := t.TempDir()
	l, _ := onDisk(t, directory, journal.DefaultLimits())
	fill(t, l, 1, 3)
	tail := l.Tail("late")
	if _, ok := tail.Poll(); ok || tail.Pending() != 0 {
		t.Error("there is something behind the end")
	}
	fill(t, l, 4, 4)
	if e, ok := tail.Poll(); !ok || e.Sequence != 4 {
		t.Errorf("entry %d, %v, want 4", e.Sequence, ok)
	}
	again, _ := onDisk(t, killed(t, directory), journal.DefaultLimits())
	if e, ok := again.Cursor("late").Poll(); !ok || e.Sequence != 4 {
		t.Errorf("entry %d, %v, want 4", e.Sequence, ok)
	}
	if e, ok := again.Cursor("other").Poll(); !ok || e.Sequence != 1 {
		t.Errorf("entry %d, %v, want 1", e.Sequence, ok)
	}
	ended, other := again.Cursor("late"), again.Cursor("late")
	if err := ended.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := ended.Poll(); ok || ended.Pending() != 0 {
		t.Error("a cursor that is closed reads on")
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := other.Poll(); ok || other.Pending() != 0 {
		t.Error("a journal that is closed is read")
	}
}

// A name that is forgotten begins anew, also for the next process.
func TestForget(t *testing.T) {
	directory := t.TempDir()
	l, _ := onDisk(t, directory, journal.DefaultLimits())
	fill(t, l, 1, 3)
	l.Tail("gone")
	l.Tail("kept")
	l.Forget("gone")
	l.Forget("never was")
	if n := l.Cursor("gone").Pending(); n != 3 {
		t.Errorf("%d are pending, want 3", n)
	}
	l.Forget("gone")
	directory = killed(t, directory)
	for range 2 { // the second finds a file that begins with what is known
		l, _ := onDisk(t, directory, journal.DefaultLimits())
		if gone, kept := l.Cursor("gone").Pending(), l.Cursor("kept").Pending(); gone != 3 || kept != 0 {
			t.Errorf("%d and %d are pending, want 3 and 0", gone, kept)
		}
		l.Forget("gone")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
