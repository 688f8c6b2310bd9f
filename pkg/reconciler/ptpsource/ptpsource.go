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

// Package ptpsource reconciles PtpSources: it runs adapters on the chosen nodes, and says
// how they are.
package ptpsource

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	appsv1listers "k8s.io/client-go/listers/apps/v1"
	corev1listers "k8s.io/client-go/listers/core/v1"
	rbacv1listers "k8s.io/client-go/listers/rbac/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	"knative.dev/pkg/controller"
	pkgreconciler "knative.dev/pkg/reconciler"
	"knative.dev/pkg/resolver"

	adapterconfig "github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/policy"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	ptpsourcereconciler "github.com/eventing-ptp/eventing-ptp/pkg/client/injection/reconciler/sources/v1alpha1/ptpsource"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// sinkRetry is how long after a sink was not found it is looked for again. A sink that
// appears is noticed at once, but not a kind of sinks that is installed later.
const sinkRetry = 30 * time.Second

// Reconciler reconciles PtpSources.
type Reconciler struct {
	kube  kubernetes.Interface
	sinks *resolver.URIResolver

	// image is the receive adapter's.
	image string
	// adapters is the namespace of the adapters, system that of the controller.
	adapters, system string
	// adapterEnv is the adapters' configuration of logging and observability.
	adapterEnv func() []corev1.EnvVar

	// These see the objects of our label in the adapters' namespace.
	daemonSetLister      appsv1listers.DaemonSetLister
	adapterAccountLister corev1listers.ServiceAccountLister
	serviceLister        corev1listers.ServiceLister
	pods                 func(source types.UID) []*corev1.Pod
	// These see the trust bundles of the adapters' and of the system namespace.
	bundleLister, systemBundleLister corev1listers.ConfigMapLister
	// These see the objects of Knative's OIDC label in all namespaces.
	identityLister    corev1listers.ServiceAccountLister
	roleLister        rbacv1listers.RoleLister
	roleBindingLister rbacv1listers.RoleBindingLister
}

var (
	_ ptpsourcereconciler.Interface = (*Reconciler)(nil)
	_ ptpsourcereconciler.Finalizer = (*Reconciler)(nil)
)

// ReconcileKind makes the cluster be as the source wants it.
func (r *Reconciler) ReconcileKind(ctx context.Context, source *v1alpha1.PtpSource) pkgreconciler.Event {
	// It reconciles, in this order:
	// 1. What the source can send and watch, which is said and needs nothing of the cluster.
	// 2. The addresses of the sink and the dead letter sink. One that is missing stops the
	//    adapters from being changed, and not the adapters.
	// 3. Permission. What config-ptp does not allow does not run: the DaemonSet is deleted.
	// 4. The OIDC identity, and the adapters' right to its tokens. What is in the namespace of
	//    the source is deleted with it by Kubernetes, the rest in FinalizeKind.
	// 5. Pause. The DaemonSet is deleted, and all else is kept.
	// 6. Copies of the trust bundles for the adapters, which all sources share.
	// 7. The Service of the O-Cloud API, in the adapters' namespace. Deleted like the DaemonSet.
	// 8. The DaemonSet, in the adapters' namespace. Deleted in FinalizeKind: an owner must be
	//    in the same namespace.
	// 9. The Services of the nodes on which it runs, where they are asked for.
	source.Status.CloudEventAttributes = resources.CloudEventAttributes(source)
	source.Status.MarkClocksWatched(resources.NotYetWatched(source))

	sink, deadLetterSink, missing := r.resolveSinks(ctx, source)

	thresholds, refusal := permit(ctx, source)
	if refusal != nil {
		return r.refuse(ctx, source, refusal)
	}
	source.Status.MarkPermitted()

	if err := r.reconcileIdentity(ctx, source); err != nil {
		return err
	}
	if source.Spec.Paused {
		return r.removeDaemonSet(ctx, source, v1alpha1.ReasonPaused, "spec.paused is true: no adapters run until it is false")
	}
	if missing {
		err := r.keepDaemonSet(source)
		blameSinks(source)
		return errors.Join(err, controller.NewRequeueAfter(sinkRetry))
	}
	bundles, err := r.reconcileTrustBundles(ctx)
	if err != nil {
		source.Status.MarkNotDeployed(v1alpha1.ReasonTrustBundlesFailed, err.Error())
		return err
	}
	if err := r.reconcileOCloud(ctx, source); err != nil {
		source.Status.MarkNotDeployed(v1alpha1.ReasonServiceFailed, err.Error())
		return err
	}
	err = r.reconcileDaemonSet(ctx, source, resources.Args{
		Source:             source,
		Image:              r.image,
		Namespace:          r.adapters,
		SystemNamespace:    r.system,
		Sink:               sink,
		DeadLetterSink:     deadLetterSink,
		JournalDirectory:   policy.From(ctx).JournalDirectory,
		Thresholds:         thresholds,
		OIDCServiceAccount: identityOf(source),
		TrustBundles:       bundles,
		Env:                r.adapterEnv(),
	})
	if err != nil {
		return err
	}
	if err := r.reconcileNodeServices(ctx, source); err != nil {
		source.Status.MarkNotDeployed(v1alpha1.ReasonServiceFailed, err.Error())
		return err
	}
	return nil
}

