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

package adapter

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	adapterv2 "knative.dev/eventing/pkg/adapter/v2"
	"sigs.k8s.io/yaml"

	"github.com/eventing-ptp/eventing-ptp/pkg/clock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp"
)

// Env is what the receive adapter takes from its environment: Knative's variables for
// every source (K_SINK, K_CE_OVERRIDES, K_CA_CERTS, ...) and ours.
type Env struct {
	adapterv2.EnvConfig

	// SourceConfig is a Config in YAML or JSON.
	SourceConfig string `envconfig:"K_SOURCE_CONFIG"`
	// Node is the name of the node as Kubernetes knows it.
	Node string `envconfig:"NODE_NAME"`

	// Config is SourceConfig read, with defaults and flags applied.
	Config Config `ignored:"true"`
}

// Config is the adapter's own configuration.
type Config struct {
	// Cluster is the first part of every resource address.
	Cluster    string     `json:"cluster"`
	Linuxptp   Linuxptp   `json:"linuxptp"`
	Thresholds Thresholds `json:"thresholds"`
	Events     Events     `json:"events"`
	Delivery   Delivery   `json:"delivery"`
	History    History    `json:"history"`
	Health     Health     `json:"health"`
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

// Thresholds say when to speak. Durations are written like 100ns, 500ms or 5s.
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
}

// Events says how to say it.
type Events struct {
	// SourceFormat is full (/cluster/node/n1/sync/...) or oran (/sync/...).
	SourceFormat string `json:"sourceFormat"`
}

// Delivery says how hard to try.
type Delivery struct {
	// Timeout is of one try.
	Timeout metav1.Duration `json:"timeout"`
	// Retry is how often an event is tried again; 0 means until the sink takes it.
	Retry int `json:"retry"`
	// BackoffDelay is the wait before the first retry; it doubles up to BackoffMax.
	BackoffDelay metav1.Duration `json:"backoffDelay"`
	BackoffMax   metav1.Duration `json:"backoffMax"`
	// DeadLetterSink is a URL for events that the sink refuses.
	DeadLetterSink string `json:"deadLetterSink,omitempty"`
}

// History bounds what is kept for a sink that is away.
type History struct {
	Entries int `json:"entries"`
}

// Health says where the probes are answered.
type Health struct {
	// Address is host:port; empty means not to answer probes.
	Address string `json:"address"`
}

// DefaultConfig is the configuration of which nothing was said.
func DefaultConfig() Config {
	t, l := clock.DefaultThresholds(), linuxptp.DefaultConfig()
	return Config{
		Cluster: "cluster",
		Thresholds: Thresholds{
			LockOffset:      metav1.Duration{Duration: t.LockOffset},
			UnlockOffset:    metav1.Duration{Duration: t.UnlockOffset},
			LockSamples:     t.LockSamples,
			UnlockSamples:   t.UnlockSamples,
			HoldoverTimeout: metav1.Duration{Duration: t.HoldoverTimeout},
			SyncIntervals:   l.SyncIntervals,
			SyncTimeout:     metav1.Duration{Duration: l.SyncTimeout},
		},
		Events: Events{SourceFormat: "full"},
		Delivery: Delivery{
			Timeout:      metav1.Duration{Duration: 10 * time.Second},
			BackoffDelay: metav1.Duration{Duration: 100 * time.Millisecond},
			BackoffMax:   metav1.Duration{Duration: 10 * time.Second},
		},
		History: History{Entries: 4096},
		Health:  Health{Address: ":8081"}, // not 8080, where a sink on the same machine would be,
	}
}

