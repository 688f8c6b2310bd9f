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
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
)

const (
	// ConditionReady is True when an adapter watches the clocks of every chosen node and
	// sends what changes to the sink.
	ConditionReady = apis.ConditionReady
	// ConditionSinkProvided is True when the sink has an address.
	ConditionSinkProvided apis.ConditionType = "SinkProvided"
	// ConditionDeadLetterSinkProvided is True when the dead letter sink has an address, or
	// none is asked for.
	ConditionDeadLetterSinkProvided apis.ConditionType = "DeadLetterSinkProvided"
	// ConditionPermitted is True when config-ptp allows everything that is asked for.
	ConditionPermitted apis.ConditionType = "Permitted"
	// ConditionOIDCIdentityCreated is True when the source has the service account that it
	// shows to the sink, or does not need one.
	ConditionOIDCIdentityCreated apis.ConditionType = "OIDCIdentityCreated"
	// ConditionDeployed is True when the DaemonSet is what the spec asks for.
	ConditionDeployed apis.ConditionType = "Deployed"
	// ConditionNodesMatched is True when there is a node to run on.
	ConditionNodesMatched apis.ConditionType = "NodesMatched"
	// ConditionAdaptersReady is True when the adapter of every chosen node is of this
	// generation and has read its clocks.
	ConditionAdaptersReady apis.ConditionType = "AdaptersReady"
	// ConditionClocksWatched is True when every clock that the spec names can be watched
	// by this version. It informs, and does not keep the source from being Ready.
	ConditionClocksWatched apis.ConditionType = "ClocksWatched"
)

// The reasons of conditions that are not True, and of those that are so for want of a
// wish. docs/troubleshooting.md says for each what to do.
const (
	ReasonSinkNotFound           = "SinkNotFound"
	ReasonSinkEmpty              = "SinkEmpty"
	ReasonDeadLetterSinkNotFound = "DeadLetterSinkNotFound"
	ReasonNotConfigured          = "NotConfigured"
	ReasonPrivilegedNotAllowed   = "PrivilegedNotAllowed"
	ReasonHostNetworkNotAllowed  = "HostNetworkNotAllowed"
	ReasonSocketDirNotAllowed    = "SocketDirectoryNotAllowed"
	ReasonJournalDirNotAllowed   = "JournalDirectoryNotAllowed"
	ReasonThresholdsOutOfOrder   = "ThresholdsOutOfOrder"
	ReasonOIDCDisabled           = "OIDCDisabled"
	ReasonOIDCIdentityFailed     = "OIDCIdentityFailed"
	ReasonTrustBundlesFailed     = "TrustBundlesFailed"
	ReasonDaemonSetFailed        = "DaemonSetFailed"
	ReasonServiceFailed          = "ServiceFailed"
	ReasonDaemonSetUpdating      = "DaemonSetUpdating"
	ReasonWaiting                = "Waiting"
	ReasonPaused                 = "Paused"
	ReasonNoMatchingNodes        = "NoMatchingNodes"
	ReasonAdaptersStarting       = "AdaptersStarting"
	ReasonAdapterFailing         = "AdapterFailing"
	ReasonNotYetSupported        = "NotYetSupported"
)

// conditions is what Ready depends on.
func conditions() apis.ConditionSet {
	return apis.NewLivingConditionSet(
		ConditionSinkProvided,
		ConditionDeadLetterSinkProvided,
		ConditionPermitted,
		ConditionOIDCIdentityCreated,
		ConditionDeployed,
		ConditionNodesMatched,
		ConditionAdaptersReady,
	)
}

// GetConditionSet retrieves the condition set for this resource. Implements the KRShaped interface.
func (*PtpSource) GetConditionSet() apis.ConditionSet { return conditions() }

// GetGroupVersionKind returns the kind. Implements kmeta.OwnerRefable.
func (*PtpSource) GetGroupVersionKind() schema.GroupVersionKind {
	return SchemeGroupVersion.WithKind("PtpSource")
}

func (s *PtpSourceStatus) manage() apis.ConditionManager { return conditions().Manage(s) }

// GetCondition returns the condition of a type, or nil.
func (s *PtpSourceStatus) GetCondition(t apis.ConditionType) *apis.Condition {
	return s.manage().GetCondition(t)
}

// IsReady is whether the source is Ready.
func (s *PtpSourceStatus) IsReady() bool { return s.manage().IsHappy() }

// InitializeConditions sets conditions that are not set to Unknown.
func (s *PtpSourceStatus) InitializeConditions() { s.manage().InitializeConditions() }

// MarkSink says where events go.
func (s *PtpSourceStatus) MarkSink(sink *duckv1.Addressable) {
	if sink == nil || sink.URL.IsEmpty() {
		s.MarkNoSink(ReasonSinkEmpty, "the sink exists but has no address yet: wait until it is ready")
		return
	}
	s.SinkURI, s.SinkCACerts, s.SinkAudience = sink.URL, sink.CACerts, sink.Audience
	s.manage().MarkTrue(ConditionSinkProvided)
}

// MarkNoSink says that there is nowhere to send events to.
func (s *PtpSourceStatus) MarkNoSink(reason, message string) {
	s.SinkURI, s.SinkCACerts, s.SinkAudience = nil, nil, nil
	s.manage().MarkFalse(ConditionSinkProvided, reason, "%s", message)
}

