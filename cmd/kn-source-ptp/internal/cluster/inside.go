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

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/transport/spdy"
)

// portForward is the protocol of the subresource portforward of pods.
const portForward = "portforward.k8s.io"

// PostInside posts a body to a port that an adapter has on the loopback of its pod, which only
// those reach whom Kubernetes lets forward a port of the pod. The caller closes the answer; the
// context ends it, too.
func (c *Client) PostInside(ctx context.Context, a Adapter, port int32, path string, body []byte) (io.ReadCloser, error) {
	tunnel, err := c.forward(ctx, a, port)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return tunnel, nil },
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+path, bytes.NewReader(body))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask %s: %w", a, err), tunnel.end())
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		err = tunnel.why(err)
		_ = tunnel.end()
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return &inside{response.Body, tunnel}, nil
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // the status alone says something
	_ = response.Body.Close()
	_ = tunnel.end()
	return nil, &Refusal{Status: response.StatusCode, Detail: strings.TrimSpace(string(text)), Adapter: true}
}

// inside is an answer, which ends with its connection.
type inside struct {
	io.ReadCloser
	tunnel *tunnel
}

// Close implements io.Closer.
func (i *inside) Close() error { return errors.Join(i.ReadCloser.Close(), i.tunnel.end()) }

// forward connects to a port on the loopback of an adapter's pod.
func (c *Client) forward(ctx context.Context, a Adapter, port int32) (*tunnel, error) {
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		return nil, fmt.Errorf("make a client for the cluster: %w", err)
	}
	u := c.Kube.CoreV1().RESTClient().Post().Namespace(c.AdapterNamespace).Resource("pods").Name(a.Pod).SubResource("portforward").URL()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", a, err)
	}
	connection, _, err := spdy.Negotiate(upgrader, &http.Client{Transport: transport}, request, portForward)
	if err != nil {
		return nil, fmt.Errorf("connect to the pod of %s: %w", a, err)
	}
	t := &tunnel{connection: connection, refused: make(chan string, 1)}
	t.stop = context.AfterFunc(ctx, func() { _ = connection.Close() })
	header := http.Header{}
	header.Set(corev1.PortHeader, strconv.Itoa(int(port)))
	header.Set(corev1.PortForwardRequestIDHeader, "0")
	header.Set(corev1.StreamType, corev1.StreamTypeError)
	complaints, err := connection.CreateStream(header)
	if err == nil {
		_ = complaints.Close() // we say nothing on it
		go func() {
			text, _ := io.ReadAll(io.LimitReader(complaints, 64<<10))
			t.refused <- strings.TrimSpace(string(text))
		}()
		header.Set(corev1.StreamType, corev1.StreamTypeData)
		t.Stream, err = connection.CreateStream(header)
	}
	if err != nil { // the node may have refused both streams already
		err = t.why(fmt.Errorf("connect to the pod of %s: %w", a, err))
		_ = t.end()
		return nil, err
	}
	return t, nil
}

// tunnel is a connection through the API server and the node into a pod.
type tunnel struct {
	httpstream.Stream
	connection httpstream.Connection
	stop       func() bool
	refused    chan string // what the node complains of; empty for nothing
}

var _ net.Conn = (*tunnel)(nil)

// why says what the node has complained of, where that explains an error.
func (t *tunnel) why(err error) error {
	select {
	case text := <-t.refused:
		if text != "" {
			return errors.New(text)
		}
	case <-time.After(time.Second):
	}
	return err
}

// end ends all of it.
func (t *tunnel) end() error {
	t.stop()
	return t.connection.Close()
}

// The rest of net.Conn. Close, which comes from the stream, leaves the complaints to be read. The
// context of the request limits its time.
func (t *tunnel) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (t *tunnel) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (t *tunnel) SetDeadline(time.Time) error      { return nil }
func (t *tunnel) SetReadDeadline(time.Time) error  { return nil }
func (t *tunnel) SetWriteDeadline(time.Time) error { return nil }
