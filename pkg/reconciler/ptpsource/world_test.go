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
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	kubescheme "k8s.io/client-go/kubernetes/scheme"
	appsv1listers "k8s.io/client-go/listers/apps/v1"
	corev1listers "k8s.io/client-go/listers/core/v1"
	rbacv1listers "k8s.io/client-go/listers/rbac/v1"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
	"knative.dev/eventing/pkg/apis/feature"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	"knative.dev/pkg/client/injection/ducks/duck/v1/addressable"
	fakekubeclient "knative.dev/pkg/client/injection/kube/client/fake"
	"knative.dev/pkg/controller"
	fakedynamicclient "knative.dev/pkg/injection/clients/dynamicclient/fake"
	"knative.dev/pkg/logging"
	logtesting "knative.dev/pkg/logging/testing"
	pkgreconciler "knative.dev/pkg/reconciler"
	rt "knative.dev/pkg/reconciler/testing"
	"knative.dev/pkg/resolver"
	"knative.dev/pkg/tracker"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/policy"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	fakeclientset "github.com/eventing-ptp/eventing-ptp/pkg/client/clientset/versioned/fake"
	fakeptpclient "github.com/eventing-ptp/eventing-ptp/pkg/client/injection/client/fake"
	ptpsourcereconciler "github.com/eventing-ptp/eventing-ptp/pkg/client/injection/reconciler/sources/v1alpha1/ptpsource"
	ptplisters "github.com/eventing-ptp/eventing-ptp/pkg/client/listers/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

const (
	userNS    = "user"
	name      = "clocks"
	uid       = "0b9e1f5c"
	key       = userNS + "/" + name
	adapterNS = "adapters"
	systemNS  = "system"
	image     = "registry.example/receive_adapter:v1"
	dsName    = "ptpsource-clocks-" + uid
	sinkURL   = "http://events.user.svc.cluster.local"
)

var brokerKind = schema.GroupVersionKind{Group: "eventing.knative.dev", Version: "v1", Kind: "Broker"}

// world makes the reconciler of a row: fake clients and listers over the row's objects.
func world(t *testing.T, row *rt.TableRow) (controller.Reconciler, rt.ActionRecorderList, rt.EventList) {
	t.Helper()
	scheme := allKinds()
	sorter := rt.NewObjectSorter(scheme)
	var inAPI, sources, sinks []runtime.Object
	for _, object := range row.Objects {
		switch o := object.(type) {
		case *unstructured.Unstructured:
			sinks = append(sinks, o)
			continue
		case *v1alpha1.PtpSource:
			sources = append(sources, o)
		case *corev1.Service:
			if o.Namespace == adapterNS {
				inAPI = append(inAPI, o)
			}
			sinks = append(sinks, asUnstructured(t, o))
		default:
			inAPI = append(inAPI, o)
		}
		sorter.AddObjects(object)
	}

	ctx := row.Ctx
	if ctx == nil {
		ctx = t.Context()
	}
	ctx = logging.WithLogger(ctx, logtesting.TestLogger(t))
	row.Ctx = ctx
	ctx, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	if behind, _ := row.OtherTestData["cache is behind"].(bool); behind {
		// Of what the reconciler makes, its cache has seen nothing.
		sorter = rt.NewObjectSorter(scheme)
		sorter.AddObjects(row.Objects[0])
	}
	ctx, kube := fakekubeclient.With(ctx, inAPI...)
	ctx, ptp := fakeptpclient.With(ctx, sources...)
	ctx, dynamic := fakedynamicclient.With(ctx, sinkKinds(), sinks...)
	if none, _ := row.OtherTestData["no brokers"].(bool); none {
		dynamic.PrependReactor("list", "brokers", answer("list", "brokers", errors.New("there are no brokers here")))
	}
	ctx = addressable.WithDuck(ctx)

	recorder := record.NewFakeRecorder(20)
	ctx = controller.WithEventRecorder(ctx, recorder)
	reactors := append([]clienttesting.ReactionFunc{generations}, row.WithReactors...)
	for _, reactor := range reactors {
		kube.PrependReactor("*", "*", reactor)
		ptp.PrependReactor("*", "*", reactor)
	}

	adapters := adapterNS
	if shared, _ := row.OtherTestData["adapters in the system namespace"].(bool); shared {
		adapters = systemNS
	}
	pods := corev1listers.NewPodLister(sorter.IndexerForObjectType(&corev1.Pod{}))
	configMaps := corev1listers.NewConfigMapLister(sorter.IndexerForObjectType(&corev1.ConfigMap{}))
	accounts := corev1listers.NewServiceAccountLister(sorter.IndexerForObjectType(&corev1.ServiceAccount{}))
	r := &Reconciler{
		kube:                 kube,
		sinks:                resolver.NewURIResolverFromTracker(ctx, tracker.New(func(types.NamespacedName) {}, 0)),
		image:                image,
		adapters:             adapters,
		system:               systemNS,
		adapterEnv:           func() []corev1.EnvVar { return []corev1.EnvVar{{Name: "K_LOGGING_CONFIG", Value: "{}"}} },
		daemonSetLister:      appsv1listers.NewDaemonSetLister(sorter.IndexerForObjectType(&appsv1.DaemonSet{})),
		adapterAccountLister: accounts,
		serviceLister:        corev1listers.NewServiceLister(sorter.IndexerForObjectType(&corev1.Service{})),
		pods: func(source types.UID) []*corev1.Pod {
			found, err := pods.Pods(adapters).List(selectorOf(source))
			if err != nil {
				t.Error(err)
			}
			return found
		},
		bundleLister:       configMaps,
		systemBundleLister: configMaps,
		identityLister:     accounts,
		roleLister:         rbacv1listers.NewRoleLister(sorter.IndexerForObjectType(&rbacv1.Role{})),
		roleBindingLister:  rbacv1listers.NewRoleBindingLister(sorter.IndexerForObjectType(&rbacv1.RoleBinding{})),
	}
	c := ptpsourcereconciler.NewReconciler(ctx, logging.FromContext(ctx), ptp,
		ptplisters.NewPtpSourceLister(sorter.IndexerForObjectType(&v1alpha1.PtpSource{})), recorder, r,
		controller.Options{FinalizerName: finalizer})
	if err := c.(pkgreconciler.LeaderAware).Promote(pkgreconciler.UniversalBucket(), func(pkgreconciler.Bucket, types.NamespacedName) {}); err != nil {
		t.Fatal(err)
	}
	return c, rt.ActionRecorderList{kube, ptp}, rt.EventList{Recorder: recorder}
}

