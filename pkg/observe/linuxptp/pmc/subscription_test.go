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

package pmc_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// samples32 is the fastest subscription, and so the one that is renewed soonest: every
// half a second.
func samples32() pmc.Subscription {
	return pmc.Subscription{Events: pmc.Events(pmc.NotifyTimeSync), Interval: time.Second / 32}
}

func TestSubscriptionsLapseBeforePTP4LIsHeldUp(t *testing.T) {
	ports := pmc.Events(pmc.NotifyPortState, pmc.NotifyParentDataSet)
	samples := pmc.Events(pmc.NotifyPortState, pmc.NotifyTimeSync)
	d, c := connect(t, nil)
	for _, tt := range []struct {
		name    string
		in      pmc.Subscription
		seconds uint16
	}{
		{name: "no samples", in: pmc.Subscription{Events: ports}, seconds: 8},
		{name: "1 Sync a second", in: pmc.Subscription{Events: samples, Interval: time.Second}, seconds: 8},
		{name: "a Sync in 16 s", in: pmc.Subscription{Events: samples, Interval: 16 * time.Second}, seconds: 8},
		{name: "8 Syncs a second", in: pmc.Subscription{Events: samples, Interval: time.Second / 8}, seconds: 8},
		{name: "16 Syncs a second", in: pmc.Subscription{Events: samples, Interval: time.Second / 16}, seconds: 4},
		{name: "32 Syncs a second", in: pmc.Subscription{Events: samples, Interval: time.Second / 32}, seconds: 2},
	} {
		if err := c.Subscribe(t.Context(), tt.in); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		all := d.received(subscriptions)
		last := all[len(all)-1]
		var s pmc.SubscribeEventsNP
		if err := s.UnmarshalBinary(last.Data); err != nil {
			t.Fatal(err)
		}
		if s.Duration != tt.seconds || s.Events != tt.in.Events {
			t.Errorf("%s: subscribed to %v for %d s, want %d s", tt.name, s.Events[0], s.Duration, tt.seconds)
		}
		if last.BoundaryHops != 0 || last.StartingBoundaryHops != 0 {
			t.Errorf("%s: hops %d, %d", tt.name, last.StartingBoundaryHops, last.BoundaryHops)
		}
	}
}

func TestFasterSubscriptionsAreRefused(t *testing.T) {
	d, c := connect(t, nil)
	for _, interval := range []time.Duration{0, -time.Second, time.Second / 64, time.Second/32 - 1} {
		err := c.Subscribe(t.Context(), pmc.Subscription{Events: pmc.Events(pmc.NotifyTimeSync), Interval: interval})
		if !errors.Is(err, pmc.ErrTooFast) {
			t.Errorf("%v: error %v, want ErrTooFast", interval, err)
		}
	}
	if n := len(d.received(subscriptions)); n != 0 {
		t.Errorf("%d subscriptions were sent", n)
	}
}

func TestSubscriptionIsRenewedUntilItIsReplaced(t *testing.T) {
	t.Parallel()
	d, c := connect(t, nil)
	if err := c.Subscribe(t.Context(), samples32()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	eventually(t, "two renewals", func() bool { return len(d.received(subscriptions)) >= 3 })
	if took := time.Since(began); took < 2*time.Second/3-50*time.Millisecond {
		t.Errorf("two renewals in %v, want one in 333 ms", took)
	}
	all := d.received(subscriptions)
	for _, m := range all {
		if m.Source != all[0].Source || string(m.Data) != string(all[0].Data) {
			t.Errorf("renewed as %+v, subscribed as %+v", m, all[0])
		}
	}

	if err := c.Subscribe(t.Context(), pmc.Subscription{}); err != nil {
		t.Fatal(err)
	}
	n := len(d.received(subscriptions))
	for began := time.Now(); time.Since(began) < 500*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		if now := len(d.received(subscriptions)); now != n {
			t.Fatal("an ended subscription was renewed")
		}
	}
}

