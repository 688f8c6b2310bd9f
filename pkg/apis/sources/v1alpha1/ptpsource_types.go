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

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	eventingduckv1 "knative.dev/eventing/pkg/apis/duck/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	"knative.dev/pkg/kmeta"
)

// +genclient
// +genreconciler
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// PtpSource watches the PTP clocks of the chosen nodes and sends every change of their
// state as a CloudEvent to a sink.
type PtpSource struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec   PtpSourceSpec   `json:"spec,omitzero"`
	Status PtpSourceStatus `json:"status,omitzero"`
}

var (
	_ runtime.Object     = (*PtpSource)(nil)
	_ kmeta.OwnerRefable = (*PtpSource)(nil)
	_ apis.Defaultable   = (*PtpSource)(nil)
	_ apis.Validatable   = (*PtpSource)(nil)
	_ apis.HasSpec       = (*PtpSource)(nil)
	_ duckv1.KRShaped    = (*PtpSource)(nil)
)

// PtpSourceSpec is grouped by question. Everything but the sink has a default.
type PtpSourceSpec struct {
	// Where to: sink and ceOverrides.
	duckv1.SourceSpec `json:",inline"`
	// Delivery says how hard to try.
	// +optional
	Delivery *Delivery `json:"delivery,omitempty"`

	// Which nodes. All that apply must agree; none means every node that takes pods
	// without tolerations.

	// NodeSelector is the labels that a node must have.
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// Affinity is the scheduling constraints of the adapters.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`
	// Tolerations let adapters run on tainted nodes.
	// +optional
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// Resources of each adapter.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// PriorityClassName of each adapter.
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// What to watch.

	// Linuxptp says which ptp4l instances to watch.
	// +optional
	Linuxptp Linuxptp `json:"linuxptp,omitzero"`
	// HardwareClock says whether to watch the PTP hardware clocks (/dev/ptpN) themselves.
	// +optional
	HardwareClock *HardwareClock `json:"hardwareClock,omitempty"`
	// OSClock says whether to watch the operating system's clock.
	// +optional
	OSClock *OSClock `json:"osClock,omitempty"`
	// GNSS says whether to watch GNSS receivers.
	// +optional
	GNSS *GNSS `json:"gnss,omitempty"`
	// SyncE says whether to watch Synchronous Ethernet.
	// +optional
	SyncE *SyncE `json:"synce,omitempty"`

	// Thresholds say when to speak.
	// +optional
	Thresholds Thresholds `json:"thresholds,omitzero"`
	// Events say what to say, and how.
	// +optional
	Events Events `json:"events,omitzero"`
	// History says what an adapter keeps for a sink that is away, and where.
	// +optional
	History History `json:"history,omitzero"`
	// OCloud says whether adapters serve the O-RAN O-Cloud notification API, and to whom.
	// +optional
	OCloud *OCloud `json:"oCloud,omitempty"`

	// Paused stops the adapters and keeps everything else.
	// +optional
	Paused bool `json:"paused,omitempty"`
}

// Delivery is Knative's delivery of an event: deadLetterSink, retry, timeout,
// backoffPolicy, backoffDelay and retryAfterMax. Without retry the sink is waited for.
type Delivery struct {
	eventingduckv1.DeliverySpec `json:",inline"`
	// Backlog says what is sent of the events that wait for the sink. Default All.
	// +optional
	Backlog Backlog `json:"backlog,omitempty"`
}

// Backlog says what is sent of events that wait.
type Backlog string

const (
	// BacklogAll is every event.
	BacklogAll Backlog = "All"
	// BacklogLatestPerResource is the newest event of each resource of each instance.
	BacklogLatestPerResource Backlog = "LatestPerResource"
)

