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

package malformed

import "fmt"

// OCloud is what the O-Cloud notification API of a node knows. The endpoint is one that takes
// notifications.
func OCloud(node, endpoint string) Words {
	w := Words{
		Paths: []string{
			"/health", "/ocloudNotifications/api_versions", "/ocloudNotifications/openapi.yaml", "/ocloudNotifications/v2/subscriptions/status/x",
			"/ocloudNotifications/v2/subscriptions", "/ocloudNotifications/v2/subscriptions", "/api/ocloudNotifications/v1/subscriptions", "/api/ocloudNotifications/v1/subscriptions",
			"/ocloudNotifications/v2/subscriptions/6a54a440-3600-452c-861d-bc2ec3d85bc1", "/ocloudNotifications/v2/publishers", "/api/ocloudNotifications/v1/publishers/x",
			"/api/ocloudNotifications/v2/cluster/node/" + node + "/sync/ptp-status/lock-state/CurrentState", "/ocloudNotifications/v2/./" + node + "/ptp4l.0/sync/currentstate",
			"/ocloudNotifications/v2/././sync/CurrentState", "/ocloudNotifications/v1/ptp/CurrentState", "/ocloudNotifications/v1/./*/%2Fdev%2Fgnss0/sync/gnss-status/CurrentState",
		},
		Headers: map[string][]string{
			"Accept":            {"application/cloudevents+json", "application/cloudevents-batch+json", "*/*;q=0"},
			"Authorization":     {"Bearer x", "Basic YTpi", "Bearer "},
			"Content-Type":      {"application/json", "text/plain; charset=x", "multipart/form-data"},
			"Content-Encoding":  {"gzip", "identity"},
			"Expect":            {"100-continue"},
			"Idempotency-Key":   {"x"},
			"X-Forwarded-Proto": {"https"},
		},
	}
	for _, e := range []string{endpoint, "http://127.0.0.1:1/x", "http://10.0.0.1:1/x", "http://[::ffff:169.254.169.254]:1/x"} {
		for _, body := range []string{
			`{"EndpointUri":%q,"ResourceAddress":"/././sync/ptp-status/lock-state"}`,
			`{"EndpointUri":%q,"ResourceAddress":"/cluster/node/` + node + `/ptp4l.0/sync","ContentType":"application/cloudevents+json"}`,
			`{"endpointUri":%q,"resource":"/cluster/node/` + node + `/sync/ptp-status/ptp-clock-class-change"}`,
			`{"ResourceType":"PTP","ResourceQualifier":{"NodeName":"."},"EndpointUri":%q}`,
		} {
			w.Bodies = append(w.Bodies, fmt.Sprintf(body, e))
		}
	}
	return w
}
