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
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"
	eventingduckv1 "knative.dev/eventing/pkg/apis/duck/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	rt "knative.dev/pkg/reconciler/testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/policy"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

func TestReconcileDaemonSet(t *testing.T) {
	want := daemonSet(newSource())
	ready := running(want, 3, 3)

	test(t, rt.TableTest{{
		Name: "a key that is none is ignored",
		Key:  "too/many/parts",
	}, {
		Name: "a source that is gone is ignored",
		Key:  key,
	}, {
		Name:              "a new source gets a finalizer and a DaemonSet",
		Objects:           []runtime.Object{newSource(never, func(s *v1alpha1.PtpSource) { s.Finalizers = nil }), sinkService()},
		WantCreates:       []runtime.Object{want},
		WantPatches:       []clienttesting.PatchActionImpl{finalizerPatch(`["ptpsources.sources.knative.dev/adapters"]`)},
		WantStatusUpdates: statuses(newSource(func(s *v1alpha1.PtpSource) { s.Finalizers = nil }, with(changed(want, func(ds *appsv1.DaemonSet) { ds.Generation = 1 })))),
		WantEvents: []string{
			`Normal FinalizerUpdate Updated "clocks" finalizers`,
			"Normal DaemonSetCreated Created DaemonSet adapters/" + dsName,
		},
	}, {
		Name:              "it is Ready when all adapters are",
		Objects:           []runtime.Object{newSource(), sinkService(), ready},
		WantStatusUpdates: statuses(newSource(with(ready))),
	}, {
		Name:    "nothing is written when nothing differs",
		Objects: []runtime.Object{newSource(with(ready)), sinkService(), ready},
	}, {
		Name: "a pod that is not well is named, the first by its node",
		Objects: []runtime.Object{
			newSource(), sinkService(), running(want, 1, 3), pod("n3", "no such image"), pod("n2", "no such image"), pod("n1", ""),
		},
		WantStatusUpdates: statuses(newSource(sick(running(want, 1, 3), "n2", "adapters/"+dsName+"-n2", "ImagePullBackOff: no such image"))),
	}, {
		Name:              "pods that are starting are not sick",
		Objects:           []runtime.Object{newSource(), sinkService(), running(want, 1, 3), pod("n1", "")},
		WantStatusUpdates: statuses(newSource(with(running(want, 1, 3)))),
	}, {
		Name:              "no node matches",
		Objects:           []runtime.Object{newSource(), sinkService(), running(want, 0, 0)},
		WantStatusUpdates: statuses(newSource(with(running(want, 0, 0)))),
	}})
}

