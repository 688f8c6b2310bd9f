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

// authorize returns who asks; the empty string where nobody must say.
func (a *API) authorize(r *http.Request, verbs ...string) (string, error) {
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
