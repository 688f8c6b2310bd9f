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
	"errors"
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

const (
	// slowPoll is how often what ptp4l does not push is read: the clock's own class, and
	// the Sync interval. It also heals whatever went unnoticed.
	slowPoll = 5 * time.Second
	// parentPoll is how often the parent is read where ptp4l may not push it.
	parentPoll = time.Second
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
	interfaces                            map[uint16]string

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
			err = s.pollDue(ctx, now)
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

// begin learns what this ptp4l is and can do, subscribes, and reports a first reading.
func (s *session) begin(ctx context.Context) error {
	var hw pmc.PortHWClockNP
	var refused pmc.StatusError
	switch err := s.client.Fetch(ctx, &hw); {
	case err == nil:
		s.pushesSync = !s.slowly
	case errors.As(err, &refused):
		// linuxptp before 4.0 has no PORT_HWCLOCK_NP, and stores a subscription to
		// TIME_SYNC without ever serving it.
	default:
		return err
	}
	if err := s.learnParentPushes(ctx); err != nil {
		return err
	}
	if err := s.readInterfaces(ctx); err != nil {
		return err
	}
	if _, err := s.readPorts(ctx); err != nil { // for the Sync interval, which the subscription needs
		return err
	}
	var before pmc.TimeStatusNP // a Sync from before we looked proves nothing about now
	if err := s.client.Fetch(ctx, &before); err != nil {
		return err
	}
	s.ingress = before.IngressTime
	s.pushesPorts = true
	switch err := s.subscribe(ctx); {
	case err == nil:
	case errors.As(err, &refused):
		// The read-only socket takes no subscriptions.
		s.pushesPorts, s.pushesSync, s.pushesParent = false, false, false
	default:
		return err
	}
	s.poll.Reset(s.pollInterval())
	s.log.Infow("watching ptp4l", "identity", s.client.Identity().String(), "interfaces", s.interfaces,
		"syncInterval", s.interval, "pushed", map[string]bool{"ports": s.pushesPorts, "offset": s.pushesSync, "parent": s.pushesParent})
	return s.read(ctx)
}

// learnParentPushes finds out whether the parent is pushed for sure: from linuxptp 4.2 on,
// of which 4.3 can be told by its CMLDS_INFO_NP, and 4.2 once it has done it.
func (s *session) learnParentPushes(ctx context.Context) error {
	_, err := s.client.Get(ctx, pmc.IDCMLDSInfoNP)
	refused, isRefusal := errors.AsType[pmc.StatusError](err)
	if err != nil && !isRefusal {
		return err
	}
	s.pushesParent = err == nil || refused.Status != pmc.ErrorNoSuchID
	return nil
}

// calm says which samples need not be reported each. One in every 2, 4, 8, ... comes all
// the same.
func (s *session) calm() pmc.Quiet {
	every := uint16(1)
	for time.Duration(2*every)*s.interval <= calmPeriod {
		every *= 2
	}
	if s.config.CalmOffset <= 0 || !s.pushesSync {
		every = 1
	}
	return pmc.Quiet{Within: s.config.CalmOffset, Every: every}
}

// heldBack is how long ago the last Sync may at most have come after the last that was
// reported.
func (s *session) heldBack() time.Duration {
	return time.Duration(s.calm().Every-1) * s.interval
}

// subscribe asks for everything that ptp4l pushes, at the present Sync rate. Offsets that
// come too fast to be pushed safely are polled.
func (s *session) subscribe(ctx context.Context) error {
	events := pmc.Events(pmc.NotifyPortState, pmc.NotifyParentDataSet)
	if s.pushesSync {
		events.Set(pmc.NotifyTimeSync)
	}
	err := s.client.Subscribe(ctx, pmc.Subscription{Events: events, Interval: s.interval, Quiet: s.calm()})
	if errors.Is(err, pmc.ErrTooFast) {
		s.pushesSync = false
		return s.subscribe(ctx)
	}
	if err != nil {
		return fmt.Errorf("subscribe to ptp4l: %w", err)
	}
	s.subscribed = s.interval
	s.poll.Reset(s.pollInterval())
	return nil
}

// reportUnreadable says that messages were dropped: when it begins, and when they have
// become ten times as many.
func (s *session) reportUnreadable() {
	if n := s.client.Unreadable() + s.misread; n > 10*s.reported {
		s.log.Warnw("ptp4l has sent messages that cannot be read; they were ignored: check that its version is 3.1.1 to 4.4", "messages", n)
		s.reported = n
	}
}

// readInterfaces reads which network interface each port is. The read-only socket does
// not tell; ports then go by their number.
func (s *session) readInterfaces(ctx context.Context) error {
	s.interfaces = map[uint16]string{}
	answers, err := s.client.Get(ctx, pmc.IDPortPropertiesNP)
	if _, refused := errors.AsType[pmc.StatusError](err); refused {
		return nil
	}
	if err != nil {
		return err
	}
	for _, a := range answers {
		var p pmc.PortPropertiesNP
		if err := p.UnmarshalBinary(a.Data); err != nil {
			return err
		}
		s.interfaces[p.PortIdentity.Port] = string(p.Interface)
	}
	return nil
}

// read reports a reading of everything.
func (s *session) read(ctx context.Context) error {
	asked := time.Now()
	local, err := s.readLocal(ctx)
	if err != nil {
		return err
	}
	ports, err := s.readPorts(ctx)
	if err != nil {
		return err
	}
	parent, err := s.readParent(ctx)
	if err != nil {
		return err
	}
	s.asked, s.slow, s.parents = asked, asked, asked
	s.emit(time.Now(), clock.Reading{Local: local, Parent: parent, Ports: ports})
	return s.settle(ctx, asked, ports)
}

func (s *session) readLocal(ctx context.Context) (clock.Local, error) {
	var d pmc.DefaultDataSet
	if err := s.client.Fetch(ctx, &d); err != nil {
		return clock.Local{}, err
	}
	return clock.Local{Identity: clock.Identity(d.ClockIdentity), Class: clock.Class(d.ClockQuality.Class)}, nil
}

func (s *session) readParent(ctx context.Context) (clock.Parent, error) {
	var d pmc.ParentDataSet
	if err := s.client.Fetch(ctx, &d); err != nil {
		return clock.Parent{}, err
	}
	return parent(&d), nil
}

func parent(d *pmc.ParentDataSet) clock.Parent {
	return clock.Parent{Grandmaster: clock.Identity(d.GrandmasterIdentity), Class: clock.Class(d.GrandmasterClockQuality.Class)}
}

// readPorts reads all ports, and takes the Sync interval from the one that counts.
func (s *session) readPorts(ctx context.Context) ([]clock.Port, error) {
	answers, err := s.client.Get(ctx, pmc.IDPortDataSet)
	if err != nil {
		return nil, err
	}
	ports := make([]clock.Port, 0, len(answers))
	var d pmc.PortDataSet
	for _, a := range answers {
		if err := d.UnmarshalBinary(a.Data); err != nil {
			return nil, err
		}
		ports = append(ports, s.port(&d))
	}
	return ports, nil
}

func (s *session) port(d *pmc.PortDataSet) clock.Port {
	if s.interval == 0 || clock.PortState(d.PortState) == clock.Slave {
		s.interval = logInterval(d.LogSyncInterval)
	}
	return clock.Port{
		Number:    d.PortIdentity.Port,
		State:     clock.PortState(d.PortState),
		Interface: s.interfaces[d.PortIdentity.Port],
	}
}

// logInterval returns 2^l seconds, for the values that IEEE 1588-2019, 7.7.2.1, gives a
// meaning and 802.1AS calls sensible; a port that sends no Sync (127) counts as one a second.
func logInterval(l int8) time.Duration {
	if l < -10 || l > 10 {
		return time.Second
	}
	return time.Duration(math.Ldexp(float64(time.Second), int(l)))
}

// settle follows up a reading of all ports that was asked for at asked.
func (s *session) settle(ctx context.Context, asked time.Time, ports []clock.Port) error {
	var slave uint16
	for _, p := range ports {
		if p.State == clock.Slave {
			slave = p.Number
		}
	}
	s.followPort(asked, slave)
	return s.adapt(ctx)
}

// followPort starts or stops to listen for silence. Only a port that follows a master
// can miss its Sync.
func (s *session) followPort(at time.Time, slave uint16) {
	if slave == s.slave {
		return
	}
	s.slave, s.heard, s.silent = slave, at, false
	if slave == 0 {
		s.silence.Stop()
		return
	}
	s.silence.Reset(s.limit())
}

// limit is how long a port in SLAVE may be without a Sync.
func (s *session) limit() time.Duration {
	return max(time.Duration(s.config.SyncIntervals)*s.interval, s.config.SyncTimeout)
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

// hear reports the pushes that have arrived.
func (s *session) hear(ctx context.Context) error {
	var portChanged, lost bool
	for p, ok := s.client.Next(); ok; p, ok = s.client.Next() {
		lost = lost || p.Gap
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
	s.heard, s.ingress, s.silent = at, d.IngressTime, false
	if s.slave != 0 {
		s.silence.Reset(s.limit()) // before it fires: a timer that never does costs nothing
	}
	s.emit(at, clock.Sync{Offset: time.Duration(d.MasterOffset), Calm: calm})
}

// readSync reads the offset, reports it if there was a Sync since the last one, and
// returns whether there was. Without a master ingress_time is 0 or stands still, and
// the offset is an old one.
func (s *session) readSync(ctx context.Context) (bool, error) {
	now := time.Now()
	var d pmc.TimeStatusNP
	if err := s.client.Fetch(ctx, &d); err != nil {
		return false, err
	}
	if d.IngressTime == 0 || d.IngressTime == s.ingress {
		return false, nil
	}
	s.sync(now, &d, 0)
	return true, nil
}

// checkSilence reports a silence, once, if there is one.
func (s *session) checkSilence(ctx context.Context) error {
	if err := s.hear(ctx); err != nil { // what has arrived comes before what has not
		return err
	}
	if s.slave == 0 || s.silent {
		return nil
	}
	if left := s.limit() - time.Since(s.heard); left > 0 {
		s.silence.Reset(left)
		return nil
	}
	confirm, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	latest := s.heard.Add(s.heldBack())
	if came, err := s.readSync(confirm); came && err == nil {
		// There was one after all. If calm ones are held back, it came before the next
		// sign of life was due; if none are, its push was lost and it may be a new one.
		if s.heldBack() > 0 {
			s.heard = latest
			s.silence.Reset(s.limit() - time.Since(latest))
		}
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := s.client.Err(); err != nil {
		return err // gone, which is more than silent
	}
	// If ptp4l did not answer either it hangs; the next poll will say so.
	now := time.Now()
	s.silent = true
	s.emit(now, clock.Silence{For: now.Sub(s.heard)})
	return nil
}

// pollInterval is how often there is something to poll.
func (s *session) pollInterval() time.Duration {
	switch {
	case s.pushesParent:
		return slowPoll
	case s.pushesSync:
		return parentPoll
	}
	return min(max(s.interval, fastestPoll), slowestPoll)
}

// pollDue reads what is due at now of what is not pushed.
func (s *session) pollDue(ctx context.Context, now time.Time) error {
	if !s.pushesSync {
		if _, err := s.readSync(ctx); err != nil {
			return err
		}
	}
	const early = fastestPoll / 2 // a tick may come so much before its time
	parentDue := parentPoll
	if !s.pushesSync {
		parentDue = slowestPoll
	}
	slow := now.Sub(s.slow) >= slowPoll-early
	if slow {
		s.slow = now
		s.reportUnreadable()
		local, err := s.readLocal(ctx)
		if err != nil {
			return err
		}
		s.emit(now, local)
	}
	if slow || !s.pushesParent && now.Sub(s.parents) >= parentDue-early {
		s.parents = now
		parent, err := s.readParent(ctx)
		if err != nil {
			return err
		}
		s.emit(now, parent)
	}
	if !slow && s.pushesPorts {
		return nil
	}
	if err := s.hear(ctx); err != nil { // nothing older may come after what is read now
		return err
	}
	asked := time.Now()
	ports, err := s.readPorts(ctx)
	if err != nil {
		return err
	}
	for _, p := range ports {
		s.emit(asked, p)
	}
	s.asked = asked
	return s.settle(ctx, asked, ports)
}
