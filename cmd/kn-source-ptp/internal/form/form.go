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

// Package form fills in the spec of a PtpSource from flags: a table says which flag sets
// which field.
package form

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// kind says how the text of a flag becomes the value of a field.
type kind uint8

const (
	text        kind = iota // as it is: also durations, quantities and enumerations
	file                    // as it is, or what is in a file: @FILE
	number                  // a whole number
	truth                   // true or false
	list                    // one text each time, or several with commas
	pairs                   // KEY=VALUE each time, or several with commas; KEY- takes one away
	sink                    // where events go
	document                // YAML or JSON, or what is in a file: @FILE
	documents               // one YAML or JSON each time
	tolerations             // KEY[=VALUE][:EFFECT] each time, or YAML
)

// row is one flag and the field that it sets.
type row struct {
	flag  string
	path  string // from spec on
	kind  kind
	usage string
	words []string // that a shell may complete
}

// rows are all flags. A test shows that no field of the spec is without one.
var rows = []row{
	// Where to
	{"sink", "sink", sink, "where events go: broker:NAME, ksvc:NAME, channel:NAME, service:NAME, each with :NAMESPACE where it is another one, APIVERSION/KIND:NAME, or an http or https URL", nil},
	{"sink-path", "sink.uri", text, "with a sink that is an object: a path that is added to its address", nil},
	{"sink-address", "sink.ref.address", text, "which address of the sink, by its name, where it has several", nil},
	{"sink-ca-certs", "sink.CACerts", file, "certificates in PEM to trust for the sink, or @FILE", nil},
	{"sink-audience", "sink.audience", text, "whom OIDC tokens for the sink are for", nil},
	{"sink-group", "sink.ref.group", text, "group of the sink, instead of its version (not supported yet)", nil},
	{"ce-override", "ceOverrides.extensions", pairs, "attribute that every event gets, as NAME=VALUE; NAME- takes it away", nil},
	{"delivery-timeout", "delivery.timeout", text, "how long one try may take, such as PT10S", nil},
	{"delivery-retry", "delivery.retry", number, "how often an event is tried again (default: until the sink takes it)", nil},
	{"delivery-backoff-policy", "delivery.backoffPolicy", text, "how the wait between tries grows: exponential or linear", []string{"exponential", "linear"}},
	{"delivery-backoff-delay", "delivery.backoffDelay", text, "the wait before the first retry, such as PT0.1S", nil},
	{"delivery-retry-after-max", "delivery.retryAfterMax", text, "the longest wait that the sink may ask for, such as PT1M", nil},
	{"delivery-backlog", "delivery.backlog", text, "what is sent of events that wait: All or LatestPerResource", []string{"All", "LatestPerResource"}},
	{"delivery-format", "delivery.format", text, "format of the events (not supported yet)", nil},
	{"dead-letter-sink", "delivery.deadLetterSink", sink, "where events go that the sink refuses, as --sink", nil},
	{"dead-letter-sink-path", "delivery.deadLetterSink.uri", text, "as --sink-path", nil},
	{"dead-letter-sink-address", "delivery.deadLetterSink.ref.address", text, "as --sink-address", nil},
	{"dead-letter-sink-ca-certs", "delivery.deadLetterSink.CACerts", file, "as --sink-ca-certs", nil},
	{"dead-letter-sink-audience", "delivery.deadLetterSink.audience", text, "as --sink-audience", nil},
	{"dead-letter-sink-group", "delivery.deadLetterSink.ref.group", text, "as --sink-group", nil},

	// Which nodes
	{"node-selector", "nodeSelector", pairs, "label that a node must have, as KEY=VALUE; KEY- takes it away", nil},
	{"affinity", "affinity", document, "scheduling constraints of the adapters, in YAML, or @FILE", nil},
	{"toleration", "tolerations", tolerations, "taint on which adapters may run: KEY[=VALUE][:EFFECT], or YAML with all fields", nil},
	{"request", "resources.requests", pairs, "resource that an adapter gets, such as memory=40Mi; NAME- takes it away", nil},
	{"limit", "resources.limits", pairs, "limit of an adapter, such as memory=128Mi; NAME- takes it away", nil},
	{"resource-claim", "resources.claims", documents, "resource claim of an adapter, in YAML", nil},
	{"priority-class", "priorityClassName", text, "priority class of the adapters", nil},

	// What to watch
	{"socket-directory", "linuxptp.socketDirectory", text, "directory of the host with ptp4l's sockets (default /var/run/ptp)", nil},
	{"mount-path", "linuxptp.mountPath", text, "where ptp4l itself sees that directory", nil},
	{"socket", "linuxptp.sockets", list, "name of a socket, with *, ? and [a-z] as in a shell (default ptp4l*)", nil},
	{"domain", "linuxptp.domain", number, "domainNumber of ptp4l (default: found out)", nil},
	{"transport-specific", "linuxptp.transportSpecific", number, "transportSpecific of ptp4l (default: found out)", nil},
	{"group", "linuxptp.group", number, "group that the sockets belong to; adapters are not root then", nil},
	{"hardware-clock", "hardwareClock.enabled", truth, "watch the PTP hardware clocks", nil},
	{"hardware-clock-privileged", "hardwareClock.privileged", truth, "run privileged to open /dev/ptpN", nil},
	{"hardware-clock-resource", "hardwareClock.resourceName", text, "resource of a device plugin that gives access to /dev/ptpN", nil},
	{"hardware-clock-poll-interval", "hardwareClock.pollInterval", text, "how often each hardware clock is read, from 50ms on (default 1s)", nil},
	{"os-clock", "osClock.enabled", truth, "watch the operating system's clock", nil},
	{"os-clock-fed-by", "osClock.fedBy", text, "what the OS clock gets its time from: ptp or other", []string{"ptp", "other"}},
	{"chronyd", "osClock.chronyd", text, "host:port of chronyd's command port, to ask it how often it adjusts the clock", nil},
	{"gnss", "gnss.enabled", truth, "watch GNSS receivers", nil},
	{"gpsd", "gnss.gpsd", text, "host:port of gpsd (default localhost:2947)", nil},
	{"synce", "synce.enabled", truth, "watch Synchronous Ethernet", nil},
	{"synce4l-socket", "synce.synce4l.socket", text, "name of synce4l's socket in the directory of ptp4l's, to ask it for quality levels", nil},
	{"synce4l-device", "synce.synce4l.devices", list, "device of synce4l to watch, such as synce1", nil},

	// When to speak
	{"lock-offset", "thresholds.lockOffset", text, "largest offset of a sample that counts towards LOCKED, such as 100ns", nil},
	{"unlock-offset", "thresholds.unlockOffset", text, "offset beyond which a sample counts towards FREERUN, such as 200ns", nil},
	{"lock-samples", "thresholds.lockSamples", number, "how many good samples in a row make a clock LOCKED", nil},
	{"unlock-samples", "thresholds.unlockSamples", number, "how many bad samples in a row make a clock FREERUN", nil},
	{"holdover-timeout", "thresholds.holdoverTimeout", text, "how long a clock that lost its source stays in HOLDOVER, such as 5s", nil},
	{"sync-intervals", "thresholds.syncIntervals", number, "after how many Sync intervals without a Sync the source is lost", nil},
	{"sync-timeout", "thresholds.syncTimeout", text, "and after how long at least, such as 500ms", nil},
	{"os-clock-timeout", "thresholds.osClockTimeout", text, "how long the OS clock may be without an adjustment, such as 5s", nil},
	{"os-clock-offset", "thresholds.osClockOffset", text, "how far the OS clock may be from the hardware clock that feeds it, such as 1us", nil},
	{"max-path-delay", "thresholds.maxPathDelay", text, "how long messages may take from the master before an event says so, such as 1ms", nil},

	// What to say, and what to keep
	{"event-type", "events.types", list, "type of event to send (default: all of O-RAN's)", nil},
	{"source-format", "events.sourceFormat", text, "what the attribute source is: full or oran", []string{"full", "oran"}},
	{"cluster-name", "events.clusterName", text, "first part of every resource address; it cannot be changed", nil},
	{"reassert-every", "events.reassertEvery", text, "how often the present state is sent again, such as 5m (default: never)", nil},
	{"history-storage", "history.storage", text, "where adapters keep events: HostPath, EmptyDir or Memory", []string{"HostPath", "EmptyDir", "Memory"}},
	{"history-entries", "history.entries", number, "how many events are kept (default 100000)", nil},
	{"history-bytes", "history.maxBytes", text, "how much they may take (default 64Mi)", nil},
	{"history-age", "history.maxAge", text, "how long they are kept (default 168h)", nil},

	// The O-Cloud API
	{"ocloud", "oCloud.enabled", truth, "serve the O-RAN O-Cloud notification API on every node", nil},
	{"ocloud-port", "oCloud.port", number, "port of the API (default 9043)", nil},
	{"ocloud-per-node-services", "oCloud.perNodeServices", truth, "give each node a Service of its own (ptp-event-publisher-service-NODE)", nil},
	{"ocloud-auth", "oCloud.auth", text, "who may use the API: None (everybody), ServiceAccount or ClientCertificate", []string{"None", "ServiceAccount", "ClientCertificate"}},
	{"ocloud-endpoints", "oCloud.endpoints", text, "which endpoints may be subscribed: Localhost, Cluster or Any", []string{"Localhost", "Cluster", "Any"}},
	{"ocloud-allowed-network", "oCloud.allowedNetworks", list, "network in which endpoints may be in any case, such as 192.0.2.0/24", nil},
	{"ocloud-tls-secret", "oCloud.tlsSecretName", text, "secret with the certificate of the API", nil},
	{"ocloud-remove-after", "oCloud.removeAfter", text, "for how long an endpoint may fail before its subscription is removed, such as 168h", nil},
	{"ocloud-max-subscriptions", "oCloud.maxSubscriptions", number, "how many subscriptions there may be", nil},

	{"paused", "paused", truth, "stop the adapters, and keep everything else", nil},
}

