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

package docs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Faults breaks clocks: a lab.Lab.
type Faults interface {
	// Do does what a line such as "freeze gm" says.
	Do(ctx context.Context, line string) (time.Time, error)
}

// Runner does what pages say.
type Runner struct {
	// Root is the root of the repository, from where commands run.
	Root string
	// Env is the environment of the commands.
	Env []string
	// Faults breaks clocks.
	Faults Faults
	// StepTimeout is how long one step may take, with all its repetitions.
	StepTimeout time.Duration
	// Interval is the time between repetitions.
	Interval time.Duration
	// Said gets what is done and what was printed.
	Said func(format string, args ...any)
}

// Run does what a page says, step by step. When one fails, only faults and what cleans up
// follow: every fault of a page is mended by a later one, and no page may leave a clock
// broken for the next.
func (r *Runner) Run(ctx context.Context, page *Page) (err error) {
	dir, err := os.MkdirTemp("", "eventing-ptp-docs-")
	if err != nil {
		return fmt.Errorf("run %s: %w", page.Path, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	shell := &shell{root: r.Root, env: r.Env, state: filepath.Join(dir, "state")}
	for _, step := range page.Steps {
		if err != nil && !step.CleanUp && step.Fault == "" {
			continue
		}
		if failed := r.step(context.WithoutCancel(ctx), shell, step); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s:%d: %w", page.Path, step.Line, failed))
		}
		if err == nil {
			err = ctx.Err()
		}
	}
	return err
}

func (r *Runner) step(ctx context.Context, shell *shell, step Step) error {
	ctx, cancel := context.WithTimeout(ctx, r.StepTimeout)
	defer cancel()
	if step.Fault != "" {
		r.Said("lab: %s", step.Fault)
		_, err := r.Faults.Do(ctx, step.Fault)
		return err
	}
	r.Said("%s", step.Commands)
	var before error // of the try before, which says more than that the last was cut short
	for {
		printed, err := shell.run(ctx, step.Commands)
		if err == nil && step.Output != nil {
			err = Match(step.Output, printed)
		}
		if err == nil {
			r.Said("%s", printed)
			return nil
		}
		if step.Output == nil || !onlyLooks(step.Commands) {
			return err
		}
		if ctx.Err() == nil {
			before = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %v, with a try every %v: %w", r.StepTimeout, r.Interval, errors.Join(before, ctx.Err()))
		case <-time.After(r.Interval):
		}
	}
}

// looking begins a line that changes nothing.
var looking = regexp.MustCompile(`^kubectl (-n \S+ )?(get|logs|describe) `)

// onlyLooks is whether commands may be repeated.
func onlyLooks(commands string) bool {
	// A line that goes on in the next is one.
	for line := range strings.Lines(strings.NewReplacer("\\\n", " ", "|\n", "| ").Replace(commands)) {
		if !looking.MatchString(line) {
			return false
		}
	}
	return true
}

// shell runs commands one after the other. What one exports or sets, and the directory
// that it goes to, is there for the next.
type shell struct {
	root  string
	env   []string
	state string // a file that restores variables and directory
}

// run runs commands until one fails, or until ctx ends, and returns what they print.
func (s *shell) run(ctx context.Context, commands string) (string, error) {
	const script = `set -euo pipefail
if [ -e "$0" ]; then . "$0"; fi
set -a
eval "$1"
set +a
{ export -p; printf 'cd %q\n' "$PWD"; } >"$0"`
	cmd := exec.CommandContext(ctx, "bash", "-c", script, s.state, commands)
	cmd.Dir, cmd.Env = s.root, s.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// All of a pipeline ends with it.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var printed, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = &printed, &complaints
	if err := cmd.Run(); err != nil {
		return printed.String(), fmt.Errorf("%s\n%w\n%s%s", indent(strings.Split(commands, "\n")), err, printed.String(), complaints.String())
	}
	return printed.String(), nil
}
