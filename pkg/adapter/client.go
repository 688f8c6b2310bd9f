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
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	ceclient "github.com/cloudevents/sdk-go/v2/client"
	"github.com/cloudevents/sdk-go/v2/protocol"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	adapterv2 "knative.dev/eventing/pkg/adapter/v2"
	"knative.dev/eventing/pkg/apis"
	"knative.dev/eventing/pkg/eventingtls"
	"knative.dev/eventing/pkg/observability"
	knetwork "knative.dev/pkg/network"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
)

// newSender returns a client for events to the sink. The library's is used where requests are
// to be observed. It observes them also where nobody looks, and that takes a tenth of the
// time from ptp4l to the sink (test/bench, latency).
func newSender(c adapterv2.ClientConfig) (sink.Sender, error) {
	c.Options = append(slices.Clone(c.Options), cloudevents.WithTarget(c.Env.GetSink()), sink.HTTP)
	if observed(c.Env) {
		return adapterv2.NewClient(c)
	}
	return newPlainClient(c)
}

// observed is whether K_OBSERVABILITY_CONFIG asks for anything about requests.
func observed(env adapterv2.EnvConfigAccessor) bool {
	config, _ := env.GetObservabilityConfig() // what cannot be read counts as nothing, as in the library
	config, none := observability.MergeWithDefaults(config), observability.DefaultConfig()
	return config.EnableSinkEventErrorReporting ||
		config.Metrics.Protocol != none.Metrics.Protocol || config.Tracing.Protocol != none.Tracing.Protocol
}

// plainClient does what the library's client does, but for the observing.
type plainClient struct {
	ceclient.Client
	config     adapterv2.ClientConfig
	extensions map[string]string // to set on every event
}

func newPlainClient(c adapterv2.ClientConfig) (*plainClient, error) {
	overrides, err := c.Env.GetCloudEventOverrides()
	if err != nil {
		return nil, fmt.Errorf("read K_CE_OVERRIDES: %w", err)
	}
	p, err := cehttp.New(append([]cehttp.Option{
		cehttp.WithRoundTripper(newTransport(c)),
		cehttp.WithHeader(apis.KnNamespaceHeader, c.Env.GetNamespace()),
	}, c.Options...)...)
	if err != nil {
		return nil, err
	}
	client, err := ceclient.New(p)
	return &plainClient{client, c, overrides.Extensions}, err
}

// newTransport trusts whom a source has to trust: the sink's own authority, the trust
// bundles and the system's. They are read for each connection, because they change.
func newTransport(c adapterv2.ClientConfig) *http.Transport {
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
			return knetwork.DialTLSWithBackOff(ctx, network, address, config)
		}
	}
	return t
}

// Send sends an event with the overrides of the source and, where the sink has an
// audience, with a token for it.
func (p *plainClient) Send(ctx context.Context, e cloudevents.Event) protocol.Result {
	for name, value := range p.extensions {
		e.SetExtension(name, value)
	}
	if audience, account := p.config.Env.GetAudience(), p.config.Env.GetOIDCServiceAccountName(); audience != nil && account != nil {
		token, err := p.config.TokenProvider.GetJWT(*account, *audience)
		if err != nil {
			return err
		}
		ctx = cehttp.WithCustomHeader(ctx, http.Header{"Authorization": {"Bearer " + token}})
	}
	return p.Client.Send(ctx, e)
}
