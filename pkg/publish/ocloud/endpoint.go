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

package ocloud

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
)

// Reach says which endpoints may be subscribed.
type Reach string

// The reaches.
const (
	// Localhost is the loopback address, as O-RAN has it.
	Localhost Reach = "Localhost"
	// Cluster is private addresses: those of pods and services in most clusters.
	Cluster Reach = "Cluster"
	// Any is any address but those that nobody but the node itself has a use for.
	Any Reach = "Any"
)

// Endpoints say which endpoints may be subscribed. Whoever subscribes has this adapter send
// requests, so the address counts that is connected to, whatever it is called: a name may
// stand for another one at any time.
type Endpoints struct {
	Reach Reach
	// Allowed are permitted whatever the reach is.
	Allowed []netip.Prefix
	// Node are the addresses of this node and of this program. No endpoint may have these, or
	// loopback ones, unless it is allowed or Reach is Localhost.
	Node []netip.Addr
}

// Validate reports a reach that there is not.
func (e Endpoints) Validate() error {
	if e.Reach != Localhost && e.Reach != Cluster && e.Reach != Any {
		return fmt.Errorf("endpoints is %q; it must be %s, %s or %s", e.Reach, Localhost, Cluster, Any)
	}
	return nil
}

// errForbidden is why nothing is sent to an endpoint.
type errForbidden struct{ text string }

func (e errForbidden) Error() string { return e.text }

func isForbidden(err error) bool {
	_, is := errors.AsType[errForbidden](err)
	return is
}

// check refuses addresses, as host:port, that no endpoint may have.
func (e Endpoints) check(hostPort string) error {
	a, err := addressOf(hostPort)
	if err != nil {
		return errForbidden{fmt.Sprintf("%q is no address: %v", hostPort, err)}
	}
	if why := e.refuse(a); why != "" {
		return errForbidden{fmt.Sprintf("the address %s is not allowed: %s", a, why)}
	}
	return nil
}

// refuse says why an address is not allowed; the empty string: it is.
func (e Endpoints) refuse(a netip.Addr) string {
	a = embedded(a)
	switch {
	case a.IsUnspecified() || a.IsMulticast() || within(a, "0.0.0.0/8", "240.0.0.0/4"): // RFC 1122, 3.2.1.3; RFC 1112, 4
		return "it is nobody's"
	case slices.ContainsFunc(e.Allowed, func(p netip.Prefix) bool { return p.Contains(a) }):
		return ""
	case e.Reach == Localhost && a.IsLoopback():
		return ""
	case e.Reach == Localhost:
		return "endpoints is Localhost"
	case a.IsLoopback():
		return "it is the adapter's own; endpoints is " + string(e.Reach)
	case a.IsLinkLocalUnicast() || slices.Contains(metadata(), a):
		return "it is the cloud's or the link's own"
	case slices.Contains(e.Node, a):
		return "it is this node's own"
	case within(a, "2002::/16", "2001::/32", "64:ff9b:1::/48", "::/96"): // RFC 3056, 4380, 8215; RFC 4291, 2.5.5.1
		return "it stands for an IPv4 address: write that one"
	case e.Reach == Any:
		return ""
	case a.IsPrivate() || within(a, "100.64.0.0/10"): // RFC 1918, 4193 and 6598
		return ""
	}
	return "it is not private; endpoints is Cluster"
}

// within is whether an address is in one of some networks.
func within(a netip.Addr, networks ...string) bool {
	return slices.ContainsFunc(networks, func(n string) bool { return netip.MustParsePrefix(n).Contains(a) })
}

// embedded returns the IPv4 address that an IPv6 address stands for (RFC 4291, 2.5.5.2; RFC
// 6052, 2.1), or the address itself.
func embedded(a netip.Addr) netip.Addr {
	a = a.WithZone("").Unmap()
	if within(a, "64:ff9b::/96") {
		raw := a.As16()
		return netip.AddrFrom4([4]byte(raw[12:]))
	}
	return a
}

// metadata are the addresses at which clouds tell a machine its secrets, beside those that
// are link-local.
func metadata() []netip.Addr {
	return []netip.Addr{
		netip.MustParseAddr("fd00:ec2::254"),   // AWS
		netip.MustParseAddr("fd20:ce::254"),    // Google Cloud
		netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
		netip.MustParseAddr("168.63.129.16"),   // Azure
		netip.MustParseAddr("192.0.0.192"),     // Oracle Cloud
	}
}

// checkURI refuses what cannot be sent to. Addresses that are named by a name are looked at
// when they are connected to.
func (e Endpoints) checkURI(uri string) error {
	const longest = 2048
	u, err := url.Parse(uri)
	switch {
	case len(uri) > longest:
		return fmt.Errorf("EndpointUri has %d characters; it may have %d", len(uri), longest)
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return errors.New("EndpointUri must be an absolute http or https URL, like http://consumer.default.svc:9043/event")
	case u.User != nil:
		return errors.New("EndpointUri must not have a user or a password")
	case u.Fragment != "":
		return errors.New("EndpointUri must not have a fragment (#)")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		if why := e.refuse(a); why != "" {
			return errForbidden{fmt.Sprintf("EndpointUri has the address %s, which is not allowed: %s; see oCloud.endpoints and oCloud.allowedNetworks of the source", a, why)}
		}
	}
	return nil
}
