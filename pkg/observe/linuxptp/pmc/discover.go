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
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

const (
	// probePace is the time between two probes. ptp4l takes some ten microseconds for
	// one, and its receive queue has room for ten (net.unix.max_dgram_qlen).
	probePace = 2 * time.Millisecond
	// patience is how long a cancelled context may go unnoticed in Dial.
	patience = 20 * time.Millisecond
)

// probe is a guess at what ptp4l listens to. It ignores everything that carries another
// domain or another transportSpecific, without a word (linuxptp, port.c and clock.c).
type probe struct{ domain, transportSpecific uint8 }

// probes returns what may be tried, the likely ones first: domain 0 is the default,
// 24 that of ITU-T G.8275.1 and 44 of G.8275.2; 0 to 127 are all that IEEE 1588-2019,
// table 2, has to give. transportSpecific 1 is IEEE 802.1AS.
func (c *Config) probes() []probe {
	domains := []uint8{0, 24, 44}
	if c.Domain != nil {
		domains = []uint8{*c.Domain}
	} else {
		for d := range uint8(128) {
			if !slices.Contains(domains[:3], d) {
				domains = append(domains, d)
			}
		}
	}
	nibbles := []uint8{0, 1}
	if c.TransportSpecific != nil {
		nibbles = []uint8{*c.TransportSpecific}
	}
	all := make([]probe, 0, len(domains)*len(nibbles))
	for _, d := range domains {
		for _, n := range nibbles {
			all = append(all, probe{d, n})
		}
	}
	return all
}

// tried says in words what probes returns.
func (c *Config) tried() string {
	domains, nibbles := "domains 0 to 127", "transportSpecific 0 and 1"
	if c.Domain != nil {
		domains = fmt.Sprintf("domain %d", *c.Domain)
	}
	if c.TransportSpecific != nil {
		nibbles = fmt.Sprintf("transportSpecific %d", *c.TransportSpecific)
	}
	return domains + " with " + nibbles
}

// discover asks for the DEFAULT_DATA_SET in all the ways that config allows, and takes
// on the domain and the transportSpecific of the answer. It runs before anything else
// uses the connection.
func (c *Client) discover(ctx context.Context, config *Config) error {
	passPidfd(c.conn, 1)
	defer passPidfd(c.conn, 0)
	for _, p := range config.probes() {
		c.domain, c.transportSpecific = p.domain, p.transportSpecific
		c.sequence++
		if err := c.send(ctx, ActionGet, IDDefaultDataSet, nil); err != nil {
			return err
		}
		if found, err := c.hearDefault(ctx, probePace); found || err != nil {
			return err
		}
	}
	for left := c.timeout; left > 0; left -= patience {
		if found, err := c.hearDefault(ctx, min(left, patience)); found || err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: tried %s; check ptp4l's domainNumber and transportSpecific, and that it does not hang%s",
		ErrNoAnswer, config.tried(), c.reach())
}

// reach explains why an answer may not reach us although ptp4l gave it.
func (c *Client) reach() string {
	if c.local != "" {
		return ""
	}
	return ", or make the directory of its socket writable: without that, answers come from the same network namespace only"
}

// hearDefault waits for the answer to a probe, and learns from it.
func (c *Client) hearDefault(ctx context.Context, wait time.Duration) (found bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return false, err
	}
	var buf [maxMessage]byte
	control := make([]byte, pidfdSpace())
	for {
		n, size, _, _, err := c.conn.ReadMsgUnix(buf[:], control)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read from ptp4l: %w", err)
		}
		pidfd := pidfdOf(control[:size])
		if c.learn(buf[:n]) {
			c.pidfd = pidfd
			return true, c.conn.SetReadDeadline(time.Time{})
		}
		if pidfd != nil {
			_ = pidfd.Close()
		}
	}
}

// learn takes on what the answer to a probe says of ptp4l, if it is one.
func (c *Client) learn(datagram []byte) bool {
	m, err := Parse(datagram)
	if err != nil || m.Target != c.self || m.Action != ActionResponse || m.ID != IDDefaultDataSet || m.Status != NoError {
		return false
	}
	var d DefaultDataSet
	if d.UnmarshalBinary(m.Data) != nil {
		return false
	}
	c.domain, c.transportSpecific, c.minorVersion = m.Domain, m.TransportSpecific, m.MinorVersion
	c.identity, c.ports = d.ClockIdentity, d.NumberPorts
	return true
}