// Form is the flags of one command.
type Form struct {
	flags *pflag.FlagSet
	texts map[string]*[]string
}

// value is a flag that collects what was given, in order.
type value struct {
	to   *[]string
	kind kind
}

// Set implements pflag.Value.
func (v *value) Set(s string) error {
	switch v.kind {
	case list, pairs, documents, tolerations:
		*v.to = append(*v.to, s)
	default:
		*v.to = []string{s}
	}
	return nil
}

// String implements pflag.Value.
func (v *value) String() string { return strings.Join(*v.to, ",") }

// Type implements pflag.Value. It is what the help shows for the value.
func (v *value) Type() string {
	switch v.kind {
	case number:
		return "int"
	case truth:
		return "bool"
	case list:
		return "strings"
	case pairs:
		return "KEY=VALUE"
	case sink:
		return "SINK"
	case document, documents:
		return "YAML"
	case tolerations:
		return "TOLERATION"
	}
	return "string"
}

// New adds a flag for every field of the spec.
func New(flags *pflag.FlagSet) *Form {
	f := &Form{flags: flags, texts: map[string]*[]string{}}
	for _, r := range rows {
		texts := &[]string{}
		f.texts[r.flag] = texts
		flag := flags.VarPF(&value{to: texts, kind: r.kind}, r.flag, "", r.usage)
		if r.kind == truth {
			flag.NoOptDefVal = "true"
		}
	}
	return f
}

