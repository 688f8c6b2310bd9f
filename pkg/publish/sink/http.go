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

package sink

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
)

const (
	maxAnswer    = 64 << 10 // bytes that are read of an answer
	maxRedirects = 10       // as many as Go's own client follows
)

// Target is a place that events are sent to.
type Target struct {
	// URL is where that is. Logs and dead letters get it without its user information
	// and its query. There is no target where it is empty.
	URL string
	// Transport makes the requests; nil means Go's own.
	Transport http.RoundTripper
	// Header is set on every request. It wins over what the event has.
	Header http.Header
	// Token returns a bearer token for the target, and another one where the last was
	// refused. Nil means that it gets none.
	Token func(ctx context.Context, refused bool) (string, error)
}

// message is an event on its way: a CloudEvent in HTTP's binary mode.
type message struct {
	header http.Header
	body   string
}

func (m message) id() string        { return m.header.Get("Ce-Id") }
func (m message) eventType() string { return m.header.Get("Ce-Type") }

// post sends a message once; and again at once where the token was refused, because one
// may be taken back before its time.
func (l *link) post(ctx context.Context, m message) verdict {
	if l.unanswered {
		// A connection of HTTP/2 outlives a request that gets no answer, and would be used
		// again although the other end may be gone.
		l.client.CloseIdleConnections()
		l.unanswered = false
	}
	v := l.request(ctx, m, false)
	if v.status == http.StatusUnauthorized && l.target.Token != nil {
		v = l.request(ctx, m, true)
	}
	return v
}

func (l *link) request(ctx context.Context, m message, refused bool) verdict {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.target.URL, strings.NewReader(m.body))
	if err != nil {
		return verdict{outcome: again, reason: cause(err)}
	}
	// Each try has a header of its own: a try that was given up may still be read from.
	r.Header = maps.Clone(m.header)
	maps.Copy(r.Header, l.target.Header)
	// Sent without a value, it is not sent at all. It says that a request whose connection
	// turns out to have been closed meanwhile may go out again at once: the sink knows an
	// event that it has seen by its id (http.Transport).
	r.Header["Idempotency-Key"] = nil
	if l.target.Token != nil {
		token, err := l.target.Token(ctx, refused)
		if err != nil {
			return verdict{outcome: again, reason: cause(err)}
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := l.client.Do(r)
	if err != nil {
		return verdict{outcome: again, reason: cause(err)}
	}
	defer answer.Body.Close()
	// An answer is read to its end, so that the connection can be used again, but no
	// sink can make us read for ever.
	body, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return judge(answer, body)
}

// keepPost follows no redirect that would turn the POST into a GET: the event would be
// lost, and its loss look like success.
func keepPost(next *http.Request, via []*http.Request) error {
	if next.Method != http.MethodPost || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}
