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
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
)

func memory(t testing.TB, limit journal.Limits) *journal.Log {
	t.Helper()
	return open(t, journal.Options{Limits: limit})
}

// open returns a journal that the test closes.
func open(t testing.TB, o journal.Options) *journal.Log {
	t.Helper()
	j, err := journal.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// everywhere runs a test on a journal in memory, and on one on disk.
func everywhere(t *testing.T, test func(*testing.T, func(testing.TB, journal.Limits) *journal.Log)) {
	t.Run("in memory", func(t *testing.T) { test(t, memory) })
	t.Run("on disk", func(t *testing.T) {
		test(t, func(t testing.TB, limit journal.Limits) *journal.Log {
			return open(t, journal.Options{Limits: limit, Directory: t.TempDir()})
		})
	})
}

// fill appends the numbers from first to last, so that each payload is its sequence.
func fill(t testing.TB, j journal.Journal, first, last int) {
	t.Helper()
	for n := first; n <= last; n++ {
		e, err := j.Append([]byte(strconv.Itoa(n)))
		if err != nil || e.Sequence != uint64(n) {
			t.Fatalf("Append(%d) = %+v, %v", n, e, err)
		}
	}
}

// expect reads the entries from first to last.
func expect(t testing.TB, c journal.Cursor, first, last int) journal.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var e journal.Entry
	for n := first; n <= last; n++ {
		var err error
		e, err = c.Next(ctx)
		if err != nil || e.Sequence != uint64(n) || string(e.Payload) != strconv.Itoa(n) {
			t.Errorf("Next() = %d %q, %v, want %d", e.Sequence, e.Payload, err, n)
			return e
		}
	}
	return e
}

func wantCounts(t testing.TB, c journal.Cursor, pending, dropped uint64) {
	t.Helper()
	if c.Pending() != pending || c.Dropped() != dropped {
		t.Errorf("pending %d, dropped %d, want %d and %d", c.Pending(), c.Dropped(), pending, dropped)
	}
}

func TestIdentity(t *testing.T) {
	first, second := memory(t, journal.DefaultLimits()), memory(t, journal.DefaultLimits())
	a, _ := first.Append([]byte("a"))
	b, _ := second.Append([]byte("b"))
	if a.Epoch == b.Epoch {
		t.Errorf("two journals have the epoch %s", a.Epoch)
	}
	if !regexp.MustCompile(`^[0-9a-f]{12}-1$`).MatchString(a.ID()) {
		t.Errorf("ID() = %q, want 12 hexadecimal digits and -1", a.ID())
	}
	if id := (journal.Entry{Epoch: "6a1f3c2b9e4d", Sequence: 17}).ID(); id != "6a1f3c2b9e4d-17" {
		t.Errorf("ID() = %q, want 6a1f3c2b9e4d-17", id)
	}
}

func TestReadersSeeEverythingInOrder(t *testing.T) {
	everywhere(t, func(t *testing.T, journalOf func(testing.TB, journal.Limits) *journal.Log) {
		j := journalOf(t, journal.DefaultLimits())
		fill(t, j, 1, 3)
		early := j.Cursor("early")
		wantCounts(t, early, 3, 0)
		expect(t, early, 1, 2)
		fill(t, j, 4, 5)
		expect(t, early, 3, 5)
		wantCounts(t, early, 0, 0)
		expect(t, j.Cursor("late"), 1, 5)
	})
}