// Words are what a shell may complete, by flag.
func (*Form) Words() map[string][]string {
	all := map[string][]string{}
	for _, r := range rows {
		all[r.flag] = r.words
	}
	return all
}

// Given is whether any flag of the spec is.
func (f *Form) Given() bool {
	return slices.ContainsFunc(rows, func(r row) bool { return f.flags.Changed(r.flag) })
}

// Fill returns the spec with what the flags say. A flag with an empty value takes its field
// back to its default. What is wrong with a value that has the right form, webhooks say.
func (f *Form) Fill(spec v1alpha1.PtpSourceSpec) (v1alpha1.PtpSourceSpec, error) {
	fields, err := f.fields(spec)
	if err != nil {
		return spec, err
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return spec, fmt.Errorf("write the spec: %w", err)
	}
	var filled v1alpha1.PtpSourceSpec
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&filled); err != nil {
		return spec, fmt.Errorf("the flags make no spec: %w", err)
	}
	return filled, nil
}

// fields returns the spec as JSON has it, with what the flags say.
func (f *Form) fields(spec v1alpha1.PtpSourceSpec) (map[string]any, error) {
	raw, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("read the spec: %w", err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, fmt.Errorf("read the spec: %w", err)
	}
	for _, r := range rows {
		if !f.flags.Changed(r.flag) {
			continue
		}
		path := strings.Split(r.path, ".")
		old, _, _ := unstructured.NestedFieldNoCopy(fields, path...) // absent is fine
		v, err := r.read(*f.texts[r.flag], old)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", r.flag, err)
		}
		if err := set(fields, path, v); err != nil {
			return nil, fmt.Errorf("--%s: %w", r.flag, err)
		}
		if err := typed(fields); err != nil {
			return nil, fmt.Errorf("--%s %q: %w", r.flag, strings.Join(*f.texts[r.flag], " "), err)
		}
	}
	return fields, nil
}

