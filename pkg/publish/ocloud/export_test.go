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
	"net/http"
	"time"
)

// Check is what happens before a connection is made.
func (e Endpoints) Check(hostPort string) error { return e.check(hostPort) }

// RetryAfter is how long an answer asks to be left alone.
func RetryAfter(h http.Header, now time.Time) time.Duration { return retryAfter(h, now) }

// Parse returns the ids of the subscriptions in a file, and the endpoint of each.
func Parse(text string) ([]string, error) {
	records, err := parse([]byte(text))
	var all []string
	for _, r := range records {
		all = append(all, r.ID+" "+r.EndpointURI)
	}
	return all, err
}

// OpenAPI is the description that is served.
func OpenAPI() []byte { return openAPI }