// FinalizeKind deletes what Kubernetes does not delete with the source.
func (r *Reconciler) FinalizeKind(ctx context.Context, source *v1alpha1.PtpSource) pkgreconciler.Event {
	source.Status.CloudEventAttributes = nil // what cannot be deleted keeps the source, but not its EventTypes
	return r.finalize(ctx, source)
}

// resolveSinks finds out where events go, and whether one of the addresses is missing.
// The tracker brings the source back when a sink changes or appears.
func (r *Reconciler) resolveSinks(ctx context.Context, source *v1alpha1.PtpSource) (sink, deadLetter *duckv1.Addressable, missing bool) {
	before := reasonOf(source, v1alpha1.ConditionSinkProvided)
	sink, err := r.resolve(ctx, source, source.Spec.Sink)
	if err != nil {
		reason := v1alpha1.ReasonSinkNotFound
		if apierrors.IsBadRequest(err) {
			reason = v1alpha1.ReasonSinkEmpty
		}
		source.Status.MarkNoSink(reason, "spec.sink: "+noAddress(source.Spec.Sink, err))
		missing = true
	} else {
		source.Status.MarkSink(sink)
		missing = sink.URL.IsEmpty()
	}
	r.warnOnChange(ctx, source, v1alpha1.ConditionSinkProvided, before)

	if source.Spec.Delivery == nil || source.Spec.Delivery.DeadLetterSink == nil {
		source.Status.MarkDeadLetterSink(nil)
		return sink, nil, missing
	}
	before = reasonOf(source, v1alpha1.ConditionDeadLetterSinkProvided)
	deadLetter, err = r.resolve(ctx, source, *source.Spec.Delivery.DeadLetterSink)
	if err != nil {
		source.Status.MarkNoDeadLetterSink(v1alpha1.ReasonDeadLetterSinkNotFound,
			"spec.delivery.deadLetterSink: "+noAddress(*source.Spec.Delivery.DeadLetterSink, err))
		missing = true
	} else {
		source.Status.MarkDeadLetterSink(deadLetter)
		missing = missing || deadLetter.URL.IsEmpty()
	}
	r.warnOnChange(ctx, source, v1alpha1.ConditionDeadLetterSinkProvided, before)
	return sink, deadLetter, missing
}

// noAddress says why there is no address, in words where the library has none.
func noAddress(of duckv1.Destination, err error) string {
	if of.Ref == nil || !apierrors.IsBadRequest(err) {
		return err.Error()
	}
	which := "address"
	if of.Ref.Address != nil {
		which = fmt.Sprintf("address named %q", *of.Ref.Address)
	}
	return fmt.Sprintf("%s %s has no %s yet: see why it is not ready", of.Ref.Kind, of.Ref.Name, which)
}

// blameSinks makes Ready say which sink is missing. It says what was marked last, and that
// the adapters wait for the sink is not what there is to do something about.
func blameSinks(source *v1alpha1.PtpSource) {
	if c := source.Status.GetCondition(v1alpha1.ConditionDeadLetterSinkProvided); c.IsFalse() {
		source.Status.MarkNoDeadLetterSink(c.Reason, c.Message)
	}
	if c := source.Status.GetCondition(v1alpha1.ConditionSinkProvided); c.IsFalse() {
		source.Status.MarkNoSink(c.Reason, c.Message)
	}
}

