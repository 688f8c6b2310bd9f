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

package config_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// networkPolicies returns those of samples/12-network-policies, by namespace and name.
func networkPolicies(t *testing.T) map[string]*networkingv1.NetworkPolicy {
	t.Helper()
	files, err := filepath.Glob("../samples/12-network-policies/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	all := map[string]*networkingv1.NetworkPolicy{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
		for {
			document, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			p := &networkingv1.NetworkPolicy{}
			if err := yaml.UnmarshalStrict(document, p); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all[p.Namespace+"/"+p.Name] = p
		}
	}
	return all
}

// A policy that selects other pods than it is for, or a port that has moved, would be
// noticed only where policies are applied, by what does not answer any more.
func TestNetworkPolicies(t *testing.T) {
	policies := networkPolicies(t)
	deployments := of[appsv1.Deployment](t, "Deployment")
	controller, webhook := system+"/eventing-ptp-controller", system+"/eventing-ptp-webhook"
	pods := map[string]map[string]string{
		controller:                         deployments[controller].Spec.Template.Labels,
		webhook:                            deployments[webhook].Spec.Template.Labels,
		adapters + "/eventing-ptp-adapter": resources.Labels(&v1alpha1.PtpSource{}),
	}
	for name := range pods {
		p := policies[name]
		if p == nil {
			t.Fatalf("there is no policy %s", name)
		}
		for of, labels := range pods {
			if got, want := selects(t, &p.Spec.PodSelector, labels), of == name; got != want {
				t.Errorf("that %s selects the pods of %s is %v, want %v", name, of, got, want)
			}
		}
	}

	port := of[corev1.Service](t, "Service")[webhook].Spec.Ports[0].TargetPort
	if in := policies[webhook].Spec.Ingress; len(in) != 1 || len(in[0].From) != 0 || len(in[0].Ports) != 1 || *in[0].Ports[0].Port != port {
		t.Errorf("the webhook can be asked by %+v, want anybody on port %v", in, &port)
	}
	deny := policies[adapters+"/eventing-ptp-default-deny"].Spec
	if len(deny.PodSelector.MatchLabels)+len(deny.PodSelector.MatchExpressions)+len(deny.Ingress)+len(deny.Egress) > 0 || len(deny.PolicyTypes) != 2 {
		t.Errorf("what nothing allows in %s is allowed: %+v", adapters, deny)
	}
}
