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
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
)

const (
	inMemory  = "the journal cannot be written to its directory; events are kept in memory and written as soon as it can be"
	backAgain = "the journal is written to its directory again"
)

// ids reads so many entries, and returns their ids.
func ids(t *testing.T, c journal.Cursor, n int) []string {
	t.Helper()
	var ids []string
	for range n {
		e, err := c.Next(t.Context())
		if err != nil || e.Lost > 0 {
			t.Fatalf("after %v: %s, %v, %d lost", ids, e.ID(), err, e.Lost)
		}
		ids = append(ids, e.ID())
	}
	return ids
}

// A write that fails costs nothing: what it had goes to the disk as soon as that can be
// written, under the id that it has got meanwhile.
func TestWriteThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		directory := t.TempDir()
		j, logs := onDisk(t, directory, journal.DefaultLimits())
		fill(t, j, 1, 3)
		j.Break()
		fill(t, j, 4, 6)
		if s := j.Stats(); s.Failure == nil || s.Unsaved != 3 {
			t.Errorf("%d entries are unsaved because of %v, want 3", s.Unsaved, s.Failure)
		}
		given := ids(t, j.Cursor("reader"), 6)

		// A process that is started now finds three, and gives no id again.
		next, _ := onDisk(t, killed(t, directory), journal.DefaultLimits())
		if got := ids(t, next.Cursor("reader"), 3); !slices.Equal(got, given[:3]) {
			t.Errorf("on disk are %v, want %v", got, given[:3])
		}
		if e, err := next.Append(nil); err != nil || slices.Contains(given, e.ID()) {
			t.Errorf("%s was given again, %v", e.ID(), err)
		}

		time.Sleep(2 * time.Second)
		if s := j.Stats(); s.Failure != nil || s.Unsaved != 0 {
			t.Errorf("%d entries are unsaved because of %v, want none", s.Unsaved, s.Failure)
		}
		fill(t, j, 7, 8)
		given = ids(t, j.Cursor("reader"), 8)
		next, _ = onDisk(t, killed(t, directory), journal.DefaultLimits())
		if got := ids(t, next.Cursor("reader"), 8); !slices.Equal(got, given) {
			t.Errorf("on disk are %v, want %v", got, given)
		}
		if e, err := next.Append(nil); err != nil || slices.Contains(given, e.ID()) {
			t.Errorf("%s was given again, %v", e.ID(), err)
		}
		if got := said(logs); !slices.Equal(got, []string{inMemory, backAgain}) {
			t.Errorf("it said %q", got)
		}
	})
}

// While the directory is away for long, memory holds what fits, and the rest is counted.
// It is not asked for all the time, and nothing is said twice.
func TestDirectoryThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		directory := t.TempDir()
		j, logs := onDisk(t, directory, journal.DefaultLimits())
		fill(t, j, 1, 10)
		behind := j.Cursor("behind")
		expect(t, behind, 1, 5)
		if err := os.Rename(directory, directory+".away"); err != nil {
			t.Fatal(err)
		}
		j.Break()
		fill(t, j, 11, 6000) // 1905 to 6000 fit
		time.Sleep(time.Hour)
		if err := os.Rename(directory+".away", directory); err != nil {
			t.Fatal(err)
		}
		if got := said(logs); !slices.Equal(got, []string{inMemory}) {
			t.Errorf("it said %q", got)
		}
		if do := logs.All()[0].ContextMap()["do"]; do == nil || do == "" {
			t.Error("nobody says what to do")
		}
		time.Sleep(time.Minute)
		if got := said(logs); !slices.Equal(got, []string{inMemory, backAgain}) {
			t.Errorf("it said %q", got)
		}
		fill(t, j, 6001, 6010)
		for _, j := range []*journal.Log{j, reopened(t, directory)} {
			c := j.Cursor("new")
			expect(t, c, 1, 10)
			if e := expect(t, c, 1905, 1905); e.Lost != 1894 {
				t.Errorf("%d lost, want 1894", e.Lost)
			}
			expect(t, c, 1906, 6010)
		}
		expect(t, behind, 6, 10)
		expect(t, behind, 1905, 6010)
	})
}

func reopened(t *testing.T, directory string) *journal.Log {
	t.Helper()
	j, _ := onDisk(t, killed(t, directory), journal.DefaultLimits())
	return j
}

// Whoever throws the files away need not restart anything.
func TestFilesThatAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		directory := t.TempDir()
		j, logs := onDisk(t, directory, journal.DefaultLimits())
		fill(t, j, 1, 10)
		for _, file := range filesOf(t, directory) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		fill(t, j, 11, 12)
		time.Sleep(5 * time.Second)
		fill(t, j, 13, 14)
		expect(t, j.Cursor("reader"), 1, 14)
		expect(t, reopened(t, directory).Cursor("reader"), 1, 14)
		if got := said(logs); !slices.Equal(got, []string{inMemory, backAgain}) {
			t.Errorf("it said %q", got)
		}
	})
}

// A directory that cannot be made is made as soon as it can be.
func TestDirectoryThatComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		above := t.TempDir() + "/above"
		if err := os.WriteFile(above, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		j, logs := onDisk(t, above+"/journal", journal.DefaultLimits())
		fill(t, j, 1, 3)
		if err := os.Remove(above); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		fill(t, j, 4, 5)
		expect(t, j.Cursor("reader"), 1, 5)
		expect(t, reopened(t, above+"/journal").Cursor("reader"), 1, 5)
		if got := said(logs); !slices.Equal(got, []string{inMemory, backAgain}) {
			t.Errorf("it said %q", got)
		}
	})
}

// What is in a directory that could not be read at the start would have come first, so
// it is left for the next start.
func TestDirectoryThatIsReadTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		directory := t.TempDir()
		first, _ := onDisk(t, directory, journal.DefaultLimits())
		fill(t, first, 1, 3)
		j, logs := onDisk(t, directory, journal.DefaultLimits())
		fill(t, j, 1, 2)
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		expect(t, j.Cursor("reader"), 1, 2)
		expect(t, reopened(t, directory).Cursor("reader"), 1, 3)
		if got := said(logs); len(got) != 2 || got[1] != "the journal stays in memory" || !strings.Contains(logs.All()[1].ContextMap()["do"].(string), "restart") {
			t.Errorf("it said %q", got)
		}
	})
}
