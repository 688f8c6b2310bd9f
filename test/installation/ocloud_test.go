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
	"context"
	"fmt"
	"regexp"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/installation"
)

// servicesOf returns the Services of a source's nodes, by node.
func servicesOf(ctx context.Context, s *v1alpha1.PtpSource) (map[string]corev1.Service, error) {
	list, err := cluster.Client().CoreV1().Services(installation.Adapters).List(ctx, metav1.ListOptions{
		LabelSelector: "ptpsource.sources.knative.dev/node,ptpsource.sources.knative.dev/uid=" + string(s.UID),
	})
	if err != nil {
		return nil, err
	}
	services := map[string]corev1.Service{}
	for _, service := range list.Items {
		services[service.Annotations["ptpsource.sources.knative.dev/node-name"]] = service
	}
	return services, nil
}

// leadsTo returns the pods that a Service finds.
func leadsTo(ctx context.Context, service corev1.Service) ([]corev1.Pod, error) {
	list, err := cluster.Client().CoreV1().Pods(installation.Adapters).List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(service.Spec.Selector).String()})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Each node has a Service that finds its adapter and no other, for as long as there is the
// node, and somebody who wants it.
func TestServicesOfNodes(t *testing.T) {
	r := newRoom(t, 3)
	r.broker()
	s := r.source("served")
	s.Spec.OCloud = &v1alpha1.OCloud{Enabled: true, PerNodeServices: true}
	r.create(s)
	s = r.ready("served")
	var services map[string]corev1.Service
	lead := func(nodes ...string) {
		t.Helper()
		eventually(t, "the Services of the nodes", func(ctx context.Context) error {
			var err error
			if services, err = servicesOf(ctx, s); err != nil {
				return err
			}
			if len(services) != len(nodes) {
				return fmt.Errorf("%d Services, want those of %q", len(services), nodes)
			}
			for _, node := range nodes {
				service := services[node]
				if want := "ptp-event-publisher-service-" + node; service.Name != want {
					return fmt.Errorf("that of node %s is called %q, want %q", node, service.Name, want)
				}
				pods, err := leadsTo(ctx, service)
				if err != nil {
					return err
				}
				if len(pods) != 1 || pods[0].Spec.NodeName != node || pods[0].DeletionTimestamp != nil {
					return fmt.Errorf("%s leads to %d pods", service.Name, len(pods))
				}
			}
			return nil
		})
	}
	lead(r.nodes...)
	if policy := services[r.nodes[0]].Spec.InternalTrafficPolicy; policy == nil || *policy != corev1.ServiceInternalTrafficPolicyCluster {
		t.Errorf("the policy is %v", policy)
	}

	// As docs/ocloud.md has it.
	shown := kubectl(t, "-n", installation.Adapters, "get", "services", "-l", "ptpsource.sources.knative.dev/node", "-L", "ptpsource.sources.knative.dev/node")
	for _, node := range r.nodes {
		if !regexp.MustCompile(`(?m)^ptp-event-publisher-service-` + node + ` .* ` + node + `$`).MatchString(shown) {
			t.Errorf("kubectl does not show which Service is that of %s:\n%s", node, shown)
		}
	}

	// An adapter is replaced: its Service leads to the new one, under the same address.
	before := services[r.nodes[0]]
	pods, err := leadsTo(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Client().CoreV1().Pods(installation.Adapters).Delete(t.Context(), pods[0].Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another adapter behind the Service", func(ctx context.Context) error {
		now, err := leadsTo(ctx, before)
		if err == nil && (len(now) != 1 || now[0].UID == pods[0].UID) {
			err = fmt.Errorf("there are %d", len(now))
		}
		return err
	})
	lead(r.nodes...)
	if after := services[r.nodes[0]]; after.UID != before.UID || after.Spec.ClusterIP != before.Spec.ClusterIP || after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the Service was %s at %s and is %s at %s", before.UID, before.Spec.ClusterIP, after.UID, after.Spec.ClusterIP)
	}

	// Another source cannot have the same Services, and says so; its adapters run all the same.
	other := r.source("second")
	other.Spec.OCloud = &v1alpha1.OCloud{Enabled: true, PerNodeServices: true}
	r.create(other)
	other = r.waitFor("second", want{v1alpha1.ConditionDeployed, isFalse, v1alpha1.ReasonServiceFailed, "exists and is not of this PtpSource"})
	r.daemonSet(other, "a DaemonSet", environment("NAME", "second"))
	lead(r.nodes...)
	r.change("second", func(s *v1alpha1.PtpSource) { s.Spec.OCloud.PerNodeServices = false })
	r.ready("second")

	// A node leaves, and what Kubernetes does a minute after that is done at once: nobody ends a
	// pod that has no node any more, so it is removed.
	left, err := leadsTo(t.Context(), services[r.nodes[2]])
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Client().CoreV1().Nodes().Delete(t.Context(), r.nodes[2], metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, pod := range left {
		now := metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}
		if err := cluster.Client().CoreV1().Pods(pod.Namespace).Delete(t.Context(), pod.Name, now); err != nil {
			t.Fatal(err)
		}
	}
	lead(r.nodes[:2]...)

	r.change("served", func(s *v1alpha1.PtpSource) { s.Spec.OCloud.PerNodeServices = false })
	lead()
	r.change("served", func(s *v1alpha1.PtpSource) { s.Spec.OCloud.PerNodeServices = true })
	lead(r.nodes[:2]...)
	if err := r.sources().Delete(t.Context(), "served", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	gone(t, "the source", func(ctx context.Context) error {
		_, err := r.sources().Get(ctx, "served", metav1.GetOptions{})
		return err
	})
	lead()
}
