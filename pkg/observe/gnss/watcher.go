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

// Package gnss observes GNSS receivers through gpsd, which reads them for everybody: a second
// reader of a receiver would steal from the first. It asks for what gpsd says of itself
// (gpsd_json(5)), changes no setting of gpsd or of a receiver, and never judges.
package gnss

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
)

const (
	// heartbeat is how often gpsd is asked for its devices: a gpsd without a receiver that
	// speaks says nothing on its own. It also finds devices that come and go.
	heartbeat = 2 * time.Second
	// silence is how long a gpsd may say nothing at all, and a receiver nothing of a fix.
	// Receivers report once a second.
	silence = 5 * time.Second
	// silentCycles is how many reports of a slower receiver may be missing.
	silentCycles = 4
	// stale is how long a number of satellites and a fault of the antenna count.
	stale = 10 * time.Second
	// mostReceivers is more than any gpsd is built for.
	mostReceivers = 64
	// firstRetry and lastRetry are the pauses between two tries to connect: they double.
	firstRetry, lastRetry = 250 * time.Millisecond, 5 * time.Second
)

// Watcher watches the receivers of one gpsd.
type Watcher struct {
	address string
	origin  time.Time
	emit    func(clock.Observation)
	log     *zap.SugaredLogger
	dial    func(context.Context) (net.Conn, error)

	cause string // of the last failure, empty while gpsd answers
}

// NewWatcher returns a watcher of the gpsd at address, host:port, that calls emit for every
// observation, with instants counted from origin.
func NewWatcher(address string, origin time.Time, emit func(clock.Observation), log *zap.SugaredLogger) *Watcher {
	return &Watcher{
		address: address, origin: origin, emit: emit, log: log.With("gpsd", address),
		dial: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{Timeout: silence}).DialContext(ctx, "tcp", address)
		},
	}
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	pause := firstRetry
	for {
		spoken, err := w.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		w.observe(time.Now(), "", clock.GNSSDown{Cause: err.Error()})
		if cause := err.Error(); cause != w.cause {
			w.log.Warnw("gpsd cannot be read", zap.Error(err))
			w.cause = cause
		}
		if spoken {
			pause = firstRetry
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, lastRetry)
	}
}

// connect watches through one connection until that ends, and returns why, and whether there
// was a gpsd at its other end.
func (w *Watcher) connect(ctx context.Context) (spoken bool, err error) {
	conn, err := w.dial(ctx)
	if err != nil {
		return false, fmt.Errorf("connect to gpsd: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	s := &session{watcher: w, conn: conn, lines: newLines(conn), receivers: map[string]*receiver{}}
	err = s.run()
	if errors.Is(err, io.EOF) {
		err = errors.New("gpsd has closed the connection")
	}
	return s.listed, err
}

func (w *Watcher) observe(at time.Time, receiver string, f clock.Fact) {
	w.emit(clock.Observation{At: clock.Instant(at.Sub(w.origin)), Instance: receiver, Fact: f})
}

// session is one connection to gpsd.
type session struct {
	watcher *Watcher
	conn    net.Conn
	lines   *lines

	asked, heard time.Time // gpsd, last
	listed       bool      // its devices have come
	receivers    map[string]*receiver
	open, closed []string // by name, as emitted last
	complaint    string   // that gpsd has made last
}

// receiver is what gpsd has said of a device.
type receiver struct {
	device
	isOpen bool
	// reported is when it was heard last, or could have been heard first. silent is whether
	// it has been reported as silent since.
	reported time.Time
	silent   bool
	// satellites is how many it receives, and counted when it has said so.
	satellites int
	counted    time.Time
	// antenna is what it has said of it, and felt when it has.
	antenna clock.Antenna
	felt    time.Time
}

// name is what a device is called: /dev/gnss0 is gnss0.
func name(path string) string {
	if below, ok := strings.CutPrefix(path, "/dev/"); ok {
		return strings.ReplaceAll(below, "/", ".")
	}
	return path
}

// patience is how long a receiver may say nothing.
func (r *receiver) patience() time.Duration {
	const longest = 10 * time.Minute
	cycle := min(max(0, r.Cycle), longest.Seconds())
	return max(silence, silentCycles*time.Duration(cycle*float64(time.Second)))
}

// run takes what gpsd says, until it does not any more.
func (s *session) run() error {
	s.heard = time.Now()
	if err := s.greet(); err != nil {
		return err
	}
	if err := s.ask(`?WATCH={"enable":true,"json":true};`); err != nil {
		return err
	}
	for {
		line, err := s.lines.next(s.deadline())
		now := time.Now()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			return err
		default:
			s.heard = now
			if err := s.take(now, line); err != nil {
				return err
			}
		}
		if err := s.pass(now); err != nil {
			return err
		}
	}
}

// greet waits for gpsd to say who it is, which it does at once.
func (s *session) greet() error {
	line, err := s.lines.next(s.heard.Add(silence))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errSilent
	}
	if err != nil {
		return err
	}
	m, err := parse(line)
	switch {
	case err != nil:
		return err
	case m.version == nil:
		return fmt.Errorf("what answers is not gpsd: it began with %.60q", line)
	case m.version.Major != protocol:
		return fmt.Errorf("gpsd %.20q speaks version %d of its protocol, this program knows %d", m.version.Release, m.version.Major, protocol)
	}
	s.watcher.log.Infow("connected to gpsd", "release", m.version.Release)
	s.watcher.cause = ""
	s.heard = time.Now()
	return nil
}

