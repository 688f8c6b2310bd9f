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

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
)

// cli is the command line, run by a user who has the roles eventing-ptp-cli and no others.
type cli struct {
	*kit.Room
	program, user string
}

func newCLI(t *testing.T, r *kit.Room) cli {
	t.Helper()
	// It is built before the tests: they need the machine for themselves.
	program := os.Getenv("E2E_CLI")
	if program == "" {
		t.Fatal("E2E_CLI does not name the program; make e2e builds it")
	}
	return cli{r, program, "user-" + r.Namespace}
}

// allow binds the roles to the user.
func (c cli) allow() {
	c.Helper()
	user := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: c.user}}
	rbac := c.Kube.RbacV1()
	cluster, err := rbac.ClusterRoleBindings().Create(c.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: c.user}, Subjects: user,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "eventing-ptp-cli"},
	}, metav1.CreateOptions{})
	if err != nil {
		c.Fatal(err)
	}
	adapters, err := rbac.RoleBindings(kit.Adapters).Create(c.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: c.user}, Subjects: user,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "eventing-ptp-cli"},
	}, metav1.CreateOptions{})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() {
		ctx := context.Background()
		err := errors.Join(rbac.ClusterRoleBindings().Delete(ctx, cluster.Name, metav1.DeleteOptions{}),
			rbac.RoleBindings(kit.Adapters).Delete(ctx, adapters.Name, metav1.DeleteOptions{}))
		if err != nil {
			c.Errorf("take the roles away: %v", err)
		}
	})
}

// command is one that is not started. The administrator's is for what the roles do not allow.
func (c cli) command(administrator bool, args ...string) *exec.Cmd {
	args = append(args, "--namespace", c.Namespace)
	if !administrator {
		args = append(args, "--as", c.user)
	}
	cmd := exec.CommandContext(c.Context(), c.program, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig())
	return cmd
}

// run runs a command, and returns its status and what it prints.
func (c cli) run(administrator bool, args ...string) (int, string) {
	c.Helper()
	out, err := c.command(administrator, args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.Fatal(err)
	}
	if exit != nil {
		return exit.ExitCode(), string(out)
	}
	return 0, string(out)
}

// screen is what a command has printed so far.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// The command line sees what happens on the nodes, with no more rights than its roles, and
// also while an adapter is replaced.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	app := r.StartRecorder("app").Ready()
	c := newCLI(t, r)
	if status, out := c.run(true, "create", "clocks", "--sink", "service:app", "--socket", fmt.Sprintf("ptp4l.%d.socket", forCommands),
		"--ce-override", "teststream="+r.Namespace+"/clocks"); status != 0 {
		t.Fatalf("create: status %d: %s", status, out)
	}
	r.ReadyOn("clocks", 2)
	if status, out := c.run(false, "status"); status != 1 || !strings.Contains(out, "forbidden") || !strings.Contains(out, "the roles eventing-ptp-cli") {
		t.Errorf("status without rights: status %d: %s", status, out)
	}
	c.allow()

	instance := fmt.Sprintf("ptp4l.%d", forCommands)
	r.Eventually("both clocks to be LOCKED", func(context.Context) error {
		status, out := c.run(false, "status", "-o", "jsonpath={range .clocks[*]}{.node}/{.instance} {.state}\n{end}")
		if want := "n1/" + instance + " LOCKED\nn2/" + instance + " LOCKED\n"; status != 0 || out != want {
			return fmt.Errorf("status %d: %s", status, out)
		}
		return nil
	})
	r.Eventually("the doctor to find nothing", func(context.Context) error {
		if status, out := c.run(false, "doctor"); status != 0 {
			return fmt.Errorf("status %d: %s", status, out)
		}
		return nil
	})
	if status, out := c.run(false, "list", "-o", "jsonpath={.items[*].metadata.name}"); status != 0 || out != "clocks" {
		t.Errorf("list: status %d: %s", status, out)
	}

	// What comes, across the end of a pod.
	shown, said := &screen{}, &screen{}
	events := c.command(false, "events", "--name", "clocks", "--type", "lock-state", "-o", "jsonpath={.node} {.sequence} {.ptpstate}")
	events.Stdout, events.Stderr = shown, said
	if err := events.Start(); err != nil {
		t.Fatal(err)
	}
	shows := func(words string) {
		t.Helper()
		r.Eventually("events to show "+words, func(context.Context) error {
			for line := range strings.Lines(shown.String()) {
				if f := strings.Fields(line); len(f) == 3 && f[0]+" "+f[2] == words {
					return nil
				}
			}
			return fmt.Errorf("it shows %q and says %q", shown, said)
		})
	}
	shows("n1 LOCKED")
	shows("n2 LOCKED")
	at := clocks.Do(t, "servo unlock n1.%d", forCommands)
	shows("n1 HOLDOVER")
	shows("n1 FREERUN")
	app.Expect(at, kit.Event{Node: "n1", State: "FREERUN"})
	pod := r.Adapter(r.Get("clocks"), "n1")
	if err := r.Kube.CoreV1().Pods(kit.Adapters).Delete(t.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.Gone("the pod "+pod.Name, func(ctx context.Context) error {
		_, err := r.Kube.CoreV1().Pods(kit.Adapters).Get(ctx, pod.Name, metav1.GetOptions{})
		return err
	})
	r.ReadyOn("clocks", 2)
	before := strings.Count(shown.String(), "n1 ")
	clocks.Do(t, "servo lock n1.%d", forCommands)
	r.Eventually("events to show that n1 is LOCKED again", func(context.Context) error {
		if text := shown.String(); strings.Count(text, "n1 ") == before {
			return fmt.Errorf("it shows %q and says %q", text, said)
		}
		return nil
	})
	if err := events.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- events.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("events after an interrupt: %v: %s", err, said)
		}
	case <-time.After(kit.Patience):
		t.Error("events does not end")
	}

	// All of it is what the history has, and nothing of it came twice.
	status, history := c.run(false, "events", "--name", "clocks", "--type", "lock-state", "--no-follow", "-o", "jsonpath={.node} {.sequence} {.ptpstate}")
	if status != 0 {
		t.Fatalf("events: status %d: %s", status, history)
	}
	for _, node := range []string{"n1 ", "n2 "} {
		var live, kept []string
		for line := range strings.Lines(shown.String()) {
			if strings.HasPrefix(line, node) {
				live = append(live, line)
			}
		}
		for line := range strings.Lines(history) {
			if strings.HasPrefix(line, node) && len(kept) < len(live) { // more may have come meanwhile
				kept = append(kept, line)
			}
		}
		if strings.Join(live, "") != strings.Join(kept, "") {
			t.Errorf("shown was\n%swith a history of\n%s", strings.Join(live, ""), strings.Join(kept, ""))
		}
	}
	if status, out := c.run(true, "delete", "clocks"); status != 0 {
		t.Errorf("delete: status %d: %s", status, out)
	}
}

