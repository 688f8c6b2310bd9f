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

package ocloud_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
)

func TestEndpoints(t *testing.T) {
	node := []netip.Addr{netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("203.0.113.7")}
	allowed := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("10.0.0.7/32")}
	for _, tc := range []struct {
		address                 string
		localhost, cluster, any bool
		// allowed is whether the cluster's reach lets it through with the networks above.
		allowed bool
	}{
		{"127.0.0.1", true, false, false, false},
		{"127.9.9.9", true, false, false, false},
		{"::1", true, false, false, false},
		{"::ffff:127.0.0.1", true, false, false, false},
		{"10.1.2.3", false, true, true, true},
		{"172.16.0.1", false, true, true, true},
		{"172.32.0.1", false, false, true, false},
		{"192.168.1.1", false, true, true, true},
		{"::ffff:192.168.1.1", false, true, true, true},
		{"100.64.0.1", false, true, true, true},
		{"fd12::1", false, true, true, true},
		{"198.51.100.9", false, false, true, true},
		{"64:ff9b::198.51.100.9", false, false, true, true},
		{"2001:db8::1", false, false, true, false},
		// Nobody's business, whatever the reach.
		{"10.0.0.7", false, false, false, true}, // the node's own
		{"203.0.113.7", false, false, false, false},
		{"169.254.169.254", false, false, false, false},
		{"::ffff:169.254.169.254", false, false, false, false},
		{"64:ff9b::169.254.169.254", false, false, false, false},
		{"fe80::1", false, false, false, false},
		{"fd00:ec2::254", false, false, false, false},
		{"100.100.100.200", false, false, false, false},
		{"168.63.129.16", false, false, false, false},
		{"fd20:ce::254", false, false, false, false},
		{"192.0.0.192", false, false, false, false},
		{"64:ff9b::10.0.0.7", false, false, false, true},
		{"64:ff9b::127.0.0.1", true, false, false, false},
		{"2002:a9fe:a9fe::1", false, false, false, false},          // 169.254.169.254 over 6to4
		{"2001:0:a9fe:a9fe::1", false, false, false, false},        // Teredo
		{"64:ff9b:1::169.254.169.254", false, false, false, false}, // a translator of the site's own
		{"::169.254.169.254", false, false, false, false},
		{"0.0.0.1", false, false, false, false},
		{"240.0.0.1", false, false, false, false},
		{"0.0.0.0", false, false, false, false},
		{"::", false, false, false, false},
		{"255.255.255.255", false, false, false, false},
		{"224.0.0.1", false, false, false, false},
		{"ff02::1", false, false, false, false},
	} {
		for _, is := range []struct {
			name string
			e    ocloud.Endpoints
			want bool
		}{
			{"Localhost", ocloud.Endpoints{Reach: ocloud.Localhost, Node: node}, tc.localhost},
			{"Cluster", ocloud.Endpoints{Reach: ocloud.Cluster, Node: node}, tc.cluster},
			{"Any", ocloud.Endpoints{Reach: ocloud.Any, Node: node}, tc.any},
			{"allowed", ocloud.Endpoints{Reach: ocloud.Cluster, Node: node, Allowed: allowed}, tc.allowed},
		} {
			hostPort := netip.AddrPortFrom(netip.MustParseAddr(tc.address), 80).String()
			err := is.e.Check(hostPort)
			if (err == nil) != is.want {
				t.Errorf("%s, %s: %v, want it allowed: %v", tc.address, is.name, err, is.want)
			}
		}
	}
	if err := (ocloud.Endpoints{Reach: "Everywhere"}).Validate(); err == nil {
		t.Error("there is a reach that there is not")
	}
}

// It is the address that is connected to that counts, not the name that it had in the
// request: localhost is a name like any other.
func TestNameOfAForbiddenAddress(t *testing.T) {
	c := consume(t, nil)
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, func(o *ocloud.Options) { o.Endpoints.Reach = ocloud.Cluster })
	for endpoint, says := range map[string]string{
		"http://localhost:" + u.Port(): "endpoints is Cluster; see oCloud.endpoints and oCloud.allowedNetworks",
		c.URL:                          "EndpointUri has the address 127.0.0.1, which is not allowed: it is the adapter's own; endpoints is Cluster",
	} {
		got := r.do(t, "POST", subscriptions, fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync"}`, endpoint))
		if detail := got.problem(t); got.status != http.StatusBadRequest || !strings.Contains(detail, says) {
			t.Errorf("%s: %d %s, want %q", endpoint, got.status, detail, says)
		}
	}
	if got := c.got(); len(got) != 0 {
		t.Errorf("it was sent to: %q", got)
	}
}

// A proxy would be asked in our place, and know nothing of what is allowed.
func TestNoProxy(t *testing.T) {
	proxy, c := consume(t, nil), consume(t, nil)
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("ALL_PROXY", proxy.URL)
	r := open(t)
	r.subscribe(t, c.URL, "/sync")
	if len(proxy.got()) > 0 || len(c.got()) != 3 {
		t.Errorf("the proxy was told %d times, the endpoint %d times", len(proxy.got()), len(c.got()))
	}
}
