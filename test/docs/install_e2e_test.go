//go:build e2e

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

package docs_test

import (
	"context"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/test/docs"
)

// page is one that is typed in parts, in an order of the test.
type page struct {
	*testing.T
	page *docs.Page
}

func open(t *testing.T, path string) page {
	t.Helper()
	p, err := docs.Read(root + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return page{t, p}
}

// types does what the block with the given words says, from the given directory, and puts
// the second of each pair in the place of the first, as a reader would.
func (p page) types(words, dir string, places ...string) {
	p.Helper()
	for _, step := range p.page.Steps {
		if strings.Contains(step.Commands, words) {
			step.Commands = strings.NewReplacer(places...).Replace(step.Commands)
			there := *runner
			there.Root = dir
			if err := there.Run(context.WithoutCancel(p.Context()), &docs.Page{Path: p.page.Path, Steps: []docs.Step{step}}); err != nil {
				p.Fatal(err)
			}
			return
		}
	}
	p.Fatalf("%s has no commands with %q", p.page.Path, words)
}

const source = `
apiVersion: sources.knative.dev/v1alpha1
kind: PtpSource
metadata:
  name: clocks
  namespace: default
spec:
  sink: {uri: http://nobody.example.com}`

const makeSource = "kubectl apply -f - <<EOF" + source + "\nEOF"

// TestInstallPage installs, upgrades and removes this project in all the ways that
// docs/install.md and README.md describe, and leaves it installed.
func TestInstallPage(t *testing.T) {
	install, readme := open(t, "docs/install.md"), open(t, "README.md")
	// What a release has, besides the names of images.
	dir := t.TempDir()
	do(t, "ko resolve -Rf config/ >"+dir+"/eventing-ptp.yaml")
	fromRelease := func() {
		install.types("curl", dir,
			"curl -fsSLO https://github.com/eventing-ptp/eventing-ptp/releases/download/v0.1.0/eventing-ptp.yaml", "",
			"curl -fsSL https://github.com/eventing-ptp/eventing-ptp/releases/download/v0.1.0/SHA256SUMS | sha256sum --check", "")
		install.types("kubectl explain ptpsource.spec", dir)
		do(t, "kubectl -n knative-eventing patch configmap config-ptp --type merge --patch '"+thresholds+"'")
	}
	t.Cleanup(fromRelease)

	// A reader's registry is the cluster's.
	for _, p := range []page{readme, install} {
		p.types("ko apply -Rf config/", runner.Root, "export KO_DOCKER_REPO=registry.example.com/eventing-ptp", "export")
	}
	install.types("allowed-socket-directories", runner.Root)
	see(t, "kubectl -n knative-eventing get configmap config-ptp -o jsonpath='{.data.allowed-socket-directories}'", "/var/run/ptp, /var/run/timemaster")
	see(t, "kubectl -n knative-eventing get configmap config-ptp -o yaml", "…\n  _example: |\n…")

	// A source is there, and well, after an upgrade.
	do(t, makeSource)
	see(t, "kubectl get ptpsource clocks -o jsonpath='{.status.nodes.summary}'", "2/2")
	fromRelease()
	see(t, "kubectl get ptpsource clocks -o jsonpath='{.status.nodes.summary}'", "2/2")
	// What is said in passing, there and on other pages.
	do(t, "kubectl explain ptpsources.spec\nkubectl explain ptpsource.spec.linuxptp\nkubectl get ptpsources -o wide\nkubectl -n knative-eventing get configmap config-ptp -o yaml")
	open(t, "docs/history.md").types("proxy/v1/state", runner.Root)
	open(t, "docs/troubleshooting.md").types("kubectl describe ptpsource NAME", dir, "NAME", "clocks")

	// The controller went first.
	do(t, "kubectl -n knative-eventing delete deployment eventing-ptp-controller\nkubectl delete ptpsource clocks --wait=false")
	see(t, "kubectl get ptpsource clocks -o jsonpath='{.metadata.finalizers}'", `["…"]`)
	install.types("finalizers", dir, "NAMESPACE", "default", "NAME", "clocks")
	do(t, "kubectl wait ptpsource/clocks --for delete --timeout 30s")

	// The webhook is gone, and stays so.
	install.types("component!=webhook", dir)
	do(t, makeSource)
	see(t, "kubectl get ptpsource clocks -o jsonpath='{.status.nodes.summary}'", "2/2")

	install.types("kubectl delete ptpsources --all", dir)
	gone(t)
	fromRelease()
	do(t, "ko delete -Rf config/ --ignore-not-found")
	gone(t)
}

// gone looks whether nothing is left.
func gone(t *testing.T) {
	t.Helper()
	see(t, "kubectl get crd,clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingwebhookconfiguration,namespace "+
		"-l app.kubernetes.io/name=eventing-ptp -o name", "")
	see(t, "kubectl -n knative-eventing get all,configmap,secret,serviceaccount,role,rolebinding,poddisruptionbudget "+
		"-l app.kubernetes.io/name=eventing-ptp -o name", "")
	see(t, "kubectl get namespace knative-eventing -o name", "namespace/knative-eventing")
}
