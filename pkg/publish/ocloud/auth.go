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
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Authorizer says who a client is, and what that one may do.
type Authorizer interface {
	// Authorize returns the name of whom a bearer token belongs to, if that one may do all
	// of the verbs. It fails with ErrUnauthenticated for a token that is nobody's, with
	// ErrForbidden, or because it cannot be found out now.
	Authorize(ctx context.Context, token string, verbs ...string) (user string, err error)
}

// The errors of an Authorizer.
var (
	ErrUnauthenticated = errors.New("the token is not valid")
	ErrForbidden       = errors.New("that is not allowed")
)

// The verbs of Kubernetes that requests need.
const (
	verbGet    = "get"
	verbCreate = "create"
	verbDelete = "delete"
	// verbDeleteAny lets one delete what belongs to others.
	verbDeleteAny = "deletecollection"
)

func verbOf(method string) string {
	switch method {
	case http.MethodPost, http.MethodPut:
		return verbCreate
	case http.MethodDelete:
		return verbDelete
	}
	return verbGet
}

// asksWho is whether clients must say who they are.
func (a *API) asksWho() bool { return a.Authorizer != nil || a.ClientCertificates }

// certified returns whom the certificate names that a client has shown. Serve has verified it.
// Such a client may do everything but to what is another's.
func certified(r *http.Request, verbs []string) (string, error) {
	switch {
	case r.TLS == nil || len(r.TLS.PeerCertificates) == 0:
		return "", problemf(http.StatusForbidden, "this API asks who you are: connect with a certificate for clients, of the authority in ca.crt of the secret oCloud.tlsSecretName")
	case r.TLS.PeerCertificates[0].Subject.CommonName == "":
		return "", problemf(http.StatusForbidden, "your certificate does not say who you are: it needs a common name")
	case slices.Contains(verbs, verbDeleteAny):
		return "", problemf(http.StatusForbidden, "that is another's, and with oCloud.auth ClientCertificate only its owner may do it; with ServiceAccount others can be allowed to")
	}
	return r.TLS.PeerCertificates[0].Subject.CommonName, nil
}

// authorize returns who asks; the empty string where nobody must say.
func (a *API) authorize(r *http.Request, verbs ...string) (string, error) {
	if a.ClientCertificates {
		return certified(r, verbs)
	}
	if a.Authorizer == nil {
		return "", nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(token) == "" {
		return "", &problem{status: http.StatusUnauthorized, detail: "this API asks who you are: send the token of a service account in the header Authorization: Bearer <token>"}
	}
	user, err := a.Authorizer.Authorize(r.Context(), strings.TrimSpace(token), verbs...)
	switch {
	case errors.Is(err, ErrUnauthenticated):
		return "", problemf(http.StatusUnauthorized, "%v: send a token of a service account of this cluster that has not expired", err)
	case errors.Is(err, ErrForbidden):
		return "", problemf(http.StatusForbidden, "%v: give %q the verbs %s on ptpsources/ocloud in the group sources.knative.dev", err, user, strings.Join(verbs, " and "))
	case err != nil:
		return "", &problem{status: http.StatusServiceUnavailable, detail: "it cannot be found out now who you are: " + err.Error(), retry: time.Second}
	}
	return user, nil
}
