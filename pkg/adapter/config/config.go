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

// Package config is the configuration of the receive adapter, as it travels in
// K_SOURCE_CONFIG: the controller writes it, the adapter reads it.
package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// Config is the adapter's own configuration. Durations are written like 100ns, 500ms
// or 5s.
type Config struct {
	// Cluster is the first part of every resource address.
	Cluster       string        `json:"cluster"`
	Linuxptp      Linuxptp      `json:"linuxptp"`
	HardwareClock HardwareClock `json:"hardwareClock"`
	OSClock       OSClock       `json:"osClock"`
	GNSS          GNSS          `json:"gnss"`
	SyncE         SyncE         `json:"synce"`
	Thresholds    Thresholds    `json:"thresholds"`
	Events        Events        `json:"events"`
	Delivery      Delivery      `json:"delivery"`
	History       History       `json:"history"`
	OCloud        OCloud        `json:"oCloud"`
	Health        Health        `json:"health"`
	Emit          Emit          `json:"emit,omitzero"`
}

// Linuxptp says which ptp4l instances to watch.
type Linuxptp struct {
	// Sockets are paths or patterns of ptp4l's uds_address; none means the usual places.
	Sockets []string `json:"sockets,omitempty"`
	// Domain is domainNumber; absent means to find it out.
	Domain *uint8 `json:"domain,omitempty"`
	// TransportSpecific is transportSpecific; absent means to find it out.
	TransportSpecific *uint8 `json:"transportSpecific,omitempty"`
}

// HardwareClock says whether to watch the PTP hardware clocks, /dev/ptpN.
type HardwareClock struct {
	Enabled bool `json:"enabled"`
	// PollInterval is how often each is read.
	PollInterval metav1.Duration `json:"pollInterval"`
	// Directory is where the devices are.
	Directory string `json:"directory"`
}

// OSClock says whether to watch the operating system's clock, CLOCK_REALTIME.
type OSClock struct {
	Enabled bool `json:"enabled"`
	// FedBy is what it gets its time from: ptp or other.
	FedBy string `json:"fedBy"`
	// Chronyd is the host:port of chronyd's command port; empty means not to ask it.
	Chronyd string `json:"chronyd,omitempty"`
}

// What feeds the OS clock.
const (
	// FedByPTP is a ptp4l of this node: through phc2sys or another daemon, or directly. The
	// OS clock is never better than the best of them.
	FedByPTP = "ptp"
	// FedByOther is anything else, such as NTP.
	FedByOther = "other"
)

// GNSS says whether to watch GNSS receivers.
type GNSS struct {
	Enabled bool `json:"enabled"`
	// GPSD is the host:port of gpsd.
	GPSD string `json:"gpsd"`
}

// SyncE says whether to watch the DPLLs of network cards, which drive SyncE and the pulse of
// a grandmaster.
type SyncE struct {
	Enabled bool `json:"enabled"`
	// Synce4l is whom to ask for the quality levels that are passed on; absent means nobody.
	Synce4l *Synce4l `json:"synce4l,omitempty"`
}

// Synce4l says where synce4l is, and which of its devices to watch.
type Synce4l struct {
	// Socket is the path of its socket (smc_socket_path).
	Socket string `json:"socket"`
	// Devices are their names in its configuration, without the angle brackets.
	Devices []string `json:"devices"`
}

// Thresholds say when to speak.
type Thresholds struct {
	LockOffset      metav1.Duration `json:"lockOffset"`
	UnlockOffset    metav1.Duration `json:"unlockOffset"`
	LockSamples     int             `json:"lockSamples"`
	UnlockSamples   int             `json:"unlockSamples"`
	HoldoverTimeout metav1.Duration `json:"holdoverTimeout"`
	// SyncIntervals and SyncTimeout: no Sync for the longer of so many Sync intervals
	// and this time is a lost source.
	SyncIntervals int             `json:"syncIntervals"`
	SyncTimeout   metav1.Duration `json:"syncTimeout"`
	// OSClockTimeout: the OS clock is not disciplined when it was not adjusted for this time.
	OSClockTimeout metav1.Duration `json:"osClockTimeout"`
	// OSClockOffset: the OS clock is LOCKED while it is so close to the hardware clock that it
	// follows, and until it is twice as far away.
	OSClockOffset metav1.Duration `json:"osClockOffset"`
	// MaxPathDelay: messages may take so long from the master, one way.
	MaxPathDelay metav1.Duration `json:"maxPathDelay"`
}

