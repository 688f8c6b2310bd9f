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
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// TraceID names a trace (W3C Trace Context).
type TraceID [16]byte

// setTrace begins a trace with an event. It is made of the event's identity, so every try
// is part of the same one, also after a restart. The header and the attribute of the
// CloudEvents extension for distributed tracing say the same, as they must on the way to
// the first hop; the header alone changes on the way.
func setTrace(h http.Header, sampled func(TraceID) bool) {
	hash := sha256.New()
	for _, part := range []string{"Ce-Resourceaddress", "Ce-Id"} {
		hash.Write([]byte(h[part][0] + "\n"))
	}
	sum := hash.Sum(nil)
	trace, span := TraceID(sum[:16]), sum[16:24]
	flags := "-00"
	if sampled != nil && sampled(trace) {
		flags = "-01"
	}
	parent := []string{"00-" + hex.EncodeToString(trace[:]) + "-" + hex.EncodeToString(span) + flags}
	h["Traceparent"], h["Ce-Traceparent"] = parent, parent
}
