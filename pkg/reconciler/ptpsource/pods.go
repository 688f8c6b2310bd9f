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
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// longestMessage is of what a pod says, in bytes. An image that cannot be pulled can say
// a lot.
const longestMessage = 512

// sickAdapter returns the adapter of a source to look at first, nil when none is known.
// It is the first by the name of its node, so that it is the same one every time.
func (r *Reconciler) sickAdapter(source *v1alpha1.PtpSource, ds *appsv1.DaemonSet) *v1alpha1.SickAdapter {
	if ds.Status.NumberAvailable >= ds.Status.DesiredNumberScheduled {
		return nil
	}
	var sick []v1alpha1.SickAdapter
	for _, pod := range r.pods(source.UID) {
		if message := ailment(pod); message != "" {
			sick = append(sick, v1alpha1.SickAdapter{
				Node: pod.Spec.NodeName, Pod: pod.Namespace + "/" + pod.Name, Message: message,
			})
		}
	}
	if len(sick) == 0 {
		return nil
	}
	first := slices.MinFunc(sick, func(a, b v1alpha1.SickAdapter) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Pod, b.Pod))
	})
	return &first
}

// ailment says what is wrong with a pod. It is empty for one that is well, that merely
// starts, or that is being replaced.
func ailment(pod *corev1.Pod) string {
	if pod.DeletionTimestamp != nil || conditionOf(pod, corev1.PodReady).Status == corev1.ConditionTrue {
		return ""
	}
	if pod.Status.Phase == corev1.PodFailed {
		return describe(cmp.Or(pod.Status.Reason, "Failed"), pod.Status.Message)
	}
	if scheduled := conditionOf(pod, corev1.PodScheduled); scheduled.Status == corev1.ConditionFalse {
		return describe(scheduled.Reason, scheduled.Message)
	}
	for _, c := range pod.Status.ContainerStatuses {
		if message := containerAilment(c); message != "" {
			return message
		}
	}
	return ""
}

func containerAilment(c corev1.ContainerStatus) string {
	ended := cmp.Or(c.State.Terminated, c.LastTerminationState.Terminated)
	if waiting := c.State.Waiting; waiting != nil && !starts(waiting.Reason) && (ended == nil || waiting.Reason != crashLoop) {
		return describe(waiting.Reason, waiting.Message)
	}
	if ended == nil {
		return ""
	}
	// Also while it waits for its next start, or has just been started again: it would
	// look different every few seconds otherwise.
	return describe(fmt.Sprintf("ended with exit code %d (%s)", ended.ExitCode, ended.Reason), lastLine(ended.Message))
}

const crashLoop = "CrashLoopBackOff"

// starts is whether a container that waits for this reason is on its way.
func starts(reason string) bool {
	return reason == "" || reason == "ContainerCreating" || reason == "PodInitializing"
}

// lastLine is what an adapter has said last: it says why it ends.
func lastLine(log string) string {
	log = strings.TrimSpace(log)
	return log[strings.LastIndexByte(log, '\n')+1:]
}

func describe(reason, message string) string {
	message = strings.Join(strings.Fields(message), " ")
	if len(message) > longestMessage {
		message = strings.ToValidUTF8(message[:longestMessage], "") + "..."
	}
	if message == "" {
		return reason
	}
	return reason + ": " + message
}

func conditionOf(pod *corev1.Pod, t corev1.PodConditionType) corev1.PodCondition {
	for _, c := range pod.Status.Conditions {
		if c.Type == t {
			return c
		}
	}
	return corev1.PodCondition{}
}

// slim keeps of an object what the controller looks at, before it goes into a cache. Of
// thousands of pods that is next to nothing.
func slim(object any) (any, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		return slimPod(pod), nil
	}
	if m, err := meta.Accessor(object); err == nil {
		m.SetManagedFields(nil)
	}
	return object, nil
}

func slimPod(pod *corev1.Pod) *corev1.Pod {
	thin := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         pod.Namespace,
			Name:              pod.Name,
			UID:               pod.UID,
			ResourceVersion:   pod.ResourceVersion,
			DeletionTimestamp: pod.DeletionTimestamp,
			Labels:            only(pod.Labels, resources.UIDLabel, resources.NodeLabel),
			Annotations:       only(pod.Annotations, resources.NamespaceAnnotation, resources.NameAnnotation),
		},
		Spec: corev1.PodSpec{NodeName: nodeOf(pod)},
	}
	ready := conditionOf(pod, corev1.PodReady)
	if ready.Status == corev1.ConditionTrue {
		thin.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		return thin
	}
	thin.Status.Phase, thin.Status.Reason, thin.Status.Message = pod.Status.Phase, pod.Status.Reason, pod.Status.Message
	if scheduled := conditionOf(pod, corev1.PodScheduled); scheduled.Status == corev1.ConditionFalse {
		thin.Status.Conditions = []corev1.PodCondition{{
			Type: scheduled.Type, Status: scheduled.Status, Reason: scheduled.Reason, Message: scheduled.Message,
		}}
	}
	for _, c := range pod.Status.ContainerStatuses {
		thin.Status.ContainerStatuses = append(thin.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, State: c.State, LastTerminationState: c.LastTerminationState,
		})
	}
	return thin
}

func only(all map[string]string, keys ...string) map[string]string {
	some := make(map[string]string, len(keys))
	for _, key := range keys {
		if value, ok := all[key]; ok {
			some[key] = value
		}
	}
	return some
}

// nodeOf returns where a pod runs or, before it does, where the DaemonSet wants it: the
// DaemonSet controller pins a pod to its node by the name in a node affinity.
func nodeOf(pod *corev1.Pod) string {
	if pod.Spec.NodeName != "" {
		return pod.Spec.NodeName
	}
	a := pod.Spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return ""
	}
	for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, field := range term.MatchFields {
			if field.Key == metav1.ObjectNameField && len(field.Values) == 1 {
				return field.Values[0]
			}
		}
	}
	return ""
}
