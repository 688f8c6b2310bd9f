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
	"strings"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	ten := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, test := range []struct {
		name    string
		samples []time.Duration
		p       float64
		want    time.Duration
	}{
		{"the only sample is every percentile", []time.Duration{7}, 99, 7},
		{"half of an even number of samples", ten, 50, 5},
		{"the middle of an odd number", []time.Duration{1, 2, 9}, 50, 2},
		{"a rank between two samples is the upper one", ten, 91, 10},
		{"an exact rank", ten, 90, 9},
		{"the smallest", ten, 0, 1},
		{"the largest", ten, 100, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := percentile(test.samples, test.p); got != test.want {
				t.Errorf("percentile(%v, %v) = %d, want %d", test.samples, test.p, got, test.want)
			}
		})
	}
}

func TestSummarizeLeavesTheSamplesInTheirOrder(t *testing.T) {
	samples := []time.Duration{3, 1, 2}
	if got, want := summarize(samples), (summary{min: 1, p50: 2, p99: 3, max: 3}); got != want {
		t.Errorf("summarize(%v) = %+v, want %+v", samples, got, want)
	}
	if samples[0] != 3 {
		t.Errorf("the samples were sorted in place: %v", samples)
	}
}

func TestJudge(t *testing.T) {
	b := bar[float64]{most: 2, aim: 1}
	for _, test := range []struct {
		value float64
		want  string
	}{
		{1, "pass, aim reached"},
		{1.01, "pass, aim missed"},
		{2, "pass, aim missed"},
		{2.01, "FAIL"},
	} {
		if got := b.judge(test.value); got != test.want {
			t.Errorf("%v against %+v is judged %q, want %q", test.value, b, got, test.want)
		}
	}
}

func TestMillisecondsKeepThreeFigures(t *testing.T) {
	for d, want := range map[time.Duration]string{
		312 * time.Microsecond:    "0.312 ms",
		4321 * time.Microsecond:   "4.32 ms",
		43210 * time.Microsecond:  "43.2 ms",
		512345 * time.Microsecond: "512 ms",
		-15 * time.Microsecond:    "-0.015 ms",
	} {
		if got := ms(d); got != want {
			t.Errorf("ms(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestPartsAreChosenInTheirOwnOrder(t *testing.T) {
	b, chosen, err := parse([]string{"-short", "-only", "start,latency"})
	if err != nil {
		t.Fatal(err)
	}
	if len(chosen) != 2 || chosen[0].name != "latency" || chosen[1].name != "start" {
		t.Errorf("chosen: %+v", chosen)
	}
	if b.samples != 100 || b.rounds != 2 {
		t.Errorf("-short means %d samples and %d rounds", b.samples, b.rounds)
	}
}

func TestWrongArgumentsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-only", "speed"}, {"-n", "0"}, {"-rounds", "0"}, {"latency"}} {
		if _, _, err := parse(args); err == nil {
			t.Errorf("%s was taken", strings.Join(args, " "))
		}
	}
}
