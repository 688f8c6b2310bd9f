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

package installation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// adapterPort is where adapters answer that are not on their node's network.
const adapterPort = 8081

// PlayAdapters lets every adapter's pod that there is now answer at its own address as an
// adapter does: with what pkg/publish/stream says of a journal without events, and of two
// ptp4l that are LOCKED. It lasts until stop is called.
func (i *Installation) PlayAdapters(ctx context.Context) (stop func() error, err error) {
	pods, err := i.Client().CoreV1().Pods(Adapters).List(ctx, metav1.ListOptions{LabelSelector: resources.UIDLabel})
	if err != nil {
		return nil, fmt.Errorf("play adapters: %w", err)
	}
	handlers := map[string]http.Handler{} // by the pod's address
	for _, pod := range pods.Items {
		if handlers[pod.Status.PodIP], err = played(&pod); err != nil {
			return nil, fmt.Errorf("play the adapter of %s: %w", pod.Spec.NodeName, err)
		}
	}
	listener, err := i.Listen(adapterPort)
	if err != nil {
		return nil, fmt.Errorf("play adapters: %w", err)
	}
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			at, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
			handler := handlers[at.IP.String()]
			if handler == nil {
				http.Error(w, "nobody is here", http.StatusBadGateway)
				return
			}
			handler.ServeHTTP(w, r)
		}),
	}
	go func() { _ = server.Serve(listener) }()
	return server.Close, nil
}

// played returns what answers in the place of an adapter.
func played(pod *corev1.Pod) (http.Handler, error) {
	source, _ := resources.SourceOf(pod)
	place := oran.Place{Cluster: "cluster", Node: pod.Spec.NodeName}
	encoder, err := oran.NewEncoder(place, oran.SourceFull)
	if err != nil {
		return nil, err
	}
	j, err := journal.NewMemory(journal.DefaultLimits())
	if err != nil {
		return nil, err
	}
	since, offset, delay := time.Now().UTC(), int64(-3), int64(180)
	locked := stream.Condition{State: "LOCKED", Since: &since, Reason: "OffsetInRange"}
	state := stream.State{
		Cluster: place.Cluster, Node: place.Node, Source: source.Name, Overall: locked,
		Thresholds: stream.Thresholds{LockOffset: "100ns", UnlockOffset: "200ns", HoldoverTimeout: "5s"},
	}
	for n := range 2 {
		port := fmt.Sprintf("ens%df0", n+1)
		state.Instances = append(state.Instances, stream.Instance{
			Name: fmt.Sprintf("ptp4l.%d", n), Condition: locked, Up: true, Interface: port,
			OffsetNanoseconds: &offset, PathDelayNanoseconds: &delay, Grandmaster: "42160d.fffe.627ae7", Class: "6",
			Ports: []stream.Port{{Number: 1, State: "SLAVE", Interface: port}},
		})
	}
	server := &stream.Server{Journal: j, Encoder: encoder, Source: source.Name, Logger: zap.NewNop(), State: func() stream.State {
		s := state
		s.Time = time.Now().UTC()
		return s
	}}
	return server.Handler(), nil
}

// CommandLine is kn-source-ptp, in the hands of a user who has the roles eventing-ptp-cli
// and no others.
type CommandLine struct {
	i                   *Installation
	program, kubeconfig string
}

// NewCommandLine builds it, and makes the user a service account of a namespace.
func (i *Installation) NewCommandLine(ctx context.Context, namespace string) (*CommandLine, error) {
	dir, err := root(ctx)
	if err != nil {
		return nil, err
	}
	c := &CommandLine{i: i, program: filepath.Join(i.binaries, "kn-source-ptp")}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", c.program, "./cmd/kn-source-ptp")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build kn-source-ptp: %w: %s", err, out)
	}
	const account = "operator"
	if err := i.ApplyYAML(ctx, fmt.Sprintf(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: %[2]s, namespace: %[1]s}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: %[2]s-of-%[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: eventing-ptp-cli}
subjects: [{kind: ServiceAccount, name: %[2]s, namespace: %[1]s}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %[2]s-of-%[1]s, namespace: %[3]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: eventing-ptp-cli}
subjects: [{kind: ServiceAccount, name: %[2]s, namespace: %[1]s}]
`, namespace, account, Adapters)); err != nil {
		return nil, err
	}
	c.kubeconfig, err = i.Kubeconfig(ctx, namespace, account)
	return c, err
}

// Run is one run of the command line.
type Run struct {
	// Output is what it has printed, and Status how it ended.
	Output string
	Status int
	// Took is how long it ran, and MaxRSS the most memory that it had, in bytes, up to some
	// milliseconds before its end.
	Took   time.Duration
	MaxRSS int64
}

// Run runs a command of it.
func (c *CommandLine) Run(args ...string) (Run, error) {
	cmd := exec.Command(c.program, args...)
	cmd.Env = []string{"KUBECONFIG=" + c.kubeconfig, "HOME=" + c.i.Dir()}
	began := time.Now()
	p, err := c.i.Run("kn-source-ptp", cmd)
	if err != nil {
		return Run{}, err
	}
	var most int64
	for running := true; running; {
		// Not ru_maxrss of getrusage(2): it counts what this process had when it forked.
		most = max(most, peak(p.Pid()))
		select {
		case <-p.Exited():
			running = false
		case <-time.After(2 * time.Millisecond):
		}
	}
	r := Run{Took: time.Since(began), Status: cmd.ProcessState.ExitCode(), MaxRSS: most}
	text, err := os.ReadFile(p.Log())
	r.Output = string(text)
	var exit *exec.ExitError
	if err == nil && p.Err() != nil && !errors.As(p.Err(), &exit) {
		err = p.Err()
	}
	return r, err
}

// peak is the most memory that a process has had so far, in bytes; 0 when it is gone.
func peak(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:") // proc(5)
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.ParseInt(kib, 10, 64) // a process that ends has none
	return n * 1024
}
