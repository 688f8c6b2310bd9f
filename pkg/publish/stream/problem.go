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

package stream

import (
	"encoding/json"
	"net/http"
)

// problem is why a request is not answered (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail is for people: what is wrong, and what would be right.
	Detail string `json:"detail"`
	// Oldest is the id of the oldest event that is kept, where that is what matters.
	Oldest string `json:"oldest,omitempty"`
}

// Error implements error.
func (p *problem) Error() string { return p.Detail }

// refuse answers with a problem.
func refuse(w http.ResponseWriter, p *problem) {
	p.Title = http.StatusText(p.Status)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a client that is gone needs no answer
}
