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
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/client-go/util/jsonpath"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/reconciler/ptpsource/resources"
)

const (
	root    = "../../../../"
	crdFile = root + "config/core/resources/ptpsource.yaml"
)

// definition reads the CRD as the API server does.
func definition(t *testing.T) *apiextensions.CustomResourceDefinition {
	t.Helper()
	text, err := os.ReadFile(crdFile)
	if err != nil {
		t.Fatal(err)
	}
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &v1); err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	scheme.Default(&v1)
	v1.Status.StoredVersions = []string{v1alpha1.SchemeGroupVersion.Version}
	var crd apiextensions.CustomResourceDefinition
	if err := scheme.Convert(&v1, &crd, nil); err != nil {
		t.Fatal(err)
	}
	return &crd
}

// server does with objects what the API server does because of the CRD.
type server struct {
	schema    *structuralschema.Structural
	validator validation.SchemaValidator
	rules     *cel.Validator
}

func newServer(t *testing.T) server {
	t.Helper()
	crd := definition(t)
	props := crd.Spec.Validation
	if props == nil {
		props = crd.Spec.Versions[0].Schema
	}
	var s server
	var err error
	if s.schema, err = structuralschema.NewStructural(props.OpenAPIV3Schema); err != nil {
		t.Fatal(err)
	}
	if s.validator, _, err = validation.NewSchemaValidator(props.OpenAPIV3Schema); err != nil {
		t.Fatal(err)
	}
	s.rules = cel.NewValidator(s.schema, true, celconfig.PerCallLimit)
	return s
}

// admit changes object as the API server would, and returns what it dropped and why it
// would refuse it. before is nil for a new object.
func (s server) admit(t *testing.T, object, before map[string]any) (dropped []string, errs field.ErrorList) {
	t.Helper()
	defaulting.PruneNonNullableNullsWithoutDefaults(object, s.schema)
	defaulting.Default(object, s.schema)
	dropped = pruning.PruneWithOptions(object, s.schema, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	if before == nil {
		errs = validation.ValidateCustomResource(nil, object, s.validator)
	} else {
		errs = validation.ValidateCustomResourceUpdate(nil, object, before, s.validator)
	}
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.schema, object)...)
	var old any
	if before != nil {
		old = before
	}
	broken, _ := s.rules.Validate(t.Context(), nil, s.schema, object, old, celconfig.RuntimeCELCostBudget)
	return dropped, append(errs, broken...)
}

// object reads YAML as an object in the API server's hands.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	raw, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return fromJSON(t, raw)
}

