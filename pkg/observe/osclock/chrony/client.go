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

package chrony

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// Client asks one chronyd. It is not safe for concurrent use.
type Client struct {
	conn     net.Conn
	sequence uint32
}

// Dial returns a client of the chronyd at host:port (UDP), normally localhost:323. It does
// not wait for an answer.
func Dial(ctx context.Context, address string) (*Client, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", address)
	if err != nil {
		return nil, fmt.Errorf("ask chronyd: %w", err)
	}
	return &Client{conn: conn, sequence: rand.Uint32()}, nil
}

// Close closes the client.
func (c *Client) Close() error { return c.conn.Close() }

// Tracking asks chronyd and waits for the answer, no longer than timeout.
func (c *Client) Tracking(timeout time.Duration) (Tracking, error) {
	t, err := c.tracking(timeout)
	if err != nil {
		return Tracking{}, fmt.Errorf("ask chronyd at %v: %w", c.conn.RemoteAddr(), err)
	}
	return t, nil
}

func (c *Client) tracking(timeout time.Duration) (Tracking, error) {
	c.sequence++
	if err := c.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return Tracking{}, err
	}
	if _, err := c.conn.Write(ask(c.sequence)); err != nil {
		return Tracking{}, err
	}
	var raw [trackingLength + 1]byte // one more, so that a longer answer is seen to be one
	for {
		n, err := c.conn.Read(raw[:])
		if err != nil {
			return Tracking{}, err
		}
		if t, err := answer(raw[:n], c.sequence); !errors.Is(err, errNotOurs) {
			return t, err
		}
	}
}
