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
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

const (
	// maxAnswer is how many bytes are read of an answer, to use its connection again.
	maxAnswer = 16 << 10
	// idle is how many connections are kept for the next event, and for how long.
	idleConnections, idleFor = 1024, 5 * time.Minute
)

// client sends to endpoints. It follows no redirects, uses no proxy, and looks at every
// address that it connects to.
type client struct{ transport *http.Transport }

func newClient(o Options) *client {
	dialer := &net.Dialer{Timeout: o.Delivery.Timeout, KeepAlive: 15 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		return o.Endpoints.check(address)
	}}
	t := &http.Transport{
		DialContext:         dialer.DialContext,
		MaxIdleConns:        idleConnections,
		MaxIdleConnsPerHost: idleConnections,
		IdleConnTimeout:     idleFor,
		TLSHandshakeTimeout: o.Delivery.Timeout,
		ForceAttemptHTTP2:   true,
		DisableCompression:  true,
		// An event and its answer are small, and there are many endpoints.
		WriteBufferSize: 2 << 10, ReadBufferSize: 1 << 10,
		MaxResponseHeaderBytes: 16 << 10,
		// A connection of HTTP/2 whose other end is gone must not be used for ever.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second},
	}
	if o.RootCAs != nil {
		t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			roots, err := o.RootCAs()
			if err != nil {
				return nil, err
			}
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			config := &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
			return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, network, address)
		}
	}
	return &client{t}
}

// post sends a body once. The header is shared and never changed.
func (c *client) post(ctx context.Context, uri string, header http.Header, body []byte) answer {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, bytes.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	r.Header = header
	// The transport alone, and no http.Client, which follows redirects.
	response, err := c.transport.RoundTrip(r)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	got := answer{status: response.StatusCode}
	if !got.ok() {
		got.after = retryAfter(response.Header, time.Now())
	}
	return got
}

// retryAfter reads the header Retry-After, a number of seconds or a date (RFC 9110, 10.2.3). A
// date counts from the answer's own, where it has one: the clock of this node may be the one
// that is wrong.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, math.MaxInt64/uint64(time.Second))) * time.Second //nolint:gosec // it is in range
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return max(0, at.Sub(now))
}

func (c *client) close() { c.transport.CloseIdleConnections() }

// shown returns a URI without what may be a secret in it.
func shown(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return "(not a URL)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// addressOf returns the IP address in host:port.
func addressOf(hostPort string) (netip.Addr, error) {
	a, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return netip.Addr{}, err
	}
	return a.Addr().WithZone("").Unmap(), nil
}
