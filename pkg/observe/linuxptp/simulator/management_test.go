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

package simulator

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp/pmc"
)

// goldenClock is the clock that linuxptp 4.2 was when the golden frames were captured.
func goldenClock() Clock {
	c := DefaultClock()
	c.Identity = clockID
	c.SlaveOnly = true
	c.Ports = []Port{{Interface: "vsl", PHC: -1}}
	c.Grandmaster.Priority1 = 100
	c.Grandmaster.TimeFlags = 0
	c.Grandmaster.TimeSource = 0xa0
	c.Sync = Sync{Interval: 125 * time.Millisecond, Offset: -961, Delay: 2874}
	return c
}

// head is the common start of the golden answers, up to the sequence number.
const (
	goldenClockHead = "00000000000000000000000000000000767f31fffe399e950000"
	goldenPortHead  = "00000000000000000000000000000000767f31fffe399e950001"
	goldenTail      = "007fcafe0000000000010001"
)

func TestAnswersAreThoseOfLinuxptp42(t *testing.T) {
	for _, tc := range []struct {
		id       pmc.ID
		sequence uint16
		want     string
	}{
		{pmc.IDDefaultDataSet, 0x0a, "0d12004a" + goldenClockHead + "000a" + goldenTail +
			"0000020000010016" + "20000300000180fffeffff80767f31fffe399e950000"},
		{pmc.IDCurrentDataSet, 0x0b, "0d120048" + goldenClockHead + "000b" + goldenTail +
			"0000020000010014" + "20010001fffffffffc3f0000000000000b3a0000"},
		{pmc.IDParentDataSet, 0x0c, "0d120056" + goldenClockHead + "000c" + goldenTail +
			"0000020000010022" + "200242160dfffe627ae700010000ffff7fffffff6406214e5d8042160dfffe627ae7"},
		{pmc.IDTimePropertiesDataSet, 0x0d, "0d12003a" + goldenClockHead + "000d" + goldenTail +
			"0000020000010006" + "2003002500a0"},
		{pmc.IDPortDataSet, 0x0e, "0d120050" + goldenPortHead + "000e" + goldenTail +
			"000002000001001c" + "2004767f31fffe399e95000109fd00000000000000000003fd010002"},
		{pmc.IDGrandmasterSettingsNP, 0x10, "0d12003e" + goldenClockHead + "0010" + goldenTail +
			"000002000001000a" + "c001fffeffff002500a0"},
		{pmc.IDPortPropertiesNP, 0x11, "0d120046" + goldenPortHead + "0011" + goldenTail +
			"0000020000010012" + "c004767f31fffe399e95000109000376736c"},
		{pmc.IDPortHWClockNP, 0x12, "0d120046" + goldenPortHead + "0012" + goldenTail +
			"0000020000010012" + "c009767f31fffe399e950001ffffffff0000"},
		{0xc00d, 0x13, "0d12003c" + goldenPortHead + "0013" + goldenTail +
			"0000020000020008" + "0002c00d00000000"},
	} {
		t.Run(tc.id.String(), func(t *testing.T) {
			d, out := newTestDaemon(t, goldenClock())
			d.settle(2 * time.Second)         // two Announces
			d.settle(2125 * time.Millisecond) // a Sync
			get := pmc.Message{Source: clientID, Target: pmc.Anyone(), Sequence: tc.sequence, ID: tc.id}
			d.receive(encode(&get), "client", false, 3*time.Second)
			if len(out.sent) != 1 {
				t.Fatalf("%d answers, want 1", len(out.sent))
			}
			if diff := cmp.Diff(tc.want, hex.EncodeToString(out.sent[0].frame)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPushIsThatOfLinuxptp42(t *testing.T) {
	d, out := newTestDaemon(t, goldenClock())
	d.settle(2 * time.Second)
	// The captured request: 30 s, mask 7.
	request, err := hex.DecodeString("0d02007800000000000000000000000000000000cafe00000000000100010009047fffffffffffffffffffff0000010000010044c003001e07" +
		"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000")
	if err != nil {
		t.Fatal(err)
	}
	d.receive(request, "client", false, 2*time.Second)
	d.measure(0, 3*time.Second)
	out.sent = nil
	d.measure(55, 121*time.Second+259389046)
	want := "0d120068" + goldenClockHead + "0001" + goldenTail + "0101020000010034" +
		"c000" + "0000000000000037" + "18e9c0fd72381076" + "00000000000000000000000000000000000000000000" + "00000001" + "42160dfffe627ae7"
	if len(out.sent) != 1 {
		t.Fatalf("%d pushes, want 1", len(out.sent))
	}
	if diff := cmp.Diff(want, hex.EncodeToString(out.sent[0].frame)); diff != "" {
		t.Errorf("push (-want +got):\n%s", diff)
	}
}

// The expected answers were compared with those of linuxptp 3.1.1.
func TestManagement(t *testing.T) {
	const (
		get     = pmc.ActionGet
		set     = pmc.ActionSet
		command = pmc.ActionCommand
	)
	request := func(action pmc.Action, id pmc.ID, data ...byte) *pmc.Message {
		return &pmc.Message{Source: clientID, Target: pmc.Anyone(), Action: action, ID: id, Data: data}
	}
	with := func(m *pmc.Message, change func(*pmc.Message)) *pmc.Message { change(m); return m }
	toPort := func(n uint16, m *pmc.Message) *pmc.Message { m.Target.Port = n; return m }
	for _, tc := range []struct {
		name     string
		request  *pmc.Message
		readOnly bool
		version  Version
		want     []string
	}{
		{name: "clock data set", request: request(get, pmc.IDDefaultDataSet), want: []string{"0 RESPONSE DEFAULT_DATA_SET"}},
		{name: "clock data set of a port", request: toPort(9, request(get, pmc.IDDefaultDataSet)), want: []string{"0 RESPONSE DEFAULT_DATA_SET"}},
		{name: "port data set of all ports", request: request(get, pmc.IDPortDataSet), want: []string{"1 RESPONSE PORT_DATA_SET", "2 RESPONSE PORT_DATA_SET"}},
		{name: "port data set of one port", request: toPort(2, request(get, pmc.IDPortDataSet)), want: []string{"2 RESPONSE PORT_DATA_SET"}},
		{name: "port data set of no port", request: toPort(9, request(get, pmc.IDPortDataSet)), want: []string{"0 RESPONSE PORT_DATA_SET WRONG_VALUE"}},
		{name: "port data set of the clock", request: toPort(0, request(get, pmc.IDPortDataSet)), want: []string{"0 RESPONSE PORT_DATA_SET WRONG_VALUE"}},
		{name: "addressed to the clock", request: with(request(get, pmc.IDDefaultDataSet), func(m *pmc.Message) { m.Target.Clock = clockID }), want: []string{"0 RESPONSE DEFAULT_DATA_SET"}},
		{name: "addressed to another clock", request: with(request(get, pmc.IDDefaultDataSet), func(m *pmc.Message) { m.Target.Clock = gmID })},
		{name: "sent by the clock itself", request: with(request(get, pmc.IDDefaultDataSet), func(m *pmc.Message) { m.Source.Clock = clockID })},
		{name: "another domain", request: with(request(get, pmc.IDDefaultDataSet), func(m *pmc.Message) { m.Domain = 24 })},
		{name: "another transportSpecific", request: with(request(get, pmc.IDDefaultDataSet), func(m *pmc.Message) { m.TransportSpecific = 1 })},
		{name: "no id of anybody", request: request(get, 0x1234), want: []string{"1 RESPONSE managementId 0x1234 NO_SUCH_ID"}},
		{name: "id of the clock that ptp4l cannot read", request: request(get, 0x200f), want: []string{"0 RESPONSE managementId 0x200F NOT_SUPPORTED"}},
		{name: "id of ports that ptp4l cannot read", request: toPort(1, request(get, 0x200d)), want: []string{"1 RESPONSE managementId 0x200D NOT_SUPPORTED"}},
		{name: "get with a body", request: request(get, pmc.IDParentDataSet, make([]byte, 32)...), want: []string{"0 RESPONSE PARENT_DATA_SET"}},
		{name: "get with a body of wrong length", request: request(get, pmc.IDParentDataSet, make([]byte, 30)...)},
		{name: "a response is not answered", request: request(pmc.ActionResponse, pmc.IDDefaultDataSet)},
		{name: "command", request: request(command, pmc.IDDefaultDataSet), want: []string{"0 ACKNOWLEDGE DEFAULT_DATA_SET NOT_SUPPORTED"}},
		{name: "command of ports", request: toPort(1, request(command, 0x200d)), want: []string{"1 ACKNOWLEDGE managementId 0x200D NOT_SUPPORTED"}},

		{name: "set priority", request: request(set, pmc.IDPriority2, 127, 0), want: []string{"0 RESPONSE PRIORITY2"}},
		{name: "set without a body", request: request(set, pmc.IDPriority1), want: []string{"0 RESPONSE PRIORITY1 WRONG_LENGTH"}},
		{name: "set of a clock data set", request: request(set, pmc.IDDefaultDataSet, make([]byte, 20)...), want: []string{"0 RESPONSE DEFAULT_DATA_SET NOT_SUPPORTED"}},
		{name: "set of a port data set", request: toPort(1, request(set, pmc.IDPortDataSet, make([]byte, 26)...)), want: []string{"1 RESPONSE PORT_DATA_SET NOT_SUPPORTED"}},
		{name: "set of linuxptp's own port data set", request: toPort(1, request(set, pmc.IDPortPropertiesNP, make([]byte, 14)...)), want: []string{"1 RESPONSE PORT_PROPERTIES_NP NO_SUCH_ID"}},
		{name: "set the delay threshold", request: toPort(1, request(set, pmc.IDPortDataSetNP, 0, 0, 48, 57, 0, 0, 0, 1)), want: []string{"1 RESPONSE PORT_DATA_SET_NP"}},
		{name: "set uncertain", request: request(set, pmc.IDSynchronizationUncertainNP, 1, 0), want: []string{"0 RESPONSE SYNCHRONIZATION_UNCERTAIN_NP"}},
		{name: "set uncertain to nonsense", request: request(set, pmc.IDSynchronizationUncertainNP, 5, 0), want: []string{"0 RESPONSE SYNCHRONIZATION_UNCERTAIN_NP NOT_SUPPORTED"}},

		{name: "read-only get", request: request(get, pmc.IDTimeStatusNP), readOnly: true, want: []string{"0 RESPONSE TIME_STATUS_NP"}},
		{name: "read-only set", request: request(set, pmc.IDPriority1, 1, 0), readOnly: true, want: []string{"0 RESPONSE PRIORITY1 NOT_SUPPORTED"}},
		{name: "read-only command", request: request(command, 0x200d), readOnly: true, want: []string{"0 ACKNOWLEDGE managementId 0x200D NOT_SUPPORTED"}},
		{name: "read-only interface names", request: request(get, pmc.IDPortPropertiesNP), readOnly: true, want: []string{"0 RESPONSE PORT_PROPERTIES_NP NOT_SUPPORTED"}},
		{name: "read-only hardware clocks", request: request(get, pmc.IDPortHWClockNP), readOnly: true, want: []string{"0 RESPONSE PORT_HWCLOCK_NP NOT_SUPPORTED"}},
		{name: "read-only subscription", request: request(get, pmc.IDSubscribeEventsNP), readOnly: true, want: []string{"0 RESPONSE SUBSCRIBE_EVENTS_NP"}},

		{name: "newer id on 3.1.1", request: request(get, pmc.IDPortHWClockNP), version: "3.1.1", want: []string{"1 RESPONSE PORT_HWCLOCK_NP NO_SUCH_ID"}},
		{name: "newer id with a body of any length on 3.1.1", request: request(get, pmc.IDPortHWClockNP, 0, 0), version: "3.1.1", want: []string{"1 RESPONSE PORT_HWCLOCK_NP NO_SUCH_ID"}},
		{name: "newer id on 4.2", request: toPort(1, request(get, pmc.IDCMLDSInfoNP)), want: []string{"1 RESPONSE CMLDS_INFO_NP NO_SUCH_ID"}},
		{name: "the same on 4.3", request: toPort(1, request(get, pmc.IDCMLDSInfoNP)), version: "4.3", want: []string{"1 RESPONSE CMLDS_INFO_NP"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := atOnce()
			c.Ports = append(c.Ports, Port{Interface: "ens1f1", PHC: -1})
			if tc.version != "" {
				c.Version = tc.version
			}
			d, out := newTestDaemon(t, c)
			d.receive(encode(tc.request), "client", tc.readOnly, 0)
			for _, o := range out.sent {
				if o.to != "client" || o.readOnly != tc.readOnly {
					t.Errorf("answer to %q, read-only %v", o.to, o.readOnly)
				}
			}
			if diff := cmp.Diff(tc.want, out.take(t)); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryDataSetIsAnswered(t *testing.T) {
	for id := range pmc.ID(0xffff) {
		want, ok := pmc.New(id)
		if !ok || !Version("4.4").has(id) {
			continue
		}
		t.Run(id.String(), func(t *testing.T) {
			c := atOnce()
			c.Version = "4.4"
			d, out := newTestDaemon(t, c)
			d.receive(requestFrame(pmc.ActionGet, id), "client", false, 0)
			m, err := pmc.Parse(out.sent[0].frame)
			if err != nil {
				t.Fatal(err)
			}
			if m.Status != pmc.NoError {
				t.Fatalf("refused: %v", m.Status)
			}
			if err := want.UnmarshalBinary(m.Data); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSettingsAreKept(t *testing.T) {
	c := atOnce()
	c.SlaveOnly, c.ServerOnly = false, true
	d, out := newTestDaemon(t, c)
	d.receive(subscribeFrame(30, everything), "client", false, 0)
	d.receive(requestFrame(pmc.ActionSet, pmc.IDPriority1, 1, 0), "client", false, 0)
	settings := pmc.GrandmasterSettingsNP{ClockQuality: pmc.ClockQuality{Class: 7, Accuracy: 0x27}, UTCOffset: 36}
	d.receive(requestFrame(pmc.ActionSet, pmc.IDGrandmasterSettingsNP, encode(&settings)...), "client", false, 0)
	d.receive(requestFrame(pmc.ActionSet, pmc.IDSynchronizationUncertainNP, 1, 0), "client", false, 0)
	want := []string{
		"0 RESPONSE SUBSCRIBE_EVENTS_NP",
		"parent 767f31.fffe.399e95 class 6", "0 RESPONSE PRIORITY1",
		"parent 767f31.fffe.399e95 class 7", "0 RESPONSE GRANDMASTER_SETTINGS_NP",
		"0 RESPONSE SYNCHRONIZATION_UNCERTAIN_NP",
	}
	if diff := cmp.Diff(want, out.take(t)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if d.parent.GrandmasterPriority1 != 1 || d.own != settings || d.uncertain != 1 || d.scale.CurrentUTCOffset != 36 {
		t.Errorf("priority1 %d, settings %+v, uncertain %d, UTC offset %d", d.parent.GrandmasterPriority1, d.own, d.uncertain, d.scale.CurrentUTCOffset)
	}
}

func TestAnswersCountTheHops(t *testing.T) {
	d, out := newTestDaemon(t, atOnce())
	get := pmc.Message{Source: clientID, Target: pmc.Anyone(), StartingBoundaryHops: 2, BoundaryHops: 1, ID: pmc.IDDefaultDataSet}
	d.receive(encode(&get), "client", false, 0)
	m, err := pmc.Parse(out.sent[0].frame)
	if err != nil {
		t.Fatal(err)
	}
	if m.StartingBoundaryHops != 1 || m.BoundaryHops != 1 {
		t.Errorf("hops %d, %d, want 1, 1", m.StartingBoundaryHops, m.BoundaryHops)
	}
}

func TestWhatIsNoRequestIsIgnored(t *testing.T) {
	d, out := newTestDaemon(t, atOnce())
	good := requestFrame(pmc.ActionGet, pmc.IDDefaultDataSet)
	twoTLVs := append(append([]byte{}, good...), 0, 1, 0, 2, 0x20, 0)
	for _, datagram := range [][]byte{nil, good[:1], good[:53], twoTLVs, append([]byte{0x0b}, good[1:]...)} {
		d.receive(datagram, "client", false, 0)
	}
	if lines := out.take(t); lines != nil {
		t.Errorf("answers %v, want none", lines)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(requestFrame(pmc.ActionGet, pmc.IDPortDataSet), false)
	f.Add(requestFrame(pmc.ActionSet, pmc.IDPriority1, 1, 0), false)
	f.Add(requestFrame(pmc.ActionCommand, 0x200d), true)
	f.Add(subscribeFrame(8, everything), false)
	f.Add(requestFrame(pmc.ActionSet, pmc.IDSynchronizationUncertainNP), false)
	f.Fuzz(func(t *testing.T, datagram []byte, readOnly bool) {
		out := &recorder{}
		d := newDaemon(newWorld(atOnce(), time.Unix(0, 0)), out, 0)
		d.receive(datagram, "client", readOnly, 0)
		d.measure(1, 0)
		for _, o := range out.sent {
			if _, err := pmc.Parse(o.frame); err != nil {
				t.Errorf("sent %x: %v", o.frame, err)
			}
		}
	})
}
