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

// Package tlsalpn01 is the challenge that is met with a certificate.
package tlsalpn01

import (
	"time"

	"github.com/go-acme/lego/v4/challenge"
)

// ACMETLS1Protocol is the protocol of such a connection (RFC 8737, section 4).
const ACMETLS1Protocol = "acme-tls/1"

// ChallengeOption is an option of a challenge that nobody makes.
type ChallengeOption struct{}

// SetDelay would wait before the authority is told.
func SetDelay(time.Duration) ChallengeOption { return ChallengeOption{} }

// ChallengeBlocks would make the certificate and its key.
func ChallengeBlocks(string, string) (certificate, key []byte, err error) {
	return nil, nil, challenge.ErrLeftOut
}
