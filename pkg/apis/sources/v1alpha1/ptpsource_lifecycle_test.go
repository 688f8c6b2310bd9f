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

package v1alpha1_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// Conditions as users see them: status, reason and message. True alone has neither.
const (
	isTrue  = "True"
	unknown = "Unknown"
)

// said returns the conditions as text.
func said(s *v1alpha1.PtpSourceStatus) map[apis.ConditionType]string {
	texts := map[apis.ConditionType]string{}
	for _, c := range s.Conditions {
		text := string(c.Status)
		if c.Reason != "" || c.Message != "" {
			text = fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
		}
		texts[c.Type] = text
	}
	return texts
}

// initial is the status of a source that has just been made.
func initial() *v1alpha1.PtpSourceStatus {
	s := &v1alpha1.PtpSourceStatus{}
	s.InitializeConditions()
	return s
}

// healthy is the status of a source that runs on all of its five nodes.
func healthy() *v1alpha1.PtpSourceStatus {
	s := initial()
	s.MarkSink(&duckv1.Addressable{URL: apis.HTTP("sink.example.com"), CACerts: new("sink certificates"), Audience: new("sink audience")})
	s.MarkDeadLetterSink(&duckv1.Addressable{URL: apis.HTTP("dead.example.com"), CACerts: new("dead certificates"), Audience: new("dead audience")})
	s.MarkPermitted()
	s.MarkOIDCIdentity("clocks-oidc")
	s.PropagateDaemonSet(daemonSet(5, 5, 5), nil)
	s.MarkClocksWatched(nil)
	return s
}

// daemonSet is one at its second generation, which Kubernetes has looked at.
func daemonSet(desired, updated, available int32) *appsv1.DaemonSet {
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "adapters", Name: "clocks", Generation: 2},
		Status: appsv1.DaemonSetStatus{
			ObservedGeneration: 2, DesiredNumberScheduled: desired, UpdatedNumberScheduled: updated, NumberAvailable: available,
		},
	}
}

func TestInitialConditions(t *testing.T) {
	s := initial()
	want := map[apis.ConditionType]string{
		"Ready":                  unknown,
		"SinkProvided":           unknown,
		"DeadLetterSinkProvided": unknown,
		"Permitted":              unknown,
		"OIDCIdentityCreated":    unknown,
		"Deployed":               unknown,
		"NodesMatched":           unknown,
		"AdaptersReady":          unknown,
	}
	if diff := cmp.Diff(want, said(s)); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
	if s.IsReady() {
		t.Error("a source of which nothing is known is ready")
	}
}

func TestReadyNeedsEverything(t *testing.T) {
	if got := said(healthy())["Ready"]; got != isTrue || !healthy().IsReady() {
		t.Fatalf("Ready is %q on a healthy source", got)
	}
	for _, c := range []apis.ConditionType{
		"SinkProvided", "DeadLetterSinkProvided", "Permitted", "OIDCIdentityCreated", "Deployed", "NodesMatched", "AdaptersReady",
	} {
		s := healthy()
		(&v1alpha1.PtpSource{}).GetConditionSet().Manage(s).MarkFalse(c, "Because", "it is so")
		if got, want := said(s)["Ready"], "False Because: it is so"; got != want {
			t.Errorf("Ready is %q when %s is False, want %q", got, c, want)
		}
	}
}

