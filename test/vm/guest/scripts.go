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
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// How long a script breaks things, and how long it then takes at most until all is well again.
const breaking, mending = 15 * time.Second, 20 * time.Second

// playScripts breaks several parts of the machine at random times, again and again. Each part comes
// back by itself, in the end all of them. A seed makes the same scripts every time.
func (s *stage) playScripts(seed uint64, scripts int) error {
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.do("start", func() error { _, err := s.startAdapter(adapterConfig, s.sink); return err }); err != nil {
		return err
	}
	time.Sleep(calm)
	for number := range scripts {
		if err := s.playScript(rand.New(rand.NewPCG(seed, uint64(number))), number); err != nil {
			return fmt.Errorf("script %d of seed %d: %w", number, seed, err)
		}
	}
	if err := s.do("end", func() error { return nil }); err != nil {
		return err
	}
	return s.delivered()
}

// part is one that can be broken in some ways, and be mended.
type part struct {
	name   string
	breaks []func() error
	mend   func() error
	broken bool
}

func (s *stage) parts() []*part {
	stops := func(p **program) func() error { return func() error { return (*p).signal(unix.SIGSTOP) } }
	kills := func(p **program) func() error { return func() error { return (*p).signal(unix.SIGKILL) } }
	// mend starts again what has ended, and lets go on what has not.
	mend := func(p **program, start func() (*program, error)) func() error {
		return func() error {
			select {
			case <-(*p).ended:
				started, err := start()
				*p = started
				return err
			default:
				return (*p).signal(unix.SIGCONT)
			}
		}
	}
	return []*part{
		{name: "ptp4l", breaks: []func() error{stops(&s.ptp4l), kills(&s.ptp4l)}, mend: mend(&s.ptp4l, s.startClient)},
		{name: "phc2sys", breaks: []func() error{stops(&s.phc2sys), kills(&s.phc2sys)}, mend: mend(&s.phc2sys, s.startPHC2Sys)},
		{name: "master", breaks: []func() error{stops(&s.master)}, mend: mend(&s.master, nil)},
		{name: "cable", breaks: []func() error{func() error { return cable("off") }}, mend: func() error { return cable("on") }},
	}
}

func (s *stage) playScript(r *rand.Rand, number int) error {
	parts := s.parts()
	type action struct {
		at time.Duration
		do func() error
	}
	name := func(what string) string { return fmt.Sprintf("%d: %s", number, what) }
	var actions []action
	for range 2 + r.IntN(3) {
		p := parts[r.IntN(len(parts))]
		how := p.breaks[r.IntN(len(p.breaks))]
		at := time.Duration(r.Int64N(int64(breaking / 2)))
		actions = append(actions, action{at, func() error {
			if p.broken {
				return nil
			}
			p.broken = true
			return s.doTo(name(p.name+" broken"), p.name, true, how)
		}}, action{at + 300*time.Millisecond + time.Duration(r.Int64N(int64(breaking/2))), func() error { return s.mendPart(name(p.name+" mended"), p) }})
	}
	if r.IntN(2) == 0 { // not near the end: ptp4l has to slew it
		by := time.Duration(300+r.IntN(1200)) * time.Microsecond
		if r.IntN(2) == 0 {
			by = -by
		}
		actions = append(actions, action{time.Duration(r.Int64N(int64(breaking / 3))), func() error {
			return s.doTo(name("hardware clock stepped"), by.String(), true, func() error { return set(clientClock, by) })
		}})
	}
	slices.SortStableFunc(actions, func(a, b action) int { return int(a.at - b.at) })
	start := time.Now()
	for _, a := range actions {
		time.Sleep(time.Until(start.Add(a.at)))
		if err := a.do(); err != nil {
			return err
		}
	}
	time.Sleep(time.Until(start.Add(breaking)))
	for _, p := range parts {
		if err := s.mendPart(name(p.name+" mended"), p); err != nil {
			return err
		}
	}
	time.Sleep(mending)
	return s.do(name("well"), func() error { return nil })
}

func (s *stage) mendPart(name string, p *part) error {
	if !p.broken {
		return nil
	}
	p.broken = false
	return s.doTo(name, p.name, false, p.mend)
}
