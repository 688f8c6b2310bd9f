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

package resources

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"knative.dev/eventing/pkg/eventingtls"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	adapterconfig "github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

const (
	// DefaultServiceAccount is what adapters run as that need nothing of Kubernetes. It
	// comes with the installation and has no rights.
	DefaultServiceAccount = "eventing-ptp-adapter"
	// ReviewerServiceAccount is what adapters run as that serve the O-Cloud API to those who
	// say who they are. It may ask Kubernetes whose a token is and what that one may do, and
	// comes with the installation, too.
	ReviewerServiceAccount = "eventing-ptp-adapter-reviewer"

	// EmitPort is the name of the port at which test events are asked for. Only from within
	// the pod one reaches it (kubectl port-forward, kn source ptp emit).
	EmitPort = "emit"

	containerName = "adapter"
	socketsVolume = "ptp4l"
	journalVolume = "journal"
	devicesVolume = "devices"
	ocloudVolume  = "ocloud-tls"
	// ocloudPath is where an adapter sees the certificate of its O-Cloud API.
	ocloudPath = "/etc/eventing-ptp/ocloud-tls"
	// journalPath is where an adapter sees its journal.
	journalPath = "/var/lib/eventing-ptp"
	// devicesPath is where a privileged adapter sees the devices of its node: its own /dev has
	// only those that were there when it was started.
	devicesPath = "/host/dev"
	// unprivileged is the user "nonroot" of distroless images.
	unprivileged = 65532
	// bytesPerEntry is what an entry in memory takes besides what it says.
	bytesPerEntry = 256
)

// Args are what a DaemonSet is made from. Source has its defaults.
type Args struct {
	Source *v1alpha1.PtpSource
	// Image is the receive adapter's.
	Image string
	// Namespace is the adapters'.
	Namespace string
	// SystemNamespace is the controller's.
	SystemNamespace string
	// Sink is where events go, DeadLetterSink where those go that it refuses; nil for none.
	Sink, DeadLetterSink *duckv1.Addressable
	// JournalDirectory is the host's directory that has one for each source; empty when
	// none may write to the host.
	JournalDirectory string
	// Thresholds are those that apply.
	Thresholds adapterconfig.Thresholds
	// OIDCServiceAccount is whom the source is to the sink; empty for nobody.
	OIDCServiceAccount string
	// TrustBundles are the config maps with certificates to trust.
	TrustBundles []*corev1.ConfigMap
	// Env is the configuration of logging and observability.
	Env []corev1.EnvVar
}

// needsToken is whether adapters have to show who they are. A sink without an audience
// does not ask.
func (a Args) needsToken() bool {
	return a.OIDCServiceAccount != "" && (audience(a.Sink) != "" || audience(a.DeadLetterSink) != "")
}

// servesOCloud is whether adapters serve the O-Cloud API, and reviewsTokens whether they ask
// Kubernetes who their clients are.
func servesOCloud(spec v1alpha1.PtpSourceSpec) bool { return spec.OCloud != nil && spec.OCloud.Enabled }

func reviewsTokens(spec v1alpha1.PtpSourceSpec) bool {
	return servesOCloud(spec) && spec.OCloud.Auth == v1alpha1.OCloudAuthServiceAccount
}

// adapterAccount is what the adapters of a source run as that have to show a token.
func adapterAccount(source *v1alpha1.PtpSource) string {
	if reviewsTokens(source.Spec) {
		return ReviewerServiceAccount
	}
	return Name(source)
}

func audience(sink *duckv1.Addressable) string {
	if sink == nil || sink.Audience == nil {
		return ""
	}
	return *sink.Audience
}

// privileged is whether adapters open /dev/ptpN by running privileged.
func (a Args) privileged() bool {
	return RunsPrivileged(a.Source.Spec)
}

// storage is where adapters keep their journals.
func (a Args) storage() v1alpha1.Storage {
	spec := a.Source.Spec
	switch {
	case spec.History.Storage != "":
		return spec.History.Storage
	case a.JournalDirectory == "", spec.Linuxptp.Group != nil: // the group could not write to a new directory
		return v1alpha1.StorageEmptyDir
	}
	return v1alpha1.StorageHostPath
}

