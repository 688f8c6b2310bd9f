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

// Package synce4l observes what quality levels synce4l passes on: of the source that a device is
// locked to, which the kernel does not know. It asks on synce4l's own socket (smc_socket_path),
// sets nothing, and never judges.
//
// synce4l serves that socket in a thread of its own, one request at a time, so that nobody who
// asks can hold up the rest of it.
package synce4l

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

const (
	// period is how often each device is asked for: as often as ESMC messages are sent
	// (ITU-T G.8264, 11.3.2.1).
	period = time.Second
	// patience is how long synce4l may take to answer, which is less than a millisecond.
	patience = 2 * time.Second
)

// Config says whom to ask, and for what.
type Config struct {
	// Socket is the path of synce4l's socket (smc_socket_path).
	Socket string
	// Devices are the names of devices in synce4l's configuration, without the angle brackets.
	Devices []string
}

// Validate reports the first value that makes no sense, and what would.
func (c Config) Validate() error {
	switch {
	case !filepath.IsAbs(c.Socket):
		return fmt.Errorf("synce: synce4l: socket is %q; it must be an absolute path, synce4l's smc_socket_path", c.Socket)
	case len(c.Devices) == 0:
		return errors.New("synce: synce4l: devices are missing; name those of synce4l's configuration, for example [synce1]")
	}
	for _, d := range c.Devices {
		if d == "" || len(d) > longestName {
			return fmt.Errorf("synce: synce4l: device %q must have 1 to %d characters", d, longestName)
		}
	}
	return nil
}

// Watcher watches the devices of one synce4l.
type Watcher struct {
	config Config
	origin time.Time
	emit   func(clock.Observation)
	log    *zap.SugaredLogger
	dial   func(context.Context) (net.Conn, error)

	said map[string]string // of each device, the last line of the log
}

// NewWatcher returns a watcher that calls emit for every observation, with instants counted
// from origin.
func NewWatcher(c Config, origin time.Time, emit func(clock.Observation), log *zap.SugaredLogger) (*Watcher, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Watcher{
		config: c, origin: origin, emit: emit, log: log.With("socket", c.Socket), said: map[string]string{},
		dial: func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "unix", c.Socket) },
	}, nil
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		for _, device := range w.config.Devices {
			level, err := w.ask(ctx, device)
			if ctx.Err() != nil {
				return
			}
			w.report(device, level, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// report emits what came of asking for a device, and logs it when it has changed.
func (w *Watcher) report(device string, level clock.QualityLevel, err error) {
	at := clock.Instant(time.Since(w.origin))
	if err != nil {
		cause := explain(err)
		w.emit(clock.Observation{At: at, Fact: clock.SyncEQualityUnreadable{Device: device, Cause: cause}})
		if w.said[device] != cause {
			w.said[device] = cause
			w.log.Warnw("synce4l does not tell a quality level", "device", device, "cause", cause)
		}
		return
	}
	w.emit(clock.Observation{At: at, Fact: clock.SyncEQualityReport{Device: device, Level: level}})
	if line := fmt.Sprintf("SSM %d, enhanced %d", level.SSM, level.Enhanced); w.said[device] != line {
		w.said[device] = line
		w.log.Infow("what synce4l passes on", "device", device, "level", line)
	}
}

// explain adds to an error what to do about it.
func explain(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return err.Error() + ": start synce4l, or name its smc_socket_path"
	case errors.Is(err, fs.ErrPermission):
		return err.Error() + ": the adapter must be allowed to write to the socket"
	}
	return err.Error()
}

// ask asks for the quality level of a device. synce4l answers one request on a connection.
func (w *Watcher) ask(ctx context.Context, device string) (clock.QualityLevel, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := w.dial(ctx)
	if err != nil {
		return clock.QualityLevel{}, fmt.Errorf("connect to synce4l: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // at the deadline, too
	defer stop()
	if _, err := conn.Write(request(device)); err != nil {
		return clock.QualityLevel{}, w.failed(ctx, err)
	}
	answer, err := io.ReadAll(io.LimitReader(conn, longest))
	if err != nil {
		return clock.QualityLevel{}, w.failed(ctx, err)
	}
	return parse(answer)
}

// failed says why there is no answer.
func (w *Watcher) failed(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("synce4l does not answer within %v: it hangs", patience)
	}
	return fmt.Errorf("ask synce4l: %w", err)
}
