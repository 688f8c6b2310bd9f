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

// Package adapter wires the receive adapter: environment in, and out comes the line
// from the watchers over the state machines and the journal to the sink.
package adapter

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"go.uber.org/zap"
	"k8s.io/client-go/kubernetes"
	adapterv2 "knative.dev/eventing/pkg/adapter/v2"
	kubeclient "knative.dev/pkg/client/injection/kube/client"
	"knative.dev/pkg/logging"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/dpll"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/gnss"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/linuxptp"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/osclock"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/phc"
	"github.com/eventing-ptp/eventing-ptp/pkg/observe/synce4l"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/stream"
)

// Adapter is the receive adapter of one node.
type Adapter struct {
	env *Env
	// client is what the library makes clients from: token provider, certificates.
	client adapterv2.ClientConfig
	// kube gives OIDC tokens.
	kube kubernetes.Interface
	log  *zap.SugaredLogger
	// subscribers is the O-Cloud API; nil before it is served.
	subscribers atomic.Pointer[ocloud.API]
}

var _ adapterv2.Adapter = (*Adapter)(nil)

// New returns the adapter for an environment made by Load. It is an
// adapterv2.AdapterConstructor. The library's ready-made client is not used: it lets a
// redirect turn the POST of an event into a GET, and reads answers without a limit.
func New(ctx context.Context, env adapterv2.EnvConfigAccessor, _ cloudevents.Client) adapterv2.Adapter {
	return &Adapter{env: env.(*Env), client: adapterv2.GetClientConfig(ctx), kube: kubeclient.Get(ctx), log: logging.FromContext(ctx)}
}

// Start runs the adapter until ctx ends, which is no error.
func (a *Adapter) Start(ctx context.Context) error {
	c := a.env.Config
	encoder, err := oran.NewEncoder(oran.Place{Cluster: c.Cluster, Node: a.env.Node}, oran.SourceFormat(c.Events.SourceFormat))
	if err != nil {
		return err
	}
	origin := time.Now()
	line := newLine(origin, c, encoder, a.log)
	defer line.close()
	watcher, err := linuxptp.NewWatcher(watching(c), origin, line.observe, a.log.Named("linuxptp"))
	if err != nil {
		return err
	}
	publisher, err := a.publisher()
	if err != nil {
		return err
	}

	health := newHealth(line)
	stages := []func(context.Context) error{
		func(ctx context.Context) error { watcher.Run(ctx); return nil },
		func(ctx context.Context) error {
			// What is seen until the journal is there waits for it.
			events, err := a.journal(ctx)
			if err != nil {
				return err
			}
			publisher.Cursor = &announcer{Cursor: events.Cursor("sink"), encoder: encoder, silent: !oran.Wanted(oran.EventsLostNotice, c.Events.Types)}
			measured, err := a.measure(line, events, publisher)
			if err != nil {
				return errors.Join(err, events.Close())
			}
			defer measured()
			defer a.flush()
			publishers := []func(context.Context) error{publisher.Run}
			if address := c.Emit.Address; address != "" {
				emitter := newEmitter(line, publisher.Stats, publisher.Observer)
				publisher.Observer = emitter
				publishers = append(publishers, func(ctx context.Context) error { return emitter.serve(ctx, address) })
			}
			line.begin(events)
			history := a.history(line, events).Handler()
			health.stream.Store(&history)
			if c.OCloud.Enabled {
				publishers = append(publishers, func(ctx context.Context) error { return a.serveOCloud(ctx, line, events) })
			}
			return together(ctx, publishers)
		},
	}
	if c.OSClock.Enabled {
		osClock := osclock.NewWatcher(osclock.Config{Chronyd: c.OSClock.Chronyd}, origin, line.observe, a.log.Named("osclock"))
		if c.HardwareClock.Enabled {
			osClock.Period = besideHardware
		}
		stages = append(stages, func(ctx context.Context) error { osClock.Run(ctx); return nil })
	}
	if c.HardwareClock.Enabled {
		hardwareClocks, err := phc.NewWatcher(hardwareClock(c), origin, line.observe, a.log.Named("phc"))
		if err != nil {
			return err
		}
		stages = append(stages, func(ctx context.Context) error { hardwareClocks.Run(ctx); return nil })
	}
	if c.GNSS.Enabled {
		receivers := gnss.NewWatcher(c.GNSS.GPSD, origin, line.observe, a.log.Named("gnss"))
		stages = append(stages, func(ctx context.Context) error { receivers.Run(ctx); return nil })
	}
	if c.SyncE.Enabled {
		dplls := dpll.NewWatcher(origin, line.observe, a.log.Named("dpll"))
		stages = append(stages, func(ctx context.Context) error { dplls.Run(ctx); return nil })
		if c.SyncE.Synce4l != nil {
			qualities, err := synce4l.NewWatcher(relays(*c.SyncE.Synce4l), origin, line.observe, a.log.Named("synce4l"))
			if err != nil {
				return err
			}
			stages = append(stages, func(ctx context.Context) error { qualities.Run(ctx); return nil })
		}
	}
	if every := c.Events.ReassertEvery.Duration; every > 0 {
		stages = append(stages, func(ctx context.Context) error { line.reassert(ctx, every); return nil })
	}
	if c.Health.Address != "" {
		stages = append(stages, func(ctx context.Context) error { return health.serve(ctx, c.Health.Address) })
	}
	a.log.Infow("watching", "node", a.env.Node, "sockets", c.Linuxptp.Sockets, "hardwareClock", c.HardwareClock.Enabled, "osClock", c.OSClock.Enabled, "gnss", c.GNSS.Enabled, "synce", c.SyncE.Enabled, "thresholds", c.Thresholds)
	release := time.AfterFunc(settled, func() {
		if err := releaseStartup(); err != nil {
			a.log.Debugw("the adapter takes more memory than it needs", zap.Error(err))
		}
	})
	defer release.Stop()
	return together(ctx, stages)
}

