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
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
)

// onDisk returns a journal in a directory that says what happens to it.
func onDisk(t testing.TB, directory string, limit journal.Limits) (*journal.Log, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	return open(t, journal.Options{Directory: directory, Limits: limit, Key: keyOf, Logger: zap.New(core)}), logs
}

// keyOf is the last digit of a payload.
func keyOf(payload []byte) string {
	if len(payload) == 0 {
		return ""
	}
	return string(payload[len(payload)-1:])
}

// killed returns what a process that is killed now leaves behind: all that the kernel has.
func killed(t testing.TB, directory string) string {
	t.Helper()
	left := t.TempDir()
	if err := os.CopyFS(left, os.DirFS(directory)); err != nil {
		t.Fatal(err)
	}
	return left
}

// filesOf returns the files of a journal in their order.
func filesOf(t testing.TB, directory string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "*.journal"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, %v", files, err)
	}
	return files
}

// change changes a file.
func change(t testing.TB, file string, how func([]byte) []byte) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, how(raw), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// said returns the messages of a log.
func said(logs *observer.ObservedLogs) []string {
	var messages []string
	for _, e := range logs.All() {
		messages = append(messages, e.Message)
	}
	return messages
}

// another replaces the boot that files name, so that they are of one before this.
func another(t testing.TB, directory string) {
	t.Helper()
	for _, file := range filesOf(t, directory) {
		change(t, file, func(raw []byte) []byte { return journal.WithBoot(raw, "00000000-0000-0000-0000-000000000000") })
	}
}

const leap = 1_000_000_000_000

