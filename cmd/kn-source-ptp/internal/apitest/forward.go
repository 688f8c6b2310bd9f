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

package apitest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
)

// forward leads into a pod, as API server and node do together: of each pair of streams the
// one is the connection, and on the other the node says what is wrong.
func (s *Server) forward(w http.ResponseWriter, r *http.Request) {
	if _, err := httpstream.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	pod := path.Base(path.Dir(r.URL.Path))
	streams := make(chan httpstream.Stream, 2)
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(stream httpstream.Stream, _ <-chan struct{}) error {
		streams <- stream
		return nil
	})
	if connection == nil {
		return
	}
	defer connection.Close()
	var complaints, data httpstream.Stream
	for complaints == nil || data == nil {
		select {
		case stream := <-streams:
			if stream.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
				complaints = stream
			} else {
				data = stream
			}
		case <-connection.CloseChan():
			return
		}
	}
	at := pod + ":" + data.Headers().Get(corev1.PortHeader)
	s.mu.Lock()
	handler := s.adapters[at]
	s.mu.Unlock()
	if handler == nil {
		fmt.Fprintf(complaints, "error forwarding port: dial %s: connection refused", at)
		_ = complaints.Close()
		_ = data.Reset()
		<-connection.CloseChan()
		return
	}
	inside := httptest.NewServer(handler)
	defer inside.Close()
	to, err := net.Dial("tcp", inside.Listener.Addr().String()) //nolint:noctx // it ends with the server
	if err != nil {
		return
	}
	defer to.Close()
	go func() { _, _ = io.Copy(to, data) }()
	_, _ = io.Copy(data, to)
	_ = data.Close()
	_ = complaints.Close()
	<-connection.CloseChan()
}
