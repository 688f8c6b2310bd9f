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
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"
	adapterv2 "knative.dev/eventing/pkg/adapter/v2"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/phc"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/synce4l"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
)

// Env is what the receive adapter takes from its environment: Knative's variables for
// every source (K_SINK, K_CE_OVERRIDES, K_CA_CERTS, ...) and ours.
type Env struct {
	adapterv2.EnvConfig

	// SourceConfig is a config.Config in YAML or JSON.
	SourceConfig string `envconfig:"K_SOURCE_CONFIG"`
	// Node is the name of the node as Kubernetes knows it.
	Node string `envconfig:"NODE_NAME"`
	// HostIPs are the addresses of the node, parted by commas.
	HostIPs string `envconfig:"HOST_IPS"`

	// Config is SourceConfig read, with defaults and flags applied.
	Config config.Config `ignored:"true"`
}

// validate reports the first value that makes no sense, and what would.
func validate(c config.Config) error {
	if c.Cluster == "" || strings.Contains(c.Cluster, "/") {
		return fmt.Errorf("cluster is %q; it must be one part of a resource address, for example cluster", c.Cluster)
	}
	if err := c.Thresholds.Validate(); err != nil {
		return err
	}
	if err := watching(c).Validate(); err != nil {
		return err
	}
	if err := hardwareClock(c).Validate(); err != nil {
		return err
	}
	if c.OSClock.FedBy != config.FedByPTP && c.OSClock.FedBy != config.FedByOther {
		return fmt.Errorf("osClock: fedBy is %q; it must be %s or %s", c.OSClock.FedBy, config.FedByPTP, config.FedByOther)
	}
	if c.OSClock.Chronyd != "" {
		if _, port, err := net.SplitHostPort(c.OSClock.Chronyd); err != nil || port == "" {
			return fmt.Errorf("osClock: chronyd is %q; it must be host:port, for example localhost:323", c.OSClock.Chronyd)
		}
	}
	if c.SyncE.Synce4l != nil {
		if err := relays(*c.SyncE.Synce4l).Validate(); err != nil {
			return err
		}
	}
	if _, port, err := net.SplitHostPort(c.GNSS.GPSD); c.GNSS.Enabled && (err != nil || port == "") {
		return fmt.Errorf("gnss: gpsd is %q; it must be host:port, for example localhost:2947", c.GNSS.GPSD)
	}
	for _, t := range c.Events.Types {
		if definition, ok := oran.Define(t); !ok || definition.EventType != t {
			return fmt.Errorf("events: types names %q, which is no event type; one is %s", t, oran.LockStateChange)
		}
	}
	switch {
	case c.Events.SourceFormat != string(oran.SourceFull) && c.Events.SourceFormat != string(oran.SourceORAN):
		return fmt.Errorf("events: sourceFormat is %q; it must be full or oran", c.Events.SourceFormat)
	case c.Events.ReassertEvery.Duration != 0 && c.Events.ReassertEvery.Duration < config.MinReassert:
		return fmt.Errorf("events: reassertEvery is %v; it must be %v or more, or 0 (never)", c.Events.ReassertEvery.Duration, config.MinReassert)
	case c.Delivery.Timeout.Duration <= 0:
		return fmt.Errorf("delivery: timeout is %v; it must be positive, for example 10s, or a sink that hangs would hang the adapter", c.Delivery.Timeout.Duration)
	case c.Delivery.Retry != nil && *c.Delivery.Retry < 0:
		return fmt.Errorf("delivery: retry is %d; it must be 0 or more, or absent (until the sink takes the event)", *c.Delivery.Retry)
	case c.Delivery.BackoffPolicy != config.Exponential && c.Delivery.BackoffPolicy != config.Linear:
		return fmt.Errorf("delivery: backoffPolicy is %q; it must be exponential or linear", c.Delivery.BackoffPolicy)
	case c.Delivery.BackoffDelay.Duration <= 0 || c.Delivery.BackoffMax.Duration < c.Delivery.BackoffDelay.Duration:
		return fmt.Errorf("delivery: backoffDelay is %v and backoffMax %v; they must be positive and in this order", c.Delivery.BackoffDelay.Duration, c.Delivery.BackoffMax.Duration)
	case c.Delivery.RetryAfterMax.Duration < 0:
		return fmt.Errorf("delivery: retryAfterMax is %v; it must be 0 (Retry-After is not obeyed) or positive, for example 1m", c.Delivery.RetryAfterMax.Duration)
	case c.Delivery.Backlog != config.AllEvents && c.Delivery.Backlog != config.LatestPerResource:
		return fmt.Errorf("delivery: backlog is %q; it must be All or LatestPerResource", c.Delivery.Backlog)
	case c.History.Entries < 1:
		return fmt.Errorf("history: entries is %d; it must be 1 or more", c.History.Entries)
	case c.History.MaxBytes < smallestHistory:
		return fmt.Errorf("history: maxBytes is %d; it must be %d (1 MiB) or more", c.History.MaxBytes, smallestHistory)
	case c.History.MaxAge.Duration < 0:
		return fmt.Errorf("history: maxAge is %v; it must be positive, for example 168h, or 0s (for ever)", c.History.MaxAge.Duration)
	case c.History.Directory != "" && !filepath.IsAbs(c.History.Directory):
		return fmt.Errorf("history: directory is %q; it must be an absolute path, for example /var/lib/eventing-ptp/n1", c.History.Directory)
	}
	if err := validateOCloud(c.OCloud); err != nil {
		return err
	}
	if c.Emit.Address != "" {
		host, port, err := net.SplitHostPort(c.Emit.Address)
		if ip := net.ParseIP(host); err != nil || port == "" || host != "localhost" && !ip.IsLoopback() {
			return fmt.Errorf("emit: address is %q; it must be of loopback, for example localhost:8083: whoever reaches it can send test events", c.Emit.Address)
		}
	}
	if c.Delivery.DeadLetterSink != "" {
		if err := validateURL(c.Delivery.DeadLetterSink); err != nil {
			return fmt.Errorf("delivery: deadLetterSink: %w", err)
		}
	}
	return nil
}

