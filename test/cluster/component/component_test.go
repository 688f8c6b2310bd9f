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

package component

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/test/manifest"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/eventing-ptp/eventing-ptp/test/cluster/image"
)

// thisCluster is the one that manifests in these tests are for.
var thisCluster = Cluster{Registry: "registry.test:5000", DNS: "10.96.0.10"}

// pushed returns what the images of components are called in the registry.
func pushed(components ...Component) image.References {
	references := image.References{}
	for _, c := range components {
		for _, set := range c.Images {
			for _, program := range set.Programs {
				references[program] = thisCluster.Registry + "/" + set.Name + "/" + strings.ReplaceAll(program, "/", "-") + "@sha256:1"
			}
		}
	}
	return references
}

// render returns the objects that are in the manifest of a component.
func render(t *testing.T, c Component) []*unstructured.Unstructured {
	t.Helper()
	text, err := c.Manifest(t.Context(), pushed(c), thisCluster)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := manifest.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) == 0 {
		t.Fatal("nothing is installed")
	}
	return objects
}

// find returns the only object of that kind and name.
func find(t *testing.T, objects []*unstructured.Unstructured, name string) *unstructured.Unstructured {
	t.Helper()
	i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return nameOf(o) == name })
	if i < 0 {
		t.Fatalf("no %s", name)
	}
	return objects[i]
}

// typed decodes an object, and objects to fields that its kind does not have.
func typed[T any](t *testing.T, o *unstructured.Unstructured) *T {
	t.Helper()
	into := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, into, true); err != nil {
		t.Errorf("%s: %v", nameOf(o), err)
	}
	return into
}

func TestManifests(t *testing.T) {
	cpu, memory := resource.MustParse("0"), resource.MustParse("0")
	for _, test := range []struct {
		name      string
		component Component
		needs     []Component // are installed before
	}{
		{name: "CoreDNS", component: CoreDNS()},
		{name: "Eventing", component: Eventing(false)},
		{name: "Eventing with TLS", component: Eventing(true), needs: []Component{CertManager()}},
		{name: "Serving", component: Serving()},
		{name: "CertManager", component: CertManager()},
	} {
		t.Run(test.name, func(t *testing.T) {
			objects := render(t, test.component)
			var before []*unstructured.Unstructured
			for _, c := range test.needs {
				before = append(before, render(t, c)...)
			}
			t.Run("can be applied in their order", func(t *testing.T) { checkOrder(t, before, objects) })
			t.Run("start programs that are small and are waited for", func(t *testing.T) {
				for _, o := range objects {
					if o.GetKind() == "Deployment" {
						requests := checkProgram(t, test.component, typed[appsv1.Deployment](t, o))
						cpu.Add(*requests.Cpu())
						memory.Add(*requests.Memory())
					}
				}
			})
			t.Run("name each image that is built, and no other", func(t *testing.T) { checkImages(t, test.component, objects) })
		})
	}
	if cpu.IsZero() || cpu.Cmp(resource.MustParse("200m")) > 0 || memory.Cmp(resource.MustParse("500Mi")) > 0 {
		t.Errorf("all together request %s of processor time and %s of memory", cpu.String(), memory.String())
	}
}

// checkOrder checks that each object is there once, with everything that the API server
// wants to know before it takes it, and that programs are last.
func checkOrder(t *testing.T, before, objects []*unstructured.Unstructured) {
	t.Helper()
	known := map[schema.GroupKind]bool{}
	namespaces := map[string]bool{"": true, "kube-system": true}
	learn := func(o *unstructured.Unstructured) {
		switch o.GetKind() {
		case "CustomResourceDefinition":
			spec := typed[apiextensions.CustomResourceDefinition](t, o).Spec
			known[schema.GroupKind{Group: spec.Group, Kind: spec.Names.Kind}] = true
		case "Namespace":
			namespaces[o.GetName()] = true
		}
	}
	for _, o := range before {
		learn(o)
	}
	seen := map[string]bool{}
	programs := false
	for _, o := range objects {
		learn(o)
		kind := o.GroupVersionKind().GroupKind()
		if !known[kind] && o.GetKind() != "CustomResourceDefinition" {
			checkKnown(t, o)
		}
		if !namespaces[o.GetNamespace()] {
			t.Errorf("%s is in a namespace that there is not", nameOf(o))
		}
		if seen[kind.String()+nameOf(o)] {
			t.Errorf("%s is there twice", nameOf(o))
		}
		seen[kind.String()+nameOf(o)] = true
		programs = programs || o.GetKind() == "Deployment"
		if programs && o.GetKind() != "Deployment" {
			t.Errorf("%s comes when programs have been started", nameOf(o))
		}
		if isForCrowds(o) {
			t.Errorf("%s is of no use to one replica", nameOf(o))
		}
	}
	if !programs {
		t.Error("no program is started")
	}
}

