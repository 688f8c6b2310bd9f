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
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// How long it takes at most until everything is LOCKED again.
const (
	calm = 9 * time.Second
	// slewing is that after a step of the hardware clock, which ptp4l slews.
	slewing = 17 * time.Second
)

// begin starts everything but the adapter, and waits until all is well.
func (s *stage) begin() (err error) {
	if err := s.startGrandmaster(); err != nil {
		return err
	}
	if s.ptp4l, err = s.startClient(); err != nil {
		return err
	}
	if _, err := s.start(os.Args[0], "stamps", "eth0", "0"); err != nil {
		return err
	}
	time.Sleep(calm)
	if s.phc2sys, err = s.startPHC2Sys(); err != nil {
		return err
	}
	time.Sleep(calm)
	return nil
}

// play breaks one thing after the other. The test looks for what must follow from each between
// its mark and the next.
func (s *stage) play() error {
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.measureCost(); err != nil {
		return err
	}
	if err := os.Setenv("K_OBSERVABILITY_CONFIG", `{"metrics": {"protocol": "prometheus", "endpoint": "`+metricsAddress+`"}}`); err != nil {
		return err
	}
	if err := s.do("start", func() error { _, err := s.startAdapter(adapterConfig, s.sink); return err }); err != nil {
		return err
	}
	time.Sleep(calm)
	if err := s.compare("residual"); err != nil {
		return err
	}

	// each does something, waits, undoes it, and waits until all is well.
	each := func(name string, do func() error, wait time.Duration, undo func() error, again time.Duration) error {
		if err := s.do(name, do); err != nil {
			return err
		}
		time.Sleep(wait)
		if undo != nil {
			if err := s.do(name+" over", undo); err != nil {
				return err
			}
			time.Sleep(again)
		}
		return nil
	}
	restart := func(p **program, start func() (*program, error)) func() error {
		return func() error {
			started, err := start()
			*p = started
			return err
		}
	}
	return errors.Join(
		each("phc stepped", func() error { return set(clientClock, time.Millisecond) }, slewing, nil, 0),
		each("phc drifts", func() error { return steer(clientClock, 50) }, calm, nil, 0),
		each("phc2sys stopped", func() error { return s.phc2sys.signal(unix.SIGSTOP) }, 8*time.Second, func() error { return s.phc2sys.signal(unix.SIGCONT) }, calm),
		each("phc2sys killed", func() error { return s.phc2sys.signal(unix.SIGKILL) }, 8*time.Second, restart(&s.phc2sys, s.startPHC2Sys), calm),
		each("ptp4l stopped", func() error { return s.ptp4l.signal(unix.SIGSTOP) }, 3*time.Second, nil, 0),
		each("phc stepped while ptp4l is stopped", func() error { return set(clientClock, time.Millisecond) }, 2*time.Second, func() error { return s.ptp4l.signal(unix.SIGCONT) }, slewing),
		each("ptp4l killed", func() error { return s.ptp4l.signal(unix.SIGKILL) }, 2*time.Second, restart(&s.ptp4l, s.startClient), calm),
		each("os clock stepped", func() error { return set("", 5*time.Second) }, calm, nil, 0),
		each("cable pulled", func() error { return cable("off") }, 3*time.Second, func() error { return cable("on") }, calm),
		each("leap second announced", func() error { return announce(1) }, 6*time.Second, func() error { return announce(0) }, 6*time.Second),
		s.compare("residual at the end"),
		s.scrape("metrics"),
		each("phc gone", func() error { return os.WriteFile("/sys/class/ptp/ptp0/n_vclocks", []byte("0"), 0) }, 8*time.Second, nil, 0),
		s.do("end", func() error { return nil }),
		s.delivered(),
	)
}

// delivered asks the sink until it has everything. It is slow as seen from here, so it knows
// better when nothing more comes.
func (s *stage) delivered() error {
	answer, err := http.Get(s.sink)
	if err != nil {
		return fmt.Errorf("ask the sink whether it has everything: %w", err)
	}
	return answer.Body.Close()
}
