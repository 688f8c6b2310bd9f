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

package cluster_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/apitest"
	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/cluster"
)

// patience is how long a test waits for what must come: far longer than it may take.
const patience = 30 * time.Second

const pods = "/api/v1/namespaces/eventing-ptp-adapters/pods/"

func connect(t *testing.T, s *apitest.Server) *cluster.Client {
	t.Helper()
	c, err := cluster.New(s.Config(), cluster.DefaultNamespace)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pod is the pod of the adapter of source edge/fleet on a node; more is the rest of it.
func pod(node, more string) string {
	return fmt.Sprintf(`
metadata:
  labels: {ptpsource.sources.knative.dev/uid: u1, app.kubernetes.io/component: adapter}
  annotations: {ptpsource.sources.knative.dev/namespace: edge, ptpsource.sources.knative.dev/name: fleet}
%s
spec: {nodeName: %q, containers: [{ports: [{name: health, containerPort: 20001}]}]}
`, more, node)
}

// lines are adapters as a test compares them.
func lines(all []cluster.Adapter) []string {
	var text []string
	for _, a := range all {
		text = append(text, fmt.Sprintf("%s %s %s:%d %s", a, a.UID, a.Pod, a.Port, a.Trouble))
	}
	return text
}

func TestAdapters(t *testing.T) {
	s := apitest.New(t)
	s.Put(pods+"new", pod("n1", `  creationTimestamp: 2026-05-10T07:00:00Z
status: {phase: Running}`))
	s.Put(pods+"old", pod("n1", `  creationTimestamp: 2026-05-10T06:00:00Z
status: {phase: Running}`))
	s.Put(pods+"ends", pod("n1", `  creationTimestamp: 2026-05-10T08:00:00Z
  deletionTimestamp: 2026-05-10T08:00:30Z
status: {phase: Running}`))
	s.Put(pods+"image", pod("n2", `status: {phase: Pending, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff, message: not found}}}]}`))
	s.Put(pods+"crash", pod("n3", `status: {phase: Running, containerStatuses: [{state: {terminated: {reason: Error}}}]}`))
	s.Put(pods+"room", strings.Replace(pod("", `status: {phase: Pending, conditions: [{status: "False", reason: Unschedulable, message: no room}]}`),
		"spec: {", "spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [n4]}]}]}}}, ", 1))
	s.Put(pods+"early", pod("n5", `status: {phase: Pending}`))
	s.Put(pods+"stranger", `{spec: {nodeName: n1, containers: [{ports: [{name: health, containerPort: 1}]}]}}`)
	s.Adapter("core", "other", "u2", "n1", "b", http.NotFoundHandler())
	c := connect(t, s)
	for _, tc := range []struct {
		scope cluster.Scope
		want  []string
	}{
		{cluster.Scope{}, []string{
			"n1 (core/other) u2 b:8081 ", "n1 (edge/fleet) u1 new:20001 ", "n2 (edge/fleet) u1 image:20001 ImagePullBackOff: not found",
			"n3 (edge/fleet) u1 crash:20001 Error", "n4 (edge/fleet) u1 room:20001 Unschedulable: no room", "n5 (edge/fleet) u1 early:20001 its pod is Pending",
		}},
		{cluster.Scope{Namespace: "core"}, []string{"n1 (core/other) u2 b:8081 "}},
		{cluster.Scope{Name: "fleet", Nodes: []string{"n1", "n9"}}, []string{"n1 (edge/fleet) u1 new:20001 "}},
		{cluster.Scope{Namespace: "edge", Name: "other"}, nil},
	} {
		got, err := c.Adapters(t.Context(), tc.scope)
		if diff := cmp.Diff(tc.want, lines(got)); err != nil || diff != "" {
			t.Errorf("%+v: %v, want (-) and got (+):\n%s", tc.scope, err, diff)
		}
	}
}

func TestWatch(t *testing.T) {
	s := apitest.New(t)
	s.Adapter("edge", "fleet", "u1", "n1", "a", http.NotFoundHandler())
	c := connect(t, s)
	ctx, stop := context.WithCancel(t.Context())
	seen, done := make(chan []cluster.Adapter, 100), make(chan error, 1)
	go func() { done <- c.Watch(ctx, cluster.Scope{}, func(all []cluster.Adapter) { seen <- all }) }()
	wait := func(want ...string) {
		t.Helper()
		var got []string
		for deadline := time.After(patience); ; {
			select {
			case all := <-seen:
				if got = lines(all); slices.Equal(got, want) {
					return
				}
			case err := <-done:
				t.Fatalf("it ended: %v", err)
			case <-deadline:
				t.Fatalf("want %q, got %q", want, got)
			}
		}
	}
	wait("n1 (edge/fleet) u1 a:8081 ")
	s.Adapter("edge", "fleet", "u1", "n2", "b", http.NotFoundHandler())
	wait("n1 (edge/fleet) u1 a:8081 ", "n2 (edge/fleet) u1 b:8081 ")
	s.Delete(pods + "a")
	wait("n2 (edge/fleet) u1 b:8081 ")
	s.Adapter("edge", "fleet", "u1", "n1", "c", http.NotFoundHandler())
	wait("n1 (edge/fleet) u1 c:8081 ", "n2 (edge/fleet) u1 b:8081 ")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWatchThatIsForbidden(t *testing.T) {
	s := apitest.New(t)
	s.Refuse(pods[:len(pods)-1], http.StatusForbidden)
	err := connect(t, s).Watch(t.Context(), cluster.Scope{}, func([]cluster.Adapter) { t.Error("it was told of adapters") })
	if err == nil || !strings.Contains(err.Error(), "watch the adapters' pods: ") || !strings.Contains(err.Error(), "was refused") {
		t.Error(err)
	}
}

func TestAsk(t *testing.T) {
	s := apitest.New(t)
	answers := map[string]http.HandlerFunc{
		"answers": func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "%s %s", r.URL.RequestURI(), r.Header.Get("Accept"))
		},
		"problem": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusGone)
			_, _ = io.WriteString(w, `{"title": "Gone", "status": 410, "detail": "not kept any more"}`)
		},
		"earlier": http.NotFound,
		"broken": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "oops\n")
		},
		"silent": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	}
	for name, handler := range answers {
		s.Adapter("edge", "fleet", "u1", name, name, handler)
	}
	c := connect(t, s)
	ask := func(name, trouble string) (string, error) {
		body, err := c.Ask(t.Context(), cluster.Adapter{Pod: name, Port: 8081, Trouble: trouble}, "v1/events", url.Values{"a": {"b c"}}, "text/event-stream")
		if err != nil {
			return "", err
		}
		defer body.Close()
		text, err := io.ReadAll(body)
		return string(text), err
	}
	if got, err := ask("answers", ""); err != nil || got != "/v1/events?a=b+c text/event-stream" {
		t.Errorf("%q, %v", got, err)
	}
	for name, want := range map[string]string{
		"problem": "not kept any more", "earlier": "it has no history and no state to show: it is of an earlier version",
		"broken": "oops", "silent": "502 Bad Gateway", "nobody": "error trying to reach service: connection refused",
	} {
		_, err := ask(name, "")
		if err == nil || err.Error() != want || cluster.Gone(err) != (name == "problem") || cluster.Final(err) != (name == "problem") {
			t.Errorf("%s: %v, gone %v, final %v; want %q", name, err, cluster.Gone(err), cluster.Final(err), want)
		}
	}
	if _, err := ask("answers", "ImagePullBackOff"); err == nil || err.Error() != "ImagePullBackOff" {
		t.Error(err)
	}
	s.Refuse(pods+"answers", http.StatusForbidden)
	if _, err := ask("answers", ""); err == nil || !strings.HasSuffix(err.Error(), "was refused") || cluster.Final(err) {
		t.Error(err)
	}
	s.Close()
	if _, err := ask("answers", ""); err == nil || strings.Contains(err.Error(), "/api/v1") || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
}

