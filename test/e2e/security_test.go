//go:build e2e

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

package e2e

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
)

// The adapters' pods carry exactly what docs/install.md promises, and the kernel sees it so.
// The user's namespace is restricted, and stays so.
func TestSecurity(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	app := r.StartRecorder("app").Ready()
	s := r.Source("clocks", kit.To(app), kit.OnNode("n1"))
	r.ReadyOn("clocks", 1)
	pod := r.Adapter(s, "n1")

	root, yes, no := int64(0), true, false
	wantPod := &corev1.PodSecurityContext{
		RunAsUser:      &root,
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	if diff := cmp.Diff(wantPod, pod.Spec.SecurityContext); diff != "" {
		t.Errorf("security context of the pod: %s", diff)
	}
	wantContainer := &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no,
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		ReadOnlyRootFilesystem:   &yes,
	}
	if len(pod.Spec.Containers) != 1 || len(pod.Spec.InitContainers) != 0 || len(pod.Spec.EphemeralContainers) != 0 {
		t.Fatalf("containers %+v", pod.Spec)
	}
	if diff := cmp.Diff(wantContainer, pod.Spec.Containers[0].SecurityContext); diff != "" {
		t.Errorf("security context of the container: %s", diff)
	}
	if p := pod.Spec; p.HostNetwork || p.HostPID || p.HostIPC {
		t.Errorf("host network %v, processes %v, IPC %v", p.HostNetwork, p.HostPID, p.HostIPC)
	}
	if token := pod.Spec.AutomountServiceAccountToken; token == nil || *token || pod.Spec.ServiceAccountName != "eventing-ptp-adapter" {
		t.Errorf("service account %s, token %v", pod.Spec.ServiceAccountName, token)
	}
	var paths []string
	for _, v := range pod.Spec.Volumes {
		if v.HostPath == nil {
			t.Errorf("volume %+v", v)
			continue
		}
		paths = append(paths, v.HostPath.Path)
	}
	// ptp4l's sockets, and the journal of this source.
	if want := []string{"/var/run/ptp", "/var/lib/eventing-ptp/" + r.DaemonSet(s).Name}; !slices.Equal(paths, want) {
		t.Errorf("host paths %v, want %v", paths, want)
	}

	pid, err := kit.Pid(pod, "receive_adapter")
	if err != nil {
		t.Fatal(err)
	}
	got, err := kit.ProcessStatus(pid, "Uid", "CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
	if err != nil {
		t.Fatal(err)
	}
	const none = "0000000000000000"
	want := map[string]string{
		"Uid": "0 0 0 0", "CapEff": none, "CapPrm": none, "CapBnd": none, "CapAmb": none,
		"NoNewPrivs": "1", "Seccomp": "2", // a filter (seccomp(2))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the kernel says: %s", diff)
	}
	if !kit.ReadOnlyRoot(pid) {
		t.Error("its root file system is writable")
	}

	ns, err := r.Kube.CoreV1().Namespaces().Get(t.Context(), r.Namespace, metav1.GetOptions{})
	if err != nil || ns.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("labels of the namespace %v: %v", ns.Labels, err)
	}
	pods, err := r.Kube.CoreV1().Pods(r.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pods.Items {
		if p.Labels["app"] != app.Name {
			t.Errorf("pod %s is in the user's namespace", p.Name)
		}
	}
	// The same pod would not be let into it.
	copied := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "copy", Namespace: r.Namespace}, Spec: *pod.Spec.DeepCopy()}
	copied.Spec.NodeName, copied.Spec.ServiceAccountName = "", "default"
	if _, err := r.Kube.CoreV1().Pods(r.Namespace).Create(t.Context(), copied, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); !apierrors.IsForbidden(err) {
		t.Errorf("a pod like the adapter's in the user's namespace: %v", err)
	}
}
