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
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/docs"
	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

// thresholds of config-ptp are for software timestamps on a machine that is busy. A source that
// falls silent is still noticed before ptp4l does, after 3 s without Announce.
const thresholds = `{"data": {"lock-offset": "10ms", "unlock-offset": "20ms", "sync-timeout": "2s"}}`

// runner types commands of pages where kubectl, ko and a cluster of test/cluster with this
// project are.
var runner *docs.Runner

func TestMain(m *testing.M) {
	status, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func run(m *testing.M) (status int, err error) {
	ctx, began := context.Background(), time.Now()
	root, err := filepath.Abs(root)
	if err != nil {
		return 1, err
	}
	kubeconfig := os.Getenv("KUBECONFIG")
	if kubeconfig == "" || os.Getenv("KO_DOCKER_REPO") == "" {
		return 1, errors.New(`KUBECONFIG and KO_DOCKER_REPO must be those of a cluster with this project: eval "$(bin/cluster env)"`)
	}
	state := filepath.Join(filepath.Dir(kubeconfig), "state.json")
	tools, err := os.MkdirTemp("", "eventing-ptp-docs-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tools)) }()
	build := exec.CommandContext(ctx, "go", "build", "-modfile=hack/tools/go.mod", "-o", tools+"/", "github.com/google/ko")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build ko: %w: %s", err, out)
	}
	runner = &docs.Runner{
		Root:        root,
		Env:         append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"), "KO_CONFIG_PATH=ko.yaml"),
		StepTimeout: 4 * time.Minute,
		Interval:    500 * time.Millisecond,
		Said: func(format string, args ...any) {
			fmt.Printf("%v: %s\n", time.Since(began).Round(time.Second), fmt.Sprintf(format, args...))
		},
	}

	o := lab.DefaultOptions()
	o.Topology = lab.Fleet
	if o.Machines, err = lab.Machines(state); err != nil {
		return 1, err
	}
	clocks, err := lab.Build(ctx, o)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, clocks.Close()) }()
	runner.Faults = patient{clocks}
	if err := shell(ctx, "kubectl -n knative-eventing patch configmap config-ptp --type merge --patch '"+thresholds+"'"); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// locked waits until every adapter takes the clocks of its node for locked, and so would a
// reader before breaking one.
const locked = `all() {
	for pod in $(kubectl -n eventing-ptp-adapters get pods -o name); do
		kubectl -n eventing-ptp-adapters logs "$pod" | grep sync-state | tail -n 1 | grep -q '"to":"LOCKED"' || return 1
	done
}
until all; do sleep 0.2; done`

// patient breaks clocks that are well.
type patient struct{ *lab.Lab }

func (p patient) Do(ctx context.Context, line string) (time.Time, error) {
	if !strings.HasPrefix(line, "thaw") {
		if err := shell(ctx, locked); err != nil {
			return time.Now(), err
		}
	}
	return p.Lab.Do(ctx, line)
}

// shell runs commands that are not of a page.
func shell(ctx context.Context, commands string) error {
	return runner.Run(ctx, &docs.Page{Path: "test/docs", Steps: []docs.Step{{Commands: commands}}})
}

// see waits until a command that looks prints something.
func see(t *testing.T, command, want string) {
	t.Helper()
	page := &docs.Page{Path: t.Name(), Steps: []docs.Step{{Commands: command, Output: strings.Split(want, "\n")}}}
	if err := runner.Run(context.WithoutCancel(t.Context()), page); err != nil {
		t.Fatal(err)
	}
}

// do does what is not of a page.
func do(t *testing.T, commands string) {
	t.Helper()
	if err := shell(context.WithoutCancel(t.Context()), commands); err != nil {
		t.Fatal(err)
	}
}