func fromJSON(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var o map[string]any
	if err := utiljson.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func toJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// decode reads a PtpSource and refuses fields that it does not have.
func decode(t *testing.T, raw []byte) *v1alpha1.PtpSource {
	t.Helper()
	var s v1alpha1.PtpSource
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// spec returns a PtpSource of which only the spec matters.
func spec(text string) string {
	return "apiVersion: sources.knative.dev/v1alpha1\nkind: PtpSource\nmetadata: {name: clocks, namespace: user}\nspec: " + text
}

// The API server takes the CRD: the schema is structural, the rules compile and are
// cheap enough for it, the defaults are valid.
func TestCRDIsValid(t *testing.T) {
	for _, err := range crdvalidation.ValidateCustomResourceDefinition(t.Context(), definition(t)) {
		t.Error(err)
	}
}

func TestCRDNames(t *testing.T) {
	crd := definition(t)
	if got := crd.Spec.Group + "/" + crd.Spec.Versions[0].Name; got != v1alpha1.SchemeGroupVersion.String() {
		t.Errorf("version %s, want %s", got, v1alpha1.SchemeGroupVersion)
	}
	for _, category := range []string{"all", "knative", "eventing", "sources"} {
		if !slices.Contains(crd.Spec.Names.Categories, category) {
			t.Errorf("no category %s", category)
		}
	}
	for _, label := range []string{"duck.knative.dev/source", "eventing.knative.dev/source", "knative.dev/crd-install"} {
		if crd.Labels[label] != "true" {
			t.Errorf("label %s is %q", label, crd.Labels[label])
		}
	}
}

// everything has a value for each field, also for those that do not go together.
const everything = `
apiVersion: sources.knative.dev/v1alpha1
kind: PtpSource
metadata: {name: clocks, namespace: user}
spec:
  sink: &destination
    ref: {apiVersion: eventing.knative.dev/v1, group: eventing.knative.dev, kind: Broker, namespace: user, name: default, address: https}
    uri: /ptp
    CACerts: "-----BEGIN CERTIFICATE-----"
    audience: broker
  ceOverrides: {extensions: {site: north}}
  delivery:
    deadLetterSink: *destination
    retry: 8
    timeout: PT10S
    backoffPolicy: linear
    backoffDelay: PT0.5S
    retryAfterMax: PT0S
    format: binary
    backlog: LatestPerResource
  nodeSelector: {example.com/ptp: "true"}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
          - &nodes
            matchExpressions: [{key: ptp, operator: In, values: ["yes"]}]
            matchFields: [{key: metadata.name, operator: NotIn, values: [n1]}]
      preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: *nodes}]
    podAffinity: &pods
      requiredDuringSchedulingIgnoredDuringExecution:
        - &term
          labelSelector: &labels {matchLabels: {app: ptp4l}, matchExpressions: [{key: app, operator: In, values: [ptp4l]}]}
          namespaces: [ptp]
          namespaceSelector: *labels
          topologyKey: kubernetes.io/hostname
          matchLabelKeys: [app]
          mismatchLabelKeys: [tenant]
      preferredDuringSchedulingIgnoredDuringExecution: [{weight: 100, podAffinityTerm: *term}]
    podAntiAffinity: *pods
  tolerations: [{key: ran, operator: Equal, value: du, effect: NoExecute, tolerationSeconds: 60}]
  resources:
    requests: {cpu: 10m, memory: 64Mi}
    limits: {memory: 256Mi, example.com/clocks: "1"}
    claims: [{name: clock, request: one}]
  priorityClassName: system-node-critical
  linuxptp:
    socketDirectory: /var/run/linuxptp
    mountPath: /var/run
    sockets: ["ptp4l*", "ptp4l.[0-9].socket", "[^a]?[b-dx]"]
    domain: 24
    transportSpecific: 1
    group: 2000
  hardwareClock: {enabled: true, privileged: true, resourceName: example.com/ptp, pollInterval: 200ms}
  osClock: {enabled: true, fedBy: other, chronyd: "localhost:323"}
  gnss: {enabled: true, gpsd: "[::1]:2947"}
  synce: {enabled: true, synce4l: {socket: synce4l, devices: [synce1]}}
  thresholds:
    lockOffset: 20µs
    unlockOffset: 1ms20.5us
    lockSamples: 5
    unlockSamples: 2
    holdoverTimeout: 1ns
    syncIntervals: 8
    syncTimeout: 1s
    osClockTimeout: 20m
    osClockOffset: 2us
    maxPathDelay: 20us
  events:
    types: [event.sync.ptp-status.ptp-state-change]
    sourceFormat: oran
    clusterName: site-7.north
    reassertEvery: 1h30m
  history: {storage: EmptyDir, entries: 100, maxBytes: 128Mi, maxAge: 24h}
  oCloud:
    enabled: true
    port: 19043
    auth: ServiceAccount
    endpoints: Any
    allowedNetworks: [192.0.2.0/24, "2001:db8::/32"]
    tlsSecretName: ocloud-tls
    removeAfter: 24h
    maxSubscriptions: 10
    perNodeServices: true
  paused: true
status:
  observedGeneration: 3
  conditions:
    - {type: Ready, status: "False", severity: Error, lastTransitionTime: "2026-11-20T09:09:07Z", reason: NoMatchingNodes, message: no node matches}
  annotations: {remark: none}
  sinkUri: https://broker/ptp
  ceAttributes: [{type: event.sync.ptp-status.ptp-state-change, source: /sync/ptp-status/lock-state}]
  sinkCACerts: "-----BEGIN CERTIFICATE-----"
  sinkAudience: broker
  auth: {serviceAccountName: clocks-oidc, serviceAccountNames: [clocks-oidc]}
  deadLetterSinkUri: https://letters
  deadLetterSinkCACerts: "-----BEGIN CERTIFICATE-----"
  deadLetterSinkAudience: letters
  nodes: {desired: 3, ready: 2, summary: 2/3}
  daemonSet: eventing-ptp-adapters/clocks
`

// A field that is new in Go fails here until everything has it, and then in TestNothingIsLost
// until the schema has it.
func TestEverythingIsEverything(t *testing.T) {
	raw, err := yaml.YAMLToJSONStrict([]byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	s := decode(t, raw)
	for _, part := range []reflect.Value{reflect.ValueOf(s.Spec), reflect.ValueOf(s.Status)} {
		checkFilled(t, part.Type().Name(), part)
	}
}

// checkFilled reports every field in v, and in what it has in it, that has no value.
func checkFilled(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	if v.IsZero() {
		t.Errorf("%s has no value in the object that should have everything", name)
		return
	}
	_, isLeaf := reflect.TypeAssert[json.Marshaler](v)
	if !isLeaf && v.CanAddr() {
		_, isLeaf = reflect.TypeAssert[json.Marshaler](v.Addr())
	}
	switch {
	case isLeaf && v.Kind() == reflect.Struct:
	case v.Kind() == reflect.Pointer:
		checkFilled(t, name, v.Elem())
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			checkFilled(t, name+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			checkFilled(t, name+"[]", v.Index(i))
		}
	}
}

func TestNothingIsLost(t *testing.T) {
	server := newServer(t)
	t.Run("the schema knows every field", func(t *testing.T) {
		if dropped, _ := server.admit(t, fromJSON(t, toJSON(t, decode(t, toJSON(t, object(t, everything))))), nil); len(dropped) > 0 {
			t.Errorf("dropped: %v", dropped)
		}
	})
	for _, tc := range []struct {
		name    string
		without []string
	}{
		{"a privileged adapter with SyncE", []string{"spec.hardwareClock.resourceName", "spec.linuxptp.group"}},
		{"an adapter with a device plugin, in a group", []string{"spec.hardwareClock.privileged", "spec.synce"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := object(t, everything)
			for _, field := range append(unsupported(), tc.without...) {
				remove(o, strings.Split(field, ".")...)
			}
			want := decode(t, toJSON(t, o))

			// What a Go client sends, which may be more than what is written.
			sent := fromJSON(t, toJSON(t, want))
			_, errs := server.admit(t, sent, nil)
			for _, err := range errs {
				t.Error(err)
			}
			if diff := cmp.Diff(want, decode(t, toJSON(t, sent))); diff != "" {
				t.Errorf("changed on its way through the API server (-sent +kept):\n%s", diff)
			}
		})
	}
}

// unsupported are fields of types that are not ours, of which this version can make nothing.
func unsupported() []string {
	return []string{
		"spec.sink.ref.group", "spec.delivery.deadLetterSink.ref.group", "spec.delivery.format",
		"spec.resources.claims",
	}
}

func remove(o map[string]any, path ...string) {
	if len(path) == 1 {
		delete(o, path[0])
		return
	}
	remove(o[path[0]].(map[string]any), path[1:]...)
}

// What cannot be done is not silently left undone.
func TestUnsupportedIsRefused(t *testing.T) {
	server := newServer(t)
	_, errs := server.admit(t, object(t, everything), nil)
	for _, name := range unsupported() {
		said := slices.ContainsFunc(errs, func(err *field.Error) bool {
			return err.Field == name && strings.Contains(err.Detail, "is not supported by this version")
		})
		if !said {
			t.Errorf("%s is not refused as unsupported: %v", name, errs)
		}
	}
}

// Where the webhook is not asked, the same defaults apply.
func TestDefaultsAreThoseOfTheWebhook(t *testing.T) {
	server := newServer(t)
	for _, tc := range []struct{ name, spec string }{
		{"nothing but a sink", "{sink: {uri: http://sink}}"},
		{"empty groups", "{sink: {uri: http://sink}, linuxptp: {}, events: {}, history: {}, thresholds: {}, gnss: {}, osClock: {}, delivery: {}}"},
		{"one of a group", "{sink: {uri: http://sink}, linuxptp: {domain: 24}, events: {sourceFormat: oran}, gnss: {enabled: true}}"},
		{"nulls", "{sink: {uri: http://sink}, linuxptp: null, events: {clusterName: null}, history: {entries: null}}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := object(t, spec(tc.spec))
			want := decode(t, toJSON(t, o))
			want.SetDefaults(t.Context())
			if _, errs := server.admit(t, o, nil); len(errs) > 0 {
				t.Error(errs)
			}
			if diff := cmp.Diff(want, decode(t, toJSON(t, o))); diff != "" {
				t.Errorf("defaults of the webhook (-) and of the CRD (+):\n%s", diff)
			}
		})
	}
}

// What the controller writes of a source of which it does not know anything yet is valid too.
func TestEmptyStatus(t *testing.T) {
	s := v1alpha1.PtpSource{ObjectMeta: metav1.ObjectMeta{Name: "clocks"}}
	s.Spec.Sink = duckv1.Destination{URI: nil, Ref: &duckv1.KReference{APIVersion: "v1", Kind: "Service", Name: "sink"}}
	s.Status.InitializeConditions()
	o := fromJSON(t, toJSON(t, s))
	if dropped, errs := newServer(t).admit(t, o, nil); len(dropped)+len(errs) > 0 {
		t.Errorf("dropped %v, %v", dropped, errs)
	}
}

func TestCRDTakes(t *testing.T) {
	server := newServer(t)
	for _, tc := range []struct{ name, spec string }{
		{"a sink by reference", "{sink: {ref: {apiVersion: v1, kind: Service, name: sink}}}"},
		{"a sink by reference and path", "{sink: {ref: {apiVersion: v1, kind: Service, name: sink}, uri: '/events?x=a:b'}}"},
		{"a sink with a port", "{sink: {uri: 'https://10.0.0.1:8443'}}"},
		{"equal thresholds", "{sink: {uri: http://sink}, thresholds: {lockOffset: 1us, unlockOffset: 1000ns}}"},
		{"no holdover", "{sink: {uri: http://sink}, thresholds: {holdoverTimeout: 0s}}"},
		{"no retry", "{sink: {uri: http://sink}, delivery: {retry: 0, timeout: PT1.5S, backoffDelay: PT1M0.5S}}"},
		{"every taint", "{sink: {uri: http://sink}, tolerations: [{operator: Exists}]}"},
		{"a taint as Kubernetes writes it", "{sink: {uri: http://sink}, tolerations: [{key: a, effect: '', operator: ''}]}"},
		{"quantities as numbers", "{sink: {uri: http://sink}, resources: {limits: {cpu: 1, memory: 0.5Gi}}}"},
		{"a device plugin", "{sink: {uri: http://sink}, hardwareClock: {enabled: true, privileged: false, resourceName: example.com/ptp}}"},
		{"no type at all, which is all", "{sink: {uri: http://sink}, events: {types: []}}"},
		{"GNSS and SyncE and their events", "{sink: {uri: http://sink}, gnss: {enabled: true}, synce: {enabled: true}, events: {types: [event.sync.gnss-status.gnss-state-change, event.sync.synce-status.synce-state-change]}}"},
		{"hardware clocks and their events", "{sink: {uri: http://sink}, hardwareClock: {enabled: true, pollInterval: 50ms}, events: {types: [com.github.eventing-ptp.hardware-clock.stepped]}}"},
		{"the OS clock and its events", "{sink: {uri: http://sink}, osClock: {enabled: true}, events: {types: [event.sync.sync-status.os-clock-sync-state-change, com.github.eventing-ptp.os-clock.stepped]}}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if dropped, errs := server.admit(t, object(t, spec(tc.spec)), nil); len(dropped)+len(errs) > 0 {
				t.Errorf("dropped %v, refused: %v", dropped, errs)
			}
		})
	}
}

