//go:build lab

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

package installation_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"

	"github.com/eventing-ptp/eventing-ptp/test/installation"
)

// forwardPorts plays the part of the kubelets that forwards ports: the loopback of every pod is
// that of the control plane's network namespace.
func forwardPorts(t *testing.T) {
	t.Helper()
	certificate, key, err := cluster.ServerCertificate("kubelet")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := cluster.Listen(10250)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /portForward/"+installation.Adapters+"/{pod}", forward)
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: time.Minute, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // HTTP/1.1 can be upgraded
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
}

// forward connects two streams to a port, as k8s.io/kubelet/pkg/cri/streaming/portforward does.
func forward(w http.ResponseWriter, r *http.Request) {
	if _, err := httpstream.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	streams := make(chan httpstream.Stream, 2)
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, _ <-chan struct{}) error { streams <- s; return nil })
	if connection == nil {
		return
	}
	defer connection.Close()
	pair := map[string]httpstream.Stream{}
	for len(pair) < 2 {
		select {
		case s := <-streams:
			pair[s.Headers().Get(corev1.StreamType)] = s
		case <-connection.CloseChan():
			return
		}
	}
	complaints, data := pair[corev1.StreamTypeError], pair[corev1.StreamTypeData]
	to, err := cluster.Dial(context.Background(), "tcp", "127.0.0.1:"+data.Headers().Get(corev1.PortHeader))
	if err != nil {
		fmt.Fprintf(complaints, "error forwarding port: %v", err)
		_ = complaints.Close()
		_ = data.Reset()
		<-connection.CloseChan()
		return
	}
	defer to.Close()
	go func() { _, _ = io.Copy(to, data) }()
	_, _ = io.Copy(data, to)
	_ = complaints.Close()
	_ = data.Close()
	<-connection.CloseChan()
}

// startAdapter runs a real adapter for a source on a node, whose events go to a sink in the network
// namespace.
func (r room) startAdapter(node string) {
	r.Helper()
	taken, err := cluster.Listen(0)
	if err != nil {
		r.Fatal(err)
	}
	sink := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })}
	go func() { _ = sink.Serve(taken) }()
	r.Cleanup(func() { _ = sink.Close() })
	program := filepath.Join(r.TempDir(), "receive_adapter")
	build := exec.CommandContext(r.Context(), "go", "build", "-o", program, "../../cmd/receive_adapter")
	if out, err := build.CombinedOutput(); err != nil {
		r.Fatalf("build the adapter: %v: %s", err, out)
	}
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		r.Fatal(err)
	}
	cmd := exec.Command(program, "-sink", "http://127.0.0.1:"+port, "-node", node, "-socket", r.TempDir()+"/ptp4l*", "-health", "")
	cmd.Env = []string{`K_SOURCE_CONFIG={"emit": {"address": "localhost:8083"}}`, "PROFILING_PORT=0", "HOME=" + os.TempDir()}
	p, err := cluster.Run("adapter", cmd)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = p.Kill() })
	eventually(r.T, "the adapter", func(ctx context.Context) error {
		if !p.Running() {
			text, _ := os.ReadFile(p.Log())
			return fmt.Errorf("it does not run: %s", text)
		}
		conn, err := cluster.Dial(ctx, "tcp", "127.0.0.1:8083")
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// A user with the Role for it, and no other, has an adapter send a test event: through a real API
// server, which leads into the pod, to a real adapter and its sink.
func TestEmit(t *testing.T) {
	r := newRoom(t, 1)
	r.broker()
	r.create(r.source("fleet"))
	r.ready("fleet")
	forwardPorts(t)
	cli, err := cluster.NewCommandLine(t.Context(), r.namespace)
	if err != nil {
		t.Fatal(err)
	}
	emit := func() installation.Run {
		run, err := cli.Run("emit", "--namespace", r.namespace)
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	if run := emit(); run.Status != 1 || !strings.Contains(run.Output, `cannot create resource "pods/portforward"`) || !strings.Contains(run.Output, "the Role eventing-ptp-cli-emit") {
		t.Errorf("without the Role: status %d: %s", run.Status, run.Output)
	}
	if err := cluster.ApplyYAML(t.Context(), fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: emit-of-%[1]s, namespace: %[2]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: eventing-ptp-cli-emit}
subjects: [{kind: ServiceAccount, name: operator, namespace: %[1]s}]
`, r.namespace, installation.Adapters)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the right to forward ports", func(context.Context) error {
		if run := emit(); run.Status != 1 || !strings.Contains(run.Output, "connection refused") {
			return fmt.Errorf("status %d: %s", run.Status, run.Output)
		}
		return nil
	})
	r.startAdapter(r.nodes[0])
	run := emit()
	if want := "from /cluster/node/" + r.nodes[0] + "/sync/eventing-ptp/test\nthe sink has taken it after "; run.Status != 0 || !strings.Contains(run.Output, want) {
		t.Errorf("status %d: %s\nwant %s", run.Status, run.Output, want)
	}
}