// MarkDeadLetterSink says where events go that the sink refuses; nil means nowhere.
func (s *PtpSourceStatus) MarkDeadLetterSink(sink *duckv1.Addressable) {
	if sink == nil {
		s.clearDeadLetterSink()
		s.manage().MarkTrueWithReason(ConditionDeadLetterSinkProvided, ReasonNotConfigured, "")
		return
	}
	if sink.URL.IsEmpty() {
		s.MarkNoDeadLetterSink(ReasonDeadLetterSinkNotFound, "the dead letter sink exists but has no address yet: wait until it is ready")
		return
	}
	s.DeadLetterSinkURI, s.DeadLetterSinkCACerts, s.DeadLetterSinkAudience = sink.URL, sink.CACerts, sink.Audience
	s.manage().MarkTrue(ConditionDeadLetterSinkProvided)
}

// MarkNoDeadLetterSink says that the dead letter sink has no address.
func (s *PtpSourceStatus) MarkNoDeadLetterSink(reason, message string) {
	s.clearDeadLetterSink()
	s.manage().MarkFalse(ConditionDeadLetterSinkProvided, reason, "%s", message)
}

func (s *PtpSourceStatus) clearDeadLetterSink() {
	s.DeadLetterSinkURI, s.DeadLetterSinkCACerts, s.DeadLetterSinkAudience = nil, nil, nil
}

// MarkPermitted says that the administrator allows what is asked for.
func (s *PtpSourceStatus) MarkPermitted() { s.manage().MarkTrue(ConditionPermitted) }

// MarkNotPermitted says what config-ptp does not allow.
func (s *PtpSourceStatus) MarkNotPermitted(reason, message string) {
	s.manage().MarkFalse(ConditionPermitted, reason, "%s", message)
}

// MarkOIDCIdentity says which service account the source shows to its sink; empty means
// that it shows none, because OIDC is off.
func (s *PtpSourceStatus) MarkOIDCIdentity(serviceAccount string) {
	if serviceAccount == "" {
		s.Auth = nil
		s.manage().MarkTrueWithReason(ConditionOIDCIdentityCreated, ReasonOIDCDisabled, "")
		return
	}
	s.Auth = &duckv1.AuthStatus{ServiceAccountName: &serviceAccount}
	s.manage().MarkTrue(ConditionOIDCIdentityCreated)
}

// MarkOIDCIdentityFailed says why there is no service account to show.
func (s *PtpSourceStatus) MarkOIDCIdentityFailed(message string) {
	s.manage().MarkFalse(ConditionOIDCIdentityCreated, ReasonOIDCIdentityFailed, "%s", message)
}

// MarkNotDeployed says why there is no DaemonSet, or why it is not what it should be.
func (s *PtpSourceStatus) MarkNotDeployed(reason, message string) {
	s.manage().MarkFalse(ConditionDeployed, reason, "%s", message)
	for _, c := range []apis.ConditionType{ConditionNodesMatched, ConditionAdaptersReady} {
		s.manage().MarkUnknown(c, reason, "%s", message)
	}
}

// MarkNoAdapters says that there is no DaemonSet, and why.
func (s *PtpSourceStatus) MarkNoAdapters(reason, message string) {
	s.MarkNotDeployed(reason, message)
	s.DaemonSet, s.Nodes = "", Nodes{}
}

// SickAdapter is an adapter that does not work, and the first to look at.
type SickAdapter struct {
	// Node is where it should run.
	Node string
	// Pod is its namespace/name.
	Pod string
	// Message says what is known of it.
	Message string
}

// PropagateDaemonSet says on how many nodes the adapters run, and names the sick one, nil
// when none is known.
func (s *PtpSourceStatus) PropagateDaemonSet(ds *appsv1.DaemonSet, sick *SickAdapter) {
	s.DaemonSet = ds.Namespace + "/" + ds.Name
	s.manage().MarkTrue(ConditionDeployed)
	now := ds.Status
	if now.ObservedGeneration < ds.Generation {
		// The counts are those of another generation.
		for _, c := range []apis.ConditionType{ConditionNodesMatched, ConditionAdaptersReady} {
			s.manage().MarkUnknown(c, ReasonDaemonSetUpdating, "Kubernetes has not looked at DaemonSet %s yet", s.DaemonSet)
		}
		return
	}
	// An adapter of an older generation works, but not by this spec.
	ready := min(now.NumberAvailable, now.UpdatedNumberScheduled)
	s.Nodes = Nodes{Desired: now.DesiredNumberScheduled, Ready: ready, Summary: fmt.Sprintf("%d/%d", ready, now.DesiredNumberScheduled)}

	if s.Nodes.Desired == 0 {
		s.manage().MarkFalse(ConditionNodesMatched, ReasonNoMatchingNodes,
			"no node matches: compare spec.nodeSelector, spec.affinity and spec.tolerations with the labels and taints of the nodes")
		s.manage().MarkUnknown(ConditionAdaptersReady, ReasonNoMatchingNodes, "no node matches")
		return
	}
	s.manage().MarkTrue(ConditionNodesMatched)
	switch {
	case ready == s.Nodes.Desired:
		s.manage().MarkTrue(ConditionAdaptersReady)
	case sick != nil:
		s.manage().MarkFalse(ConditionAdaptersReady, ReasonAdapterFailing, "%s of the nodes are ready; node %s: %s (pod %s)",
			s.Nodes.Summary, sick.Node, sick.Message, sick.Pod)
	default:
		s.manage().MarkUnknown(ConditionAdaptersReady, ReasonAdaptersStarting, "%s of the nodes are ready", s.Nodes.Summary)
	}
}

// MarkClocksWatched says which parts of the spec this version accepts but cannot do yet.
func (s *PtpSourceStatus) MarkClocksWatched(notYet []string) {
	if len(notYet) == 0 {
		s.manage().MarkTrue(ConditionClocksWatched)
		return
	}
	s.manage().MarkFalse(ConditionClocksWatched, ReasonNotYetSupported,
		"this version accepts %s but does not watch it yet; linuxptp, hardwareClock, osClock, gnss and synce are watched", strings.Join(notYet, ", "))
}
