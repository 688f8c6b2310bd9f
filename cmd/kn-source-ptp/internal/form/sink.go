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

package form

import (
	"fmt"
	"net/url"
	"strings"
)

// short are the sinks that have a short name.
var short = map[string]struct{ apiVersion, kind string }{
	"broker":  {"eventing.knative.dev/v1", "Broker"},
	"ksvc":    {"serving.knative.dev/v1", "Service"},
	"channel": {"messaging.knative.dev/v1", "Channel"},
	"service": {"v1", "Service"},
}

// readSink reads where events go: a URL, or an object as kn writes it.
func readSink(t string) (map[string]any, error) {
	if strings.HasPrefix(t, "http://") || strings.HasPrefix(t, "https://") {
		u, err := url.Parse(t)
		if err != nil || u.Host == "" {
			return nil, fmt.Errorf("%q is no URL of a host", t)
		}
		return map[string]any{"uri": t}, nil
	}
	parts := strings.Split(t, ":")
	if len(parts) == 1 { // a name alone is a Knative Service, as in kn
		parts = []string{"ksvc", t}
	}
	if len(parts) > 3 || parts[1] == "" || len(parts) == 3 && parts[2] == "" {
		return nil, errSink(t)
	}
	object, ok := short[parts[0]]
	if !ok {
		slash := strings.LastIndexByte(parts[0], '/')
		if slash <= 0 || slash == len(parts[0])-1 {
			return nil, errSink(t)
		}
		object.apiVersion, object.kind = parts[0][:slash], parts[0][slash+1:]
	}
	ref := map[string]any{"apiVersion": object.apiVersion, "kind": object.kind, "name": parts[1]}
	if len(parts) == 3 {
		ref["namespace"] = parts[2]
	}
	return map[string]any{"ref": ref}, nil
}

func errSink(t string) error {
	return fmt.Errorf("%q is no sink; it can be broker:NAME, ksvc:NAME, channel:NAME or service:NAME, "+
		"with :NAMESPACE behind it, APIVERSION/KIND:NAME[:NAMESPACE], or an http or https URL", t)
}
