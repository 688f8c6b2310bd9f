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
	"path/filepath"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

func TestWitnessDatesAPushWhenItIsSentAndNotWhenItIsRead(t *testing.T) {
	dir := t.TempDir()
	clocks, err := scripted(t.Context(), dir, 1, 8)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWitness(filepath.Join(dir, "ptp4l.0.socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	follows := func(s sighting) bool { return s.id == pmc.IDTimeStatusNP }
	if _, err := w.first(time.Time{}, follows); err != nil {
		t.Fatal(err)
	}

	// The kernel dates in nanoseconds of the wall clock, which a comparison with a
	// monotonic reading would not see.
	began := time.Now().Round(0)
	clocks[0].SetClass(7)
	sent := time.Now().Round(0)
	push, err := w.first(began, func(s sighting) bool { return s.class == 7 })
	if err != nil {
		t.Fatal(err)
	}
	if push.id != pmc.IDParentDataSet || push.at.Before(began) || push.at.After(sent) {
		t.Errorf("%v at %v, want PARENT_DATA_SET between %v and %v", push.id, push.at, began, sent)
	}
}

func TestWitnessSaysThatThereIsNoPtp4l(t *testing.T) {
	if w, err := newWitness(filepath.Join(t.TempDir(), "ptp4l.0.socket")); err == nil {
		w.close()
		t.Error("it has found one")
	}
}
