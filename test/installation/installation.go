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

// Package installation installs this project on a control plane of test/controlplane:
// it applies config/ as a user would, and runs the programs of the Deployments there as
// processes, with the environment and the rights that the Deployments give them.
package installation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/client/clientset/versioned"
	"github.com/eventing-ptp/eventing-ptp/test/controlplane"
)

const (
	// Namespace is where controller and webhook run.
	Namespace = "knative-eventing"
	// Adapters is where the adapters run.
	Adapters = "eventing-ptp-adapters"
	// Controller is the Deployment of the controller.
	Controller = "eventing-ptp-controller"
	// Webhook is the Deployment of the webhook.
	Webhook = "eventing-ptp-webhook"
)

// Installation is what Install has installed.
type Installation struct {
	*controlplane.ControlPlane
	// Sources is a client for PtpSources that may do everything.
	Sources  versioned.Interface
	binaries string
}

// NewControlPlane starts a control plane on which this project can be installed, and
// whose garbage collector knows PtpSources from the start. The working directory must be
// in this repository. The caller must Close it.
func NewControlPlane(ctx context.Context, progress io.Writer) (*controlplane.ControlPlane, error) {
	dir, err := root(ctx)
	if err != nil {
		return nil, err
	}
	return controlplane.Start(ctx, controlplane.Options{Progress: progress, Kinds: []string{filepath.Join(dir, "config")}})
}

// root returns the directory of the repository.
func root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the root of the repository: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Install applies what Knative Eventing installs and then config/, builds the programs,
// and starts the webhook. The caller starts the controller. The working directory must be
// in this repository.
func Install(ctx context.Context, c *controlplane.ControlPlane) (*Installation, error) {
	if err := c.Knative(ctx); err != nil {
		return nil, err
	}
	dir, err := root(ctx)
	if err != nil {
		return nil, err
	}
	i := &Installation{ControlPlane: c, binaries: filepath.Join(c.Dir(), "bin")}
	if i.Sources, err = versioned.NewForConfig(c.Config()); err != nil {
		return nil, fmt.Errorf("make a client for PtpSources: %w", err)
	}
	if err := i.build(ctx, dir); err != nil {
		return nil, err
	}
	if err := c.Apply(ctx, filepath.Join(dir, "config")); err != nil {
		return nil, fmt.Errorf("apply config/: %w", err)
	}
	if err := c.Endpoint(ctx, Namespace, Webhook, nil); err != nil {
		return nil, err
	}
	if _, err := i.Start(ctx, Webhook); err != nil {
		return nil, err
	}
	if err := i.waitForWebhook(ctx); err != nil {
		return nil, err
	}
	return i, nil
}

func (i *Installation) build(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", i.binaries+"/", "./cmd/controller", "./cmd/webhook")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w: %s", err, out)
	}
	return nil
}

// Start starts one more replica of a Deployment.
func (i *Installation) Start(ctx context.Context, deployment string) (*controlplane.Program, error) {
	d, err := i.Client().AppsV1().Deployments(Namespace).Get(ctx, deployment, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("start a replica: %w", err)
	}
	pod := d.Spec.Template.Spec
	kubeconfig, err := i.Kubeconfig(ctx, Namespace, pod.ServiceAccountName)
	if err != nil {
		return nil, err
	}
	container := pod.Containers[0]
	cmd := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(i.binaries, filepath.Base(container.Image)), container.Args...)
	cmd.Env = []string{"KUBECONFIG=" + kubeconfig, "HOME=" + i.Dir()}
	name := fmt.Sprintf("%s-%d", deployment, time.Now().UnixNano())
	for _, v := range container.Env {
		value, err := resolve(v, name)
		if err != nil {
			return nil, fmt.Errorf("start a replica of %s: %w", deployment, err)
		}
		cmd.Env = append(cmd.Env, v.Name+"="+value)
	}
	return i.Run(deployment, cmd)
}

// resolve plays the kubelet's part in an environment.
func resolve(v corev1.EnvVar, pod string) (string, error) {
	if v.ValueFrom == nil {
		return v.Value, nil
	}
	if v.ValueFrom.FieldRef != nil {
		switch v.ValueFrom.FieldRef.FieldPath {
		case "metadata.namespace":
			return Namespace, nil
		case "metadata.name":
			return pod, nil
		}
	}
	return "", fmt.Errorf("variable %s comes from where this test has nothing", v.Name)
}

// waitForWebhook waits until the API server asks the webhook: until it has started, the
// webhook's configurations have neither rules nor a certificate, and everything is taken.
func (i *Installation) waitForWebhook(ctx context.Context) error {
	client := i.Client().AdmissionregistrationV1()
	return i.Wait(ctx, "the webhook", func(ctx context.Context) error {
		mutating, err := client.MutatingWebhookConfigurations().Get(ctx, "defaulting.webhook.ptp.sources.knative.dev", metav1.GetOptions{})
		if err != nil {
			return err
		}
		asked := len(mutating.Webhooks) == 1 && len(mutating.Webhooks[0].Rules) > 0 && len(mutating.Webhooks[0].ClientConfig.CABundle) > 0
		for _, name := range []string{"validation.webhook.ptp.sources.knative.dev", "config.webhook.ptp.sources.knative.dev"} {
			validating, err := client.ValidatingWebhookConfigurations().Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			asked = asked && len(validating.Webhooks) == 1 && len(validating.Webhooks[0].Rules) > 0 && len(validating.Webhooks[0].ClientConfig.CABundle) > 0
		}
		if !asked {
			return errors.New("its configurations are not complete")
		}
		return i.Submit(ctx, Namespace, "{}")
	})
}
