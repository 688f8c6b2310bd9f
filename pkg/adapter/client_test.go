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
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	adapterv2 "knative.dev/eventing/pkg/adapter/v2"
	"knative.dev/eventing/pkg/auth"
	"knative.dev/eventing/pkg/eventingtls"
	kubeclient "knative.dev/pkg/client/injection/kube/client"
	"knative.dev/pkg/observability/tracing"

	"github.com/eventing-ptp/eventing-ptp/pkg/journal"
	"github.com/eventing-ptp/eventing-ptp/pkg/oran"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/sink"
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
	lister, trust := changingBundle(t)
	trust(certificate)
	return lister
}

// changingBundle is one whose certificate can be changed.
func changingBundle(t *testing.T) (lister corev1listers.ConfigMapNamespaceLister, trust func(certificate string)) {
	t.Helper()
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	return corev1listers.NewConfigMapLister(index).ConfigMaps("ns1"), func(certificate string) {
		err := index.Update(&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "ns1", Name: "bundle",
				Labels: map[string]string{eventingtls.TrustBundleLabelKey: eventingtls.TrustBundleLabelValue},
			},
			Data: map[string]string{"ca.crt": certificate},
		})
		if err != nil {
			t.Error(err)
		}
	}
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

// kubeOf is the client that gives tokens for an environment.
func kubeOf(t *testing.T, c adapterv2.ClientConfig) kubernetes.Interface {
	t.Helper()
	ctx, err := WithKubeClient(t.Context(), c.Env.(*Env))
	if err != nil {
		t.Fatal(err)
	}
	return kubeclient.Get(ctx)
}

// someEvent is the event that the tests below send.
func someEvent() oran.Event {
	return oran.Event{
		Type:    oran.LockStateChange,
		Source:  oran.LockState,
		Address: oran.Address{Cluster: "c", Node: "n1", Instance: "ptp4l.0", Resource: oran.LockState},
		Subject: "ptp4l.0",
		Time:    time.Date(2026, 11, 20, 9, 9, 7, 781100559, time.UTC),
		State:   "LOCKED",
		Reason:  "OffsetInRange",
		Data:    `{"a":1}`,
	}
}

// headers are those of someEvent, and those that Go adds.
func headers(id string, sequence int) http.Header {
	return http.Header{
		"Ce-Specversion": {"1.0"}, "Ce-Id": {id}, "Ce-Type": {oran.LockStateChange}, "Ce-Source": {oran.LockState}, "Ce-Subject": {"ptp4l.0"},
		"Ce-Time": {"2026-11-20T09:09:07.781100559Z"}, "Content-Type": {"application/json"}, "Content-Length": {"7"},
		"Ce-Resourceaddress": {"/c/node/n1/sync/ptp-status/lock-state"}, "Ce-Partitionkey": {"/c/node/n1/sync/ptp-status/lock-state"},
		"Ce-Node": {"n1"}, "Ce-Instance": {"ptp4l.0"}, "Ce-Ptpstate": {"LOCKED"}, "Ce-Ptpreason": {"OffsetInRange"},
		"Ce-Sequence": {fmt.Sprintf("%020d", sequence)}, "User-Agent": {"Go-http-client/1.1"}, "Accept-Encoding": {"gzip"},
	}
}

// client is what the publisher and the library's client have in common: it sends entries
// of the journal, each once, and returns why they were not taken.
type client interface {
	send(t *testing.T, entries []journal.Entry) []string
}

// ours is the publisher.
type ours struct {
	target  sink.Target
	sampled func(sink.TraceID) bool
}

func (o ours) send(t *testing.T, entries []journal.Entry) []string {
	t.Helper()
	core, log := observer.New(zapcore.ErrorLevel)
	d := sink.DefaultDelivery()
	d.Retries = 0
	p := &sink.Publisher{Cursor: &cursor{entries}, Sink: o.target, Delivery: d, Sampled: o.sampled, Logger: zap.New(core)}
	if err := p.Run(t.Context()); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	var reasons []string
	for _, line := range log.All() {
		reasons = append(reasons, fmt.Sprint(line.ContextMap()["reason"]))
	}
	return reasons
}

// cursor reads entries, and then fails.
type cursor struct{ entries []journal.Entry }

func (c *cursor) Next(context.Context) (journal.Entry, error) {
	if len(c.entries) == 0 {
		return journal.Entry{}, io.EOF
	}
	e := c.entries[0]
	c.entries = c.entries[1:]
	return e, nil
}

