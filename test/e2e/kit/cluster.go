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

// Package kit is what the tests on a cluster are made with: a namespace for each, sources,
// recorders, and ways to break what they run on.
package kit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/eventing-ptp/eventing-ptp/pkg/client/clientset/versioned"
	"github.com/eventing-ptp/eventing-ptp/test/apply"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
	"github.com/eventing-ptp/eventing-ptp/test/lab"
)

const (
	// System is the namespace of Knative Eventing, and of our controller and webhook.
	System = "knative-eventing"
	// Adapters is the namespace of the adapters.
	Adapters = "eventing-ptp-adapters"
	// Controller is the Deployment of the controller.
	Controller = "eventing-ptp-controller"
	// Webhook is the Deployment of the webhook.
	Webhook = "eventing-ptp-webhook"
)

// Patience is how long a test waits for what must come: far longer than it takes, also on a
// machine of two cores that runs everything.
const Patience = 90 * time.Second

// Cluster is a cluster of test/cluster on which this project is installed.
type Cluster struct {
	*apply.Applier
	// Kube, Dynamic and Sources are clients that may do everything.
	Kube    kubernetes.Interface
	Dynamic dynamic.Interface
	Sources versioned.Interface
	// Book is what has become of all events so far.
	Book *Book

	dir, tool     string
	kubeconfig    string
	recorderImage string
}

// Book adds up reports. It may be used by several goroutines.
type Book struct {
	mu  sync.Mutex
	sum ledger.Report
}

// Add adds a report.
func (b *Book) Add(r ledger.Report) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum.Add(r)
}

// Sum returns what was added.
func (b *Book) Sum() ledger.Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sum
}

// The environment of the tests, which hack/e2e.sh sets.
const (
	clusterVariable  = "E2E_CLUSTER"  // the directory of the cluster
	toolVariable     = "E2E_TOOL"     // the program test/cluster
	recorderVariable = "E2E_RECORDER" // the image of test/e2e/recorder
)

// Connect returns the cluster that the environment names.
func Connect() (*Cluster, error) {
	c := &Cluster{Book: &Book{}, dir: os.Getenv(clusterVariable), tool: os.Getenv(toolVariable), recorderImage: os.Getenv(recorderVariable)}
	if c.dir == "" || c.tool == "" || c.recorderImage == "" {
		return nil, fmt.Errorf("%s, %s and %s must say which cluster: run make e2e, or KEEP=1 make e2e once and then make e2e-run",
			clusterVariable, toolVariable, recorderVariable)
	}
	text, err := os.ReadFile(c.StateFile())
	if err != nil {
		return nil, fmt.Errorf("read the state of the cluster: %w", err)
	}
	var state struct {
		Kubeconfig string `json:"kubeconfig"`
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return nil, fmt.Errorf("read the state of the cluster from %s: %w", c.StateFile(), err)
	}
	c.kubeconfig = state.Kubeconfig
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's kubeconfig: %w", err)
	}
	config.QPS = -1 // a test waits for the cluster, and for nothing else
	config.WarningHandler = rest.NoWarnings{}
	if err := c.connect(config); err != nil {
		return nil, fmt.Errorf("make clients for the cluster: %w", err)
	}
	return c, nil
}

func (c *Cluster) connect(config *rest.Config) (err error) {
	if c.Applier, err = apply.New(config); err != nil {
		return err
	}
	if c.Kube, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	if c.Dynamic, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	c.Sources, err = versioned.NewForConfig(config)
	return err
}

// StateFile is the file in which test/cluster says what it runs.
func (c *Cluster) StateFile() string { return filepath.Join(c.dir, "state.json") }

// Kubeconfig is the file by which the administrator reaches the cluster.
func (c *Cluster) Kubeconfig() string { return c.kubeconfig }

// Machine returns a node for a lab.
func (c *Cluster) Machine(name string) (lab.Machine, error) {
	machines, err := lab.Machines(c.StateFile())
	if err != nil {
		return lab.Machine{}, err
	}
	for _, m := range machines {
		if m.Name == name {
			return m, nil
		}
	}
	return lab.Machine{}, fmt.Errorf("the cluster has no node %s", name)
}

// Node has test/cluster do something to a node, such as "add n3".
func (c *Cluster) Node(ctx context.Context, args ...string) error {
	args = append([]string{"--dir", c.dir, "node"}, args...)
	out, err := exec.CommandContext(ctx, c.tool, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %q: %w: %s", filepath.Base(c.tool), args, err, out)
	}
	return nil
}

// Kubectl runs kubectl as an administrator, and returns what it prints.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "kubectl", args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("kubectl %q: %w: %s", args, err, out)
	}
	return string(out), nil
}

// pollInterval is how often it is looked whether something has come.
const pollInterval = 200 * time.Millisecond

// Wait waits until check returns nil.
func (c *Cluster) Wait(ctx context.Context, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var last error
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, errors.Join(ctx.Err(), last))
		case <-ticker.C:
		}
	}
}