// Every method, on a source that has just been made and on a healthy one: the conditions
// that it changes.
func TestMark(t *testing.T) {
	sink := &duckv1.Addressable{URL: apis.HTTPS("new.example.com")}
	sick := &v1alpha1.SickAdapter{Node: "worker-3", Pod: "adapters/clocks-x", Message: "ImagePullBackOff: 100% of %d tries"}
	type conditions = map[apis.ConditionType]string
	for _, tc := range []struct {
		name string
		mark func(*v1alpha1.PtpSourceStatus)
		want conditions // of those that it is about
		// What becomes of Ready on a new source and on a healthy one.
		initial, healthy string
	}{
		{
			name: "a sink", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkSink(sink) },
			want: conditions{"SinkProvided": isTrue}, initial: unknown, healthy: isTrue,
		},
		{
			name: "a sink that is nil", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkSink(nil) },
			want:    conditions{"SinkProvided": "False SinkEmpty: the sink exists but has no address yet: wait until it is ready"},
			initial: "False SinkEmpty: the sink exists but has no address yet: wait until it is ready",
			healthy: "False SinkEmpty: the sink exists but has no address yet: wait until it is ready",
		},
		{
			name: "a sink without an address", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkSink(&duckv1.Addressable{URL: &apis.URL{}}) },
			want:    conditions{"SinkProvided": "False SinkEmpty: the sink exists but has no address yet: wait until it is ready"},
			initial: "False SinkEmpty: the sink exists but has no address yet: wait until it is ready",
			healthy: "False SinkEmpty: the sink exists but has no address yet: wait until it is ready",
		},
		{
			name: "no sink", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkNoSink("SinkNotFound", "brokers %2F not found") },
			want:    conditions{"SinkProvided": "False SinkNotFound: brokers %2F not found"},
			initial: "False SinkNotFound: brokers %2F not found", healthy: "False SinkNotFound: brokers %2F not found",
		},
		{
			name: "a dead letter sink", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkDeadLetterSink(sink) },
			want: conditions{"DeadLetterSinkProvided": isTrue}, initial: unknown, healthy: isTrue,
		},
		{
			name: "no dead letter sink is asked for", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkDeadLetterSink(nil) },
			want: conditions{"DeadLetterSinkProvided": "True NotConfigured: "}, initial: unknown, healthy: isTrue,
		},
		{
			name: "a dead letter sink without an address", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkDeadLetterSink(&duckv1.Addressable{}) },
			want:    conditions{"DeadLetterSinkProvided": "False DeadLetterSinkNotFound: the dead letter sink exists but has no address yet: wait until it is ready"},
			initial: "False DeadLetterSinkNotFound: the dead letter sink exists but has no address yet: wait until it is ready",
			healthy: "False DeadLetterSinkNotFound: the dead letter sink exists but has no address yet: wait until it is ready",
		},
		{
			name: "the dead letter sink is missing",
			mark: func(s *v1alpha1.PtpSourceStatus) {
				s.MarkNoDeadLetterSink("DeadLetterSinkNotFound", "channels %d not found")
			},
			want:    conditions{"DeadLetterSinkProvided": "False DeadLetterSinkNotFound: channels %d not found"},
			initial: "False DeadLetterSinkNotFound: channels %d not found", healthy: "False DeadLetterSinkNotFound: channels %d not found",
		},
		{
			name: "permitted", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkPermitted() },
			want: conditions{"Permitted": isTrue}, initial: unknown, healthy: isTrue,
		},
		{
			name: "not permitted: Ready says what to do",
			mark: func(s *v1alpha1.PtpSourceStatus) {
				s.MarkNotPermitted("PrivilegedNotAllowed", "needs allow-privileged, 100% sure")
			},
			want:    conditions{"Permitted": "False PrivilegedNotAllowed: needs allow-privileged, 100% sure"},
			initial: "False PrivilegedNotAllowed: needs allow-privileged, 100% sure",
			healthy: "False PrivilegedNotAllowed: needs allow-privileged, 100% sure",
		},
		{
			name: "an identity", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkOIDCIdentity("clocks-oidc") },
			want: conditions{"OIDCIdentityCreated": isTrue}, initial: unknown, healthy: isTrue,
		},
		{
			name: "no identity is needed", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkOIDCIdentity("") },
			want: conditions{"OIDCIdentityCreated": "True OIDCDisabled: "}, initial: unknown, healthy: isTrue,
		},
		{
			name: "the identity cannot be made", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkOIDCIdentityFailed("create role %s: forbidden") },
			want:    conditions{"OIDCIdentityCreated": "False OIDCIdentityFailed: create role %s: forbidden"},
			initial: "False OIDCIdentityFailed: create role %s: forbidden", healthy: "False OIDCIdentityFailed: create role %s: forbidden",
		},
		{
			name: "not deployed: nothing is known of nodes and adapters",
			mark: func(s *v1alpha1.PtpSourceStatus) {
				s.MarkNotDeployed("DaemonSetFailed", "create DaemonSet: 90% of the quota")
			},
			want: conditions{
				"Deployed":      "False DaemonSetFailed: create DaemonSet: 90% of the quota",
				"NodesMatched":  "Unknown DaemonSetFailed: create DaemonSet: 90% of the quota",
				"AdaptersReady": "Unknown DaemonSetFailed: create DaemonSet: 90% of the quota",
			},
			initial: "False DaemonSetFailed: create DaemonSet: 90% of the quota",
			healthy: "False DaemonSetFailed: create DaemonSet: 90% of the quota",
		},
		{
			name: "paused", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkNoAdapters("Paused", "spec.paused is true") },
			want: conditions{
				"Deployed":      "False Paused: spec.paused is true",
				"NodesMatched":  "Unknown Paused: spec.paused is true",
				"AdaptersReady": "Unknown Paused: spec.paused is true",
			},
			initial: "False Paused: spec.paused is true", healthy: "False Paused: spec.paused is true",
		},
		{
			name: "a DaemonSet that Kubernetes has not looked at",
			mark: func(s *v1alpha1.PtpSourceStatus) {
				ds := daemonSet(5, 5, 5)
				ds.Generation = 3
				s.PropagateDaemonSet(ds, sick)
			},
			want: conditions{
				"Deployed":      isTrue,
				"NodesMatched":  "Unknown DaemonSetUpdating: Kubernetes has not looked at DaemonSet adapters/clocks yet",
				"AdaptersReady": "Unknown DaemonSetUpdating: Kubernetes has not looked at DaemonSet adapters/clocks yet",
			},
			initial: "Unknown DaemonSetUpdating: Kubernetes has not looked at DaemonSet adapters/clocks yet",
			healthy: "Unknown DaemonSetUpdating: Kubernetes has not looked at DaemonSet adapters/clocks yet",
		},
		{
			name: "no node matches", mark: func(s *v1alpha1.PtpSourceStatus) { s.PropagateDaemonSet(daemonSet(0, 0, 0), nil) },
			want: conditions{
				"Deployed":      isTrue,
				"NodesMatched":  "False NoMatchingNodes: no node matches: compare spec.nodeSelector, spec.affinity and spec.tolerations with the labels and taints of the nodes",
				"AdaptersReady": "Unknown NoMatchingNodes: no node matches",
			},
			initial: "False NoMatchingNodes: no node matches: compare spec.nodeSelector, spec.affinity and spec.tolerations with the labels and taints of the nodes",
			healthy: "False NoMatchingNodes: no node matches: compare spec.nodeSelector, spec.affinity and spec.tolerations with the labels and taints of the nodes",
		},
		{
			name: "adapters start", mark: func(s *v1alpha1.PtpSourceStatus) { s.PropagateDaemonSet(daemonSet(5, 5, 3), nil) },
			want:    conditions{"Deployed": isTrue, "NodesMatched": isTrue, "AdaptersReady": "Unknown AdaptersStarting: 3/5 of the nodes are ready"},
			initial: "Unknown AdaptersStarting: 3/5 of the nodes are ready", healthy: "Unknown AdaptersStarting: 3/5 of the nodes are ready",
		},
		{
			name: "a rollout half way: all run, and two by the new spec",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.PropagateDaemonSet(daemonSet(5, 2, 5), nil) },
			want: conditions{"Deployed": isTrue, "NodesMatched": isTrue, "AdaptersReady": "Unknown AdaptersStarting: 2/5 of the nodes are ready"},

			initial: "Unknown AdaptersStarting: 2/5 of the nodes are ready", healthy: "Unknown AdaptersStarting: 2/5 of the nodes are ready",
		},
		{
			name: "one adapter is sick", mark: func(s *v1alpha1.PtpSourceStatus) { s.PropagateDaemonSet(daemonSet(5, 5, 4), sick) },
			want: conditions{
				"Deployed": isTrue, "NodesMatched": isTrue,
				"AdaptersReady": "False AdapterFailing: 4/5 of the nodes are ready; node worker-3: ImagePullBackOff: 100% of %d tries (pod adapters/clocks-x)",
			},
			initial: "False AdapterFailing: 4/5 of the nodes are ready; node worker-3: ImagePullBackOff: 100% of %d tries (pod adapters/clocks-x)",
			healthy: "False AdapterFailing: 4/5 of the nodes are ready; node worker-3: ImagePullBackOff: 100% of %d tries (pod adapters/clocks-x)",
		},
		{
			name: "a pod that was sick a moment ago, and all are ready",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.PropagateDaemonSet(daemonSet(5, 5, 5), sick) },
			want: conditions{"Deployed": isTrue, "NodesMatched": isTrue, "AdaptersReady": isTrue}, initial: unknown, healthy: isTrue,
		},
		{
			name: "all adapters are ready", mark: func(s *v1alpha1.PtpSourceStatus) { s.PropagateDaemonSet(daemonSet(5, 5, 5), nil) },
			want: conditions{"Deployed": isTrue, "NodesMatched": isTrue, "AdaptersReady": isTrue}, initial: unknown, healthy: isTrue,
		},
		{
			name: "all clocks are watched", mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkClocksWatched(nil) },
			want: conditions{"ClocksWatched": isTrue}, initial: unknown, healthy: isTrue,
		},
		{
			name: "clocks that are not watched do not keep the source from being ready",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkClocksWatched([]string{"spec.one", "spec.two"}) },
			want: conditions{
				"ClocksWatched": "False NotYetSupported: this version accepts spec.one, spec.two but does not watch it yet; linuxptp, hardwareClock, osClock, gnss and synce are watched",
			},
			initial: unknown, healthy: isTrue,
		},
	} {
		for start, ready := range map[string]string{"new": tc.initial, "healthy": tc.healthy} {
			t.Run(tc.name+"/"+start, func(t *testing.T) {
				s := initial()
				if start == "healthy" {
					s = healthy()
				}
				want := said(s) // the others stay as they are
				maps.Copy(want, tc.want)
				want["Ready"] = ready
				tc.mark(s)
				if diff := cmp.Diff(want, said(s)); diff != "" {
					t.Errorf("want (-) and got (+):\n%s", diff)
				}
			})
		}
	}
}

