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
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/phc"
	"github.com/eventing-ptp/eventing-ptp/test/vm"
)

// The devices that ptp4l steers.
const (
	clientClock      = "ptp2"
	grandmasterClock = "ptp3"
)

// stage is what runs in the machine.
type stage struct {
	sink     string
	programs []*program
	// What begin has started.
	master, ptp4l, phc2sys *program
}

// program is a program that runs.
type program struct {
	*exec.Cmd
	ended chan struct{}
}

// start starts a program, whose words go to the log of the machine.
func (s *stage) start(name string, args ...string) (*program, error) {
	p := &program{exec.Command(name, args...), make(chan struct{})}
	p.Stdout, p.Stderr = os.Stderr, os.Stderr
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	s.programs = append(s.programs, p)
	go func() {
		_ = p.Wait() // how it ends is in the log
		close(p.ended)
	}()
	return p, nil
}

// signal signals a program, and waits for the end of one that is killed.
func (p *program) signal(signal unix.Signal) error {
	if err := p.Process.Signal(signal); err != nil {
		return fmt.Errorf("signal %s: %w", p.Path, err)
	}
	if signal == unix.SIGKILL {
		<-p.ended
	}
	return nil
}

// end ends all programs, the last first.
func (s *stage) end() {
	for _, p := range slices.Backward(s.programs) {
		_ = p.Process.Signal(unix.SIGCONT)
		_ = p.Process.Signal(unix.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(5 * time.Second):
		}
	}
}

// do does something, and says so and when on standard output.
func (s *stage) do(name string, what func() error) error { return s.doTo(name, "", false, what) }