// Events says what to say, and how.
type Events struct {
	// Types are the event types that are recorded and sent; none means all of O-RAN's.
	Types []string `json:"types,omitempty"`
	// SourceFormat is full (/cluster/node/n1/sync/...) or oran (/sync/...).
	SourceFormat string `json:"sourceFormat"`
	// ReassertEvery is how often the present state of everything is said again; 0: never.
	ReassertEvery metav1.Duration `json:"reassertEvery"`
}

// Delivery says how hard to try.
type Delivery struct {
	// Timeout is of one try.
	Timeout metav1.Duration `json:"timeout"`
	// Retry is how often an event is tried again; absent means until the sink takes it.
	Retry *int `json:"retry,omitempty"`
	// BackoffPolicy is exponential (the wait doubles) or linear (it grows by
	// BackoffDelay).
	BackoffPolicy string `json:"backoffPolicy"`
	// BackoffDelay is the wait before the first retry; it grows up to BackoffMax.
	BackoffDelay metav1.Duration `json:"backoffDelay"`
	BackoffMax   metav1.Duration `json:"backoffMax"`
	// RetryAfterMax is the longest wait that a sink may ask for with Retry-After; 0: it is
	// not asked.
	RetryAfterMax metav1.Duration `json:"retryAfterMax"`
	// Backlog is All (every event is sent) or LatestPerResource (where several events of a
	// resource wait, the newest).
	Backlog string `json:"backlog"`
	// DeadLetterSink is a URL for events that the sink refuses.
	DeadLetterSink string `json:"deadLetterSink,omitempty"`
	// DeadLetterSinkAudience is the OIDC audience of that URL; empty means to show no token.
	DeadLetterSinkAudience string `json:"deadLetterSinkAudience,omitempty"`
}

// The policies of Delivery.
const (
	Exponential = "exponential"
	Linear      = "linear"
)

// What is sent of a backlog.
const (
	AllEvents         = "All"
	LatestPerResource = "LatestPerResource"
)

// MinReassert is the shortest period of re-assertion: more often, they would drown the
// changes.
const MinReassert = time.Minute

// History says what is kept for a sink that is away, and where.
type History struct {
	// Directory is where it is kept; empty means in memory, and only as long as the
	// adapter runs.
	Directory string `json:"directory,omitempty"`
	// Entries, MaxBytes and MaxAge bound it, whichever is reached first.
	Entries  int             `json:"entries"`
	MaxBytes int             `json:"maxBytes"`
	MaxAge   metav1.Duration `json:"maxAge"`
}

// OCloud says whether to serve the O-RAN O-Cloud notification API, and to whom.
type OCloud struct {
	Enabled bool `json:"enabled"`
	// Address is host:port.
	Address string `json:"address"`
	// Auth is None (whoever reaches the port may do everything), ServiceAccount (who has the
	// token of one that may) or ClientCertificate (who has one of TLS.ClientCAs).
	Auth string `json:"auth"`
	// Endpoints are those that may be subscribed: Localhost, Cluster (private addresses) or
	// Any. AllowedNetworks are permitted in any case.
	Endpoints       string   `json:"endpoints"`
	AllowedNetworks []string `json:"allowedNetworks,omitempty"`
	// TLS are the files of a certificate; none means clear text.
	TLS TLS `json:"tls"`
	// RemoveAfter is for how long an endpoint may fail before its subscription is removed;
	// 0: for ever.
	RemoveAfter metav1.Duration `json:"removeAfter"`
	// MaxSubscriptions is how many there may be.
	MaxSubscriptions int `json:"maxSubscriptions"`
}

// TLS are the files of a certificate and its key, and of the authorities whose certificates
// clients may have, all in PEM.
type TLS struct {
	Certificate string `json:"certificate,omitempty"`
	Key         string `json:"key,omitempty"`
	ClientCAs   string `json:"clientCAs,omitempty"`
}

// Who may use the O-Cloud API.
const (
	AuthNone              = "None"
	AuthServiceAccount    = "ServiceAccount"
	AuthClientCertificate = "ClientCertificate"
)

// Health says where the probes are answered.
type Health struct {
	// Address is host:port; empty means not to answer probes.
	Address string `json:"address"`
}

