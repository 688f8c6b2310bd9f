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
	"crypto/sha256"
	"fmt"
	"maps"
	"sync"
	"time"

	authnv1 "k8s.io/api/authentication/v1"
	authzv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
)

const (
	// decisionAge is for how long an answer of Kubernetes is believed. A token that is taken
	// back works that much longer.
	decisionAge = 30 * time.Second
	// decisions is how many answers are kept.
	decisions = 1024
	// askTimeout is how long Kubernetes may take to answer.
	askTimeout = 5 * time.Second
)

// authorizer asks Kubernetes whose a token is (TokenReview), and what that one may do with
// the subresource ocloud of a PtpSource (SubjectAccessReview).
type authorizer struct {
	client          kubernetes.Interface
	namespace, name string

	mu   sync.Mutex
	made map[question]decision
}

type question struct {
	token [sha256.Size]byte
	verb  string
}

type decision struct {
	user string
	err  error
	at   time.Time
}

var _ ocloud.Authorizer = (*authorizer)(nil)

func newAuthorizer(client kubernetes.Interface, namespace, name string) *authorizer {
	return &authorizer{client: client, namespace: namespace, name: name, made: map[question]decision{}}
}

// Authorize implements ocloud.Authorizer.
func (a *authorizer) Authorize(ctx context.Context, token string, verbs ...string) (user string, err error) {
	for _, verb := range verbs {
		q := question{sha256.Sum256([]byte(token)), verb}
		d, known := a.known(q)
		if !known {
			d.user, known, d.err = a.ask(ctx, token, verb)
			if known {
				a.keep(q, d)
			}
		}
		if user = d.user; d.err != nil {
			return user, d.err
		}
	}
	return user, nil
}

func (a *authorizer) known(q question) (decision, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d, ok := a.made[q]
	return d, ok && time.Since(d.at) < decisionAge
}

func (a *authorizer) keep(q question, d decision) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.made) >= decisions {
		// Who shows tokens that are none must not have those of others be asked about again.
		maps.DeleteFunc(a.made, func(_ question, d decision) bool { return d.err != nil || time.Since(d.at) >= decisionAge })
	}
	if len(a.made) >= decisions {
		clear(a.made) // they are soon known again
	}
	d.at = time.Now()
	a.made[q] = d
}

// ask asks Kubernetes. The answer is not certain where it has none.
func (a *authorizer) ask(ctx context.Context, token, verb string) (user string, certain bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	review, err := a.client.AuthenticationV1().TokenReviews().Create(ctx, &authnv1.TokenReview{Spec: authnv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return "", false, fmt.Errorf("review the token: %w", err)
	}
	if !review.Status.Authenticated {
		return "", true, ocloud.ErrUnauthenticated
	}
	who := review.Status.User
	access := &authzv1.SubjectAccessReview{Spec: authzv1.SubjectAccessReviewSpec{
		User: who.Username, UID: who.UID, Groups: who.Groups, Extra: map[string]authzv1.ExtraValue{},
		ResourceAttributes: &authzv1.ResourceAttributes{
			Group: "sources.knative.dev", Resource: "ptpsources", Subresource: "ocloud",
			Namespace: a.namespace, Name: a.name, Verb: verb,
		},
	}}
	for key, values := range who.Extra {
		access.Spec.Extra[key] = authzv1.ExtraValue(values)
	}
	access, err = a.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, access, metav1.CreateOptions{})
	if err != nil {
		return "", false, fmt.Errorf("review the access of %s: %w", who.Username, err)
	}
	if !access.Status.Allowed {
		return who.Username, true, ocloud.ErrForbidden
	}
	return who.Username, true, nil
}
