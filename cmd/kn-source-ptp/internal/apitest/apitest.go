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

// Package apitest is an API server for tests: it keeps objects without looking at them, and
// leads to adapters as the real one does.
package apitest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// Server is an API server.
type Server struct {
	*httptest.Server

	mu       sync.Mutex
	objects  map[string]map[string]any // by path
	adapters map[string]http.Handler   // by <pod>:<port>, in the pod or from outside
	refused  map[string]int            // statuses, by the beginning of a path
	asked    []string                  // methods and paths with queries
	changed  chan struct{}             // closed when an object is another
	version  int
}

// New returns a server without objects.
func New(t *testing.T) *Server {
	s := &Server{
		objects: map[string]map[string]any{}, adapters: map[string]http.Handler{}, refused: map[string]int{}, changed: make(chan struct{}),
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return s
}

// Config is how to reach it.
func (s *Server) Config() *rest.Config { return &rest.Config{Host: s.URL} }

// Put puts an object at a path, such as /api/v1/namespaces/a/pods/b; its YAML may be short.
func (s *Server) Put(at, text string) {
	object := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		panic(err) // a test has written it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(at, object)
}

func (s *Server) put(at string, object map[string]any) {
	s.name(at, object)
	s.objects[at] = object
	s.change()
}

// name says in an object what it is called.
func (s *Server) name(at string, object map[string]any) {
	meta, _ := object["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
		object["metadata"] = meta
	}
	meta["name"] = path.Base(at)
	if _, rest, ok := strings.Cut(at, "/namespaces/"); ok {
		meta["namespace"], _, _ = strings.Cut(rest, "/")
	}
	s.version++
	meta["resourceVersion"] = fmt.Sprint(s.version)
	if apiVersion, kind := typeOf(path.Dir(at)); kind != "" {
		object["apiVersion"], object["kind"] = apiVersion, kind
	}
}

// typeOf returns what the objects of a collection are, such as /apis/GROUP/VERSION/namespaces/NAME/RESOURCE.
func typeOf(collection string) (apiVersion, kind string) {
	kinds := map[string]string{
		"pods": "Pod", "deployments": "Deployment", "ptpsources": "PtpSource", "brokers": "Broker", "triggers": "Trigger",
	}
	parts := strings.Split(strings.TrimPrefix(collection, "/"), "/")
	if parts[0] == "api" {
		return parts[1], kinds[path.Base(collection)]
	}
	return parts[1] + "/" + parts[min(2, len(parts)-1)], kinds[path.Base(collection)]
}

// Delete removes an object.
func (s *Server) Delete(at string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, at)
	s.version++
	s.change()
}

func (s *Server) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Get returns an object; nil if there is none.
func (s *Server) Get(at string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[at]
}

// Refuse answers requests for paths with this beginning with a status; 0 no longer.
func (s *Server) Refuse(prefix string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[prefix] = status
}

// Asked returns the requests so far, as method, path and query.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Adapter makes the pod of an adapter, and lets a handler answer for it.
func (s *Server) Adapter(namespace, source, uid, node, pod string, handler http.Handler) {
	s.mu.Lock()
	s.adapters[pod+":8081"] = handler
	s.mu.Unlock()
	s.Put("/api/v1/namespaces/eventing-ptp-adapters/pods/"+pod, fmt.Sprintf(`
metadata:
  labels: {ptpsource.sources.knative.dev/uid: %q, app.kubernetes.io/name: eventing-ptp, app.kubernetes.io/component: adapter}
  annotations: {ptpsource.sources.knative.dev/namespace: %q, ptpsource.sources.knative.dev/name: %q}
spec:
  nodeName: %q
  containers: [{name: adapter, ports: [{name: health, containerPort: 8081}, {name: metrics, containerPort: 9092}, {name: emit, containerPort: 8083}]}]
status: {phase: Running}
`, uid, namespace, source, node))
}

// Inside lets a handler answer at the port of a pod that only listens there.
func (s *Server) Inside(pod string, port int, handler http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.adapters[fmt.Sprintf("%s:%d", pod, port)] = handler
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
	status := 0
	for prefix, code := range s.refused {
		if strings.HasPrefix(r.URL.Path, prefix) {
			status = max(status, code)
		}
	}
	s.mu.Unlock()
	switch {
	case status != 0:
		refuse(w, status, r.URL.Path+" was refused")
	case strings.Contains(r.URL.Path, "/proxy/"):
		s.proxy(w, r)
	case strings.HasSuffix(r.URL.Path, "/portforward"):
		s.forward(w, r)
	case r.URL.Query().Get("watch") != "":
		s.watch(w, r)
	default:
		s.serve(w, r)
	}
}

