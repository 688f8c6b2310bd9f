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
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// table is the answer to one question.
type table struct {
	conditions string
	header     []string
	rows       [][]string
	notes      []string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer, question, machine string) {
	fmt.Fprintf(w, "\n── %s\n   %s\n   %s\n\n", question, t.conditions, machine)
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, row := range append([][]string{t.header}, t.rows...) {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	_ = tw.Flush()
	for _, note := range t.notes {
		fmt.Fprintln(w, note)
	}
}

// percentile returns the smallest of the sorted samples that at least p percent of
// them do not exceed (the nearest rank).
func percentile(sorted []time.Duration, p float64) time.Duration {
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

// bar is what a figure should not exceed: at most, and better no more than aim.
type bar[T cmp.Ordered] struct{ most, aim T }

func (b bar[T]) judge(value T) string {
	switch {
	case value <= b.aim:
		return "pass, aim reached"
	case value <= b.most:
		return "pass, aim missed"
	}
	return "FAIL"
}

func (b bar[T]) cells(value T, show func(T) string) []string {
	return []string{show(b.most), show(b.aim), b.judge(value)}
}

// noBar stands where nothing is asked of a figure.
func noBar() []string { return []string{"-", "-", "-"} }

// ms shows a duration in milliseconds, with about three figures.
func ms(d time.Duration) string {
	switch m := float64(d) / float64(time.Millisecond); {
	case math.Abs(m) >= 100:
		return fmt.Sprintf("%.0f ms", m)
	case math.Abs(m) >= 10:
		return fmt.Sprintf("%.1f ms", m)
	case math.Abs(m) >= 1:
		return fmt.Sprintf("%.2f ms", m)
	default:
		return fmt.Sprintf("%.3f ms", m)
	}
}

// ratio shows how many times as much a is as b.
func ratio[T time.Duration | float64](a, b T) string {
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}

// summary is what there is to say of samples.
type summary struct{ min, p50, p99, max time.Duration }

func summarize(samples []time.Duration) summary {
	s := slices.Sorted(slices.Values(samples))
	return summary{min: s[0], p50: percentile(s, 50), p99: percentile(s, 99), max: s[len(s)-1]}
}

// machine names the conditions that are the same in every part.
func machine() string {
	var u unix.Utsname
	_ = unix.Uname(&u) // it cannot fail with memory of ours
	return fmt.Sprintf("%s, Linux %s, %d cores", runtime.Version(), unix.ByteSliceToString(u.Release[:]), runtime.NumCPU())
}

// load returns the load average of the last minute: how much else was going on.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}