// besideHardware is how often the kernel is asked of the OS clock where hardware clocks are
// watched: an adjustment that does not come is noticed so much later than it could be.
const besideHardware = 250 * time.Millisecond

// settled is how long after the start the adapter has said what there is to say.
const settled = 10 * time.Second

// replacement is how long an adapter waits for the one before it, which Kubernetes gives
// half a minute to end.
const replacement = 30 * time.Second

// journal opens the journal. It fails when ctx ends before that.
func (a *Adapter) journal(ctx context.Context) (*journal.Log, error) {
	h := a.env.Config.History
	return journal.Open(ctx, journal.Options{
		Directory: h.Directory,
		Limits:    journal.Limits{Entries: h.Entries, Bytes: h.MaxBytes, Age: h.MaxAge.Duration},
		Key:       oran.Key,
		Wait:      replacement,
		Logger:    a.log.Named("journal").Desugar(),
	})
}

// history returns what answers requests for events and states.
func (a *Adapter) history(l *line, j *journal.Log) *stream.Server {
	source := a.env.GetName()
	return &stream.Server{
		Journal: j, Encoder: l.encoder, Source: source,
		State:  func() stream.State { return l.state(source) },
		Logger: a.log.Named("stream").Desugar(),
	}
}

// publisher returns what delivers to the sink, but for its cursor.
func (a *Adapter) publisher() (*sink.Publisher, error) {
	d := a.env.Config.Delivery
	target, err := a.target(a.env)
	if err != nil {
		return nil, err
	}
	retries := sink.Forever
	if d.Retry != nil {
		retries = *d.Retry
	}
	p := &sink.Publisher{
		Sink: target,
		Delivery: sink.Delivery{
			Timeout:    d.Timeout.Duration,
			Backoff:    d.BackoffDelay.Duration,
			MaxBackoff: d.BackoffMax.Duration,
			Linear:     d.BackoffPolicy == config.Linear,
			Retries:    retries,

			RetryAfterMax: d.RetryAfterMax.Duration,
		},
		LatestPerResource: d.Backlog == config.LatestPerResource,
		Sampled:           sampled(a.env),
		Logger:            a.log.Named("sink").Desugar(),
	}
	if d.DeadLetterSink != "" {
		if p.DeadLetter, err = a.target(a.env.deadLetter()); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// target returns the sink of an environment, with connections of its own.
func (a *Adapter) target(env *Env) (sink.Target, error) {
	c := a.client
	c.Env = env
	return newTarget(c, a.kube)
}

// together runs all stages until ctx ends or one fails, and waits for every one.
func together(ctx context.Context, stages []func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(stages))
	for _, stage := range stages {
		go func() {
			defer cancel()
			ended <- stage(ctx)
		}()
	}
	var errs []error
	for range stages {
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) { // whose end is no error
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