func TestNextLife(t *testing.T) {
	for _, tc := range []struct {
		name string
		// end ends the first life, and returns the directory of the second one.
		end func(*testing.T, *journal.Log, string) string
		// sequence is that of the next entry; epoch is whether the epoch is the same.
		sequence uint64
		epoch    bool
		said     []string
	}{
		{"after Close", func(t *testing.T, j *journal.Log, directory string) string {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			return directory
		}, 8, true, nil},
		{"after a kill", func(t *testing.T, _ *journal.Log, directory string) string {
			return killed(t, directory)
		}, 8, true, nil},
		{"after Close and a restart of the machine", func(t *testing.T, j *journal.Log, directory string) string {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			another(t, directory)
			return directory
		}, 8, true, nil},
		{"after the machine has stopped without a warning", func(t *testing.T, _ *journal.Log, directory string) string {
			left := killed(t, directory)
			another(t, left)
			return left
		}, leap + 8, true, nil},
		{"after a kill, beside files that are not ours", func(t *testing.T, _ *journal.Log, directory string) string {
			left := killed(t, directory)
			for _, name := range []string{"README", "unfinished", "1.journal", "00000000000000000009.journal.bak"} {
				if err := os.WriteFile(filepath.Join(left, name), []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			return left
		}, 8, true, nil},
		{"with a file of a later version behind it", func(t *testing.T, _ *journal.Log, directory string) string {
			left := killed(t, directory)
			name := filepath.Join(left, "00000000000000000021.journal")
			if err := os.WriteFile(name, []byte("eventing-ptp journal 2\nwho knows"), 0o600); err != nil {
				t.Fatal(err)
			}
			return left
		}, leap + 21, false, []string{"a file of the journal was written by another version; it is left alone, and what it has is not sent"}},
		{"with a file behind it that is nothing", func(t *testing.T, _ *journal.Log, directory string) string {
			left := killed(t, directory)
			if err := os.WriteFile(filepath.Join(left, "00000000000000000021.journal"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return left
		}, leap + 21, false, []string{"a file of the journal was written by another version; it is left alone, and what it has is not sent"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			directory := t.TempDir()
			j, _ := onDisk(t, directory, journal.DefaultLimits())
			fill(t, j, 1, 7)
			c := j.Cursor("sink")
			if err := c.Ack(expect(t, c, 1, 3)); err != nil {
				t.Fatal(err)
			}
			e := expect(t, j.Cursor("other"), 1, 1)
			eventually(t, "the acknowledgement on disk", func() bool { return strings.Contains(contents(t, directory), "sink") })

			j, logs := onDisk(t, tc.end(t, j, directory), journal.DefaultLimits())
			again := j.Cursor("sink")
			expect(t, again, 4, 7)
			expect(t, j.Cursor("other"), 1, 7)
			next, err := j.Append([]byte("8"))
			if err != nil || next.Sequence != tc.sequence || (next.Epoch == e.Epoch) != tc.epoch {
				t.Errorf("the next entry is %s, %v; want sequence %d, and the epoch of %s to stay: %v", next.ID(), err, tc.sequence, e.ID(), tc.epoch)
			}
			if got, err := again.Next(t.Context()); err != nil || got.ID() != next.ID() || got.Lost+again.Pending() != next.Sequence%leap-8 {
				t.Errorf("read %s, %v, %d lost, want %s", got.ID(), err, got.Lost, next.ID())
			}
			last := j.Last()
			for n := 1; n <= 8; n++ {
				if got := string(last[strconv.Itoa(n)].Payload); got != strconv.Itoa(n) {
					t.Errorf("the last entry of %d is %q", n, got)
				}
			}
			if got := said(logs); !slices.Equal(got, tc.said) {
				t.Errorf("it said %q, want %q", got, tc.said)
			}
		})
	}
}

// contents is all that is on disk.
func contents(t testing.TB, directory string) string {
	t.Helper()
	var all strings.Builder
	for _, file := range filesOf(t, directory) {
		raw, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	return all.String()
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within 10 s", what)
		}
	}
}

// written returns the only file of a journal with the entries 1 to 9, of which 4 are
// acknowledged between the writing of 6 and 7.
func written(t testing.TB) (name string, raw []byte) {
	t.Helper()
	directory := t.TempDir()
	j, _ := onDisk(t, directory, journal.DefaultLimits())
	fill(t, j, 1, 6)
	c := j.Cursor("sink")
	if err := c.Ack(expect(t, c, 1, 4)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the acknowledgement on disk", func() bool { return strings.Contains(contents(t, directory), "sink") })
	fill(t, j, 7, 9)
	file := filesOf(t, directory)[0]
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(file), raw
}

// reopen returns a journal that finds one file.
func reopen(t *testing.T, name string, raw []byte) (*journal.Log, *observer.ObservedLogs) {
	t.Helper()
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, name), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return onDisk(t, directory, journal.DefaultLimits())
}

// all reads what a cursor has, and checks that it is in order and what was written.
func all(t *testing.T, c journal.Cursor) (sequences []uint64, lost uint64) {
	t.Helper()
	for c.Pending() > 0 {
		e, err := c.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if string(e.Payload) != strconv.FormatUint(e.Sequence%leap, 10) {
			t.Errorf("entry %s has the payload %q", e.ID(), e.Payload)
		}
		if n := len(sequences); n > 0 && e.Sequence <= sequences[n-1] {
			t.Errorf("entry %s comes after %d", e.ID(), sequences[n-1])
		}
		sequences, lost = append(sequences, e.Sequence), lost+e.Lost
	}
	return sequences, lost
}

// A file that was cut short anywhere has all entries before that place, and no
// acknowledgement of one that it has not.
func TestCutShort(t *testing.T) {
	name, raw := written(t)
	var had int
	for size := len(raw); size >= 0; size-- {
		j, _ := reopen(t, name, raw[:size])
		got, lost := all(t, j.Cursor("other"))
		if lost > 0 {
			t.Errorf("%d of %d bytes: %d entries are said to be lost", size, len(raw), lost)
		}
		for n, sequence := range got {
			if sequence != uint64(n+1) {
				t.Errorf("%d of %d bytes: entries %v", size, len(raw), got)
			}
		}
		if size == len(raw) {
			had = len(got)
		}
		if len(got) > had || len(got) < had-1 {
			t.Errorf("%d of %d bytes have %d entries, one byte more has %d", size, len(raw), len(got), had)
		}
		had = len(got)
		after := len(got) - int(j.Cursor("sink").Pending()) // how many are acknowledged
		if after != 0 && after != 4 || after > len(got) {
			t.Errorf("%d of %d bytes: %d of %d entries are acknowledged", size, len(raw), after, len(got))
		}
		if e, err := j.Append([]byte("x")); err != nil || e.Sequence%leap != uint64(len(got)+1) {
			t.Errorf("%d of %d bytes: the next entry is %s, %v", size, len(raw), e.ID(), err)
		}
		_ = j.Close()
	}
	if had != 0 {
		t.Errorf("nothing has %d entries", had)
	}
}

// A bit that has flipped costs one entry at most, which is counted.
func TestFlippedBit(t *testing.T) {
	name, raw := written(t)
	for bit := range 8 * len(raw) {
		if bit%8 != (bit/8)%8 {
			continue // one of each byte
		}
		damaged := bytes.Clone(raw)
		damaged[bit/8] ^= 1 << (bit % 8)
		j, logs := reopen(t, name, damaged)
		got, lost := all(t, j.Cursor("other"))
		if foreign := bit/8 < len("eventing-ptp journal 1\n"); foreign {
			if len(got) > 0 || len(logs.All()) == 0 {
				t.Errorf("byte %d: entries %v of a file that is not ours; it said %q", bit/8, got, said(logs))
			}
			_ = j.Close()
			continue
		}
		// The last entry is missed by nobody when it is the one.
		if len(got) < 8 || len(got)+int(lost) != 9 && (len(got) != 8 || got[7] != 8) {
			t.Errorf("byte %d: entries %v, %d lost", bit/8, got, lost)
		}
		if len(logs.All()) == 0 {
			t.Errorf("byte %d: nobody says that it is damaged", bit/8)
		}
		if _, err := j.Append([]byte("10")); err != nil {
			t.Errorf("byte %d: %v", bit/8, err)
		}
		_ = j.Close()
	}
}

func TestLimitsOnDisk(t *testing.T) {
	const entries = 3000
	payload := make([]byte, 1000)
	for _, tc := range []struct {
		name           string
		limit          journal.Limits
		fewest, most   uint64 // entries
		bytes, seconds int
	}{
		{"by count", journal.Limits{Entries: 800, Bytes: 64 << 20}, 800, 800, 800 * 1100 * 9 / 8, 0},
		{"by bytes", journal.Limits{Entries: entries, Bytes: 1 << 20}, 800, 1024, 1 << 20, 0},
		{"by age", journal.Limits{Entries: entries, Bytes: 64 << 20, Age: 800 * time.Second}, 800, 800 * 9 / 8, 800 * 1100 * 9 / 8, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				directory := t.TempDir()
				j, _ := onDisk(t, directory, tc.limit)
				for range entries {
					if _, err := j.Append(payload); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Duration(tc.seconds) * time.Second)
				}
				c := j.Cursor("reader")
				if kept := c.Pending(); kept < tc.fewest || kept > tc.most || c.Dropped()+kept != entries {
					t.Errorf("%d entries are kept and %d dropped, want %d to %d", kept, c.Dropped(), tc.fewest, tc.most)
				}
				kept, lost := uint64(0), uint64(0)
				for c.Pending() > 0 {
					e, err := c.Next(t.Context())
					if err != nil || e.Sequence != kept+lost+e.Lost+1 {
						t.Fatalf("read %s, %v, after %d entries and %d lost", e.ID(), err, kept, lost)
					}
					kept, lost = kept+1, lost+e.Lost
				}
				synctest.Wait() // a new file may be begun at this very instant
				if got := len(contents(t, directory)); got > tc.bytes || int64(got) != j.Stats().Bytes {
					t.Errorf("%d bytes are kept, want at most %d; the journal counts %d", got, tc.bytes, j.Stats().Bytes)
				}
			})
		})
	}
}