func TestBounds(t *testing.T) {
	for _, tc := range []struct {
		name         string
		limit        journal.Limits
		append       int
		oldest, last int
	}{
		{"below both", journal.Limits{Entries: 10, Bytes: 100}, 9, 1, 9},
		{"as many as there is room for", journal.Limits{Entries: 9, Bytes: 9}, 9, 1, 9},
		{"one more entry", journal.Limits{Entries: 8, Bytes: 100}, 9, 2, 9},
		{"many times round", journal.Limits{Entries: 3, Bytes: 100}, 99, 97, 99},
		{"one entry", journal.Limits{Entries: 1, Bytes: 100}, 99, 99, 99},
		{"more bytes", journal.Limits{Entries: 100, Bytes: 4}, 9, 6, 9},
		{"a large entry for several small ones", journal.Limits{Entries: 100, Bytes: 4}, 10, 8, 10},
		{"entries as large as the bound", journal.Limits{Entries: 100, Bytes: 2}, 99, 99, 99},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := memory(t, tc.limit)
			fill(t, j, 1, tc.append)
			c := j.Cursor("reader")
			wantCounts(t, c, uint64(tc.last-tc.oldest+1), uint64(tc.oldest-1))
			expect(t, c, tc.oldest, tc.last)
			wantCounts(t, c, 0, uint64(tc.oldest-1))
		})
	}
}

func TestAppendRefusesWhatCanNeverFit(t *testing.T) {
	j := memory(t, journal.Limits{Entries: 10, Bytes: 4})
	fill(t, j, 1, 3)
	if _, err := j.Append([]byte("large")); err == nil || !strings.Contains(err.Error(), "5 bytes exceeds the 4 bytes") {
		t.Errorf("error %v, want one with both sizes", err)
	}
	expect(t, j.Cursor("reader"), 1, 3)
}

func TestNewMemoryRefusesEmptyBounds(t *testing.T) {
	for _, limit := range []journal.Limits{{}, {Entries: 1}, {Bytes: 1}, {Entries: -1, Bytes: 1}} {
		if _, err := journal.NewMemory(limit); err == nil {
			t.Errorf("NewMemory takes %+v", limit)
		}
	}
}

func TestPayloadIsTheJournals(t *testing.T) {
	everywhere(t, func(t *testing.T, journalOf func(testing.TB, journal.Limits) *journal.Log) {
		j := journalOf(t, journal.DefaultLimits())
		payload := []byte("1")
		if _, err := j.Append(payload); err != nil {
			t.Fatal(err)
		}
		payload[0] = 'x'
		expect(t, j.Cursor("reader"), 1, 1)
	})
}

func TestOvertakenReader(t *testing.T) {
	everywhere(t, func(t *testing.T, journalOf func(testing.TB, journal.Limits) *journal.Log) {
		j := journalOf(t, journal.Limits{Entries: 4, Bytes: 1 << 20})
		c := j.Cursor("reader")
		fill(t, j, 1, 3)
		inHand := expect(t, c, 1, 1)

		fill(t, j, 4, 9) // 6 to 9 are kept
		wantCounts(t, c, 4, 4)
		if string(inHand.Payload) != "1" {
			t.Errorf("the entry in hand became %q", inHand.Payload)
		}
		if err := c.Ack(inHand); err != nil {
			t.Errorf("an entry that was read cannot be acknowledged once it has made room: %v", err)
		}
		if e := expect(t, c, 6, 6); e.Lost != 4 {
			t.Errorf("%d lost before entry 6, want 4", e.Lost)
		}
		if e := expect(t, c, 7, 7); e.Lost != 0 {
			t.Errorf("%d lost before entry 7, want 0", e.Lost)
		}
		wantCounts(t, c, 2, 4)

		fill(t, j, 10, 13) // 10 to 13 are kept
		wantCounts(t, c, 4, 6)
		expect(t, c, 10, 13)
		wantCounts(t, c, 0, 6)
	})
}

func TestAcknowledgedEntriesStayDone(t *testing.T) {
	everywhere(t, func(t *testing.T, journalOf func(testing.TB, journal.Limits) *journal.Log) {
		j := journalOf(t, journal.DefaultLimits())
		fill(t, j, 1, 5)
		c := j.Cursor("reader")
		second := expect(t, c, 1, 2)
		expect(t, c, 3, 4)
		if err := c.Ack(second); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}

		c = j.Cursor("reader")
		third := expect(t, c, 3, 3)
		expect(t, c, 4, 5)
		for _, e := range []journal.Entry{third, second} { // going back takes nothing back
			if err := c.Ack(e); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, j.Cursor("reader"), 4, 5)
		expect(t, j.Cursor("other"), 1, 5)
	})
}

