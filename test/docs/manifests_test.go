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

package docs_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"knative.dev/eventing/pkg/apis/config"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	messagingconfig "knative.dev/eventing/pkg/apis/messaging/config"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
)

// asInstalled has the defaults of a fresh Knative Eventing.
func asInstalled(ctx context.Context) context.Context {
	ctx = config.ToContext(ctx, &config.Config{Defaults: &config.Defaults{ClusterDefaultConfig: &config.DefaultConfig{
		DefaultBrokerClass: "MTChannelBasedBroker",
		BrokerConfig: &config.BrokerConfig{KReference: &duckv1.KReference{
			APIVersion: "v1", Kind: "ConfigMap", Namespace: "knative-eventing", Name: "config-br-default-channel",
		}},
	}}})
	return messagingconfig.ToContext(ctx, &messagingconfig.Config{ChannelDefaults: &messagingconfig.ChannelDefaults{
		ClusterDefault: &messagingconfig.ChannelTemplateSpec{TypeMeta: metav1.TypeMeta{APIVersion: "messaging.knative.dev/v1", Kind: "InMemoryChannel"}},
	}})
}

// What Knative's webhooks and ours would refuse, they refuse here.
func TestSamplesAreAccepted(t *testing.T) {
	for _, s := range samples(t) {
		for _, o := range s.objects {
			if o.err != nil {
				t.Errorf("%s: %v", o.file, o.err)
			}
			ctx := asInstalled(t.Context())
			if d, ok := o.typed.(apis.Defaultable); ok {
				d.SetDefaults(ctx)
			}
			if v, ok := o.typed.(apis.Validatable); ok {
				if err := v.Validate(ctx); err != nil {
					t.Errorf("%s would be refused: %v", o.file, err)
				}
			}
		}
	}
}

func TestManifestsOfSamples(t *testing.T) {
	boilerplate, err := os.ReadFile(root + "/hack/boilerplate/boilerplate.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	var licence strings.Builder
	for line := range strings.Lines(strings.TrimSpace(string(boilerplate))) {
		if line = strings.TrimRight(line, "\n"); line != "/*" && line != "*/" {
			licence.WriteString(strings.TrimSpace("# "+line) + "\n")
		}
	}
	namespaces := map[string]string{}
	for _, s := range samples(t) {
		for _, file := range s.files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(text), licence.String()) {
				t.Errorf("%s does not begin with the licence", file)
			}
			if !regexp.MustCompile(`^[1-9]\d\d-[a-z-]+\.yaml$`).MatchString(filepath.Base(file)) {
				t.Errorf("%s has no number that says when it is applied", file)
			}
		}
		ns := s.namespace()
		if other, taken := namespaces[ns]; taken {
			t.Errorf("%s and %s are both in namespace %s", s.name, other, ns)
		}
		namespaces[ns] = s.name
		if ns == "" {
			continue // the network policies, which config/network_policies_test.go looks at
		}
		for n, o := range s.objects {
			if o.GetKind() == "Namespace" != (n == 0) {
				t.Errorf("%s: a sample begins with its only namespace", o.file)
			}
			if o.GetKind() != "Namespace" && o.GetNamespace() != ns {
				t.Errorf("%s: %s is in namespace %q, the others in %q", o.file, o.GetName(), o.GetNamespace(), ns)
			}
		}
	}
}

// reference is a mention of another object.
type reference struct{ Kind, APIVersion, Namespace, Name string }