// doTo does something to a part of the machine.
func (s *stage) doTo(name, part string, broken bool, what func() error) error {
	m := vm.Mark{Name: name, Part: part, Broken: broken, Before: time.Now().Round(0)}
	if err := what(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m.After = time.Now().Round(0)
	return s.say(m)
}

func (s *stage) say(m vm.Mark) error {
	fmt.Fprintf(os.Stderr, "guest: %s\n", m.Name)
	return json.NewEncoder(os.Stdout).Encode(m)
}

// command runs a command to its end.
func command(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return string(out), nil
}

// intervals are eight messages of each kind a second.
const intervals = "network_transport L2\ntx_timestamp_timeout 1000\nlogAnnounceInterval -3\nlogSyncInterval -3\nlogMinDelayReqInterval -3\n"

// startGrandmaster starts the other end of the wire, with a clock that runs freely in TAI.
func (s *stage) startGrandmaster() error {
	if err := setTo(grandmasterClock, time.Now().Add(37*time.Second)); err != nil {
		return err
	}
	config := "[global]\nserverOnly 1\nclockClass 6\nclockAccuracy 0x20\nuds_address /run/gm\nuds_ro_address /run/gmro\n" + intervals + "[eth1]\nphc_index 3\n"
	if err := os.WriteFile("/run/gm.cfg", []byte(config), 0o600); err != nil {
		return err
	}
	if _, err := s.start("ip", "netns", "exec", "gm", os.Args[0], "stamps", "eth1", "1"); err != nil {
		return err
	}
	master, err := s.start("ip", "netns", "exec", "gm", "ptp4l", "-f", "/run/gm.cfg", "-m") // ip(8) becomes ptp4l
	if err != nil {
		return err
	}
	s.master = master
	time.Sleep(3 * time.Second) // until it is grandmaster
	return announce(0)
}

// announce lets the grandmaster announce a leap second, or none.
func announce(leap61 int) error {
	_, err := command("pmc", "-u", "-s", "/run/gm", "-i", "/run/pmc", "-b", "0", fmt.Sprintf("SET GRANDMASTER_SETTINGS_NP clockClass 6 clockAccuracy 0x20 "+
		"offsetScaledLogVariance 0x4e5d currentUtcOffset 37 leap61 %d leap59 0 currentUtcOffsetValid 1 ptpTimescale 1 timeTraceable 1 frequencyTraceable 1 timeSource 0x20", leap61))
	return err
}

// startClient starts the ptp4l that is watched.
func (s *stage) startClient() (*program, error) {
	config := "[global]\nclientOnly 1\nuds_address /run/ptp4l\nsummary_interval 1\nfirst_step_threshold 0.00002\nstep_threshold 1.0\n" + intervals + "[eth0]\nphc_index 2\n"
	if err := os.WriteFile("/run/client.cfg", []byte(config), 0o600); err != nil {
		return nil, err
	}
	return s.start("ptp4l", "-f", "/run/client.cfg", "-m")
}

// startPHC2Sys starts what lets CLOCK_REALTIME follow the client's clock, once a second as is
// its default.
func (s *stage) startPHC2Sys() (*program, error) {
	return s.start("phc2sys", "-s", "/dev/"+clientClock, "-c", "CLOCK_REALTIME", "-O", "-37", "-R", "1", "-S", "1.0", "-m")
}

// adapterConfig watches everything and sends everything.
const adapterConfig = `
linuxptp: {sockets: [/run/ptp4l]}
hardwareClock: {enabled: true, pollInterval: 100ms}
osClock: {enabled: true}
events:
  types:
  - event.sync.ptp-status.ptp-state-change
  - event.sync.ptp-status.ptp-clock-class-change
  - event.sync.sync-status.synchronization-state-change
  - event.sync.sync-status.os-clock-sync-state-change
  - com.github.eventing-ptp.os-clock.stepped
  - com.github.eventing-ptp.hardware-clock.stepped
  - com.github.eventing-ptp.daemon-state.changed
  - com.github.eventing-ptp.grandmaster.changed
  - com.github.eventing-ptp.port-state.changed
  - com.github.eventing-ptp.leap-second.changed
  - com.github.eventing-ptp.path-delay-state.changed
  - com.github.eventing-ptp.events.lost
`

func (s *stage) startAdapter(config, sink string) (*program, error) {
	if err := os.WriteFile("/run/adapter.yaml", []byte(config), 0o600); err != nil {
		return nil, err
	}
	return s.start("/payload/receive_adapter", "-sink", sink, "-node", "vm", "-config", "/run/adapter.yaml")
}

// metricsAddress is where the adapter exposes metrics, if it is to.
const metricsAddress = "127.0.0.1:9092"

// scrape says what the adapter exposes of the clocks themselves.
func (s *stage) scrape(name string) error {
	answer, err := http.Get("http://" + metricsAddress + "/metrics")
	if err != nil {
		return fmt.Errorf("scrape the adapter: %w", err)
	}
	defer answer.Body.Close()
	m := vm.Mark{Name: name}
	scanner := bufio.NewScanner(answer.Body)
	for scanner.Scan() {
		if line := scanner.Text(); strings.HasPrefix(line, "ptp_hardware_clock_") || strings.HasPrefix(line, "ptp_os_clock_") {
			m.Metrics = append(m.Metrics, line)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("scrape the adapter: %w", err)
	}
	return s.say(m)
}

// adjust calls clock_adjtime(2) on a hardware clock, or on CLOCK_REALTIME where it is empty.
func adjust(device string, t unix.Timex) error {
	id := int32(unix.CLOCK_REALTIME)
	if device != "" {
		fd, err := unix.Open("/dev/"+device, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open %s: %w", device, err)
		}
		defer func() { _ = unix.Close(fd) }()
		id = unix.FdToClockID(fd)
	}
	if _, err := unix.ClockAdjtime(id, &t); err != nil {
		return fmt.Errorf("adjust %s: %w", device, err)
	}
	return nil
}

// set sets a clock by a difference.
func set(device string, by time.Duration) error {
	t := unix.Timex{Modes: unix.ADJ_SETOFFSET | unix.ADJ_NANO}
	t.Time.Sec, t.Time.Usec = int64(by/time.Second), int64(by%time.Second) // ADJ_NANO makes it nanoseconds
	if t.Time.Usec < 0 {
		t.Time.Sec, t.Time.Usec = t.Time.Sec-1, t.Time.Usec+1e9
	}
	return adjust(device, t)
}

// setTo sets a hardware clock to a time.
func setTo(device string, to time.Time) error {
	fd, err := unix.Open("/dev/"+device, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", device, err)
	}
	defer func() { _ = unix.Close(fd) }()
	now := unix.NsecToTimespec(to.UnixNano())
	if err := unix.ClockSettime(unix.FdToClockID(fd), &now); err != nil {
		return fmt.Errorf("set %s: %w", device, err)
	}
	return nil
}

// steer gives a hardware clock a frequency.
func steer(device string, ppm float64) error {
	return adjust(device, unix.Timex{Modes: unix.ADJ_FREQUENCY, Freq: scaled(ppm)})
}

// cable pulls or plugs the cable of the client's card: off or on.
func cable(state string) error {
	return os.WriteFile("/dev/vport0p4", []byte("set_link eth0 "+state+"\n"), 0)
}

// compare reads the client's clock as the adapter does, and as phc_ctl does in between.
func (s *stage) compare(name string) error {
	var mu sync.Mutex
	var seen []time.Duration
	w, err := phc.NewWatcher(phc.Config{Interval: phc.ShortestInterval, Directory: "/dev"}, time.Now(), func(o clock.Observation) {
		if f, ok := o.Fact.(clock.HardwareClock); ok && f.Device == clientClock {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, f.Offset)
		}
	}, zap.NewNop().Sugar())
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(watching)
	}()
	time.Sleep(200 * time.Millisecond)
	out, err := command("phc_ctl", "-q", "/dev/"+clientClock, "cmp")
	time.Sleep(200 * time.Millisecond)
	stop()
	<-ended
	if err != nil {
		return err
	}
	found := regexp.MustCompile(`offset from CLOCK_REALTIME is (-?\d+)ns`).FindSubmatch(bytes.TrimSpace([]byte(out)))
	if found == nil || len(seen) < 4 {
		return fmt.Errorf("phc_ctl says %q, and there were %d readings", out, len(seen))
	}
	theirs, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		return err
	}
	m := vm.Mark{Name: name, Theirs: time.Duration(theirs), Ours: [2]time.Duration{seen[0], seen[0]}}
	for _, o := range seen {
		m.Ours = [2]time.Duration{min(m.Ours[0], o), max(m.Ours[1], o)}
	}
	return s.say(m)
}