func TestReconcileDaemonSetDrift(t *testing.T) {
	want := daemonSet(newSource())
	live := running(want, 3, 3)
	more := newSource(spec(func(s *v1alpha1.PtpSourceSpec) { s.NodeSelector = map[string]string{"ptp": "yes"} }))
	updatedEvent := []string{"Normal DaemonSetUpdated Updated DaemonSet adapters/" + dsName}
	afterUpdate := changed(live, func(ds *appsv1.DaemonSet) { ds.Generation++ })

	rows := rt.TableTest{{
		Name:              "a changed spec changes the DaemonSet",
		Objects:           []runtime.Object{newSource(with(live), sameSpec(more)), sinkService(), live},
		WantUpdates:       writes(updatedTo(daemonSet(more), live)),
		WantStatusUpdates: statuses(newSource(with(live), sameSpec(more), with(afterUpdate))),
		WantEvents:        updatedEvent,
	}, {
		Name:              "a field that is not asked for any more is noticed",
		Objects:           []runtime.Object{newSource(with(live)), sinkService(), running(daemonSet(more), 3, 3)},
		WantUpdates:       writes(updatedTo(want, live)),
		WantStatusUpdates: statuses(newSource(with(live), with(afterUpdate))),
		WantEvents:        updatedEvent,
	}, {
		Name: "what others write beside it stays, and is no difference",
		Objects: []runtime.Object{newSource(with(live)), sinkService(), changed(live, func(ds *appsv1.DaemonSet) {
			ds.Annotations["other"] = "x"
			ds.Labels["other"] = "x"
			ds.Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] = "now"
			ds.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyAlways // as the API server fills in
		})},
	}, {
		Name: "a restart that somebody asked for is not undone by an update",
		Objects: []runtime.Object{newSource(with(live)), sinkService(), changed(running(daemonSet(more), 3, 3), func(ds *appsv1.DaemonSet) {
			ds.Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] = "now"
		})},
		WantUpdates: writes(changed(updatedTo(want, live), func(ds *appsv1.DaemonSet) {
			ds.Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] = "now"
		})),
		WantStatusUpdates: statuses(newSource(with(live), with(afterUpdate))),
		WantEvents:        updatedEvent,
	}, {
		Name:    "an update that is undone on its way is no change",
		Objects: []runtime.Object{newSource(with(live)), sinkService(), versioned(running(daemonSet(more), 3, 3), "7")},
		WithReactors: []clienttesting.ReactionFunc{func(action clienttesting.Action) (bool, runtime.Object, error) {
			return action.Matches("update", "daemonsets"), versioned(live, "7"), nil
		}},
		WantUpdates: writes(versioned(updatedTo(want, live), "7")),
	}}
	for _, edit := range []struct {
		name string
		edit func(*appsv1.DaemonSet)
	}{
		{"another image", func(ds *appsv1.DaemonSet) { ds.Spec.Template.Spec.Containers[0].Image = "evil" }},
		{"one more variable", func(ds *appsv1.DaemonSet) {
			c := &ds.Spec.Template.Spec.Containers[0]
			c.Env = append(c.Env, corev1.EnvVar{Name: "GODEBUG", Value: "x"})
		}},
		{"one more toleration", func(ds *appsv1.DaemonSet) {
			ds.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		}},
		{"one more container", func(ds *appsv1.DaemonSet) {
			p := &ds.Spec.Template.Spec
			p.Containers = append(p.Containers, corev1.Container{Name: "more"})
		}},
		{"the node's network", func(ds *appsv1.DaemonSet) { ds.Spec.Template.Spec.HostNetwork = true }},
		{"a privileged container", func(ds *appsv1.DaemonSet) {
			privileged := true
			ds.Spec.Template.Spec.Containers[0].SecurityContext.Privileged = &privileged
		}},
		{"another user than root", func(ds *appsv1.DaemonSet) { *ds.Spec.Template.Spec.SecurityContext.RunAsUser = 1 }},
		{"no label of ours on the pods", func(ds *appsv1.DaemonSet) { delete(ds.Spec.Template.Labels, "bindings.knative.dev/exclude") }},
		{"no hash", func(ds *appsv1.DaemonSet) { ds.Annotations = nil }},
	} {
		rows = append(rows, rt.TableRow{
			Name:              "somebody else's change is undone: " + edit.name,
			Objects:           []runtime.Object{newSource(with(live)), sinkService(), changed(live, edit.edit)},
			WantUpdates:       writes(updatedTo(want, live)),
			WantStatusUpdates: statuses(newSource(with(live), with(afterUpdate))),
			WantEvents:        updatedEvent,
		})
	}
	test(t, rows)
}

