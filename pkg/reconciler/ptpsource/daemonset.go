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
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"knative.dev/pkg/controller"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// The reasons of the Kubernetes events that tell of changes.
const (
	daemonSetCreated = "DaemonSetCreated"
	daemonSetUpdated = "DaemonSetUpdated"
	daemonSetDeleted = "DaemonSetDeleted"
)

// reconcileDaemonSet makes the adapters run as the source wants it.
func (r *Reconciler) reconcileDaemonSet(ctx context.Context, source *v1alpha1.PtpSource, args resources.Args) error {
	want, err := resources.MakeDaemonSet(args)
	if err != nil {
		source.Status.MarkNotDeployed(v1alpha1.ReasonDaemonSetFailed, err.Error())
		return controller.NewPermanentError(err) // trying again does not change the spec
	}
	live, change, err := r.daemonSets(source).keep(ctx, want)
	if err != nil {
		source.Status.MarkNotDeployed(v1alpha1.ReasonDaemonSetFailed, err.Error())
		return err
	}
	switch change {
	case created:
		r.tell(ctx, source, daemonSetCreated, "Created DaemonSet %s/%s", live.Namespace, live.Name)
	case updated:
		r.tell(ctx, source, daemonSetUpdated, "Updated DaemonSet %s/%s", live.Namespace, live.Name)
	}
	source.Status.PropagateDaemonSet(live, r.sickAdapter(source, live))
	return nil
}

// keepDaemonSet leaves the adapters alone while there is no sink to send to: what they
// see is in their journals until the sink is back, and would be lost with them. Without a
// sink nothing new can be made either, so Deployed says that the DaemonSet waits.
func (r *Reconciler) keepDaemonSet(source *v1alpha1.PtpSource) error {
	live, err := r.daemonSetLister.DaemonSets(r.adapters).Get(resources.Name(source))
	if apierrors.IsNotFound(err) || err == nil && !resources.BelongsTo(live, source) {
		source.Status.MarkNoAdapters(v1alpha1.ReasonWaiting, "there are no adapters until the sink has an address")
		return nil
	}
	if err != nil {
		return fmt.Errorf("get DaemonSet %s/%s: %w", r.adapters, resources.Name(source), err)
	}
	source.Status.PropagateDaemonSet(live, r.sickAdapter(source, live))
	source.Status.MarkNotDeployed(v1alpha1.ReasonWaiting, fmt.Sprintf(
		"DaemonSet %s/%s runs on as it was, and keeps its events, until the sink has an address", live.Namespace, live.Name))
	return nil
}

// removeDaemonSet stops the adapters and says why.
func (r *Reconciler) removeDaemonSet(ctx context.Context, source *v1alpha1.PtpSource, reason, message string) error {
	removed, err := r.daemonSets(source).remove(ctx, &metav1.ObjectMeta{Namespace: r.adapters, Name: resources.Name(source)})
	if err != nil {
		source.Status.MarkNotDeployed(v1alpha1.ReasonDaemonSetFailed, err.Error())
		return err
	}
	if removed != nothing {
		r.tell(ctx, source, daemonSetDeleted, "Deleted DaemonSet %s/%s: %s", r.adapters, resources.Name(source), message)
	}
	source.Status.MarkNoAdapters(reason, message)
	return nil
}

