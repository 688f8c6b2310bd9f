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
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/client/clientset/versioned"
	client "github.com/eventing-ptp/eventing-ptp/pkg/client/clientset/versioned/typed/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/installation"
)

func newSources(t *testing.T, config *rest.Config) client.SourcesV1alpha1Interface {
	t.Helper()
	c, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return c.SourcesV1alpha1()
}

// A controller that comes back makes up for what it missed, and writes nothing else.
func TestRestart(t *testing.T) {
	r := newRoom(t, 1)
	r.broker()
	names := []string{"stays", "changes", "leaves"}
	uids := map[string]*v1alpha1.PtpSource{}
	for _, name := range names {
		r.create(r.source(name))
	}
	for _, name := range names {
		uids[name] = r.ready(name)
	}
	before := r.daemonSet(uids["stays"], "a DaemonSet", environment("NAME", "stays"))
	events := kubernetesEvents(t, r.namespace)

	if err := controller.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.change("changes", func(s *v1alpha1.PtpSource) { s.Spec.Paused = true })
	if err := r.sources().Delete(t.Context(), "leaves", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.sources().Get(t.Context(), "leaves", metav1.GetOptions{}); err != nil {
		t.Fatalf("a source must wait for the controller: %v", err)
	}
	var err error
	if controller, err = cluster.Start(t.Context(), installation.Controller); err != nil {
		t.Fatal(err)
	}
	r.noDaemonSet(uids["changes"])
	r.noDaemonSet(uids["leaves"])
	gone(t, "the source", func(ctx context.Context) error {
		_, err := r.sources().Get(ctx, "leaves", metav1.GetOptions{})
		return err
	})

	after := r.daemonSet(uids["stays"], "the DaemonSet", environment("NAME", "stays"))
	if after.UID != before.UID || after.Generation != before.Generation || after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the DaemonSet was version %s and is %s", before.ResourceVersion, after.ResourceVersion)
	}
	if s, err := r.sources().Get(t.Context(), "stays", metav1.GetOptions{}); err != nil || s.ResourceVersion != uids["stays"].ResourceVersion {
		t.Errorf("a source that did not change was version %s and is %s: %v", uids["stays"].ResourceVersion, s.ResourceVersion, err)
	}
	for name := range kubernetesEvents(t, r.namespace) {
		if !events[name] && strings.HasPrefix(name, "stays.") {
			t.Errorf("event %s was sent about what did not change", name)
		}
	}
}

// kubernetesEvents returns the names of the events of a namespace.
func kubernetesEvents(t *testing.T, namespace string) map[string]bool {
	t.Helper()
	list, err := cluster.Client().CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, e := range list.Items {
		names[e.Name] = true
	}
	return names
}

// When the controller that leads is killed, another one leads before long.
func TestAnotherControllerTakesOver(t *testing.T) {
	r := newRoom(t, 1)
	r.broker()
	r.create(r.source("before"))
	r.ready("before")
	standby, err := cluster.Start(t.Context(), installation.Controller)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a second controller that waits", func(context.Context) error {
		log, err := os.ReadFile(standby.Log())
		if err == nil && !bytes.Contains(log, []byte("Attempting to acquire leader lease")) {
			err = fmt.Errorf("its log: %s", log)
		}
		return err
	})
	if err := controller.Kill(); err != nil {
		t.Fatal(err)
	}
	controller = standby
	r.create(r.source("after"))
	began := time.Now()
	r.ready("after")
	t.Logf("ready %v after the leader was killed", time.Since(began).Round(time.Second))
}

// kubectl runs kubectl as an administrator and returns what it prints.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	cmd := cluster.Kubectl(args...)
	var out bytes.Buffer
	cmd = exec.CommandContext(t.Context(), "nsenter", append([]string{"--net=" + cluster.Namespace(), cmd.Path}, cmd.Args[1:]...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("kubectl %q: %v: %s", args, err, out.String())
	}
	return out.String()
}

// kubectl get and explain say what a user wants to know.
func TestKubectl(t *testing.T) {
	r := newRoom(t, 2)
	r.broker()
	r.create(r.source("shown"))
	r.ready("shown")
	out := kubectl(t, "get", "ptpsources", "-n", r.namespace)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !regexp.MustCompile(`^NAME +SINK +NODES +READY +REASON +AGE$`).MatchString(strings.TrimSpace(lines[0])) {
		t.Fatalf("kubectl get prints:\n%s", out)
	}
	want := regexp.MustCompile(`^shown +` + regexp.QuoteMeta(brokerURL(r.namespace)) + ` +2/2 +True +\d+s$`)
	if !want.MatchString(strings.TrimSpace(lines[1])) {
		t.Errorf("kubectl get prints:\n%s\nwant %s", out, want)
	}
	if out := kubectl(t, "get", "sources", "-n", r.namespace); !strings.Contains(out, "shown") {
		t.Errorf("the category sources has:\n%s", out)
	}
	// Every field that there is has a description, to the last one.
	out = kubectl(t, "explain", "ptpsources.spec", "--recursive")
	for _, field := range []string{"linuxptp", "thresholds", "lockOffset", "ceOverrides", "deadLetterSink"} {
		if !strings.Contains(out, field) {
			t.Errorf("kubectl explain does not know %s:\n%s", field, out)
		}
	}
	if out = kubectl(t, "explain", "ptpsources.spec.thresholds.lockOffset"); !strings.Contains(out, "LOCKED") {
		t.Errorf("kubectl explain says:\n%s", out)
	}
}
