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
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

const patience = 10 * time.Second

// serve plays a chronyd: it answers each request with what answers returns for it.
func serve(t *testing.T, answers func(request []byte) [][]byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0") //nolint:noctx // it ends with the test
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var raw [1024]byte
		for {
			n, from, err := conn.ReadFrom(raw[:])
			if err != nil {
				return
			}
			for _, a := range answers(raw[:n]) {
				_, _ = conn.WriteTo(a, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return conn.LocalAddr().String()
}

// to makes text the answer to a request.
func to(t *testing.T, request []byte, text string) []byte {
	raw := bytes(t, text)
	copy(raw[16:20], request[8:12])
	return raw
}

func dial(t *testing.T, address string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestClient(t *testing.T) {
	var before []byte
	c := dial(t, serve(t, func(request []byte) [][]byte {
		if len(request) != 104 {
			t.Errorf("a request of %d bytes", len(request))
		}
		late := before // comes with the next answer, and is not taken for it
		before = to(t, request, none)
		return [][]byte{late, []byte("noise"), to(t, request, follows)}
	}))
	for range 3 {
		got, err := c.Tracking(patience)
		if err != nil || got.Stratum != 6 || got.Leap != Normal {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestClientWithoutAnswer(t *testing.T) {
	silent := serve(t, func([]byte) [][]byte { return nil })
	if _, err := dial(t, silent).Tracking(20 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), silent) {
		t.Errorf("silence: %v", err)
	}

	conn, err := net.ListenPacket("udp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if _, err := dial(t, conn.LocalAddr().String()).Tracking(patience); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nobody: %v", err)
	}

	old := serve(t, func(request []byte) [][]byte { return [][]byte{to(t, request, other)} })
	if _, err := dial(t, old).Tracking(patience); err == nil || !strings.Contains(err.Error(), "status 18") {
		t.Errorf("another version: %v", err)
	}
}

func TestDialRefuses(t *testing.T) {
	if _, err := Dial(t.Context(), "127.0.0.1"); err == nil || !strings.Contains(err.Error(), "missing port") {
		t.Errorf("%v", err)
	}
}