func TestReconcileDaemonSetFailures(t *testing.T) {
	want := daemonSet(newSource())
	live := running(want, 3, 3)
	other := running(daemonSet(newSource(spec(func(s *v1alpha1.PtpSourceSpec) { s.PriorityClassName = "x" }))), 3, 3)
	foreign := changed(live, func(ds *appsv1.DaemonSet) { ds.Labels = nil })
	path := "DaemonSet adapters/" + dsName
	failed := func(message string) []clienttesting.UpdateActionImpl {
		return statuses(newSource(status(func(s *v1alpha1.PtpSourceStatus) { s.MarkNotDeployed("DaemonSetFailed", message) })))
	}
	internal := func(message string) []string { return []string{"Warning InternalError " + message} }
	notOurs := path + " exists and is not of this PtpSource: delete it, or rename the PtpSource"

	test(t, rt.TableTest{{
		Name:              "it cannot be created",
		Objects:           []runtime.Object{newSource(), sinkService()},
		WithReactors:      []clienttesting.ReactionFunc{rt.InduceFailure("create", "daemonsets")},
		WantErr:           true,
		WantCreates:       []runtime.Object{want},
		WantStatusUpdates: failed("create " + path + ": inducing failure for create daemonsets"),
		WantEvents:        internal("create " + path + ": inducing failure for create daemonsets"),
	}, {
		Name:              "it cannot be updated",
		Objects:           []runtime.Object{newSource(), sinkService(), other},
		WithReactors:      []clienttesting.ReactionFunc{rt.InduceFailure("update", "daemonsets")},
		WantErr:           true,
		WantUpdates:       writes(updatedTo(want, live)),
		WantStatusUpdates: failed("update " + path + ": inducing failure for update daemonsets"),
		WantEvents:        internal("update " + path + ": inducing failure for update daemonsets"),
	}, {
		Name:              "its name is taken",
		Objects:           []runtime.Object{newSource(), sinkService(), foreign},
		WantErr:           true,
		WantStatusUpdates: failed(notOurs),
		WantEvents:        internal(notOurs),
	}, {
		Name:              "its name is taken, and the cache does not know",
		Objects:           []runtime.Object{newSource(), sinkService(), foreign},
		OtherTestData:     map[string]any{"cache is behind": true},
		WithReactors:      []clienttesting.ReactionFunc{exists("daemonsets")},
		WantErr:           true,
		WantCreates:       []runtime.Object{want},
		WantStatusUpdates: failed(notOurs),
		WantEvents:        internal(notOurs),
	}, {
		Name:              "it is there already, and the cache does not know",
		Objects:           []runtime.Object{newSource(), sinkService(), live},
		OtherTestData:     map[string]any{"cache is behind": true},
		WithReactors:      []clienttesting.ReactionFunc{exists("daemonsets")},
		WantCreates:       []runtime.Object{want},
		WantStatusUpdates: statuses(newSource(with(live))),
	}, {
		Name:              "it is there already, and cannot be read",
		Objects:           []runtime.Object{newSource(), sinkService(), live},
		OtherTestData:     map[string]any{"cache is behind": true},
		WithReactors:      []clienttesting.ReactionFunc{exists("daemonsets"), rt.InduceFailure("get", "daemonsets")},
		WantErr:           true,
		WantCreates:       []runtime.Object{want},
		WantStatusUpdates: failed("get " + path + ": inducing failure for get daemonsets"),
		WantEvents:        internal("get " + path + ": inducing failure for get daemonsets"),
	}, {
		Name:              "somebody was faster with an update",
		Objects:           []runtime.Object{newSource(), sinkService(), other},
		WithReactors:      []clienttesting.ReactionFunc{once(answer("update", "daemonsets", conflict("daemonsets")))},
		WantUpdates:       writes(updatedTo(want, live), updatedTo(want, live)),
		WantStatusUpdates: statuses(newSource(with(changed(live, func(ds *appsv1.DaemonSet) { ds.Generation++ })))),
		WantEvents:        []string{"Normal DaemonSetUpdated Updated " + path},
	}, {
		Name:    "somebody was faster with an update, and it cannot be read again",
		Objects: []runtime.Object{newSource(), sinkService(), other},
		WithReactors: []clienttesting.ReactionFunc{
			once(answer("update", "daemonsets", conflict("daemonsets"))), rt.InduceFailure("get", "daemonsets"),
		},
		WantErr:           true,
		WantUpdates:       writes(updatedTo(want, live)),
		WantStatusUpdates: failed("get " + path + ": inducing failure for get daemonsets"),
		WantEvents:        internal("get " + path + ": inducing failure for get daemonsets"),
	}, {
		Name:              "the spec makes no DaemonSet",
		Objects:           []runtime.Object{newSource(spec(badTimeout)), sinkService()},
		WantErr:           true,
		WantStatusUpdates: statuses(newSource(spec(badTimeout), status(func(s *v1alpha1.PtpSourceStatus) { s.MarkNotDeployed("DaemonSetFailed", badTimeoutMessage) }))),
		WantEvents:        internal(badTimeoutMessage),
	}, {
		Name:              "the status cannot be written",
		Objects:           []runtime.Object{newSource(), sinkService(), live},
		WithReactors:      []clienttesting.ReactionFunc{rt.InduceFailure("update", "ptpsources")},
		WantErr:           true,
		WantStatusUpdates: statuses(newSource(with(live))),
		WantEvents:        []string{`Warning UpdateFailed Failed to update status for "clocks": inducing failure for update ptpsources`},
	}})
}

const badTimeoutMessage = `spec.delivery.timeout is "10s"; it must be an ISO 8601 duration that is positive, for example PT0.5S`

