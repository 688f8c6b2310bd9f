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

	"github.com/kelseyhightower/envconfig"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"knative.dev/eventing/pkg/auth"
	"knative.dev/eventing/pkg/eventingtls"
	kubeclient "knative.dev/pkg/client/injection/kube/client"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/kmeta"
	"knative.dev/pkg/logging"
	"knative.dev/pkg/resolver"
	"knative.dev/pkg/system"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	ptpsourceinformer "github.com/eventing-ptp/eventing-ptp/pkg/client/injection/informers/sources/v1alpha1/ptpsource"
	ptpsourcereconciler "github.com/eventing-ptp/eventing-ptp/pkg/client/injection/reconciler/sources/v1alpha1/ptpsource"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

// env is what the controller takes from its environment.
type env struct {
	// Image is the receive adapter's.
	Image string `envconfig:"PTPSOURCE_RA_IMAGE" required:"true"`
	// Adapters is the namespace in which the adapters run.
	Adapters string `envconfig:"ADAPTER_NAMESPACE" default:"eventing-ptp-adapters"`
}

// finalizer is in the way of deletion until FinalizeKind is done. The generated name has
// no path, and Kubernetes warns of those with every write.
const finalizer = "ptpsources.sources.knative.dev/adapters"

// bySource is the index of pods by the uid of their source.
const bySource = "source"

// NewController wires the reconciler to everything that can change what it does. It
// returns when its caches are filled.
func NewController(ctx context.Context, cmw configmap.Watcher) *controller.Impl {
	var e env
	if err := envconfig.Process("", &e); err != nil {
		logging.FromContext(ctx).Fatalw("The environment of the controller is not complete", "error", err)
	}

	var resync func()
	settings := watchSettings(ctx, cmw, func() {
		if resync != nil {
			resync()
		}
	})

	// The caches hold what we have labelled, or Knative has for us, and no more.
	kube := kubeclient.Get(ctx)
	var factories []informers.SharedInformerFactory
	labelled := func(namespace, selector string) informers.SharedInformerFactory {
		factory := informers.NewSharedInformerFactoryWithOptions(kube, 0,
			informers.WithNamespace(namespace),
			informers.WithTransform(slim),
			informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = selector }))
		factories = append(factories, factory)
		return factory
	}
	ours := labelled(e.Adapters, resources.UIDLabel)
	daemonSets, pods, accounts := ours.Apps().V1().DaemonSets(), ours.Core().V1().Pods(), ours.Core().V1().ServiceAccounts()
	services := ours.Core().V1().Services()
	bundles := labelled(e.Adapters, eventingtls.TrustBundleLabelSelector).Core().V1().ConfigMaps()
	systemBundles := labelled(system.Namespace(), eventingtls.TrustBundleLabelSelector).Core().V1().ConfigMaps()
	oidc := labelled(metav1.NamespaceAll, auth.OIDCLabelSelector)
	identities, roles, roleBindings := oidc.Core().V1().ServiceAccounts(), oidc.Rbac().V1().Roles(), oidc.Rbac().V1().RoleBindings()
	sources := ptpsourceinformer.Get(ctx)
	must(ctx, sources.Informer().SetTransform(slim))
	must(ctx, pods.Informer().AddIndexers(cache.Indexers{bySource: sourceIndex}))

	r := &Reconciler{
		kube:                 kube,
		image:                e.Image,
		adapters:             e.Adapters,
		system:               system.Namespace(),
		adapterEnv:           settings.adapterEnv,
		daemonSetLister:      daemonSets.Lister(),
		adapterAccountLister: accounts.Lister(),
		serviceLister:        services.Lister(),
		pods:                 podsOf(pods.Informer().GetIndexer()),
		bundleLister:         bundles.Lister(),
		systemBundleLister:   systemBundles.Lister(),
		identityLister:       identities.Lister(),
		roleLister:           roles.Lister(),
		roleBindingLister:    roleBindings.Lister(),
	}
	impl := ptpsourcereconciler.NewImpl(ctx, r, func(*controller.Impl) controller.Options {
		return controller.Options{ConfigStore: settings, FinalizerName: finalizer}
	})
	r.sinks = resolver.NewURIResolverFromTracker(ctx, impl.Tracker)
	resync = func() { impl.GlobalResync(sources.Informer()) }

	handle := func(informer cache.SharedIndexInformer, handler cache.ResourceEventHandler) {
		_, err := informer.AddEventHandler(handler)
		must(ctx, err)
	}
	handle(sources.Informer(), controller.HandleAll(impl.Enqueue))
	enqueue := enqueueSource(impl.EnqueueKey)
	handle(daemonSets.Informer(), onEveryChange(enqueue))
	handle(accounts.Informer(), onEveryChange(enqueue))
	handle(services.Informer(), onEveryChange(enqueue))
	handle(pods.Informer(), onAilment(enqueue))
	handle(pods.Informer(), onComeAndGo(enqueue, func(of types.NamespacedName) bool {
		source, err := sources.Lister().PtpSources(of.Namespace).Get(of.Name)
		return err == nil && resources.WantsNodeServices(source.Spec)
	}))
	for _, informer := range []cache.SharedIndexInformer{identities.Informer(), roles.Informer(), roleBindings.Informer()} {
		handle(informer, cache.FilteringResourceEventHandler{
			FilterFunc: controller.FilterController(&v1alpha1.PtpSource{}),
			Handler:    controller.HandleAll(impl.EnqueueControllerOf),
		})
	}
	for _, informer := range []cache.SharedIndexInformer{bundles.Informer(), systemBundles.Informer()} {
		handle(informer, controller.HandleAll(func(any) { resync() }))
	}

	for _, factory := range factories {
		factory.Start(ctx.Done())
	}
	for _, factory := range factories {
		factory.WaitForCacheSync(ctx.Done())
	}
	return impl
}

