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

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/eventing-ptp/eventing-ptp/pkg/client/clientset/versioned"
)

// Client reaches a cluster as the user of its configuration, with that user's rights and no
// others.
type Client struct {
	Kube    kubernetes.Interface
	Sources versioned.Interface
	Dynamic dynamic.Interface
	// AdapterNamespace is where adapters run.
	AdapterNamespace string

	http   *http.Client
	config *rest.Config
}

// New returns a client for a cluster.
func New(config *rest.Config, adapterNamespace string) (*Client, error) {
	config = rest.CopyConfig(config)
	config.Timeout = 0 // streams have no end; each request has its own context
	config.QPS = -1    // the API server defends itself
	c := &Client{AdapterNamespace: adapterNamespace, config: config}
	var err error
	if c.http, err = rest.HTTPClientFor(config); err != nil {
		return nil, fmt.Errorf("make a client for the cluster: %w", err)
	}
	if c.Kube, err = kubernetes.NewForConfigAndClient(config, c.http); err != nil {
		return nil, fmt.Errorf("make a client for the cluster: %w", err)
	}
	if c.Sources, err = versioned.NewForConfigAndClient(config, c.http); err != nil {
		return nil, fmt.Errorf("make a client for PtpSources: %w", err)
	}
	if c.Dynamic, err = dynamic.NewForConfigAndClient(config, c.http); err != nil {
		return nil, fmt.Errorf("make a client for the cluster: %w", err)
	}
	return c, nil
}

// Refusal is an answer that is none: the adapter's, or the API server's on the way there.
type Refusal struct {
	Status int
	// Detail says why, for people.
	Detail string
	// Adapter is whether the adapter itself has said so.
	Adapter bool
}

// Error implements error.
func (r *Refusal) Error() string { return r.Detail }

// Gone is whether an adapter has refused because it does not know, or not any more, the event
// behind which it was asked to go on.
func Gone(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Adapter && r.Status == http.StatusGone
}

// Final is whether an adapter would refuse the same request again.
func Final(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Adapter && r.Status >= 400 && r.Status < 500
}

// Ask asks an adapter by way of the API server (the subresource proxy of its pod). The caller
// closes the answer; the context ends it, too.
func (c *Client) Ask(ctx context.Context, a Adapter, path string, query url.Values, accept string) (io.ReadCloser, error) {
	if a.Trouble != "" {
		return nil, errors.New(a.Trouble)
	}
	u := c.Kube.CoreV1().RESTClient().Get().Namespace(c.AdapterNamespace).Resource("pods").
		Name(fmt.Sprintf("%s:%d", a.Pod, a.Port)).SubResource("proxy").Suffix(path).URL()
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", a, err)
	}
	request.Header.Set("Accept", accept)
	response, err := c.http.Do(request)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok { // the address says nothing to a user
			err = wrapped.Err
		}
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // the status alone says something
	return nil, refusal(response, text)
}

// refusal reads an answer that is none.
func refusal(response *http.Response, text []byte) *Refusal {
	r := &Refusal{Status: response.StatusCode}
	var problem struct {
		Detail  string `json:"detail"`  // RFC 9457, by an adapter
		Message string `json:"message"` // metav1.Status, by the API server
	}
	_ = json.Unmarshal(text, &problem) // it may be any text
	switch contentType := response.Header.Get("Content-Type"); {
	case strings.HasPrefix(contentType, "application/problem+json"):
		r.Adapter, r.Detail = true, problem.Detail
	case problem.Message != "":
		r.Detail = problem.Message
	case response.StatusCode == http.StatusNotFound:
		r.Detail = "it has no history and no state to show: it is of an earlier version"
	default:
		r.Detail = strings.TrimSpace(string(text))
	}
	if r.Detail == "" {
		r.Detail = response.Status
	}
	return r
}
