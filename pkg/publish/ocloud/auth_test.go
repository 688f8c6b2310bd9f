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
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/eventing-ptp/eventing-ptp/pkg/publish/ocloud"
)

// users are whom tokens belong to: who has one of these names.
type users map[string][]string

func (u users) Authorize(_ context.Context, token string, verbs ...string) (string, error) {
	if token == "later" {
		return "", errors.New("the API server is away")
	}
	may, ok := u[token]
	if !ok {
		return "", ocloud.ErrUnauthenticated
	}
	for _, v := range verbs {
		if !slices.Contains(may, v) {
			return token, ocloud.ErrForbidden
		}
	}
	return token, nil
}

func TestAuthorization(t *testing.T) {
	c := consume(t, nil)
	r := open(t, func(o *ocloud.Options) {
		o.Authorizer = users{
			"anna": {"get", "create", "delete"}, "bert": {"get", "create", "delete"}, "root": {"get", "create", "delete", "deletecollection"}, "reader": {"get"},
		}
	})
	as := func(user string) []string { return []string{"Authorization", "Bearer " + user} }
	body := func(path string) string {
		return fmt.Sprintf(`{"EndpointUri":%q,"ResourceAddress":"/sync"}`, c.URL+path)
	}
	id := func(got reply) string { s, _ := got.json(t)["SubscriptionId"].(string); return s }

	for _, path := range []string{subscriptions, "/ocloudNotifications/v2/publishers", "/ocloudNotifications/v2/sync/CurrentState", "/ocloudNotifications/api_versions", "/ocloudNotifications/openapi.yaml"} {
		for _, header := range [][]string{nil, {"Authorization", "Basic YTpi"}, {"Authorization", "Bearer "}, as("nobody")} {
			got := r.do(t, "GET", path, "", header...)
			if got.status != 401 || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") || !strings.Contains(got.problem(t), "token") {
				t.Errorf("%s as %q: %d %s", path, header, got.status, got.body)
			}
		}
		if got := r.do(t, "GET", path, "", as("reader")...); got.status != 200 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := r.do(t, "GET", "/ocloudNotifications/v2/health", ""); got.status != 200 {
		t.Errorf("health: %d %s", got.status, got.body)
	}
	if got := r.do(t, "GET", subscriptions, "", as("later")...); got.status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.problem(t), "the API server is away") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := r.do(t, "POST", subscriptions, body(""), as("reader")...); got.status != 403 || !strings.Contains(got.problem(t), `give "reader" the verbs create on ptpsources/ocloud`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if len(c.got()) > 0 {
		t.Errorf("somebody who may not has had %q sent", c.got())
	}

	annas := id(r.do(t, "POST", subscriptions, body("/a"), as("anna")...))
	berts := id(r.do(t, "POST", subscriptions, body("/b"), as("bert")...))
	for _, step := range []struct {
		user, method, path string
		status             int
	}{
		{"bert", "DELETE", "/" + annas, 403},
		{"bert", "PUT", "/status/" + annas, 403},
		{"bert", "DELETE", "?all=true", 403},
		{"bert", "DELETE", "?EndpointUri=" + c.URL + "/a", 403},
		{"bert", "DELETE", "", 204}, // all that is bert's
		{"bert", "GET", "/" + berts, 404},
		{"bert", "GET", "/" + annas, 200},
		{"root", "DELETE", "/" + annas, 204},
	} {
		if got := r.do(t, step.method, subscriptions+step.path, "", as(step.user)...); got.status != step.status {
			t.Errorf("%s: %s %s: %d %s, want %d", step.user, step.method, step.path, got.status, got.body, step.status)
		}
	}
}