func TestCloseEndsTheSubscription(t *testing.T) {
	d, c := connect(t, nil)
	if err := c.Subscribe(t.Context(), pmc.Subscription{Events: pmc.Events(pmc.NotifyPortState)}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	all := d.received(subscriptions)
	if len(all) != 2 || strings.Trim(string(all[1].Data), "\x00") != "" {
		t.Errorf("subscriptions %+v, want the second to be empty", all)
	}
}

func TestCloseDoesNotWaitForAHungPTP4L(t *testing.T) {
	t.Parallel()
	d, c := connect(t, nil)
	if err := c.Subscribe(t.Context(), samples32()); err != nil {
		t.Fatal(err)
	}
	hang := make(chan struct{})
	d.play(func(*daemon, pmc.Message) { <-hang })
	defer close(hang)
	eventually(t, "a renewal", func() bool { return len(d.received(subscriptions)) == 2 })
	began := time.Now()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 900*time.Millisecond { // a request may take a second
		t.Errorf("Close took %v", took)
	}
}

func TestRefusedSubscriptionIsAnError(t *testing.T) {
	_, c := connect(t, except(pmc.IDSubscribeEventsNP, func(d *daemon, request pmc.Message) {
		d.send(d.refuse(request, pmc.ErrorNotSupported))
	}))
	err := c.Subscribe(t.Context(), pmc.Subscription{Events: pmc.Events(pmc.NotifyPortState)})
	if want := (pmc.StatusError{ID: pmc.IDSubscribeEventsNP, Status: pmc.ErrorNotSupported}); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if c.Err() != nil {
		t.Errorf("the connection has ended: %v", c.Err())
	}
}

func TestMissedRenewalsEndTheConnection(t *testing.T) {
	t.Parallel()
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), nil)
	c := dial(t, pmc.Config{Socket: d.path, Timeout: 50 * time.Millisecond})
	if err := c.Subscribe(t.Context(), samples32()); err != nil {
		t.Fatal(err)
	}
	d.play(ignore)
	err := ends(t, c)
	if !errors.Is(err, pmc.ErrNoAnswer) || !strings.HasPrefix(err.Error(), "renew the subscription, 3 times: SET SUBSCRIBE_EVENTS_NP: no answer") {
		t.Errorf("error %v", err)
	}
	if n := len(d.received(subscriptions)); n != 4 {
		t.Errorf("%d subscriptions, want the first and three renewals", n)
	}
}

func TestOneMissedRenewalIsForgiven(t *testing.T) {
	t.Parallel()
	d := start(t, filepath.Join(socketDir(t), "ptp4l"), func(d *daemon) {
		count := 0
		except(pmc.IDSubscribeEventsNP, func(d *daemon, request pmc.Message) {
			if count++; count%2 == 1 {
				obey(d, request)
			}
		})(d)
	})
	c := dial(t, pmc.Config{Socket: d.path, Timeout: 50 * time.Millisecond})
	if err := c.Subscribe(t.Context(), samples32()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "seven subscriptions", func() bool { return len(d.received(subscriptions)) == 7 })
	if c.Err() != nil {
		t.Errorf("the connection has ended: %v", c.Err())
	}
}

func TestRenewalNoticesAVanishedPTP4L(t *testing.T) {
	t.Parallel()
	d, c := connect(t, nil)
	if err := c.Subscribe(t.Context(), samples32()); err != nil {
		t.Fatal(err)
	}
	d.stop()
	if err := ends(t, c); !errors.Is(err, pmc.ErrGone) {
		t.Errorf("error %v, want ErrGone", err)
	}
}

func TestPushesFasterThanAnnouncedEndTheConnection(t *testing.T) {
	t.Parallel()
	d, c := connect(t, nil)
	if err := c.Subscribe(t.Context(), samples32()); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for n := uint16(0); ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				d.push(n)
			}
		}
	}()
	err := ends(t, c)
	close(stop)
	<-stopped
	if !errors.Is(err, pmc.ErrTooFast) {
		t.Errorf("error %v, want ErrTooFast", err)
	}
}

// subscribed is a connection with a subscription that is not renewed during a test.
func subscribed(t *testing.T) (*daemon, *pmc.Client) {
	t.Helper()
	d, c := connect(t, nil)
	if err := c.Subscribe(t.Context(), pmc.Subscription{Events: pmc.Events(pmc.NotifyTimeSync), Interval: time.Second}); err != nil {
		t.Fatal(err)
	}
	return d, c
}

