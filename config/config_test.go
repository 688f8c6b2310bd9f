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
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const (
	system   = "knative-eventing"
	adapters = "eventing-ptp-adapters"
)

// manifest is an object and the file that it is in.
type manifest struct {
	unstructured.Unstructured
	file string
}

// name is unique among the objects of a cluster.
func (m manifest) name() string { return m.GetKind() + " " + m.GetNamespace() + "/" + m.GetName() }

// manifests returns all objects in the order in which kubectl and ko apply them.
func manifests(t *testing.T) []manifest {
	t.Helper()
	var all []manifest
	for _, file := range files(t) {
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
			m := manifest{file: file}
			if err := yaml.UnmarshalStrict(document, &m.Object); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all = append(all, m)
		}
	}
	return all
}

func files(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(file) != ".go" {
			all = append(all, file)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d files: %v", len(all), err)
	}
	return all
}

// of returns the objects of a kind, read as strictly as kubectl does.
func of[T any](t *testing.T, kind string) map[string]*T {
	t.Helper()
	all := map[string]*T{}
	for _, m := range manifests(t) {
		if m.GetKind() != kind {
			continue
		}
		text, err := m.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		object := new(T)
		if err := yaml.UnmarshalStrict(text, object); err != nil {
			t.Errorf("%s: %v", m.file, err)
		}
		all[strings.TrimPrefix(m.GetNamespace()+"/"+m.GetName(), "/")] = object
	}
	return all
}

