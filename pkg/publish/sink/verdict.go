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
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

type outcome uint8

const (
	// again: the target may take the event later.
	again outcome = iota
	// delivered: the target has the event.
	delivered
	// refused: the target will never take the event.
	refused
	// replaced: the event was not taken, and there is a newer one to send instead.
	replaced
)

// verdict is what came of one try.
type verdict struct {
	outcome outcome
	// status is the HTTP status of the answer; 0 when there was none.
	status int
	// body is what the target said with a status that is not 2xx.
	body string
	// reason says what happened, for people.
	reason string
	// retryAfter is how long the target asks to be left alone.
	retryAfter time.Duration
}

// judge makes a verdict of an answer (Knative's data plane contract).
func judge(answer *http.Response, body []byte) verdict {
	v := verdict{status: answer.StatusCode}
	if v.status/100 == 2 {
		v.outcome = delivered
		return v
	}
	v.outcome, v.body = refused, string(body)
	v.reason = fmt.Sprintf("status %d %s", v.status, http.StatusText(v.status))
	if v.body != "" {
		v.reason += fmt.Sprintf(": %.200q", v.body)
	}
	switch {
	case v.status >= http.StatusInternalServerError,
		v.status == http.StatusNotFound, // of a host whose pods are not ready yet
		v.status == http.StatusRequestTimeout,
		v.status == http.StatusConflict,
		v.status == http.StatusTooManyRequests:
		v.outcome = again
	}
	if v.status == http.StatusTooManyRequests || v.status == http.StatusServiceUnavailable {
		v.retryAfter = retryAfter(answer.Header, time.Now())
	}
	return v
}

// retryAfter reads the header Retry-After, which is a number of seconds or a date (RFC
// 9110, 10.2.3). A date counts from the answer's own, because the clock of this node may
// be the one that is wrong. What makes no sense is no wish.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, math.MaxInt64/uint64(time.Second))) * time.Second
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		now = at
	}
	return max(0, date.Sub(now))
}

// cause says why there was no answer.
func cause(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	if withURL, ok := errors.AsType[*url.Error](err); ok { // the text would show the whole URL, which may hold a secret
		return withURL.Err.Error()
	}
	return err.Error()
}

// advice says what a person can do about it.
func (v verdict) advice() string {
	switch {
	case v.status == 0:
		return "check that it is running, that its address and its certificate are right, and that no network policy is in between"
	case v.status >= 300 && v.status < 400:
		return "give the source the address that it redirects to"
	case v.status == http.StatusUnauthorized, v.status == http.StatusForbidden:
		return "check its authentication: audience, event policies, tokens"
	case v.status == http.StatusNotFound:
		return "check the path of its address, and that what is behind it is ready"
	case v.status == http.StatusTooManyRequests, v.status >= 500:
		return "check its load and its logs"
	}
	return "check its logs for why it does not want this event"
}
