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

package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"testing"
)

func TestCertificatesAreGoodForTheirPurposeOnly(t *testing.T) {
	a, err := NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	server, err := a.Server("server", []string{"hook.ns.svc"}, []net.IP{net.IPv4(192, 0, 2, 1)})
	if err != nil {
		t.Fatal(err)
	}
	client, err := a.Client("admin", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.PEM()) {
		t.Fatal("the authority has no certificate")
	}
	for _, test := range []struct {
		name  string
		pair  Pair
		host  string
		usage x509.ExtKeyUsage
		want  bool
	}{
		{"a server by name", server, "hook.ns.svc", x509.ExtKeyUsageServerAuth, true},
		{"a server by address", server, "192.0.2.1", x509.ExtKeyUsageServerAuth, true},
		{"a server by another name", server, "other.ns.svc", x509.ExtKeyUsageServerAuth, false},
		{"a server as client", server, "", x509.ExtKeyUsageClientAuth, false},
		{"a client", client, "", x509.ExtKeyUsageClientAuth, true},
		{"a client as server", client, "", x509.ExtKeyUsageServerAuth, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := tls.X509KeyPair(test.pair.Certificate, test.pair.Key); err != nil {
				t.Fatal(err)
			}
			block, _ := pem.Decode(test.pair.Certificate)
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			_, err = certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: test.host, KeyUsages: []x509.ExtKeyUsage{test.usage}})
			if (err == nil) != test.want {
				t.Errorf("got %v, want it to be good: %v", err, test.want)
			}
		})
	}
}
