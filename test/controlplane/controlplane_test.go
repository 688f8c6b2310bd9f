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

package controlplane_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"

	"github.com/eventing-ptp/eventing-ptp/test/controlplane"
)

// cluster is the control plane that the tests share; each has a namespace of its own.
var cluster *controlplane.ControlPlane

func TestMain(m *testing.M) {
	if os.Getenv(holder) != "" {
		if err := hold(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(func() int {
		var err error
		began := time.Now()
		cluster, err = controlplane.Start(context.Background(), controlplane.Options{
			Progress: os.Stderr, Kinds: []string{"testdata/gadget.yaml"},
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Printf("the control plane is ready after %v\n", time.Since(began).Round(time.Millisecond))
		status := m.Run()
		if err := cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return status
	}())
}

// patience is how long a test waits for what must come: far longer than it may take.
const patience = 30 * time.Second

// eventually waits until check returns nil.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := cluster.Wait(ctx, what, check); err != nil {
		t.Fatal(err)
	}
}

// apply applies YAML in which NS stands for a namespace that is made for this run of
// the test, and returns that namespace.
func apply(t *testing.T, text string) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: strings.ToLower(t.Name()) + "-"}}
	namespace, err := cluster.Client().CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.ApplyYAML(t.Context(), strings.ReplaceAll(text, "NS", namespace.Name)); err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}

const agent = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: NS}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      nodeSelector: {for: NS}
      containers:
      - {name: agent, image: "ko://example.com/Agent"}
`

func TestDaemonSetControllerCountsPlayedNodes(t *testing.T) {
	ns := apply(t, agent)
	if _, err := cluster.AddNodes(t.Context(), 1, nil); err != nil { // it is none of its own
		t.Fatal(err)
	}
	nodes, err := cluster.AddNodes(t.Context(), 2, map[string]string{"for": ns})
	if err != nil {
		t.Fatal(err)
	}
	sets, pods := cluster.Client().AppsV1().DaemonSets(ns), cluster.Client().CoreV1().Pods(ns)
	available := func(want int32) func(context.Context) error {
		return func(ctx context.Context) error {
			set, err := sets.Get(ctx, "agent", metav1.GetOptions{})
			if err != nil {
				return err
			}
			is := set.Status
			if is.ObservedGeneration != set.Generation || is.DesiredNumberScheduled != 2 || is.CurrentNumberScheduled != 2 ||
				is.NumberReady != want || is.NumberAvailable != want || is.NumberUnavailable != 2-want {
				return fmt.Errorf("%+v", is)
			}
			return nil
		}
	}
	eventually(t, "pods that are available on both nodes", available(2))

	set, err := sets.Get(t.Context(), "agent", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Spec.Template.Spec.Containers[0].Image; got != "ko.invalid/example.com/agent" {
		t.Errorf("the image is %s", got)
	}

	cluster.SetContainers(nodes[1], controlplane.Containers{Waiting: "ImagePullBackOff", Message: "no such image"})
	eventually(t, "a pod that is not available", available(1))
	failing := podOn(t, ns, nodes[1])
	if is := failing.Status; is.Phase != corev1.PodPending || is.ContainerStatuses[0].State.Waiting.Reason != "ImagePullBackOff" {
		t.Errorf("the failing pod is %+v", is)
	}
	cluster.SetContainers(nodes[1], controlplane.Containers{})
	eventually(t, "a pod that is available again", available(2))

	cluster.SetContainers(nodes[0], controlplane.Containers{Unattended: true})
	unattended := podOn(t, ns, nodes[0])
	for _, name := range []string{unattended.Name, failing.Name} {
		if err := pods.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the end of the attended pod", gone(func(ctx context.Context) error {
		_, err := pods.Get(ctx, failing.Name, metav1.GetOptions{})
		return err
	}))
	if pod := podOn(t, ns, nodes[0]); pod.UID != unattended.UID || pod.DeletionTimestamp == nil {
		t.Errorf("the pod that nobody attends to: %+v, want it to be there and about to end", pod.ObjectMeta)
	}
	cluster.SetContainers(nodes[0], controlplane.Containers{})
	eventually(t, "the end of the other one", gone(func(ctx context.Context) error {
		_, err := pods.Get(ctx, unattended.Name, metav1.GetOptions{})
		return err
	}))
	eventually(t, "pods that are new", available(2))

	foreground := metav1.DeletePropagationForeground
	if err := sets.Delete(t.Context(), "agent", metav1.DeleteOptions{PropagationPolicy: &foreground}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the DaemonSet, which waits for its pods", gone(func(ctx context.Context) error {
		_, err := sets.Get(ctx, "agent", metav1.GetOptions{})
		return err
	}))
	if left, err := pods.List(t.Context(), metav1.ListOptions{}); err != nil || len(left.Items) > 0 {
		t.Errorf("%d pods are left: %v", len(left.Items), err)
	}
}

// podOn returns the newest pod on a node.
func podOn(t *testing.T, ns, node string) *corev1.Pod {
	t.Helper()
	pods, err := cluster.Client().CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) != 1 {
		t.Fatalf("%d pods on %s, want 1", len(pods.Items), node)
	}
	return &pods.Items[0]
}

// gone makes a check of what get returns for something that shall not be found.
func gone(get func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		switch err := get(ctx); {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return err
		default:
			return fmt.Errorf("it is still there")
		}
	}
}

func TestNodeIsReadyAndHasNoTaint(t *testing.T) {
	names, err := cluster.AddNodes(t.Context(), 1, map[string]string{"zone": "a"})
	if err != nil {
		t.Fatal(err)
	}
	node, err := cluster.Client().CoreV1().Nodes().Get(t.Context(), names[0], metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(node.Spec.Taints) > 0 || node.Labels["zone"] != "a" || node.Labels[corev1.LabelHostname] != node.Name ||
		node.Status.Conditions[0].Status != corev1.ConditionTrue {
		t.Errorf("%+v", node)
	}
}

func TestNamespaceTerminates(t *testing.T) {
	ns := apply(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: inside, namespace: NS}\n")
	namespaces := cluster.Client().CoreV1().Namespaces()
	if err := namespaces.Delete(t.Context(), ns, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the namespace", gone(func(ctx context.Context) error {
		_, err := namespaces.Get(ctx, ns, metav1.GetOptions{})
		return err
	}))
}

func TestOwnedObjectIsCollected(t *testing.T) {
	ns := apply(t, "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: owner, namespace: NS}\n")
	gadgets := cluster.Dynamic().Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "gadgets"}).Namespace(ns)
	owner, err := gadgets.Get(t.Context(), "owner", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	maps := cluster.Client().CoreV1().ConfigMaps(ns)
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "owned", OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, owner.GroupVersionKind())},
	}}
	if _, err := maps.Create(t.Context(), owned, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := gadgets.Delete(t.Context(), "owner", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of what is owned", gone(func(ctx context.Context) error {
		_, err := maps.Get(ctx, "owned", metav1.GetOptions{})
		return err
	}))
}

func TestOnlyKindsAreAppliedBeforeTheControllersStart(t *testing.T) {
	if _, err := cluster.Client().CoreV1().Namespaces().Get(t.Context(), "left-out", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace beside the kind: %v", err)
	}
}

const hook = `
apiVersion: v1
kind: Service
metadata: {name: hook, namespace: NS}
spec:
  selector: {app: hook}
  ports:
  - {name: other, port: 80, targetPort: 8080}
  - {name: https, port: 443, targetPort: 8443}