// What a reader was told to be lost does not come back with the next life, behind entries that
// are newer: files go as a whole, and have more than the limit for a while.
func TestLostStaysLost(t *testing.T) {
	limit := journal.Limits{Entries: 32, Bytes: 1 << 20}
	for n := 33; n <= 48; n++ {
		directory := t.TempDir()
		j, _ := onDisk(t, directory, limit)
		for k := range n {
			if _, err := j.Append([]byte(strconv.Itoa(k + 1))); err != nil {
				t.Fatal(err)
			}
		}
		before, lost := all(t, j.Cursor("sink"))
		next, _ := onDisk(t, killed(t, directory), limit)
		after, lostAfter := all(t, next.Cursor("sink"))
		if !slices.Equal(before, after) || lost != lostAfter || lost != uint64(n-limit.Entries) {
			t.Errorf("of %d entries %v are kept and %d lost, and in the next life %v and %d", n, before, lost, after, lostAfter)
		}
	}
}

// Nor does it grow by what was done before: a reader that is told of a gap, and killed, finds the
// same gap again.
func TestGapStaysAsItIs(t *testing.T) {
	limit := journal.Limits{Entries: 32, Bytes: 1 << 20}
	synctest.Test(t, func(t *testing.T) { // nothing is noted because time passes
		directory := t.TempDir()
		j, _ := onDisk(t, directory, limit)
		add := func(n int) {
			for range n {
				if _, err := j.Append([]byte(strconv.FormatUint(j.Stats().Entries, 10))); err != nil {
					t.Fatal(err)
				}
			}
		}
		next := func(c journal.Cursor) journal.Entry {
			e, err := c.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		add(20)
		c := j.Cursor("sink")
		var sent journal.Entry
		for range 10 {
			sent = next(c)
		}
		add(50)
		if err := c.Ack(sent); err != nil {
			t.Fatal(err)
		}
		before := next(c)
		left := killed(t, directory)
		later, _ := onDisk(t, left, limit)
		after := next(later.Cursor("sink"))
		if before.Lost != 28 || after.Lost != before.Lost || after.ID() != before.ID() {
			t.Errorf("%d are lost before %s, and in the next life %d before %s", before.Lost, before.ID(), after.Lost, after.ID())
		}
	})
}

func TestAgeInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := memory(t, journal.Limits{Entries: 100, Bytes: 1000, Age: time.Hour})
		fill(t, j, 1, 3)
		time.Sleep(50 * time.Minute)
		fill(t, j, 4, 5)
		time.Sleep(20 * time.Minute)
		c := j.Cursor("reader")
		wantCounts(t, c, 2, 3)
		if e := expect(t, c, 4, 5); e.Sequence == 5 && c.Dropped() != 3 {
			t.Errorf("%d dropped, want 3", c.Dropped())
		}
		time.Sleep(2 * time.Hour)
		wantCounts(t, j.Cursor("reader"), 0, 5)
	})
}

