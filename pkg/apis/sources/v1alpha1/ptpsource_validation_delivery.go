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
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rickb777/date/period"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	eventingduckv1 "knative.dev/eventing/pkg/apis/duck/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

const (
	// maxExtensionValue keeps an event's headers below what HTTP servers take.
	maxExtensionValue = 1024
	// maxPeriod is PT1H.
	maxPeriod = time.Hour
)

// validateDestination refuses what Knative's own validation refuses, and what could never
// be sent to; a test compares both. Knative's names neither every path nor what to do.
func validateDestination(d *duckv1.Destination) *apis.FieldError {
	var errs *apis.FieldError
	switch {
	case d.Ref == nil && d.URI.IsEmpty():
		errs = apis.ErrGeneric("nowhere to send to; give a ref, for example {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}, or a uri", "ref", "uri")
	case d.Ref == nil && (d.URI.Scheme != "http" && d.URI.Scheme != "https" || d.URI.URL().Hostname() == ""):
		errs = refuse("uri", d.URI.URL().Redacted(), "must be an http or https URL with a host, for example https://events.example.com/ptp")
	case d.Ref != nil && d.URI != nil && (d.URI.Scheme != "" || d.URI.Host != ""):
		errs = refuse("uri", d.URI.URL().Redacted(), "must be a path, for example /ptp, because it is added to the address of the ref; or leave the ref out")
	}
	if d.CACerts != nil && *d.CACerts != "" {
		errs = errs.Also(validateCertificates(*d.CACerts))
	}
	return errs.Also(validateReference(d.Ref).ViaField("ref"))
}

func validateReference(ref *duckv1.KReference) *apis.FieldError {
	if ref == nil {
		return nil
	}
	var errs *apis.FieldError
	if _, err := schema.ParseGroupVersion(ref.APIVersion); err != nil || ref.APIVersion == "" {
		errs = errs.Also(refuse("apiVersion", ref.APIVersion, "must be group/version, for example eventing.knative.dev/v1 for a Broker"))
	}
	if ref.Group != "" {
		errs = errs.Also(refuse("group", ref.Group, "is not supported by this version; leave it out and give apiVersion"))
	}
	if len(validation.IsDNS1035Label(strings.ToLower(ref.Kind))) > 0 {
		errs = errs.Also(refuse("kind", ref.Kind, "must be a kind, for example Broker"))
	}
	if len(content.IsDNS1123Subdomain(ref.Name)) > 0 {
		errs = errs.Also(refuse("name", ref.Name, "must be the name of an object, for example default"))
	}
	if ref.Namespace != "" && len(content.IsDNS1123Label(ref.Namespace)) > 0 {
		errs = errs.Also(refuse("namespace", ref.Namespace, "must be the name of a namespace, for example default, or be left out"))
	}
	return errs
}

func validateCertificates(text string) *apis.FieldError {
	const remedy = "must be certificates in PEM, which begin with -----BEGIN CERTIFICATE-----"
	rest := []byte(text)
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" {
			return apis.ErrInvalidValue("no certificate in PEM", "CACerts", remedy)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return apis.ErrInvalidValue(err, "CACerts", remedy)
		}
		if strings.TrimSpace(string(rest)) == "" {
			return nil
		}
	}
}

// validateOverrides refuses extensions with which no event could be sent, or with which
// events would say what is not so.
func validateOverrides(overrides *duckv1.CloudEventOverrides) *apis.FieldError {
	if overrides == nil {
		return nil
	}
	var errs *apis.FieldError
	for _, name := range slices.Sorted(maps.Keys(overrides.Extensions)) {
		value := overrides.Extensions[name]
		field := atKey("extensions", name)
		switch lower := strings.ToLower(name); {
		case slices.Contains(contextAttributes(), lower):
			errs = errs.Also(apis.ErrInvalidKeyName(name, field, "it is part of every CloudEvent, which would be broken by another; use another name, for example site"))
		case slices.Contains(ownExtensions(), lower):
			errs = errs.Also(apis.ErrInvalidKeyName(name, field, "the events say it themselves, and Triggers rely on it; use another name, for example site"))
		case !isExtensionName(name):
			errs = errs.Also(apis.ErrInvalidKeyName(name, field, "must be 1 to 64 lower-case letters and digits, for example site"))
		}
		switch {
		case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
			errs = errs.Also(refuse(field, value, "must be text without control characters such as line ends, for example north"))
		case utf8.RuneCountInString(value) > maxExtensionValue:
			errs = errs.Also(apis.ErrInvalidValue(fmt.Sprintf("%d characters", utf8.RuneCountInString(value)), field,
				fmt.Sprintf("must have at most %d characters, because it becomes an HTTP header", maxExtensionValue)))
		}
	}
	return errs
}

