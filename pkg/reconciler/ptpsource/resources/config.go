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

package resources

import (
	"fmt"
	"path"
	"time"

	"github.com/rickb777/date/period"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	eventingduckv1 "knative.dev/eventing/pkg/apis/duck/v1"

	adapterconfig "github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
)

// makeConfig makes what an adapter reads from K_SOURCE_CONFIG. It is complete: an adapter
// of another version must not fill in defaults of its own.
func makeConfig(args Args) (adapterconfig.Config, error) {
	spec := args.Source.Spec
	c := adapterconfig.Default()
	c.Cluster = spec.Events.ClusterName
	for _, name := range spec.Linuxptp.Sockets {
		c.Linuxptp.Sockets = append(c.Linuxptp.Sockets, path.Join(mountPath(spec.Linuxptp), name))
	}
	c.Linuxptp.Domain = octet(spec.Linuxptp.Domain)
	c.Linuxptp.TransportSpecific = octet(spec.Linuxptp.TransportSpecific)
	if spec.OSClock != nil {
		c.OSClock = adapterconfig.OSClock{Enabled: spec.OSClock.Enabled, FedBy: string(spec.OSClock.FedBy), Chronyd: spec.OSClock.Chronyd}
	}
	if h := spec.HardwareClock; h != nil {
		c.HardwareClock.Enabled = h.Enabled
		override(&c.HardwareClock.PollInterval, h.PollInterval)
	}
	if args.privileged() {
		c.HardwareClock.Directory = devicesPath
	}
	if spec.GNSS != nil {
		c.GNSS = adapterconfig.GNSS{Enabled: spec.GNSS.Enabled, GPSD: spec.GNSS.GPSD}
	}
	c.SyncE.Enabled = watchesSyncE(spec)
	if c.SyncE.Enabled && spec.SyncE.Synce4l != nil {
		c.SyncE.Synce4l = &adapterconfig.Synce4l{Socket: path.Join(mountPath(spec.Linuxptp), spec.SyncE.Synce4l.Socket), Devices: spec.SyncE.Synce4l.Devices}
	}
	c.Thresholds = args.Thresholds
	c.Events.Types = spec.Events.Types
	c.Events.SourceFormat = string(spec.Events.SourceFormat)
	if every := spec.Events.ReassertEvery; every != nil {
		c.Events.ReassertEvery = *every
	}
	c.History.Entries = int(*spec.History.Entries)
	c.History.MaxBytes = int(spec.History.MaxBytes.Value())
	c.History.MaxAge = *spec.History.MaxAge
	if args.journal() != nil {
		c.History.Directory = journalPath
	}
	setOCloud(&c.OCloud, spec)
	c.Health.Address = fmt.Sprintf(":%d", args.ports().health)
	if port := args.ports().emit; port != 0 {
		c.Emit.Address = fmt.Sprintf("localhost:%d", port)
	}
	if err := setDelivery(&c.Delivery, spec.Delivery); err != nil {
		return c, err
	}
	if args.DeadLetterSink != nil {
		c.Delivery.DeadLetterSink = args.DeadLetterSink.URL.String()
		if args.needsToken() {
			c.Delivery.DeadLetterSinkAudience = audience(args.DeadLetterSink)
		}
	}
	return c, nil
}

// setOCloud takes over what the spec says of the O-Cloud API. Where it is not served the
// rest is left as it is: it must not make adapters be replaced.
func setOCloud(c *adapterconfig.OCloud, spec v1alpha1.PtpSourceSpec) {
	if !servesOCloud(spec) {
		return
	}
	o := spec.OCloud
	c.Enabled = true
	c.Address = fmt.Sprintf(":%d", *o.Port)
	c.Auth, c.Endpoints = string(o.Auth), string(o.Endpoints)
	c.AllowedNetworks = o.AllowedNetworks
	if o.TLSSecretName != "" {
		c.TLS = adapterconfig.TLS{Certificate: path.Join(ocloudPath, corev1.TLSCertKey), Key: path.Join(ocloudPath, corev1.TLSPrivateKeyKey)}
	}
	if o.Auth == v1alpha1.OCloudAuthClientCertificate {
		c.TLS.ClientCAs = path.Join(ocloudPath, corev1.ServiceAccountRootCAKey) // ca.crt, as cert-manager has it there
	}
	c.RemoveAfter, c.MaxSubscriptions = *o.RemoveAfter, int(*o.MaxSubscriptions)
}

