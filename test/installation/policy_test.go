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

package installation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/policy"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/installation"
)

// administrate changes a config map of the controller's namespace until the test ends.
// An empty value removes the key.
func administrate(t *testing.T, name string, data map[string]string) {
	t.Helper()
	change := func(ctx context.Context, data map[string]*string) error {
		patch, err := json.Marshal(map[string]any{"data": data})
		if err != nil {
			return err
		}
		_, err = cluster.Client().CoreV1().ConfigMaps(installation.Namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	}
	set, back := map[string]*string{}, map[string]*string{}
	before, err := cluster.Client().CoreV1().ConfigMaps(installation.Namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range data {
		if value != "" {
			set[key] = &value
		} else {
			set[key] = nil
		}
		if old, ok := before.Data[key]; ok {
			back[key] = &old
		} else {
			back[key] = nil
		}
	}
	if err := change(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := change(context.Background(), back); err != nil {
			t.Error(err)
		}
	})
}

// What an administrator has not allowed is refused with the key that would allow it, and
// what is allowed no more does not go on running.
func TestPolicy(t *testing.T) {
	for _, tc := range []struct {
		name    string
		edit    func(*v1alpha1.PtpSourceSpec)
		reason  string
		key     string
		allow   string
		granted func(corev1.PodSpec) error
	}{
		{
			name: "privileged",
			edit: func(s *v1alpha1.PtpSourceSpec) {
				s.HardwareClock = &v1alpha1.HardwareClock{Enabled: true, Privileged: true}
			},
			reason: v1alpha1.ReasonPrivilegedNotAllowed, key: policy.AllowPrivilegedKey, allow: "true",
			granted: func(pod corev1.PodSpec) error {
				if p := pod.Containers[0].SecurityContext.Privileged; p == nil || !*p {
					return fmt.Errorf("not privileged: %+v", pod.Containers[0].SecurityContext)
				}
				return nil
			},
		},
		{
			name:   "network",
			edit:   func(s *v1alpha1.PtpSourceSpec) { s.GNSS = &v1alpha1.GNSS{Enabled: true} },
			reason: v1alpha1.ReasonHostNetworkNotAllowed, key: policy.AllowHostNetworkKey, allow: "true",
			granted: func(pod corev1.PodSpec) error {
				if !pod.HostNetwork || pod.DNSPolicy != corev1.DNSClusterFirstWithHostNet {
					return fmt.Errorf("host network %v, DNS policy %s", pod.HostNetwork, pod.DNSPolicy)
				}
				return nil
			},
		},
		{
			name:   "directory",
			edit:   func(s *v1alpha1.PtpSourceSpec) { s.Linuxptp.SocketDirectory = "/var/run/timemaster" },
			reason: v1alpha1.ReasonSocketDirNotAllowed, key: policy.AllowedSocketDirectoriesKey, allow: "/var/run/ptp, /var/run/timemaster",
			granted: func(pod corev1.PodSpec) error {
				for _, v := range pod.Volumes {
					if v.HostPath != nil && v.HostPath.Path == "/var/run/timemaster" {
						return nil
					}
				}
				return fmt.Errorf("volumes %+v", pod.Volumes)
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRoom(t, 1)
			r.broker()
			s := r.source("wishful")
			tc.edit(&s.Spec)
			s = r.create(s)
			refused := []want{
				{v1alpha1.ConditionPermitted, isFalse, tc.reason, tc.key},
				{apis.ConditionReady, isFalse, tc.reason, ""},
			}
			r.waitFor("wishful", refused...)
			r.noDaemonSet(s)

			t.Run("allowed", func(t *testing.T) {
				administrate(t, policy.ConfigMapName, map[string]string{tc.key: tc.allow})
				r.ready("wishful")
				r.daemonSet(s, "the privilege", func(d *appsv1.DaemonSet) error { return tc.granted(d.Spec.Template.Spec) })
			})

			// The administrator has taken it back.
			r.waitFor("wishful", refused...)
			r.noDaemonSet(s)
		})
	}
}

// Thresholds that a source leaves out are the administrator's, from the moment they change.
func TestThresholdsOfTheAdministrator(t *testing.T) {
	r := newRoom(t, 1)
	r.broker()
	s := r.source("plain")
	s.Spec.Thresholds.HoldoverTimeout = &metav1.Duration{Duration: 1e9}
	s = r.create(s)
	r.ready("plain")
	administrate(t, policy.ConfigMapName, map[string]string{"lock-offset": "20us", "unlock-offset": "50us", "holdover-timeout": "60s"})
	r.daemonSet(s, "the thresholds of config-ptp", func(d *appsv1.DaemonSet) error {
		if got := configuration(t, d).Thresholds; got.LockOffset.Duration != 20_000 || got.UnlockOffset.Duration != 50_000 || got.HoldoverTimeout.Duration != 1e9 {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})

	// One that the source gives must fit those that it does not give.
	r.change("plain", func(s *v1alpha1.PtpSource) { s.Spec.Thresholds.LockOffset = &metav1.Duration{Duration: 1e6} })
	r.waitFor("plain", want{apis.ConditionReady, isFalse, v1alpha1.ReasonThresholdsOutOfOrder, "unlockOffset"})
}

// A config map that makes no sense is refused, so that it cannot take effect later.
func TestConfigMapIsChecked(t *testing.T) {
	for _, tc := range []struct{ key, value, want string }{
		{"allow-privileged", "perhaps", "allow-privileged"},
		{"allow-privilege", "true", `key "allow-privilege" is not known; the keys are allow-host-network`},
		{"allowed-socket-directories", "run/ptp", "must be an absolute path"},
		{"lock-offset", "1s", "unlockOffset is 200ns; it must be at least lockOffset (1s)"},
		{"sync-intervals", "1", "must be 2 or more"},
	} {
		t.Run(tc.key, func(t *testing.T) {
			patch := fmt.Sprintf(`{"data": {%q: %q}}`, tc.key, tc.value)
			_, err := cluster.Client().CoreV1().ConfigMaps(installation.Namespace).Patch(t.Context(), policy.ConfigMapName, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q in it", err, tc.want)
			}
		})
	}
	if _, err := cluster.Client().CoreV1().ConfigMaps(installation.Namespace).Patch(t.Context(), "config-features", types.MergePatchType,
		[]byte(`{"metadata": {"annotations": {"touched": "yes"}}}`), metav1.PatchOptions{}); err != nil {
		t.Errorf("a config map of others is in the way of ours: %v", err)
	}
}

// The API server refuses what makes no sense, and says where it is and what would be better.
func TestAdmission(t *testing.T) {
	r := newRoom(t, 0)
	for _, tc := range installation.BadSources() {
		t.Run(tc.Name, func(t *testing.T) {
			err := cluster.Submit(t.Context(), r.namespace, tc.Spec)
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, want := range tc.Want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant %q in it", err, want)
				}
			}
			t.Log(err)
		})
	}
	if err := cluster.Submit(t.Context(), r.namespace, `{}`); err != nil {
		t.Errorf("a good source is refused: %v", err)
	}
}

// A cluster's name cannot be changed: Triggers elsewhere name it.
func TestClusterNameStays(t *testing.T) {
	r := newRoom(t, 0)
	r.create(r.source("named"))
	_, err := r.sources().Patch(t.Context(), "named", types.MergePatchType, []byte(`{"spec": {"events": {"clusterName": "other"}}}`), metav1.PatchOptions{})
	if !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), "spec.events.clusterName") {
		t.Errorf("%v, want a refusal that names spec.events.clusterName", err)
	}
}
