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

// Package dns01 is the challenge that is met with a DNS record.
package dns01

import (
	"strings"
	"time"
)

// ChallengeOption is an option of a challenge that nobody makes.
type ChallengeOption struct{}

// AddRecursiveNameservers would say which servers are asked.
func AddRecursiveNameservers([]string) ChallengeOption { return ChallengeOption{} }

// RecursiveNSsPropagationRequirement would wait for all of them.
func RecursiveNSsPropagationRequirement() ChallengeOption { return ChallengeOption{} }

// DisableAuthoritativeNssPropagationRequirement would not wait for the authoritative ones.
func DisableAuthoritativeNssPropagationRequirement() ChallengeOption { return ChallengeOption{} }

// PropagationWait would say how long to wait.
func PropagationWait(time.Duration, bool) ChallengeOption { return ChallengeOption{} }

// UnFqdn removes the dot at the end of a name. Traefik calls it for every TLS connection.
func UnFqdn(name string) string { return strings.TrimSuffix(name, ".") }
