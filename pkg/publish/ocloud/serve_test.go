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
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
	"github.com/eventing-ptp/eventing-ptp/test/pki"
)

// over returns a client that speaks nothing but a protocol.
func over(t *testing.T, set func(*http.Protocols), roots *x509.CertPool) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	set(transport.Protocols)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func http1(p *http.Protocols)      { p.SetHTTP1(true) }
func http2(p *http.Protocols)      { p.SetHTTP2(true) }
func clearHTTP2(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }

// One port answers every protocol.
func TestProtocols(t *testing.T) {
	r := open(t)
	for want, set := range map[string]func(*http.Protocols){"HTTP/1.1": http1, "HTTP/2.0": clearHTTP2} {
		client := over(t, set, nil)
		for range 3 {
			request, err := http.NewRequestWithContext(t.Context(), "GET", r.url+"/ocloudNotifications/v2/health", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatalf("%s: %v", want, err)
			}
			_ = response.Body.Close()
			if response.Proto != want || response.StatusCode != 200 {
				t.Errorf("%s %d, want %s", response.Proto, response.StatusCode, want)
			}
		}
	}
}

func authority(t *testing.T) *pki.Authority {
	t.Helper()
	a, err := pki.NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A certificate is used until there is another one, and then that one is.
func TestTLS(t *testing.T) {
	first, second := authority(t), authority(t)
	directory := t.TempDir()
	certificate, key := filepath.Join(directory, "tls.crt"), filepath.Join(directory, "tls.key")
	put := func(a *pki.Authority) {
		pair, err := a.Server("ocloud", nil, []net.IP{net.IPv4(127, 0, 0, 1)})
		if err == nil {
			err = pair.Write(directory, "tls")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ocloud.NewCertificate(certificate, key, "", zap.NewNop()); err == nil {
		t.Error("there is a certificate without its files")
	}
	put(first)
	served, err := ocloud.NewCertificate(certificate, key, "", zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	r := openOn(t, "127.0.0.1:0", served)
	url := strings.Replace(r.url, "http:", "https:", 1) + "/ocloudNotifications/v2/publishers"
	ask := func(set func(*http.Protocols), a *pki.Authority) (string, error) {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(a.PEM())
		request, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := over(t, set, roots).Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if !strings.Contains(string(body), `"UriLocation":"https://127.0.0.1`) {
			t.Errorf("%s does not say where it is", body)
		}
		return response.Proto, err
	}
	for want, set := range map[string]func(*http.Protocols){"HTTP/1.1": http1, "HTTP/2.0": http2} {
		if got, err := ask(set, first); err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	if err := os.WriteFile(key, []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	if _, err := ask(http2, first); err != nil {
		t.Errorf("a key that cannot be read: %v", err)
	}
	put(second)
	eventually(t, "new certificate", func() bool { _, err := ask(http2, second); return err == nil }, func() string { return "the old one" })
	if _, err := ask(http2, first); err == nil {
		t.Error("the old certificate is still used")
	}
}

// Clients may have to have a certificate, of an authority that may be replaced.
func TestClientCertificates(t *testing.T) {
	servers, first, second := authority(t), authority(t), authority(t)
	directory := t.TempDir()
	clients := filepath.Join(directory, "ca.crt")
	pair, err := servers.Server("ocloud", nil, []net.IP{net.IPv4(127, 0, 0, 1)})
	if err == nil {
		err = pair.Write(directory, "tls")
	}
	if err != nil {
		t.Fatal(err)
	}
	certificate, key := filepath.Join(directory, "tls.crt"), filepath.Join(directory, "tls.key")
	for _, text := range []string{"", "no certificate"} {
		if text != "" {
			if err := os.WriteFile(clients, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := ocloud.NewCertificate(certificate, key, clients, zap.NewNop()); err == nil {
			t.Errorf("with %q for the authorities there is a certificate", text)
		}
	}
	trust := func(a *pki.Authority) {
		if err := os.WriteFile(clients, a.PEM(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trust(first)
	served, err := ocloud.NewCertificate(certificate, key, clients, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	r, c := openOn(t, "127.0.0.1:0", served, func(o *ocloud.Options) { o.ClientCertificates = true }), consume(t, nil)
	base := strings.Replace(r.url, "http:", "https:", 1)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(servers.PEM())
	as := func(set func(*http.Protocols), pair pki.Pair) *http.Client {
		client := over(t, set, roots)
		if pair.Key != nil {
			own, err := tls.X509KeyPair(pair.Certificate, pair.Key)
			if err != nil {
				t.Fatal(err)
			}
			client.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{own}
		}
		return client
	}
	of := func(a *pki.Authority, name string) pki.Pair {
		pair, err := a.Client(name, "consumers")
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	anna, bert, nobody := as(http2, of(first, "anna")), as(http1, of(first, "bert")), as(http2, pki.Pair{})
	post := do(t, anna, "POST", base+subscriptions, fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync"}`, c.URL))
	if post.status != 201 {
		t.Fatalf("%d %s", post.status, post.body)
	}
	id, _ := post.json(t)["SubscriptionId"].(string)
	for _, step := range []struct {
		name         string
		client       *http.Client
		method, path string
		status       int
		says         string
	}{
		{"nobody", nobody, "GET", "/ocloudNotifications/v2/health", 200, "OK"},
		{"nobody", nobody, "GET", subscriptions, 403, "connect with a certificate for clients"},
		{"nobody", nobody, "DELETE", subscriptions + "/" + id, 403, "connect with a certificate for clients"},
		{"no name", as(http2, of(first, "")), "GET", subscriptions, 403, "needs a common name"},
		{"bert", bert, "GET", subscriptions + "/" + id, 200, c.URL},
		{"bert", bert, "DELETE", subscriptions + "/" + id, 403, "only its owner may"},
		{"bert", bert, "PUT", subscriptions + "/status/" + id, 403, "only its owner may"},
		{"bert", bert, "DELETE", subscriptions + "?all=true", 403, "only its owner may"},
		{"bert", bert, "DELETE", subscriptions, 204, ""}, // all that is bert's
		{"anna", anna, "PUT", subscriptions + "/status/" + id, 202, ""},
		{"anna", anna, "DELETE", subscriptions + "/" + id, 204, ""},
	} {
		if got := do(t, step.client, step.method, base+step.path, ""); got.status != step.status || !strings.Contains(got.body, step.says) {
			t.Errorf("%s: %s %s: %d %s, want %d %s", step.name, step.method, step.path, got.status, got.body, step.status, step.says)
		}
	}

	connects := func(set func(*http.Protocols), pair pki.Pair) error {
		request, err := http.NewRequestWithContext(t.Context(), "GET", base+subscriptions, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := as(set, pair).Do(request)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
	if err := connects(http2, of(second, "anna")); err == nil {
		t.Error("a certificate of an authority that nobody knows is good")
	}
	server, err := first.Server("anna", []string{"anna"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := connects(http2, server); err == nil {
		t.Error("the certificate of a server is good for a client")
	}
	trust(second)
	for _, set := range []func(*http.Protocols){http1, http2} {
		eventually(t, "new authority", func() bool { return connects(set, of(second, "anna")) == nil }, func() string { return "the old one" })
		if err := connects(set, of(first, "anna")); err == nil {
			t.Error("the old authority still counts")
		}
	}
}

// Endpoints with a certificate are trusted by the authorities that the API is given.
func TestEndpointWithTLS(t *testing.T) {
	var proto string
	c := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto = r.Proto
		w.WriteHeader(http.StatusNoContent)
	}))
	c.EnableHTTP2 = true
	c.StartTLS()
	defer c.Close()
	body := fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync/sync-status"}`, c.URL)
	if got := open(t).do(t, "POST", subscriptions, body); got.status != 400 || proto != "" {
		t.Errorf("whom nobody trusts is sent to over %s: %d %s", proto, got.status, got.body)
	}
	roots := x509.NewCertPool()
	roots.AddCert(c.Certificate())
	r := open(t, func(o *ocloud.Options) { o.RootCAs = func() (*x509.CertPool, error) { return roots, nil } })
	if got := r.do(t, "POST", subscriptions, body); got.status != 201 || proto != "HTTP/2.0" {
		t.Errorf("%d %s over %s", got.status, got.body, proto)
	}
}

// A client that sends a byte now and then is cut off, and keeps nobody else from being
// answered meanwhile.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	r := open(t, func(o *ocloud.Options) { o.Limits.PerClient = 30 })
	address := strings.TrimPrefix(r.url, "http://")
	began := time.Now()
	var slow []net.Conn
	for range 20 {
		c, err := net.Dial("tcp", address) //nolint:noctx // it answers at once
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, "POST /ocloudNotifications/v2/subscriptions HTTP/1.1\r\nHost: x\r\n"); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
	}
	if got := r.do(t, "GET", "/ocloudNotifications/v2/health", ""); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, c := range slow {
		if err := c.SetReadDeadline(began.Add(5*time.Second + patience)); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(c)
		if err != nil || bytes.HasPrefix(rest, []byte("HTTP/1.1 2")) {
			t.Fatalf("after %v: %q, %v; want the end", time.Since(began), rest, err)
		}
	}
}

// A body that does not come is not waited for.
func TestBodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	r := open(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://")) //nolint:noctx // it answers at once
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /ocloudNotifications/v2/subscriptions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(10*time.Second + patience)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", response.StatusCode)
	}
}

// One client whose bodies do not come has its share of the requests that are answered, and
// not that of others.
func TestOneClientWithManyBodiesThatDoNotCome(t *testing.T) {
	r := open(t, func(o *ocloud.Options) { o.Limits.Requests, o.Limits.RequestsPerClient = 20, 15 })
	address := strings.TrimPrefix(r.url, "http://")
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for range 30 {
		c, err := from.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, "POST /ocloudNotifications/v2/subscriptions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	transport := &http.Transport{DialContext: from.DialContext}
	defer transport.CloseIdleConnections()
	same := &http.Client{Transport: transport}
	eventually(t, "refusal of the client", func() bool {
		got := do(t, same, "GET", r.url+subscriptions, "")
		return got.status == 503 && got.header.Get("Retry-After") == "1"
	}, func() string { return "answers" })
	if got := r.do(t, "GET", subscriptions, ""); got.status != 200 {
		t.Errorf("another one: %d %s", got.status, got.body)
	}
	if got := do(t, same, "GET", r.url+"/ocloudNotifications/v2/health", ""); got.status != 200 {
		t.Errorf("health: %d %s", got.status, got.body)
	}
}

// The same over HTTP/2: a stream that does not end is not waited for.
func TestStreamThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	r := open(t)
	body, end := io.Pipe()
	defer end.Close()
	request, err := http.NewRequestWithContext(t.Context(), "POST", r.url+subscriptions, body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := over(t, clearHTTP2, nil).Do(request)
	if err != nil {
		return // the stream or the connection was closed
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", response.StatusCode)
	}
}

// A client that does not say whom it asks is told where things are all the same.
func TestRequestWithoutHost(t *testing.T) {
	r, endpoint := open(t), consume(t, nil)
	address := strings.TrimPrefix(r.url, "http://")
	c, err := net.Dial("tcp", address) //nolint:noctx // it answers at once
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync"}`, endpoint.URL)
	if _, err := fmt.Fprintf(c, "POST /ocloudNotifications/v2/subscriptions HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if location := response.Header.Get("Location"); !strings.HasPrefix(location, r.url+subscriptions+"/") {
		t.Errorf("%d, Location %q", response.StatusCode, location)
	}
}

// One client cannot take every connection.
func TestLimitOfConnections(t *testing.T) {
	r := open(t, func(o *ocloud.Options) { o.Limits.PerClient = 3 })
	address := strings.TrimPrefix(r.url, "http://")
	dial := func() net.Conn {
		c, err := net.Dial("tcp", address) //nolint:noctx // it answers at once
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	ask := func(c net.Conn) error {
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(c, "GET /ocloudNotifications/v2/health HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return err
		}
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
	all := []net.Conn{dial(), dial(), dial()}
	for _, c := range all {
		if err := ask(c); err != nil {
			t.Error(err)
		}
	}
	if err := ask(dial()); err == nil {
		t.Error("a fourth connection is served")
	}
	_ = all[0].Close()
	eventually(t, "place", func() bool { return ask(dial()) == nil }, func() string { return "none" })
}

// A header that does not end is not read to its end.
func TestHeaderThatIsTooLarge(t *testing.T) {
	r := open(t)
	request, err := http.NewRequestWithContext(t.Context(), "GET", r.url+"/ocloudNotifications/v2/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Large", strings.Repeat("x", 64<<10))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return // the connection was closed while it was being sent
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", response.StatusCode)
	}
}
