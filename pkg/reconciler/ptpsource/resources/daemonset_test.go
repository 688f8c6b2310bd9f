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

package resources_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	adapterconfig "github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// source is one of which nothing but the sink was said.
func source(change ...func(*v1alpha1.PtpSource)) *v1alpha1.PtpSource {
	s := &v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{Namespace: "user", Name: "clocks", UID: "6f1a"}}
	for _, c := range change {
		c(s)
	}
	s.SetDefaults(context.Background())
	return s
}

func args(change ...func(*v1alpha1.PtpSource)) resources.Args {
	return resources.Args{
		Source:           source(change...),
		Image:            "registry.example/receive_adapter:v1",
		Namespace:        "adapters",
		SystemNamespace:  "system",
		Sink:             &duckv1.Addressable{URL: apis.HTTP("events.user.svc.cluster.local")},
		JournalDirectory: "/var/lib/journals",
		Thresholds:       adapterconfig.DefaultThresholds(),
	}
}

func TestMakeDaemonSet(t *testing.T) {
	got, err := resources.MakeDaemonSet(args())
	if err != nil {
		t.Fatal(err)
	}

	labels := map[string]string{
		"ptpsource.sources.knative.dev/uid": "6f1a",
		"app.kubernetes.io/name":            "eventing-ptp",
		"app.kubernetes.io/component":       "adapter",
		"bindings.knative.dev/exclude":      "true",
	}
	tenPercent, none, directory := intstr.FromString("10%"), intstr.FromInt32(0), corev1.HostPathDirectoryOrCreate
	probe := func(path string, period, failures int32) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(8081)}},
			PeriodSeconds:    period,
			TimeoutSeconds:   5,
			FailureThreshold: failures,
		}
	}
	want := &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "adapters",
			Name:      "ptpsource-clocks-6f1a",
			Labels:    labels,
			Annotations: map[string]string{
				"ptpsource.sources.knative.dev/namespace": "user",
				"ptpsource.sources.knative.dev/name":      "clocks",
				"ptpsource.sources.knative.dev/spec-hash": got.Annotations["ptpsource.sources.knative.dev/spec-hash"],
			},
		},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"ptpsource.sources.knative.dev/uid": "6f1a"}},
			UpdateStrategy: appsv1.DaemonSetUpdateStrategy{
				Type:          "RollingUpdate",
				RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &tenPercent, MaxSurge: &none},
			},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels: labels,
					Annotations: map[string]string{
						"ptpsource.sources.knative.dev/namespace": "user",
						"ptpsource.sources.knative.dev/name":      "clocks",
					},
				},
				Spec: corev1.PodSpec{
					ServiceAccountName:           "eventing-ptp-adapter",
					AutomountServiceAccountToken: new(false),
					EnableServiceLinks:           new(false),
					SecurityContext: &corev1.PodSecurityContext{
						RunAsUser:      new(int64(0)),
						SeccompProfile: &corev1.SeccompProfile{Type: "RuntimeDefault"},
					},
					Volumes: []corev1.Volume{{
						Name: "ptp4l",
						VolumeSource: corev1.VolumeSource{
							HostPath: &corev1.HostPathVolumeSource{Path: "/var/run/ptp", Type: &directory},
						},
					}, {
						Name: "journal",
						VolumeSource: corev1.VolumeSource{
							HostPath: &corev1.HostPathVolumeSource{Path: "/var/lib/journals/ptpsource-clocks-6f1a", Type: &directory},
						},
					}},
					Containers: []corev1.Container{{
						Name:  "adapter",
						Image: "registry.example/receive_adapter:v1",
						Env: []corev1.EnvVar{
							{Name: "K_SINK", Value: "http://events.user.svc.cluster.local"},
							{Name: "K_SOURCE_CONFIG", Value: `{"cluster":"cluster","linuxptp":{"sockets":["/var/run/ptp/ptp4l*"]},` +
								`"hardwareClock":{"enabled":false,"pollInterval":"1s","directory":"/dev"},"osClock":{"enabled":false,"fedBy":"ptp"},"gnss":{"enabled":false,"gpsd":"localhost:2947"},"synce":{"enabled":false},` +
								`"thresholds":{"lockOffset":"100ns","unlockOffset":"200ns","lockSamples":3,"unlockSamples":3,` +
								`"holdoverTimeout":"5s","syncIntervals":4,"syncTimeout":"500ms","osClockTimeout":"5s","osClockOffset":"1µs","maxPathDelay":"1ms"},"events":{"sourceFormat":"full","reassertEvery":"0s"},` +
								`"delivery":{"timeout":"10s","backoffPolicy":"exponential","backoffDelay":"100ms","backoffMax":"10s","retryAfterMax":"1m0s","backlog":"All"},` +
								`"history":{"directory":"/var/lib/eventing-ptp","entries":100000,"maxBytes":67108864,"maxAge":"168h0m0s"},` +
								`"oCloud":{"enabled":false,"address":":9043","auth":"None","endpoints":"Cluster","tls":{},"removeAfter":"168h0m0s","maxSubscriptions":1024},` +
								`"health":{"address":":8081"},"emit":{"address":"localhost:8083"}}`},
							{Name: "NODE_NAME", ValueFrom: &corev1.EnvVarSource{
								FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "spec.nodeName"},
							}},
							{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{
								FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"},
							}},
							{Name: "NAMESPACE", Value: "user"},
							{Name: "NAME", Value: "clocks"},
							{Name: "SYSTEM_NAMESPACE", Value: "system"},
							{Name: "METRICS_PROMETHEUS_PORT", Value: "9092"},
							{Name: "PROFILING_PORT", Value: "8008"},
						},
						Resources: corev1.ResourceRequirements{
							Requests: corev1.ResourceList{"cpu": resource.MustParse("10m"), "memory": resource.MustParse("40Mi")},
							Limits:   corev1.ResourceList{"memory": resource.MustParse("128Mi")},
						},
						SecurityContext: &corev1.SecurityContext{
							AllowPrivilegeEscalation: new(false),
							ReadOnlyRootFilesystem:   new(true),
							Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
						},
						TerminationMessagePolicy: "FallbackToLogsOnError",
						Ports: []corev1.ContainerPort{
							{Name: "health", ContainerPort: 8081, Protocol: "TCP"},
							{Name: "metrics", ContainerPort: 9092, Protocol: "TCP"},
							{Name: "profiling", ContainerPort: 8008, Protocol: "TCP"},
							{Name: "emit", ContainerPort: 8083, Protocol: "TCP"},
						},
						VolumeMounts:   []corev1.VolumeMount{{Name: "ptp4l", MountPath: "/var/run/ptp"}, {Name: "journal", MountPath: "/var/lib/eventing-ptp"}},
						StartupProbe:   probe("/health", 1, 60),
						LivenessProbe:  probe("/health", 10, 3),
						ReadinessProbe: probe("/readiness", 5, 2),
					}},
				},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DaemonSet (-want, +got):\n%s", diff)
	}
	if hash := got.Annotations["ptpsource.sources.knative.dev/spec-hash"]; len(hash) != 64 {
		t.Errorf("the hash is %q, want 64 digits", hash)
	}
}

