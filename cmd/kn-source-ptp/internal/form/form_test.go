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

package form

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// leaves returns the path of every field that has no fields of its own, as JSON has it.
func leaves(t reflect.Type, path string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	marshals := reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextMarshaler]())
	if t.Kind() != reflect.Struct || marshals {
		return []string{path}
	}
	var all []string
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		below := strings.TrimPrefix(path+"."+name, ".")
		if strings.Contains(options, "inline") {
			below = path
		}
		all = append(all, leaves(field.Type, below)...)
	}
	return all
}

func TestEveryFieldHasAFlag(t *testing.T) {
	fields := leaves(reflect.TypeFor[v1alpha1.PtpSourceSpec](), "")
	if len(fields) < 50 {
		t.Fatalf("only %d fields were found: %q", len(fields), fields)
	}
	covers := func(r row, field string) bool {
		if r.path == field {
			return true
		}
		whole := r.kind == document || r.kind == sink && slices.Contains([]string{"ref.apiVersion", "ref.kind", "ref.name", "ref.namespace", "uri"}, strings.TrimPrefix(field, r.path+"."))
		return whole && strings.HasPrefix(field, r.path+".")
	}
	for _, field := range fields {
		if !slices.ContainsFunc(rows, func(r row) bool { return covers(r, field) }) {
			t.Errorf("no flag sets spec.%s", field)
		}
	}
	for _, r := range rows {
		if !slices.ContainsFunc(fields, func(field string) bool { return covers(r, field) }) {
			t.Errorf("--%s sets spec.%s, which is not there", r.flag, r.path)
		}
	}
}

// fill types flags, and returns the spec as YAML.
func fill(spec v1alpha1.PtpSourceSpec, args ...string) (string, error) {
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := New(flags)
	if err := flags.Parse(args); err != nil {
		return "", err
	}
	filled, err := f.Fill(spec)
	if err != nil {
		return "", err
	}
	text, err := yaml.Marshal(filled)
	return string(text), err
}