// contextAttributes are what CloudEvents 1.0 defines itself; data and data_base64 are
// members of an event in JSON.
func contextAttributes() []string {
	return []string{
		"id", "source", "type", "specversion", "subject", "time", "datacontenttype", "dataschema", "data", "data_base64",
	}
}

// ownExtensions are those that events of this project have.
func ownExtensions() []string {
	return []string{
		oran.ResourceAddressExtension, oran.NodeExtension, oran.InstanceExtension, oran.StateExtension,
		oran.PreviousStateExtension, oran.ReasonExtension, oran.MissedExtension, oran.SequenceExtension, oran.PartitionKeyExtension,
		oran.SkippedExtension, oran.TraceParentExtension,
	}
}

func isExtensionName(name string) bool {
	return len(name) >= 1 && len(name) <= 64 &&
		!strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

func (d *Delivery) validate() *apis.FieldError {
	if d == nil {
		return nil
	}
	var errs *apis.FieldError
	if d.DeadLetterSink != nil {
		errs = validateDestination(d.DeadLetterSink).ViaField("deadLetterSink")
	}
	if d.Retry != nil && *d.Retry < 0 {
		errs = errs.Also(refuse("retry", *d.Retry, "must be 0 or more, for example 5; leave it out to try until the sink takes the event"))
	}
	// Eventing's feature flags guard what not every sender can; the adapter can.
	errs = errs.Also(validatePeriod("timeout", d.Timeout, "PT10S"), validatePeriod("backoffDelay", d.BackoffDelay, "PT0.5S"))
	if p := d.BackoffPolicy; p != nil && *p != eventingduckv1.BackoffPolicyExponential && *p != eventingduckv1.BackoffPolicyLinear {
		errs = errs.Also(refuse("backoffPolicy", string(*p), "must be %s or %s", eventingduckv1.BackoffPolicyExponential, eventingduckv1.BackoffPolicyLinear))
	}
	if d.RetryAfterMax != nil && !isPeriod(*d.RetryAfterMax, 0) {
		errs = errs.Also(refuse("retryAfterMax", *d.RetryAfterMax, "must be an ISO 8601 duration, at most PT1H, for example PT1M; PT0S does not obey Retry-After at all"))
	}
	if d.Backlog != "" && d.Backlog != BacklogAll && d.Backlog != BacklogLatestPerResource {
		errs = errs.Also(refuse("backlog", string(d.Backlog), "must be %s or %s", BacklogAll, BacklogLatestPerResource))
	}
	if d.Format != nil {
		errs = errs.Also(refuse("format", string(*d.Format), "is not supported by this version, which sends in binary mode; leave it out"))
	}
	return errs
}

// validatePeriod refuses what is not a duration as Knative writes and reads them, which is
// to a tenth of a second, and more than an hour, in which an event is of no use any more.
func validatePeriod(field string, text *string, example string) *apis.FieldError {
	if text == nil || isPeriod(*text, 1) {
		return nil
	}
	return refuse(field, *text, "must be an ISO 8601 duration, PT0.1S to PT1H, for example %s", example)
}

// isPeriod is whether a text is a duration from the shortest to the longest that is useful.
func isPeriod(text string, shortest time.Duration) bool {
	p, err := period.Parse(text)
	if err != nil {
		return false
	}
	d, _ := p.Duration()
	return d >= shortest && d <= maxPeriod
}
