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

package ptpsource

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func ended(code int32, reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: message}}
}

func TestAilment(t *testing.T) {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	lastWords := ended(2, "Error", "{\"level\":\"info\"}\nreceive_adapter: thresholds: lockSamples is 0\n")
	container := func(now, before corev1.ContainerState) corev1.PodStatus {
		return corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{State: now, LastTerminationState: before}}}
	}
	condition := func(c corev1.PodCondition) corev1.PodStatus {
		return corev1.PodStatus{Conditions: []corev1.PodCondition{c}}
	}
	for _, tc := range []struct {
		name   string
		status corev1.PodStatus
		want   string
	}{
		{"nothing is known yet", corev1.PodStatus{Phase: corev1.PodPending}, ""},
		{"the container is being made", container(waiting("ContainerCreating", ""), corev1.ContainerState{}), ""},
		{"the container waits for others", container(waiting("PodInitializing", ""), corev1.ContainerState{}), ""},
		{"it runs and is not ready yet", container(running, corev1.ContainerState{}), ""},
		{
			"the image cannot be had", container(waiting("ImagePullBackOff", "Back-off pulling\n image  \"x\""), corev1.ContainerState{}),
			`ImagePullBackOff: Back-off pulling image "x"`,
		},
		{
			"its configuration is missing", container(waiting("CreateContainerConfigError", "secret \"x\" not found"), corev1.ContainerState{}),
			`CreateContainerConfigError: secret "x" not found`,
		},
		{
			"it crashes: its last words count, not how long is waited",
			container(waiting("CrashLoopBackOff", "back-off 20s restarting"), lastWords),
			"ended with exit code 2 (Error): receive_adapter: thresholds: lockSamples is 0",
		},
		{
			"it has just been started again, and is not ready", container(running, lastWords),
			"ended with exit code 2 (Error): receive_adapter: thresholds: lockSamples is 0",
		},
		{
			"it has just ended", container(lastWords, ended(1, "Error", "before")),
			"ended with exit code 2 (Error): receive_adapter: thresholds: lockSamples is 0",
		},
		{
			"it took too much memory", container(waiting("CrashLoopBackOff", ""), ended(137, "OOMKilled", "")),
			"ended with exit code 137 (OOMKilled)",
		},
		{
			"it crashes and nothing is known of its end", container(waiting("CrashLoopBackOff", "back-off"), corev1.ContainerState{}),
			"CrashLoopBackOff: back-off",
		},
		{
			"its image is gone since it crashed", container(waiting("ErrImagePull", "not found"), lastWords), "ErrImagePull: not found",
		},
		{
			"the node is full", condition(corev1.PodCondition{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available: Insufficient memory.",
			}),
			"Unschedulable: 0/1 nodes are available: Insufficient memory.",
		},
		{
			"the node has thrown it out",
			corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "low on memory"},
			"Evicted: low on memory",
		},
		{"it has failed for no reason", corev1.PodStatus{Phase: corev1.PodFailed}, "Failed"},
		{"it is ready, whatever was before", corev1.PodStatus{
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			ContainerStatuses: []corev1.ContainerStatus{{State: running, LastTerminationState: lastWords}},
		}, ""},
		{
			"much is said", container(waiting("ErrImagePull", strings.Repeat("é", 300)), corev1.ContainerState{}),
			"ErrImagePull: " + strings.Repeat("é", 256) + "...",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pod := &corev1.Pod{Status: tc.status}
			if got := ailment(pod); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
			if got := ailment(slimPod(pod)); got != tc.want {
				t.Errorf("of the slim pod: got %q", got)
			}
			pod.DeletionTimestamp = &metav1.Time{}
			if got := ailment(pod); got != "" {
				t.Errorf("of a pod that is being replaced: got %q", got)
			}
		})
	}
}

// fullPod has something in every part that a real one has.
func fullPod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: adapterNS, Name: "p", UID: "pod", ResourceVersion: "7",
			Labels: map[string]string{"ptpsource.sources.knative.dev/uid": uid, "controller-revision-hash": "x"},
			Annotations: map[string]string{
				"ptpsource.sources.knative.dev/namespace": userNS, "ptpsource.sources.knative.dev/name": name, "cni": "much",
			},
			OwnerReferences: []metav1.OwnerReference{{Name: "ds"}},
			ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "kubelet"}},
		},
		Spec: corev1.PodSpec{NodeName: "n1", Containers: []corev1.Container{{Name: "adapter", Image: "i"}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1",
			Conditions: []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
				{Type: corev1.PodReady, Status: corev1.ConditionFalse, Message: "containers are not ready"},
			},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "adapter", ImageID: "sha256:x", State: waiting("ErrImagePull", "no")}},
		},
	}
}

func TestSlimPod(t *testing.T) {
	meta := metav1.ObjectMeta{
		Namespace: adapterNS, Name: "p", UID: "pod", ResourceVersion: "7",
		Labels: map[string]string{"ptpsource.sources.knative.dev/uid": uid},
		Annotations: map[string]string{
			"ptpsource.sources.knative.dev/namespace": userNS, "ptpsource.sources.knative.dev/name": name,
		},
	}
	onN1 := corev1.PodSpec{NodeName: "n1"}
	for _, tc := range []struct {
		name   string
		change func(*corev1.Pod)
		want   *corev1.Pod
	}{
		{"of a sick pod what is wrong is kept", func(*corev1.Pod) {}, &corev1.Pod{
			ObjectMeta: meta, Spec: onN1,
			Status: corev1.PodStatus{
				Phase:             corev1.PodRunning,
				ContainerStatuses: []corev1.ContainerStatus{{Name: "adapter", State: waiting("ErrImagePull", "no")}},
			},
		}},
		{"of a pod that is well only that it is", func(p *corev1.Pod) { p.Status.Conditions[1].Status = corev1.ConditionTrue }, &corev1.Pod{
			ObjectMeta: meta, Spec: onN1,
			Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
		}},
		{"of a pod without a node, the node that it is for", func(p *corev1.Pod) {
			p.Spec.NodeName, p.Spec.Affinity = "", pinnedTo("n7")
			p.Status.ContainerStatuses = nil
			p.Status.Conditions[0] = corev1.PodCondition{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "full", LastTransitionTime: metav1.Now(),
			}
		}, &corev1.Pod{
			ObjectMeta: meta, Spec: corev1.PodSpec{NodeName: "n7"},
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning,
				Conditions: []corev1.PodCondition{{
					Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "full",
				}},
			},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pod := fullPod()
			tc.change(pod)
			got, err := slim(pod)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("pod (-want, +got):\n%s", diff)
			}
		})
	}
}

func pinnedTo(node string) *corev1.Affinity {
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{
			{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{node}},
		}}},
	}}}
}

func TestNodeOf(t *testing.T) {
	for _, tc := range []struct {
		name string
		spec corev1.PodSpec
		want string
	}{
		{"where it runs", corev1.PodSpec{NodeName: "n1", Affinity: pinnedTo("n2")}, "n1"},
		{"where it is to run", corev1.PodSpec{Affinity: pinnedTo("n2")}, "n2"},
		{"nowhere yet", corev1.PodSpec{}, ""},
		{"no node is named", corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{}}},
		}}}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := nodeOf(&corev1.Pod{Spec: tc.spec}); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSlimOthers(t *testing.T) {
	source := &v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{
		Name: name, Annotations: map[string]string{"a": "b"}, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
	}}
	got, err := slim(source)
	want := &v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"a": "b"}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("(-want, +got), error %v:\n%s", err, diff)
	}
	if got, err := slim("no object"); got != "no object" || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}