// smallestHistory is enough for some thousand events, and to keep it in pieces.
const smallestHistory = 1 << 20

// watching is what the watcher of linuxptp is to do.
func watching(c config.Config) linuxptp.Config {
	return linuxptp.Config{
		Sockets:           c.Linuxptp.Sockets,
		Domain:            c.Linuxptp.Domain,
		TransportSpecific: c.Linuxptp.TransportSpecific,
		SyncIntervals:     c.Thresholds.SyncIntervals,
		SyncTimeout:       c.Thresholds.SyncTimeout.Duration,
		CalmOffset:        min(c.Thresholds.LockOffset.Duration, time.Second),
	}
}

// hardwareClock is what the watcher of hardware clocks is to do.
func hardwareClock(c config.Config) phc.Config {
	return phc.Config{Interval: c.HardwareClock.PollInterval.Duration, Directory: c.HardwareClock.Directory}
}

// relays is what the watcher of synce4l is to do.
func relays(c config.Synce4l) synce4l.Config {
	return synce4l.Config{Socket: c.Socket, Devices: c.Devices}
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
	env := &Env{Config: config.Default()}
	if err := envconfig.Process("", env); err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	env.LoggingConfigJson = unsampled(env.LoggingConfigJson)
	if err := env.useSinkTimeout(); err != nil {
		return nil, err
	}
	if env.SourceConfig != "" {
		if err := env.Config.Parse(env.SourceConfig, "K_SOURCE_CONFIG"); err != nil {
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
	if err := validate(env.Config); err != nil {
		return nil, err
	}
	return env, nil
}

// deadLetter is the environment of an adapter whose sink is the dead letter sink. A token
// that was made for the sink is nobody else's business.
func (e *Env) deadLetter() *Env {
	d := *e
	d.Sink, d.Audience = e.Config.Delivery.DeadLetterSink, nil
	if audience := e.Config.Delivery.DeadLetterSinkAudience; audience != "" {
		d.Audience = &audience
	}
	return &d
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
	flags.Func("health", "`address` for /health, /readiness and /v1; empty for none (default: :8081)", set(&e.Config.Health.Address))
	flags.Func("config", "`file` with the configuration in YAML (docs/configuration.md)", func(path string) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return e.Config.Parse(string(text), path)
	})
	flags.Func("journal", "`directory` in which events and what the sink has of them outlive the adapter (default: in memory)", set(&e.Config.History.Directory))
	flags.BoolVar(&e.Config.HardwareClock.Enabled, "hardware-clock", e.Config.HardwareClock.Enabled, "watch the PTP hardware clocks (/dev/ptpN), too")
	flags.BoolVar(&e.Config.OSClock.Enabled, "os-clock", e.Config.OSClock.Enabled, "watch the operating system's clock, too")
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