func TestFill(t *testing.T) {
	for _, tc := range []struct {
		name, before string
		args         []string
		want         string
	}{
		{"a Broker", "", []string{"--sink", "broker:default"}, "sink: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}}"},
		{"one of another namespace", "", []string{"--sink", "broker:default:edge"}, "sink: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default, namespace: edge}}"},
		{"a Knative Service", "", []string{"--sink", "ksvc:handler"}, "sink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: handler}}"},
		{"a name alone", "", []string{"--sink", "handler"}, "sink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: handler}}"},
		{"a Channel", "", []string{"--sink", "channel:all"}, "sink: {ref: {apiVersion: messaging.knative.dev/v1, kind: Channel, name: all}}"},
		{"a Service", "", []string{"--sink", "service:app"}, "sink: {ref: {apiVersion: v1, kind: Service, name: app}}"},
		{"any kind", "", []string{"--sink", "messaging.knative.dev/v1/InMemoryChannel:all:edge"}, "sink: {ref: {apiVersion: messaging.knative.dev/v1, kind: InMemoryChannel, name: all, namespace: edge}}"},
		{"a URL", "", []string{"--sink", "https://events.example.com:8443/ptp?a=b"}, "sink: {uri: 'https://events.example.com:8443/ptp?a=b'}"},
		{
			"the rest of a sink", "",
			[]string{"--sink", "broker:default", "--sink-path", "/ptp", "--sink-address", "https", "--sink-audience", "me", "--sink-ca-certs", "PEM"},
			"sink: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default, address: https}, uri: /ptp, audience: me, CACerts: PEM}",
		},
		{
			"every kind of value", "sink: {uri: 'http://a'}",
			[]string{
				"--delivery-retry", "8", "--hardware-clock", "--os-clock=false", "--socket", "a,b", "--socket", "c*", "--lock-offset", "20us", "--history-bytes", "1Gi",
				"--ce-override", "site=north,room=1", "--ce-override", "row=2", "--toleration", "ran=yes:NoSchedule", "--toleration", "ptp",
				"--toleration", "{key: a, operator: Exists, tolerationSeconds: 5}", "--request", "cpu=10m", "--resource-claim", "{name: phc}",
				"--affinity", "{nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: site, operator: In, values: [north]}]}]}}}",
			},
			`sink: {uri: 'http://a'}
delivery: {retry: 8}
hardwareClock: {enabled: true}
osClock: {}
linuxptp: {sockets: [a, b, c*]}
thresholds: {lockOffset: 20µs}
history: {maxBytes: 1Gi}
ceOverrides: {extensions: {site: north, room: "1", row: "2"}}
tolerations: [{key: ran, operator: Equal, value: "yes", effect: NoSchedule}, {key: ptp, operator: Exists}, {key: a, operator: Exists, tolerationSeconds: 5}]
resources: {requests: {cpu: 10m}, claims: [{name: phc}]}
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: site, operator: In, values: [north]}]}]}}}`,
		},
		{
			"back to the default", "sink: {uri: 'http://a'}\ndelivery: {retry: 8}\nlinuxptp: {sockets: [a], domain: 24}\nceOverrides: {extensions: {a: b}}\nnodeSelector: {a: b, c: d}\npaused: true",
			[]string{"--delivery-retry=", "--domain=", "--ce-override", "a-", "--node-selector", "a-,e=f", "--paused=false"},
			"sink: {uri: 'http://a'}\nlinuxptp: {sockets: [a]}\nnodeSelector: {c: d, e: f}",
		},
		{"another sink altogether", "sink: {ref: {kind: Broker, name: a}, audience: b}", []string{"--sink", "http://c"}, "sink: {uri: 'http://c'}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var before, want v1alpha1.PtpSourceSpec
			for text, to := range map[string]*v1alpha1.PtpSourceSpec{tc.before: &before, tc.want: &want} {
				if err := yaml.UnmarshalStrict([]byte(text), to); err != nil {
					t.Fatal(err)
				}
			}
			wanted, err := yaml.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := fill(before, tc.args...)
			if diff := cmp.Diff(string(wanted), got); err != nil || diff != "" {
				t.Errorf("%v, want (-) and got (+):\n%s", err, diff)
			}
		})
	}
}

func TestFillRefuses(t *testing.T) {
	const sinks = " is no sink; it can be broker:NAME, ksvc:NAME, channel:NAME or service:NAME, " +
		"with :NAMESPACE behind it, APIVERSION/KIND:NAME[:NAMESPACE], or an http or https URL"
	for _, tc := range []struct{ arg, want string }{
		{"--sink=pipe:default", `--sink: "pipe:default"` + sinks},
		{"--sink=broker:", `--sink: "broker:"` + sinks},
		{"--sink=broker:a:", `--sink: "broker:a:"` + sinks},
		{"--sink=broker:a:b:c", `--sink: "broker:a:b:c"` + sinks},
		{"--dead-letter-sink=v1/:a", `--dead-letter-sink: "v1/:a"` + sinks},
		{"--sink=http://", `--sink: "http://" is no URL of a host`},
		{"--delivery-retry=many", `--delivery-retry: "many" is not a whole number`},
		{"--paused=perhaps", `--paused: "perhaps" is neither true nor false`},
		{"--ce-override=site", `--ce-override: "site" is neither KEY=VALUE nor KEY-`},
		{"--node-selector==a", `--node-selector: "=a" is neither KEY=VALUE nor KEY-`},
		{"--lock-offset=5", `--lock-offset "5": time: missing unit in duration "5"`},
		{"--history-bytes=much", `--history-bytes "much": quantities must match`},
		{"--domain=99999999999", `--domain "99999999999": json: cannot unmarshal`},
		{"--affinity=[a]", `--affinity: it is no YAML with fields:`},
		{"--affinity=@/nowhere", `--affinity: open /nowhere: no such file or directory`},
		{"--affinity={nodeAffinty: {}}", `the flags make no spec: json: unknown field "nodeAffinty"`},
	} {
		_, err := fill(v1alpha1.PtpSourceSpec{}, tc.arg)
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", tc.arg, err, tc.want)
		}
	}
}
