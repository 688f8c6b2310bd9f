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
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// problem is an answer that is no success (RFC 9457).
type problem struct {
	status int
	// detail is a sentence that says what is wrong, and what would be right.
	detail string
	// retry is when to come again; 0: that would not help.
	retry time.Duration
	// more are further members.
	more map[string]any
}

func (p *problem) Error() string { return p.detail }

// problemf returns a problem without more.
func problemf(status int, format string, args ...any) *problem {
	return &problem{status: status, detail: fmt.Sprintf(format, args...)}
}

// write answers with the problem. v1 has called its sentence error.
func (p *problem) write(w http.ResponseWriter, version string) {
	body := map[string]any{"type": "about:blank", "title": http.StatusText(p.status), "status": p.status, "detail": p.detail}
	if version == pathV1 {
		body["error"] = p.detail
	}
	maps.Copy(body, p.more)
	if p.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.retry+time.Second-1)/time.Second)))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(body) // who has gone need not know
}
