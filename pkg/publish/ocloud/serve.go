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
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Serve answers on a listener, which it closes, until ctx ends. HTTP/1.1 and HTTP/2 are
// spoken on the same port: over TLS where there is a certificate, otherwise in clear text
// (RFC 9113, 3.3: clients must know that it is HTTP/2).
func (a *API) Serve(ctx context.Context, listener net.Listener, certificate *Certificate) error {
	server := newServer(a.Handler(), a.Logger)
	limited := &limitedListener{listener, newShares(a.Limits.Connections, a.Limits.PerClient)}
	stop := context.AfterFunc(ctx, func() {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = server.Shutdown(patience)
		_ = server.Close()
	})
	defer stop()
	var err error
	if certificate == nil {
		server.Protocols.SetUnencryptedHTTP2(true)
		err = server.Serve(limited)
	} else {
		server.Protocols.SetHTTP2(true)
		server.TLSConfig = certificate.config()
		err = server.ServeTLS(limited, "", "")
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the O-Cloud API: %w", err)
	}
	return nil
}

// newServer returns a server that no client can keep busy for long.
func newServer(h http.Handler, log *zap.Logger) *http.Server {
	errorLog, _ := zap.NewStdLogAt(log, zap.DebugLevel) // clients that go away, and the like
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		// What is not read yet of bodies is little, whatever clients send.
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 64, MaxReadFrameSize: 16 << 10, MaxReceiveBufferPerConnection: 64 << 10, MaxReceiveBufferPerStream: 32 << 10,
			SendPingTimeout: 30 * time.Second, PingTimeout: 10 * time.Second,
		},
		Protocols: new(http.Protocols),
		ErrorLog:  errorLog,
	}
	s.Protocols.SetHTTP1(true)
	return s
}

// limitedListener closes connections that are too many, of all clients or of one. None
// waits, so that those who hold theirs keep nobody else from being answered.
type limitedListener struct {
	net.Listener
	places *shares
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := hostOf(c.RemoteAddr().String())
		if l.places.take(client) {
			return &limitedConn{Conn: c, free: sync.OnceFunc(func() { l.places.free(client) })}, nil
		}
		_ = c.Close()
	}
}

// limitedConn makes room for another when it is closed.
type limitedConn struct {
	net.Conn
	free func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	c.free()
	return c.Conn.Close()
}

// shares are what clients have of something of which there is not enough for everybody.
type shares struct {
	// all is how much there is, each how much of it one client may have.
	all, each int

	mu    sync.Mutex
	taken int
	of    map[string]int
}

func newShares(all, each int) *shares { return &shares{all: all, each: each, of: map[string]int{}} }

// take takes one, and reports whether there was one left for that client.
func (s *shares) take(client string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= s.all || s.of[client] >= s.each {
		return false
	}
	s.taken++
	s.of[client]++
	return true
}

// free gives one back.
func (s *shares) free(client string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.of[client]--; s.of[client] == 0 {
		delete(s.of, client)
	}
}

// hostOf returns the address in host:port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