// What is behind and not in memory any more is read from the disk, in order, and takes no
// memory to speak of.
func TestFarBehind(t *testing.T) {
	const entries = 20_000
	j, _ := onDisk(t, t.TempDir(), journal.Limits{Entries: entries, Bytes: 128 << 20})
	before := heap()
	c := j.Cursor("sink")
	for n := 1; n <= entries; n++ {
		if _, err := j.Append(fmt.Appendf(nil, "%0500d", n)); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d bytes of memory for %d entries", grown, entries)
	}
	for n := 1; n <= entries; n++ {
		e, err := c.Next(t.Context())
		if err != nil || e.Sequence != uint64(n) || e.Lost != 0 || string(e.Payload) != fmt.Sprintf("%0500d", n) {
			t.Fatalf("read %s, %v, %d lost, want %d", e.ID(), err, e.Lost, n)
		}
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestOneProcessAtATime(t *testing.T) {
	directory := t.TempDir()
	first, _ := onDisk(t, directory, journal.DefaultLimits())
	fill(t, first, 1, 3)

	t.Run("the other one waits", func(t *testing.T) {
		opened := make(chan *journal.Log)
		go func() {
			j, err := journal.Open(t.Context(), journal.Options{Directory: directory, Limits: journal.DefaultLimits(), Wait: time.Minute})
			if err != nil {
				t.Error(err)
			}
			opened <- j
		}()
		fill(t, first, 4, 5)
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		j := <-opened
		expect(t, j.Cursor("reader"), 1, 5)
		first = j
	})
	t.Run("but not for ever", func(t *testing.T) {
		j, logs := onDisk(t, directory, journal.DefaultLimits())
		fill(t, j, 1, 2)
		expect(t, j.Cursor("reader"), 1, 2)
		if got := said(logs); len(got) != 1 || !strings.Contains(got[0], "events are kept in memory") {
			t.Errorf("it said %q", got)
		}
		if entry, _ := first.Append(nil); entry.Epoch == expect(t, j.Cursor("other"), 1, 1).Epoch {
			t.Error("two journals have one epoch")
		}
	})
	if err := first.Close(); err != nil {
		t.Error(err)
	}
}

// Whatever happens: nothing is given twice, nothing changes its place, and what is not
// read is counted.
func TestAnyLife(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			limit := journal.Limits{Entries: 20 + r.IntN(200), Bytes: 4096 + r.IntN(65536)}
			directory := t.TempDir()
			j, _ := onDisk(t, directory, limit)
			c := j.Cursor("sink")
			ids := map[string]bool{}
			var appended []string // ids, in order
			var read, acked int   // how many of appended were read or passed over
			for range 1000 {
				switch action := r.IntN(100); {
				case action < 50:
					payload := make([]byte, r.IntN(300))
					e, err := j.Append(payload)
					if err != nil {
						t.Fatal(err)
					}
					if ids[e.ID()] {
						t.Fatalf("%s was given twice", e.ID())
					}
					ids[e.ID()] = true
					appended = append(appended, e.ID())
				case action < 96 && c.Pending() > 0:
					e, err := c.Next(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					read += int(e.Lost) + 1
					if appended[read-1] != e.ID() {
						t.Fatalf("read %s after %d lost, want %s", e.ID(), e.Lost, appended[read-1])
					}
					if r.IntN(2) == 0 {
						if err := c.Ack(e); err != nil {
							t.Fatal(err)
						}
						acked = read
					}
				case action >= 98:
					if r.IntN(2) == 0 {
						if err := j.Close(); err != nil {
							t.Fatal(err)
						}
					} else {
						j.Flush() // what the sink has is written a moment later
					}
					directory = killed(t, directory)
					if r.IntN(4) == 0 {
						another(t, directory)
					}
					_ = j.Close()
					j, _ = onDisk(t, directory, limit)
					c, read = j.Cursor("sink"), acked
				}
			}
			for c.Pending() > 0 {
				e, err := c.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				read += int(e.Lost) + 1
				if appended[read-1] != e.ID() {
					t.Fatalf("read %s, want %s", e.ID(), appended[read-1])
				}
			}
			if read != len(appended) {
				t.Errorf("%d of %d entries were read or counted", read, len(appended))
			}
		})
	}
}
