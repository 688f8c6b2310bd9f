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

package linuxptp

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

const (
	// slowPoll is how often what ptp4l does not push is read: the clock's own class, the
	// path delay and the Sync interval. It also heals whatever went unnoticed.
	slowPoll = 5 * time.Second
	// parentPoll is how often the parent is read where ptp4l may not push it.
	parentPoll = 2 * time.Second
	// Where ptp4l does not push the offset it is read as often as Sync comes, but within
	// these; the parent, which is not pushed then either, at the slower pace.
	fastestPoll = 125 * time.Millisecond
	slowestPoll = 250 * time.Millisecond
	// calmPeriod is how often a clock that is well says so: samples of no interest in
	// between do not wake us.
	calmPeriod = 250 * time.Millisecond
	// confirmTimeout is how long ptp4l may take to confirm a silence. It answers in some
	// ten microseconds unless it hangs, and then it is silent all the same.
	confirmTimeout = 100 * time.Millisecond
)

// session is one connection to one running ptp4l. One goroutine runs it.
type session struct {
	client *pmc.Client
	config Config
	emit   func(at time.Time, f clock.Fact)
	log    *zap.SugaredLogger
	// moved receives when the socket may have been replaced.
	moved <-chan struct{}
	// slowly says that its pushes turned out to come too fast to be safe.
	slowly bool

	// What this ptp4l can do.
	pushesPorts, pushesSync, pushesParent bool
	// By port: its network interface and its hardware clock.
	interfaces, hardware map[uint16]string

	// What is known of it, to tell news from repetition and silence from calm.
	interval   time.Duration // of Sync
	subscribed time.Duration // the Sync interval that the subscription was made for
	asked      time.Time     // when the ports were read last: older pushes are stale
	slave      uint16        // number of the port that is SLAVE; 0 for none
	heard      time.Time     // when the last Sync came, or when the port became SLAVE
	ingress    int64         // ingress_time of the last Sync
	misread    int           // pushes whose data set could not be read
	reported   int           // unreadable messages when they were last reported
	silent     bool

	poll    *time.Ticker
	silence *time.Timer
	slow    time.Time // last slow poll
	parents time.Time // last read of the parent
}

// run reports until the connection ends, and returns why.
func (s *session) run(ctx context.Context) error {
	s.poll = time.NewTicker(slowPoll)
	defer s.poll.Stop()
	defer s.reportUnreadable()
	s.silence = time.NewTimer(time.Hour)
	s.silence.Stop() // until a port is SLAVE
	if err := s.begin(ctx); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.client.Done():
			return s.client.Err()
		case <-s.client.Wait():
			err = s.hear(ctx)
		case now := <-s.poll.C:
			err = s.pollInTime(ctx, now)
		case <-s.silence.C:
			err = s.checkSilence(ctx)
		case <-s.moved:
			_, err = s.readLocal(ctx) // whether the ptp4l behind the old socket still lives
		}
		if err != nil {
			return err
		}
	}
}

// hear reports the pushes that have arrived.
func (s *session) hear(ctx context.Context) error {
	var portChanged, parentChanged, lost bool
	for p, ok := s.client.Next(); ok; p, ok = s.client.Next() {
		lost, parentChanged = lost || p.Gap, parentChanged || p.ID == pmc.IDParentDataSet
		if p.At.Before(s.asked) {
			continue // older than what was read since
		}
		changed, err := s.push(p)
		if err != nil {
			s.misread++
		}
		portChanged = portChanged || changed
	}
	if lost {
		s.log.Debugw("pushes were lost; reading everything again")
		return s.read(ctx)
	}
	if parentChanged || portChanged { // another master may have another timescale
		if err := s.readTimeProperties(ctx); err != nil {
			return err
		}
	}
	if !portChanged {
		return nil
	}
	// ptp4l before 4.2 does not push the parent, and none pushes it when the port comes
	// back to the same one: whatever follows from the port must not use an old parent.
	now := time.Now()
	parent, err := s.readParent(ctx)
	if err != nil {
		return err
	}
	s.emit(now, parent)
	if err := s.readPathDelay(ctx, now); err != nil {
		return err
	}
	return s.adapt(ctx)
}

// push reports one push, and whether it was a change of a port's state.
func (s *session) push(p pmc.Push) (portChanged bool, err error) {
	switch p.ID {
	case pmc.IDTimeStatusNP:
		var d pmc.TimeStatusNP
		if err := d.UnmarshalBinary(p.Data); err != nil {
			return false, err
		}
		s.sync(p.At, &d, p.Skipped)
	case pmc.IDParentDataSet:
		if !s.pushesParent {
			s.pushesParent = true
			s.poll.Reset(s.pollInterval())
		}
		var d pmc.ParentDataSet
		if err := d.UnmarshalBinary(p.Data); err != nil {
			return false, err
		}
		s.emit(p.At, parent(&d))
	case pmc.IDPortDataSet:
		var d pmc.PortDataSet
		if err := d.UnmarshalBinary(p.Data); err != nil {
			return false, err
		}
		port := s.port(&d)
		s.emit(p.At, port)
		switch {
		case port.State == clock.Slave:
			s.followPort(p.At, port.Number)
		case port.Number == s.slave:
			s.followPort(p.At, 0)
		}
		return true, nil
	}
	return false, nil
}

// sync reports a Sync that ptp4l has processed, and calm ones before it.
func (s *session) sync(at time.Time, d *pmc.TimeStatusNP, calm int) {
	s.heard, s.ingress = at, d.IngressTime
	if s.silent {
		s.silent = false
		s.silence.Reset(s.limit())
	}
	s.emit(at, clock.Sync{Offset: time.Duration(d.MasterOffset), Calm: calm})
}

// adapt renews the subscription when the Sync interval has changed: its duration
// depends on how many pushes a second there are.
func (s *session) adapt(ctx context.Context) error {
	if s.interval == s.subscribed || !s.pushesPorts {
		return nil
	}
	s.log.Infow("the Sync interval has changed", "from", s.subscribed, "to", s.interval)
	return s.subscribe(ctx)
}

// reportUnreadable says that messages were dropped: when it begins, and when they have
// become ten times as many.
func (s *session) reportUnreadable() {
	if n := s.client.Unreadable() + s.misread; n > 10*s.reported {
		s.log.Warnw("ptp4l has sent messages that cannot be read; they were ignored: check that its version is 3.1.1 to 4.4", "messages", n)
		s.reported = n
	}
}
