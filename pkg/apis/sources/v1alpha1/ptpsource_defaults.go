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
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/ptr"
)

const (
	// DefaultSocketDirectory is where linuxptp-daemon and distributions with a directory
	// of their own keep ptp4l's sockets. It is a directory of its own, so that an adapter
	// sees nothing else of the host.
	DefaultSocketDirectory = "/var/run/ptp"
	// DefaultSockets are ptp4l, ptp4l.0.socket, ptp4l-eth0 and the like.
	DefaultSockets = "ptp4l*"
	// DefaultClusterName is O-RAN's word for a cluster that has no name.
	DefaultClusterName = "cluster"
	// DefaultHistoryEntries is two months of a clock that changes every minute.
	DefaultHistoryEntries = 100_000
	// DefaultHistoryMaxBytes is about what these take.
	DefaultHistoryMaxBytes = "64Mi"
	// DefaultHistoryMaxAge is a week: an older state of a clock is of no use to anybody.
	DefaultHistoryMaxAge = 7 * 24 * time.Hour
	// DefaultOCloudPort is where consumers of OpenShift's events look for the API.
	DefaultOCloudPort = 9043
	// DefaultOCloudRemoveAfter is as long as history reaches by default.
	DefaultOCloudRemoveAfter = 7 * 24 * time.Hour
	// DefaultOCloudMaxSubscriptions is far more than a node has consumers.
	DefaultOCloudMaxSubscriptions = 1024
	// DefaultGPSD is gpsd's port (RFC 6335 registration gpsd) on the node itself.
	DefaultGPSD = "localhost:2947"
)

// SetDefaults fills in what was left out. Thresholds are not filled in: what is left out
// there follows config-ptp, also when that changes. The CRD has the same defaults, for
// clusters in which the webhook is not asked.
func (s *PtpSource) SetDefaults(ctx context.Context) {
	ctx = apis.WithinParent(ctx, s.ObjectMeta)
	s.Spec.SetDefaults(ctx)
}

// SetDefaults fills in what was left out of the spec.
func (s *PtpSourceSpec) SetDefaults(ctx context.Context) {
	s.Sink.SetDefaults(ctx)
	if s.Delivery != nil {
		s.Delivery.DeadLetterSink.SetDefaults(ctx)
	}
	setDefault(&s.Linuxptp.SocketDirectory, DefaultSocketDirectory)
	if len(s.Linuxptp.Sockets) == 0 {
		s.Linuxptp.Sockets = []string{DefaultSockets}
	}
	if s.OSClock != nil {
		setDefault(&s.OSClock.FedBy, FedByPTP)
	}
	if s.GNSS != nil {
		setDefault(&s.GNSS.GPSD, DefaultGPSD)
	}
	setDefault(&s.Events.SourceFormat, SourceFull)
	setDefault(&s.Events.ClusterName, DefaultClusterName)
	if s.History.Entries == nil {
		s.History.Entries = ptr.Int32(DefaultHistoryEntries)
	}
	if s.History.MaxBytes == nil {
		s.History.MaxBytes = new(resource.MustParse(DefaultHistoryMaxBytes))
	}
	if s.History.MaxAge == nil {
		s.History.MaxAge = &metav1.Duration{Duration: DefaultHistoryMaxAge}
	}
	s.OCloud.setDefaults()
}

func (o *OCloud) setDefaults() {
	if o == nil {
		return
	}
	setDefault(&o.Auth, OCloudAuthNone)
	setDefault(&o.Endpoints, OCloudEndpointsCluster)
	if o.Port == nil {
		o.Port = ptr.Int32(DefaultOCloudPort)
	}
	if o.RemoveAfter == nil {
		o.RemoveAfter = &metav1.Duration{Duration: DefaultOCloudRemoveAfter}
	}
	if o.MaxSubscriptions == nil {
		o.MaxSubscriptions = ptr.Int32(DefaultOCloudMaxSubscriptions)
	}
}

func setDefault[T ~string](field *T, value T) {
	if *field == "" {
		*field = value
	}
}