// Linuxptp says where ptp4l's management sockets (uds_address) are, and how to speak to
// them.
type Linuxptp struct {
	// SocketDirectory is the directory of the host in which the sockets are. It must be
	// one that allowed-socket-directories in config-ptp allows. Default /var/run/ptp.
	// +optional
	SocketDirectory string `json:"socketDirectory,omitempty"`
	// MountPath is where ptp4l itself sees that directory. ptp4l answers to a path, so
	// the adapter must see it at the same one. It differs from SocketDirectory where
	// ptp4l runs in a container. Default the SocketDirectory.
	// +optional
	MountPath string `json:"mountPath,omitempty"`
	// Sockets are the names of the sockets in the directory; *, ? and [a-z] match as in
	// a shell. One that is named without these is reported as down while it does not
	// exist. Default ptp4l*.
	// +optional
	Sockets []string `json:"sockets,omitempty"`
	// Domain is ptp4l's domainNumber. Default: found out.
	// +optional
	Domain *int32 `json:"domain,omitempty"`
	// TransportSpecific is ptp4l's transportSpecific: 1 for gPTP. Default: found out.
	// +optional
	TransportSpecific *int32 `json:"transportSpecific,omitempty"`
	// Group lets the adapters run as a user other than root, in this group, to which the
	// sockets and their directory must be writable. Default: root without capabilities.
	// +optional
	Group *int64 `json:"group,omitempty"`
}

// HardwareClock says whether to watch the PTP hardware clocks themselves.
type HardwareClock struct {
	// Enabled turns the watching on.
	// +optional
	Enabled bool `json:"enabled,omitempty"`
	// Privileged lets the adapters open /dev/ptpN by running privileged, which
	// allow-privileged in config-ptp must allow.
	// +optional
	Privileged bool `json:"privileged,omitempty"`
	// ResourceName is a device plugin's resource that gives access to /dev/ptpN, as the
	// alternative to Privileged.
	// +optional
	ResourceName string `json:"resourceName,omitempty"`
	// PollInterval is how often each clock is read. Default 1s.
	// +optional
	PollInterval *metav1.Duration `json:"pollInterval,omitempty"`
}

// OSClock says whether to watch the operating system's clock.
type OSClock struct {
	// Enabled turns the watching on. The state of the node is then the worse of its PTP
	// clocks and its OS clock.
	// +optional
	Enabled bool `json:"enabled,omitempty"`
	// FedBy is what the OS clock gets its time from, which adapters cannot see. Default ptp.
	// +optional
	FedBy ClockFeed `json:"fedBy,omitempty"`
	// Chronyd is the host:port of chronyd's command port, to ask it how often it adjusts
	// the clock. It listens on the node's own network, so allow-host-network in config-ptp
	// must allow it. Default: it is not asked.
	// +optional
	Chronyd string `json:"chronyd,omitempty"`
}

// ClockFeed says what the OS clock gets its time from.
type ClockFeed string

const (
	// FedByPTP is a ptp4l of the node, through phc2sys or directly: the OS clock is never
	// better than the best of them.
	FedByPTP ClockFeed = "ptp"
	// FedByOther is anything else, such as NTP: the OS clock is judged alone.
	FedByOther ClockFeed = "other"
)

// GNSS says whether to watch GNSS receivers.
type GNSS struct {
	// Enabled turns the watching on. gpsd listens on the node's own network, so
	// allow-host-network in config-ptp must allow it.
	// +optional
	Enabled bool `json:"enabled,omitempty"`
	// GPSD is the host:port of gpsd. Default localhost:2947.
	// +optional
	GPSD string `json:"gpsd,omitempty"`
}

// SyncE says whether to watch Synchronous Ethernet: the DPLLs of network cards, and with them
// what drives the pulse of a grandmaster.
type SyncE struct {
	// Enabled turns the watching on. The kernel tells of its DPLLs who has CAP_NET_ADMIN on
	// the node's own network, so allow-host-network in config-ptp must allow it.
	// +optional
	Enabled bool `json:"enabled,omitempty"`
	// Synce4l is whom to ask for the quality levels that are passed on, which the kernel does
	// not know. Default: nobody.
	// +optional
	Synce4l *Synce4l `json:"synce4l,omitempty"`
}

// Synce4l says where synce4l is, and which of its devices to watch.
type Synce4l struct {
	// Socket is the name of its socket (smc_socket_path) in spec.linuxptp.socketDirectory.
	Socket string `json:"socket"`
	// Devices are their names in its configuration, without the angle brackets.
	Devices []string `json:"devices"`
}