// journal is the volume of the journals, or nil when they are in memory.
func (a Args) journal() *corev1.Volume {
	switch a.storage() {
	case v1alpha1.StorageHostPath:
		directory := corev1.HostPathDirectoryOrCreate
		return &corev1.Volume{Name: journalVolume, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{
			Path: path.Join(a.JournalDirectory, Name(a.Source)),
			Type: &directory,
		}}}
	case v1alpha1.StorageEmptyDir:
		return &corev1.Volume{Name: journalVolume, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}
	}
	return nil
}

func (a Args) ports() ports {
	if RunsOnHostNetwork(a.Source.Spec) {
		return hostPorts(a.Source.UID)
	}
	return podPorts()
}

// RunsPrivileged is whether the spec asks for privileged adapters.
func RunsPrivileged(spec v1alpha1.PtpSourceSpec) bool {
	return spec.HardwareClock != nil && spec.HardwareClock.Enabled && spec.HardwareClock.Privileged
}

// RunsOnHostNetwork is whether the spec asks for adapters on the node's own network: gpsd
// and chronyd listen there, and the kernel shows its DPLLs to it only.
func RunsOnHostNetwork(spec v1alpha1.PtpSourceSpec) bool {
	return spec.GNSS != nil && spec.GNSS.Enabled || watchesSyncE(spec) ||
		spec.OSClock != nil && spec.OSClock.Enabled && spec.OSClock.Chronyd != ""
}

func watchesSyncE(spec v1alpha1.PtpSourceSpec) bool {
	return spec.SyncE != nil && spec.SyncE.Enabled
}

// MakeDaemonSet makes what runs an adapter on every chosen node.
func MakeDaemonSet(args Args) (*appsv1.DaemonSet, error) {
	template, err := makeTemplate(args)
	if err != nil {
		return nil, err
	}
	maxUnavailable, maxSurge := intstr.FromString("10%"), intstr.FromInt32(0)
	ds := &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   args.Namespace,
			Name:        Name(args.Source),
			Labels:      podLabels(args.Source),
			Annotations: Annotations(args.Source),
		},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{UIDLabel: string(args.Source.UID)}},
			Template: template,
			UpdateStrategy: appsv1.DaemonSetUpdateStrategy{
				Type: appsv1.RollingUpdateDaemonSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDaemonSet{
					MaxUnavailable: &maxUnavailable,
					// Two adapters on a node would send every event twice.
					MaxSurge: &maxSurge,
				},
			},
		},
	}
	ds.Annotations[SpecHashAnnotation], err = hash(ds)
	return ds, err
}

// hash is over everything that was asked for.
func hash(ds *appsv1.DaemonSet) (string, error) {
	text, err := json.Marshal([]any{ds.Labels, ds.Annotations, ds.Spec})
	if err != nil {
		return "", fmt.Errorf("hash DaemonSet %s/%s: %w", ds.Namespace, ds.Name, err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(text)), nil
}

func podLabels(source *v1alpha1.PtpSource) map[string]string {
	labels := Labels(source)
	// A SinkBinding that selects everything must not give adapters another sink.
	labels["bindings.knative.dev/exclude"] = "true"
	return labels
}

func makeTemplate(args Args) (corev1.PodTemplateSpec, error) {
	spec := args.Source.Spec
	container, err := makeContainer(args)
	if err != nil {
		return corev1.PodTemplateSpec{}, err
	}
	directory := corev1.HostPathDirectoryOrCreate
	pod := corev1.PodSpec{
		ServiceAccountName:           DefaultServiceAccount,
		AutomountServiceAccountToken: new(args.needsToken() || reviewsTokens(spec)),
		EnableServiceLinks:           new(false),
		SecurityContext:              podSecurity(spec.Linuxptp.Group),
		Containers:                   []corev1.Container{container},
		NodeSelector:                 spec.NodeSelector,
		Affinity:                     spec.Affinity,
		Tolerations:                  spec.Tolerations,
		PriorityClassName:            spec.PriorityClassName,
		Volumes: []corev1.Volume{{
			Name: socketsVolume,
			VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{
				Path: path.Clean(spec.Linuxptp.SocketDirectory),
				// ptp4l may be started after the adapter.
				Type: &directory,
			}},
		}},
	}
	if journal := args.journal(); journal != nil {
		pod.Volumes = append(pod.Volumes, *journal)
	}
	if args.privileged() {
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: devicesVolume, VolumeSource: corev1.VolumeSource{
			HostPath: &corev1.HostPathVolumeSource{Path: "/dev", Type: new(corev1.HostPathDirectory)},
		}})
	}
	if args.needsToken() || reviewsTokens(spec) {
		pod.ServiceAccountName = adapterAccount(args.Source)
	}
	if servesOCloud(spec) && spec.OCloud.TLSSecretName != "" {
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: ocloudVolume, VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: spec.OCloud.TLSSecretName},
		}})
	}
	if RunsOnHostNetwork(spec) {
		pod.HostNetwork = true
		pod.DNSPolicy = corev1.DNSClusterFirstWithHostNet // the sink is a name in the cluster
	}
	withBundles, err := eventingtls.AddTrustBundleVolumesFromConfigMaps(args.TrustBundles, &pod)
	if err != nil {
		return corev1.PodTemplateSpec{}, fmt.Errorf("mount trust bundles: %w", err)
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: podLabels(args.Source), Annotations: Annotations(args.Source)},
		Spec:       *withBundles,
	}, nil
}