func TestAckRefusesWhatWasNotRead(t *testing.T) {
	everywhere(t, func(t *testing.T, journalOf func(testing.TB, journal.Limits) *journal.Log) {
		j := journalOf(t, journal.DefaultLimits())
		fill(t, j, 1, 2)
		c := j.Cursor("reader")
		first := expect(t, c, 1, 1)
		for name, e := range map[string]journal.Entry{
			"not read yet":  {Epoch: first.Epoch, Sequence: 2},
			"never written": {Epoch: first.Epoch, Sequence: 3},
			"no entry":      {},
		} {
			if err := c.Ack(e); err == nil || !strings.Contains(err.Error(), `cursor "reader" has not read it`) {
				t.Errorf("%s: Ack(%s) = %v, want an error that says so", name, e.ID(), err)
			}
		}
	})
}

func TestNextWaits(t *testing.T) {
	everywhere(t, func(t *testing.T, journalOf func(testing.TB, journal.Limits) *journal.Log) {
		synctest.Test(t, func(t *testing.T) {
			j := journalOf(t, journal.DefaultLimits())
			var readers sync.WaitGroup
			for n := range 3 {
				c := j.Cursor(strconv.Itoa(n))
				readers.Go(func() { expect(t, c, 1, 2) })
			}
			synctest.Wait()
			fill(t, j, 1, 1)
			synctest.Wait()
			fill(t, j, 2, 2)
			readers.Wait()
		})
	})
}

func TestNextEnds(t *testing.T) {
	everywhere(t, func(t *testing.T, journalOf func(testing.TB, journal.Limits) *journal.Log) {
		for _, tc := range []struct {
			name string
			end  func(context.CancelFunc, *journal.Log, journal.Cursor)
			want error
		}{
			{"with its context", func(cancel context.CancelFunc, _ *journal.Log, _ journal.Cursor) { cancel() }, context.Canceled},
			{"with its cursor", func(_ context.CancelFunc, _ *journal.Log, c journal.Cursor) { _ = c.Close() }, journal.ErrClosed},
			{"with the journal", func(_ context.CancelFunc, j *journal.Log, _ journal.Cursor) { _ = j.Close() }, journal.ErrClosed},
		} {
			t.Run("waiting, "+tc.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					j := journalOf(t, journal.DefaultLimits())
					c := j.Cursor("reader")
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					ended := make(chan error, 1)
					go func() {
						_, err := c.Next(ctx)
						ended <- err
					}()
					synctest.Wait()
					tc.end(cancel, j, c)
					if err := <-ended; !errors.Is(err, tc.want) {
						t.Errorf("Next ends with %v, want %v", err, tc.want)
					}
				})
			})
			t.Run("with entries to read, "+tc.name, func(t *testing.T) {
				j := journalOf(t, journal.DefaultLimits())
				fill(t, j, 1, 1)
				c := j.Cursor("reader")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				tc.end(cancel, j, c)
				if _, err := c.Next(ctx); !errors.Is(err, tc.want) {
					t.Errorf("Next ends with %v, want %v", err, tc.want)
				}
			})
		}
	})
}

func TestClosedJournal(t *testing.T) {
	everywhere(t, func(t *testing.T, journalOf func(testing.TB, journal.Limits) *journal.Log) {
		j := journalOf(t, journal.DefaultLimits())
		fill(t, j, 1, 1)
		c := j.Cursor("reader")
		e := expect(t, c, 1, 1)
		if err := errors.Join(j.Close(), j.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Append(nil); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("Append: %v, want ErrClosed", err)
		}
		if err := c.Ack(e); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("Ack: %v, want ErrClosed", err)
		}
	})
}