var errSilent = fmt.Errorf("gpsd says nothing for %v: it hangs, or what listens there is not gpsd", silence)

func (s *session) ask(request string) error {
	s.asked = time.Now()
	if err := s.conn.SetWriteDeadline(s.asked.Add(silence)); err != nil {
		return err
	}
	_, err := io.WriteString(s.conn, request+"\n")
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errSilent
	}
	return err
}

// deadline is when something is to be done next, whatever is said until then.
func (s *session) deadline() time.Time {
	next := s.asked.Add(heartbeat)
	consider := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	consider(s.heard.Add(silence))
	for _, r := range s.receivers {
		if r.isOpen && !r.silent {
			consider(r.reported.Add(r.patience()))
		}
	}
	return next
}

// pass does what is due.
func (s *session) pass(now time.Time) error {
	if now.Sub(s.heard) >= silence {
		return errSilent
	}
	for _, path := range slices.Sorted(maps.Keys(s.receivers)) {
		r := s.receivers[path]
		if quiet := now.Sub(r.reported); r.isOpen && !r.silent && quiet >= r.patience() {
			r.silent = true
			s.watcher.log.Warnw("a GNSS receiver says nothing", "receiver", name(path), "device", path, "for", quiet)
			s.watcher.observe(now, name(path), clock.GNSSSilence{For: quiet})
		}
	}
	if now.Sub(s.asked) >= heartbeat {
		return s.ask("?DEVICES;")
	}
	return nil
}

// take takes one line.
func (s *session) take(now time.Time, line []byte) error {
	if len(line) == 0 {
		return nil
	}
	m, err := parse(line)
	if errors.Is(err, errNoJSON) {
		return err
	}
	if err == nil {
		err = m.err
	}
	if err != nil {
		if complaint := err.Error(); complaint != s.complaint {
			s.complaint = complaint
			s.watcher.log.Warnw("gpsd says what is of no use", zap.Error(err))
		}
		return nil
	}
	switch {
	case m.devices != nil:
		s.listed = true
		listed := map[string]bool{}
		for _, d := range m.devices {
			if d.receiver() {
				listed[d.Path] = true
				s.update(now, d, d.open())
			}
		}
		for path := range s.receivers {
			if !listed[path] {
				delete(s.receivers, path)
			}
		}
		s.list(now)
	case m.device != nil:
		if m.device.Activated != nil && m.device.receiver() {
			s.update(now, *m.device, m.device.open())
			s.list(now)
		}
	case m.sky != nil:
		if r := s.from(now, m.sky.Device); r != nil {
			if n, ok := m.sky.received(); ok {
				r.satellites, r.counted = n, now
			}
		}
	case m.tpv != nil:
		s.report(now, *m.tpv)
	}
	return nil
}

// update takes over what gpsd says of a device.
func (s *session) update(now time.Time, d device, isOpen bool) {
	r := s.receivers[d.Path]
	if d.Path == "" || r == nil && len(s.receivers) == mostReceivers {
		return
	}
	if r == nil {
		r = &receiver{}
		s.receivers[d.Path] = r
	}
	if !r.isOpen {
		r.reported, r.silent = now, false
	}
	r.device, r.isOpen = d, isOpen
}

// list emits the list of receivers if it is another one.
func (s *session) list(now time.Time) {
	if !s.listed {
		return // a part of it would look as if the rest were gone
	}
	open, closed := []string{}, []string{}
	for path, r := range s.receivers {
		if r.isOpen {
			open = append(open, name(path))
		} else {
			closed = append(closed, name(path))
		}
	}
	slices.Sort(open)
	slices.Sort(closed)
	if s.open != nil && slices.Equal(open, s.open) && slices.Equal(closed, s.closed) {
		return
	}
	s.open, s.closed = open, closed
	s.watcher.log.Infow("GNSS receivers of gpsd", "open", open, "closed", closed)
	s.watcher.observe(now, "", clock.GNSSReceivers{Open: open, Closed: closed})
}

// from returns the receiver that a report is from; nil if it does not say.
func (s *session) from(now time.Time, path string) *receiver {
	if path == "" {
		return nil
	}
	if r := s.receivers[path]; r == nil || !r.isOpen {
		d := device{Path: path}
		if r != nil {
			d = r.device
		}
		s.update(now, d, true) // it speaks
		s.list(now)
	}
	return s.receivers[path]
}

// report emits what a receiver says of its fix.
func (s *session) report(now time.Time, t tpv) {
	r := s.from(now, t.Device)
	if r == nil || !s.listed {
		return
	}
	if r.silent {
		s.watcher.log.Infow("a GNSS receiver speaks again", "receiver", name(t.Device), "device", t.Device)
	}
	r.reported, r.silent = now, false
	if a := t.antenna(); a != clock.AntennaUnknown {
		r.antenna, r.felt = a, now
	}
	report := clock.GNSSReport{Fix: t.fix()}
	if now.Sub(r.felt) < stale {
		report.Antenna = r.antenna
	}
	if now.Sub(r.counted) < stale {
		report.Satellites = r.satellites
	}
	s.watcher.observe(now, name(t.Device), report)
}