// Thresholds decide when a clock counts as locked, and for how long it is trusted
// without a source. What is left out is config-ptp's.
type Thresholds struct {
	// LockOffset is the largest |offset| of a sample that counts towards LOCKED.
	// +optional
	LockOffset *metav1.Duration `json:"lockOffset,omitempty"`
	// UnlockOffset is the |offset| beyond which a sample counts towards FREERUN. At
	// least LockOffset.
	// +optional
	UnlockOffset *metav1.Duration `json:"unlockOffset,omitempty"`
	// LockSamples is how many good samples in a row make a clock LOCKED.
	// +optional
	LockSamples *int32 `json:"lockSamples,omitempty"`
	// UnlockSamples is how many bad samples in a row make a clock FREERUN.
	// +optional
	UnlockSamples *int32 `json:"unlockSamples,omitempty"`
	// HoldoverTimeout is how long a clock that lost its source stays in HOLDOVER.
	// +optional
	HoldoverTimeout *metav1.Duration `json:"holdoverTimeout,omitempty"`
	// SyncIntervals is the number of Sync intervals without a Sync after which the
	// source is lost.
	// +optional
	SyncIntervals *int32 `json:"syncIntervals,omitempty"`
	// SyncTimeout is the shortest time without a Sync after which the source is lost.
	// +optional
	SyncTimeout *metav1.Duration `json:"syncTimeout,omitempty"`
	// OSClockTimeout is how long the OS clock may be without an adjustment.
	// +optional
	OSClockTimeout *metav1.Duration `json:"osClockTimeout,omitempty"`
	// OSClockOffset is the largest |offset| of the OS clock from the hardware clock that it
	// follows, of a reading that counts towards LOCKED. Readings beyond twice of it count
	// towards FREERUN.
	// +optional
	OSClockOffset *metav1.Duration `json:"osClockOffset,omitempty"`
	// MaxPathDelay is how long messages may take from the master, one way. Only the events
	// com.github.eventing-ptp.path-delay-state.changed depend on it.
	// +optional
	MaxPathDelay *metav1.Duration `json:"maxPathDelay,omitempty"`
}

// SourceFormat says what the source attribute of the events is.
type SourceFormat string

const (
	// SourceFull is /<cluster>/node/<node>/sync/...: a Trigger can tell nodes apart.
	SourceFull SourceFormat = "full"
	// SourceORAN is /sync/..., as O-RAN has it.
	SourceORAN SourceFormat = "oran"
)

// Events say what to say, and how.
type Events struct {
	// Types are the event types to send. Default: all of O-RAN's.
	// +optional
	Types []string `json:"types,omitempty"`
	// SourceFormat is full or oran. Default full.
	// +optional
	SourceFormat SourceFormat `json:"sourceFormat,omitempty"`
	// ClusterName is the first part of every resource address. It cannot be changed.
	// Default cluster.
	// +optional
	ClusterName string `json:"clusterName,omitempty"`
	// ReassertEvery is how often the present state of everything is sent again, for those
	// who came late. Default never.
	// +optional
	ReassertEvery *metav1.Duration `json:"reassertEvery,omitempty"`
}

// Storage is a place for what an adapter keeps.
type Storage string

const (
	// StorageHostPath is a directory of the node, below journal-directory of config-ptp. It
	// outlives the adapter, its pod and a restart of the node.
	StorageHostPath Storage = "HostPath"
	// StorageEmptyDir is a directory of the pod. It outlives the adapter, not its pod.
	StorageEmptyDir Storage = "EmptyDir"
	// StorageMemory is the adapter's memory.
	StorageMemory Storage = "Memory"
)

// History says what an adapter keeps for a sink that is away, and where. Of entries,
// maxBytes and maxAge the one counts that is reached first.
type History struct {
	// Storage is HostPath, EmptyDir or Memory. Default HostPath; EmptyDir where adapters run
	// in a group, which cannot write to a new directory of the node, and where
	// journal-directory in config-ptp is empty.
	// +optional
	Storage Storage `json:"storage,omitempty"`
	// Entries is how many events are kept. Default 100000.
	// +optional
	Entries *int32 `json:"entries,omitempty"`
	// MaxBytes is how much they may take, of the disk or of memory. Default 64Mi.
	// +optional
	MaxBytes *resource.Quantity `json:"maxBytes,omitempty"`
	// MaxAge is how long they are kept. Default 168h.
	// +optional
	MaxAge *metav1.Duration `json:"maxAge,omitempty"`
}

