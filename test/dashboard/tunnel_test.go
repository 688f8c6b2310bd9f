//go:build browser

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

package dashboard

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// tunnel leads to a program as `ssh -L` does, and can break.
type tunnel struct {
	l  net.Listener
	to string

	mu     sync.Mutex
	broken bool
	open   map[net.Conn]bool
}

// newTunnel leads to where a URL is. It returns the URL at this end, too.
func newTunnel(t *testing.T, to string) (*tunnel, string) {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tun := &tunnel{l: l, to: u.Host, open: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(tun.serve)
	t.Cleanup(func() {
		_ = l.Close()
		tun.setBroken(true)
		serving.Wait()
	})
	u.Host = l.Addr().String()
	return tun, u.String()
}

func (t *tunnel) serve() {
	var joined sync.WaitGroup
	defer joined.Wait()
	for {
		near, err := t.l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", t.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		t.mu.Lock()
		t.open[near], t.open[far] = true, true
		broken := t.broken
		t.mu.Unlock()
		end := func() {
			_, _ = near.Close(), far.Close()
			t.mu.Lock()
			delete(t.open, near)
			delete(t.open, far)
			t.mu.Unlock()
		}
		if broken {
			end()
			continue
		}
		for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
			joined.Go(func() {
				_, _ = io.Copy(pair[0], pair[1])
				end()
			})
		}
	}
}

// setBroken breaks all connections, and every new one until it is mended.
func (t *tunnel) setBroken(broken bool) {
	t.mu.Lock()
	t.broken = broken
	var all []net.Conn
	for c := range t.open {
		all = append(all, c)
	}
	t.mu.Unlock()
	if broken {
		for _, c := range all {
			_ = c.Close()
		}
	}
}