func TestFiles(t *testing.T) {
	boilerplate, err := os.ReadFile("../hack/boilerplate/boilerplate.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	var licence strings.Builder
	for line := range strings.Lines(strings.TrimSpace(string(boilerplate))) {
		if line = strings.TrimRight(line, "\n"); line != "/*" && line != "*/" {
			licence.WriteString(strings.TrimSpace("# "+line) + "\n")
		}
	}
	for _, file := range files(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(file) != ".yaml" {
			t.Errorf("%s is no YAML: kubectl would not apply it", file)
		}
		if !strings.HasPrefix(string(text), licence.String()) {
			t.Errorf("%s does not begin with the licence", file)
		}
	}
}

func TestObjects(t *testing.T) {
	seen := map[string]string{}
	for _, m := range manifests(t) {
		if other, ok := seen[m.name()]; ok {
			t.Errorf("%s: %s is in %s too", m.file, m.name(), other)
		}
		seen[m.name()] = m.file
		if m.GetKind() == "Namespace" && m.GetName() != adapters {
			t.Errorf("%s: whoever removes this project must not remove namespace %s", m.file, m.GetName())
		}
		// What comes first must not need what comes later.
		if ns := m.GetNamespace(); ns != "" && ns != system && seen["Namespace /"+ns] == "" {
			t.Errorf("%s: %s comes before its namespace", m.file, m.name())
		}
		l := m.GetLabels()
		if l["app.kubernetes.io/name"] != "eventing-ptp" || l["app.kubernetes.io/version"] != "devel" ||
			!slices.Contains([]string{"controller", "webhook", "adapter", "cli"}, l["app.kubernetes.io/component"]) {
			t.Errorf("%s: %s has labels %v", m.file, m.name(), l)
		}
		// docs/install.md leaves the webhook out by this label.
		if strings.Contains(m.GetName(), "webhook") != (l["app.kubernetes.io/component"] == "webhook") {
			t.Errorf("%s: %s is of component %s", m.file, m.name(), l["app.kubernetes.io/component"])
		}
	}
}

// Nothing is granted that nobody has asked for by name.
func TestRights(t *testing.T) {
	granted := map[string][]rbacv1.PolicyRule{}
	for name, r := range of[rbacv1.ClusterRole](t, "ClusterRole") {
		granted["ClusterRole "+name] = r.Rules
	}
	for name, r := range of[rbacv1.Role](t, "Role") {
		granted["Role "+name] = r.Rules
	}
	for role, rules := range granted {
		for _, rule := range rules {
			if slices.Contains(slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs), "*") {
				t.Errorf("%s grants %v: name what it needs", role, rule)
			}
			for _, verb := range []string{"escalate", "bind", "impersonate", "deletecollection"} {
				if slices.Contains(rule.Verbs, verb) {
					t.Errorf("%s grants %s: that is a way to every right", role, verb)
				}
			}
			writes := slices.ContainsFunc(rule.Verbs, func(v string) bool { return !slices.Contains([]string{"get", "list", "watch"}, v) })
			if slices.Contains(rule.Resources, "secrets") && (strings.HasPrefix(role, "ClusterRole") || writes && len(rule.ResourceNames) == 0) {
				t.Errorf("%s grants %v of secrets: one namespace, and writing by name only", role, rule.Verbs)
			}
			// But for the label by which the Service of a node finds an adapter.
			labelling := role == "Role "+adapters+"/eventing-ptp-controller" && slices.Equal(rule.Verbs, []string{"get", "list", "watch", "patch"})
			if slices.Contains(rule.Resources, "pods") && writes && !labelling {
				t.Errorf("%s grants %v of pods: pods are made by DaemonSets", role, rule.Verbs)
			}
		}
	}

	accounts := of[corev1.ServiceAccount](t, "ServiceAccount")
	check := func(name string, ref rbacv1.RoleRef, namespace string, subjects []rbacv1.Subject) {
		role := strings.TrimPrefix(namespace+"/"+ref.Name, "/")
		if ref.Kind == "ClusterRole" {
			role = ref.Name
		}
		if _, ok := granted[ref.Kind+" "+role]; !ok && ref.Name != "addressable-resolver" { // Eventing's
			t.Errorf("%s binds %s %s, which is not there", name, ref.Kind, role)
		}
		for _, s := range subjects {
			if accounts[s.Namespace+"/"+s.Name] == nil {
				t.Errorf("%s binds it to %s/%s, which is not there", name, s.Namespace, s.Name)
			}
			// But for those whose O-Cloud API has to ask who its clients are.
			if s.Namespace == adapters && (s.Name != "eventing-ptp-adapter-reviewer" || ref.Name != s.Name) {
				t.Errorf("%s gives the adapters rights", name)
			}
		}
	}
	for name, b := range of[rbacv1.ClusterRoleBinding](t, "ClusterRoleBinding") {
		check(name, b.RoleRef, "", b.Subjects)
	}
	for name, b := range of[rbacv1.RoleBinding](t, "RoleBinding") {
		check(name, b.RoleRef, b.Namespace, b.Subjects)
	}
	for _, name := range []string{"eventing-ptp-adapter", "eventing-ptp-adapter-reviewer"} {
		if a := accounts[adapters+"/"+name]; a == nil || a.AutomountServiceAccountToken == nil || *a.AutomountServiceAccountToken {
			t.Errorf("the adapters' account %+v must not mount its token", a)
		}
	}
}

