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

// Package http01 is the challenge that is met with a file.
package http01

import "time"

// ChallengeOption is an option of a challenge that nobody makes.
type ChallengeOption struct{}

// SetDelay would wait before the authority is told.
func SetDelay(time.Duration) ChallengeOption { return ChallengeOption{} }

// ChallengePath is where the file would be (RFC 8555, section 8.3).
func ChallengePath(token string) string { return "/.well-known/acme-challenge/" + token }