// finalize deletes what is in the adapters' namespace: by name, also what the cache has
// not seen yet, and by label, also what another version has named differently.
func (r *Reconciler) finalize(ctx context.Context, source *v1alpha1.PtpSource) error {
	selector := labels.SelectorFromSet(labels.Set{resources.UIDLabel: string(source.UID)})
	var errs []error

	daemonSets := r.daemonSets(source)
	_, err := daemonSets.removeNow(ctx, &metav1.ObjectMeta{Namespace: r.adapters, Name: resources.Name(source)})
	errs = append(errs, err)
	others, err := r.daemonSetLister.DaemonSets(r.adapters).List(selector)
	errs = append(errs, err)
	for _, ds := range others {
		if ds.Name != resources.Name(source) {
			_, err := daemonSets.removeNow(ctx, ds)
			errs = append(errs, err)
		}
	}

	accounts := r.adapterAccounts(source)
	_, err = accounts.removeNow(ctx, &metav1.ObjectMeta{Namespace: r.adapters, Name: resources.Name(source)})
	errs = append(errs, err)
	more, err := r.adapterAccountLister.ServiceAccounts(r.adapters).List(selector)
	errs = append(errs, err)
	for _, account := range more {
		if account.Name != resources.Name(source) {
			_, err := accounts.removeNow(ctx, account)
			errs = append(errs, err)
		}
	}

	// Not of the cache, which may not have seen the last ones yet.
	services, err := r.kube.CoreV1().Services(r.adapters).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("list Services in %s: %w", r.adapters, err))...)
	}
	for n := range services.Items {
		_, err := r.services(source).removeNow(ctx, &services.Items[n])
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *Reconciler) daemonSets(source *v1alpha1.PtpSource) keeper[*appsv1.DaemonSet] {
	return keeper[*appsv1.DaemonSet]{
		kind:    "DaemonSet",
		cache:   r.daemonSetLister.DaemonSets(r.adapters),
		api:     r.kube.AppsV1().DaemonSets(r.adapters),
		ours:    func(live *appsv1.DaemonSet) bool { return resources.BelongsTo(live, source) },
		overlay: overlayDaemonSet,
	}
}

// overlayDaemonSet replaces the spec when it differs. The hash shows what is no longer
// asked for, and the comparison what somebody else has changed.
func overlayDaemonSet(want, live *appsv1.DaemonSet) (*appsv1.DaemonSet, bool) {
	next := live.DeepCopy()
	if !overlayMeta(want, next) && // the hash is an annotation
		equality.Semantic.DeepDerivative(want.Spec, live.Spec) &&
		equality.Semantic.DeepEqual(explicit(want.Spec.Template.Spec), explicit(live.Spec.Template.Spec)) {
		return live, false
	}
	annotations := next.Spec.Template.Annotations
	next.Spec = *want.Spec.DeepCopy()
	// Others write there too, for example kubectl rollout restart.
	next.Spec.Template.Annotations, _ = overlay(want.Spec.Template.Annotations, annotations)
	return next, true
}

// explicitPod is what of a pod the API server fills in nothing, and a derivative does
// not compare well: what was added to a list, and what should be zero or absent.
type explicitPod struct {
	HostNetwork, HostPID, HostIPC bool
	NodeSelector                  map[string]string
	Affinity                      *corev1.Affinity
	Tolerations                   []corev1.Toleration
	Security                      *corev1.PodSecurityContext
	Token, Links                  *bool
	InitContainers, Volumes       int
	Containers                    []explicitContainer
}

type explicitContainer struct {
	Command, Args []string
	Env           []corev1.EnvVar
	EnvFrom       []corev1.EnvFromSource
	Resources     corev1.ResourceRequirements
	Mounts        []corev1.VolumeMount
	Security      *corev1.SecurityContext
}

func explicit(pod corev1.PodSpec) explicitPod {
	e := explicitPod{
		HostNetwork: pod.HostNetwork, HostPID: pod.HostPID, HostIPC: pod.HostIPC,
		NodeSelector: pod.NodeSelector, Affinity: pod.Affinity, Tolerations: pod.Tolerations,
		Security: pod.SecurityContext, Token: pod.AutomountServiceAccountToken, Links: pod.EnableServiceLinks,
		InitContainers: len(pod.InitContainers), Volumes: len(pod.Volumes),
	}
	for _, c := range pod.Containers {
		e.Containers = append(e.Containers, explicitContainer{
			Command: c.Command, Args: c.Args, Env: c.Env, EnvFrom: c.EnvFrom,
			Resources: c.Resources, Mounts: c.VolumeMounts, Security: c.SecurityContext,
		})
	}
	return e
}