// OCloud says whether adapters serve the O-RAN O-Cloud notification API, and to whom.
type OCloud struct {
	// Enabled turns the API on, on every node.
	// +optional
	Enabled bool `json:"enabled,omitempty"`
	// Port is where it is served. Default 9043.
	// +optional
	Port *int32 `json:"port,omitempty"`
	// Auth says who may use it. Default None.
	// +optional
	Auth OCloudAuth `json:"auth,omitempty"`
	// Endpoints are those that may be subscribed. Default Cluster.
	// +optional
	Endpoints OCloudEndpoints `json:"endpoints,omitempty"`
	// AllowedNetworks are networks that endpoints may be in, whatever Endpoints says.
	// +optional
	AllowedNetworks []string `json:"allowedNetworks,omitempty"`
	// TLSSecretName is a secret of type kubernetes.io/tls in the adapters' namespace. With
	// it the API speaks TLS only.
	// +optional
	TLSSecretName string `json:"tlsSecretName,omitempty"`
	// RemoveAfter is for how long an endpoint may fail before its subscription is removed; 0s
	// means for ever. Default 168h.
	// +optional
	RemoveAfter *metav1.Duration `json:"removeAfter,omitempty"`
	// PerNodeServices gives each node a Service of its own, by which other nodes' pods reach
	// its adapter: ptp-event-publisher-service-<node>.
	// +optional
	PerNodeServices bool `json:"perNodeServices,omitempty"`
	// MaxSubscriptions is how many there may be on a node. Default 1024.
	// +optional
	MaxSubscriptions *int32 `json:"maxSubscriptions,omitempty"`
}

// OCloudAuth says who may use the O-Cloud API.
type OCloudAuth string

const (
	// OCloudAuthNone is whoever reaches the port.
	OCloudAuthNone OCloudAuth = "None"
	// OCloudAuthServiceAccount is who shows the token of a service account that may.
	OCloudAuthServiceAccount OCloudAuth = "ServiceAccount"
	// OCloudAuthClientCertificate is who connects with a certificate of the authority that is
	// ca.crt in the secret TLSSecretName.
	OCloudAuthClientCertificate OCloudAuth = "ClientCertificate"
)

// OCloudEndpoints says which endpoints may be subscribed.
type OCloudEndpoints string

const (
	// OCloudEndpointsLocalhost is loopback addresses.
	OCloudEndpointsLocalhost OCloudEndpoints = "Localhost"
	// OCloudEndpointsCluster is private addresses, but for those of the node.
	OCloudEndpointsCluster OCloudEndpoints = "Cluster"
	// OCloudEndpointsAny is all addresses but those of the node and of the link.
	OCloudEndpointsAny OCloudEndpoints = "Any"
)

// PtpSourceStatus is the duck status of every source, and the nodes.
type PtpSourceStatus struct {
	duckv1.SourceStatus `json:",inline"`
	// DeadLetterSinkURI, its certificates and its audience are where events go that the
	// sink refuses.
	eventingduckv1.DeliveryStatus `json:",inline"`

	// Nodes says on how many nodes the source runs.
	// +optional
	Nodes Nodes `json:"nodes,omitzero"`
	// DaemonSet is what runs the adapters, as namespace/name.
	// +optional
	DaemonSet string `json:"daemonSet,omitempty"`
}

// Nodes counts nodes.
type Nodes struct {
	// Desired is how many nodes the source has chosen.
	Desired int32 `json:"desired"`
	// Ready is on how many of them an adapter of this generation runs and watches.
	Ready int32 `json:"ready"`
	// Summary is Ready/Desired, for the eye.
	// +optional
	Summary string `json:"summary,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// PtpSourceList is a list of PtpSources.
type PtpSourceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []PtpSource `json:"items"`
}

// GetStatus retrieves the duck status for this resource. Implements the KRShaped interface.
func (s *PtpSource) GetStatus() *duckv1.Status { return &s.Status.Status }

// GetUntypedSpec returns the spec. Implements apis.HasSpec.
func (s *PtpSource) GetUntypedSpec() any { return s.Spec }