// withOCloud lets pods serve the O-Cloud API.
func withOCloud(p *corev1.PodSpec, port int32) {
	c := &p.Containers[0]
	c.Ports = append(c.Ports, corev1.ContainerPort{Name: "ocloud", ContainerPort: port, Protocol: "TCP"})
	c.Env = append(c.Env, corev1.EnvVar{Name: "HOST_IPS", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.hostIPs"}}})
}

// inPod moves the journal into the pod.
func inPod(p *corev1.PodSpec) {
	p.Volumes[1].VolumeSource = corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
}

// Every row changes one thing, and says what that changes in the pods, and nothing else.
func TestMakeDaemonSetPods(t *testing.T) {
	nobody := &corev1.PodSecurityContext{
		RunAsNonRoot: new(true), RunAsUser: new(int64(65532)), RunAsGroup: new(int64(1234)), FSGroup: new(int64(1234)),
		SeccompProfile: &corev1.SeccompProfile{Type: "RuntimeDefault"},
	}
	affinity := &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}}
	tolerations := []corev1.Toleration{{Operator: "Exists"}}

	for _, tc := range []struct {
		name   string
		source func(*v1alpha1.PtpSource)
		args   func(*resources.Args)
		want   func(*corev1.PodSpec)
	}{
		{
			name: "which nodes",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.NodeSelector = map[string]string{"ptp": "yes"}
				s.Spec.Affinity, s.Spec.Tolerations, s.Spec.PriorityClassName = affinity, tolerations, "system-node-critical"
			},
			want: func(p *corev1.PodSpec) {
				p.NodeSelector = map[string]string{"ptp": "yes"}
				p.Affinity, p.Tolerations, p.PriorityClassName = affinity, tolerations, "system-node-critical"
			},
		}, {
			name:   "a group makes adapters run as somebody else than root",
			source: func(s *v1alpha1.PtpSource) { s.Spec.Linuxptp.Group = new(int64(1234)) },
			want: func(p *corev1.PodSpec) {
				p.SecurityContext = nobody
				inPod(p) // it could not write to a new directory of the node
			},
		}, {
			name: "a group that the directory of the node was given to",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.Linuxptp.Group, s.Spec.History.Storage = new(int64(1234)), "HostPath"
			},
			want: func(p *corev1.PodSpec) { p.SecurityContext = nobody },
		}, {
			name:   "a journal in the pod",
			source: func(s *v1alpha1.PtpSource) { s.Spec.History.Storage = "EmptyDir" },
			want:   inPod,
		}, {
			name: "no directory of the node for anybody",
			args: func(a *resources.Args) { a.JournalDirectory = "" },
			want: inPod,
		}, {
			name: "ptp4l in a container sees its directory elsewhere",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.Linuxptp.SocketDirectory, s.Spec.Linuxptp.MountPath = "/var/run/ptp/", "/var/run"
			},
			want: func(p *corev1.PodSpec) {
				p.Containers[0].VolumeMounts[0].MountPath = "/var/run"
				setConfig(p, "/var/run/ptp/ptp4l*", "/var/run/ptp4l*")
			},
		}, {
			name:   "resources of its own",
			source: func(s *v1alpha1.PtpSource) { s.Spec.Resources = &corev1.ResourceRequirements{} },
			want:   func(p *corev1.PodSpec) { p.Containers[0].Resources = corev1.ResourceRequirements{} },
		}, {
			name: "more history on disk takes no more memory",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.History = v1alpha1.History{Entries: new(int32(1_000_000)), MaxBytes: new(resource.MustParse("1Gi")), MaxAge: &metav1.Duration{Duration: time.Hour}}
			},
			want: func(p *corev1.PodSpec) {
				setConfig(p, `"entries":100000,"maxBytes":67108864,"maxAge":"168h0m0s"`, `"entries":1000000,"maxBytes":1073741824,"maxAge":"1h0m0s"`)
			},
		}, {
			name: "history in memory does",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.History = v1alpha1.History{Storage: "Memory", Entries: new(int32(65536))}
			},
			want: func(p *corev1.PodSpec) {
				p.Volumes, p.Containers[0].VolumeMounts = p.Volumes[:1], p.Containers[0].VolumeMounts[:1]
				p.Containers[0].Resources.Limits["memory"] = resource.MustParse("208Mi") // 128 + 64 + 65536 * 256 bytes
				setConfig(p, `"directory":"/var/lib/eventing-ptp","entries":100000`, `"entries":65536`)
			},
		}, {
			name: "privileged",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.HardwareClock = &v1alpha1.HardwareClock{Enabled: true, Privileged: true}
			},
			want: func(p *corev1.PodSpec) {
				p.Containers[0].SecurityContext.Privileged = new(true)
				p.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
				p.Volumes = append(p.Volumes, corev1.Volume{Name: "devices", VolumeSource: corev1.VolumeSource{
					HostPath: &corev1.HostPathVolumeSource{Path: "/dev", Type: new(corev1.HostPathDirectory)},
				}})
				p.Containers[0].VolumeMounts = append(p.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "devices", MountPath: "/host/dev", ReadOnly: true})
				setConfig(p, `"hardwareClock":{"enabled":false,"pollInterval":"1s","directory":"/dev"}`, `"hardwareClock":{"enabled":true,"pollInterval":"1s","directory":"/host/dev"}`)
			},
		}, {
			name: "not privileged for a clock that is not watched",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.HardwareClock = &v1alpha1.HardwareClock{Privileged: true, ResourceName: "example.com/ptp"}
			},
			want: func(*corev1.PodSpec) {},
		}, {
			name: "a device plugin, besides the default resources",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.HardwareClock = &v1alpha1.HardwareClock{Enabled: true, ResourceName: "example.com/ptp", PollInterval: &metav1.Duration{Duration: 50 * time.Millisecond}}
			},
			want: func(p *corev1.PodSpec) {
				setConfig(p, `"hardwareClock":{"enabled":false,"pollInterval":"1s"`, `"hardwareClock":{"enabled":true,"pollInterval":"50ms"`)
				p.Containers[0].Resources.Limits["example.com/ptp"] = resource.MustParse("1")
			},
		}, {
			name: "the O-Cloud API that is switched off",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.OCloud = &v1alpha1.OCloud{Port: new(int32(19043)), TLSSecretName: "x"}
			},
			want: func(*corev1.PodSpec) {},
		}, {
			name:   "the O-Cloud API",
			source: func(s *v1alpha1.PtpSource) { s.Spec.OCloud = &v1alpha1.OCloud{Enabled: true} },
			want: func(p *corev1.PodSpec) {
				withOCloud(p, 9043)
				setConfig(p, `"oCloud":{"enabled":false`, `"oCloud":{"enabled":true`)
			},
		}, {
			name: "the O-Cloud API for service accounts",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.OCloud = &v1alpha1.OCloud{
					Enabled: true, Port: new(int32(19043)), Auth: "ServiceAccount", TLSSecretName: "ocloud-tls", Endpoints: "Any",
					AllowedNetworks: []string{"192.0.2.0/24"}, RemoveAfter: &metav1.Duration{}, MaxSubscriptions: new(int32(5)),
				}
			},
			want: func(p *corev1.PodSpec) {
				withOCloud(p, 19043)
				setConfig(p, `"oCloud":{"enabled":false,"address":":9043","auth":"None","endpoints":"Cluster","tls":{},"removeAfter":"168h0m0s","maxSubscriptions":1024}`,
					`"oCloud":{"enabled":true,"address":":19043","auth":"ServiceAccount","endpoints":"Any","allowedNetworks":["192.0.2.0/24"],`+
						`"tls":{"certificate":"/etc/eventing-ptp/ocloud-tls/tls.crt","key":"/etc/eventing-ptp/ocloud-tls/tls.key"},"removeAfter":"0s","maxSubscriptions":5}`)
				p.ServiceAccountName, p.AutomountServiceAccountToken = "eventing-ptp-adapter-reviewer", new(true)
				p.Volumes = append(p.Volumes, corev1.Volume{Name: "ocloud-tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "ocloud-tls"}}})
				p.Containers[0].VolumeMounts = append(p.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "ocloud-tls", MountPath: "/etc/eventing-ptp/ocloud-tls", ReadOnly: true})
			},
		}, {
			name: "the O-Cloud API for clients with certificates",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.OCloud = &v1alpha1.OCloud{Enabled: true, Auth: "ClientCertificate", TLSSecretName: "ocloud-tls"}
			},
			want: func(p *corev1.PodSpec) {
				withOCloud(p, 9043)
				setConfig(p, `"oCloud":{"enabled":false,"address":":9043","auth":"None","endpoints":"Cluster","tls":{}`,
					`"oCloud":{"enabled":true,"address":":9043","auth":"ClientCertificate","endpoints":"Cluster",`+
						`"tls":{"certificate":"/etc/eventing-ptp/ocloud-tls/tls.crt","key":"/etc/eventing-ptp/ocloud-tls/tls.key","clientCAs":"/etc/eventing-ptp/ocloud-tls/ca.crt"}`)
				p.Volumes = append(p.Volumes, corev1.Volume{Name: "ocloud-tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "ocloud-tls"}}})
				p.Containers[0].VolumeMounts = append(p.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "ocloud-tls", MountPath: "/etc/eventing-ptp/ocloud-tls", ReadOnly: true})
			},
		}, {
			name:   "the node's network, with ports that no other source has",
			source: func(s *v1alpha1.PtpSource) { s.Spec.GNSS = &v1alpha1.GNSS{Enabled: true, GPSD: "gps:2948"} },
			want: func(p *corev1.PodSpec) {
				setConfig(p, `"gnss":{"enabled":false,"gpsd":"localhost:2947"}`, `"gnss":{"enabled":true,"gpsd":"gps:2948"}`)
				onHostNetwork(p)
			},
		}, {
			name:   "the node's network for SyncE, and the right to ask the kernel for its DPLLs",
			source: func(s *v1alpha1.PtpSource) { s.Spec.SyncE = &v1alpha1.SyncE{Enabled: true} },
			want: func(p *corev1.PodSpec) {
				setConfig(p, `"synce":{"enabled":false}`, `"synce":{"enabled":true}`)
				p.Containers[0].SecurityContext.Capabilities.Add = []corev1.Capability{"NET_ADMIN"}
				onHostNetwork(p)
			},
		}, {
			name:   "neither for GNSS and SyncE that are not watched",
			source: func(s *v1alpha1.PtpSource) { s.Spec.GNSS, s.Spec.SyncE = &v1alpha1.GNSS{}, &v1alpha1.SyncE{} },
			want:   func(*corev1.PodSpec) {},
		}, {
			name:   "the OS clock needs nothing that PTP does not",
			source: func(s *v1alpha1.PtpSource) { s.Spec.OSClock = &v1alpha1.OSClock{Enabled: true, FedBy: "ptp"} },
			want:   func(p *corev1.PodSpec) { watchesOSClock(p, `{"enabled":true,"fedBy":"ptp"}`) },
		}, {
			name: "chronyd needs the node's network",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.OSClock = &v1alpha1.OSClock{Enabled: true, FedBy: "other", Chronyd: "localhost:323"}
			},
			want: func(p *corev1.PodSpec) {
				watchesOSClock(p, `{"enabled":true,"fedBy":"other","chronyd":"localhost:323"}`)
				onHostNetwork(p)
			},
		}, {
			name: "trust bundles, by name",
			args: func(a *resources.Args) {
				a.TrustBundles = []*corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "b"}}, {ObjectMeta: metav1.ObjectMeta{Name: "a"}}}
			},
			want: func(p *corev1.PodSpec) {
				p.Containers[0].VolumeMounts = append(p.Containers[0].VolumeMounts,
					corev1.VolumeMount{Name: "kne-bundle-volume", ReadOnly: true, MountPath: "/knative-custom-certs"})
				project := func(name string) corev1.VolumeProjection {
					return corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{
						LocalObjectReference: corev1.LocalObjectReference{Name: name},
					}}
				}
				p.Volumes = append(p.Volumes, corev1.Volume{Name: "kne-bundle-volume", VolumeSource: corev1.VolumeSource{
					Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{project("a"), project("b")}},
				}})
			},
		}, {
			name: "certificates of the sink and of the dead letter sink",
			args: func(a *resources.Args) {
				a.Sink.CACerts = new("-----A-----\n\n")
				a.DeadLetterSink = &duckv1.Addressable{URL: apis.HTTPS("dead.example"), CACerts: new("-----B-----")}
			},
			want: func(p *corev1.PodSpec) {
				setConfig(p, `"backlog":"All"`, `"backlog":"All","deadLetterSink":"https://dead.example"`)
				addEnv(p, "K_CA_CERTS", "-----A-----\n-----B-----\n")
			},
		}, {
			name: "a sink that asks who it is",
			args: func(a *resources.Args) { a.OIDCServiceAccount, a.Sink.Audience = "clocks-oidc", new("broker") },
			want: func(p *corev1.PodSpec) {
				p.ServiceAccountName, p.AutomountServiceAccountToken = "ptpsource-clocks-6f1a", new(true)
				addEnv(p, "K_OIDC_SERVICE_ACCOUNT", "clocks-oidc")
				addEnv(p, "K_AUDIENCE", "broker")
			},
		}, {
			name: "a dead letter sink that asks, where the sink does not",
			args: func(a *resources.Args) {
				a.OIDCServiceAccount = "clocks-oidc"
				a.DeadLetterSink = &duckv1.Addressable{URL: apis.HTTP("dead.example"), Audience: new("letters")}
			},
			want: func(p *corev1.PodSpec) {
				p.ServiceAccountName, p.AutomountServiceAccountToken = "ptpsource-clocks-6f1a", new(true)
				setConfig(p, `"backlog":"All"`, `"backlog":"All","deadLetterSink":"http://dead.example","deadLetterSinkAudience":"letters"`)
				addEnv(p, "K_OIDC_SERVICE_ACCOUNT", "clocks-oidc")
			},
		}, {
			name: "a sink that does not ask gets no token",
			args: func(a *resources.Args) { a.OIDCServiceAccount = "clocks-oidc" },
			want: func(*corev1.PodSpec) {},
		}, {
			name: "extension attributes, and Knative's configuration of logging",
			source: func(s *v1alpha1.PtpSource) {
				s.Spec.CloudEventOverrides = &duckv1.CloudEventOverrides{Extensions: map[string]string{"site": "berlin", "rack": "7"}}
			},
			args: func(a *resources.Args) { a.Env = []corev1.EnvVar{{Name: "K_LOGGING_CONFIG", Value: "{}"}} },
			want: func(p *corev1.PodSpec) {
				addEnv(p, "K_CE_OVERRIDES", `{"extensions":{"rack":"7","site":"berlin"}}`)
				addEnv(p, "K_LOGGING_CONFIG", "{}")
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base, err := resources.MakeDaemonSet(args())
			if err != nil {
				t.Fatal(err)
			}
			change := tc.source
			if change == nil {
				change = func(*v1alpha1.PtpSource) {}
			}
			a := args(change)
			if tc.args != nil {
				tc.args(&a)
			}
			got, err := resources.MakeDaemonSet(a)
			if err != nil {
				t.Fatal(err)
			}
			want := base.Spec.Template.Spec.DeepCopy()
			tc.want(want)
			if diff := cmp.Diff(*want, got.Spec.Template.Spec); diff != "" {
				t.Errorf("pod (-want, +got):\n%s", diff)
			}
			same := cmp.Equal(base.Spec, got.Spec)
			if sameHash := hashOf(base) == hashOf(got); same != sameHash {
				t.Errorf("equal specs: %t, equal hashes: %t", same, sameHash)
			}
			again, err := resources.MakeDaemonSet(a)
			if err != nil || hashOf(again) != hashOf(got) {
				t.Errorf("the same arguments made another DaemonSet (%v)", err)
			}
		})
	}
}