// generations counts what is created and updated, as the API server does.
func generations(action clienttesting.Action) (bool, runtime.Object, error) {
	if write, ok := action.(clienttesting.CreateAction); ok {
		if ds, ok := write.GetObject().(*appsv1.DaemonSet); ok {
			ds.Generation++
			return true, ds, nil
		}
	}
	return false, nil, nil
}

// The schemes are the same for all rows, and take longer to make than a row to run.
var (
	allKinds = sync.OnceValue(func() *runtime.Scheme {
		scheme := runtime.NewScheme()
		utilruntime.Must(kubescheme.AddToScheme(scheme))
		utilruntime.Must(fakeclientset.AddToScheme(scheme))
		return scheme
	})
	sinkKinds = sync.OnceValue(func() *runtime.Scheme {
		scheme := runtime.NewScheme()
		utilruntime.Must(corev1.AddToScheme(scheme))
		scheme.AddKnownTypeWithName(brokerKind, &unstructured.Unstructured{})
		scheme.AddKnownTypeWithName(brokerKind.GroupVersion().WithKind("BrokerList"), &unstructured.UnstructuredList{})
		return scheme
	})
)

func asUnstructured(t *testing.T, service *corev1.Service) *unstructured.Unstructured {
	t.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(service)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: fields}
	u.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Service"))
	return u
}

// The objects of the world.

type sourceOption func(*v1alpha1.PtpSource)

// newSource is as the API server has it: with defaults and our finalizer, and reconciled
// except for the DaemonSet.
func newSource(options ...sourceOption) *v1alpha1.PtpSource {
	s := &v1alpha1.PtpSource{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: userNS, Name: name, UID: uid, Generation: 1, Finalizers: []string{finalizer},
		},
	}
	s.Spec.Sink.Ref = &duckv1.KReference{APIVersion: "v1", Kind: "Service", Name: "events"}
	s.Status.InitializeConditions()
	s.Status.ObservedGeneration = 1
	s.Status.CloudEventAttributes = []duckv1.CloudEventAttributes{
		{Type: "event.sync.ptp-status.ptp-state-change", Source: "/cluster/node/*/sync/ptp-status/lock-state"},
		{Type: "event.sync.ptp-status.ptp-clock-class-change", Source: "/cluster/node/*/sync/ptp-status/clock-class"},
		{Type: "event.sync.sync-status.synchronization-state-change", Source: "/cluster/node/*/sync/sync-status/sync-state"},
		{Type: "com.github.eventing-ptp.events.lost", Source: "/cluster/node/*/sync/eventing-ptp/events-lost"},
	}
	s.Status.MarkClocksWatched(nil)
	s.Status.MarkSink(&duckv1.Addressable{URL: apis.HTTP("events.user.svc.cluster.local")})
	s.Status.MarkDeadLetterSink(nil)
	s.Status.MarkPermitted()
	s.Status.MarkOIDCIdentity("")
	s.SetDefaults(context.Background())
	for _, option := range options {
		option(s)
	}
	return s
}

// never is a source that nobody has reconciled.
func never(s *v1alpha1.PtpSource) { s.Status = v1alpha1.PtpSourceStatus{} }

func status(set func(*v1alpha1.PtpSourceStatus)) sourceOption {
	return func(s *v1alpha1.PtpSource) { set(&s.Status) }
}

func spec(set func(*v1alpha1.PtpSourceSpec)) sourceOption {
	return func(s *v1alpha1.PtpSource) { set(&s.Spec) }
}

func with(ds *appsv1.DaemonSet) sourceOption {
	return func(s *v1alpha1.PtpSource) { s.Status.PropagateDaemonSet(ds, nil) }
}