// What else of the status each method writes.
func TestMarkedStatus(t *testing.T) {
	type status struct {
		Sink, SinkCACerts, SinkAudience string
		Dead, DeadCACerts, DeadAudience string
		Identity, DaemonSet             string
		Nodes                           v1alpha1.Nodes
	}
	running := func(change func(*status)) status {
		s := status{
			Sink: "http://sink.example.com", SinkCACerts: "sink certificates", SinkAudience: "sink audience",
			Dead: "http://dead.example.com", DeadCACerts: "dead certificates", DeadAudience: "dead audience",
			Identity: "clocks-oidc", DaemonSet: "adapters/clocks", Nodes: v1alpha1.Nodes{Desired: 5, Ready: 5, Summary: "5/5"},
		}
		change(&s)
		return s
	}
	for _, tc := range []struct {
		name string
		mark func(*v1alpha1.PtpSourceStatus)
		want status
	}{
		{
			name: "another sink leaves nothing of the one before",
			mark: func(s *v1alpha1.PtpSourceStatus) {
				s.MarkSink(&duckv1.Addressable{URL: apis.HTTPS("new.example.com")})
			},
			want: running(func(s *status) { s.Sink, s.SinkCACerts, s.SinkAudience = "https://new.example.com", "", "" }),
		},
		{
			name: "a sink without an address clears the one before",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkSink(&duckv1.Addressable{CACerts: new("x")}) },
			want: running(func(s *status) { s.Sink, s.SinkCACerts, s.SinkAudience = "", "", "" }),
		},
		{
			name: "no sink",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkNoSink("SinkNotFound", "") },
			want: running(func(s *status) { s.Sink, s.SinkCACerts, s.SinkAudience = "", "", "" }),
		},
		{
			name: "another dead letter sink leaves nothing of the one before",
			mark: func(s *v1alpha1.PtpSourceStatus) {
				s.MarkDeadLetterSink(&duckv1.Addressable{URL: apis.HTTPS("new.example.com")})
			},
			want: running(func(s *status) { s.Dead, s.DeadCACerts, s.DeadAudience = "https://new.example.com", "", "" }),
		},
		{
			name: "no dead letter sink is asked for",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkDeadLetterSink(nil) },
			want: running(func(s *status) { s.Dead, s.DeadCACerts, s.DeadAudience = "", "", "" }),
		},
		{
			name: "a dead letter sink without an address clears the one before",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkDeadLetterSink(&duckv1.Addressable{CACerts: new("x")}) },
			want: running(func(s *status) { s.Dead, s.DeadCACerts, s.DeadAudience = "", "", "" }),
		},
		{
			name: "the dead letter sink is missing",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkNoDeadLetterSink("DeadLetterSinkNotFound", "") },
			want: running(func(s *status) { s.Dead, s.DeadCACerts, s.DeadAudience = "", "", "" }),
		},
		{
			name: "OIDC is off",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkOIDCIdentity("") },
			want: running(func(s *status) { s.Identity = "" }),
		},
		{
			name: "what runs is still there when it cannot be changed",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkNotDeployed("DaemonSetFailed", "") },
			want: running(func(*status) {}),
		},
		{
			name: "paused: there is no DaemonSet and no node",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.MarkNoAdapters("Paused", "") },
			want: running(func(s *status) { s.DaemonSet, s.Nodes = "", v1alpha1.Nodes{} }),
		},
		{
			name: "a DaemonSet that Kubernetes has not looked at: the counts of before",
			mark: func(s *v1alpha1.PtpSourceStatus) {
				ds := daemonSet(9, 9, 9)
				ds.Generation = 3
				s.PropagateDaemonSet(ds, nil)
			},
			want: running(func(*status) {}),
		},
		{
			name: "a rollout half way",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.PropagateDaemonSet(daemonSet(7, 2, 6), nil) },
			want: running(func(s *status) { s.Nodes = v1alpha1.Nodes{Desired: 7, Ready: 2, Summary: "2/7"} }),
		},
		{
			name: "new adapters that are not available yet",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.PropagateDaemonSet(daemonSet(7, 7, 1), nil) },
			want: running(func(s *status) { s.Nodes = v1alpha1.Nodes{Desired: 7, Ready: 1, Summary: "1/7"} }),
		},
		{
			name: "no node matches",
			mark: func(s *v1alpha1.PtpSourceStatus) { s.PropagateDaemonSet(daemonSet(0, 0, 0), nil) },
			want: running(func(s *status) { s.Nodes = v1alpha1.Nodes{Summary: "0/0"} }),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := healthy()
			tc.mark(s)
			got := status{
				Sink: s.SinkURI.String(), SinkCACerts: text(s.SinkCACerts), SinkAudience: text(s.SinkAudience),
				Dead: s.DeadLetterSinkURI.String(), DeadCACerts: text(s.DeadLetterSinkCACerts), DeadAudience: text(s.DeadLetterSinkAudience),
				DaemonSet: s.DaemonSet, Nodes: s.Nodes,
			}
			if s.Auth != nil {
				got.Identity = text(s.Auth.ServiceAccountName)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// A source comes back to Ready from wherever it was, by what the controller marks anyway.
func TestReadyAgain(t *testing.T) {
	for name, spoil := range map[string]func(*v1alpha1.PtpSourceStatus){
		"paused":          func(s *v1alpha1.PtpSourceStatus) { s.MarkNoAdapters("Paused", "spec.paused is true") },
		"no node matches": func(s *v1alpha1.PtpSourceStatus) { s.PropagateDaemonSet(daemonSet(0, 0, 0), nil) },
		"not looked at": func(s *v1alpha1.PtpSourceStatus) {
			s.PropagateDaemonSet(&appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Generation: 1}}, nil)
		},
		"a sick adapter": func(s *v1alpha1.PtpSourceStatus) { s.PropagateDaemonSet(daemonSet(5, 5, 4), &v1alpha1.SickAdapter{}) },
		"failed":         func(s *v1alpha1.PtpSourceStatus) { s.MarkNotDeployed("DaemonSetFailed", "forbidden") },
	} {
		t.Run(name, func(t *testing.T) {
			s := healthy()
			spoil(s)
			if s.IsReady() {
				t.Fatal("it is still ready")
			}
			s.PropagateDaemonSet(daemonSet(5, 5, 5), nil)
			if diff := cmp.Diff(said(healthy()), said(s)); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

// Ready depends on all conditions but the one that informs.
func TestSeverity(t *testing.T) {
	s := healthy()
	s.MarkClocksWatched([]string{"spec.synce"})
	for _, c := range s.Conditions {
		want := apis.ConditionSeverityError
		if c.Type == v1alpha1.ConditionClocksWatched {
			want = apis.ConditionSeverityInfo
		}
		if c.Severity != want {
			t.Errorf("the severity of %s is %q, want %q", c.Type, c.Severity, want)
		}
	}
}