func (r *Reconciler) resolve(ctx context.Context, source *v1alpha1.PtpSource, to duckv1.Destination) (*duckv1.Addressable, error) {
	destination := to.DeepCopy()
	if destination.Ref != nil && destination.Ref.Namespace == "" {
		destination.Ref.Namespace = source.Namespace
	}
	return r.sinks.AddressableFromDestinationV1(ctx, *destination, source)
}

// refusal is why a source may not run.
type refusal struct{ reason, message string }

// permit asks the administrator's policy, and returns the thresholds that apply.
func permit(ctx context.Context, source *v1alpha1.PtpSource) (adapterconfig.Thresholds, *refusal) {
	allowed, spec := policy.From(ctx), source.Spec
	thresholds, err := resources.Thresholds(spec.Thresholds, allowed.Thresholds)
	switch {
	case !allowed.AllowsSocketDirectory(spec.Linuxptp.SocketDirectory):
		return thresholds, &refusal{v1alpha1.ReasonSocketDirNotAllowed, fmt.Sprintf(
			"spec.linuxptp.socketDirectory is %s, and %s in config map %s allows only %s, with all below",
			spec.Linuxptp.SocketDirectory, policy.AllowedSocketDirectoriesKey, policy.ConfigMapName,
			strings.Join(allowed.AllowedSocketDirectories, ", "))}
	case spec.History.Storage == v1alpha1.StorageHostPath && allowed.JournalDirectory == "":
		return thresholds, &refusal{v1alpha1.ReasonJournalDirNotAllowed, fmt.Sprintf(
			"spec.history.storage is %s, and %s in config map %s is empty; %s needs no directory of the node",
			v1alpha1.StorageHostPath, policy.JournalDirectoryKey, policy.ConfigMapName, v1alpha1.StorageEmptyDir)}
	case resources.RunsPrivileged(spec) && !allowed.AllowPrivileged:
		return thresholds, &refusal{v1alpha1.ReasonPrivilegedNotAllowed, fmt.Sprintf(
			"spec.hardwareClock.privileged needs %s: \"true\" in config map %s; spec.hardwareClock.resourceName does not",
			policy.AllowPrivilegedKey, policy.ConfigMapName)}
	case resources.RunsOnHostNetwork(spec) && !allowed.AllowHostNetwork:
		return thresholds, &refusal{v1alpha1.ReasonHostNetworkNotAllowed, fmt.Sprintf(
			"spec.gnss, spec.synce and spec.osClock.chronyd need %s: \"true\" in config map %s", policy.AllowHostNetworkKey, policy.ConfigMapName)}
	case err != nil:
		return thresholds, &refusal{v1alpha1.ReasonThresholdsOutOfOrder, fmt.Sprintf(
			"%v; what spec.thresholds leaves out is from config map %s", err, policy.ConfigMapName)}
	}
	return thresholds, nil
}

// refuse stops what may not run.
func (r *Reconciler) refuse(ctx context.Context, source *v1alpha1.PtpSource, because *refusal) error {
	before := reasonOf(source, v1alpha1.ConditionPermitted)
	source.Status.MarkNotPermitted(because.reason, because.message)
	r.warnOnChange(ctx, source, v1alpha1.ConditionPermitted, before)
	return r.removeDaemonSet(ctx, source, because.reason, because.message)
}

// identityOf returns the name of the service account that the source shows, empty for none.
func identityOf(source *v1alpha1.PtpSource) string {
	if source.Status.Auth == nil || source.Status.Auth.ServiceAccountName == nil {
		return ""
	}
	return *source.Status.Auth.ServiceAccountName
}

// reasonOf returns why a condition is false, and the empty string when it is not.
func reasonOf(source *v1alpha1.PtpSource, t apis.ConditionType) string {
	if c := source.Status.GetCondition(t); c.IsFalse() {
		return c.Reason
	}
	return ""
}

// warnOnChange tells of a condition that has become false, or is so for another reason.
func (r *Reconciler) warnOnChange(ctx context.Context, source *v1alpha1.PtpSource, t apis.ConditionType, before string) {
	if now := reasonOf(source, t); now != "" && now != before {
		controller.GetEventRecorder(ctx).Event(source, corev1.EventTypeWarning, now, source.Status.GetCondition(t).Message)
	}
}

// tell tells of something that was done.
func (r *Reconciler) tell(ctx context.Context, source *v1alpha1.PtpSource, reason, format string, args ...any) {
	controller.GetEventRecorder(ctx).Eventf(source, corev1.EventTypeNormal, reason, format, args...)
}
