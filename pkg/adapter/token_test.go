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
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var errAway = errors.New("the API server is away")

// issuer is an API server that gives numbered tokens.
type issuer struct {
	lifetime time.Duration // by the clock of the API server, which is ahead of ours
	ahead    time.Duration
	takes    time.Duration
	away     atomic.Bool
	given    int
}

func (i *issuer) request(ctx context.Context) (authv1.TokenRequestStatus, error) {
	if _, ok := ctx.Deadline(); !ok {
		return authv1.TokenRequestStatus{}, errors.New("nothing ends the request")
	}
	time.Sleep(i.takes)
	if i.away.Load() {
		return authv1.TokenRequestStatus{}, errAway
	}
	i.given++
	return authv1.TokenRequestStatus{
		Token: fmt.Sprint("token", i.given), ExpirationTimestamp: metav1.NewTime(time.Now().Add(i.ahead + i.lifetime)),
	}, nil
}

// At each step the clock is moved on, and an event asks for a token.
func TestTokens(t *testing.T) {
	type step struct {
		in      time.Duration
		refused bool // the last one was
		away    bool // the API server is
		want    string
		err     error
	}
	const minute = time.Minute
	for _, tc := range []struct {
		name                   string
		lifetime, ahead, takes time.Duration // of the issuer
		steps                  []step
	}{
		{"one is used again", time.Hour, 0, 0, []step{{want: "token1"}, {in: 47 * minute, want: "token1"}}},
		{
			"renewed while the old one is valid", time.Hour, 0, time.Second,
			[]step{{want: "token1"}, {in: 49 * minute, want: "token1"}, {in: 2 * time.Second, want: "token2"}, {in: 47 * minute, want: "token2"}},
		},
		{
			"renewed when nobody asked in time", time.Hour, 0, 0,
			[]step{{want: "token1"}, {in: 61 * minute, want: "token2"}},
		},
		{
			"an API server that is away for a while is not noticed", time.Hour, 0, 0,
			[]step{{want: "token1"}, {in: 49 * minute, away: true, want: "token1"}, {in: 5 * minute, away: true, want: "token1"}, {in: minute, want: "token1"}, {in: time.Second, want: "token2"}},
		},
		{
			"an API server that is away for too long", time.Hour, 0, 0,
			[]step{{want: "token1"}, {in: 61 * minute, away: true, err: errAway}, {in: time.Second, want: "token2"}},
		},
		{
			"an API server that is away at the start", time.Hour, 0, 0,
			[]step{{away: true, err: errAway}, {want: "token1"}},
		},
		{
			"one that was refused", time.Hour, 0, 0,
			[]step{{want: "token1"}, {refused: true, want: "token2"}, {want: "token2"}, {refused: true, away: true, err: errAway}},
		},
		{
			"a shorter life than was asked for", 20 * minute, 0, 0,
			[]step{{want: "token1"}, {in: 15 * minute, want: "token1"}, {in: 6 * minute, want: "token2"}},
		},
		{
			"a clock that is a day behind", time.Hour, 24 * time.Hour, 0,
			[]step{{want: "token1"}, {in: 61 * minute, want: "token2"}},
		},
		{
			"a clock that is a day ahead", time.Hour, -24 * time.Hour, 0,
			[]step{{want: "token1"}, {in: 7 * minute, want: "token1"}, {in: 4 * minute, want: "token2"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuer := &issuer{lifetime: tc.lifetime, ahead: tc.ahead, takes: tc.takes}
				k := &tokens{request: issuer.request}
				for n, s := range tc.steps {
					time.Sleep(s.in)
					issuer.away.Store(s.away)
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					got, err := k.get(ctx, s.refused)
					cancel()
					if got != s.want || !errors.Is(err, s.err) {
						t.Errorf("step %d: got %q, %v, want %q, %v", n+1, got, err, s.want, s.err)
					}
					if issuer.takes == 0 {
						synctest.Wait() // for a renewal
					}
				}
				time.Sleep(renewAgain) // so that a renewal ends
			})
		})
	}
}
