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

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// Clock is one ptp4l instance of a lab. Its verbs are synchronous: when they
// return, the fault is there. The time they return was taken just before the
// system call or the request that caused it. They may be called from several
// goroutines.
type Clock struct {
	name      string
	role      role
	transport Transport
	domain    uint8
	linuxptp  Linuxptp
	node      *node
	ports     []*Port
	instance  int

	mu          sync.Mutex
	process     *sandbox.Process // the last run
	frozen      bool
	servoLocked bool // what the servo shall be, kept over restarts
}

func newClock(p clockPlan, o Options, l Linuxptp, n *node) (*Clock, error) {
	c := &Clock{
		name: p.name, role: p.role, transport: o.Transport, domain: o.Domain, linuxptp: l, node: n, instance: p.instance,
		servoLocked: p.role != grandmaster,
	}
	for i, iface := range p.interfaces {
		c.ports = append(c.ports, &Port{clock: c, number: i + 1, iface: iface})
	}
	readOnly := ""
	if l.hasReadOnlySocket() {
		readOnly = filepath.Join(n.seen, c.file(readOnlySocketFile))
	}
	if len(n.seen) > maxDir {
		return nil, fmt.Errorf("%s: %s is longer than %d bytes, so sockets in it have no room in unix(7): choose a shorter directory",
			c.name, n.seen, maxDir)
	}
	return c, os.WriteFile(c.Config(), []byte(config(p, o, c.Socket(), readOnly)), 0o644)
}

// The names of a clock's files, with its number in them.
const (
	socketFile         = "ptp4l.%d.socket"
	readOnlySocketFile = "ptp4lro.%d.socket"
	configFile         = "ptp4l.%d.conf"
	logFile            = "ptp4l.%d.log"
)

func (c *Clock) file(format string) string { return fmt.Sprintf(format, c.instance) }

// files lists everything that a clock leaves in the directory of its node.
func (c *Clock) files() []string {
	return []string{c.file(socketFile), c.file(readOnlySocketFile), c.file(configFile), c.file(logFile)}
}

// maxDir is the room in sun_path (unix(7)), less that for a name: clients of ptp4l
// make sockets in the directory, too.
const maxDir = 107 - len("/.eventing-ptp-0123456789abcdef")

// Name returns the clock's name in the topology, for example gm.
func (c *Clock) Name() string { return c.name }

// Socket returns the path of the read-write management socket, as the clock's node
// sees it: <directory>/<node>/ptp4l.<n>.socket, or <SocketDir>/ptp4l.<n>.socket on
// a machine. From linuxptp 4.0 on there is also a read-only one,
// ptp4lro.<n>.socket.
func (c *Clock) Socket() string { return filepath.Join(c.node.seen, c.file(socketFile)) }

// Config returns the path of ptp4l's configuration file, as this process sees it.
func (c *Clock) Config() string { return filepath.Join(c.node.dir, c.file(configFile)) }

// Log returns the path of the file that ptp4l's output is appended to, as this
// process sees it.
func (c *Clock) Log() string { return filepath.Join(c.node.dir, c.file(logFile)) }

// Namespace returns a path to the clock's network namespace that is valid while
// the lab lives, for example for nsenter --net.
func (c *Clock) Namespace() string { return c.node.Path() }

// Ports returns the clock's PTP ports, port 1 first.
func (c *Clock) Ports() []*Port { return c.ports }

// Port returns port 1, which looks upstream where there is one.
func (c *Clock) Port() *Port { return c.ports[0] }

// Pid returns the process id of ptp4l, 0 if it does not run.
func (c *Clock) Pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.process.Running() {
		return 0
	}
	return c.process.Pid()
}

// Kill ends ptp4l with SIGKILL; its socket file stays behind.
func (c *Clock) Kill() (time.Time, error) {
	return c.verb("kill", func() (time.Time, error) { return c.end(syscall.SIGKILL) })
}

// Stop ends ptp4l with SIGTERM; it removes its socket file.
func (c *Clock) Stop() (time.Time, error) {
	return c.verb("stop", func() (time.Time, error) { return c.end(syscall.SIGTERM) })
}

// Restart ends ptp4l with SIGTERM if it runs, starts it, and returns when its
// management socket answers. The time is that before the signal, or before the
// start. What was set over the management socket is lost (a restarted
// grandmaster has the class of its configuration), except that a locked servo
// locks again, as a real one would.
func (c *Clock) Restart(ctx context.Context) (time.Time, error) {
	return c.verb("restart", func() (at time.Time, err error) {
		at = time.Now()
		if c.process.Running() {
			if at, err = c.end(syscall.SIGTERM); err != nil {
				return at, err
			}
		}
		return at, c.start(ctx)
	})
}

