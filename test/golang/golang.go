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

// Package golang runs the Go command, and finds the source of modules.
package golang

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// Output runs the Go command in dir, the working directory if empty, and returns what it
// prints. An error carries the command's own last words.
func Output(ctx context.Context, dir string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	err := run(ctx, dir, args, &stdout, &stderr)
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, sandbox.LastLines(stderr.String(), 10))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// ModuleDir returns where the source of a module is that the one of the working directory
// is or needs.
func ModuleDir(ctx context.Context, module string) (string, error) {
	dir, err := Output(ctx, "", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", fmt.Errorf("find the source of %s: %w", module, err)
	}
	return dir, nil
}

// every is how often somebody who waits hears that it goes on.
const every = 30 * time.Second

// Build runs go build in dir. While it takes long, progress gets a line every half minute.
func Build(ctx context.Context, progress io.Writer, dir string, args ...string) error {
	t := &teller{}
	told := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(told)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				fmt.Fprintln(progress, t.so())
			}
		}
	}()
	err := run(ctx, dir, append([]string{"build", "-v"}, args...), io.Discard, t)
	cancel()
	<-told
	if err != nil {
		return fmt.Errorf("go build: %w: %s", err, t.lastWords())
	}
	return nil
}

func run(ctx context.Context, dir string, args []string, stdout, stderr io.Writer) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	// Without cgo a program needs nothing of the machine or image that it is on; without a
	// workspace a module is what its own go.mod says.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOWORK=off", "GOFLAGS=-mod=readonly")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd.Run()
}

// teller reads what go build -v prints: the path of each package that it compiles, the
// modules that it fetches, and what is wrong.
type teller struct {
	mu       sync.Mutex
	rest     []byte // of a line
	packages int
	at       string
	words    []string
}

// Write implements io.Writer.
func (t *teller) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest = append(t.rest, text...)
	for {
		line, rest, whole := bytes.Cut(t.rest, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		t.rest = rest
		t.line(string(line))
	}
}

func (t *teller) line(line string) {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		t.at = strings.TrimPrefix(line, "go: ")
	case !strings.ContainsAny(line, " \t:#"): // what is wrong is said in sentences
		t.packages++
		t.at = line
	default:
		t.words = append(t.words, line)
	}
}

// so says how far it is.
func (t *teller) so() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("  %d packages compiled, now %s", t.packages, t.at)
}

func (t *teller) lastWords() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return sandbox.LastLines(strings.Join(slices.Concat(t.words, []string{string(t.rest)}), "\n"), 10)
}
