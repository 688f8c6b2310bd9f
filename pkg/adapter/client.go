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
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	"golang.org/x/net/http/httpguts"
	"k8s.io/client-go/kubernetes"
	adapterv2 "knative.dev/eventing/pkg/adapter/v2"
	"knative.dev/eventing/pkg/apis"
	"knative.dev/eventing/pkg/eventingtls"
	"knative.dev/eventing/pkg/observability"
	"knative.dev/pkg/observability/tracing"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
)

// newTarget returns the sink of an environment. What the environment says is obeyed as the
// library's own client obeys it (adapterv2.NewClient): overrides, certificates, tokens,
// namespace, and what is to be observed. That client itself is not used: it hides what a
// sink answers, and takes a tenth of the time from ptp4l to the sink (test/bench, latency).
func newTarget(c adapterv2.ClientConfig, client kubernetes.Interface) (sink.Target, error) {
	header, err := fixedHeader(c.Env)
	if err != nil {
		return sink.Target{}, err
	}
	transport := newTransport(c, connectionAge)
	t := sink.Target{URL: c.Env.GetSink(), Transport: transport, Header: header}
	if observed(c.Env) {
		t.Transport = observe(c, transport)
	}
	if audience, account := c.Env.GetAudience(), c.Env.GetOIDCServiceAccountName(); audience != nil && account != nil {
		t.Token = newTokens(client, *account, *audience).get
	}
	return t, nil
}

// fixedHeader is what every request says besides its event: the namespace of the source,
// and the extension attributes that K_CE_OVERRIDES sets.
func fixedHeader(env adapterv2.EnvConfigAccessor) (http.Header, error) {
	h := http.Header{}
	h.Set(apis.KnNamespaceHeader, env.GetNamespace())
	overrides, err := env.GetCloudEventOverrides()
	if err != nil {
		return nil, fmt.Errorf("read K_CE_OVERRIDES: %w: write it like {\"extensions\": {\"site\": \"north\"}}", err)
	}
	var e event.EventContextV1
	for name, value := range overrides.Extensions {
		if err := e.SetExtension(name, value); err != nil {
			return nil, fmt.Errorf("K_CE_OVERRIDES: extension %q: %w", name, err)
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("K_CE_OVERRIDES: extension %q: its value %q cannot be in an HTTP header; leave control characters out", name, value)
		}
		h.Set("Ce-"+name, value)
	}
	return h, nil
}

// connectionAge is for how long a connection is used: a certificate that was taken back, or
// an authority that is trusted no more, is noticed after that, and a sink that has more
// replicas than before gets its share of connections on them.
const connectionAge = 5 * time.Minute

// transport makes new connections once in a while. It is used by one goroutine.
type transport struct {
	*http.Transport
	age   time.Duration // of a connection at most
	since time.Time
}

// newTransport trusts whom a source has to trust: the sink's own authority, the trust
// bundles and the system's. They are read for each connection, because they change. It
// speaks HTTP/2 with a sink that offers it in the TLS handshake, and HTTP/1.1 with any
// other: without TLS nobody has to understand HTTP/2 (Knative's data plane contract).
func newTransport(c adapterv2.ClientConfig, age time.Duration) *transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if eventingtls.IsHttpsSink(c.Env.GetSink()) {
		t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			config, err := eventingtls.GetTLSClientConfig(eventingtls.ClientConfig{
				CACerts:                    c.Env.GetCACerts(),
				TrustBundleConfigMapLister: c.TrustBundleConfigMapLister,
			})
			if err != nil {
				return nil, err
			}
			config.NextProtos = []string{"h2", "http/1.1"}
			return (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
		}
	}
	return &transport{Transport: t, age: age, since: time.Now()}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if time.Since(t.since) > t.age {
		t.CloseIdleConnections()
		t.since = time.Now()
	}
	return t.Transport.RoundTrip(r)
}

// observed is whether K_OBSERVABILITY_CONFIG asks for anything about requests. They are
// not observed where nobody looks.
func observed(env adapterv2.EnvConfigAccessor) bool {
	config, none := observabilityOf(env), observability.DefaultConfig()
	return config.Metrics.Protocol != none.Metrics.Protocol || config.Tracing.Protocol != none.Tracing.Protocol
}

func observabilityOf(env adapterv2.EnvConfigAccessor) *observability.Config {
	config, _ := env.GetObservabilityConfig() // what cannot be read counts as nothing, as in the library
	return observability.MergeWithDefaults(config)
}

// observe measures and traces requests as the library does. Each is a part of the trace
// that its event has begun.
func observe(c adapterv2.ClientConfig, next *transport) http.RoundTripper {
	return &observing{next, otelhttp.NewTransport(next,
		otelhttp.WithPropagators(tracing.DefaultTextMapPropagator()),
		otelhttp.WithMeterProvider(cmp.Or(c.MeterProvider, otel.GetMeterProvider())),
		otelhttp.WithTracerProvider(cmp.Or(c.TraceProvider, otel.GetTracerProvider())),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return "cloudevents.http." + r.URL.Path }),
	)}
}

// observing is a transport that can still be told to close its connections.
type observing struct {
	*transport
	observed http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (o *observing) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := tracing.DefaultTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return o.observed.RoundTrip(r.WithContext(ctx))
}

// sampled says of which events the traces are recorded: of as many as the configuration
// says, where it has a protocol for traces.
func sampled(env adapterv2.EnvConfigAccessor) func(sink.TraceID) bool {
	config := observabilityOf(env).Tracing
	if config.Protocol == tracing.ProtocolNone {
		return nil
	}
	sampler := trace.TraceIDRatioBased(config.SamplingRate)
	return func(id sink.TraceID) bool {
		return sampler.ShouldSample(trace.SamplingParameters{TraceID: oteltrace.TraceID(id)}).Decision == trace.RecordAndSample
	}
}