func TestDeployments(t *testing.T) {
	deployments := of[appsv1.Deployment](t, "Deployment")
	budgets := of[policyv1.PodDisruptionBudget](t, "PodDisruptionBudget")
	for _, name := range []string{system + "/eventing-ptp-controller", system + "/eventing-ptp-webhook"} {
		t.Run(name, func(t *testing.T) {
			d, budget := deployments[name], budgets[name]
			if d == nil || budget == nil {
				t.Fatalf("Deployment %v, PodDisruptionBudget %v", d, budget)
			}
			pod := d.Spec.Template
			for what, selector := range map[string]*metav1.LabelSelector{"Deployment": d.Spec.Selector, "PodDisruptionBudget": budget.Spec.Selector} {
				if !selects(t, selector, pod.Labels) {
					t.Errorf("the %s does not select its pods", what)
				}
				if _, ok := selector.MatchLabels["app.kubernetes.io/version"]; ok {
					t.Errorf("the %s selects by version, which changes with every release", what)
				}
			}
			for _, c := range pod.Spec.TopologySpreadConstraints {
				if !selects(t, c.LabelSelector, pod.Labels) {
					t.Errorf("%s spreads other pods", c.TopologyKey)
				}
			}
			if *d.Spec.Replicas < 2 || budget.Spec.MaxUnavailable.IntValue() != 1 {
				t.Errorf("%d replicas of which a drain may take %v", *d.Spec.Replicas, budget.Spec.MaxUnavailable)
			}
			c := pod.Spec.Containers[0]
			if s := c.SecurityContext; !*s.RunAsNonRoot || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem ||
				!slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || s.Capabilities.Add != nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
				t.Errorf("it may do more than it needs: %+v", s)
			}
			if c.StartupProbe == nil || c.LivenessProbe == nil || c.ReadinessProbe == nil {
				t.Error("a probe is missing")
			}
			if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() || !c.Resources.Limits.Cpu().IsZero() {
				t.Errorf("resources %+v: requests, a limit of memory, none of the processor", c.Resources)
			}
			images := []string{c.Image}
			for _, v := range c.Env {
				if strings.HasSuffix(v.Name, "_IMAGE") {
					images = append(images, v.Value)
				}
			}
			for _, image := range images {
				program, ours := strings.CutPrefix(image, "ko://github.com/eventing-ptp/eventing-ptp/")
				if _, err := os.Stat("../" + program + "/main.go"); !ours || err != nil {
					t.Errorf("image %s is not one of our programs: %v", image, err)
				}
			}
		})
	}
}

func selects(t *testing.T, selector *metav1.LabelSelector, pod map[string]string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return !s.Empty() && s.Matches(labels.Set(pod))
}

// The API server asks the Service, and that the webhook's pods, which know its name.
func TestWebhooks(t *testing.T) {
	const name = "eventing-ptp-webhook"
	d, service := of[appsv1.Deployment](t, "Deployment")[system+"/"+name], of[corev1.Service](t, "Service")[system+"/"+name]
	if d == nil || service == nil {
		t.Fatalf("Deployment %v, Service %v", d, service)
	}
	if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(d.Spec.Template.Labels)) {
		t.Error("the Service does not select the webhook's pods")
	}
	env := map[string]string{}
	for _, v := range d.Spec.Template.Spec.Containers[0].Env {
		env[v.Name] = v.Value
	}
	if env["WEBHOOK_NAME"] != name || env["WEBHOOK_PORT"] != service.Spec.Ports[0].TargetPort.String() {
		t.Errorf("the pods are told %v, the Service is %+v", env, service.Spec)
	}
	if of[corev1.Secret](t, "Secret")[system+"/"+env["WEBHOOK_SECRET_NAME"]] == nil {
		t.Errorf("there is no Secret %s", env["WEBHOOK_SECRET_NAME"])
	}
	check := func(object, hook string, client admissionv1.WebhookClientConfig, policy *admissionv1.FailurePolicyType, want admissionv1.FailurePolicyType, effects *admissionv1.SideEffectClass) {
		t.Helper()
		if hook != object || client.Service == nil || client.Service.Name != name || client.Service.Namespace != system {
			t.Errorf("%s: webhook %s asks %+v", object, hook, client.Service)
		}
		if policy == nil || *policy != want || effects == nil || *effects != admissionv1.SideEffectClassNone {
			t.Errorf("%s: failure policy %v, want %s; side effects %v", object, policy, want, effects)
		}
	}
	count := 0
	for object, c := range of[admissionv1.MutatingWebhookConfiguration](t, "MutatingWebhookConfiguration") {
		for _, w := range c.Webhooks {
			count++
			check(object, w.Name, w.ClientConfig, w.FailurePolicy, admissionv1.Fail, w.SideEffects)
		}
	}
	for object, c := range of[admissionv1.ValidatingWebhookConfiguration](t, "ValidatingWebhookConfiguration") {
		for _, w := range c.Webhooks {
			count++
			want := admissionv1.Fail
			if strings.HasPrefix(object, "config.") { // an administrator must never be locked out
				want = admissionv1.Ignore
			}
			check(object, w.Name, w.ClientConfig, w.FailurePolicy, want, w.SideEffects)
		}
	}
	if count != 3 {
		t.Errorf("%d webhooks, want 3", count)
	}
}
