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

// Package registration is accounts at a certificate authority.
package registration

import "github.com/go-acme/lego/v4/challenge"

// Resource is an account.
type Resource struct {
	URI string `json:"uri,omitempty"`
}

// RegisterOptions is what an account is asked for with.
type RegisterOptions struct {
	TermsOfServiceAgreed bool
}

// RegisterEABOptions is the same for whoever is known to the authority by other means.
type RegisterEABOptions struct {
	TermsOfServiceAgreed bool
	Kid, HmacEncoded     string
}

// Registrar asks for accounts.
type Registrar struct{}

// Register fails.
func (*Registrar) Register(RegisterOptions) (*Resource, error) { return nil, challenge.ErrLeftOut }

// RegisterWithExternalAccountBinding fails.
func (*Registrar) RegisterWithExternalAccountBinding(RegisterEABOptions) (*Resource, error) {
	return nil, challenge.ErrLeftOut
}