// A refusal says where it is, and what would be better, also without the webhook.
func TestCRDRefuses(t *testing.T) {
	server := newServer(t)
	const good = "sink: {uri: http://sink}"
	for _, tc := range []struct {
		name, spec string
		want       []string
	}{
		{"no sink", "{}", []string{"spec.sink: Required value"}},
		{"an empty sink", "{sink: {}}", []string{"spec.sink", "say where to", "kind: Broker"}},
		{"a sink without a host", "{sink: {uri: /events}}", []string{"spec.sink.uri", "https://events.example.com/ptp"}},
		{"a sink that is not HTTP", "{sink: {uri: 'kafka://events'}}", []string{"spec.sink.uri", "http or https"}},
		{"two sinks", "{sink: {uri: http://sink, ref: {apiVersion: v1, kind: Service, name: sink}}}", []string{"spec.sink.uri", "leave one"}},
		{"a reference without a kind", "{sink: {ref: {apiVersion: v1, name: x}}}", []string{"spec.sink.ref.kind: Required value"}},
		{"a reference with an empty kind", "{sink: {ref: {apiVersion: v1, kind: '', name: x}}}", []string{"spec.sink.ref.kind", "for example Broker"}},
		{"a reference without a version", "{sink: {ref: {kind: Broker, name: x}}}", []string{"spec.sink.ref.apiVersion", "eventing.knative.dev/v1"}},
		{"a reference with an empty name", "{sink: {ref: {apiVersion: v1, kind: Broker, name: ''}}}", []string{"spec.sink.ref.name", "give the name"}},
		{"certificates that are none", "{sink: {uri: https://sink, CACerts: /etc/ssl}}", []string{"spec.sink.CACerts", "BEGIN CERTIFICATE"}},
		{"an overridden type", "{" + good + ", ceOverrides: {extensions: {type: x, site: north}}}", []string{"spec.ceOverrides.extensions", "another name than type"}},
		{"an overridden sequence", "{" + good + ", ceOverrides: {extensions: {sequence: '1'}}}", []string{"spec.ceOverrides.extensions", "another name than sequence"}},
		{"an attribute in capitals", "{" + good + ", ceOverrides: {extensions: {Site: x}}}", []string{"spec.ceOverrides.extensions", "lower-case", "not Site"}},
		{"retries below none", "{" + good + ", delivery: {retry: -1}}", []string{"spec.delivery.retry", "greater than or equal to 0"}},
		{"a timeout in Go's words", "{" + good + ", delivery: {timeout: 10s}}", []string{"spec.delivery.timeout", "for example PT10S"}},
		{"no time to answer", "{" + good + ", delivery: {timeout: PT0S}}", []string{"spec.delivery.timeout", "positive"}},
		{"a wait without unit", "{" + good + ", delivery: {backoffDelay: '5'}}", []string{"spec.delivery.backoffDelay", "PT0.5S"}},
		{"a policy that is none", "{" + good + ", delivery: {backoffPolicy: random}}", []string{"spec.delivery.backoffPolicy", "exponential", "linear"}},
		{"structured events", "{" + good + ", delivery: {format: json}}", []string{"spec.delivery.format", "binary mode; leave it out"}},
		{"a longest wait in Go's words", "{" + good + ", delivery: {retryAfterMax: 1m}}", []string{"spec.delivery.retryAfterMax", "for example PT1M"}},
		{"a backlog of something", "{" + good + ", delivery: {backlog: Some}}", []string{"spec.delivery.backlog", "All", "LatestPerResource"}},
		{"a dead letter sink without a host", "{" + good + ", delivery: {deadLetterSink: {uri: letters}}}", []string{"spec.delivery.deadLetterSink.uri", "http or https"}},
		{"a label that is none", "{" + good + ", nodeSelector: {a b: c}}", []string{"spec.nodeSelector", "example.com/ptp", "not a b"}},
		{"a label's value that is none", "{" + good + ", nodeSelector: {a: b/c}}", []string{"spec.nodeSelector", "63", "not so for a"}},
		{"an operator of affinity", "{" + good + ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Is}]}]}}}}", []string{"matchExpressions[0].operator", "NotIn"}},
		{"an effect", "{" + good + ", tolerations: [{key: a, operator: Exists, effect: Never}]}", []string{"spec.tolerations[0].effect", "NoSchedule"}},
		{"a value nobody looks at", "{" + good + ", tolerations: [{key: a, operator: Exists, value: b}]}", []string{"spec.tolerations[0].value", "Exists"}},
		{"a toleration of nothing", "{" + good + ", tolerations: [{effect: NoSchedule}]}", []string{"spec.tolerations[0].operator", "operator: Exists"}},
		{"seconds without eviction", "{" + good + ", tolerations: [{key: a, tolerationSeconds: 1}]}", []string{"spec.tolerations[0].tolerationSeconds", "NoExecute"}},
		{"a quantity", "{" + good + ", resources: {limits: {memory: lots}}}", []string{"spec.resources.limits.memory"}},
		{"a priority class", "{" + good + ", priorityClassName: High!}", []string{"spec.priorityClassName", "system-node-critical"}},
		{"the whole host", "{" + good + ", linuxptp: {socketDirectory: /}}", []string{"spec.linuxptp.socketDirectory", "/var/run/ptp"}},
		{"a way out of a directory", "{" + good + ", linuxptp: {socketDirectory: /var/run/ptp/../..}}", []string{"spec.linuxptp.socketDirectory", "without .."}},
		{"a directory somewhere", "{" + good + ", linuxptp: {mountPath: run/ptp}}", []string{"spec.linuxptp.mountPath", "absolute"}},
		{"the kernel's own", "{" + good + ", linuxptp: {socketDirectory: /proc/1/root}}", []string{"spec.linuxptp.socketDirectory", "/proc"}},
		{"in the way of the adapter's program", "{" + good + ", linuxptp: {mountPath: /ko-app}}", []string{"spec.linuxptp.mountPath", "files of its own"}},
		{"in the way of the adapter's tokens", "{" + good + ", linuxptp: {socketDirectory: /var/run/secrets/ptp}}", []string{"spec.linuxptp.socketDirectory", "files of its own"}},
		{"no sockets", "{" + good + ", linuxptp: {sockets: []}}", []string{"spec.linuxptp.sockets", "at least 1"}},
		{"an open bracket", "{" + good + ", linuxptp: {sockets: [ptp4l, 'ptp4l[']}}", []string{"spec.linuxptp.sockets[1]", "each [ has its ]"}},
		{"a bracket with nothing in it", "{" + good + ", linuxptp: {sockets: ['[^]']}}", []string{"spec.linuxptp.sockets[0]"}},
		{"a socket elsewhere", "{" + good + ", linuxptp: {sockets: [../docker.sock]}}", []string{"spec.linuxptp.sockets[0]", "without a directory"}},
		{"the directory above", "{" + good + ", linuxptp: {sockets: ['..']}}", []string{"spec.linuxptp.sockets[0]"}},
		{"a domain beyond an octet", "{" + good + ", linuxptp: {domain: 256}}", []string{"spec.linuxptp.domain", "less than or equal to 255"}},
		{"a transport beyond a nibble", "{" + good + ", linuxptp: {transportSpecific: 16}}", []string{"spec.linuxptp.transportSpecific", "less than or equal to 15"}},
		{"root's group", "{" + good + ", linuxptp: {group: 0}}", []string{"spec.linuxptp.group", "greater than or equal to 1"}},
		{"two ways to a clock", "{" + good + ", hardwareClock: {enabled: true, privileged: true, resourceName: example.com/ptp}}", []string{"spec.hardwareClock", "keep resourceName"}},
		{"privileges for nothing", "{" + good + ", hardwareClock: {privileged: true}}", []string{"spec.hardwareClock.privileged", "enabled"}},
		{"a device plugin for nothing", "{" + good + ", hardwareClock: {enabled: false, resourceName: example.com/ptp}}", []string{"spec.hardwareClock.resourceName", "enabled"}},
		{"a resource without a domain", "{" + good + ", hardwareClock: {enabled: true, resourceName: ptp}}", []string{"spec.hardwareClock.resourceName", "squat.ai/ptp"}},
		{"what feeds the OS clock", "{" + good + ", osClock: {fedBy: gps}}", []string{"spec.osClock.fedBy", "ptp", "other"}},
		{"chronyd without a port", "{" + good + ", osClock: {enabled: true, chronyd: localhost}}", []string{"spec.osClock.chronyd", "localhost:323"}},
		{"a chronyd for nothing", "{" + good + ", osClock: {chronyd: 'localhost:323'}}", []string{"spec.osClock.chronyd", "enabled"}},
		{"an OS clock that no daemon satisfies", "{" + good + ", thresholds: {osClockTimeout: 2s}}", []string{"spec.thresholds.osClockTimeout", "3s to 8h"}},
		{"events of an OS clock that is not watched", "{" + good + ", osClock: {}, events: {types: [event.sync.sync-status.os-clock-sync-state-change]}}", []string{"spec.events.types", "set osClock.enabled: true"}},
		{"hardware clocks that are read all the time", "{" + good + ", hardwareClock: {enabled: true, pollInterval: 49ms}}", []string{"spec.hardwareClock.pollInterval", "50ms to 1m"}},
		{"a path that takes no time", "{" + good + ", thresholds: {maxPathDelay: 0s}}", []string{"spec.thresholds.maxPathDelay", "more than 0"}},
		{"an OS clock that is nowhere near", "{" + good + ", thresholds: {osClockOffset: 0s}}", []string{"spec.thresholds.osClockOffset", "more than 0"}},
		{"steps of hardware clocks that are not watched", "{" + good + ", events: {types: [com.github.eventing-ptp.hardware-clock.stepped]}}", []string{"spec.events.types", "set hardwareClock.enabled: true"}},
		{"steps of an OS clock that is not watched", "{" + good + ", events: {types: [com.github.eventing-ptp.os-clock.stepped]}}", []string{"spec.events.types", "set osClock.enabled: true"}},
		{"events of GNSS receivers that are not watched", "{" + good + ", gnss: {}, events: {types: [event.sync.gnss-status.gnss-state-change]}}", []string{"spec.events.types", "set gnss.enabled: true"}},
		{"events of SyncE that is not watched", "{" + good + ", events: {types: [event.sync.synce-status.synce-clock-quality-change]}}", []string{"spec.events.types", "set synce.enabled: true"}},
		{"synce4l somewhere else", "{" + good + ", synce: {enabled: true, synce4l: {socket: /run/s, devices: [synce1]}}}", []string{"spec.synce.synce4l.socket", "without a directory"}},
		{"a device of synce4l in its brackets", "{" + good + ", synce: {enabled: true, synce4l: {socket: s, devices: [<synce1>]}}}", []string{"spec.synce.synce4l.devices[0]", "angle brackets"}},
		{"a synce4l without devices", "{" + good + ", synce: {enabled: true, synce4l: {socket: s, devices: []}}}", []string{"spec.synce.synce4l.devices"}},
		{"SyncE without root", "{" + good + ", synce: {enabled: true}, linuxptp: {group: 2000}}", []string{"spec.synce.enabled", "CAP_NET_ADMIN"}},
		{"gpsd without a port", "{" + good + ", gnss: {gpsd: localhost}}", []string{"spec.gnss.gpsd", "localhost:2947"}},
		{"an offset without unit", "{" + good + ", thresholds: {lockOffset: '100'}}", []string{"spec.thresholds.lockOffset", "100ns"}},
		{"an offset of nothing", "{" + good + ", thresholds: {lockOffset: 0s}}", []string{"spec.thresholds.lockOffset", "more than 0"}},
		{"a timeout below nothing", "{" + good + ", thresholds: {holdoverTimeout: -1s}}", []string{"spec.thresholds.holdoverTimeout", "0s to 672h"}},
		{"an offset beyond a second", "{" + good + ", thresholds: {unlockOffset: 1.1s}}", []string{"spec.thresholds.unlockOffset", "at most 1s"}},
		{"a timeout beyond an hour", "{" + good + ", thresholds: {syncTimeout: 61m}}", []string{"spec.thresholds.syncTimeout", "1ms to 1h"}},
		{"thresholds out of order", "{" + good + ", thresholds: {lockOffset: 1us, unlockOffset: 500ns}}", []string{"spec.thresholds.unlockOffset", "at least lockOffset"}},
		{"no samples", "{" + good + ", thresholds: {lockSamples: 0}}", []string{"spec.thresholds.lockSamples", "greater than or equal to 1"}},
		{"one late Sync", "{" + good + ", thresholds: {syncIntervals: 1}}", []string{"spec.thresholds.syncIntervals", "greater than or equal to 2"}},
		{"a type that is none", "{" + good + ", events: {types: [event.sync.ptp-status.ptp-state]}}", []string{"spec.events.types[0]", "event.sync.ptp-status.ptp-state-change"}},
		{"a type twice", "{" + good + ", events: {types: [event.sync.ptp-status.ptp-state-change, event.sync.ptp-status.ptp-state-change]}}", []string{"spec.events.types[1]", "Duplicate"}},
		{"a format that is none", "{" + good + ", events: {sourceFormat: short}}", []string{"spec.events.sourceFormat", "full", "oran"}},
		{"a state that is said again all the time", "{" + good + ", events: {reassertEvery: 59s}}", []string{"spec.events.reassertEvery", "for example 5m"}},
		{"a state that is said again without a unit", "{" + good + ", events: {reassertEvery: '5'}}", []string{"spec.events.reassertEvery", "for example 5m"}},
		{"a cluster of two words", "{" + good + ", events: {clusterName: a/b}}", []string{"spec.events.clusterName", "site-7"}},
		{"a cluster named like a part of an address", "{" + good + ", events: {clusterName: node}}", []string{"spec.events.clusterName"}},
		{"no history", "{" + good + ", history: {entries: 0}}", []string{"spec.history.entries", "greater than or equal to 1"}},
		{"a history in a place that is none", "{" + good + ", history: {storage: Disk}}", []string{"spec.history.storage", "HostPath", "EmptyDir", "Memory"}},
		{"a history that is too small", "{" + good + ", history: {maxBytes: 1023Ki}}", []string{"spec.history.maxBytes", "1Mi to 16Gi"}},
		{"a history that is too small, in bytes", "{" + good + ", history: {maxBytes: 1048575}}", []string{"spec.history.maxBytes", "1Mi to 16Gi"}},
		{"a history that is too large", "{" + good + ", history: {maxBytes: 17Gi}}", []string{"spec.history.maxBytes", "1Mi to 16Gi"}},
		{"a history of words", "{" + good + ", history: {maxBytes: much}}", []string{"spec.history.maxBytes", "1Mi to 16Gi"}},
		{"a port that needs a capability", "{" + good + ", oCloud: {port: 80}}", []string{"spec.oCloud.port", "greater than or equal to 1024"}},
		{"an authorization that is none", "{" + good + ", oCloud: {auth: Basic}}", []string{"spec.oCloud.auth", "ServiceAccount"}},
		{"tokens in clear text", "{" + good + ", oCloud: {auth: ServiceAccount}}", []string{"spec.oCloud", "needs tlsSecretName"}},
		{"certificates without an authority", "{" + good + ", oCloud: {auth: ClientCertificate}}", []string{"spec.oCloud", "needs tlsSecretName"}},
		{"endpoints that are none", "{" + good + ", oCloud: {endpoints: All}}", []string{"spec.oCloud.endpoints", "Localhost"}},
		{"an address in place of a network", "{" + good + ", oCloud: {allowedNetworks: [192.0.2.1/24]}}", []string{"spec.oCloud.allowedNetworks[0]", "192.0.2.0/24"}},
		{"a secret that cannot be", "{" + good + ", oCloud: {tlsSecretName: A}}", []string{"spec.oCloud.tlsSecretName", "the name of a secret"}},
		{"a removal after a moment", "{" + good + ", oCloud: {removeAfter: 59s}}", []string{"spec.oCloud.removeAfter", "0s (never)"}},
		{"no subscription at all", "{" + good + ", oCloud: {maxSubscriptions: 0}}", []string{"spec.oCloud.maxSubscriptions", "greater than or equal to 1"}},
		{"a history of a moment", "{" + good + ", history: {maxAge: 59s}}", []string{"spec.history.maxAge", "1m to 8760h"}},
		{"a history of ages", "{" + good + ", history: {maxAge: 8761h}}", []string{"spec.history.maxAge", "168h"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, errs := server.admit(t, object(t, spec(tc.spec)), nil)
			if len(errs) != 1 {
				t.Fatalf("%d errors, want 1: %v", len(errs), errs)
			}
			for _, want := range tc.want {
				if !strings.Contains(errs[0].Error(), want) {
					t.Errorf("%v\nwant %q in it", errs[0], want)
				}
			}
		})
	}
}