func badTimeout(s *v1alpha1.PtpSourceSpec) {
	s.Delivery = &v1alpha1.Delivery{DeliverySpec: eventingduckv1.DeliverySpec{Timeout: new("10s")}}
}

func TestReconcileSinks(t *testing.T) {
	want := daemonSet(newSource())
	live := running(want, 3, 3)
	other := running(daemonSet(newSource(), func(a *resources.Args) { a.Sink.URL = apis.HTTP("old.example") }), 3, 3)
	const notFound = `spec.sink: failed to get object user/events: services "events" not found`
	noSink := func(reason, message string, ds *appsv1.DaemonSet) sourceOption {
		return status(func(s *v1alpha1.PtpSourceStatus) {
			waits(s, ds)
			s.MarkNoSink(reason, message)
		})
	}
	withDead := spec(func(s *v1alpha1.PtpSourceSpec) {
		s.Delivery = &v1alpha1.Delivery{DeliverySpec: eventingduckv1.DeliverySpec{
			DeadLetterSink: &duckv1.Destination{Ref: &duckv1.KReference{APIVersion: "v1", Kind: "Service", Name: "dead"}},
		}}
	})
	dead := &duckv1.Addressable{URL: apis.HTTP("dead.user.svc.cluster.local")}
	deadService := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: userNS, Name: "dead"}}
	withDeadSink := running(daemonSet(newSource(withDead), func(a *resources.Args) { a.DeadLetterSink = dead }), 3, 3)
	const noDead = `spec.delivery.deadLetterSink: failed to get object user/dead: services "dead" not found`
	deadMissing := status(func(s *v1alpha1.PtpSourceStatus) {
		waits(s, nil)
		s.MarkNoDeadLetterSink("DeadLetterSinkNotFound", noDead)
	})
	brokerSource := func(options ...sourceOption) *v1alpha1.PtpSource {
		return newSource(append([]sourceOption{spec(toBroker)}, options...)...)
	}

	test(t, rt.TableTest{{
		Name:              "no adapters are made without a sink",
		Objects:           []runtime.Object{newSource()},
		WantErr:           true, // it is looked for again
		WantStatusUpdates: statuses(newSource(noSink("SinkNotFound", notFound, nil))),
		WantEvents:        []string{"Warning SinkNotFound " + notFound},
	}, {
		Name:    "what was said once is not said again",
		Objects: []runtime.Object{newSource(noSink("SinkNotFound", notFound, nil))},
		WantErr: true,
	}, {
		Name:              "a sink that vanishes leaves the adapters alone",
		Objects:           []runtime.Object{newSource(with(live)), other},
		WantErr:           true,
		WantStatusUpdates: statuses(newSource(with(live), noSink("SinkNotFound", notFound, other))),
		WantEvents:        []string{"Warning SinkNotFound " + notFound},
	}, {
		Name:              "a DaemonSet of somebody else is not what waits",
		Objects:           []runtime.Object{newSource(), changed(live, func(ds *appsv1.DaemonSet) { ds.Labels = nil })},
		WantErr:           true,
		WantStatusUpdates: statuses(newSource(noSink("SinkNotFound", notFound, nil))),
		WantEvents:        []string{"Warning SinkNotFound " + notFound},
	}, {
		Name:              "a sink that appears is used",
		Objects:           []runtime.Object{newSource(noSink("SinkNotFound", notFound, nil)), sinkService()},
		WantCreates:       []runtime.Object{want},
		WantStatusUpdates: statuses(newSource(with(changed(want, func(ds *appsv1.DaemonSet) { ds.Generation = 1 })))),
		WantEvents:        []string{"Normal DaemonSetCreated Created DaemonSet adapters/" + dsName},
	}, {
		Name:              "a sink that has no address yet",
		Objects:           []runtime.Object{brokerSource(), broker(map[string]any{})},
		WantErr:           true,
		WantStatusUpdates: statuses(brokerSource(noSink("SinkEmpty", emptyBroker, nil))),
		WantEvents:        []string{"Warning SinkEmpty " + emptyBroker},
	}, {
		Name:              "a sink that has not the address that is asked for",
		Objects:           []runtime.Object{brokerSource(spec(audit)), broker(map[string]any{"address": map[string]any{"url": "http://mesh.example"}})},
		WantErr:           true,
		WantStatusUpdates: statuses(brokerSource(spec(audit), noSink("SinkEmpty", noAudit, nil))),
		WantEvents:        []string{"Warning SinkEmpty " + noAudit},
	}, {
		Name:              "a kind of sinks that is not installed",
		Objects:           []runtime.Object{brokerSource(spec(audit))},
		OtherTestData:     map[string]any{"no brokers": true},
		WantErr:           true,
		WantStatusUpdates: statuses(brokerSource(spec(audit), noSink("SinkNotFound", noBrokers, nil))),
		WantEvents:        []string{"Warning SinkNotFound " + noBrokers},
	}, {
		Name:              "a sink whose address is nothing",
		Objects:           []runtime.Object{newSource(spec(emptyURI))},
		WantErr:           true,
		WantStatusUpdates: statuses(newSource(spec(emptyURI), noSink("SinkNotFound", `spec.sink: URI is not absolute (both scheme and host should be non-empty): ""`, nil))),
		WantEvents:        []string{`Warning SinkNotFound spec.sink: URI is not absolute (both scheme and host should be non-empty): ""`},
	}, {
		Name:    "dead letters have a sink",
		Objects: []runtime.Object{newSource(withDead), sinkService(), deadService, withDeadSink},
		WantStatusUpdates: statuses(newSource(withDead, with(withDeadSink), status(func(s *v1alpha1.PtpSourceStatus) {
			s.MarkDeadLetterSink(dead)
		}))),
	}, {
		Name:              "a dead letter sink that is missing is waited for",
		Objects:           []runtime.Object{newSource(withDead), sinkService()},
		WantErr:           true,
		WantStatusUpdates: statuses(newSource(withDead, deadMissing)),
		WantEvents:        []string{"Warning DeadLetterSinkNotFound " + noDead},
	}})
}