// setDelivery takes over what the spec says of delivery, which writes durations as
// Knative does everywhere: ISO 8601.
func setDelivery(c *adapterconfig.Delivery, delivery *v1alpha1.Delivery) error {
	if delivery == nil {
		return nil
	}
	if delivery.Retry != nil {
		retry := int(*delivery.Retry)
		c.Retry = &retry
	}
	if delivery.BackoffPolicy != nil && *delivery.BackoffPolicy == eventingduckv1.BackoffPolicyLinear {
		c.BackoffPolicy = adapterconfig.Linear
	}
	if err := setDuration(&c.Timeout, delivery.Timeout, "timeout"); err != nil {
		return err
	}
	if err := setDuration(&c.BackoffDelay, delivery.BackoffDelay, "backoffDelay"); err != nil {
		return err
	}
	c.BackoffMax.Duration = max(c.BackoffMax.Duration, c.BackoffDelay.Duration)
	if delivery.Backlog == v1alpha1.BacklogLatestPerResource {
		c.Backlog = adapterconfig.LatestPerResource
	}
	if delivery.RetryAfterMax != nil {
		d, err := parseDuration(*delivery.RetryAfterMax)
		if err != nil || d < 0 {
			return fmt.Errorf("spec.delivery.retryAfterMax is %q; it must be an ISO 8601 duration, for example PT1M, or PT0S to not obey Retry-After", *delivery.RetryAfterMax)
		}
		c.RetryAfterMax.Duration = d
	}
	return nil
}

func setDuration(to *metav1.Duration, text *string, field string) error {
	if text == nil {
		return nil
	}
	d, err := parseDuration(*text)
	if err != nil || d <= 0 {
		return fmt.Errorf("spec.delivery.%s is %q; it must be an ISO 8601 duration that is positive, for example PT0.5S", field, *text)
	}
	to.Duration = d
	return nil
}

func parseDuration(text string) (time.Duration, error) {
	p, err := period.Parse(text)
	if err != nil {
		return 0, err
	}
	// A month counts as 30.4 days here, as in all of Knative.
	d, _ := p.Duration()
	return d, nil
}

// Thresholds returns what applies to a source: what it says itself, and what config-ptp
// says otherwise. The error says which two do not go together.
func Thresholds(spec v1alpha1.Thresholds, defaults adapterconfig.Thresholds) (adapterconfig.Thresholds, error) {
	t := defaults
	override(&t.LockOffset, spec.LockOffset)
	override(&t.UnlockOffset, spec.UnlockOffset)
	overrideCount(&t.LockSamples, spec.LockSamples)
	overrideCount(&t.UnlockSamples, spec.UnlockSamples)
	override(&t.HoldoverTimeout, spec.HoldoverTimeout)
	overrideCount(&t.SyncIntervals, spec.SyncIntervals)
	override(&t.SyncTimeout, spec.SyncTimeout)
	override(&t.OSClockTimeout, spec.OSClockTimeout)
	override(&t.OSClockOffset, spec.OSClockOffset)
	override(&t.MaxPathDelay, spec.MaxPathDelay)
	return t, t.Validate()
}

func override[T any](value *T, with *T) {
	if with != nil {
		*value = *with
	}
}

func overrideCount(value *int, with *int32) {
	if with != nil {
		*value = int(*with)
	}
}

// mountPath is where an adapter sees the directory of the sockets.
func mountPath(l v1alpha1.Linuxptp) string {
	if l.MountPath != "" {
		return path.Clean(l.MountPath)
	}
	return path.Clean(l.SocketDirectory)
}

// octet narrows what is one octet in PTP, and validated as such.
func octet(n *int32) *uint8 {
	if n == nil {
		return nil
	}
	o := uint8(*n) //nolint:gosec // the API accepts 0 to 255 only
	return &o
}