// proxy leads to an adapter.
func (s *Server) proxy(w http.ResponseWriter, r *http.Request) {
	before, after, _ := strings.Cut(r.URL.Path, "/proxy/")
	s.mu.Lock()
	handler := s.adapters[path.Base(before)]
	s.mu.Unlock()
	if handler == nil {
		refuse(w, http.StatusServiceUnavailable, "error trying to reach service: connection refused")
		return
	}
	request := r.Clone(r.Context())
	request.URL = &url.URL{Path: "/" + after, RawQuery: r.URL.RawQuery}
	handler.ServeHTTP(w, request)
}

func refuse(w http.ResponseWriter, code int, message string) {
	reason := map[int]metav1.StatusReason{
		http.StatusNotFound: metav1.StatusReasonNotFound, http.StatusForbidden: metav1.StatusReasonForbidden,
		http.StatusConflict: metav1.StatusReasonConflict, http.StatusUnauthorized: metav1.StatusReasonUnauthorized,
	}[code]
	refuseFor(w, code, reason, message)
}

func refuseFor(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	write(w, metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure,
		Message: message, Reason: reason, Code: int32(code), //nolint:gosec // a status of HTTP
	})
}

func write(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) } // a client that is gone needs no answer

// serve keeps objects and returns them.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := r.URL.Path
	object := s.objects[at]
	_, inNamespace, namespaced := strings.Cut(at, "/namespaces/")
	collection := !namespaced || strings.Count(inNamespace, "/") == 1
	discovery := strings.HasPrefix(at, "/apis/") && strings.Count(at, "/") == 3
	body := map[string]any{}
	if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		text, err := io.ReadAll(r.Body)
		if err == nil {
			err = yaml.Unmarshal(text, &body)
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
	}
	switch {
	case r.Method == http.MethodGet && object == nil && collection && !discovery:
		apiVersion, kind := typeOf(at)
		object = map[string]any{
			"apiVersion": apiVersion, "kind": kind + "List",
			"metadata": map[string]any{"resourceVersion": fmt.Sprint(s.version)}, "items": s.list(at),
		}
	case r.Method == http.MethodPost:
		meta, _ := body["metadata"].(map[string]any)
		at += "/" + fmt.Sprint(meta["name"])
		if s.objects[at] != nil {
			refuseFor(w, http.StatusConflict, metav1.StatusReasonAlreadyExists, at+" is there already")
			return
		}
		fallthrough
	case r.Method == http.MethodPatch:
		object = s.take(at, body, r)
	case object == nil:
		refuse(w, http.StatusNotFound, at+" is not there")
		return
	case r.Method == http.MethodPut:
		object = s.take(at, body, r)
	case r.Method == http.MethodDelete:
		delete(s.objects, at)
		s.change()
	}
	w.Header().Set("Content-Type", "application/json")
	write(w, object)
}

// take keeps an object, unless it is only tried.
func (s *Server) take(at string, object map[string]any, r *http.Request) map[string]any {
	if r.URL.Query().Get("dryRun") == "" {
		s.put(at, object)
	} else {
		s.name(at, object)
	}
	return object
}

// list returns the objects of a collection, also of one that goes through all namespaces.
func (s *Server) list(at string) []any {
	all := []any{}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		collection := path.Dir(key)
		if before, rest, ok := strings.Cut(collection, "/namespaces/"); ok && !strings.Contains(at, "/namespaces/") {
			collection = before + "/" + path.Base(rest)
		}
		if collection == at {
			all = append(all, s.objects[key])
		}
	}
	return all
}

// watch tells of the pods of a namespace as they change.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	known := map[string]string{} // versions by name
	tell := func(kind string, object any) {
		write(w, map[string]any{"type": kind, "object": object})
		w.(http.Flusher).Flush()
	}
	for first := true; ; first = false {
		s.mu.Lock()
		now, changed, version := s.list(r.URL.Path), s.changed, s.version
		there := map[string]string{}
		var told []func()
		for _, o := range now {
			text, err := json.Marshal(o)
			pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}}
			if err != nil || json.Unmarshal(text, pod) != nil {
				continue
			}
			there[pod.Name] = pod.ResourceVersion
			kind := "MODIFIED"
			if known[pod.Name] == "" {
				kind = "ADDED"
			}
			if known[pod.Name] != pod.ResourceVersion && (!first || r.URL.Query().Get("sendInitialEvents") == "true") {
				told = append(told, func() { tell(kind, pod) })
			}
		}
		for name := range known {
			if there[name] == "" {
				gone := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{
					Name: name, Namespace: "eventing-ptp-adapters", ResourceVersion: fmt.Sprint(version),
				}}
				told = append(told, func() { tell("DELETED", gone) })
			}
		}
		s.mu.Unlock()
		known = there
		for _, f := range told {
			f()
		}
		if first && r.URL.Query().Get("sendInitialEvents") == "true" {
			tell("BOOKMARK", &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{
				ResourceVersion: fmt.Sprint(version), Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
			}})
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		}
	}
}
