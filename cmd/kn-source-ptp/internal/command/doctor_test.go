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
	"net/http"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// knative puts what belongs to a source into a cluster: all well.
func (c site) knative() {
	for _, name := range []string{"controller", "webhook"} {
		c.Put("/apis/apps/v1/namespaces/knative-eventing/deployments/eventing-ptp-"+name, "status: {replicas: 2, readyReplicas: 2}")
	}
	c.Put("/apis/eventing.knative.dev/v1/namespaces/edge/brokers/default", `status: {conditions: [{type: Ready, status: "True"}]}`)
	c.Put("/apis/eventing.knative.dev/v1/namespaces/edge/triggers/all", `{spec: {broker: default}, status: {conditions: [{type: Ready, status: "True"}]}}`)
	c.Put("/apis/eventing.knative.dev/v1/namespaces/edge/triggers/elsewhere", `{spec: {broker: another, filters: [{exact: {source: /none/sync}}]}}`)
}

func TestDoctorFindsNothing(t *testing.T) {
	c := newCluster(t)
	n1, _ := c.fleet()
	c.knative()
	n1.SetState(func(s *stream.State) { s.Instances[0].State, s.Instances[0].Silent = "LOCKED", false })
	c.wants(ok, `++ kind PtpSource: is installed
++ Deployment eventing-ptp-controller: 2 of 2 replicas are ready
++ Deployment eventing-ptp-webhook: 2 of 2 replicas are ready
++ PtpSource edge/fleet: is Ready on 2 of 2 nodes
++ sink Broker default: is Ready
++ adapter of edge/fleet on n1: ptp4l.0 is LOCKED
++ adapter of edge/fleet on n2: ptp4l.0 is LOCKED
++ Trigger edge/all: its filter can match events of edge/fleet

Nothing is wrong. Events are sent when something changes; the command events shows what did.
`, "", "doctor", "-A")
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	c := newCluster(t)
	c.fleet()
	c.knative()
	c.Put("/apis/eventing.knative.dev/v1/namespaces/edge/triggers/typo", `{spec: {broker: default, filters: [{exact: {source: /cluster/node/n11/sync/ptp-status/lock-state}}]}}`)
	c.Put("/apis/eventing.knative.dev/v1/namespaces/edge/brokers/default", `status: {conditions: [{type: Ready, status: "False", reason: NoAddress, message: no address}]}`)
	c.Adapter("edge", "fleet", "u1", "n3", "pod-3", nil)
	c.Refuse("/apis/apps/v1/namespaces/knative-eventing/deployments/eventing-ptp-webhook", http.StatusForbidden)
	code, out, _ := c.run("doctor", "-n", "edge", "--source", "fleet")
	for _, want := range []string{
		"?? Deployment eventing-ptp-webhook: ",
		"!! sink Broker default: is not Ready (NoAddress): no address [SinkNotReady]\n   -> see why: kubectl describe broker default\n",
		"!! clock ptp4l.0 on n1: its port is SLAVE, and no Sync arrives [SyncSilent]\n   -> look at the grandmaster, and at the network between it and the node\n",
		"!! adapter of edge/fleet on n3: does not answer: error trying to reach service: connection refused [AdapterSilent]\n   -> see its log: kubectl -n eventing-ptp-adapters logs pod-3\n",
		`!! Trigger edge/typo: its filter can never match: no event of the source has source "/cluster/node/n11/sync/ptp-status/lock-state"; it has "/cluster/node/n1/sync/ptp-status/lock-state", `,
		"\n4 things are wrong.\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if code != failed || strings.Contains(out, "elsewhere") {
		t.Errorf("status %d:\n%s", code, out)
	}
	c.wants(failed, "no adapter of edge/fleet runs there", "", "doctor", "n9", "-n", "edge", "-o", `jsonpath={.findings[?(@.about=="node n9")].text}`)
	c.wants(failed, "", "Error: there is no PtpSource \"other\" in namespace \"edge\"\n", "doctor", "-n", "edge", "--source", "other")
}

func TestDoctorWithoutAnInstallation(t *testing.T) {
	c := newCluster(t)
	c.Delete("/apis/sources.knative.dev/v1alpha1")
	c.wants(failed, "!! kind PtpSource: this cluster does not have it [NotInstalled]\n   -> install eventing-ptp: docs/install.md\n\n1 thing is wrong.\n", "", "doctor")
	c.Close()
	if code, out, errOut := c.run("doctor"); code != failed || out != "" || !strings.Contains(errOut, "connection refused") {
		t.Errorf("status %d: %q, %q", code, out, errOut)
	}
}