`

func TestWebhookIsCalledThroughItsService(t *testing.T) {
	ns := apply(t, hook)
	certificate, key, err := cluster.ServerCertificate("hook." + ns + ".svc")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := cluster.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	port := netPort(t, listener.Addr().String())
	server := &http.Server{
		Handler:   http.HandlerFunc(deny),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}},
	}
	go func() { _ = server.ServeTLS(listener, "", "") }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	if err := cluster.Endpoint(t.Context(), ns, "hook", map[string]int{"https": port}); err != nil {
		t.Fatal(err)
	}

	configuration, err := json.Marshal(map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
		"metadata": map[string]any{"name": "hook"},
		"webhooks": []any{map[string]any{
			"name":         "hook.example.com",
			"clientConfig": map[string]any{"caBundle": cluster.CA(), "service": map[string]any{"namespace": ns, "name": "hook", "path": "/deny"}},
			"rules": []any{map[string]any{
				"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"configmaps"},
			}},
			"namespaceSelector":       map[string]any{"matchLabels": map[string]any{corev1.LabelMetadataName: ns}},
			"sideEffects":             "None",
			"admissionReviewVersions": []any{"v1"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.ApplyYAML(t.Context(), string(configuration)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a denial", func(ctx context.Context) error {
		unwanted := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "unwanted-"}}
		_, err := cluster.Client().CoreV1().ConfigMaps(ns).Create(ctx, unwanted, metav1.CreateOptions{})
		const want = `admission webhook "hook.example.com" denied the request: not on /deny`
		if err == nil || err.Error() != want {
			return fmt.Errorf("got %w, want %s", err, want)
		}
		return nil
	})
}

// deny answers every admission review with a denial that names the path.
func deny(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Response = &admissionv1.AdmissionResponse{
		UID: review.Request.UID, Result: &metav1.Status{Message: "not on " + r.URL.Path},
	}
	_ = json.NewEncoder(w).Encode(review) // the API server says what it got
}

const reader = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: NS}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NS}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: reader, namespace: NS}
`