// Writers and a reader that keeps up, with a hundred readers that read one entry and
// never come back: whoever keeps up sees everything, and the others know what they
// have missed.
func TestSlowReadersCostNobodyAnything(t *testing.T) {
	everywhere(t, func(t *testing.T, journalOf func(testing.TB, journal.Limits) *journal.Log) {
		const entries, kept = 5000, 100
		j := journalOf(t, journal.Limits{Entries: kept, Bytes: 1 << 20})
		fill(t, j, 1, 1)
		slow := make([]journal.Cursor, 100)
		for n := range slow {
			slow[n] = j.Cursor(fmt.Sprint("slow", n))
			expect(t, slow[n], 1, 1)
		}

		fast := j.Cursor("fast")
		read := make(chan int)
		go func() {
			defer close(read)
			for n := 1; n <= entries && !t.Failed(); n++ {
				expect(t, fast, n, n)
				read <- n
			}
		}()
		<-read
		for n := 2; n <= entries; n++ {
			fill(t, j, n, n)
			if n%(kept/2) == 0 { // let the fast one catch up now and then
				for got := range read {
					if got == n {
						break
					}
				}
			}
		}
		for range read {
		}
		wantCounts(t, fast, 0, 0)
		for _, c := range slow {
			wantCounts(t, c, kept, entries-kept-1)
			expect(t, c, entries-kept+1, entries)
		}
	})
}

func TestManyWritersAndReaders(t *testing.T) {
	everywhere(t, func(t *testing.T, journalOf func(testing.TB, journal.Limits) *journal.Log) {
		const writers, each, readers = 4, 500, 8
		j := journalOf(t, journal.DefaultLimits())
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for range each {
					if _, err := j.Append([]byte("x")); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for n := range readers {
			c := j.Cursor(strconv.Itoa(n))
			all.Go(func() {
				for want := uint64(1); want <= writers*each; want++ {
					e, err := c.Next(t.Context())
					if err != nil || e.Sequence != want || string(e.Payload) != "x" {
						t.Errorf("Next() = %+v, %v, want %d", e, err, want)
						return
					}
					_, _ = c.Pending(), c.Dropped()
					if err := c.Ack(e); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
	})
}

// BenchmarkAppend appends once a millisecond or so, as no clock ever does for long, and
// reports the median and the 99th percentile of it. Readers are slow: each takes one
// entry and then rests, and so is always behind.
func BenchmarkAppend(b *testing.B) {
	payload := make([]byte, 500) // about what an event has
	for _, where := range []string{"memory", "disk"} {
		for _, readers := range []int{0, 100} {
			b.Run(fmt.Sprintf("%s/readers=%d", where, readers), func(b *testing.B) {
				o := journal.Options{Limits: journal.DefaultLimits()}
				if where == "disk" {
					o.Directory = b.TempDir()
				}
				j := open(b, o)
				var all sync.WaitGroup
				ctx, cancel := context.WithCancel(b.Context())
				defer all.Wait()
				defer cancel()
				for n := range readers {
					c := j.Cursor(strconv.Itoa(n))
					all.Go(func() {
						for {
							e, err := c.Next(ctx)
							if err != nil {
								return
							}
							_ = c.Ack(e)
							time.Sleep(10 * time.Millisecond)
						}
					})
				}
				var took []time.Duration
				for b.Loop() {
					time.Sleep(time.Millisecond)
					begin := time.Now()
					if _, err := j.Append(payload); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(begin))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
				b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
			})
		}
	}
}

// BenchmarkWakeUp measures from Append to a waiting reader and back.
func BenchmarkWakeUp(b *testing.B) {
	there, back := memory(b, journal.DefaultLimits()), memory(b, journal.DefaultLimits())
	go func() {
		c := there.Cursor("reader")
		for {
			e, err := c.Next(b.Context())
			if err != nil {
				return
			}
			if _, err := back.Append(e.Payload); err != nil {
				return
			}
		}
	}()
	c := back.Cursor("reader")
	payload := []byte("x")
	for b.Loop() {
		if _, err := there.Append(payload); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Next(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
