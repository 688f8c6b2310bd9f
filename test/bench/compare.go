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

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/eventing-ptp/eventing-ptp/test/witness"
)

// The programs to compare with: each does the part of the adapter's work that nobody
// can leave out, with the least code that does it.
const (
	senderCommand = "sender" // SOCKET SINK: sends an event for every datagram
	readerCommand = "reader" // SOCKET...: reads what the ptp4ls push
)

// send is the least that can turn a datagram into a CloudEvent at a sink. It sends the
// event that it reads from its standard input.
func send(socket, sinkURL string) error {
	var event cloudevents.Event
	if err := json.NewDecoder(os.Stdin).Decode(&event); err != nil {
		return fmt.Errorf("read the event: %w", err)
	}
	client, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(sinkURL))
	if err != nil {
		return err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	buffer := make([]byte, 2048)
	for {
		if _, err := conn.Read(buffer); err != nil {
			if ctx.Err() != nil {
				return nil // it was told to stop
			}
			return err
		}
		if result := client.Send(ctx, event); cloudevents.IsUndelivered(result) && ctx.Err() == nil {
			return result
		}
	}
}

// read is the least that keeps subscriptions and reads the pushes. At the end it prints
// how many there were.
func read(sockets []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var pushes atomic.Uint64
	ended := make(chan error, len(sockets))
	for i, socket := range sockets {
		go func() { ended <- readFrom(ctx, socket, uint16(i), &pushes) }()
	}
	for range sockets {
		if err := <-ended; err != nil {
			return err
		}
	}
	fmt.Println(pushes.Load())
	return nil
}

// readFrom reads what one ptp4l pushes until ctx ends.
func readFrom(ctx context.Context, socket string, port uint16, pushes *atomic.Uint64) error {
	local := &net.UnixAddr{Name: filepath.Join(filepath.Dir(socket), fmt.Sprintf("reader.%d", port)), Net: "unixgram"}
	conn, err := net.DialUnix("unixgram", local, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer os.Remove(local.Name)
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	go keepSubscription(ctx, conn, port)
	buffer := make([]byte, 2048)
	for {
		if _, err := conn.Read(buffer); err != nil {
			if ctx.Err() != nil {
				return nil // it was told to stop
			}
			return err
		}
		pushes.Add(1)
	}
}

// keepSubscription subscribes until ctx ends, for 4 s at a time: 16 pushes a second are
// then safe.
func keepSubscription(ctx context.Context, conn net.Conn, port uint16) {
	frame := witness.Subscription(port, 4)
	for ctx.Err() == nil {
		if _, err := conn.Write(frame); err != nil {
			return // closed
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
		}
	}
}
