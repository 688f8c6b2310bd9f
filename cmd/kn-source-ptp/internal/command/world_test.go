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

package command

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventing-ptp/eventing-ptp/cmd/kn-source-ptp/internal/apitest"
	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// start is when the first event is observed, and now a minute later.
var (
	start = time.Date(2026, 5, 9, 23, 20, 34, 661862100, time.UTC)
	now   = start.Add(time.Minute).In(time.FixedZone("", 8*3600))
)

const (
	sources = "/apis/sources.knative.dev/v1alpha1/namespaces/edge/ptpsources/"
	podPath = "/api/v1/namespaces/eventing-ptp-adapters/pods"
)

// terminal is what a test may look at while a command writes.
type terminal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *terminal) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *terminal) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// site is a cluster with what tests put there.
type site struct {
	*apitest.Server
	t *testing.T
}

func newCluster(t *testing.T) site {
	t.Helper()
	c := site{apitest.New(t), t}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := "clusters: [{name: test, cluster: {server: '" + c.URL + "'}}]\ncontexts: [{name: test, context: {cluster: test}}]\ncurrent-context: test\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", file)
	c.Put("/apis/sources.knative.dev/v1alpha1", "{kind: APIResourceList, groupVersion: sources.knative.dev/v1alpha1, resources: [{name: ptpsources, kind: PtpSource}]}")
	return c
}

// world is where a command runs.
func (c site) world() (w *world, out, errOut *terminal) {
	out, errOut = &terminal{}, &terminal{}
	return &world{in: strings.NewReader(""), out: out, err: errOut, now: func() time.Time { return now }}, out, errOut
}

// run runs a command to its end.
func (c site) run(args ...string) (code int, out, errOut string) {
	w, o, e := c.world()
	code = w.run(c.t.Context(), append([]string{"kn-source-ptp"}, args...))
	return code, o.String(), e.String()
}

// wants runs a command, and compares all that it says.
func (c site) wants(code int, out, errOut string, args ...string) {
	c.t.Helper()
	gotCode, gotOut, gotErr := c.run(args...)
	if gotCode != code {
		c.t.Errorf("%q: status %d, want %d", args, gotCode, code)
	}
	if diff := cmp.Diff(out, gotOut); diff != "" {
		c.t.Errorf("%q: output, want (-) and got (+):\n%s", args, diff)
	}
	if diff := cmp.Diff(errOut, gotErr); diff != "" {
		c.t.Errorf("%q: errors, want (-) and got (+):\n%s", args, diff)
	}
}

// start runs a command until the test ends it by a signal.
func (c site) start(args ...string) (out, errOut *terminal, end func() int) {
	w, out, errOut := c.world()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() { done <- w.run(ctx, append([]string{"kn-source-ptp"}, args...)) }()
	return out, errOut, func() int {
		cancel()
		return <-done
	}
}

// eventually waits until a terminal shows a text.
func eventually(t *testing.T, on *terminal, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(on.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not show %q:\n%s", text, on)
		}
	}
}

// fleet puts the PtpSource edge/fleet with adapters on n1 and n2 into a cluster. n1 was locked
// and is in HOLDOVER, n2 is locked.
func (c site) fleet() (n1, n2 *apitest.Adapter) {
	c.t.Helper()
	c.Put(sources+"fleet", `
spec: {sink: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}}, linuxptp: {socketDirectory: /var/run/ptp, sockets: ["ptp4l*"]}}
status:
  sinkUri: http://broker-ingress.knative-eventing.svc.cluster.local/edge/default
  nodes: {desired: 2, ready: 2, summary: 2/2}
  daemonSet: eventing-ptp-adapters/ptpsource-fleet-u1
  conditions: [{type: Ready, status: "True"}]
`)
	n1, n2 = apitest.NewAdapter(c.t, "n1", "fleet"), apitest.NewAdapter(c.t, "n2", "fleet")
	c.Adapter("edge", "fleet", "u1", "n1", "pod-1", n1)
	c.Adapter("edge", "fleet", "u1", "n2", "pod-2", n2)
	n1.Change(start, "ptp4l.0", clock.Unknown, clock.Locked)
	n2.Change(start.Add(time.Second), "ptp4l.0", clock.Unknown, clock.Locked)
	n1.Change(start.Add(2*time.Second), "ptp4l.0", clock.Locked, clock.Holdover)
	set := func(a *apitest.Adapter, state, reason string, since time.Time) {
		a.SetState(func(s *stream.State) {
			s.Overall = stream.Condition{State: state, Since: &since, Reason: reason}
			s.Instances = []stream.Instance{{
				Name: "ptp4l.0", Condition: stream.Condition{State: state, Since: &since, Reason: reason}, Up: true, Silent: reason == "SyncSilent",
				Interface: "eth0", Grandmaster: "42160d.fffe.627ae7", Class: "6", Ports: []stream.Port{{Number: 1, State: "SLAVE"}},
			}}
			if state == "LOCKED" {
				s.Instances[0].OffsetNanoseconds = new(int64(-37))
			}
		})
	}
	set(n1, "HOLDOVER", "SyncSilent", start.Add(2*time.Second))
	set(n2, "LOCKED", "OffsetInRange", start.Add(time.Second))
	return n1, n2
}
