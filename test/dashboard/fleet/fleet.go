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

// Package fleet plays a cluster with adapters: an API server on loopback that knows their
// pods, and leads to them as the real one does.
package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// adapterNamespace is where the pods of adapters are.
const adapterNamespace = "eventing-ptp-adapters"

// Fleet is a cluster's adapters.
type Fleet struct {
	server *http.Server
	url    string

	mu       sync.Mutex
	adapters map[string]*Adapter // by pod
	changed  chan struct{}       // closed when there are others
	version  int
}

// New starts a cluster without adapters.
func New() (*Fleet, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start an API server: %w", err)
	}
	f := &Fleet{url: "http://" + l.Addr().String(), adapters: map[string]*Adapter{}, changed: make(chan struct{}), version: 1}
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.server.Serve(l) }() // it ends with Close
	return f, nil
}

// Close ends it.
func (f *Fleet) Close() error {
	err := f.server.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.adapters {
		err = errors.Join(err, a.journal.Close())
	}
	return err
}

// WriteKubeconfig writes what a command line needs to reach it.
func (f *Fleet) WriteKubeconfig(file string) error {
	return os.WriteFile(file, fmt.Appendf(nil, `
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test, namespace: edge}}]
clusters: [{name: test, cluster: {server: %q}}]
users: [{name: test, user: {}}]
`, f.url), 0o600)
}

// Add adds an adapter of a PtpSource to a node.
func (f *Fleet) Add(namespace, source, node string) (*Adapter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, err := newAdapter(namespace, source, node, f.version)
	if err != nil {
		return nil, err
	}
	f.adapters[a.pod] = a
	f.change(a)
	return a, nil
}

// Remove takes an adapter and its pod away.
func (f *Fleet) Remove(a *Adapter) {
	f.mu.Lock()
	delete(f.adapters, a.pod)
	f.change(a)
	f.mu.Unlock()
	a.Cut()
}

func (f *Fleet) change(a *Adapter) {
	f.version++
	a.version = f.version
	close(f.changed)
	f.changed = make(chan struct{})
}

// ServeHTTP implements http.Handler.
func (f *Fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pods := "/api/v1/namespaces/" + adapterNamespace + "/pods"
	before, after, proxy := strings.Cut(r.URL.Path, "/proxy/")
	switch {
	case proxy && strings.HasPrefix(before, pods+"/"):
		f.mu.Lock()
		a := f.adapters[strings.TrimSuffix(path.Base(before), ":8081")]
		f.mu.Unlock()
		if a == nil {
			refuse(w, http.StatusServiceUnavailable, "error trying to reach service: connection refused")
			return
		}
		request := r.Clone(r.Context())
		request.URL = &url.URL{Path: "/" + after, RawQuery: r.URL.RawQuery}
		a.ServeHTTP(w, request)
	case r.URL.Path == pods && r.URL.Query().Get("watch") != "":
		f.watch(w, r)
	case r.URL.Path == pods:
		f.mu.Lock()
		list := corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}}
		list.ResourceVersion = fmt.Sprint(f.version)
		for _, a := range f.adapters {
			list.Items = append(list.Items, *a.object())
		}
		f.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		write(w, list)
	case strings.HasSuffix(r.URL.Path, "/ptpsources"):
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"apiVersion":"sources.knative.dev/v1alpha1","kind":"PtpSourceList","metadata":{},"items":[{"metadata":{"name":"fleet"}}]}`)
	default:
		refuse(w, http.StatusNotFound, r.URL.Path+" is not there")
	}
}

// object is the pod of an adapter.
func (a *Adapter) object() *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Name: a.pod, Namespace: adapterNamespace, ResourceVersion: fmt.Sprint(a.version),
			Labels: map[string]string{resources.UIDLabel: a.uid, "app.kubernetes.io/component": "adapter"},
			Annotations: map[string]string{
				resources.NamespaceAnnotation: a.namespace, resources.NameAnnotation: a.Source,
			},
		},
		Spec: corev1.PodSpec{NodeName: a.Node, Containers: []corev1.Container{{
			Name: "adapter", Ports: []corev1.ContainerPort{{Name: "health", ContainerPort: 8081}},
		}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
}

// watch tells of pods as they come and go.
func (f *Fleet) watch(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	known := map[string]*corev1.Pod{}
	for first := true; ; first = false {
		f.mu.Lock()
		now, changed, version := map[string]*corev1.Pod{}, f.changed, fmt.Sprint(f.version)
		for pod, a := range f.adapters {
			now[pod] = a.object()
		}
		f.mu.Unlock()
		tell := func(kind string, pod *corev1.Pod) { write(w, map[string]any{"type": kind, "object": pod}) }
		initial := r.URL.Query().Get("sendInitialEvents") == "true"
		for name, pod := range now {
			if known[name] == nil && (!first || initial) {
				tell("ADDED", pod)
			}
		}
		for name, pod := range known {
			if now[name] == nil {
				pod.ResourceVersion = version
				tell("DELETED", pod)
			}
		}
		known = now
		if first && initial {
			tell("BOOKMARK", &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{
				ResourceVersion: version, Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
			}})
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		}
	}
}

func refuse(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	write(w, metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Message: message, Code: int32(code), //nolint:gosec // a status of HTTP
	})
}

func write(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) } // a client that is gone needs no answer