// typed tells whether the fields are a spec so far, so that an error can name the flag.
func typed(fields map[string]any) error {
	raw, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, &v1alpha1.PtpSourceSpec{})
}

// set puts a value into its place, or removes what is there for nil. What is empty then is
// removed, too.
func set(fields map[string]any, path []string, v any) error {
	if len(path) == 1 {
		if v == nil {
			delete(fields, path[0])
		} else {
			fields[path[0]] = v
		}
		return nil
	}
	below, _ := fields[path[0]].(map[string]any)
	if below == nil {
		below = map[string]any{}
	}
	if err := set(below, path[1:], v); err != nil {
		return err
	}
	if len(below) == 0 {
		delete(fields, path[0])
	} else {
		fields[path[0]] = below
	}
	return nil
}

// read returns the value that the texts of a flag stand for; nil for its default.
func (r row) read(texts []string, old any) (any, error) {
	if len(texts) == 1 && texts[0] == "" {
		return nil, nil
	}
	last := texts[len(texts)-1]
	switch r.kind {
	case file:
		return load(last)
	case number:
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number", last)
		}
		return n, nil
	case truth:
		b, err := strconv.ParseBool(last)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", last)
		}
		return b, nil
	case list:
		var all []any
		for _, t := range texts {
			for part := range strings.SplitSeq(t, ",") {
				all = append(all, part)
			}
		}
		return all, nil
	case pairs:
		return readPairs(texts, old)
	case sink:
		return readSink(last)
	case document:
		t, err := load(last)
		if err != nil {
			return nil, err
		}
		return readDocument(t)
	case documents:
		var all []any
		for _, t := range texts {
			d, err := readDocument(t)
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
		return all, nil
	case tolerations:
		var all []any
		for _, t := range texts {
			d, err := readToleration(t)
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
		return all, nil
	}
	return last, nil
}

// load returns a text, or what is in the file that it names.
func load(t string) (string, error) {
	name, ok := strings.CutPrefix(t, "@")
	if !ok {
		return t, nil
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	return string(content), nil
}

func readPairs(texts []string, old any) (any, error) {
	all := map[string]any{}
	if before, ok := old.(map[string]any); ok {
		maps.Copy(all, before)
	}
	for _, t := range texts {
		for pair := range strings.SplitSeq(t, ",") {
			key, v, ok := strings.Cut(pair, "=")
			switch removed, remove := strings.CutSuffix(key, "-"); {
			case ok && key != "":
				all[key] = v
			case remove && removed != "":
				delete(all, removed)
			default:
				return nil, fmt.Errorf("%q is neither KEY=VALUE nor KEY-", pair)
			}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

func readDocument(t string) (map[string]any, error) {
	d := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(t), &d); err != nil {
		return nil, fmt.Errorf("it is no YAML with fields: %w", err)
	}
	return d, nil
}

func readToleration(t string) (map[string]any, error) {
	if strings.HasPrefix(strings.TrimSpace(t), "{") {
		return readDocument(t)
	}
	rest, effect, _ := strings.Cut(t, ":")
	key, v, equal := strings.Cut(rest, "=")
	d := map[string]any{"operator": "Exists"}
	if key != "" {
		d["key"] = key
	}
	if equal {
		d["operator"], d["value"] = "Equal", v
	}
	if effect != "" {
		d["effect"] = effect
	}
	return d, nil
}