func (c *cursor) Ack(journal.Entry) error     { return nil }
func (c *cursor) Poll() (journal.Entry, bool) { return journal.Entry{}, false }
func (c *cursor) Pending() uint64             { return 0 }
func (c *cursor) Dropped() uint64             { return 0 }
func (c *cursor) Close() error                { return nil }

// library is the client of Knative's adapter library.
type library struct{ adapterv2.Client }

func (l library) send(t *testing.T, entries []journal.Entry) []string {
	t.Helper()
	var reasons []string
	for _, e := range entries {
		event, err := oran.Unmarshal(e.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if result := l.Send(t.Context(), event.CloudEvent(e.ID(), e.Sequence)); !cloudevents.IsACK(result) {
			reasons = append(reasons, result.Error())
		}
	}
	return reasons
}

func entries(n int) []journal.Entry {
	var all []journal.Entry
	for i := range n {
		all = append(all, journal.Entry{Epoch: "e", Sequence: uint64(i + 1), Payload: someEvent().Marshal()})
	}
	return all
}

// The publisher must obey the environment as the library's client does, down to the
// headers, and fail for the same causes.
func TestClients(t *testing.T) {
	oidc := map[string]string{"NAMESPACE": "ns1", "K_AUDIENCE": "broker", "K_OIDC_SERVICE_ACCOUNT": "sa1"}
	old := &tls.Config{MaxVersion: tls.VersionTLS12}
	for _, tc := range []struct {
		name    string
		env     map[string]string
		secure  *tls.Config // of the sink
		trust   string      // where its certificate is: K_CA_CERTS or a bundle
		cluster int         // status of its answers; 0: there is none
		want    http.Header // besides the event's; nil: no request
		err     string      // of each try
	}{
		{name: "nothing is set", want: http.Header{"Kn-Namespace": {""}}},
		{
			name: "a namespace and overrides",
			env:  map[string]string{"NAMESPACE": "ns1", "K_CE_OVERRIDES": `{"extensions": {"site": "lab 1", "ptpReason": "over"}}`},
			want: http.Header{"Kn-Namespace": {"ns1"}, "Ce-Site": {"lab 1"}, "Ce-Ptpreason": {"over"}},
		},

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
		for name, made := range map[string]func(adapterv2.ClientConfig) (client, error){
			"ours": func(c adapterv2.ClientConfig) (client, error) {
				target, err := newTarget(c, kubeOf(t, c))
				return ours{target: target}, err
			},
			"library": func(c adapterv2.ClientConfig) (client, error) {
				l, err := adapterv2.NewClient(c)
				return library{l}, err
			},
		} {
			t.Run(tc.name+", "+name, func(t *testing.T) {
				for name, value := range tc.env {
					t.Setenv(name, value)
				}
				if tc.cluster != 0 {
					useCluster(t, tc.cluster)
				}
				s := newRecorder(t, tc.secure.Clone(), accepts)
				if tc.trust == "K_CA_CERTS" {
					t.Setenv("K_CA_CERTS", s.certificate())
				}
				config := clientConfig(t, s.URL+"/in")
				if tc.trust == "bundle" {
					config.TrustBundleConfigMapLister = bundle(t, s.certificate())
				}
				client, err := made(config)
				if err != nil {
					t.Fatal(err)
				}

				var want []request
				two := entries(2)
				reasons := client.send(t, two)
				if failures := len(reasons); tc.err == "" && failures > 0 || tc.err != "" && failures != 2 {
					t.Errorf("it fails with %q, want %q", reasons, tc.err)
				}
				for _, got := range reasons {
					if !strings.Contains(got, tc.err) {
						t.Errorf("it fails with %q, want %q in it", got, tc.err)
					}
				}
				for n, entry := range two {
					if tc.want != nil {
						header := headers(entry.ID(), n+1)
						maps.Copy(header, tc.want)
						if name == "ours" { // the library's client begins no trace unless one is recorded
							trace := []string{[]string{"00-cf7b95ff8376749cab7545d34e991cb5-f4af76877e955d11-00", "00-e49f74136587f644ee47054fdf250315-d4f09dc629133a4b-00"}[n]}
							header["Traceparent"], header["Ce-Traceparent"] = trace, trace
						}
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

// send sends an event to a target, which must take it.
func send(t *testing.T, target sink.Target) {
	t.Helper()
	if reasons := (ours{target: target}).send(t, entries(1)); len(reasons) > 0 {
		t.Fatal(reasons)
	}
}

// What is to be observed, is. Every request says which trace it is part of, and whether
// somebody records it.
func TestTraces(t *testing.T) {
	ctx := t.Context()
	collector := newRecorder(t, nil, func(http.ResponseWriter, *http.Request) {})
	tracer, err := tracing.NewTracerProvider(ctx, tracing.Config{Protocol: tracing.ProtocolHTTPProtobuf, Endpoint: collector.URL, SamplingRate: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	s := newRecorder(t, nil, accepts)
	const otlp = `{"tracing": {"protocol": "http/protobuf", "endpoint": "http://collector.example", "samplingRate": `
	for _, tc := range []struct {
		config           string
		flags            string
		observed, traced bool
	}{
		{``, "00", false, false},
		{`{}`, "00", false, false},
		{`{"tracing": {"protocol": "none"}, "metrics": {"protocol": "none"}, "runtime": {"exportInterval": 30000000000}}`, "00", false, false},
		{`no JSON`, "00", false, false}, // and the library says so
		{`{"metrics": {"protocol": "prometheus"}}`, "00", true, false},
		{otlp + `0}}`, "00", true, false},
		{otlp + `1}}`, "01", true, true},
	} {
		t.Run(tc.config, func(t *testing.T) {
			t.Setenv("K_OBSERVABILITY_CONFIG", tc.config)
			c := clientConfig(t, s.URL)
			c.TraceProvider = tracer
			target, err := newTarget(c, nil)
			if err != nil {
				t.Fatal(err)
			}
			if reasons := (ours{target, sampled(c.Env)}).send(t, entries(1)); len(reasons) > 0 {
				t.Fatal(reasons)
			}
			requests, _ := s.seen()
			h := requests[len(requests)-1].Header
			event, sent := strings.Split(h.Get("Ce-Traceparent"), "-"), strings.Split(h.Get("Traceparent"), "-")
			if len(event) != 4 || len(sent) != 4 || event[1] != sent[1] {
				t.Fatalf("the event is part of the trace %q, and the request of %q", event, sent)
			}
			if event[3] != tc.flags || sent[3] != tc.flags {
				t.Errorf("the flags are %s of the event and %s of the request, want %s", event[3], sent[3], tc.flags)
			}
			if own := event[2] != sent[2]; own != tc.observed {
				t.Errorf("the request has a span of its own: %v, want %v", own, tc.observed)
			}
			if err := tracer.TracerProvider.(interface{ ForceFlush(context.Context) error }).ForceFlush(ctx); err != nil {
				t.Fatal(err)
			}
			spans, _ := collector.seen()
			raw, err := hex.DecodeString(event[1])
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.ContainsFunc(spans, func(r request) bool { return strings.Contains(r.Body, string(raw)) }); got != tc.traced {
				t.Errorf("the collector has the trace: %v, want %v", got, tc.traced)
			}
		})
	}
	if err := tracer.Shutdown(ctx); err != nil {
		t.Fatal(err)
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
			a := &Adapter{env: env, client: config, kube: kubeOf(t, config)}
			target, err := a.target(env.deadLetter())
			if err != nil {
				t.Fatal(err)
			}
			send(t, target)
			requests, _ := s.seen()
			if got := requests[0].Header.Get("Authorization"); got != tc.want {
				t.Errorf("it is shown %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOverridesThatNoEventCanHave(t *testing.T) {
	for name, tc := range map[string]struct{ overrides, want string }{
		"no JSON":                       {`site=lab`, "read K_CE_OVERRIDES: "},
		"a name that is none":           {`{"extensions": {"the-site": "lab"}}`, `K_CE_OVERRIDES: extension "the-site": bad key`},
		"an attribute that is required": {`{"extensions": {"Type": "lab"}}`, `K_CE_OVERRIDES: extension "Type": bad key "Type": CloudEvents spec attribute`},
		"a value of two lines":          {`{"extensions": {"site": "a\nb"}}`, `K_CE_OVERRIDES: extension "site": its value "a\nb" cannot be in an HTTP header`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("K_CE_OVERRIDES", tc.overrides)
			_, err := newTarget(clientConfig(t, "http://sink.example"), nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
		})
	}
}
