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

package controlplane

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPodStatus(t *testing.T) {
	now := metav1.NewTime(time.Unix(1700000000, 0))
	for _, test := range []struct {
		name       string
		containers Containers
		wantPhase  corev1.PodPhase
		wantReady  corev1.ConditionStatus
		want       corev1.ContainerStatus
	}{
		{
			name:      "it runs",
			wantPhase: corev1.PodRunning, wantReady: corev1.ConditionTrue,
			want: corev1.ContainerStatus{
				Name: "agent", Image: "image", ImageID: "image", Ready: true, Started: new(true),
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
			},
		},
		{
			name:       "its image cannot be pulled, so it never ran",
			containers: Containers{Waiting: "ImagePullBackOff", Message: "no such image"},
			wantPhase:  corev1.PodPending, wantReady: corev1.ConditionFalse,
			want: corev1.ContainerStatus{
				Name: "agent", Image: "image", Started: new(false),
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}},
			},
		},
		{
			name:       "it crashes, so it ran before",
			containers: Containers{Waiting: "CrashLoopBackOff", Message: "back-off"},
			wantPhase:  corev1.PodRunning, wantReady: corev1.ConditionFalse,
			want: corev1.ContainerStatus{
				Name: "agent", Image: "image", Started: new(false), RestartCount: 1,
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off"}},
				LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
					ExitCode: 1, Reason: "Error", Message: "back-off", StartedAt: now, FinishedAt: now,
				}},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: corev1.PodSpec{NodeName: "n1", Containers: []corev1.Container{{Name: "agent", Image: "image"}}}}
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}}
			status := podStatus(pod, test.containers, now)
			if status.Phase != test.wantPhase {
				t.Errorf("phase %s, want %s", status.Phase, test.wantPhase)
			}
			if diff := cmp.Diff([]corev1.ContainerStatus{test.want}, status.ContainerStatuses); diff != "" {
				t.Error(diff)
			}
			got := map[corev1.PodConditionType]corev1.ConditionStatus{}
			for _, c := range status.Conditions {
				got[c.Type] = c.Status
			}
			want := map[corev1.PodConditionType]corev1.ConditionStatus{
				corev1.PodScheduled: corev1.ConditionTrue, corev1.PodInitialized: corev1.ConditionTrue,
				corev1.PodReady: test.wantReady, corev1.ContainersReady: test.wantReady,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}

			pod.Status = status
			later := metav1.NewTime(now.Add(time.Minute))
			if diff := cmp.Diff(status, podStatus(pod, test.containers, later)); diff != "" {
				t.Errorf("a minute later, with nothing new: %s", diff)
			}
		})
	}
}

func TestConditionKeepsTheTimeOfItsLastChange(t *testing.T) {
	at := func(seconds int64) metav1.Time { return metav1.NewTime(time.Unix(seconds, 0)) }
	var status corev1.PodStatus
	setCondition(&status, corev1.PodReady, corev1.ConditionTrue, at(1))
	setCondition(&status, corev1.PodReady, corev1.ConditionTrue, at(2))
	if got := status.Conditions[0].LastTransitionTime; !got.Equal(new(at(1))) {
		t.Errorf("unchanged, but the time is %v", got)
	}
	setCondition(&status, corev1.PodReady, corev1.ConditionFalse, at(3))
	want := []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "ContainersNotReady", LastTransitionTime: at(3)}}
	if diff := cmp.Diff(want, status.Conditions); diff != "" {
		t.Error(diff)
	}
}
