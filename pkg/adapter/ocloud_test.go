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
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	authnv1 "k8s.io/api/authentication/v1"
	authzv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	adapterv2 "knative.dev/eventing/pkg/adapter/v2"

	"github.com/eventing-ptp/eventing-ptp/pkg/adapter/config"
	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
)

// subscriber is an endpoint that keeps one line per notification.
type subscriber struct {
	*httptest.Server
	mu    sync.Mutex
	lines []string
	up    bool
}

func newSubscriber(t *testing.T) *subscriber {
	s := &subscriber{up: true}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // cut short by the end of the adapter
		}
		var e struct {
			Source, PtpState, PreviousState, StateAge string
			Data                                      struct{ Values []struct{ Value string } }
		}
		if err := json.Unmarshal(body, &e); err != nil || len(e.Data.Values) == 0 {
			t.Errorf("the endpoint got %s: %v", body, err)
			return
		}
		line := fmt.Sprintf("%s %s>%s", e.Source, e.PreviousState, e.PtpState)
		if e.StateAge != "" {
			line = fmt.Sprintf("%s is %s", e.Source, e.Data.Values[0].Value)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.up {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.lines = append(s.lines, line)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *subscriber) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

func (s *subscriber) set(up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up = up
}

func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// From ptp4l's socket to an endpoint that has subscribed, over a restart of both.
func TestFromTheSocketToASubscriber(t *testing.T) {
	p, socket := simulate(t)
	s, c := newSink(t, nil), newSubscriber(t)
	address := freeAddress(t)
	// A machine that has much to do is no silence.
	t.Setenv("K_SOURCE_CONFIG", `{"oCloud": {"enabled": true, "address": "`+address+`", "endpoints": "Localhost"}, "thresholds": {"syncTimeout": "1m"}}`)
	args := []string{"-sink", s.URL, "-socket", socket, "-health", "", "-journal", t.TempDir()}
	stop := start(t, args...)
	eventually(t, "LOCKED", func() bool {
		return slices.ContainsFunc(s.events(), func(line string) bool {
			return strings.HasPrefix(line, node) && strings.HasSuffix(line, ">LOCKED OffsetInRange")
		})
	}, func() string { return fmt.Sprintf("%q", s.events()) })

	base := "http://" + address + "/api/ocloudNotifications/v2"
	subscribe := func(address string) {
		t.Helper()
		if status, body := ask(t, "POST", base+"/subscriptions", fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":%q}`, c.URL+"/event", address)); status != http.StatusCreated {
			t.Fatalf("%d %s", status, body)
		}
	}
	subscribe("/cluster/node/n1/sync/ptp-status/clock-class")
	subscribe("/cluster/node/n1/sync/sync-status/sync-state")
	want := []string{"/sync/ptp-status/clock-class is 6", "/sync/sync-status/sync-state is LOCKED"}
	wait := func(more ...string) {
		t.Helper()
		want = append(want, more...)
		eventually(t, fmt.Sprint(more), func() bool { return len(c.got()) >= len(want) }, func() string { return fmt.Sprintf("%q", c.got()) })
		if got := c.got(); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	wait()
	p.SetClass(7)
	wait("/sync/ptp-status/clock-class 6>7")

	// Its state, without a subscription.
	var state struct {
		PtpState, StateAge string
		Time               time.Time
	}
	status, body := ask(t, "GET", base+"/cluster/node/n1/sync/ptp-status/lock-state/CurrentState", "")
	if err := json.Unmarshal([]byte(body), &state); err != nil || status != http.StatusOK || state.PtpState != "LOCKED" || state.StateAge == "" || time.Since(state.Time) > time.Minute {
		t.Errorf("%d %s", status, body)
	}

	// The consumer is away, the adapter is replaced, and the class changes under both.
	c.set(false)
	p.SetClass(13)
	s.wait(t, class+"7>13 ParentClass")
	stop()
	p.SetClass(52)
	start(t, args...)
	eventually(t, "change of class", func() bool { return strings.HasPrefix(s.events()[len(s.events())-1], class+"13>52") }, func() string { return fmt.Sprintf("%q", s.events()) })
	c.set(true)
	wait("/sync/ptp-status/clock-class 7>13", "/sync/ptp-status/clock-class 13>52")

	for _, path := range []string{"/cluster/node/n2/sync", "/cluster/node/n1/sync/x"} {
		if status, body := ask(t, "GET", base+path+"/CurrentState", ""); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestAddressOfOCloudIsTaken(t *testing.T) {
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	t.Setenv("K_SOURCE_CONFIG", `{"oCloud": {"enabled": true, "address": "`+taken.Listener.Addr().String()+`"}}`)
	env, err := Load([]string{"-sink", taken.URL, "-socket", filepath.Join(t.TempDir(), "ptp4l"), "-health", ""})
	if err != nil {
		t.Fatal(err)
	}
	if err := (&Adapter{env: env, client: adapterv2.ClientConfig{Env: env}, log: zap.NewNop().Sugar()}).Start(t.Context()); err == nil || !strings.Contains(err.Error(), "address already in use: choose another oCloud.address") {
		t.Errorf("got %v", err)
	}
}

func TestOCloudThatMakesNoSense(t *testing.T) {
	for _, tc := range []struct{ section, says string }{
		{`"address": ""`, "it must be host:port"},
		{`"auth": "Basic"`, `auth is "Basic"; it must be None, ServiceAccount or ClientCertificate`},
		{`"auth": "ServiceAccount"`, "tokens must not be sent in clear text"},
		{`"auth": "ClientCertificate"`, "needs certificate, key and clientCAs"},
		{`"auth": "ClientCertificate", "tls": {"certificate": "/x", "key": "/y"}`, "needs certificate, key and clientCAs"},
		{`"tls": {"certificate": "/x", "key": "/y", "clientCAs": "/z"}`, "clientCAs needs that auth"},
		{`"endpoints": "Everywhere"`, `endpoints is "Everywhere"; it must be Localhost, Cluster or Any`},
		{`"allowedNetworks": ["10.0.0.1"]`, "it must be a network like 192.0.2.0/24"},
		{`"tls": {"certificate": "/x"}`, "only one of certificate and key"},
		{`"removeAfter": "-1s"`, "removeAfter is -1s"},
		{`"maxSubscriptions": 0`, "it must be 1 or more"},
	} {
		t.Setenv("K_SOURCE_CONFIG", `{"oCloud": {"enabled": true, `+tc.section+`}}`)
		if _, err := Load([]string{"-sink", "http://x"}); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.section, err)
		}
		t.Setenv("K_SOURCE_CONFIG", `{"oCloud": {"enabled": false, `+tc.section+`}}`)
		if _, err := Load([]string{"-sink", "http://x"}); err != nil {
			t.Errorf("%s, not enabled: %v", tc.section, err)
		}
	}
}

// The node and the adapter are no endpoints, whatever addresses they have.
func TestAddressesOfTheNode(t *testing.T) {
	e, err := endpoints(config.OCloud{Endpoints: "Any", AllowedNetworks: []string{"10.9.8.7/16"}}, "192.0.2.1, 2001:db8::1")
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprint(e.Node)
	if !strings.HasPrefix(all, "[192.0.2.1 2001:db8::1 ") || !strings.Contains(all, "127.0.0.1") || fmt.Sprint(e.Allowed) != "[10.9.0.0/16]" {
		t.Errorf("node %s, allowed %v", all, e.Allowed)
	}
}

// A cluster answers for a while, and is asked as it wants to be.
func TestAuthorizer(t *testing.T) {
	client := fake.NewClientset()
	asked := 0
	client.PrependReactor("create", "tokenreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		asked++
		review := action.(clienttesting.CreateAction).GetObject().(*authnv1.TokenReview).DeepCopy()
		switch review.Spec.Token {
		case "broken":
			return true, nil, errors.New("away")
		case "good", "other":
			review.Status.Authenticated = true
			review.Status.User = authnv1.UserInfo{Username: "system:serviceaccount:du:" + review.Spec.Token, Groups: []string{"g"}, Extra: map[string]authnv1.ExtraValue{"k": {"v"}}}
		}
		return true, review, nil
	})
	client.PrependReactor("create", "subjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authzv1.SubjectAccessReview).DeepCopy()
		s := review.Spec
		attributes := authzv1.ResourceAttributes{Group: "sources.knative.dev", Resource: "ptpsources", Subresource: "ocloud", Namespace: "ns", Name: "fleet", Verb: s.ResourceAttributes.Verb}
		if *s.ResourceAttributes != attributes || !slices.Equal(s.Groups, []string{"g"}) || !slices.Equal(s.Extra["k"], authzv1.ExtraValue{"v"}) {
			t.Errorf("asked about %+v", s)
		}
		review.Status.Allowed = s.User == "system:serviceaccount:du:good" && s.ResourceAttributes.Verb != "deletecollection"
		return true, review, nil
	})
	a := newAuthorizer(client, "ns", "fleet")
	for _, tc := range []struct {
		token string
		verbs []string
		user  string
		err   error
		asks  int
	}{
		{"good", []string{"get"}, "system:serviceaccount:du:good", nil, 1},
		{"good", []string{"get"}, "system:serviceaccount:du:good", nil, 0},
		{"good", []string{"get", "create"}, "system:serviceaccount:du:good", nil, 1},
		{"good", []string{"get", "deletecollection"}, "system:serviceaccount:du:good", ocloud.ErrForbidden, 1},
		{"other", []string{"get"}, "system:serviceaccount:du:other", ocloud.ErrForbidden, 1},
		{"bad", []string{"get"}, "", ocloud.ErrUnauthenticated, 1},
		{"bad", []string{"get"}, "", ocloud.ErrUnauthenticated, 0},
	} {
		before := asked
		user, err := a.Authorize(context.Background(), tc.token, tc.verbs...)
		if user != tc.user || !errors.Is(err, tc.err) || asked-before != tc.asks {
			t.Errorf("%s %v: %q, %v after %d questions, want %q, %v after %d", tc.token, tc.verbs, user, err, asked-before, tc.user, tc.err, tc.asks)
		}
	}
	before := asked
	for n := range 3 * decisions { // tokens that are nobody's
		if _, err := a.Authorize(context.Background(), fmt.Sprint("guessed", n), "get"); !errors.Is(err, ocloud.ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	if asked != before+3*decisions || len(a.made) > decisions {
		t.Errorf("%d questions, and %d answers are kept", asked-before, len(a.made))
	}
	before = asked
	if _, err := a.Authorize(context.Background(), "good", "get"); err != nil || asked != before {
		t.Errorf("who may is asked about again: %v", err)
	}
	for range 2 { // what is not known is asked again
		before := asked
		if _, err := a.Authorize(context.Background(), "broken", "get"); err == nil || errors.Is(err, ocloud.ErrForbidden) || asked == before {
			t.Errorf("a cluster that is away: %v", err)
		}
	}
}
