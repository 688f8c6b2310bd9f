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

package ocloud

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// notice is an event as it is sent: made once, and shared by all that it is sent to.
type notice struct {
	id       string
	sequence uint64 // 0 for what is not of the journal
	event    oran.Event
	// asked is when somebody has asked for a state; zero for an event that was recorded.
	asked time.Time

	once2, once1, onceX sync.Once
	asV2, asV1, asX     []byte
}

// notices are the newest ones.
type notices struct {
	ring [256]atomic.Pointer[notice]
}

// notice returns the notice of an entry; nil for one that is no event of this version, for a
// test event, for which O-RAN has no word, and where the data is not what it should be: that
// must not end the adapter, now and at every start.
func (n *notices) notice(e journal.Entry) *notice {
	slot, id := &n.ring[e.Sequence%uint64(len(n.ring))], e.ID()
	if kept := slot.Load(); kept != nil && kept.id == id {
		return kept
	}
	event, err := oran.Unmarshal(e.Payload)
	if err != nil || event.Type == oran.Test || !json.Valid([]byte(event.Data)) {
		return nil
	}
	made := &notice{id: id, sequence: e.Sequence, event: event}
	slot.Store(made)
	return made
}

// body returns the notice in a subscriber's dialect. Nil: it has no word for it.
func (n *notice) body(r record) []byte {
	switch r.API {
	case v1:
		n.once1.Do(func() { n.asV1 = n.encodeV1() })
		return append(append([]byte(`{"id":"`+r.ID+`"`), n.asV1...), '}')
	case v1StarlingX:
		n.onceX.Do(func() { n.asX = n.encodeStarlingX() })
		return n.asX
	}
	n.once2.Do(func() { n.asV2 = n.encode() })
	return n.asV2
}