func TestStates(t *testing.T) {
	s := apitest.New(t)
	var all []cluster.Adapter
	for n := range 100 {
		node := fmt.Sprintf("n%03d", n)
		adapter := apitest.NewAdapter(t, node, "fleet")
		s.Adapter("edge", "fleet", "u1", node, node, adapter)
		all = append(all, cluster.Adapter{Node: node, Pod: node, Port: 8081})
	}
	s.Adapter("edge", "fleet", "u1", "n008", "n008", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "nonsense") }))
	c := connect(t, s)
	for n, got := range c.States(t.Context(), all, patience) {
		switch {
		case got.Node != all[n].Node:
			t.Errorf("answer %d is that of %s", n, got.Node)
		case n == 8:
			if got.Err == nil || !strings.HasPrefix(got.Err.Error(), "read its state: ") {
				t.Errorf("%s: %v", got.Node, got.Err)
			}
		case got.Err != nil || got.State.Node != got.Node:
			t.Errorf("%s: %+v, %v", got.Node, got.State, got.Err)
		}
	}

	deaf := apitest.NewAdapter(t, "deaf", "fleet")
	deaf.SetDeaf(true)
	s.Adapter("edge", "fleet", "u1", "deaf", "deaf", deaf)
	got := c.States(t.Context(), []cluster.Adapter{{Node: "deaf", Pod: "deaf", Port: 8081}}, 100*time.Millisecond)
	if got[0].Err == nil || got[0].Err.Error() != "it did not answer within 100ms" || got[0].State != nil {
		t.Errorf("%+v, %v", got[0].State, got[0].Err)
	}
}
