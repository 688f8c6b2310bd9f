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
	"errors"
	"fmt"
	"path/filepath"
)

// The two adapters that are compared.
const (
	onDiskPath   = "/disk"
	inMemoryPath = "/memory"
)

// durability compares an adapter whose journal is on disk with one whose journal is in
// memory, one sample of each in turn.
func (b *bench) durability(ctx context.Context) (_ *table, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := newSink()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var sides []func(context.Context) (measured, error)
	for _, path := range []string{onDiskPath, inMemoryPath} {
		dir, err := b.programs.socketDir()
		if err != nil {
			return nil, err
		}
		// Half of the clocks for each, so that neither is woken by what the other is measured by.
		clocks, err := scripted(ctx, dir, sources/2, 1)
		if err != nil {
			return nil, err
		}
		var more []string
		if path == onDiskPath {
			more = []string{"-journal", filepath.Join(dir, "journal")}
		}
		adapter, err := b.programs.adapter(s.url+path, patternOf(dir), more...)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, adapter.stop()) }() //nolint:gocritic // both run until the end
		for range clocks {
			if _, err := s.next(ctx, "LOCKED", isLocked); err != nil {
				return nil, err
			}
		}
		sides = append(sides, (&changes{sink: s, path: path, clocks: clocks}).sample)
	}
	samples, err := inTurn(ctx, b.samples, sides...)
	if err != nil {
		return nil, err
	}
	return durabilityTable(b.samples, samples[0], samples[1]), nil
}

func durabilityTable(n int, disk, memory summary) *table {
	t := &table{
		conditions: fmt.Sprintf("%d scripted ptp4l 4.2 with %d Sync/s in all for each adapter, loopback, n = %d each in turn, one every 5 to 7 ms", sources/2, sources/2, n),
		header:     []string{"from datagram to sink", "journal on disk", "in memory", "ratio", "at most", "verdict"},
		notes:      []string{"From just before ptp4l sends a changed PARENT_DATA_SET to the sink's handler."},
	}
	const mostRatio = 1.1
	verdict := "pass"
	if float64(disk.p50)/float64(memory.p50) > mostRatio {
		verdict = "FAIL"
	}
	t.add("p50", ms(disk.p50), ms(memory.p50), ratio(disk.p50, memory.p50), fmt.Sprint(mostRatio), verdict)
	t.add("p99", ms(disk.p99), ms(memory.p99), ratio(disk.p99, memory.p99), "-", "-")
	t.add("max", ms(disk.max), ms(memory.max), ratio(disk.max, memory.max), "-", "-")
	return t
}
