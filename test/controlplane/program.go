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

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// Program is a program in the network namespace.
type Program struct {
	*sandbox.Process
	name, log string
}

// Run starts a program in the network namespace. Its output goes to a file, and the
// program ends with this process or with Close. Programs of the same name have
// different logs.
func (c *ControlPlane) Run(name string, cmd *exec.Cmd) (*Program, error) {
	log := c.file(name, ".log")
	process, err := c.namespace.Start(cmd, log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Program{Process: process, name: name, log: log}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.programs = append(c.programs, p)
	return p, nil
}

// file returns a path of that name that is not used yet.
func (c *ControlPlane) file(name, extension string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names[name+extension]++
	if n := c.names[name+extension]; n > 1 {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	return filepath.Join(c.dir.Path(), name+extension)
}

// Log returns the path of the file with the program's output.
func (p *Program) Log() string { return p.log }

// Stop sends SIGTERM and waits until the program has ended, and ended well. When ctx
// is done before, it sends SIGKILL.
func (p *Program) Stop(ctx context.Context) error {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.Exited():
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("%s did not stop: %w", p.name, ctx.Err()), p.Kill())
	}
	if p.Err() != nil {
		return p.ended()
	}
	return nil
}

// Kill sends SIGKILL and waits until the program has ended.
func (p *Program) Kill() error {
	if _, err := p.End(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.Exited()
	return nil
}

// ended says how a program ended, with its last words.
func (p *Program) ended() error {
	how := "exit status 0"
	if err := p.Err(); err != nil {
		how = err.Error()
	}
	return fmt.Errorf("%s does not run (%s); %s", p.name, how, p.lastWords())
}

// lastWords returns the end of the log.
func (p *Program) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("the log %s ends:\n%s", p.log, sandbox.LastLines(string(text), 10))
}
