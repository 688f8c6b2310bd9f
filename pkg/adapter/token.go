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
	"fmt"
	"sync"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

const (
	// tokenLifetime is asked for. No token lives for less than shortestToken (the API of
	// TokenRequest does not allow it).
	tokenLifetime, shortestToken = time.Hour, 10 * time.Minute
	// renewAgain is how long a renewal that has failed waits to be tried again.
	renewAgain = 30 * time.Second
)

// tokens shows one audience who a service account is. An event waits for a token only
// where there is none that is valid: a new one is had in the background while the old one
// has a fifth of its life left, and an API server that is away meanwhile is not noticed.
type tokens struct {
	request func(context.Context) (authv1.TokenRequestStatus, error)

	mu             sync.Mutex
	token          string
	renew, expires time.Time // by the monotonic clock
}

func newTokens(client kubernetes.Interface, account types.NamespacedName, audience string) *tokens {
	return &tokens{request: func(ctx context.Context) (authv1.TokenRequestStatus, error) {
		answer, err := client.CoreV1().ServiceAccounts(account.Namespace).CreateToken(ctx, account.Name, &authv1.TokenRequest{
			Spec: authv1.TokenRequestSpec{Audiences: []string{audience}, ExpirationSeconds: new(int64(tokenLifetime.Seconds()))},
		}, metav1.CreateOptions{})
		if err != nil {
			return authv1.TokenRequestStatus{}, fmt.Errorf("could not request a token for %s: %w", account, err)
		}
		return answer.Status, nil
	}}
}

// get returns a token that is valid; a new one, if the last one was refused.
func (t *tokens) get(ctx context.Context, refused bool) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.token == "" || refused || now.After(t.expires) {
		status, err := t.request(ctx)
		if err != nil {
			return "", err
		}
		t.keep(status, now)
	}
	if now.After(t.renew) {
		t.renew = now.Add(renewAgain)
		go t.inBackground(context.WithoutCancel(ctx))
	}
	return t.token, nil
}

func (t *tokens) inBackground(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, renewAgain)
	defer cancel()
	now := time.Now()
	status, err := t.request(ctx)
	if err != nil {
		return // the one that there is has time left
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep(status, now)
}

// keep takes a token that was asked for at now. When it expires is said by the API
// server's clock, and ours may be the one that is wrong, so it is believed only as far as
// it makes sense.
func (t *tokens) keep(s authv1.TokenRequestStatus, now time.Time) {
	lifetime := min(max(s.ExpirationTimestamp.Sub(now), shortestToken), tokenLifetime)
	t.token, t.renew, t.expires = s.Token, now.Add(lifetime*4/5), now.Add(lifetime)
}
