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
	"cmp"
	"io"
	"net/http"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

const (
	maxAnswer    = 64 << 10 // bytes that are read of an answer
	maxRedirects = 10       // as many as Go's own client follows
)

// HTTP is an option for a CloudEvents client over HTTP that a Publisher sends with; it
// must come after those that set the HTTP client. A redirect that would turn the POST
// into a GET is not followed: the event would be lost, and its loss look like success.
// And no more than 64 KiB of an answer are read: the SDK keeps all that a sink says
// with an error.
func HTTP(p *cehttp.Protocol) error {
	var client http.Client
	if p.Client != nil {
		client = *p.Client
	}
	client.CheckRedirect = keepPost
	p.Client = &client
	return cehttp.WithRoundTripperDecorator(func(next http.RoundTripper) http.RoundTripper {
		return shortAnswers{cmp.Or(next, http.DefaultTransport)}
	})(p)
}

func keepPost(next *http.Request, via []*http.Request) error {
	if next.Method != http.MethodPost || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// shortAnswers cuts off the bodies of answers.
type shortAnswers struct{ http.RoundTripper }

func (s shortAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = shortBody{io.LimitReader(response.Body, maxAnswer), response.Body}
	}
	return response, err
}

type shortBody struct {
	io.Reader
	io.Closer
}