func hashOf(ds *appsv1.DaemonSet) string { return ds.Annotations[resources.SpecHashAnnotation] }

func setConfig(p *corev1.PodSpec, old, now string) {
	p.Containers[0].Env[1].Value = strings.Replace(p.Containers[0].Env[1].Value, old, now, 1)
}

func addEnv(p *corev1.PodSpec, name, value string) {
	p.Containers[0].Env = append(p.Containers[0].Env, corev1.EnvVar{Name: name, Value: value})
}

// watchesOSClock has a configuration with this about the OS clock.
func watchesOSClock(p *corev1.PodSpec, osClock string) {
	for i, v := range p.Containers[0].Env {
		if v.Name == "K_SOURCE_CONFIG" {
			p.Containers[0].Env[i].Value = strings.Replace(v.Value, `"osClock":{"enabled":false,"fedBy":"ptp"}`, `"osClock":`+osClock, 1)
		}
	}
}

// onHostNetwork has the ports of uid 6f1a.
func onHostNetwork(p *corev1.PodSpec) {
	p.HostNetwork, p.DNSPolicy = true, "ClusterFirstWithHostNet"
	c := &p.Containers[0]
	for n, port := range []int32{20759, 20760, 20761} {
		c.Ports[n].ContainerPort = port
	}
	c.Ports = slices.Delete(c.Ports, 3, 4) // whoever is on the node would reach it
	setConfig(p, `,"emit":{"address":"localhost:8083"}`, "")
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		probe.HTTPGet.Port = intstr.FromInt32(20759)
	}
	setConfig(p, ":8081", ":20759")
	for n, v := range c.Env {
		switch v.Name {
		case "METRICS_PROMETHEUS_PORT":
			c.Env[n].Value = "20760"
		case "PROFILING_PORT":
			c.Env[n].Value = "20761"
		}
	}
}

func TestName(t *testing.T) {
	for _, tc := range []struct{ name, source, want string }{
		{"says whose it is", "clocks", "ptpsource-clocks-6f1a"},
		{"a dot would be part of a host name", "clocks.rack-7", "ptpsource-clocks-rack-7-6f1a"},
		{"is never too long", strings.Repeat("clocks-", 30), "ptpsource-clocks-clocks-clo231123315fbba28f092d0d94f76455e36f1a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := resources.Name(source(func(s *v1alpha1.PtpSource) { s.Name = tc.source }))
			if got != tc.want || len(got) > 63 {
				t.Errorf("got %s (%d), want %s", got, len(got), tc.want)
			}
		})
	}
}
