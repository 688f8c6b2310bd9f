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
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/test/docs"
)

// typed is a command of a page besides those of the samples, and who types it: the words of
// a file that do. For a command that nobody types it says why.
type typed struct{ command, file, words, why string }

const (
	ci      = ".ci/run"
	alone   = "test/docs/alone_test.go"
	install = "test/docs/install_e2e_test.go"
	ocloud  = "test/docs/ocloud_test.go"
	demo    = "test/demo/cluster.go"
	started = "test/docs/started_e2e_test.go"
)

// everyCommand has the beginning of each command line of each page.
var everyCommand = map[string][]typed{
	"README.md": {
		{command: "make demo", file: ci, words: "run 10m make demo"},
		{command: "make test", file: ci, words: "run 55m make test"},
		{command: "make build", file: alone, words: `first != "make build"`},
		{command: "bin/receive_adapter", file: alone, words: `command: "bin/receive_adapter`},
		{command: "bin/kn-source-ptp simulate", file: alone, words: `command: "bin/receive_adapter`},
		{command: "export KO_DOCKER_REPO", file: install, words: `p.types("ko apply -Rf config/"`},
		{command: "ko apply -Rf config/", file: install, words: `p.types("ko apply -Rf config/"`},
		{command: "make quickstart", why: "TestSamples types the quick start on a cluster that is there already"},
	},
	"DEVELOPMENT.md": {
		{command: "go build -C test/cluster", file: demo, words: `"go", "build", "-C", "test/cluster"`},
		{command: "bin/cluster up", file: demo, words: `c.tool, "up"`},
		{command: `eval "$(bin/cluster env)"`, file: demo, words: `c.tool, "env"`},
		{command: "ko apply -Rf config/", file: demo, words: `c.ko(ctx, "-Rf", "config/")`},
		{command: "bin/cluster node stop n2", why: "it takes away the power of a node that other tests use"},
		{command: "bin/cluster down", file: demo, words: `c.tool, "down"`},
		{command: "KEEP=1 RUN=TestSecurity make e2e", why: "whoever types it has a cluster of make e2e already, and these tests run on one"},
		{command: "RUN=TestSinkIsChanged make e2e-run", why: "whoever types it has a cluster of make e2e already, and these tests run on one"},
		{command: "SEED=7 make crash", why: "it takes minutes; make integration runs the same tests for a shorter time"},
		{command: "make build", file: ci, words: "run 20m make build"},
		{command: "make test", file: ci, words: "run 55m make test"},
		{command: "make demo", file: ci, words: "run 10m make demo"},
		{command: "go tool -modfile=hack/tools/go.mod benchstat", why: "old.txt and new.txt are whatever one compares"},
		{command: "export KO_CONFIG_PATH", why: "where images go and what they are based on is the reader's choice"},
		{command: "go tool -modfile=hack/tools/go.mod ko build", why: "hack/release-test.sh builds this image by way of ko resolve"},
	},
	"docs/install.md": {
		{command: "curl ", why: "it is the address of a release that may not be there yet; hack/release-test.sh makes one, and checks its sum"},
		{command: "kubectl apply -f eventing-ptp.yaml --selector", file: install, words: `install.types("component!=webhook"`},
		{command: "kubectl apply -f eventing-ptp.yaml", file: install, words: `install.types("curl"`},
		{command: "export KO_DOCKER_REPO", file: install, words: `p.types("ko apply -Rf config/"`},
		{command: "go tool -modfile=hack/tools/go.mod ko apply -Rf config/", file: install, words: `p.types("ko apply -Rf config/"`},
		{command: "kubectl -n knative-eventing wait deployment", file: install, words: `install.types("kubectl explain ptpsource.spec"`},
		{command: "kubectl explain ptpsource.spec", file: install, words: `install.types("kubectl explain ptpsource.spec"`},
		{command: "kubectl -n knative-eventing patch configmap config-ptp", file: install, words: `install.types("allowed-socket-directories"`},
		{command: "kubectl delete ptpsources --all", file: install, words: `install.types("kubectl delete ptpsources --all"`},
		{command: "kubectl delete -f eventing-ptp.yaml --ignore", file: install, words: `install.types("kubectl delete ptpsources --all"`},
		{command: "kubectl delete -f eventing-ptp.yaml --selector", file: install, words: `install.types("finalizers"`},
		{command: "kubectl -n NAMESPACE patch ptpsource NAME", file: install, words: `install.types("finalizers"`},
		{command: "VERSION=v0.1.0", file: "hack/release-test.sh", words: "hack/release.sh"},
	},
	"docs/getting-started.md": {
		{command: "make build", file: alone, words: `"make build"`},
		{command: "go build -o bin/ knative.dev/eventing/cmd/event_display", file: alone, words: "func TestGettingStarted("},
		{command: "bin/event_display", file: alone, words: "func TestGettingStarted("},
		{command: "bin/kn-source-ptp simulate holdover", file: alone, words: "func TestGettingStarted("},
		{command: "bin/receive_adapter -sink", file: alone, words: "func TestGettingStarted("},
		{command: "curl -s", file: alone, words: "func TestGettingStarted("},
		{command: "kill $(jobs -p)", file: alone, words: "func TestGettingStarted("},
		{command: "export KO_DOCKER_REPO", file: install, words: `p.types("ko apply -Rf config/"`},
		{command: "ko apply -Rf config/", file: install, words: `p.types("ko apply -Rf config/"`},
		{command: "kubectl create namespace ptp-start", file: started, words: "func TestGettingStartedPage("},
		{command: "sed ", file: started, words: "func TestGettingStartedPage("},
		{command: "bin/kn-source-ptp create clocks", file: started, words: "func TestGettingStartedPage("},
		{command: "kubectl -n ptp-start wait ptpsource clocks", file: started, words: "func TestGettingStartedPage("},
		{command: "bin/kn-source-ptp status", file: started, words: "func TestGettingStartedPage("},
		{command: "bin/kn-source-ptp events", file: started, words: "func TestGettingStartedPage("},
		{command: "NODE=", file: started, words: "func TestGettingStartedPage("},
		{command: "bin/kn-source-ptp emit", file: started, words: "func TestGettingStartedPage("},
		{command: "bin/kn-source-ptp doctor", file: started, words: "func TestGettingStartedPage("},
		{command: "kubectl delete namespace ptp-start", file: started, words: "func TestGettingStartedPage("},
	},
	"docs/history.md": {
		{command: "curl -s 'http://localhost:8081/v1/events?since=10m'", file: "test/docs/history_test.go", words: `typed(0)`},
		{command: "curl -sN 'http://localhost:8081/v1/events?follow=true'", file: "test/docs/history_test.go", words: `typed(1)`},
		{command: "curl -s http://localhost:8081/v1/state", file: "test/docs/history_test.go", words: `typed(2)`},
		{command: "pod=$(kubectl", file: install, words: `types("proxy/v1/state"`},
		{command: "kubectl get --raw", file: install, words: `types("proxy/v1/state"`},
	},
	"docs/metrics.md": {
		{command: "export K_OBSERVABILITY_CONFIG", file: "test/docs/metrics_test.go", words: "K_OBSERVABILITY_CONFIG='(.+)'"},
		{command: "bin/receive_adapter -sink http://localhost:8080", file: "test/docs/metrics_test.go", words: "exec.Command(program"},
		{command: "curl -s http://localhost:9092/metrics", file: "test/docs/metrics_test.go", words: `"/metrics"`},
	},
	"docs/monitoring.md": {
		{command: "kubectl -n knative-eventing patch configmap config-observability", why: "it would have every adapter of the cluster replaced, under other tests; TestMetrics has an adapter measure"},
		{command: "kubectl apply -f samples/monitoring/", why: "no cluster of these tests has the kinds of Prometheus' operator; test/monitoring reads the files as it does"},
		{command: "sed ", file: "test/monitoring/rules_test.go", words: `prometheusrule\.yaml`},
		{command: "kubectl -n eventing-ptp-adapters create configmap ptp-dashboards", why: "no Grafana looks for it; test/monitoring runs the queries of the dashboards"},
		{command: "kubectl -n eventing-ptp-adapters label configmap ptp-dashboards", why: "no Grafana looks for it"},
	},
	"docs/ocloud.md": {
		{command: "kubectl -n eventing-ptp-adapters get services -l ptpsource.sources.knative.dev/node -L ", file: "test/installation/ocloud_test.go", words: `"-L", "ptpsource.sources.knative.dev/node"`},
		{command: "bin/receive_adapter -sink http://localhost:8080 -config ocloud.yaml", file: ocloud, words: `args := append([]string{"-sink"`},
		{command: "go run ./samples/ocloud-consumer", file: ocloud, words: `"ocloud-consumer"), "-api"`},
		{command: "python3 samples/ocloud-consumer/consumer.py", file: ocloud, words: `"python3", "samples/ocloud-consumer/consumer.py"`},
	},
	"docs/troubleshooting.md": {
		{command: "kubectl get ptpsources --all-namespaces", file: install, words: `types("kubectl describe ptpsource NAME"`},
		{command: "kubectl describe ptpsource NAME", file: install, words: `types("kubectl describe ptpsource NAME"`},
	},
	"samples/README.md": {
		{command: "export KO_DOCKER_REPO", why: "the registry is the reader's; TestSamples has that of its cluster"},
		{command: "sed -i ", file: "test/docs/commands_test.go", words: "func TestSamplesWithoutKo("},
	},
}