// checkKnown checks an object of a kind that Kubernetes comes with.
func checkKnown(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	into, err := scheme.Scheme.New(o.GroupVersionKind())
	if err != nil {
		t.Errorf("%s: nobody has defined its kind: %v", nameOf(o), err)
		return
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, into, true); err != nil {
		t.Errorf("%s: %v", nameOf(o), err)
	}
}

// checkProgram checks a Deployment, and returns what it requests.
func checkProgram(t *testing.T, c Component, d *appsv1.Deployment) corev1.ResourceList {
	t.Helper()
	if !slices.Contains(c.Namespaces, d.Namespace) {
		t.Errorf("%s is in %s, where nobody waits for it", d.Name, d.Namespace)
	}
	if d.Spec.Replicas == nil || *d.Spec.Replicas > 1 {
		t.Errorf("%s has more than one replica", d.Name)
	} else if *d.Spec.Replicas == 0 {
		return nil // it is never pulled
	}
	containers := d.Spec.Template.Spec.Containers
	if len(containers) != 1 {
		t.Fatalf("%s has %d containers", d.Name, len(containers))
	}
	if !strings.HasPrefix(containers[0].Image, thisCluster.Registry+"/") {
		t.Errorf("%s has image %s, which nobody has", d.Name, containers[0].Image)
	}
	if containers[0].Resources.Limits != nil {
		t.Errorf("%s has limits", d.Name)
	}
	return containers[0].Resources.Requests
}

// checkImages checks that there is a use for each image, and an image for each use.
func checkImages(t *testing.T, c Component, objects []*unstructured.Unstructured) {
	t.Helper()
	named := map[string]bool{}
	for _, o := range objects {
		collect(o.Object, named)
	}
	for text := range named {
		if strings.HasPrefix(text, "ko://") {
			t.Errorf("nobody resolves %s", text)
		}
	}
	for program, reference := range pushed(c) {
		if !named[reference] && program != EventDisplay {
			t.Errorf("%s is built for nothing", program)
		}
	}
	for _, program := range c.without {
		if !named["not-built.invalid/"+program] {
			t.Errorf("%s is said to be named and not built, and is not named", program)
		}
	}
}

// collect collects all texts in a value.
func collect(value any, into map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			collect(v, into)
		}
	case []any:
		for _, v := range value {
			collect(v, into)
		}
	case string:
		into[value] = true
	}
}

func TestAnImageThatWasNotPushedIsAnError(t *testing.T) {
	_, err := CoreDNS().Manifest(t.Context(), pushed(CertManager()), thisCluster)
	if program := CoreDNS().Images[0].Programs[0]; err == nil || !strings.Contains(err.Error(), program) {
		t.Errorf("error %v, want the name of %s", err, program)
	}
}

// data returns an entry of a ConfigMap.
func data(t *testing.T, objects []*unstructured.Unstructured, configMap, key string) string {
	t.Helper()
	return typed[corev1.ConfigMap](t, find(t, objects, "ConfigMap "+configMap)).Data[key]
}