const emptyBroker = "spec.sink: Broker mesh has no address yet: see why it is not ready"

const (
	noAudit   = `spec.sink: Broker mesh has no address named "audit" yet: see why it is not ready`
	noBrokers = "spec.sink: failed to get lister for eventing.knative.dev/v1, Resource=brokers: there are no brokers here"
)

func audit(s *v1alpha1.PtpSourceSpec) { s.Sink.Ref.Address = new("audit") }

func emptyURI(s *v1alpha1.PtpSourceSpec) { s.Sink = duckv1.Destination{URI: &apis.URL{}} }

// waits marks what is said of the adapters without a sink; ds are those that run, nil for none.
func waits(s *v1alpha1.PtpSourceStatus, ds *appsv1.DaemonSet) {
	if ds == nil {
		s.MarkNoAdapters("Waiting", "there are no adapters until the sink has an address")
		return
	}
	s.PropagateDaemonSet(ds, nil)
	s.MarkNotDeployed("Waiting", "DaemonSet adapters/"+dsName+" runs on as it was, and keeps its events, until the sink has an address")
}

func TestReconcilePermission(t *testing.T) {
	live := running(daemonSet(newSource()), 3, 3)
	directory := spec(func(s *v1alpha1.PtpSourceSpec) { s.Linuxptp.SocketDirectory = "/etc" })
	const directoryMessage = "spec.linuxptp.socketDirectory is /etc, and allowed-socket-directories in config map config-ptp allows only /var/run/ptp, with all below"
	hostPath := spec(func(s *v1alpha1.PtpSourceSpec) { s.History.Storage = "HostPath" })
	const hostPathMessage = "spec.history.storage is HostPath, and journal-directory in config map config-ptp is empty; EmptyDir needs no directory of the node"
	privileged := spec(func(s *v1alpha1.PtpSourceSpec) {
		s.HardwareClock = &v1alpha1.HardwareClock{Enabled: true, Privileged: true}
	})
	network := spec(func(s *v1alpha1.PtpSourceSpec) { s.SyncE = &v1alpha1.SyncE{Enabled: true} })
	sendsSyncE := status(func(s *v1alpha1.PtpSourceStatus) {
		s.CloudEventAttributes = slices.Insert(slices.Clone(s.CloudEventAttributes), len(s.CloudEventAttributes)-1,
			duckv1.CloudEventAttributes{Type: "event.sync.synce-status.synce-state-change", Source: "/cluster/node/*/sync/synce-status/lock-state"},
			duckv1.CloudEventAttributes{Type: "event.sync.synce-status.synce-clock-quality-change", Source: "/cluster/node/*/sync/synce-status/clock-quality"})
	})
	thresholds := spec(func(s *v1alpha1.PtpSourceSpec) {
		s.Thresholds.LockOffset = &metav1.Duration{Duration: time.Millisecond}
	})
	refused := func(reason, message string) sourceOption {
		return status(func(s *v1alpha1.PtpSourceStatus) {
			s.MarkNotPermitted(reason, message)
			s.MarkNoAdapters(reason, message)
		})
	}
	deletedEvent := func(message string) string {
		return "Normal DaemonSetDeleted Deleted DaemonSet adapters/" + dsName + ": " + message
	}
	privilegedMade := daemonSet(newSource(privileged))

	// The identity is not looked at before a source is permitted, so none of these have one.
	rows := rt.TableTest{{
		Name:              "a directory that is not allowed ends the adapters",
		Objects:           []runtime.Object{newSource(directory, with(live)), sinkService(), live},
		WantDeletes:       []clienttesting.DeleteActionImpl{deletion("daemonsets", adapterNS, dsName)},
		WantStatusUpdates: statuses(newSource(directory, with(live), refused("SocketDirectoryNotAllowed", directoryMessage))),
		WantEvents:        []string{"Warning SocketDirectoryNotAllowed " + directoryMessage, deletedEvent(directoryMessage)},
	}, {
		Name:    "what was refused stays so without a word",
		Objects: []runtime.Object{newSource(directory, refused("SocketDirectoryNotAllowed", directoryMessage)), sinkService()},
	}, {
		Name:         "adapters that cannot be ended",
		Objects:      []runtime.Object{newSource(directory, refused("SocketDirectoryNotAllowed", directoryMessage)), sinkService(), live},
		WithReactors: []clienttesting.ReactionFunc{rt.InduceFailure("delete", "daemonsets")},
		WantErr:      true,
		WantDeletes:  []clienttesting.DeleteActionImpl{deletion("daemonsets", adapterNS, dsName)},
		WantStatusUpdates: statuses(newSource(directory, refused("SocketDirectoryNotAllowed", directoryMessage), status(func(s *v1alpha1.PtpSourceStatus) {
			s.MarkNotDeployed("DaemonSetFailed", "delete DaemonSet adapters/"+dsName+": inducing failure for delete daemonsets")
		}))),
		WantEvents: []string{"Warning InternalError delete DaemonSet adapters/" + dsName + ": inducing failure for delete daemonsets"},
	}, {
		Name:              "adapters that are gone already",
		Objects:           []runtime.Object{newSource(directory), sinkService(), live},
		WithReactors:      []clienttesting.ReactionFunc{answer("delete", "daemonsets", apierrors.NewNotFound(schema.GroupResource{}, dsName))},
		WantDeletes:       []clienttesting.DeleteActionImpl{deletion("daemonsets", adapterNS, dsName)},
		WantStatusUpdates: statuses(newSource(directory, refused("SocketDirectoryNotAllowed", directoryMessage))),
		WantEvents:        []string{"Warning SocketDirectoryNotAllowed " + directoryMessage},
	}, {
		Name:              "a directory of the node needs permission",
		Ctx:               withPolicy(func(p *policy.Policy) { p.JournalDirectory = "" }),
		Objects:           []runtime.Object{newSource(hostPath), sinkService()},
		WantStatusUpdates: statuses(newSource(hostPath, refused("JournalDirectoryNotAllowed", hostPathMessage))),
		WantEvents:        []string{"Warning JournalDirectoryNotAllowed " + hostPathMessage},
	}, {
		Name:              "privileges need permission",
		Objects:           []runtime.Object{newSource(privileged), sinkService()},
		WantStatusUpdates: statuses(newSource(privileged, refused("PrivilegedNotAllowed", privilegedMessage))),
		WantEvents:        []string{"Warning PrivilegedNotAllowed " + privilegedMessage},
	}, {
		Name:        "privileges with permission",
		Ctx:         withPolicy(func(p *policy.Policy) { p.AllowPrivileged = true }),
		Objects:     []runtime.Object{newSource(privileged), sinkService()},
		WantCreates: []runtime.Object{privilegedMade},
		WantStatusUpdates: statuses(newSource(privileged,
			with(changed(privilegedMade, func(ds *appsv1.DaemonSet) { ds.Generation = 1 })))),
		WantEvents: []string{"Normal DaemonSetCreated Created DaemonSet adapters/" + dsName},
	}, {
		Name:              "the node's network needs permission",
		Objects:           []runtime.Object{newSource(network), sinkService()},
		WantStatusUpdates: statuses(newSource(network, sendsSyncE, refused("HostNetworkNotAllowed", networkMessage))),
		WantEvents:        []string{"Warning HostNetworkNotAllowed " + networkMessage},
	}, {
		Name:              "thresholds that do not go together with those of config-ptp",
		Objects:           []runtime.Object{newSource(thresholds), sinkService()},
		WantStatusUpdates: statuses(newSource(thresholds, refused("ThresholdsOutOfOrder", thresholdsMessage))),
		WantEvents:        []string{"Warning ThresholdsOutOfOrder " + thresholdsMessage},
	}, {
		Name:              "thresholds of config-ptp reach the adapters",
		Ctx:               withPolicy(func(p *policy.Policy) { p.Thresholds.LockSamples = 9 }),
		Objects:           []runtime.Object{newSource(), sinkService()},
		WantCreates:       []runtime.Object{daemonSet(newSource(), func(a *resources.Args) { a.Thresholds.LockSamples = 9 })},
		WantStatusUpdates: statuses(newSource(with(changed(daemonSet(newSource()), func(ds *appsv1.DaemonSet) { ds.Generation = 1 })))),
		WantEvents:        []string{"Normal DaemonSetCreated Created DaemonSet adapters/" + dsName},
	}, {
		Name:              "a pause ends the adapters",
		Objects:           []runtime.Object{newSource(spec(pause), with(live)), sinkService(), live},
		WantDeletes:       []clienttesting.DeleteActionImpl{deletion("daemonsets", adapterNS, dsName)},
		WantStatusUpdates: statuses(newSource(spec(pause), with(live), status(paused))),
		WantEvents:        []string{deletedEvent(pausedMessage)},
	}, {
		Name:    "a pause that lasts",
		Objects: []runtime.Object{newSource(spec(pause), status(paused)), sinkService()},
	}, {
		Name: "adapters that are being deleted are not deleted again",
		Objects: []runtime.Object{newSource(spec(pause), status(paused)), sinkService(), changed(live, func(ds *appsv1.DaemonSet) {
			now := metav1.Now()
			ds.DeletionTimestamp = &now
		})},
	}}
	test(t, rows)
}

