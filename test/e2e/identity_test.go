//go:build e2e

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

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/eventing-ptp/eventing-ptp/pkg/apis/sources/v1alpha1"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/kit"
	"github.com/eventing-ptp/eventing-ptp/test/e2e/ledger"
	"github.com/eventing-ptp/eventing-ptp/test/pki"
)

// Events go to an https sink whose certificate is trusted by the source or by the cluster's
// trust bundles, and to no other.
func TestTLSSink(t *testing.T) {
	r, always := newRoom(t), always.in(t)
	authority, err := pki.NewAuthority("the application's")
	if err != nil {
		t.Fatal(err)
	}
	certificate := string(authority.PEM())
	pair, err := authority.Server("app", []string{"app." + r.Namespace + ".svc.cluster.local"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "app-tls"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{"tls.crt": pair.Certificate, "tls.key": pair.Key},
	}
	if _, err := r.Kube.CoreV1().Secrets(r.Namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	app := r.StartTLSRecorder("app").Ready()
	url := "https://" + app.Host
	r.Source("trusting", kit.OnNode("n1"), kit.ToURL(url+"/trusting"), func(s *v1alpha1.PtpSourceSpec) { s.Sink.CACerts = &certificate })
	r.Source("careful", kit.OnNode("n1"), kit.ToURL(url+"/careful"))
	s := r.ReadyOn("trusting", 1)
	if s.Status.SinkCACerts == nil || strings.TrimSpace(*s.Status.SinkCACerts) != strings.TrimSpace(certificate) {
		t.Errorf("sinkCACerts is %v", s.Status.SinkCACerts)
	}
	app.Expect(time.Time{}, kit.Event{Source: "trusting", Type: kit.LockState, State: "LOCKED"})

	r.ReadyOn("careful", 1)
	app.Expect(time.Now(), kit.Event{Source: "trusting", Type: kit.ClockClass})
	if got := kit.Matching(app.Entries(), kit.Event{Source: "careful"}); len(got) > 0 {
		t.Errorf("sent to whom nobody vouches for: %s", kit.Describe(got[0]))
	}
	bundles := r.Kube.CoreV1().ConfigMaps(kit.System)
	bundle := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "application-ca", Labels: map[string]string{"networking.knative.dev/trust-bundle": "true"}},
		Data:       map[string]string{"ca.crt": certificate},
	}
	always.replaced(func() { // every source trusts it
		if _, err := bundles.Create(t.Context(), bundle, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	})
	app.Expect(time.Now(), kit.Event{Source: "careful", Type: kit.ClockClass})
	always.replaced(func() {
		if err := bundles.Delete(t.Context(), bundle.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	})
}

// With OIDC a source shows a sink who it is, with a token that is for that sink only, and a
// Broker takes nothing from whom it does not know.
func TestOIDC(t *testing.T) {
	r, always := newRoom(t), always.in(t)
	app := r.StartRecorder("app").Rules(ledger.Rules{Unordered: true}).Ready()
	// A Broker asks for tokens before the adapters have any, and what it refuses meanwhile is
	// not tried again.
	pause := func(paused bool) kit.Edit { return func(s *v1alpha1.PtpSourceSpec) { s.Paused = paused } }
	paused := time.Now()
	always.Change("mesh", pause(true))
	s := always.Condition("mesh", v1alpha1.ConditionReady, corev1.ConditionFalse, v1alpha1.ReasonPaused)
	always.AdaptersGone(s)
	// What their Broker has taken goes on to its channel, its filter and the Trigger's Service,
	// which do not try again either what is refused for want of a token.
	for range 2 {
		always.app.Expect(time.Now(), kit.Event{Source: "direct", Type: kit.ClockClass})
	}
	t.Cleanup(func() { // after the feature is off again
		always.Change("mesh", pause(false))
		always.ReadyOn("mesh", 2)
		for _, node := range []string{"n1", "n2"} {
			always.away("mesh", node, paused, time.Now())
		}
	})
	r.Administrate("config-features", map[string]string{"authentication-oidc": "enabled"})

	const audience = "the-application"
	r.Source("direct", kit.OnNode("n1"), kit.ToURL("http://"+app.Host+"/direct"), func(s *v1alpha1.PtpSourceSpec) {
		s.Sink.Audience = new(audience)
	})
	r.Broker("default")
	r.Trigger("all", "default", "[]", app)
	r.TriggerReady("all")
	r.Source("mesh", kit.OnNode("n2"), kit.ToBroker("default"))

	s = r.ReadyOn("direct", 1)
	event := app.Expect(time.Time{}, kit.Event{Inbox: "/direct", Type: kit.LockState, State: "LOCKED"})
	if s.Status.Auth == nil || s.Status.Auth.ServiceAccountName == nil || s.Status.SinkAudience == nil || *s.Status.SinkAudience != audience {
		t.Fatalf("auth %+v, audience %v", s.Status.Auth, s.Status.SinkAudience)
	}
	token, isBearer := strings.CutPrefix(event.Header.Get("Authorization"), "Bearer ")
	if !isBearer {
		t.Fatalf("no token came with %s", kit.Describe(event))
	}
	want := fmt.Sprintf("system:serviceaccount:%s:%s", r.Namespace, *s.Status.Auth.ServiceAccountName)
	if status := review(t, token, audience); !status.Authenticated || status.User.Username != want {
		t.Errorf("the token is of %q (%v), want %s: %s", status.User.Username, status.Authenticated, want, status.Error)
	}
	if status := review(t, token, "somebody-else"); status.Authenticated {
		t.Error("the token is good for somebody else, too")
	}

	s = r.ReadyOn("mesh", 1)
	if s.Status.SinkAudience == nil || *s.Status.SinkAudience == "" {
		t.Error("the Broker asks for no token: this test sees nothing")
	}
	app.Expect(time.Now(), kit.Event{Inbox: "/all", Source: "mesh", Node: "n2", Type: kit.ClockClass})
	var status int
	err := r.Kube.CoreV1().RESTClient().Post().Namespace(kit.System).Resource("services").Name("http:broker-ingress:80").
		SubResource("proxy").Suffix(r.Namespace, "default").
		SetHeader("Ce-Specversion", "1.0").SetHeader("Ce-Id", "1").SetHeader("Ce-Type", "forged").SetHeader("Ce-Source", "/nowhere").
		Do(t.Context()).StatusCode(&status).Error()
	if status != http.StatusUnauthorized {
		t.Errorf("an event without a token is answered %d: %v", status, err)
	}
}

// review asks the API server whose token it is.
func review(t *testing.T, token, audience string) authenticationv1.TokenReviewStatus {
	t.Helper()
	review, err := cluster.Kube.AuthenticationV1().TokenReviews().Create(t.Context(), &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{audience}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return review.Status
}