func TestCRDRefusesLongNames(t *testing.T) {
	server := newServer(t)
	for length, want := range map[int]string{63: "", 64: "metadata.name must have at most 63 characters"} {
		o := object(t, spec("{sink: {uri: http://sink}}"))
		o["metadata"].(map[string]any)["name"] = strings.Repeat("a", length)
		_, errs := server.admit(t, o, nil)
		if want == "" && len(errs) > 0 || want != "" && (len(errs) != 1 || !strings.Contains(errs[0].Error(), want)) {
			t.Errorf("%d characters: %v, want %q", length, errs, want)
		}
	}
}

// Triggers elsewhere name the cluster; everything else may change.
func TestClusterNameStays(t *testing.T) {
	server := newServer(t)
	for _, tc := range []struct{ name, before, after, want string }{
		{"another name", "{sink: {uri: http://sink}, events: {clusterName: a}}", "{sink: {uri: http://sink}, events: {clusterName: b}}", "spec.events.clusterName: Invalid value: \"b\": cannot be changed"},
		{"the default in place of a name", "{sink: {uri: http://sink}, events: {clusterName: a}}", "{sink: {uri: http://sink}}", "spec.events.clusterName"},
		{"the same name and another sink", "{sink: {uri: http://sink}, events: {clusterName: a}}", "{sink: {uri: http://other}, events: {clusterName: a}, paused: true}", ""},
		{"the default, spelt out", "{sink: {uri: http://sink}}", "{sink: {uri: http://sink}, events: {clusterName: cluster}}", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before, after := object(t, spec(tc.before)), object(t, spec(tc.after))
			if _, errs := server.admit(t, before, nil); len(errs) > 0 {
				t.Fatal(errs)
			}
			_, errs := server.admit(t, after, before)
			if tc.want == "" && len(errs) > 0 || tc.want != "" && (len(errs) != 1 || !strings.Contains(errs[0].Error(), tc.want)) {
				t.Errorf("%v, want %q", errs, tc.want)
			}
		})
	}
}