// Freeze stops ptp4l with SIGSTOP: it goes silent, its socket stays open.
func (c *Clock) Freeze() (time.Time, error) {
	return c.verb("freeze", func() (time.Time, error) { return c.pause(syscall.SIGSTOP) })
}

// Thaw lets a frozen ptp4l run on with SIGCONT.
func (c *Clock) Thaw() (time.Time, error) {
	return c.verb("thaw", func() (time.Time, error) { return c.pause(syscall.SIGCONT) })
}

// verb runs f while no other verb of the clock does. Its error says which verb
// of which clock it is about.
func (c *Clock) verb(name string, f func() (time.Time, error)) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, err := f()
	if err != nil {
		err = fmt.Errorf("%s %s: %w", name, c.name, err)
	}
	return at, err
}

// close ends ptp4l and removes what InjectOffset attached, and on a machine the cable.
func (c *Clock) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	if c.process.Running() {
		if _, err := c.process.End(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, fmt.Errorf("end %s: %w", c.name, err))
		}
	}
	for _, p := range c.ports {
		if p.xdp != nil {
			errs = append(errs, p.xdp.Close())
		}
		if c.node.machine != nil && p.peer != nil {
			errs = append(errs, p.removeCable())
		}
	}
	return errors.Join(errs...)
}

// start starts ptp4l, waits until it answers, and restores the servo. The
// caller holds mu.
func (c *Clock) start(ctx context.Context) error {
	config := filepath.Join(c.node.seen, c.file(configFile))
	p, err := c.node.Start(c.linuxptp.command(context.WithoutCancel(ctx), "-f", config), c.Log())
	if err != nil {
		return fmt.Errorf("start ptp4l: %w", err)
	}
	c.process, c.frozen = p, false
	if err := c.poll(ctx, p, func() (bool, error) {
		err := c.connect(ctx, func(*pmc.Client) error { return nil })
		return err == nil, err
	}); err != nil {
		return fmt.Errorf("wait for the management socket: %w", err)
	}
	if !c.servoLocked {
		return nil
	}
	return c.connect(ctx, func(client *pmc.Client) error { return setUncertain(ctx, client, false) })
}

// end sends a signal that ends ptp4l. The caller holds mu.
func (c *Clock) end(signal syscall.Signal) (time.Time, error) {
	if err := c.ready(); err != nil && (signal != syscall.SIGKILL || !c.frozen) {
		return time.Now(), err
	}
	return c.process.End(signal)
}

// pause sends SIGSTOP or SIGCONT. The caller holds mu.
func (c *Clock) pause(signal syscall.Signal) (time.Time, error) {
	freeze := signal == syscall.SIGSTOP
	if !c.process.Running() {
		return time.Now(), c.ended(c.process)
	}
	switch {
	case c.frozen && freeze:
		return time.Now(), errors.New("it is frozen already")
	case !c.frozen && !freeze:
		return time.Now(), errors.New("it is not frozen")
	}
	at, err := c.process.Pause(signal)
	if err == nil {
		c.frozen = freeze
	}
	return at, err
}

// ready returns an error if ptp4l cannot answer. The caller holds mu.
func (c *Clock) ready() error {
	if !c.process.Running() {
		return c.ended(c.process)
	}
	if c.frozen {
		return errors.New("ptp4l is frozen: thaw it first, or kill it")
	}
	return nil
}

// ended says how a process ended, with ptp4l's last words.
func (c *Clock) ended(p *sandbox.Process) error {
	how := "exit status 0"
	if err := p.Err(); err != nil {
		how = err.Error()
	}
	return fmt.Errorf("ptp4l does not run (%s): restart it; its log %s ends:\n%s", how, c.Log(), c.lastWords())
}

// lastWords returns the end of ptp4l's log.
func (c *Clock) lastWords() string {
	text, err := os.ReadFile(c.Log())
	if err != nil {
		return err.Error()
	}
	return sandbox.LastLines(string(text), 5)
}

// pollInterval is how often a state is read while waiting for it. One read
// takes ptp4l about 25 us.
const pollInterval = 5 * time.Millisecond

// poll calls done until it is true, the process ends, or ctx is done. An error
// of done means "not yet"; the last one before ctx was done is quoted.
func (c *Clock) poll(ctx context.Context, p *sandbox.Process, done func() (bool, error)) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var last error
	for {
		ok, err := done()
		if ok {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-p.Exited():
			return c.ended(p)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), last, fmt.Errorf("the log %s ends:\n%s", c.Log(), c.lastWords()))
		case <-ticker.C:
		}
	}
}
