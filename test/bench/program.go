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
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// programs are the executables, in a directory of their own. Both are built alike, as
// the images are: without C.
type programs struct{ dir string }

const (
	module         = "github.com/eventing-ptp/eventing-ptp"
	adapterProgram = "receive_adapter"
	benchProgram   = "bench"
)

// build builds them. They must be removed in the end.
func build(ctx context.Context) (programs, error) {
	dir, err := os.MkdirTemp("", "eventing-ptp-bench-")
	if err != nil {
		return programs{}, err
	}
	p := programs{dir}
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+"/",
		module+"/cmd/"+adapterProgram, module+"/test/"+benchProgram)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return programs{}, errors.Join(fmt.Errorf("build the programs: %w", err), p.remove())
	}
	if err := errors.Join(reload(p.path(adapterProgram)), reload(p.path(benchProgram))); err != nil {
		return programs{}, errors.Join(err, p.remove())
	}
	return p, nil
}

// reload has a file read from the disk, as after a start of the node. How much of an
// executable counts as resident depends on the pieces in which it lies in the page cache:
// one that was just written comes in other ones, and RssFile differs up to twofold.
func reload(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return err
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return fmt.Errorf("drop %s from memory: %w", path, err)
	}
	_, err = io.Copy(io.Discard, f)
	return err
}

func (p programs) path(name string) string { return filepath.Join(p.dir, name) }

func (p programs) remove() error { return os.RemoveAll(p.dir) }

// socketDir returns a new directory for management sockets.
func (p programs) socketDir() (string, error) { return os.MkdirTemp(p.dir, "run-") }

// configuration suits software timestamps, whose noise is microseconds, and more on a
// busy machine. No holdover may end while a fault lasts.
const configuration = `{
  "thresholds": {"lockOffset": "500us", "unlockOffset": "1ms", "holdoverTimeout": "60s"},
  "health": {"address": ""}
}`

// adapter starts the receive adapter, with more arguments where there are any.
func (p programs) adapter(sinkURL, sockets string, more ...string) (*program, error) {
	c := exec.Command(p.path(adapterProgram), append([]string{"-sink", sinkURL, "-node", "bench", "-socket", sockets}, more...)...)
	c.Env = append(os.Environ(), "K_SOURCE_CONFIG="+configuration, "PROFILING_PORT=0")
	return p.start(c, nil)
}

// adapterPath is where the adapter's events go.
const adapterPath = "/adapter"

// watched is an adapter at work, and the sink that gets its events.
type watched struct {
	*sink
	adapter *program
}

// watch starts the adapter on all instances behind a pattern, with more arguments where
// there are any, and returns when it has said that each is LOCKED.
func (b *bench) watch(ctx context.Context, pattern string, instances int, more ...string) (*watched, error) {
	s, err := newSink()
	if err != nil {
		return nil, err
	}
	adapter, err := b.programs.adapter(s.url+adapterPath, pattern, more...)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	w := &watched{s, adapter}
	for range instances {
		if _, err := s.next(ctx, "LOCKED", isLocked); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

func (w *watched) close() error { return errors.Join(w.adapter.stop(), w.sink.close()) }

// self starts this program as another one.
func (p programs) self(stdin io.Reader, args ...string) (*program, error) {
	return p.start(exec.Command(p.path(benchProgram), args...), stdin)
}

// program is a process of this benchmark.
type program struct {
	*exec.Cmd
	started time.Time // just before
	output  string    // file
}

// start runs a command until it is stopped, or until this process ends.
func (p programs) start(c *exec.Cmd, stdin io.Reader) (*program, error) {
	output, err := os.CreateTemp(p.dir, "output-")
	if err != nil {
		return nil, err
	}
	defer output.Close()
	c.Stdin, c.Stdout, c.Stderr = stdin, output, output
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r := &program{c, time.Now(), output.Name()}
	return r, c.Start()
}

// stop ends the program as Kubernetes does. An error quotes what it has said last.
func (r *program) stop() error {
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	kill := time.AfterFunc(patience, func() { _ = r.Process.Kill() })
	defer kill.Stop()
	if err := r.Wait(); err != nil {
		return fmt.Errorf("%s: %w; it said:\n%s", filepath.Base(r.Path), err, r.said())
	}
	return nil
}

// said returns the end of what the program has printed.
func (r *program) said() string {
	text, err := os.ReadFile(r.output)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