func TestPushesArriveInOrder(t *testing.T) {
	d, c := subscribed(t)
	began := time.Now()
	d.push(0, 1, 2)
	for want := range int64(3) {
		p := next(t, c)
		var s pmc.TimeStatusNP
		if err := s.UnmarshalBinary(p.Data); err != nil {
			t.Fatal(err)
		}
		if s.MasterOffset != want || p.ID != pmc.IDTimeStatusNP || !p.IsPush() || p.Gap {
			t.Errorf("push %d is %+v with %+v", want, p, s)
		}
		if p.At.Before(began) || p.At.After(time.Now()) {
			t.Errorf("push %d came at %v", want, p.At)
		}
	}
	if p, ok := c.Next(); ok {
		t.Errorf("there is another push: %+v", p)
	}
}

func TestGapsAreSeen(t *testing.T) {
	for _, tt := range []struct {
		name      string
		sequences []uint16
		gaps      []bool
	}{
		{name: "none", sequences: []uint16{0, 1, 2}, gaps: []bool{false, false, false}},
		{name: "the first is lost", sequences: []uint16{1, 2}, gaps: []bool{true, false}},
		{name: "one is lost", sequences: []uint16{0, 2, 3}, gaps: []bool{false, true, false}},
		{name: "ptp4l has dropped the subscription", sequences: []uint16{0, 1, 0, 1}, gaps: []bool{false, false, true, false}},
		{name: "one comes twice", sequences: []uint16{0, 0, 1}, gaps: []bool{false, true, false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, c := subscribed(t)
			d.push(tt.sequences...)
			for i, want := range tt.gaps {
				if p := next(t, c); p.Gap != want || p.Sequence != tt.sequences[i] {
					t.Errorf("push %d has sequence %d, gap %v; want %d, %v", i, p.Sequence, p.Gap, tt.sequences[i], want)
				}
			}
		})
	}
}

func TestRenewalIsNoGap(t *testing.T) {
	t.Parallel()
	d, c := connect(t, nil)
	if err := c.Subscribe(t.Context(), samples32()); err != nil {
		t.Fatal(err)
	}
	for n := range uint16(3) { // ptp4l counts on
		d.push(n)
		if p := next(t, c); p.Gap {
			t.Errorf("push %d follows a gap", n)
		}
		eventually(t, "a renewal", func() bool { return len(d.received(subscriptions)) >= 2+int(n) })
	}
}

func TestPushesOfOthersAreDropped(t *testing.T) {
	d, c := subscribed(t)
	other := d.sample(7)
	other.Target.Port++
	d.send(other)
	command := d.sample(8)
	command.Action = pmc.ActionCommand
	d.send(command)
	d.push(0)
	if p := next(t, c); p.Sequence != 0 || p.Gap {
		t.Errorf("push %d, gap %v", p.Sequence, p.Gap)
	}
}

func TestUnknownLongPushesLeaveAGap(t *testing.T) {
	d, c := subscribed(t)
	long := d.sample(0)
	long.Data = make([]byte, 1000)
	d.send(long)
	d.push(1)
	if p := next(t, c); p.Sequence != 1 || !p.Gap {
		t.Errorf("push %d, gap %v; want 1 after a gap", p.Sequence, p.Gap)
	}
}

func TestSlowReaderGetsTheLatestAfterAGap(t *testing.T) {
	const sent, kept = 300, 128
	d, c := subscribed(t)
	for n := range uint16(sent) {
		d.push(n)
	}
	if err := c.Fetch(t.Context(), new(pmc.Priority1)); err != nil { // its answer comes after all the pushes
		t.Fatal(err)
	}
	for n := range uint16(kept) {
		p, ok := c.Next()
		if want := sent - kept + n; !ok || p.Sequence != want || p.Gap != (n == 0) {
			t.Fatalf("push %d, gap %v; want %d, gap %v", p.Sequence, p.Gap, want, n == 0)
		}
	}
	if _, ok := c.Next(); ok {
		t.Error("there are more")
	}
	d.push(sent)
	if p := next(t, c); p.Gap {
		t.Error("the gap is told twice")
	}
}