// podSecurity lets adapters run in the group of the sockets instead of as root.
func podSecurity(group *int64) *corev1.PodSecurityContext {
	security := &corev1.PodSecurityContext{
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	if group == nil {
		// ptp4l's socket is 0660 root:root unless it is told otherwise.
		security.RunAsUser = new(int64(0))
		return security
	}
	security.RunAsNonRoot = new(true)
	security.RunAsUser = new(int64(unprivileged))
	security.RunAsGroup = group
	security.FSGroup = group
	return security
}

func makeContainer(args Args) (corev1.Container, error) {
	env, err := makeEnv(args)
	if err != nil {
		return corev1.Container{}, err
	}
	ports := args.ports()
	mounts := []corev1.VolumeMount{{Name: socketsVolume, MountPath: mountPath(args.Source.Spec.Linuxptp)}}
	if journal := args.journal(); journal != nil {
		mounts = append(mounts, corev1.VolumeMount{Name: journal.Name, MountPath: journalPath})
	}
	if args.privileged() {
		mounts = append(mounts, corev1.VolumeMount{Name: devicesVolume, MountPath: devicesPath, ReadOnly: true})
	}
	container := corev1.Container{
		Name:                     containerName,
		Image:                    args.Image,
		Env:                      env,
		Resources:                makeResources(args),
		SecurityContext:          containerSecurity(args),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		Ports: []corev1.ContainerPort{
			{Name: "health", ContainerPort: ports.health, Protocol: corev1.ProtocolTCP},
			{Name: "metrics", ContainerPort: ports.metrics, Protocol: corev1.ProtocolTCP},
			{Name: "profiling", ContainerPort: ports.profiling, Protocol: corev1.ProtocolTCP},
		},
		VolumeMounts: mounts,
		// The start may take a while on a node that starts everything at once.
		StartupProbe:   probe("/health", ports.health, 1, 60),
		LivenessProbe:  probe("/health", ports.health, 10, 3),
		ReadinessProbe: probe("/readiness", ports.health, 5, 2),
	}
	if ports.emit != 0 {
		container.Ports = append(container.Ports, corev1.ContainerPort{Name: EmitPort, ContainerPort: ports.emit, Protocol: corev1.ProtocolTCP})
	}
	if o := args.Source.Spec.OCloud; servesOCloud(args.Source.Spec) {
		container.Ports = append(container.Ports, corev1.ContainerPort{Name: ocloudPort, ContainerPort: *o.Port, Protocol: corev1.ProtocolTCP})
		if o.TLSSecretName != "" {
			container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: ocloudVolume, MountPath: ocloudPath, ReadOnly: true})
		}
	}
	return container, nil
}

func probe(path string, port, period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path,
			Port: intstr.FromInt32(port),
		}},
		PeriodSeconds:    period,
		TimeoutSeconds:   5,
		FailureThreshold: failures,
	}
}

