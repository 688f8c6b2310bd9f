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
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

// watchInterval is how often the clocks are asked.
const watchInterval = 20 * time.Millisecond

// watch prints what is done to the clocks of a lab and what becomes of them.
type watch struct {
	lab *lab.Lab

	mu  sync.Mutex // guards what follows
	out io.Writer
	at  time.Time // of the last fault
}

func newWatch(l *lab.Lab, out io.Writer) *watch { return &watch{lab: l, out: out, at: time.Now()} }

// run asks every clock again and again, and prints those whose answer has
// changed, until ctx is done.
func (w *watch) run(ctx context.Context) {
	last := map[string]string{}
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		for _, c := range w.lab.Clocks() {
			now := summary(ctx, c)
			if ctx.Err() != nil {
				return
			}
			if now != last[c.Name()] {
				last[c.Name()] = now
				w.printf("%+9.3f s  %s: %s\n", w.sinceFault().Seconds(), c.Name(), now)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// summary says how a clock is, in words that change only when something has
// happened: offsets are rounded to 10 us, which is more than their noise.
func summary(ctx context.Context, c *lab.Clock) string {
	if c.Pid() == 0 {
		return "does not run"
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	s, err := c.Status(ctx)
	if err != nil {
		return "gives no answer"
	}
	return fmt.Sprintf("%v, grandmaster class %d priority1 %d, offset %v",
		s.Ports, s.GrandmasterClass, s.GrandmasterPriority1, s.Offset.Round(10*time.Microsecond))
}

// do does what a line says and reports whether it succeeded. A fault starts the
// count of seconds anew.
func (w *watch) do(ctx context.Context, line string) bool {
	at, err := w.lab.Do(ctx, line)
	if err != nil {
		w.printf("error: %v\n", err)
		return false
	}
	if at.IsZero() { // no fault
		w.printf("%+9.3f s  %s: done\n", w.sinceFault().Seconds(), line)
		return true
	}
	w.mu.Lock()
	w.at = at
	w.mu.Unlock()
	w.printf("%s %s\n", at.Format("15:04:05.000000"), line)
	return true
}

func (w *watch) sinceFault() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.at)
}

func (w *watch) printf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.out, format, args...)
}
