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
	"os"
	"testing"
	"time"
)

func TestUsageCountsTheTimeOnTheCPU(t *testing.T) {
	before, err := readUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const work = 20 * time.Millisecond
	for after := before; after.cpu-before.cpu < work; {
		if after, err = readUsage(os.Getpid()); err != nil {
			t.Fatal(err)
		}
		if time.Since(before.at) > time.Minute {
			t.Fatalf("%v of CPU time after %v of work", after.cpu-before.cpu, time.Since(before.at))
		}
	}
}

func TestMemoryIsThatOfARunningProgram(t *testing.T) {
	m, err := readMemory(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.rss < 1024 || m.anonymous <= 0 || m.file <= 0 || m.pss <= 0 || m.anonymous+m.file > m.rss+1024 {
		t.Errorf("%+v KiB is no program", m)
	}
}

func TestAProcessThatIsGoneHasNoUsage(t *testing.T) {
	const none = 1 << 22 // one above the largest process id (proc(5), pid_max)
	if u, err := readUsage(none); err == nil {
		t.Errorf("usage %+v of no process", u)
	}
	if m, err := readMemory(none); err == nil {
		t.Errorf("memory %+v of no process", m)
	}
}
