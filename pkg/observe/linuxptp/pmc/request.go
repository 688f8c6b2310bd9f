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

package pmc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// gatherTimeout is how long further ports may take once one has answered. ptp4l sends
// all the answers in one go.
const gatherTimeout = 100 * time.Millisecond

// request is a request that waits for its answers.
type request struct {
	sequence uint16
	id       ID
	ports    uint16 // how many may answer
	answers  []Message
	arrived  chan struct{} // an answer has come
}

// take keeps the message if it is a new answer to the request.
func (r *request) take(m *Message) bool {
	if r == nil || m.Sequence != r.sequence || m.ID != r.id || r.complete() {
		return false
	}
	if slices.ContainsFunc(r.answers, func(a Message) bool { return a.Source == m.Source }) {
		return false
	}
	answer := *m
	answer.Data = slices.Clone(m.Data)
	r.answers = append(r.answers, answer)
	return true
}

// complete reports whether no further answer will come: the clock itself has answered,
// or every port, or one has refused. ptp4l stops at the first port that refuses.
func (r *request) complete() bool {
	n := len(r.answers)
	if n == 0 {
		return false
	}
	last := &r.answers[n-1]
	return last.Status != NoError || last.Source.Port == ClockPort || n >= int(r.ports)
}

// Get reads a data set: of the clock, one message; of the ports, one from each, in the
// order of their numbers. There are fewer where a port does not answer. The messages
// belong to the caller. A refusal is a [StatusError].
func (c *Client) Get(ctx context.Context, id ID) ([]Message, error) {
	return c.roundTrip(ctx, ActionGet, id, nil)
}

// Fetch reads a data set of the clock into ds. Of a data set of the ports it reads that
// of the first.
func (c *Client) Fetch(ctx context.Context, ds DataSet) error {
	answers, err := c.Get(ctx, ds.ID())
	if err != nil {
		return err
	}
	return ds.UnmarshalBinary(answers[0].Data)
}

// Set writes a data set, to all ports if it is one of the ports, and waits until ptp4l
// has confirmed it. A refusal is a [StatusError].
func (c *Client) Set(ctx context.Context, ds DataSet) error {
	data, err := ds.AppendBinary(nil)
	if err != nil {
		return err
	}
	_, err = c.roundTrip(ctx, ActionSet, ds.ID(), data)
	return err
}

// roundTrip sends a request and returns the answers, at least one. It waits while
// another request is outstanding.
func (c *Client) roundTrip(ctx context.Context, action Action, id ID, data []byte) ([]Message, error) {
	answers, err := c.ask(ctx, action, id, data)
	if err != nil {
		return nil, fmt.Errorf("%v %v: %w", action, id, err)
	}
	if status := answers[len(answers)-1].Status; status != NoError {
		return nil, StatusError{ID: id, Status: status}
	}
	slices.SortFunc(answers, func(a, b Message) int { return cmp.Compare(a.Source.Port, b.Source.Port) })
	return answers, nil
}

func (c *Client) ask(ctx context.Context, action Action, id ID, data []byte) ([]Message, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		return nil, c.err
	}
	c.sequence++
	r := &request{sequence: c.sequence, id: id, ports: c.ports, arrived: make(chan struct{}, 1)}
	c.expect(r)
	err := c.send(ctx, action, id, data)
	if err == nil {
		err = c.await(ctx, r)
	}
	c.expect(nil) // from here on the answers are ours alone
	return r.answers, err
}

// expect makes r the request that answers go to.
func (c *Client) expect(r *request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.request = r
}

// send writes a request under the present sequence number. A write blocks only while
// ptp4l's receive queue is full.
func (c *Client) send(ctx context.Context, action Action, id ID, data []byte) error {
	m := Message{
		TransportSpecific: c.transportSpecific,
		Domain:            c.domain,
		Source:            c.self,
		Target:            Anyone(),
		Sequence:          c.sequence,
		Action:            action,
		ID:                id,
		Data:              data,
	}
	var err error
	if c.out, err = m.AppendBinary(c.out[:0]); err != nil {
		return err
	}
	deadline := time.Now().Add(c.timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := c.conn.SetWriteDeadline(deadline); err != nil {
		return c.ended(err)
	}
	_, err = c.conn.Write(c.out)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: it has stopped reading requests", ErrNoAnswer)
	default:
		return c.ended(err)
	}
}

// ended ends the connection because of a failed write, and returns why it has ended.
// The first write after ptp4l's exit gives ECONNREFUSED, further ones ENOTCONN.
func (c *Client) ended(err error) error {
	if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOTCONN) {
		err = ErrGone
	}
	c.fail(err)
	return c.Err()
}

// await returns when all the answers are there, or some and no more come.
func (c *Client) await(ctx context.Context, r *request) error {
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	for {
		select {
		case <-r.arrived:
			if _, complete := c.progress(r); complete {
				return nil
			}
			timer.Reset(gatherTimeout)
		case <-timer.C:
			if started, _ := c.progress(r); started {
				return nil
			}
			return fmt.Errorf("%w within %v", ErrNoAnswer, c.timeout)
		case <-ctx.Done():
			return ctx.Err()
		case <-c.done:
			return c.err
		}
	}
}

// progress reports whether any and whether all of the answers have come.
func (c *Client) progress(r *request) (started, complete bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(r.answers) > 0, r.complete()
}