// references returns all objects that one mentions: whatever in it has a kind and a name.
func references(t *testing.T, o object) []reference {
	t.Helper()
	var all []reference
	var collect func(value any)
	collect = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			var r reference
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			if json.Unmarshal(text, &r) == nil && r.Kind != "" && r.Name != "" {
				all = append(all, r)
			}
			for _, field := range value {
				collect(field)
			}
		case []any:
			for _, element := range value {
				collect(element)
			}
		}
	}
	collect(o.Object["spec"])
	switch typed := o.typed.(type) {
	case *eventingv1.Trigger:
		all = append(all, reference{Kind: "Broker", APIVersion: "eventing.knative.dev/v1", Name: typed.Spec.Broker})
		if text, ok := typed.Annotations[eventingv1.DependencyAnnotation]; ok {
			dependency, err := eventingv1.GetObjRefFromDependencyAnnotation(text)
			if err != nil {
				t.Errorf("%s: %v", o.file, err)
			}
			all = append(all, reference{dependency.Kind, dependency.APIVersion, dependency.Namespace, dependency.Name})
		}
	case *rabbitmqBrokerConfig:
		r := typed.Spec.RabbitmqClusterReference
		all = append(all, reference{"RabbitmqCluster", "rabbitmq.com/v1beta1", r.Namespace, r.Name})
	}
	return all
}

// What one object says of another is true, and nothing is there that nobody asks for.
func TestReferencesOfSamples(t *testing.T) {
	for _, s := range samples(t) {
		asked := map[string]bool{}
		for _, o := range s.objects {
			for _, r := range references(t, o) {
				if r.Namespace != "" && r.Namespace != s.namespace() {
					t.Errorf("%s: %s %s is in namespace %s, the sample is in %s", o.file, r.Kind, r.Name, r.Namespace, s.namespace())
				}
				there := slices.ContainsFunc(s.objects, func(o object) bool {
					return o.GetAPIVersion() == r.APIVersion && o.GetKind() == r.Kind && o.GetName() == r.Name
				})
				if !there {
					t.Errorf("%s: there is no %s %s of %s in the sample", o.file, r.Kind, r.Name, r.APIVersion)
				}
				asked[r.Kind+" "+r.Name] = true
			}
		}
		for _, o := range s.objects {
			switch kind := o.GetKind(); kind {
			case "Broker", "Channel", "Service", "ConfigMap", "RabbitmqBrokerConfig", "RabbitmqCluster":
				if !asked[kind+" "+o.GetName()] {
					t.Errorf("%s: nobody asks for %s %s", o.file, kind, o.GetName())
				}
			}
		}
	}
}

// Services reach pods, and pods run the one image that a clone of this repository can build.
func TestPodsOfSamples(t *testing.T) {
	const image = "ko://knative.dev/eventing/cmd/event_display"
	gomod, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(gomod), "\ntool "+strings.TrimPrefix(image, "ko://")+"\n") {
		t.Errorf("go.mod has no tool %s: ko could not build it", image)
	}
	for _, s := range samples(t) {
		var pods []corev1.PodTemplateSpec
		for _, d := range of[*appsv1.Deployment](s) {
			selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
			if err != nil || selector.Empty() || !selector.Matches(labels.Set(d.Spec.Template.Labels)) {
				t.Errorf("%s: Deployment %s does not select its pods: %v", s.name, d.Name, err)
			}
			pods = append(pods, d.Spec.Template)
		}
		for _, service := range of[*corev1.Service](s) {
			selected := slices.DeleteFunc(slices.Clone(pods), func(p corev1.PodTemplateSpec) bool {
				return !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(p.Labels))
			})
			if s.name == "07-dead-letter" && service.Name == "reactor" {
				if len(selected) > 0 {
					t.Errorf("%s: %s is not to have pods", s.name, service.Name)
				}
				continue
			}
			if len(selected) != 1 || service.Spec.Ports[0].TargetPort.IntVal != selected[0].Spec.Containers[0].Ports[0].ContainerPort {
				t.Errorf("%s: Service %s selects %d kinds of pods, or another port than theirs", s.name, service.Name, len(selected))
			}
		}
		for _, service := range of[*knativeService](s) {
			pods = append(pods, corev1.PodTemplateSpec{Spec: service.Spec.Template.Spec.PodSpec})
		}
		for _, p := range pods {
			if got := p.Spec.Containers[0].Image; len(p.Spec.Containers) != 1 || got != image {
				t.Errorf("%s: a pod runs %s", s.name, got)
			}
		}
	}
}