// Whoever types a command of a page finds that it does what the page says.
func TestEveryCommandIsTyped(t *testing.T) {
	for _, page := range pages(t) {
		path, err := filepath.Rel(root, page.Path)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`^samples/\d`).MatchString(path) {
			continue // TestSamples types them, or the page says why not
		}
		known := everyCommand[path]
		used := make([]bool, len(known))
		for _, step := range page.Steps {
			for command := range strings.Lines(strings.ReplaceAll(step.Commands, "\\\n", "")) {
				command = strings.TrimSpace(command)
				n := slices.IndexFunc(known, func(k typed) bool { return strings.HasPrefix(command, k.command) })
				if n < 0 {
					t.Errorf("%s:%d: nobody types %q; add it to a test, and that to this one", path, step.Line, command)
					continue
				}
				used[n] = true
			}
		}
		for n, k := range known {
			if !used[n] {
				t.Errorf("%s has no command %q any more", path, k.command)
			}
			if (k.file == "") == (k.why == "") {
				t.Errorf("%s: %q is typed by %q, and not typed because %q", path, k.command, k.file, k.why)
			}
			if k.file == "" {
				continue
			}
			text, err := os.ReadFile(filepath.Join(root, k.file))
			if err != nil || !strings.Contains(string(text), k.words) {
				t.Errorf("%s: %q is not typed by %s, which has no %q: %v", path, k.command, k.file, k.words, err)
			}
		}
	}
}

// Without ko, the samples run the image that Knative publishes.
func TestSamplesWithoutKo(t *testing.T) {
	index, err := docs.Read(root + "/samples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	n := slices.IndexFunc(index.Steps, func(s docs.Step) bool { return strings.HasPrefix(s.Commands, "sed ") })
	if n < 0 {
		t.Fatal("samples/README.md does not say what to do without ko")
	}
	clone := t.TempDir()
	if err := os.CopyFS(filepath.Join(clone, "samples"), os.DirFS(root+"/samples")); err != nil {
		t.Fatal(err)
	}
	replace := exec.CommandContext(t.Context(), "bash", "-c", index.Steps[n].Commands)
	replace.Dir = clone
	if out, err := replace.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	files, err := filepath.Glob(clone + "/samples/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	images := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`image: (\S+)`).FindAllStringSubmatch(string(text), -1) {
			if images++; m[1] != "gcr.io/knative-releases/knative.dev/eventing/cmd/event_display" {
				t.Errorf("%s: image %s", file, m[1])
			}
		}
	}
	if images < 10 {
		t.Errorf("only %d images were found", images)
	}
}