// must is for what can only fail when the wiring is wrong.
func must(ctx context.Context, err error) {
	if err != nil {
		logging.FromContext(ctx).Fatalw("The controller is wired wrongly", "error", err)
	}
}

// enqueueSource finds the source that an object was made for.
func enqueueSource(enqueue func(types.NamespacedName)) func(any) {
	return func(object any) {
		accessor, err := kmeta.DeletionHandlingAccessor(object)
		if err != nil {
			return
		}
		if source, ok := resources.SourceOf(accessor); ok {
			enqueue(source)
		}
	}
}

// onEveryChange passes on both sides of an update: what somebody has changed may be the
// way back to the source.
func onEveryChange(pass func(any)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    pass,
		UpdateFunc: func(before, now any) { pass(before); pass(now) },
		DeleteFunc: pass,
	}
}

// onAilment passes on pods that fall ill, get well, or are ill in another way. All else
// that happens to thousands of pods shows in the status of their DaemonSet.
func onAilment(pass func(any)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(pod any) {
			if ailmentOf(pod) != "" {
				pass(pod)
			}
		},
		UpdateFunc: func(before, now any) {
			if ailmentOf(before) != ailmentOf(now) {
				pass(now)
			}
		},
		DeleteFunc: func(pod any) {
			if ailmentOf(pod) != "" {
				pass(pod)
			}
		},
	}
}

// onComeAndGo passes on pods that have a node and not the label by which its Service finds
// them, and pods that are gone, of sources that want such Services.
func onComeAndGo(pass func(any), wanted func(types.NamespacedName) bool) cache.ResourceEventHandler {
	passWanted := func(pod metav1.Object) {
		if source, ok := resources.SourceOf(pod); ok && wanted(source) {
			pass(pod)
		}
	}
	come := func(object any) {
		if pod, ok := object.(*corev1.Pod); ok && nodeOf(pod) != "" && pod.Labels[resources.NodeLabel] == "" {
			passWanted(pod)
		}
	}
	gone := func(object any) {
		if pod, err := kmeta.DeletionHandlingAccessor(object); err == nil {
			passWanted(pod)
		}
	}
	return cache.ResourceEventHandlerFuncs{AddFunc: come, UpdateFunc: func(_, now any) { come(now) }, DeleteFunc: gone}
}

func ailmentOf(object any) string {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	if pod, ok := object.(*corev1.Pod); ok {
		return ailment(pod)
	}
	return ""
}

func sourceIndex(object any) ([]string, error) {
	accessor, err := kmeta.DeletionHandlingAccessor(object)
	if err != nil {
		return nil, err
	}
	return []string{accessor.GetLabels()[resources.UIDLabel]}, nil
}

// podsOf returns a function that looks the pods of a source up in an index.
func podsOf(indexer cache.Indexer) func(types.UID) []*corev1.Pod {
	return func(source types.UID) []*corev1.Pod {
		objects, err := indexer.ByIndex(bySource, string(source))
		if err != nil {
			return nil // there is no such index, which wiring excludes
		}
		pods := make([]*corev1.Pod, 0, len(objects))
		for _, object := range objects {
			pods = append(pods, object.(*corev1.Pod))
		}
		return pods
	}
}
