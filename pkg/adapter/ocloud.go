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
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"knative.dev/eventing/pkg/eventingtls"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
)

// serveOCloud serves the O-Cloud notification API until ctx ends.
func (a *Adapter) serveOCloud(ctx context.Context, l *line, events *journal.Log) error {
	c := a.env.Config.OCloud
	log := a.log.Named("ocloud").Desugar()
	endpoints, err := endpoints(c, a.env.HostIPs)
	if err != nil {
		return err
	}
	delivery, limits := ocloud.DefaultDelivery(), ocloud.DefaultLimits()
	delivery.RemoveAfter, limits.Subscriptions = c.RemoveAfter.Duration, c.MaxSubscriptions
	o := ocloud.Options{
		Here:      l.encoder.Place(),
		Types:     a.env.Config.Events.Types,
		Journal:   events,
		Live:      l,
		Directory: a.env.Config.History.Directory,
		Endpoints: endpoints,
		Delivery:  delivery,
		Limits:    limits,
		RootCAs:   a.endpointCAs,
		Logger:    log,

		ClientCertificates: c.Auth == config.AuthClientCertificate,
	}
	if c.Auth == config.AuthServiceAccount {
		o.Authorizer = newAuthorizer(a.kube, a.env.GetNamespace(), a.env.GetName())
	}
	var certificate *ocloud.Certificate
	if c.TLS.Certificate != "" {
		if certificate, err = ocloud.NewCertificate(c.TLS.Certificate, c.TLS.Key, c.TLS.ClientCAs, log); err != nil {
			return err
		}
	}
	api, err := ocloud.New(o)
	if err != nil {
		return err
	}
	a.subscribers.Store(api)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Address)
	if err != nil {
		return fmt.Errorf("listen for O-Cloud subscribers: %w: choose another oCloud.address", err)
	}
	a.log.Infow("serving the O-Cloud notification API", "address", listener.Addr().String(), "tls", certificate != nil, "auth", c.Auth, "endpoints", c.Endpoints)
	return together(ctx, []func(context.Context) error{
		api.Run,
		func(ctx context.Context) error { return api.Serve(ctx, listener, certificate) },
	})
}

// endpointCAs returns whom https endpoints are trusted by: the same authorities as sinks.
func (a *Adapter) endpointCAs() (*x509.CertPool, error) {
	c, err := eventingtls.GetTLSClientConfig(eventingtls.ClientConfig{
		CACerts:                    a.env.GetCACerts(),
		TrustBundleConfigMapLister: a.client.TrustBundleConfigMapLister,
	})
	if err != nil {
		return nil, err
	}
	return c.RootCAs, nil
}

// endpoints returns which endpoints may be subscribed: those that are configured, and not
// this program itself or the node it runs on.
func endpoints(c config.OCloud, hostIPs string) (ocloud.Endpoints, error) {
	e := ocloud.Endpoints{Reach: ocloud.Reach(c.Endpoints)}
	for _, text := range c.AllowedNetworks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return e, fmt.Errorf("oCloud: allowedNetworks has %q; it must be a network like 192.0.2.0/24", text)
		}
		e.Allowed = append(e.Allowed, network.Masked())
	}
	for text := range strings.SplitSeq(hostIPs, ",") {
		if a, err := netip.ParseAddr(strings.TrimSpace(text)); err == nil {
			e.Node = append(e.Node, a)
		}
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return e, fmt.Errorf("find out the addresses of this machine: %w", err)
	}
	for _, a := range own {
		if network, ok := a.(*net.IPNet); ok {
			if address, ok := netip.AddrFromSlice(network.IP); ok {
				e.Node = append(e.Node, address.Unmap())
			}
		}
	}
	return e, e.Validate()
}

// validateOCloud reports the first value that makes no sense, and what would.
func validateOCloud(c config.OCloud) error {
	if !c.Enabled {
		return nil
	}
	if _, err := endpoints(c, ""); err != nil {
		return fmt.Errorf("oCloud: %w", err)
	}
	switch {
	case c.Address == "":
		return fmt.Errorf("oCloud: address is empty; it must be host:port, for example :9043")
	case !slices.Contains([]string{config.AuthNone, config.AuthServiceAccount, config.AuthClientCertificate}, c.Auth):
		return fmt.Errorf("oCloud: auth is %q; it must be %s, %s or %s", c.Auth, config.AuthNone, config.AuthServiceAccount, config.AuthClientCertificate)
	case (c.TLS.Certificate == "") != (c.TLS.Key == ""):
		return fmt.Errorf("oCloud: tls has only one of certificate and key; it needs the files of both")
	case c.Auth == config.AuthServiceAccount && c.TLS.Certificate == "":
		return fmt.Errorf("oCloud: auth is %s and there is no tls; tokens must not be sent in clear text", c.Auth)
	case (c.Auth == config.AuthClientCertificate) != (c.TLS.ClientCAs != ""), c.TLS.ClientCAs != "" && c.TLS.Certificate == "":
		return fmt.Errorf("oCloud: auth %s needs certificate, key and clientCAs of tls, and clientCAs needs that auth", config.AuthClientCertificate)
	case c.RemoveAfter.Duration < 0:
		return fmt.Errorf("oCloud: removeAfter is %v; it must be positive, for example 168h, or 0s (never)", c.RemoveAfter.Duration)
	case c.MaxSubscriptions < 1:
		return fmt.Errorf("oCloud: maxSubscriptions is %d; it must be 1 or more", c.MaxSubscriptions)
	}
	return nil
}

// Now implements ocloud.Live.
func (l *line) Now() (states []oran.Event, ready bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.present(time.Now()) {
		states = append(states, p.event)
	}
	return states, l.ready && l.journal != nil && !l.closed
}