// Emit says where test events can be asked for.
type Emit struct {
	// Address is host:port, of loopback; empty means nowhere.
	Address string `json:"address,omitempty"`
}

// Default is the configuration of which nothing was said.
func Default() Config {
	return Config{
		Cluster:       "cluster",
		HardwareClock: HardwareClock{PollInterval: metav1.Duration{Duration: time.Second}, Directory: "/dev"},
		OSClock:       OSClock{FedBy: FedByPTP},
		GNSS:          GNSS{GPSD: "localhost:2947"},
		Thresholds:    DefaultThresholds(),
		Events:        Events{SourceFormat: string(oran.SourceFull)},
		Delivery: Delivery{
			Timeout:       metav1.Duration{Duration: 10 * time.Second},
			BackoffPolicy: Exponential,
			BackoffDelay:  metav1.Duration{Duration: 100 * time.Millisecond},
			BackoffMax:    metav1.Duration{Duration: 10 * time.Second},
			RetryAfterMax: metav1.Duration{Duration: time.Minute},
			Backlog:       AllEvents,
		},
		History: DefaultHistory(),
		OCloud: OCloud{
			Address: ":9043", Auth: AuthNone, Endpoints: "Cluster",
			RemoveAfter: metav1.Duration{Duration: 7 * 24 * time.Hour}, MaxSubscriptions: 1024,
		},
		Health: Health{Address: ":8081"}, // not 8080, where a sink on the same machine would be
	}
}

// DefaultHistory is two months of a clock that changes every minute, or a week, and no
// more than any disk can spare.
func DefaultHistory() History {
	return History{Entries: 100_000, MaxBytes: 64 << 20, MaxAge: metav1.Duration{Duration: 7 * 24 * time.Hour}}
}

// DefaultThresholds are those of the state machines; a source counts as lost after four
// Sync intervals, which one late Sync does not reach, and not before half a second.
func DefaultThresholds() Thresholds {
	t := clock.DefaultThresholds()
	return Thresholds{
		LockOffset:      metav1.Duration{Duration: t.LockOffset},
		UnlockOffset:    metav1.Duration{Duration: t.UnlockOffset},
		LockSamples:     t.LockSamples,
		UnlockSamples:   t.UnlockSamples,
		HoldoverTimeout: metav1.Duration{Duration: t.HoldoverTimeout},
		SyncIntervals:   4,
		SyncTimeout:     metav1.Duration{Duration: 500 * time.Millisecond},
		OSClockTimeout:  metav1.Duration{Duration: t.OSClockTimeout},
		OSClockOffset:   metav1.Duration{Duration: t.OSClockOffset},
		MaxPathDelay:    metav1.Duration{Duration: t.MaxPathDelay},
	}
}

// Parse reads YAML or JSON over c. A key that does not exist is an error: a misspelt
// threshold must not silently be the default. from names the text in errors.
func (c *Config) Parse(text, from string) error {
	data, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return fmt.Errorf("%s: not valid YAML or JSON: %s", from, strings.Join(strings.Fields(err.Error()), " "))
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(c); err != nil {
		return fmt.Errorf("%s: %s; docs/configuration.md lists every key", from, strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// Clock returns the thresholds of the state machines.
func (t Thresholds) Clock() clock.Thresholds {
	return clock.Thresholds{
		LockOffset:      t.LockOffset.Duration,
		UnlockOffset:    t.UnlockOffset.Duration,
		LockSamples:     t.LockSamples,
		UnlockSamples:   t.UnlockSamples,
		HoldoverTimeout: t.HoldoverTimeout.Duration,
		OSClockTimeout:  t.OSClockTimeout.Duration,
		OSClockOffset:   t.OSClockOffset.Duration,
		MaxPathDelay:    t.MaxPathDelay.Duration,
	}
}

// Validate reports the first threshold that makes no sense, and what would.
func (t Thresholds) Validate() error {
	if err := t.Clock().Validate(); err != nil {
		return err
	}
	switch {
	case t.SyncIntervals < 2:
		return fmt.Errorf("thresholds: syncIntervals is %d; it must be 2 or more, because one late Sync is no silence", t.SyncIntervals)
	case t.SyncTimeout.Duration <= 0:
		return fmt.Errorf("thresholds: syncTimeout is %v; it must be positive, for example 500ms", t.SyncTimeout.Duration)
	}
	return nil
}