const (
	privilegedMessage = `spec.hardwareClock.privileged needs allow-privileged: "true" in config map config-ptp; spec.hardwareClock.resourceName does not`
	networkMessage    = `spec.gnss, spec.synce and spec.osClock.chronyd need allow-host-network: "true" in config map config-ptp`
	thresholdsMessage = "thresholds: unlockOffset is 200ns; it must be at least lockOffset (1ms), or a clock could be locked and unlocked " +
		"by the same sample; what spec.thresholds leaves out is from config map config-ptp"
	pausedMessage = "spec.paused is true: no adapters run until it is false"
)

func pause(s *v1alpha1.PtpSourceSpec)    { s.Paused = true }
func paused(s *v1alpha1.PtpSourceStatus) { s.MarkNoAdapters("Paused", pausedMessage) }

// test runs rows that all have the same key, and share a namespace with nobody.
func test(t *testing.T, rows rt.TableTest) {
	t.Helper()
	for i := range rows {
		if rows[i].Key == "" {
			rows[i].Key = key
		}
		rows[i].SkipNamespaceValidation = true
	}
	rows.Test(t, world)
}

func finalizerPatch(finalizers string) clienttesting.PatchActionImpl {
	return clienttesting.PatchActionImpl{Name: name, Patch: []byte(`{"metadata":{"finalizers":` + finalizers + `,"resourceVersion":""}}`)}
}

// sameSpec gives a source the spec of another, and a new generation to go with it.
func sameSpec(as *v1alpha1.PtpSource) sourceOption {
	return func(s *v1alpha1.PtpSource) { s.Spec = *as.Spec.DeepCopy() }
}

func versioned(ds *appsv1.DaemonSet, version string) *appsv1.DaemonSet {
	return changed(ds, func(ds *appsv1.DaemonSet) { ds.ResourceVersion = version })
}

func exists(resource string) clienttesting.ReactionFunc {
	return answer("create", resource, apierrors.NewAlreadyExists(schema.GroupResource{Resource: resource}, "x"))
}