// parse reads text over c. A key that does not exist is an error: a misspelt threshold
// must not silently be the default.
func (c *Config) parse(text, from string) error {
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

// Validate reports the first value that makes no sense, and what would.
func (c Config) Validate() error {
	if c.Cluster == "" || strings.Contains(c.Cluster, "/") {
		return fmt.Errorf("cluster is %q; it must be one part of a resource address, for example cluster", c.Cluster)
	}
	if err := c.clock().Validate(); err != nil {
		return err
	}
	if err := c.linuxptp().Validate(); err != nil {
		return err
	}
	switch {
	case c.Events.SourceFormat != "full" && c.Events.SourceFormat != "oran":
		return fmt.Errorf("events: sourceFormat is %q; it must be full or oran", c.Events.SourceFormat)
	case c.Delivery.Timeout.Duration <= 0:
		return fmt.Errorf("delivery: timeout is %v; it must be positive, for example 10s, or a sink that hangs would hang the adapter", c.Delivery.Timeout.Duration)
	case c.Delivery.Retry < 0:
		return fmt.Errorf("delivery: retry is %d; it must be 0 (until the sink takes the event) or more", c.Delivery.Retry)
	case c.Delivery.BackoffDelay.Duration <= 0 || c.Delivery.BackoffMax.Duration < c.Delivery.BackoffDelay.Duration:
		return fmt.Errorf("delivery: backoffDelay is %v and backoffMax %v; they must be positive and in this order", c.Delivery.BackoffDelay.Duration, c.Delivery.BackoffMax.Duration)
	case c.History.Entries < 1:
		return fmt.Errorf("history: entries is %d; it must be 1 or more", c.History.Entries)
	}
	if c.Delivery.DeadLetterSink != "" {
		if err := validateURL(c.Delivery.DeadLetterSink); err != nil {
			return fmt.Errorf("delivery: deadLetterSink: %w", err)
		}
	}
	return nil
}

func (c Config) clock() clock.Thresholds {
	return clock.Thresholds{
		LockOffset:      c.Thresholds.LockOffset.Duration,
		UnlockOffset:    c.Thresholds.UnlockOffset.Duration,
		LockSamples:     c.Thresholds.LockSamples,
		UnlockSamples:   c.Thresholds.UnlockSamples,
		HoldoverTimeout: c.Thresholds.HoldoverTimeout.Duration,
	}
}

func (c Config) linuxptp() linuxptp.Config {
	return linuxptp.Config{
		Sockets:           c.Linuxptp.Sockets,
		Domain:            c.Linuxptp.Domain,
		TransportSpecific: c.Linuxptp.TransportSpecific,
		SyncIntervals:     c.Thresholds.SyncIntervals,
		SyncTimeout:       c.Thresholds.SyncTimeout.Duration,
		CalmOffset:        min(c.Thresholds.LockOffset.Duration, time.Second),
	}
}

// validateURL refuses what no event can be sent to. It does not repeat the URL, which
// may hold a password.
func validateURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("not a URL: write it like http://host:port/path")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("not an absolute http or https URL: write it like http://host:port/path")
	}
	return nil
}

// usage is printed for -help.
const usage = `receive_adapter watches the ptp4l instances of this node and sends every change of
their state as a CloudEvent to a sink.

In a cluster it is configured by its environment. Outside of one a sink is enough:

  receive_adapter -sink http://localhost:8080

Flags, each of which wins over the environment:
`

// Load reads the environment and then the command line. The error says what to change.
func Load(args []string) (*Env, error) {
	env := &Env{Config: DefaultConfig()}
	if err := envconfig.Process("", env); err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	if err := env.useSinkTimeout(); err != nil {
		return nil, err
	}
	if env.SourceConfig != "" {
		if err := env.Config.parse(env.SourceConfig, "K_SOURCE_CONFIG"); err != nil {
			return nil, err
		}
	}
	if err := env.parseFlags(args); err != nil {
		return nil, err
	}
	if env.Node == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("find out the name of the node: %w: set NODE_NAME", err)
		}
		env.Node = name
	}
	if env.Sink == "" {
		return nil, errors.New("no sink: set K_SINK or -sink to the URL that events go to, for example http://localhost:8080")
	}
	if err := validateURL(env.Sink); err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	if err := env.Config.Validate(); err != nil {
		return nil, err
	}
	return env, nil
}

// useSinkTimeout takes Knative's time-out for sinks over as ours. The library itself
// then need not time anything: every try has the time-out of Config.Delivery.
func (e *Env) useSinkTimeout() error {
	if e.EnvSinkTimeout != "" {
		seconds, err := strconv.Atoi(e.EnvSinkTimeout)
		if err != nil || seconds < 1 {
			return fmt.Errorf("K_SINK_TIMEOUT is %q; it must be a whole number of seconds, 1 or more", e.EnvSinkTimeout)
		}
		e.Config.Delivery.Timeout.Duration = time.Duration(seconds) * time.Second
	}
	e.EnvSinkTimeout = "-1"
	return nil
}

func (e *Env) parseFlags(args []string) error {
	flags := flag.NewFlagSet("receive_adapter", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller says what is wrong, in one line
	set := func(field *string) func(string) error {
		return func(s string) error { *field = s; return nil }
	}
	// Not StringVar: the help would show the present value, and K_SINK may hold a password.
	flags.Func("sink", "`URL` that events are sent to (K_SINK)", set(&e.Sink))
	flags.Func("node", "`name` of this node in resource addresses (NODE_NAME; default: the host's name)", set(&e.Node))
	flags.Func("health", "`address` for /health and /readiness; empty for none (default: :8081)", set(&e.Config.Health.Address))
	flags.Func("config", "`file` with the configuration in YAML (docs/configuration.md)", func(path string) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return e.Config.parse(string(text), path)
	})
	var sockets []string
	flags.Func("socket", "`path` or quoted pattern of a ptp4l socket (uds_address); may be repeated", func(pattern string) error {
		sockets = append(sockets, pattern)
		e.Config.Linuxptp.Sockets = sockets
		return nil
	})
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(os.Stdout)
		fmt.Fprint(os.Stdout, usage)
		flags.PrintDefaults()
	}
	if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: see -help", flags.Arg(0))
	}
	return nil
}