func TestServiceAccountMayDoWhatItsRoleSays(t *testing.T) {
	ns := apply(t, reader)
	config, err := cluster.ConfigFor(t.Context(), ns, "reader")
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the role", func(ctx context.Context) error {
		_, err := client.CoreV1().ConfigMaps(ns).List(ctx, metav1.ListOptions{})
		return err
	})
	if _, err := client.CoreV1().Secrets(ns).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("secrets may be listed: %v", err)
	}
}

func TestProgramRunsAsAServiceAccount(t *testing.T) {
	ns := apply(t, reader)
	kubeconfig, err := cluster.Kubeconfig(t.Context(), ns, "reader")
	if err != nil {
		t.Fatal(err)
	}
	program, err := cluster.Run("whoami", cluster.Kubectl("--kubeconfig="+kubeconfig, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"))
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Err(); err != nil {
		t.Error(err)
	}
	output, err := os.ReadFile(program.Log())
	if err != nil {
		t.Fatal(err)
	}
	if want := "system:serviceaccount:" + ns + ":reader"; string(output) != want {
		t.Errorf("it is %s, want %s", output, want)
	}
}

func TestStoppedProgramIsAskedAndItsFailureIsSaid(t *testing.T) {
	for _, test := range []struct{ name, script, want string }{
		{"it ends well", `trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done`, ""},
		{"it ends badly", `trap 'echo not well; exit 3' TERM; echo up; while :; do sleep 0.01; done`, "exit status 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			program, err := cluster.Run("script", exec.Command("sh", "-c", test.script))
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "the trap", func(context.Context) error {
				if output, err := os.ReadFile(program.Log()); err != nil || string(output) != "up\n" {
					return fmt.Errorf("the log says %q: %w", output, err)
				}
				return nil
			})
			err = program.Stop(t.Context())
			if test.want == "" && err != nil {
				t.Error(err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "not well")) {
				t.Errorf("got %v, want %s and the last words", err, test.want)
			}
		})
	}
}

const addressable = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: widget-addressable, labels: {duck.knative.dev/addressable: "true"}}
rules:
- {apiGroups: [example.com], resources: [widgets], verbs: [get]}
`

func TestKnativeKindsAndRolesAreThere(t *testing.T) {
	for range 2 { // it may be applied again
		if err := cluster.Knative(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ns := apply(t, addressable+`---
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: {name: default, namespace: NS}
`)
	eventually(t, "an aggregated rule", func(ctx context.Context) error {
		role, err := cluster.Client().RbacV1().ClusterRoles().Get(ctx, "addressable-resolver", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(role.Rules, func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Resources, "widgets") }) {
			return fmt.Errorf("%v", role.Rules)
		}
		return nil
	})
	// Every version, because the webhook that converts does not run.
	for _, resource := range []schema.GroupVersionResource{
		{Group: "eventing.knative.dev", Version: "v1", Resource: "brokers"},
		{Group: "eventing.knative.dev", Version: "v1beta1", Resource: "eventtypes"},
		{Group: "eventing.knative.dev", Version: "v1beta2", Resource: "eventtypes"},
		{Group: "eventing.knative.dev", Version: "v1beta3", Resource: "eventtypes"},
	} {
		if _, err := cluster.Dynamic().Resource(resource).Namespace(ns).List(t.Context(), metav1.ListOptions{}); err != nil {
			t.Errorf("%s: %v", resource, err)
		}
	}
	for _, name := range []string{"config-features", "config-logging", "config-observability", "config-leader-election"} {
		if _, err := cluster.Client().CoreV1().ConfigMaps("knative-eventing").Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
	}
}

func TestObjectOfAKindThatComesWithItIsApplied(t *testing.T) {
	ns := apply(t, `
apiVersion: example.com/v1
kind: Widget
metadata: {name: one, namespace: NS}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object}}
`)
	widgets := cluster.Dynamic().Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "widgets"})
	if _, err := widgets.Namespace(ns).Get(t.Context(), "one", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}

func netPort(t *testing.T, address string) int {
	t.Helper()
	var port int
	if _, err := fmt.Sscanf(address[strings.LastIndex(address, ":"):], ":%d", &port); err != nil {
		t.Fatal(err)
	}
	return port
}
