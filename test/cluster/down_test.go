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

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eventing-ptp/eventing-ptp/test/kube"
	"github.com/eventing-ptp/eventing-ptp/test/sandbox"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/daemon"
)

// This test is the tool, too: a cluster's process and its machines are other runs of it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		if err := run(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// traces is what a cluster must not change on the machine that it runs on.
func traces(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, command := range [][]string{{"ip", "-brief", "address"}, {"ip", "route"}, {"nft", "list", "tables"}} {
		text, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
		fmt.Fprintf(&all, "%s: %v\n%s", command, err, text)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	fmt.Fprintf(&all, "mounts: %v\n%s", err, mounts)
	for _, sysctl := range []string{"net/ipv4/ip_forward", "net/netfilter/nf_conntrack_max", "vm/overcommit_memory", "kernel/panic"} {
		text, err := os.ReadFile("/proc/sys/" + sysctl)
		fmt.Fprintf(&all, "%s: %v %s", sysctl, err, text)
	}
	name, err := os.Hostname()
	fmt.Fprintf(&all, "host name %s, %v\n", name, err)
	return all.String()
}

// groups are the control groups of the cluster in a directory.
func groups(dir string) []string {
	found, _ := filepath.Glob("/sys/fs/cgroup/*" + string(daemon.GroupOf(dir)))
	single, _ := filepath.Glob("/sys/fs/cgroup" + string(daemon.GroupOf(dir)))
	return append(found, single...)
}

// processes are those that have the directory in their command line, but for this test's own.
func processes(dir string) []int {
	var found []int
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		line, _ := os.ReadFile(path)
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/", &pid); err == nil && pid != os.Getpid() && strings.Contains(string(line), dir) {
			found = append(found, pid)
		}
	}
	return found
}

func TestDownRemovesEveryTrace(t *testing.T) {
	programs, err := kube.Programs(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		// until is how far the cluster has come when it happens.
		until func(dir string) bool
		// happens is what happens to the cluster's process; nil for nothing.
		happens os.Signal
	}{
		{"a cluster that works", ready, nil},
		{"a cluster whose process was killed", ready, syscall.SIGKILL},
		{"a cluster that was killed while it started", exists("state.json"), syscall.SIGKILL},
		{"a cluster that was interrupted while it started", exists("machines/n1/log/containerd.log"), syscall.SIGTERM},
		{"a directory without a cluster", nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cluster")
			o := &options{dir: dir, nodes: 1, out: t.Output()}
			before := traces(t)
			var pids []int
			var namespaces []string
			if tc.until != nil {
				cmd := exec.Command("/proc/self/exe", daemonCommand, "-dir", dir, "-programs", programs, "-images", t.TempDir(), "-nodes", "n1")
				cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan struct{})
				go func() { _ = cmd.Wait(); close(ended) }()
				for deadline := time.Now().Add(2 * time.Minute); !tc.until(dir); time.Sleep(5 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatal("the cluster does not start")
					}
				}
				pids = processes(dir)
				for _, pid := range append(pids, descendants(pids)...) {
					if ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid)); err == nil && ns != own(t) && !slices.Contains(namespaces, ns) {
						namespaces = append(namespaces, ns)
					}
				}
				pids = append(pids, descendants(pids)...)
				if tc.happens != nil {
					if err := cmd.Process.Signal(tc.happens); err != nil {
						t.Fatal(err)
					}
					<-ended
				}
			}

			if err := down(t.Context(), o, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("the directory is still there: %v", err)
			}
			// The kernel kills what had a killed process for its parent, and takes its time.
			var left []string
			var err error
			for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				left, err = sandbox.Left(append(pids, processes(dir)...), namespaces)
				if err != nil || len(left) == 0 {
					break
				}
			}
			if err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
			if left := groups(dir); len(left) > 0 {
				t.Errorf("control groups: %v", left)
			}
			if after := traces(t); after != before {
				t.Errorf("the machine was\n%s\nand is\n%s", before, after)
			}
			if err := down(t.Context(), o, nil); err != nil {
				t.Errorf("again: %v", err)
			}
		})
	}
}

func exists(name string) func(string) bool {
	return func(dir string) bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil }
}

// ready is whether the node is ready, and its kubelet and containerd have made what they make.
func ready(dir string) bool {
	state, err := daemon.ReadState(dir)
	if err != nil {
		return false
	}
	c := client{programs: state.Programs, kubeconfig: state.Kubeconfig, dir: dir}
	text, err := c.kubectl(context.Background(), nil, "get", "nodes")
	return err == nil && strings.Contains(text, " Ready ")
}

// own is the network namespace of this process.
func own(t *testing.T) string {
	t.Helper()
	ns, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

// descendants are the children of processes, and theirs.
func descendants(pids []int) []int {
	var found []int
	for _, pid := range pids {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		var children []int
		for word := range strings.FieldsSeq(string(text)) {
			var child int
			if _, err := fmt.Sscan(word, &child); err == nil {
				children = append(children, child)
			}
		}
		found = append(append(found, children...), descendants(children)...)
	}
	return found
}
