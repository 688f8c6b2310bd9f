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
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	eventingv1alpha1 "knative.dev/eventing/pkg/apis/eventing/v1alpha1"
	messagingv1 "knative.dev/eventing/pkg/apis/messaging/v1"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/docs"
)

const root = "../.."

// sample is a folder of samples/.
type sample struct {
	name    string // of the folder
	dir     string
	files   []string // that have manifests
	objects []object
	page    *docs.Page
}

// object is what a manifest says, as it is and as the type of its kind.
type object struct {
	unstructured.Unstructured
	file  string
	typed any
	err   error // of reading it as that type
}

// kinds are the types that manifests are read as. Those of Knative's that are in our module
// graph are its own; of the others it is what a sample may use.
var kinds = map[string]func() any{
	"v1 Namespace":                                       func() any { return &corev1.Namespace{} },
	"v1 Service":                                         func() any { return &corev1.Service{} },
	"v1 ConfigMap":                                       func() any { return &corev1.ConfigMap{} },
	"apps/v1 Deployment":                                 func() any { return &appsv1.Deployment{} },
	"networking.k8s.io/v1 NetworkPolicy":                 func() any { return &networkingv1.NetworkPolicy{} },
	"eventing.knative.dev/v1 Broker":                     func() any { return &eventingv1.Broker{} },
	"eventing.knative.dev/v1 Trigger":                    func() any { return &eventingv1.Trigger{} },
	"eventing.knative.dev/v1alpha1 EventPolicy":          func() any { return &eventingv1alpha1.EventPolicy{} },
	"messaging.knative.dev/v1 Channel":                   func() any { return &messagingv1.Channel{} },
	"messaging.knative.dev/v1 Subscription":              func() any { return &messagingv1.Subscription{} },
	"sources.knative.dev/v1alpha1 PtpSource":             func() any { return &v1alpha1.PtpSource{} },
	"serving.knative.dev/v1 Service":                     func() any { return &knativeService{} },
	"eventing.knative.dev/v1alpha1 RabbitmqBrokerConfig": func() any { return &rabbitmqBrokerConfig{} },
	"rabbitmq.com/v1beta1 RabbitmqCluster":               func() any { return &rabbitmqCluster{} },
}

type meta struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

type knativeService struct {
	meta `json:",inline"`
	Spec struct {
		Template struct {
			metav1.ObjectMeta `json:"metadata"`
			Spec              struct {
				corev1.PodSpec `json:",inline"`
				TimeoutSeconds int64 `json:"timeoutSeconds"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

type rabbitmqBrokerConfig struct {
	meta `json:",inline"`
	Spec struct {
		RabbitmqClusterReference struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"rabbitmqClusterReference"`
		QueueType string `json:"queueType"`
	} `json:"spec"`
}

type rabbitmqCluster struct {
	meta `json:",inline"`
	Spec struct {
		Replicas int32 `json:"replicas"`
	} `json:"spec"`
}

// samples returns all of them, read as strictly as kubectl reads.
func samples(t *testing.T) []sample {
	t.Helper()
	dirs, err := filepath.Glob(root + "/samples/[0-9]*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("%d samples: %v", len(dirs), err)
	}
	var all []sample
	for _, dir := range dirs {
		s := sample{name: filepath.Base(dir), dir: dir}
		if s.page, err = docs.Read(filepath.Join(dir, "README.md")); err != nil {
			t.Fatal(err)
		}
		if s.files, err = filepath.Glob(filepath.Join(dir, "*.yaml")); err != nil || len(s.files) == 0 {
			t.Fatalf("%s has %d manifests: %v", s.name, len(s.files), err)
		}
		for _, file := range s.files {
			s.objects = append(s.objects, objects(t, file)...)
		}
		all = append(all, s)
	}
	return all
}

func objects(t *testing.T, file string) []object {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []object
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		o := object{file: file}
		if err := yaml.UnmarshalStrict(document, &o.Object); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		kind := kinds[o.GetAPIVersion()+" "+o.GetKind()]
		if kind == nil {
			t.Fatalf("%s: this test does not know the kind %s of %s", file, o.GetKind(), o.GetAPIVersion())
		}
		o.typed = kind()
		o.err = yaml.UnmarshalStrict(document, o.typed)
		all = append(all, o)
	}
}

// of returns the objects of a sample that are of a type.
func of[T any](s sample) []T {
	var all []T
	for _, o := range s.objects {
		if typed, ok := o.typed.(T); ok {
			all = append(all, typed)
		}
	}
	return all
}

// namespace is what all of a sample is in; that of the network policies is not theirs.
func (s sample) namespace() string {
	for _, n := range of[*corev1.Namespace](s) {
		return n.Name
	}
	return ""
}

// has is whether a sample makes an object.
func (s sample) has(kind, name string) bool {
	return slices.ContainsFunc(s.objects, func(o object) bool { return o.GetKind() == kind && o.GetName() == name })
}