func containerSecurity(args Args) *corev1.SecurityContext {
	security := &corev1.SecurityContext{
		ReadOnlyRootFilesystem: new(true),
		Capabilities:           &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	if watchesSyncE(args.Source.Spec) {
		// The kernel tells of its DPLLs only who has this, though it is only asked.
		security.Capabilities.Add = []corev1.Capability{"NET_ADMIN"}
	}
	if args.privileged() {
		// Kubernetes refuses a privileged container that forbids escalation.
		security.Privileged = new(true)
		return security
	}
	security.AllowPrivilegeEscalation = new(false)
	return security
}

// makeResources has no limit of the processor: a watcher that is throttled is late.
func makeResources(args Args) corev1.ResourceRequirements {
	spec := args.Source.Spec
	resources := corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("10m"),
			corev1.ResourceMemory: resource.MustParse("40Mi"),
		},
		Limits: corev1.ResourceList{corev1.ResourceMemory: memoryLimit(args)},
	}
	if spec.Resources != nil {
		resources = *spec.Resources.DeepCopy()
	}
	if h := spec.HardwareClock; h != nil && h.Enabled && h.ResourceName != "" {
		limits := corev1.ResourceList{corev1.ResourceName(h.ResourceName): resource.MustParse("1")}
		maps.Copy(limits, resources.Limits)
		resources.Limits = limits
	}
	return resources
}

// memoryLimit is 128 MiB, and more for a history in memory.
func memoryLimit(args Args) resource.Quantity {
	bytes := int64(128 << 20)
	if history := args.Source.Spec.History; args.storage() == v1alpha1.StorageMemory {
		bytes += history.MaxBytes.Value() + int64(*history.Entries)*bytesPerEntry
	}
	return *resource.NewQuantity(bytes, resource.BinarySI)
}

func makeEnv(args Args) ([]corev1.EnvVar, error) {
	source, spec := args.Source, args.Source.Spec
	config, err := makeConfig(args)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("write the adapter's configuration: %w", err)
	}
	ports := args.ports()
	env := []corev1.EnvVar{
		{Name: "K_SINK", Value: args.Sink.URL.String()},
		{Name: "K_SOURCE_CONFIG", Value: string(text)},
		{Name: "NODE_NAME", ValueFrom: fieldRef("spec.nodeName")},
		{Name: "POD_NAME", ValueFrom: fieldRef("metadata.name")}, // tells adapters apart that push metrics
		// The source's, not the pod's: the service account of K_OIDC_SERVICE_ACCOUNT is there.
		{Name: "NAMESPACE", Value: source.Namespace},
		{Name: "NAME", Value: source.Name},
		{Name: "SYSTEM_NAMESPACE", Value: args.SystemNamespace},
		// Whatever config-observability says of an address, the port is the one that is declared.
		{Name: "METRICS_PROMETHEUS_PORT", Value: strconv.Itoa(int(ports.metrics))},
		{Name: "PROFILING_PORT", Value: strconv.Itoa(int(ports.profiling))},
	}
	add := func(name, value string) { env = append(env, corev1.EnvVar{Name: name, Value: value}) }
	if servesOCloud(spec) {
		env = append(env, corev1.EnvVar{Name: "HOST_IPS", ValueFrom: fieldRef("status.hostIPs")}) // no endpoint may have these
	}
	if spec.CloudEventOverrides != nil {
		overrides, err := json.Marshal(spec.CloudEventOverrides)
		if err != nil {
			return nil, fmt.Errorf("write spec.ceOverrides: %w", err)
		}
		add("K_CE_OVERRIDES", string(overrides))
	}
	if certificates := caCerts(args.Sink, args.DeadLetterSink); certificates != "" {
		add("K_CA_CERTS", certificates)
	}
	if args.needsToken() {
		add("K_OIDC_SERVICE_ACCOUNT", args.OIDCServiceAccount)
		if a := audience(args.Sink); a != "" {
			add("K_AUDIENCE", a)
		}
	}
	return append(env, args.Env...), nil
}

func fieldRef(path string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: path}}
}

// caCerts joins the certificates to trust: an adapter has one list for all it sends to.
func caCerts(sinks ...*duckv1.Addressable) string {
	var all []string
	for _, sink := range sinks {
		if sink != nil && sink.CACerts != nil && strings.TrimSpace(*sink.CACerts) != "" {
			all = append(all, strings.TrimSpace(*sink.CACerts)+"\n")
		}
	}
	return strings.Join(all, "")
}