func TestServingIsSetUpForThisCluster(t *testing.T) {
	objects := render(t, Serving())
	for _, test := range []struct{ name, configMap, key, want string }{
		{"Traefik is the ingress", "knative-serving/config-network", "ingress-class", "traefik.ingress.networking.knative.dev"},
		{
			"tags of the cluster's registry are not looked up", "knative-serving/config-deployment", "registries-skipping-tag-resolving",
			"kind.local,ko.local,dev.local,registry.test:5000",
		},
		{
			"the sidecar has its image", "knative-serving/config-deployment", "queue-sidecar-image",
			pushed(Serving())["knative.dev/serving/cmd/queue"],
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := data(t, objects, test.configMap, test.key); got != test.want {
				t.Errorf("%s is %q, want %q", test.key, got, test.want)
			}
		})
	}
	ingress := typed[appsv1.Deployment](t, find(t, objects, "Deployment traefik/traefik"))
	for _, service := range []string{"publicService", "privateService"} {
		prefix := "--providers.knative." + service + ".name="
		i := slices.IndexFunc(ingress.Spec.Template.Spec.Containers[0].Args, func(arg string) bool { return strings.HasPrefix(arg, prefix) })
		if i < 0 {
			t.Fatalf("Traefik is not told its %s", service)
		}
		find(t, objects, "Service traefik/"+strings.TrimPrefix(ingress.Spec.Template.Spec.Containers[0].Args[i], prefix))
	}
}

func TestCoreDNSIsWhereKubeletsSayItIs(t *testing.T) {
	service := typed[corev1.Service](t, find(t, render(t, CoreDNS()), "Service kube-system/kube-dns"))
	if service.Spec.ClusterIP != "10.96.0.10" {
		t.Errorf("it is at %q", service.Spec.ClusterIP)
	}
}

func TestEventingHasWhatItsProgramsReadAtTheStart(t *testing.T) {
	objects := render(t, Eventing(false))
	entries := 0
	for _, o := range objects {
		if o.GetKind() != "Deployment" {
			continue
		}
		for _, c := range typed[appsv1.Deployment](t, o).Spec.Template.Spec.Containers {
			for _, v := range c.Env {
				if v.ValueFrom == nil || v.ValueFrom.ConfigMapKeyRef == nil {
					continue
				}
				entries++
				ref := v.ValueFrom.ConfigMapKeyRef
				if data(t, objects, "knative-eventing/"+ref.Name, ref.Key) == "" {
					t.Errorf("%s: %s has no %s", nameOf(o), ref.Name, ref.Key)
				}
			}
		}
	}
	if entries == 0 {
		t.Error("no program reads a ConfigMap; the two of third_party are not needed any more")
	}
}

func TestEventingsBrokersAreMadeOfInMemoryChannels(t *testing.T) {
	objects := render(t, Eventing(false))
	for _, test := range []struct{ configMap, key, want string }{
		{"knative-eventing/config-br-defaults", "default-br-config", "MTChannelBasedBroker"},
		{"knative-eventing/config-br-default-channel", "channel-template-spec", "InMemoryChannel"},
		{"knative-eventing/default-ch-webhook", "default-ch-config", "InMemoryChannel"},
	} {
		if got := data(t, objects, test.configMap, test.key); !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", test.configMap, got)
		}
	}
}

func TestEventingWithTLSHasCertificatesOfItsIssuer(t *testing.T) {
	var got []string
	for _, o := range render(t, Eventing(true)) {
		if strings.HasPrefix(o.GetAPIVersion(), "cert-manager.io/") {
			issuer, _, _ := unstructured.NestedString(o.Object, "spec", "issuerRef", "name")
			got = append(got, strings.TrimSpace(fmt.Sprint(nameOf(o), " ", issuer)))
		}
	}
	slices.Sort(got)
	want := []string{
		"Certificate cert-manager/knative-eventing-selfsigned-ca knative-eventing-selfsigned-issuer",
		"Certificate knative-eventing/imc-dispatcher-server-tls knative-eventing-ca-issuer",
		"Certificate knative-eventing/mt-broker-filter-server-tls knative-eventing-ca-issuer",
		"Certificate knative-eventing/mt-broker-ingress-server-tls knative-eventing-ca-issuer",
		"ClusterIssuer knative-eventing-ca-issuer",
		"ClusterIssuer knative-eventing-selfsigned-issuer",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAggregatedRolesAreNotEmptied(t *testing.T) {
	aggregated := 0
	for _, o := range render(t, Eventing(false)) {
		if _, found := o.Object["aggregationRule"]; !found {
			continue
		}
		aggregated++
		if rules, found := o.Object["rules"]; found {
			t.Errorf("%s has rules %v, which the controller manager fills in", nameOf(o), rules)
		}
	}
	if aggregated == 0 {
		t.Error("no role is aggregated any more")
	}
}
