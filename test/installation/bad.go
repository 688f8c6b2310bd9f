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

package installation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BadSource is a PtpSource that must be refused.
type BadSource struct {
	Name string
	// Spec is JSON that replaces fields of a good spec.
	Spec string
	// Want is what the refusal must name: the path of the field, and what would be better.
	Want []string
}

// BadSources returns sources of which each has one field that makes no sense. There is
// one at least for every field that can be wrong.
func BadSources() []BadSource {
	return []BadSource{
		{"no sink", `{"sink": null}`, []string{"spec.sink"}},
		{"sink without a kind", `{"sink": {"ref": {"apiVersion": "v1", "name": "x"}}}`, []string{"spec.sink.ref.kind"}},
		{"overridden type", `{"ceOverrides": {"extensions": {"type": "x"}}}`, []string{"spec.ceOverrides.extensions", "type"}},
		{"overridden sequence", `{"ceOverrides": {"extensions": {"sequence": "1"}}}`, []string{"spec.ceOverrides.extensions", "sequence"}},
		{"an extension in capitals", `{"ceOverrides": {"extensions": {"Site": "1"}}}`, []string{"spec.ceOverrides.extensions", "lower-case letters and digits"}},
		{"retry below 0", `{"delivery": {"retry": -1}}`, []string{"spec.delivery.retry"}},
		{"timeout without unit", `{"delivery": {"timeout": "10"}}`, []string{"spec.delivery.timeout", "PT10S"}},
		{"longest wait without unit", `{"delivery": {"retryAfterMax": "60"}}`, []string{"spec.delivery.retryAfterMax", "PT1M"}},
		{"part of a backlog", `{"delivery": {"backlog": "Some"}}`, []string{"spec.delivery.backlog", "LatestPerResource"}},
		{"thresholds out of order", `{"thresholds": {"lockOffset": "1us", "unlockOffset": "500ns"}}`, []string{"spec.thresholds", "unlockOffset"}},
		{"threshold without unit", `{"thresholds": {"lockOffset": "100"}}`, []string{"spec.thresholds.lockOffset"}},
		{"no samples", `{"thresholds": {"lockSamples": 0}}`, []string{"spec.thresholds.lockSamples"}},
		{"bad glob", `{"linuxptp": {"sockets": ["ptp4l["]}}`, []string{"spec.linuxptp.sockets[0]"}},
		{"socket elsewhere", `{"linuxptp": {"sockets": ["../docker.sock"]}}`, []string{"spec.linuxptp.sockets[0]"}},
		{"whole host", `{"linuxptp": {"socketDirectory": "/"}}`, []string{"spec.linuxptp.socketDirectory"}},
		{"way out of a directory", `{"linuxptp": {"socketDirectory": "/var/run/ptp/../.."}}`, []string{"spec.linuxptp.socketDirectory"}},
		{"domain", `{"linuxptp": {"domain": 256}}`, []string{"spec.linuxptp.domain"}},
		{"group of root", `{"linuxptp": {"group": 0}}`, []string{"spec.linuxptp.group"}},
		{"event type", `{"events": {"types": ["event.sync.ptp-status.ptp-state"]}}`, []string{"spec.events.types[0]", "event.sync.ptp-status.ptp-state-change"}},
		{"source format", `{"events": {"sourceFormat": "short"}}`, []string{"spec.events.sourceFormat", "full", "oran"}},
		{"cluster name", `{"events": {"clusterName": "a/b"}}`, []string{"spec.events.clusterName"}},
		{"re-assertion all the time", `{"events": {"reassertEvery": "1s"}}`, []string{"spec.events.reassertEvery", "5m"}},
		{"no history", `{"history": {"entries": 0}}`, []string{"spec.history.entries"}},
		{"both ways to a hardware clock", `{"hardwareClock": {"enabled": true, "privileged": true, "resourceName": "example.com/ptp"}}`, []string{"spec.hardwareClock"}},
		{"address of gpsd", `{"gnss": {"enabled": true, "gpsd": "localhost"}}`, []string{"spec.gnss.gpsd"}},
		{"label", `{"nodeSelector": {"a b": "c"}}`, []string{"spec.nodeSelector"}},
	}
}

// IsRefused is whether err is a refusal that says all that it should.
func (b BadSource) IsRefused(err error) bool {
	return err != nil && !slices.ContainsFunc(b.Want, func(want string) bool { return !strings.Contains(err.Error(), want) })
}

// Submit asks the API server whether it would take a source with these fields in its spec
// instead of those of a good one. It changes nothing.
func (i *Installation) Submit(ctx context.Context, namespace, spec string) error {
	fields := map[string]any{"sink": map[string]any{"uri": "http://sink"}}
	if err := json.Unmarshal([]byte(spec), &fields); err != nil {
		return fmt.Errorf("read the fields %s: %w", spec, err)
	}
	body, err := json.Marshal(map[string]any{
		"apiVersion": "sources.knative.dev/v1alpha1", "kind": "PtpSource",
		"metadata": map[string]any{"name": "submitted", "namespace": namespace},
		"spec":     fields,
	})
	if err != nil {
		return err
	}
	return i.Sources.SourcesV1alpha1().RESTClient().Post().Namespace(namespace).Resource("ptpsources").
		Param("dryRun", metav1.DryRunAll).Body(body).Do(ctx).Error()
}
