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
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return ctx, cancel
}

// spec returns the spec of a PtpSource as YAML.
func (c site) spec(name string) string {
	c.t.Helper()
	text, err := yaml.Marshal(c.Get(sources + name)["spec"])
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

func (c site) wantsSpec(name, want string) {
	c.t.Helper()
	if diff := cmp.Diff(want, c.spec(name)); diff != "" {
		c.t.Errorf("spec of %s, want (-) and got (+):\n%s", name, diff)
	}
}

const toBroker = "sink:\n  ref:\n    apiVersion: eventing.knative.dev/v1\n    kind: Broker\n    name: default\n"

func TestSourcesComeAndGo(t *testing.T) {
	c := newCluster(t)
	c.wants(ok, "", "there is no PtpSource\n", "list", "-n", "edge")
	c.wants(ok, "PtpSource \"fleet\" created (not really) in namespace \"edge\".\n", "", "create", "fleet", "--sink", "broker:default", "-n", "edge", "--dry-run")
	if c.Get(sources+"fleet") != nil {
		t.Error("a dry run has created something")
	}
	c.wants(ok, "PtpSource \"fleet\" created in namespace \"edge\".\n", "", "create", "fleet", "--sink", "broker:default", "-n", "edge", "--os-clock", "--lock-offset", "20us")
	c.wantsSpec("fleet", "osClock:\n  enabled: true\n"+toBroker+"thresholds:\n  lockOffset: 20µs\n")
	c.wants(failed, "", "Error: "+sources+"fleet is there already; change it with update, or use apply\n", "create", "fleet", "--sink", "broker:default", "-n", "edge")

	c.wants(ok, "PtpSource \"fleet\" updated in namespace \"edge\".\n", "", "update", "fleet", "-n", "edge", "--lock-offset=", "--paused", "--socket", "ptp4l.0.socket")
	c.wantsSpec("fleet", "linuxptp:\n  sockets:\n  - ptp4l.0.socket\nosClock:\n  enabled: true\npaused: true\n"+toBroker)
	c.wants(failed, "", "Error: nothing to change: give a flag of the spec, such as --sink\n", "update", "fleet", "-n", "edge")
	c.wants(failed, "", "Error: "+sources+"none is not there\n", "update", "none", "-n", "edge", "--paused")

	c.wants(ok, "PtpSource \"fleet\" applied in namespace \"edge\".\n", "", "apply", "fleet", "-n", "edge", "--sink", "ksvc:handler")
	c.wantsSpec("fleet", "sink:\n  ref:\n    apiVersion: serving.knative.dev/v1\n    kind: Service\n    name: handler\n")
	c.wants(ok, "ptpsource.sources.knative.dev/other\n", "", "apply", "other", "-n", "edge", "--sink", "http://a.example.com", "-o", "name")
	c.wants(ok, "http://a.example.com", "", "describe", "other", "-n", "edge", "-o", "jsonpath={.spec.sink.uri}")
	c.wants(ok, "ptpsource.sources.knative.dev/fleet\nptpsource.sources.knative.dev/other\n", "", "list", "-n", "edge", "-o", "name")
	c.wants(ok, "fleet other", "", "list", "-A", "-o", "jsonpath={.items[*].metadata.name}")

	code, out, errOut := c.run("delete", "fleet", "none", "other", "-n", "edge")
	if want := "PtpSource \"fleet\" deleted in namespace \"edge\".\nPtpSource \"other\" deleted in namespace \"edge\".\n"; code != failed || out != want ||
		errOut != "Error: "+sources+"none is not there\n" {
		t.Errorf("status %d\n%s%s", code, out, errOut)
	}
	if c.Get(sources+"fleet") != nil {
		t.Error("it is still there")
	}
	patches := 0
	for _, asked := range c.Asked() {
		if strings.HasPrefix(asked, "PATCH ") {
			patches++
			if !strings.Contains(asked, "fieldManager=kn-source-ptp") || !strings.Contains(asked, "force=false") {
				t.Errorf("apply asks %s", asked)
			}
		}
	}
	if patches != 2 {
		t.Errorf("%d patches", patches)
	}
}

func TestSourcesAreRefused(t *testing.T) {
	c := newCluster(t)
	for _, tc := range []struct {
		want string
		args []string
	}{
		{"kn source ptp create needs one name, of a PtpSource, and got 0; see kn source ptp create --help", []string{"create"}},
		{"kn source ptp delete needs the names of PtpSources; see kn source ptp delete --help", []string{"delete"}},
		{"--sink is missing: say where events go, such as --sink broker:default", []string{"create", "fleet"}},
		{`--lock-offset "5": time: missing unit in duration "5"`, []string{"create", "fleet", "--sink", "broker:a", "--lock-offset", "5"}},
		{`-o "wide" is not known; it can be name|json|yaml|jsonpath=TEMPLATE|jsonpath-file=FILE|go-template=TEMPLATE|go-template-file=FILE`, []string{"create", "fleet", "--sink", "broker:a", "-o", "wide"}},
		{`unknown command "frobnicate" for "kn source ptp"`, []string{"frobnicate"}},
	} {
		c.wants(failed, "", "Error: "+tc.want+"\n", tc.args...)
	}
	c.Refuse(strings.TrimSuffix(sources, "/"), http.StatusConflict)
	c.wants(failed, "", "Error: "+sources+"fleet was refused; --force takes these fields over\n", "apply", "fleet", "-n", "edge", "--sink", "broker:a")
	c.Refuse(strings.TrimSuffix(sources, "/"), http.StatusForbidden)
	c.wants(failed, "", "Error: "+strings.TrimSuffix(sources, "/")+" was refused; an administrator can bind the roles eventing-ptp-cli to you (docs/cli.md)\n", "list", "-n", "edge")
}

func TestList(t *testing.T) {
	c := newCluster(t)
	c.fleet()
	c.Put("/apis/sources.knative.dev/v1alpha1/namespaces/core/ptpsources/other", `
metadata: {creationTimestamp: "2026-05-09T22:21:34Z"}
spec: {sink: {ref: {apiVersion: messaging.knative.dev/v1, kind: InMemoryChannel, name: a, namespace: b}}}
status: {nodes: {desired: 2, ready: 0, summary: 0/2}, conditions: [{type: Ready, status: "False", reason: AdapterFailing}]}
`)
	c.Put(sources+"fleet", `
metadata: {creationTimestamp: "2026-05-04T23:21:34Z"}
spec: {sink: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}}}
status: {sinkUri: "http://a.b/c", nodes: {desired: 2, ready: 2, summary: 2/2}, daemonSet: d, conditions: [{type: Ready, status: "True"}]}
`)
	c.wants(ok, "NAME    SINK             NODES   READY   REASON   AGE\nfleet   broker:default   2/2     True    -        5d\n", "", "list", "-n", "edge")
	c.wants(ok, "NAMESPACE   NAME    SINK                                           NODES   READY   REASON           AGE   SINK URI       DAEMONSET\n"+
		"core        other   messaging.knative.dev/v1/InMemoryChannel:a:b   0/2     False   AdapterFailing   60m   -              -\n"+
		"edge        fleet   broker:default                                 2/2     True    -                5d    http://a.b/c   d\n", "", "list", "-A", "-o", "wide")
}

func TestDescribe(t *testing.T) {
	c := newCluster(t)
	c.fleet()
	c.Put(sources+"fleet", `
metadata: {creationTimestamp: "2026-05-04T23:21:34Z"}
spec: {sink: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}}}
status:
  sinkUri: http://a.b/c
  nodes: {desired: 2, ready: 1, summary: 1/2}
  daemonSet: eventing-ptp-adapters/d
  conditions:
  - {type: AdaptersReady, status: "False", reason: AdapterFailing, message: "n2: ImagePullBackOff", lastTransitionTime: "2026-05-09T23:16:34Z"}
  - {type: SinkProvided, status: "True", lastTransitionTime: "2026-05-04T23:21:34Z"}
`)
	c.wants(ok, `Name:        fleet
Namespace:   edge
Age:         5d
Sink:        broker:default
Sink URI:    http://a.b/c
Nodes:       1 of 2 ready
DaemonSet:   eventing-ptp-adapters/d

Spec:
  sink:
    ref:
      apiVersion: eventing.knative.dev/v1
      kind: Broker
      name: default

Conditions:
  OK   TYPE            REASON           AGE   MESSAGE
  !!   AdaptersReady   AdapterFailing   5m    n2: ImagePullBackOff
  ++   SinkProvided    -                5d    -

Adapters:
  NODE   POD     TROUBLE
  n1     pod-1   -
  n2     pod-2   -
`, "", "describe", "fleet", "-n", "edge")
	c.wants(failed, "", "Error: "+sources+"none is not there\n", "describe", "none", "-n", "edge")
}