// Eventing makes EventTypes of what the annotation says, so it must be what is sent.
func TestEventTypesAnnotation(t *testing.T) {
	var types []struct{ Type, Schema, Description string }
	decoder := json.NewDecoder(strings.NewReader(definition(t).Annotations["registry.knative.dev/eventTypes"]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&types); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, e := range types {
		got = append(got, e.Type)
		schema, err := url.Parse(e.Schema)
		if err != nil || schema.Scheme != "https" {
			t.Errorf("%s: schema %q is no URL: %v", e.Type, e.Schema, err)
			continue
		}
		if _, err := os.Stat(root + "docs/events/v1/" + path.Base(schema.Path)); err != nil {
			t.Errorf("%s: its schema is not in the repository: %v", e.Type, err)
		}
		if e.Description == "" {
			t.Errorf("%s has no description", e.Type)
		}
	}
	all := decode(t, toJSON(t, object(t, spec("{osClock: {enabled: true}, hardwareClock: {enabled: true}}"))))
	for _, d := range oran.Definitions() {
		all.Spec.Events.Types = append(all.Spec.Events.Types, d.EventType)
	}
	for _, a := range resources.CloudEventAttributes(all) {
		want = append(want, a.Type)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types that are sent (-) and announced (+):\n%s", diff)
	}
}

// Every event type that is defined may be asked for, and no other.
func TestEventTypesThatMayBeAskedFor(t *testing.T) {
	schema := newServer(t).schema.Properties["spec"].Properties["events"].Properties["types"]
	var got, want []string
	for _, v := range schema.Items.ValueValidation.Enum {
		got = append(got, v.Object.(string))
	}
	for _, d := range oran.Definitions() {
		want = append(want, d.EventType)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defined (-) and allowed (+):\n%s", diff)
	}
}

func TestPrinterColumns(t *testing.T) {
	o := object(t, everything)
	o["metadata"].(map[string]any)["creationTimestamp"] = "2026-11-20T09:09:07Z"
	want := map[string]string{
		"Sink": "https://broker/ptp", "Nodes": "2/3", "Ready": "False", "Reason": "NoMatchingNodes", "Age": "2026-11-20T09:09:07Z",
		"DaemonSet": "eventing-ptp-adapters/clocks", "Message": "no node matches",
	}
	got, always := map[string]string{}, []string{}
	crd := definition(t)
	for _, c := range append(crd.Spec.AdditionalPrinterColumns, crd.Spec.Versions[0].AdditionalPrinterColumns...) {
		column := jsonpath.New(c.Name)
		if err := column.Parse("{" + c.JSONPath + "}"); err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := column.Execute(&text, o); err != nil {
			t.Errorf("column %s: %v", c.Name, err)
		}
		got[c.Name] = text.String()
		if c.Priority == 0 {
			always = append(always, c.Name)
		}
	}
	if diff := cmp.Diff([]string{"Sink", "Nodes", "Ready", "Reason", "Age"}, always); diff != "" {
		t.Errorf("columns that are always shown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

// walk calls visit for every field below schema. A list is written with [], a map with its
// name alone.
func walk(schema *structuralschema.Structural, name string, visit func(name string, schema *structuralschema.Structural)) {
	for field, sub := range schema.Properties {
		below := strings.TrimPrefix(name+"."+field, ".")
		visit(below, &sub)
		for sub.Items != nil {
			sub, below = *sub.Items, below+"[]"
		}
		walk(&sub, below, visit)
	}
}

// kubectl explain has a true sentence for everything.
func TestEveryFieldIsDescribed(t *testing.T) {
	walk(newServer(t).schema, "", func(name string, schema *structuralschema.Structural) {
		if name != "metadata" && !strings.HasSuffix(schema.Description, ".") {
			t.Errorf("%s is described by %q; want a sentence", name, schema.Description)
		}
	})
}

// What the documentation shows can be applied.
func TestDocumentedExamples(t *testing.T) {
	server := newServer(t)
	for _, name := range []string{"README.md", "docs/ptpsource.md"} {
		page, err := os.ReadFile(root + name)
		if err != nil {
			t.Fatal(err)
		}
		examples := strings.Split(string(page), "```yaml\n")[1:]
		if len(examples) == 0 {
			t.Errorf("%s has none", name)
		}
		for _, text := range examples {
			text, _, _ = strings.Cut(text, "```")
			if fields, ok := strings.CutPrefix(text, "spec:"); ok {
				text = spec("\n" + fields)
			}
			o := object(t, text)
			if dropped, errs := server.admit(t, o, nil); len(dropped)+len(errs) > 0 {
				t.Errorf("%s: dropped %v, refused %v:\n%s", name, dropped, errs, text)
				continue
			}
			s := decode(t, toJSON(t, o))
			s.SetDefaults(t.Context())
			if err := s.Validate(t.Context()); err != nil {
				t.Errorf("%s: %v:\n%s", name, err, text)
			}
		}
	}
}
