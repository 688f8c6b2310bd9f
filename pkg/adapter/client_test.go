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
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/go-cmp/cmp"
	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	adapterv2 "knative.dev/eventing/pkg/adapter/v2"
	"knative.dev/eventing/pkg/auth"
	"knative.dev/eventing/pkg/eventingtls"
	"knative.dev/pkg/observability/tracing"
)

// recorder is a server that keeps its requests.
type recorder struct {
	*httptest.Server

	mu          sync.Mutex
	requests    []request
	connections int
}

type request struct {
	Method, Path, Body string
	Header             http.Header
}

// newRecorder starts a server that answers every request alike, over TLS where there is
// a configuration for it.
func newRecorder(t *testing.T, secure *tls.Config, answer http.HandlerFunc) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		r.requests = append(r.requests, request{q.Method, q.URL.Path, string(body), q.Header})
		r.mu.Unlock()
		answer(w, q)
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are to fail
	r.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if s == http.StateNew {
			r.connections++
		}
	}
	if r.TLS = secure; secure != nil {
		r.StartTLS()
	} else {
		r.Start()
	}
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) seen() ([]request, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests, r.connections
}

// certificate is the one that a server with TLS shows.
func (r *recorder) certificate() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw}))
}

func accepts(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }

func babbles(w http.ResponseWriter, q *http.Request) {
	w.WriteHeader(http.StatusServiceUnavailable)
	for q.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 1024)); err != nil {
			return
		}
	}
}

