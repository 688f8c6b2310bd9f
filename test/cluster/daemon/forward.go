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

package daemon

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/network"
	"github.com/eventing-ptp/eventing-ptp/test/cluster/plan"
)

// forward takes connections on the outside to the API server, until ctx ends.
func (d *Daemon) forward(ctx context.Context) error {
	context.AfterFunc(ctx, func() { _ = d.api.Close() })
	for {
		outside, err := d.api.Accept()
		if err != nil {
			return err
		}
		go d.relay(ctx, outside)
	}
}

const dialTimeout = 5 * time.Second

// relay carries one connection. Where the API server does not answer, its client sees the connection end.
func (d *Daemon) relay(ctx context.Context, outside net.Conn) {
	defer outside.Close()
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	inside, err := network.Dial(dialing, d.control.Pid(), "tcp4", plan.API)
	if err != nil {
		return
	}
	defer inside.Close()
	defer context.AfterFunc(ctx, func() { _ = inside.Close() })()
	copied := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{outside, inside}, {inside, outside}} {
		go func() {
			// A side that has nothing more to say may still listen; one that is broken can do neither.
			if _, err := io.Copy(way[0], way[1]); err != nil {
				_ = way[1].Close()
			}
			_ = way[0].(*net.TCPConn).CloseWrite()
			copied <- struct{}{}
		}()
	}
	<-copied
	<-copied
}