// A test event goes the whole way to who asks for its address, whatever its type, and to nobody
// who asks for the type of a state. Sending one takes a right of its own.
func TestTestEvent(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	handler := r.StartRecorder("handler").Rules(ledger.Rules{Unordered: true, Partial: true}).Ready()
	const test, address = "com.github.eventing-ptp.test", "/cluster/node/n2/sync/ptp-status/clock-class"
	r.Broker("default")
	r.Trigger("by-address", "default", "[{exact: {resourceaddress: "+address+"}}]", handler)
	r.Trigger("by-type", "default", "[{exact: {resourceaddress: "+address+", type: "+kit.ClockClass+"}}]", handler)
	for _, name := range []string{"by-address", "by-type"} {
		r.TriggerReady(name)
	}
	r.Source("clocks", kit.ToBroker("default"), kit.OnNode("n2"))
	r.ReadyOn("clocks", 1)
	handler.Expect(time.Time{}, kit.Event{Inbox: "/by-type", Node: "n2"})

	c := newCLI(t, r)
	c.allow()
	if status, out := c.run(false, "emit"); status != 1 || !strings.Contains(out, "forbidden") || !strings.Contains(out, "the Role eventing-ptp-cli-emit") {
		t.Errorf("emit without the right: status %d: %s", status, out)
	}
	binding, err := r.Kube.RbacV1().RoleBindings(kit.Adapters).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: c.user + "-emit"}, Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: c.user}},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "eventing-ptp-cli-emit"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Kube.RbacV1().RoleBindings(kit.Adapters).Delete(context.Background(), binding.Name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("take the role away: %v", err)
		}
	})
	since := time.Now()
	status, out := c.run(false, "emit", "n2", "--for", "/sync/ptp-status/clock-class", "--wait", "30s")
	if status != 0 || !strings.Contains(out, "from "+address+"\n") || !strings.Contains(out, "the sink has taken it after ") {
		t.Errorf("emit: status %d: %s", status, out)
	}
	handler.Expect(since, kit.Event{Inbox: "/by-address", Node: "n2", Type: test, State: "TEST"})

	// What comes behind it has arrived, and it has not.
	handler.Expect(time.Now(), kit.Event{Inbox: "/by-type", Node: "n2"})
	if got := kit.Matching(handler.Entries(), kit.Event{Inbox: "/by-type", Type: test}); len(got) > 0 {
		t.Errorf("a Trigger on the type of a state let through: %s", kit.Describe(got[0]))
	}
}