func sick(ds *appsv1.DaemonSet, node, pod, message string) sourceOption {
	return func(s *v1alpha1.PtpSource) {
		s.Status.PropagateDaemonSet(ds, &v1alpha1.SickAdapter{Node: node, Pod: pod, Message: message})
	}
}

func deletedSource(options ...sourceOption) *v1alpha1.PtpSource {
	return newSource(append(options, func(s *v1alpha1.PtpSource) {
		s.DeletionTimestamp = &metav1.Time{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	})...)
}

func args(source *v1alpha1.PtpSource) resources.Args {
	return resources.Args{
		Source: source, Image: image, Namespace: adapterNS, SystemNamespace: systemNS,
		Sink:       &duckv1.Addressable{URL: apis.HTTP("events.user.svc.cluster.local")},
		Thresholds: policy.Default().Thresholds, JournalDirectory: "/var/lib/eventing-ptp",
		Env: []corev1.EnvVar{{Name: "K_LOGGING_CONFIG", Value: "{}"}},
	}
}

// daemonSet is what the controller should make of a source.
func daemonSet(source *v1alpha1.PtpSource, change ...func(*resources.Args)) *appsv1.DaemonSet {
	a := args(source)
	for _, c := range change {
		c(&a)
	}
	ds, err := resources.MakeDaemonSet(a)
	if err != nil {
		panic(err)
	}
	return ds
}

// running is a DaemonSet whose adapters are ready on so many of so many nodes.
func running(ds *appsv1.DaemonSet, ready, desired int32) *appsv1.DaemonSet {
	ds = ds.DeepCopy()
	ds.Generation = 1
	ds.Status = appsv1.DaemonSetStatus{
		ObservedGeneration: 1, DesiredNumberScheduled: desired, UpdatedNumberScheduled: desired, NumberAvailable: ready,
	}
	return ds
}

func changed(ds *appsv1.DaemonSet, change func(*appsv1.DaemonSet)) *appsv1.DaemonSet {
	ds = ds.DeepCopy()
	change(ds)
	return ds
}

// updatedTo is what is written over live so that it is as wanted.
func updatedTo(want, live *appsv1.DaemonSet) *appsv1.DaemonSet {
	next := want.DeepCopy()
	next.Generation, next.Status = live.Generation, live.Status
	return next
}

func sinkService() *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: userNS, Name: "events"}}
}

func broker(fields map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"status": fields}}
	u.SetGroupVersionKind(brokerKind)
	u.SetNamespace(userNS)
	u.SetName("mesh")
	return u
}

func toBroker(s *v1alpha1.PtpSourceSpec) {
	s.Sink.Ref = &duckv1.KReference{APIVersion: "eventing.knative.dev/v1", Kind: "Broker", Name: "mesh", Namespace: userNS}
}

func pod(node, message string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: adapterNS, Name: dsName + "-" + node, Labels: map[string]string{resources.UIDLabel: uid},
			Annotations: map[string]string{resources.NamespaceAnnotation: userNS, resources.NameAnnotation: name},
		},
		Spec: corev1.PodSpec{NodeName: node},
	}
	if message != "" {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: message}},
		}}
	}
	return p
}

// The contexts of rows.

func withPolicy(change func(*policy.Policy)) context.Context {
	p := policy.Default()
	change(p)
	return policy.With(context.Background(), p)
}

func withOIDC() context.Context {
	return feature.ToContext(context.Background(), feature.Flags{feature.OIDCAuthentication: feature.Enabled})
}

// The answers of an API server.

func once(reaction clienttesting.ReactionFunc) clienttesting.ReactionFunc {
	done := false
	return func(action clienttesting.Action) (bool, runtime.Object, error) {
		if done {
			return false, nil, nil
		}
		handled, object, err := reaction(action)
		done = handled
		return handled, object, err
	}
}

func answer(verb, resource string, err error) clienttesting.ReactionFunc {
	return func(action clienttesting.Action) (bool, runtime.Object, error) {
		if !action.Matches(verb, resource) {
			return false, nil, nil
		}
		return true, nil, err
	}
}

func conflict(resource string) error {
	return apierrors.NewConflict(schema.GroupResource{Resource: resource}, "x", errors.New("it has changed"))
}

func deletion(resource, namespace, name string) clienttesting.DeleteActionImpl {
	return clienttesting.NewDeleteAction(schema.GroupVersionResource{Resource: resource}, namespace, name)
}

func deletionOf(object runtime.Object, resource string) clienttesting.DeleteActionImpl {
	o := object.(metav1.Object)
	return deletion(resource, o.GetNamespace(), o.GetName())
}

func writes(objects ...runtime.Object) []clienttesting.UpdateActionImpl {
	var updates []clienttesting.UpdateActionImpl
	for _, object := range objects {
		updates = append(updates, clienttesting.UpdateActionImpl{Object: object})
	}
	return updates
}

func statuses(source *v1alpha1.PtpSource) []clienttesting.UpdateActionImpl {
	return writes(source)
}

func selectorOf(source types.UID) labels.Selector {
	return labels.SelectorFromSet(labels.Set{resources.UIDLabel: string(source)})
}
