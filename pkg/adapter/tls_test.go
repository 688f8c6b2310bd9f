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
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
)

// authority is one that gives certificates to sinks.
type authority struct {
	pem         string
	certificate tls.Certificate // of a sink on this machine
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	sign := func(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signer == nil {
			signer = key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		return der, key
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, rootKey := sign(root, root, nil)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "sink"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, leafKey := sign(leaf, root, rootKey)
	return authority{
		pem:         string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})),
		certificate: tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey},
	}
}

// secure is the configuration of a sink whose certificate can be changed while it runs.
func secure(protocols ...string) (config *tls.Config, show func(authority)) {
	var shown atomic.Pointer[tls.Config]
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return shown.Load(), nil }}, func(a authority) {
		shown.Store(&tls.Config{Certificates: []tls.Certificate{a.certificate}, NextProtos: protocols})
	}
}

// A sink gets another certificate, of another authority, while its first event is on its way.
func TestCertificateIsRotated(t *testing.T) {
	before, after := newAuthority(t, "before"), newAuthority(t, "after")
	const unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
	for _, tc := range []struct {
		name    string
		age     time.Duration // of a connection
		trusted authority     // from then on
		want    []string      // why events were not taken
		// How many connections there were, those that were not trusted among them.
		connections int
	}{
		{"a connection is used for a while", time.Hour, before, nil, 1},
		{"a new connection is not trusted", 1, before, []string{unknown, unknown}, 3},
		{"a new connection is trusted by the new bundle", 1, after, nil, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			config, show := secure("http/1.1")
			lister, trust := changingBundle(t)
			show(before)
			trust(before.pem)
			s := newRecorder(t, config, func(w http.ResponseWriter, r *http.Request) {
				show(after)
				trust(tc.trusted.pem)
				accepts(w, r)
			})
			c := clientConfig(t, s.URL)
			c.TrustBundleConfigMapLister = lister
			target := sink.Target{URL: s.URL, Transport: newTransport(c, tc.age)}
			if diff := cmp.Diff(tc.want, ours{target: target}.send(t, entries(3))); diff != "" {
				t.Errorf("not taken (-want +got):\n%s", diff)
			}
			requests, connections := s.seen()
			if len(requests) != 3-len(tc.want) || connections != tc.connections {
				t.Errorf("%d requests on %d connections, want %d on %d", len(requests), connections, 3-len(tc.want), tc.connections)
			}
		})
	}
}

// Until its new authority is trusted, a sink is waited for like one that is down.
func TestNewAuthorityIsWaitedFor(t *testing.T) {
	config, show := secure("h2", "http/1.1")
	lister, trust := changingBundle(t)
	a := newAuthority(t, "new")
	show(a)
	s := newRecorder(t, config, accepts)
	c := clientConfig(t, s.URL)
	c.TrustBundleConfigMapLister = lister
	target, err := newTarget(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := sink.DefaultDelivery()
	d.Backoff, d.MaxBackoff = time.Millisecond, time.Millisecond
	p := &sink.Publisher{Cursor: &cursor{entries(2)}, Sink: target, Delivery: d, Logger: zap.NewNop()}
	go func() {
		for p.Stats().Retried == 0 { // the end of the test ends this, too
			time.Sleep(time.Millisecond)
		}
		trust(a.pem)
	}()
	_ = p.Run(t.Context()) // until the cursor ends
	if got := p.Stats(); got.Delivered != 2 || got.Retried == 0 {
		t.Errorf("%+v, want 2 delivered, after having tried again", got)
	}
}

// HTTP/2 is spoken where both sides offer it, and only over TLS.
func TestProtocols(t *testing.T) {
	a := newAuthority(t, "authority")
	for _, tc := range []struct {
		name      string
		protocols []string // that the sink offers; nil: it has no TLS
		want      string
	}{
		{"HTTP/2 and 1.1", []string{"h2", "http/1.1"}, "HTTP/2.0"},
		{"HTTP/2 alone", []string{"h2"}, "HTTP/2.0"},
		{"HTTP/1.1 alone", []string{"http/1.1"}, "HTTP/1.1"},
		{"no word about it", []string{}, "HTTP/1.1"},
		{"no TLS", nil, "HTTP/1.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			config, show := secure(tc.protocols...)
			show(a)
			if tc.protocols == nil {
				config = nil
			}
			var spoken []string // by one request after the other
			s := newRecorder(t, config, func(w http.ResponseWriter, r *http.Request) {
				spoken = append(spoken, r.Proto)
				accepts(w, r)
			})
			t.Setenv("K_CA_CERTS", a.pem)
			target, err := newTarget(clientConfig(t, s.URL), nil)
			if err != nil {
				t.Fatal(err)
			}
			if reasons := (ours{target: target}).send(t, entries(3)); len(reasons) > 0 {
				t.Fatal(reasons)
			}
			if want := slices.Repeat([]string{tc.want}, 3); !slices.Equal(spoken, want) {
				t.Errorf("spoken %q, want %q", spoken, want)
			}
			if _, connections := s.seen(); connections != 1 {
				t.Errorf("%d connections, want 1", connections)
			}
		})
	}
}

// A connection of HTTP/2 survives a request without an answer. It is not trusted any more.
func TestHTTP2SinkThatHangs(t *testing.T) {
	a := newAuthority(t, "authority")
	config, show := secure("h2")
	show(a)
	var tries atomic.Int32
	s := newRecorder(t, config, func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) == 1 {
			<-r.Context().Done()
			return
		}
		accepts(w, r)
	})
	t.Setenv("K_CA_CERTS", a.pem)
	target, err := newTarget(clientConfig(t, s.URL), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := sink.DefaultDelivery()
	d.Timeout = 500 * time.Millisecond
	p := &sink.Publisher{Cursor: &cursor{entries(2)}, Sink: target, Delivery: d, Logger: zap.NewNop()}
	_ = p.Run(t.Context()) // until the cursor ends
	if got := p.Stats(); got.Delivered != 2 || got.Retried == 0 {
		t.Errorf("%+v, want 2 delivered, after having tried again", got)
	}
	if requests, connections := s.seen(); connections < 2 || !strings.HasPrefix(requests[0].Header.Get("Ce-Id"), "e-1") {
		t.Errorf("%d connections, want another one for the second try", connections)
	}
}
