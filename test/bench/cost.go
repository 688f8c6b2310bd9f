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
	"strconv"
	"strings"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

// rate is how many Syncs per second each instance hears: the fastest that is usual.
const rate = 16

// cost measures what the adapter uses, beside a program that does nothing but read every
// push, at the same time.
func (b *bench) cost(ctx context.Context) (*table, error) {
	t := &table{
		conditions: fmt.Sprintf("%d Sync/s each, over %v, both programs at the same time", rate, b.period),
		header:     []string{"instances", "figure", "adapter", "reads every push", "ratio", "at most", "aim", "verdict"},
		notes:      []string{"1000 mcore is one core. Pss is Rss with shared pages shared out."},
	}
	for _, n := range []int{1, 8} {
		if err := b.costScripted(ctx, t, n); err != nil {
			return nil, err
		}
	}
	return t, b.costReal(ctx, t)
}

func (b *bench) costScripted(ctx context.Context, t *table, n int) error {
	dir, err := b.programs.socketDir()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if _, err := scripted(ctx, dir, n, rate); err != nil {
		return err
	}
	return b.costOf(ctx, t, fmt.Sprintf("%d scripted 4.2", n), n, patternOf(dir))
}

func (b *bench) costReal(ctx context.Context, t *table) (err error) {
	o := lab.DefaultOptions()
	o.Version, o.LogSync, o.LogAnnounce = b.version, -4, -3
	l, err := lab.Build(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return b.costOf(ctx, t, "1 real "+b.version, 1, l.Sockets("follower"))
}

// costOf measures both programs on the instances behind a pattern.
func (b *bench) costOf(ctx context.Context, t *table, name string, instances int, pattern string) (err error) {
	w, err := b.watch(ctx, pattern, instances)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	sockets, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	reader, err := b.programs.self(nil, append([]string{readerCommand}, sockets...)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.finish(instances)) }()
	// What a program does once at its start is no running cost.
	if err := pause(ctx, min(5*time.Second, b.period)); err != nil {
		return err
	}
	ours, bare, err := b.observe(ctx, w.adapter, reader)
	if err != nil {
		return err
	}
	addCost(t, name, instances, ours, bare)
	return nil
}

// finish stops the reader and checks that it has read what it should.
func (r *program) finish(instances int) error {
	want := time.Since(r.started).Seconds() * rate * float64(instances)
	if err := r.stop(); err != nil {
		return err
	}
	if got, err := strconv.Atoi(r.said()); err != nil || float64(got) < 0.7*want {
		return fmt.Errorf("the program to compare with has read %q pushes, not about %.0f", r.said(), want)
	}
	return nil
}

// expense is what a program used per second, and what it has in memory.
type expense struct {
	mcore, switches float64
	memory          memory
}

// observe watches two programs at the same time.
func (b *bench) observe(ctx context.Context, programs ...*program) (ours, bare expense, err error) {
	before := make([]usage, len(programs))
	for i, p := range programs {
		if before[i], err = readUsage(p.Process.Pid); err != nil {
			return ours, bare, err
		}
	}
	if err := pause(ctx, b.period); err != nil {
		return ours, bare, err
	}
	expenses := make([]expense, len(programs))
	for i, p := range programs {
		after, err := readUsage(p.Process.Pid)
		if err != nil {
			return ours, bare, err
		}
		seconds := after.at.Sub(before[i].at).Seconds()
		expenses[i].mcore = (after.cpu - before[i].cpu).Seconds() / seconds * 1000
		expenses[i].switches = float64(after.switches-before[i].switches) / seconds
		if expenses[i].memory, err = readMemory(p.Process.Pid); err != nil {
			return ours, bare, err
		}
	}
	return expenses[0], expenses[1], nil
}

// addCost adds the rows of one setting. The bars are for an adapter of one instance.
func addCost(t *table, name string, instances int, ours, bare expense) {
	judged := func(verdict []string) []string {
		if instances != 1 {
			return noBar()
		}
		return verdict
	}
	const mebibyte = 1024 // in KiB
	mcore := func(v float64) string { return fmt.Sprintf("%.2f mcore", v) }
	perSecond := func(v float64) string { return fmt.Sprintf("%.0f /s", v) }
	mib := func(v float64) string { return fmt.Sprintf("%.1f MiB", v) }
	add := func(figure string, a, b float64, show func(float64) string, verdict []string) {
		t.add(append([]string{name, figure, show(a), show(b), ratio(a, b)}, verdict...)...)
		name = strings.Repeat(" ", len(name))
	}
	inMiB := func(kib int64) float64 { return float64(kib) / mebibyte }

	add("CPU", ours.mcore, bare.mcore, mcore, judged(bar[float64]{2, 1}.cells(ours.mcore, mcore)))
	add("context switches", ours.switches, bare.switches, perSecond, noBar())
	resident := inMiB(ours.memory.rss)
	add("Rss", resident, inMiB(bare.memory.rss), mib, judged(bar[float64]{40, 25}.cells(resident, mib)))
	add("RssAnon", inMiB(ours.memory.anonymous), inMiB(bare.memory.anonymous), mib, noBar())
	add("RssFile", inMiB(ours.memory.file), inMiB(bare.memory.file), mib, noBar())
	add("Pss", inMiB(ours.memory.pss), inMiB(bare.memory.pss), mib, noBar())
}