// cloudEvent is a CloudEvent in JSON. Its source is O-RAN's, the resource alone, because
// that is what consumers compare it with; what it leaves out is in the extensions.
type cloudEvent struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Time            string          `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	ResourceAddress string          `json:"resourceaddress,omitempty"`
	Node            string          `json:"node,omitempty"`
	Instance        string          `json:"instance,omitempty"`
	State           string          `json:"ptpstate,omitempty"`
	Previous        string          `json:"previousstate,omitempty"`
	Reason          string          `json:"ptpreason,omitempty"`
	Missed          string          `json:"ptpmissed,omitempty"`
	Sequence        string          `json:"sequence,omitempty"`
	StateAge        string          `json:"stateage,omitempty"`
	RecordedTime    string          `json:"recordedtime,omitempty"`
	Data            json.RawMessage `json:"data"`
}

func (n *notice) cloudEvent() cloudEvent {
	e := n.event
	address := e.Address
	address.Instance = ""
	c := cloudEvent{
		SpecVersion: "1.0", ID: n.id, Source: e.Address.Resource, Type: e.Type, Time: timestamp(e.Time),
		DataContentType: "application/json", ResourceAddress: address.String(), Node: e.Address.Node, Instance: e.Address.Instance,
		State: e.State, Previous: e.Previous, Reason: e.Reason, Missed: e.Missed, Data: json.RawMessage(e.Data),
	}
	if n.sequence > 0 {
		c.Sequence = fmt.Sprintf("%020d", n.sequence)
	}
	if !n.asked.IsZero() {
		c.StateAge = strconv.FormatFloat(max(0, n.asked.Sub(e.Time).Seconds()), 'f', 3, 64)
		c.RecordedTime = timestamp(n.asked)
	}
	return c
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (n *notice) encode() []byte { return marshal(n.cloudEvent()) }

// encodeV1 returns an event of OpenShift's v1 behind its id, which is that of the
// subscription, and without its end.
func (n *notice) encodeV1() []byte {
	address := n.event.Address
	address.Instance, address.Resource = "", resourceV1(address.Resource)
	return append([]byte{','}, trimmed(marshal(struct {
		Type            string `json:"type"`
		Source          string `json:"source"`
		DataContentType string `json:"dataContentType"`
		Time            string `json:"time"`
		Data            dataV1 `json:"data"`
	}{n.event.Type, address.String(), "application/json", timestamp(n.event.Time), newDataV1(n.event)}))...)
}

// trimmed returns an object without its braces.
func trimmed(object []byte) []byte { return object[1 : len(object)-1] }

// resourceV1 is what OpenShift's v1 calls a resource.
func resourceV1(resource string) string {
	if resource == oran.ClockClass {
		return "/sync/ptp-status/ptp-clock-class-change"
	}
	return resource
}

// dataV1 is the data of OpenShift's v1. Up to 4.15 the members of a value were called
// otherwise than from 4.16 on; a value has them under both names.
type dataV1 struct {
	Version string    `json:"version"`
	Values  []valueV1 `json:"values"`
}

type valueV1 struct {
	Resource    string `json:"resource"`
	DataTypeV1  string `json:"dataType"`
	ValueTypeV1 string `json:"valueType"`
	oran.Value
}

// MarshalJSON implements json.Marshaler.
func (v valueV1) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Resource        string `json:"resource"`
		DataTypeV1      string `json:"dataType"`
		ValueTypeV1     string `json:"valueType"`
		ResourceAddress string `json:"ResourceAddress"`
		DataType        string `json:"data_type"`
		ValueType       string `json:"value_type"`
		Value           string `json:"value"`
	}{v.Resource, v.DataTypeV1, v.ValueTypeV1, v.ResourceAddress, v.DataType, v.ValueType, v.Value.Value})
}

func newDataV1(e oran.Event) dataV1 {
	d := dataV1{Version: "v1", Values: []valueV1{}}
	for _, v := range valuesOf(e) {
		d.Values = append(d.Values, valueV1{v.ResourceAddress, v.DataType, v.ValueType, v})
	}
	return d
}

// valuesOf returns the values in an event's data.
func valuesOf(e oran.Event) []oran.Value {
	var d oran.Data
	_ = json.Unmarshal([]byte(e.Data), &d) // it was made by pkg/oran
	return d.Values
}

// stateV1 is the answer of OpenShift's v1 to the question for a state: a CloudEvent 0.3.
func (n *notice) stateV1() []byte {
	address := n.event.Address
	address.Instance, address.Resource = "", resourceV1(address.Resource)
	return marshal(struct {
		SpecVersion     string `json:"specversion"`
		ID              string `json:"id"`
		Source          string `json:"source"`
		Type            string `json:"type"`
		Subject         string `json:"subject"`
		Time            string `json:"time"`
		DataContentType string `json:"datacontenttype"`
		StateAge        string `json:"stateage,omitempty"`
		Data            dataV1 `json:"data"`
	}{
		"0.3", n.id, address.String(), n.event.Type, address.Resource, timestamp(n.event.Time), "application/json",
		n.cloudEvent().StateAge, newDataV1(n.event),
	})
}

// encodeStarlingX returns an event of StarlingX's v1, which knows the lock-state only.
func (n *notice) encodeStarlingX() []byte {
	if n.event.Address.Resource != oran.LockState || n.event.State == "" {
		return nil
	}
	type (
		data      struct{ State string }
		qualifier struct{ NodeName string }
	)
	state := n.event.State[:1] + strings.ToLower(n.event.State[1:])
	at := json.Number(strconv.FormatFloat(float64(n.event.Time.UnixMicro())/1e6, 'f', 6, 64))
	return marshal(struct {
		EventTimestamp    json.Number
		ResourceType      string
		EventData         data
		ResourceQualifier qualifier
	}{at, "PTP", data{state}, qualifier{n.event.Address.Node}})
}

// marshal is for what cannot fail to become JSON.
func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("ocloud: %T does not become JSON: %v", v, err))
	}
	return text
}

const (
	contentJSON  = "application/json"
	contentEvent = "application/cloudevents+json"
	contentBatch = "application/cloudevents-batch+json"
)

// headerOf is what every notification to a subscriber says. It is never changed.
func headerOf(r record) http.Header {
	content := r.ContentType
	if content == "" {
		content = contentJSON
	}
	return http.Header{
		"Content-Type": {content},
		"User-Agent":   {"eventing-ptp"},
		// Sent without a value it is not sent at all. It says that a request whose connection
		// turns out to have been closed meanwhile may go out again at once (http.Transport).
		"Idempotency-Key": nil,
	}
}