// useCluster makes an API server that answers requests for tokens with a status the one
// of KUBECONFIG.
func useCluster(t *testing.T, status int) {
	t.Helper()
	api := newRecorder(t, nil, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(authv1.TokenRequest{
			TypeMeta: metav1.TypeMeta{Kind: "TokenRequest", APIVersion: "authentication.k8s.io/v1"},
			Status:   authv1.TokenRequestStatus{Token: "from:" + q.URL.Path, ExpirationTimestamp: metav1.NewTime(time.Now().Add(time.Hour))},
		})
	})
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := `{"clusters": [{"name": "c", "cluster": {"server": "` + api.URL + `"}}],
		"contexts": [{"name": "c", "context": {"cluster": "c"}}], "current-context": "c"}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", path)
}

// bundle is a namespace with a trust bundle that has a certificate.
func bundle(t *testing.T, certificate string) corev1listers.ConfigMapNamespaceLister {
	t.Helper()
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	err := index.Add(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ns1", Name: "bundle",
			Labels: map[string]string{eventingtls.TrustBundleLabelKey: eventingtls.TrustBundleLabelValue},
		},
		Data: map[string]string{"ca.crt": certificate},
	})
	if err != nil {
		t.Fatal(err)
	}
	return corev1listers.NewConfigMapLister(index).ConfigMaps("ns1")
}

// clientConfig is what the library hands to New, for the environment as it is.
func clientConfig(t *testing.T, uri string) adapterv2.ClientConfig {
	t.Helper()
	env, err := Load([]string{"-node", "n1", "-sink", uri})
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := WithKubeClient(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	return adapterv2.ClientConfig{Env: env, TokenProvider: auth.NewOIDCTokenProvider(ctx)}
}

func someEvent(t *testing.T) cloudevents.Event {
	t.Helper()
	e := cloudevents.NewEvent()
	e.SetID("e-1")
	e.SetType("some.type")
	e.SetSource("/some/source")
	e.SetTime(time.Date(2026, 11, 20, 9, 9, 7, 781100559, time.UTC))
	if err := e.SetData(cloudevents.ApplicationJSON, map[string]int{"a": 1}); err != nil {
		t.Fatal(err)
	}
	return e
}

// The plain client must obey the environment as the library's does, and be told of
// failures in the same words.
func TestClients(t *testing.T) {
	oidc := map[string]string{"NAMESPACE": "ns1", "K_AUDIENCE": "broker", "K_OIDC_SERVICE_ACCOUNT": "sa1"}
	old := &tls.Config{MaxVersion: tls.VersionTLS12}
	for _, tc := range []struct {
		name    string
		env     map[string]string
		secure  *tls.Config      // of the sink
		trust   string           // where its certificate is: K_CA_CERTS or a bundle
		cluster int              // status of its answers; 0: there is none
		answer  http.HandlerFunc // of the sink, if not 202
		want    http.Header      // besides the event's; nil: no request
		err     string           // of each try
	}{
		{name: "nothing is set", want: http.Header{"Kn-Namespace": {""}}},
		{
			name: "a namespace and overrides",
			env:  map[string]string{"NAMESPACE": "ns1", "K_CE_OVERRIDES": `{"extensions": {"site": "lab"}}`},
			want: http.Header{"Kn-Namespace": {"ns1"}, "Ce-Site": {"lab"}},
		},
		{
			name: "an override that no CloudEvent can have",
			env:  map[string]string{"K_CE_OVERRIDES": `{"extensions": {"the-site": "lab"}}`},
			err:  "the-site: bad key",
		},
		{
			name: "a redirect that would lose the event", answer: http.RedirectHandler("/other", http.StatusFound).ServeHTTP,
			want: http.Header{"Kn-Namespace": {""}}, err: "302: ",
		},
		{name: "an answer without end", answer: babbles, want: http.Header{"Kn-Namespace": {""}}, err: "503: "},

		{name: "a private authority", secure: &tls.Config{}, trust: "K_CA_CERTS", want: http.Header{"Kn-Namespace": {""}}},
		{name: "the authority of a trust bundle", secure: &tls.Config{}, trust: "bundle", want: http.Header{"Kn-Namespace": {""}}},
		{name: "an unknown authority", secure: &tls.Config{}, err: "certificate signed by unknown authority"},
		{name: "an old TLS", secure: old, trust: "K_CA_CERTS", err: "protocol version not supported"},
		{
			name: "an old TLS that is allowed", secure: old, trust: "K_CA_CERTS",
			env: map[string]string{"TLS_MIN_VERSION": "1.2"}, want: http.Header{"Kn-Namespace": {""}},
		},

		{
			name: "an audience", env: oidc, cluster: http.StatusCreated,
			want: http.Header{"Kn-Namespace": {"ns1"}, "Authorization": {"Bearer from:/api/v1/namespaces/ns1/serviceaccounts/sa1/token"}},
		},
		{name: "an audience without a token", env: oidc, cluster: http.StatusForbidden, err: "could not request a token for ns1/sa1"},
	} {
		for client, observability := range map[string]string{"plain": `{}`, "library": `{"metrics": {"protocol": "prometheus"}}`} {
			t.Run(tc.name+", "+client, func(t *testing.T) {
				t.Setenv("K_OBSERVABILITY_CONFIG", observability)
				for name, value := range tc.env {
					t.Setenv(name, value)
				}
				if tc.cluster != 0 {
					useCluster(t, tc.cluster)
				}
				if tc.answer == nil {
					tc.answer = accepts
				}
				s := newRecorder(t, tc.secure.Clone(), tc.answer)
				if tc.trust == "K_CA_CERTS" {
					t.Setenv("K_CA_CERTS", s.certificate())
				}
				config := clientConfig(t, s.URL+"/in")
				if tc.trust == "bundle" {
					config.TrustBundleConfigMapLister = bundle(t, s.certificate())
				}
				sender, err := newSender(config)
				if err != nil {
					t.Fatal(err)
				}
				if _, plain := sender.(*plainClient); plain != (client == "plain") {
					t.Fatalf("the client is a %T", sender)
				}

				var want []request
				for range 2 {
					result := sender.Send(t.Context(), someEvent(t))
					if ok := cloudevents.IsACK(result); ok != (tc.err == "") || !ok && !strings.Contains(result.Error(), tc.err) {
						t.Errorf("the result is %v, want %q", result, tc.err)
					}
					if tc.want != nil {
						header := http.Header{
							"Ce-Specversion": {"1.0"}, "Ce-Id": {"e-1"}, "Ce-Type": {"some.type"}, "Ce-Source": {"/some/source"},
							"Ce-Time": {"2026-11-20T09:09:07.781100559Z"}, "Content-Type": {"application/json"}, "Content-Length": {"7"},
							"User-Agent": {"Go-http-client/1.1"}, "Accept-Encoding": {"gzip"},
						}
						maps.Copy(header, tc.want)
						want = append(want, request{http.MethodPost, "/in", `{"a":1}`, header})
					}
				}
				requests, connections := s.seen()
				if diff := cmp.Diff(want, requests); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				if tc.err == "" && connections != 1 {
					t.Errorf("%d connections, want 1", connections)
				}
			})
		}
	}
}

// What is to be observed, is.
func TestTraces(t *testing.T) {
	ctx := t.Context()
	collector := newRecorder(t, nil, func(http.ResponseWriter, *http.Request) {})
	tracer, err := tracing.NewTracerProvider(ctx, tracing.Config{Protocol: tracing.ProtocolHTTPProtobuf, Endpoint: collector.URL, SamplingRate: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := newRecorder(t, nil, accepts)
	for config, traced := range map[string]bool{
		``:   false,
		`{}`: false,
		`{"tracing": {"protocol": "none"}, "metrics": {"protocol": "none"}, "runtime": {"exportInterval": 30000000000}}`: false,
		`no JSON`: false, // and the library says so
		`{"tracing": {"protocol": "http/protobuf", "endpoint": "http://collector.example"}}`: true,
		`{"metrics": {"protocol": "prometheus"}}`:                                            true,
		`{"enableSinkEventErrorReporting": true}`:                                            true,
	} {
		t.Setenv("K_OBSERVABILITY_CONFIG", config)
		c := clientConfig(t, s.URL)
		c.TraceProvider = tracer
		sender, err := newSender(c)
		if err != nil {
			t.Fatal(err)
		}
		if result := sender.Send(ctx, someEvent(t)); !cloudevents.IsACK(result) {
			t.Fatal(result)
		}
		requests, _ := s.seen()
		if got := requests[len(requests)-1].Header.Get("Traceparent") != ""; got != traced {
			t.Errorf("%s: the request is traced: %v, want %v", config, got, traced)
		}
	}
	if err := tracer.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if spans, _ := collector.seen(); len(spans) == 0 {
		t.Error("the collector got no spans")
	}
}

// The token for the sink is not shown to the dead letter sink, which may have its own.
func TestTokenOfTheDeadLetterSink(t *testing.T) {
	for _, tc := range []struct{ name, audience, want string }{
		{"none", "", ""},
		{"its own", "letters", "Bearer from:/api/v1/namespaces/ns/serviceaccounts/sa/token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			useCluster(t, http.StatusCreated)
			s := newRecorder(t, nil, accepts)
			t.Setenv("NAMESPACE", "ns")
			t.Setenv("K_AUDIENCE", "sink")
			t.Setenv("K_OIDC_SERVICE_ACCOUNT", "sa")
			t.Setenv("K_SOURCE_CONFIG", fmt.Sprintf(`{"delivery": {"deadLetterSink": %q, "deadLetterSinkAudience": %q}}`, s.URL, tc.audience))
			config := clientConfig(t, "http://sink.example")
			env := config.Env.(*Env)
			a := &Adapter{env: env, client: config}
			target, err := a.target(env.deadLetter())
			if err != nil {
				t.Fatal(err)
			}
			if result := target.Sender.Send(t.Context(), someEvent(t)); !cloudevents.IsACK(result) {
				t.Fatal(result)
			}
			requests, _ := s.seen()
			if got := requests[0].Header.Get("Authorization"); got != tc.want {
				t.Errorf("it is shown %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOverridesThatAreNoJSON(t *testing.T) {
	t.Setenv("K_CE_OVERRIDES", "site=lab")
	_, err := newSender(clientConfig(t, "http://sink.example"))
	if err == nil || !strings.Contains(err.Error(), "read K_CE_OVERRIDES: ") {
		t.Errorf("got %v", err)
	}
}
